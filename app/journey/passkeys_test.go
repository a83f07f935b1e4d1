package journey

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

const askPasskey = "[data-passkey-go]"

// A passkey is made on the page of passkeys, and signs in with a name, without one,
// and as the step-up.
func TestPasskeySignsInAndSteppingUp(t *testing.T) {
	t.Parallel()
	for _, dialect := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			const name = "user7@alder.example"
			h := open(t, dialect)
			p := h.pc()
			laptop := p.Authenticator(BuiltIn, true)
			p.enter(name)
			p.Open(h.URL + "/me/passkeys")
			p.WaitForText("main", "No passkey yet")
			p.look("passkeys-none")
			p.Follow("a[href='/me/passkeys/new']")
			p.WaitFor(askPasskey)
			p.look("passkeys-new")
			p.Fill("#name", "Work laptop")
			p.Follow(askPasskey)
			p.WaitForText(".flash", "The passkey is added")
			p.WaitForText("[data-passkey-row]", "Work laptop")
			p.look("passkeys-one")
			if n := len(laptop.Passkeys()); n != 1 {
				t.Fatalf("the authenticator holds %d passkeys", n)
			}
			// The device that has one is told so.
			p.Follow("a[href='/me/passkeys/new']")
			p.Follow("form:has([value=passkey]) button")
			p.Follow(askPasskey)
			p.WaitForURL("/me/passkeys/new")
			p.Click(askPasskey)
			p.WaitForText("[data-passkey-said]", "on this device already")
			p.look("passkeys-already")
			p.out()

			// With a name.
			laptop.Touched(false)
			p.name(name)
			p.Follow(helpLink)
			p.look("help-passkey")
			p.Follow("form:has([value=passkey]) button")
			p.WaitFor("body[data-step=passkey] " + askPasskey)
			p.look("passkey")
			laptop.Touched(true)
			p.Follow(askPasskey)
			p.signedIn(name)
			p.Open(h.URL + "/me/sessions")
			p.WaitForText("main", "passkey")

			// Ten minutes later it is asked again before another one is made.
			h.later(10 * time.Minute)
			p.Open(h.URL + "/me/passkeys/new")
			p.WaitForText("main", "Your passkey")
			p.look("stepup-passkey")
			p.Follow("form:has([value=passkey]) button")
			p.WaitFor("body[data-step=passkey] " + askPasskey)
			p.Follow(askPasskey)
			p.WaitForURL("/me/passkeys/new")
			p.out()

			// Without a name.
			laptop.Touched(false)
			call(p.Tab, "script", page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
				const get = CredentialsContainer.prototype.get;
				CredentialsContainer.prototype.get = function (options) {
					window.listed ||= options.mediation === "conditional";
					return get.call(this, options);
				};
			`})
			p.Open(h.URL + "/signin")
			p.WaitFor(askPasskey)
			p.look("name-passkey")
			// Coming back from the history it asks for something new. The list of names,
			// which would be as quick as the button, has a story of its own: here it is taken
			// away, once it is there, or it would come after all.
			p.WaitUntil("window.listed ?? false")
			p.WaitUntil("(PublicKeyCredential.isConditionalMediationAvailable = undefined) === undefined")
			asked := p.Attribute("form[data-passkey]", "data-options")
			p.WaitUntil(`dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`)
			p.WaitUntil("document.querySelector('form[data-passkey]').dataset.options !== " + quote(asked))
			laptop.Touched(true)
			p.Click(askPasskey)
			p.signedIn(name)
			p.out()

			// It does not see who holds it, and where it must it is not used.
			laptop.Sees(false)
			p.Open(h.URL + "/signin")
			p.WaitFor(askPasskey)
			p.Click(askPasskey)
			p.WaitForText("[data-passkey-said]", "No passkey was used")
			p.look("name-passkey-none")
		})
	}
}

// The browser offers passkeys where it offers names, and one that is chosen there
// signs in without a click.
func TestPasskeyFromTheListOfNames(t *testing.T) {
	t.Parallel()
	const name = "user7@alder.example"
	h := open(t, store.SQLite)
	p := h.pc()
	laptop := p.Authenticator(BuiltIn, true)
	p.enter(name)
	p.Open(h.URL + "/me/passkeys/new")
	p.Follow(askPasskey)
	p.WaitForText(".flash", "The passkey is added")
	p.out()
	laptop.Touched(false)
	p.Open(h.URL + "/signin")
	if got := p.Attribute("#identifier", "autocomplete"); got != "username webauthn" {
		t.Errorf("the field is filled with %s", got)
	}
	laptop.Touched(true)
	p.Open(h.URL + "/signin") // and whoever sits there chooses at once
	p.signedIn(name)
}

// After the password a passkey needs no look, and alone it is not enough when it
// did not look.
func TestPasskeyAsTheSecondFactor(t *testing.T) {
	t.Parallel()
	const name = "user7@alder.example"
	h := open(t, store.SQLite)
	p := h.pc()
	key := p.Authenticator(KeyOnACord, true)
	p.enter(name)
	p.Open(h.URL + "/me/passkeys/new")
	p.Follow(askPasskey)
	p.WaitForText(".flash", "The passkey is added")
	p.out()
	h.exec("UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
	made := key.Passkeys()[0]
	key.Remove()
	p.Authenticator(KeyOnACord, false).Carry(made)

	p.name(name)
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.WaitFor("body[data-step=passkey] " + askPasskey)
	p.WaitForText("main", "The first step was right")
	p.look("passkey-second")
	p.Follow(askPasskey)
	p.signedIn(name)
	p.Open(h.URL + "/me/sessions")
	p.WaitForText("main", "password, then touch of a security key")
	p.out()

	p.name(name)
	p.Follow(helpLink)
	p.Follow("form:has([value=passkey]) button")
	p.WaitFor("body[data-step=passkey] " + askPasskey)
	p.Follow(askPasskey)
	p.WaitFor("body[data-step=password]")
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.signedIn(name)
	p.Open(h.URL + "/me/sessions")
	p.WaitForText("main", "touch of a security key, then password")
}

// Without script there is nothing to click, and a sentence that says why.
func TestPasskeysWithoutScript(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pcLike(Options{NoScript: true})
	p.Open(h.URL + "/signin")
	if p.Has(askPasskey + ":not([hidden])") {
		t.Error("the first page has a button that does nothing")
	}
	p.enter("user7@alder.example")
	p.Open(h.URL + "/me/passkeys/new")
	p.WaitForText("noscript", "JavaScript switched on")
	p.look("noscript-passkeys-new")
	p.out()
	p.name("user8@alder.example") // who has never been here, and is offered everything
	p.Follow(helpLink)
	p.Follow("form:has([value=passkey]) button")
	p.WaitForText("noscript", "JavaScript switched on")
	p.look("noscript-passkey")
	p.Follow(helpLink)
	if got := p.Text("main"); !strings.Contains(got, "Your password") {
		t.Errorf("the way on is %s", got)
	}
}

// The face or finger of the phone approves in place of the PIN, which stays as the
// other way.
func TestFaceOfThePhoneInPlaceOfThePIN(t *testing.T) {
	t.Parallel()
	const name = "user7@alder.example"
	h := open(t, store.SQLite)
	p, phone := h.ready(name)
	p.out()
	if phone.Has("[data-action=unlock]") {
		t.Error("a phone that sees nobody offers it")
	}
	sensor := phone.Authenticator(BuiltIn, true)
	phone.Open(h.URL + "/phone")
	phone.at("menu", "")
	phone.act("unlock")
	phone.at("unlock", "")
	phone.look("unlock")
	phone.Fill("#pin", "111222")
	phone.act("set-unlock")
	phone.WaitForText("#pin-error", "That did not work")
	phone.Forgive("status of 401")
	sensor.Sees(false)
	phone.Fill("#pin", pin)
	phone.act("set-unlock")
	phone.WaitForText("[role=alert]", "did not recognise you")
	phone.look("unlock-unseen")
	sensor.Sees(true)
	phone.Fill("#pin", pin)
	phone.act("set-unlock")
	phone.at("menu", "")
	phone.WaitFor("[data-action=end-unlock]")
	phone.look("menu-unlock")

	number := p.ask(name)
	phone.at("request", "[data-stage=number]")
	phone.Click("[data-number='" + number + "']")
	phone.WaitFor("[data-stage=pin] [data-action=unlock]")
	phone.look("request-unlock")
	sensor.Sees(false)
	phone.act("unlock")
	phone.WaitForText("[role=alert]", "did not recognise you")
	sensor.Sees(true)
	phone.act("unlock")
	phone.ended("approved")
	p.signedIn(name)
	p.out()

	// By PIN all the same, and after it was given up by nothing else.
	number = p.ask(name)
	phone.answer(number)
	phone.ended("approved")
	p.signedIn(name)
	p.out()
	phone.act("end-unlock")
	phone.WaitFor("[data-action=unlock]")
	number = p.ask(name)
	phone.at("request", "[data-stage=number]")
	phone.Click("[data-number='" + number + "']")
	phone.at("request", "[data-stage=pin]")
	if phone.Has("[data-stage=pin] [data-action=unlock]") {
		t.Error("it is still offered")
	}
}

// The helpdesk sees that there is a passkey, and the beginning of its name, and
// takes it away.
func TestHelpdeskTakesAPasskeyAway(t *testing.T) {
	t.Parallel()
	const name = "user7@alder.example"
	h := open(t, store.SQLite)
	p := h.pc()
	p.Authenticator(BuiltIn, true)
	p.enter(name)
	p.Open(h.URL + "/me/passkeys/new")
	p.Fill("#name", "Work laptop")
	p.Follow(askPasskey)
	p.WaitForText(".flash", "The passkey is added")

	desk := h.pc()
	desk.console("desk@alder.example", "/users?q=user7")
	desk.WaitForText("tbody tr", "passkey")
	desk.Follow("tbody th a")
	desk.WaitForText("[data-passkey-row] .row-head", "Wo…")
	desk.look("person-passkey")
	desk.Click("[data-passkey-row] details > summary")
	desk.WaitFor("dialog[open] input[name=reason]")
	desk.look("person-passkey-take")
	desk.Fill("dialog[open] input[name=reason]", "The laptop was stolen")
	desk.Follow("dialog[open] .acts button.danger")
	desk.WaitForText(".flash", "The passkey is taken away")
	if desk.Has("[data-passkey-row]") {
		t.Error("it is still there")
	}
	p.Open(h.URL + "/")
	p.WaitForText("main", "Your passkey “Work laptop” was taken away")
	p.look("home-passkey-taken")
}
