package journey

import (
	"testing"
	"time"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

const stay = "input[name=stay]"

// Staying signed in makes a browser one that its user trusts, by password and by
// phone, and the user can forget it.
func TestStayingSignedIn(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user6@alder.example")
	p.Open(h.URL + "/me/sessions")
	p.WaitForText("#browsers ~ p.fine", "Stay signed in")
	p.out()
	p.name("user6@alder.example")
	p.WaitForText("main", "Stay signed in for 24 hours")
	p.look("password-stay")
	p.Click(stay)
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.signedIn("user6@alder.example")
	p.Open(h.URL + "/me/sessions")
	p.WaitForText("tr[data-browser]", "this browser")
	p.look("sessions-trusted")

	// The box of the number page belongs to the form that is sent by itself.
	other := h.pcLike(Options{Agent: Android})
	other.enter("user6@alder.example")
	other.out()
	number := other.ask("user6@alder.example")
	other.Click(stay)
	other.look("number-stay")
	phone.approve(number)
	phone.ended("approved")
	other.signedIn("user6@alder.example")
	p.Reload()
	if n := p.Count("tr[data-browser]"); n != 2 {
		t.Fatalf("%d browsers are trusted, want 2", n)
	}
	p.Follow("tr[data-browser]:not(.this) button")
	p.WaitForText(".flash", "The browser is forgotten")
	if n := p.Count("tr[data-browser]"); n != 1 {
		t.Errorf("%d browsers are trusted, want 1", n)
	}
	other.Open(h.URL + "/me")
	other.WaitFor(startPage) // that it is not trusted ends no session
}

// A phone that was talked into approving a strange browser lets it in to look, and
// no further; its owner undoes it in one click.
func TestAStrangeBrowserIsLimitedAndUndone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user6@alder.example")
	phone.Forgive("status of 401") // its clock is behind until the first answer
	strange := h.pcLike(Options{Agent: Android})
	number := strange.ask("user6@alder.example")
	phone.at("request", "")
	phone.look("new-browser")
	phone.approve(number)
	phone.ended("approved")
	strange.signedIn("user6@alder.example")
	strange.WaitForText("main", "This browser is new to your account")
	strange.look("home-limited")
	strange.Open(h.URL + "/me/phones")
	strange.Follow(addPhone)
	strange.WaitFor("body[data-step=step-up]")
	strange.WaitForText("main", "your account did not know")
	strange.look("step-up-limited")

	p.Open(h.URL + "/")
	p.WaitForText("#notices + ul", "Signed in from a new browser")
	p.WaitForText("#notices + ul", "this very computer")
	p.look("home-new-browser")
	p.Open(h.URL + "/me/sessions")
	p.WaitForText("tr[data-session]", "limited until proved")
	p.look("sessions-limited")
	p.Open(h.URL + "/")
	p.Follow("form[action$='/undo'] button")
	p.WaitForText(".flash", "Undone")
	p.WaitForText("h1", "Make your account safe")
	p.look("secure")
	strange.Open(h.URL + "/me")
	strange.WaitFor("#identifier")

	// Its owner sits at it the next time, and proves it.
	h.later(11 * time.Minute)
	number = strange.ask("user6@alder.example")
	phone.approve(number)
	phone.ended("approved")
	strange.signedIn("user6@alder.example")
	strange.Follow("a[href^='/step-up']")
	strange.Follow("form:has([value=phone]) button")
	number = strange.number()
	phone.at("request", "[data-kind=step_up]")
	phone.approve(number)
	phone.ended("approved")
	strange.WaitFor(startPage)
	if strange.Has(".attention.warn a[href^='/step-up']") {
		t.Error("after the step-up the start page still asks for one")
	}
	p.Open(h.URL + "/")
	p.WaitForText("#notices + ul", "It was me")
	p.Follow("form[action$='/seen'] button")
	p.WaitForText(".flash", "Put away")
}

// The times of an organisation, set by its administrator.
func TestTheTimesOfSessionsAreSet(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("admin@alder.example")
	p.Open(h.URL + "/admin/alder/settings")
	p.Fill("#idle_minutes", "3")
	p.Fill("#reason", "a shared desk")
	p.Follow(primary)
	p.WaitForText("#idle_minutes-error", "between 5 and 60")
	p.look("console-settings-error")
	p.Fill("#idle_minutes", "10")
	p.Fill("#session_hours", "8")
	p.Follow(primary)
	p.WaitForText(".flash", "Saved")
	p.look("console-settings-times")
	p.Fill("#idle_minutes", "60")
	p.Fill("#reason", "too short")
	p.Follow(primary)
	p.WaitForText("main", "Minutes without use until a session ends")
	p.look("console-settings-waits")
}
