package totp

import (
	"context"
	"errors"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Service binds, checks and ends authenticator apps.
type Service struct {
	DB   *store.DB
	Keys *secret.Keys
}

// Bound is the authenticator app of a user.
type Bound struct {
	ID          string
	ConfirmedAt time.Time
	LastUsedAt  *time.Time
}

// Of gives the authenticator app of a user; ok is false when there is none.
func (s *Service) Of(ctx context.Context, tenantID, userID string) (b Bound, ok bool, err error) {
	return Of(s.DB.View(ctx), tenantID, userID)
}

// Of is Service.Of for who reads more at the same moment.
func Of(tx *store.Tx, tenantID, userID string) (b Bound, ok bool, err error) {
	ok, err = tx.One(&b, "SELECT id, confirmed_at, last_used_at FROM totps WHERE user_id = ? AND tenant_id = ? AND state = 'active'", userID, tenantID)
	return b, ok, store.Unusable(err)
}

// Owner is a user in a session of theirs.
type Owner struct{ TenantID, UserID, SessionID string }

func (o Owner) event(action audit.Action, id string, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: o.TenantID, Action: action, Actor: audit.User(o.UserID), Target: audit.Party{Kind: audit.KindTOTP, ID: id}, Subject: o.UserID,
		Thread: id, Origin: from,
	}
}

// over is the failure of a new one that cannot be proved any more.
func over() error { return fault.New(fault.Expired, "totp.over") }

// Begin makes a new seed and gives the id under which it is shown and proved. It
// ends what was begun and not proved before. Where apps are off it is fault.Conflict.
func (s *Service) Begin(ctx context.Context, by Owner, from audit.Origin) (id string, err error) {
	id = secret.System.ID()
	seed, err := s.Keys.Seal(by.TenantID, place(id), secret.System.Seed().Reveal())
	if err != nil {
		return "", err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := method.MayBind(tx, by.TenantID, by.UserID, user.WithTOTP); err != nil {
			return err
		}
		err := tx.Exec("UPDATE totps SET state = 'ended', seed = '', ended_at = ? WHERE user_id = ? AND tenant_id = ? AND state = 'new'", tx.Now, by.UserID, by.TenantID).Error
		if err != nil {
			return err
		}
		err = tx.Exec("INSERT INTO totps (tenant_id, id, user_id, session_id, state, seed, created_at, expires_at) VALUES (?,?,?,?,'new',?,?,?)",
			by.TenantID, id, by.UserID, by.SessionID, seed, tx.Now, tx.Now.Add(ProofLife)).Error
		if err != nil {
			return err
		}
		return audit.Record(tx, by.event(audit.TOTPBegun, id, from))
	})
	return id, err
}

// New is an authenticator app that waits for its code.
type New struct {
	Seed      secret.Token
	Link      string
	ExpiresAt time.Time
}

// unproved says of a row that it may still be shown and proved, with the id, the
// user, the session and the moment for its values.
const unproved = "id = ? AND user_id = ? AND session_id = ? AND state = 'new' AND expires_at > ? AND tries < 5"

// Show gives what to scan or to type, in the session that began it and in no
// other: everything else is fault.NotFound, and fault.Expired when it was there.
func (s *Service) Show(ctx context.Context, by Owner, id, tenantName, userName string) (New, error) {
	tx := s.DB.View(ctx)
	var row struct {
		Seed      string
		ExpiresAt time.Time
		Open      bool
	}
	ok, err := tx.One(&row, "SELECT seed, expires_at, "+unproved+" AS open FROM totps WHERE tenant_id = ? AND id = ? AND user_id = ? AND session_id = ?",
		id, by.UserID, by.SessionID, tx.Now, by.TenantID, id, by.UserID, by.SessionID)
	switch {
	case err != nil:
		return New{}, store.Unusable(err)
	case !ok:
		return New{}, fault.New(fault.NotFound, "http.not_found")
	case !row.Open:
		return New{}, over()
	}
	seed, err := s.open(by.TenantID, id, row.Seed)
	return New{Seed: seed, Link: Link(seed, tenantName, userName), ExpiresAt: row.ExpiresAt}, err
}

