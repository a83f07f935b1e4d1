package ticketsystem

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Kind of the rows of the outbox that are notes.
const Kind = "ticket_note"

const noteLife = 24 * time.Hour

// Note is what a ticket system is told of a bypass that was given under a ticket.
type Note struct {
	TenantID, Ticket, UserID, AgentID string
	Bypass, Given                     string // its id and its kind
	Minutes, Uses                     int
	Reason                            string
}

type note struct {
	check
	Sequence int       `json:"sequence"`
	Bypass   string    `json:"bypass"`
	Given    string    `json:"given"`
	Minutes  int       `json:"minutes"`
	Uses     int       `json:"uses"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
}

// Note owes, in the act tx, a note to the ticket system of a tenant. Without a system, or
// a ticket, there is none.
func (s *Service) Note(tx *store.Tx, n Note) error {
	if n.Ticket == "" {
		return nil
	}
	of, ok, err := find(tx, n.TenantID)
	if err != nil || !ok {
		return err
	}
	owed := note{check: check{ID: secret.System.ID(), Kind: "note", Ticket: n.Ticket}, Bypass: n.Bypass, Given: n.Given, Minutes: n.Minutes, Uses: n.Uses, Reason: n.Reason, At: tx.Now}
	if owed.Tenant, owed.Person, owed.Agent, err = of.told(tx, n.TenantID, n.UserID, n.AgentID); err != nil {
		return err
	}
	if _, err := tx.One(&owed.Sequence, "UPDATE ticket_systems SET notes = notes + 1 WHERE tenant_id = ? RETURNING notes", n.TenantID); err != nil {
		return err
	}
	text, err := json.Marshal(owed)
	if err != nil {
		return err
	}
	to := notify.Targets{Query: "SELECT CAST(? AS text) AS target", Values: []any{n.Ticket}}
	if err := notify.QueueAs(tx, n.TenantID, owed.ID, Kind, to, string(text), noteLife); err != nil {
		return err
	}
	tx.After(func() {
		select {
		case s.Nudge <- struct{}{}:
		default:
		}
	})
	return nil
}

// Send implements notify.Sender: to the system that the tenant has now.
func (s *Service) Send(ctx context.Context, o notify.Owed) error {
	of, ok, err := find(s.DB.View(ctx), o.TenantID)
	if err != nil {
		return store.Unusable(err)
	}
	if !ok {
		return &notify.Failed{Code: "no_provider", Final: true}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*s.wait())
	defer cancel()
	status, _, err := s.send(ctx, o.TenantID, of, o.ID, json.RawMessage(o.Body))
	if err != nil {
		return err
	}
	return provider.Judge(status)
}

// Owed is a note that did not arrive, or has not yet.
type Owed struct {
	ID, Ticket, Fault string
	Tries             int
	CreatedAt         time.Time
	FailedAt          *time.Time // nil: it is tried again
}

// Unsent lists the last notes of a tenant that have not arrived, the newest first.
func (s *Service) Unsent(ctx context.Context, tenantID string) (all []Owed, err error) {
	err = s.DB.View(ctx).All(&all, `SELECT id, target AS ticket, fault, tries, created_at, failed_at FROM outbox
		WHERE tenant_id = ? AND kind = 'ticket_note' AND sent_at IS NULL AND (failed_at IS NOT NULL OR tries > 0) ORDER BY created_at DESC LIMIT ?`, tenantID, shown)
	return all, store.Unusable(err)
}
