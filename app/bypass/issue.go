package bypass

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/application"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/desk"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/place"
	"latchkey/app/provider"
	"latchkey/app/relaxation"
	"latchkey/app/signals"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/ticketsystem"
	"latchkey/app/user"
)

// situation is what an ask is judged by, as the rows stand now.
type situation struct {
	person struct {
		Name, State, MFAState string
		Ways                  user.Ways
	}
	off          method.Off
	desk         desk.Desk
	taken        ticketsystem.Taken  // what lets the act through
	answered     ticketsystem.Answer // what the ticket system answered, whenever that was
	places       place.Named
	actor        access.Standing
	target       access.Standing
	standing     string // id of the one that the person has; empty: none
	ticket       string // under which their case stands
	proof        *callercheck.Proof
	phones       []backupphone.Phone // that a part of the code could go to
	application  string              // its name
	closed       bool                // the application is not for the person
	ofAgent      int                 // in the last hour
	agentMost    int                 // of those without a second person
	ofPerson     int                 // in the last week
	approverRank int                 // of who approved; 0: nobody has
}

func (s *Service) look(tx *store.Tx, act approval.Act, asked Asked) (on situation, err error) {
	found, err := tx.One(&on.person, "SELECT name, state, mfa_state, ways FROM users WHERE tenant_id = ? AND id = ?", act.TenantID, act.TargetID)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return on, err
	}
	if on.off, err = method.OffOf(tx, act.TenantID, act.TargetID); err != nil {
		return on, err
	}
	if on.desk, _, err = rulesFor(tx, act.TenantID, act.TargetID); err != nil {
		return on, err
	}
	if on.places, err = tenant.Places(tx, act.TenantID); err != nil {
		return on, err
	}
	if on.taken, err = ticketsystem.Took(tx, question(act, asked)); err != nil {
		return on, err
	}
	if on.answered, err = ticketsystem.Kept(tx, act.TenantID, asked.ID); err != nil {
		return on, err
	}
	if on.actor, err = s.Rules.StandingIn(tx, act.TenantID, act.ActorID); err != nil {
		return on, err
	}
	if on.target, err = s.Rules.StandingIn(tx, act.TenantID, act.TargetID); err != nil {
		return on, err
	}
	if act.ApprovedBy != "" {
		approver, err := s.Rules.StandingIn(tx, act.TenantID, act.ApprovedBy)
		if err != nil {
			return on, err
		}
		on.approverRank = approver.Rank
	}
	if _, err = tx.One(&on.standing, "SELECT id FROM bypasses WHERE user_id = ? AND tenant_id = ? AND state IN ('ready', 'active') AND ends_at > ?", act.TargetID, act.TenantID, tx.Now); err != nil {
		return on, err
	}
	if _, err = tx.One(&on.ticket, "SELECT ticket FROM cases WHERE user_id = ? AND tenant_id = ? AND state <> 'closed'", act.TargetID, act.TenantID); err != nil {
		return on, err
	}
	if on.proof, err = callercheck.For(tx, act.TenantID, asked.Check, act.TargetID, act.ActorID, asked.ID); err != nil {
		return on, err
	}
	if asked.toPhone() || asked.Delivery == "" {
		if on.phones, err = backupphone.Reachable(tx, act.TenantID, act.TargetID, asked.Phone); err != nil {
			return on, err
		}
	}
	if asked.Application != "" {
		if on.application, on.closed, err = application.Opens(tx, act.TenantID, asked.Application, act.TargetID); err != nil {
			return on, err
		}
	}
	more, err := relaxation.Of(tx, act.TenantID, act.TargetID, relaxation.MoreBypasses)
	if err != nil {
		return on, err
	}
	if on.agentMost = agentMost; more {
		on.agentMost = 2 * agentMost
	}
	return on, on.count(tx, act)
}

// count counts what the agent and the person had lately. It holds the agent's count to
// the end of the act: of two at once the second counts the first.
func (on *situation) count(tx *store.Tx, act approval.Act) error {
	if tx.Dialect == store.Postgres {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "bypasses of "+act.TenantID+" "+act.ActorID).Error; err != nil {
			return err
		}
	}
	if _, err := tx.One(&on.ofAgent, "SELECT count(*) FROM bypasses WHERE requested_by = ? AND tenant_id = ? AND created_at > ?", act.ActorID, act.TenantID, tx.Now.Add(-agentSpan)); err != nil {
		return err
	}
	_, err := tx.One(&on.ofPerson, "SELECT count(*) FROM bypasses WHERE user_id = ? AND tenant_id = ? AND created_at > ?", act.TargetID, act.TenantID, tx.Now.Add(-personSpan))
	return err
}

