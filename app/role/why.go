package role

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Why asks why somebody may, or may not, do something.
type Why struct {
	UserID     string
	Permission access.Permission
	TargetID   string // to whom; empty: at all
}

// Reason is the answer, rule by rule.
type Reason struct {
	Person  Person
	Target  Person // with a target
	Verdict access.Verdict
}

// Why answers by the very rules that judge acts, and by the rows as they stand.
// Whom viewerID does not find is fault.NotFound, what is no permission fault.Invalid.
func (s *Service) Why(ctx context.Context, tenantID, viewerID string, w Why) (r Reason, err error) {
	if !known(w.Permission) {
		return r, fault.Wrong("form.wrong", map[string]string{"permission": "role.permission_unknown"})
	}
	if r.Person, err = s.PersonOf(ctx, tenantID, viewerID, w.UserID); err != nil {
		return r, err
	}
	tx := s.DB.View(ctx)
	q := access.Question{TenantID: tenantID, ActorID: w.UserID, Needs: w.Permission, TargetID: w.TargetID}
	if w.TargetID == "" {
		q.Groups = r.Person.Standing.Scope // at all: within what they are limited to
	} else if r.Target, err = s.PersonOf(ctx, tenantID, viewerID, w.TargetID); err != nil {
		return r, err
	}
	if w.Permission == access.UserUnlock && w.TargetID != "" {
		if _, err := tx.One(&q.LockedBy, "SELECT locked_by FROM users WHERE tenant_id = ? AND id = ? AND state = 'locked'", tenantID, w.TargetID); err != nil {
			return r, store.Unusable(err)
		}
	}
	r.Verdict, err = s.Rules.Ask(tx, q)
	return r, store.Unusable(err)
}

func known(p access.Permission) bool { return access.SetOf(p) != 0 }
