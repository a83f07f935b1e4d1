package trail_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/trail"
	"latchkey/app/user"
)

// entry is an event that a test recorded, and when.
type entry struct {
	audit.Event
	at time.Time
}

// String is how an entry begins where it is said.
func (e entry) String() string { return fmt.Sprint(e.at.Unix(), " ", e.Action) }

// question is a query with what it means among those entries whose time it is.
type question struct {
	claim string
	trail.Query
	means func(e entry) bool
}

// past is what was recorded of a tenant, up to now.
type past struct {
	*House
	trail     *trail.Service
	entries   []entry
	questions []question
}

// at moves the clock to a moment and records events of the tenant there.
func (p *past) at(moment time.Time, events ...audit.Event) {
	p.T.Helper()
	p.Clock.Forward(moment.Sub(p.Clock.Now()))
	for _, e := range events {
		e.TenantID, e.Target, e.Outcome, e.Reason = p.Alder.ID, audit.Tenant(p.Alder.ID), audit.Denied, "lost badge"
		p.entries = append(p.entries, entry{e, moment})
		p.Act(func(tx *store.Tx) error { return audit.Record(tx, e) })
	}
}

// shows asks everything of every output, and opens each entry: a reader must be given those
// that they see, and none besides.
func (p *past) shows(name string, sight trail.Sight, sees func(e entry) bool) {
	p.T.Helper()
	ctx := p.T.Context()
	for _, asked := range p.questions {
		var want []string
		for _, e := range p.entries {
			if sees(e) && asked.means(e) && !e.at.Before(asked.From) && (asked.To.IsZero() || e.at.Before(asked.To)) {
				want = append(want, e.String())
			}
		}
		slices.Sort(want)
		for output, give := range outputs {
			if output == "figures" || output == "story" && (asked.Thread+asked.Target+asked.Actor+asked.Ticket == "" || !asked.To.IsZero()) {
				continue // figures are of hours and not of queries, and stories have no end
			}
			text, err := give(ctx, p.trail, sight, asked.Query)
			if err != nil {
				p.T.Fatal(err)
			}
			if output == "count" {
				if text != fmt.Sprint(len(want)) {
					p.T.Errorf("%s, asking for %s, counts %s, want %d", name, asked.claim, text, len(want))
				}
				continue
			}
			var got []string
			for line := range strings.Lines(text) {
				if words := strings.Fields(line); len(words) > 2 && !strings.HasPrefix(line, "older") {
					got = append(got, words[0]+" "+words[1])
				}
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) { // a thread is told as two kinds of stories
				p.T.Errorf("%s, asking for %s, is given in %s\n%q, want\n%q", name, asked.claim, output, got, want)
			}
		}
	}
	auditor := trail.Sight{TenantID: p.Alder.ID, Told: people.Everything}
	opened := 0
	err := p.trail.Each(ctx, auditor, trail.Query{Outcome: audit.Denied}, func(r trail.Row) error {
		i := slices.IndexFunc(p.entries, func(e entry) bool { return e.at.Equal(r.At) && e.Action == r.Action })
		opened++
		switch one, err := p.trail.One(ctx, sight, r.Position()); {
		case sees(p.entries[i]):
			if err != nil || one.ID != r.ID {
				p.T.Errorf("%s opens %s: %q, %v", name, p.entries[i], one.ID, err)
			}
		case !errors.Is(err, fault.NotFound):
			p.T.Errorf("%s opens %s, which they do not see: %v", name, p.entries[i], err)
		}
		return nil
	})
	if err != nil || opened != len(p.entries) {
		p.T.Fatalf("%d of %d events were opened, %v", opened, len(p.entries), err)
	}
}

// counts checks the figures of the parts of a time: in each are the entries that a reader sees,
// however far back it goes.
func (p *past) counts(name string, sight trail.Sight, edges []time.Time, sees func(e entry) bool) {
	p.T.Helper()
	figures, err := p.trail.Actions(p.T.Context(), sight, audit.Actions(), edges)
	if err != nil {
		p.T.Fatal(err)
	}
	ways, _, err := p.trail.Ways(p.T.Context(), sight, edges)
	if err != nil {
		p.T.Fatal(err)
	}
	for part := range edges[1:] {
		want, byPhone := map[audit.Action]int{}, 0
		for _, e := range p.entries {
			if sees(e) && !e.at.Before(edges[part]) && e.at.Before(edges[part+1]) {
				want[e.Action]++
				if e.Details["by"] == "phone" {
					byPhone++
				}
			}
		}
		for _, e := range p.entries {
			if f := figures[string(e.Action)][part]; f.N != want[e.Action] || f.More {
				p.T.Errorf("%s from %s: %s has the figure %+v, want %d", e.Action, edges[part], name, f, want[e.Action])
			}
		}
		if f := ways["phone"]; f == nil && byPhone > 0 || f != nil && f[part].N != byPhone {
			p.T.Errorf("sign-ins by phone from %s: %s has the figures %+v, want %d", edges[part], name, f, byPhone)
		}
	}
}

