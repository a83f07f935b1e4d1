package approval

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Service carries out acts. Its performers are named at the start.
type Service struct {
	DB         *store.DB
	Rules      *access.Rules
	Hub        *wake.Hub
	Prompts    *prompt.Service
	Performers map[Kind]Performer
}

// Outcome is what became of an act.
type Outcome struct {
	RequestID string // of the request that waits for approval; empty: it is done
}

// Waits says whether the act waits for a second person.
func (o Outcome) Waits() bool { return o.RequestID != "" }

// Submit does act, or freezes it for approval. It fails with fault.Forbidden or
// fault.NotFound by the rules of access, with fault.Invalid (the fields reason and
// ticket among others) or fault.Conflict when it cannot be done, and then nothing has
// changed; a refusal is remembered.
func (s *Service) Submit(ctx context.Context, act Act) (Outcome, error) {
	act.Reason, act.Ticket = strings.TrimSpace(act.Reason), strings.TrimSpace(act.Ticket)
	var out Outcome
	var verdict access.Verdict
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		out, verdict = Outcome{}, access.Verdict{}
		if err := hold(tx, act.TenantID, act.TargetID); err != nil {
			return err
		}
		plan, err := s.plan(tx, act)
		if err != nil {
			return err
		}
		if verdict, err = s.Rules.AskAll(tx, plan.Questions...); err != nil {
			return err
		}
		if err := verdict.Err(); err != nil {
			return err
		}
		if err := reasonable(act.Reason, act.Ticket, plan.Wrong); err != nil {
			return err
		}
		if verdict.Answer == access.FourEyes {
			out.RequestID, err = s.freeze(tx, act, plan)
			return err
		}
		return plan.Do(tx)
	})
	if refused := verdict.Err(); refused != nil && errors.Is(err, fault.Of(refused).Kind) {
		return Outcome{}, s.refused(ctx, act, verdict, err)
	}
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// hold takes the row of a user until the end of the act tx, so that acts on one
// person come one after the other. SQLite has one writer anyway.
func hold(tx *store.Tx, tenantID, userID string) error {
	if userID == "" || tx.Dialect != store.Postgres {
		return nil
	}
	var id string
	_, err := tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND id = ? FOR NO KEY UPDATE", tenantID, userID)
	return err
}

func (s *Service) plan(tx *store.Tx, act Act) (Plan, error) {
	perform := s.Performers[act.Kind]
	if perform == nil {
		return Plan{}, fmt.Errorf("approval: nobody performs %s", act.Kind)
	}
	plan, err := perform(tx, act)
	if err == nil && len(plan.Questions) == 0 {
		err = fmt.Errorf("approval: %s asks nothing", act.Kind)
	}
	return plan, err
}

// reasonable says that every act needs a reason, and may name a ticket, beside what
// else is wrong. What is not there needs none.
func reasonable(reason, ticket string, wrong error) error {
	if errors.Is(wrong, fault.NotFound) {
		return wrong
	}
	fields := map[string]string{}
	switch {
	case reason == "":
		fields["reason"] = "approval.reason_missing"
	case len([]rune(reason)) > ReasonMost:
		fields["reason"] = "approval.reason_long"
	}
	if ticket != "" && !audit.IsTicket(ticket) {
		fields["ticket"] = "approval.ticket_form"
	}
	if len(fields) == 0 {
		return wrong
	}
	all := fault.Wrong("form.wrong", fields)
	if f := fault.Of(wrong); f != nil {
		maps.Copy(fields, f.Fields)
		all.Detail = f.Detail
	}
	return all
}

// freeze stores an act as a request, in the act tx.
func (s *Service) freeze(tx *store.Tx, act Act, plan Plan) (id string, err error) {
	r := Request{
		ID: secret.System.ID(), Kind: act.Kind, TenantID: act.TenantID, RequesterID: act.ActorID, TargetID: act.TargetID,
		Parameters: act.Parameters, Difference: plan.Difference, Digest: digest(act, plan.Difference), Reason: act.Reason, Ticket: act.Ticket,
		Eyes: plan.eyes(act), CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(Life),
	}
	if err := s.insert(tx, r); err != nil {
		return "", err
	}
	if plan.Freezes != nil {
		if err := plan.Freezes(tx); err != nil {
			return "", err
		}
	}
	tx.After(func() { s.Hub.Ring(InboxKey(act.TenantID)) })
	e := act.Event(audit.ApprovalRequested)
	e.Target, e.Thread, e.Details = audit.Party{Kind: audit.KindRequest, ID: r.ID}, r.ID, map[string]string{"kind": string(act.Kind), "digest": r.Digest}
	return r.ID, audit.Record(tx, e.Under(act.Ticket))
}

// eyes is what an approver of the plan must hold.
func (p Plan) eyes(act Act) access.Eyes {
	return access.EyesFor(p.Approves, append(p.Questions[:len(p.Questions):len(p.Questions)], access.Question{TargetID: act.TargetID})...)
}

// InboxKey is what those wait on who watch the approvals of a tenant.
func InboxKey(tenantID string) string { return "inbox:" + tenantID }
