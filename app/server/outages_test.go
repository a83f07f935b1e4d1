package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/store"
	"latchkey/app/totp"
)

const outages = "/admin/alder/outage"

// declared has an outage run in alder, asked for by the first security administrator and
// approved by another one.
func (w *world) declared(t testing.TB, relaxes ...string) (by *browser) {
	t.Helper()
	const second = "user38@alder.example"
	w.promote(t, second, access.RoleSecurityAdministrator)
	by, other := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, second)
	by.get(t, outages+"/new").want(t, http.StatusOK)
	form := by.form("minutes", "60", "reason", "Nothing arrives")
	form["failed"], form["relaxes"] = []string{"push", "sms"}, relaxes
	request := by.saw(send(t, by.client, by.request(t, http.MethodPost, outages, strings.NewReader(form.Encode()), "Content-Type", formType))).want(t, http.StatusSeeOther).location()
	other.get(t, request).want(t, http.StatusOK)
	other.post(t, request+"/approve", "reason", "").want(t, http.StatusSeeOther)
	return by
}

// TestAnOutageIsSaidOnEveryPage: of its tenant, signed in or not, and on no other.
func TestAnOutageIsSaidOnEveryPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		own, other := w.browser(t).signIn(t, "user1@alder.example"), w.browser(t).signIn(t, "user1@birch.example")
		before := w.browser(t)
		attempt := before.begin(t, "user2@alder.example")
		says := func(b *browser, path string) bool {
			return strings.Contains(b.get(t, path).want(t, http.StatusOK).body, `class="banner"`)
		}
		if says(own, "/me") || says(before, attempt) {
			t.Fatal("it is said before there is one")
		}
		by := w.declared(t, "held_back_ways")
		unknown := w.browser(t)
		for what, said := range map[string]bool{
			"their own page": says(own, "/me"), "the sign-in": says(before, attempt), "its help": says(before, attempt+"/help"), "that of nobody": says(unknown, unknown.begin(t, "nobody@alder.example")), "the console": says(by, outages),
		} {
			if !said {
				t.Errorf("%s says nothing of it", what)
			}
		}
		elsewhere := w.browser(t)
		if says(other, "/me") || says(elsewhere, elsewhere.begin(t, "user2@birch.example")) {
			t.Error("another organisation says it")
		}
		if body := own.get(t, "/me").body; !strings.Contains(body, "requests to phones and text messages may not arrive") || !strings.Contains(body, "Expected until") {
			t.Error("it is not said what failed, and until when")
		}
		w.forward(t, 59*time.Minute)
		// Signed in anew: what was open idles by now.
		own = w.browser(t).signIn(t, "user1@alder.example")
		if !says(own, "/me") {
			t.Error("in its last minute it is not said")
		}
		w.forward(t, time.Minute)
		if says(own, "/me") {
			t.Error("it is said when it is over")
		}
	})
}

// unsent binds what signs people in with nothing that is sent, to one person each, and gives
// the status of a sign-in by each.
func (w *world) unsent(t testing.TB) map[string]func() int {
	t.Helper()
	a, _ := w.withApp(t, "user1@alder.example")
	sheet, _ := w.withSheet(t, "user2@alder.example")
	k, _ := w.withPasskey(t, "user3@alder.example")
	return map[string]func() int{
		"an app": func() int {
			w.forward(t, totp.Period)
			b := w.browser(t)
			return b.post(t, b.byCode(t, "user1@alder.example")+"/verify", "code", a.code(t, 0)).status
		},
		"a printed code": func() int {
			b := w.browser(t)
			attempt, asked := b.byPrintedCode(t, "user2@alder.example")
			return b.post(t, attempt+"/verify", "code", sheet.codes[asked]).status
		},
		"a passkey": func() int {
			b := w.browser(t)
			attempt := b.byPasskey(t, "user3@alder.example")
			return b.post(t, attempt+"/verify", "credential", k.Sign(t, optionsOf(t, b.get(t, attempt)))).status
		},
	}
}

// TestWithEverythingStoppedPeopleSignIn: by a code of an app, a printed code and a passkey,
// while nothing that is sent arrives; and with what a stage holds back once an outage is
// declared.
func TestWithEverythingStoppedPeopleSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.act(t, "UPDATE tenants SET no_sign_in = 0, no_second = 0")
		all := w.unsent(t)
		w.act(t, "DELETE FROM providers")
		w.act(t, "UPDATE devices SET push_subscription = ''")
		for by, signs := range all {
			if got := signs(); got != http.StatusSeeOther {
				t.Errorf("with nothing that arrives, %s = %d", by, got)
			}
		}
		pilot := feature.Rule{Stage: feature.Pilot, Include: []string{w.group(t, "alder", "field")}}
		for _, f := range []feature.Feature{feature.TOTP, feature.PrintedCodes, feature.Passkeys} {
			w.rule(t, f, pilot)
		}
		if all["an app"]() == http.StatusSeeOther {
			t.Error("an app that the stage holds back lets in without an outage")
		}
		w.declared(t, "held_back_ways")
		for by, signs := range all {
			if got := signs(); got != http.StatusSeeOther {
				t.Errorf("while an outage runs, %s that the stage holds back = %d", by, got)
			}
		}
		if n := w.count(t, "SELECT count(*) FROM outage_uses WHERE session_id <> ''"); n < 3 {
			t.Errorf("%d uses are on the list", n)
		}
		if n := w.SignIn.Decisions.Differences(); n != 0 {
			t.Errorf("%d decisions differ", n)
		}
	})
}

