package breakglass

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// way is under which failures are counted.
const way = "break_glass"

// held is the sheet that a name is checked against; without a hash it is that of nobody.
type held struct {
	TenantID, UserID, Name, ID, Hash string
	name                             string // as typed
}

// works says of a sheet s that its account is there and can act.
const works = `EXISTS (SELECT 1 FROM break_glass_accounts a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id JOIN tenants t ON t.id = a.tenant_id
	WHERE a.tenant_id = s.tenant_id AND a.user_id = s.user_id AND a.removed_at IS NULL AND u.break_glass AND u.state = 'active' AND t.state = 'active')`

// holding gives what stands behind a name, in a tenant where it is given.
func (s *Service) holding(ctx context.Context, tenantID, typed string) (held, error) {
	h := held{TenantID: tenant.Nowhere, name: user.Name(typed)}
	tx := s.DB.View(ctx)
	_, domain, _ := strings.Cut(h.name, "@")
	if _, err := tx.One(&h.TenantID, "SELECT t.id FROM domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.domain = ? AND d.verified_at IS NOT NULL AND t.state = 'active' AND (? = '' OR t.id = ?)", domain, tenantID, tenantID); err != nil {
		return h, store.Unusable(err)
	}
	_, err := tx.One(&h, `SELECT u.tenant_id, u.id AS user_id, u.name, COALESCE(s.id, '') AS id, COALESCE(s.hash, '') AS hash FROM users u
		JOIN break_glass_accounts a ON a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.removed_at IS NULL
		LEFT JOIN break_glass_sheets s ON s.tenant_id = u.tenant_id AND s.user_id = u.id AND s.state = 'sealed' WHERE u.tenant_id = ? AND u.name = ?`, h.TenantID, h.name)
	return h, store.Unusable(err)
}

// subject is under whom the failures of a name from an address are counted.
func (s *Service) subject(h held, from audit.Origin, now time.Time) string {
	return s.daily(now, way, h.name, from.IP)
}

// daily is a subject of failures that lasts a day: so nobody is locked out by the tries of
// others elsewhere, nor for good.
func (s *Service) daily(now time.Time, of ...string) string {
	return s.Keys.Subject(strings.Join(append(of, now.UTC().Format(time.DateOnly)), "\x00"))
}

// count counts a try before it is checked. One that comes in a pause is fault.Throttled.
func (s *Service) count(ctx context.Context, tenantID, subject string) error {
	var wait time.Duration
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		wait = 0
		counted, state, err := throttle.Try(tx, tenantID, subject, way, false, throttle.Every)
		if until, paused := state.Until(tx.Now); err == nil && !counted && paused {
			wait = until.Sub(tx.Now)
		}
		return err
	})
	if err == nil && wait > 0 {
		err = fault.Wait("signin.paused", wait)
	}
	return err
}

// check counts a try and checks a code. A wrong one is remembered, rings the bells, and is
// fault.Refused, alike for every cause; too many are fault.Throttled.
func (s *Service) check(ctx context.Context, tenantID, name, code string, from audit.Origin) (held, error) {
	h, err := s.holding(ctx, tenantID, name)
	if err != nil {
		return h, err
	}
	if err := s.count(ctx, h.TenantID, s.subject(h, from, s.DB.Now())); err != nil {
		return h, err
	}
	right, err := s.Passwords.Verify(ctx, h.Hash, Typed(code))
	if err != nil {
		return h, s.uncount(ctx, h, from, err)
	}
	if !right || h.ID == "" {
		return h, s.refused(ctx, h, "break_glass.wrong", from)
	}
	return h, nil
}

// spend takes the sheet, in the act tx, for what it was used for. The condition repeats
// every check made on the way here: of many at once one has it.
func (s *Service) spend(tx *store.Tx, h held, use string, from audit.Origin) error {
	err := tx.Change(refusal(), `UPDATE break_glass_sheets AS s SET state = 'used', hash = '', outside = '', used_at = ?, used_for = ?, ended_at = ?
		WHERE s.tenant_id = ? AND s.id = ? AND (s.state = 'sealed' AND s.hash = ?) IS TRUE AND `+works, tx.Now, use, tx.Now, h.TenantID, h.ID, h.Hash)
	if err != nil {
		return err
	}
	return throttle.Passed(tx, h.TenantID, s.subject(h, from, tx.Now), way)
}

