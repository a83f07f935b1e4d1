package bypass

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/desk"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

const columns = `tenant_id, id, user_id, case_id, kind, state, delivery, phone_id, minutes, uses, uses_left, network, application_id, reason, reason_code, reason_words, ticket, ticket_check,
	check_id, check_via, check_strength, requested_by, approved_by, starts_at, ends_at, created_at, made_at, last_used_at, ended_at, ended_by, ending`

func list(tx *store.Tx, which, order string, limit int, values ...any) (all []Bypass, err error) {
	err = tx.All(&all, "SELECT "+columns+" FROM bypasses b WHERE "+which+" ORDER BY "+order+" LIMIT ?", append(values, limit)...)
	return all, err
}

// find reads a bypass: fault.NotFound when the tenant has none such.
func find(tx *store.Tx, tenantID, id string) (b Bypass, err error) {
	ok, err := tx.One(&b, "SELECT "+columns+" FROM bypasses b WHERE b.tenant_id = ? AND b.id = ?", tenantID, id)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	return b, err
}

// Row is a bypass with the names of those in it.
type Row struct {
	Bypass
	UserName, RequestedName, ApprovedName, EndedName string
	Application                                      string
}

// PageLength is how many a page of the list has.
const PageLength = 50

// Position is where a page ends. The zero one is the beginning.
type Position struct {
	At time.Time
	ID string
}

// Page is a part of the list, the newest first.
type Page struct {
	Rows []Row
	More bool
	Now  time.Time
}

// List gives the bypasses of a tenant that somebody sees, the newest first.
func (s *Service) List(ctx context.Context, who access.Standing, open bool, after Position) (p Page, err error) {
	tx := s.DB.View(ctx)
	p.Now = tx.Now
	which, values := "b.tenant_id = ?", []any{who.TenantID}
	if open {
		which, values = which+" AND b.state IN ('ready', 'active') AND b.ends_at > ?", append(values, tx.Now)
	}
	if !after.At.IsZero() {
		which, values = which+" AND (b.created_at, b.id) < (?, ?)", append(values, after.At, after.ID)
	}
	if len(who.Scope) > 0 {
		which = which + " AND EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = b.user_id AND m.tenant_id = b.tenant_id AND m.group_id IN ?)"
		values = append(values, who.Scope)
	}
	found, err := list(tx, which, "b.created_at DESC, b.id DESC", PageLength+1, values...)
	if err != nil {
		return p, store.Unusable(err)
	}
	if p.More = len(found) > PageLength; p.More {
		found = found[:PageLength]
	}
	p.Rows, err = rows(tx, who.TenantID, found)
	return p, store.Unusable(err)
}

// Find gives one that somebody sees; all else is fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, id string) (Row, time.Time, error) {
	tx := s.DB.View(ctx)
	b, err := find(tx, who.TenantID, id)
	if err != nil {
		return Row{}, tx.Now, store.Unusable(err)
	}
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: access.AuthenticatorView, TargetID: b.UserID})
	if err == nil {
		err = verdict.Err()
	}
	if err != nil {
		return Row{}, tx.Now, store.Unusable(err)
	}
	all, err := rows(tx, who.TenantID, []Bypass{b})
	if err != nil {
		return Row{}, tx.Now, store.Unusable(err)
	}
	return all[0], tx.Now, nil
}

// OfPerson lists the last ones of a person, the newest first.
func (s *Service) OfPerson(ctx context.Context, tenantID, userID string, most int) ([]Row, error) {
	tx := s.DB.View(ctx)
	found, err := list(tx, "b.user_id = ? AND b.tenant_id = ?", "b.created_at DESC", most, userID, tenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	all, err := rows(tx, tenantID, found)
	return all, store.Unusable(err)
}

// OfCase lists those that were given under a case, the newest first. That who asks may look
// at it is the caller's to ask.
func (s *Service) OfCase(ctx context.Context, tenantID, caseID string, most int) ([]Row, error) {
	tx := s.DB.View(ctx)
	found, err := list(tx, "b.user_id = (SELECT c.user_id FROM cases c WHERE c.tenant_id = ? AND c.id = ?) AND b.tenant_id = ? AND b.case_id = ?", "b.created_at DESC", most, tenantID, caseID, tenantID, caseID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	all, err := rows(tx, tenantID, found)
	return all, store.Unusable(err)
}

func rows(tx *store.Tx, tenantID string, found []Bypass) ([]Row, error) {
	var ids, apps []string
	for _, b := range found {
		ids = append(ids, b.UserID, b.RequestedBy, b.ApprovedBy, b.EndedBy)
		if b.ApplicationID != "" {
			apps = append(apps, b.ApplicationID)
		}
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	if err != nil {
		return nil, err
	}
	named := map[string]string{}
	if len(apps) > 0 {
		if err := tx.Each("SELECT id, name FROM applications WHERE tenant_id = ? AND id IN ?", func(scan func(...any) error) error {
			var id, name string
			err := scan(&id, &name)
			named[id] = name
			return err
		}, tenantID, apps); err != nil {
			return nil, err
		}
	}
	all := make([]Row, len(found))
	for i, b := range found {
		all[i] = Row{Bypass: b, UserName: names[b.UserID], RequestedName: names[b.RequestedBy], ApprovedName: names[b.ApprovedBy], EndedName: names[b.EndedBy], Application: named[b.ApplicationID]}
	}
	return all, nil
}

// Knobs are what a form may choose from for a person.
type Knobs struct {
	desk.Desk
	Alone  int // minutes that the agent gives by themselves
	Places []string
}

// Knobs gives what an agent's form offers for a user.
func (s *Service) Knobs(ctx context.Context, who access.Standing, userID string) (k Knobs, err error) {
	tx := s.DB.View(ctx)
	of, _, err := rulesFor(tx, who.TenantID, userID)
	if err != nil {
		return k, store.Unusable(err)
	}
	places, err := tenant.Places(tx, who.TenantID)
	k = Knobs{Desk: of, Alone: min(minutesAlone(who.Rank), of.Minutes)}
	for _, p := range places {
		k.Places = append(k.Places, p.Name)
	}
	return k, store.Unusable(err)
}
