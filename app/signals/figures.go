package signals

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// WeeksMost is how far back figures go. WeeksUsual is what is looked at first, and what
// leads are told of.
const (
	WeeksMost  = 13
	WeeksUsual = 4
)

// Service counts.
type Service struct {
	DB    *store.DB
	Rules *access.Rules
	Log   *slog.Logger
}

// Agent is somebody who did something in the time that is looked at.
type Agent struct {
	ID, Name string
	Weeks    []Count
	All      Count
	Flags    []Flag
}

// Report is the figures that somebody sees.
type Report struct {
	Weeks  []time.Time // Mondays (UTC), the oldest first
	ByWeek []Count     // of all agents
	All    Count
	Agents []Agent // those with flags first, then those who gave most
	Hours  Hours
	Own    bool // it is about whoever looks, alone
}

// weekOf is the Monday before a moment (UTC).
func weekOf(at time.Time) time.Time {
	day := at.UTC().Truncate(24 * time.Hour)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// view is what is looked at, and how far somebody sees.
type view struct {
	tenantID string
	agentID  string   // alone; empty: all
	scope    []string // groups that whom it was done for is in; none: everybody
	weeks    []time.Time
	until    time.Time // the present
}

func viewOf(who access.Standing, weeks int, now time.Time) view {
	v := view{tenantID: who.TenantID, scope: who.Scope, until: now}
	if own(who) {
		v.agentID = who.UserID
	}
	weeks = min(max(weeks, 1), WeeksMost)
	for n := weeks - 1; n >= 0; n-- {
		v.weeks = append(v.weeks, weekOf(now).AddDate(0, 0, -7*n))
	}
	return v
}

// own says whether somebody sees what they did themselves and no more (roles.md, audit.read).
func own(who access.Standing) bool { return who.Rank < access.Ranks[access.RoleHelpdeskLead] }

// within is the condition of rows that are looked at, by the columns of their tenant, time,
// agent and person.
func (v view) within(tenant, at, agent, person string) (string, []any) {
	which, values := tenant+" = ? AND "+at+" >= ? AND "+at+" <= ?", []any{v.tenantID, v.weeks[0], v.until}
	if v.agentID != "" {
		which, values = which+" AND "+agent+" = ?", append(values, v.agentID)
	}
	if len(v.scope) > 0 {
		which += " AND EXISTS (SELECT 1 FROM group_members g WHERE g.user_id = " + person + " AND g.tenant_id = " + tenant + " AND g.group_id IN ?)"
		values = append(values, v.scope)
	}
	return which, values
}

// week is the number of the week that a time is in, from 0, in both dialects.
func (v view) week(at string) (string, []any) {
	var text strings.Builder
	var values []any
	text.WriteString("CASE")
	for n, start := range v.weeks[1:] {
		text.WriteString(" WHEN " + at + " < ? THEN " + strconv.Itoa(n))
		values = append(values, start)
	}
	if len(values) == 0 {
		return "0", nil
	}
	return text.String() + " ELSE " + strconv.Itoa(len(v.weeks)-1) + " END", values
}

// bypasses are bypasses b, each with the caller check p that it names. As a join by the key
// all of them are read at once; a condition on each would look for each check by itself.
const bypasses = "bypasses b LEFT JOIN caller_checks p ON p.tenant_id = b.tenant_id AND p.id = b.check_id"

// ofBypass are the signals of a bypass b, each as a condition. A ? is the present.
var ofBypass = map[Signal]string{
	Unchecked:  "(p.id IS NULL OR p.user_id <> b.user_id OR p.agent_id <> b.requested_by OR p.spent_for <> b.id OR p.proved_at IS NULL)", // given for this one
	Weakest:    "b.check_strength = 'weakest'",
	OutOfHours: "b.out_of_hours",
	Again:      "b.again",
	Unused:     "b.last_used_at IS NULL AND (b.state IN ('expired', 'revoked', 'replaced') OR b.ends_at <= ?)",
	Disowned:   "(b.disowned_at IS NOT NULL OR b.state = 'revoked' AND b.ended_by = b.user_id)",
	OwnTeam:    "b.own_team",
}

// ofCheck is the signal of a caller check c.
const ofCheck = "c.state IN ('denied', 'reported', 'failed')"

// heldEvents are the events of checks that a brake held: those of wrong codes have the
// same name.
const heldEvents = "e.action = 'caller_check.refused' AND e.reason <> 'callercheck.code_wrong'"

// fenced is a query whose rows are grouped by an agent and a week. PostgreSQL takes a week that
// is worked out of a time to be as many as there are times, and would sort all rows instead of
// hashing a few groups: behind OFFSET 0 it knows nothing of where the week comes from.
func fenced(tx *store.Tx, query string) string {
	if tx.Dialect == store.Postgres {
		query += " OFFSET 0"
	}
	return "(" + query + ") x"
}

// figure is a row of figures: of an agent, in a week.
type figure struct {
	AgentID                                                           string
	Week                                                              int
	Given, Weaker, Unchecked, Weakest, Out, Again, Unused, Gone, Team int
	Checks, Refused, Asked, Declined                                  int
}

func (v view) figures(tx *store.Tx, agents map[string][]Count) error {
	add := func(query string, take func(c *Count, f figure), values []any) error {
		var rows []figure
		if err := tx.All(&rows, query, values...); err != nil {
			return err
		}
		for _, f := range rows {
			if agents[f.AgentID] == nil {
				agents[f.AgentID] = make([]Count, len(v.weeks))
			}
			c := &agents[f.AgentID][f.Week]
			if c.Of == nil {
				c.Of = map[Signal]int{}
			}
			take(c, f)
		}
		return nil
	}
	one := func(s Signal) string { return "CASE WHEN " + ofBypass[s] + " THEN 1 ELSE 0 END" }
	week, weeks := v.week("b.created_at")
	which, values := v.within("b.tenant_id", "b.created_at", "b.requested_by", "b.user_id")
	err := add(`SELECT agent_id, week, count(*) AS given, sum(weaker) AS weaker, sum(unchecked) AS unchecked, sum(weakest) AS weakest, sum(out) AS out, sum(again) AS again,
		sum(gone) AS gone, sum(team) AS team, sum(unused) AS unused FROM `+fenced(tx, `SELECT b.requested_by AS agent_id, `+week+` AS week,
		CASE WHEN b.check_strength = 'weaker' THEN 1 ELSE 0 END AS weaker, `+one(Unchecked)+` AS unchecked, `+one(Weakest)+` AS weakest, `+one(OutOfHours)+` AS out, `+one(Again)+` AS again,
		`+one(Disowned)+` AS gone, `+one(OwnTeam)+` AS team, `+one(Unused)+` AS unused FROM `+bypasses+` WHERE `+which)+` GROUP BY 1, 2`, func(c *Count, f figure) {
		c.Given, c.Weaker = f.Given, f.Weaker
		c.Of[Unchecked], c.Of[Weakest], c.Of[OutOfHours], c.Of[Again] = f.Unchecked, f.Weakest, f.Out, f.Again
		c.Of[Unused], c.Of[Disowned], c.Of[OwnTeam] = f.Unused, f.Gone, f.Team
	}, slices.Concat(weeks, []any{v.until}, values))
	if err != nil {
		return err
	}
	week, weeks = v.week("c.begun_at")
	which, values = v.within("c.tenant_id", "c.begun_at", "c.agent_id", "c.user_id")
	err = add(`SELECT agent_id, week, count(*) AS checks, sum(refused) AS refused FROM `+fenced(tx, `SELECT c.agent_id, `+week+` AS week, CASE WHEN `+ofCheck+` THEN 1 ELSE 0 END AS refused
		FROM caller_checks c WHERE `+which)+` GROUP BY 1, 2`, func(c *Count, f figure) {
		c.Checks, c.Of[Refused] = c.Checks+f.Checks, f.Refused
	}, slices.Concat(weeks, values))
	if err != nil {
		return err
	}
	week, weeks = v.week("e.occurred_at")
	which, values = v.within("e.tenant_id", "e.occurred_at", "e.actor_id", "e.subject_id")
	err = add(`SELECT e.actor_id AS agent_id, `+week+` AS week, count(*) AS checks FROM audit_events e WHERE `+which+` AND `+heldEvents+` GROUP BY 1, 2`,
		func(c *Count, f figure) { c.Checks, c.Of[Held] = c.Checks+f.Checks, f.Checks }, slices.Concat(weeks, values))
	if err != nil {
		return err
	}
	week, weeks = v.week("r.created_at")
	which, values = v.within("r.tenant_id", "r.created_at", "r.requester_id", "r.target_id")
	return add(`SELECT r.requester_id AS agent_id, `+week+` AS week, count(*) AS asked, sum(CASE WHEN r.state = 'refused' THEN 1 ELSE 0 END) AS declined
		FROM approval_requests r WHERE `+which+` AND r.kind = 'bypass.issue' GROUP BY 1, 2`,
		func(c *Count, f figure) { c.Asked, c.Of[Declined] = f.Asked, f.Declined }, slices.Concat(weeks, values))
}

// report counts, in a view.
func (v view) report(tx *store.Tx) (r Report, err error) {
	r.Weeks, r.ByWeek, r.Own = v.weeks, make([]Count, len(v.weeks)), v.agentID != ""
	if r.Hours, err = HoursOf(tx, v.tenantID); err != nil {
		return r, err
	}
	agents := map[string][]Count{}
	if err := v.figures(tx, agents); err != nil {
		return r, err
	}
	var ids []string
	having := map[Signal]int{} // agents who have done what it is a share of
	for id, weeks := range agents {
		a := Agent{ID: id, Weeks: weeks}
		for n, c := range weeks {
			a.All, r.ByWeek[n] = a.All.And(c), r.ByWeek[n].And(c)
		}
		for _, s := range Signals {
			if a.All.Base(s) > 0 {
				having[s]++
			}
		}
		r.All = r.All.And(a.All)
		if id == "" {
			continue // nobody's: it counts, and there is no agent to show
		}
		r.Agents, ids = append(r.Agents, a), append(ids, id)
	}
	names, err := user.NamesOf(tx, v.tenantID, ids...)
	if err != nil {
		return r, err
	}
	for i := range r.Agents {
		a := &r.Agents[i]
		a.Name = cmp.Or(names[a.ID], a.ID)
		a.Flags = Far(a.All, r.All.without(a.All), others(having, a.All))
	}
	slices.SortFunc(r.Agents, func(a, b Agent) int {
		return cmp.Or(cmp.Compare(len(b.Flags), len(a.Flags)), cmp.Compare(b.All.Given, a.All.Given), cmp.Compare(a.Name, b.Name))
	})
	return r, nil
}

// others are the agents beside one of them.
func others(having map[Signal]int, own Count) map[Signal]int {
	rest := map[Signal]int{}
	for s, n := range having {
		if rest[s] = n; own.Base(s) > 0 {
			rest[s]--
		}
	}
	return rest
}

// without is what is left of a sum.
func (c Count) without(o Count) Count {
	rest := Count{Given: c.Given - o.Given, Weaker: c.Weaker - o.Weaker, Checks: c.Checks - o.Checks, Asked: c.Asked - o.Asked, Of: map[Signal]int{}}
	for s, n := range c.Of {
		rest.Of[s] = n - o.Of[s]
	}
	return rest
}

// Of gives the figures that somebody sees of the last weeks, and remembers that they looked.
func (s *Service) Of(ctx context.Context, who access.Standing, weeks int, from audit.Origin) (Report, error) {
	tx := s.DB.View(ctx)
	r, err := viewOf(who, weeks, tx.Now).report(tx)
	if err != nil {
		return r, store.Unusable(err)
	}
	return r, s.looked(ctx, who, "", len(r.Weeks), from)
}

// looked remembers that somebody looks; without that nothing is shown.
func (s *Service) looked(ctx context.Context, who access.Standing, agentID string, weeks int, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		e := audit.Event{
			TenantID: who.TenantID, Action: audit.SignalsViewed, Actor: audit.User(who.UserID), Origin: from,
			Details: map[string]string{"weeks": strconv.Itoa(weeks)},
		}
		if e.Target = (audit.Party{Kind: audit.KindTenant, ID: who.TenantID}); agentID != "" {
			e.Target, e.Subject = audit.User(agentID), agentID
		}
		return audit.Record(tx, e)
	})
}

// notThere is the one answer to an agent whom somebody does not see, or who is none.
func notThere() error { return fault.New(fault.NotFound, "http.not_found") }
