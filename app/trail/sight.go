package trail

import (
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/store"
)

// How far back somebody sees, who does not see everything, and how long after its end a case
// is still one that an agent handles.
const (
	DeskAge   = 90 * 24 * time.Hour
	LeadAge   = 400 * 24 * time.Hour
	CaseAfter = 30 * 24 * time.Hour
)

// Sight is what a reader may know of the audit of a tenant. The zero value sees nothing.
type Sight struct {
	TenantID, ReaderID string
	Told               people.Telling
	Own                bool      // the reader's own events, and none but these
	Personal           bool      // addresses and names as they were typed
	Proof              bool      // where an event stands in the tree
	Since              time.Time // zero: from the beginning

	scope []string
	now   time.Time
}

// SightOf is what somebody sees now.
func SightOf(who access.Standing, now time.Time) Sight {
	s := Sight{
		TenantID: who.TenantID, ReaderID: who.UserID, Told: people.TellingFor(who), Personal: who.May.Has(access.AuditReadPersonal), Proof: who.May.Has(access.AuditVerify),
		scope: who.Scope, now: now,
	}
	switch s.Told {
	case people.Nothing:
		s.Own = who.May.Has(access.AuditReadOwn)
	case people.OwnActs:
		s.Since = now.Add(-DeskAge)
	case people.Helpdesk:
		s.Since = now.Add(-LeadAge)
	}
	return s
}

// OwnSight is what somebody sees of what is about themselves, whatever their role.
func OwnSight(tenantID, userID string, now time.Time) Sight {
	return Sight{TenantID: tenantID, ReaderID: userID, Told: people.Nothing, Own: true, now: now}
}

// Blind says whether there is nothing to see.
func (s Sight) Blind() bool { return !s.Own && (s.Told == people.Nothing || s.Told == "") }

// Whole says whether the reader sees every event, and every column of it.
func (s Sight) Whole() bool {
	return s.Told == people.Everything && s.Personal && len(s.scope) == 0
}

// Wide says whether the reader sees what everybody does, but for security events.
func (s Sight) Wide() bool {
	return (s.Told == people.Everything || s.Told == people.NoSecurity) && len(s.scope) == 0
}

// Meets says whether the reader can meet an event of what a question about actions means.
func (s Sight) Meets(asked string) bool {
	may := s.Actions()
	return slices.ContainsFunc(actionsOf(asked), func(a audit.Action) bool { return slices.Contains(may, a) })
}

// condition is a part of a statement about an event e, with its values.
type condition struct {
	text   string
	values []any
}

func (c *condition) and(text string, values ...any) {
	if c.text != "" {
		c.text += " AND "
	}
	c.text += text
	c.values = append(c.values, values...)
}

func (c condition) after(word string) string {
	if c.text == "" {
		return ""
	}
	return " " + word + " " + c.text
}

// handled are the ids of the cases that somebody handles. Its values are handledBy.
const handled = "SELECT k.id FROM cases k WHERE k.tenant_id = ? AND (k.owner_id = ? OR k.opened_by = ?) AND (k.closed_at IS NULL OR k.closed_at > ?)"

func (s Sight) handledBy() []any {
	return []any{s.TenantID, s.ReaderID, s.ReaderID, s.now.Add(-CaseAfter)}
}

// condition is what an event e of the tenant must be to be seen.
func (s Sight) condition() (c condition) {
	c.and("e.tenant_id = ?", s.TenantID)
	if s.Blind() {
		c.and("1 = 0")
		return c
	}
	if !s.Since.IsZero() {
		c.and("e.occurred_at >= ?", s.Since)
	}
	if s.Told != people.Everything {
		c.and("e.action NOT IN "+store.Tuples(1, len(hidden)), texts(hidden)...)
	}
	switch {
	case s.Own:
		c.and("e.subject_id = ?", s.ReaderID)
	case s.Told == people.OwnActs:
		c.and("(e.actor_kind IN ('user', 'operator') AND e.actor_id = ? OR e.thread_id IN ("+handled+"))", append([]any{s.ReaderID}, s.handledBy()...)...)
	case s.Told == people.Helpdesk:
		c.and(audit.OfDesk)
	}
	if len(s.scope) > 0 {
		c.and("EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = e.subject_id AND m.tenant_id = e.tenant_id AND m.group_id IN ?)", s.scope)
	}
	return c
}

// hidden are the security events.
var hidden = people.NoSecurity.Part("").Without

// Actions are those that the reader can meet, in the order of their names.
func (s Sight) Actions() []audit.Action {
	all := audit.Actions()
	if s.Told == people.Everything {
		return all
	}
	return slices.DeleteFunc(all, func(a audit.Action) bool { return slices.Contains(hidden, a) })
}

// mask takes away what the reader may not see of a row.
func (s Sight) mask(r *Row) {
	if !s.Proof {
		r.Record = nil
	}
	byReader := r.Actor.ID == s.ReaderID && (r.Actor.Kind == audit.KindUser || r.Actor.Kind == audit.KindOperator)
	if s.Personal || byReader || s.Own && r.Actor.Kind != audit.KindUser && r.Actor.Kind != audit.KindOperator {
		return
	}
	r.IP, r.Typed = people.MaskIP(r.IP), ""
}
