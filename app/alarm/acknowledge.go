package alarm

import (
	"context"
	"strings"
	"unicode/utf8"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// NoteMost is how many letters a note has at most.
const NoteMost = 500

// Acknowledge says that somebody has looked, in their words. It fails with fault.Invalid
// without a note, with fault.Forbidden for whom the alarm is about, and with fault.Conflict
// when it was acknowledged before.
func (s *Service) Acknowledge(ctx context.Context, tenantID, userID, id, note string, from audit.Origin) error {
	a, err := s.Find(ctx, tenantID, id)
	if err != nil {
		return err
	}
	if a.IsAbout(userID) {
		return fault.New(fault.Forbidden, "alarm.about_you")
	}
	note = strings.TrimSpace(note)
	if note == "" || utf8.RuneCountInString(note) > NoteMost {
		return fault.Wrong("form.wrong", map[string]string{"note": "alarm.note_form"})
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "alarm.acknowledged_already"),
			"UPDATE alarms SET acknowledged_at = ?, acknowledged_by = ?, note = ? WHERE tenant_id = ? AND id = ? AND acknowledged_at IS NULL AND about_id <> ?", tx.Now, userID, note, tenantID, id, userID)
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.AlarmAcknowledged, Reason: note, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindAlarm, ID: id}, Origin: from,
			Details: map[string]string{"rule": a.Rule},
		})
	})
}
