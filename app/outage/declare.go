package outage

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/notify"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// The acts on outages.
const (
	KindDeclare  approval.Kind = "outage.declare"
	KindRehearse approval.Kind = "outage.rehearse"
	KindEnd      approval.Kind = "outage.end"
	KindSign     approval.Kind = "outage.sign"
)

// Service declares outages, ends them, and has what comes after.
type Service struct {
	DB        *store.DB
	Rules     *access.Rules
	Approvals *approval.Service
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindDeclare: s.declare, KindRehearse: s.rehearse, KindEnd: s.end, KindSign: s.sign}
}

// may fails with fault.Forbidden when somebody has not the feature: unlike what has
// changed since, that is no reason to drop an ask that waits. A break-glass account has it
// when anybody has.
func may(tx *store.Tx, tenantID, userID string) error {
	had, err := feature.Had(tx, tenantID, userID)
	if err != nil || had.Has(feature.OutageMode) {
		return err
	}
	var glass bool
	_, err = tx.One(&glass, "SELECT u.break_glass AND "+feature.Somebody(feature.OutageMode)+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", tenantID, userID)
	if err == nil && !glass {
		err = fault.New(fault.Forbidden, "outage.off")
	}
	return err
}

// declare plans to declare an outage, which takes a second person each time.
func (s *Service) declare(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Asked
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	asked = asked.tidy()
	for _, who := range []string{act.ActorID, act.ApprovedBy} {
		if who == "" {
			continue
		}
		if err := may(tx, act.TenantID, who); err != nil {
			return approval.Plan{}, err
		}
	}
	names, err := group.NamesOf(tx, act.TenantID, asked.Groups...)
	if err != nil {
		return approval.Plan{}, err
	}
	var scope []string
	for _, id := range asked.Groups {
		scope = append(scope, names[id])
	}
	plan := approval.Plan{
		Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageDeclare, Loosens: true}},
		Difference: []approval.Change{
			{Field: "outage_failed", After: joined(asked.Failed)},
			{Field: "outage_relaxes", After: joined(asked.Relaxes)},
			{Field: "outage_scope", After: joined(scope)},
			{Field: "outage_minutes", After: strconv.Itoa(asked.Minutes)},
		},
		Do: func(tx *store.Tx) error { return s.begin(tx, act, asked, joined(scope)) },
	}
	if fields := asked.wrong(false, names); len(fields) > 0 {
		plan.Wrong = fault.Wrong("form.wrong", fields)
		return plan, nil
	}
	running, err := relaxation.Here(tx, act.TenantID)
	if err == nil && running.OutageEndsAt != nil {
		plan.Wrong = fault.New(fault.Conflict, "outage.one")
	}
	return plan, err
}

// begin writes an outage down, in the act tx.
func (s *Service) begin(tx *store.Tx, act approval.Act, asked Asked, scope string) error {
	// One that is over and that nobody has written down holds the place of the next.
	if err := s.over(tx, act.TenantID, false); err != nil {
		return err
	}
	if err := s.over(tx, act.TenantID, true); err != nil {
		return err
	}
	o := Outage{TenantID: act.TenantID, ID: secret.System.ID(), EndsAt: tx.Now.Add(time.Duration(asked.Minutes) * time.Minute)}
	bits, _ := relaxation.Bits(asked.Relaxes)
	err := tx.Exec(`INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, scope, reason, ticket, requested_by, approved_by, began_at, ends_at) VALUES (?,?,FALSE,?,?,?,?,?,?,?,?,?,?)`,
		o.TenantID, o.ID, joined(asked.Failed), bits, len(asked.Groups) == 0, scope, act.Reason, act.Ticket, act.ActorID, act.ApprovedBy, tx.Now, o.EndsAt).Error
	if errors.Is(err, store.ErrDuplicate) {
		return fault.New(fault.Conflict, "outage.one")
	}
	if err != nil {
		return err
	}
	for _, g := range asked.Groups {
		if err := tx.Exec("INSERT INTO outage_groups (tenant_id, outage_id, group_id) VALUES (?,?,?)", o.TenantID, o.ID, g).Error; err != nil {
			return err
		}
	}
	holders, err := s.Rules.StandingsIn(tx, o.TenantID)
	if err != nil {
		return err
	}
	var ranks [][]any
	for _, h := range holders {
		ranks = append(ranks, []any{o.TenantID, o.ID, h.UserID})
	}
	if err := tx.InsertAll("INSERT INTO outage_ranks (tenant_id, outage_id, user_id)", "ON CONFLICT DO NOTHING", ranks); err != nil {
		return err
	}
	e := of(act.Event(audit.OutageDeclared), o.ID)
	e.Details["failed"], e.Details["relaxes"], e.Details["minutes"] = joined(asked.Failed), joined(asked.Relaxes), strconv.Itoa(asked.Minutes)
	if len(asked.Groups) > 0 {
		e.Details["groups"] = joined(asked.Groups)
	}
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	return s.tell(tx, o.TenantID, notify.Notice{Action: audit.OutageDeclared, By: s.Rules.Role(o.TenantID, act.ActorID), Reason: act.Reason, Detail: joined(asked.Failed)}, act.ActorID, act.ApprovedBy)
}

