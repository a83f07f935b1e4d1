package journey

import "latchkey/app/store"

// handset is somebody's phone: the web app, in a browser that shares nothing
// with any PC.
type handset struct {
	*Tab
	house *house
}

const pin = "204881"

func (h *house) handset() *handset { return h.handsetLike(Options{Mobile: true, Agent: Android}) }

func (h *house) handsetLike(o Options) *handset {
	h.t.Helper()
	return &handset{Tab: NewTab(h.t, o), house: h}
}

// at waits for a screen; more narrows it down, such as [data-stage=pin].
func (p *handset) at(screen, more string) {
	p.t.Helper()
	p.WaitFor("main[data-screen=" + screen + "]" + more)
}

// act presses the button of an act.
func (p *handset) act(action string) {
	p.t.Helper()
	p.Click("main [data-action=" + action + "]")
}

// enrol opens a link, gives name and PIN, and comes to the test.
func (p *handset) enrol(link string) {
	p.t.Helper()
	p.Open(link)
	p.Fill("#enrol-pin", pin)
	p.Fill("#enrol-pin-again", pin)
	p.Click("#enrol-submit")
	p.at("request", "[data-kind=test][data-stage=number]")
}

// approve gives a number and the PIN, and sees what became of it.
func (p *handset) approve(number string) {
	p.t.Helper()
	p.answer(number)
	p.at("outcome", "")
}

// answer gives a number and the PIN. The outcome gives way to the next request.
func (p *handset) answer(number string) {
	p.t.Helper()
	p.give(number)
	p.Fill("#pin", pin)
	p.Click("#pin-submit")
}

// give picks or types a number and comes to the PIN.
func (p *handset) give(number string) {
	p.t.Helper()
	p.at("request", "[data-stage=number]")
	if p.Attribute("main", "data-mode") == "pick3" {
		p.Click("[data-number='" + number + "']")
	} else {
		p.Fill("#typed-number", number)
		p.act("next")
	}
	p.at("request", "[data-stage=pin]")
}

// wrong picks one of the numbers that are not on the PC.
func (p *handset) wrong(number string) string {
	p.t.Helper()
	p.at("request", "[data-stage=number]")
	return p.Attribute(".number:not([data-number='"+number+"'])", "data-number")
}

// ended waits for an outcome and goes back to the accounts.
func (p *handset) ended(outcome string) {
	p.t.Helper()
	p.at("outcome", "")
	if got := p.Attribute("main", "data-outcome"); got != outcome {
		p.t.Fatalf("the phone ended with %q, want %q", got, outcome)
	}
	p.act("done")
}

// enable turns phone sign-in on in the menu, where there is nothing to move.
func (p *handset) enable() {
	p.t.Helper()
	p.at("menu", "")
	p.act("enable")
	p.at("explain", "")
	p.act("continue")
	p.at("menu", "")
	p.WaitFor(".state-on")
}

// add adds a phone for who is signed in on the PC.
func (h *house) add(p *pc) *handset {
	h.t.Helper()
	phone := h.handset()
	phone.enrol(p.link())
	p.WaitFor("body[data-state=test] #match-number")
	phone.approve(p.Text("#match-number"))
	phone.ended("approved")
	phone.at("menu", "")
	p.WaitFor("body[data-state=done]") // or it would ask on, beside what comes next
	return phone
}

// ready is a PC and a phone of the same person, signed in on the PC with the
// password, phone sign-in on.
func (h *house) ready(name string) (*pc, *handset) {
	h.t.Helper()
	p := h.pc()
	p.enter(name)
	phone := h.add(p)
	phone.enable()
	return p, phone
}

// look sees the screen in all its shapes, once for both databases.
func (p *handset) look(name string) {
	p.t.Helper()
	if p.house.DB.Dialect == store.SQLite {
		p.whereabouts(name)
		p.Look("phone-"+name, PhoneShapes)
	}
}
