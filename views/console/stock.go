package console

import (
	"context"
	"strconv"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Stock is the list of printed sheets, and where each is.
type Stock struct {
	List     string // address of the list
	Query    string
	States   []component.Choice
	Holder   string // as typed
	Mine     bool
	Batch    string // name of the batch that the list has; empty: all
	BatchID  string
	Filtered bool
	Papers   []PaperRow
	First    string
	Next     string

	NewHref, BatchesHref string // empty for who may not make batches

	// Handing over what is chosen in the list. Without an address nothing can be.
	HandAction string
	Agent      string // as typed
	Typed      string // the reason
	Errors     map[string]string
}

// PaperRow is one sheet in the list.
type PaperRow struct {
	ID, Href, Serial   string
	Person, PersonHref string
	State, Tone        string // in words
	Where              string // with whom the paper is, in words
	Batch, BatchHref   string
	MovedAt            time.Time
	Chooses            bool // it can be handed to an agent from here
	Chosen             bool
}

// Paper is one sheet, with what became of it.
type Paper struct {
	PaperRow
	Here      string // its address
	List      string
	Left      string // codes, in words; empty: it is not known to work
	CreatedAt time.Time
	EndedAt   time.Time
	UsedAt    time.Time
	Steps     []PaperStep
	Acts      []PaperAct
	Typed     string
	Agent     string
	Returned  // by the name of its act
}

// PaperStep is a step of a paper.
type PaperStep struct {
	State, Tone, By, To, Reason string
	At                          time.Time
}

// PaperAct is what the reader may do with a paper. The words are stock.act.NAME.
type PaperAct struct {
	Name   string // "to_agent", "to_user", "lost", "destroyed", "void"
	Path   string
	Danger bool
}

// SheetBatches is the list of batches.
type SheetBatches struct {
	Rows        []SheetBatchRow
	NewHref     string
	StockHref   string
	Next, First string
}

// SheetBatchRow is one batch in the list.
type SheetBatchRow struct {
	Href, Name, For string
	State, Tone     string // in words
	Sheets          string
	By              string
	At              time.Time
}

// NewSheetBatch is the form that draws one up.
type NewSheetBatch struct {
	Action, Back string
	Groups       []component.Choice
	Names        string
	Renews       bool
	Papers       []component.Choice
	Instructions string
	Errors       map[string]string
}

// SheetBatch is one batch: what it would make, how far it is, what there is to do.
type SheetBatch struct {
	SheetBatchRow
	Here, Back, StockHref string
	Is                    string // state, as it is stored
	Paper, Instructions   string
	Renews                bool
	Reason                string
	Ticket                component.TicketRef
	ApprovedBy, EndedBy   string
	MadeAt, PrintedAt     time.Time
	EndedAt, PrintsUntil  time.Time
	Total, Done, Skipped  int
	Mine                  bool // the reader drew it up

	// Of a draft.
	Getting int
	Eyes    bool
	Left    []SheetLeft
	Digest  string
	WhyNot  string // it cannot be started; empty: it can

	Counts    []SheetCount // of one that was printed
	ToHandOut int          // sheets that their printer still has
	CanHand   bool
	CanVoid   bool
	Agent     string
	Typed     string
	Returned  // start, hand, void
}

// SheetLeft is somebody who gets none, and why.
type SheetLeft struct{ Name, Href, Why string }

// SheetCount is how many sheets of a batch are in a state.
type SheetCount struct {
	State, Tone, Href string
	Sheets            int
}

func (v SheetBatch) document() component.Document {
	d := component.Document{Layout: "frame", State: v.Is, Scripts: []string{"console.js", "console-approvals.js", "dialog.js"}}
	if v.Is == "making" {
		d.Scripts, d.Refresh = append(d.Scripts, "import-progress.js"), "3"
	}
	return d
}

func (v SheetBatch) progress(ctx context.Context) string {
	return words.Say(ctx, "stock.progress", "done", strconv.Itoa(v.Done), "total", strconv.Itoa(v.Total))
}

// SheetPrint is a batch with its codes, once.
type SheetPrint struct {
	Name   string
	Sheets []component.Sheet
	Left   int // that were voided instead
	Done   string
}

func (v SheetPrint) fileName() string { return "code-sheets-" + v.Name + ".pdf" }
