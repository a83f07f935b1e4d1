package bypass

import (
	"cmp"
	"context"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/provider"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Made is a pass code, once.
type Made struct {
	Code   secret.Token // what the agent reads out: all of it, half of it, or nothing
	Half   bool
	SentTo string // masked; the number that got the rest, or all of it
	EndsAt time.Time
}

// able says of a row b that its person may be let in: active, in a tenant that is. The
// rules of ways are asked by the statement that ends the sign-in.
const able = `EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = b.tenant_id AND u.id = b.user_id AND u.state = 'active' AND t.state = 'active')`

// Make makes the code of a bypass that is ready, and gives its agent's part, once: of two
// at the same moment one has it. Only who asked for it may, and only who could ask for it
// still. One that is not there is fault.NotFound; one that was made or is over is
// fault.Conflict. What goes to a phone is owed in the same act.
func (s *Service) Make(ctx context.Context, tenantID, id, agentID string, from audit.Origin) (Made, error) {
	var made Made
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		b, err := find(tx, tenantID, id)
		if err != nil {
			return err
		}
		verdict, err := s.Rules.Ask(tx, access.Question{TenantID: tenantID, ActorID: agentID, Needs: access.BypassIssue, TargetID: b.UserID})
		if err != nil {
			return err
		}
		if err := verdict.Err(); err != nil {
			return err
		}
		if b.RequestedBy != agentID {
			return fault.New(fault.Conflict, "bypass.not_asked_by")
		}
		relaxed, err := s.still(tx, &b)
		if err != nil {
			return err
		}
		mine, theirs := s.parts(b.Delivery)
		starts := tx.Now
		if b.StartsAt.After(starts) {
			starts = b.StartsAt
		}
		made = Made{Code: mine, Half: b.Delivery == Split, EndsAt: starts.Add(time.Duration(b.Minutes) * time.Minute)}
		agentDigest, otherDigest := "", ""
		if made.Half {
			agentDigest, otherDigest = s.digest(id, mine.Reveal()), s.digest(id, theirs.Reveal())
		}
		err = tx.Change(fault.New(fault.Conflict, "bypass.not_to_make"), `UPDATE bypasses AS b SET state = 'active', code_digest = ?, agent_digest = ?, other_digest = ?, made_at = ?, starts_at = ?, ends_at = ?, minutes = ?, uses = ?, uses_left = ?
			WHERE b.tenant_id = ? AND b.id = ? AND (b.state = 'ready' AND b.ends_at > ? AND b.requested_by = ?) IS TRUE AND `+able,
			s.digest(id, mine.Reveal()+theirs.Reveal()), agentDigest, otherDigest, tx.Now, starts, made.EndsAt, b.Minutes, b.Uses, b.Uses, tenantID, id, tx.Now, agentID)
		if err != nil {
			return err
		}
		e := b.event(audit.BypassMade, audit.User(agentID), from)
		if !theirs.Empty() {
			phone, err := s.Backups.Deliver(tx, backupphone.Handed{
				TenantID: tenantID, UserID: b.UserID, PhoneID: b.PhoneID, Code: theirs, Half: made.Half, Life: made.EndsAt.Sub(tx.Now),
			})
			if err != nil {
				return err
			}
			made.SentTo = provider.MaskNumber(phone.Number)
			e.Details["channel"] = string(phone.Channel)
		}
		if relaxed {
			if err := relaxation.Record(tx, relaxation.Use{
				TenantID: tenantID, UserID: b.UserID, Relaxation: relaxation.ReadOut, BypassID: id, AgentID: agentID, Origin: from,
			}); err != nil {
				return err
			}
		}
		return audit.Record(tx, e)
	})
	if err != nil {
		return Made{}, err
	}
	return made, nil
}

// still asks again what may have changed since a bypass was given: the ceilings of the
// tenant, which hold for what is made now, and whether its person has a role since, or its
// agent a lesser one, so that somebody else would have had to approve it. Relaxed says that
// the code is read out because of an outage alone.
func (s *Service) still(tx *store.Tx, b *Bypass) (relaxed bool, err error) {
	of, relaxed, err := rulesFor(tx, b.TenantID, b.UserID)
	if err != nil {
		return false, err
	}
	target, err := s.Rules.StandingIn(tx, b.TenantID, b.UserID)
	if err != nil {
		return false, err
	}
	agent, err := s.Rules.StandingIn(tx, b.TenantID, b.RequestedBy)
	if err != nil {
		return false, err
	}
	alone := !target.Administrator() && b.Minutes <= minutesAlone(agent.Rank)
	allowed := slices.Contains(of.Kinds, string(b.Kind)) && slices.Contains(of.Deliveries, string(b.Delivery)) && slices.Contains(of.Taken(target.Administrator()), string(b.CheckVia))
	if !allowed || b.ApprovedBy == "" && !alone {
		return false, fault.New(fault.Conflict, "bypass.not_to_make")
	}
	b.Minutes, b.Uses = min(b.Minutes, of.Minutes), min(b.Uses, of.Uses)
	return relaxed && b.Delivery == ReadOut, nil
}

// parts makes the part that the agent reads out, and the one that goes to a phone: that
// is digits, for a call can say them.
func (s *Service) parts(d Delivery) (agents, phones secret.Token) {
	switch d {
	case ReadOut:
		return s.Secrets.BypassCode(), secret.Token{}
	case Split:
		return s.Secrets.CodeHalf(), s.Secrets.Digits(10)
	}
	return secret.Token{}, s.Secrets.Digits(20)
}

func (s *Service) digest(id, code string) string { return s.Keys.CodeDigest(id, typed(code)) }

// event is one of a bypass, in the thread of its case.
func (b Bypass) event(action audit.Action, by audit.Party, from audit.Origin) audit.Event {
	e := audit.Event{
		TenantID: b.TenantID, Action: action, Actor: by, Target: audit.Party{Kind: audit.KindBypass, ID: b.ID}, Subject: b.UserID, Thread: cmp.Or(b.CaseID, b.ID), Origin: from,
		Details: map[string]string{"kind": string(b.Kind)},
	}
	return e.Under(b.Ticket)
}

// Fits says whether a code is the part of a bypass that its agent was given. What a page
// is about to show once comes back from a browser, which may send anything.
func (s *Service) Fits(ctx context.Context, tenantID, id, code string) (bool, error) {
	var kept struct{ CodeDigest, AgentDigest string }
	_, err := s.DB.View(ctx).One(&kept, "SELECT code_digest, agent_digest FROM bypasses WHERE tenant_id = ? AND id = ? AND state = 'active'", tenantID, id)
	digest := s.digest(id, code)
	return secret.Same(digest, kept.CodeDigest) && kept.CodeDigest != "" || secret.Same(digest, kept.AgentDigest) && kept.AgentDigest != "", store.Unusable(err)
}
