package vouch

import (
	"context"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/session"
	"latchkey/app/store"
)

// Kinds of acts.
const (
	KindCallBack approval.Kind = "rebind.call_back" // somebody was called, and it is them
	KindNotThem  approval.Kind = "rebind.not_them"  // or they could not be reached
)

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindCallBack: s.callBack, KindNotThem: s.notThem}
}

// Called is what a colleague says of a call.
type Called struct {
	Vouch  string `json:"vouch"`
	Phone  string `json:"phone"`  // the backup phone that they called
	Number string `json:"number"` // on the page of the person, who said it
}

// called finds what an act is about. That of somebody else is not there.
func called(tx *store.Tx, act approval.Act, id string) (v Vouch, found bool, err error) {
	found, err = tx.One(&v, "SELECT "+columns+" FROM vouches WHERE tenant_id = ? AND id = ? AND user_id = ? AND kind = 'call_back'", act.TenantID, id, act.TargetID)
	return v, found, err
}

// hadPart says that somebody gave the bypass or approved it, or was made or promoted
// lately by who did.
func (s *Service) hadPart(tx *store.Tx, on situation, tenantID, userID string) (error, error) {
	if slices.Contains(on.had(), userID) {
		return fault.New(fault.Conflict, "callback.had_part"), nil
	}
	makers, err := access.MakersOf(tx, tenantID, userID, tx.Now.Add(-madeSpan))
	if err == nil && slices.ContainsFunc(makers, func(id string) bool { return slices.Contains(on.had(), id) }) {
		return fault.New(fault.Conflict, "callback.made"), nil
	}
	return nil, err
}

// callBack plans to take the word of a colleague who called. Who may approve a rebinding
// gives it alone: the bypass was given by somebody else, so four eyes have seen it. Who
// may only request one needs another who approves it.
func (s *Service) callBack(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var c Called
	if err := act.Read(&c); err != nil {
		return approval.Plan{}, err
	}
	actor, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return approval.Plan{}, err
	}
	q := access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RebindRequest, TargetID: act.TargetID}
	if actor.May.Has(access.RebindApprove) {
		q.Needs = access.RebindApprove
	}
	plan := approval.Plan{Questions: []access.Question{q}, Approves: access.RebindApprove}
	v, found, err := called(tx, act, c.Vouch)
	if err != nil {
		return plan, err
	}
	if !found {
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
		return plan, nil
	}
	on, phones, err := s.lookBack(tx, v.TenantID, v.UserID, v.SessionID)
	ended := false
	if f := fault.Of(err); f != nil && f.Kind == fault.Forbidden {
		ended, err = true, nil
	}
	if err != nil {
		return plan, err
	}
	had, err := s.hadPart(tx, on, act.TenantID, act.ActorID)
	if err != nil {
		return plan, err
	}
	at := slices.IndexFunc(phones, func(p backupphone.Phone) bool { return p.ID == c.Phone })
	if at >= 0 {
		plan.Difference = []approval.Change{{Field: "called", After: provider.MaskNumber(phones[at].Number)}}
	}
	switch {
	case ended, v.State != Pending, !tx.Now.Before(v.ExpiresAt), on.over(tx.Now):
		plan.Wrong = fault.New(fault.Conflict, "callback.over")
	case had != nil:
		plan.Wrong = had
	case at < 0:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"phone": "callback.phone"})
	case c.Number != v.Number:
		plan.Wrong = fault.New(fault.Conflict, "callback.number")
	}
	plan.Do = func(tx *store.Tx) error {
		if act.ApprovedBy != "" {
			had, err := s.hadPart(tx, on, act.TenantID, act.ApprovedBy)
			if err == nil {
				err = had
			}
			if err != nil {
				return err
			}
		}
		return s.giveCall(tx, act, v, c)
	}
	return plan, nil
}

