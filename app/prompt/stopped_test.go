package prompt_test

import (
	"testing"

	"latchkey/app/feature"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// TestWhatIsStoppedIsNotOnThePhone: by the tenant, for somebody alone, by the platform. It
// is not shown, no answer to it is taken, no PIN counts against the phone, and when it
// goes on in time the request is there again.
func TestWhatIsStoppedIsNotOnThePhone(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		p, _ := h.PhoneOf(u)
		q, _ := h.PhoneOf(other)
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'field','field',?)", h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'field',?,?)", h.Alder.ID, u.ID, u.Name)
		rule := func(r feature.Rule) {
			h.Act(func(tx *store.Tx) error { return feature.Store(tx, h.Alder.ID, feature.PhoneSignIn, r, 1) })
		}
		release := func(share int) {
			h.Act(func(tx *store.Tx) error {
				return feature.Release(tx, feature.PhoneSignIn, []feature.Cell{{Region: h.Alder.Region, Ring: h.Alder.Ring, Share: share}})
			})
		}
		shown := func(p *Phone) int {
			open, err := h.Prompts.Open(t.Context(), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			return len(open)
		}
		for by, turn := range map[string]func(on bool){
			"the tenant": func(on bool) {
				rule(feature.Rule{Stage: map[bool]feature.Stage{true: feature.Everyone, false: feature.Off}[on]})
			},
			"a group": func(on bool) {
				rule(feature.Rule{Stage: feature.Everyone, Exclude: map[bool][]string{false: {"field"}}[on]})
			},
			"the platform": func(on bool) { release(map[bool]int{true: 100}[on]) },
		} {
			h.Set("DELETE FROM prompts")
			h.Set("DELETE FROM throttles")
			pc := Browser("a PC")
			attempt := h.Begin(u.Name, signin.Phone, pc)
			h.Begin(other.Name, signin.Phone, Browser("another"))
			r, number := p.Open(), h.Attempt(attempt, pc).Number
			turn(false)
			if shown(p) != 0 || (shown(q) != 0) != (by == "a group") {
				t.Errorf("stopped by %s, phones show %d and %d", by, shown(p), shown(q))
			}
			for _, pin := range []string{PIN, "000000"} {
				for _, decision := range []prompt.Decision{prompt.Approve, prompt.Deny, prompt.Report} {
					_, err := p.Answer(r, decision, number, pin)
					WantCode(t, "stopped by "+by+": "+string(decision), err, "prompt.expired")
				}
			}
			if tries(h) != 0 || decisions(h, r.ID) != 0 || stateOf(h, r.ID) != prompt.Pending {
				t.Errorf("stopped by %s: %d PINs count, %d decisions, the request is %s", by, tries(h), decisions(h, r.ID), stateOf(h, r.ID))
			}
			turn(true)
			if shown(p) != 1 || shown(q) != 1 {
				t.Errorf("on again by %s, phones show %d and %d", by, shown(p), shown(q))
			}
			if state, err := p.Answer(r, prompt.Approve, number, PIN); state != prompt.Approved || err != nil {
				t.Errorf("on again by %s: %s, %v", by, state, err)
			}
		}
	})
}
