package importing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/group"
	"latchkey/app/importing"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

func TestAListMakesAndChangesPeople(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse, same := h.User(h.Alder, "nurse"), h.User(h.Alder, "same")
		pilot, night := h.group("pilot", "", same), h.group("Night shift", "", nurse)
		h.group("Ward", "")
		i := h.check(h.admin,
			"name,display_name,groups",
			"New.Person@alder.example,Night Np,pilot;night SHIFT",
			"plain@alder.example,,",
			"nurse@alder.example,Nurse Ward,Pilot;Night shift;Ward",
			"same@alder.example,same,pilot")
		if i.State != importing.Checked || i.New != 2 || i.Changed != 1 || i.Unchanged != 1 || i.Total != 3 || len(i.Problems) != 0 || i.CreatedBy != h.admin.Name {
			t.Fatalf("checked as %+v", i)
		}
		if n := h.Count("SELECT count(*) FROM users WHERE name IN ('new.person@alder.example', 'plain@alder.example')"); n != 0 {
			t.Error("checking makes people")
		}
		if i = h.does(h.admin, i); i.State != importing.Done || i.Done != 3 || i.EndedAt == nil || i.Reason != "they begin on Monday" {
			t.Errorf("done as %+v", i)
		}
		for name, display := range map[string]string{"new.person@alder.example": "Night Np", "plain@alder.example": "plain", nurse.Name: "Nurse Ward", same.Name: "same"} {
			if got := h.Text("SELECT display_name FROM users WHERE name = ? AND state = 'active'", name); got != display {
				t.Errorf("%s is called %q, want %q", name, got, display)
			}
		}
		newcomer := h.Text("SELECT id FROM users WHERE name = 'new.person@alder.example'")
		for _, c := range []struct{ group, user string }{{pilot, newcomer}, {night, newcomer}, {pilot, nurse.ID}, {night, nurse.ID}, {pilot, same.ID}} {
			if n := h.Count("SELECT count(*) FROM group_members m JOIN users u ON u.id = m.user_id AND u.name = m.user_name WHERE m.group_id = ? AND m.user_id = ?", c.group, c.user); n != 1 {
				t.Errorf("%s is %d times in group %s", c.user, n, c.group)
			}
		}
		// They are found by the words of the names that they have now.
		for word, of := range map[string]string{"night": newcomer, "np": newcomer, "new": newcomer, "person": newcomer, "nurse": nurse.ID, "ward": nurse.ID} {
			if got := h.Text("SELECT user_id FROM user_words WHERE tenant_id = ? AND word = ?", h.Alder.ID, word); got != of {
				t.Errorf("%q finds %q, want %q", word, got, of)
			}
		}
		if by := h.Text("SELECT created_by FROM users WHERE id = ?", newcomer); by != h.admin.ID {
			t.Errorf("made by %q", by)
		}
		for action, want := range map[audit.Action]int{
			audit.ImportChecked: 1, audit.ImportStarted: 1, audit.ImportFinished: 1, audit.ImportFailed: 0, audit.UserRenamed: 1,
			audit.GroupMemberAdded: 4, // two of nurse, and one for each group of those who are new
		} {
			if got := h.Events(action); got != want {
				t.Errorf("%d events %s, want %d", got, action, want)
			}
		}
		if n := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND thread_id = ? AND reason = 'they begin on Monday' AND actor_id = ?", audit.UserCreated, i.ID, h.admin.ID); n != 2 {
			t.Errorf("%d of 2 who are new have their event", n)
		}
		if got := h.Text("SELECT action || ' ' || by_role || ' ' || reason || ' ' || detail FROM notices WHERE user_id = ? AND action = ?", nurse.ID, audit.UserRenamed); got !=
			"user.renamed tenant_administrator they begin on Monday Nurse Ward" {
			t.Errorf("who was there is told %q of their name", got)
		}
		// And once of all groups that they were put into; who is new has nothing to be told.
		if got := h.Text("SELECT by_role || ' ' || reason || ' ' || detail FROM notices WHERE user_id = ? AND action = ?", nurse.ID, audit.GroupMemberAdded); got !=
			"tenant_administrator they begin on Monday pilot, Ward" {
			t.Errorf("who was there is told %q of their groups", got)
		}
		if n := h.Count("SELECT count(*) FROM notices"); n != 2 {
			t.Errorf("%d notices, want 2, both to who was there", n)
		}
		if rows := h.Text("SELECT rows FROM imports WHERE id = ?", i.ID); strings.Contains(rows, "nurse") {
			t.Error("who was in the list is kept")
		}

		// It works once.
		_, err := h.run(h.admin, i)
		signintest.WantCode(t, "a second run", err, "import.run_already")
		again := h.check(h.admin, "name,display_name,groups", "nurse@alder.example,Nurse Ward,pilot")
		if again.Total != 0 || again.Unchanged != 1 {
			t.Errorf("the same again is %+v", again)
		}
		_, err = h.run(h.admin, again)
		signintest.WantCode(t, "a run for nothing", err, "import.nothing")
	})
}

