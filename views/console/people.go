package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// People is the list of people with its filter.
type People struct {
	Action     string // address of the list
	Query      string
	States     []component.Choice
	MFA        []component.Choice
	Ways       []component.Choice
	Groups     []component.Choice // none: the tenant has no groups
	SignIns    []component.Choice
	AtRisk     bool
	Filtered   bool
	Rows       []PersonRow
	Next       string // address of the next page; or empty
	Previous   string
	First      string // address of the first page, when this is not it; or empty
	Cut        bool   // the search goes on behind Next
	InviteHref string // empty for who may not invite
	ImportHref string // empty for who may not import
}

// PersonRow is one person in the list.
type PersonRow struct {
	Href         string
	Name         string // sign-in name
	DisplayName  string
	State        string // in words
	Tone         string
	MFA          string // in words
	Ways         string // in words
	AtRisk       bool
	Groups       string
	LastSignInAt time.Time // zero: never
}

// Person is the page of one person.
type Person struct {
	StoryHref   string      // of all of it, from the first event on; or empty
	Bypasses    []BypassRow // the last ones, the newest first
	Desk        string      // address of the page that helps them as a caller; or empty
	Photo       component.Picture
	Name        string
	DisplayName string
	State       string // in words
	Tone        string
	LockedBy    string // name of who locked; or empty
	LockedAt    time.Time
	DisabledBy  string
	DisabledAt  time.Time
	MFA         string // in words
	MFAHint     string
	Role        string
	RoleScope   string // names of groups; or empty
	RoleThrough string // name of the group that the role comes through; or empty
	RoleEndsAt  time.Time
	Groups      []PersonGroup
	RoleHref    string // where the role is given and taken; or empty
	WhyHref     string // where it is explained; or empty
	CreatedAt   time.Time
	CreatedBy   string
	LastAt      time.Time // last sign-in; zero: never
	Invitation  string    // what became of it, in words; or empty

	Password    bool
	TOTP        bool      // an authenticator app is set up
	TOTPAddedAt time.Time // since then
	Backups     []BackupPhone

	Sheet        string // serial of the sheet of printed codes; empty: none
	SheetLeft    string // "7 codes left"
	SheetLow     bool
	SheetAddedAt time.Time

	Coming *PaperRow // the sheet that is on its way to them; nil: none is

	Passcode      string // how the static passcode stands; empty: there is none
	PasscodeTone  string
	PasscodeUntil time.Time

	AtRisk    bool
	Phones    []PersonPhone
	Passkeys  []PersonPasskey
	Masked    string // why names are cut short; or empty
	Throttles []Throttle
	Sessions  []PersonSession
	SignIns   []PersonEvent
	History   []PersonEvent
	Told      bool   // the viewer is told the history, or a part of it
	HistoryOf string // which part; or empty for all of it
	Older     string // address; or empty
	Newest    string

	Cases      []CaseRow
	CasesShown bool         // the viewer may see cases
	Check      *PersonCheck // nil: the viewer does not check callers
	Manager    string       // sign-in name; empty: nobody
	CaseOpen   *CaseOpen    // the form of a new one; nil: one stands, or the viewer may not

	Acts  []PersonAct
	Quiet string // why there is nothing to do, when Acts is empty
}

// PersonGroup is one group of a person.
type PersonGroup struct{ Name, Href string }

// PersonPhone is one phone of a person.
type PersonPhone struct {
	ID         string
	Name       string
	Key        string
	Platform   string
	State      string
	Tone       string
	AddedAt    time.Time
	LastUsedAt time.Time // zero: never
	Ended      bool
	Act        *PersonAct // to take it away; nil for none
}

// PersonPasskey is one passkey of a person.
type PersonPasskey struct {
	ID         string
	Name       string
	Synced     bool
	AddedAt    time.Time
	LastUsedAt time.Time  // zero: never
	Act        *PersonAct // to take it away; nil for none
}

// Throttle is a way that takes no tries now, in a sentence.
type Throttle struct {
	Text  string
	Until time.Time // zero: until somebody turns it on again
}

// PersonSession is a signed-in browser of a person.
type PersonSession struct {
	Browser string
	Network string
	How     string
	SinceAt time.Time
	SeenAt  time.Time
	Idle    bool // it is there for what applications hold by it alone
}

// PersonEvent is one thing that happened.
type PersonEvent struct {
	At      time.Time
	What    string
	Why     string // in the words of who did it; or empty
	Ticket  component.TicketRef
	Who     string
	Where   string
	Outcome string
	Tone    string
}

// PersonAct is an act with its form, which says what will happen to whom.
type PersonAct struct {
	ID       string // of the form
	Trigger  string
	Title    string
	Text     string
	Action   string
	Button   string
	Danger   bool
	Choices  *component.Choices // besides the reason; or nil
	Name     *component.Field   // of somebody, besides the reason; or nil
	File     *component.Field   // a picture, besides the reason; or nil
	Once     string             // names this form, for what must happen once
	Typed    string             // the reason, as typed
	Problems map[string]string  // by field
}

func (a PersonAct) open() bool { return len(a.Problems) > 0 }

// Invite is the form for somebody new.
type Invite struct {
	Action string
	Once   string
	Back   string
	Typed  InviteForm
	Domain string // the tenant's, for the hint
	Groups []component.Choice
	Errors map[string]string
}

// InviteForm is the form as typed.
type InviteForm struct {
	Name, DisplayName, Reason string
}

func (v Invite) problems() []component.Problem {
	return component.Problems(v.Errors, "name", "display_name", "groups", "reason", "ticket")
}

// Invited shows the link of an invitation, once.
type Invited struct {
	Name      string
	Link      string // empty: it has been shown
	ExpiresAt time.Time
	Href      string // of the person
}

func (v People) empty(ctx context.Context) (head, text string) {
	switch {
	case v.Cut:
		return words.Say(ctx, "console.people.cut.title"), words.Say(ctx, "console.people.cut.text")
	case v.Filtered:
		return words.Say(ctx, "console.people.nobody.title"), words.Say(ctx, "console.people.nobody.text")
	}
	return words.Say(ctx, "console.people.none.title"), words.Say(ctx, "console.people.none.text")
}

// BackupPhone is a number that gets codes, masked.
type BackupPhone struct {
	Number, How, Icon string
	AddedAt           time.Time
	LastUsedAt        time.Time // zero for never
}