// tell leaves a notice for everybody who looks after outages, but some.
func (s *Service) tell(tx *store.Tx, tenantID string, n notify.Notice, but ...string) error {
	holders, err := s.Rules.StandingsIn(tx, tenantID)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, userID := range but {
		told[userID] = true
	}
	for _, h := range holders {
		if !h.May.Has(access.OutageHandle) || told[h.UserID] {
			continue
		}
		told[h.UserID] = true
		if err := notify.Tell(tx, tenantID, h.UserID, n); err != nil {
			return err
		}
	}
	return nil
}

// Rehearsed is a drill with what came of it.
type Rehearsed struct {
	Asked
	ID     string `json:"id"` // under which its page will be
	Report Report `json:"report"`
}

// Rehearse counts who could sign in if channels were down, keeps it, and gives its id. It
// counts outside the act, which may take a while. It fails as approval.Submit does.
func (s *Service) Rehearse(ctx context.Context, act approval.Act, asked Asked) (id string, err error) {
	done := Rehearsed{Asked: asked.tidy(), ID: secret.System.ID()}
	if len(done.wrong(true, nil)) == 0 {
		if done.Report, err = s.Drill(ctx, act.TenantID, done.Asked); err != nil {
			return "", err
		}
	}
	_, err = s.Approvals.Submit(ctx, act.With(done))
	return done.ID, err
}

// rehearse plans to keep a drill. It changes nothing, so one person does it.
func (s *Service) rehearse(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var done Rehearsed
	if err := act.Read(&done); err != nil {
		return approval.Plan{}, err
	}
	if err := may(tx, act.TenantID, act.ActorID); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageHandle}},
		Difference: []approval.Change{{Field: "outage_failed", After: joined(done.Failed)}},
		Do:         func(tx *store.Tx) error { return Keep(tx, act.Ticket, act.Event(audit.OutageRehearsed), done) },
	}
	if fields := done.wrong(true, nil); len(fields) > 0 {
		plan.Wrong = fault.Wrong("form.wrong", fields)
	}
	return plan, nil
}

// Keep writes a drill down in the act tx, with the beginning of its event: who rehearsed,
// why and from where.
func Keep(tx *store.Tx, ticket string, e audit.Event, done Rehearsed) error {
	report, err := json.Marshal(done.Report)
	if err != nil {
		return err
	}
	bits, _ := relaxation.Bits(done.Relaxes)
	err = tx.Exec(`INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, reason, ticket, requested_by, approved_by, began_at, ends_at, ended_at, ending, report) VALUES (?,?,TRUE,?,?,TRUE,?,?,?,'',?,?,?,?,?)`,
		e.TenantID, done.ID, joined(done.Failed), bits, e.Reason, ticket, e.Actor.ID, tx.Now, tx.Now, tx.Now, ByClock, string(report)).Error
	if err != nil {
		return err
	}
	e.Action = audit.OutageRehearsed
	e = of(e, done.ID)
	e.Details["failed"], e.Details["people"], e.Details["unable"] = joined(done.Failed), strconv.Itoa(done.Report.People), strconv.Itoa(done.Report.Unable)
	return audit.Record(tx, e)
}