func TestOneProblemKeepsTheWholeListFromRunning(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.User(h.Birch, "porter")
		h.Set("INSERT INTO domains (domain, tenant_id) VALUES ('unproved.example', ?)", h.Alder.ID)
		i := h.check(h.admin,
			"name,display_name,groups",
			"fine@alder.example,Fine,",
			"porter@birch.example,Porter,",
			"x@unproved.example,X,",
			"no name,Nobody,",
			"y@alder.example,Y,nowhere; No Where",
			"fine@alder.example,Fine,")
		want := "3 name import.domain birch.example\n4 name import.domain unproved.example\n5 name user.name_form no name\n6 groups import.group_unknown nowhere\n" +
			"6 groups import.group_unknown No Where\n7 name import.name_twice fine@alder.example"
		if got := wrong(i); got != want {
			t.Errorf("what is wrong:\n%s\nwant\n%s", got, want)
		}
		_, err := h.run(h.admin, i)
		signintest.WantCode(t, "a run with problems", err, "import.has_problems")
		if h.Count("SELECT count(*) FROM users WHERE name = 'fine@alder.example'") != 0 || h.import_(h.admin, i.ID).State != importing.Checked {
			t.Error("something has changed")
		}
	})
}

func TestEachLineIsAskedLikeAnActOnThatPerson(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse := h.User(h.Alder, "nurse")
		h.group("desk", access.RoleHelpdesk)
		h.group("admins", access.RoleTenantAdministrator)
		h.group("plain", "")
		list := func(by user.User, line string) importing.Import {
			t.Helper()
			return h.check(by, "name,display_name,groups", line)
		}
		for line, want := range map[string]string{
			"new@alder.example,New,plain":          "",
			"new@alder.example,New,desk":           "",
			"nurse@alder.example,A,desk":           "",
			"desk@alder.example,D,plain":           "",
			"new@alder.example,New,admins":         "2 groups access.duty ", // nobody gives their own rank
			"nurse@alder.example,,admins":          "2 groups access.duty ",
			"admin@alder.example,Me,":              "2 name access.self ", // nor acts on themselves
			"admin@alder.example,admin,":           "",                    // which says what is so already
			"admin2@alder.example,Other,":          "2 name access.rank ",
			"security@alder.example,S,":            "2 name access.rank ",
			"security@alder.example,security,desk": "2 name access.rank \n2 groups access.rank ",
		} {
			if got := unique(wrong(list(h.admin, line))); got != want {
				t.Errorf("%s by a tenant administrator:\n%s\nwant\n%s", line, got, want)
			}
		}
		if got := wrong(list(h.security, "new@alder.example,New,admins")); got != "" {
			t.Errorf("by a security administrator: %s", got)
		}
		// Who may not import at all gets no further than that.
		_, err := h.Imports.Check(t.Context(), importing.Upload{TenantID: h.Alder.ID, ActorID: h.desk.ID, Body: []byte("name\nx@alder.example")})
		signintest.WantCode(t, "a list of the helpdesk", err, "access.forbidden")
		stranger := h.Admin(h.Birch, "security", access.RoleSecurityAdministrator)
		_, err = h.Imports.Check(t.Context(), importing.Upload{TenantID: h.Alder.ID, ActorID: stranger.ID, Body: []byte("name\nx@alder.example")})
		signintest.WantCode(t, "a list of somebody else's", err, "access.forbidden")

		// One who is given a role by a list is told.
		if i := h.does(h.admin, list(h.admin, "nurse@alder.example,,desk")); i.State != importing.Done {
			t.Fatalf("%s: %s", i.State, wrong(i))
		}
		if n := h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ? AND detail = ?", nurse.ID, audit.RoleAssigned, access.RoleHelpdesk); n != 1 {
			t.Errorf("%d notices", n)
		}
	})
}

