// Package prompt asks a user's phone: may this happen? It is used by sign-in,
// by step-up, by the test after an enrolment and by approvals, and later by every
// act that wants a yes from a phone. One that asks for an act shows it, and is
// approved by a signature over its digest alone.
//
//	            ┌─ the right number ──────▶ approved
//	pending ────┼─ deny, a wrong number ──▶ denied
//	            ├─ it is not me ──────────▶ reported
//	            └─ 120 s, withdrawn ──────▶ expired
//
// One prompt has one answer. One prompt of a name is visible at a time: a
// unique index over pending prompts holds that, also against two at once, and
// with it every limit on how often a phone is asked, since the next prompt can
// only be counted after the last one ended.
//
// A name that nobody can answer for (unknown, locked, phoneless) gets a prompt
// too, without a user: same rows, same limits, same time.
package prompt

import (
	"time"

	"latchkey/app/tenant"
	"latchkey/app/throttle"
)

// Limits (product.md §9).
const (
	Life        = 120 * time.Second
	shortWindow = 10 * time.Minute
	shortMost   = 3
	dayWindow   = Memory
	dayMost     = 10
	quietAfter  = 60 * time.Minute // after "it is not me"
	typeAfter   = time.Hour        // typed digits after a wrong pick
)

// Memory is how far back the prompts of a name count.
const Memory = 24 * time.Hour

// State of a prompt. Add, never rename.
type State string

const (
	Pending  State = "pending"
	Approved State = "approved"
	Denied   State = "denied"
	Reported State = "reported"
	Expired  State = "expired"
	Held     State = "held" // none was sent: see Pause
)

// Decision is what a phone answers.
type Decision string

const (
	Approve Decision = "approve"
	Deny    Decision = "deny"
	Report  Decision = "report"
)

// Kind says what a prompt asks for. Add, never rename.
type Kind string

const (
	SignIn       Kind = "sign_in"
	SecondFactor Kind = "second_factor"
	StepUp       Kind = "step_up"
	CallerCheck  Kind = "caller_check"
	Approval     Kind = "approval"
	Test         Kind = "test"
)

// transitions is the whole life of a prompt: what is not here cannot happen.
var transitions = map[State]map[Decision]State{
	Pending: {Approve: Approved, Deny: Denied, Report: Reported},
}

// Outcome gives the state that decision leads to, and whether a number was
// given that is not the one shown. A wrong number denies: one answer per prompt.
func Outcome(s State, d Decision, shown, given string) (next State, wrong, ok bool) {
	next, ok = transitions[s][d]
	if ok && next == Approved && shown != given {
		return Denied, true, true
	}
	return next, false, ok
}

// Recent is what is known of an earlier prompt of the same name.
type Recent struct {
	ID          string
	State       State
	AttemptID   string
	WrongNumber bool
	NewBrowser  bool // asked by a browser that was new to the user
	Apart       bool // does not count for who asks now: they are known, and the other one was not
	CreatedAt   time.Time
	ExpiresAt   time.Time
	DecidedAt   *time.Time
}

// visible says whether the prompt is on a phone now.
func (r Recent) visible(now time.Time) bool { return r.State == Pending && now.Before(r.ExpiresAt) }

// Pause says why and until when a phone is left alone. The zero Pause lets a
// prompt through.
type Pause struct {
	Reason string // "", "visible", "often", "many", "reported", "failures" or "off"
	Until  time.Time
}

// PauseAfter judges the prompts of the last day, newest first: 3 in 10 minutes,
// 10 a day without a success, 1 visible, none for an hour after a report. Those
// that stand apart count for the last alone.
func PauseAfter(recent []Recent, now time.Time) Pause {
	var pause Pause
	later := func(reason string, until time.Time) {
		if now.Before(until) && until.After(pause.Until) {
			pause = Pause{Reason: reason, Until: until}
		}
	}
	unanswered, short := 0, 0
	succeeded := false
	for _, r := range recent {
		if r.visible(now) && !r.Apart {
			later("visible", r.ExpiresAt)
		}
		if r.State == Reported && r.DecidedAt != nil {
			later("reported", r.DecidedAt.Add(quietAfter))
		}
		if r.Apart {
			continue
		}
		if now.Before(r.CreatedAt.Add(shortWindow)) {
			if short++; short == shortMost {
				later("often", r.CreatedAt.Add(shortWindow))
			}
		}
		succeeded = succeeded || r.State == Approved
		if !succeeded && now.Before(r.CreatedAt.Add(dayWindow)) {
			if unanswered++; unanswered == dayMost {
				later("many", r.CreatedAt.Add(dayWindow))
			}
		}
	}
	return pause
}

// or gives the longer of the pause and the one for wrong numbers.
func (p Pause) or(failures throttle.State, now time.Time) Pause {
	until, paused := failures.Until(now)
	if !paused || !until.After(p.Until) {
		return p
	}
	if failures.Off() {
		return Pause{Reason: "off", Until: until}
	}
	return Pause{Reason: "failures", Until: until}
}

// ModeFor gives how the number must come back: as the tenant says, but typed
// for people with an administrative role and after a wrong pick in the last hour.
func ModeFor(of tenant.MatchMode, administrator bool, recent []Recent, now time.Time) tenant.MatchMode {
	if of != tenant.Pick3 {
		return of
	}
	if administrator {
		return tenant.Type2
	}
	for _, r := range recent {
		if r.WrongNumber && r.DecidedAt != nil && now.Before(r.DecidedAt.Add(typeAfter)) {
			return tenant.Type2
		}
	}
	return tenant.Pick3
}
