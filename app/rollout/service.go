package rollout

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/passcode"
	"latchkey/app/replay"
	"latchkey/app/role"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindChange is the act that changes the rule of a feature.
const KindChange approval.Kind = "rollout.change"

// Service reads, previews and changes the rollout of features.
type Service struct {
	DB    *store.DB
	Roles *role.Service

	// Overtake ends, in the act of a change by hand, what changes a feature by itself;
	// nil: there is nothing.
	Overtake func(tx *store.Tx, tenantID string, f feature.Feature, by, reason string, from audit.Origin) error
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindChange: s.Roles.Kept(s.change), KindUnschedule: s.unschedule}
}

// Rollout is how far a feature is opened in a tenant.
type Rollout struct {
	Feature   feature.Feature
	Rule      feature.Rule
	Version   int       // 0: the tenant has said nothing
	ChangedAt time.Time // zero: never
	Released  bool      // by the platform
}

// All gives every feature of a tenant, in the order of the catalogue.
func (s *Service) All(ctx context.Context, tenantID string) ([]Rollout, error) {
	found, err := read(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

// Of gives one feature of a tenant; one that there is not is fault.NotFound.
func (s *Service) Of(ctx context.Context, tenantID string, f feature.Feature) (Rollout, error) {
	r, err := In(s.DB.View(ctx), tenantID, f)
	return r, store.Unusable(err)
}

// In gives one feature of a tenant in the act tx.
func In(tx *store.Tx, tenantID string, f feature.Feature) (Rollout, error) {
	found, err := read(tx, tenantID)
	if err != nil {
		return Rollout{}, err
	}
	for _, r := range found {
		if r.Feature == f {
			return r, nil
		}
	}
	return Rollout{}, fault.New(fault.NotFound, "http.not_found")
}

func read(tx *store.Tx, tenantID string) ([]Rollout, error) {
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Feature   feature.Feature
		Version   int
		ChangedAt time.Time
	}
	if err := tx.All(&rows, "SELECT feature, version, changed_at FROM rollouts WHERE tenant_id = ?", tenantID); err != nil {
		return nil, err
	}
	found := make([]Rollout, len(feature.Catalogue))
	for i, e := range feature.Catalogue {
		found[i] = Rollout{Feature: e.Feature, Rule: table.Rule(e.Feature), Released: table.Released&e.Bit != 0}
		for _, r := range rows {
			if r.Feature == e.Feature {
				found[i].Version, found[i].ChangedAt = r.Version, r.ChangedAt
			}
		}
	}
	return found, nil
}

// Groups lists the groups that a rule may speak of, with those that one speaks of now, or
// when its time comes.
func (s *Service) Groups(ctx context.Context, tenantID string) ([]group.Named, error) {
	found, err := group.Offered(s.DB.View(ctx), tenantID, feature.Speaks("g.tenant_id", "g.id"))
	return found, store.Unusable(err)
}

// Names gives the names of the groups that rules speak of.
func Names(tx *store.Tx, tenantID string, rules ...feature.Rule) (map[string]string, error) {
	var ids []string
	for _, r := range rules {
		ids = append(append(ids, r.Include...), r.Exclude...)
	}
	return group.NamesOf(tx, tenantID, ids...)
}

// change plans the next version.
func (s *Service) change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Draft
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	e, ok := feature.Find(next.Feature)
	if !ok {
		return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
	}
	next.Rule = tidy(next.Rule)
	was, err := In(tx, act.TenantID, next.Feature)
	if err != nil {
		return approval.Plan{}, err
	}
	names, err := Names(tx, act.TenantID, was.Rule, next.Rule)
	if err != nil {
		return approval.Plan{}, err
	}
	weakens := loosens(e, was.Rule, next.Rule) || next.EndsAt != nil && loosens(e, next.Rule, was.Rule)
	if !weakens {
		if weakens, err = keepsLoose(tx, act.TenantID, e, next.Rule); err != nil {
			return approval.Plan{}, err
		}
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RolloutEdit, Loosens: weakens}},
		Difference: difference(next.Feature, was.Rule, next.Rule, names), Wrong: wrong(next.Rule, names),
	}
	plan.Do = func(tx *store.Tx) error {
		if next.StartsAt != nil {
			return schedule(tx, act, was, next, weakens)
		}
		if err := s.overtaken(tx, act, next.Feature); err != nil {
			return err
		}
		if s.Overtake != nil {
			if err := s.Overtake(tx, act.TenantID, next.Feature, act.ActorID, act.Reason, act.Origin); err != nil {
				return err
			}
		}
		if err := s.store(tx, StepOf(act, next), plan.Difference[:1]); err != nil || next.EndsAt == nil {
			return err
		}
		return schedule(tx, act, was, next, weakens)
	}
	switch {
	case next.Version != was.Version:
		plan.Wrong = ChangedMeanwhile()
	case plan.Wrong == nil && len(plan.Difference) == 0:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	case plan.Wrong == nil:
		if plan.Wrong, err = approval.Wrongly(s.Replayed(tx, act.TenantID, next)); err == nil && plan.Wrong == nil && next.Timed() {
			plan.Wrong, err = approval.Wrongly(s.timed(tx, act.TenantID, was, next))
		}
	}
	plan.Difference = append(plan.Difference, next.times()...)
	return plan, err
}

