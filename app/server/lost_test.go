package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/app/session"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// turnOffAfterALoss turns ways off for helping oneself after a loss, and for nothing else.
func (w *world) turnOffAfterALoss(t testing.TB, ways user.Ways) {
	t.Helper()
	w.act(t, "UPDATE tenants SET no_recovery = 128 | ? WHERE slug = 'alder'", ways)
}

const lostPage = "/me/lost-phone"

// proveByCode proves it again by the code of an app, and goes on to where it leads.
func (b *browser) proveByCode(t testing.TB, a *app, returnTo string) {
	t.Helper()
	attempt := b.post(t, "/step-up", "return_to", returnTo, "acr_values", "otp", "method", "totp").want(t, http.StatusSeeOther).location()
	b.post(t, attempt+"/verify", "code", a.code(t, 0)).want(t, http.StatusSeeOther)
	a.w.forward(t, totp.Period)
}

// TestALostPhoneOnOnePage: from the sign-in page to where it is removed, with its
// sessions, and the next one is added.
func TestALostPhoneOnOnePage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		a, _ := w.withApp(t, name)
		approved := w.browser(t).byPhone(t, ph, name)
		w.forward(t, totp.Period)

		// Whoever asks is shown the same way, whether or not anybody is called so.
		var links []string
		for _, who := range []string{name, "nobody@alder.example"} {
			b := w.browser(t)
			page := b.get(t, b.begin(t, who)+"/help").want(t, http.StatusOK).body
			_, form, _ := strings.Cut(page, `name="return_to" value="/me/lost-phone"`)
			form, _, _ = strings.Cut(form, "</form>")
			links = append(links, strings.ReplaceAll(form, who, "NAME"))
		}
		if links[0] != links[1] || !strings.Contains(links[0], "NAME") {
			t.Errorf("the help leads %q to %q, and nobody to %q", name, links[0], links[1])
		}
		b := w.browser(t)
		b.get(t, "/signin?return_to=%2Fme%2Flost-phone&login_hint="+name)
		attempt := b.post(t, "/signin", "identifier", name, "return_to", lostPage).want(t, http.StatusSeeOther).location()
		b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
		if to := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther).location(); to != lostPage {
			t.Errorf("the sign-in leads to %q", to)
		}
		revoke := "/me/phones/" + ph.account + "/revoke"
		if page := b.get(t, lostPage).want(t, http.StatusOK).body; !strings.Contains(page, revoke) {
			t.Fatalf("the page has no button for the phone: %s", excerpt(page))
		}
		b.proveByCode(t, a, lostPage)
		if to := b.post(t, revoke, "lost", "yes").want(t, http.StatusSeeOther).location(); to != lostPage+"?done=revoked" {
			t.Errorf("removing it leads to %q", to)
		}
		if page := b.get(t, lostPage).want(t, http.StatusOK).body; strings.Contains(page, revoke) || !strings.Contains(page, "Then add the next one") {
			t.Errorf("afterwards the page is %s", excerpt(page))
		}
		if approved.signedIn(t) {
			t.Error("a session that the lost phone approved goes on")
		}
		ph.call(t, http.MethodGet, "/accounts", nil).is(t, http.StatusUnauthorized)
		b.invite(t) // by password and app at once
	})
}

