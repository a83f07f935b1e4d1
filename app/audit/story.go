package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/app/store"
)

// Part is which events of a story somebody is told; the zero value is all.
type Part struct {
	Only    []Action
	Without []Action
	By      string   // id of the one who acted
	ByOther bool     // done to the user by somebody else
	Within  []string // ids of groups that the user is in one of
}

// Story gives up to limit events of one user before a position, newest first.
// A position is an Entry's time and id; the zero one is the beginning.
func Story(ctx context.Context, db *store.DB, tenantID, userID string, before time.Time, beforeID string, limit int) ([]Entry, error) {
	return StoryOf(ctx, db, tenantID, userID, Part{}, before, beforeID, limit)
}

// StoryOf is Story, as much of it as part says.
func StoryOf(ctx context.Context, db *store.DB, tenantID, userID string, part Part, before time.Time, beforeID string, limit int) ([]Entry, error) {
	tx := db.View(ctx)
	which, values := part.condition()
	if before.IsZero() {
		before, beforeID = tx.Now.Add(time.Hour), ""
	}
	values = append(append([]any{tenantID, userID, before, before, beforeID}, values...), limit)
	return entries(tx, ` FROM audit_events e WHERE e.tenant_id = ? AND e.subject_id = ? AND (e.occurred_at < ? OR (e.occurred_at = ? AND e.id < ?))`+which+`
		ORDER BY e.occurred_at DESC, e.id DESC LIMIT ?`, values...)
}

// Meanwhile is what else happened to somebody while a thread stood, such as to the person
// of a case; the zero value is nothing.
type Meanwhile struct {
	UserID      string
	Only        []Action
	From, Until time.Time
}

// ThreadOf gives up to limit events of a thread, such as a case, with what happened
// meanwhile, before a position and newest first, as much of them as part says.
func ThreadOf(ctx context.Context, db *store.DB, tenantID, thread string, also Meanwhile, part Part, before time.Time, beforeID string, limit int) ([]Entry, error) {
	tx := db.View(ctx)
	if before.IsZero() {
		before, beforeID = tx.Now.Add(time.Hour), ""
	}
	which, values := part.condition()
	which += " AND (e.occurred_at < ? OR (e.occurred_at = ? AND e.id < ?)) ORDER BY e.occurred_at DESC, e.id DESC LIMIT ?"
	values = append(values, before, before, beforeID, limit)
	all, err := entries(tx, " FROM audit_events e WHERE e.tenant_id = ? AND e.thread_id = ?"+which, append([]any{tenantID, thread}, values...)...)
	if err != nil || also.UserID == "" {
		return all, err
	}
	// Each of the two walks an index of its own; together they would walk none.
	more, err := entries(tx, " FROM audit_events e WHERE e.tenant_id = ? AND e.subject_id = ? AND e.action IN ? AND e.thread_id <> ? AND e.occurred_at > ? AND e.occurred_at <= ?"+which,
		append([]any{tenantID, also.UserID, also.Only, thread, also.From, also.Until}, values...)...)
	if err != nil {
		return nil, err
	}
	all = append(all, more...)
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID)) })
	return all[:min(len(all), limit)], nil
}

// entries reads events e as people read them; from is what stands behind the
// columns in the query.
func entries(tx *store.Tx, from string, values ...any) ([]Entry, error) {
	var rows []struct {
		ID, Action, Outcome, Reason, ActorKind, ActorID, TargetKind, TargetID, SubjectID, ThreadID, Personal string
		Record                                                                                               []byte
		OccurredAt                                                                                           time.Time
	}
	err := tx.All(&rows, `SELECT e.id, e.occurred_at, e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.subject_id, e.thread_id,
		e.record, e.personal`+from, values...)
	if err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]Entry, len(rows))
	for i, r := range rows {
		var own personal
		if err := json.Unmarshal([]byte(r.Personal), &own); err != nil && r.Personal != "" {
			return nil, fmt.Errorf("audit: personal data of %s: %w", r.ID, err)
		}
		var kept struct{ Details struct{ Ticket string } }
		if err := json.Unmarshal(r.Record, &kept); err != nil {
			return nil, fmt.Errorf("audit: record of %s: %w", r.ID, err)
		}
		all[i] = Entry{
			ID: r.ID, At: r.OccurredAt, Action: Action(r.Action), Outcome: Outcome(r.Outcome), Reason: r.Reason, Ticket: kept.Details.Ticket,
			ActorKind: r.ActorKind, ActorID: r.ActorID, Target: Party{r.TargetKind, r.TargetID}, Subject: r.SubjectID, Thread: r.ThreadID, Browser: own.Browser, IP: own.IP,
		}
	}
	return all, nil
}

func (p Part) condition() (which string, values []any) {
	add := func(condition string, value ...any) {
		which, values = which+" AND "+condition, append(values, value...)
	}
	if len(p.Only) > 0 {
		add("e.action IN ?", p.Only)
	}
	if len(p.Without) > 0 {
		add("e.action NOT IN ?", p.Without)
	}
	if p.By != "" {
		add("e.actor_kind = ? AND e.actor_id = ?", KindUser, p.By)
	}
	if p.ByOther {
		add("e.actor_kind = ? AND e.actor_id <> e.subject_id AND e.subject_id <> ''", KindUser)
	}
	if len(p.Within) > 0 {
		add("EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = e.subject_id AND m.tenant_id = e.tenant_id AND m.group_id IN ?)", p.Within)
	}
	return which, values
}