func refusal() *fault.Error { return fault.New(fault.Refused, "signin.refused") }

// Entered is what a browser is given that came in by a sheet.
type Entered struct {
	Cookie  secret.Token
	Limited bool // until a passkey proves it
}

// SignIn lets somebody in by the code of a sheet, which is spent by it.
func (s *Service) SignIn(ctx context.Context, name, code string, from audit.Origin) (Entered, error) {
	h, err := s.check(ctx, "", name, code, from)
	if err != nil {
		return Entered{}, err
	}
	var in Entered
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := s.spend(tx, h, ForSignIn, from); err != nil {
			return err
		}
		var bound user.Ways
		if _, err := tx.One(&bound, "SELECT ways FROM users WHERE tenant_id = ? AND id = ?", h.TenantID, h.UserID); err != nil {
			return err
		}
		in.Limited = bound.Has(user.WithPasskey)
		id, cookie, err := session.Begin(tx, session.Beginning{
			TenantID: h.TenantID, UserID: h.UserID, AMR: session.ByBreakGlass, IP: from.IP, Browser: from.Browser, RequestID: from.RequestID,
			Limited: in.Limited, EndsAt: tx.Now.Add(SessionLife),
		})
		if err != nil {
			return err
		}
		in.Cookie = cookie
		if err := tx.Later("UPDATE users SET last_signin_at = ? WHERE tenant_id = ? AND id = ?", tx.Now, h.TenantID, h.UserID); err != nil {
			return err
		}
		e := h.event(audit.BreakGlassUsed, from)
		e.Details = map[string]string{"for": ForSignIn, "session": id}
		if err := audit.Record(tx, e); err != nil {
			return err
		}
		return s.alarm(tx, h, e, true)
	})
	return in, s.settled(ctx, h, err, from)
}

// settled remembers that a code which was right did not do, and gives the failure on. A
// try that came to nothing for another cause counts for nothing.
func (s *Service) settled(ctx context.Context, h held, err error, from audit.Origin) error {
	switch {
	case errors.Is(err, fault.Refused):
		return s.refused(ctx, h, "break_glass.over", from)
	case err != nil:
		return s.uncount(ctx, h, from, err)
	}
	return nil
}

// uncount takes a counted try back, and gives on why.
func (s *Service) uncount(ctx context.Context, h held, from audit.Origin, why error) error {
	return errors.Join(why, s.DB.Act(ctx, func(tx *store.Tx) error {
		return throttle.Uncount(tx, h.TenantID, s.subject(h, from, tx.Now), way, false)
	}))
}

func (h held) event(action audit.Action, from audit.Origin) audit.Event {
	return audit.Event{TenantID: h.TenantID, Action: action, Actor: audit.User(h.UserID), Target: audit.User(h.UserID), Subject: h.UserID, Thread: h.ID, Origin: from}
}

// refused remembers a refusal in an act of its own, and rings.
func (s *Service) refused(ctx context.Context, h held, reason string, from audit.Origin) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		e := h.event(audit.BreakGlassRefused, from)
		e.Outcome, e.Reason, e.Actor = audit.Failure, reason, audit.Claimant(s.Keys.Subject(h.name))
		if h.UserID == "" {
			e.Target = audit.Tenant(h.TenantID)
		}
		if err := audit.Record(tx, e); err != nil || h.UserID == "" {
			return err
		}
		var alarms int
		_, err := tx.One(&alarms, `UPDATE break_glass_accounts SET alarms = CASE WHEN alarmed_from > ? THEN alarms + 1 ELSE 1 END, alarmed_from = CASE WHEN alarmed_from > ? THEN alarmed_from ELSE ? END
			WHERE tenant_id = ? AND user_id = ? RETURNING alarms`, tx.Now.Add(-alarmSpan), tx.Now.Add(-alarmSpan), tx.Now, h.TenantID, h.UserID)
		if err != nil || alarms > alarmsMost {
			return err
		}
		return s.alarm(tx, h, e, alarms == 1)
	})
	if err != nil {
		return store.Unusable(err)
	}
	return refusal().Because(fmt.Errorf("breakglass: %s", reason))
}
