package server_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// savingMark is the address that a report leads to, where its draft is saved.
var savingMark = regexp.MustCompile(`<a class="button" href="([^"]*version=[^"]*)"`)

// carriedOut waits until the replay of a report is carried out, and gives the report.
func (w *world) carriedOut(t *testing.T, b *browser, report string) answer {
	t.Helper()
	until(t, "the replay is done", func() bool {
		if err := w.Replays.TakeUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(b.get(t, report+"/state").want(t, http.StatusOK).body, `"state":"done"`)
	})
	return b.get(t, report).want(t, http.StatusOK)
}

// TestRulesAreSavedAfterAReplay walks the setting, a refusal, the replay of the draft and
// on to saving it, for a feature and for the ways in.
func TestRulesAreSavedAfterAReplay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page, policy = "/admin/alder/rollout/passkeys", "/admin/alder/policy"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		set := func(pairs ...string) answer {
			return admin.post(t, "/admin/alder/settings/decisions", append(pairs, "reason", "a test")...)
		}
		for _, days := range []string{"0", "91", "", "many"} {
			if a := set("decision_days", days); !a.is(t, http.StatusUnprocessableEntity) || !strings.Contains(a.body, "from 1 to 90") {
				t.Errorf("%q days", days)
			}
		}
		admin.post(t, "/admin/alder/settings/decisions", "decision_days", "30", "replay_first", "yes").want(t, http.StatusUnprocessableEntity)
		set("decision_days", "30").want(t, http.StatusConflict)
		if to := set("decision_days", "60", "replay_first", "yes").want(t, http.StatusSeeOther).location(); !strings.Contains(to, "done=saved") {
			t.Fatalf("to want a replay leads to %s", to)
		}

		draft := []string{"stage", "percentage", "percentage", "25", "version", "0", "reason", "a quarter"}
		a := admin.post(t, page, draft...).want(t, http.StatusConflict)
		for _, said := range []string{"wants a replay of exactly this change first", `value="replay"`, `value="a quarter"`} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the refusal lacks %q", said)
			}
		}
		report := admin.post(t, page, append(draft, "do", "replay")...).want(t, http.StatusSeeOther).location()
		w.carriedOut(t, admin, report)
		w.act(t, "UPDATE replays SET state = 'running', held_at = ?", w.now())
		a = admin.post(t, page, draft...).want(t, http.StatusConflict)
		if !strings.Contains(a.body, "still running") || !strings.Contains(a.body, `href="`+report+`"`) {
			t.Error("the refusal does not lead to the replay that runs")
		}
		w.act(t, "UPDATE replays SET state = 'done'")
		a = w.carriedOut(t, admin, report)
		if !strings.Contains(a.body, "Passkeys: Everyone → A percentage, 25 %") {
			t.Error("the report does not say what was tried")
		}
		found := savingMark.FindStringSubmatch(a.body)
		if found == nil {
			t.Fatal("the report does not lead to where its draft is saved")
		}
		if a := admin.get(t, html.UnescapeString(found[1])).want(t, http.StatusOK); !strings.Contains(a.body, `value="25"`) {
			t.Error("there the draft is another one")
		}
		admin.post(t, page, draft...).want(t, http.StatusSeeOther)

		// The ways in, and back over the form that the report leads to.
		ways := policyForm("passkey.second_factor")
		admin.post(t, policy, ways...).want(t, http.StatusConflict)
		report = admin.post(t, policy, append(ways, "do", "replay")...).want(t, http.StatusSeeOther).location()
		a = w.carriedOut(t, admin, report)
		found = savingMark.FindStringSubmatch(a.body)
		if found == nil {
			t.Fatal("the report does not lead to where its draft is saved")
		}
		a = admin.get(t, html.UnescapeString(found[1])).want(t, http.StatusOK)
		if strings.Contains(a.body, `name="passkey.second_factor" checked`) || !strings.Contains(a.body, `name="passkey.sign_in" checked`) {
			t.Error("there the ways in are others")
		}
		admin.post(t, policy, ways...).want(t, http.StatusSeeOther)
		admin.post(t, policy, "do", "replay", "version", "2", "password_least", "15", "tries_most", "10", "passcode_hours", "24").want(t, http.StatusUnprocessableEntity) // nobody would get in
		admin.post(t, page, "do", "replay", "stage", "pilot", "version", "1").want(t, http.StatusUnprocessableEntity)

		if to := set("decision_days", "60").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/admin/alder/approvals/") {
			t.Errorf("to do without leads to %s", to)
		}
		var days int
		if w.one(t, &days, "SELECT decision_days FROM tenants WHERE slug = 'alder' AND replay_first"); days != 60 {
			t.Errorf("decisions are kept for %d days", days)
		}
	})
}

// TestADraftOfAReplayHasGroups: each person is judged by the groups of then, and groups
// that cannot be are told beside their feature.
func TestADraftOfAReplayHasGroups(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list = "/admin/alder/policy/replay"
		pilot, birch := w.group(t, "alder", "pilot"), w.group(t, "birch", "pilot")
		w.browser(t).signIn(t, "user1@alder.example") // of the pilot
		w.browser(t).signIn(t, "user9@alder.example")
		admin := w.browser(t).signIn(t, "admin@alder.example")
		before := admin.get(t, list).want(t, http.StatusOK)
		form := func(pairs ...string) []string {
			all := []string{"days", "7", "most", "1000"}
			for _, mark := range regexp.MustCompile(`name="([a-z_]+\.[a-z_]+)" checked`).FindAllStringSubmatch(before.body, -1) {
				all = append(all, mark[1], "on")
			}
			return append(all, pairs...)
		}
		for claim, pairs := range map[string][]string{
			"of another tenant": {"stage_phone_sign_in", "pilot", "include_phone_sign_in", birch},
			"none":              {"stage_phone_sign_in", "pilot"},
			"on both sides":     {"stage_phone_sign_in", "percentage", "share_phone_sign_in", "5", "include_phone_sign_in", pilot, "exclude_phone_sign_in", pilot},
			"no number":         {"stage_phone_sign_in", "percentage", "share_phone_sign_in", "half"},
			"no stage":          {"stage_phone_sign_in", "most"},
		} {
			if a := admin.post(t, list, form(pairs...)...); !a.is(t, http.StatusUnprocessableEntity) || !strings.Contains(a.body, "_phone_sign_in\">") {
				t.Errorf("%s", claim)
			}
		}
		report := admin.post(t, list, form("stage_sms", "pilot", "include_sms", pilot)...).want(t, http.StatusSeeOther).location()
		if a := w.carriedOut(t, admin, report); !strings.Contains(a.body, "Codes by SMS: Everyone → Pilot groups, with pilot") {
			t.Error("the report does not name the group")
		}
		var kept string
		w.one(t, &kept, "SELECT draft FROM replays ORDER BY created_at DESC LIMIT 1")
		if !strings.Contains(kept, `"sms":{"stage":"pilot","include":["`+pilot+`"]}`) {
			t.Errorf("the draft is %s", kept)
		}
	})
}
