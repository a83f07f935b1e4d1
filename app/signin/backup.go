package signin

import (
	"context"

	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/provider"
	"latchkey/app/store"
)

// sendCode owes a code of an attempt to a backup phone, in the act tx. A name that has
// none, and nobody's name, is told the same.
func (s *Service) sendCode(tx *store.Tx, a Attempt, way Way, phoneID string, from From) error {
	if !a.Halfway() && !a.takesCodes {
		phoneID = ""
	}
	held, err := s.Backups.Send(tx, backupphone.Ask{
		TenantID: a.TenantID, Subject: a.subject, UserID: a.userID, AttemptID: a.key, Channel: provider.Channel(way), PhoneID: phoneID, Proved: a.Halfway() || a.takesCodes,
	})
	if err != nil {
		return err
	}
	e := audit.Event{
		TenantID: a.TenantID, Action: audit.PhoneCodeSent, Actor: audit.Claimant(a.subject), Target: audit.Attempt(a.key), Subject: a.userID,
		Thread: a.key, Origin: from.Origin, Details: map[string]string{"way": string(way)},
	}
	if held != "" {
		e.Outcome, e.Reason = audit.Failure, held
	}
	return audit.Record(tx, e)
}

// VerifyPhoneCode checks a code that was sent to a backup phone, and leads on to the
// password or makes a session with it. It counts, and fails, as VerifyPassword does.
// Of two with the same code at once one signs in.
func (s *Service) VerifyPhoneCode(ctx context.Context, addressed, typed string, from From) (Done, error) {
	a, now, err := s.Find(ctx, addressed, from.BrowserDigest)
	if err != nil {
		return Done{}, err
	}
	if !a.Open(now) || a.Stuck() || !weaker(a.Way) {
		return Done{}, s.refused(ctx, addressed, "signin.over", from)
	}
	if err := s.countTry(ctx, a, a.Way, from); err != nil {
		return Done{}, err
	}
	held, err := s.Backups.Holding(ctx, a.TenantID, a.key, provider.Channel(a.Way))
	if err != nil {
		return Done{}, s.uncount(ctx, a, a.Way, store.Unusable(err))
	}
	if !held.Match(typed) {
		return Done{}, s.refused(ctx, addressed, "signin.code_wrong", from)
	}
	done, err := s.passed(ctx, a, a.Way, func(tx *store.Tx) error { return held.Use(tx, a.TenantID, a.userID) }, from)
	return done, s.settled(ctx, a, a.Way, "signin.code_used", err, from)
}

// BackupPhones lists the backup phones that an attempt may send its code to, and which
// one has it: to who has proved something, and to nobody else.
func (s *Service) BackupPhones(ctx context.Context, a Attempt) (all []backupphone.Phone, sentTo string, err error) {
	if !a.Halfway() && !a.takesCodes {
		return nil, "", nil
	}
	phones, err := s.Backups.Of(ctx, a.TenantID, a.userID)
	if err != nil {
		return nil, "", err
	}
	for _, p := range phones {
		if p.Channel == provider.Channel(a.Way) {
			all = append(all, p)
		}
	}
	sentTo, err = s.Backups.SentTo(ctx, a.TenantID, a.key)
	return all, sentTo, err
}
