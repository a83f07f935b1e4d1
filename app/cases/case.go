package cases

import (
	"strconv"
	"strings"
	"time"
)

// State of a case. Add, never rename.
type State string

const (
	Open    State = "open"
	Waiting State = "waiting" // for the person, a delivery, another desk
	Closed  State = "closed"
)

// States in their order.
var States = []State{Open, Waiting, Closed}

// For is for whom or what a case waits. Add, never rename.
type For string

// Fors in the order in which a form offers them.
var Fors = []For{"person", "delivery", "manager", "other_desk"}

// Step is what moves a case from one state to another.
type Step string

const (
	Wait   Step = "wait"
	Resume Step = "resume"
	Close  Step = "close"
	Reopen Step = "reopen"
)

// steps is the whole flow: a pair that is not here is not possible.
var steps = map[State]map[Step]State{
	Open:    {Wait: Waiting, Close: Closed},
	Waiting: {Resume: Open, Close: Closed},
	Closed:  {Reopen: Open},
}

// After gives the state that a step leads to, and whether it is possible.
func (s State) After(step Step) (next State, ok bool) {
	next, ok = steps[s][step]
	return next, ok
}

// Cause is what happened. Add, never rename.
type Cause string

// Other is the cause of a case whose opener named none.
const Other Cause = "other"

// Causes in the order in which a form offers them.
var Causes = []Cause{"lost", "broken", "stolen", "new_phone", "no_coverage", Other}

// Origin is how a case came about. Add, never rename.
type Origin string

const (
	FromDesk    Origin = "desk"         // an agent opened it
	FromPerson  Origin = "self_service" // asked for where somebody signs in: nothing was proved
	FromAccount Origin = "account"      // asked for by somebody who was signed in
)

// RepeatSpan is how far back another case of the same person makes one a repeat
// (product.md §5).
const RepeatSpan = 30 * 24 * time.Hour

// Case is a case.
type Case struct {
	TenantID, ID     string
	Number           int // of its tenant
	UserID           string
	Cause            Cause
	Words            string // what happened, in those of who opened it
	Ticket           string
	ReasonCode       string // of the tenant's reasons, by which something was given last; or empty
	ReasonWords      string // its words of then
	State            State
	WaitsFor         For // while it waits
	Origin           Origin
	OwnerID          string // empty: nobody has taken it
	OpenedBy         string // empty: somebody who was not signed in
	Repeats          int    // other cases of the person that were opened within RepeatSpan before
	OpenedAt         time.Time
	ClosedAt         *time.Time
	ClosedBy, Ending string // Ending: why it was closed, or empty
}

// Name is how people call a case.
func (c Case) Name() string { return Name(c.Number) }

const namePrefix = "C-"

// Name is how people call the case with a number.
func Name(number int) string { return namePrefix + strconv.Itoa(number) }

// numberIn reads a number as somebody types it: C-1042, c1042.
func numberIn(typed string) (number int, ok bool) {
	digits, named := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(typed)), namePrefix[:1])
	digits = strings.TrimPrefix(digits, namePrefix[1:])
	if !named || len(digits) == 0 || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	number, err := strconv.Atoi(digits)
	return number, err == nil
}
