package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Approvals lists what waits for a second pair of eyes, and what became of the
// rest.
type Approvals struct {
	Yours   []ApprovalRow // the reader may decide
	Own     []ApprovalRow // the reader asked for
	Others  []ApprovalRow // others decide
	Decided []ApprovalRow
	Newest  string // address of the first page of decided ones; empty on it
	Older   string // address of the next page; empty on the last
}

// ApprovalRow is one request in a list.
type ApprovalRow struct {
	Href      string
	Icon      string
	Act       string // "Give a role"
	Target    string // whom it is done to, or empty
	Requester string
	Decider   string    // empty while it waits, or when nobody decided
	At        time.Time // asked for, or decided
	EndsAt    time.Time // until when it waits; zero when it is decided
	State     string    // in words; empty while it waits
	Tone      string
}

// title is the act with the name of the person it is done to.
func (r ApprovalRow) title(ctx context.Context) string {
	if r.Target == "" {
		return r.Act
	}
	return words.Say(ctx, "approval.act_on", "act", r.Act, "name", r.Target)
}

// Approval is one request.
type Approval struct {
	Act        string
	Target     Somebody // no name: it is done to nobody
	Requester  Somebody
	AskedAt    time.Time
	EndsAt     time.Time
	Reason     string
	Ticket     component.TicketRef // that it is done under
	Lines      []Line
	Photo      component.Picture // that it is about; empty: none
	People     string            // address of the page of everybody whom it changes; empty: there is none
	State      string            // in words
	Tone       string
	Waits      bool
	After      string // what the state means, such as of a void one; or empty
	Decider    Somebody
	DecidedAt  time.Time
	Words      string    // of who decided
	Findings   []Finding // why the reader may not decide; empty when they may
	MayDecide  bool
	MayUndo    bool   // the reader asked for it, and it waits
	HasPhone   bool   // some phone of the reader can approve it
	Here       string // address of this page
	Problem    string // why what was just tried did not work
	Typed      string // the reason to refuse, as typed
	Error      string // what is wrong with it
	WordsTyped string // the words to approve with
	WordsError string
	List       string // address of the list
	Sheet      string // address of the page where a sealed sheet stands for the second person; empty: none does
}

// Somebody is somebody by the names that they have.
type Somebody struct {
	Name string // as they are called, or their sign-in name
	Sign string // sign-in name, when it says more; or empty
}

// Line is one line of a difference, in words.
type Line struct {
	Field, Before, After string
	Same                 bool // nothing changes in it
}

// Finding is what one rule says.
type Finding struct {
	Text  string
	Holds bool
}

func (v Approval) problems(p component.Page) []component.Problem {
	wrong := map[string]string{"": v.Problem, "refuse-reason": v.Error, "approve-reason": v.WordsError}
	for _, act := range []string{"approve", "refuse"} {
		if p.TicketWrong(v.Here + "/" + act) {
			wrong[act+"-ticket"] = p.Ticket.Error
		}
	}
	return component.Problems(wrong, "approve-reason", "approve-ticket", "refuse-reason", "refuse-ticket")
}
