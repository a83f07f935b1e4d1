package journey

import (
	"testing"
	"time"

	"latchkey/app/feature"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// My security info: what it says grows with what there is.
func TestSecurityInfoGrowsWithThePhones(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("user6@alder.example")
	p.WaitForText("main", "Sign in without a password")
	p.look("home-new")
	p.Open(h.URL + "/me")
	p.WaitForText("#ready", "At risk")
	p.look("overview-new")
	p.Open(h.URL + "/me/phones")
	p.WaitForText("main", "No phone yet")
	p.look("phones-none")

	first := h.add(p)
	p.Open(h.URL + "/")
	p.WaitForText("main", "Phone sign-in is not on yet")
	p.look("home-off")
	first.enable()
	p.Open(h.URL + "/me")
	p.WaitForText("#ready", "Nearly there")
	p.WaitForText("main .rows", "When it is gone, you sign in by password")
	p.look("overview-one")

	p.prove(first)
	h.add(p).enable()
	p.Open(h.URL + "/me")
	p.WaitForText("#ready", "Ready")
	p.WaitForText("main .rows", "2 phones")
	p.WaitForText("main .rows", "When it is gone, you sign in by phone, or by password")
	p.look("overview-ready")
}

// Phones have names and an order, and one that is lost is revoked: sessions that
// it approved end with it.
func TestPhonesAreRenamedPreferredAndRevoked(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, first := h.ready("user6@alder.example")
	first.Forgive("status of 401") // in the end it is none any more
	p.prove(first)
	second := h.add(p)
	second.enable()

	p.Open(h.URL + "/me/phones")
	row := "li[data-device]:nth-child(1)" // the newest
	p.Click(row + " details[id^=rename] + dialog ~ summary, " + row + " summary[aria-label^=Rename]")
	p.WaitFor("dialog[open] input[name=name]")
	p.look("phones-rename")
	p.Fill("dialog[open] input[name=name]", " ")
	p.Follow("dialog[open] button.primary")
	p.WaitForText("dialog[open] .field-error", "1 to 60 characters")
	p.look("phones-rename-error")
	p.Fill("dialog[open] input[name=name]", "Work phone")
	p.Follow("dialog[open] button.primary")
	p.WaitForText(".flash", "new name")
	p.WaitForText(row, "Work phone")

	p.Follow(row + " form[action$='/default'] button")
	p.WaitForText(".flash", "asked first")
	p.WaitForText(row+" .row-head", "default")
	p.look("phones-two")

	// A second PC, signed in by the first phone.
	other := h.pc()
	number := other.ask("user6@alder.example")
	first.approve(number)
	first.ended("approved")
	other.signedIn("user6@alder.example")
	if !second.Has("main[data-screen=request], main[data-screen=outcome], main[data-screen=menu]") {
		t.Error("the second phone shows none of its screens")
	}

	p.Click("li[data-device]:nth-child(2) details[id^=revoke] + dialog ~ summary, li[data-device]:nth-child(2) summary.danger")
	p.WaitForText("dialog[open]", "sessions that it approved end")
	p.Follow("dialog[open] button.danger")
	p.WaitForText("li[data-device]:nth-child(2) .row-head", "Removed")
	p.look("phones-removed")
	other.Open(h.URL + "/me")
	other.WaitFor("#identifier")
	first.WaitForText("article", "no longer works on this phone")
}

// Where somebody is signed in: one session ends, then all others.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, second, third := h.pc(), h.pcLike(Options{Agent: Android}), h.pc()
	for _, tab := range []*pc{second, third, p} {
		tab.enter("user6@alder.example")
	}
	p.Open(h.URL + "/me/sessions")
	if n := p.Count("tr[data-session]"); n != 3 {
		t.Fatalf("%d sessions, want 3", n)
	}
	p.look("sessions")
	p.Follow("tr[data-session]:has(th) button[aria-label*='Android']")
	p.WaitForText(".flash", "ended")
	second.Open(h.URL + "/me")
	second.WaitFor("#identifier")
	third.Open(h.URL + "/me")
	third.WaitFor(startPage)

	p.Click("summary.danger")
	p.WaitForText("dialog[open]", "Sign out everywhere else?")
	p.look("sessions-end-others")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "All other sessions have ended")
	third.Open(h.URL + "/me")
	third.WaitFor("#identifier")
	if n := p.Count("tr[data-session]"); n != 1 {
		t.Errorf("%d sessions are left, want this one", n)
	}
	p.look("sessions-one")

	p.Follow("tr[data-session].this button") // one's own: that is signing out
	p.WaitFor("body[data-step=signed-out]")
}

