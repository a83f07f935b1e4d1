package signin

import (
	"context"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/store"
)

// Approvals are the requests that a phone may approve. They are kept by the
// package approval, which stands above this one.
type Approvals interface {
	// Show gives what the phone shows of a request in the act tx, or why this
	// person may not approve it.
	Show(tx *store.Tx, request RequestRef, userID string) (prompt.Act, error)
	// Tell gives what a request is, to the attempt that is to approve it.
	Tell(ctx context.Context, request RequestRef) (prompt.Act, error)
	// Approve carries a request out in the act tx, because the phone approved the
	// prompt. That it had become void is no failure: the act must stand.
	Approve(tx *store.Tx, request RequestRef, userID, promptID string, from audit.Origin) error
	// Refused remembers it when a failure of Show or Approve is a refusal, and gives
	// the failure on.
	Refused(ctx context.Context, request RequestRef, userID string, failure error, from audit.Origin) error
}

// BeginApproval asks the phones of the user of a session to approve a request, and
// gives the address of the attempt, which shows the number. It fails with
// fault.Conflict when no phone of theirs can answer, and in the ways of Approvals.
// The attempt ends with the session.
func (s *Service) BeginApproval(ctx context.Context, of session.Session, request RequestRef, returnTo string, from From) (string, error) {
	var id string
	if of.TenantID != request.TenantID {
		ctx = store.Outside(ctx) // an operator: their phones are the platform's, the request is not
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		who, err := s.subject(tx, of.UserName, from)
		if err != nil {
			return err
		}
		if who.userID() != of.UserID {
			return fault.New(fault.Refused, "signin.refused")
		}
		id, err = s.begin(tx, who, of.UserName, beginning{
			purpose: ToApprove, returnTo: LocalPath(returnTo), way: Phone, sessionID: of.ID, approves: request,
		}, from)
		return err
	})
	if err != nil {
		return "", s.Approvals.Refused(ctx, request, of.UserID, err, from.Origin)
	}
	return id, nil
}

// Asks gives what an attempt is to approve, for the page with its number.
func (s *Service) Asks(ctx context.Context, a Attempt) (prompt.Act, error) {
	return s.Approvals.Tell(ctx, a.Approves)
}

// approve ends a won attempt that is to approve. The phone proved the act and
// nothing else: the session is not fresher for it.
func (s *Service) approve(tx *store.Tx, a Attempt, from From) error {
	if err := s.seated(tx, a); err != nil {
		return err
	}
	return s.Approvals.Approve(tx, a.Approves, a.userID, a.PromptID, from.Origin)
}

// seated fails with fault.Refused when the session of an attempt that is to
// approve has ended, or was never this user's.
func (s *Service) seated(tx *store.Tx, a Attempt) error {
	alive, err := session.Alive(tx, a.TenantID, a.sessionID)
	if err == nil && alive[a.sessionID].UserID != a.userID {
		err = fault.New(fault.Refused, "signin.refused")
	}
	return err
}
