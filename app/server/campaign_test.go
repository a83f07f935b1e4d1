package server_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"latchkey/app/feature"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// campaign asks these people of alder, and nobody else, to register a phone.
func (w *world) campaign(t testing.TB, names ...string) {
	t.Helper()
	tenantID, _ := w.person(t, names[0])
	group := secret.System.ID()
	var before int
	w.one(t, &before, "SELECT count(*) FROM groups WHERE tenant_id = ?", tenantID)
	w.act(t, "INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", tenantID, group, "Asked "+strconv.Itoa(before), w.DB.Now())
	for _, name := range names {
		_, id := w.person(t, name)
		w.act(t, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", tenantID, group, id, name)
	}
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		return feature.Store(tx, tenantID, feature.RegistrationCampaign, feature.Rule{Stage: feature.Pilot, Include: []string{group}}, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// actsOnCampaign prepares what those do who are asked, and who helps them.
func actsOnCampaign(t *testing.T, w *world, admin *browser) []doing {
	t.Helper()
	const skips, needs, given = "user27@alder.example", "user28@alder.example", "user29@alder.example"
	w.campaign(t, skips, needs, given)
	skipping, needing := w.browser(t).byPassword(t, skips), w.browser(t).byPassword(t, needs)
	w.browser(t).byPassword(t, given)
	skipping.get(t, "/register").want(t, http.StatusOK)
	needing.get(t, "/register/help").want(t, http.StatusOK)
	desk := w.browser(t).signIn(t, "desk@alder.example")
	desk.get(t, "/admin/alder")
	_, id := w.person(t, given)
	return []doing{
		{"POST /register", func() answer { return skipping.post(t, "/register", "return_to", "/me") }, http.StatusSeeOther},
		{"POST /register/help", func() answer { return needing.post(t, "/register/help") }, http.StatusSeeOther},
		{
			"POST /admin/:tenant/users/:user/campaign/postpone",
			func() answer {
				return desk.post(t, "/admin/alder/users/"+id+"/campaign/postpone", "days", "7", "reason", "a test", "ticket", "CHG-1")
			}, http.StatusSeeOther,
		},
		{
			"POST /admin/:tenant/campaign",
			func() answer {
				return admin.post(t, "/admin/alder/campaign", "snooze_days", "2", "skips", "2", "reason", "a test", "ticket", "CHG-1")
			}, http.StatusSeeOther,
		},
	}
}

// TestWhoIsAskedForAPhoneGoesNowhereElse: every page of somebody who is asked leads to
// the one that asks, every act is refused, and what it takes to register, to prove
// themselves and to sign out works.
func TestWhoIsAskedForAPhoneGoesNowhereElse(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, beside = "user27@alder.example", "user26@alder.example"
		w.campaign(t, name)
		w.browser(t).signIn(t, beside)
		b := w.browser(t).byPassword(t, name)
		open := map[string]bool{"/register": true, "/register/help": true, "/step-up": true}
		for _, route := range w.Site.Routes() {
			if strings.Contains(route.Path, ":") || open[route.Path] || route.Needs == "anyone" || route.Needs == "phone" {
				continue
			}
			if route.Method != http.MethodGet {
				if route.Path != "/me/phones" {
					b.post(t, route.Path).is(t, http.StatusForbidden)
				}
				continue
			}
			a := b.get(t, route.Path)
			mine := strings.HasPrefix(route.Path, "/me") || route.Path == "/"
			if mine && (!a.is(t, http.StatusSeeOther) || !strings.HasPrefix(a.location(), "/register?return_to=%2F")) {
				t.Errorf("%s leads to %q", a.asked, a.location())
			}
		}
		b.get(t, "/me", "Accept", "application/json").is(t, http.StatusForbidden)
		if page := b.get(t, "/register?return_to=%2Fme%2Factivity").want(t, http.StatusOK); !strings.Contains(page.body, `value="/me/activity"`) {
			t.Error("the page forgets where they go")
		}
		if page := b.get(t, "/register?return_to=https%3A%2F%2Fevil.example").want(t, http.StatusOK); strings.Contains(page.body, "evil") {
			t.Error("the page leads elsewhere")
		}
		b.post(t, "/step-up", "method", "password", "return_to", "/register").is(t, http.StatusSeeOther)
		if a := b.post(t, "/register", "return_to", "/register"); !a.is(t, http.StatusSeeOther) || a.location() != "/" {
			t.Errorf("put off it leads to %q", a.location())
		}
		b.get(t, "/me").is(t, http.StatusOK)
		if a := b.get(t, "/register?return_to=%2Fme"); !a.is(t, http.StatusSeeOther) || a.location() != "/me" {
			t.Errorf("who is not asked is led to %q", a.location())
		}
		if a := b.post(t, "/register", "return_to", "/me"); !a.is(t, http.StatusSeeOther) || a.location() != "/me" {
			t.Errorf("put off twice it leads to %q", a.location())
		}
	})
}

// TestRequiredMeansRequiredAndHelpHelps: no skip is left, the helpdesk gives more time,
// and it holds in the browser that was asked; turned off it holds at once, too.
func TestRequiredMeansRequiredAndHelpHelps(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user27@alder.example"
		tenantID, id := w.person(t, name)
		w.act(t, "UPDATE tenants SET campaign_skips = 0 WHERE id = ?", tenantID)
		w.campaign(t, name)
		b := w.browser(t).byPassword(t, name)
		if page := b.get(t, "/register").want(t, http.StatusOK); strings.Contains(page.body, `action="/register"`) {
			t.Error("the page offers to put it off")
		}
		b.post(t, "/register").is(t, http.StatusConflict)
		b.get(t, "/me").is(t, http.StatusSeeOther)
		b.post(t, "/register/help").want(t, http.StatusSeeOther)
		admin := w.browser(t).signIn(t, "admin@alder.example")
		if page := admin.get(t, "/admin/alder/campaign").want(t, http.StatusOK); !strings.Contains(page.body, name) {
			t.Error("who asked for help is not on the page")
		}
		desk := w.browser(t).signIn(t, "desk@alder.example")
		if page := desk.get(t, "/admin/alder/users/"+id).want(t, http.StatusOK); !strings.Contains(page.body, "/campaign/postpone") {
			t.Error("the helpdesk is not offered to give more time")
		}
		desk.post(t, "/admin/alder/users/"+id+"/campaign/postpone", "days", "15", "reason", "no phone").is(t, http.StatusUnprocessableEntity)
		desk.post(t, "/admin/alder/users/"+id+"/campaign/postpone", "days", "7", "reason", "no phone").is(t, http.StatusSeeOther)
		b.get(t, "/me").is(t, http.StatusOK)

		again := w.browser(t).byPassword(t, name)
		again.get(t, "/me").is(t, http.StatusOK)
		w.act(t, "UPDATE campaign_people SET snoozed_until = NULL WHERE user_id = ?", id)
		third := w.browser(t).byPassword(t, name)
		third.get(t, "/me").is(t, http.StatusSeeOther)
		err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
			return feature.Store(tx, tenantID, feature.RegistrationCampaign, feature.Rule{Stage: feature.Off}, 2)
		})
		if err != nil {
			t.Fatal(err)
		}
		third.get(t, "/me").is(t, http.StatusOK)
	})
}

