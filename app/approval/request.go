package approval

import (
	"encoding/json"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// State of a request. Add, never rename.
type State string

const (
	Pending   State = "pending"
	Done      State = "done"      // approved, and carried out in the same act
	Refused   State = "refused"   // by somebody who might have approved
	Withdrawn State = "withdrawn" // by the requester
	Void      State = "void"      // something had changed when it was approved
	Expired   State = "expired"
)

// Request is an act that waits, or waited, for a second person.
type Request struct {
	TenantID, ID          string
	Kind                  Kind
	RequesterID, TargetID string
	Parameters            json.RawMessage
	Difference            []Change
	Digest                string
	Reason                string
	Ticket                string      // that it is done under; or empty
	Eyes                  access.Eyes // what an approver must hold
	State                 State
	CreatedAt, ExpiresAt  time.Time
	DecidedAt             time.Time // zero while it waits
	DecidedBy             string
	DecisionReason        string
}

func (r Request) act() Act {
	return Act{Kind: r.Kind, TenantID: r.TenantID, ActorID: r.RequesterID, TargetID: r.TargetID, Parameters: r.Parameters, Reason: r.Reason, Ticket: r.Ticket}
}

// Read gives the parameters of the act back. What does not fit is a defect.
func (r Request) Read(parameters any) error { return r.act().Read(parameters) }

func (r Request) event(action audit.Action, by, reason string, from audit.Origin) audit.Event {
	e := audit.Event{
		TenantID: r.TenantID, Action: action, Reason: reason, Actor: audit.User(by), Target: audit.Party{Kind: audit.KindRequest, ID: r.ID},
		Subject: r.TargetID, Thread: r.ID, Origin: from, Details: map[string]string{"kind": string(r.Kind), "requester": r.RequesterID},
	}
	if by == "" {
		e.Actor = audit.Service
	}
	if action == audit.ApprovalVoid || action == audit.ApprovalRefused || action == audit.ApprovalExpired {
		e.Outcome = audit.Failure
	}
	return e.Under(r.Ticket)
}

// row is a request as it is stored.
type row struct {
	TenantID, ID, Kind, RequesterID, TargetID, Parameters, Difference, Digest, Reason, Ticket, Eyes, State, DecidedBy, DecisionReason string
	CreatedAt, ExpiresAt                                                                                                              time.Time
	DecidedAt                                                                                                                         *time.Time
}

const columns = `tenant_id, id, kind, requester_id, target_id, parameters, difference, digest, reason, ticket, eyes, state, created_at, expires_at,
	decided_at, decided_by, decision_reason`

func (r row) request(now time.Time) (Request, error) {
	q := Request{
		TenantID: r.TenantID, ID: r.ID, Kind: Kind(r.Kind), RequesterID: r.RequesterID, TargetID: r.TargetID, Parameters: json.RawMessage(r.Parameters),
		Digest: r.Digest, Reason: r.Reason, Ticket: r.Ticket, State: State(r.State), CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
		DecidedBy: r.DecidedBy, DecisionReason: r.DecisionReason,
	}
	if r.DecidedAt != nil {
		q.DecidedAt = *r.DecidedAt
	}
	if q.State == Pending && !now.Before(q.ExpiresAt) {
		q.State = Expired
	}
	if err := json.Unmarshal([]byte(r.Difference), &q.Difference); err != nil {
		return q, err
	}
	return q, json.Unmarshal([]byte(r.Eyes), &q.Eyes)
}

// insert stores a request. The same act waits once.
func (s *Service) insert(tx *store.Tx, r Request) error {
	difference, err := json.Marshal(r.Difference)
	if err != nil {
		return err
	}
	eyes, err := json.Marshal(r.Eyes)
	if err != nil {
		return err
	}
	same, err := list(tx, "WHERE tenant_id = ? AND digest = ? AND state = 'pending'", r.TenantID, r.Digest)
	if err != nil {
		return err
	}
	for _, other := range same {
		if other.State == Pending {
			return fault.New(fault.Conflict, "approval.waits_already")
		}
		// Its time is over, and the index still lets no other one in.
		if err := s.lapse(tx, other); err != nil {
			return err
		}
	}
	return tx.Exec(`INSERT INTO approval_requests (tenant_id, id, kind, requester_id, target_id, parameters, difference, digest, reason, ticket, eyes, state, created_at, expires_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,'pending',?,?)`, r.TenantID, r.ID, r.Kind, r.RequesterID, r.TargetID, string(r.Parameters), string(difference), r.Digest, r.Reason, r.Ticket,
		string(eyes), r.CreatedAt, r.ExpiresAt).Error
}

// lapse ends a request whose time is over, with its event and its notice, once.
func (s *Service) lapse(tx *store.Tx, r Request) error {
	res := tx.Exec("UPDATE approval_requests SET state = 'expired', decided_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending' AND expires_at <= ?",
		tx.Now, r.TenantID, r.ID, tx.Now)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	if err := audit.Record(tx, r.event(audit.ApprovalExpired, "", "", audit.Origin{})); err != nil {
		return err
	}
	return s.over(tx, r, audit.ApprovalExpired, "", "", audit.Origin{})
}

func list(tx *store.Tx, which string, values ...any) ([]Request, error) {
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+" FROM approval_requests "+which, values...); err != nil {
		return nil, err
	}
	all := make([]Request, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = r.request(tx.Now); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// find reads a request: fault.NotFound when the tenant has none such.
func find(tx *store.Tx, tenantID, id string) (Request, error) {
	var r row
	ok, err := tx.One(&r, "SELECT "+columns+" FROM approval_requests WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err != nil {
		return Request{}, err
	}
	if !ok {
		return Request{}, fault.New(fault.NotFound, "http.not_found")
	}
	return r.request(tx.Now)
}

// settle ends a request. Of two at once, the second changes no row.
func settle(tx *store.Tx, r Request, next State, by, reason string) error {
	return tx.Change(fault.New(fault.Conflict, "approval.decided"), `UPDATE approval_requests SET state = ?, decided_at = ?, decided_by = ?, decision_reason = ?
		WHERE tenant_id = ? AND id = ? AND state = 'pending' AND expires_at > ? AND digest = ?`, next, tx.Now, by, reason, r.TenantID, r.ID, tx.Now, r.Digest)
}
