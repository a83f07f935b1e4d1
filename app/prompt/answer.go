package prompt

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/proof"
	"latchkey/app/store"
	"latchkey/app/throttle"
)

// asked is an account of the phone that answers, and the prompt when it is one
// of this account's.
type asked struct {
	device.Account
	Found     bool
	AskedOf   string // the name that the prompt is for, as subject
	Kind      Kind
	State     State
	AttemptID string
	Number    string
	Nonce     string
	ActHash   string // of the act that it asks for; empty: none
	ExpiresAt *time.Time
	GoesOn    bool // see goesOn
}

// goesOn says of a user u in a tenant t that they have the phone as a way: neither the
// tenant nor the platform has stopped it. A prompt that was sent before is not shown
// while it is stopped, and cannot be answered. It is not over by that: when it goes on
// in time, so does the prompt.
var goesOn = feature.With(feature.PhoneSignIn)

var askedQuery = device.AccountsWith(`, (p.id IS NOT NULL) AS found, COALESCE(p.subject, '') AS asked_of, COALESCE(p.kind, '') AS kind, COALESCE(p.state, '') AS state,
		COALESCE(p.attempt_id, '') AS attempt_id, COALESCE(p.number, '') AS number, COALESCE(p.nonce, '') AS nonce,
		COALESCE(p.act_hash, '') AS act_hash, p.expires_at, `+goesOn+` AS goes_on`,
	"LEFT JOIN prompts p ON p.tenant_id = d.tenant_id AND p.id = ? AND p.user_id = d.user_id AND (d.phone_sign_in OR p.kind = 'test')")

// Answer takes what a phone answered to a prompt of one of its accounts and
// gives the state that follows; a wrong number is Denied, an outcome and no
// error. It fails with fault.NotFound, fault.Conflict (decided), fault.Expired (also
// while phones are stopped), fault.Refused (signature, claims or PIN) or fault.Throttled. What was signed is
// nil when it could not be read: then it is refused like a signature that does
// not hold, and remembered like it.
//
// A denial and a report need the phone's signature alone: whoever finds a
// request that is not theirs must not need a PIN to say so.
func (s *Service) Answer(ctx context.Context, by device.Proof, id string, signed *proof.Signed, unlocking device.Unlocking, from audit.Origin) (State, error) {
	answer, unsigned := read(signed, by.Key)
	unlock := Decision(answer.Decision) == Approve || unlocking.Given()
	byPIN := unlock && unlocking.Signed == ""
	var accounts []asked
	var now time.Time
	err := s.Devices.Use(ctx, by, func(tx *store.Tx) error {
		now = tx.Now
		if byPIN && unsigned == nil && s.meant(answer, by.Device, id, tx.Now) {
			if err := countTry(tx, by, answer); err != nil {
				return err
			}
		}
		return tx.All(&accounts, askedQuery, id, by.Device)
	})
	if err != nil {
		return "", err
	}
	if len(accounts) == 0 {
		return "", device.Unknown()
	}
	a := answered(accounts, answer.Account)
	next, wrong, failed := s.judge(a, by, id, answer, unsigned, now)
	counted := a != nil && a.PINTry == by.Call
	if byPIN && (counted || failed == nil) {
		// Also when another answer was faster: what is counted is checked.
		if err := s.Devices.Unlock(ctx, a.Account, by.Call, unlocking.PIN, from); err != nil {
			return "", err
		}
	}
	var uses int64
	if unlock && !byPIN && failed == nil {
		if uses, err = s.Devices.UnlockSigned(ctx, a.Account, unlocking, from); err != nil {
			return "", err
		}
	}
	if failed == nil {
		failed = s.decide(ctx, a.Account, decision{
			id: id, askedOf: a.AskedOf, kind: a.Kind, attemptID: a.AttemptID, next: next, wrong: wrong, pin: byPIN, signed: unlock && !byPIN, uses: uses, from: from,
		})
	}
	if failed == nil {
		return next, nil
	}
	if counted {
		// The PIN was right: the try must not stand against the phone.
		if err := s.Devices.Unlocked(ctx, a.Account); err != nil {
			return "", err
		}
	}
	if a != nil && errors.Is(failed, fault.Refused) {
		if err := s.refused(ctx, *a, id, unsigned, from); err != nil {
			return "", err
		}
	}
	return "", failed
}

