package callercheck

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/cases"
	"latchkey/app/desk"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// Service checks callers.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Rules     *access.Rules
	Hub       *wake.Hub
	Prompts   *prompt.Service
	Cases     *cases.Service
	Backups   *backupphone.Service
	Approvals *approval.Service
}

// KindBegin begins a check.
const KindBegin approval.Kind = "caller_check.begin"

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindBegin: s.begin}
}

// New gives a beginning its id, under which its page will be.
func New(b Beginning) Beginning {
	b.ID = secret.System.ID()
	return b
}

// Begin begins a check of the person that act is on. Words of the caller are optional.
// It fails as approval.Submit does, and with fault.Throttled when the phone, or the
// number, is left alone for a while; that is remembered too.
func (s *Service) Begin(ctx context.Context, act approval.Act, b Beginning) (approval.Outcome, error) {
	if act.Kind = KindBegin; act.Reason == "" {
		act.Reason = cases.WithoutWords
	}
	out, err := s.Approvals.Submit(ctx, act.With(b))
	if !errors.Is(err, fault.Throttled) {
		return out, err
	}
	if failed := s.DB.Act(ctx, func(tx *store.Tx) error {
		standing, _, failed := cases.StandingOf(tx, act.TenantID, act.TargetID)
		if failed != nil {
			return failed
		}
		c := Check{TenantID: act.TenantID, ID: b.ID, UserID: act.TargetID, AgentID: act.ActorID, CaseID: standing.ID, Via: b.Via}
		e := c.event(audit.CallerCheckRefused, audit.User(act.ActorID), act.Origin)
		e.Reason = fault.Of(err).Code
		return audit.Record(tx, e)
	}); failed != nil {
		return out, failed
	}
	return out, err
}

