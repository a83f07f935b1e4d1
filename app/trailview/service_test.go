package trailview_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/trailview"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// archive is a house with people who read the audit.
type archive struct {
	*House
	views   *trailview.Service
	auditor user.User
	admin   user.User
	desk    user.User
}

func each(t *testing.T, story func(a *archive)) {
	t.Helper()
	Each(t, func(h *House) {
		a := &archive{House: h, views: &trailview.Service{DB: h.DB, Rules: h.Rules, Secrets: secret.System}}
		a.auditor, a.admin, a.desk = h.Admin(h.Alder, "auditor", access.RoleAuditor), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		a.reload()
		story(a)
	})
}

func (a *archive) reload() {
	a.T.Helper()
	if err := a.Rules.Reload(a.T.Context()); err != nil {
		a.T.Fatal(err)
	}
}

func (a *archive) in(of tenant.Tenant, u user.User) access.Standing {
	return a.Rules.Standing(of.ID, u.ID)
}

// saves saves a view and gives its id.
func (a *archive) saves(u user.User, name string, f trailview.Filters) string {
	a.T.Helper()
	id, err := a.views.Save(a.T.Context(), a.Alder.ID, u.ID, name, f, audit.Origin{IP: "203.0.113.9"})
	if err != nil {
		a.T.Fatalf("%s saves %q: %v", u.Name, name, err)
	}
	return id
}

func (a *archive) shares(u user.User, id string) {
	a.T.Helper()
	if err := a.views.Share(a.T.Context(), a.Alder.ID, u.ID, id, a.version(id), audit.Origin{}); err != nil {
		a.T.Fatalf("%s shares: %v", u.Name, err)
	}
}

func (a *archive) version(id string) int {
	return a.Count("SELECT version FROM audit_views WHERE id = ?", id)
}

// sees says which views somebody has, and which of others they know of.
func (a *archive) sees(u user.User) string {
	a.T.Helper()
	own, shared, err := a.views.List(a.T.Context(), a.in(a.Alder, u))
	if err != nil {
		a.T.Fatal(err)
	}
	names := func(all []trailview.View) (names []string) {
		for _, v := range all {
			names = append(names, v.Name)
		}
		return names
	}
	return strings.Join(names(own), ", ") + " | " + strings.Join(names(shared), ", ")
}

func (a *archive) sought(u user.User, want string) {
	a.T.Helper()
	if got := a.sees(u); got != want {
		a.T.Errorf("%s sees %q, want %q", u.Name, got, want)
	}
}

var denied = trailview.Filters{Outcome: audit.Denied, Range: "week"}

