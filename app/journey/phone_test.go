package journey

import (
	"testing"

	"latchkey/app/store"
)

// A phone serves one organisation at a time: a second one is told who holds it
// and may move it, and the first one's sign-in by phone stops.
func TestPhoneMovesToAnotherOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	alder, phone := h.ready("user3@alder.example")
	alder.out()
	phone.Forgive("/phone-sign-in") // answered 409 once

	birch := h.pc()
	birch.enter("user3@birch.example")
	link := birch.link()
	phone.act("add")
	phone.at("enrol", "[data-step=link]")
	phone.look("enrol-link")
	phone.Fill("#enrol-link", "https://id.example.org/phone#enrol=abc.def")
	phone.Click("form button")
	phone.WaitForText("form", "This link belongs to id.example.org")
	phone.Fill("#enrol-link", link)
	phone.Click("form button")
	phone.WaitFor("#enrol-pin")
	phone.Fill("#enrol-pin", pin)
	phone.Fill("#enrol-pin-again", pin)
	phone.Click("#enrol-submit")
	birch.WaitFor("body[data-state=test] #match-number")
	phone.approve(birch.Text("#match-number"))
	phone.ended("approved")
	phone.at("menu", "")
	if n := phone.Count(".accounts article"); n != 2 {
		t.Fatalf("the phone shows %d accounts, want 2", n)
	}
	phone.look("menu-two")

	phone.act("enable") // of birch: alder's is on
	phone.at("explain", "")
	phone.WaitForText("main", "user3@birch.example")
	phone.act("continue")
	phone.at("explain", "[data-step=move]")
	phone.WaitForText("main", "This phone is registered with Alder Health")
	phone.look("move")
	phone.act("back") // leave it there
	phone.at("menu", "")
	phone.WaitForText(".accounts li:has(.state-on)", "Alder Health")

	phone.act("enable")
	phone.at("explain", "")
	phone.act("continue")
	phone.at("explain", "[data-step=move]")
	phone.act("move")
	phone.at("menu", "")
	phone.WaitForText(".accounts li:has(.state-on)", "Birch Freight")
	phone.WaitForText(".accounts li:has(.state:not(.state-on))", "Alder Health")

	birch.out()
	number := birch.ask("user3@birch.example")
	phone.WaitForText(".facts", "Birch Freight")
	phone.approve(number)
	phone.ended("approved")
	birch.signedIn("user3@birch.example")

	alder.ask("user3@alder.example") // shows a number, as for everybody, but no phone hears of it
	phone.Click("main [data-action=recent]")
	phone.at("recent", "")
	if phone.Has("main[data-screen=request]") {
		t.Error("the phone was asked by the organisation that it was moved away from")
	}
}

// An account that is removed on the phone is gone from the PC as well, and with
// the last one the key.
func TestAccountIsRemovedOnThePhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user4@alder.example")
	phone.Forgive("status of 401") // the service knows it no more, and it may be asking
	phone.act("remove")
	phone.at("remove", "")
	phone.WaitForText("main", "last account here")
	phone.look("remove")
	phone.act("remove")
	phone.at("enrol", "[data-step=link]")
	phone.WaitForText("#status", "removed from this phone")

	p.Open(h.URL + "/me/phones")
	p.WaitForText("li[data-device] .row-head", "Removed")
	phone.Reload()
	phone.at("enrol", "[data-step=link]")
}

// A phone that is revoked on the PC learns of it, says so, and can be used
// again only by a new enrolment.
func TestPhoneRevokedOnThePCShowsOnThePhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user4@alder.example")
	phone.Forgive("status of 401") // the service knows it no more

	p.Open(h.URL + "/me/phones")
	p.Click("details[id^=revoke] summary, summary[aria-haspopup]:is(details[id^=revoke] *)")
	p.WaitFor("dialog[open] button.danger")
	p.look("remove-phone")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "The phone is removed")

	phone.WaitForText("article", "no longer works on this phone")
	phone.look("menu-ended")
	phone.act("remove")
	phone.at("remove", "")
	phone.act("remove")
	phone.at("enrol", "[data-step=link]")
}

// Where the organisation does not take computers as phones, the app says so
// plainly, and what else there is.
func TestPlatformThatIsNotAllowedIsToldPlainly(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	h.exec("UPDATE tenants SET platforms = 'ios,android' WHERE slug = 'alder'")
	p, computer := h.pc(), h.handsetLike(Options{})
	computer.Forgive("/enrolments") // answered 403

	p.enter("user4@alder.example")
	computer.Open(p.link())
	computer.Fill("#enrol-pin", pin)
	computer.Fill("#enrol-pin-again", pin)
	computer.Click("#enrol-submit")
	computer.at("unsupported", "")
	computer.WaitForText("main", "not available on this platform at Alder Health")
	computer.look("unsupported")

	// The link is not used up by it: a phone may still take it.
	phone := h.handset()
	phone.enrol(p.link())
	p.WaitFor("body[data-state=test]")
}

// With no network the app opens, says so, and shows what it knows; with the
// network back it goes on by itself.
func TestAppOpensWithoutANetwork(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	_, phone := h.ready("user4@alder.example")
	phone.WaitForServiceWorker()
	phone.Offline(true)
	phone.Reload()
	phone.at("offline", "")
	phone.WaitForText("main", "There is no connection to the service")
	phone.WaitForText("main", "Alder Health")
	phone.WaitForText(".recent", "Test")
	phone.look("offline")
	phone.Offline(false)
	phone.at("menu", "")
}

// The browser finds nothing that keeps the app from being installed.
func TestAppCanBeInstalled(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	phone := h.handset()
	phone.Open(h.URL + "/phone")
	phone.at("enrol", "[data-step=link]")
	phone.WaitForServiceWorker()
	if obstacles := phone.Installable(); len(obstacles) > 0 {
		t.Errorf("obstacles to installing: %v", obstacles)
	}
}
