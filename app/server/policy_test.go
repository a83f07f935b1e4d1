package server_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/access"
)

// consoleOf are pages that every administrator opens, and one act, which is judged
// by the rows as they stand.
func (b *browser) consoleOf(t testing.TB, w *world) (pages []func() answer, act func() answer) {
	t.Helper()
	_, user1 := w.person(t, "user1@alder.example")
	for _, path := range []string{"/admin", "/admin/alder", "/admin/alder/users", "/admin/alder/users/" + user1, "/admin/alder/approvals", "/admin/alder/search?q=user"} {
		pages = append(pages, func() answer { return b.get(t, path) })
	}
	return pages, func() answer {
		return b.post(t, "/admin/alder/users/"+user1+"/end-sessions", "reason", "a test")
	}
}

// TestAssignmentsThatAreGoneOrNonsenseAreNoPermission: within five seconds on every
// replica for pages, and at once for acts.
func TestAssignmentsThatAreGoneOrNonsenseAreNoPermission(t *testing.T) {
	t.Parallel()
	one := onPostgres(t)
	two := one.beside(t)
	b := one.browser(t).signIn(t, "security@alder.example")
	pages, act := b.consoleOf(t, one)
	one.act(t, "CREATE TABLE kept AS SELECT * FROM role_assignments")
	read := func() {
		t.Helper()
		for _, w := range []*world{one, two} {
			if err := w.Rules.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for claim, spoil := range map[string]string{
		"no assignment is left":           "DELETE FROM role_assignments",
		"roles that nobody knows":         "UPDATE role_assignments SET role = 'emperor'",
		"roles in other letters":          "UPDATE role_assignments SET role = upper(role)",
		"roles with a space":              "UPDATE role_assignments SET role = role || ' '",
		"roles that are empty":            "UPDATE role_assignments SET role = ''",
		"patterns":                        "UPDATE role_assignments SET role = '*'",
		"custom roles that are not there": "UPDATE role_assignments SET role = 'custom:' || role",
		"the office of operators":         "UPDATE role_assignments SET role = 'operator'",
		"the role of everybody":           "UPDATE role_assignments SET role = 'user'",
		"assignments that have ended":     "UPDATE role_assignments SET ends_at = assigned_at",
	} {
		for _, page := range pages {
			page().want(t, http.StatusOK)
		}
		act().want(t, http.StatusSeeOther)
		one.act(t, spoil)
		if !act().is(t, http.StatusForbidden) {
			t.Errorf("%s: an act was done", claim)
		}
		if claim == "no assignment is left" {
			for _, w := range []*world{one, two} {
				soon(t, "pages to be refused", func() bool { return b.on(w).get(t, "/admin/alder").status == http.StatusForbidden })
			}
		}
		read()
		for _, w := range []*world{one, two} {
			pages, act := b.on(w).consoleOf(t, w)
			for _, ask := range append(pages, act) {
				if !ask().is(t, http.StatusForbidden) {
					t.Errorf("%s: that was it", claim)
				}
			}
		}
		one.act(t, "DELETE FROM role_assignments")
		one.act(t, "INSERT INTO role_assignments SELECT * FROM kept")
		read()
	}
}

// TestAssignmentsThatCannotBeReadArePermissionForAMinute: by the last good table, for
// looking alone; an act reads the rows, and is not done without them. Then nothing
// is answered but 503, until they can be read again.
func TestAssignmentsThatCannotBeReadArePermissionForAMinute(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"role_assignments", "operator_grants"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, w *world) {
				b := w.browser(t).signIn(t, "security@alder.example")
				look := func() answer { return b.get(t, "/admin/alder/stay") }
				_, act := b.consoleOf(t, w)
				look().want(t, http.StatusOK)
				act().want(t, http.StatusSeeOther)
				w.forward(t, 0) // reads anew, so that the minute begins now
				restore := rename(table)(t, w)
				if err := w.Rules.Reload(t.Context()); err == nil {
					t.Fatal("it can be read")
				}
				w.ahead.Add(int64(40 * time.Second))
				look().is(t, http.StatusOK)
				act().unavailable(t)
				w.ahead.Add(int64(21 * time.Second))
				for _, path := range []string{"/admin", "/admin/alder", "/admin/alder/stay", "/me"} {
					b.get(t, path).unavailable(t)
				}
				act().unavailable(t)
				restore()
				until(t, "the assignments to be read again", func() bool { return look().status == http.StatusOK })
				act().want(t, http.StatusSeeOther)
			})
		})
	}
}

// TestWhoIsDemotedWhileActing: an administrator acts on two replicas as fast as they
// can when their role is taken. No act that begins afterwards is done, on either,
// and within five seconds no page is shown.
func TestWhoIsDemotedWhileActing(t *testing.T) {
	t.Parallel()
	one := onPostgres(t)
	two := one.beside(t)
	one.promote(t, "user3@alder.example", access.RoleTenantAdministrator) // so that they are not one of the last two
	_, adminID := one.person(t, "admin@alder.example")
	security, admin := one.browser(t).signIn(t, "security@alder.example"), one.browser(t).signIn(t, "admin@alder.example")
	pages, act := admin.consoleOf(t, one)
	act().want(t, http.StatusSeeOther)
	pages[1]().want(t, http.StatusOK)

	// Each begun act is counted before or after the demotion by what was known then.
	var taken atomic.Bool
	var stop atomic.Bool
	var before, after, late atomic.Int64
	var busy sync.WaitGroup
	for _, w := range []*world{one, two, one, two} {
		b := admin.on(w)
		form := func() string { return b.form("reason", "a test").Encode() }
		_, target := one.person(t, "user2@alder.example")
		busy.Go(func() {
			for !stop.Load() {
				over := taken.Load()
				r := b.request(t, http.MethodPost, "/admin/alder/users/"+target+"/end-sessions", strings.NewReader(form()), "Content-Type", formType)
				a, err := try(b.client, r)
				switch {
				case err != nil:
					t.Error(err)
					return
				case over && a.status == http.StatusSeeOther:
					late.Add(1)
				case over:
					after.Add(1)
				case a.status == http.StatusSeeOther:
					before.Add(1)
				}
			}
		})
	}
	until(t, "some acts", func() bool { return before.Load() > 20 })
	security.get(t, "/admin/alder/roles/assign?user="+adminID)
	security.post(t, "/admin/alder/users/"+adminID+"/role/take", "reason", "demoted").want(t, http.StatusSeeOther)
	taken.Store(true)
	for _, w := range []*world{one, two} {
		soon(t, "pages to be refused", func() bool { return admin.on(w).get(t, "/admin/alder/users").status == http.StatusForbidden })
	}
	until(t, "acts to be refused", func() bool { return after.Load() > 20 })
	stop.Store(true)
	busy.Wait()
	if late.Load() > 0 {
		t.Errorf("%d acts that began after the demotion were done", late.Load())
	}
	t.Logf("%d acts before, %d refused after", before.Load(), after.Load())
}
