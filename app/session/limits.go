package session

import (
	"time"

	"latchkey/app/method"
	"latchkey/app/relaxation"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Limits that a tenant may choose, and what holds where none did.
const (
	IdleMinutesLeast, IdleMinutesMost   = 5, int(IdleLife / time.Minute)
	SessionHoursLeast, SessionHoursMost = 1, int(Life / time.Hour)
	TrustDaysMost, TrustDaysUsual       = 30, 14 // 0: no browser is trusted
)

// Lives are the rules of a session's tenant as they are now, so that a tighter one
// holds for every session at once. Gorm reads it as part of a row, which takes an
// exported name.
type Lives struct {
	IdleMinutes  int
	SessionHours int
	Off          user.Ways // that its user may use for nothing

	relaxation.Running // what runs in the tenant now
}

// lives reads Lives, of a user u in a tenant t, but for what runs there: that is
// relaxation.Columns, of relaxation.Join.
var lives = "t.idle_minutes, t.session_hours, " + method.NoUseNow + " AS off"

// over says whether a session that was made so, began and was last seen then has
// ended: its time is over, or a way that had a part in it was turned off.
func (l Lives) over(amr string, createdAt, lastSeenAt, now time.Time) bool {
	at, _ := l.endsAt(amr, createdAt, lastSeenAt)
	return !now.Before(at) || madeWith(amr)&l.Off != 0
}

// endsAt says when a session that began and was last seen then ends if nothing
// happens, and whether it does so however much it is used. Its whole time may go on
// while an outage makes it longer; for how long it may idle never does.
func (l Lives) endsAt(amr string, createdAt, lastSeenAt time.Time) (at time.Time, last bool) {
	idle := IdleLife
	if l.IdleMinutes > 0 {
		idle = time.Duration(l.IdleMinutes) * time.Minute
	}
	at, end := lastSeenAt.Add(idle), l.longer(amr, createdAt.Add(l.whole()))
	if !end.After(at) {
		return end, true
	}
	return at, false
}

// whole is how long a session lasts at most, when no outage makes it longer.
func (l Lives) whole() time.Duration {
	if l.SessionHours > 0 {
		return time.Duration(l.SessionHours) * time.Hour
	}
	return Life
}

// longer is the end of a session that was made so and would be over at a moment. What
// others handed over for some hours is not made longer.
func (l Lives) longer(amr string, end time.Time) time.Time {
	if handed(amr) || end.IsZero() {
		return end
	}
	return l.Extends(end)
}

// EndsAt says when the session ends if nothing happens, and whether it does so
// however much it is used.
func (s Session) EndsAt() (at time.Time, last bool) {
	at, last = s.Lives.endsAt(s.AMR, s.CreatedAt, s.LastSeenAt)
	return earlier(s.longer(s.AMR, s.ExpiresAt), at, last)
}

// WholeEndsAt says when the session is over however much it is used, by what holds for
// every tenant.
func (s Session) WholeEndsAt() time.Time { return s.longer(s.AMR, s.CreatedAt.Add(Life)) }

// goesOn says whether the session would be over at a moment, and goes on because of an
// outage alone.
func (s Session) goesOn(now time.Time) bool {
	end := s.CreatedAt.Add(s.whole())
	if s.ExpiresAt.Before(end) {
		end = s.ExpiresAt
	}
	return !now.Before(end)
}

// EndsAt is Session.EndsAt; one that idles ends with its whole time.
func (l Listed) EndsAt() (at time.Time, last bool) {
	if l.Idle {
		return l.Lives.endsAt(l.AMR, l.CreatedAt, l.CreatedAt.Add(2*Life))
	}
	at, last = l.Lives.endsAt(l.AMR, l.CreatedAt, l.LastSeenAt)
	return earlier(l.longer(l.AMR, l.ExpiresAt), at, last)
}

// earlier has an end come at a moment at the latest: that of a session which a bypass made
// comes with the bypass.
func earlier(ends, at time.Time, last bool) (time.Time, bool) {
	if !ends.IsZero() && ends.Before(at) {
		return ends, true
	}
	return at, last
}

func (s Session) over(now time.Time) bool { return s.Lives.over(s.AMR, s.CreatedAt, s.LastSeenAt, now) }

func (l Listed) over(now time.Time) bool { return l.Lives.over(l.AMR, l.CreatedAt, l.LastSeenAt, now) }

// Shorten ends, in the act tx, the trust in browsers of a tenant by then at the
// latest: it trusts browsers for fewer days from now on. Sessions need nothing of
// the kind; they ask the limits whenever they are used.
func Shorten(tx *store.Tx, tenantID string, days int) error {
	ends := tx.Now.AddDate(0, 0, days)
	return tx.Exec("UPDATE trusted_browsers SET ends_at = ? WHERE tenant_id = ? AND ended_at IS NULL AND ends_at > ?", ends, tenantID, ends).Error
}