// read gives the claims of an answer whose signature holds.
func read(signed *proof.Signed, key proof.Key) (proof.Answer, error) {
	if signed == nil {
		return proof.Answer{}, proof.ErrForm
	}
	return signed.Answer(key)
}

// refused remembers an answer that was not taken because of its signature or its
// claims. The prompt is as open as before.
func (s *Service) refused(ctx context.Context, a asked, id string, unsigned error, from audit.Origin) error {
	e := event(a.Account, decision{id: id, attemptID: a.AttemptID, kind: a.Kind, from: from}, audit.PromptRefused)
	e.Outcome, e.Reason = audit.Failure, "prompt.claims_wrong"
	if unsigned != nil {
		e.Reason = "prompt.signature_wrong"
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error { return audit.Record(tx, e) })
}

// judge gives the state that an answer leads to, and whether its number was
// wrong, or why it is not taken.
func (s *Service) judge(a *asked, by device.Proof, id string, answer proof.Answer, unsigned error, now time.Time) (next State, wrong bool, _ error) {
	refused := fault.New(fault.Refused, "phone.answer_refused")
	switch {
	case a == nil:
		return "", false, fault.New(fault.NotFound, "http.not_found")
	case unsigned != nil, !s.meant(answer, by.Device, id, now), !a.meant(answer), !a.agreed(answer):
		return "", false, refused.Because(unsigned)
	case a.State != Pending && a.State != Expired:
		return "", false, fault.New(fault.Conflict, "prompt.decided")
	case a.State == Expired || !now.Before(*a.ExpiresAt) || !a.GoesOn:
		return "", false, fault.New(fault.Expired, "prompt.expired")
	}
	next, wrong, ok := Outcome(Pending, Decision(answer.Decision), a.Number, answer.Number)
	if !ok {
		return "", false, refused
	}
	return next, wrong, nil
}

// countTry counts a try of the PIN, if the answer is for a prompt that can be
// answered: then the PIN is checked too.
func countTry(tx *store.Tx, by device.Proof, answer proof.Answer) error {
	act, agreed := "", []any{}
	if Decision(answer.Decision) == Approve {
		act, agreed = " AND p.act_hash IN ('', ?)", []any{answer.Act}
	}
	return device.CountTry(tx, by.Device, answer.Account, by.Call, `tenant_id = (SELECT t.id FROM tenants t WHERE t.slug = ?)
		AND EXISTS (SELECT 1 FROM prompts p WHERE p.tenant_id = devices.tenant_id AND p.id = ? AND p.user_id = devices.user_id
		AND (p.nonce = ? AND p.state = 'pending' AND p.expires_at > ? AND (devices.phone_sign_in OR p.kind = 'test')) IS TRUE`+act+`)
		AND EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = devices.tenant_id AND u.id = devices.user_id AND `+goesOn+")",
		append([]any{answer.Tenant, answer.Request, answer.Nonce, tx.Now}, agreed...)...)
}

// answered gives, among the accounts that the prompt is for, the one that the
// answer names, else any; nil when the prompt is for none.
func answered(accounts []asked, named string) *asked {
	var found *asked
	for i := range accounts {
		if a := &accounts[i]; a.Found && (found == nil || a.AccountID == named) {
			found = a
		}
	}
	return found
}

// meant says whether the claims are for this request of this phone, us and now.
func (s *Service) meant(answer proof.Answer, deviceID, id string, now time.Time) bool {
	at := time.Unix(int64(answer.IssuedAt), 0)
	return answer.Device == deviceID && answer.Request == id && proof.SameAddress(answer.Audience, s.PublicURL) &&
		!at.Before(now.Add(-proof.Drift)) && !at.After(now.Add(proof.Drift))
}

// meant says whether the claims are for this account and this prompt.
func (a *asked) meant(answer proof.Answer) bool {
	return answer.Account == a.AccountID && answer.Tenant == a.TenantSlug &&
		subtle.ConstantTimeCompare([]byte(answer.Nonce), []byte(a.Nonce)) == 1
}

