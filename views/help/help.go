// Package help holds the pages that tell people how to sign in: short, and to be printed.
package help

import "latchkey/views/component"

// Topic is one page of help. Its texts are keys of the catalogue.
type Topic struct {
	Name              string // in the address
	Icon, Title, Lead string
	Steps             []string // in their order
	Notes             string   // above what follows
	Points            []string
	Links             []Link
}

// Link leads to where the reader does what they read about.
type Link struct{ Href, Label string }

var securityInfo = Link{"/me", "help.to.info"}

// Topics are all of them, in the order of the list.
var Topics = []Topic{
	{
		Name: "how", Icon: "phone", Title: "help.how.title", Lead: "help.how.lead",
		Steps: []string{"help.how.1", "help.how.2", "help.how.3"},
		Notes: "help.how.safe", Points: []string{"help.how.key", "help.how.two", "help.how.number", "help.how.helpdesk", "help.how.not_me"},
	},
	{
		Name: "mfa", Icon: "key", Title: "help.mfa.title", Lead: "help.mfa.lead",
		Notes: "help.mfa.when", Points: []string{"help.mfa.phone", "help.mfa.passkey", "help.mfa.password", "help.mfa.enforced"},
		Links: []Link{securityInfo},
	},
	{
		Name: "no-signal", Icon: "globe", Title: "help.signal.title", Lead: "help.signal.lead",
		Steps: []string{"help.signal.1", "help.signal.2", "help.signal.3"},
		Notes: "help.before", Points: []string{"help.signal.app", "help.signal.codes", "help.signal.passkey"},
		Links: []Link{{"/me/totp", "help.to.totp"}, {"/me/codes", "help.to.codes"}},
	},
	{
		Name: "new-phone", Icon: "arrow", Title: "help.new.title", Lead: "help.new.lead",
		Steps: []string{"help.new.1", "help.new.2", "help.new.3", "help.new.4"},
		Notes: "help.new.gone", Points: []string{"help.new.lost", "help.new.two"},
		Links: []Link{{"/me/phones", "help.to.phones"}},
	},
	{
		Name: "lost-phone", Icon: "warn", Title: "help.lost.title", Lead: "help.lost.lead",
		Steps: []string{"help.lost.1", "help.lost.2", "help.lost.3", "help.lost.4"},
		Notes: "help.lost.safe", Points: []string{"help.lost.locked", "help.lost.nobody"},
		Links: []Link{{"/me/lost-phone", "help.to.lost"}},
	},
	{
		Name: "no-company-phone", Icon: "passkey", Title: "help.own.title", Lead: "help.own.lead",
		Points: []string{"help.own.private", "help.own.passkey", "help.own.codes", "help.own.office"},
		Notes:  "help.own.choose", Links: []Link{securityInfo},
	},
	{
		Name: "watch", Icon: "clock", Title: "help.watch.title", Lead: "help.watch.lead",
		Steps: []string{"help.watch.1", "help.watch.2", "help.watch.3"},
		Notes: "help.watch.know", Points: []string{"help.watch.nothing", "help.watch.key"},
	},
	{
		Name: "office-phone", Icon: "call", Title: "help.office.title", Lead: "help.office.lead",
		Steps: []string{"help.office.1", "help.office.2", "help.office.3"},
		Notes: "help.office.know", Points: []string{"help.office.weaker", "help.office.two", "help.office.shared"},
		Links: []Link{{"/me/backup-phones", "help.to.backup"}},
	},
}

// Of gives a topic by its name.
func Of(name string) (Topic, bool) {
	for _, t := range Topics {
		if t.Name == name {
			return t, true
		}
	}
	return Topic{}, false
}

var document = component.Document{Layout: "card broad", Step: "help", Scripts: []string{"print.js"}}
