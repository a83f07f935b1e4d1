package trail

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/store"
)

// Query is what somebody asks for; the zero value is everything they see.
type Query struct {
	From, To time.Time     // [From, To); zero: without that end
	Actor    string        // sign-in name or id of a user, or the kind of another party
	Target   string        // sign-in name or id of the person it is about, or kind:id of another thing
	Action   string        // an action, or what actions begin with, such as "bypass."
	Outcome  audit.Outcome // empty: each
	Text     string        // words; an address, or the code of a reason, alone
	Thread   string        // the attempt, case or session that ties events together
	Ticket   string        // the ticket that it was done under; large and small letters are the same
	By       string        // what a sign-in was proved with, as it stands in its details
}

// Of a query, so that none takes long to read or to plan.
const (
	textMost   = 200 // letters
	wordsAsked = 8
)

// stream is one way to walk events e in the order of time: what it walks, the columns of that
// order, and what is true of all that it meets.
type stream struct {
	from   string
	at, id string
	condition
}

// allEvents is what a stream walks that has no table of its own.
const allEvents = "audit_events e"

func events(text string, values ...any) stream {
	return stream{from: allEvents, at: "e.occurred_at", id: "e.id", condition: condition{text, values}}
}

// found walks what a word leads to, or a mark.
func (s Sight) found(word string) stream {
	return stream{
		from: "audit_words w JOIN audit_events e ON e.tenant_id = w.tenant_id AND e.occurred_at = w.occurred_at AND e.id = w.event_id",
		at:   "w.occurred_at", id: "w.event_id", condition: condition{"w.tenant_id = ? AND w.word = ?", []any{s.TenantID, word}},
	}
}

// Means says whether a question about actions means any. Else it is a text that somebody typed.
func Means(asked string) bool { return len(actionsOf(asked)) > 0 }

// Nameless says whether a question about who did it asks for a kind of party, and for nobody
// in person.
func Nameless(actor string) bool { return slices.Contains(otherActors, actor) }

// plan is how a query is answered: streams that have no event in common, and what every event
// of them must be besides.
type plan struct {
	streams []stream
	filter  condition
	walked  condition // what the streams have alone, and the filter does not ask again
	common  bool      // enough of it may stand among any events to fill a page
	tenant  string
	from    time.Time
	to      time.Time
}

// whole is the filter for whoever does not walk the streams.
func (p plan) whole() condition {
	c := condition{p.filter.text, slices.Clone(p.filter.values)}
	if p.walked.text != "" {
		c.and(p.walked.text, p.walked.values...)
	}
	return c
}

// nothing is the plan of what cannot be there.
func nothing() plan { return plan{} }

// plan finds the streams of a query, the most selective first.
func (s Sight) plan(tx *store.Tx, q Query) (p plan, err error) {
	if s.Blind() {
		return nothing(), nil
	}
	p.tenant, p.from, p.to = s.TenantID, q.From, q.To
	if p.from.Before(s.Since) {
		p.from = s.Since
	}
	p.filter = s.condition()
	take := func(streams ...stream) {
		if p.streams == nil {
			p.streams = streams
		}
	}
	if q.Thread != "" {
		take(events("e.thread_id = ?", q.Thread))
		p.filter.and("e.thread_id = ?", q.Thread)
	}
	if q.Ticket != "" {
		key := strings.ToLower(q.Ticket)
		if !audit.IsTicket(key) {
			return nothing(), nil
		}
		take(stream{
			from: "ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id",
			at:   "k.occurred_at", id: "k.event_id", condition: condition{"k.tenant_id = ? AND k.ticket_key = ?", []any{s.TenantID, key}},
		})
		p.filter.and("EXISTS (SELECT 1 FROM ticket_events o WHERE o.tenant_id = e.tenant_id AND o.ticket_key = ? AND o.occurred_at = e.occurred_at AND o.event_id = e.id)", key)
	}
	own := s.streams()
	if s.Told != people.Helpdesk {
		take(own...) // few: whatever else is asked is a filter
	}
	if text := strings.TrimSpace(q.Text); text != "" {
		if len(text) > textMost || strings.ContainsRune(text, 0) {
			return nothing(), nil
		}
		found, ok, err := s.text(tx, text, &p)
		if err != nil || !ok {
			return nothing(), err
		}
		take(found...)
	}
	if q.Actor != "" {
		found, err := s.actor(tx, strings.TrimSpace(q.Actor), &p.filter)
		if err != nil {
			return nothing(), err
		}
		take(found...)
	}
	if q.Target != "" {
		found, err := s.target(tx, strings.TrimSpace(q.Target), &p.filter)
		if err != nil {
			return nothing(), err
		}
		take(found...)
	}
	if q.Action != "" {
		actions := actionsOf(q.Action)
		if len(actions) == 0 {
			return nothing(), nil
		}
		var each []stream
		for _, action := range actions {
			each = append(each, events("e.action = ?", string(action)))
		}
		if len(each) <= actionsMost {
			p.common = p.streams == nil && len(each) > 1
			take(each...)
		}
		p.filter.and("e.action IN "+store.Tuples(1, len(actions)), texts(actions)...)
	}
	if q.By != "" {
		if !proofs.MatchString(q.By) || len(q.By) > textMost {
			return nothing(), nil
		}
		p.filter.and(proofOf[tx.Dialect]+" = ?", q.By)
	}
	if q.Outcome != "" {
		if q.Outcome != audit.Success {
			take(s.found(audit.MarkOfOutcome(q.Outcome)))
		}
		p.filter.and("e.outcome = ?", string(q.Outcome))
	}
	take(own...)
	take(events("1 = 1"))
	return p, nil
}

