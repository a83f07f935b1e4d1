package audit

import (
	"context"
	"maps"
	"strings"
	"time"

	"latchkey/app/store"
)

// TicketMost is how many letters the name of a ticket may have (http.md).
const TicketMost = 64

// ticket is the detail of an event that names the ticket it was done under.
const ticket = "ticket"

// Where a ticket's name is one by its form: the letters that ticket systems use, one
// of them a letter or a digit, so that no name means something in an address.
const (
	ticketLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	ticketSigns   = "-_#/.:"
)

// IsTicket says whether a text has the form of the name of a ticket.
func IsTicket(text string) bool {
	return len(text) <= TicketMost && strings.ContainsAny(text, ticketLetters) && beginsTicket(text)
}

// beginsTicket says whether the name of a ticket may begin with a text.
func beginsTicket(text string) bool {
	foreign := func(r rune) bool { return !strings.ContainsRune(ticketLetters+ticketSigns, r) }
	return text != "" && len(text) <= TicketMost && !strings.ContainsFunc(text, foreign)
}

// Under gives e as done under a ticket; an empty one is none.
func (e Event) Under(name string) Event {
	if name == "" {
		return e
	}
	details := maps.Clone(e.Details)
	if details == nil {
		details = map[string]string{}
	}
	details[ticket] = name
	e.Details = details
	return e
}

// index writes, with the event that is stored as row, that it belongs to its ticket.
func (e Event) index(tx *store.Tx, id string) error {
	name := e.Details[ticket]
	if name == "" {
		return nil
	}
	actor := ""
	if e.Actor.Kind == KindUser {
		actor = e.Actor.ID
	}
	return tx.Later("INSERT INTO ticket_events (tenant_id, ticket_key, occurred_at, event_id, ticket, actor_id, subject_id) VALUES (?,?,?,?,?,?,?)",
		e.TenantID, strings.ToLower(name), tx.Now, id, name, actor, e.Subject)
}

// UnderTicket gives up to limit events under a ticket before a position, newest
// first, as much of them as part says. Large and small letters are the same.
func UnderTicket(ctx context.Context, db *store.DB, tenantID, name string, part Part, before time.Time, beforeID string, limit int) ([]Entry, error) {
	tx := db.View(ctx)
	which, values := part.ticketCondition()
	if before.IsZero() {
		before, beforeID = tx.Now.Add(time.Hour), ""
	}
	values = append(append([]any{tenantID, strings.ToLower(name), before, before, beforeID}, values...), limit)
	return entries(tx, ` FROM ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id
		WHERE k.tenant_id = ? AND k.ticket_key = ? AND (k.occurred_at < ? OR (k.occurred_at = ? AND k.event_id < ?))`+which+`
		ORDER BY k.occurred_at DESC, k.event_id DESC LIMIT ?`, values...)
}

// ticketCondition is the condition of a part on an event e and its row k: of one's
// own acts the latter has an index.
func (p Part) ticketCondition() (which string, values []any) {
	which, values = p.condition()
	if p.By != "" {
		return " AND k.actor_id = ?" + which, append([]any{p.By}, values...)
	}
	return which, values
}

// lookedAt is how many tickets are looked at for those that somebody may see: one
// more letter finds what stands behind them.
const lookedAt = 64

// TicketsFrom gives the names of up to limit tickets that begin with a text and have
// an event that part says, in their order. It steps from name to name along an
// index, however many events each has.
func TicketsFrom(ctx context.Context, db *store.DB, tenantID, beginning string, part Part, limit int) (names []string, err error) {
	if !beginsTicket(beginning) {
		return nil, nil
	}
	from := strings.ToLower(beginning)
	to := from + "\x7f" // behind every letter of a ticket
	which, conditions := part.ticketCondition()
	whose, own := "", []any(nil)
	if part.By != "" {
		whose, own = "k.actor_id = ? AND ", []any{part.By}
	}
	var values []any
	add := func(more ...any) { values = append(values, more...) }
	add(own...)
	add(tenantID, from, to)
	add(own...)
	add(tenantID, to, lookedAt, tenantID, tenantID)
	add(conditions...)
	add(limit)
	err = db.View(ctx).All(&names, `WITH RECURSIVE found (ticket_key, n) AS (
			SELECT min(k.ticket_key), 1 FROM ticket_events k WHERE `+whose+`k.tenant_id = ? AND k.ticket_key >= ? AND k.ticket_key < ?
			UNION ALL
			SELECT (SELECT min(k.ticket_key) FROM ticket_events k WHERE `+whose+`k.tenant_id = ? AND k.ticket_key > f.ticket_key AND k.ticket_key < ?), f.n + 1
				FROM found f WHERE f.ticket_key IS NOT NULL AND f.n < ?)
		SELECT (SELECT k.ticket FROM ticket_events k WHERE k.tenant_id = ? AND k.ticket_key = f.ticket_key ORDER BY k.occurred_at DESC, k.event_id DESC LIMIT 1)
		FROM found f WHERE f.ticket_key IS NOT NULL AND EXISTS (SELECT 1 FROM ticket_events k
			JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id
			WHERE k.tenant_id = ? AND k.ticket_key = f.ticket_key`+which+`)
		LIMIT ?`, values...)
	return names, store.Unusable(err)
}
