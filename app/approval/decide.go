package approval

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"strings"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Approve runs a request exactly as it was frozen, once. The words of the approver
// may be empty. It fails with fault.Forbidden when this person may not approve
// it, with fault.Conflict when it was decided, or when something reads
// differently now: then it is void.
func (s *Service) Approve(ctx context.Context, tenantID, id, approverID string, given Given) error {
	given = given.trimmed()
	if err := reasonable(cmp.Or(given.Reason, "none is needed"), given.Ticket, nil); err != nil {
		return err
	}
	var void error
	err := s.decide(ctx, "approval.approve", tenantID, id, approverID, given.Origin, func(tx *store.Tx, r Request) error {
		err := s.approve(tx, r, approverID, given)
		if void = nil; Voided(err) {
			void, err = err, nil // that it is void must stand
		}
		return err
	})
	if err != nil {
		return err
	}
	return void
}

// Given is how a decision was given.
type Given struct {
	Reason   string // in the words of who decided, or empty
	Ticket   string // that a request without one is decided under; or empty
	PromptID string // of the prompt that their phone approved, or empty
	Origin   audit.Origin
}

func (g Given) trimmed() Given {
	g.Reason, g.Ticket = strings.TrimSpace(g.Reason), strings.TrimSpace(g.Ticket)
	return g
}

// ApproveIn is Approve in an act of somebody else's: the end of an attempt that the
// approver's phone approved. When the failure is one that Voided knows, the act
// must stand; any other undoes it, and is given to Refused afterwards.
func (s *Service) ApproveIn(tx *store.Tx, tenantID, id, approverID string, given Given) error {
	r, err := s.decidable(tx, tenantID, id, approverID)
	if err != nil {
		return err
	}
	return s.approve(tx, r, approverID, given)
}

// Voided says whether err means that a request was marked as void.
func Voided(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Code == "approval.void"
}

// refusal is why somebody may not decide, to be remembered.
type refusal struct {
	error
	verdict access.Verdict
}

func (r refusal) Unwrap() error { return r.error }

// decidable reads a request that approverID may decide now, and holds its
// target. Who may not see it is told that there is none.
func (s *Service) decidable(tx *store.Tx, tenantID, id, approverID string) (Request, error) {
	r, err := find(tx, tenantID, id)
	if err != nil {
		return r, err
	}
	if err := hold(tx, tenantID, r.TargetID); err != nil {
		return r, err
	}
	verdict, err := s.mayApprove(tx, r, approverID)
	switch {
	case err != nil:
		return r, err
	case !sees(r, verdict):
		return r, refusal{fault.New(fault.NotFound, "http.not_found"), verdict}
	case verdict.Err() != nil:
		return r, refusal{verdict.Err(), verdict}
	}
	return r, r.open()
}

// open says why a request cannot be decided any more.
func (r Request) open() error {
	switch r.State {
	case Pending:
		return nil
	case Expired:
		return fault.New(fault.Conflict, "approval.expired")
	}
	return fault.New(fault.Conflict, "approval.decided")
}

// decide runs do for a request that somebody may decide, and remembers when they
// may not.
func (s *Service) decide(ctx context.Context, what Kind, tenantID, id, approverID string, from audit.Origin, do func(*store.Tx, Request) error) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		r, err := s.decidable(tx, tenantID, id, approverID)
		if err != nil {
			return err
		}
		return do(tx, r)
	})
	return s.Refused(ctx, what, tenantID, approverID, err, from)
}

// Refused remembers it when err says that somebody may not decide, and gives err on.
func (s *Service) Refused(ctx context.Context, what Kind, tenantID, approverID string, err error, from audit.Origin) error {
	var not refusal
	if errors.As(err, &not) {
		return s.refused(ctx, Act{Kind: what, TenantID: tenantID, ActorID: approverID, Origin: from}, not.verdict, not.error)
	}
	return err
}

