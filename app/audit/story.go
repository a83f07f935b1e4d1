package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"latchkey/app/store"
)

// Part is which events of a story somebody is told; the zero value is all.
type Part struct {
	Only    []Action
	Without []Action
	By      string // id of the one who acted
	ByOther bool   // done to the user by somebody else
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
	var rows []struct {
		ID, Action, Outcome, Reason, ActorKind, ActorID, TargetKind, TargetID, Personal string
		OccurredAt                                                                      time.Time
	}
	err := tx.All(&rows, `SELECT id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, personal
		FROM audit_events WHERE tenant_id = ? AND subject_id = ? AND (occurred_at < ? OR (occurred_at = ? AND id < ?))`+which+`
		ORDER BY occurred_at DESC, id DESC LIMIT ?`, append(append([]any{tenantID, userID, before, before, beforeID}, values...), limit)...)
	if err != nil {
		return nil, store.Unusable(err)
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		var own personal
		if err := json.Unmarshal([]byte(r.Personal), &own); err != nil && r.Personal != "" {
			return nil, fmt.Errorf("audit: personal data of %s: %w", r.ID, err)
		}
		entries[i] = Entry{
			ID: r.ID, At: r.OccurredAt, Action: Action(r.Action), Outcome: Outcome(r.Outcome), Reason: r.Reason,
			ActorKind: r.ActorKind, ActorID: r.ActorID, Target: Party{r.TargetKind, r.TargetID}, Browser: own.Browser, IP: own.IP,
		}
	}
	return entries, nil
}

func (p Part) condition() (which string, values []any) {
	add := func(condition string, value ...any) {
		which, values = which+" AND "+condition, append(values, value...)
	}
	if len(p.Only) > 0 {
		add("action IN ?", p.Only)
	}
	if len(p.Without) > 0 {
		add("action NOT IN ?", p.Without)
	}
	if p.By != "" {
		add("actor_kind = ? AND actor_id = ?", KindUser, p.By)
	}
	if p.ByOther {
		add("actor_kind = ? AND actor_id <> subject_id", KindUser)
	}
	return which, values
}
