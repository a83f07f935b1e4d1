package vouch

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/prompt"
	"latchkey/app/provider"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Number is one that a person can be called back at.
type Number struct {
	ID, Number string // masked, where who looks does not see them
}

// Call is a call-back as somebody of the helpdesk sees it.
type Call struct {
	Vouch
	UserName, PersonName string // sign-in name; with the display name
	CaseName             string
	CalledBy             string // sign-in name of who gave their word; empty: nobody has
	Numbers              []Number
	Letters              string // while it waits
	Stops                string // code of why whoever looks cannot give their word; or empty
	FourEyes             bool   // somebody else must approve it
	Whole                bool   // the numbers are not masked
}

// inboxMost is how many call-backs a list has.
const inboxMost = 50

// Inbox lists the call-backs that wait in the groups of who looks, the oldest first.
func (s *Service) Inbox(ctx context.Context, who access.Standing) ([]Call, error) {
	tx := s.DB.View(ctx)
	which, values := waiting(tx, who)
	var waits []Vouch
	err := tx.All(&waits, "SELECT "+columns+" FROM vouches WHERE "+which+" ORDER BY begun_at, id LIMIT ?", append(values, inboxMost)...)
	if err != nil || len(waits) == 0 {
		return nil, store.Unusable(err)
	}
	all, err := calls(tx, waits...)
	return all, store.Unusable(err)
}

// calls gives call-backs with the names of those in them.
func calls(tx *store.Tx, waits ...Vouch) ([]Call, error) {
	var people, of []string
	for _, v := range waits {
		people, of = append(people, v.UserID, v.GivenBy), append(of, v.CaseID)
	}
	tenantID := waits[0].TenantID
	named, err := user.CalledOf(tx, tenantID, people...)
	if err != nil {
		return nil, err
	}
	cased, err := cases.Names(tx, tenantID, of...)
	all := make([]Call, len(waits))
	for i, v := range waits {
		u := named[v.UserID]
		all[i] = Call{Vouch: v, UserName: u.Name, PersonName: user.Full(u.Name, u.DisplayName), CaseName: cased[v.CaseID], CalledBy: named[v.GivenBy].Name}
	}
	return all, err
}

// Waiting counts the call-backs that wait in the groups of who looks, as far as a list has them.
func (s *Service) Waiting(ctx context.Context, who access.Standing) (n int, err error) {
	tx := s.DB.View(ctx)
	which, values := waiting(tx, who)
	_, err = tx.One(&n, "SELECT count(*) FROM (SELECT 1 FROM vouches WHERE "+which+" LIMIT ?) counted", append(values, inboxMost)...)
	return n, store.Unusable(err)
}

// waiting is the condition on vouches that are call-backs, and wait in the groups of who looks.
func waiting(tx *store.Tx, who access.Standing) (which string, values []any) {
	which, values = "tenant_id = ? AND kind = 'call_back' AND state = 'pending' AND expires_at > ?", []any{who.TenantID, tx.Now}
	if len(who.Scope) > 0 {
		which += " AND EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = vouches.user_id AND m.tenant_id = vouches.tenant_id AND m.group_id IN ?)"
		values = append(values, who.Scope)
	}
	return which, values
}

// FindCall gives a call-back. One of another tenant, or of somebody outside the groups of
// who asks, is fault.NotFound. Whole numbers are shown to those alone from whom
// authenticators are not masked (roles.md), while it waits and they may call: that they
// were shown is an event.
func (s *Service) FindCall(ctx context.Context, who access.Standing, id string, from audit.Origin) (c Call, err error) {
	tx := s.DB.View(ctx)
	v, err := s.visible(tx, who, id)
	if err != nil {
		return c, store.Unusable(err)
	}
	all, err := calls(tx, v)
	if err != nil {
		return c, store.Unusable(err)
	}
	if c = all[0]; v.Live(tx.Now) != prompt.Pending {
		return c, nil
	}
	if err := s.openCall(tx, who, &c); err != nil || !c.Whole {
		return c, store.Unusable(err)
	}
	looked := v.event(audit.VouchAsked, audit.User(who.UserID), from)
	looked.Action = audit.CallBackLooked
	return c, s.DB.Act(ctx, func(tx *store.Tx) error { return audit.Record(tx, looked) })
}

// PersonOf gives whom a call-back is of, for an act on them, and shows nothing. It fails as
// FindCall does.
func (s *Service) PersonOf(ctx context.Context, who access.Standing, id string) (userID string, err error) {
	v, err := s.visible(s.DB.View(ctx), who, id)
	return v.UserID, store.Unusable(err)
}

// visible finds a call-back that somebody may look at.
func (s *Service) visible(tx *store.Tx, who access.Standing, id string) (v Vouch, err error) {
	found, err := tx.One(&v, "SELECT "+columns+" FROM vouches WHERE tenant_id = ? AND id = ? AND kind = 'call_back'", who.TenantID, id)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return v, err
	}
	seen, err := s.Rules.Ask(tx, access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: access.AuthenticatorView, TargetID: v.UserID})
	if err == nil {
		err = seen.Err()
	}
	return v, err
}

// openCall adds to a call-back that waits what whoever looks may do with it.
func (s *Service) openCall(tx *store.Tx, who access.Standing, c *Call) error {
	on, phones, err := s.lookBack(tx, c.TenantID, c.UserID, c.SessionID)
	if f := fault.Of(err); f != nil && f.Kind == fault.Forbidden {
		c.Stops = "callback.over"
		return nil
	}
	if err != nil {
		return err
	}
	needs := access.RebindRequest
	if who.May.Has(access.RebindApprove) {
		needs = access.RebindApprove
	}
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: needs, TargetID: c.UserID})
	if err != nil {
		return err
	}
	had, err := s.hadPart(tx, on, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	c.FourEyes = verdict.Answer == access.FourEyes
	switch {
	case on.over(tx.Now):
		c.Stops = "callback.over"
	case verdict.Err() != nil:
		c.Stops = fault.Of(verdict.Err()).Code
	case had != nil:
		c.Stops = fault.Of(had).Code
	}
	if c.Stops != "" {
		return nil
	}
	c.Letters, c.Whole = s.CallLetters(c.Vouch), !people.Masked(who)
	for _, p := range phones {
		n := Number{ID: p.ID, Number: p.Number}
		if !c.Whole {
			n.Number = provider.MaskNumber(p.Number)
		}
		c.Numbers = append(c.Numbers, n)
	}
	return nil
}
