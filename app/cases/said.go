package cases

import (
	"time"

	"latchkey/app/access"
	"latchkey/app/people"
	"latchkey/app/store"
)

// claims is what is known of whoever asked for a case: Mailed says that the person has said
// that it was not them by more than a phone, which somebody else may hold.
type claims struct{ Proved, Disowned, Mailed bool }

// claimsOf reads of cases whether anybody was proved to be the person, and whether the
// person says that they did not ask.
func claimsOf(tx *store.Tx, tenantID string, found []Case) (map[string]claims, error) {
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	known := map[string]claims{}
	var rows []struct {
		ID                       string
		Proved, Disowned, Mailed bool
	}
	err := tx.All(&rows, `SELECT c.id, EXISTS (SELECT 1 FROM caller_checks k WHERE k.case_id = c.id AND k.tenant_id = c.tenant_id AND k.proved_at IS NOT NULL) AS proved,
		EXISTS (SELECT 1 FROM case_asks a WHERE a.case_id = c.id AND a.case_id <> '' AND a.tenant_id = c.tenant_id AND a.disowned_at IS NOT NULL) AS disowned,
		EXISTS (SELECT 1 FROM case_asks a WHERE a.case_id = c.id AND a.case_id <> '' AND a.tenant_id = c.tenant_id AND a.disowned_via = 'mail') AS mailed
		FROM cases c WHERE c.tenant_id = ? AND c.id IN ?`, tenantID, ids)
	for _, r := range rows {
		known[r.ID] = claims{r.Proved, r.Disowned, r.Mailed}
	}
	return known, err
}

// Said is a request of a case: that somebody asked, and how much that is worth.
type Said struct {
	ID         string
	Number     string
	At         time.Time
	Opened     bool   // the case was opened by it
	Proved     string // what was proved before, as amr values; empty: nothing
	SignedIn   bool
	IP         string // masked, where who looks does not see addresses
	Browser    string
	DisownedAt time.Time // zero: the person has not said that it was not them
}

func saidOf(tx *store.Tx, who access.Standing, c Case) (all []Said, err error) {
	var rows []askRow
	if err := tx.All(&rows, "SELECT "+askColumns+" FROM case_asks WHERE case_id = ? AND case_id <> '' AND tenant_id = ? ORDER BY asked_at, id LIMIT ?", c.ID, c.TenantID, notesRows); err != nil {
		return nil, err
	}
	for _, a := range rows {
		s := Said{ID: a.ID, Number: Name(a.Number), At: a.AskedAt, Opened: a.State == "opened", Proved: a.Proved, SignedIn: a.AttemptID == "", IP: a.IP, Browser: a.Browser}
		if a.DisownedAt != nil {
			s.DisownedAt = *a.DisownedAt
		}
		if !who.May.Has(access.AuditReadPersonal) {
			s.IP = people.MaskIP(s.IP)
		}
		all = append(all, s)
	}
	return all, nil
}
