package policy

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/method"
	"latchkey/app/passcode"
	"latchkey/app/replay"
	"latchkey/app/role"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindChange is the act that changes the policy.
const KindChange approval.Kind = "policy.change"

// Service reads and changes the policies of tenants.
type Service struct {
	DB    *store.DB
	Roles *role.Service
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindChange: s.Roles.Kept(s.change)}
}

// Of gives the policy of a tenant.
func (s *Service) Of(ctx context.Context, tenantID string) (Policy, error) {
	p, err := of(s.DB.View(ctx), tenantID)
	return p, store.Unusable(err)
}

func of(tx *store.Tx, tenantID string) (Policy, error) {
	var row struct {
		method.Off
		LimitedWays                                            user.Ways
		StrongestFirst                                         bool
		PasswordLeast, TriesMost, PasscodeHours, MethodVersion int
	}
	ok, err := tx.One(&row, `SELECT no_sign_in, no_second, no_recovery, limited_ways, strongest_first, password_least, tries_most, passcode_hours, method_version
		FROM tenants WHERE id = ?`, tenantID)
	if err != nil {
		return Policy{}, err
	}
	if !ok {
		return Policy{}, fault.New(fault.NotFound, "http.not_found")
	}
	var limits []struct {
		Way     user.Ways
		GroupID string
	}
	if err := tx.All(&limits, "SELECT way, group_id FROM method_groups WHERE tenant_id = ? ORDER BY group_id", tenantID); err != nil {
		return Policy{}, err
	}
	p := Policy{
		Rules: map[string]Rule{}, StrongestFirst: row.StrongestFirst, PasswordLeast: row.PasswordLeast, TriesMost: row.TriesMost,
		PasscodeHours: row.PasscodeHours, Version: row.MethodVersion,
	}
	for _, w := range method.Ways {
		r := Rule{SignIn: !row.NoSignIn.Has(w.Bit), Second: !row.NoSecond.Has(w.Bit), Recovery: !row.NoRecovery.Has(w.Bit)}
		for _, l := range limits {
			if l.Way == w.Bit {
				r.Groups = append(r.Groups, l.GroupID)
			}
		}
		p.Rules[w.Name] = r
	}
	return p.tidy(), nil
}

// Groups lists the groups that ways may be limited to.
func (s *Service) Groups(ctx context.Context, tenantID string) ([]group.Named, error) {
	all, err := group.Offered(s.DB.View(ctx), tenantID, group.In("method_groups"))
	return all, store.Unusable(err)
}

// GroupNames gives the names of the groups of a tenant, by id.
func (s *Service) GroupNames(ctx context.Context, tenantID string) (map[string]string, error) {
	names, err := group.AllNames(s.DB.View(ctx), tenantID)
	return names, store.Unusable(err)
}

// namesOf gives the names of the groups that two policies speak of.
func namesOf(tx *store.Tx, tenantID string, policies ...Policy) (map[string]string, error) {
	var ids []string
	for _, p := range policies {
		for _, r := range p.Rules {
			ids = append(ids, r.Groups...)
		}
	}
	return group.NamesOf(tx, tenantID, ids...)
}

// change plans the next version.
func (s *Service) change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Policy
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	next = next.tidy()
	was, err := of(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	names, err := namesOf(tx, act.TenantID, was, next)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: next.loosens(was)}},
		Difference: next.difference(was, names), Wrong: next.wrong(names),
	}
	plan.Do = func(tx *store.Tx) error {
		return next.store(tx, act, plan.Difference)
	}
	switch {
	case next.Version != was.Version:
		plan.Wrong = changedMeanwhile()
	case plan.Wrong == nil && len(plan.Difference) == 0:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	case plan.Wrong == nil:
		plan.Wrong, err = approval.Wrongly(next.replayed(tx, act.TenantID, was))
	}
	return plan, err
}

// replayed fails with fault.Conflict when the tenant wants a replay of a policy first and
// there is none. Limits, and which way comes first, decide no sign-in.
func (p Policy) replayed(tx *store.Tx, tenantID string, was Policy) error {
	rules, err := decision.Load(tx, tenantID)
	if err != nil {
		return err
	}
	was.Put(rules)
	before := rules.Text()
	if p.Put(rules); rules.Text() == before {
		return nil
	}
	return replay.Fresh(tx, tenantID, rules)
}