// gone says why one cannot be proved: it never belonged to the session, or it is over.
func gone(tx *store.Tx, by Owner, id string) error {
	var found string
	ok, err := tx.One(&found, "SELECT id FROM totps WHERE tenant_id = ? AND id = ? AND user_id = ? AND session_id = ?", by.TenantID, id, by.UserID, by.SessionID)
	switch {
	case err != nil:
		return err
	case !ok:
		return fault.New(fault.NotFound, "http.not_found")
	}
	return over()
}

// Confirm binds a new one by a code of it, in place of the one before. The try is
// counted before it is checked, in a commit of its own. It fails with
// fault.Invalid for a wrong code, and in the ways of Show.
func (s *Service) Confirm(ctx context.Context, by Owner, id, typed string, from audit.Origin) error {
	var sealed string
	var now time.Time
	err := s.DB.Count(ctx, func(tx *store.Tx) error {
		now = tx.Now
		counted, err := tx.One(&sealed, "UPDATE totps SET tries = tries + 1 WHERE tenant_id = ? AND "+unproved+" RETURNING seed",
			by.TenantID, id, by.UserID, by.SessionID, tx.Now)
		if err != nil || counted {
			return err
		}
		return gone(tx, by, id)
	})
	if err != nil {
		return err
	}
	seed, err := s.open(by.TenantID, id, sealed)
	if err != nil {
		return err
	}
	step, right, err := Match(seed, typed, 0, now)
	if err != nil {
		return err
	}
	if !right {
		return s.uncount(ctx, by, id, s.unproven(ctx, by, id, from))
	}
	return s.uncount(ctx, by, id, s.bind(ctx, by, id, step, from))
}

// uncount takes a try back that came to nothing for a reason of ours, and gives
// the reason on.
func (s *Service) uncount(ctx context.Context, by Owner, id string, reason error) error {
	if errors.Is(reason, fault.Unavailable) {
		_, _ = s.DB.CountOne(ctx, "UPDATE totps SET tries = tries - 1 WHERE tenant_id = ? AND id = ? AND state = 'new' AND tries > 0", by.TenantID, id)
	}
	return reason
}

func (s *Service) bind(ctx context.Context, by Owner, id string, step int64, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := method.MayBind(tx, by.TenantID, by.UserID, user.WithTOTP); err != nil {
			return err
		}
		before, err := end(tx, by.TenantID, by.UserID)
		if err != nil {
			return err
		}
		err = tx.Change(over(), `UPDATE totps SET state = 'active', last_step = ?, confirmed_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ?
			AND session_id = ? AND state = 'new' AND expires_at > ?
			AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = totps.tenant_id AND u.id = totps.user_id AND u.state = 'active')`,
			step, tx.Now, by.TenantID, id, by.UserID, by.SessionID, tx.Now)
		if err != nil {
			return err
		}
		if err := user.SecondFactorBound(tx, by.TenantID, by.UserID, from); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.TOTPBound}); err != nil {
			return err
		}
		e := by.event(audit.TOTPBound, id, from)
		if before != "" {
			if err := session.CloseHalfway(tx, by.TenantID, by.UserID, session.ByTOTP); err != nil {
				return err
			}
			e.Details = map[string]string{"instead_of": before}
		}
		return audit.Record(tx, e)
	})
}

// unproven remembers a wrong code and says so.
func (s *Service) unproven(ctx context.Context, by Owner, id string, from audit.Origin) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		e := by.event(audit.TOTPRefused, id, from)
		e.Outcome, e.Reason = audit.Failure, "totp.code_wrong"
		return audit.Record(tx, e)
	})
	if err != nil {
		return err
	}
	return fault.Wrong("form.wrong", map[string]string{"code": "totp.code_wrong"})
}