// proofOf is what an event e says that a sign-in was proved with, out of its bytes, in which no
// other key of that name can stand. It has no index: what else is asked must lead there.
var proofOf = map[store.Dialect]string{
	store.Postgres: `substring(convert_from(e.record, 'UTF8') from '"by":"([^"]*)"')`,
	store.SQLite:   `json_extract(CAST(e.record AS TEXT), '$.details.by')`,
}

// proofs are the forms of what a sign-in is proved with: values of amr, with commas.
var proofs = regexp.MustCompile(`^[a-z_]+(,[a-z_]+)*$`)

// actionsMost is how many indexes are walked at once for what actions begin with.
const actionsMost = 24

// actionsOf are the actions that a question means.
func actionsOf(asked string) (all []audit.Action) {
	for _, action := range audit.Actions() {
		if string(action) == asked || strings.HasSuffix(asked, ".") && strings.HasPrefix(string(action), asked) {
			all = append(all, action)
		}
	}
	return all
}

func texts(actions []audit.Action) (all []any) {
	for _, action := range actions {
		all = append(all, string(action))
	}
	return all
}

// streams are what a reader sees few of, or nil.
func (s Sight) streams() []stream {
	switch {
	case s.Own:
		return []stream{events("e.subject_id = ?", s.ReaderID)}
	case s.Told == people.OwnActs:
		own := s.actsOf(s.ReaderID)
		cases := events("e.thread_id IN ("+handled+") AND NOT (e.actor_kind IN ('user', 'operator') AND e.actor_id = ?)", append(s.handledBy(), s.ReaderID)...)
		return append(own, cases)
	case s.Told == people.Helpdesk:
		return []stream{s.found(audit.MarkOfDesk)}
	}
	return nil
}

// actsOf are the acts of a user: on others, and on themselves.
func (s Sight) actsOf(userID string) []stream {
	return []stream{
		s.found(audit.MarkOfActor(userID)),
		events("e.subject_id = ? AND e.actor_kind IN ('user', 'operator') AND e.actor_id = ?", userID, userID),
	}
}

