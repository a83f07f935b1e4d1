package signin

import (
	"context"
	"slices"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/prompt"
	"latchkey/app/store"
)

// Choose takes another way, which becomes the default for next time, be it as the
// first or as the second one. Choosing the phone sends a new prompt, unless one of
// this attempt is on the phone now. It fails with fault.Invalid for a way that is
// not offered and fault.Refused when the attempt is over. phoneID is the backup phone
// that is to get a code, empty for the one used last: only who has proved something
// knows of more than one.
func (s *Service) Choose(ctx context.Context, addressed string, way Way, phoneID string, from From) error {
	unknown := fault.Wrong("form.wrong", map[string]string{"method": "signin.way_unknown"})
	if !known(way) {
		return unknown
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		a, err := find(tx, addressed, from.BrowserDigest)
		if err != nil {
			return err
		}
		if !a.Open(tx.Now) {
			return fault.New(fault.Refused, "signin.refused")
		}
		offered, err := s.offers(tx, a)
		if err != nil {
			return err
		}
		if !slices.Contains(offered, way) {
			return unknown
		}
		promptID := a.PromptID
		var sent prompt.Sent
		switch state := a.PhoneState(tx.Now); {
		case way == Phone && (state == prompt.Pending || state == prompt.Approved):
		case way == Phone:
			who, err := s.subject(tx, a.Name, from)
			if err != nil {
				return err
			}
			if sent, err = s.send(tx, who, a, from); err != nil {
				return err
			}
			promptID = sent.ID
		case state == prompt.Pending:
			if err := s.Prompts.Withdraw(tx, a.TenantID, a.PromptID, a.userID, audit.Claimant(""), from.Origin); err != nil {
				return err
			}
			promptID = ""
		}
		if weaker(way) {
			if err := s.sendCode(tx, a, way, phoneID, from); err != nil {
				return err
			}
		}
		number, err := s.codeNumber(tx, way, a.TenantID, a.Name, a.subject)
		if err != nil {
			return err
		}
		err = tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE attempts SET way = ?, prompt_id = ?, code_number = ?
			WHERE tenant_id = ? AND id = ? AND state = 'open' AND expires_at > ?`, way, promptID, number, a.TenantID, a.key, tx.Now)
		if err != nil {
			return err
		}
		if a.Purpose != ToApprove { // there is no other way, so it says nothing about the next sign-in
			if err := s.habit(tx, a, way); err != nil {
				return err
			}
		}
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: audit.SignInWayChosen, Actor: audit.Claimant(a.subject), Target: audit.Attempt(a.key),
			Subject: a.userID, Thread: a.key, Origin: from.Origin, Details: details(way, sent),
		})
	})
}

// habit keeps the way that a name used last in an attempt, known or not: as the
// first way or as the second one.
func (s *Service) habit(tx *store.Tx, a Attempt, way Way) error {
	if weaker(way) && !a.Halfway() {
		return nil // a message for whoever types a name would be too many
	}
	if handed(way) {
		return nil // it is gone the next day
	}
	if a.Halfway() {
		return tx.Exec(`INSERT INTO habits (tenant_id, subject, way, second_way, changed_at) VALUES (?,?,'',?,?)
			ON CONFLICT (tenant_id, subject) DO UPDATE SET second_way = excluded.second_way, changed_at = excluded.changed_at`, a.TenantID, a.subject, way, tx.Now).Error
	}
	return s.prefer(tx, a.TenantID, a.subject, way)
}

func (s *Service) prefer(tx *store.Tx, tenantID, subject string, way Way) error {
	return tx.Exec(`INSERT INTO habits (tenant_id, subject, way, changed_at) VALUES (?,?,?,?)
		ON CONFLICT (tenant_id, subject) DO UPDATE SET way = excluded.way, changed_at = excluded.changed_at`, tenantID, subject, way, tx.Now).Error
}

// Habit is the way that a user is offered first.
func (s *Service) Habit(ctx context.Context, tenantID, name string) (Way, error) {
	var way Way
	_, err := s.DB.View(ctx).One(&way, "SELECT way FROM habits WHERE tenant_id = ? AND subject = ?", tenantID, s.Keys.Subject(name))
	if !known(way) {
		way = Password
	}
	return way, store.Unusable(err)
}

// Preferable lists the ways that a user may be offered first, the strongest first: no
// codes that are sent, nothing that is gone the next day, and nothing that they do
// not sign in by where they are.
func (s *Service) Preferable(ctx context.Context, tenantID, userID string) ([]Way, error) {
	all, err := s.preferable(s.DB.View(ctx), tenantID, userID)
	return all, store.Unusable(err)
}

func (s *Service) preferable(tx *store.Tx, tenantID, userID string) (all []Way, err error) {
	off, err := method.OffOf(tx, tenantID, userID)
	for _, w := range ways {
		if err == nil && !weaker(w.way) && !handed(w.way) && !off.NoSignIn.Has(w.bound) && (w.way != Passkey || s.Passkeys.Usable()) {
			all = append(all, w.way)
		}
	}
	return all, err
}

// Prefer changes the way that a user is offered first. One that they cannot be offered
// first is fault.Invalid.
func (s *Service) Prefer(ctx context.Context, tenantID, userID, name string, way Way, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		may, err := s.preferable(tx, tenantID, userID)
		if err != nil {
			return err
		}
		if !slices.Contains(may, way) {
			return fault.Wrong("form.wrong", map[string]string{"default_way": "preference.way_unknown"})
		}
		if err := s.prefer(tx, tenantID, s.Keys.Subject(name), way); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.PreferenceChanged, Actor: audit.User(userID), Target: audit.User(userID), Subject: userID,
			Origin: from, Details: map[string]string{"way": string(way)},
		})
	})
}
