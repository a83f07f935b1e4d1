// Package signin holds the pages between the sign-in name and the session.
//
// Each page asks one question, has one primary button, and lists the other
// ways below it. A name that does not exist gets the same pages.
package signin

import (
	"context"
	"strings"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Name is the first page: who are you?
type Name struct {
	Identifier string // as typed, or the hint
	ReturnTo   string
	Error      string

	Passkey      string // what a passkey is to sign, as JSON; empty where there are none
	PasskeyLife  string // seconds for which that is good
	PasskeyError string // why the last one did not work
}

// Passkey is the page that asks for a passkey.
type Passkey struct {
	Attempt   string
	UserName  string
	Options   string // what is to be signed, as JSON
	Error     string
	Halfway   bool   // another factor was right, the passkey comes on top
	OtherWays string // as of Password
	Stay      component.Check

	ByPassword bool // the password is another way
}

// Password is the page that asks for the password.
type Password struct {
	Attempt  string
	UserName string // the sign-in name as typed
	Error    string
	Notice   string // why the browser came here, such as after a refused step; or empty
	Halfway  bool   // another factor was right, the password comes on top

	OtherWays string // address of the page that offers them, when the person is signed in and proves it again; else empty
	Stay      component.Check

	ByPhone bool // the phone is another way
}

// Code is the page that asks for six digits of an authenticator app.
type Code struct {
	Attempt   string
	UserName  string
	Error     string
	Halfway   bool   // another factor was right, the code comes on top
	OtherWays string // as of Password
	Stay      component.Check

	ByPassword bool // the password is another way
}

// PrintedCode asks for one code of a sheet, by its number.
type PrintedCode struct {
	Attempt   string
	UserName  string
	Number    string
	Error     string
	Halfway   bool   // another factor was right, the code comes on top
	OtherWays string // as of Password
	Stay      component.Check

	ByPassword bool // the password is another way
}

// PhoneCode asks for a code that was sent to a backup phone.
type PhoneCode struct {
	Attempt  string
	UserName string
	Method   string // "sms" or "voice"
	Title    string
	Lead     string // where it went, or that nobody says
	Again    string // words on the button that sends a new one
	Error    string
	Halfway  bool   // the password was right, the code comes on top
	SentTo   string // id of the phone; empty before something was proved
	Stay     component.Check
	Others   []OtherNumber

	ByPassword bool // the password is another way
}

// OtherNumber is another phone that the code could go to.
type OtherNumber struct{ ID, Label string }

// The states of a phone request, as in data-state of the page and in the event stream.
const (
	Pending  = "pending"
	Approved = "approved"
	Denied   = "denied"
	Expired  = "expired"
	Held     = "held"
)

// Phone is the page that shows the number and waits for the phone. It does not
// say how the phone gives it back: that tells administrators from others.
type Phone struct {
	Attempt      string
	UserName     string
	State        string // Pending, Approved, Denied, Expired or Held
	Number       string // two digits, six in type6
	StartedAt    time.Time
	ExpiresAt    time.Time
	RetryAt      time.Time // Held: from when a request may be sent again; zero when that is not told
	SecondFactor bool      // the password was right, the phone comes on top
	ByPassword   bool      // the password is another way
	OtherWays    string    // address of the page that offers them, when the person is signed in and proves it again; else empty
	Approves     string    // what the phone is asked to approve: "Give a role: user3"; empty for a sign-in
	Request      string    // address of the page of the request that it approves
	Stay         component.Check
}

// Help lists what is left for somebody who cannot use the phone now, strongest way first.
type Help struct {
	Attempt       string
	UserName      string
	Ways          []Way
	Halfway       bool   // one factor was right, and these are for the other one
	Lost          string // the page of who lost their phone, for when they are in; empty where the helpdesk removes it
	Check         string // who at the helpdesk checks them just now; or empty
	Ask           string // where they ask it in writing; or empty
	HelpdeskPhone string // as it is dialled; or empty
	HelpdeskHours string // "around the clock"; or empty
}

// Way is one way in: a step to change to, or advice when Method is empty.
type Way struct {
	Title  string
	Advice string
	Method string // one of the steps of the flow
	Button string // "Use this"
	Icon   string
	Weaker bool // marked as the weaker way that it is
}

// StepUp asks somebody who is signed in to prove it again.
type StepUp struct {
	UserName string
	ReturnTo string
	Ways     []Way  // one button each, sent as method to /step-up
	Password bool   // it is among them; else the page says why not
	Phone    bool   // it is among them; the page says what to do when it is lost
	Passkey  bool   // as Phone
	Asked    string // the proofs that do for the act, sent along
	Limited  bool   // the session is, and this ends it

	Restricted bool // a bypass made the session, and this lets something new be bound
	Lost       bool // there is none, because the phone that would do was removed by less

	LostHelps bool // whoever lost their phone removes it by themselves

	Vouch      string // where their manager is asked for their word; or empty
	VouchText  string
	VouchStops string // why they cannot be asked; or empty
	CallBack   string // where the helpdesk is asked to call back; or empty
	CallStops  string // why it cannot be asked; or empty
}

// stay is the box to tick, which stands beside the form that it belongs to: that
// one is sent by itself.
func (v Phone) stay() component.Check {
	v.Stay.Form = "finish"
	return v.Stay
}

func (v Name) document() component.Document {
	d := component.Document{Layout: "card", Step: "name"}
	if v.Passkey != "" {
		d.Scripts = []string{"passkey-get.js"}
	}
	return d
}

// autocomplete lets a browser offer passkeys where it offers names.
func (v Name) autocomplete() string {
	if v.Passkey != "" {
		return strings.Join([]string{"username", "webauthn"}, " ")
	}
	return "username"
}

func (v Phone) document() component.Document {
	d := component.Document{Layout: "card", Step: "phone", State: v.State, Attempt: v.Attempt, Scripts: []string{"signin-wait.js"}}
	switch v.State {
	case Pending:
		d.Refresh = "3"
	case Held:
		d.Refresh = "10" // the request is sent as soon as it may be
	}
	return d
}

func (v Phone) title(ctx context.Context) string {
	switch {
	case v.State == Approved || v.State == Denied || v.State == Expired || v.State == Held:
		return words.Say(ctx, "signin.phone."+v.State+".title")
	case v.Approves != "":
		return words.Say(ctx, "signin.approve.title")
	}
	return words.Say(ctx, "signin.phone.title")
}

func under(attempt, path string) string { return "/signin/" + attempt + path }

// call says how to reach the helpdesk, or nothing when that is not known.
func (v Help) call(ctx context.Context) string {
	switch {
	case v.HelpdeskPhone == "":
		return ""
	case v.HelpdeskHours == "":
		return words.Say(ctx, "signin.help.desk.call", "number", v.HelpdeskPhone)
	}
	return words.Say(ctx, "signin.help.desk.call_at", "number", v.HelpdeskPhone, "hours", v.HelpdeskHours)
}

// Passcode asks for a static passcode.
type Passcode struct {
	Attempt, UserName, Error string
	ByPassword               bool // the password is another way
}

// Bypass takes the code that the helpdesk gave.
type Bypass struct {
	Attempt, UserName, Error string
	Skips                    bool // no code is asked for
	Halfway                  bool // another factor was right
	ByPassword               bool // the password is another way
}

// notNow is where who does not prove it now goes.
func (v StepUp) notNow() string {
	if v.Restricted {
		return "/"
	}
	return "/me"
}
