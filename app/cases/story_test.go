package cases_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/store"
	"latchkey/app/user"
)

// TestACaseTellsItsStoryPageByPage: what was done under it, and what happened meanwhile to
// what its person signs in with, each once, the newest first; and nothing of before, of
// afterwards, of others, or that has to do with nothing of it.
func TestACaseTellsItsStoryPageByPage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		happens := func(action audit.Action, to user.User, thread string) {
			d.Act(func(tx *store.Tx) error {
				return audit.Record(tx, audit.Event{
					TenantID: d.Alder.ID, Action: action, Actor: audit.User(to.ID), Target: audit.Tenant(d.Alder.ID), Subject: to.ID, Thread: thread, Origin: audit.Origin{IP: "203.0.113.9"},
				})
			})
			d.Clock.Forward(time.Microsecond)
		}
		happens(audit.PasskeyBound, d.nurse, "")
		d.Clock.Forward(time.Minute)
		of := d.opened(d.nurse, "")
		happens(audit.DeviceEnrolled, d.nurse, "")
		happens(audit.DeviceEnrolled, d.porter, "")
		happens(audit.SignInBegun, d.nurse, "")
		const many = 120
		for range many {
			happens(audit.CallerCheckProved, d.nurse, of.Case)
			happens(audit.DeviceRevoked, d.nurse, "")
		}
		d.must(d.act(d.agent, cases.KindClose, d.nurse, "all is well", of))
		d.Clock.Forward(time.Minute)
		happens(audit.TOTPBound, d.nurse, "")

		who := d.Rules.Standing(d.Alder.ID, d.agent.ID)
		var seen []string
		var actions []audit.Action
		for at, pages := (cases.Position{}), 1; ; pages++ {
			w, err := d.cases.Find(t.Context(), who, of.Case, at)
			d.must(err)
			for _, e := range w.Story {
				seen, actions = append(seen, e.ID), append(actions, e.Action)
			}
			if !w.Older {
				if pages < 4 {
					t.Errorf("it is all on %d pages", pages)
				}
				break
			}
			last := w.Story[len(w.Story)-1]
			at = cases.Position{At: last.At, ID: last.ID}
		}
		if unlike := slices.Compact(slices.Sorted(slices.Values(seen))); len(unlike) != len(seen) || len(seen) != 2*many+3 {
			t.Errorf("%d events, %d of them different; want %d", len(seen), len(unlike), 2*many+3)
		}
		if n := len(actions); n < 3 || actions[0] != audit.CaseClosed || actions[n-1] != audit.CaseOpened || actions[n-2] != audit.DeviceEnrolled {
			t.Errorf("it goes from %v to %v", actions[:3], actions[n-3:])
		}
		for _, not := range []audit.Action{audit.PasskeyBound, audit.TOTPBound, audit.SignInBegun} {
			if slices.Contains(actions, not) {
				t.Errorf("%s is no part of it", not)
			}
		}
		// An agent who has no part in it is told none of what happened meanwhile.
		d.Set("UPDATE cases SET owner_id = ?", d.other.ID)
		w, err := d.cases.Find(t.Context(), who, of.Case, cases.Position{})
		d.must(err)
		for _, e := range w.Story {
			if e.ActorID != d.agent.ID {
				t.Errorf("an agent without it is told of %s", e.Action)
			}
		}
	})
}