// rulesFor gives what a tenant says of its desk, for somebody as they are now. Relaxed says
// that an outage alone lets an agent read out a whole code to them.
func rulesFor(tx *store.Tx, tenantID, userID string) (of desk.Desk, relaxed bool, err error) {
	of, err = desk.Of(tx, tenantID)
	if err != nil || slices.Contains(of.Deliveries, desk.ReadOut) {
		return of, false, err
	}
	if relaxed, err = relaxation.Of(tx, tenantID, userID, relaxation.ReadOut); relaxed {
		of.Deliveries = append(of.Deliveries, desk.ReadOut)
	}
	return of, relaxed, err
}

// possible are the deliveries by which a code could reach the person, the safest first.
func (on situation) possible() []Delivery {
	return slices.DeleteFunc(slices.Clone(Deliveries), func(d Delivery) bool {
		return !slices.Contains(on.desk.Deliveries, string(d)) || d != ReadOut && len(on.phones) == 0
	})
}

// eyes says whether a second person must approve.
func (on situation) eyes(asked Asked) bool {
	return on.target.Administrator() || asked.Minutes > minutesAlone(on.actor.Rank) || asked.Uses > 1 || on.ofAgent >= on.agentMost || on.ofPerson >= personMost
}

// wrong says why it cannot be given by anybody. What could never be used is not given.
func (on situation) wrong(act approval.Act, asked Asked, now time.Time) error {
	// A pass code that may not sign in by itself comes second, as a skipped phone does.
	first := asked.Kind == PassCode && !on.off.NoSignIn.Has(user.WithBypass)
	switch {
	case on.proof == nil:
		return callercheck.None()
	case !slices.Contains(on.desk.Taken(on.target.Administrator()), string(on.proof.Via)):
		return fault.New(fault.Conflict, "callercheck.way_off")
	case on.person.State != user.Active:
		return fault.New(fault.Conflict, "user.state_changed")
	case !first && on.off.NoSecond.Has(user.WithBypass):
		return fault.New(fault.Conflict, "bypass.off")
	case !first && !(on.person.Ways &^ on.off.NoSignIn).Has(user.WithPassword):
		return fault.New(fault.Conflict, "bypass.no_password")
	case asked.Kind == Skip && user.Enough(on.person.MFAState, on.person.Ways&^on.off.NoSecond, user.WithPassword):
		return fault.New(fault.Conflict, "bypass.nothing_to_skip")
	case on.standing != "" && on.standing != asked.Replaces:
		return fault.New(fault.Conflict, "bypass.one")
	case on.standing == "" && asked.Replaces != "":
		return fault.New(fault.Conflict, "bypass.replaced_gone")
	case on.approverRank > 0 && asked.Minutes > minutesAlone(on.approverRank):
		return fault.New(fault.Conflict, "bypass.approver_limit")
	}
	fields := map[string]string{}
	if asked.Unread != "" {
		fields[asked.Unread] = "bypass.start_form"
	}
	switch {
	case !slices.Contains(Kinds, asked.Kind):
		fields["kind"] = "bypass.kind_form"
	case !slices.Contains(on.desk.Kinds, string(asked.Kind)):
		fields["kind"] = "bypass.kind_off"
	}
	switch {
	case asked.Minutes < MinutesLeast || asked.Minutes > MinutesMost:
		fields["minutes"] = "bypass.minutes_form"
	case asked.Minutes > on.desk.Minutes:
		fields["minutes"] = "bypass.minutes_ceiling"
	}
	switch {
	case asked.Uses < 1 || asked.Uses > UsesMost:
		fields["uses"] = "bypass.uses_form"
	case asked.Uses > on.desk.Uses:
		fields["uses"] = "bypass.uses_ceiling"
	}
	if asked.StartsAt != nil && (asked.StartsAt.Before(now.Add(-time.Minute-readyLife)) || asked.StartsAt.After(now.Add(aheadMost))) {
		fields["starts_at"] = "bypass.start_form"
	}
	if asked.Network != "" && !named(asked.Network, on.places) {
		if _, ok := prefixOf(asked.Network); !ok {
			fields["network"] = "bypass.network_form"
		}
	}
	if asked.Application != "" && (on.application == "" || on.closed) {
		fields["application"] = "bypass.application_form"
	}
	switch {
	case asked.Kind == Skip:
	case !slices.Contains(Deliveries, asked.Delivery):
		fields["delivery"] = "bypass.delivery_form"
	case !slices.Contains(on.desk.Deliveries, string(asked.Delivery)):
		fields["delivery"] = "bypass.delivery_off"
	case asked.toPhone() && len(on.phones) == 0:
		fields["delivery"] = "bypass.no_second_channel"
	}
	detail := on.reason(act, asked, fields)
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields).Naming(detail)
}