// begin plans to ask a person, or their manager, whether it is them on the line.
func (s *Service) begin(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var b Beginning
	if err := act.Read(&b); err != nil {
		return approval.Plan{}, err
	}
	q := access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.CallerCheck, TargetID: act.TargetID}
	plan := approval.Plan{Questions: []access.Question{q}, Difference: []approval.Change{{Field: "via", After: string(b.Via)}}}
	standing, there, err := cases.StandingOf(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	if !there {
		q.Needs = access.CaseHandle // one is opened
		plan.Questions = append(plan.Questions, q)
		if b.Cause == "" {
			b.Cause = cases.Other
		}
	}
	p, found, err := personOf(tx, act.TenantID, act.TargetID)
	if err != nil || !found {
		return plan, err // that there is nobody is for access to say
	}
	other, unended, err := pendingOf(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	waits := unended && other.Stands(tx.Now) == Pending
	of, err := desk.Of(tx, act.TenantID)
	if err != nil {
		return plan, err
	}
	fields, example := map[string]string{}, ""
	if unfit := of.Unfit(act, standing.Ticket); unfit != nil {
		maps.Copy(fields, unfit.Fields)
		example = unfit.Detail
	}
	if !slices.Contains(Ways, b.Via) {
		fields["via"] = "callercheck.via"
	}
	if b.Case != "" && (!there || b.Case != standing.ID) {
		fields["case"] = "callercheck.case"
	}
	if !there && !slices.Contains(cases.Causes, b.Cause) {
		fields["cause"] = "case.cause"
	}
	if b.Via == BackupPhone {
		if err := p.reach(tx, act.TenantID); err != nil {
			return plan, err
		}
		if b.To != "" && !slices.ContainsFunc(p.backups, func(n backupphone.Phone) bool { return n.ID == b.To }) {
			fields["backup_phone"] = "callercheck.no_backup_phone"
		}
	}
	switch {
	case len(fields) > 0:
		plan.Wrong = fault.Wrong("form.wrong", fields).Naming(example)
	case waits && other.AgentID != act.ActorID:
		plan.Wrong = fault.New(fault.Conflict, "callercheck.under_way")
	default:
		taken, err := s.taken(tx, act.TenantID, p, of)
		if err == nil {
			plan.Wrong, _, err = s.stops(tx, act.TenantID, act.ActorID, p, b.Via, taken)
		}
		if err != nil {
			return plan, err
		}
	}
	plan.Do = func(tx *store.Tx) error {
		of := standing
		if !there {
			var err error
			if of, err = s.Cases.Opened(tx, act, cases.Opening{ID: secret.System.ID(), Cause: b.Cause, Device: b.Device}); err != nil {
				return err
			}
		}
		var err error
		switch {
		case waits:
			err = s.withdraw(tx, other, act.Origin)
		case unended:
			err = lapse(tx, other)
		}
		if err != nil {
			return err
		}
		return s.ask(tx, act, b, p, of)
	}
	return plan, nil
}

// ask puts the question to whom the way asks, and keeps the check.
func (s *Service) ask(tx *store.Tx, act approval.Act, b Beginning, p person, of cases.Case) error {
	c := Check{
		TenantID: act.TenantID, ID: b.ID, UserID: act.TargetID, AgentID: act.ActorID, CaseID: of.ID, Via: b.Via, AskedID: act.TargetID, Ticket: act.Ticket,
		State: Pending, BegunAt: tx.Now,
	}
	if c.Ticket == "" {
		c.Ticket = of.Ticket
	}
	var err error
	switch b.Via {
	case BackupPhone:
		err = s.askNumber(tx, &c, b.To)
	case Manager:
		c.AskedID = p.ManagerID
		err = s.askPhone(tx, &c, p, of)
	default:
		err = s.askPhone(tx, &c, p, of)
	}
	if err != nil {
		return err
	}
	if err := insert(tx, c); err != nil {
		return err
	}
	if err := cases.AddLink(tx, of, cases.LinkCallerCheck, c.ID, act.ActorID); err != nil {
		return err
	}
	e := c.event(audit.CallerCheckBegun, audit.User(act.ActorID), act.Origin, "case", of.Name(), "prompt", c.PromptID, "approved_by", act.ApprovedBy)
	if act.Reason != cases.WithoutWords {
		e.Reason = act.Reason
	}
	return audit.Record(tx, e)
}

// askPhone sends the prompt.
func (s *Service) askPhone(tx *store.Tx, c *Check, p person, of cases.Case) error {
	recent, err := prompt.RecentOf(tx, c.TenantID, subject(c.Via, c.AskedID))
	if err != nil {
		return err
	}
	agent, err := s.agentOf(tx, c.TenantID, c.AgentID)
	if err != nil {
		return err
	}
	// Whose rank is above a user's types the number: of the two the one with more to lose.
	privileged := false
	for _, id := range []string{c.UserID, c.AskedID} {
		who, err := s.Rules.StandingIn(tx, c.TenantID, id)
		if err != nil {
			return err
		}
		privileged = privileged || who.Administrator()
	}
	mode := p.MatchMode
	if p.Typed {
		mode = mode.Or(tenant.Type2)
	}
	act := prompt.Act{
		Kind: string(KindBegin), Target: user.Full(p.Name, p.DisplayName), Requester: agent.Name, Role: agent.Role, Case: of.Name(), Ticket: c.Ticket,
		AgentCode: s.AgentCode(c.TenantID, c.ID), Vouch: c.Via == Manager,
	}
	shown, err := json.Marshal(act)
	if err != nil {
		return err
	}
	act.Hash = secret.Digest("latchkey caller check v1 " + c.ID + " " + string(shown))
	failures, err := throttle.Of(tx, c.TenantID, subject(c.Via, c.AskedID), prompt.Way)
	if err != nil {
		return err
	}
	// Where the agent sits is nobody's business on the phone.
	sent, err := s.Prompts.Send(tx, prompt.Ask{
		TenantID: c.TenantID, Subject: subject(c.Via, c.AskedID), UserID: c.AskedID, Kind: prompt.CallerCheck, AttemptID: c.ID,
		Mode: prompt.ModeFor(mode, privileged, recent, tx.Now), Push: true, Act: &act, Failures: failures,
	}, recent)
	if err != nil {
		return err
	}
	if sent.Pause.Reason != "" {
		return fault.Wait("callercheck.held", max(sent.Pause.Until.Sub(tx.Now), time.Second))
	}
	c.PromptID, c.ExpiresAt = sent.ID, sent.ExpiresAt
	return nil
}

// AgentCode are the letters that the agent reads out when the person asks for proof.
func (s *Service) AgentCode(tenantID, checkID string) string {
	return s.Keys.SpokenCode("caller check " + tenantID + " " + checkID)
}

// endings are what an answer makes of a check, with its event.
var endings = map[prompt.State]struct {
	state  State
	action audit.Action
}{
	prompt.Denied: {Denied, audit.CallerCheckDenied}, prompt.Reported: {Reported, audit.CallerCheckReported}, prompt.Expired: {Expired, audit.CallerCheckExpired},
}

// Ended takes in the act tx how the prompt of a check ended.
func (s *Service) Ended(tx *store.Tx, answer prompt.End) error {
	c, ok, err := find(tx, answer.TenantID, answer.AttemptID)
	if err != nil || !ok || c.PromptID != answer.ID || c.State != Pending {
		return err
	}
	by := audit.Service
	if answer.AccountID != "" {
		by = audit.Device(answer.AccountID)
	}
	if answer.State == prompt.Approved {
		return s.prove(tx, c, answer.AccountID, by, answer.Origin)
	}
	ending := endings[answer.State]
	if err := end(tx, c, ending.state, answer.WrongNumber); err != nil {
		return err
	}
	e := c.event(ending.action, by, answer.Origin)
	if answer.WrongNumber {
		e.Reason = "prompt.wrong_number"
	}
	if err := audit.Record(tx, e); err != nil || ending.state != Reported {
		return err
	}
	// Somebody on the line says to be a person who says that they are not: what was proved
	// before, and not used yet, is worth nothing either.
	var doubted []Check
	err = tx.All(&doubted, "UPDATE caller_checks SET state = 'failed', ended_at = ? WHERE user_id = ? AND tenant_id = ? AND state = 'proved' AND spent_at IS NULL RETURNING "+columns,
		tx.Now, c.UserID, c.TenantID)
	if err != nil {
		return err
	}
	for _, other := range doubted {
		e := other.event(audit.CallerCheckFailed, by, answer.Origin)
		e.Reason = "callercheck.reported"
		if err := audit.Record(tx, e); err != nil {
			return err
		}
	}
	return notify.TellRole(tx, c.TenantID, access.RoleHelpdeskLead, notify.Notice{Action: audit.CallerCheckReported, About: c.UserID})
}

// prove stores a proof. The statement asks again what was asked at the beginning: for
// somebody who was locked meanwhile, or by who is their manager no more, nothing is proved.
func (s *Service) prove(tx *store.Tx, c Check, with string, by audit.Party, from audit.Origin) error {
	res := tx.Exec(`UPDATE caller_checks SET state = 'proved', proved_at = ?, ended_at = ?, proved_with = ? WHERE tenant_id = ? AND id = ?
		AND (state = 'pending' AND expires_at > ?) IS TRUE AND `+able+` AND (via <> 'manager' OR EXISTS (SELECT 1 FROM users p
			WHERE p.tenant_id = caller_checks.tenant_id AND p.id = caller_checks.user_id AND p.manager_id = caller_checks.asked_id))`, tx.Now, tx.Now, with, c.TenantID, c.ID, tx.Now)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		if err := end(tx, c, Failed, false); err != nil {
			return err
		}
		e := c.event(audit.CallerCheckFailed, by, from)
		e.Reason = "callercheck.changed"
		return audit.Record(tx, e)
	}
	if err := audit.Record(tx, c.event(audit.CallerCheckProved, by, from, "with", with)); err != nil {
		return err
	}
	agent, err := s.agentOf(tx, c.TenantID, c.AgentID)
	if err != nil {
		return err
	}
	named, err := cases.Names(tx, c.TenantID, c.CaseID)
	if err != nil {
		return err
	}
	return notify.Tell(tx, c.TenantID, c.UserID, notify.Notice{Action: audit.CallerCheckProved, By: agent.role, Detail: named[c.CaseID]})
}