func TestAListOverSecurityAdministratorsTakesTwo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		third := h.Admin(h.Alder, "security3", access.RoleSecurityAdministrator)
		h.Clock.Forward(73 * time.Hour) // nobody here was made a moment ago
		i := h.check(h.security, "name,display_name", "security2@alder.example,Second", "x@alder.example,X")
		out, err := h.run(h.security, i)
		if err != nil || !out.Waits() {
			t.Fatalf("run = %+v, %v; want a request", out, err)
		}
		if err := h.Imports.TakeUp(t.Context()); err != nil || h.import_(h.security, i.ID).State != importing.Checked {
			t.Errorf("it runs before anybody approved: %v", err)
		}
		approve := func(by user.User) error {
			return h.Approvals.Approve(t.Context(), h.Alder.ID, out.RequestID, by.ID, approval.Given{})
		}
		signintest.WantCode(t, "the requester approves", approve(h.security), "access.requester")
		signintest.WantCode(t, "one who is in the list approves", approve(h.security2), "access.target")
		if err := approve(third); err != nil {
			t.Fatalf("Approve = %v", err)
		}
		if err := h.Imports.TakeUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i = h.import_(h.security, i.ID); i.State != importing.Done {
			t.Errorf("%s: %s", i.State, wrong(i))
		}
		if got := h.Text("SELECT display_name FROM users WHERE id = ?", h.security2.ID); got != "Second" {
			t.Errorf("they are called %q", got)
		}
	})
}

// What an approver is shown is what runs: person by person, page by page, and out of
// the very text that the request has the hash of.
func TestWhatAnApproverIsShownIsWhatRuns(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		third := h.Admin(h.Alder, "security3", access.RoleSecurityAdministrator)
		h.Clock.Forward(73 * time.Hour)
		nurse := h.User(h.Alder, "nurse")
		h.group("Ward", "", nurse)
		h.group("Front desk", access.RoleHelpdesk)
		lines := []string{"name,display_name,groups", "security2@alder.example,Second,", "nurse@alder.example,,Ward;Front desk", "bare@alder.example,,ward"}
		for n := range 60 {
			lines = append(lines, fmt.Sprintf("p%02d@alder.example,Person %02d,Front desk;Ward", n, n))
		}
		i := h.check(h.security, lines...)
		out, err := h.run(h.security, i)
		if err != nil || !out.Waits() {
			t.Fatalf("run = %+v, %v; want a request", out, err)
		}
		seen, err := h.Approvals.Find(t.Context(), h.Alder.ID, out.RequestID, third.ID)
		if err != nil {
			t.Fatal(err)
		}
		var act importing.Act
		if err := seen.Read(&act); err != nil || act != i.Act {
			t.Fatalf("the request is about %+v, %v; want %+v", act, err, i.Act)
		}
		var all []importing.Effect
		for from := 0; ; from += importing.PageMost {
			page, err := h.Imports.EffectsOf(t.Context(), h.Alder.ID, act, from)
			if err != nil || page.Total != 63 || page.From != from || page.FileName != "people.csv" {
				t.Fatalf("EffectsOf from %d = %+v, %v", from, page, err)
			}
			all = append(all, page.Rows...)
			if len(all) >= page.Total {
				break
			}
		}
		if first := all[0]; len(all) != 63 || first.New || first.Was != "security2" || first.Called != "Second" || len(first.Joins) != 0 || first.Row != 2 {
			t.Fatalf("%d people, of whom the first is %+v", len(all), first)
		}
		for _, from := range []int{-7, 1 << 40} {
			if page, err := h.Imports.EffectsOf(t.Context(), h.Alder.ID, act, from); err != nil || page.From < 0 || page.From > 63 {
				t.Errorf("from %d = %+v, %v", from, page, err)
			}
		}
		_, err = h.Imports.EffectsOf(t.Context(), h.Birch.ID, act, 0)
		signintest.WantCode(t, "of another organisation", err, "import.not_kept")

		// A text that the hash is not of is shown to nobody, and runs for nobody.
		frozen := h.Text("SELECT rows FROM imports WHERE id = ?", i.ID)
		h.Set("UPDATE imports SET rows = ? WHERE id = ?", strings.Replace(frozen, "Person 07", "Person 70", 1), i.ID)
		_, err = h.Imports.EffectsOf(t.Context(), h.Alder.ID, act, 0)
		signintest.WantCode(t, "of another text", err, "import.changed")
		h.Set("UPDATE imports SET rows = ? WHERE id = ?", frozen, i.ID)

		if err := h.Approvals.Approve(t.Context(), h.Alder.ID, out.RequestID, third.ID, approval.Given{}); err != nil {
			t.Fatal(err)
		}
		if err := h.Imports.TakeUp(t.Context()); err != nil || h.import_(h.security, i.ID).State != importing.Done {
			t.Fatalf("TakeUp = %v: %s", err, wrong(h.import_(h.security, i.ID)))
		}
		made := 0
		for _, e := range all {
			if e.New {
				made++
			}
			if e.Called != "" && h.Text("SELECT display_name FROM users WHERE tenant_id = ? AND name = ?", h.Alder.ID, e.Name) != e.Called {
				t.Errorf("%s is not called %s, as was shown", e.Name, e.Called)
			}
			for _, g := range e.Joins {
				if h.Count("SELECT count(*) FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.user_name = ? AND g.name = ? AND g.role = ?", e.Name, g.Name, g.Role) != 1 {
					t.Errorf("%s is not in %s, as was shown", e.Name, g.Name)
				}
			}
			if joined := h.Count("SELECT count(*) FROM group_members WHERE user_name = ? AND added_by = ?", e.Name, h.security.ID); joined != len(e.Joins) {
				t.Errorf("%s joined %d groups, and %d were shown", e.Name, joined, len(e.Joins))
			}
		}
		if now := h.Count("SELECT count(*) FROM users WHERE created_by = ?", h.security.ID); now != made {
			t.Errorf("%d people were made, and %d were shown", now, made)
		}
		_, err = h.Imports.EffectsOf(t.Context(), h.Alder.ID, act, 0)
		signintest.WantCode(t, "of a list that was run", err, "import.not_kept")
	})
}

