package settings

import (
	"strconv"

	"latchkey/app/approval"
	"latchkey/app/session"
	"latchkey/app/store"
)

// Sessions are how long people stay signed in. A shorter time holds at once, for
// every session and every trusted browser; a longer one is loosening.
type Sessions struct {
	IdleMinutes  int `json:"idle_minutes"`
	SessionHours int `json:"session_hours"`
	TrustDays    int `json:"trust_days"`
}

// part is one of them: its field, its values and its limits.
type part struct {
	field       string
	was, next   int
	least, most int
	code        string
}

func (s Sessions) parts(was Sessions) []part {
	return []part{
		{"idle_minutes", was.IdleMinutes, s.IdleMinutes, session.IdleMinutesLeast, session.IdleMinutesMost, "settings.idle_form"},
		{"session_hours", was.SessionHours, s.SessionHours, session.SessionHoursLeast, session.SessionHoursMost, "settings.hours_form"},
		{"trust_days", was.TrustDays, s.TrustDays, 0, session.TrustDaysMost, "settings.days_form"},
	}
}

// wrong notes, by field, which are out of their limits.
func (s Sessions) wrong(fields map[string]string) {
	for _, p := range s.parts(s) {
		if p.next < p.least || p.next > p.most {
			fields[p.field] = p.code
		}
	}
}

// loosens says whether somebody stays signed in, or trusted, for longer than before.
func (s Sessions) loosens(was Sessions) bool {
	for _, p := range s.parts(was) {
		if p.next > p.was {
			return true
		}
	}
	return false
}

func (s Sessions) difference(was Sessions) (lines []approval.Change) {
	for _, p := range s.parts(was) {
		if p.was != p.next {
			lines = append(lines, approval.Change{Field: p.field, Before: strconv.Itoa(p.was), After: strconv.Itoa(p.next)})
		}
	}
	return lines
}

// hold makes a shorter trust hold for browsers that are trusted for longer.
func (s Sessions) hold(tx *store.Tx, tenantID string, was Sessions) error {
	if s.TrustDays >= was.TrustDays {
		return nil
	}
	return session.Shorten(tx, tenantID, s.TrustDays)
}