// Check says what of a policy cannot be, as a change does: fault.Invalid with its fields.
func (s *Service) Check(ctx context.Context, tenantID string, p Policy) error {
	p = p.tidy()
	names, err := namesOf(s.DB.View(ctx), tenantID, p)
	if err != nil {
		return store.Unusable(err)
	}
	return p.wrong(names)
}

func changedMeanwhile() error { return fault.New(fault.Conflict, "settings.changed_meanwhile") }

// store makes p the policy of the tenant, if the version that it was made from
// still is.
func (p Policy) store(tx *store.Tx, act approval.Act, difference []approval.Change) error {
	off := p.off()
	var limited user.Ways
	for _, w := range method.Ways {
		if len(p.Rules[w.Name].Groups) > 0 {
			limited |= w.Bit
		}
	}
	err := tx.Change(changedMeanwhile(), `UPDATE tenants SET no_sign_in = ?, no_second = ?, no_recovery = ?, limited_ways = ?, strongest_first = ?,
		password_least = ?, tries_most = ?, passcode_hours = ?, method_version = method_version + 1 WHERE id = ? AND method_version = ?`,
		off.NoSignIn, off.NoSecond, off.NoRecovery, limited, p.StrongestFirst, p.PasswordLeast, p.TriesMost, p.PasscodeHours, act.TenantID, p.Version)
	if err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM method_groups WHERE tenant_id = ?", act.TenantID).Error; err != nil {
		return err
	}
	for _, w := range method.Ways {
		for _, g := range p.Rules[w.Name].Groups {
			if err := tx.Exec("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,?)", act.TenantID, w.Bit, g).Error; err != nil {
				return err
			}
		}
	}
	if err := passcode.TurnedOff(tx, act.TenantID, act.ActorID, act.Origin); err != nil {
		return err
	}
	lines, err := json.Marshal(difference)
	if err != nil {
		return err
	}
	err = tx.Exec("INSERT INTO method_versions (tenant_id, version, difference, reason, ticket, changed_by, approved_by, changed_at) VALUES (?,?,?,?,?,?,?,?)",
		act.TenantID, p.Version+1, string(lines), act.Reason, act.Ticket, act.ActorID, act.ApprovedBy, tx.Now).Error
	if err != nil {
		return err
	}
	e := act.Event(audit.PolicyChanged)
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	for _, d := range difference {
		e.Details[d.Field] = d.Before + " → " + d.After
	}
	return audit.Record(tx, e)
}

// Version is one that a tenant had, or has.
type Version struct {
	Version    int
	Difference []approval.Change
	Reason     string
	Ticket     string // that it was done under; or empty
	ChangedBy  string // sign-in name
	ApprovedBy string // sign-in name; empty: nobody had to
	ChangedAt  time.Time
}

// versionsMost is how many versions the page shows.
const versionsMost = 30

// History lists the versions of a tenant, the newest first.
func (s *Service) History(ctx context.Context, tenantID string) ([]Version, error) {
	tx := s.DB.View(ctx)
	var rows []struct {
		Version                                           int
		Difference, Reason, Ticket, ChangedBy, ApprovedBy string
		ChangedAt                                         time.Time
	}
	err := tx.All(&rows, "SELECT version, difference, reason, ticket, changed_by, approved_by, changed_at FROM method_versions WHERE tenant_id = ? ORDER BY version DESC LIMIT ?",
		tenantID, versionsMost)
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
	all := make([]Version, len(rows))
	for i, r := range rows {
		all[i] = Version{Version: r.Version, Reason: r.Reason, Ticket: r.Ticket, ChangedBy: names[r.ChangedBy], ApprovedBy: names[r.ApprovedBy], ChangedAt: r.ChangedAt}
		if err := json.Unmarshal([]byte(r.Difference), &all[i].Difference); err != nil {
			return nil, err
		}
	}
	return all, nil
}
