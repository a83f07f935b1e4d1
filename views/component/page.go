// Package component holds what several pages share: the document, the frame
// with its navigation, fields and forms, times, icons and small drawings.
//
// Pages are given values that are ready to show, and take their words from the
// catalogue. Nothing here knows a service or a request.
package component

import (
	"strings"
	"sync/atomic"
	"time"
)

// Page is what every page needs besides its own struct.
type Page struct {
	Title       string    // of the window; the product's name is added
	TenantName  string    // as the organisation calls itself; empty before it is known
	CSRF        string    // token of every form
	Theme       string    // "light", "dark" or "" for what the system says
	SignedInAs  string    // sign-in name; empty for nobody
	Restricted  bool      // a bypass made the session: few pages are open to it
	Application string    // that a sign-in leads to; empty: none
	Role        string    // administrative role in words; empty for none
	RoleEndsAt  time.Time // when it ends by itself; zero: it does not
	RequestID   string    // shown on problem pages, so that it can be told to the helpdesk
	ConsoleHref string    // address of the console; empty for people who may not enter one
	ChooserHref string    // where to choose another tenant; empty for people who have one alone
	Menu        []MenuItem
	Flash       string    // one sentence about what has just been done
	Banner      string    // one bold sentence above everything: outage, break-glass
	BannerUntil time.Time // until when it is so; zero: nobody knows
	Alarm       string    // another one, of the console: a break-glass account is open
	AlarmAt     time.Time // since when
	Now         time.Time // the moment that "3 minutes ago" is counted from

	// Of the console.
	SearchHref         string    // where the search of the bar leads; empty for none
	Searched           string    // what was searched for
	ConsoleEndsAt      time.Time // when the console closes if nobody does anything
	StayHref           string    // what keeps it open, and says for how long
	ConsoleEndsForGood bool      // and only signing in again opens it
	Ticket             Ticket    // of the form that came back
}

// Ticket is what was typed for the ticket of a form that came back, and what one looks
// like. It stands beside the reason of so many forms that it comes with the page.
type Ticket struct {
	Action       string // address that the form was sent to; empty: none came back
	Typed, Error string
	Example      string // of the tickets of the organisation, where they have a form; or empty
}

// TicketWrong says whether the form that was sent to an address came back for its ticket.
func (p Page) TicketWrong(action string) bool {
	return p.Ticket.Action == action && p.Ticket.Error != ""
}

// MenuItem is one line of the navigation. An item without an address is the
// heading of those that follow.
type MenuItem struct {
	Label   string
	Href    string
	Icon    string // a name that Icon knows
	Current bool
	Badge   string // a short count, or empty
	Live    string // address of the stream that tells the count, or empty
}

// Document is how a page stands in its window.
type Document struct {
	Layout  string   // "card", "frame" or "sheet"; a class of the body
	Step    string   // data-step of the body
	State   string   // data-state of the body
	Attempt string   // data-attempt of the body
	Scripts []string // modules under js/
	Next    string   // address to which the page leads at once, by itself; or empty
	Refresh string   // content of the refresh that stands in for script, such as "3"; or empty
}

// assetPrefix is where static files are served; see SetAssetPrefix.
var assetPrefix atomic.Pointer[string]

// SetAssetPrefix tells at the start under which address static files are served,
// such as "/static/1a2b3c4d/". Several programs in one process say the same.
func SetAssetPrefix(prefix string) {
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	assetPrefix.Store(&prefix)
}

// Asset is the address of a static file.
func Asset(name string) string {
	if prefix := assetPrefix.Load(); prefix != nil {
		return *prefix + name
	}
	return "/static/" + name
}

// Product is the name of the product, the same in every language.
const Product = "Latchkey"

// Titled is the page with its title.
func (p Page) Titled(title string) Page {
	p.Title = title
	return p
}

// windowTitle is the title of the browser window.
func (p Page) windowTitle() string {
	switch {
	case p.Title == "":
		return Product
	case p.TenantName == "":
		return p.Title + " · " + Product
	}
	return p.Title + " · " + p.TenantName
}

// owner is the name in the bar: the organisation's, or the product's.
func (p Page) owner() string {
	if p.TenantName == "" {
		return Product
	}
	return p.TenantName
}
