package approval

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// refused remembers that somebody tried what they may not, and gives the refusal
// back.
func (s *Service) refused(ctx context.Context, act Act, verdict access.Verdict, refusal error) error {
	details := map[string]string{"kind": string(act.Kind)}
	for _, f := range verdict.Findings {
		if f.Says == access.No || f.Says == access.Nobody {
			details["rule"] = f.Detail
			break
		}
	}
	if err := s.Remember(ctx, act.TenantID, act.ActorID, details, act.Origin); err != nil {
		return err
	}
	return refusal
}

// Remember records a refusal of an administrator. The fifth of one person within
// ten minutes raises an alarm, which every security administrator is told; the
// next one is not raised before ten minutes have passed.
func (s *Service) Remember(ctx context.Context, tenantID, actorID string, details map[string]string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		// Two at once must not each count without the other.
		if err := hold(tx, tenantID, actorID); err != nil {
			return err
		}
		e := audit.Event{
			TenantID: tenantID, Action: audit.AccessRefused, Outcome: audit.Denied, Reason: "access.forbidden", Actor: audit.User(actorID),
			Target: audit.Tenant(tenantID), Subject: actorID, Origin: from, Details: details,
		}
		if err := audit.Record(tx, e); err != nil {
			return err
		}
		standing, err := s.Rules.StandingIn(tx, tenantID, actorID)
		if err != nil || !standing.Administrator() {
			return err
		}
		var lately struct{ Refusals, Alarms int }
		if _, err := tx.One(&lately, `SELECT COALESCE(sum(CASE WHEN action = ? THEN 1 ELSE 0 END), 0) AS refusals, COALESCE(sum(CASE WHEN action = ? THEN 1 ELSE 0 END), 0) AS alarms
			FROM audit_events WHERE tenant_id = ? AND subject_id = ? AND occurred_at > ?`,
			audit.AccessRefused, audit.AccessAlarm, tenantID, actorID, tx.Now.Add(-refusalsSpan)); err != nil || lately.Refusals < refusalsMost || lately.Alarms > 0 {
			return err
		}
		e.Action, e.Reason = audit.AccessAlarm, "access.refused_often"
		if err := audit.Record(tx, e); err != nil {
			return err
		}
		return notify.TellRole(tx, tenantID, access.RoleSecurityAdministrator, notify.Notice{Action: audit.AccessAlarm, About: actorID})
	})
}
