package passcode

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// ShowLife is how long one that was approved may be shown.
const ShowLife = 4 * time.Hour

// Service makes, checks and ends static passcodes.
type Service struct {
	DB        *store.DB
	Hub       *wake.Hub
	Passwords *secret.Passwords
}

// plain says of a row p that its user is active, holds no role, as their own or
// through a group, and may use the way. The moment is its value.
var plain = `EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = p.tenant_id AND u.id = p.user_id
	AND u.state = 'active' AND t.state = 'active' AND ` + method.NoSignIn + ` & 128 = 0)
	AND NOT EXISTS (SELECT 1 FROM role_assignments r WHERE r.tenant_id = p.tenant_id AND r.user_id = p.user_id AND (r.ends_at IS NULL OR r.ends_at > ?))
	AND NOT EXISTS (SELECT 1 FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
		WHERE m.tenant_id = p.tenant_id AND m.user_id = p.user_id AND g.role <> '')`

// Grant is what was approved.
type Grant struct {
	TenantID, UserID, RequestedBy, ApprovedBy, Reason, Ticket string
	Hours                                                     int
}

// Add notes, in the act tx, that one may be shown; the event is the caller's. A
// second one of a user is fault.Conflict.
func Add(tx *store.Tx, g Grant) (id string, err error) {
	id = secret.System.ID()
	err = tx.Change(fault.New(fault.Conflict, "passcode.one"), `INSERT INTO static_passcodes (tenant_id, id, user_id, state, hours, reason, ticket, requested_by, approved_by, approved_at, expires_at)
		SELECT ?,?,?,'approved',?,?,?,?,?,?,? WHERE NOT EXISTS (SELECT 1 FROM static_passcodes p WHERE p.tenant_id = ? AND p.user_id = ? AND p.state IN ('approved', 'active'))`,
		g.TenantID, id, g.UserID, g.Hours, g.Reason, g.Ticket, g.RequestedBy, g.ApprovedBy, tx.Now, tx.Now.Add(ShowLife), g.TenantID, g.UserID)
	return id, err
}

// Open gives the id of the one that a user has or may be shown; empty: none.
func Open(tx *store.Tx, tenantID, userID string) (id string, err error) {
	_, err = tx.One(&id, "SELECT id FROM static_passcodes WHERE tenant_id = ? AND user_id = ? AND state IN ('approved', 'active')", tenantID, userID)
	return id, err
}

// Shown is a static passcode, once.
type Shown struct {
	Code      secret.Token
	UserID    string
	ExpiresAt time.Time
}

// Show makes the passcode of a grant and gives it, once: of two at the same moment
// one sees it. One that is not there is fault.NotFound; one that was shown, that
// is over, or whose user may not have one any more is fault.Conflict. That whoever
// asks may is the caller's to ask.
func (s *Service) Show(ctx context.Context, tenantID, id, by string, from audit.Origin) (Shown, error) {
	var there string
	found, err := s.DB.View(ctx).One(&there, "SELECT id FROM static_passcodes WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err != nil {
		return Shown{}, store.Unusable(err)
	}
	if !found {
		return Shown{}, fault.New(fault.NotFound, "http.not_found")
	}
	shown := Shown{Code: secret.System.Passcode()}
	hash, err := s.Passwords.Hash(ctx, Typed(shown.Code.Reveal()))
	if err != nil {
		return Shown{}, err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		var row struct {
			UserID string
			Hours  int
		}
		ok, err := tx.One(&row, `UPDATE static_passcodes AS p SET state = 'active', hash = ?, shown_by = ?, shown_at = ?
			WHERE p.tenant_id = ? AND p.id = ? AND (p.state = 'approved' AND p.expires_at > ? AND p.user_id <> ?) IS TRUE AND `+plain+` RETURNING user_id, hours`,
			hash, by, tx.Now, tenantID, id, tx.Now, by, tx.Now)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Conflict, "passcode.not_to_show")
		}
		most, err := HoursMost(tx, tenantID) // that may have become fewer since it was approved
		if err != nil {
			return err
		}
		shown.UserID, shown.ExpiresAt = row.UserID, tx.Now.Add(time.Duration(min(row.Hours, most))*time.Hour)
		if err := tx.Exec("UPDATE static_passcodes SET expires_at = ? WHERE tenant_id = ? AND id = ?", shown.ExpiresAt, tenantID, id).Error; err != nil {
			return err
		}
		if err := notify.Tell(tx, tenantID, row.UserID, notify.Notice{Action: audit.PasscodeIssued}); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.PasscodeIssued, Actor: audit.User(by), Target: audit.User(row.UserID), Subject: row.UserID, Thread: id, Origin: from,
		})
	})
	return shown, err
}

