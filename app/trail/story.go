package trail

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"latchkey/app/audit"
	"latchkey/app/fault"
)

// Kind of a story. It stands in addresses and events: add, never rename.
type Kind string

const (
	SignIn Kind = "sign_in" // by its thread
	Case   Kind = "case"    // likewise
	Person Kind = "person"  // what happened to somebody, by their id
	Agent  Kind = "agent"   // what somebody did, by their id
	Ticket Kind = "ticket"  // what was done under one, by its name
)

// Asks is the query of a story, and whether its id is one.
func (k Kind) Asks(id string) (q Query, ok bool) {
	if id == "" || id != strings.TrimSpace(id) || len(id) > 100 || strings.ContainsRune(id, 0) {
		return q, false
	}
	switch k {
	case SignIn, Case:
		return Query{Thread: id}, true
	case Person:
		return Query{Target: id}, !strings.ContainsAny(id, ":@")
	case Agent:
		return Query{Actor: id}, !strings.ContainsAny(id, ":@") && !slices.Contains(otherActors, id)
	case Ticket:
		return Query{Ticket: id}, audit.IsTicket(id)
	}
	return q, false
}

// threads are the kinds of stories that a thread can be, by what its actions begin with.
var threads = map[string]Kind{
	"signin": SignIn, "prompt": SignIn, "step_up": SignIn, "printed_code": SignIn, "phone_code": SignIn,
	"case": Case, "bypass": Case, "caller_check": Case, "vouch": Case, "call_back": Case,
}

// ThreadKind is the kind of the story that the thread of an event is; empty: it is none.
func (r Row) ThreadKind() Kind {
	noun, _, _ := strings.Cut(string(r.Action), ".")
	if r.Thread == "" {
		return ""
	}
	return threads[noun]
}

// Story is a page of a story, the oldest event first.
type Story struct {
	Rows    []Row
	Earlier Position // where the earlier page ends; none: this is the beginning
	Later   Position // where the later page begins; none: this is the end
}

// Story tells a story on after a position, or gives the page before one; with neither it
// begins with its first event. One of which the reader sees nothing is fault.NotFound.
func (s *Service) Story(ctx context.Context, sight Sight, kind Kind, id string, after, before Position) (t Story, err error) {
	none := fault.New(fault.NotFound, "http.not_found")
	q, ok := kind.Asks(id)
	if !ok {
		return t, none
	}
	var p Page
	if before.None() {
		p, err = s.Find(ctx, sight, q, Position{}, cmp.Or(after, Beginning))
	} else {
		p, err = s.Find(ctx, sight, q, before, Position{})
	}
	if err != nil {
		return t, err
	}
	slices.Reverse(p.Rows)
	t.Rows, t.Earlier, t.Later = p.Rows, p.Older, p.Newer
	if before.None() && after.None() {
		t.Earlier = Position{}
		if len(t.Rows) == 0 && t.Later.None() {
			return t, none
		}
	}
	return t, nil
}