func TestWhatReadsDifferentlyThanItWasCheckedChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for claim, c := range map[string]struct {
			meanwhile func(nurse user.User, groupID string)
			code      string
		}{
			"somebody made a person of the list": {func(user.User, string) { h.User(h.Alder, "new") }, "import.changed"},
			"somebody was given another name":    {func(nurse user.User, _ string) { h.Set("UPDATE users SET display_name = 'B' WHERE id = ?", nurse.ID) }, "import.changed"},
			"the group got another name":         {func(_ user.User, id string) { h.Set("UPDATE groups SET name = 'other' WHERE id = ?", id) }, "import.group_unknown"},
			"the group got a role": {func(_ user.User, id string) {
				h.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleHelpdesk, id)
			}, "import.changed"},
			"the group got a role that may not be given": {func(_ user.User, id string) {
				h.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleTenantAdministrator, id)
			}, "access.duty"},
			"a person of the list became an equal": {func(nurse user.User, _ string) {
				h.Act(func(tx *store.Tx) error {
					return user.Assign(tx, h.Alder.ID, nurse.ID, access.RoleTenantAdministrator, audit.Service, audit.Origin{})
				})
			}, "access.rank"},
			"the actor lost the role": {func(user.User, string) { h.Set("DELETE FROM role_assignments WHERE user_id = ?", h.admin.ID) }, "access.forbidden"},
			"the domain was taken back": {func(user.User, string) {
				h.Set("UPDATE domains SET verified_at = NULL WHERE tenant_id = ?", h.Alder.ID)
			}, "import.domain"},
		} {
			t.Run(claim, func(t *testing.T) {
				nurse := h.User(h.Alder, "nurse")
				id := h.group("pilot", "")
				i := h.check(h.admin, "name,display_name,groups", "first@alder.example,First,pilot", "nurse@alder.example,Nurse,pilot", "new@alder.example,New,")
				if len(i.Problems) > 0 {
					t.Fatalf("checked with problems: %s", wrong(i))
				}
				if _, err := h.run(h.admin, i); err != nil {
					t.Fatal(err)
				}
				c.meanwhile(nurse, id)
				if err := h.Imports.TakeUp(t.Context()); err != nil {
					t.Fatal(err)
				}
				i = h.import_(h.admin, i.ID)
				if i.State != importing.Failed || i.Done != 0 || !strings.Contains(wrong(i), c.code) {
					t.Errorf("%s, %d done: %s; want failed with %s", i.State, i.Done, wrong(i), c.code)
				}
				if n := h.Count("SELECT count(*) FROM users WHERE name = 'first@alder.example'") + h.members(id); n != 0 {
					t.Error("something has changed")
				}
				// The house as it was.
				h.Set("DELETE FROM group_members WHERE group_id = ?", id)
				h.Set("DELETE FROM groups WHERE id = ?", id)
				h.Set("UPDATE domains SET verified_at = ? WHERE tenant_id = ?", h.Clock.Now(), h.Alder.ID)
				h.Set("DELETE FROM role_assignments WHERE user_id = ?", nurse.ID)
				h.Set("UPDATE users SET name = id || '@gone.example' WHERE name IN ('nurse@alder.example', 'new@alder.example')")
				h.Act(func(tx *store.Tx) error {
					return user.Assign(tx, h.Alder.ID, h.admin.ID, access.RoleTenantAdministrator, audit.Service, audit.Origin{})
				})
			})
		}
		if failed := h.Events(audit.ImportFailed); failed != 8 {
			t.Errorf("%d events of failures, want 8", failed)
		}
	})
}

