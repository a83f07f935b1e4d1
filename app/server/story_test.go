package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/trail"
)

// TestWhoIsToldAStory: from the first event on, with what lies between; what somebody may not
// see is not in it, and a story of which they see nothing is not there.
func TestWhoIsToldAStory(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		alder, user6 := w.person(t, "user6@alder.example")
		_, desk := w.person(t, deskOf)
		_, auditorID := w.person(t, "auditor@alder.example")
		begun := w.DB.Now().Add(-10 * 24 * time.Hour)
		record := func(after time.Duration, e audit.Event) {
			t.Helper()
			e.TenantID, e.Subject, e.Origin = alder, user6, audit.Origin{IP: "203.0.113.77"}
			if err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
				tx.Now = begun.Add(after)
				return audit.Record(tx, e)
			}); err != nil {
				t.Fatal(err)
			}
		}
		record(0, audit.Event{Action: audit.CaseOpened, Actor: audit.User(desk), Target: audit.User(user6), Thread: "case-of-story", Reason: `Lost it <script>alert(1)</script>`}.Under("STORY-1"))
		record(time.Minute, audit.Event{Action: audit.SignInRefused, Outcome: audit.Failure, Reason: "signin.password_wrong", Actor: audit.Claimant("story-attempt"), Target: audit.User(user6), Thread: "story-attempt"})
		record(4*time.Hour, audit.Event{Action: audit.AccessRefused, Outcome: audit.Denied, Actor: audit.User(user6), Target: audit.User(user6), Thread: "case-of-story"}) // a security event
		record(76*time.Hour, audit.Event{Action: audit.CaseClosed, Actor: audit.User(desk), Target: audit.User(user6), Thread: "case-of-story"}.Under("STORY-1"))
		const list = "/admin/alder/audit/story/"
		stories := map[string]string{"case": list + "case/case-of-story", "sign_in": list + "sign_in/story-attempt", "person": list + "person/" + user6, "agent": list + "agent/" + desk, "ticket": list + "ticket/STORY-1"}
		told := func(name, story string) (events []string) {
			t.Helper()
			a := w.browser(t).signIn(t, name).get(t, stories[story], "Accept", "application/json")
			if a.status == http.StatusNotFound {
				return nil
			}
			var got struct {
				Events []struct{ At, Action, IP string }
			}
			if err := json.Unmarshal([]byte(a.want(t, http.StatusOK).body), &got); err != nil {
				t.Fatal(err)
			}
			last := ""
			for _, e := range got.Events {
				if e.At < last {
					t.Errorf("%s is told %s of before %s", name, e.At, last)
				}
				if last = e.At; e.At >= begun.Add(-time.Second).Format(time.RFC3339) && e.At < begun.Add(77*time.Hour).Format(time.RFC3339) && strings.Contains("case.opened case.closed signin.refused access.refused", e.Action) {
					events = append(events, e.Action)
				}
			}
			return events
		}
		for name, want := range map[string]map[string]string{
			"auditor@alder.example": {"case": "case.opened access.refused case.closed", "sign_in": "signin.refused", "person": "case.opened signin.refused access.refused case.closed", "agent": "case.opened case.closed", "ticket": "case.opened case.closed"},
			"admin@alder.example":   {"case": "case.opened case.closed", "sign_in": "signin.refused", "person": "case.opened signin.refused case.closed", "agent": "case.opened case.closed", "ticket": "case.opened case.closed"},
			"lead@alder.example":    {"case": "case.opened case.closed", "sign_in": "", "person": "case.opened case.closed", "agent": "case.opened case.closed", "ticket": "case.opened case.closed"},
			deskOf:                  {"case": "case.opened case.closed", "sign_in": "", "person": "case.opened case.closed", "agent": "case.opened case.closed", "ticket": "case.opened case.closed"},
			"desk2@alder.example":   {"case": "", "sign_in": "", "person": "", "agent": "", "ticket": ""},
		} {
			for story, events := range want {
				if got := strings.Join(told(name, story), " "); !strings.Contains(got, events) || events == "" && got != "" {
					t.Errorf("%s is told of the %s %q, want %q", name, story, got, events)
				}
			}
		}
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		page := auditor.get(t, stories["case"]).want(t, http.StatusOK).body
		for _, want := range []string{"Case of user6@alder.example", "4 hours later", "3 days later", "&lt;script&gt;", `href="/admin/alder/audit/story/ticket/STORY-1"`, `href="/admin/alder/audit/story/person/` + user6, `href="/admin/alder/audit/story/agent/` + desk} {
			if !strings.Contains(page, want) {
				t.Errorf("the story has not %q", want)
			}
		}
		if strings.Contains(page, "<script>alert") {
			t.Error("what somebody typed is no text")
		}
		if page := auditor.get(t, stories["sign_in"]).want(t, http.StatusOK).body; !strings.Contains(page, "A wrong password") {
			t.Error("a code is not put into words")
		}
		looks := 0
		w.one(t, &looks, "SELECT count(*) FROM audit_events WHERE tenant_id = ? AND action = 'audit.viewed' AND actor_id = ?", alder, auditorID)
		if looks != len(stories) {
			t.Errorf("%d looks stand in the audit, want one for each story", looks)
		}
		for _, none := range []string{"person/service", "person/user:x", "agent/claimant", "ticket/no%20ticket", "case/nowhere", "other/x"} {
			auditor.get(t, list+none).want(t, http.StatusNotFound)
		}
		w.browser(t).signIn(t, "user1@alder.example").get(t, stories["person"]).want(t, http.StatusForbidden)
		auditor.get(t, strings.Replace(stories["case"], "alder", "birch", 1)).want(t, http.StatusNotFound)
	})
}

// TestALongStoryHasPages, there and back, each event once.
func TestALongStoryHasPages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		alder, user6 := w.person(t, "user6@alder.example")
		const n = 2*trail.PageLength + 7
		if err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
			for i := range n {
				e := audit.Event{TenantID: alder, Action: audit.SignInBegun, Actor: audit.Claimant("long"), Target: audit.User(user6), Subject: user6, Thread: "long", Details: map[string]string{"n": fmt.Sprintf("n%03d", i)}}
				if err := audit.Record(tx, e); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		admin := w.browser(t).signIn(t, "admin@alder.example")
		type page struct {
			Events         []struct{ ID string }
			Previous, Next string
		}
		read := func(path string) (p page) {
			if err := json.Unmarshal([]byte(admin.get(t, path, "Accept", "application/json").want(t, http.StatusOK).body), &p); err != nil {
				t.Fatal(err)
			}
			return p
		}
		seen := map[string]int{}
		at, pages := read("/admin/alder/audit/story/sign_in/long"), 1
		if at.Previous != "" {
			t.Error("there is something before the beginning")
		}
		for ; at.Next != ""; pages++ {
			for _, e := range at.Events {
				seen[e.ID]++
			}
			at = read(at.Next)
		}
		for _, e := range at.Events {
			seen[e.ID]++
		}
		if len(seen) != n || pages != 3 {
			t.Errorf("%d events on %d pages", len(seen), pages)
		}
		for at.Previous != "" {
			at = read(at.Previous)
			for _, e := range at.Events {
				seen[e.ID]++
			}
		}
		twice := 0
		for _, times := range seen {
			if times == 2 {
				twice++
			}
		}
		if twice != 2*trail.PageLength {
			t.Errorf("on the way back there are %d", twice)
		}
	})
}