// reason says what is wrong with the reason and the ticket, when it is asked for: what a
// second person has approved keeps the reason that it had.
func (on situation) reason(act approval.Act, asked Asked, fields map[string]string) (detail string) {
	if act.ApprovedBy != "" {
		return ""
	}
	chosen, there := on.desk.Reasons.Of(asked.Reason)
	switch {
	case asked.Reason == "" && !on.desk.Free():
		fields["reason_code"] = "desk.reason_needed"
	case asked.Reason != "" && (!there || chosen.Words != asked.ReasonWords):
		fields["reason_code"] = "desk.reason_gone"
	case chosen.Ticket && act.Ticket == "":
		fields["ticket"] = "desk.ticket_needed"
		return on.desk.Example
	}
	if unfit := on.desk.Unfit(act, on.ticket); unfit != nil {
		maps.Copy(fields, unfit.Fields)
		return unfit.Detail
	}
	if wrong := on.taken.Wrong(act.Ticket); wrong != "" {
		fields["ticket"] = wrong
	}
	return ""
}

// question is what a ticket system is asked before a bypass.
func question(act approval.Act, asked Asked) ticketsystem.Question {
	return ticketsystem.Question{TenantID: act.TenantID, ActID: asked.ID, Ticket: act.Ticket, UserID: act.TargetID, AgentID: act.ActorID}
}

// askSystem asks the ticket system of the tenant, for who may ask for a bypass at all. What
// it answers is for the act to judge.
func (s *Service) askSystem(ctx context.Context, of desk.Desk, act approval.Act, asked Asked) error {
	if act.Ticket == "" || !audit.IsTicket(act.Ticket) || !of.Fits(act.Ticket) {
		return nil
	}
	tx := s.DB.View(ctx)
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.BypassIssue, TargetID: act.TargetID})
	if err != nil {
		return store.Unusable(err)
	}
	proof, err := callercheck.For(tx, act.TenantID, asked.Check, act.TargetID, act.ActorID, asked.ID)
	if err != nil || verdict.Err() != nil || proof == nil {
		return store.Unusable(err)
	}
	return s.Tickets.Ask(ctx, question(act, asked), act.Origin)
}

// difference says what is asked for, so that who approves it reads all of it.
func (on situation) difference(asked Asked) []approval.Change {
	lines := []approval.Change{{Field: "bypass_kind", After: string(asked.Kind)}, {Field: "bypass_minutes", After: strconv.Itoa(asked.Minutes)}}
	add := func(field, value string) {
		if value != "" {
			lines = append(lines, approval.Change{Field: field, After: value})
		}
	}
	if asked.Uses > 1 {
		add("bypass_uses", strconv.Itoa(asked.Uses))
	}
	if asked.StartsAt != nil {
		add("bypass_start", asked.StartsAt.UTC().Format(time.RFC3339))
	}
	add("bypass_network", asked.Network)
	add("bypass_application", on.application)
	add("bypass_delivery", string(asked.Delivery))
	if len(on.phones) > 0 {
		add("bypass_phone", provider.MaskNumber(on.phones[0].Number))
	}
	if on.proof != nil {
		add("bypass_check", string(on.proof.Via))
	}
	if asked.Replaces != "" {
		add("bypass_replaces", "yes")
	}
	add("bypass_ticket", string(on.answered))
	return lines
}

// Ask asks for a bypass of the person that act is on. Whoever chose a reason of the tenant
// may leave out words of their own; the act has those of the reason first. It fails as
// approval.Submit does.
func (s *Service) Ask(ctx context.Context, act approval.Act, asked Asked) (approval.Outcome, error) {
	of, err := desk.Of(s.DB.View(ctx), act.TenantID)
	if err != nil {
		return approval.Outcome{}, store.Unusable(err)
	}
	act.Kind, act.Reason, act.Ticket = KindIssue, strings.TrimSpace(act.Reason), strings.TrimSpace(act.Ticket)
	if chosen, there := of.Reasons.Of(asked.Reason); there {
		said := act.Reason
		if act.Reason = chosen.Words; said != "" {
			act.Reason += ": " + said
		}
		asked = asked.by(chosen)
	}
	if err := s.askSystem(ctx, of, act, asked); err != nil {
		return approval.Outcome{}, err
	}
	return s.Approvals.Submit(ctx, act.With(asked))
}