// Colours and the first way are kept; signing in follows.
func TestPreferencesAreKept(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("user6@alder.example")
	p.Open(h.URL + "/me/preferences")
	p.look("preferences")
	p.Click("input[name=theme][value=dark]")
	p.WaitFor("html[data-theme=dark]") // at once
	p.Click("input[name=default_way][value=phone]")
	p.Follow(primary)
	p.WaitForText(".flash", "Saved")
	p.WaitFor("html[data-theme=dark]")
	p.Click("[data-theme-button]") // dark, automatic
	p.WaitFor("html:not([data-theme])")
	p.Reload()
	p.WaitFor("html:not([data-theme])")
	p.out()
	p.name("user6@alder.example")
	p.WaitFor("body[data-step=phone]")
}

// What a session may do without proof it may not do for ever: adding a phone
// asks again after five minutes, and then goes on. Where a phone signs somebody
// in, it is the phone that is asked, and the page says why; a phone that is lost
// can still be removed by password.
func TestAddingAPhoneAsksForFreshProof(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user6@alder.example")
	phone.Forgive("status of 401") // its clock is behind until the first answer; in the end it is none any more
	h.later(6 * time.Minute)
	p.Open(h.URL + "/me/phones")
	p.Follow(addPhone)
	p.WaitFor("body[data-step=step-up]")
	p.WaitForText("main", "Your password alone is not enough here")
	if p.Has("form:has([value=password])") {
		t.Error("the password is offered for adding a phone")
	}
	p.look("step-up")
	p.Follow("form:has([value=phone]) button")
	number := p.number()
	p.look("step-up-number")
	phone.at("request", "[data-kind=step_up]")
	phone.look("step-up-request")
	phone.approve(number)
	phone.ended("approved")
	p.WaitForURL("/me/phones")
	p.Follow(addPhone)
	p.WaitFor("#enrolment-link")

	h.later(6 * time.Minute) // the phone is lost
	p.Open(h.URL + "/me/phones")
	p.Click("li[data-device] summary.danger")
	p.WaitForText("dialog[open]", "only after a day")
	p.look("phones-lost")
	p.Follow("dialog[open] button.danger")
	p.WaitFor("body[data-step=step-up]")
	p.look("step-up-lost")
	p.Follow("form:has([value=password]) button")
	p.Fill("#password", "not the password at all")
	p.Follow(primary)
	p.WaitFor("#password-error")
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.WaitForURL("/me/phones")
	p.Click("li[data-device] summary.danger")
	p.Follow("dialog[open] button.danger")
	p.WaitForText("li[data-device] .row-head", "Removed")
	p.Follow(addPhone)
	p.WaitForText("main", "Your phone was removed with your password alone")
	p.look("step-up-gone")
}

// TestSomebodyTurnsAFeatureOn by themselves, by one tap, with and without script.
func TestSomebodyTurnsAFeatureOn(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user6@alder.example"
	err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
		for _, f := range []feature.Feature{feature.TypedNumberMatch, feature.Passkeys, feature.BackupPhones} {
			if err := feature.Store(tx, h.user(name).TenantID, f, feature.Rule{Stage: feature.UsersChoice}, 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, options := range []Options{{}, {NoScript: true}} {
		p := h.pcLike(options)
		p.enter(name)
		p.Open(h.URL + "/me/preferences")
		const passkeys = "form[action$='/features/passkeys'] button"
		if said := p.Text(passkeys); said != "Turn on" {
			t.Fatalf("the button says %q", said)
		}
		p.Follow(passkeys)
		p.WaitForText(".flash", "It is on")
		p.look("preferences-chosen")
		p.Follow(passkeys)
		p.WaitForText(".flash", "It is off")
	}
}
