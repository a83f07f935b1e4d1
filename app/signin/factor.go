package signin

import (
	"context"
	"errors"
	"slices"

	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/provider"
	"latchkey/app/store"
	"latchkey/app/user"
)

// offers lists the ways that may be taken in an attempt now, the strongest first.
// Until something is proved that is every way that the tenant has on, so that it does
// not tell what a name has. Halfway it is those that complete what was proved.
func (s *Service) offers(tx *store.Tx, a Attempt) (all []Way, err error) {
	if a.Purpose == ToApprove {
		return []Way{Phone}, nil
	}
	off, bound, err := offOf(tx, a)
	if err != nil {
		return nil, err
	}
	carried, err := provider.Having(tx, a.TenantID)
	if err != nil {
		return nil, err
	}
	for _, w := range ways {
		switch {
		case weaker(w.way) && (a.Purpose != ToSignIn && !a.takesCodes || !slices.Contains(carried, provider.Channel(w.way))):
		case w.way == Passkey && !s.Passkeys.Usable(), handed(w.way) && a.Purpose == ToStepUp:
		case a.Halfway() && !off.NoSecond.Has(w.bound) && a.proved.completed(w.bound, bound&^off.NoSecond),
			!a.Halfway() && a.Purpose == ToStepUp && !off.All().Has(w.bound),
			!a.Halfway() && a.Purpose != ToStepUp && !off.NoSignIn.Has(w.bound):
			all = append(all, w.way)
		}
	}
	return all, nil
}

// waysNow reads what a user has bound, and what of it is off now.
var waysNow = method.ReadingNow("u.ways", "users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?")

// offOf gives what is turned off in an attempt, and what its user has bound. Before
// anything is proved it is what is off for everybody, so that it does not tell
// whose name it is.
func offOf(tx *store.Tx, a Attempt) (method.Off, user.Ways, error) {
	var row struct {
		method.Off
		Ways user.Ways
	}
	if a.Halfway() || a.Purpose == ToStepUp {
		_, err := tx.One(&row, waysNow, a.TenantID, a.userID)
		return row.Off, row.Ways, err
	}
	there, err := tx.One(&row, method.Nobodys, a.TenantID)
	if !there {
		row.Off = method.Off{NoSignIn: user.WithStaticPasscode, NoSecond: user.WithStaticPasscode, NoRecovery: user.WithStaticPasscode}
	}
	return row.Off, 0, err
}

// completed says whether a way of a user completes a proof that was not enough.
func (p proof) completed(by, bound user.Ways) bool {
	return bound.Has(by) && !p.took(by) && user.Enough(user.MFAEnforced, bound, p.ways()|by)
}

// Offers lists the ways that may be taken in an attempt now, the strongest first.
func (s *Service) Offers(ctx context.Context, a Attempt) ([]Way, error) {
	all, err := s.offers(s.DB.View(ctx), a)
	return all, store.Unusable(err)
}

// Helps lists the ways for who cannot use the one that the attempt is on, the
// strongest first. In a browser in which the user had a session, or that they trust,
// it is those that they really have; no other one is told what a name has.
func (s *Service) Helps(ctx context.Context, a Attempt) ([]Way, error) {
	tx := s.DB.View(ctx)
	all, err := s.offers(tx, a)
	if err != nil || a.Halfway() || a.Purpose != ToSignIn {
		return all, store.Unusable(err)
	}
	known, err := seenHere(tx, a)
	if err != nil || !known || a.userID == "" {
		return all, store.Unusable(err)
	}
	var theirs struct {
		method.Off
		Ways user.Ways
	}
	if _, err := tx.One(&theirs, waysNow, a.TenantID, a.userID); err != nil {
		return nil, store.Unusable(err)
	}
	return slices.DeleteFunc(all, func(w Way) bool { return !(theirs.Ways &^ theirs.NoSignIn).Has(boundTo(w)) }), nil
}

// MayRecover says whether who lost their phone may help themselves, as far as it may be
// told in an attempt: as Helps has it.
func (s *Service) MayRecover(ctx context.Context, a Attempt) (may bool, err error) {
	tx := s.DB.View(ctx)
	known, err := seenHere(tx, a)
	if err != nil {
		return false, store.Unusable(err)
	}
	if known && a.userID != "" {
		_, err = tx.One(&may, "SELECT "+feature.With(feature.SelfServiceRecovery)+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", a.TenantID, a.userID)
		return may, store.Unusable(err)
	}
	there, err := tx.One(&may, "SELECT "+feature.Somebody(feature.SelfServiceRecovery)+" FROM tenants t WHERE t.id = ?", a.TenantID)
	return may || !there, store.Unusable(err)
}

// passed notes in one act that a way was proved in an attempt: it ends the attempt
// when that is enough, and leads on to the second factor when it is not. Use takes
// up what the way proved with, in the same act. A session is made of the former
// alone. What has changed meanwhile is fault.Refused.
func (s *Service) passed(ctx context.Context, a Attempt, way Way, use func(*store.Tx) error, from From) (Done, error) {
	return s.passedBy(ctx, a, way, by(way), use, from)
}

// passedBy is passed for a way that can prove more or less, by the amr value of
// what it proved.
func (s *Service) passedBy(ctx context.Context, a Attempt, way Way, amr string, use func(*store.Tx) error, from From) (Done, error) {
	done := Done{ReturnTo: a.ReturnTo}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := use(tx); err != nil {
			return err
		}
		on, err := s.facts(tx, a, from)
		if err != nil {
			return err
		}
		proved := a.proved.with(amr)
		if a.Purpose == ToSignIn {
			enough, err := decide(on, a, way, proof(amr))
			if err != nil {
				return err
			}
			if !enough {
				done.Halfway = true
				return s.halfway(tx, a, way, proved, on, from)
			}
		}
		if err := leave(tx, a, way, "state = 'finished', finished_at = ?", []any{tx.Now}, on, from); err != nil {
			return err
		}
		if _, err := s.worked(tx, a, way, from); err != nil {
			return err
		}
		if err := s.habit(tx, a, way); err != nil {
			return err
		}
		return s.prove(tx, a, string(proved), "", on, &done, from)
	})
	return done, err
}

