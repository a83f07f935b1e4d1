package ticketsystem

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Times of an answer.
const (
	askWait    = 4 * time.Second     // for one, unless Service.Wait says otherwise
	AnswerLife = 2 * time.Minute     // that one lets its act through
	answerKept = 30 * 24 * time.Hour // that a page lists it
)

// Answer of a ticket system. Add, never rename.
type Answer string

const (
	Open      Answer = "open"
	NotOpen   Answer = "not_open"
	NotTheirs Answer = "not_theirs"
	None      Answer = "none"
)

// Question is what a ticket system is asked, for one act.
type Question struct{ TenantID, ActID, Ticket, UserID, AgentID string }

// check is a question as it is sent.
type check struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Tenant string `json:"tenant"`
	Ticket string `json:"ticket"`
	Person string `json:"person"`
	Agent  string `json:"agent"`
}

// told are a tenant and two people as its ticket system is told of them.
func (r row) told(tx *store.Tx, tenantID, userID, agentID string) (tenant, person, agent string, err error) {
	if _, err = tx.One(&tenant, "SELECT slug FROM tenants WHERE id = ?", tenantID); err != nil || r.Tells == ID {
		return tenant, userID, agentID, err
	}
	names := map[string]string{}
	err = tx.Each("SELECT id, name FROM users WHERE tenant_id = ? AND id IN ?", func(scan func(...any) error) error {
		var id, name string
		err := scan(&id, &name)
		names[id] = name
		return err
	}, tenantID, []string{userID, agentID})
	if agent = names[agentID]; agent == "" {
		agent = agentID // a guest of the tenant
	}
	return tenant, names[userID], agent, err
}

// Ask asks the ticket system of a tenant, and keeps what it answers for the act. It holds
// no transaction while it waits. Without a system it does nothing. That there was no
// answer is one, too; an error is ours.
func (s *Service) Ask(ctx context.Context, q Question, from audit.Origin) error {
	tx := s.DB.View(ctx)
	of, ok, err := find(tx, q.TenantID)
	if err != nil || !ok {
		return store.Unusable(err)
	}
	c := check{ID: q.ActID, Kind: "check", Ticket: q.Ticket}
	if c.Tenant, c.Person, c.Agent, err = of.told(tx, q.TenantID, q.UserID, q.AgentID); err != nil {
		return store.Unusable(err)
	}
	began := s.DB.Now()
	answer, why := s.answer(ctx, q.TenantID, of, c)
	took := s.DB.Now().Sub(began)
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Exec("INSERT INTO ticket_answers (tenant_id, id, ticket, user_id, agent_id, answer, fault, milliseconds, asked_at) VALUES (?,?,?,?,?,?,?,?,?)",
			q.TenantID, q.ActID, q.Ticket, q.UserID, q.AgentID, answer, why, took.Milliseconds(), tx.Now).Error
		if err != nil {
			return err
		}
		e := audit.Event{
			TenantID: q.TenantID, Action: audit.TicketSystemAsked, Actor: audit.User(q.AgentID), Target: audit.User(q.UserID), Subject: q.UserID, Origin: from,
			Details: map[string]string{"answer": string(answer)},
		}
		if answer != Open {
			e.Outcome = audit.Failure
		}
		if why != "" {
			e.Details["fault"] = why
		}
		return audit.Record(tx, e.Under(q.Ticket))
	})
}

// answer asks, and says why there was none.
func (s *Service) answer(ctx context.Context, tenantID string, of row, c check) (Answer, string) {
	ctx, cancel := context.WithTimeout(ctx, s.wait())
	defer cancel()
	status, body, err := s.send(ctx, tenantID, of, c.ID, c)
	if err != nil {
		return None, notify.CodeOf(err)
	}
	if err := provider.Judge(status); err != nil {
		return None, notify.CodeOf(err)
	}
	var said struct {
		Answer Answer `json:"answer"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &said) != nil {
		return None, "garbage"
	}
	switch said.Answer {
	case Open, NotOpen, NotTheirs:
		return said.Answer, ""
	}
	return None, "garbage"
}

// send makes one signed request, by the rules of the webhook of package provider.
func (s *Service) send(ctx context.Context, tenantID string, of row, id string, what any) (status int, body []byte, err error) {
	opened, err := s.Keys.Open(tenantID, place, of.Secret)
	if err != nil {
		return 0, nil, provider.Unreadable(err)
	}
	text, err := json.Marshal(what)
	if err != nil {
		return 0, nil, provider.Unreadable(err)
	}
	r, err := provider.Signed(ctx, of.URL, id, s.DB.Now(), secret.TokenOf(opened), text)
	if err != nil {
		return 0, nil, err
	}
	return provider.Ask(s.Client, r)
}

// Taken is the answer that an act rests on.
type Taken struct {
	Wanted bool // the tenant has a ticket system
	Answer Answer
	down   WhenDown
}

// Took gives the answer for an act, in the act tx: one to exactly this question, and not
// older than AnswerLife. It changes nothing: an id is that of one act alone.
func Took(tx *store.Tx, q Question) (t Taken, err error) {
	of, ok, err := find(tx, q.TenantID)
	if err != nil || !ok {
		return t, err
	}
	t.Wanted, t.down = true, of.WhenDown
	_, err = tx.One(&t.Answer, "SELECT answer FROM ticket_answers WHERE tenant_id = ? AND id = ? AND ticket = ? AND user_id = ? AND agent_id = ? AND asked_at > ?",
		q.TenantID, q.ActID, q.Ticket, q.UserID, q.AgentID, tx.Now.Add(-AnswerLife))
	return t, err
}

// Wrong is the code of why the ticket of an act does not do; empty when it does.
func (t Taken) Wrong(ticket string) string {
	switch {
	case !t.Wanted:
		return ""
	case ticket == "":
		return "desk.ticket_needed"
	case t.Answer == Open, t.Answer == None && t.down == Pass:
		return ""
	case t.Answer == NotOpen:
		return "ticketsystem.not_open"
	case t.Answer == NotTheirs:
		return "ticketsystem.not_theirs"
	}
	return "ticketsystem.none"
}

// Kept gives the answer that was kept for an act, whenever that was; empty: none.
func Kept(tx *store.Tx, tenantID, actID string) (a Answer, err error) {
	_, err = tx.One(&a, "SELECT answer FROM ticket_answers WHERE tenant_id = ? AND id = ?", tenantID, actID)
	return a, err
}

// Asked is an answer on a list.
type Asked struct {
	ID, Ticket, UserName, AgentName string
	Answer                          Answer
	Fault                           string
	Milliseconds                    int
	AskedAt                         time.Time
}

// shown is how many answers, and notes, a page lists.
const shown = 20

// Last lists the last answers of a tenant, the newest first.
func (s *Service) Last(ctx context.Context, tenantID string) (all []Asked, err error) {
	err = s.DB.View(ctx).All(&all, `SELECT a.id, a.ticket, COALESCE(u.name, '') AS user_name, COALESCE(g.name, '') AS agent_name, a.answer, a.fault, a.milliseconds, a.asked_at
		FROM ticket_answers a LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id LEFT JOIN users g ON g.tenant_id = a.tenant_id AND g.id = a.agent_id
		WHERE a.tenant_id = ? ORDER BY a.asked_at DESC, a.id LIMIT ?`, tenantID, shown)
	return all, store.Unusable(err)
}

// Sweep forgets answers that no page lists any more.
func (s *Service) Sweep(ctx context.Context) error {
	_, err := s.DB.CountOne(ctx, "DELETE FROM ticket_answers WHERE asked_at < ?", s.DB.Now().Add(-answerKept))
	return err
}
