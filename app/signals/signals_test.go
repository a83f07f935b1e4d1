package signals_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/signals"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func fieldsOf(err error) map[string]string {
	if f := fault.Of(err); f != nil {
		return f.Fields
	}
	return nil
}

// desk is a house with agents.
type desk struct {
	*House
	*signals.Service
	agents []user.User
	lead   user.User
}

func each(t *testing.T, story func(t *testing.T, d *desk)) {
	t.Helper()
	Each(t, func(h *House) {
		d := &desk{House: h, Service: &signals.Service{DB: h.DB, Rules: h.Rules}}
		for n := range 4 {
			d.agents = append(d.agents, h.Admin(h.Alder, fmt.Sprint("agent", n), access.RoleHelpdesk))
		}
		d.lead = h.Admin(h.Alder, "lead", access.RoleHelpdeskLead)
		if err := h.Rules.Reload(h.T.Context()); err != nil {
			h.T.Fatal(err)
		}
		story(h.T, d)
	})
}

func (d *desk) standing(u user.User) access.Standing {
	d.T.Helper()
	who, err := d.House.Rules.StandingIn(d.House.DB.View(d.T.Context()), u.TenantID, u.ID)
	if err != nil {
		d.T.Fatal(err)
	}
	return who
}

// gives writes a bypass down as package bypass does, with its check and what more is to be so.
func (d *desk) gives(by, on user.User, changes ...string) (id string) {
	d.T.Helper()
	id, check, now := secret.System.ID(), secret.System.ID(), d.Clock.Now()
	d.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, ticket, state, owner_id, opened_by, repeats, opened_at, closed_at) VALUES (?,?,(SELECT 1001 + count(*) FROM cases),?,'lost','','','closed',?,?,0,?,?)", on.TenantID, check, on.ID, by.ID, by.ID, now, now)
	d.Set(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at, ended_at, proved_at, spent_at, spent_for) VALUES (?,?,?,?,?,'phone',?,'proved',?,?,?,?,?,?)`,
		on.TenantID, check, on.ID, by.ID, check, on.ID, now, now, now, now, now, id)
	d.Set(`INSERT INTO bypasses (tenant_id, id, user_id, case_id, kind, state, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at, last_used_at)
		VALUES (?,?,?,?,'pass_code','used',60,1,0,'',?,'phone','strong',?,?,?,?,?)`, on.TenantID, id, on.ID, check, check, by.ID, now, now.Add(time.Hour), now, now)
	d.Act(func(tx *store.Tx) error { return signals.Mark(tx, on.TenantID, id) })
	for _, change := range changes {
		d.Set("UPDATE bypasses SET "+change+" WHERE id = ?", id)
	}
	return id
}

func (d *desk) report(who user.User, weeks int) signals.Report {
	d.T.Helper()
	r, err := d.Of(d.T.Context(), d.standing(who), weeks, audit.Origin{})
	if err != nil {
		d.T.Fatal(err)
	}
	return r
}

func of(r signals.Report, u user.User) signals.Agent {
	for _, a := range r.Agents {
		if a.ID == u.ID {
			return a
		}
	}
	return signals.Agent{}
}

// TestWhatIsCounted: each signal by its own, and none by another's.
func TestWhatIsCounted(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Clock.Forward(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Sub(d.Clock.Now()))
		agent, other := d.agents[0], d.agents[1]
		var people []user.User
		for n := range 14 {
			people = append(people, d.User(d.Alder, fmt.Sprint("person", n)))
		}
		d.gives(agent, people[0])
		d.gives(other, people[0]) // another agent: not again
		d.gives(agent, people[1], "check_strength = 'weakest'")
		d.gives(agent, people[2], "state = 'expired', last_used_at = NULL")
		d.gives(agent, people[3], "state = 'active', last_used_at = NULL")                         // may be used still
		d.gives(agent, people[4], "state = 'active', last_used_at = NULL", "ends_at = created_at") // over, and nobody has written it down
		d.gives(agent, people[5], "state = 'revoked', ended_by = 'somebody'")                      // used, and then revoked
		d.gives(agent, people[6], "state = 'revoked', ended_by = user_id")                         // by its person
		d.gives(agent, people[7], "disowned_at = created_at")                                      // with the link
		d.gives(agent, people[8], "check_id = 'none'")                                             // by a path that there is not
		id := d.gives(agent, people[9])                                                            // with another's check
		d.Set("UPDATE caller_checks SET agent_id = ? WHERE spent_for = ?", other.ID, id)
		d.gives(agent, people[0]) // again
		elsewhere := d.User(d.Birch, "person0")
		d.gives(d.Admin(d.Birch, "agent", access.RoleHelpdesk), elsewhere)
		now := d.Clock.Now()
		for n, state := range []string{"denied", "reported", "failed", "expired", "withdrawn"} {
			d.Set(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at) VALUES (?,?,?,?,(SELECT min(id) FROM cases WHERE tenant_id = ?),'phone',?,?,?,?)`,
				d.Alder.ID, fmt.Sprint("check ", n), people[10].ID, agent.ID, d.Alder.ID, people[10].ID, state, now, now)
		}
		for _, reason := range []string{"callercheck.held", "callercheck.codes_held", "callercheck.code_wrong"} {
			d.Act(func(tx *store.Tx) error {
				return audit.Record(tx, audit.Event{TenantID: d.Alder.ID, Action: audit.CallerCheckRefused, Outcome: audit.Failure, Reason: reason, Actor: audit.User(agent.ID), Target: audit.User(people[11].ID), Subject: people[11].ID})
			})
		}
		for n, state := range []string{"done", "refused", "pending"} {
			d.Set("INSERT INTO approval_requests (tenant_id, id, kind, requester_id, target_id, parameters, difference, digest, reason, state, created_at, expires_at) VALUES (?,?,'bypass.issue',?,?,'','',?,'',?,?,?)",
				d.Alder.ID, fmt.Sprint("request ", n), agent.ID, people[12].ID, fmt.Sprint(n), state, now, now)
		}
		d.Set("INSERT INTO approval_requests (tenant_id, id, kind, requester_id, target_id, parameters, difference, digest, reason, state, created_at, expires_at) VALUES (?,'another','user.lock',?,?,'','','another','','refused',?,?)", d.Alder.ID, agent.ID, people[12].ID, now, now)

		r := d.report(d.lead, 4)
		a := of(r, agent)
		if a.Name != agent.Name || a.All.Given != 11 || a.All.Asked != 3 || a.All.Checks != 11-1+5+2 {
			t.Errorf("counted %+v", a)
		}
		want := map[signals.Signal]int{
			signals.Unchecked: 2, signals.Weakest: 1, signals.Again: 1, signals.Unused: 2, signals.Disowned: 2, signals.Refused: 3, signals.Held: 2, signals.Declined: 1,
			signals.OutOfHours: 0, signals.OwnTeam: 0,
		}
		for _, s := range signals.Signals {
			if a.All.Of[s] != want[s] {
				t.Errorf("%s: %d, want %d", s, a.All.Of[s], want[s])
			}
			b, err := d.Agent(t.Context(), d.standing(d.lead), agent.ID, s, 4, audit.Origin{})
			if err != nil || len(b.Rows) != want[s] {
				t.Errorf("%s: %d rows, %v; want %d", s, len(b.Rows), err, want[s])
			}
			for _, row := range b.Rows {
				if row.UserName == "" || row.At.IsZero() || row.Kind == signals.Bypass && (row.CaseName == "" || len(row.Signals) == 0) {
					t.Errorf("%s: a row is %+v", s, row)
				}
			}
		}
		if len(r.Agents) != 2 || of(r, other).All.Given != 1 {
			t.Errorf("the agents are %+v", r.Agents)
		}
		if f := a.Flags; len(f) != 1 || f[0].Signal != signals.Unchecked {
			t.Errorf("flagged is %+v", f)
		}
		if d.Events(audit.SignalsViewed) != 1+len(signals.Signals) {
			t.Error("that somebody looks is no event")
		}
		all, err := d.Agent(t.Context(), d.standing(d.lead), agent.ID, "", 4, audit.Origin{})
		if err != nil || len(all.Rows) != 11 || all.Others().Given != 1 {
			t.Errorf("all bypasses are %d rows, %v", len(all.Rows), err)
		}
	})
}

