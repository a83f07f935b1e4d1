package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/app/method"
)

// policyForm is the form of the policy as a new tenant has it, without some uses.
func policyForm(without ...string) []string {
	pairs := []string{"version", "1", "order", "habit", "password_least", "15", "tries_most", "10", "passcode_hours", "24", "reason", "a test"}
	for _, w := range method.Ways {
		for _, use := range w.Uses {
			if box := w.Name + "." + string(use); w.Name != "static_passcode" && !slices.Contains(without, box) {
				pairs = append(pairs, box, "on")
			}
		}
	}
	return pairs
}

// TestThePolicyOfWaysInIsChangedOnItsPage walks it.
func TestThePolicyOfWaysInIsChangedOnItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/policy"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		if body := admin.get(t, page).want(t, http.StatusOK).body; boxes(body) != 22 || !strings.Contains(body, "Nothing has been changed yet") {
			t.Errorf("the page has %d boxes", boxes(body))
		}
		alone := admin.post(t, page, policyForm("password.sign_in", "totp.sign_in", "passkey.sign_in", "printed_code.sign_in")...).want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(alone.body, "Somebody without a phone must be able to sign in") {
			t.Errorf("the phone alone: %s", excerpt(alone.body))
		}
		odd := policyForm()
		odd[slices.Index(odd, "tries_most")+1] = "many"
		if a := admin.post(t, page, odd...).want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, `value="many"`) || !strings.Contains(a.body, "a number from 3 to 10") {
			t.Errorf("a number that is none: %s", excerpt(a.body))
		}
		admin.post(t, page, policyForm("totp.sign_in", "totp.second_factor", "totp.recovery")...).want(t, http.StatusSeeOther)
		if body := admin.get(t, page).want(t, http.StatusOK).body; !strings.Contains(body, "Version 2") || !strings.Contains(body, "Codes from an app: Sign-in, Second factor, After a loss → off") {
			t.Errorf("the history is missing: %s", excerpt(body))
		}
		// The page of before is over, and so is the way.
		admin.post(t, page, policyForm("passkey.recovery")...).want(t, http.StatusConflict)
		b := w.browser(t)
		attempt := b.begin(t, "user1@alder.example")
		b.post(t, attempt+"/method", "method", "totp").want(t, http.StatusUnprocessableEntity)
		if strings.Contains(b.get(t, attempt+"/help").body, `value="totp"`) {
			t.Error("the help offers it")
		}
		// On again takes a second person.
		again := policyForm()
		again[1] = "2"
		if to := admin.post(t, page, again...).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/admin/alder/approvals/") {
			t.Errorf("it leads to %s", to)
		}
	})
}

// boxes counts the uses that a page of the policy offers.
func boxes(page string) (n int) {
	for _, w := range method.Ways {
		for _, use := range w.Uses {
			n += strings.Count(page, `name="`+w.Name+"."+string(use)+`"`)
		}
	}
	return n
}

// TestNoPageLeadsToAWayThatIsOff: neither the shortcuts between password, phone and
// passkey nor the page of other ways.
func TestNoPageLeadsToAWayThatIsOff(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user7@alder.example"
		leads := func(bits int, first string) string {
			t.Helper()
			w.act(t, "UPDATE tenants SET no_sign_in = ?, no_second = ?, no_recovery = ? WHERE slug = 'alder'", bits, bits, bits)
			b := w.browser(t)
			attempt := b.begin(t, name)
			if first != "password" {
				b.post(t, attempt+"/method", "method", first).want(t, http.StatusSeeOther)
			}
			page := b.get(t, attempt)
			if got := step(page); got != first {
				t.Fatalf("the page is of the step %q, want %q", got, first)
			}
			return page.body + b.get(t, attempt+"/help").body
		}
		const passcode, password, phone = 128, 1, 2
		if page := leads(passcode, "password"); !strings.Contains(page, `name="method" value="phone"`) {
			t.Error("the phone is on, and not offered")
		}
		if page := leads(passcode|phone, "password"); strings.Contains(page, `name="method" value="phone"`) {
			t.Error("the phone is off, and offered")
		}
		if page := leads(passcode, "phone"); !strings.Contains(page, `name="method" value="password"`) {
			t.Error("the password is on, and not offered")
		}
		for _, first := range []string{"totp", "printed_code", "static_passcode"} {
			if page := leads(0, first); strings.Count(page, `name="method" value="password"`) != 2 {
				t.Errorf("the password is on, and the page of %s or its help does not lead there", first)
			}
			if page := leads(password, first); strings.Contains(page, `name="method" value="password"`) {
				t.Errorf("the password is off, and offered beside %s", first)
			}
		}
		w.act(t, "DELETE FROM prompts")
		w.act(t, "UPDATE habits SET way = 'phone'")
		w.act(t, "UPDATE tenants SET no_sign_in = ?, no_second = ?, no_recovery = ? WHERE slug = 'alder'", passcode|password, passcode|password, passcode|password)
		b := w.browser(t)
		attempt := b.begin(t, name)
		page := b.get(t, attempt)
		if got := step(page); got != "phone" {
			t.Fatalf("without the password it begins with %q", got)
		}
		if strings.Contains(page.body+b.get(t, attempt+"/help").body, `name="method" value="password"`) {
			t.Error("the password is off, and offered")
		}
	})
}

// TestMySecurityInfoShowsWhatCanBeHad: what an organisation has off is not offered,
// and what somebody has of it is said to be off.
func TestMySecurityInfoShowsWhatCanBeHad(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const phone, totp, passkey = 2, 4, 8
		_, b := w.withPhone(t, "user7@alder.example")
		page := b.get(t, "/me").want(t, http.StatusOK).body
		for _, href := range []string{"/me/phones", "/me/totp", "/me/passkeys", "/me/password"} {
			if !strings.Contains(page, `href="`+href+`"`) {
				t.Errorf("%s cannot be found", href)
			}
		}
		if strings.Contains(page, "Turned off by your organisation") {
			t.Error("something is said to be off")
		}
		off := phone | totp | passkey
		w.act(t, "UPDATE tenants SET no_sign_in = ?, no_second = ?, no_recovery = ? WHERE slug = 'alder'", off, off, off)
		page = b.get(t, "/me").want(t, http.StatusOK).body
		main := page[strings.Index(page, "<main"):]
		if strings.Contains(main, `href="/me/totp"`) || strings.Contains(main, `href="/me/passkeys"`) {
			t.Error("what is off and not had is offered")
		}
		if n := strings.Count(main, "Turned off by your organisation"); n != 1 {
			t.Errorf("%d ways are said to be off, want the phone alone", n)
		}
	})
}
