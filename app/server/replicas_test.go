package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/user"
)

// dead is how soon what was ended must be dead on every replica (product.md §3).
const dead = 5 * time.Second

// late is how long a test waits for what comes within dead: on a busy machine it may
// come later. The five seconds themselves are proved by clocks that no machine slows
// down, in dead_test.go. It is less than the minute for which a table of rules is good,
// after which whoever asks reads it anew.
const late = 30 * time.Second

func TestASignInMayUseAnotherReplicaForEveryStep(t *testing.T) {
	one := onPostgres(t)
	two, three := one.beside(t), one.beside(t)
	const name = "user1@alder.example"
	ph, _ := one.withPhone(t, name)

	onOne, onTwo := ph.listen(t), ph.on(two).listen(t)
	b := one.browser(t)
	attempt := b.askPhone(t, name)
	here, there, afar := b.watch(t, attempt), b.on(two).watch(t, attempt), b.on(three).watch(t, attempt)
	for _, waiting := range []*stream{here, there, afar} {
		waiting.says(t, "state pending")
	}
	r := ph.on(three).asks(t)
	onOne.says(t, "request "+r.ID)
	onTwo.says(t, "request "+r.ID)

	ph.on(two).answers(t, r, "approve", number(b.on(three).get(t, attempt))).want(t, http.StatusOK)
	for _, waiting := range []*stream{here, there, afar} {
		waiting.says(t, "state approved", "(ended)")
	}
	for _, w := range []*world{one, two, three} {
		if got := b.on(w).state(t, attempt); got != "approved" {
			t.Errorf("polling says %q, want approved", got)
		}
	}
	b.on(three).post(t, attempt+"/finish").want(t, http.StatusSeeOther)
	for _, w := range []*world{one, two, three} {
		if !b.on(w).signedIn(t) {
			t.Error("the session is not known to every replica")
		}
	}
	// Decided once is decided everywhere.
	b.get(t, "/me").want(t, http.StatusOK)
	for _, w := range []*world{one, two, three} {
		ph.on(w).answers(t, r, "deny", "").is(t, http.StatusConflict)
		b.on(w).post(t, attempt+"/finish").is(t, http.StatusUnauthorized)
	}
	// A form that one replica showed is taken by another.
	b.get(t, "/me/preferences").want(t, http.StatusOK)
	b.on(two).post(t, "/me/preferences", "default_way", "password").want(t, http.StatusSeeOther)
}

func TestAHintThatIsLostCostsASlowPoll(t *testing.T) {
	t.Parallel()
	one := onPostgres(t)
	two := one.beside(t)
	const name = "user1@alder.example"
	ph, _ := one.withPhone(t, name)
	b := one.browser(t)
	attempt := b.askPhone(t, name)
	afar := b.on(two).watch(t, attempt)
	afar.says(t, "state pending")
	// Decided behind the back of both, as by a replica that died before it told anybody.
	one.act(t, "UPDATE prompts SET state = 'denied', decided_at = ? WHERE state = 'pending'", one.now())
	afar.says(t, "state denied", "(ended)")
	listening := ph.on(two).listen(t)
	one.act(t, "UPDATE prompts SET state = 'pending', decided_at = NULL, expires_at = ?", one.now().Add(time.Minute))
	if got := listening.next(late); !strings.HasPrefix(got, "request ") {
		t.Errorf("the phone hears %q", got)
	}
}

// ends waits for the end of a stream, whatever it says before.
func (s *stream) ends(t testing.TB, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); ; {
		switch got := s.next(time.Until(end)); {
		case got == "(ended)":
			return
		case time.Now().After(end):
			t.Errorf("%s is still open after %s", s.answer.asked, within)
			return
		}
	}
}

func TestSigningOutAndEndingSessionsHoldEverywhere(t *testing.T) {
	one := onPostgres(t)
	two := one.beside(t)
	a, b, c := one.browser(t).signIn(t, "user1@alder.example"), one.browser(t).signIn(t, "user1@alder.example"), one.browser(t).signIn(t, "user1@alder.example")
	a.post(t, "/signout").want(t, http.StatusSeeOther)
	if a.on(two).signedIn(t) {
		t.Error("signed out here, signed in there")
	}
	b.get(t, "/me/sessions")
	b.on(two).post(t, "/me/sessions/end-others").want(t, http.StatusSeeOther)
	if c.signedIn(t) || !b.signedIn(t) {
		t.Error("the other session lives on, or the own one ended")
	}
}

func TestAChangeOfPolicyReachesEveryReplica(t *testing.T) {
	t.Parallel()
	one := onPostgres(t)
	two := one.beside(t)
	const name = "user1@alder.example"
	ph, pc := one.withPhone(t, name)
	tenantID, userID := one.person(t, name)

	pc.on(two).get(t, "/admin/alder").want(t, http.StatusForbidden)
	err := one.DB.Act(t.Context(), func(tx *store.Tx) error {
		return user.Assign(tx, tenantID, userID, access.RoleHelpdesk, audit.Service, audit.Origin{})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*world{one, two} {
		soon(t, "a new role", func() bool { return pc.on(w).get(t, "/admin/alder").status == http.StatusOK })
	}
	// With the role the number is typed, wherever the sign-in begins.
	b := two.browser(t)
	attempt := b.askPhone(t, name)
	if r := ph.asks(t); r.Mode != "type2" {
		t.Errorf("the new administrator is asked in mode %s", r.Mode)
	}
	b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
	one.act(t, "DELETE FROM role_assignments WHERE user_id = ?", userID)
	for _, w := range []*world{one, two} {
		soon(t, "a role taken away", func() bool { return pc.on(w).get(t, "/admin/alder").status == http.StatusForbidden })
	}
	one.act(t, "UPDATE tenants SET match_mode = 'type6' WHERE slug = 'alder'")
	two.browser(t).askPhone(t, name)
	if r := ph.asks(t); r.Mode != "type6" {
		t.Errorf("after the change of mode the phone is asked in mode %s", r.Mode)
	}
}

func TestAReplicaThatEndsInTheMiddle(t *testing.T) {
	one := onPostgres(t)
	two := one.beside(t)
	const name = "user1@alder.example"
	ph, _ := one.withPhone(t, name)
	b := two.browser(t)
	attempt := b.askPhone(t, name)
	page, phone, elsewhere := b.watch(t, attempt), ph.on(two).listen(t), b.on(one).watch(t, attempt)
	page.says(t, "state pending")
	elsewhere.says(t, "state pending")
	r := ph.asks(t)
	phone.says(t, "request "+r.ID)

	two.Stop()
	page.ends(t, late)
	phone.ends(t, late)
	if _, err := try(b.client, b.request(t, http.MethodGet, attempt, nil)); err == nil {
		t.Fatal("the replica that was stopped still answers")
	}

	// The clients come again, to the one that is left.
	b, again := b.on(one), ph.listen(t)
	again.says(t, "request "+r.ID)
	ph.answers(t, r, "approve", number(b.get(t, attempt))).want(t, http.StatusOK)
	elsewhere.says(t, "state approved", "(ended)")
	b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)

	// And one that is new knows it all.
	if !b.on(one.beside(t)).signedIn(t) {
		t.Error("the session is not known to a new replica")
	}
}