// TestWhatIsMarkedWhenItIsGiven: hours and teams of then, which may be others now.
func TestWhatIsMarkedWhenItIsGiven(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Clock.Forward(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Sub(d.Clock.Now())) // a Wednesday
		agent := d.agents[0]
		mark := func(id string) (marks string) {
			for _, column := range []string{"out_of_hours", "again", "own_team"} {
				if d.Count("SELECT count(*) FROM bypasses WHERE id = ? AND "+column, id) == 1 {
					marks += column + " "
				}
			}
			return strings.TrimSpace(marks)
		}
		set := func(h signals.Hours) { d.Set("UPDATE tenants SET desk_hours = ? WHERE id = ?", h.Text(), d.Alder.ID) }
		expect := func(claim string, on user.User, want string) {
			t.Helper()
			if got := mark(d.gives(agent, on)); got != want {
				t.Errorf("%s: marked %q, want %q", claim, got, want)
			}
		}
		stranger, colleague, sibling, crowd := d.User(d.Alder, "stranger"), d.User(d.Alder, "colleague"), d.User(d.Alder, "sibling"), d.User(d.Alder, "crowd")
		expect("no hours", stranger, "")
		set(signals.Hours{Zone: "UTC", From: 8 * 60, Until: 17 * 60, Days: []time.Weekday{time.Wednesday}})
		expect("within them, again", stranger, "again")
		d.Clock.Forward(30 * 24 * time.Hour)
		expect("thirty days later, on a Friday", stranger, "out_of_hours")
		set(signals.Hours{})
		for _, g := range []string{"team", "all"} {
			d.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", d.Alder.ID, g, g, d.Clock.Now())
		}
		join := func(group string, u user.User) {
			d.Set("INSERT INTO group_members (tenant_id, group_id, user_id, added_at) VALUES (?,?,?,?)", d.Alder.ID, group, u.ID, d.Clock.Now())
		}
		join("team", agent)
		join("team", colleague)
		expect("of one group", colleague, "own_team")
		join("all", agent)
		join("all", crowd)
		for n := range signals.TeamMost - 2 {
			join("all", d.User(d.Alder, fmt.Sprint("many", n)))
		}
		expect("of a group that is a team just so", crowd, "own_team")
		join("all", d.User(d.Alder, "more"))
		d.Clock.Forward(31 * 24 * time.Hour)
		expect("of a group that is none", crowd, "")
		d.Set("UPDATE users SET manager_id = ? WHERE id IN (?, ?)", d.lead.ID, agent.ID, sibling.ID)
		expect("with one manager", sibling, "own_team")
	})
}

