package journey

import (
	"testing"

	"latchkey/app/store/storetest"
)

// The central journey: a person with a password adds a phone, turns phone
// sign-in on, and signs in by a number.
func TestEnrolEnableAndSignInByNumber(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			h := open(t, dialect)
			p, phone := h.pc(), h.handset()

			p.enter("user1@alder.example")
			link := p.link()
			p.look("add-phone-waiting")
			phone.Open(link)
			phone.WaitFor("#enrol-pin")
			phone.look("enrol")
			phone.enrol(link)
			phone.look("test")
			p.WaitFor("body[data-state=test] #match-number")
			p.look("add-phone-test")
			phone.approve(p.Text("#match-number"))
			phone.WaitForText("h1", "The test worked")
			phone.look("outcome-test")
			p.WaitFor("body[data-state=done]")
			p.WaitForText("section:not([hidden]) h2", "Android phone is added")
			p.look("add-phone-done")

			phone.act("done")
			phone.at("menu", "")
			phone.look("menu-off")
			phone.act("enable")
			phone.WaitForText("[data-warning=unregistered]", "not yet registered with Alder Health")
			phone.look("explain")
			phone.act("continue")
			phone.WaitForText(".state-on", "Phone sign-in is on")
			phone.look("menu-on")
			p.out()
			p.look("signed-out")

			p.name("user1@alder.example")
			p.WaitFor("body[data-step=password]") // the way used last
			p.look("password")
			p.Follow(useApp)
			number := p.number()
			p.look("number")
			phone.at("request", "[data-kind=sign_in][data-mode=pick3]")
			if n := phone.Count(".number"); n != 3 {
				t.Errorf("the phone shows %d numbers, want 3", n)
			}
			phone.WaitForText(".facts", "user1@alder.example")
			phone.WaitForText(".facts", "Chrome on Linux")
			phone.WaitForText(".facts", "this very computer (127.0.0.1)")
			phone.look("pick3")
			phone.give(number)
			phone.look("pin")
			phone.Fill("#pin", pin)
			phone.Click("#pin-submit")
			phone.at("outcome", "")
			phone.look("outcome-approved")
			phone.ended("approved")
			p.signedIn("user1@alder.example")
			p.out()

			p.name("user1@alder.example")
			p.WaitFor("body[data-step=phone]") // it is the way used last now
			phone.approve(p.number())
			p.signedIn("user1@alder.example")
		})
	}
}
