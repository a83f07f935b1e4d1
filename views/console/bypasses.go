package console

import (
	"context"
	"strings"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Bypasses is the list of bypasses, without their codes.
type Bypasses struct {
	List        string // address of it
	Open        bool   // only those that still let somebody in
	Rows        []BypassRow
	First, Next string // addresses of other pages; or empty
}

// BypassRow is one of them.
type BypassRow struct {
	ID, Href                    string
	Person, PersonHref          string
	Kind, State, Tone           string
	Delivery                    string // of a code; or empty
	Check, CheckHref            string // by which its person was proved, and where that is shown; or empty
	AskedBy, ApprovedBy         string
	Reason                      string
	Ticket                      component.TicketRef
	TicketAnswer                string // of the ticket system; or empty
	Uses                        string
	Network, Application        string // that it is for alone; or empty
	CaseHref                    string
	Ahead                       bool // its start lies ahead
	StartsAt, EndsAt, CreatedAt time.Time
	LastUsedAt, EndedAt         time.Time // zero: not yet
	EndedBy, Ending             string
}

// Bypass is the page of one.
type Bypass struct {
	BypassRow
	List         string
	Code         string // the agent's part, once; or empty
	Half         bool   // that is half of it
	Sending      bool   // a part was sent to a phone, just now
	MakeAction   string // address that makes the code; or empty
	MakeText     string
	RevokeAction string // or empty
}

// Desk is the page on which an agent helps a caller.
type Desk struct {
	Photo                         component.Picture
	PersonHref, Name, DisplayName string
	State, Tone, Role, Ways       string
	LastAt                        time.Time
	Warnings                      []string
	Case                          *CaseRow    // that the person has; nil: none
	Before                        []BypassRow // the last ones
	Standing                      *BypassRow  // that lets them in now; nil: none
	Proof                         *DeskProof  // of the caller; nil: none yet
	Check                         PersonCheck
	IssueAction                   string
	Form                          *BypassForm
}

// DeskProof is what of the caller is proved.
type DeskProof struct {
	ID, Via, Strength string
	Weak              bool
	Until             time.Time
}

// BypassForm is the form of a bypass.
type BypassForm struct {
	Kinds, Deliveries                component.Choices
	Phones, Applications             []component.Choice
	Places                           []string
	Minutes, Uses, StartsAt, Network string // as typed
	Alone, UsesMost                  string
	Replaces                         string // id of the one that it would replace; or empty
	Eyes                             bool   // a second person approves it, whatever is chosen
	Typed                            string // the reason
	Presets                          []Preset
	Free                             bool // a reason may be given that is none of them
	Errors                           map[string]string
}

// Preset is a reason of the organisation, with what is usual for it.
type Preset struct {
	Value  string // its code; empty: another reason
	Words  string
	Usual  string
	Key    string // that chooses it, or empty
	Ticket bool   // it takes one
	Chosen bool
}

// unusual says whether something else than what is usual is shown from the beginning.
func (f *BypassForm) unusual() bool {
	return f.Minutes != "" || f.Errors["kind"]+f.Errors["delivery"]+f.Errors["minutes"] != "" || !f.Kinds.Choices[0].Chosen || !f.Deliveries.Choices[0].Chosen
}

// narrowed says whether what is seldom needed is shown from the beginning.
func (f *BypassForm) narrowed() bool {
	return f.Uses != "1" && f.Uses != "" || f.StartsAt != "" || f.Network != "" || f.Errors["uses"]+f.Errors["starts_at"]+f.Errors["network"]+f.Errors["application"] != ""
}

// places says which networks have a name.
func (f *BypassForm) places(ctx context.Context) string {
	if len(f.Places) == 0 {
		return words.Say(ctx, "bypass.network.hint")
	}
	return words.Say(ctx, "bypass.network.named", "places", strings.Join(f.Places, ", "))
}

// called is how the person is called.
func (v Desk) called() string {
	if v.DisplayName != "" {
		return v.DisplayName
	}
	return v.Name
}
