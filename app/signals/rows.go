package signals

import (
	"context"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/store"
	"latchkey/app/user"
)

// RowsMost is how many rows behind a figure are shown, the newest.
const RowsMost = 200

// Kind of a row.
type Kind string

const (
	Bypass   Kind = "bypass"
	Check    Kind = "check"
	Hold     Kind = "hold" // a check that a brake held: there is none
	Approval Kind = "approval"
)

// Row is one of what a figure counts.
type Row struct {
	Kind             Kind
	ID               string // of the bypass, the check or the request; empty: there is none
	At               time.Time
	UserID, UserName string // for whom
	CaseID, CaseName string
	State            string // of the bypass, the check or the request
	Via              string // of the check that it rests on
	Signals          []Signal
}

// Behind is an agent, and what is behind their figures.
type Behind struct {
	Report
	Agent  Agent
	Signal Signal // that the rows have; empty: they are all bypasses
	Rows   []Row
	More   bool
}

// Others is what all other agents did whom the looker sees.
func (b Behind) Others() Count { return b.All.without(b.Agent.All) }

// rowOf is a bypass with its signals.
type rowOf struct {
	ID, UserID, CaseID, State, Via                     string
	At                                                 time.Time
	Unchecked, Weakest, Out, Again, Unused, Gone, Team bool
}

// Agent gives an agent whom somebody sees, with the rows behind one figure, and remembers
// that they looked. All else is fault.NotFound.
func (s *Service) Agent(ctx context.Context, who access.Standing, agentID string, signal Signal, weeks int, from audit.Origin) (b Behind, err error) {
	if own(who) && agentID != who.UserID || signal != "" && !slices.Contains(Signals, signal) {
		return b, notThere()
	}
	tx := s.DB.View(ctx)
	v := viewOf(who, weeks, tx.Now)
	// Peers are counted for whoever sees them.
	if b.Report, err = v.report(tx); err != nil {
		return b, store.Unusable(err)
	}
	at := slices.IndexFunc(b.Agents, func(a Agent) bool { return a.ID == agentID })
	if at < 0 {
		names, err := user.NamesOf(tx, who.TenantID, agentID)
		if err == nil && (names[agentID] == "" || len(who.Scope) > 0) {
			err = notThere()
		}
		if err != nil {
			return b, store.Unusable(err)
		}
		b.Agent = Agent{ID: agentID, Name: names[agentID], Weeks: make([]Count, len(b.Weeks))}
	} else {
		b.Agent = b.Agents[at]
	}
	b.Signal = signal
	v.agentID = agentID
	if b.Rows, err = v.rows(tx, signal); err != nil {
		return b, store.Unusable(err)
	}
	if b.More = len(b.Rows) > RowsMost; b.More {
		b.Rows = b.Rows[:RowsMost]
	}
	if err := named(tx, who.TenantID, b.Rows); err != nil {
		return b, store.Unusable(err)
	}
	return b, s.looked(ctx, who, agentID, len(b.Weeks), from)
}

// rows are what a figure counts.
func (v view) rows(tx *store.Tx, signal Signal) (all []Row, err error) {
	var found []rowOf
	kind := Bypass
	switch signal {
	case Refused:
		kind = Check
		which, values := v.within("c.tenant_id", "c.begun_at", "c.agent_id", "c.user_id")
		err = tx.All(&found, "SELECT c.id, c.user_id, c.case_id, c.state, c.via, c.begun_at AS at FROM caller_checks c WHERE "+which+" AND "+ofCheck+" ORDER BY c.begun_at DESC LIMIT ?", append(values, RowsMost+1)...)
	case Held:
		kind = Hold
		which, values := v.within("e.tenant_id", "e.occurred_at", "e.actor_id", "e.subject_id")
		err = tx.All(&found, "SELECT e.subject_id AS user_id, e.thread_id AS case_id, e.reason AS state, e.occurred_at AS at FROM audit_events e WHERE "+which+" AND "+heldEvents+" ORDER BY e.occurred_at DESC LIMIT ?", append(values, RowsMost+1)...)
	case Declined:
		kind = Approval
		which, values := v.within("r.tenant_id", "r.created_at", "r.requester_id", "r.target_id")
		err = tx.All(&found, "SELECT r.id, r.target_id AS user_id, r.state, r.created_at AS at FROM approval_requests r WHERE "+which+" AND r.kind = 'bypass.issue' AND r.state = 'refused' ORDER BY r.created_at DESC LIMIT ?", append(values, RowsMost+1)...)
	default:
		which, values := v.within("b.tenant_id", "b.created_at", "b.requested_by", "b.user_id")
		if signal != "" {
			which += " AND " + ofBypass[signal]
			if signal == Unused {
				values = append(values, v.until)
			}
		}
		is := func(s Signal) string { return "(" + ofBypass[s] + ") IS TRUE" }
		err = tx.All(&found, "SELECT b.id, b.user_id, b.case_id, b.state, b.check_via AS via, b.created_at AS at, "+is(Unchecked)+" AS unchecked, "+is(Weakest)+" AS weakest, "+is(OutOfHours)+" AS out, "+
			is(Again)+" AS again, "+is(Unused)+" AS unused, "+is(Disowned)+" AS gone, "+is(OwnTeam)+" AS team FROM "+bypasses+" WHERE "+which+" ORDER BY b.created_at DESC LIMIT ?", slices.Concat([]any{v.until}, values, []any{RowsMost + 1})...)
	}
	for _, f := range found {
		row := Row{Kind: kind, ID: f.ID, At: f.At, UserID: f.UserID, CaseID: f.CaseID, State: f.State, Via: f.Via}
		for _, one := range []struct {
			s  Signal
			is bool
		}{{Unchecked, f.Unchecked}, {Weakest, f.Weakest}, {OutOfHours, f.Out}, {Again, f.Again}, {Unused, f.Unused}, {Disowned, f.Gone}, {OwnTeam, f.Team}} {
			if one.is {
				row.Signals = append(row.Signals, one.s)
			}
		}
		all = append(all, row)
	}
	return all, err
}

// named fills in how the people and the cases of rows are called.
func named(tx *store.Tx, tenantID string, rows []Row) error {
	var people, of []string
	for _, r := range rows {
		people, of = append(people, r.UserID), append(of, r.CaseID)
	}
	names, err := user.NamesOf(tx, tenantID, people...)
	if err != nil {
		return err
	}
	called, err := cases.Names(tx, tenantID, slices.Compact(slices.Sorted(slices.Values(of)))...)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].UserName, rows[i].CaseName = names[rows[i].UserID], called[rows[i].CaseID]
		if rows[i].CaseName == "" {
			rows[i].CaseID = ""
		}
	}
	return nil
}
