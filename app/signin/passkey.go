package signin

import (
	"context"
	"errors"
	"time"

	"latchkey/app/fault"
	"latchkey/app/passkey"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// NamelessLife is how long the first page waits for a passkey before it asks anew.
const NamelessLife = attemptLife

// question is what a passkey is asked in an attempt. An answer is for this attempt
// in this browser, and for what was proved in it so far.
func (a Attempt) question(browserDigest string) passkey.Question {
	q := passkey.Question{
		TenantID: a.TenantID, UserID: a.userID, Subject: a.subject, Looking: passkey.MayLook,
		About: "attempt " + a.TenantID + " " + a.key + " " + browserDigest + " " + string(a.proved),
	}
	switch {
	case a.Purpose == ToStepUp:
		q.Looking = passkey.MustLook // what is proved again is proved in full
	case a.Halfway():
		q.Looking = passkey.NeedNotLook
	}
	return q
}

// AskPasskey gives what the browser of an attempt is to have signed, as JSON. Every
// name is answered alike: one without passkeys is given made-up ones, and one that
// was locked meanwhile the same as before.
func (s *Service) AskPasskey(ctx context.Context, a Attempt, now time.Time, from From) (string, error) {
	who, _, err := user.Named(ctx, s.DB, a.TenantID, a.Name)
	if err != nil {
		return "", err
	}
	q := a.question(from.BrowserDigest)
	q.UserID = who.ID
	return s.Passkeys.Ask(ctx, q, min(passkey.AnswerLife, a.ExpiresAt.Sub(now)))
}

// VerifyPasskey checks what a passkey signed for an attempt and makes a session of
// it, or leads on to the other factor when the passkey did not see who holds it and
// two are asked. It counts, and fails, as VerifyPassword does. What was signed is
// taken once: of two at once one signs in.
func (s *Service) VerifyPasskey(ctx context.Context, addressed, answer string, from From) (Done, error) {
	a, now, err := s.Find(ctx, addressed, from.BrowserDigest)
	if err != nil {
		return Done{}, err
	}
	if !a.Open(now) || a.Stuck() || a.Way != Passkey {
		return Done{}, s.refused(ctx, addressed, "signin.over", from)
	}
	return s.verifyPasskey(ctx, a, a.question(from.BrowserDigest), "", answer, from)
}

// verifyPasskey checks an answer to a question; spentIn is where its challenge is
// spent when that is not the tenant of the question.
func (s *Service) verifyPasskey(ctx context.Context, a Attempt, q passkey.Question, spentIn, answer string, from From) (Done, error) {
	if err := s.countTry(ctx, a, Passkey, from); err != nil {
		return Done{}, err
	}
	p, err := s.Passkeys.Check(ctx, q, answer)
	if errors.Is(err, fault.Refused) {
		return Done{}, s.refused(ctx, a.ID, "signin.passkey_wrong", from)
	}
	if err != nil {
		return Done{}, s.uncount(ctx, a, Passkey, store.Unusable(err))
	}
	if p.Suspect {
		if err := s.Passkeys.Suspected(ctx, p, from.Origin); err != nil {
			return Done{}, err
		}
		return Done{}, s.refused(ctx, a.ID, "signin.passkey_suspect", from)
	}
	if spentIn != "" {
		p = p.SpentIn(spentIn)
	}
	amr := session.ByKey
	if p.Verified {
		amr = session.ByPasskey
	}
	done, err := s.passedBy(ctx, a, Passkey, amr, func(tx *store.Tx) error { return passkey.Use(tx, p) }, from)
	return done, s.settled(ctx, a, Passkey, "signin.passkey_used", err, from)
}

// nameless is what a passkey is asked on the page that asks for the name: any one,
// in this browser, if it sees who holds it.
func nameless(browserDigest string) passkey.Question {
	return passkey.Question{TenantID: tenant.Nowhere, Looking: passkey.MustLook, About: "nameless " + browserDigest}
}

// AskNameless gives what a browser is to have signed by whichever passkey its user
// picks, as JSON; empty where there can be none.
func (s *Service) AskNameless(ctx context.Context, from From) (string, error) {
	if !s.Passkeys.Usable() {
		return "", nil
	}
	return s.Passkeys.Ask(ctx, nameless(from.BrowserDigest), NamelessLife)
}

// ByPasskey signs in whoever a passkey says that it is of, without a name. The
// attempt begins and ends with the answer, and fails as one with a name does.
func (s *Service) ByPasskey(ctx context.Context, answer, returnTo string, from From) (Done, error) {
	claim, name := passkey.Claimed(answer), ""
	if claim.UserID != "" {
		var err error
		if name, err = user.NameOf(ctx, s.DB, claim.TenantID, claim.UserID); err != nil {
			return Done{}, err
		}
	}
	var addressed string
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		who, err := s.subject(tx, name, from)
		if err != nil {
			return err
		}
		if name == "" {
			who.subject = s.Keys.Subject("passkey of " + claim.TenantID + "." + claim.UserID) // each counts for itself
		}
		addressed, err = s.begin(tx, who, name, beginning{purpose: ToSignIn, returnTo: LocalPath(returnTo), way: Passkey, given: true}, from)
		return err
	})
	if err != nil {
		return Done{}, err
	}
	a, _, err := s.Find(ctx, addressed, from.BrowserDigest)
	if err != nil {
		return Done{}, err
	}
	if claim.Challenge != "" {
		a.challenge = s.Keys.Subject("challenge " + claim.Challenge)
	}
	q := nameless(from.BrowserDigest)
	q.TenantID, q.UserID = a.TenantID, a.userID
	return s.verifyPasskey(ctx, a, q, tenant.Nowhere, answer, from)
}
