// Package me holds the pages of a signed-in person: the start page and
// everything under My security info.
package me

import (
	"context"
	"slices"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Home is the start page.
type Home struct {
	Applications []Application
	Attention    []Attention
	Notices      []Notice
}

// Notice tells what somebody else did to the account.
type Notice struct {
	What   string
	By     string // role of who did it, in words; or empty
	Why    string // in the words of who did it; or empty
	Next   string // what to do when it was not expected
	At     time.Time
	Tone   string // "warn" or ""
	Action string // address that puts it away
	Where  string // "the internet, 192.0.2.7"; or empty
	Undo   string // address that takes it back; or empty

	Until *time.Time // that what was given works at the latest; nil: it is not about that
}

// Restricted is the start page of a session that a bypass made.
type Restricted struct {
	Applications []Application
	EndsAt       time.Time // of the session
	BindUntil    time.Time // that something new can be bound; zero: not any more
}

// Application is something to go to from the start page.
type Application struct {
	Name string
	Text string
	Href string
}

// Attention is a thing to be done, with the way there.
type Attention struct {
	Text  string
	Why   string
	Href  string
	Label string
	Tone  string // "warn" or "bad", or "" for a hint
}

// Overview is My security info.
type Overview struct {
	Bypass         *OwnBypass // that the helpdesk gave them; nil: none
	Case           *Case      // of theirs that stands at the helpdesk; nil: none
	Check          *Check     // by the helpdesk of who is on the line; nil: none lately
	Ready          Readiness
	Authenticators []Authenticator
	LastSignInAt   time.Time
	LastSignInHow  string // "by phone, Firefox on Linux"; or empty
}

// OwnBypass is a bypass, as the person whom it lets in sees it.
type OwnBypass struct {
	Kind, State, Agent string
	EndsAt             time.Time
}

// Case is a case at the helpdesk, as the person it is about sees it: by the agent's name
// they can tell who may call them.
type Case struct {
	Name                string // empty: it is told once an agent has the case
	Agent, Cause, State string
	OpenedAt            time.Time
}

// Check is a check by the helpdesk of who is on the line, as the person it is about sees
// it, with the letters that its agent can read out.
type Check struct {
	Agent, Role, Case, Letters string
	State, Tone                string
	At                         time.Time
}

// Readiness says how well somebody is prepared for a bad day.
type Readiness struct {
	Word     string // "Ready", "Nearly there", "At risk"
	Sentence string
	Filled   int // ways that work without the phone, of so many that make ready
	Parts    int
	Steps    []ReadyStep
}

// ReadyStep is one part of the gauge.
type ReadyStep struct {
	Text  string
	Done  bool
	Href  string // the way to do it; or empty
	Label string
}

// Authenticator is one kind of way in, with its state.
type Authenticator struct {
	Icon       string
	Name       string // "Phone", "Password"
	Detail     string // "2 phones"
	State      string // "On", "Not set up"
	Tone       string // "good", "warn", "bad" or ""
	Default    bool
	LastUsedAt time.Time
	Lost       string // what happens when it is gone; or empty
	Shut       bool   // nobody gets in then
	Href       string // where it is managed; or empty
	Label      string
}

// Used notes that one of its kind was used at a time, nil for never.
func (a *Authenticator) Used(at *time.Time) {
	if at != nil && at.After(a.LastUsedAt) {
		a.LastUsedAt = *at
	}
}

// Phones is the list of phones.
type Phones struct {
	Rows         []PhoneRow
	CanAdd       bool
	WhyNotAdd    string // when CanAdd is false
	RenameError  string // after a name that was refused
	RenameDevice string // the phone that RenameError is about
	RenameTyped  string
}

// LostPhone is where a phone that is gone is removed, and the next one added.
type LostPhone struct {
	Rows   []PhoneRow
	Left   string // what still lets them in without it
	Shut   bool   // nothing does
	CanAdd bool
	Wait   string // what stands in the way of helping oneself; or empty
	Off    string // who helps instead, where nobody helps themselves
	Ask    AskDesk
}

// AskDesk is the form by which somebody asks the helpdesk.
type AskDesk struct {
	component.Asking
	Action string
	Stands bool // a case of theirs does, to which it is added
}

// PhoneRow is one phone.
type PhoneRow struct {
	ID          string
	Name        string
	Platform    string // in words: "Android"
	State       string // in words: "Ready"
	Tone        string // of State
	Default     bool
	PhoneSignIn bool
	AddedAt     time.Time
	LastUsedAt  time.Time // zero for never
	CanRevoke   bool
	CanDefault  bool
	RevokeText  string // what removing it means
}

// The states of adding a phone, as in data-state of the page and in the answer of StateURL.
const (
	Waiting = "waiting" // for the phone to open the link
	Test    = "test"    // the phone is enrolled and shows the test request
	Done    = "done"
	Expired = "expired" // the link is over, or the test was not passed
)

// AddPhone is the page with the QR code. The script asks StateURL for
// {"state": "waiting|test|done|expired", "number": "42", "device": "My phone"}
// and changes the page in place, because the link is shown only once.
type AddPhone struct {
	State     string
	Link      string   // empty when the link has been shown before
	QR        [][]bool // true for dark
	Number    string   // of the test request; only in Test
	Device    string   // name of the phone, once known
	StartedAt time.Time
	ExpiresAt time.Time
	StateURL  string // GET, answers JSON as above
	EventsURL string // server-sent events "state" as a hint to ask StateURL; or empty
	SelfURL   string // GET of this page without the link, for people without script; or empty
	Platforms string // "iPhone and Android"
	Back      string // address of the page that it was begun on
	Asked     bool   // that page is the one that asks for a phone after a sign-in
	ReturnTo  string // where that one leads on to
	SameHost  bool   // a second tab on this computer may play the phone
}

// Sessions is where somebody is signed in.
type Sessions struct {
	Rows     []SessionRow
	Browsers []BrowserRow
}

// BrowserRow is one browser that somebody trusts.
type BrowserRow struct {
	ID      string
	This    bool
	Browser string
	SinceAt time.Time
	UsedAt  time.Time
	EndsAt  time.Time
	Off     bool // for now it counts for nothing
}

// SessionRow is one signed-in browser.
type SessionRow struct {
	Applications string // that were gone to in it; empty for none
	ID           string
	This         bool
	Browser      string // "Firefox on Linux"
	IP           string
	SinceAt      time.Time
	SeenAt       time.Time
	EndsAt       time.Time
	EndsAnyway   bool   // however much it is used
	How          string // "phone", "password and phone"
	Weaker       bool   // made by a weak way
	CanEnd       bool
	Restrict     string // "restricted" and the like; or empty
}

// Activity is what has happened, newest first.
type Activity struct {
	Events []Event
	Older  string // address of the next page; or empty
	Newest string // address of the first page, when this is not it; or empty
}

// Event is one thing that happened.
type Event struct {
	At      time.Time
	What    string // "Signed in by phone"
	Detail  string // "Firefox on Linux, office-desk-3"; or empty
	Where   string // "Berlin, Germany · 192.0.2.7"
	Outcome string // "done", "refused"
	Tone    string // "good", "warn", "bad" or ""
}

// Preferences are the choices of one person.
type Preferences struct {
	Theme   string // "", "light" or "dark"
	Ways    []component.Choice
	Errors  map[string]string
	WaysWhy string // why there is no choice, when Ways is empty

	Features []Feature // that they may turn on and off
}

// Feature is one that its reader turns on and off by themselves.
type Feature struct {
	Name   string
	About  string // what it does for them
	On     bool
	Means  string // what turning it off means besides; or empty
	Action string
}

// seen is what puts the notice away: of a sign-in that it was one's own.
func (n Notice) seen(ctx context.Context) string {
	if n.Undo != "" {
		return words.Say(ctx, "me.notices.mine")
	}
	return words.Say(ctx, "me.notices.seen")
}

// menu is the navigation of the account; here is the address of this page.
func menu(ctx context.Context, here string) []component.MenuItem {
	items := []component.MenuItem{
		{Label: words.Say(ctx, "me.menu.home"), Href: "/", Icon: "home"},
		{Label: words.Say(ctx, "me.menu.info"), Href: "/me", Icon: "shield"},
		{Label: words.Say(ctx, "me.menu.phones"), Href: "/me/phones", Icon: "phone"},
		{Label: words.Say(ctx, "me.menu.passkeys"), Href: "/me/passkeys", Icon: "passkey"},
		{Label: words.Say(ctx, "me.menu.totp"), Href: "/me/totp", Icon: "clock"},
		{Label: words.Say(ctx, "me.menu.codes"), Href: "/me/codes", Icon: "printer"},
		{Label: words.Say(ctx, "me.menu.backup"), Href: "/me/backup-phones", Icon: "message"},
		{Label: words.Say(ctx, "me.menu.password"), Href: "/me/password", Icon: "key"},
		{Label: words.Say(ctx, "me.menu.sessions"), Href: "/me/sessions", Icon: "monitor"},
		{Label: words.Say(ctx, "me.menu.activity"), Href: "/me/activity", Icon: "clock"},
		{Label: words.Say(ctx, "me.menu.preferences"), Href: "/me/preferences", Icon: "sliders"},
	}
	for i := range items {
		items[i].Current = items[i].Href == here
	}
	return items
}

// inBypass are the pages that are open to a session which a bypass made.
var inBypass = []string{"/", "/me/phones", "/me/passkeys"}

func framed(ctx context.Context, p component.Page, title, here string) component.Page {
	p.Menu = menu(ctx, here)
	if p.Restricted {
		p.Menu = slices.DeleteFunc(p.Menu, func(item component.MenuItem) bool { return !slices.Contains(inBypass, item.Href) })
	}
	return p.Titled(title)
}

func doc(state string, scripts ...string) component.Document {
	return component.Document{Layout: "frame", State: state, Scripts: scripts}
}

func (r Readiness) gauge(ctx context.Context) component.Gauge {
	g := component.Gauge{Parts: r.Parts, Filled: r.Filled}
	g.Label = words.Say(ctx, "me.info.steps", "done", component.Count(g.Filled), "all", component.Count(g.Parts))
	return g
}

func (v AddPhone) document() component.Document {
	d := doc(v.State, "phones-wait.js", "copy.js")
	if v.SelfURL != "" && (v.State == Waiting || v.State == Test) {
		d.Refresh = "5; url=" + v.SelfURL
		if v.Link != "" {
			d.Refresh = "" // the link is shown once: it must not vanish by itself
		}
	}
	return d
}

func (v Sessions) others() bool {
	for _, r := range v.Rows {
		if !r.This && r.CanEnd {
			return true
		}
	}
	return false
}

func (v Preferences) themes(ctx context.Context) []component.Choice {
	return []component.Choice{
		{Value: "", Label: words.Say(ctx, "me.preferences.auto"), Hint: words.Say(ctx, "me.preferences.auto_hint"), Chosen: v.Theme == ""},
		{Value: "light", Label: words.Say(ctx, "me.preferences.light"), Chosen: v.Theme == "light"},
		{Value: "dark", Label: words.Say(ctx, "me.preferences.dark"), Chosen: v.Theme == "dark"},
	}
}

func (v Phones) renameTyped(row PhoneRow) string {
	if v.RenameDevice == row.ID && v.RenameError != "" {
		return v.RenameTyped
	}
	return row.Name
}

func (v Phones) renameError(row PhoneRow) string {
	if v.RenameDevice == row.ID {
		return v.RenameError
	}
	return ""
}
