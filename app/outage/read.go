package outage

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/relaxation"
	"latchkey/app/store"
	"latchkey/app/user"
)

// row is an outage as it is stored.
type row struct {
	TenantID, ID              string
	Drill                     bool
	Failed                    string
	Relaxes                   int
	Everybody                 bool
	Scope, Reason, Ticket     string
	RequestedBy, ApprovedBy   string
	BeganAt, EndsAt           time.Time
	EndedAt, SignedAt         *time.Time
	Ending, EndedBy, SignedBy string
	EndReason, Report         string
}

const columns = "tenant_id, id, drill, failed, relaxes, everybody, scope, reason, ticket, requested_by, approved_by, began_at, ends_at, ended_at, ending, ended_by, end_reason, signed_at, signed_by, report"

func (r row) outage() (o Outage, err error) {
	o = Outage{
		TenantID: r.TenantID, ID: r.ID, Drill: r.Drill, Failed: Read(r.Failed), Relaxes: relaxation.List(r.Relaxes), Everybody: r.Everybody, Scope: r.Scope, Reason: r.Reason, Ticket: r.Ticket,
		RequestedBy: r.RequestedBy, ApprovedBy: r.ApprovedBy, BeganAt: r.BeganAt, EndsAt: r.EndsAt, EndedAt: r.EndedAt, Ending: r.Ending, EndedBy: r.EndedBy, EndReason: r.EndReason, SignedAt: r.SignedAt, SignedBy: r.SignedBy,
	}
	if r.Report != "" {
		err = json.Unmarshal([]byte(r.Report), &o.Report)
	}
	return o, err
}

// find reads an outage of a tenant; none such is fault.NotFound.
func find(tx *store.Tx, tenantID, id string) (Outage, error) {
	all, err := list(tx, "WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return Outage{}, err
	}
	return all[0], nil
}

func list(tx *store.Tx, which string, values ...any) ([]Outage, error) {
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+" FROM outages "+which, values...); err != nil {
		return nil, err
	}
	all := make([]Outage, len(rows))
	var ids []string
	for i, r := range rows {
		var err error
		if all[i], err = r.outage(); err != nil {
			return nil, err
		}
		ids = append(ids, r.RequestedBy, r.ApprovedBy, r.EndedBy, r.SignedBy)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	names, err := user.NamesOf(tx, rows[0].TenantID, ids...)
	for i := range all {
		o := &all[i]
		o.AskedName, o.OtherName, o.EndedName, o.SignedName = names[o.RequestedBy], names[o.ApprovedBy], names[o.EndedBy], names[o.SignedBy]
	}
	return all, err
}

// historyMost is how many outages a list has.
const historyMost = 30

// Listed is an outage in a list, with what is still to be signed off.
type Listed struct {
	Outage
	Unsigned int
}

// History lists the newest outages and drills of a tenant; the one that runs is among
// them.
func (s *Service) History(ctx context.Context, tenantID string) ([]Listed, error) {
	tx := s.DB.View(ctx)
	found, err := list(tx, "WHERE tenant_id = ? ORDER BY began_at DESC, id LIMIT ?", tenantID, historyMost)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var open []struct {
		OutageID string
		Unsigned int
	}
	if err := tx.All(&open, "SELECT outage_id, count(*) AS unsigned FROM outage_uses WHERE tenant_id = ? AND signed_at IS NULL GROUP BY outage_id", tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]Listed, len(found))
	for i, o := range found {
		all[i].Outage = o
		for _, u := range open {
			if u.OutageID == o.ID {
				all[i].Unsigned = u.Unsigned
			}
		}
	}
	return all, nil
}

// Find gives an outage of a tenant; none such is fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id string) (Outage, error) {
	o, err := find(s.DB.View(ctx), tenantID, id)
	return o, store.Unusable(err)
}

// Used is one line of a review list.
type Used struct {
	At                   time.Time
	ID                   string
	Relaxation           relaxation.Relaxation
	UserID, UserName     string
	Way                  string // amr values; empty: it is no sign-in
	SessionID, BypassID  string
	AgentID, AgentName   string
	SignedAt             *time.Time
	SignedBy, SignedName string
}

// Own says whether it is of somebody: they do not sign it off.
func (u Used) Own(userID string) bool { return u.UserID == userID || u.AgentID == userID }

// usedMost is how many lines a page of a review list has.
const usedMost = 50

// Review is a page of a review list, the oldest first.
type Review struct {
	Uses     []Used
	After    string // where the next page begins; empty: there is none
	Total    int
	Unsigned int
}

// Review gives a page of what was done while an outage ran; after is Review.After of the
// page before. Open leaves out what is signed off.
func (s *Service) Review(ctx context.Context, tenantID, outageID, after string, open bool) (r Review, err error) {
	tx := s.DB.View(ctx)
	var counted struct{ Total, Unsigned int }
	if _, err := tx.One(&counted, "SELECT count(*) AS total, count(*) - count(signed_at) AS unsigned FROM outage_uses WHERE tenant_id = ? AND outage_id = ?", tenantID, outageID); err != nil {
		return r, store.Unusable(err)
	}
	r.Total, r.Unsigned = counted.Total, counted.Unsigned
	micros, id, _ := strings.Cut(after, "-")
	at, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || at < 0 || at > 1<<52 {
		at, id = 0, ""
	}
	which := ""
	if open {
		which = " AND signed_at IS NULL"
	}
	if err := tx.All(&r.Uses, `SELECT at, id, relaxation, user_id, way, session_id, bypass_id, agent_id, signed_at, signed_by FROM outage_uses
		WHERE tenant_id = ? AND outage_id = ? AND (at, id) > (?, ?)`+which+" ORDER BY at, id LIMIT ?", tenantID, outageID, time.UnixMicro(at).UTC(), id, usedMost+1); err != nil {
		return r, store.Unusable(err)
	}
	if len(r.Uses) > usedMost {
		r.Uses = r.Uses[:usedMost]
		last := r.Uses[usedMost-1]
		r.After = strconv.FormatInt(last.At.UnixMicro(), 10) + "-" + last.ID
	}
	var ids []string
	for _, u := range r.Uses {
		ids = append(ids, u.UserID, u.AgentID, u.SignedBy)
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	for i := range r.Uses {
		u := &r.Uses[i]
		u.UserName, u.AgentName, u.SignedName = names[u.UserID], names[u.AgentID], names[u.SignedBy]
	}
	return r, store.Unusable(err)
}
