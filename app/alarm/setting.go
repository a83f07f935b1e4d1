package alarm

import (
	"context"
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Setting is what a tenant says of a rule.
type Setting struct {
	Active     bool
	Threshold  int           // events
	Window     time.Duration // whole minutes
	Mail       bool          // security administrators are told, on their pages and by mail
	ConsumerID string        // a webhook that is told; empty: none
}

// Set is the setting of a rule as it stands.
type Set struct {
	Setting
	Rule      Rule
	Version   int // 0: as the program has it
	ChangedAt time.Time
	ChangedBy string // id
}

type settingRow struct {
	Rule                        string
	Active, Mail                bool
	Threshold, Minutes, Version int
	ConsumerID, ChangedBy       string
	ChangedAt                   time.Time
}

// SettingsOf gives how each rule stands in a tenant, in their order. A webhook that is gone is
// none.
func (s *Service) SettingsOf(ctx context.Context, tenantID string) ([]Set, error) {
	all, err := settingsOf(s.DB.View(ctx), tenantID)
	return all, store.Unusable(err)
}

// SettingOf gives how one rule stands. One that there is not is fault.NotFound.
func (s *Service) SettingOf(ctx context.Context, tenantID, rule string) (Set, error) {
	return settingOf(s.DB.View(ctx), tenantID, rule)
}

func settingOf(tx *store.Tx, tenantID, rule string) (Set, error) {
	all, err := settingsOf(tx, tenantID)
	if err != nil {
		return Set{}, store.Unusable(err)
	}
	for _, set := range all {
		if set.Rule.Name == rule {
			return set, nil
		}
	}
	return Set{}, notFound()
}

func settingsOf(tx *store.Tx, tenantID string) ([]Set, error) {
	var rows []settingRow
	err := tx.All(&rows, `SELECT r.rule, r.active, r.threshold, r.minutes, r.mail, COALESCE(c.id, '') AS consumer_id, r.version, r.changed_by, r.changed_at
		FROM alarm_rules r LEFT JOIN consumers c ON c.tenant_id = r.tenant_id AND c.id = r.consumer_id WHERE r.tenant_id = ?`, tenantID)
	if err != nil {
		return nil, err
	}
	kept := map[string]settingRow{}
	for _, r := range rows {
		kept[r.Rule] = r
	}
	all := make([]Set, len(Rules))
	for i, rule := range Rules {
		all[i] = Set{Rule: rule, Setting: rule.Default}
		r, is := kept[rule.Name]
		if !is {
			continue
		}
		all[i].Setting = Setting{r.Active || rule.Always, r.Threshold, time.Duration(r.Minutes) * time.Minute, rule.mails(r.Mail), r.ConsumerID}
		all[i].Version, all[i].ChangedAt, all[i].ChangedBy = r.Version, r.ChangedAt, r.ChangedBy
		if rule.Fixed() {
			all[i].Threshold, all[i].Window = rule.Default.Threshold, rule.Default.Window
		}
	}
	return all, nil
}

// mails says whether alarms of a rule are mailed of which a tenant says so, or says not.
func (r Rule) mails(said bool) bool { return (said || r.Always) && !r.Told }

// within gives next as a rule can have it, and the fields that break one of its bounds.
func (r Rule) within(next Setting) (Setting, map[string]string) {
	wrong := map[string]string{}
	next.Active, next.Mail = next.Active || r.Always, r.mails(next.Mail)
	if r.Fixed() {
		next.Threshold, next.Window = r.Default.Threshold, r.Default.Window
		return next, wrong
	}
	if next.Threshold < r.Least || next.Threshold > r.Most {
		wrong["threshold"] = "alarm.threshold_form"
	}
	offered := false
	for _, w := range r.Windows() {
		offered = offered || w == next.Window
	}
	if !offered {
		wrong["window"] = "alarm.window_form"
	}
	return next, wrong
}

// Save sets a rule of a tenant. It fails with fault.Invalid when a field breaks a bound, and
// with fault.Conflict when somebody changed it since version was read. What changes nothing
// is no change.
func (s *Service) Save(ctx context.Context, tenantID, userID, name string, next Setting, version int, from audit.Origin) error {
	rule, known := Named(name)
	if !known {
		return notFound()
	}
	next, wrong := rule.within(next)
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if next.ConsumerID != "" {
			var id string
			found, err := tx.One(&id, "SELECT id FROM consumers WHERE tenant_id = ? AND id = ? AND kind = 'webhook'", tenantID, next.ConsumerID)
			if err != nil {
				return err
			}
			if !found {
				wrong["consumer"] = "alarm.consumer_form"
			}
		}
		if len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		was, err := settingOf(tx, tenantID, name)
		if err != nil {
			return err
		}
		if was.Version != version {
			return changed()
		}
		details := was.Setting.difference(next)
		if len(details) == 0 {
			return nil
		}
		values := []any{next.Active, next.Threshold, int(next.Window / time.Minute), next.Mail, next.ConsumerID, userID, tx.Now, tenantID, name}
		if version == 0 {
			err = tx.Change(changed(), `INSERT INTO alarm_rules (active, threshold, minutes, mail, consumer_id, changed_by, changed_at, tenant_id, rule, version) VALUES (?,?,?,?,?,?,?,?,?,1) ON CONFLICT (tenant_id, rule) DO NOTHING`, values...)
		} else {
			err = tx.Change(changed(), `UPDATE alarm_rules SET active = ?, threshold = ?, minutes = ?, mail = ?, consumer_id = ?, changed_by = ?, changed_at = ?, version = version + 1
				WHERE tenant_id = ? AND rule = ? AND version = ?`, append(values, version)...)
		}
		if err != nil {
			return err
		}
		e := audit.Event{
			TenantID: tenantID, Action: audit.AlarmRuleChanged, Actor: audit.User(userID), Target: audit.Tenant(tenantID), Origin: from,
			Details: map[string]string{"rule": name},
		}
		for field, text := range details {
			e.Details[field] = text
		}
		return audit.Record(tx, e)
	})
}

// difference says of each field that is another one in next what it was and what it is.
func (s Setting) difference(next Setting) map[string]string {
	all := map[string]string{}
	for _, f := range []struct{ field, before, after string }{
		{"active", yes(s.Active), yes(next.Active)},
		{"threshold", strconv.Itoa(s.Threshold), strconv.Itoa(next.Threshold)},
		{"minutes", minutes(s.Window), minutes(next.Window)},
		{"mail", yes(s.Mail), yes(next.Mail)},
		{"consumer", s.ConsumerID, next.ConsumerID},
	} {
		if f.before != f.after {
			all[f.field] = f.before + " → " + f.after
		}
	}
	return all
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func notFound() error { return fault.New(fault.NotFound, "http.not_found") }
func changed() error  { return fault.New(fault.Conflict, "alarm.changed_meanwhile") }
