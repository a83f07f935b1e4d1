package outage

import (
	"context"
	"errors"
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/relaxation"
	"latchkey/app/store"
)

// On names an outage that something is done to.
type On struct {
	Outage string `json:"outage"`
	Use    string `json:"use,omitempty"` // of its review list; empty: all
}

// end plans to end an outage before its time. It tightens, so one person does it, and it
// asks for no feature.
func (s *Service) end(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var on On
	if err := act.Read(&on); err != nil {
		return approval.Plan{}, err
	}
	o, err := find(tx, act.TenantID, on.Outage)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageHandle}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(relaxation.Over(), "UPDATE outages SET ended_at = ?, ending = ?, ended_by = ?, end_reason = ? WHERE tenant_id = ? AND id = ? AND (drill = FALSE AND ended_at IS NULL AND ends_at > ?) IS TRUE",
				tx.Now, ByHand, act.ActorID, act.Reason, act.TenantID, o.ID, tx.Now)
			if err != nil {
				return err
			}
			o.Ending = ByHand
			e := of(act.Event(audit.OutageEnded), o.ID)
			e.Details["ending"] = ByHand
			return s.ended(tx, o, e, act.ActorID, act.Reason)
		},
	}
	if !o.Runs(tx.Now) {
		plan.Wrong = relaxation.Over()
	}
	return plan, nil
}

// of makes an event one of an outage, with details to add to.
func of(e audit.Event, id string) audit.Event {
	e.Target, e.Thread = audit.Party{Kind: audit.KindOutage, ID: id}, id
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	return e
}

// ended records that an outage is over, and asks who looks after outages for the review.
func (s *Service) ended(tx *store.Tx, o Outage, e audit.Event, by, reason string) error {
	var uses int
	if _, err := tx.One(&uses, "SELECT count(*) FROM outage_uses WHERE tenant_id = ? AND outage_id = ?", o.TenantID, o.ID); err != nil {
		return err
	}
	e.Details["uses"] = strconv.Itoa(uses)
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	n := notify.Notice{Action: audit.OutageEnded, Reason: reason, Detail: o.Ending + " " + strconv.Itoa(uses)}
	if by != "" {
		n.By = s.Rules.Role(o.TenantID, by)
	}
	return s.tell(tx, o.TenantID, n, by)
}

// lapse is what ends an outage by itself: that its time is over, and when it was; or that
// nobody has the feature.
var lapse = map[bool]struct{ which, at, ending string }{
	false: {"outages.ends_at <= " + store.Now, "outages.ends_at", ByClock},
	true:  {"outages.ends_at > " + store.Now + " AND EXISTS (SELECT 1 FROM tenants t WHERE t.id = outages.tenant_id AND NOT " + feature.Somebody(feature.OutageMode) + ")", store.Now, ByFeature},
}

// over writes down, in the act tx, that the outage of a tenant is over: once, whoever is
// first.
func (s *Service) over(tx *store.Tx, tenantID string, off bool) error {
	var id string
	by := lapse[off]
	ok, err := tx.One(&id, "UPDATE outages SET ended_at = "+by.at+", ending = ? WHERE tenant_id = ? AND (drill = FALSE AND ended_at IS NULL) IS TRUE AND "+by.which+" RETURNING id", by.ending, tenantID)
	if err != nil || !ok {
		return err
	}
	o := Outage{TenantID: tenantID, ID: id, Ending: by.ending}
	e := of(audit.Event{TenantID: tenantID, Action: audit.OutageEnded, Actor: audit.Service}, id)
	e.Details["ending"] = by.ending
	return s.ended(tx, o, e, "", "")
}

// Lapse writes down what is over. Any replica may run it, at any time: it has had no
// effect since.
func (s *Service) Lapse(ctx context.Context) error {
	var all error
	for off, by := range lapse {
		var tenants []string
		if err := s.DB.View(ctx).All(&tenants, "SELECT tenant_id FROM outages WHERE ended_at IS NULL AND drill = FALSE AND "+by.which); err != nil {
			return store.Unusable(err)
		}
		for _, tenantID := range tenants {
			all = errors.Join(all, s.DB.Act(store.Within(ctx, tenantID), func(tx *store.Tx) error { return s.over(tx, tenantID, off) }))
		}
	}
	return all
}

// sign plans to sign off what was done while an outage ran: one use, or all of them that
// are not one's own. When nothing is left of an outage that is over, it is signed off
// itself.
func (s *Service) sign(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var on On
	if err := act.Read(&on); err != nil {
		return approval.Plan{}, err
	}
	o, err := find(tx, act.TenantID, on.Outage)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageHandle}},
		Do:        func(tx *store.Tx) error { return s.signOff(tx, act, on) },
	}
	switch {
	case o.Drill:
		plan.Wrong = fault.New(fault.Conflict, "outage.signed")
	case o.Declared(act.ActorID):
		plan.Wrong = fault.New(fault.Conflict, "outage.sign_own")
	}
	return plan, nil
}

func (s *Service) signOff(tx *store.Tx, act approval.Act, on On) error {
	if err := s.over(tx, act.TenantID, false); err != nil {
		return err
	}
	res := tx.Exec(`UPDATE outage_uses SET signed_at = ?, signed_by = ? WHERE tenant_id = ? AND outage_id = ? AND signed_at IS NULL AND (? = '' OR id = ?) AND user_id <> ? AND agent_id <> ?
		AND EXISTS (SELECT 1 FROM outages o WHERE o.tenant_id = outage_uses.tenant_id AND o.id = outage_uses.outage_id AND o.requested_by <> ? AND o.approved_by <> ?)`,
		tx.Now, act.ActorID, act.TenantID, on.Outage, on.Use, on.Use, act.ActorID, act.ActorID, act.ActorID, act.ActorID)
	if res.Error != nil {
		return res.Error
	}
	whole := tx.Exec(`UPDATE outages SET signed_at = ?, signed_by = ? WHERE tenant_id = ? AND id = ? AND (drill = FALSE AND signed_at IS NULL AND ended_at IS NOT NULL AND requested_by <> ? AND approved_by <> ?) IS TRUE
		AND NOT EXISTS (SELECT 1 FROM outage_uses p WHERE p.outage_id = outages.id AND p.tenant_id = outages.tenant_id AND p.signed_at IS NULL)`,
		tx.Now, act.ActorID, act.TenantID, on.Outage, act.ActorID, act.ActorID)
	if whole.Error != nil {
		return whole.Error
	}
	if res.RowsAffected == 0 && whole.RowsAffected == 0 {
		return fault.New(fault.Conflict, "outage.signed")
	}
	e := of(act.Event(audit.OutageUseSigned), on.Outage)
	e.Details["uses"] = strconv.FormatInt(res.RowsAffected, 10)
	if on.Use != "" {
		e.Details["use"] = on.Use
	}
	if whole.RowsAffected > 0 {
		e.Action = audit.OutageSigned
	}
	return audit.Record(tx, e)
}
