package signin

import (
	"time"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/place"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// subjectOf is whom an attempt is for: a user or a name that nobody answers for.
type subjectOf struct {
	tenant  tenant.Tenant
	places  place.Named
	subject string
	found   Found
	recent  []asked
}

// Found is what there is about a name. Gorm reads it as part of a row, which
// takes an exported name.
type Found struct {
	TenantID  string
	MatchMode tenant.MatchMode
	Elsewhere tenant.MatchMode // in the place of MatchMode where it is stronger and nobody has a name for the place
	Places    string           // that the tenant has a name for, see place.Read
	UserID    string
	State     string
	Way       string
	Phones    bool // some phone of theirs can answer
	Pushes    bool // and takes Web Push
	SeenHere  bool // this browser had a session of theirs, or they trust it
	Trusted   bool
	Typed     bool // the number is typed, whatever the tenant's mode
	Ways      user.Ways

	NoSignIn       user.Ways // that nobody in the tenant signs in with
	StrongestFirst bool

	InARow      int // wrong numbers, see prompt.Way
	PausedUntil *time.Time
}

// asked is an earlier prompt of the name, and whether this browser asked for it.
type asked struct {
	prompt.Recent
	mine bool
}

// userID is the user when they can sign in, else empty.
func (s subjectOf) userID() string {
	if s.found.State == user.Active {
		return s.found.UserID
	}
	return ""
}

// phoneUser is the user when some phone of theirs can answer, else empty.
func (s subjectOf) phoneUser() string {
	if s.found.Phones {
		return s.userID()
	}
	return ""
}

// typedNumber says of a user u in a tenant t that they type the number.
var typedNumber = feature.With(feature.TypedNumberMatch)

// subject reads, in one query for every name alike, the tenant and the user of
// a sign-in name with their habit, phones and the prompts of the last day.
func (s *Service) subject(tx *store.Tx, name string, from From) (subjectOf, error) {
	domain := domainOf(name)
	who := subjectOf{subject: s.Keys.Subject(name)}
	var rows []struct {
		Found
		PromptID    string
		PromptState prompt.State
		AttemptID   string
		WrongNumber bool
		NewBrowser  bool
		CreatedAt   *time.Time
		ExpiresAt   *time.Time
		DecidedAt   *time.Time
		Mine        bool
	}
	trusted, values := "FALSE", []any(nil)
	if shown := session.TrustDigests(from.Trusted); shown != "" {
		trusted, values = session.Trusted, []any{shown, tx.Now}
	}
	// PostgreSQL finds rows behind the wall by a CASE, and not by COALESCE: it takes
	// that for a function which could tell what it was given. Attempts are asked for alone: joined,
	// a plan from a night with hardly any walks through all that there are in the morning.
	err := tx.All(&rows, `SELECT COALESCE(t.id, '') AS tenant_id, COALESCE(t.match_mode, '') AS match_mode, COALESCE(t.match_mode_elsewhere, '') AS elsewhere, COALESCE(t.places, '') AS places,
		CASE WHEN t.id IS NULL THEN 128 ELSE `+method.NobodySignsIn+` END AS no_sign_in, COALESCE(t.strongest_first, FALSE) AS strongest_first, COALESCE(u.ways, 0) AS ways,
		COALESCE(u.id, '') AS user_id, COALESCE(u.state, '') AS state, COALESCE(h.way, '') AS way,
		`+phoneSignsIn+` AND `+method.NoUse+` & 2 = 0 AS phones, CASE WHEN u.id IS NULL THEN FALSE ELSE `+typedNumber+` END AS typed,
		EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = t.id AND d.user_id = u.id AND d.state = 'active' AND d.phone_sign_in AND d.push_subscription <> '') AS pushes,
		EXISTS (SELECT 1 FROM sessions b WHERE b.tenant_id = t.id AND b.user_id = u.id AND b.browser_digest = n.browser AND NOT b.limited) AS seen_here,
		CASE WHEN u.id IS NULL THEN FALSE ELSE `+trusted+` END AS trusted,
		COALESCE(f.in_a_row, 0) AS in_a_row, f.paused_until,
		COALESCE(p.id, '') AS prompt_id, COALESCE(p.state, '') AS prompt_state, COALESCE(p.attempt_id, '') AS attempt_id,
		COALESCE(p.wrong_number, FALSE) AS wrong_number, COALESCE(p.new_browser, FALSE) AS new_browser, p.created_at, p.expires_at, p.decided_at,
		COALESCE((SELECT a.browser_digest = n.browser FROM attempts a WHERE a.tenant_id = p.tenant_id AND a.id = p.attempt_id), FALSE) AS mine
		FROM (SELECT CAST(? AS text) AS domain, CAST(? AS text) AS name, CAST(? AS text) AS subject, CAST(? AS text) AS browser) n
		LEFT JOIN domains dom ON dom.domain = n.domain AND dom.verified_at IS NOT NULL
		LEFT JOIN tenants t ON t.id = dom.tenant_id AND t.state = 'active'
		LEFT JOIN users u ON u.tenant_id = t.id AND u.name = n.name
		LEFT JOIN habits h ON h.tenant_id = CASE WHEN t.id IS NULL THEN ? ELSE t.id END AND h.subject = n.subject
		LEFT JOIN throttles f ON f.tenant_id = CASE WHEN t.id IS NULL THEN ? ELSE t.id END AND f.subject = n.subject AND f.way = ?
		LEFT JOIN prompts p ON p.tenant_id = CASE WHEN t.id IS NULL THEN ? ELSE t.id END AND p.subject = n.subject AND p.created_at > ?
		ORDER BY p.created_at DESC`,
		append(values, domain, name, who.subject, from.BrowserDigest, tenant.Nowhere, tenant.Nowhere, prompt.Way, tenant.Nowhere, tx.Now.Add(-prompt.Memory))...)
	if err != nil || len(rows) == 0 {
		return who, err
	}
	who.found = rows[0].Found
	who.found.SeenHere = who.found.SeenHere || who.found.Trusted
	if who.places, err = place.Read(who.found.Places); err != nil {
		return who, err
	}
	who.tenant = tenant.Tenant{ID: who.found.TenantID, MatchMode: who.found.MatchMode}
	if who.tenant.ID == "" {
		who.tenant = tenant.Tenant{ID: tenant.Nowhere, MatchMode: tenant.Pick3}
	}
	for _, r := range rows {
		if r.PromptID == "" {
			continue
		}
		who.recent = append(who.recent, asked{mine: r.Mine, Recent: prompt.Recent{
			ID: r.PromptID, State: r.PromptState, AttemptID: r.AttemptID, WrongNumber: r.WrongNumber, NewBrowser: r.NewBrowser,
			CreatedAt: *r.CreatedAt, ExpiresAt: *r.ExpiresAt, DecidedAt: r.DecidedAt,
		}})
	}
	return who, nil
}