// TestARegisteredPhoneLeadsOn: from the page that asks, over the phone, to where they went.
func TestARegisteredPhoneLeadsOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user27@alder.example"
		w.campaign(t, name)
		b := w.browser(t).byPassword(t, name)
		b.get(t, "/register").want(t, http.StatusOK)
		ph := w.newPhone(t)
		added := b.post(t, "/me/phones", "return_to", "/me/activity").want(t, http.StatusOK)
		if !strings.Contains(added.body, `href="/register?return_to=%2Fme%2Factivity"`) {
			t.Error("the page with the link does not lead back to the one that asks")
		}
		ph.enrolled(t, ph.enrol(t, linkMark.FindStringSubmatch(added.body)[2]))
		if page := b.get(t, "/register").want(t, http.StatusOK); !strings.Contains(page.body, "One thing is left") {
			t.Error("the page does not say what is left")
		}
		b.get(t, "/me").is(t, http.StatusSeeOther)
		ph.call(t, http.MethodPut, "/accounts/"+ph.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
		b.get(t, "/me").is(t, http.StatusOK)
		var n int
		w.one(t, &n, "SELECT count(*) FROM campaign_people WHERE started_at IS NOT NULL AND registered_at IS NOT NULL")
		if n != 1 {
			t.Errorf("%d people are noted as registered", n)
		}
	})
}

// TestTheRulesOfTheCampaign: looser by two people, tighter by one.
func TestTheRulesOfTheCampaign(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		admin.get(t, "/admin/alder/campaign").want(t, http.StatusOK)
		set := func(days, skips string) answer {
			return admin.post(t, "/admin/alder/campaign", "snooze_days", days, "skips", skips, "reason", "a test")
		}
		for _, form := range [][2]string{{"15", "3"}, {"-1", "3"}, {"3", "4"}, {"3", ""}, {"many", "3"}} {
			set(form[0], form[1]).is(t, http.StatusUnprocessableEntity)
		}
		set("3", "3").is(t, http.StatusConflict)
		if a := set("14", "3"); !a.is(t, http.StatusSeeOther) || !strings.Contains(a.location(), "/approvals/") {
			t.Errorf("looser goes to %q", a.location())
		}
		if a := set("1", "2"); !a.is(t, http.StatusSeeOther) || !strings.HasSuffix(a.location(), "/campaign?done=saved") {
			t.Errorf("tighter goes to %q", a.location())
		}
		var n int
		w.one(t, &n, "SELECT campaign_snooze_days * 10 + campaign_skips FROM tenants WHERE slug = 'alder'")
		if n != 12 {
			t.Errorf("the rules are %d", n)
		}
	})
}

// campaignGate is the gate of the campaign: it leads to the page that asks.
func campaignGate(t *testing.T, w *world, _ int, name, other string) gate {
	asked := func(b *browser) bool {
		a := b.get(t, "/me")
		a.is(t, http.StatusOK, http.StatusSeeOther)
		return strings.HasPrefix(a.location(), "/register?")
	}
	counts := func(column string) (n int) {
		w.one(t, &n, "SELECT count(*) FROM campaign_people c JOIN users u ON u.id = c.user_id WHERE u.name IN (?,?) AND "+column, name, other)
		return n
	}
	mine, theirs := w.browser(t).byPassword(t, name), w.browser(t).byPassword(t, other)
	mine.get(t, "/register").want(t, http.StatusOK)
	theirs.get(t, "/register/help").want(t, http.StatusOK)
	return gate{
		own: func() bool { return asked(mine) }, acts: func() bool { return asked(w.browser(t).byPassword(t, name)) },
		kept: func() bool { return counts("c.asked_at IS NOT NULL") == 2 },
		begun: map[string]func() bool{
			"a request for help": func() bool {
				a := theirs.post(t, "/register/help")
				a.is(t, http.StatusSeeOther, http.StatusConflict)
				return a.status == http.StatusSeeOther && counts("c.help_asked_at IS NOT NULL") == 1
			},
			"putting it off": func() bool {
				before := counts("c.skips > 0")
				theirs.post(t, "/register").want(t, http.StatusSeeOther)
				return counts("c.skips > 0") == before+1
			},
		},
	}
}