// TestAViewFromItsFirstDayToItsLast: it is saved, renamed, gets other filters, is shared, made
// private again and deleted, each with its event.
func TestAViewFromItsFirstDayToItsLast(t *testing.T) {
	each(t, func(a *archive) {
		t, ctx, of, me := a.T, a.T.Context(), a.Alder.ID, a.auditor.ID
		id := a.saves(a.auditor, "  Refused   lately ", denied)
		a.sought(a.auditor, "Refused lately | ")
		a.sought(a.admin, " | ")
		v, err := a.views.Find(ctx, a.in(a.Alder, a.auditor), id)
		if err != nil || v.Filters != denied || v.Shared || v.Version != 1 || v.OwnerID != me || v.OwnerName != a.auditor.Name {
			t.Fatalf("Find = %+v, %v", v, err)
		}
		if q := v.Filters.Query(a.Clock.Now()); !q.From.Equal(a.Clock.Now().AddDate(0, 0, -7).Truncate(10*time.Minute)) || !q.To.IsZero() {
			t.Errorf("last week is from %s to %s", q.From, q.To)
		}
		if err := a.views.Rename(ctx, of, me, id, "Refused", 1, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if err := a.views.Rename(ctx, of, me, id, "Refused", 2, audit.Origin{}); err != nil || a.version(id) != 2 {
			t.Errorf("the same name = %v, and is version %d", err, a.version(id))
		}
		WantCode(t, "a name for another version", a.views.Rename(ctx, of, me, id, "Other", 1, audit.Origin{}), "view.changed_meanwhile")
		next := trailview.Filters{Action: "user.locked", From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
		if private, err := a.views.Replace(ctx, of, me, id, next, 2, audit.Origin{}); private || err != nil {
			t.Fatalf("Replace = %t, %v", private, err)
		}
		if _, err := a.views.Replace(ctx, of, me, id, next, 3, audit.Origin{}); err != nil || a.version(id) != 3 {
			t.Errorf("the same filters = %v, and are version %d", err, a.version(id))
		}
		_, err = a.views.Replace(ctx, of, me, id, denied, 2, audit.Origin{})
		WantCode(t, "filters for another version", err, "view.changed_meanwhile")
		WantCode(t, "sharing another version", a.views.Share(ctx, of, me, id, 2, audit.Origin{}), "view.changed_meanwhile")
		a.shares(a.auditor, id)
		WantCode(t, "sharing it again", a.views.Share(ctx, of, me, id, 4, audit.Origin{}), "view.changed_meanwhile")
		a.sought(a.admin, " | Refused")
		a.sought(a.desk, " | Refused")
		if err := a.views.Unshare(ctx, of, me, id, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "unsharing it again", a.views.Unshare(ctx, of, me, id, audit.Origin{}), "view.changed_meanwhile")
		a.sought(a.desk, " | ")
		WantCode(t, "deleting another version", a.views.Delete(ctx, of, me, id, 4, audit.Origin{}), "view.changed_meanwhile")
		if err := a.views.Delete(ctx, of, me, id, 5, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "deleting it again", a.views.Delete(ctx, of, me, id, 5, audit.Origin{}), "http.not_found")
		a.sought(a.auditor, " | ")
		for action, n := range map[audit.Action]int{audit.ViewSaved: 1, audit.ViewChanged: 2, audit.ViewShared: 1, audit.ViewUnshared: 1, audit.ViewDeleted: 1} {
			if got := a.Events(action); got != n {
				t.Errorf("%d events %s, want %d", got, action, n)
			}
		}
	})
}

// TestWhatAViewIsCalledCanBeErased: no name and no words of a view stand in the bytes that
// nobody can take back.
func TestWhatAViewIsCalledCanBeErased(t *testing.T) {
	each(t, func(a *archive) {
		id := a.saves(a.auditor, "About Jane", trailview.Filters{Text: "Roe", Target: a.desk.Name, Actor: "Jim Poe", Range: "day"})
		a.shares(a.auditor, id)
		kept, own := a.Text("SELECT CAST(record AS text) FROM audit_events WHERE action = ?", audit.ViewShared), a.Text("SELECT personal FROM audit_events WHERE action = ?", audit.ViewShared)
		if a.DB.Dialect == store.Postgres {
			kept = a.Text("SELECT convert_from(record, 'UTF8') FROM audit_events WHERE action = ?", audit.ViewShared)
		}
		for _, typed := range []string{"Jane", "Roe", "Poe", a.desk.Name} {
			if strings.Contains(kept, typed) {
				a.T.Errorf("%s stands in %s", typed, kept)
			}
		}
		if !strings.Contains(own, "About Jane") || !strings.Contains(own, "Roe") || !strings.Contains(kept, a.desk.ID) || !strings.Contains(kept, `"range":"day"`) || !strings.Contains(kept, `"audience":"whole"`) {
			a.T.Errorf("the event does not say what was shared: %s, %s", kept, own)
		}
	})
}

// TestWhatIsNoView: everything that is wrong is said at once, and nothing is kept.
func TestWhatIsNoView(t *testing.T) {
	each(t, func(a *archive) {
		t, ctx, of, me := a.T, a.T.Context(), a.Alder.ID, a.auditor.ID
		id := a.saves(a.auditor, "Refused", denied)
		wrong := func(err error) string {
			f := fault.Of(err)
			if f == nil || !errors.Is(err, fault.Invalid) {
				return fmt.Sprint(err)
			}
			return fmt.Sprint(f.Fields)
		}
		save := func(name string, f trailview.Filters) error {
			_, err := a.views.Save(ctx, of, me, name, f, audit.Origin{})
			return err
		}
		other := a.saves(a.auditor, "Other", trailview.Filters{Text: "x"})
		_, replaced := a.views.Replace(ctx, of, me, id, trailview.Filters{Outcome: "odd"}, 1, audit.Origin{})
		for _, row := range []struct {
			claim, want string
			err         error
		}{
			{"neither a name nor filters", "map[filters:view.filters_none name:view.name_form]", save("\n", trailview.Filters{})},
			{"a name that is taken, in other letters", "map[filters:view.filters_form name:view.name_taken]", save("rEFUSED", trailview.Filters{Range: "year"})},
			{"another one takes it", "map[name:view.name_taken]", a.views.Rename(ctx, of, me, other, "REFUSED ", 1, audit.Origin{})},
			{"no name", "map[name:view.name_form]", a.views.Rename(ctx, of, me, other, strings.Repeat("x", 81), 1, audit.Origin{})},
			{"no filters of ours", "map[filters:view.filters_form]", replaced},
		} {
			if got := wrong(row.err); got != row.want {
				t.Errorf("%s: %s, want %s", row.claim, got, row.want)
			}
		}
		a.sought(a.auditor, "Other, Refused | ")
		if err := a.views.Rename(ctx, of, me, id, "REFUSED", 1, audit.Origin{}); err != nil {
			t.Errorf("its own name in other letters: %v", err)
		}
		a.saves(a.admin, "Refused", denied) // names are of each owner
	})
}

// TestFiftyAreEnough: also of two at once one is one too many, and what another one has does
// not count.
func TestFiftyAreEnough(t *testing.T) {
	each(t, func(a *archive) {
		for n := range trailview.OwnMost - 1 {
			a.saves(a.auditor, fmt.Sprint("View ", n), denied)
		}
		a.saves(a.admin, "Mine", denied)
		results := make(chan error, 6)
		for n := range cap(results) {
			go func() {
				_, err := a.views.Save(a.T.Context(), a.Alder.ID, a.auditor.ID, fmt.Sprint("At once ", n), denied, audit.Origin{})
				results <- err
			}()
		}
		var all []error
		for range cap(results) {
			all = append(all, <-results)
		}
		if got := Tally(all); got["done"] != 1 || got["view.enough"] != 5 {
			a.T.Errorf("of six at once: %v", got)
		}
		if n := a.Count("SELECT count(*) FROM audit_views WHERE owner_id = ?", a.auditor.ID); n != trailview.OwnMost {
			a.T.Errorf("%d views", n)
		}
		if n := a.Events(audit.ViewSaved); n != trailview.OwnMost+1 {
			a.T.Errorf("%d events", n)
		}
	})
}

// TestTwoAtOnce: of one name one view is made, and of one version one change.
func TestTwoAtOnce(t *testing.T) {
	each(t, func(a *archive) {
		ctx, of, me := a.T.Context(), a.Alder.ID, a.auditor.ID
		id := a.saves(a.auditor, "Refused", denied)
		for what, do := range map[string]struct {
			act   func(n int) error
			other string
		}{
			"save":   {func(int) error { _, err := a.views.Save(ctx, of, me, "One", denied, audit.Origin{}); return err }, "form.wrong"},
			"rename": {func(n int) error { return a.views.Rename(ctx, of, me, id, fmt.Sprint("Name ", n), 1, audit.Origin{}) }, "view.changed_meanwhile"},
		} {
			results := make(chan error, 4)
			for n := range cap(results) {
				go func() { results <- do.act(n) }()
			}
			var all []error
			for range cap(results) {
				all = append(all, <-results)
			}
			if got := Tally(all); got["done"] != 1 || got[do.other] != 3 {
				a.T.Errorf("%s, four at once: %v", what, got)
			}
		}
		results := make(chan error, 4)
		for range cap(results) {
			go func() { results <- a.views.Delete(ctx, of, me, id, 2, audit.Origin{}) }()
		}
		var all []error
		for range cap(results) {
			all = append(all, <-results)
		}
		if got := Tally(all); got["done"] != 1 || a.Events(audit.ViewDeleted) != 1 {
			a.T.Errorf("delete, four at once: %v", got)
		}
	})
}

// TestTheOwnerAloneChangesAView: who sees it may not, who does not see it is told that it is
// not there, and of a shared one who verifies the audit may delete it.
func TestTheOwnerAloneChangesAView(t *testing.T) {
	each(t, func(a *archive) {
		t, ctx, of := a.T, a.T.Context(), a.Alder.ID
		plain, named, private := a.saves(a.auditor, "Plain", denied), a.saves(a.auditor, "Named", trailview.Filters{Target: a.desk.Name}), a.saves(a.auditor, "Private", denied)
		a.shares(a.auditor, plain)
		a.shares(a.auditor, named)
		second := a.Admin(a.Alder, "second", access.RoleSecurityAdministrator)
		stranger, nurse := a.Admin(a.Birch, "stranger", access.RoleSecurityAdministrator), a.User(a.Alder, "nurse")
		a.reload()
		acts := func(tenantID string, u user.User, id string) (codes []string) {
			version := 1
			if !strings.Contains(id, "\x00") {
				version = a.version(id)
			}
			_, replaced := a.views.Replace(ctx, tenantID, u.ID, id, trailview.Filters{Range: "day"}, version, audit.Origin{})
			for _, err := range []error{a.views.Rename(ctx, tenantID, u.ID, id, "Theirs", version, audit.Origin{}), replaced, a.views.Share(ctx, tenantID, u.ID, id, version, audit.Origin{}), a.views.Unshare(ctx, tenantID, u.ID, id, audit.Origin{})} {
				if code := fault.Of(err); code != nil {
					codes = append(codes, code.Code)
				} else {
					codes = append(codes, fmt.Sprint(err))
				}
			}
			slices.Sort(codes)
			return slices.Compact(codes)
		}
		before := a.Text("SELECT string_agg(name || filters || CAST(shared AS text), ' ') FROM (SELECT * FROM audit_views ORDER BY id) v")
		for _, row := range []struct {
			of   string
			who  user.User
			id   string
			want string
		}{
			{of, second, plain, "[view.not_yours]"},
			{of, second, named, "[view.not_yours]"},
			{of, second, private, "[http.not_found]"},
			{of, a.desk, plain, "[view.not_yours]"},
			{of, a.desk, named, "[http.not_found]"},
			{of, a.desk, private, "[http.not_found]"},
			{of, a.desk, "none", "[http.not_found]"},
			{of, a.desk, "", "[http.not_found]"},
			{of, a.desk, "a\x00", "[http.not_found]"},
			{a.Birch.ID, stranger, plain, "[http.not_found]"},
			{of, stranger, plain, "[access.forbidden]"},
			{of, nurse, plain, "[access.forbidden]"},
			{a.Birch.ID, a.auditor, plain, "[access.forbidden]"},
		} {
			if got := fmt.Sprint(acts(row.of, row.who, row.id)); got != row.want {
				t.Errorf("%s with %q: %s, want %s", row.who.Name, row.id, got, row.want)
			}
			v, err := a.views.Find(ctx, a.Rules.Standing(row.of, row.who.ID), row.id)
			if sees := err == nil; sees != (row.want == "[view.not_yours]") || !sees && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s finds %q: %v, %v", row.who.Name, row.id, v, err)
			}
		}
		if after := a.Text("SELECT string_agg(name || filters || CAST(shared AS text), ' ') FROM (SELECT * FROM audit_views ORDER BY id) v"); after != before {
			t.Errorf("%s became %s", before, after)
		}
		WantCode(t, "an agent deletes it", a.views.Delete(ctx, of, a.desk.ID, plain, a.version(plain), audit.Origin{}), "view.not_yours")
		WantCode(t, "a tenant administrator deletes what they do not see", a.views.Delete(ctx, of, a.admin.ID, named, a.version(named), audit.Origin{}), "http.not_found")
		WantCode(t, "somebody deletes what is private", a.views.Delete(ctx, of, second.ID, private, 1, audit.Origin{}), "http.not_found")
		if err := a.views.Delete(ctx, of, a.admin.ID, plain, a.version(plain), audit.Origin{}); err != nil {
			t.Errorf("a tenant administrator deletes a shared one: %v", err)
		}
		if err := a.views.Delete(ctx, of, second.ID, named, a.version(named), audit.Origin{}); err != nil {
			t.Errorf("a security administrator deletes a shared one: %v", err)
		}
		a.sought(a.auditor, "Private | ")
	})
}

// TestOtherFiltersForMorePeopleMakeAViewPrivate: its name was chosen for fewer.
func TestOtherFiltersForMorePeopleMakeAViewPrivate(t *testing.T) {
	each(t, func(a *archive) {
		t, ctx, of, me := a.T, a.T.Context(), a.Alder.ID, a.auditor.ID
		id := a.saves(a.auditor, "About Jane", trailview.Filters{Text: "Jane"})
		a.shares(a.auditor, id)
		replace := func(f trailview.Filters, want bool) {
			t.Helper()
			if private, err := a.views.Replace(ctx, of, me, id, f, a.version(id), audit.Origin{}); err != nil || private != want {
				t.Errorf("Replace(%+v) = %t, %v, want %t", f, private, err, want)
			}
		}
		replace(trailview.Filters{Actor: a.desk.Name}, false)
		replace(trailview.Filters{Action: "audit.viewed"}, true)
		a.sought(a.admin, " | ")
		a.shares(a.auditor, id)
		replace(denied, true)
		a.shares(a.auditor, id)
		a.sought(a.desk, " | About Jane") // they share it with everybody now
		replace(trailview.Filters{Text: "Jane"}, false)
		a.sought(a.desk, " | ")
	})
}

// TestARoleThatIsLostTakesPrivateViewsAlong: at once nobody sees them, and they are deleted
// with their event; what is shared stays, and who may verify can delete it.
func TestARoleThatIsLostTakesPrivateViewsAlong(t *testing.T) {
	each(t, func(a *archive) {
		t, ctx, of := a.T, a.T.Context(), a.Alder.ID
		shared := a.saves(a.desk, "For all", denied)
		a.shares(a.desk, shared)
		a.saves(a.desk, "Mine", trailview.Filters{Text: "x"})
		a.saves(a.admin, "Stays", denied)
		lapse := func() {
			t.Helper()
			if err := a.views.Lapse(ctx); err != nil {
				t.Fatal(err)
			}
		}
		lapse()
		a.Set("UPDATE users SET state = 'disabled' WHERE id = ?", a.desk.ID)
		a.reload()
		lapse() // who is disabled comes back to what is theirs
		a.sought(a.desk, "For all, Mine | ")
		a.Set("UPDATE users SET state = 'active' WHERE id = ?", a.desk.ID)
		a.Set("DELETE FROM role_assignments WHERE user_id = ?", a.desk.ID)
		_, err := a.views.Save(ctx, of, a.desk.ID, "Late", denied, audit.Origin{}) // the table does not know yet
		WantCode(t, "saving without the role", err, "access.forbidden")
		WantCode(t, "deleting without the role", a.views.Delete(ctx, of, a.desk.ID, shared, 2, audit.Origin{}), "access.forbidden")
		a.reload()
		a.sought(a.desk, " | ")
		if _, err := a.views.Find(ctx, a.in(a.Alder, a.desk), shared); !errors.Is(err, fault.NotFound) {
			t.Errorf("they find what they shared: %v", err)
		}
		lapse()
		lapse()
		a.sought(a.admin, "Stays | For all")
		if n := a.Count("SELECT count(*) FROM audit_views"); n != 2 || a.Events(audit.ViewDeleted) != 1 {
			t.Errorf("%d views and %d events are left", n, a.Events(audit.ViewDeleted))
		}
		if err := a.views.Delete(ctx, of, a.admin.ID, shared, 2, audit.Origin{}); err != nil {
			t.Errorf("who verifies deletes what is left: %v", err)
		}
	})
}

// TestATableThatIsTooOldDeletesNothing: the role was given a moment ago, and this process does
// not know of it.
func TestATableThatIsTooOldDeletesNothing(t *testing.T) {
	each(t, func(a *archive) {
		late := a.User(a.Alder, "late")
		a.Set("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,?,'',?)", a.Alder.ID, late.ID, access.RoleAuditor, a.Clock.Now())
		a.saves(late, "Mine", denied)
		if a.in(a.Alder, late).May.Has(access.AuditRead) {
			a.T.Fatal("the table is not too old")
		}
		if err := a.views.Lapse(a.T.Context()); err != nil {
			a.T.Fatal(err)
		}
		if n := a.Count("SELECT count(*) FROM audit_views"); n != 1 {
			a.T.Errorf("%d views are left", n)
		}
	})
}

// TestWhoIsErasedTakesPrivateViewsAlong leaves what they shared, and what others have.
func TestWhoIsErasedTakesPrivateViewsAlong(t *testing.T) {
	each(t, func(a *archive) {
		a.shares(a.auditor, a.saves(a.auditor, "For all", denied))
		a.saves(a.auditor, "About Jane", trailview.Filters{Text: "Jane"})
		a.saves(a.admin, "Mine", denied)
		a.Act(func(tx *store.Tx) error {
			if err := trailview.Erase(tx, a.Alder.ID, a.auditor.ID); err != nil {
				return err
			}
			_, err := audit.Erase(tx, a.Alder.ID, a.auditor.ID, "they asked", audit.Service)
			return err
		})
		a.sought(a.auditor, "For all | ")
		a.sought(a.admin, "Mine | For all")
		if n := a.Count("SELECT count(*) FROM audit_events WHERE personal LIKE '%Jane%'"); n != 0 || a.Events(audit.ViewDeleted) != 1 {
			a.T.Errorf("%d events have the name still, %d say that a view is gone", n, a.Events(audit.ViewDeleted))
		}
	})
}
