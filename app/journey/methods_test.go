package journey

import (
	"testing"

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
	for _, use := range []string{"sign_in", "second_factor", "recovery"} {
		p.Click("[name='sms." + use + "']")
	}
	p.Click("tr:has([name=groups_voice]) summary")
	p.Click("[name=groups_voice]")
	p.Fill("#reason", "Numbers are taken over too often")
	p.Follow("#main form button.primary")
	p.WaitForText("ol.rows", "SMS: Sign-in, Second factor, After a loss → off")
	p.look("policy-changed")
}

func TestSomebodyChangesTheirPassword(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("user7@alder.example")
	p.Open(h.URL + "/me/password")
	p.look("password")
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
