package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// Done is what a finished attempt gives the browser.
type Done struct {
	Cookie   secret.Token // of the new session; empty after a step-up
	ReturnTo string
	Halfway  bool // nothing is finished: another factor is asked for

	Life  time.Duration // of the cookie; zero: until the browser is closed
	Trust session.Trust // for the browser to keep; empty: nothing new
}

// finishes is what the user of an attempt may not use to finish it.
var finishes = method.OffNow("CASE WHEN attempts.purpose <> 'sign_in' THEN t.no_sign_in & t.no_second & t.no_recovery WHEN attempts.proved <> '' THEN t.no_second ELSE t.no_sign_in END")

// Finish makes a session of an approved phone attempt, or does what else it is
// for. Whatever is wrong is fault.Refused, and nothing has changed; an approval
// fails in the ways of Approvals besides.
func (s *Service) Finish(ctx context.Context, addressed string, from From) (Done, error) {
	var done Done
	var approver Attempt
	tenantID, id, ok := parseAddress(addressed)
	if !ok {
		return done, fault.New(fault.NotFound, "http.not_found")
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		var won struct{ UserID, Subject, Purpose, SessionID, ReturnTo, AccountID, PromptID, ApprovalTenantID, ApprovalID, Proved string }
		ok, err := tx.One(&won, `UPDATE attempts SET state = 'finished', finished_at = ?
			WHERE tenant_id = ? AND id = ? AND (browser_digest = ? AND state = 'open' AND expires_at > ? AND way = 'phone' AND user_id <> '' AND failures < ?) IS TRUE
			AND EXISTS (SELECT 1 FROM prompts p
				JOIN devices d ON d.tenant_id = p.tenant_id AND d.account_id = p.account_id
				JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
				JOIN tenants t ON t.id = p.tenant_id AND ? & `+finishes+` = 0
				WHERE p.tenant_id = attempts.tenant_id AND p.id = attempts.prompt_id AND p.attempt_id = attempts.id AND p.user_id = attempts.user_id
				AND (p.state = 'approved' AND p.decided_at > ? AND d.state = 'active' AND d.phone_sign_in AND u.state = 'active' AND t.state = 'active') IS TRUE)
			RETURNING user_id, subject, purpose, session_id, return_to, prompt_id, approval_tenant_id, approval_id, proved,
				(SELECT p.account_id FROM prompts p WHERE p.tenant_id = attempts.tenant_id AND p.id = attempts.prompt_id) AS account_id`,
			tx.Now, tenantID, id, from.BrowserDigest, tx.Now, failuresMost, user.WithPhone, tx.Now.Add(-finishLife))
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Refused, "signin.refused")
		}
		a := Attempt{
			TenantID: tenantID, Purpose: Purpose(won.Purpose), PromptID: won.PromptID, Approves: RequestRef{won.ApprovalTenantID, won.ApprovalID},
			key: id, userID: won.UserID, sessionID: won.SessionID, subject: won.Subject, proved: proof(won.Proved),
		}
		on, err := s.facts(tx, a, from)
		if err != nil {
			return err
		}
		if err := stillHeld(on, a.proved); err != nil {
			return err
		}
		if a.Purpose == ToSignIn {
			enough, err := decide(on, a, Phone, proof(by(Phone)))
			if err != nil {
				return err
			}
			if !enough {
				return fault.New(fault.Refused, "signin.refused") // a phone always is
			}
		}
		// Who proved it by phone gets back what wrong passwords of others took.
		if err := throttle.Clear(tx, tenantID, won.Subject); err != nil {
			return err
		}
		done.ReturnTo = won.ReturnTo
		if a.Purpose == ToApprove {
			approver = a
			return s.approve(tx, a, from)
		}
		return s.prove(tx, a, string(a.proved.and(Phone)), won.AccountID, on, &done, from)
	})
	if fault.Of(err) != nil && fault.Of(err).Kind == fault.Refused {
		return done, s.refusedBy(ctx, addressed, "signin.not_approved", err, from)
	}
	if err != nil && approver.Purpose == ToApprove {
		return done, s.Approvals.Refused(ctx, approver.Approves, approver.userID, err, from.Origin)
	}
	return done, err
}

