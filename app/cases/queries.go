package cases

import (
	"errors"
	"time"

	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/store"
)

const columns = `c.tenant_id, c.id, c.number, c.user_id, c.cause, c.words, c.ticket, c.reason_code, c.reason_words, c.state, c.waits_for, c.origin, c.owner_id, c.opened_by, c.repeats, c.opened_at, c.closed_at, c.closed_by, c.ending`

// list reads cases by a condition on c.
func list(tx *store.Tx, which, order string, limit int, values ...any) (all []Case, err error) {
	err = tx.All(&all, "SELECT "+columns+" FROM cases c WHERE "+which+" ORDER BY "+order+" LIMIT ?", append(values, limit)...)
	return all, err
}

// find reads a case, and says whether the tenant has it.
func find(tx *store.Tx, tenantID, id string) (c Case, ok bool, err error) {
	ok, err = tx.One(&c, "SELECT "+columns+" FROM cases c WHERE c.tenant_id = ? AND c.id = ?", tenantID, id)
	return c, ok, err
}

// nextNumber gives the next number of a tenant, for a case or for a request.
func nextNumber(tx *store.Tx, tenantID string, number *int) error {
	_, err := tx.One(number, `INSERT INTO case_numbers (tenant_id, last) VALUES (?, 1001)
		ON CONFLICT (tenant_id) DO UPDATE SET last = case_numbers.last + 1 RETURNING last`, tenantID)
	return err
}

// insert stores a new case, with the next number of its tenant unless it has one, and how
// many the person had lately.
func insert(tx *store.Tx, c *Case) error {
	if c.Number == 0 {
		if err := nextNumber(tx, c.TenantID, &c.Number); err != nil {
			return err
		}
	}
	if _, err := tx.One(&c.Repeats, "SELECT count(*) FROM cases WHERE user_id = ? AND tenant_id = ? AND opened_at > ?", c.UserID, c.TenantID, tx.Now.Add(-RepeatSpan)); err != nil {
		return err
	}
	err := tx.Exec(`INSERT INTO cases (tenant_id, id, number, user_id, cause, words, ticket, state, origin, owner_id, opened_by, repeats, opened_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		c.TenantID, c.ID, c.Number, c.UserID, c.Cause, c.Words, c.Ticket, c.State, c.Origin, c.OwnerID, c.OpenedBy, c.Repeats, c.OpenedAt).Error
	if errors.Is(err, store.ErrDuplicate) {
		return fault.New(fault.Conflict, "case.one")
	}
	return err
}

// LinkKind is the kind of a thing that a case is about. Add, never rename.
type LinkKind string

const (
	LinkDevice      LinkKind = "device"       // the account on a phone
	LinkCallerCheck LinkKind = "caller_check" // see package callercheck
)

// Linked is a thing that a case is about.
type Linked struct {
	Kind           LinkKind
	ID             string
	AddedAt        time.Time
	Name, Platform string
	State          string // of the phone
	PhoneSignIn    bool
}

// signsIn says whether a phone still signs its person in.
func (l Linked) signsIn() bool {
	return l.Kind == LinkDevice && l.State == device.Active && l.PhoneSignIn
}

func links(tx *store.Tx, tenantID, caseID string) (all []Linked, err error) {
	err = tx.All(&all, `SELECT l.kind, l.target_id AS id, l.added_at, COALESCE(d.name, '') AS name, COALESCE(d.platform, '') AS platform, COALESCE(d.state, '') AS state,
		COALESCE(d.phone_sign_in, FALSE) AS phone_sign_in
		FROM case_links l LEFT JOIN devices d ON l.kind = 'device' AND d.tenant_id = l.tenant_id AND d.account_id = l.target_id
		WHERE l.tenant_id = ? AND l.case_id = ? ORDER BY l.added_at, l.target_id`, tenantID, caseID)
	return all, err
}

// AddLink says in the act tx that a case is about a thing.
func AddLink(tx *store.Tx, c Case, kind LinkKind, id, by string) error {
	return tx.Exec("INSERT INTO case_links (tenant_id, case_id, kind, target_id, added_by, added_at) VALUES (?,?,?,?,?,?)", c.TenantID, c.ID, kind, id, by, tx.Now).Error
}

// Devices gives the phones that a case is about: their person does not have them any more.
func Devices(tx *store.Tx, tenantID, caseID string) (accounts []string, err error) {
	err = tx.All(&accounts, "SELECT target_id FROM case_links WHERE tenant_id = ? AND case_id = ? AND kind = 'device'", tenantID, caseID)
	return accounts, err
}

// phoneOf reads a phone of a person; without an id there is none.
func phoneOf(tx *store.Tx, tenantID, userID, accountID string) (l Linked, err error) {
	if accountID == "" {
		return l, nil
	}
	_, err = tx.One(&l, "SELECT account_id AS id, name, platform, state, phone_sign_in FROM devices WHERE tenant_id = ? AND account_id = ? AND user_id = ?", tenantID, accountID, userID)
	return l, err
}

// StandingOf reads the case of a person that is not closed, and says whether there is one.
func StandingOf(tx *store.Tx, tenantID, userID string) (c Case, ok bool, err error) {
	found, err := list(tx, "c.tenant_id = ? AND c.user_id = ? AND c.state <> 'closed'", "c.opened_at", 1, tenantID, userID)
	if err != nil || len(found) == 0 {
		return c, false, err
	}
	return found[0], true, nil
}

// Names gives the names of cases by their ids.
func Names(tx *store.Tx, tenantID string, ids ...string) (map[string]string, error) {
	named := map[string]string{}
	if len(ids) == 0 {
		return named, nil
	}
	var rows []struct {
		ID     string
		Number int
	}
	err := tx.All(&rows, "SELECT id, number FROM cases WHERE tenant_id = ? AND id IN ?", tenantID, ids)
	for _, r := range rows {
		named[r.ID] = Name(r.Number)
	}
	return named, err
}