// TestHowFarBackEachRoleSees: an agent sees three months, and a lead four hundred days. Others
// have no such limit, nor has anybody for what is about themselves. It holds wherever
// events are given away, and no time that somebody asks for reaches behind it.
func TestHowFarBackEachRoleSees(t *testing.T) {
	const agentAge, leadAge = 90 * 24 * time.Hour, 400 * 24 * time.Hour
	Each(t, func(h *House) {
		p := &past{House: h, trail: &trail.Service{DB: h.DB}}
		h.Set("INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:keepers','Keepers','audit.read','',?,?)", h.Alder.ID, h.Clock.Now(), h.Clock.Now())
		security, admin, auditor := h.Admin(h.Alder, "security", access.RoleSecurityAdministrator), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "auditor", access.RoleAuditor)
		lead, desk, other, keeper := h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "desk", access.RoleHelpdesk), h.Admin(h.Alder, "desk2", access.RoleHelpdesk), h.Admin(h.Alder, "keeper", "custom:keepers")
		wardAdmin, wardLead := h.Admin(h.Alder, "wardadmin", access.RoleTenantAdministrator), h.Admin(h.Alder, "wardlead", access.RoleHelpdeskLead)
		nurse, porter := h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", h.Alder.ID, nurse.ID, nurse.Name)
		for _, limited := range []user.User{wardAdmin, wardLead} {
			h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", h.Alder.ID, limited.ID)
		}
		h.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case-1',1001,?,'lost','','open',?,?,?)", h.Alder.ID, porter.ID, desk.ID, desk.ID, h.Clock.Now())
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}

		from := h.Clock.Now().Add(time.Hour)
		now := from.Add(leadAge + time.Minute)
		var edges []time.Time
		for _, age := range []time.Duration{leadAge + time.Second, leadAge - time.Second, agentAge + time.Second, agentAge - time.Second, time.Hour} {
			edges = append(edges, now.Add(-age))
			ticket := func() map[string]string { return map[string]string{"ticket": "INC-1"} }
			p.at(
				now.Add(-age),
				audit.Event{Action: audit.UserLocked, Actor: audit.User(desk.ID), Subject: nurse.ID, Details: ticket()},
				audit.Event{Action: audit.DeviceRenamed, Actor: audit.User(desk.ID), Subject: desk.ID, Details: ticket()},
				audit.Event{Action: audit.CaseNoted, Actor: audit.User(other.ID), Subject: porter.ID, Thread: "case-1", Details: ticket()},
				audit.Event{Action: audit.SignInFinished, Actor: audit.User(porter.ID), Subject: porter.ID, Thread: "case-1", Details: map[string]string{"ticket": "INC-1", "by": "phone"}},
				audit.Event{Action: audit.UserUnlocked, Actor: audit.User(keeper.ID), Subject: nurse.ID, Details: ticket()},
			)
		}
		edges = append(edges, now)
		p.at(now)
		sealAll(t, h)

		all := func(entry) bool { return true }
		said := func(e entry) bool { return e.Action != audit.SignInFinished } // a sign-in has no words
		about := func(who user.User) func(entry) bool { return func(e entry) bool { return e.Subject == who.ID } }
		by := func(who user.User) func(entry) bool { return func(e entry) bool { return e.Actor.ID == who.ID } }
		p.questions = []question{
			{"a time that begins before all of it", trail.Query{From: from}, all},
			{"a time before what a lead sees", trail.Query{From: from, To: now.Add(-leadAge)}, all},
			{"a time before what an agent sees", trail.Query{From: from, To: now.Add(-agentAge)}, all},
			{"a time around the limit of an agent", trail.Query{From: now.Add(-agentAge - time.Minute), To: now.Add(-agentAge + time.Minute)}, all},
			{"words of any time", trail.Query{Text: "badge"}, said},
			{"words of a time", trail.Query{Text: "badge", From: from}, said},
			{"a ticket", trail.Query{Ticket: "INC-1"}, all},
			{"a ticket in a time", trail.Query{Ticket: "INC-1", From: from, To: now.Add(-agentAge)}, all},
			{"an outcome", trail.Query{Outcome: audit.Denied}, all},
			{"a thread", trail.Query{Thread: "case-1"}, func(e entry) bool { return e.Thread == "case-1" }},
			{"an action", trail.Query{Action: "user.locked"}, func(e entry) bool { return e.Action == audit.UserLocked }},
			{"actions", trail.Query{Action: "case."}, func(e entry) bool { return e.Action == audit.CaseNoted }},
			{"a way", trail.Query{By: "phone"}, func(e entry) bool { return e.Action == audit.SignInFinished }},
			{"what an agent did", trail.Query{Actor: desk.ID, From: from}, by(desk)},
			{"what another did", trail.Query{Actor: other.Name, To: now.Add(-agentAge)}, by(other)},
			{"what happened to somebody", trail.Query{Target: nurse.ID, From: from}, about(nurse)},
			{"somebody", trail.Query{Text: porter.Name, From: from}, func(e entry) bool { return by(porter)(e) || about(porter)(e) }},
		}
		role := func(who user.User) trail.Sight {
			return trail.SightOf(h.Rules.Standing(who.TenantID, who.ID), h.Clock.Now())
		}
		const always = 1000 * 24 * time.Hour
		for _, row := range []struct {
			name  string
			sight trail.Sight
			age   time.Duration
			sees  func(e entry) bool
		}{
			{"an agent", role(desk), agentAge, func(e entry) bool { return by(desk)(e) || e.Thread == "case-1" }},
			{"an agent without the case", role(other), agentAge, by(other)},
			{"who has a role that the tenant made", role(keeper), agentAge, by(keeper)},
			{"a lead", role(lead), leadAge, func(e entry) bool { return e.Actor.ID != e.Subject }},
			{"a lead of a ward", role(wardLead), leadAge, about(nurse)},
			{"an administrator", role(admin), always, all},
			{"an administrator of a ward", role(wardAdmin), always, about(nurse)},
			{"an auditor", role(auditor), always, all},
			{"a security administrator", role(security), always, all},
			{"a nurse", role(nurse), always, about(nurse)},
			{"an agent, of themselves", trail.OwnSight(h.Alder.ID, desk.ID, h.Clock.Now()), always, about(desk)},
			{"somebody of another tenant", role(h.Admin(h.Birch, "lead", access.RoleHelpdeskLead)), leadAge, func(entry) bool { return false }},
		} {
			sees := func(e entry) bool { return row.sees(e) && now.Sub(e.at) <= row.age }
			p.shows(row.name, row.sight, sees)
			p.counts(row.name, row.sight, edges, sees)
			p.counts(row.name, row.sight, []time.Time{from, now}, sees)
		}
	})
}