// TestAWayThatIsOffAfterALossDoesNotHelp: neither to remove a phone that is gone nor
// to add the next one, however well it signs its user in.
func TestAWayThatIsOffAfterALossDoesNotHelp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		a, _ := w.withApp(t, name)
		w.forward(t, totp.Period)
		revoke := "/me/phones/" + ph.account + "/revoke"
		there := func() bool { return ph.call(t, http.MethodGet, "/accounts", nil).status == http.StatusOK }
		b := w.browser(t).signIn(t, name)

		// With the password and the app off, the phone itself is left, and the helpdesk.
		w.turnOffAfterALoss(t, user.WithPassword|user.WithTOTP)
		for range 2 {
			to := b.post(t, revoke, "lost", "yes").want(t, http.StatusSeeOther).location()
			if !strings.Contains(to, "acr_values=phone") || strings.Contains(to, "pwd") || strings.Contains(to, "otp") {
				t.Fatalf("without a way that helps it leads to %q", to)
			}
			page := b.get(t, to).want(t, http.StatusOK)
			if !slices.Equal(offers(page), []string{"phone"}) || !strings.Contains(page.body, "the helpdesk removes it") {
				t.Errorf("the page offers %v: %s", offers(page), excerpt(page.body))
			}
			b.prove(t, lostPage)
			b.proveByCode(t, a, lostPage)
		}
		if page := b.get(t, lostPage).body; !strings.Contains(page, "wants the helpdesk to remove a lost phone") {
			t.Errorf("the page does not say who helps: %s", excerpt(page))
		}
		if !there() {
			t.Fatal("what is off removed the phone")
		}

		// With the app off, the password removes it and leaves the mark of a loss; for the
		// next phone the app would do, and does not.
		w.turnOffAfterALoss(t, user.WithTOTP)
		b.proveByCode(t, a, lostPage)
		b.post(t, revoke, "lost", "yes").want(t, http.StatusSeeOther)
		if there() {
			t.Fatal("the password did not remove the phone")
		}
		b.proveByCode(t, a, lostPage)
		b.post(t, "/me/phones").is(t, http.StatusForbidden)
		if page := b.get(t, lostPage).body; !strings.Contains(page, "For a day the next phone takes more") || strings.Contains(page, "Then add the next one") {
			t.Errorf("the page does not say what is missing: %s", excerpt(page))
		}
		w.turnOffAfterALoss(t, 0)
		b.invite(t)

		// Whoever has the phone in hand has lost nothing.
		w.forward(t, totp.Period)
		ph, b = w.withPhone(t, "user2@alder.example")
		w.turnOffAfterALoss(t, user.WithPassword|user.WithTOTP|user.WithPhone|user.WithPasskey)
		b.proveByPhone(t, ph, "/me/phones")
		b.post(t, "/me/phones/"+ph.account+"/revoke").want(t, http.StatusSeeOther)
		b.invite(t)
	})
}

// TestAKnownBrowserShowsWhatItsUserHas, and no other one does.
func TestAKnownBrowserShowsWhatItsUserHas(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		w.withApp(t, name)
		known := w.browser(t).signIn(t, name)
		known.post(t, "/signout")
		if got := offers(known.get(t, known.begin(t, name)+"/help")); !slices.Equal(got, []string{"totp", "password"}) {
			t.Errorf("where they have been the help offers %v", got)
		}
		strange := w.browser(t)
		all := offers(strange.get(t, strange.begin(t, name)+"/help"))
		if !slices.Contains(all, "phone") || !slices.Contains(all, "passkey") {
			t.Errorf("in another browser it offers %v", all)
		}
		for _, other := range []string{"user2@alder.example", "nobody@alder.example"} {
			if got := offers(known.get(t, known.begin(t, other)+"/help")); !slices.Equal(got, all) {
				t.Errorf("of %s it offers %v, want %v", other, got, all)
			}
		}
	})
}

// TestANewPhoneIsAskedForAnotherProof before it removes an older one, on both pages.
func TestANewPhoneIsAskedForAnotherProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		old, b := w.withPhone(t, name)
		a, _ := w.withApp(t, name)
		w.forward(t, totp.Period)
		b.proveByPhone(t, old, "/me/phones")
		young := w.newPhone(t)
		young.enrolled(t, young.enrol(t, b.invite(t)))
		young.call(t, http.MethodPut, "/accounts/"+young.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
		w.forward(t, session.StepUpLife)
		there := func() bool { return old.call(t, http.MethodGet, "/accounts", nil).status == http.StatusOK }
		for _, form := range [][]string{{}, {"lost", "yes"}} {
			b.proveByPhone(t, young, "/me/phones")
			to := b.post(t, "/me/phones/"+old.account+"/revoke", form...).want(t, http.StatusSeeOther).location()
			if !strings.HasPrefix(to, "/step-up?") || strings.Contains(to, "phone+") || strings.Contains(to, "acr_values=phone") || !strings.Contains(to, "otp") {
				t.Errorf("by a new phone the removal of an older one leads to %q", to)
			}
			if !there() {
				t.Fatal("the new phone removed the older one")
			}
		}
		b.proveByCode(t, a, lostPage)
		b.post(t, "/me/phones/"+old.account+"/revoke", "lost", "yes").want(t, http.StatusSeeOther)
		if there() {
			t.Error("another proof did not remove it")
		}
	})
}