// TestWhoSeesWhat: an agent themselves; who is limited to groups what was done in them; and
// nobody another tenant.
func TestWhoSeesWhat(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		agent, other := d.agents[0], d.agents[1]
		inside, outside := d.User(d.Alder, "inside"), d.User(d.Alder, "outside")
		d.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", d.Alder.ID, d.Clock.Now())
		d.Set("INSERT INTO group_members (tenant_id, group_id, user_id, added_at) VALUES (?,'ward',?,?)", d.Alder.ID, inside.ID, d.Clock.Now())
		d.gives(agent, inside)
		d.gives(agent, outside)
		d.gives(other, outside)
		see := func(claim string, who access.Standing, agents, given int) {
			t.Helper()
			r, err := d.Of(t.Context(), who, 4, audit.Origin{})
			if err != nil || len(r.Agents) != agents || r.All.Given != given {
				t.Errorf("%s: %d agents and %d bypasses, %v; want %d and %d", claim, len(r.Agents), r.All.Given, err, agents, given)
			}
		}
		gone := func(claim string, who access.Standing, id string, signal signals.Signal) {
			t.Helper()
			if _, err := d.Agent(t.Context(), who, id, signal, 4, audit.Origin{}); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", claim, err)
			}
		}
		lead, own := d.standing(d.lead), d.standing(agent)
		see("a lead", lead, 2, 3)
		see("an auditor", d.standing(d.Admin(d.Alder, "auditor", access.RoleAuditor)), 2, 3)
		see("an agent", own, 1, 2)
		gone("an agent, of another one", own, other.ID, "")
		if b, err := d.Agent(t.Context(), own, agent.ID, "", 4, audit.Origin{}); err != nil || len(b.Rows) != 2 || b.Others().Given != 0 {
			t.Errorf("an agent, of themselves: %d rows beside %+v, %v", len(b.Rows), b.Others(), err)
		}
		lead.Scope = []string{"ward"}
		see("a lead of a group", lead, 1, 1)
		gone("a lead of a group, of who did nothing in it", lead, other.ID, "")
		if b, err := d.Agent(t.Context(), lead, agent.ID, "", 4, audit.Origin{}); err != nil || len(b.Rows) != 1 || b.Rows[0].UserName != inside.Name {
			t.Errorf("a lead of a group: %+v, %v", b.Rows, err)
		}
		lead.Scope = nil
		gone("nobody", lead, "nobody", "")
		gone("no such signal", lead, agent.ID, "'; DROP TABLE users; --")
		gone("of another tenant", lead, d.User(d.Birch, "somebody").ID, "")
		see("of another tenant", d.standing(d.Admin(d.Birch, "lead", access.RoleHelpdeskLead)), 0, 0)
		if b, err := d.Agent(t.Context(), lead, d.agents[3].ID, "", 4, audit.Origin{}); err != nil || len(b.Rows) != 0 || b.Agent.Name == "" {
			t.Errorf("one who did nothing: %+v, %v", b.Agent, err)
		}
	})
}