// Replayed fails with fault.Conflict when the tenant wants a replay of a draft first and
// there is none.
func (s *Service) Replayed(tx *store.Tx, tenantID string, d Draft) error {
	rules, err := decision.Load(tx, tenantID)
	if err != nil {
		return err
	}
	d.Put(rules)
	return replay.Fresh(tx, tenantID, rules)
}

// Check says what of a draft cannot be, as a change does: fault.Invalid with its fields.
func (s *Service) Check(ctx context.Context, tenantID string, d Draft) error {
	if _, ok := feature.Find(d.Feature); !ok {
		return fault.New(fault.NotFound, "http.not_found")
	}
	_, err := Checked(s.DB.View(ctx), tenantID, d.Rule)
	return store.Unusable(err)
}

// ChangedMeanwhile is the failure of a change that was made from another version.
func ChangedMeanwhile() error { return fault.New(fault.Conflict, "settings.changed_meanwhile") }

// Step is a version to be stored, with who made it and why.
type Step struct {
	Draft
	TenantID       string
	Reason, Ticket string
	By, ApprovedBy string // user ids; By is empty: the program, by the schedule
	Event          audit.Event
	Origin         audit.Origin
}

// StepOf gives the step of an act.
func StepOf(act approval.Act, next Draft) Step {
	return Step{
		Draft: next, TenantID: act.TenantID, Reason: act.Reason, Ticket: act.Ticket, By: act.ActorID, ApprovedBy: act.ApprovedBy,
		Event: act.Event(audit.RolloutChanged), Origin: act.Origin,
	}
}

// Itself gives a step that the program takes by itself.
func Itself(tenantID string, next Draft, reason string) Step {
	return Step{
		Draft: next, TenantID: tenantID, Reason: reason,
		Event: audit.Event{TenantID: tenantID, Action: audit.RolloutChanged, Reason: reason, Actor: audit.Service, Target: audit.Tenant(tenantID)},
	}
}

// Take stores a step in the act tx, for acts of other packages that are made of steps.
// It fails with fault.Invalid when the rule cannot be, with fault.Conflict when the
// feature has another version, and stores nothing when the rule is the one that holds
// (changed is false). That two administrators are left is for the caller to keep
// (role.Service.Keep).
func (s *Service) Take(tx *store.Tx, next Step) (changed bool, err error) {
	was, err := In(tx, next.TenantID, next.Feature)
	if err != nil {
		return false, err
	}
	names, err := Names(tx, next.TenantID, was.Rule, next.Rule)
	if err != nil {
		return false, err
	}
	if err := wrong(next.Rule, names); err != nil {
		return false, err
	}
	if next.Version != was.Version {
		return false, ChangedMeanwhile()
	}
	lines := difference(next.Feature, was.Rule, next.Rule, names)
	if len(lines) == 0 {
		return false, nil
	}
	return true, s.store(tx, next, lines)
}

// Checked gives a rule in the form in which it is stored: what cannot be is
// fault.Invalid.
func Checked(tx *store.Tx, tenantID string, r feature.Rule) (feature.Rule, error) {
	r = tidy(r)
	names, err := Names(tx, tenantID, r)
	if err != nil {
		return r, err
	}
	return r, wrong(r, names)
}

// Loosens says whether another rule for a feature takes a safeguard away.
func Loosens(f feature.Feature, was, next feature.Rule) bool {
	e, ok := feature.Find(f)
	return ok && loosens(e, was, next)
}