// withdraw takes a check back that waits: its agent begins another one, or the call is over.
func (s *Service) withdraw(tx *store.Tx, c Check, from audit.Origin) error {
	// It ends first: what its prompt ends as would end it otherwise.
	if err := end(tx, c, Withdrawn, false); err != nil {
		return err
	}
	if c.PromptID != "" {
		if err := s.Prompts.Withdraw(tx, c.TenantID, c.PromptID, c.AskedID, audit.User(c.AgentID), from); err != nil {
			return err
		}
	}
	if err := backupphone.Void(tx, c.TenantID, c.ID); err != nil {
		return err
	}
	tx.After(func() { s.Hub.Ring(key(c)) })
	return audit.Record(tx, c.event(audit.CallerCheckWithdrawn, audit.User(c.AgentID), from))
}

// Withdraw ends a check that its own agent wants no more. One that does not wait any
// more is fault.Conflict.
func (s *Service) Withdraw(ctx context.Context, who access.Standing, id string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		c, err := s.mine(tx, who, id)
		if err != nil {
			return err
		}
		if c.Stands(tx.Now) != Pending {
			return over()
		}
		return s.withdraw(tx, c, from)
	})
}

func over() error { return fault.New(fault.Conflict, "callercheck.over") }

// mine finds a check for its agent, who alone goes on with it.
func (s *Service) mine(tx *store.Tx, who access.Standing, id string) (Check, error) {
	c, err := s.visible(tx, who, id)
	if err == nil && c.AgentID != who.UserID {
		err = fault.New(fault.Conflict, "callercheck.not_yours")
	}
	return c, err
}

