package risk

import (
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/breakglass"
	"latchkey/app/checkpoint"
	"latchkey/app/feature"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Found is a risk that there is.
type Found struct {
	People int        // that it concerns; for what concerns a thing, how many of them
	Since  *time.Time // nil: nobody knows
	By     string     // id of who turned it on; empty: nobody knows, or nobody did
}

// Risk is one that is looked for.
type Risk struct {
	Name string // add, never rename
	Find func(tx *store.Tx, tenantID string) (*Found, error)
}

// Risks are all of them, the worst first.
var Risks = []Risk{
	{"break_glass_few", breakGlassFew},
	{"break_glass_used", breakGlass(spentSince)},
	{"break_glass_drill", breakGlass(drillSince)},
	{"break_glass_key", breakGlass(keylessSince)},
	{"no_witness", noWitness},
	{"outage", outage},
	{"static_passcodes_out", counted("static_passcodes p WHERE p.tenant_id = ? AND p.state IN ('approved', 'active') AND p.expires_at > "+store.Now, "p.approved_at")},
	{"static_passcodes", way(feature.StaticPasscode, user.WithStaticPasscode, "static_passcode")},
	{"sms", way(feature.SMS, user.WithSMS, "sms")},
	{"voice", way(feature.Voice, user.WithVoice, "voice")},
	{"mfa_disabled", counted("users u WHERE u.tenant_id = ? AND u.state = 'active' AND u.mfa_state = 'disabled' AND NOT u.break_glass", "")},
	{"excluded", excluded},
	{"match_mode", setting("t.match_mode = 'pick3'", "users WHERE tenant_id = ? AND state = 'active' AND ways & 2 <> 0", string(audit.SettingsChanged), "→ pick3")},
	{"trust_days", setting("t.trust_days > "+strconv.Itoa(session.TrustDaysUsual), "trusted_browsers WHERE tenant_id = ? AND ended_at IS NULL", string(audit.SettingsChanged), "\"trust_days\"")},
	{"bypass_minutes", setting("t.bypass_minutes > 60", live, string(audit.DeskChanged), "\"bypass_minutes\"")},
	{"bypass_uses", setting("t.bypass_uses > 1", live, string(audit.DeskChanged), "\"bypass_uses\"")},
	{"bypass_read_out", setting("t.bypass_read_out", live, string(audit.DeskChanged), "\"desk_deliveries\"")},
}

// live are the bypasses that there are.
const live = "bypasses WHERE tenant_id = ? AND state IN ('ready', 'active')"

// spentSince says since when the sheet of an account is spent.
func spentSince(a breakglass.Account, _ time.Time) *time.Time {
	if a.Serial != "" {
		return nil
	}
	return a.UsedAt
}

// drillSince says since when a drill is due.
func drillSince(a breakglass.Account, now time.Time) *time.Time {
	if !a.DrillDue(now) {
		return nil
	}
	due := a.DrillAt()
	return &due
}

// keylessSince says since when a code alone lets in.
func keylessSince(a breakglass.Account, _ time.Time) *time.Time {
	if a.Passkeys > 0 {
		return nil
	}
	return &a.MadeAt
}

// Named gives a risk by its name.
func Named(name string) (Risk, bool) {
	for _, r := range Risks {
		if r.Name == name {
			return r, true
		}
	}
	return Risk{}, false
}

// breakGlassFew: fewer accounts than advised would let somebody in.
func breakGlassFew(tx *store.Tx, tenantID string) (*Found, error) {
	all, err := breakglass.Of(tx, tenantID)
	if err != nil {
		return nil, err
	}
	missing := breakglass.Advised
	for _, a := range all {
		if a.Works() {
			missing--
		}
	}
	if missing <= 0 {
		return nil, nil
	}
	return &Found{People: missing}, nil
}

// breakGlass finds accounts of which something is so since a moment.
func breakGlass(since func(a breakglass.Account, now time.Time) *time.Time) func(*store.Tx, string) (*Found, error) {
	return func(tx *store.Tx, tenantID string) (*Found, error) {
		all, err := breakglass.Of(tx, tenantID)
		if err != nil {
			return nil, err
		}
		var f *Found
		for _, a := range all {
			at := since(a, tx.Now)
			if at == nil {
				continue
			}
			if f == nil {
				f = &Found{}
			}
			if f.People++; f.Since == nil || at.Before(*f.Since) {
				f.Since = at
			}
		}
		return f, nil
	}
}

// noWitness: nobody keeps the signed heads of the audit where the database is not. A
// program that runs says each minute which witnesses it has.
func noWitness(tx *store.Tx, _ string) (*Found, error) {
	var any int
	if _, err := tx.One(&any, "SELECT count(*) FROM audit_witnesses WHERE seen_at > ?", tx.Now.Add(-checkpoint.WitnessGone)); err != nil || any > 0 {
		return nil, err
	}
	return &Found{People: 1}, nil
}

// outage: one runs, and relaxes something.
func outage(tx *store.Tx, tenantID string) (*Found, error) {
	var row struct {
		Since *time.Time
		ByID  string
	}
	ok, err := tx.One(&row, "SELECT began_at AS since, requested_by AS by_id FROM outages WHERE tenant_id = ? AND drill = FALSE AND ended_at IS NULL AND ends_at > ? AND relaxes <> 0", tenantID, tx.Now)
	if err != nil || !ok {
		return nil, err
	}
	return &Found{People: 1, Since: row.Since, By: row.ByID}, nil
}

// counted finds rows of a tenant; since is what tells when the oldest began, or empty.
func counted(from, since string) func(*store.Tx, string) (*Found, error) {
	return func(tx *store.Tx, tenantID string) (*Found, error) {
		var f Found
		if _, err := tx.One(&f.People, "SELECT count(*) FROM "+from, tenantID); err != nil || f.People == 0 {
			return nil, err
		}
		if since == "" {
			return &f, nil
		}
		var row struct{ Since *time.Time }
		_, err := tx.One(&row, "SELECT "+since+" AS since FROM "+from+" ORDER BY 1 LIMIT 1", tenantID)
		f.Since = row.Since
		return &f, err
	}
}

// way finds a way in that is on for somebody; the people are those who have bound it.
func way(f feature.Feature, bit user.Ways, name string) func(*store.Tx, string) (*Found, error) {
	return func(tx *store.Tx, tenantID string) (*Found, error) {
		var on bool
		if _, err := tx.One(&on, "SELECT (t.no_sign_in & ? = 0 OR t.no_second & ? = 0) AND "+feature.Somebody(f)+" FROM tenants t WHERE t.id = ?", bit, bit, tenantID); err != nil || !on {
			return nil, err
		}
		var found Found
		if _, err := tx.One(&found.People, "SELECT count(*) FROM users WHERE tenant_id = ? AND state = 'active' AND ways & ? <> 0", tenantID, bit); err != nil {
			return nil, err
		}
		var err error
		found.Since, found.By, err = latest(tx,
			"SELECT changed_at AS since, changed_by AS by_id FROM method_versions WHERE tenant_id = ? AND difference LIKE ? ORDER BY version DESC LIMIT 1", []any{tenantID, "%\"method_" + name + "\"%"},
			"SELECT changed_at AS since, changed_by AS by_id FROM rollout_versions WHERE tenant_id = ? AND feature = ? ORDER BY version DESC LIMIT 1", []any{tenantID, f})
		return &found, err
	}
}

// latest gives the later one of what two queries find.
func latest(tx *store.Tx, one string, of []any, other string, ofOther []any) (since *time.Time, by string, err error) {
	for query, values := range map[string][]any{one: of, other: ofOther} {
		var row struct {
			Since *time.Time
			ByID  string
		}
		if _, err := tx.One(&row, query, values...); err != nil {
			return nil, "", err
		}
		if row.Since != nil && (since == nil || row.Since.After(*since)) {
			since, by = row.Since, row.ByID
		}
	}
	return since, by, nil
}

// excluded finds people in groups that a feature leaves out.
func excluded(tx *store.Tx, tenantID string) (*Found, error) {
	f, err := counted("users u WHERE u.tenant_id = ? AND u.state = 'active' AND NOT u.break_glass AND "+feature.LeftOut, "")(tx, tenantID)
	if err != nil || f == nil {
		return nil, err
	}
	var row struct {
		Since *time.Time
		ByID  string
	}
	_, err = tx.One(&row, `SELECT v.changed_at AS since, v.changed_by AS by_id FROM rollout_versions v JOIN rollouts r ON r.tenant_id = v.tenant_id AND r.feature = v.feature
		WHERE v.tenant_id = ? AND EXISTS (SELECT 1 FROM rollout_groups g WHERE g.tenant_id = v.tenant_id AND g.feature = v.feature AND g.excluded) ORDER BY v.changed_at DESC LIMIT 1`, tenantID)
	f.Since, f.By = row.Since, row.ByID
	return f, err
}

// looked is how many events of a tenant are looked through for who changed a setting.
const looked = 20_000

// set gives when a setting was changed last, and by whom, as the audit says it: by an
// action whose record has a mark. What lies far back nobody looks for.
func set(tx *store.Tx, tenantID, action, mark string) (since *time.Time, by string, err error) {
	var row struct {
		Since *time.Time
		ByID  string
	}
	text := "CAST(e.record AS text)"
	if tx.Dialect == store.Postgres {
		text = "convert_from(e.record, 'UTF8')"
	}
	_, err = tx.One(&row, `SELECT e.occurred_at AS since, e.actor_id AS by_id FROM (SELECT action, occurred_at, id, actor_id, record FROM audit_events WHERE tenant_id = ? ORDER BY occurred_at DESC, id DESC LIMIT ?) e
		WHERE e.action = ? AND `+text+` LIKE ? ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1`, tenantID, looked, action, "%"+mark+"%")
	return row.Since, row.ByID, err
}

// setting finds a setting of a tenant t that a condition is true of; the people are those
// that another one counts.
func setting(condition, people, action, mark string) func(*store.Tx, string) (*Found, error) {
	return func(tx *store.Tx, tenantID string) (*Found, error) {
		var on bool
		if _, err := tx.One(&on, "SELECT "+condition+" FROM tenants t WHERE t.id = ?", tenantID); err != nil || !on {
			return nil, err
		}
		var f Found
		if _, err := tx.One(&f.People, "SELECT count(*) FROM "+people, tenantID); err != nil {
			return nil, err
		}
		var err error
		f.Since, f.By, err = set(tx, tenantID, action, mark)
		return &f, err
	}
}
