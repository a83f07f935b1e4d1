package journey

import (
	"testing"

	"latchkey/app/people"
	"latchkey/app/store"
)

// An administrator turns ways off, learns what cannot be, and sees the history;
// a person changes their password by the rules.
func TestWaysInOfAnOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/policy")
	p.WaitForText("#history + .row-note", "Nothing has been changed yet")
	p.look("policy")
	for _, box := range []string{"password", "totp", "passkey", "printed_code"} {
		p.Click("[name='" + box + ".sign_in']")
	}
	p.Fill("#reason", "The phone alone")
	p.Follow("#main form button.primary")
	p.WaitForText("#sign_in-error", "Somebody without a phone")
	p.look("policy-wrong")
	p.Open(h.URL + "/admin/alder/policy")
	for _, use := range []string{"sign_in", "second_factor"} {
		p.Click("[name='sms." + use + "']")
	}
	p.Click("tr:has([name=groups_voice]) summary")
	p.Click("[name=groups_voice]")
	p.Fill("#reason", "Numbers are taken over too often")
	p.Follow("#main form button.primary")
	p.WaitForText("ol.rows", "SMS: Sign-in, Second factor → off")
	p.look("policy-changed")
	// What becomes of a sign-in as things stand now.
	p.Follow("a[href='/admin/alder/policy/what-if']")
	p.Fill("#user", "user7@alder.example")
	p.Click("[name=way][value=password]")
	p.Click("[name=way][value=sms]")
	p.Follow("#main form button.primary")
	p.WaitForText("#answer", "user7@alder.example")
	p.Click("ol.rows summary")
	p.WaitForText("ol.rows", "signing in")
	p.look("what-if")
	// To an application that asks for more than that.
	h.exec(`INSERT INTO applications (tenant_id, id, name, kind, state, redirect_uris, strength, created_at, changed_by, changed_at)
		SELECT id, 'payroll', 'Payroll', 'public', 'on', 'https://payroll.example/callback', 'mfa', ?, '', ? FROM tenants WHERE slug = 'alder'`, h.DB.Now(), h.DB.Now())
	p.Reload()
	Eval[bool](p.Tab, "(document.querySelector('#application').value = 'payroll', true)")
	p.Follow("#main form button.primary")
	p.WaitForText("dl.facts", "as strong as this: Two factors")
	p.WaitForText("ol.rows", "Payroll then asks for more")
	p.look("what-if-application")
	p.Fill("#user", "nobody@alder.example")
	p.Follow("#main form button.primary")
	p.WaitFor("#user-error")
	p.look("what-if-nobody")
	// And what would have become of those that were, by other rules.
	p.Open(h.URL + "/admin/alder/policy/replay")
	p.look("replays")
	p.Click("[name='password.sign_in']")
	p.Follow("#main form button.primary")
	p.WaitForText("#defects", "Every decision came out again")
	p.WaitForText("#summary", "newly stopped")
	p.WaitForText("#changes", "Password: Sign-in")
	p.look("replay")
}

func TestSomebodyChangesTheirPassword(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("user7@alder.example")
	p.Open(h.URL + "/me/password")
	p.look("password-change")
	p.Fill("#password", "Alder Health 2026")
	p.Fill("#password_again", "Alder Health 2026")
	p.Follow("#main form button.primary")
	p.WaitForText("#password-error", "made of your name")
	p.look("password-wrong")
	p.Fill("#password", "seven green frogs in a row")
	p.Fill("#password_again", "seven green frogs in a row")
	p.Follow("#main form button.primary")
	p.WaitFor(".flash")
	p.look("password-set")
}

// A static passcode: asked for by one administrator, approved and shown by another,
// and typed by its user on a day without a phone.
func TestAStaticPasscodeForTheWorstDay(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user8@alder.example"
	h.exec("UPDATE tenants SET no_sign_in = 0 WHERE slug = 'alder'")
	p := h.pc()
	p.console(asker, "/passcodes")
	p.WaitForText(".empty", "None")
	p.look("passcodes-none")
	h.submits(people.KindPasscode, "admin@alder.example", name, people.Passcode{Hours: 4})
	p.Open(h.URL + "/admin/alder/approvals")
	p.Follow("main .rows a[href*='/approvals/']")
	p.WaitForText("h1", "Make a static passcode")
	p.look("passcode-approval")
	p.Fill("#approve-reason", "They called, and I know them")
	p.Follow(".beside-acts form[action$='/approve'] button")
	p.WaitForText(".flash", "Approved")
	p.Open(h.URL + "/admin/alder/passcodes")
	p.WaitForText(".rows", "waits to be shown")
	p.look("passcodes")
	p.Click(".row summary")
	p.Follow("dialog[open] form[action$='/show'] button.primary, dialog[open] form[action$='/show'] button:not(.quiet)")
	p.WaitFor("#static-passcode")
	p.look("passcode-shown")
	code := p.Text("#static-passcode")
	p.Open(h.URL + "/admin/alder/users/" + h.user(name).ID)
	p.look("person-with-passcode")

	b := h.pc()
	b.name(name)
	b.Follow("a[href$='/help']")
	b.Follow("form:has([value=static_passcode]) button")
	b.WaitFor("body[data-step=static_passcode]")
	b.look("passcode-typed")
	b.Fill("#code", code)
	b.Follow(primary)
	b.signedIn(name)
}