// leave takes an open attempt on from the way that was proved in it. The condition
// repeats every check made on the way here, and what the decision rests on; that the
// way is on for the user is checked here, and nowhere before.
func leave(tx *store.Tx, a Attempt, way Way, change string, values []any, on *decision.Facts, from From) error {
	if a.Purpose == ToStepUp && (handed(way) || weaker(way) && !a.takesCodes) {
		return fault.New(fault.Refused, "signin.refused")
	}
	use := "w.no_sign_in"
	switch {
	case a.Purpose != ToSignIn:
		use = "w.no_sign_in & w.no_second & w.no_recovery"
	case a.Halfway():
		use = "w.no_second"
	}
	before, stays := a.proved.held(), a.proved.stays()
	return tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE attempts SET `+change+`
		WHERE tenant_id = ? AND id = ? AND (browser_digest = ? AND state = 'open' AND expires_at > ? AND way = ? AND proved = ? AND failures <= ?) IS TRUE
		AND EXISTS (SELECT 1 FROM (`+provedBy+`) w WHERE (w.state = 'active' AND w.mfa_state = ? AND w.ways = ? AND w.tenant_state = 'active' AND w.no_second = ? AND `+use+` & ? = 0
		AND w.ways & ? = ? AND w.no_sign_in & w.no_second & w.no_recovery & ? = 0) IS TRUE)`,
		append(values, a.TenantID, a.key, from.BrowserDigest, tx.Now, way, a.proved, failuresMost, on.MFAState, on.Ways, on.NoSecond, boundTo(way), stays, stays, before)...)
}

// provedBy reads the user of an attempt as they are now.
var provedBy = method.ReadingNow("u.state, u.mfa_state, u.ways, t.state AS tenant_state", "users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = attempts.tenant_id AND u.id = attempts.user_id")

// stillHeld says whether a user still has, and may still use, what they proved before:
// one that was removed or turned off since counts for nothing.
func stillHeld(on *decision.Facts, p proof) error {
	if p.stays()&^on.Ways != 0 || on.All().Has(p.held()) {
		return fault.New(fault.Refused, "signin.refused")
	}
	return nil
}

// halfway leads an attempt on to a way that completes what was proved: the one
// used last, or else the strongest. Where there is none the attempt stays where it
// is, and its page says so.
func (s *Service) halfway(tx *store.Tx, a Attempt, way Way, proved proof, on *decision.Facts, from From) error {
	before := a
	a.proved = proved
	next, promptID := way, ""
	all := completing(on)
	led, err := s.leads(tx, a, all, from)
	if err != nil {
		return err
	}
	switch second := Way(on.SecondWay); {
	case led:
		next = Bypass
	case slices.Contains(all, second):
		next = second
	case len(all) > 0:
		next = all[0]
	}
	if next == Phone {
		who, err := s.subject(tx, a.Name, from)
		if err != nil {
			return err
		}
		sent, err := s.send(tx, who, a, from)
		if err != nil {
			return err
		}
		promptID = sent.ID
	}
	if weaker(next) {
		// Too many codes lately are no reason to forget what was proved: the page says it.
		if err := s.sendCode(tx, a, next, "", from); err != nil && !errors.Is(err, fault.Throttled) {
			return err
		}
	}
	number, err := s.codeNumber(tx, next, a.TenantID, a.Name, a.subject)
	if err != nil {
		return err
	}
	if err := leave(tx, before, way, "proved = ?, way = ?, prompt_id = ?, code_number = ?, stay = ?, failures = 0", []any{a.proved, next, promptID, number, from.Stay}, on, from); err != nil {
		return err
	}
	known, err := s.worked(tx, a, way, from)
	if err != nil {
		return err
	}
	if err := s.habit(tx, before, way); err != nil {
		return err
	}
	on.Browser(known && !a.trusted, a.trusted)
	if err := on.Store(tx, a.TenantID, a.userID, a.key); err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: a.TenantID, Action: audit.SignInHalfway, Actor: audit.Claimant(a.subject), Target: audit.Attempt(a.key), Subject: a.userID,
		Thread: a.key, Origin: from.Origin, Details: map[string]string{"by": string(a.proved), "way": string(next)},
	})
}

// settled remembers a proof that was right and came to nothing, and gives the
// failure on.
func (s *Service) settled(ctx context.Context, a Attempt, way Way, reason string, err error, from From) error {
	if errors.Is(err, fault.Refused) {
		return s.refusedBy(ctx, a.ID, reason, err, from)
	}
	return s.uncount(ctx, a, way, err)
}