// HoursMost is for how many hours a passcode of a tenant works at most.
func HoursMost(tx *store.Tx, tenantID string) (hours int, err error) {
	_, err = tx.One(&hours, "SELECT passcode_hours FROM tenants WHERE id = ?", tenantID)
	return hours, err
}

// Typed puts a passcode as typed into the form in which it is hashed: what parts it
// and whether its letters are large makes no difference.
func Typed(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(text)))
}

// Held is what a typed one is checked against.
type Held struct{ TenantID, ID, Hash string }

// Holding gives what a static passcode of a user is checked against; for one who has
// none, and for no user, it has no hash.
func (s *Service) Holding(ctx context.Context, tenantID, userID string) (Held, error) {
	tx := s.DB.View(ctx)
	h := Held{TenantID: tenantID}
	_, err := tx.One(&h, "SELECT tenant_id, id, hash FROM static_passcodes WHERE user_id = ? AND tenant_id = ? AND state = 'active' AND expires_at > ?", userID, tenantID, tx.Now)
	return h, store.Unusable(err)
}

// Standing is the static passcode that somebody has.
type Standing struct {
	Shown     bool      // and may be used; else it waits to be shown
	ExpiresAt time.Time // the last instant is too late
}

// Of gives the static passcode that a user has or may be shown; nil: none.
func Of(tx *store.Tx, tenantID, userID string) (*Standing, error) {
	var has Standing
	found, err := tx.One(&has, `SELECT state = 'active' AS shown, expires_at FROM static_passcodes
		WHERE tenant_id = ? AND user_id = ? AND state IN ('approved', 'active') AND expires_at > ?`, tenantID, userID, tx.Now)
	if err != nil || !found {
		return nil, err
	}
	return &has, nil
}

// Working gives those of users whose static passcode would let them in now.
func Working(tx *store.Tx, tenantID string, users []string) (working []string, err error) {
	err = tx.All(&working, "SELECT p.user_id FROM static_passcodes p WHERE p.tenant_id = ? AND p.user_id IN ? AND p.state = 'active' AND p.expires_at > ? AND "+plain,
		tenantID, users, tx.Now, tx.Now)
	return working, err
}

// Match says whether a typed one is it. It takes as long where there is none.
func (s *Service) Match(ctx context.Context, h Held, typed string) (bool, error) {
	return s.Passwords.Verify(ctx, h.Hash, Typed(typed))
}

