package breakglass

import (
	"context"
	"errors"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// Drilled is a drill: which sheet somebody held in their hand.
type Drilled struct {
	Account string `json:"account"`
	Sheet   string `json:"sheet"`
}

// Drill proves that the sheet of an account is the one that somebody has, by the number on
// its outside, and that it would let somebody in now. Nothing is opened: neither the
// envelope nor a session. It fails as approval.Submit does; a wrong number is fault.Invalid,
// is remembered, and too many are fault.Throttled.
func (s *Service) Drill(ctx context.Context, act approval.Act, userID, typed string) error {
	a, err := s.Find(ctx, act.TenantID, userID)
	if err != nil {
		return err
	}
	var sheet struct{ ID, Outside string }
	if _, err := s.DB.View(ctx).One(&sheet, "SELECT id, outside FROM break_glass_sheets WHERE tenant_id = ? AND user_id = ? AND state = 'sealed'", act.TenantID, userID); err != nil {
		return store.Unusable(err)
	}
	act = act.With(Drilled{Account: userID, Sheet: sheet.ID})
	if sheet.ID == "" {
		return s.drilled(ctx, act)
	}
	subject := s.daily(s.DB.Now(), "drill", userID, act.ActorID)
	if err := s.count(ctx, act.TenantID, subject); err != nil {
		return err
	}
	if sheet.Outside == "" || !secret.Same(sheet.Outside, s.Keys.CodeDigest(sheet.ID, Typed(typed))) {
		return s.notDrilled(ctx, act, a)
	}
	// Whatever becomes of it, the number was right.
	return errors.Join(s.drilled(ctx, act), s.DB.Act(ctx, func(tx *store.Tx) error { return throttle.Passed(tx, act.TenantID, subject, way) }))
}

func (s *Service) drilled(ctx context.Context, act approval.Act) error {
	_, err := s.Approvals.Submit(ctx, act)
	return err
}

// notDrilled remembers a wrong number.
func (s *Service) notDrilled(ctx context.Context, act approval.Act, a Account) error {
	wrong := fault.Wrong("form.wrong", map[string]string{"outside": "break_glass.outside_wrong"})
	return errors.Join(s.DB.Act(ctx, func(tx *store.Tx) error {
		return audit.Record(tx, audit.Event{
			TenantID: act.TenantID, Action: audit.BreakGlassDrilled, Outcome: audit.Failure, Reason: "break_glass.outside_wrong",
			Actor: audit.User(act.ActorID), Target: audit.User(a.UserID), Subject: a.UserID, Origin: act.Origin,
		})
	}), wrong)
}

// drill plans to note that a sheet was found where it should be, and works.
func (s *Service) drill(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var done Drilled
	if err := act.Read(&done); err != nil {
		return approval.Plan{}, err
	}
	a, err := find(tx, act.TenantID, done.Account)
	if err != nil {
		return approval.Plan{}, err
	}
	gone := fault.New(fault.Conflict, "break_glass.not_sealed")
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageHandle}},
		Difference: []approval.Change{{Field: "break_glass_account", After: a.Name}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(gone, `UPDATE break_glass_accounts SET drilled_at = ?, drilled_by = ? WHERE tenant_id = ? AND user_id = ?
				AND EXISTS (SELECT 1 FROM break_glass_sheets s WHERE s.tenant_id = break_glass_accounts.tenant_id AND s.user_id = break_glass_accounts.user_id AND s.id = ? AND s.state = 'sealed' AND s.hash <> '' AND `+works+`)`,
				tx.Now, act.ActorID, act.TenantID, done.Account, done.Sheet)
			if err != nil {
				return err
			}
			e := act.Event(audit.BreakGlassDrilled)
			e.Target, e.Subject, e.Thread = audit.User(done.Account), done.Account, done.Sheet
			return audit.Record(tx, e)
		},
	}
	switch {
	case done.Sheet == "":
		plan.Wrong = gone
	case a.State != user.Active:
		plan.Wrong = fault.New(fault.Conflict, "break_glass.locked")
	}
	return plan, nil
}

// Watch tells the security administrators of a tenant, once, when a drill is due. Any
// replica may run it.
func (s *Service) Watch(ctx context.Context) error {
	due := s.DB.Now().Add(-DrillSpan)
	const which = "removed_at IS NULL AND COALESCE(drilled_at, made_at) <= ? AND (reminded_at IS NULL OR reminded_at <= ?)"
	return s.each(ctx, "SELECT DISTINCT tenant_id FROM break_glass_accounts WHERE "+which, func(tx *store.Tx, tenantID string) error {
		due := tx.Now.Add(-DrillSpan)
		var all []struct{ UserID string }
		if err := tx.All(&all, "UPDATE break_glass_accounts SET reminded_at = ? WHERE tenant_id = ? AND "+which+" RETURNING user_id", tx.Now, tenantID, due, due); err != nil {
			return err
		}
		for _, a := range all {
			var name string
			if _, err := tx.One(&name, "SELECT name FROM users WHERE tenant_id = ? AND id = ?", tenantID, a.UserID); err != nil {
				return err
			}
			if err := audit.Record(tx, audit.Event{TenantID: tenantID, Action: audit.BreakGlassDrillDue, Actor: audit.Service, Target: audit.User(a.UserID), Subject: a.UserID}); err != nil {
				return err
			}
			if err := s.tell(tx, tenantID, audit.BreakGlassDrillDue, name, approval.Act{}); err != nil {
				return err
			}
		}
		return nil
	}, due, due)
}

// atOnce is how many tenants one round goes through, so that it ends soon; the next one
// goes on.
const atOnce = 100

// each does something in each tenant that a query finds, in an act of its own.
func (s *Service) each(ctx context.Context, query string, do func(*store.Tx, string) error, values ...any) error {
	var tenants []string
	if err := s.DB.View(ctx).All(&tenants, query+" LIMIT ?", append(values, atOnce)...); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, tenantID := range tenants {
		all = errors.Join(all, s.DB.Act(store.Within(ctx, tenantID), func(tx *store.Tx) error { return do(tx, tenantID) }))
	}
	return all
}
