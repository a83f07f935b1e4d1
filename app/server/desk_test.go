package server_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/app/desk"
)

// TestWhatTheOrganisationSaysOfItsDesk: the forms, what is wrong with them, and what the
// desk makes of it.
func TestWhatTheOrganisationSaysOfItsDesk(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const rules, name = "/admin/alder/settings/desk", "user21@alder.example"
		tenantID, id := w.person(t, name)
		person := "/admin/alder/users/" + id
		admin, agent := w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, deskOf)
		now := func() desk.Desk {
			t.Helper()
			d, err := desk.Of(w.DB.View(t.Context()), tenantID)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		agent.get(t, rules).want(t, http.StatusForbidden)
		if page := admin.get(t, rules).want(t, http.StatusOK); !strings.Contains(page.body, "Phone lost or stolen") || !strings.Contains(page.body, `value="INC-1042"`) {
			t.Error("the page shows neither the reasons nor the form of tickets")
		}
		form := func(pairs ...string) []string {
			return append([]string{
				"bypass_minutes", "480", "bypass_uses", "5", "desk_kinds", "pass_code,skip", "desk_deliveries", "second_channel,split,read_out",
				"desk_ways", "phone,backup_phone,manager", "desk_privileged", "phone,backup_phone,manager", "reason", "a test", "version", now().Version(),
			}, pairs...)
		}
		bad := admin.post(t, rules, form("own_reasons", "yes", "ticket_pattern", "INC-([0-9]+<b>", "ticket_example", "INC-1")...)
		bad.is(t, http.StatusUnprocessableEntity)
		for _, want := range []string{"A parenthesis has no other half", `value="INC-([0-9]+&lt;b&gt;"`, `value="INC-1"`} {
			if !strings.Contains(bad.body, want) {
				t.Errorf("a bad form of tickets comes back without %s", want)
			}
		}
		if strings.Contains(bad.body, "<b>") {
			t.Error("what was typed is not escaped")
		}
		// Less is saved at once, and more waits.
		admin.post(t, rules, form("own_reasons", "yes", "ticket_pattern", now().Pattern, "ticket_example", now().Example, "bypass_minutes", "480")...).want(t, http.StatusConflict)
		less := form("own_reasons", "yes", "ticket_pattern", now().Pattern, "ticket_example", now().Example)
		less[1] = "90"
		if to := admin.post(t, rules, less...).want(t, http.StatusSeeOther).location(); to != rules+"?done=saved" {
			t.Errorf("less leads to %s", to)
		}
		more := form("own_reasons", "yes", "ticket_pattern", now().Pattern, "ticket_example", now().Example)
		if to := admin.post(t, rules, more...).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/admin/alder/approvals/") || now().Minutes != 90 {
			t.Errorf("more leads to %s, and there are %d minutes", to, now().Minutes)
		}
		// A reason of one's own, whose words are no markup.
		admin.get(t, rules+"/reasons/new").want(t, http.StatusOK)
		again := admin.post(t, rules+"/reasons", "code", "Lost", "words", "", "minutes", "91", "version", now().Reasons.Version(), "reason", "a test")
		again.is(t, http.StatusUnprocessableEntity)
		for _, want := range []string{"small letters", "on one line", "allows no more", `value="91"`, `value="Lost"`} {
			if !strings.Contains(again.body, want) {
				t.Errorf("a reason that is none comes back without %q", want)
			}
		}
		const words = `<i>Night</i> & "day"`
		admin.post(t, rules+"/reasons", "code", "night", "words", words, "takes_ticket", "yes", "minutes", "45", "kind", "pass_code", "delivery", "read_out", "place", "1", "version", now().Reasons.Version(), "reason", "a test").want(t, http.StatusSeeOther)
		for claim, a := range map[string]answer{"its page": admin.get(t, rules+"/reasons/night"), "the list": admin.get(t, rules)} {
			if a.is(t, http.StatusOK) && (strings.Contains(a.body, "<i>Night") || !strings.Contains(a.body, "&lt;i&gt;Night")) {
				t.Errorf("%s does not have its words, or not as text", claim)
			}
		}
		// The desk offers it first, and gives what is usual for it.
		check := w.checked(t, deskOf, name)
		shown := agent.get(t, person+"/desk").want(t, http.StatusOK)
		if at, lost := strings.Index(shown.body, `value="night"`), strings.Index(shown.body, `value="lost"`); at < 0 || at > lost || strings.Contains(shown.body, "<i>Night") || !strings.Contains(shown.body, "Such as INC-1042.") {
			t.Error("the desk does not offer the reasons in their order, as text, with the form of tickets")
		}
		refused := agent.post(t, person+"/bypasses", "reason_code", "night", "reason", "", "ticket", "none", "caller_check", check)
		refused.is(t, http.StatusUnprocessableEntity)
		if !strings.Contains(refused.body, "Your tickets look otherwise, such as INC-1042.") || !strings.Contains(refused.body, `value="none"`) {
			t.Error("a ticket that looks otherwise comes back without what one looks like")
		}
		program := agent.saw(send(t, agent.client, agent.request(t, http.MethodPost, person+"/bypasses", strings.NewReader(agent.form("reason_code", "night", "ticket", "none", "caller_check", check).Encode()), "Content-Type", formType, "Accept", "application/json")))
		if program.is(t, http.StatusUnprocessableEntity); !strings.Contains(program.body, `"ticket":"Your tickets look otherwise, such as INC-1042."`) {
			t.Errorf("a program is told %s", program.body)
		}
		given := agent.post(t, person+"/bypasses", "reason_code", "night", "reason", "", "ticket", "INC-7", "caller_check", check).want(t, http.StatusSeeOther).location()
		page := agent.get(t, given).want(t, http.StatusOK)
		if !bypassMark.MatchString(page.body) || strings.Contains(page.body, "<i>Night") || !strings.Contains(page.body, "&lt;i&gt;Night") {
			t.Error("what was given shows no code, or not its reason as text")
		}
		if a := agent.get(t, given, "Accept", "application/json").want(t, http.StatusOK); !strings.Contains(a.body, `"reason_code":"night"`) || !strings.Contains(a.body, `"minutes":45`) {
			t.Errorf("for a program it is %s", a.body)
		}
		for path, pairs := range map[string][]string{"/caller-checks": {"via", "phone", "cause", "lost", "ticket", "none"}, "/cases": {"cause", "lost", "reason", "a test", "ticket", "none"}} {
			_, other := w.person(t, "user22@alder.example")
			a := agent.post(t, "/admin/alder/users/"+other+path, pairs...)
			if a.is(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, "such as INC-1042.") {
				t.Errorf("%s does not say what a ticket looks like", path)
			}
		}
		// It goes by two, for it takes a ticket and others take none, and by a page that shows
		// the list as it is; what was given by it stays.
		admin.post(t, rules+"/reasons/night/remove", "version", "of before", "reason", "a test").is(t, http.StatusConflict)
		version := now().Reasons.Version()
		if !strings.Contains(admin.get(t, rules).want(t, http.StatusOK).body, `name="version" value="`+version+`"`) {
			t.Error("the form by which a reason is removed does not say which list was read")
		}
		waits := admin.post(t, rules+"/reasons/night/remove", "version", version, "reason", "a test").want(t, http.StatusSeeOther).location()
		w.browser(t).signIn(t, firstSecurity).post(t, waits+"/approve").want(t, http.StatusSeeOther)
		admin.get(t, rules+"/reasons/night").want(t, http.StatusNotFound)
		if a := agent.get(t, given).want(t, http.StatusOK); !strings.Contains(a.body, "&lt;i&gt;Night") {
			t.Error("what was given has lost its reason")
		}
		// Another organisation has none of it.
		birch := w.browser(t).signIn(t, "admin@birch.example")
		for _, path := range []string{"", "/reasons/lost", "/reasons/new"} {
			birch.get(t, rules+path).want(t, http.StatusNotFound)
		}
	})
}

// TestAReasonSkipsThePhone: where that is usual for it the agent chooses nothing else, and is
// led to what was given.
func TestAReasonSkipsThePhone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user23@alder.example"
		_, id := w.person(t, name)
		person := "/admin/alder/users/" + id
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		w.act(t, "UPDATE tenants SET desk_reasons = ? WHERE slug = 'alder'", desk.Reasons{{Code: "flat", Words: "Battery is flat", Kind: "skip"}}.Text())
		agent := w.browser(t).signIn(t, deskOf)
		agent.get(t, person+"/desk").want(t, http.StatusOK)
		given := agent.post(t, person+"/bypasses", "reason_code", "flat", "kind", "", "reason", "", "ticket", "", "caller_check", w.checked(t, deskOf, name)).want(t, http.StatusSeeOther).location()
		if !strings.HasSuffix(given, "?done=bypass_given") {
			t.Errorf("it leads to %s", given)
		}
		agent.get(t, given).want(t, http.StatusOK)
		var is string
		if w.one(t, &is, "SELECT kind || ' ' || state FROM bypasses"); is != "skip active" {
			t.Errorf("given is a %s", is)
		}
	})
}
