package signin

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// Passwords says whether a password belongs to a hash, and makes one; both take a
// moment.
type Passwords interface {
	Verify(ctx context.Context, phc, password string) (bool, error)
	Hash(ctx context.Context, password string) (string, error)
	Outdated(phc string) bool
}

// VerifyPassword checks a password for an attempt and makes a session of it, or
// leads on to the second factor. The try is counted before it is checked, in a commit of its own. A wrong
// password, a name that nobody has, a locked user and an attempt that is over
// are all fault.Refused; a paused way is fault.Throttled; with fault.Unavailable
// nothing has changed, and the try does not count.
func (s *Service) VerifyPassword(ctx context.Context, addressed, typed string, from From) (Done, error) {
	a, now, err := s.Find(ctx, addressed, from.BrowserDigest)
	if err != nil {
		return Done{}, err
	}
	if !a.Open(now) || a.Stuck() || a.Way != Password {
		return Done{}, s.refused(ctx, addressed, "signin.over", from)
	}
	if err := s.countTry(ctx, a, Password, from); err != nil {
		return Done{}, err
	}
	who, known, err := s.holder(ctx, a)
	if err != nil {
		return Done{}, s.uncount(ctx, a, Password, err)
	}
	right, err := s.Passwords.Verify(ctx, who.PasswordHash, typed)
	if err != nil {
		return Done{}, s.uncount(ctx, a, Password, store.Unusable(err))
	}
	if !right || !known {
		return Done{}, s.refused(ctx, addressed, "signin.password_wrong", from)
	}
	next := who.PasswordHash
	if s.Passwords.Outdated(next) {
		// When too many wait, it is left for the next time.
		if renewed, err := s.Passwords.Hash(ctx, typed); err == nil {
			next = renewed
		}
	}
	done, err := s.passed(ctx, a, Password, func(tx *store.Tx) error { return stillTheirs(tx, who, next) }, from)
	return done, s.settled(ctx, a, Password, "signin.changed", err, from)
}

// stillTheirs holds, in the act tx, the password of a user as it was checked: one
// that is changed at the same moment makes no session that its change does not end.
// next is the hash that it has from then on, made with the parameters of today.
func stillTheirs(tx *store.Tx, who user.User, next string) error {
	refused := fault.New(fault.Refused, "signin.refused")
	if next != who.PasswordHash {
		return tx.Change(refused, "UPDATE users SET password_hash = ? WHERE tenant_id = ? AND id = ? AND password_hash = ?", next, who.TenantID, who.ID, who.PasswordHash)
	}
	query := "SELECT id FROM users WHERE tenant_id = ? AND id = ? AND password_hash = ?"
	if tx.Dialect == store.Postgres {
		query += " FOR NO KEY UPDATE" // SQLite has one writer anyway
	}
	var id string
	ok, err := tx.One(&id, query, who.TenantID, who.ID, who.PasswordHash)
	if err == nil && !ok {
		err = refused
	}
	return err
}

// holder is the user of an attempt when they may sign in.
func (s *Service) holder(ctx context.Context, a Attempt) (user.User, bool, error) {
	who, ok, err := user.Named(ctx, s.DB, a.TenantID, a.Name)
	if err != nil {
		return user.User{}, false, err
	}
	if !ok || who.State != user.Active || who.ID != a.userID {
		return user.User{}, false, nil
	}
	return who, true, nil
}