// TestHowLongACaseIsHandled: an agent sees what others do in a case that they own or opened,
// and for thirty days after its end. What they did in it themselves they see as long as they
// see any act of theirs; and for others the end of a case is no limit.
func TestHowLongACaseIsHandled(t *testing.T) {
	const after = 30 * 24 * time.Hour
	Each(t, func(h *House) {
		p := &past{House: h, trail: &trail.Service{DB: h.DB}}
		owner, opener, other := h.Admin(h.Alder, "owner", access.RoleHelpdesk), h.Admin(h.Alder, "opener", access.RoleHelpdesk), h.Admin(h.Alder, "other", access.RoleHelpdesk)
		lead, admin, auditor := h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "auditor", access.RoleAuditor)
		nurse, porter := h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		from := h.Clock.Now().Add(time.Hour)
		now := from.Add(2 * after)
		add := func(number int, id, state string, closedAt any) {
			h.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at, closed_at) VALUES (?,?,?,?,'lost','',?,?,?,?,?)", h.Alder.ID, id, number, porter.ID, state, owner.ID, opener.ID, from, closedAt)
		}
		add(1001, "open", "open", nil)
		add(1002, "just", "closed", now.Add(-after+time.Second))
		add(1003, "past", "closed", now.Add(-after-time.Second))
		// Before the end of a case and after it: what counts is when it ended.
		moment := from
		for _, id := range []string{"open", "just", "past"} {
			p.at(moment, audit.Event{Action: audit.CaseNoted, Actor: audit.User(nurse.ID), Subject: porter.ID, Thread: id})
			p.at(moment.Add(time.Second), audit.Event{Action: audit.CaseTaken, Actor: audit.User(owner.ID), Subject: porter.ID, Thread: id})
			moment = moment.Add(time.Minute)
		}
		moment = now.Add(-time.Hour)
		for _, id := range []string{"open", "just", "past"} {
			p.at(moment, audit.Event{Action: audit.CaseReopened, Actor: audit.User(nurse.ID), Subject: porter.ID, Thread: id})
			moment = moment.Add(time.Minute)
		}
		p.at(now)
		sealAll(t, h)
		all := func(entry) bool { return true }
		of := func(threads ...string) func(entry) bool {
			return func(e entry) bool { return slices.Contains(threads, e.Thread) }
		}
		p.questions = []question{
			{"a time", trail.Query{From: from}, all},
			{"words", trail.Query{Text: "badge"}, all},
			{"actions", trail.Query{Action: "case."}, all},
			{"the open case", trail.Query{Thread: "open"}, of("open")},
			{"the case that was closed since", trail.Query{Thread: "just"}, of("just")},
			{"the case that was closed before", trail.Query{Thread: "past"}, of("past")},
			{"who it was about", trail.Query{Target: porter.ID, From: from}, all},
			{"what the owner did", trail.Query{Actor: owner.ID, From: from}, func(e entry) bool { return e.Actor.ID == owner.ID }},
		}
		for _, row := range []struct {
			by   user.User
			sees func(e entry) bool
		}{
			{owner, func(e entry) bool { return e.Thread != "past" || e.Actor.ID == owner.ID }},
			{opener, of("open", "just")},
			{other, of()},
			{lead, all},
			{admin, all},
			{auditor, all},
		} {
			sight := trail.SightOf(h.Rules.Standing(h.Alder.ID, row.by.ID), h.Clock.Now())
			p.shows(row.by.Name, sight, row.sees)
			p.counts(row.by.Name, sight, []time.Time{from, now.Add(-after), now}, row.sees)
		}
	})
}