func TestAListIsRunByWhoBroughtItAndSoon(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.check(h.admin, "name", "x@alder.example")
		for by, code := range map[user.User]string{h.admin2: "import.of_another", h.desk: "access.forbidden"} {
			_, err := h.run(by, i)
			signintest.WantCode(t, "a run by "+by.Name, err, code)
		}
		other := i
		other.Act.Digest = "another"
		_, err := h.run(h.admin, other)
		signintest.WantCode(t, "a run of another list", err, "import.changed")
		other.Act = importing.Act{Import: "none"}
		_, err = h.run(h.admin, other)
		signintest.WantCode(t, "a run of none", err, "http.not_found")
		stranger := h.Admin(h.Birch, "admin", access.RoleTenantAdministrator)
		_, err = h.run(stranger, i)
		signintest.WantCode(t, "a run in another organisation", err, "http.not_found")
		if _, err := h.Imports.Find(t.Context(), h.Birch.ID, i.ID); err == nil {
			t.Error("another organisation finds it")
		}
		h.Clock.Forward(importing.CheckedLife)
		_, err = h.run(h.admin, i)
		signintest.WantCode(t, "a run a day later", err, "import.old")

		for range 7 {
			h.check(h.admin, "name", "x@alder.example")
			h.Clock.Forward(time.Second)
		}
		if n := h.Count("SELECT count(*) FROM imports WHERE state = 'checked'"); n != 5 {
			t.Errorf("%d lists wait to be run, want 5", n)
		}
		if recent, err := h.Imports.Recent(t.Context(), h.Alder.ID); err != nil || len(recent) != 5 || recent[0].CreatedBy != h.admin.Name || recent[0].FileName != "people.csv" {
			t.Errorf("Recent = %+v, %v", recent, err)
		}
	})
}

func TestAnImportIsCarriedOutOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.check(h.admin, "name,display_name", "x@alder.example,X", "y@alder.example,Y")
		runs := signintest.AtOnce(4, func(int) error { _, err := h.run(h.admin, i); return err })
		if got := signintest.Tally(runs); got["done"] != 1 || got["import.run_already"] != 3 {
			t.Errorf("four runs at once = %v", got)
		}
		replicas := []*house{h, build(h.Replica()), build(h.Replica()), build(h.Replica())}
		for _, err := range signintest.AtOnce(4, func(n int) error { return replicas[n].Imports.TakeUp(t.Context()) }) {
			if err != nil {
				t.Errorf("TakeUp = %v", err)
			}
		}
		if i = h.import_(h.admin, i.ID); i.State != importing.Done {
			t.Errorf("%s: %s", i.State, wrong(i))
		}
		if h.Events(audit.ImportFinished) != 1 || h.Events(audit.ImportStarted) != 1 || h.Count("SELECT count(*) FROM users WHERE name IN ('x@alder.example', 'y@alder.example')") != 2 {
			t.Error("it was not carried out once")
		}
	})
}

func TestAnImportWhoseReplicaDiedIsTakenUpByAnother(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.check(h.admin, "name", "x@alder.example")
		if _, err := h.run(h.admin, i); err != nil {
			t.Fatal(err)
		}
		h.Set("UPDATE imports SET started_at = ?, done = 1 WHERE id = ?", h.Clock.Now(), i.ID) // taken up, and then nothing
		h.Clock.Forward(59 * time.Second)
		if err := h.Imports.TakeUp(t.Context()); err != nil || h.import_(h.admin, i.ID).State != importing.Running {
			t.Errorf("it is taken from who may be alive: %v", err)
		}
		h.Clock.Forward(2 * time.Second)
		if err := h.Imports.TakeUp(t.Context()); err != nil || h.import_(h.admin, i.ID).State != importing.Done {
			t.Errorf("it is not taken up: %v", err)
		}
	})
}

