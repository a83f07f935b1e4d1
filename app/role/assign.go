package role

import (
	"slices"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Service gives and takes roles.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Rules     *access.Rules
	Approvals *approval.Service
}

// Kinds of acts.
const (
	KindAssign approval.Kind = "role.assign"
	KindTake   approval.Kind = "role.take"
)

// Assignment is the role that a person is to hold.
type Assignment struct {
	Role   access.Role `json:"role"`
	Groups []string    `json:"groups,omitempty"` // limited to these; none: the whole tenant
	EndsAt *time.Time  `json:"ends_at,omitempty"`
}

// assignmentLongest is how far ahead a time-boxed assignment may end.
const assignmentLongest = 366 * 24 * time.Hour

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindAssign: s.assign, KindTake: s.take}
}

// assign plans to give a person the one role that they hold here. Both the role
// they have and the one they get must be below the actor's.
func (s *Service) assign(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var a Assignment
	if err := act.Read(&a); err != nil {
		return approval.Plan{}, err
	}
	was, err := s.Rules.StandingIn(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	before, err := describe(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	names, wrong, err := s.check(tx, act.TenantID, a)
	if err != nil {
		return approval.Plan{}, err
	}
	questions := []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, TargetID: act.TargetID, Giving: a.Role}}
	if was.Administrator() && was.Through == "" {
		questions = append(questions, access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, TargetID: act.TargetID, Giving: was.Role})
	}
	return approval.Plan{
		Questions: questions, Wrong: wrong,
		Difference: []approval.Change{
			{Field: "role", Before: before.Role, After: string(a.Role)},
			{Field: "scope", Before: before.Scope, After: names},
			{Field: "ends_at", Before: instant(before.EndsAt), After: instant(a.EndsAt)},
		},
		Do: func(tx *store.Tx) error { return s.Keep(tx, act.TenantID, func() error { return s.give(tx, act, a) }) },
	}, nil
}

// check gives the names of the groups of an assignment and what is wrong with it.
func (s *Service) check(tx *store.Tx, tenantID string, a Assignment) (names string, wrong error, err error) {
	fields := map[string]string{}
	if a.EndsAt != nil && (!a.EndsAt.After(tx.Now) || a.EndsAt.After(tx.Now.Add(assignmentLongest))) {
		fields["ends_at"] = "role.ends_at_form"
	}
	rank, ok, err := s.Rules.RankOf(tx, tenantID, a.Role)
	if err != nil {
		return "", nil, err
	}
	if !ok {
		fields["role"] = "role.unknown"
	}
	if len(a.Groups) > 0 {
		if rank >= access.Ranks[access.RoleSecurityAdministrator] {
			fields["groups"] = "role.not_limited"
		}
		var found []string
		if err := tx.All(&found, "SELECT name FROM groups WHERE tenant_id = ? AND id IN ? ORDER BY name", tenantID, a.Groups); err != nil {
			return "", nil, err
		}
		if len(found) != len(a.Groups) {
			fields["groups"] = "group.unknown"
		}
		names = strings.Join(found, ", ")
	}
	if len(fields) > 0 {
		wrong = fault.Wrong("form.wrong", fields)
	}
	return names, wrong, nil
}

// give stores the assignment in the act tx, and tells the person.
func (s *Service) give(tx *store.Tx, act approval.Act, a Assignment) error {
	if err := tx.Exec("DELETE FROM role_scopes WHERE tenant_id = ? AND user_id = ?", act.TenantID, act.TargetID).Error; err != nil {
		return err
	}
	err := tx.Exec(`INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at, ends_at) VALUES (?,?,?,?,?,?)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at, ends_at = excluded.ends_at`,
		act.TenantID, act.TargetID, a.Role, act.ActorID, tx.Now, a.EndsAt).Error
	if err != nil {
		return err
	}
	for _, group := range slices.Compact(slices.Sorted(slices.Values(a.Groups))) {
		if err := tx.Exec("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", act.TenantID, act.TargetID, group).Error; err != nil {
			return err
		}
	}
	e := act.Event(audit.RoleAssigned)
	e.Details = with(e.Details, "role", string(a.Role), "groups", strings.Join(a.Groups, " "), "ends_at", instant(a.EndsAt))
	return s.told(tx, act, e, a.Role)
}

// take plans to take the role that a person holds by themselves.
func (s *Service) take(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	before, err := describe(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, TargetID: act.TargetID, Giving: access.Role(before.Role),
		}},
		Difference: []approval.Change{{Field: "role", Before: before.Role}, {Field: "scope", Before: before.Scope}},
		Do: func(tx *store.Tx) error {
			return s.Keep(tx, act.TenantID, func() error {
				err := tx.Change(fault.New(fault.Conflict, "role.none"), "DELETE FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND role = ?",
					act.TenantID, act.TargetID, before.Role)
				if err != nil {
					return err
				}
				e := act.Event(audit.RoleTaken)
				e.Details = with(e.Details, "role", before.Role)
				return s.told(tx, act, e, access.Role(before.Role))
			})
		},
	}
	if before.Role == "" {
		plan.Wrong = fault.New(fault.Conflict, "role.none")
	}
	return plan, nil
}

// told records the event, tells the person, and makes this replica see it at once.
func (s *Service) told(tx *store.Tx, act approval.Act, e audit.Event, role access.Role) error {
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	tx.After(func() { s.Rules.Hurry() })
	return notify.Tell(tx, act.TenantID, act.TargetID, notify.Notice{Action: e.Action, By: by.Role, Reason: act.Reason, Detail: string(role)})
}

// held is an assignment as it stands.
type held struct {
	Role, Scope string
	EndsAt      *time.Time
}

func describe(tx *store.Tx, tenantID, userID string) (held, error) {
	var h held
	if _, err := tx.One(&h, "SELECT role, ends_at FROM role_assignments WHERE tenant_id = ? AND user_id = ?", tenantID, userID); err != nil {
		return h, err
	}
	var groups []string
	err := tx.All(&groups, `SELECT g.name FROM role_scopes s JOIN groups g ON g.tenant_id = s.tenant_id AND g.id = s.group_id
		WHERE s.tenant_id = ? AND s.user_id = ? ORDER BY g.name`, tenantID, userID)
	h.Scope = strings.Join(groups, ", ")
	return h, err
}

func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// with adds names and values in turn to details; empty values are left out.
func with(details map[string]string, pairs ...string) map[string]string {
	if details == nil {
		details = map[string]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			details[pairs[i]] = pairs[i+1]
		}
	}
	return details
}