// Remove ends the authenticator app of a user, and every other session that it
// made. It fails with fault.NotFound when there is none, and with fault.Conflict
// when it is the only second factor of somebody who needs one.
func (s *Service) Remove(ctx context.Context, by Owner, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := end(tx, by.TenantID, by.UserID)
		if err != nil {
			return err
		}
		if id == "" {
			return fault.New(fault.NotFound, "http.not_found")
		}
		var left struct {
			MFAState string
			Ways     user.Ways
		}
		if _, err := tx.One(&left, "SELECT mfa_state, ways FROM users WHERE tenant_id = ? AND id = ?", by.TenantID, by.UserID); err != nil {
			return err
		}
		if left.MFAState == user.MFAEnforced && !left.Ways.Has(user.SecondFactors) {
			return fault.New(fault.Conflict, "totp.last_factor")
		}
		if err := session.CloseMadeBy(tx, by.TenantID, by.UserID, session.ByTOTP, by.SessionID); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.TOTPRemoved}); err != nil {
			return err
		}
		return audit.Record(tx, by.event(audit.TOTPRemoved, id, from))
	})
}

// Take ends the authenticator app of a user in the act tx, with the sessions that
// it made. Event and notice are the caller's. None is fault.Conflict.
func (s *Service) Take(tx *store.Tx, tenantID, userID string) (id string, err error) {
	if id, err = end(tx, tenantID, userID); err != nil {
		return "", err
	}
	if id == "" {
		return "", fault.New(fault.Conflict, "totp.ended")
	}
	return id, session.CloseMadeBy(tx, tenantID, userID, session.ByTOTP, "")
}

// end ends the active one of a user and gives its id, empty when there is none.
func end(tx *store.Tx, tenantID, userID string) (id string, err error) {
	_, err = tx.One(&id, "UPDATE totps SET state = 'ended', seed = '', ended_at = ? WHERE user_id = ? AND tenant_id = ? AND state = 'active' RETURNING id",
		tx.Now, userID, tenantID)
	return id, err
}

// Held is what a typed code is checked against.
type Held struct {
	ID   string // empty: the user has none
	seed secret.Token
	last int64
}

// nobody is the seed that codes of names without one are checked against.
var nobody = secret.System.Seed()

// Holding gives what the codes of a user are checked against. For a user who has
// none, and for no user, that is a seed which nobody has.
func (s *Service) Holding(ctx context.Context, tenantID, userID string) (Held, error) {
	var row struct {
		ID, Seed string
		LastStep int64
	}
	held := Held{seed: nobody}
	ok, err := s.DB.View(ctx).One(&row, "SELECT id, seed, last_step FROM totps WHERE user_id = ? AND tenant_id = ? AND state = 'active'", userID, tenantID)
	if err != nil {
		return held, store.Unusable(err)
	}
	if !ok {
		return held, nil
	}
	held.ID, held.last = row.ID, row.LastStep
	held.seed, err = s.open(tenantID, row.ID, row.Seed)
	return held, err
}

// Match gives the step whose code was typed; ok is false when there is none.
func (h Held) Match(typed string, now time.Time) (step int64, ok bool, err error) {
	step, ok, err = Match(h.seed, typed, h.last, now)
	return step, ok && h.ID != "", err
}

// Use takes a step up in the act tx. One that was taken meanwhile, and one of an
// app that has ended, is fault.Refused.
func Use(tx *store.Tx, tenantID, id string, step int64) error {
	return tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE totps SET last_step = ?, last_used_at = ?
		WHERE tenant_id = ? AND id = ? AND (state = 'active' AND last_step < ?) IS TRUE`, step, tx.Now, tenantID, id, step)
}

// Forget deletes what was begun and not proved long ago, with its seed. Any
// replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM totps WHERE state = 'new' AND expires_at < ?", db.Now().Add(-ProofLife))
	return err
}

func place(id string) string { return "totps.seed " + id }

func (s *Service) open(tenantID, id, sealed string) (secret.Token, error) {
	seed, err := s.Keys.Open(tenantID, place(id), sealed)
	return secret.TokenOf(seed), err
}
