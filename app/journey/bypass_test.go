package journey

import (
	"strings"
	"testing"

	"latchkey/app/store"
)

// A caller lost a phone and the shift begins: the desk proves them by the phone that is
// left, gives a code, and the caller is in. With a printed code they add the next phone;
// then the mail says what was done, and how to take it back.
func TestTheDeskLetsACallerIn(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user7@alder.example"
	own, phone := h.ready(name)
	phone.Forgive("status of 401") // in the end the account is locked
	own.Open(h.URL + "/me/codes")
	own.Follow("form[action='/me/codes'] button")
	own.provesBy(phone)
	own.WaitForURL("/me/codes")
	own.Follow("form[action='/me/codes'] button")
	own.WaitFor("[data-code-number] .code")
	codes := map[string]string{}
	for _, n := range []string{"1", "2"} {
		codes[n] = own.Text("[data-code-number='" + n + "'] .code")
	}

	desk := h.pc()
	desk.console("desk@alder.example", "/users?q=user7")
	desk.Follow("tbody th a")
	desk.Follow("a[href$='/desk']")
	desk.WaitForText("h1", "Help")
	desk.look("desk-before")
	desk.Follow("button[value=phone]")
	desk.WaitFor("#match-number")
	phone.answer(strings.TrimSpace(desk.Text("#match-number")))
	desk.WaitForText("h1", "It is")
	desk.Follow("a[href$='/desk']")
	desk.WaitForText(".steps", "proved")
	desk.Fill("input[name=minutes]", "5")
	desk.Fill("input[name=reason]", "Lost the phone, the shift begins")
	desk.Click("input[value=read_out]")
	desk.Follow(".bypass-form button.primary")
	desk.WaitForText(".field-error", "10 to 480")
	desk.look("desk")
	desk.Fill("input[name=minutes]", "60")
	desk.Follow(".bypass-form button.primary")
	code := strings.TrimSpace(desk.Text("#bypass-code"))
	desk.look("bypass")
	desk.Reload()
	if desk.Has("#bypass-code") {
		t.Error("the code is shown twice")
	}
	desk.Open(h.URL + "/admin/alder/bypasses")
	desk.look("bypasses")

	pc := h.pc()
	pc.name(name)
	pc.Follow(helpLink)
	pc.Follow("form:has([value=bypass]) button")
	pc.look("signin-bypass")
	pc.Forgive("status of 401")
	pc.Fill("[name=code]", "not it")
	pc.Follow("form[action$='/verify'] button")
	pc.WaitForText(".field-error", "did not work")
	pc.Fill("[name=code]", strings.ToLower(code))
	pc.Follow("form[action$='/verify'] button")
	pc.WaitForText("h1", "You are in, for now")
	pc.look("restricted")
	pc.Follow("a[href='/me/phones']")
	pc.Follow("form[action='/me/phones'] button")
	pc.WaitForText("h1", "Confirm that it is you")
	pc.look("restricted-second-proof")
	pc.Follow("form:has([value=printed_code]) button")
	number := strings.TrimSpace(pc.Text("#code-number"))
	pc.Fill("[name=code]", codes[number])
	pc.Follow("form[action$='/verify'] button")
	pc.WaitForURL("/me/phones")
	pc.Follow("form[action='/me/phones'] button")
	if link := pc.Text("#enrolment-link"); !strings.Contains(link, "#enrol=") {
		t.Errorf("the link is %q", link)
	}

	own.Open(h.URL + "/me")
	own.WaitForText("#bypass", "let you in")
	own.look("me-bypass")
	own.Follow("form[action='/me/bypass/revoke'] button")
	own.WaitForText(".flash", "Taken back")
	pc.Forgive("status of 40")
	pc.Open(h.URL + "/")
	pc.WaitForURL("/signin")

	// The mail had a link for who never asked.
	var told struct{ TenantID, ID string }
	if _, err := h.DB.View(t.Context()).One(&told, "SELECT tenant_id, id FROM disownings LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	pc.Open(h.URL + "/not-me/" + h.Keys.Disowning(told.TenantID, told.ID))
	pc.look("disown")
	pc.Follow("form[action^='/not-me/'] button.danger")
	pc.WaitForText("h1", "is locked")
	pc.look("disowned")
}
