package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// ending is somebody with a phone, a session that it approved and a console that is
// open in it, all of which may be on another replica than the one where it ends.
type ending struct {
	here, there *world
	name        string
	ph          *phone
	home, other *browser // the session that added the phone, and the one that it approved
}

// acts sends a form of the console as somebody does who has just signed in.
func (e *ending) acts(t *testing.T, by, path string, pairs ...string) answer {
	t.Helper()
	return e.here.browser(t).signIn(t, by).post(t, path, append(pairs, "reason", "a test")...).want(t, http.StatusSeeOther)
}

// onTheirs does an act of the console on the page of the person.
func (e *ending) onTheirs(t *testing.T, act string, pairs ...string) {
	t.Helper()
	_, id := e.here.person(t, e.name)
	e.acts(t, "admin@alder.example", "/admin/alder/users/"+id+act, pairs...)
}

// cause is something that ends a session, a phone or a seat in the console.
type cause struct {
	claim                string
	session, phone, seat bool // what ends
	ofAll                bool // for everybody in the organisation
	end                  func(t *testing.T, e *ending)
}

// causes are all of them, each done as it is done: on a page, by who may (product.md §3).
var causes = []cause{
	{"they sign out", true, false, true, false, func(t *testing.T, e *ending) {
		e.other.on(e.here).post(t, "/signout").want(t, http.StatusSeeOther)
	}},
	{"they end their other sessions", true, false, true, false, func(t *testing.T, e *ending) {
		e.home.get(t, "/me/sessions")
		e.home.post(t, "/me/sessions/end-others").want(t, http.StatusSeeOther)
	}},
	{"an administrator ends their sessions", true, false, true, false, func(t *testing.T, e *ending) { e.onTheirs(t, "/end-sessions") }},
	{"an administrator locks them", true, true, true, false, func(t *testing.T, e *ending) { e.onTheirs(t, "/lock") }},
	{"an administrator disables them", true, true, true, false, func(t *testing.T, e *ending) { e.onTheirs(t, "/disable") }},
	{"an administrator takes their phone away", true, true, true, false, func(t *testing.T, e *ending) {
		e.onTheirs(t, "/devices/"+e.ph.account+"/revoke")
	}},
	{"they remove the phone on a page", true, true, true, false, func(t *testing.T, e *ending) {
		e.home.get(t, "/me/phones")
		e.home.post(t, "/me/phones/"+e.ph.account+"/revoke").want(t, http.StatusSeeOther)
	}},
	{"they remove it on the phone", true, true, true, false, func(t *testing.T, e *ending) {
		e.ph.call(t, http.MethodDelete, "/devices/self", nil).want(t, http.StatusNoContent)
	}},
	{"ten wrong PINs disable the phone", true, true, true, false, func(t *testing.T, e *ending) {
		b := e.here.browser(t)
		attempt := b.askPhone(t, e.name)
		r, shown := e.ph.asks(t), number(b.get(t, attempt))
		for range 10 {
			wrong := *e.ph
			wrong.pin = "975310"
			wrong.answers(t, r, "approve", shown).want(t, http.StatusUnauthorized)
		}
	}},
	{"their role is taken", false, false, true, false, func(t *testing.T, e *ending) { e.onTheirs(t, "/role/take") }},
	{"the organisation allows sessions less", true, false, true, true, func(t *testing.T, e *ending) {
		// They have not used it for a while.
		e.here.act(t, "UPDATE sessions SET last_seen_at = ? WHERE user_id = (SELECT id FROM users WHERE name = ?)", e.here.now().Add(-6*time.Minute), e.name)
		e.here.more = url.Values{"platforms": {"ios", "android", "desktop"}}
		e.acts(t, "admin@alder.example", "/admin/alder/settings", "match_mode", "pick3", "idle_minutes", "5", "session_hours", "24", "trust_days", "14")
		e.here.more = nil
	}},
	{"the organisation turns the phone off", true, false, true, true, func(t *testing.T, e *ending) {
		e.policy(t, "phone.sign_in", "phone.second_factor", "phone.recovery")
	}},
	{"the organisation has the phone for a group of others", true, false, true, true, func(t *testing.T, e *ending) {
		e.here.more = url.Values{"groups_phone": {e.here.group(t, "alder", "pilot")}}
		e.policy(t)
		e.here.more = nil
	}},
	{"an operator suspends the organisation", true, true, true, true, func(t *testing.T, e *ending) {
		e.acts(t, operatorName, "/operator/tenants/alder/suspend")
	}},
}