// TestAgentsGiveMoreWhileItIsRelaxed: the eleventh bypass of an hour without a second
// person, and a code read out where the tenant forbids it; both stand on the list.
func TestAgentsGiveMoreWhileItIsRelaxed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		desk := w.browser(t).signIn(t, deskOf)
		tenantID, agent := w.person(t, deskOf)
		w.act(t, "UPDATE tenants SET bypass_read_out = FALSE WHERE id = ?", tenantID)
		_, other := w.person(t, "user30@alder.example")
		for i := range 10 {
			w.act(t, `INSERT INTO bypasses (tenant_id, id, user_id, kind, state, delivery, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at)
				VALUES (?,?,?,'pass_code','used','read_out',60,1,0,'','','phone','strong',?,?,?,?)`, tenantID, "before-"+string(rune('a'+i)), other, agent, w.now(), w.now(), w.now())
		}
		if a := desk.gives(t, w, deskOf, "user31@alder.example"); a.status == http.StatusSeeOther {
			t.Error("a code is read out where it is forbidden")
		}
		w.act(t, "UPDATE tenants SET bypass_read_out = TRUE WHERE id = ?", tenantID)
		if a := desk.gives(t, w, deskOf, "user32@alder.example"); a.status != http.StatusSeeOther || !strings.Contains(a.location(), "/approvals/") {
			t.Errorf("the eleventh = %d, %s; want that it waits", a.status, a.location())
		}
		w.act(t, "UPDATE tenants SET bypass_read_out = FALSE WHERE id = ?", tenantID)
		w.declared(t, "read_out", "more_bypasses")
		_, code := desk.bypassFor(t, w, deskOf, "user33@alder.example")
		if code == "" {
			t.Error("no code is read out")
		}
		for _, r := range []string{"read_out", "more_bypasses"} {
			if n := w.count(t, "SELECT count(*) FROM outage_uses WHERE relaxation = ? AND agent_id = ? AND bypass_id <> ''", r, agent); n != 1 {
				t.Errorf("%s is on the list %d times", r, n)
			}
		}
	})
}

// TestNobodyIsAskedToRegisterMeanwhile.
func TestNobodyIsAskedToRegisterMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.rule(t, feature.RegistrationCampaign, feature.Rule{Stage: feature.Everyone})
		asks := func(name string) bool {
			w.browser(t).byPassword(t, name)
			return w.count(t, "SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.name = ? AND s.asks_phone", name) > 0
		}
		if !asks("user20@alder.example") {
			t.Fatal("nobody is asked before")
		}
		w.act(t, "UPDATE sessions SET asks_phone = FALSE")
		w.rule(t, feature.RegistrationCampaign, feature.Rule{Stage: feature.Off})
		w.declared(t, "no_campaign")
		w.rule(t, feature.RegistrationCampaign, feature.Rule{Stage: feature.Everyone})
		if asks("user21@alder.example") {
			t.Error("somebody is asked while it is relaxed")
		}
		if n := w.count(t, "SELECT count(*) FROM outage_uses WHERE relaxation = 'no_campaign' AND session_id <> ''"); n != 1 {
			t.Errorf("it is on the list %d times", n)
		}
	})
}

// TestOutageModeOffSaysSo: nothing is declared, the page says why, and what runs is over.
func TestOutageModeOffSaysSo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		by := w.declared(t, "held_back_ways")
		if err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
			return feature.Release(tx, feature.OutageMode, []feature.Cell{{Region: "eu", Ring: "early", Share: 0}})
		}); err != nil {
			t.Fatal(err)
		}
		page := by.get(t, outages).want(t, http.StatusOK).body
		if !strings.Contains(page, `id="outage-off"`) || strings.Contains(page, `class="banner"`) || strings.Contains(page, outages+"/new") {
			t.Error("the page does not say that it is off")
		}
		by.post(t, outages, "failed", "push", "relaxes", "held_back_ways", "minutes", "60", "reason", "a test").want(t, http.StatusForbidden)
	})
}

func (w *world) count(t testing.TB, query string, values ...any) (n int) {
	t.Helper()
	w.one(t, &n, query, values...)
	return n
}
