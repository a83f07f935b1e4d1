package role

import (
	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// AdministratorsLeast is how many of them must be able to sign in (product.md §4).
const AdministratorsLeast = 2

// Keep runs a change that may take administrators away, in the act tx. It fails
// with fault.Conflict, and the act with it, when the change leaves the tenant
// without an active security administrator, or takes one of the last two
// administrators who can sign in. A tenant that never had so many may keep what
// it has.
//
// Only those count whose assignment lasts: one that ends by itself would leave
// later what it may not leave now. Of two changes at once the second waits here
// for the first, so what must still hold is asked within change.
func (s *Service) Keep(tx *store.Tx, tenantID string, change func() error) error {
	if tx.Dialect == store.Postgres {
		// NO KEY: rows that name the tenant, this act's own among them, are written on.
		var id string
		if _, err := tx.One(&id, "SELECT id FROM tenants WHERE id = ? FOR NO KEY UPDATE", tenantID); err != nil {
			return err
		}
	}
	before, err := s.count(tx, tenantID)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := s.count(tx, tenantID)
	switch {
	case err != nil:
		return err
	case after.security < before.security && after.security == 0:
		return fault.New(fault.Conflict, "role.last_security_administrator")
	case after.able < before.able && after.able < AdministratorsLeast:
		return fault.New(fault.Conflict, "role.two_administrators")
	}
	return nil
}

// IfKept makes a change, in the act tx, unless Keep would not let it happen: then it is
// undone, and done is false.
func (s *Service) IfKept(tx *store.Tx, tenantID string, change func() error) (done bool, err error) {
	kept, err := s.try(tx, tenantID, change, true)
	return err == nil && kept == nil, err
}

// Would fails as Keep does for a change that is made for this, in the act tx, and undone.
func (s *Service) Would(tx *store.Tx, tenantID string, change func() error) error {
	kept, err := s.try(tx, tenantID, change, false)
	if err != nil {
		return err
	}
	return kept
}

// try makes a change and says what Keep says to it. It is undone unless it is kept and
// stays.
func (s *Service) try(tx *store.Tx, tenantID string, change func() error, stays bool) (kept, err error) {
	if err := tx.Exec("SAVEPOINT tried").Error; err != nil {
		return nil, err
	}
	kept = s.Keep(tx, tenantID, change)
	switch {
	case kept != nil && !Keeps(kept):
		return nil, kept
	case kept == nil && stays:
		return nil, tx.Exec("RELEASE SAVEPOINT tried").Error
	}
	return kept, tx.Exec("ROLLBACK TO SAVEPOINT tried").Error
}

// Keeps says whether err is that Keep let something not happen.
func Keeps(err error) bool {
	f := fault.Of(err)
	return f != nil && (f.Code == "role.last_security_administrator" || f.Code == "role.two_administrators")
}

// administrators are those who run a tenant.
type administrators struct {
	security int // active security administrators
	able     int // of all who run it, those who can sign in
}

func (s *Service) count(tx *store.Tx, tenantID string) (n administrators, err error) {
	holders, err := s.Rules.StandingsIn(tx, tenantID)
	if err != nil {
		return n, err
	}
	var all, security []string
	for _, h := range holders {
		if !h.EndsAt.IsZero() {
			continue
		}
		if runs(h) {
			all = append(all, h.UserID)
		}
		if h.Role == access.RoleSecurityAdministrator {
			security = append(security, h.UserID)
		}
	}
	able, err := signin.Able(tx, s.Keys, tenantID, all)
	if err != nil {
		return n, err
	}
	for _, can := range able {
		if can {
			n.able++
		}
	}
	if len(security) > 0 {
		_, err = tx.One(&n.security, "SELECT count(*) FROM users WHERE tenant_id = ? AND id IN ? AND state = 'active'", tenantID, security)
	}
	return n, err
}

// runs says whether somebody could put a tenant right again: an administrator of
// all of it who may give roles. A custom role of the same rank may hold less.
func runs(h access.Standing) bool {
	return h.Rank >= access.AdministratorRank && len(h.Scope) == 0 && h.May.Has(access.RoleAssign)
}

// Running gives those who run a tenant: whoever may assign roles in it, without a limit
// to groups or an end.
func (s *Service) Running(tx *store.Tx, tenantID string) (ids []string, err error) {
	holders, err := s.Rules.StandingsIn(tx, tenantID)
	for _, h := range holders {
		if h.EndsAt.IsZero() && runs(h) {
			ids = append(ids, h.UserID)
		}
	}
	return ids, err
}