// text finds what somebody typed: a person, an address, a code, or words.
func (s Sight) text(tx *store.Tx, text string, p *plan) (found []stream, ok bool, err error) {
	filter := &p.filter
	if strings.Contains(text, "@") {
		id, err := s.userOf(tx, text)
		if err != nil {
			return nil, false, err
		}
		filter.and("(e.subject_id = ? OR e.actor_id = ?)", id, id)
		return []stream{
			events("e.subject_id = ?", id),
			s.found(audit.MarkOfActor(id)),
		}, true, nil
	}
	if address, err := netip.ParseAddr(text); err == nil {
		if !s.Personal { // masked: there is nothing by it, whether or not there is
			return nil, false, nil
		}
		const is = "e.address = ? AND e.personal <> ''"
		filter.and(is, address.String())
		return []stream{events(is, address.String())}, true, nil
	}
	if audit.IsCode(text) {
		filter.and("e.reason = ?", text)
		return []stream{s.found(audit.MarkOfReason(text))}, true, nil
	}
	words := audit.Words(text)
	if len(words) == 0 {
		return nil, false, nil
	}
	words = words[:min(len(words), wordsAsked)]
	rarest, err := s.rarest(tx, words, p.to)
	if err != nil {
		return nil, false, err
	}
	for _, w := range words {
		asked := filter
		if w == rarest && p.streams == nil {
			asked = &p.walked // its stream has no other
		}
		// With its LIMIT it is asked of each event that is met, by the whole key, and never
		// made into a join of all that has the one word and all that has the other.
		asked.and("EXISTS (SELECT 1 FROM audit_words o WHERE o.tenant_id = e.tenant_id AND o.word = ? AND o.occurred_at = e.occurred_at AND o.event_id = e.id LIMIT 1 OFFSET 0)", w)
	}
	return []stream{s.found(rarest)}, true, nil
}

// rareBack is how many events of a word are gone back to tell a rare one from common ones.
const rareBack = 100

// rarest is the word whose events are the furthest apart, before a time: the way to walk when
// all are asked for.
func (s Sight) rarest(tx *store.Tx, words []string, before time.Time) (rarest string, err error) {
	if len(words) == 1 {
		return words[0], nil
	}
	if before.IsZero() {
		before = tx.Now.Add(time.Hour)
	}
	back := make([]string, len(words))
	var values []any
	for i, w := range words {
		back[i] = "(SELECT w.occurred_at FROM audit_words w WHERE w.tenant_id = ? AND w.word = ? AND w.occurred_at < ? ORDER BY w.occurred_at DESC, w.event_id DESC LIMIT 1 OFFSET " + strconv.Itoa(rareBack-1) + ")"
		values = append(values, s.TenantID, w, before)
	}
	at, into := make([]*time.Time, len(words)), make([]any, len(words))
	for i := range at {
		into[i] = &at[i]
	}
	err = tx.Each("SELECT "+strings.Join(back, ", "), func(scan func(dest ...any) error) error { return scan(into...) }, values...)
	rarest = words[0]
	for i, oldest := 0, before; i < len(words) && err == nil; i++ {
		if at[i] == nil {
			return words[i], nil // it has fewer
		}
		if at[i].Before(oldest) {
			rarest, oldest = words[i], *at[i]
		}
	}
	return rarest, err
}

// otherActors are parties that act and are no user.
var otherActors = []string{audit.KindClaimant, audit.KindDevice, audit.KindService}

func (s Sight) actor(tx *store.Tx, asked string, filter *condition) ([]stream, error) {
	if slices.Contains(otherActors, asked) {
		filter.and("e.actor_kind = ?", asked)
		return nil, nil
	}
	id, err := s.userOf(tx, asked)
	if err != nil {
		return nil, err
	}
	filter.and("e.actor_kind IN ('user', 'operator') AND e.actor_id = ?", id)
	return s.actsOf(id), nil
}

func (s Sight) target(tx *store.Tx, asked string, filter *condition) ([]stream, error) {
	if kind, id, ok := strings.Cut(asked, ":"); ok && !strings.Contains(asked, "@") {
		filter.and("e.target_kind = ? AND e.target_id = ?", kind, id)
		if !audit.Marked(kind) {
			return nil, nil
		}
		return []stream{s.found(audit.MarkOfTarget(id))}, nil
	}
	id, err := s.userOf(tx, asked)
	if err != nil {
		return nil, err
	}
	filter.and("e.subject_id = ?", id)
	return []stream{events("e.subject_id = ?", id)}, nil
}

// nobody is no user's id.
const nobody = "(nobody)"

// userOf is the id of a user by their sign-in name or their id. Who is not there is nobody,
// and nobody did anything.
func (s Sight) userOf(tx *store.Tx, asked string) (id string, err error) {
	if strings.ContainsRune(asked, 0) {
		return nobody, nil
	}
	if !strings.Contains(asked, "@") {
		return asked, nil
	}
	found, err := tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", s.TenantID, strings.ToLower(asked))
	if err != nil || found {
		return id, err
	}
	return nobody, nil
}
