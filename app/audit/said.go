package audit

import (
	"encoding/json"
	"fmt"
)

// Said is an event as it was recorded, out of how it is stored. Personal data that were
// erased are empty.
func (k Kept) Said() (Event, error) {
	var kept struct{ Details map[string]string }
	if err := json.Unmarshal(k.Record, &kept); err != nil {
		return Event{}, fmt.Errorf("audit: record of %s: %w", k.ID, err)
	}
	e := Event{
		TenantID: k.TenantID, Action: Action(k.Action), Outcome: Outcome(k.Outcome), Reason: k.Reason, Actor: Party{k.ActorKind, k.ActorID}, Target: Party{k.TargetKind, k.TargetID},
		Subject: k.SubjectID, Thread: k.ThreadID, Details: kept.Details, Origin: Origin{RequestID: k.RequestID},
	}
	var own personal
	if k.Personal == "" {
		return e, nil
	}
	if err := json.Unmarshal([]byte(k.Personal), &own); err != nil {
		return e, fmt.Errorf("audit: personal data of %s: %w", k.ID, err)
	}
	e.Origin.IP, e.Origin.Browser, e.Typed = own.IP, own.Browser, own.Typed
	return e, nil
}
