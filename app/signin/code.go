package signin

import (
	"context"

	"latchkey/app/passcode"
	"latchkey/app/store"
	"latchkey/app/totp"
)

// VerifyCode checks a code of an authenticator app for an attempt and makes a
// session of it, or leads on to the other factor. It counts, and fails, as
// VerifyPassword does. A step that was taken, by this code or a later one, is taken
// no more: of two at once one signs in.
func (s *Service) VerifyCode(ctx context.Context, addressed, typed string, from From) (Done, error) {
	a, now, err := s.Find(ctx, addressed, from.BrowserDigest)
	if err != nil {
		return Done{}, err
	}
	if a.Way == StaticPasscode && a.Open(now) && !a.Stuck() {
		return s.verifyPasscode(ctx, a, typed, from)
	}
	if a.Way == Bypass && a.Open(now) && !a.Stuck() {
		return s.verifyBypass(ctx, a, typed, from)
	}
	if a.Way == PrintedCode && a.Open(now) && !a.Stuck() {
		return s.verifyPrinted(ctx, a, typed, from)
	}
	if !a.Open(now) || a.Stuck() || a.Way != TOTP {
		return Done{}, s.refused(ctx, addressed, "signin.over", from)
	}
	if err := s.countTry(ctx, a, TOTP, from); err != nil {
		return Done{}, err
	}
	held, err := s.TOTPs.Holding(ctx, a.TenantID, a.userID)
	if err != nil {
		return Done{}, s.uncount(ctx, a, TOTP, store.Unusable(err))
	}
	step, right, err := held.Match(typed, now)
	if err != nil {
		return Done{}, s.uncount(ctx, a, TOTP, store.Unusable(err))
	}
	if !right {
		return Done{}, s.refused(ctx, addressed, "signin.code_wrong", from)
	}
	done, err := s.passed(ctx, a, TOTP, func(tx *store.Tx) error { return totp.Use(tx, a.TenantID, held.ID, step) }, from)
	return done, s.settled(ctx, a, TOTP, "signin.code_used", err, from)
}

// verifyPasscode checks a static passcode for an attempt. It counts, and fails, as
// VerifyPassword does; a name that has none takes as long.
func (s *Service) verifyPasscode(ctx context.Context, a Attempt, typed string, from From) (Done, error) {
	if err := s.countTry(ctx, a, StaticPasscode, from); err != nil {
		return Done{}, err
	}
	held, err := s.Passcodes.Holding(ctx, a.TenantID, a.userID)
	if err != nil {
		return Done{}, s.uncount(ctx, a, StaticPasscode, store.Unusable(err))
	}
	right, err := s.Passcodes.Match(ctx, held, typed)
	if err != nil {
		return Done{}, s.uncount(ctx, a, StaticPasscode, store.Unusable(err))
	}
	if !right || a.userID == "" {
		return Done{}, s.refused(ctx, a.ID, "signin.passcode_wrong", from)
	}
	done, err := s.passed(ctx, a, StaticPasscode, func(tx *store.Tx) error { return passcode.Use(tx, held) }, from)
	return done, s.settled(ctx, a, StaticPasscode, "signin.passcode_over", err, from)
}
