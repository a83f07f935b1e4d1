package breakglass

import (
	"context"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/outage"
	"latchkey/app/store"
)

// DeclareOutage approves the request for an outage by the sealed sheet of an account, when
// the second person is locked out: the account is who approves, by the rules for anybody who
// does, and its sheet is spent. by is who holds the sheet, and may see the request. A request
// for anything else is fault.Conflict. It fails as a sign-in by the sheet does, and as
// approval.Approve does; then the sheet is not spent.
func (s *Service) DeclareOutage(ctx context.Context, tenantID, requestID, by, name, code string, from audit.Origin) error {
	r, err := s.Approvals.Find(ctx, tenantID, requestID, by)
	if err != nil {
		return err
	}
	if r.Kind != outage.KindDeclare {
		return fault.New(fault.Conflict, "break_glass.outage_only")
	}
	if r.State != approval.Pending {
		return fault.New(fault.Conflict, "approval.decided")
	}
	h, err := s.check(ctx, tenantID, name, code, from)
	if err != nil {
		return err
	}
	var void error
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		void = nil
		err := s.Approvals.ApproveIn(tx, tenantID, requestID, h.UserID, approval.Given{Origin: from})
		if approval.Voided(err) {
			void = err // that it is void must stand, and the sheet is not spent for it
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.spend(tx, h, ForOutage, from); err != nil {
			return err
		}
		e := h.event(audit.BreakGlassUsed, from)
		e.Actor, e.Details = audit.User(by), map[string]string{"for": ForOutage, "request": requestID}
		if err := audit.Record(tx, e); err != nil {
			return err
		}
		return s.alarm(tx, h, e, true)
	})
	if err == nil {
		return void
	}
	return s.settled(ctx, h, s.Approvals.Refused(ctx, "approval.approve", tenantID, h.UserID, err, from), from)
}