// policy takes uses of ways away on the page of the policy.
func (e *ending) policy(t *testing.T, without ...string) {
	t.Helper()
	e.acts(t, "admin@alder.example", "/admin/alder/policy", policyForm(without...)...)
}

// dies plays a cause: what it ends is dead on both replicas, and nothing else is.
func (c cause) dies(t *testing.T, here, there *world, name string) {
	here.promote(t, name, access.RoleHelpdesk)
	if err := there.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := &ending{here: here, there: there, name: name}
	e.ph, e.home = here.withPhone(t, name)
	e.other = there.browser(t).byPhone(t, e.ph.on(there), name)
	e.other.proveByPhone(t, e.ph.on(there), "/me") // it was limited until then
	var seats, phones []*stream
	for _, w := range []*world{here, there} {
		b := e.other.on(w)
		seat := open(t, b.client, b.request(t, http.MethodGet, inbox+"/live", nil))
		seat.answer.want(t, http.StatusOK)
		seat.says(t, "count 0")
		seats = append(seats, seat)
		listening := e.ph.on(w).listen(t)
		listening.answer.want(t, http.StatusOK)
		phones = append(phones, listening)
	}
	c.end(t, e)
	for _, w := range []*world{here, there} {
		if alive := e.other.on(w).signedIn(t); alive == c.session {
			t.Errorf("the session: a page is shown %t", alive)
		}
		if c.phone {
			e.ph.on(w).call(t, http.MethodGet, "/requests", nil).is(t, http.StatusUnauthorized)
			e.ph.on(w).call(t, http.MethodGet, "/events", nil).is(t, http.StatusUnauthorized)
		} else {
			e.ph.on(w).call(t, http.MethodGet, "/requests", nil).is(t, http.StatusOK)
		}
	}
	for _, seat := range seats {
		if c.seat {
			seat.ends(t, late)
		}
	}
	for _, listening := range phones {
		if c.phone {
			listening.ends(t, late)
		}
	}
}

// TestWhatIsEndedIsDeadEverywhereWithinFiveSeconds: pages and calls at once, and what
// is open soon after, on the replica where it was ended and on another one. That it is
// five seconds at most is proved in dead_test.go.
func TestWhatIsEndedIsDeadEverywhereWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			here := newWorld(t, servertest.Start(t, dialect), &atomic.Int64{})
			there := here
			if dialect == store.Postgres {
				there = here.beside(t)
			}
			t.Run("of one", func(t *testing.T) {
				for i, c := range causes {
					if !c.ofAll {
						t.Run(c.claim, func(t *testing.T) {
							t.Parallel()
							c.dies(t, here, there, fmt.Sprintf("user%d@alder.example", 6+i))
						})
					}
				}
			})
			for i, c := range causes {
				if c.ofAll {
					t.Run(c.claim, func(t *testing.T) {
						c.dies(t, here, there, fmt.Sprintf("user%d@alder.example", 6+i))
						here.act(t, "UPDATE tenants SET state = 'active', no_sign_in = 128, no_second = 128, no_recovery = 128, limited_ways = 0, method_version = 1, idle_minutes = 60 WHERE slug = 'alder'")
						here.act(t, "DELETE FROM method_versions")
						here.act(t, "DELETE FROM method_groups")
					})
				}
			}
		})
	}
}
