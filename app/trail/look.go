package trail

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// LookLife is for how long a reader who turns the pages of a query, or loads one again, is
// still at the same look.
const LookLife = 10 * time.Minute

// looks are those that this process has written down. Elsewhere the same look is written once
// more: one too many tells no less.
type looks struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// looksMost is how many are kept in mind: then it begins anew.
const looksMost = 10_000

func (l *looks) fresh(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.seen[key]
	return ok && now.Sub(at) < LookLife && !now.Before(at)
}

func (l *looks) note(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || len(l.seen) >= looksMost {
		l.seen = map[string]time.Time{}
	}
	l.seen[key] = now
}

// Looked remembers that somebody looks, at what and for what; without that nothing is shown.
// What they typed is personal, and stands beside the event.
func (s *Service) Looked(ctx context.Context, sight Sight, what string, q Query, from audit.Origin) error {
	now := s.DB.Now()
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%+v", sight.TenantID, sight.ReaderID, what, q)
	if s.looks.fresh(key, now) {
		return nil
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		e := &audit.Event{TenantID: sight.TenantID, Action: audit.AuditViewed, Actor: audit.User(sight.ReaderID), Target: audit.Tenant(sight.TenantID), Origin: from, Details: map[string]string{"what": what}}
		if err := sight.Say(tx, q, e); err != nil {
			return err
		}
		return audit.Record(tx, *e)
	})
	if err == nil {
		s.looks.note(key, now)
	}
	return err
}

// opaque is what our ids look like, alone or behind the kind of a thing; a name that somebody
// typed does not.
var opaque = regexp.MustCompile(`^([a-z2-7]{26}|[a-z_]+:[A-Za-z0-9_:.-]{1,64})$`)

// Say puts a query into the details of an event, as it stands there for good. Its words can be
// personal, and stand beside them.
func (s Sight) Say(tx *store.Tx, q Query, e *audit.Event) (err error) {
	if len(actionsOf(q.Action)) > 0 {
		e.Details["action"] = q.Action
	}
	if q.Outcome != "" {
		e.Details["outcome"] = string(q.Outcome)
	}
	if proofs.MatchString(q.By) && len(q.By) <= textMost {
		e.Details["by"] = q.By
	}
	if audit.IsTicket(q.Ticket) {
		e.Details["asked_ticket"] = q.Ticket // not the ticket that the look was under
	}
	for name, value := range map[string]string{"thread": q.Thread, "actor": q.Actor, "target": q.Target} {
		if value == "" {
			continue
		}
		if e.Details[name], err = s.said(tx, value); err != nil {
			return err
		}
	}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			e.Details[name] = at.UTC().Format(time.RFC3339)
		}
	}
	e.Typed = q.Text
	return nil
}

// said is a part of a query as it stands for good: the id of a user in place of their name,
// and nothing of what could be personal.
func (s Sight) said(tx *store.Tx, asked string) (string, error) {
	id, err := s.userOf(tx, asked)
	if err != nil || opaque.MatchString(id) || slices.Contains(otherActors, id) {
		return id, err
	}
	return nobody, nil
}
