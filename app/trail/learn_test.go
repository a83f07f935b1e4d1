package trail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/trail"
	"latchkey/app/user"
)

// outputs are all that a reader is given of a query, each as one text. Whatever else gives
// events away belongs here.
var outputs = map[string]func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (string, error){
	"pages": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		for after := (trail.Position{}); ; {
			p, err := s.Find(ctx, sight, q, after, trail.Position{})
			if err != nil {
				return "", err
			}
			for _, r := range p.Rows {
				all += said(r)
			}
			all += fmt.Sprintln("older", p.Older.None(), "newer", p.Newer.None(), "looked to", p.LookedTo.At)
			if after = p.Older; after.None() {
				return all, nil
			}
		}
	},
	"pages back": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		for before := (trail.Position{At: time.Unix(1, 0)}); ; {
			p, err := s.Find(ctx, sight, q, trail.Position{}, before)
			if err != nil {
				return "", err
			}
			for _, r := range p.Rows {
				all += said(r)
			}
			if before = p.Newer; before.None() {
				return all, nil
			}
		}
	},
	"story": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		for kind, id := range map[trail.Kind]string{trail.SignIn: q.Thread, trail.Case: q.Thread, trail.Person: q.Target, trail.Agent: q.Actor, trail.Ticket: q.Ticket} {
			if id == "" {
				continue
			}
			if strings.Contains(id, "@") {
				if _, err := s.DB.View(ctx).One(&id, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", sight.TenantID, id); err != nil {
					return "", err
				}
			}
			var told, back string
			for after := (trail.Position{}); ; {
				t, err := s.Story(ctx, sight, kind, id, after, trail.Position{})
				if errors.Is(err, fault.NotFound) {
					told += "nothing"
					break
				}
				if err != nil {
					return "", err
				}
				for _, r := range t.Rows {
					told += said(r)
				}
				if after = t.Later; after.None() {
					break
				}
			}
			for before := (trail.Position{At: time.Unix(1<<33, 0), ID: "0"}); ; {
				t, err := s.Story(ctx, sight, kind, id, trail.Position{}, before)
				if errors.Is(err, fault.NotFound) {
					break
				}
				if err != nil {
					return "", err
				}
				part := ""
				for _, r := range t.Rows {
					part += said(r)
				}
				back = part + back
				if before = t.Earlier; before.None() {
					break
				}
			}
			if back != strings.TrimSuffix(told, "nothing") {
				return "", fmt.Errorf("there and back it is\n%s\nand\n%s", told, back)
			}
			for line := range strings.Lines(told) { // what was there before the two are alike
				if at, _ := strconv.ParseInt(strings.Fields(line)[0], 10, 64); at >= q.From.Unix() {
					all += line
				}
			}
		}
		return all, nil
	},
	"file": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		err = s.Each(ctx, sight, q, func(r trail.Row) error {
			all += said(r)
			return nil
		})
		return all, err
	},
	"count": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (string, error) {
		n, err := s.Count(ctx, sight, q, 1000)
		return fmt.Sprint(n), err
	},
	"figures": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		edges := []time.Time{q.From}
		for range 10 {
			edges = append(edges, edges[len(edges)-1].Add(9*time.Second))
		}
		figures, err := s.Actions(ctx, sight, audit.Actions(), edges)
		if err != nil {
			return "", err
		}
		ways, more, err := s.Ways(ctx, sight, edges)
		return fmt.Sprintln(figures, ways, more), err
	},
	"tail": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		for size := int64(0); ; {
			rows, next, err := s.Tail(ctx, sight, q, size)
			if err != nil || next == size {
				return all, err
			}
			for _, r := range rows {
				all += said(r)
			}
			size = next
		}
	},
	"event": func(ctx context.Context, s *trail.Service, sight trail.Sight, q trail.Query) (all string, err error) {
		err = s.Each(ctx, sight, q, func(r trail.Row) error {
			one, err := s.One(ctx, sight, r.Position())
			all += said(one)
			return err
		})
		return all, err
	},
}