// countTry counts a try of a way, for the attempt, for the address and for the name,
// before it is checked. Five tries end an attempt, or a challenge of the first page; ten in a row pause the way, longer
// each time; a hundred turn it off until an administrator turns it on. A name that
// nobody has is counted alike. A browser in which the user had a session is paused by
// its own tries alone (package throttle).
func (s *Service) countTry(ctx context.Context, a Attempt, way Way, from From) error {
	var wait time.Duration
	over, action := false, audit.WayPaused
	err := s.DB.Count(ctx, func(tx *store.Tx) error {
		wait = 0
		if a.challenge != "" { // its life is no longer than the pause
			counted, _, err := throttle.Try(tx, tenant.Nowhere, a.challenge, string(way), false, failuresMost)
			if over = !counted; err != nil || over {
				return err
			}
		}
		res := tx.Exec("UPDATE attempts SET failures = failures + 1 WHERE tenant_id = ? AND id = ? AND state = 'open' AND failures < ?",
			a.TenantID, a.key, failuresMost)
		if res.Error != nil {
			return res.Error
		}
		if over = res.RowsAffected == 0; over {
			return nil
		}
		known, err := seenHere(tx, a)
		if err != nil {
			return err
		}
		if !known {
			if wait, err = throttle.TryFrom(tx, a.TenantID, s.address(from.IP), s.AddressMost); err != nil || wait > 0 {
				return err
			}
		}
		most := throttle.Every
		if _, err := tx.One(&most, "SELECT tries_most FROM tenants WHERE id = ?", a.TenantID); err != nil {
			return err
		}
		counted, standing, err := throttle.Try(tx, a.TenantID, a.subject, string(way), known, most)
		if err != nil || counted {
			return err
		}
		if standing.Off() {
			action = audit.WayTurnedOff
		}
		wait = throttle.PauseLife
		if until, paused := standing.Until(tx.Now); paused {
			wait = until.Sub(tx.Now)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case over:
		return s.refused(ctx, a.ID, "signin.over", from)
	case wait > 0:
		return s.throttled(ctx, a, way, wait, action, from)
	}
	return nil
}

// seenHere says whether the user of an attempt had a session in its browser, or
// trusts it. One that is limited until it is proved makes no browser known.
func seenHere(tx *store.Tx, a Attempt) (bool, error) {
	if a.trusted {
		return true, nil
	}
	var id string
	return tx.One(&id, "SELECT id FROM sessions WHERE tenant_id = ? AND user_id = ? AND browser_digest = ? AND NOT limited LIMIT 1", a.TenantID, a.userID, a.browser)
}

func (s *Service) address(ip string) string { return AddressKey(s.Keys, ip) }

// AddressKey is the key under which what comes from a client address is counted: of
// IPv6 its network, for one customer has all of it.
func AddressKey(keys *secret.Keys, ip string) string {
	if addr, err := netip.ParseAddr(ip); err == nil {
		if ip = addr.Unmap().String(); addr.Is6() && !addr.Is4In6() {
			network, _ := addr.WithZone("").Prefix(64)
			ip = network.String()
		}
	}
	return keys.Subject("address " + ip)
}

// worked notes in the act tx that a way was proved in an attempt: what was counted
// against it is forgotten. It gives what seenHere says.
func (s *Service) worked(tx *store.Tx, a Attempt, way Way, from From) (known bool, err error) {
	known, err = seenHere(tx, a)
	if err != nil {
		return known, err
	}
	if !known { // others did not count
		if err := throttle.PassedFrom(tx, a.TenantID, s.address(from.IP)); err != nil {
			return known, err
		}
	}
	return known, throttle.Passed(tx, a.TenantID, a.subject, string(way))
}

// uncount takes a try back that came to nothing for a reason of ours: it was not
// checked, or it was right and no session could be made. It gives the reason on.
func (s *Service) uncount(ctx context.Context, a Attempt, way Way, reason error) error {
	if !errors.Is(reason, fault.Unavailable) {
		return reason
	}
	_ = s.DB.Count(ctx, func(tx *store.Tx) error {
		err := tx.Exec("UPDATE attempts SET failures = failures - 1 WHERE tenant_id = ? AND id = ? AND state = 'open' AND failures > 0", a.TenantID, a.key).Error
		if err != nil {
			return err
		}
		known, err := seenHere(tx, a)
		if err != nil {
			return err
		}
		return throttle.Uncount(tx, a.TenantID, a.subject, string(way), known)
	})
	return reason
}

// throttled remembers a try that was not checked because its way is paused or off.
func (s *Service) throttled(ctx context.Context, a Attempt, way Way, wait time.Duration, action audit.Action, from From) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: action, Outcome: audit.Failure, Reason: "signin.paused", Actor: audit.Claimant(a.subject),
			Target: audit.Attempt(a.key), Subject: a.userID, Thread: a.key, Origin: from.Origin, Details: map[string]string{"way": string(way)},
		})
	})
	if err != nil {
		return err
	}
	return fault.Wait("signin.paused", wait)
}