// approve does the whole of it in the act tx. With approval.void the request has
// been marked so, and the caller must let the act stand.
func (s *Service) approve(tx *store.Tx, r Request, approverID string, given Given) error {
	act := r.act()
	asked := false
	act.Origin, act.ApprovedBy, act.again = given.Origin, approverID, func(tx *store.Tx) error {
		asked = true
		return s.stillMay(tx, r, approverID)
	}
	plan, stands, err := s.replan(tx, r, act)
	if err != nil {
		return err
	}
	next, action := Done, audit.ApprovalGiven
	if !stands {
		next, action = Void, audit.ApprovalVoid
	}
	if err := settle(tx, r, next, approverID, given.Reason); err != nil {
		return err
	}
	e := r.decided(action, approverID, given)
	e.Details["digest"] = r.Digest
	if given.PromptID != "" {
		e.Details["prompt"] = given.PromptID // signed by the phone, over the digest
	}
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	if err := s.over(tx, r, action, approverID, given.Reason, given.Origin); err != nil {
		return err
	}
	if !stands {
		return fault.New(fault.Conflict, "approval.void")
	}
	if err := plan.Do(tx); err != nil || asked {
		return err
	}
	// An act that may change what its approver may has asked before it did, under the
	// lock that such changes queue at. Any other may have waited for a row of its own.
	return act.StillApproved(tx)
}

// stillMay fails when somebody who was let approve a request may not any more.
func (s *Service) stillMay(tx *store.Tx, r Request, approverID string) error {
	verdict, err := s.mayApprove(tx, r, approverID)
	if err == nil && verdict.Err() != nil {
		err = refusal{verdict.Err(), verdict}
	}
	return err
}

// replan plans a request again and says whether it stands: it reads as it did
// when it was frozen, and its requester may still do it.
func (s *Service) replan(tx *store.Tx, r Request, act Act) (plan Plan, stands bool, err error) {
	plan, err = s.plan(tx, act)
	if f := fault.Of(err); f != nil && (f.Kind == fault.NotFound || f.Kind == fault.Conflict || f.Kind == fault.Invalid) {
		return plan, false, nil
	}
	if err != nil {
		return plan, false, err
	}
	requester, err := s.Rules.AskAll(tx, plan.Questions...)
	if err != nil {
		return plan, false, err
	}
	return plan, requester.Err() == nil && plan.Wrong == nil && digest(r.act(), plan.Difference) == r.Digest && reflect.DeepEqual(plan.eyes(act), r.Eyes), nil
}

// mayApprove asks access whether somebody may approve a request.
func (s *Service) mayApprove(tx *store.Tx, r Request, approverID string) (access.Verdict, error) {
	verdicts, err := s.Rules.AskApprover(tx, r.TenantID, approverID, access.Approval{RequesterID: r.RequesterID, Eyes: r.Eyes})
	if err != nil {
		return access.Verdict{Answer: access.No}, err
	}
	return verdicts[0], nil
}

// Refuse ends a request without running it. Who may approve may refuse; it takes
// a reason.
func (s *Service) Refuse(ctx context.Context, tenantID, id, approverID string, given Given) error {
	given = given.trimmed()
	if err := reasonable(given.Reason, given.Ticket, nil); err != nil {
		return err
	}
	return s.decide(ctx, "approval.refuse", tenantID, id, approverID, given.Origin, func(tx *store.Tx, r Request) error {
		return s.end(tx, r, Refused, audit.ApprovalRefused, approverID, given)
	})
}

// Withdraw takes back a request of one's own. Somebody else's is fault.NotFound.
func (s *Service) Withdraw(ctx context.Context, tenantID, id, requesterID string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		r, err := find(tx, tenantID, id)
		if err != nil {
			return err
		}
		if r.RequesterID != requesterID {
			return fault.New(fault.NotFound, "http.not_found")
		}
		if err := r.open(); err != nil {
			return err
		}
		return s.end(tx, r, Withdrawn, audit.ApprovalWithdrawn, requesterID, Given{Origin: from})
	})
}

func (s *Service) end(tx *store.Tx, r Request, next State, action audit.Action, by string, given Given) error {
	if err := settle(tx, r, next, by, given.Reason); err != nil {
		return err
	}
	if err := audit.Record(tx, r.decided(action, by, given)); err != nil {
		return err
	}
	return s.over(tx, r, action, by, given.Reason, given.Origin)
}

// decided is the event of a decision: under the ticket of the request, or under that
// of who decided when it has none.
func (r Request) decided(action audit.Action, by string, given Given) audit.Event {
	e := r.event(action, by, given.Reason, given.Origin)
	if r.Ticket == "" {
		return e.Under(given.Ticket)
	}
	return e
}
