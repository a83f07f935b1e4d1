package journey

import (
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// house is a running program with the data of the demo, and a clock that can be
// moved on.
type house struct {
	*servertest.Program
	t     *testing.T
	ahead atomic.Int64 // how far the clock of the program has been moved on
}

func open(t *testing.T, dialect store.Dialect) *house {
	t.Helper()
	h := &house{Program: servertest.Start(t, dialect), t: t}
	began := h.DB.Now()
	h.DB.SetClock(func() time.Time { return began.Add(time.Since(began) + time.Duration(h.ahead.Load())) })
	return h
}

// later lets time pass for the program, and with it for the phones, which set
// their clocks by its answers.
func (h *house) later(d time.Duration) {
	h.t.Helper()
	h.ahead.Add(int64(d))
	// What the program does every few seconds has been done all along.
	if err := h.Rules.Reload(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// exec changes what no page can change.
func (h *house) exec(statement string, values ...any) {
	h.t.Helper()
	if _, err := h.DB.CountOne(h.t.Context(), statement, values...); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

// pc is somebody's computer.
type pc struct {
	*Tab
	house *house
}

func (h *house) pc() *pc { return h.pcLike(Options{}) }

func (h *house) pcLike(o Options) *pc {
	h.t.Helper()
	return &pc{Tab: NewTab(h.t, o), house: h}
}

// Buttons of the PC pages, as a person finds them.
const (
	primary   = "main .primary"
	useApp    = "form.link-form:has([value=phone]) button"
	usePass   = "form.link-form:has([value=password]) button"
	signOut   = ".bar-out button"
	addPhone  = "form[action='/me/phones'] button"
	helpLink  = "a[href$='/help']"
	notYou    = ".who a"
	startPage = "body.frame"
)

// name gives a sign-in name and comes to the way that was used last.
func (p *pc) name(name string) {
	p.t.Helper()
	p.Open(p.house.URL + "/signin")
	p.Fill("#identifier", name)
	p.Follow(primary)
}

// enter signs in with the password.
func (p *pc) enter(name string) {
	p.t.Helper()
	p.name(name)
	if p.Has("body[data-step=phone]") {
		p.Follow(usePass)
	}
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.signedIn(name)
}

// ask lets the name be asked for on the phone and gives the number to match.
func (p *pc) ask(name string) string {
	p.t.Helper()
	p.name(name)
	if p.Has("body[data-step=password]") {
		p.Follow(useApp)
	}
	return p.number()
}

// number is the one that the page shows.
func (p *pc) number() string {
	p.t.Helper()
	p.WaitFor("body[data-state=pending] #match-number")
	return p.Text("#match-number")
}

func (p *pc) signedIn(name string) {
	p.t.Helper()
	p.WaitFor(startPage)
	if got := p.Text(".bar-who"); got != name {
		p.t.Fatalf("signed in as %q, want %q", got, name)
	}
}

func (p *pc) out() {
	p.t.Helper()
	p.Follow(signOut)
	p.WaitFor("body[data-step=signed-out]")
}

// prove proves it again with a phone, as adding another one wants.
func (p *pc) prove(phone *handset) {
	p.t.Helper()
	p.Open(p.house.URL + "/me/phones")
	p.Follow(addPhone)
	p.provesBy(phone)
	p.WaitForURL("/me/phones")
}

// provesBy proves it with a phone on the page that asks for it.
func (p *pc) provesBy(phone *handset) {
	p.t.Helper()
	p.Follow("form:has([value=phone]) button")
	number := p.number()
	phone.at("request", "[data-kind=step_up]")
	phone.approve(number)
	phone.ended("approved")
}

// link makes an enrolment link, on the page that goes on to follow the phone.
func (p *pc) link() string {
	p.t.Helper()
	p.Open(p.house.URL + "/me/phones")
	p.Follow(addPhone)
	return p.Text("#enrolment-link")
}

// look sees the page in all its shapes, once for both databases.
func (p *pc) look(name string) {
	p.t.Helper()
	if p.house.DB.Dialect == store.SQLite {
		p.whereabouts(name)
		p.Look("pc-"+name, PageShapes)
	}
}
