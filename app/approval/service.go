package approval

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Service carries out acts. Its performers are named at the start.
type Service struct {
	DB         *store.DB
	Rules      *access.Rules
	Hub        *wake.Hub
	Performers map[Kind]Performer
}

// Outcome is what became of an act.
type Outcome struct {
	RequestID string // of the request that waits for approval; empty: it is done
}

// Waits says whether the act waits for a second person.
func (o Outcome) Waits() bool { return o.RequestID != "" }

// Submit does act, or freezes it for approval. It fails with fault.Forbidden or
// fault.NotFound by the rules of access, with fault.Invalid (the field reason
// among others) or fault.Conflict when it cannot be done, and then nothing has
// changed; a refusal is remembered.
func (s *Service) Submit(ctx context.Context, act Act) (Outcome, error) {
	act.Reason = strings.TrimSpace(act.Reason)
	var out Outcome
	var verdict access.Verdict
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		plan, err := s.plan(tx, act)
		if err != nil {
			return err
		}
		if verdict, err = s.Rules.AskAll(tx, plan.Questions...); err != nil {
			return err
		}
		if err := verdict.Err(); err != nil {
			return err
		}
		if err := reasonable(act.Reason, plan.Wrong); err != nil {
			return err
		}
		if verdict.Answer == access.FourEyes {
			out.RequestID, err = freeze(tx, act, plan)
			return err
		}
		return plan.Do(tx)
	})
	if refused := verdict.Err(); refused != nil && errors.Is(err, fault.Of(refused).Kind) {
		return Outcome{}, s.refused(ctx, act, verdict, err)
	}
	if err == nil && out.Waits() {
		s.Hub.Ring(InboxKey(act.TenantID))
	}
	return out, err
}

func (s *Service) plan(tx *store.Tx, act Act) (Plan, error) {
	perform := s.Performers[act.Kind]
	if perform == nil {
		return Plan{}, fmt.Errorf("approval: nobody performs %s", act.Kind)
	}
	plan, err := perform(tx, act)
	if err == nil && len(plan.Questions) == 0 {
		err = fmt.Errorf("approval: %s asks nothing", act.Kind)
	}
	return plan, err
}

// reasonable says that every act needs a reason, beside what else is wrong.
func reasonable(reason string, wrong error) error {
	code := ""
	switch {
	case reason == "":
		code = "approval.reason_missing"
	case len([]rune(reason)) > reasonMost:
		code = "approval.reason_long"
	default:
		return wrong
	}
	fields := map[string]string{"reason": code}
	if f := fault.Of(wrong); f != nil {
		for field, code := range f.Fields {
			fields[field] = code
		}
	}
	return fault.Wrong("form.wrong", fields)
}

// freeze stores an act as a request, in the act tx.
func freeze(tx *store.Tx, act Act, plan Plan) (id string, err error) {
	r := Request{
		ID: secret.System.ID(), Kind: act.Kind, TenantID: act.TenantID, RequesterID: act.ActorID, TargetID: act.TargetID,
		Parameters: act.Parameters, Difference: plan.Difference, Digest: digest(act, plan.Difference), Reason: act.Reason,
		CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(Life),
	}
	if err := insert(tx, r); err != nil {
		return "", err
	}
	e := act.Event(audit.ApprovalRequested)
	e.Target, e.Thread, e.Details = audit.Party{Kind: audit.KindRequest, ID: r.ID}, r.ID, map[string]string{"kind": string(act.Kind), "digest": r.Digest}
	return r.ID, audit.Record(tx, e)
}

// Approve runs a request exactly as it was frozen, once. It fails with
// fault.Forbidden when this person may not approve it, with fault.Conflict when
// it was decided, or when something reads differently now: then it is void.
func (s *Service) Approve(ctx context.Context, tenantID, id, approverID, reason string, from audit.Origin) error {
	return s.decide(ctx, tenantID, id, approverID, reason, from, nil)
}

// ApproveIn is Approve in an act of somebody else's, such as the answer of the
// approver's phone. What must be rung afterwards is rung by that act.
func (s *Service) ApproveIn(tx *store.Tx, tenantID, id, approverID, reason string, from audit.Origin) error {
	return s.approve(tx, tenantID, id, approverID, reason, from)
}