// said is a row without what chance made of it: ids and bytes. What the event is called stands
// in its details.
func said(r trail.Row) string {
	return fmt.Sprintln(r.At.Unix(), r.Action, r.Outcome, r.Reason, r.Actor.Kind, local(r.ActorName), local(r.SubjectName), r.Thread, r.IP, r.Browser, r.Typed, r.Details, len(r.Record) > 0)
}

func local(name string) string { name, _, _ = strings.Cut(name, "@"); return name }

// TestNobodyLearnsWhatIsHidden makes two tenants alike in all that a reader may know, and
// different in all else: other events are there that they do not see, and other addresses and
// names stand in what they do see. Whatever the reader asks for, in every output, they are
// told the same of both.
func TestNobodyLearnsWhatIsHidden(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		type world struct {
			tenant.Tenant
			people map[string]user.User
		}
		worlds := []world{{h.Alder, map[string]user.User{}}, {h.Birch, map[string]user.User{}}}
		roles := map[string]access.Role{
			"security": access.RoleSecurityAdministrator, "auditor": access.RoleAuditor, "admin": access.RoleTenantAdministrator, "ward": access.RoleTenantAdministrator,
			"lead": access.RoleHelpdeskLead, "desk": access.RoleHelpdesk, "desk2": access.RoleHelpdesk,
		}
		names := []string{"security", "auditor", "admin", "ward", "lead", "desk", "desk2", "nurse", "porter"}
		for _, w := range worlds {
			for _, name := range names {
				if role := roles[name]; role != "" {
					w.people[name] = h.Admin(w.Tenant, name, role)
				} else {
					w.people[name] = h.User(w.Tenant, name)
				}
			}
			h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", w.ID, h.Clock.Now())
			h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,'')", w.ID, w.people["nurse"].ID)
			h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", w.ID, w.people["ward"].ID)
			h.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case-1',1001,?,'lost','','open',?,?,?)", w.ID, w.people["porter"].ID, w.people["desk"].ID, w.people["desk"].ID, h.Clock.Now())
		}
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		actions := []audit.Action{audit.SignInBegun, audit.SignInFinished, audit.SignInRefused, audit.UserLocked, audit.CaseNoted, audit.BypassIssued, audit.AccessRefused, audit.AccessAlarm, audit.SettingsChanged, audit.DeviceRenamed, audit.BreakGlassUsed}
		chance := rand.New(rand.NewPCG(8, 55))
		pick := func(all ...string) string { return all[chance.IntN(len(all))] }

		for _, reader := range []string{"security", "auditor", "admin", "ward", "lead", "desk", "desk2", "nurse"} {
			h.Clock.Forward(time.Hour)
			from := h.Clock.Now()
			sight := func(w world) trail.Sight {
				return trail.SightOf(h.Rules.Standing(w.ID, w.people[reader].ID), h.Clock.Now())
			}
			// Both tenants get the same events, each with its own addresses; what the reader
			// cannot see is in one of them alone.
			hidden, shared := 0, 0
			for n := range 60 {
				action, by, on := actions[chance.IntN(len(actions))], pick(names...), pick("nurse", "porter", "desk", "")
				thread, reason, outcome := pick("", "case-1", "attempt-1"), pick("", "signin.password_wrong", "lost the phone", "secret word"), []audit.Outcome{audit.Success, audit.Failure, audit.Denied}[chance.IntN(3)]
				ticket, way := pick("INC-1", "inc-1", "CHG-2"), pick("phone", "pwd,otp")
				event := func(i int) audit.Event {
					w := worlds[i]
					e := audit.Event{
						TenantID: w.ID, Action: action, Outcome: outcome, Reason: reason, Actor: audit.User(w.people[by].ID), Target: audit.Tenant(w.ID), Thread: thread,
						Origin: audit.Origin{IP: fmt.Sprintf("203.0.113.%d", 10+i), Browser: "firefox/linux"}, Typed: []string{"Jane Doe", "John Roe"}[i], Details: map[string]string{"n": fmt.Sprint(n), "ticket": ticket, "by": way},
					}
					if on != "" {
						e.Subject = w.people[on].ID
					}
					return e
				}
				// Written to the second tenant, to be kept there or not: who sees it is asked of
				// the package, and held to the roles by TestWhoSeesWhat.
				record(h, event(1))
				h.Clock.Forward(-time.Second)
				seen, err := s.Count(t.Context(), sight(worlds[1]), trail.Query{From: h.Clock.Now(), To: h.Clock.Now().Add(time.Microsecond)}, 10)
				if err != nil {
					t.Fatal(err)
				}
				if seen > 0 {
					h.Act(func(tx *store.Tx) error {
						e := event(0)
						if sight(worlds[0]).Personal || by == reader { // they see their own whole: it must be the same
							e.Origin.IP, e.Typed = "203.0.113.11", "John Roe"
						}
						return audit.Record(tx, e)
					})
					shared++
				} else {
					hidden++
				}
				h.Clock.Forward(time.Second)
			}
			if shared == 0 || hidden == 0 && reader != "security" && reader != "auditor" {
				t.Fatalf("%s sees %d events and not %d", reader, shared, hidden)
			}
			sealAll(t, h)
			queries := []trail.Query{
				{},
				{Text: "203.0.113.10"},
				{Text: "203.0.113.11"},
				{Text: "Jane"},
				{Text: "john roe"},
				{Text: "secret"},
				{Text: "phone lost"},
				{Text: "signin.password_wrong"},
				{Thread: "case-1"},
				{Thread: "attempt-1"},
				{Outcome: audit.Denied},
				{Outcome: audit.Success},
				{Action: "access."},
				{Action: "signin."},
				{Action: "user.locked"},
				{Actor: "claimant"},
				{Ticket: "INC-1"},
				{Ticket: "CHG-2", Outcome: audit.Denied},
				{Ticket: "no ticket"},
				{By: "phone"},
				{By: "phone", Action: "signin.finished"},
				{By: "pwd' OR '1'='1"},
				{Actor: "service"},
			}
			asked := len(queries)
			for range 40 {
				q := queries[chance.IntN(asked)]
				q.Outcome = []audit.Outcome{"", audit.Success, audit.Failure, audit.Denied}[chance.IntN(4)]
				q.Action = pick("", "signin.", "user.", "access.refused", string(actions[chance.IntN(len(actions))]))
				q.From, q.To = from.Add(time.Duration(chance.IntN(30))*time.Second), from.Add(time.Duration(30+chance.IntN(40))*time.Second)
				queries = append(queries, q)
			}
			for _, name := range names {
				queries = append(queries, trail.Query{Actor: name}, trail.Query{Target: name}, trail.Query{Text: name + "@"})
			}
			for _, q := range queries {
				if q.From.IsZero() {
					q.From = from
				}
				for output, give := range outputs {
					var told [2]string
					for i, w := range worlds {
						asked := q
						for _, field := range []*string{&asked.Actor, &asked.Target} {
							if u, ok := w.people[*field]; ok {
								*field = u.Name
							}
						}
						if name, ok := strings.CutSuffix(asked.Text, "@"); ok {
							asked.Text = w.people[name].Name
						}
						var err error
						if told[i], err = give(t.Context(), s, sight(w), asked); err != nil {
							t.Fatal(err)
						}
					}
					if told[0] != told[1] {
						t.Fatalf("%s, asking for %+v, is told in %s\n%s\nand of the other tenant\n%s", reader, q, output, told[0], told[1])
					}
				}
			}
		}
	})
}

// sealAll puts every event into its tree.
func sealAll(t *testing.T, h *House) {
	t.Helper()
	s := &checkpoint.Service{DB: h.DB, Keys: h.Keys, Log: slog.New(slog.DiscardHandler)}
	for {
		_, more, err := s.Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}