// On SQLite, which has one writer, nobody comes in between.
func TestWhoHasLostAnImportCannotEndIt(t *testing.T) {
	signintest.On(t, store.Postgres, func(s *signintest.House) {
		h := furnished(s)
		id := h.group("pilot", "")
		i := h.check(h.admin, "name,groups", "x@alder.example,pilot")
		if _, err := h.run(h.admin, i); err != nil {
			t.Fatal(err)
		}
		// Somebody holds the group, so that the import waits at its end.
		holding, free, held := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			held <- h.DB.Act(t.Context(), func(tx *store.Tx) error {
				var name string
				_, err := tx.One(&name, "SELECT name FROM groups WHERE id = ? FOR NO KEY UPDATE", id)
				close(holding)
				<-free
				return err
			})
		}()
		<-holding
		took := make(chan error, 1)
		go func() { took <- h.Imports.TakeUp(t.Context()) }()
		for h.import_(h.admin, i.ID).Done == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		other := h.Clock.Now().Add(time.Minute)
		h.Set("UPDATE imports SET started_at = ?, done = 0 WHERE id = ?", other, i.ID) // another replica
		close(free)
		if err := <-held; err != nil {
			t.Fatal(err)
		}
		if err := <-took; err != nil {
			t.Errorf("TakeUp = %v", err)
		}
		if n := h.Count("SELECT count(*) FROM imports WHERE id = ? AND state = 'running' AND started_at = ?", i.ID, other); n != 1 {
			t.Errorf("the import is not left to who has it: %+v", h.import_(h.admin, i.ID))
		}
		if h.Count("SELECT count(*) FROM users WHERE name = 'x@alder.example'") != 0 || h.Events(audit.ImportFinished)+h.Events(audit.ImportFailed) != 0 {
			t.Error("who lost the import changed something")
		}
	})
}

func TestWhileTheDatabaseFailsAnImportIsTriedAFewTimes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i := h.check(h.admin, "name", "x@alder.example")
		if _, err := h.run(h.admin, i); err != nil {
			t.Fatal(err)
		}
		h.Set("ALTER TABLE user_words RENAME TO user_words_elsewhere")
		for range 2 {
			if err := h.Imports.TakeUp(t.Context()); err == nil || h.import_(h.admin, i.ID).State != importing.Running {
				t.Errorf("TakeUp = %v, and the import is %s", err, h.import_(h.admin, i.ID).State)
			}
			h.Clock.Forward(2 * time.Minute)
		}
		if err := h.Imports.TakeUp(t.Context()); err != nil {
			t.Errorf("TakeUp = %v", err)
		}
		if i = h.import_(h.admin, i.ID); i.State != importing.Failed || wrong(i) != "0  import.unusable " || h.Count("SELECT count(*) FROM users WHERE name = 'x@alder.example'") != 0 {
			t.Errorf("%s: %s", i.State, wrong(i))
		}
		h.Set("ALTER TABLE user_words_elsewhere RENAME TO user_words")
	})
}

func TestAGroupWithARoleStaysSmallWhenPeopleAreImported(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.group("desk", access.RoleHelpdesk, h.desk)
		lines := []string{"name,groups"}
		for n := range group.CarriersMost {
			lines = append(lines, "p"+strings.Repeat("x", n%50)+string(rune('a'+n/50))+"@alder.example,desk")
		}
		if got := wrong(h.check(h.admin, lines...)); got != "501 groups group.too_many_carriers desk" {
			t.Errorf("what is wrong: %s", got)
		}
		if i := h.does(h.admin, h.check(h.admin, lines[:group.CarriersMost]...)); i.State != importing.Done {
			t.Errorf("%s: %s", i.State, wrong(i))
		}
	})
}

func TestAListIntoAGroupThatAWayInIsForTakesTwo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'g','Field',?)", h.Alder.ID, h.Clock.Now())
		if out, err := h.run(h.admin, h.check(h.admin, "name,display_name,groups", "one@alder.example,One,Field")); err != nil || out.Waits() {
			t.Errorf("into a plain group: %+v, %v", out, err)
		}
		if err := h.Imports.TakeUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'g')", h.Alder.ID, user.WithPassword)
		if out, err := h.run(h.admin, h.check(h.admin, "name,display_name,groups", "two@alder.example,Two,Field")); err != nil || !out.Waits() {
			t.Errorf("into one by which they sign in: %+v, %v", out, err)
		}
	})
}