// issue plans to give somebody a bypass.
func (s *Service) issue(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Asked
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	on, err := s.look(tx, act, asked)
	if err != nil {
		return approval.Plan{}, err
	}
	if asked = asked.settled(on.possible()); !asked.toPhone() {
		on.phones = nil
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.BypassIssue, TargetID: act.TargetID, Loosens: on.eyes(asked)}},
		Approves:   access.BypassApprove,
		Difference: on.difference(asked), Wrong: on.wrong(act, asked, tx.Now),
	}
	if len(on.phones) > 0 {
		asked.Phone = on.phones[0].ID // which the difference names, whatever is used last by then
	}
	// The proof is spent on what it was given for, also while that waits.
	plan.Freezes = func(tx *store.Tx) error {
		_, err := callercheck.Spend(tx, act.TenantID, asked.Check, act.TargetID, act.ActorID, asked.ID)
		return err
	}
	plan.Do = func(tx *store.Tx) error {
		proof, err := callercheck.Spend(tx, act.TenantID, asked.Check, act.TargetID, act.ActorID, asked.ID)
		if err != nil {
			return err
		}
		if err := s.give(tx, act, asked, proof, on.answered); err != nil || act.ApprovedBy != "" || on.ofAgent < agentMost {
			return err
		}
		return relaxation.Record(tx, relaxation.Use{
			TenantID: act.TenantID, UserID: act.TargetID, Relaxation: relaxation.MoreBypasses, BypassID: asked.ID, AgentID: act.ActorID, Origin: act.Origin,
		})
	}
	return plan, nil
}

// give writes a bypass down, in the act tx, with what the ticket system answered. The one in
// whose place it comes ends.
func (s *Service) give(tx *store.Tx, act approval.Act, asked Asked, proof callercheck.Proof, answered ticketsystem.Answer) error {
	if asked.Replaces != "" {
		if err := s.replace(tx, act.TenantID, asked.Replaces, act.TargetID, act.ActorID); err != nil {
			return err
		}
	}
	// One whose time is over and that nobody has written down holds the place of its person.
	if err := tx.Exec("UPDATE bypasses SET state = 'expired', code_digest = '', agent_digest = '', other_digest = '', ended_at = ? WHERE user_id = ? AND tenant_id = ? AND state IN ('ready', 'active') AND ends_at <= ?",
		tx.Now, act.TargetID, act.TenantID, tx.Now).Error; err != nil {
		return err
	}
	starts := tx.Now
	if asked.StartsAt != nil && asked.StartsAt.After(starts) {
		starts = *asked.StartsAt
	}
	state, ends := Active, starts.Add(time.Duration(asked.Minutes)*time.Minute)
	if asked.Kind == PassCode {
		state, ends = Ready, starts.Add(readyLife)
	}
	err := tx.Exec(`INSERT INTO bypasses (tenant_id, id, user_id, case_id, kind, state, delivery, phone_id, minutes, uses, uses_left, network, application_id, reason, reason_code, reason_words, ticket,
		check_id, check_via, check_strength, requested_by, approved_by, starts_at, ends_at, created_at, made_at, ticket_check) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		act.TenantID, asked.ID, act.TargetID, proof.CaseID, asked.Kind, state, asked.Delivery, asked.Phone, asked.Minutes, asked.Uses, asked.Uses, asked.Network, asked.Application, act.Reason, asked.Reason, asked.ReasonWords, act.Ticket,
		proof.ID, proof.Via, proof.Strength, act.ActorID, act.ApprovedBy, starts, ends, tx.Now, madeAt(asked.Kind, tx.Now), answered).Error
	if errors.Is(err, store.ErrDuplicate) {
		return fault.New(fault.Conflict, "bypass.one")
	}
	if err != nil {
		return err
	}
	if err := signals.Mark(tx, act.TenantID, asked.ID); err != nil {
		return err
	}
	e := act.Event(audit.BypassIssued)
	e.Target, e.Thread = audit.Party{Kind: audit.KindBypass, ID: asked.ID}, proof.CaseID
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["kind"], e.Details["minutes"], e.Details["uses"], e.Details["check"] = string(asked.Kind), strconv.Itoa(asked.Minutes), strconv.Itoa(asked.Uses), string(proof.Via)
	for name, value := range map[string]string{"delivery": string(asked.Delivery), "network": asked.Network, "application": asked.Application, "replaces": asked.Replaces, "reason_code": asked.Reason, "ticket_check": string(answered)} {
		if value != "" {
			e.Details[name] = value
		}
	}
	until := ends
	if asked.Kind == PassCode {
		until = ends.Add(time.Duration(asked.Minutes) * time.Minute) // of one that is made in the last moment
	}
	told, err := s.tell(tx, act, asked, proof.CaseID, until)
	if err != nil {
		return err
	}
	if err := s.Tickets.Note(tx, ticketsystem.Note{
		TenantID: act.TenantID, Ticket: act.Ticket, UserID: act.TargetID, AgentID: act.ActorID, Bypass: asked.ID, Given: string(asked.Kind), Minutes: asked.Minutes, Uses: asked.Uses, Reason: act.Reason,
	}); err != nil {
		return err
	}
	if err := cases.Because(tx, act.TenantID, proof.CaseID, asked.Reason, asked.ReasonWords); err != nil {
		return err
	}
	maps.Copy(e.Details, told)
	return audit.Record(tx, e)
}

func madeAt(kind Kind, now time.Time) *time.Time {
	if kind == Skip {
		return &now
	}
	return nil
}