// prove ends a won attempt: a new session, which done is told, or a step-up of the
// one it is for. A sign-in is kept with the decision that it rests on.
func (s *Service) prove(tx *store.Tx, a Attempt, by, account string, on *decision.Facts, done *Done, from From) error {
	e := audit.Event{
		TenantID: a.TenantID, Action: audit.SignInFinished, Actor: audit.User(a.userID), Subject: a.userID,
		Thread: a.key, Origin: from.Origin, Details: map[string]string{"by": by},
	}
	if a.Purpose == ToApprove {
		return fault.New(fault.Refused, "signin.refused") // it makes no session and proves none
	}
	if a.Purpose == ToStepUp {
		e.Action, e.Target = audit.StepUpFinished, audit.Session(a.sessionID)
		if err := session.Prove(tx, a.TenantID, a.sessionID, a.userID, by, account); err != nil {
			return err
		}
		if err := s.relaxed(tx, a, by, a.sessionID, on, from); err != nil {
			return err
		}
		return audit.Record(tx, e)
	}
	begins := session.Beginning{
		TenantID: a.TenantID, UserID: a.userID, AMR: by, AccountID: account, IP: from.IP, Browser: from.Browser, BrowserDigest: from.BrowserDigest,
		RequestID: from.RequestID, Stay: from.Stay, Trusted: from.Trusted,
	}
	if a.bypass != nil {
		begins.BypassID, begins.ApplicationID, begins.EndsAt = a.bypass.ID, a.bypass.ApplicationID, a.bypass.EndsAt
	}
	entered, err := session.Enter(tx, begins)
	if err != nil {
		return stillRelaxed(err)
	}
	if err := s.relaxed(tx, a, by, entered.ID, on, from); err != nil {
		return err
	}
	if err := tx.Later("UPDATE users SET last_signin_at = ? WHERE tenant_id = ? AND id = ? AND (last_signin_at IS NULL OR last_signin_at < ?)",
		tx.Now, a.TenantID, a.userID, tx.Now.Truncate(24*time.Hour)); err != nil {
		return err
	}
	d := on.Browser(entered.Seen, entered.Trusted)
	on.Same("limited", d.Limited == entered.Limited, entered.Limited)
	if err := on.Store(tx, a.TenantID, a.userID, a.key); err != nil {
		return err
	}
	done.Cookie, done.Life, done.Trust = entered.Cookie, entered.Life, entered.Trust
	e.Target = audit.Session(entered.ID)
	for detail, is := range map[string]bool{"new_browser": entered.NewBrowser, "limited": entered.Limited, "asks_phone": entered.AsksPhone} {
		if is {
			e.Details[detail] = "yes"
		}
	}
	return audit.Record(tx, e)
}

// relaxed keeps in the act tx that somebody signed in, or proved it again, by a way that
// counts because of an outage alone.
func (s *Service) relaxed(tx *store.Tx, a Attempt, by, sessionID string, on *decision.Facts, from From) error {
	if !on.Lifted(proof(by).ways()) {
		return nil
	}
	return stillRelaxed(relaxation.Record(tx, relaxation.Use{
		TenantID: a.TenantID, UserID: a.userID, Relaxation: relaxation.HeldBackWays, Way: by, SessionID: sessionID, Origin: from.Origin,
	}))
}

// stillRelaxed says of an outage that was over meanwhile what is said of anything that
// has changed.
func stillRelaxed(err error) error {
	if errors.Is(err, fault.Conflict) {
		return fault.New(fault.Refused, "signin.refused").Because(err)
	}
	return err
}

// refused remembers a refusal in an act of its own and gives it back: the
// reason is for the audit, the caller only learns that it did not work.
func (s *Service) refused(ctx context.Context, addressed, reason string, from From) error {
	return s.refusedBy(ctx, addressed, reason, nil, from)
}

// refusedBy is refused for a proof that was right: when rules stand against it, their
// decision is kept.
func (s *Service) refusedBy(ctx context.Context, addressed, reason string, by error, from From) error {
	refusal := fault.New(fault.Refused, "signin.refused").Because(fmt.Errorf("signin: %s", reason))
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		a, err := find(tx, addressed, from.BrowserDigest)
		if err != nil {
			return err
		}
		if by != nil {
			if err := s.keepBlocked(tx, a, by, from); err != nil {
				return err
			}
		}
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: audit.SignInRefused, Outcome: audit.Failure, Reason: reason, Actor: audit.Claimant(a.subject),
			Target: audit.Attempt(a.key), Subject: a.userID, Thread: a.key, Origin: from.Origin,
		})
	})
	if err != nil {
		return err
	}
	return refusal
}