// store makes a draft the rule of the tenant, if the version that it was made from
// still is. Of two at once the second finds nothing.
func (s *Service) store(tx *store.Tx, next Step, difference []approval.Change) error {
	tenantID, f := next.TenantID, next.Feature
	if next.Version > 0 {
		if err := tx.Change(ChangedMeanwhile(), "UPDATE rollouts SET version = version + 1 WHERE tenant_id = ? AND feature = ? AND version = ?", tenantID, f, next.Version); err != nil {
			return err
		}
	} else if err := tx.Change(ChangedMeanwhile(), `INSERT INTO rollouts (tenant_id, feature, stage, share, version, changed_at) VALUES (?,?,?,?,?,?)
		ON CONFLICT DO NOTHING`, tenantID, f, next.Stage, next.Share, 1, tx.Now); err != nil {
		return err
	}
	if err := feature.Store(tx, tenantID, f, next.Rule, next.Version+1); err != nil {
		return err
	}
	if err := passcode.TurnedOff(tx, tenantID, next.By, next.Origin); err != nil {
		return err
	}
	rule, err := json.Marshal(next.Rule)
	if err != nil {
		return err
	}
	lines, err := json.Marshal(difference)
	if err != nil {
		return err
	}
	err = tx.Exec("INSERT INTO rollout_versions (tenant_id, feature, version, rule, difference, reason, ticket, changed_by, approved_by, changed_at) VALUES (?,?,?,?,?,?,?,?,?,?)",
		tenantID, f, next.Version+1, string(rule), string(lines), next.Reason, next.Ticket, next.By, next.ApprovedBy, tx.Now).Error
	if err != nil {
		return err
	}
	e := next.Event
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["feature"] = string(f)
	for _, d := range difference {
		e.Details["rule"] = d.Before + " → " + d.After
	}
	return audit.Record(tx, e)
}

// Version is one that a feature had, or has.
type Version struct {
	Version    int
	Rule       feature.Rule
	Difference []approval.Change
	Reason     string
	Ticket     string // that it was done under; or empty
	ChangedBy  string // sign-in name; empty: the program, by the schedule
	ApprovedBy string // sign-in name; empty: nobody had to
	ChangedAt  time.Time
}

// versionsMost is how many versions the page shows.
const versionsMost = 30

// History lists the versions of a feature, the newest first.
func (s *Service) History(ctx context.Context, tenantID string, f feature.Feature) ([]Version, error) {
	tx := s.DB.View(ctx)
	var rows []struct {
		Version                                                 int
		Rule, Difference, Reason, Ticket, ChangedBy, ApprovedBy string
		ChangedAt                                               time.Time
	}
	err := tx.All(&rows, `SELECT version, rule, difference, reason, ticket, changed_by, approved_by, changed_at FROM rollout_versions
		WHERE tenant_id = ? AND feature = ? ORDER BY version DESC LIMIT ?`, tenantID, f, versionsMost)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ChangedBy, r.ApprovedBy)
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	if err != nil {
		return nil, store.Unusable(err)
	}
	found := make([]Version, len(rows))
	for i, r := range rows {
		found[i] = Version{Version: r.Version, Reason: r.Reason, Ticket: r.Ticket, ChangedBy: names[r.ChangedBy], ApprovedBy: names[r.ApprovedBy], ChangedAt: r.ChangedAt}
		if err := json.Unmarshal([]byte(r.Rule), &found[i].Rule); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(r.Difference), &found[i].Difference); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Explained is why a person has a feature or not.
type Explained struct {
	UserID, Name string
	Has          bool
	Conditions   []feature.Condition // all of them
}

// Explain judges a feature for a user, by id or sign-in name. Nobody of the kind is
// fault.Invalid.
func (s *Service) Explain(ctx context.Context, tenantID string, f feature.Feature, who string) (Explained, error) {
	tx := s.DB.View(ctx)
	if _, ok := feature.Find(f); !ok {
		return Explained{}, fault.New(fault.NotFound, "http.not_found")
	}
	var row struct{ ID, Name string }
	found, err := tx.One(&row, "SELECT id, name FROM users WHERE tenant_id = ? AND (id = ? OR name = ?) AND name <> ''", tenantID, who, user.Name(who))
	if err == nil && !found {
		err = fault.Wrong("form.wrong", map[string]string{"user": "rollout.nobody_of_this_name"})
	}
	if err != nil {
		return Explained{}, store.Unusable(err)
	}
	person, _, err := feature.PersonOf(tx, tenantID, row.ID)
	if err != nil {
		return Explained{}, store.Unusable(err)
	}
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return Explained{}, store.Unusable(err)
	}
	e := Explained{UserID: row.ID, Name: row.Name}
	e.Has, e.Conditions = table.Explain(f, &person)
	return e, nil
}