// TestWeeksBeginOnMondays, and what was before the first one is left out.
func TestWeeksBeginOnMondays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		d.Clock.Forward(monday.Add(-7*24*time.Hour - time.Microsecond).Sub(d.Clock.Now()))
		agent, person := d.agents[0], d.User(d.Alder, "person")
		for _, after := range []time.Duration{time.Microsecond, 7*24*time.Hour - time.Microsecond, time.Microsecond, 3 * 24 * time.Hour} {
			d.gives(agent, person)
			d.Clock.Forward(after)
		}
		for weeks, want := range map[int][]int{1: {1}, 2: {2, 1}, 4: {0, 1, 2, 1}, 99: {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1}} {
			r := d.report(d.lead, weeks)
			if len(r.Weeks) != len(want) || !r.Weeks[len(want)-1].Equal(monday) {
				t.Fatalf("%d weeks are %v", weeks, r.Weeks)
			}
			for n, c := range r.ByWeek {
				if c.Given != want[n] || of(r, agent).Weeks[n].Given != want[n] {
					t.Errorf("of %d weeks, the one of %v has %d, want %d", weeks, r.Weeks[n], c.Given, want[n])
				}
			}
		}
	})
}

// TestLeadsAreToldOnceAWeek, by one of the replicas, and by what they see themselves.
func TestLeadsAreToldOnceAWeek(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Clock.Forward(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Sub(d.Clock.Now()))
		second := d.Admin(d.Alder, "second", access.RoleHelpdeskLead)
		person := d.User(d.Alder, "person")
		told := func() int { return d.Count("SELECT count(*) FROM notices WHERE action = ?", audit.SignalsFlagged) }
		everybody := func() map[string]int {
			replicas := []*signals.Service{d.Service, {DB: d.Replica().DB, Rules: d.House.Rules}}
			return Tally(AtOnce(6, func(i int) error { return replicas[i%2].Tell(t.Context()) }))
		}
		for n := range 40 {
			d.gives(d.agents[1+n%3], person)
		}
		d.Set("UPDATE bypasses SET again = FALSE")
		for range 9 {
			d.gives(d.agents[0], person, "check_strength = 'weakest'", "again = FALSE")
		}
		if got := everybody(); got["done"] != 6 || told() != 0 {
			t.Errorf("with nothing to tell: %v, %d", got, told())
		}
		d.gives(d.agents[0], person, "check_strength = 'weakest'", "again = FALSE")
		if got := everybody(); got["done"] != 6 || told() != 2 || d.Events(audit.SignalsFlagged) != 2 {
			t.Errorf("with one agent far above: %v, %d told", got, told())
		}
		for _, u := range []user.User{d.lead, second} {
			if got := d.Text("SELECT detail FROM notices WHERE user_id = ?", u.ID); got != "1" {
				t.Errorf("%s is told %q", u.Name, got)
			}
		}
		d.Clock.Forward(4 * 24 * time.Hour) // Sunday
		if everybody(); told() != 2 {
			t.Errorf("%d told in the same week", told())
		}
		d.Clock.Forward(24 * time.Hour)
		d.gives(d.agents[1], person, "again = FALSE")
		if everybody(); told() != 4 {
			t.Errorf("%d told by Monday", told())
		}
		d.Clock.Forward(5 * 7 * 24 * time.Hour)
		d.gives(d.agents[1], person, "again = FALSE")
		if everybody(); told() != 4 {
			t.Errorf("%d told of what was five weeks ago", told())
		}
	})
}
