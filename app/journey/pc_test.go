package journey

import (
	"testing"

	"latchkey/app/store"
)

// Without script the whole PC side works: the page loads itself anew, and a
// button finishes.
func TestSignInWithoutScript(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.pcLike(Options{NoScript: true}), h.handset()

	p.Open(h.URL + "/signin")
	p.look("noscript-name")
	p.enter("user5@alder.example")
	phone.enrol(p.link())
	p.WaitForText("noscript", "See how far the phone is")
	p.look("noscript-add-phone")
	p.Follow("noscript a")
	p.WaitFor("body[data-state=test] #match-number")
	phone.approve(p.Text("#match-number"))
	phone.ended("approved")
	p.WaitFor("body[data-state=done]") // loaded anew by itself
	phone.enable()

	// Acts that ask once more fold open.
	p.Open(h.URL + "/me/phones")
	p.Click("details[id^=rename] summary")
	p.look("noscript-rename")
	p.Fill("details[open] input[name=name]", "Pocket")
	p.Follow("details[open] button.primary")
	p.WaitForText("li[data-device] .row-head", "Pocket")
	p.out()

	number := p.ask("user5@alder.example")
	p.leads(func() {}) // it has just come again by itself, and has seconds until it does so once more
	p.look("noscript-number")
	phone.approve(number)
	p.WaitFor("body[data-state=approved]") // loaded anew by itself
	p.look("noscript-approved")
	p.Follow("#finish button")
	p.signedIn("user5@alder.example")
}

// Beginning anew takes the old request off the phone, and the way back in the
// history shows what is, not what was.
func TestBeginningAnewAndTheBackButton(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user5@alder.example")
	p.out()

	p.ask("user5@alder.example")
	phone.at("request", "[data-stage=number]")
	first, firstRequest := p.URL(), phone.Attribute("main", "data-request")
	p.Follow(notYou)
	p.WaitFor("#identifier")
	p.Fill("#identifier", "user5@alder.example")
	p.Follow(primary)
	number := p.number()
	phone.at("request", "[data-stage=number]:not([data-request='"+firstRequest+"'])")

	p.Open(first) // the one that was left behind
	p.WaitFor("body[data-state=expired]")
	p.Back()
	if got := p.number(); got != number {
		t.Errorf("back on the page of the new attempt the number is %s, want %s", got, number)
	}
	phone.approve(number)
	phone.ended("approved")
	p.signedIn("user5@alder.example")

	p.Back() // to the attempt, which is over
	p.signedIn("user5@alder.example")
	p.out()
	p.Back() // to a page that only a session shows
	p.WaitFor("#identifier")
}

// An attempt belongs to the browser that began it.
func TestAttemptOpensInItsOwnBrowserOnly(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, other := h.pc(), h.pc()
	p.name("user5@alder.example")
	attempt := p.URL()

	other.Open(attempt)
	other.WaitFor("body[data-step=problem][data-state='404']")
	other.look("problem-404")
	other.Open(attempt + "/help")
	other.WaitFor("body[data-state='404']")
	p.Reload()
	p.WaitFor("#password")
}

// One request of a name is on the phone at a time. A second browser is told to
// wait, and shows its number as soon as its turn comes.
func TestSecondBrowserWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p, phone := h.ready("user5@alder.example")
	p.out()
	number := p.ask("user5@alder.example")
	first := phone.Attribute("main[data-stage=number]", "data-request")

	second := h.pc()
	second.name("user5@alder.example")
	second.WaitFor("body[data-state=held]")
	phone.answer(number)
	p.signedIn("user5@alder.example")

	number = second.number() // and the phone goes on to it by itself
	phone.at("request", "[data-stage=number]:not([data-request='"+first+"'])")
	phone.approve(number)
	second.signedIn("user5@alder.example")
}

// A name that nobody has looks like any other.
func TestUnknownNameGetsANumberToo(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.Open(h.URL + "/signin")
	p.look("name")
	p.Fill("#identifier", "nobody")
	p.Follow(primary)
	p.WaitForText("#identifier-error", "looks like an e-mail address")
	p.look("name-error")

	p.Fill("#identifier", "nobody@alder.example")
	p.Follow(primary)
	p.WaitForText(".brand-name", "Alder Health")
	p.Fill("#password", "whatever it may be")
	p.Follow(primary)
	p.WaitForText("#password-error", "That did not work")
	p.look("password-error")
	p.Follow(useApp)
	if number := p.number(); len(number) != 2 {
		t.Errorf("the number is %q, want two digits", number)
	}
}