// giveCall stores the word, and proves the session by it. The statement asks again all that
// was asked on the way here: of two at once the second changes no row.
func (s *Service) giveCall(tx *store.Tx, act approval.Act, v Vouch, c Called) error {
	err := tx.Change(fault.New(fault.Conflict, "callback.over"), `UPDATE vouches SET state = 'given', ended_at = ?, given_with = ?, given_by = ?
		WHERE tenant_id = ? AND id = ? AND (state = 'pending' AND expires_at > ? AND number = ?) IS TRUE
		AND EXISTS (SELECT 1 FROM backup_phones n WHERE n.tenant_id = vouches.tenant_id AND n.id = ? AND n.user_id = vouches.user_id AND n.state = 'active')
		AND EXISTS (SELECT 1 FROM users p WHERE p.tenant_id = vouches.tenant_id AND p.id = vouches.user_id AND p.state = 'active') AND `+stands,
		tx.Now, c.Phone, act.ActorID, v.TenantID, v.ID, tx.Now, c.Number, c.Phone, tx.Now.Add(-session.RebindLife))
	if err != nil {
		return err
	}
	if err := session.Vouch(tx, v.TenantID, v.SessionID, v.UserID, session.ByCallBack); err != nil {
		return err
	}
	tx.After(func() { s.Hub.Ring(v.key()) })
	e := v.event(audit.VouchGiven, audit.User(act.ActorID), act.Origin, "backup_phone", c.Phone, "approved_by", act.ApprovedBy)
	e.Reason = act.Reason
	if err := audit.Record(tx, e.Under(act.Ticket)); err != nil {
		return err
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	return notify.Tell(tx, v.TenantID, v.UserID, notify.Notice{Action: audit.CallBackGiven, By: by.Role})
}

// CallBack submits what a colleague says of a call. Another number than that on the page of
// the person ends it, and who had a part in the bypass is remembered.
func (s *Service) CallBack(ctx context.Context, act approval.Act, c Called) (approval.Outcome, error) {
	act.Kind, c.Number = KindCallBack, strings.TrimSpace(c.Number)
	out, err := s.Approvals.Submit(ctx, act.With(c))
	f := fault.Of(err)
	if f == nil {
		return out, err
	}
	switch f.Code {
	case "callback.number", "callback.had_part", "callback.made":
	default:
		return out, err
	}
	failed := s.DB.Act(ctx, func(tx *store.Tx) error {
		v, found, err := called(tx, act, c.Vouch)
		if err != nil || !found {
			return err
		}
		e := v.event(audit.VouchFailed, audit.User(act.ActorID), act.Origin)
		if e.Reason = f.Code; f.Code != "callback.number" {
			return audit.Record(tx, e.Under(act.Ticket))
		}
		if err := end(tx, v, Denied); err != nil {
			return err
		}
		tx.After(func() { s.Hub.Ring(v.key()) })
		e.Action = audit.CallBackDenied
		return audit.Record(tx, e.Under(act.Ticket))
	})
	if other := fault.Of(failed); other != nil && other.Kind == fault.Conflict {
		failed = nil // it has ended meanwhile
	}
	if failed != nil {
		return out, failed
	}
	return out, err
}

// notThem plans to end a call-back: it is somebody else, or nobody can be reached.
func (s *Service) notThem(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var c Called
	if err := act.Read(&c); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.CaseHandle, TargetID: act.TargetID}}}
	v, found, err := called(tx, act, c.Vouch)
	switch {
	case err != nil:
		return plan, err
	case !found:
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
	case v.State != Pending, !tx.Now.Before(v.ExpiresAt):
		plan.Wrong = fault.New(fault.Conflict, "callback.over")
	}
	plan.Do = func(tx *store.Tx) error {
		if err := end(tx, v, Denied); err != nil {
			return err
		}
		tx.After(func() { s.Hub.Ring(v.key()) })
		e := v.event(audit.VouchDenied, audit.User(act.ActorID), act.Origin)
		e.Reason = act.Reason
		return audit.Record(tx, e.Under(act.Ticket))
	}
	return plan, nil
}
