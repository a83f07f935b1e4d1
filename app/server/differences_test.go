package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/decision"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// keepDecision keeps a decision of somebody of alder, and gives its address.
func (w *world) keepDecision(t *testing.T, name, id string, at time.Time) string {
	t.Helper()
	tenantID, userID := w.person(t, name)
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		rules, err := decision.Load(tx, tenantID)
		if err != nil {
			return err
		}
		return decision.Keep(tx, tenantID, rules, []decision.Made{{At: at, ID: id, UserID: userID, Input: decision.Input{
			MFA: user.MFAEnforced, Bound: user.WithPassword | user.WithTOTP, Served: user.WithPassword | user.WithTOTP, Way: user.WithPassword, Proves: user.WithPassword,
			Mode: tenant.Type2, Place: "Head office", Seen: true,
		}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return decision.Address(at, id)
}

// TestDecisionsThatDifferStandOnAPage: those of sign-ins and those of replays, each with
// all that it was made of, and an empty page says what that means.
func TestDecisionsThatDifferStandOnAPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list = "/admin/alder/policy/differences"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		a := admin.get(t, list).want(t, http.StatusOK)
		for _, said := range []string{"No sign-in was decided in two ways", "Every replay gave every decision again"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the empty page lacks %q", said)
			}
		}
		if strings.Contains(admin.get(t, "/admin/alder").body, list) {
			t.Error("the overview says that there is something")
		}

		at := w.now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		whole := w.keepDecision(t, "user1@alder.example", "whole", at)
		live := w.keepDecision(t, "user2@alder.example", "live", at)
		w.act(t, "UPDATE decisions SET differs = 'ways enough' WHERE id = 'live'")
		w.keepDecision(t, "user3@alder.example", "odd", at.Add(-time.Minute))
		w.act(t, "UPDATE decisions SET rules = 'gone' WHERE id = 'odd'")
		report := admin.post(t, "/admin/alder/policy/replay", "days", "7", "most", "1000").want(t, http.StatusSeeOther).location()
		w.carriedOut(t, admin, report)

		a = admin.get(t, list).want(t, http.StatusOK)
		for _, said := range []string{list + "/" + live, "which ways are on, whether it is enough", "user2@alder.example", report, "user3@alder.example"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page lacks %q", said)
			}
		}
		if strings.Contains(a.body, "user1@alder.example") {
			t.Error("it lists what does not differ")
		}
		if !strings.Contains(admin.get(t, "/admin/alder").body, `href="`+list+`"`) {
			t.Error("the overview does not lead there")
		}
		a = admin.get(t, list+"/"+live).want(t, http.StatusOK)
		for _, said := range []string{"did not agree in: which ways are on", "Is asked for more: A second factor is asked for", "Head office", "Two digits are typed", "comes out again as it was made", "It is on for signing in", "decides"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page of one lacks %q", said)
			}
		}
		if a := admin.get(t, list+"/"+whole).want(t, http.StatusOK); strings.Contains(a.body, "did not agree in") {
			t.Error("one that does not differ does")
		}
		links := strings.Split(admin.get(t, report).want(t, http.StatusOK).body, `href="`+list+"/")
		odd, _, _ := strings.Cut(links[len(links)-1], `"`) // the oldest
		if a := admin.get(t, list+"/"+odd).want(t, http.StatusOK); !strings.Contains(a.body, "The rules that held are no longer kept.") {
			t.Error("the page of one whose rules are gone does not say so")
		}
		for _, none := range []string{"x", "0-live", "zzzzzzzzzzzzzzzzz-live", strings.Replace(live, "-live", "-whole2", 1)} {
			admin.get(t, list+"/"+none).want(t, http.StatusNotFound)
		}
	})
}

// TestAReportIsOnThePageOfItsFeature, while it is only reported and afterwards.
func TestAReportIsOnThePageOfItsFeature(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/rollout/totp"
		w.forward(t, w.now().UTC().Truncate(24*time.Hour).Add(36*time.Hour).Sub(w.now())) // to noon, so that all is of one day
		admin := w.browser(t).signIn(t, "admin@alder.example")
		if strings.Contains(admin.get(t, page).body, `id="report"`) {
			t.Error("it was never reported")
		}
		admin.post(t, page, "stage", "report_only", "percentage", "0", "version", "0", "reason", "a test").want(t, http.StatusSeeOther)
		if a := admin.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, `id="report"`) {
			t.Error("it is reported, and the page says nothing of it")
		}
		admin.post(t, page, "stage", "off", "version", "1", "reason", "a test").want(t, http.StatusSeeOther)
		if strings.Contains(admin.get(t, page).body, `id="report"`) {
			t.Error("it is off, and nothing was reported")
		}
		admin.post(t, page, "stage", "report_only", "percentage", "100", "version", "2", "reason", "a test").want(t, http.StatusSeeOther)
		w.browser(t).signIn(t, "user1@alder.example")
		w.browser(t).signIn(t, "user2@alder.example")
		w.browser(t).signIn(t, "user2@alder.example")
		w.Counted(t)
		a := admin.get(t, page).want(t, http.StatusOK)
		for _, said := range []string{"In 30 days 3 sign-ins were of people whom it would have touched, at most 2 people on a day; 0 would have come out otherwise", "Would have it", "user2@alder.example", "As of"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page lacks %q", said)
			}
		}
		admin.post(t, page, "stage", "off", "version", "3", "reason", "a test").want(t, http.StatusSeeOther)
		if a := admin.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "3 sign-ins were of people") {
			t.Error("it is over, and what it said is gone")
		}
	})
}