func (s *Service) decide(ctx context.Context, tenantID, id, approverID, reason string, from audit.Origin, also func(*store.Tx) error) error {
	var decided error
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		decided = nil
		err := s.approve(tx, tenantID, id, approverID, reason, from)
		if f := fault.Of(err); f != nil && f.Code == "approval.void" {
			decided, err = err, nil // that it is void must stand
		}
		if err == nil && also != nil {
			err = also(tx)
		}
		return err
	})
	if errors.Is(err, fault.Forbidden) {
		act := Act{Kind: "approval.approve", TenantID: tenantID, ActorID: approverID, Origin: from}
		return s.refused(ctx, act, access.Verdict{Answer: access.No}, err)
	}
	return errors.Join(err, decided)
}

// approve does the whole of it in the act tx. With approval.void the request has
// been marked so, and the caller must let the act stand.
func (s *Service) approve(tx *store.Tx, tenantID, id, approverID, reason string, from audit.Origin) error {
	r, err := pending(tx, tenantID, id)
	if err != nil {
		return err
	}
	act := r.act()
	act.Origin, act.ApprovedBy = from, approverID
	plan, err := s.plan(tx, act)
	if err != nil {
		return err
	}
	approver, err := s.mayApprove(tx, r, plan, approverID)
	if err != nil {
		return err
	}
	if err := approver.Err(); err != nil {
		return err
	}
	requester, err := s.Rules.AskAll(tx, plan.Questions...)
	if err != nil {
		return err
	}
	next, action := Done, audit.ApprovalGiven
	if requester.Err() != nil || plan.Wrong != nil || digest(r.act(), plan.Difference) != r.Digest {
		next, action = Void, audit.ApprovalVoid
	}
	if err := settle(tx, r, next, approverID, reason); err != nil {
		return err
	}
	if err := audit.Record(tx, r.event(action, approverID, reason, from)); err != nil {
		return err
	}
	tx.After(func() { s.Hub.Ring(InboxKey(tenantID)) })
	if next == Void {
		return fault.New(fault.Conflict, "approval.void")
	}
	return plan.Do(tx)
}

// mayApprove asks access whether somebody may approve a request.
func (s *Service) mayApprove(tx *store.Tx, r Request, plan Plan, approverID string) (access.Verdict, error) {
	q := access.Approval{TenantID: r.TenantID, RequesterID: r.RequesterID, ApproverID: approverID, Needs: plan.Approves, TargetID: r.TargetID}
	for _, asked := range plan.Questions {
		if q.Needs == "" {
			q.Needs = asked.Needs
		}
		if asked.Giving != "" {
			q.Giving = asked.Giving
		}
		if asked.TargetID == approverID {
			q.TargetID = approverID // an act on several people is done to each of them
		}
	}
	return s.Rules.AskApprover(tx, q)
}

// Refuse ends a request without running it. Who may approve may refuse.
func (s *Service) Refuse(ctx context.Context, tenantID, id, approverID, reason string, from audit.Origin) error {
	if err := reasonable(strings.TrimSpace(reason), nil); err != nil {
		return err
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		r, err := pending(tx, tenantID, id)
		if err != nil {
			return err
		}
		plan, err := s.plan(tx, r.act())
		if err != nil {
			return err
		}
		verdict, err := s.mayApprove(tx, r, plan, approverID)
		if err != nil {
			return err
		}
		if err := verdict.Err(); err != nil {
			return err
		}
		return s.end(tx, r, Refused, audit.ApprovalRefused, approverID, reason, from)
	})
	if errors.Is(err, fault.Forbidden) {
		return s.refused(ctx, Act{Kind: "approval.refuse", TenantID: tenantID, ActorID: approverID, Origin: from}, access.Verdict{Answer: access.No}, err)
	}
	return err
}

// Withdraw takes back a request of one's own. Somebody else's is fault.NotFound.
func (s *Service) Withdraw(ctx context.Context, tenantID, id, requesterID string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		r, err := pending(tx, tenantID, id)
		if err != nil {
			return err
		}
		if r.RequesterID != requesterID {
			return fault.New(fault.NotFound, "http.not_found")
		}
		return s.end(tx, r, Withdrawn, audit.ApprovalWithdrawn, requesterID, "", from)
	})
}

func (s *Service) end(tx *store.Tx, r Request, next State, action audit.Action, by, reason string, from audit.Origin) error {
	if err := settle(tx, r, next, by, reason); err != nil {
		return err
	}
	tx.After(func() { s.Hub.Ring(InboxKey(r.TenantID)) })
	return audit.Record(tx, r.event(action, by, reason, from))
}

// InboxKey is what those wait on who watch the approvals of a tenant.
func InboxKey(tenantID string) string { return "inbox:" + tenantID }
