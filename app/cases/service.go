package cases

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Service keeps cases.
type Service struct {
	DB    *store.DB
	Keys  *secret.Keys
	Rules *access.Rules
	Hub   *wake.Hub

	AskMost int // requests from one address within an hour; 0 for no limit
}

// Kinds of acts.
const (
	KindOpen     approval.Kind = "case.open"
	KindNote     approval.Kind = "case.note"
	KindTake     approval.Kind = "case.take"
	KindHandOver approval.Kind = "case.hand_over"
	KindLink     approval.Kind = "case.link"
	KindWait     approval.Kind = "case.wait"
	KindResume   approval.Kind = "case.resume"
	KindClose    approval.Kind = "case.close"
	KindReopen   approval.Kind = "case.reopen"
)

// WithoutWords is the reason of an act that says all by itself.
const WithoutWords = "case.without_words"

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindOpen: s.open, KindNote: s.note, KindTake: s.take, KindHandOver: s.handOver, KindLink: s.link,
		KindWait: s.step(Wait), KindResume: s.step(Resume), KindClose: s.step(Close), KindReopen: s.step(Reopen),
	}
}

// Of names the case that an act is about.
type Of struct {
	Case string `json:"case"`
}

// begin is what every act on a case has: the case, and the plan as far as it is the
// same. One that is not the target's is not there.
func begin(tx *store.Tx, act approval.Act, id string) (c Case, plan approval.Plan, err error) {
	plan = approval.Plan{Questions: []access.Question{question(act)}}
	c, ok, err := find(tx, act.TenantID, id)
	if err != nil {
		return c, plan, err
	}
	if !ok || c.UserID != act.TargetID {
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
		return c, plan, nil
	}
	plan.Difference = []approval.Change{{Field: "case", Before: c.Name(), After: c.Name()}}
	plan.Wrong, err = approval.Wrongly(unfit(tx, act, c.Ticket))
	return c, plan, err
}

func question(act approval.Act) access.Question {
	return access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.CaseHandle, TargetID: act.TargetID}
}

// event is the event of an act on a case.
func (c Case) event(act approval.Act, action audit.Action, details ...string) audit.Event {
	e := act.Event(action)
	e.Target, e.Thread = audit.Party{Kind: audit.KindCase, ID: c.ID}, c.ID
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["number"] = c.Name()
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			e.Details[details[i]] = details[i+1]
		}
	}
	return e
}

// changed says that somebody else was there first.
func changed() error { return fault.New(fault.Conflict, "case.changed") }
