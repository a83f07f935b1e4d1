package risk

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindAcknowledge is the act of saying that a risk is to stay for a while.
const KindAcknowledge approval.Kind = "risk.acknowledge"

// LookMost is how far ahead the day may lie on which it is looked at again.
const LookMost = 366 * 24 * time.Hour

// Service is the register.
type Service struct{ DB *store.DB }

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindAcknowledge: s.acknowledge}
}

// Acknowledged says of a risk until when it may stay.
type Acknowledged struct {
	Risk  string `json:"risk"`
	Until string `json:"until"` // a day, 2027-01-31, which is over at its end in UTC
}

// acknowledge plans to note that somebody has looked at a risk. It changes nothing else, so
// one person does it.
func (s *Service) acknowledge(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Acknowledged
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	r, known := Named(asked.Risk)
	if !known {
		return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit}},
		Difference: []approval.Change{{Field: "risk", After: asked.Risk}, {Field: "risk_until", After: asked.Until}},
	}
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(asked.Until))
	until := day.AddDate(0, 0, 1)
	if err != nil || !until.After(tx.Now) || until.After(tx.Now.Add(LookMost)) {
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"until": "risk.until_form"})
		return plan, nil
	}
	found, err := r.Find(tx, act.TenantID)
	if err != nil {
		return plan, err
	}
	if found == nil {
		plan.Wrong = fault.New(fault.Conflict, "risk.gone")
		return plan, nil
	}
	plan.Do = func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO risk_acknowledgements (tenant_id, risk, at, id, by_id, reason, ticket, people, until) VALUES (?,?,?,?,?,?,?,?,?)",
			act.TenantID, r.Name, tx.Now, secret.System.ShortID(), act.ActorID, act.Reason, act.Ticket, found.People, until).Error; err != nil {
			return err
		}
		e := act.Event(audit.RiskAcknowledged)
		if e.Details == nil {
			e.Details = map[string]string{}
		}
		e.Details["risk"], e.Details["until"] = r.Name, asked.Until
		return audit.Record(tx, e)
	}
	return plan, nil
}

// Entry is a risk that there is, with what was said of it last.
type Entry struct {
	Risk   string
	Found  Found
	ByName string // of who turned it on

	At           *time.Time // of the last acknowledgement; nil: nobody has looked
	Reason       string
	Ticket       string
	Acknowledger string
	Until        *time.Time
	People       int // that it concerned then
}

// Rests says whether it was looked at and need not be looked at now.
func (e Entry) Rests(now time.Time) bool {
	return e.Until != nil && now.Before(*e.Until) && e.Found.People <= e.People
}

// Of gives the risks that there are in a tenant now, the worst first.
func (s *Service) Of(ctx context.Context, tenantID string) ([]Entry, error) {
	tx := s.DB.View(ctx)
	var said []struct {
		Risk, ByID, Reason, Ticket string
		At, Until                  time.Time
		People                     int
	}
	err := tx.All(&said, `SELECT a.risk, a.by_id, a.reason, a.ticket, a.at, a.until, a.people FROM risk_acknowledgements a WHERE a.tenant_id = ?
		AND NOT EXISTS (SELECT 1 FROM risk_acknowledgements b WHERE b.tenant_id = a.tenant_id AND b.risk = a.risk AND (b.at > a.at OR b.at = a.at AND b.id > a.id))`, tenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var all []Entry
	var who []string
	for _, r := range Risks {
		found, err := r.Find(tx, tenantID)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if found == nil {
			continue
		}
		e := Entry{Risk: r.Name, Found: *found}
		for _, a := range said {
			if a.Risk == r.Name {
				e.At, e.Until, e.Reason, e.Ticket, e.Acknowledger, e.People = &a.At, &a.Until, a.Reason, a.Ticket, a.ByID, a.People
			}
		}
		who = append(who, found.By, e.Acknowledger)
		all = append(all, e)
	}
	names, err := user.NamesOf(tx, tenantID, who...)
	for i := range all {
		all[i].ByName, all[i].Acknowledger = names[all[i].Found.By], names[all[i].Acknowledger]
	}
	return all, store.Unusable(err)
}