// visible finds a check that somebody may look at. One of another tenant, or of
// somebody outside the groups of who asks, is fault.NotFound.
func (s *Service) visible(tx *store.Tx, who access.Standing, id string) (Check, error) {
	c, ok, err := find(tx, who.TenantID, id)
	if err != nil {
		return c, err
	}
	if !ok {
		return c, fault.New(fault.NotFound, "http.not_found")
	}
	v, err := s.Rules.Ask(tx, access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: access.AuthenticatorView, TargetID: c.UserID})
	if err == nil {
		err = v.Err()
	}
	return c, err
}

// Lapse ends what is over: questions that nobody answered, and proofs that nobody used.
// Any replica may run it; each ends once.
func (s *Service) Lapse(ctx context.Context) error {
	now := s.DB.Now()
	var due, unused []Check
	tx := s.DB.View(ctx)
	if err := tx.All(&due, "SELECT "+columns+" FROM caller_checks WHERE state = 'pending' AND expires_at <= ? LIMIT 100", now); err != nil {
		return store.Unusable(err)
	}
	if err := tx.All(&unused, "SELECT "+columns+" FROM caller_checks WHERE state = 'proved' AND spent_at IS NULL AND proved_at <= ? LIMIT 100", now.Add(-FreshLife)); err != nil {
		return store.Unusable(err)
	}
	if due = append(due, unused...); len(due) == 0 {
		return nil
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, c := range due {
			if err := lapse(tx, c); err != nil {
				return err
			}
			tx.After(func() { s.Hub.Ring(key(c)) })
		}
		return nil
	})
}

func lapse(tx *store.Tx, c Check) error {
	res := tx.Exec(`UPDATE caller_checks SET state = 'expired', ended_at = ? WHERE tenant_id = ? AND id = ? AND (state = 'pending' AND expires_at <= ?
		OR state = 'proved' AND spent_at IS NULL AND proved_at <= ?)`, tx.Now, c.TenantID, c.ID, tx.Now, tx.Now.Add(-FreshLife))
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	e := c.event(audit.CallerCheckExpired, audit.Service, audit.Origin{})
	if c.State == Proved {
		e.Reason = "callercheck.unused"
	}
	return audit.Record(tx, e)
}

// key is what those wait on who wait for the end of a check.
func key(c Check) string { return prompt.CheckKey(c.TenantID, c.ID) }

// Changed is the look of the hub for checks: which of them wait no more.
func (s *Service) Changed(ctx context.Context, keys []string) (changed []string, err error) {
	tx := s.DB.View(ctx)
	for tenantID, ids := range wake.ByTenant(keys) {
		var over []string
		err := tx.All(&over, "SELECT id FROM caller_checks WHERE tenant_id = ? AND id IN ? AND (state <> 'pending' OR expires_at <= ?)", tenantID, ids, tx.Now)
		if err != nil {
			return nil, err
		}
		for _, id := range over {
			changed = append(changed, prompt.CheckKey(tenantID, id))
		}
	}
	return changed, nil
}