// agreed says whether an approval is signed over the act that the prompt asks for.
// A phone that does not know of acts cannot have shown it, and approves none.
func (a *asked) agreed(answer proof.Answer) bool {
	return a.ActHash == "" || Decision(answer.Decision) != Approve || subtle.ConstantTimeCompare([]byte(answer.Act), []byte(a.ActHash)) == 1
}

type decision struct {
	id, attemptID string
	askedOf       string
	kind          Kind
	next          State
	wrong         bool
	pin, signed   bool  // what unlocked the phone for it
	uses          int64 // of what signed
	from          audit.Origin
}

// actions gives what an answer is called in the audit.
var actions = map[State]audit.Action{Approved: audit.PromptApproved, Denied: audit.PromptDenied, Reported: audit.PromptReported}

// decide stores the answer. Its one statement asks again what was asked on the
// way here: of two answers at once, of a phone revoked or a user locked
// meanwhile, it changes no row.
func (s *Service) decide(ctx context.Context, a device.Account, d decision) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "prompt.decided"), `UPDATE prompts SET state = ?, decided_at = ?, account_id = ?, wrong_number = ?
			WHERE tenant_id = ? AND id = ? AND (state = 'pending' AND expires_at > ?) IS TRUE AND EXISTS (SELECT 1 FROM devices d
			JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id JOIN tenants t ON t.id = d.tenant_id
			WHERE d.tenant_id = prompts.tenant_id AND d.account_id = ? AND d.user_id = prompts.user_id
			AND (d.state = 'active' AND (d.phone_sign_in OR prompts.kind = 'test') AND u.state = 'active' AND t.state = 'active') IS TRUE AND `+goesOn+`)`,
			d.next, tx.Now, a.AccountID, d.wrong, a.TenantID, d.id, tx.Now, a.AccountID)
		if err != nil {
			return err
		}
		if d.signed {
			if err := device.UnlockedBy(tx, a, d.uses); err != nil {
				return err
			}
		}
		if d.pin {
			err := tx.Later("UPDATE devices SET pin_tries = 0, last_used_at = ? WHERE tenant_id = ? AND account_id = ?", tx.Now, a.TenantID, a.AccountID)
			if err != nil {
				return err
			}
		}
		if err := count(tx, a, d); err != nil {
			return err
		}
		err = s.ended(tx, d.kind, End{
			TenantID: a.TenantID, ID: d.id, AttemptID: d.attemptID, UserID: a.UserID, AccountID: a.AccountID, State: d.next, WrongNumber: d.wrong, Origin: d.from,
		})
		if err != nil {
			return err
		}
		e := event(a, d, actions[d.next])
		if d.signed {
			e.Details["unlocked"] = "signed" // by the phone's own authenticator, and not by the PIN
		}
		if d.next != Approved {
			e.Outcome = audit.Failure
		}
		if d.wrong {
			e.Reason = "prompt.wrong_number"
		}
		return audit.Record(tx, e)
	})
	if err == nil {
		s.Hub.Ring(waitKey(d.kind, a.TenantID, d.attemptID))
		s.Hub.Ring(device.UserKey(a.TenantID, a.UserID))
	}
	return err
}

// count keeps how many wrong numbers a name has given in a row. The test of a
// new phone says nothing of it.
func count(tx *store.Tx, a device.Account, d decision) error {
	switch {
	case d.kind == Test:
		return nil
	case d.next == Approved:
		return throttle.Passed(tx, a.TenantID, d.askedOf, Way)
	case !d.wrong:
		return nil
	}
	standing, err := throttle.Failed(tx, a.TenantID, d.askedOf, Way)
	if err != nil {
		return err
	}
	e := event(a, d, audit.WayPaused)
	if standing.Off() {
		e.Action = audit.WayTurnedOff
	} else if _, paused := standing.Until(tx.Now); !paused {
		return nil
	}
	e.Outcome, e.Reason, e.Details = audit.Failure, "prompt.wrong_number", map[string]string{"way": Way}
	return audit.Record(tx, e)
}

// event is one of the answer to a prompt.
func event(a device.Account, d decision, action audit.Action) audit.Event {
	return audit.Event{
		TenantID: a.TenantID, Action: action, Actor: audit.Device(a.AccountID), Target: audit.Prompt(d.id),
		Subject: a.UserID, Thread: d.attemptID, Origin: d.from, Details: map[string]string{"kind": string(d.kind)},
	}
}
