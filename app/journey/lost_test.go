package journey

import (
	"testing"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// Somebody stands at a PC and their phone is gone: the page of other ways says where to
// begin, and one page removes it and leads on.
func TestWhoLostTheirPhoneHelpsThemselves(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user6@alder.example")
	phone.Forgive("status of 401") // in the end it is none any more
	p.out()
	p.name("user6@alder.example")
	p.WaitFor("body[data-step]")
	p.Follow("a[href$='/help']")
	p.WaitFor("body[data-step=help]")
	p.WaitForText("main", "You have lost it")
	p.look("help-known")
	p.Follow("form:has([value='/me/lost-phone']) button")
	p.WaitFor("body[data-step=name]")
	p.Follow(primary)
	p.WaitFor("body[data-step]")
	if !p.Has("#password") {
		p.Follow("form:has([value=password]) button")
	}
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.WaitForURL("/me/lost-phone")
	p.look("lost-phone")
	p.Follow("li[data-device] button.danger")
	p.WaitForText("main", "There is nothing to remove")
	p.WaitForText("main", "For a day the next phone takes more")
	p.look("lost-phone-removed")
}