// Use notes a use in the act tx. One that has ended, and one whose user may not have
// one any more, is fault.Refused.
func Use(tx *store.Tx, h Held) error {
	return tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE static_passcodes AS p SET uses = uses + 1, last_used_at = ?
		WHERE p.tenant_id = ? AND p.id = ? AND (p.state = 'active' AND p.hash = ? AND p.expires_at > ?) IS TRUE AND `+plain,
		tx.Now, h.TenantID, h.ID, h.Hash, tx.Now, tx.Now)
}

// Withdraw ends, in the act tx, the one that a user has or may be shown, with the
// sessions that it made. The event and the notice are the caller's. None is
// fault.Conflict.
func (s *Service) Withdraw(tx *store.Tx, tenantID, userID, by string) (id string, err error) {
	ok, err := tx.One(&id, `UPDATE static_passcodes SET state = 'withdrawn', hash = '', ended_at = ?, ended_by = ?
		WHERE tenant_id = ? AND user_id = ? AND state IN ('approved', 'active') RETURNING id`, tx.Now, by, tenantID, userID)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fault.New(fault.Conflict, "passcode.none")
	}
	return id, s.close(tx, tenantID, userID)
}

// TurnedOff withdraws, in the act tx, those whose users may not use them any more,
// with the sessions that they made: the way was turned off, or is for groups that
// the user is in none of. Each is told. On again, it takes a new one.
func TurnedOff(tx *store.Tx, tenantID, by string, from audit.Origin) error {
	var gone []struct{ ID, UserID string }
	err := tx.All(&gone, `UPDATE static_passcodes SET state = 'withdrawn', hash = '', ended_at = ?, ended_by = ?
		WHERE tenant_id = ? AND state IN ('approved', 'active') AND EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id
		WHERE u.tenant_id = static_passcodes.tenant_id AND u.id = static_passcodes.user_id AND `+method.NoSignIn+` & ? <> 0) RETURNING id, user_id`,
		tx.Now, by, tenantID, user.WithStaticPasscode)
	if err != nil {
		return err
	}
	actor := audit.User(by)
	if by == "" {
		actor = audit.Service // by a schedule
	}
	for _, g := range gone {
		if err := session.CloseMadeBy(tx, tenantID, g.UserID, session.ByPasscode, ""); err != nil {
			return err
		}
		if err := notify.Tell(tx, tenantID, g.UserID, notify.Notice{Action: audit.PasscodeWithdrawn}); err != nil {
			return err
		}
		if err := audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.PasscodeWithdrawn, Actor: actor, Target: audit.User(g.UserID), Subject: g.UserID, Thread: g.ID, Origin: from,
		}); err != nil {
			return err
		}
	}
	return nil
}

// close ends the sessions that a static passcode of a user made.
func (s *Service) close(tx *store.Tx, tenantID, userID string) error {
	tx.After(func() { s.Hub.Ring(device.UserKey(tenantID, userID)) })
	return session.CloseMadeBy(tx, tenantID, userID, session.ByPasscode, "")
}

// Lapse ends those whose time is over, with their sessions. Any replica may run it;
// each ends once.
func (s *Service) Lapse(ctx context.Context) error {
	var due []struct{ TenantID, ID string }
	err := s.DB.View(ctx).All(&due, "SELECT tenant_id, id FROM static_passcodes WHERE state IN ('approved', 'active') AND expires_at <= ? LIMIT 100", s.DB.Now())
	if err != nil {
		return store.Unusable(err)
	}
	for _, d := range due {
		err := s.DB.Act(ctx, func(tx *store.Tx) error {
			var userID string
			ok, err := tx.One(&userID, `UPDATE static_passcodes SET state = 'expired', hash = '', ended_at = ?
				WHERE tenant_id = ? AND id = ? AND state IN ('approved', 'active') AND expires_at <= ? RETURNING user_id`, tx.Now, d.TenantID, d.ID, tx.Now)
			if err != nil || !ok {
				return err
			}
			if err := s.close(tx, d.TenantID, userID); err != nil {
				return err
			}
			return audit.Record(tx, audit.Event{
				TenantID: d.TenantID, Action: audit.PasscodeExpired, Actor: audit.Service, Target: audit.User(userID), Subject: userID, Thread: d.ID,
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Listed is one of the list of the console.
type Listed struct {
	ID, UserID, UserName, State, Reason string
	Ticket                              string // that it was asked for under; or empty
	RequestedBy, ApprovedBy, ShownBy    string // sign-in names
	Hours, Uses                         int
	ApprovedAt, ExpiresAt               time.Time
	LastUsedAt                          *time.Time
	EndedAt                             *time.Time
}

// endedShown is how long one that is gone stays in the list.
const endedShown = 30 * 24 * time.Hour

// List gives those that are there, and those that are gone since a month; the
// former first.
func (s *Service) List(ctx context.Context, tenantID string) ([]Listed, error) {
	tx := s.DB.View(ctx)
	var all []Listed
	err := tx.All(&all, `SELECT p.id, p.user_id, u.name AS user_name, p.state, p.reason, p.ticket, p.requested_by, p.approved_by, p.shown_by, p.hours, p.uses,
		p.approved_at, p.expires_at, p.last_used_at, p.ended_at FROM static_passcodes p JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
		WHERE p.tenant_id = ? AND (p.ended_at IS NULL OR p.ended_at > ?) ORDER BY CASE WHEN p.ended_at IS NULL THEN 0 ELSE 1 END, p.approved_at DESC LIMIT 200`,
		tenantID, tx.Now.Add(-endedShown))
	if err != nil {
		return nil, store.Unusable(err)
	}
	var ids []string
	for _, l := range all {
		ids = append(ids, l.RequestedBy, l.ApprovedBy, l.ShownBy)
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	for i := range all {
		l := &all[i]
		l.RequestedBy, l.ApprovedBy, l.ShownBy = names[l.RequestedBy], names[l.ApprovedBy], names[l.ShownBy]
		if l.EndedAt == nil && !tx.Now.Before(l.ExpiresAt) {
			l.State = "expired" // the sweep comes in a moment
		}
	}
	return all, store.Unusable(err)
}
