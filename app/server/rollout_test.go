package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestAFeatureIsOpenedOnItsPages walks the list, a feature, a look at what a change
// would do, the change, one that somebody else was before, and going back.
func TestAFeatureIsOpenedOnItsPages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list, page = "/admin/alder/rollout", "/admin/alder/rollout/phone_sign_in"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		a := admin.get(t, list).want(t, http.StatusOK)
		for _, name := range []string{"Phone sign-in", "Passkeys", "Codes by SMS", "Registration campaign", `href="` + page + `"`} {
			if !strings.Contains(a.body, name) {
				t.Errorf("the list lacks %q", name)
			}
		}
		admin.get(t, list+"/teleport").want(t, http.StatusNotFound)
		pilot := w.group(t, "alder", "pilot")

		// To look changes nothing, and its address can be passed on.
		look := admin.post(t, page, "stage", "pilot", "include_groups", pilot, "version", "0", "reason", "we begin", "do", "preview").want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(look, page+"?") || !strings.HasSuffix(look, "#preview") {
			t.Fatalf("a look leads to %s", look)
		}
		at, err := url.Parse(look)
		if err != nil {
			t.Fatal(err)
		}
		a = admin.get(t, at.RequestURI()).want(t, http.StatusOK)
		for _, said := range []string{"What it would do", "Lose it", "@alder.example, user", `value="we begin"`} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the look lacks %q", said)
			}
		}
		var n int
		if w.one(t, &n, "SELECT count(*) FROM rollouts"); n != 0 {
			t.Fatalf("a look has written %d rows", n)
		}

		for _, row := range []struct {
			claim  string
			pairs  []string
			status int
			says   string
		}{
			{"no reason", []string{"stage", "pilot", "include_groups", pilot, "version", "0"}, 422, "reason"},
			{"no stage", []string{"version", "0", "reason", "a test"}, 422, "Choose who has it"},
			{"no number", []string{"stage", "percentage", "percentage", "half", "version", "0", "reason", "a test"}, 422, "0 to 100"},
			{"too large a number", []string{"stage", "percentage", "percentage", "101", "version", "0", "reason", "a test"}, 422, "0 to 100"},
			{"an empty pilot", []string{"stage", "pilot", "version", "0", "reason", "a test"}, 422, "at least one group"},
			{"a version that never was", []string{"stage", "off", "version", "7", "reason", "a test"}, 409, ""},
		} {
			a := admin.post(t, page, row.pairs...)
			if !a.is(t, row.status) || !strings.Contains(a.body, row.says) {
				t.Errorf("%s: %d, want %d and %q", row.claim, a.status, row.status, row.says)
			}
		}
		admin.get(t, page+"?stage=percentage&percentage=x").want(t, http.StatusUnprocessableEntity)
		admin.get(t, page+"?stage=none").want(t, http.StatusUnprocessableEntity)

		if to := admin.post(t, page, "stage", "pilot", "include_groups", pilot, "version", "0", "reason", "we begin").want(t, http.StatusSeeOther).location(); !strings.Contains(to, "done=saved") {
			t.Fatalf("a change leads to %s", to)
		}
		// Who looked at the page before is told, and overwrites nothing.
		admin.post(t, page, "stage", "everyone", "version", "0", "reason", "too late").want(t, http.StatusConflict)
		a = admin.get(t, page).want(t, http.StatusOK)
		for _, said := range []string{"Pilot groups, with pilot", "we begin", "Version 1"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page lacks %q", said)
			}
		}

		for user, verdict := range map[string]string{"user1@alder.example": "Has it: Phone sign-in", "user10@alder.example": "Has it not: Phone sign-in"} {
			a := admin.get(t, page+"/explain?user="+url.QueryEscape(user)).want(t, http.StatusOK)
			if !strings.Contains(a.body, verdict) {
				t.Errorf("the explanation of %s lacks %q", user, verdict)
			}
		}
		admin.get(t, page+"/explain").want(t, http.StatusOK)
		admin.get(t, page+"/explain?user=user1@birch.example").want(t, http.StatusUnprocessableEntity)

		// Back to how it was: the page of an earlier version leads to a look at it.
		admin.post(t, page, "stage", "off", "version", "1", "reason", "stop").want(t, http.StatusSeeOther)
		a = admin.get(t, page).want(t, http.StatusOK)
		if !strings.Contains(a.body, "Restore this") {
			t.Error("nothing can be restored")
		}
		admin.post(t, page, "stage", "pilot", "include_groups", pilot, "version", "2", "reason", "Back to version 1").want(t, http.StatusSeeOther)

		// What weakens waits for a second person.
		sms := list + "/sms"
		admin.post(t, sms, "stage", "off", "version", "0", "reason", "a test").want(t, http.StatusSeeOther)
		if to := admin.post(t, sms, "stage", "everyone", "version", "1", "reason", "a test").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/admin/alder/approvals/") {
			t.Errorf("to give codes by SMS to everybody leads to %s", to)
		}
	})
}
