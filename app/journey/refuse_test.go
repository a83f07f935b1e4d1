package journey

import (
	"testing"
	"time"

	"latchkey/app/store"
)

// One wrong number ends the request, and for an hour numbers are typed.
func TestWrongNumberIsRefusedAndTheNextIsTyped(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user2@alder.example")
	p.out()

	number := p.ask("user2@alder.example")
	phone.give(phone.wrong(number))
	phone.Fill("#pin", pin)
	phone.Click("#pin-submit")
	phone.at("outcome", "")
	phone.look("outcome-wrong-number")
	phone.ended("wrong_number")
	p.WaitFor("body[data-state=denied]")
	p.WaitForText("h1", "Not approved")
	p.look("denied")

	p.Follow(primary) // a new request
	number = p.number()
	phone.at("request", "[data-mode=type2]")
	phone.Fill("#typed-number", "1")
	phone.act("next")
	phone.WaitForText("#typed-number-error", "2 digits")
	phone.look("type2-error")
	phone.approve(number)
	phone.ended("approved")
	p.signedIn("user2@alder.example")
}

// A PIN that is wrong leaves the request open, and does not say what was wrong
// with the number.
func TestWrongPINLeavesTheRequestOpen(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user2@alder.example")
	p.out()

	number := p.ask("user2@alder.example")
	phone.give(number)
	phone.Forgive("/answer") // a refusal is a refusal, and the browser says so
	phone.Fill("#pin", "12")
	phone.Click("#pin-submit")
	phone.WaitForText("#pin-error", "6 digits")
	phone.Fill("#pin", "771204")
	phone.Click("#pin-submit")
	phone.WaitForText("#pin-error", "Check your PIN")
	phone.look("pin-wrong")
	p.WaitFor("body[data-state=pending]")
	phone.act("back")
	phone.approve(number)
	phone.ended("approved")
	p.signedIn("user2@alder.example")
}

// Deny takes one press: no PIN, and the PC knows at once.
func TestDenyTakesOnePress(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user2@alder.example")
	p.out()

	p.ask("user2@alder.example")
	phone.at("request", "[data-stage=number]")
	phone.act("deny")
	phone.at("outcome", "[data-outcome=denied]")
	phone.look("outcome-denied")
	p.WaitFor("body[data-state=denied]")

	phone.act("done")
	phone.at("menu", "")
	phone.act("recent")
	phone.at("recent", "")
	phone.WaitForText(".recent li:first-child", "Denied")
	phone.WaitForText(".recent li:first-child", "Chrome on Linux")
	phone.WaitForText(".recent li:last-child", "Approved") // the test
	phone.look("recent")

	// Denied, the person may be asked again; other ways are at hand too.
	p.Follow(usePass)
	p.WaitFor("body[data-step=password]")
	p.enter("user2@alder.example")
}

// "It is not me" needs no PIN either, says first what it does, and keeps
// requests away for an hour, whoever asks for them.
func TestReportHoldsTheNextRequests(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user2@alder.example")

	stranger := h.pc()
	stranger.ask("user2@alder.example")
	phone.at("request", "[data-stage=number]")
	phone.WaitForText(".new-browser", "New browser")
	phone.look("new-browser")
	phone.act("not-me")
	phone.at("request", "[data-stage=report]")
	phone.WaitForText("main", "no requests come for the next 60 minutes")
	phone.look("report")
	phone.act("back") // nothing has been sent yet
	phone.at("request", "[data-stage=number]")
	phone.act("not-me")
	phone.act("report")
	phone.at("outcome", "[data-outcome=reported]")
	phone.look("outcome-reported")
	phone.act("done")
	stranger.WaitFor("body[data-state=denied]") // as after any other refusal

	stranger.Follow(primary)
	stranger.WaitFor("body[data-state=held]")
	stranger.look("held")
	phone.at("menu", "")
	stranger.Follow(helpLink)
	stranger.WaitFor("body[data-step=help]")
	stranger.look("help")

	// The person sees it in their activity, and later is asked again.
	p.Open(h.URL + "/me/activity")
	p.WaitForText("main table", "It is not me")
	p.look("activity")
	phone.Forgive("status of 401") // its clock is an hour behind until the first answer
	h.later(61 * time.Minute)
	stranger.ask("user2@alder.example")
	phone.at("request", "[data-stage=number]")
}

// A request that nobody answers ends on both sides, and does not take the phone
// away as the first way.
func TestUnansweredRequestExpires(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user2@alder.example")
	p.out()

	p.ask("user2@alder.example")
	phone.at("request", "[data-stage=number]")
	h.later(121 * time.Second)
	p.WaitFor("body[data-state=expired]")
	p.WaitForText("h1", "Time is up")
	p.look("expired")
	Eval[bool](phone.Tab, "dispatchEvent(new Event('focus'))") // somebody takes the phone up: it asks again
	phone.at("outcome", "[data-outcome=expired]")
	phone.look("outcome-expired")
	phone.act("done")
	phone.at("menu", "")

	number := p.ask("user2@alder.example") // the phone is still the first way
	phone.approve(number)
	p.signedIn("user2@alder.example")
}

// Who holds an administrative role types the number, whatever the tenant says.
func TestAdministratorTypesTheNumber(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("security@alder.example")
	p.out()

	number := p.ask("security@alder.example")
	phone.at("request", "[data-mode=type2][data-stage=number]")
	if phone.Has(".numbers") {
		t.Error("the phone shows numbers to pick from")
	}
	phone.look("type2")
	phone.approve(number)
	phone.ended("approved")
	p.signedIn("security@alder.example")
	p.WaitForText(".bar-role", "Security administrator")
}

// What the service has against a name or a PIN stands beside it, and the link is
// good for the next try.
func TestWhatIsWrongWithANewPhoneIsSaidBesideIt(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.pc(), h.handset()
	phone.Forgive("/enrolments") // answered 422
	p.enter("user2@alder.example")
	link := p.link()
	phone.Open(link)
	phone.WaitForText("#enrol-pin-hint", "6 to 16 digits")
	try := func(pin string) {
		phone.Fill("#enrol-pin", pin)
		phone.Fill("#enrol-pin-again", pin)
		phone.Click("#enrol-submit")
	}
	try("12345")
	phone.WaitForText("#enrol-pin-error", "6 to 16 digits")
	try("123456") // which only the service minds
	phone.WaitForText("#enrol-pin-error", "not all the same and not in a row")
	phone.WaitUntil("document.activeElement.id === 'enrol-pin'")
	phone.look("enrol-pin-weak")
	if phone.Has("form .notice:not([hidden])") {
		t.Error("what is said beside the field is said above the form too")
	}
	phone.WaitUntil(`(document.querySelector("#enrol-name").value = "a\u0007b", true)`)
	try("111111")
	phone.WaitForText("#enrol-name-error", "1 to 60 characters")
	phone.WaitForText("#enrol-pin-error", "not all the same and not in a row")
	phone.WaitUntil("document.activeElement.id === 'enrol-name'")
	phone.Fill("#enrol-name", "Pocket")
	try(pin)
	phone.at("request", "[data-kind=test][data-stage=number]")
	p.WaitFor("body[data-state=test] #match-number")
	phone.approve(p.Text("#match-number"))
	phone.ended("approved")
	p.Open(h.URL + "/me/phones")
	p.WaitForText("li[data-device]", "Pocket")
}
