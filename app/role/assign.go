package role

import (
	"errors"
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

// Limits of an assignment.
const (
	assignmentLongest = 366 * 24 * time.Hour // how far ahead a time-boxed one may end
	GroupsMost        = 200                  // that one is limited to
)

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindAssign: s.Kept(s.assign), KindTake: s.Kept(s.take),
		KindCompose: s.compose, KindChange: s.Kept(s.change), KindRetire: s.Kept(s.retire),
	}
}

// Kept carries an act out within Keep. What was planned and asked before the lock
// may have changed while the act waited for it: another one may just have taken
// the actor's own role, or that of who approved it. So it is planned and asked again
// under the lock, and fails when the answer or the difference is another.
func (s *Service) Kept(perform approval.Performer) approval.Performer {
	return func(tx *store.Tx, act approval.Act) (approval.Plan, error) {
		plan, err := perform(tx, act)
		asked := plan.Difference
		plan.Do = func(tx *store.Tx) error {
			return s.Keep(tx, act.TenantID, func() error {
				now, err := perform(tx, act)
				if err != nil {
					return err
				}
				verdict, err := s.Rules.AskAll(tx, now.Questions...)
				if err = errors.Join(err, verdict.Err(), now.Wrong); err != nil {
					return err
				}
				if err := act.StillApproved(tx); err != nil {
					return err
				}
				alone := verdict.Answer == access.FourEyes && act.ApprovedBy == ""
				if alone || !slices.Equal(now.Difference, asked) {
					return fault.New(fault.Conflict, "role.changed_meanwhile")
				}
				return now.Do(tx)
			})
		}
		return plan, err
	}
}

// assign plans to give a person the one role that they hold here. Both the role
// they have and the one they get must be below the actor's.
func (s *Service) assign(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var a Assignment
	if err := act.Read(&a); err != nil {
		return approval.Plan{}, err
	}
	a.Groups = slices.Compact(slices.Sorted(slices.Values(a.Groups)))
	was, err := s.heldBy(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	names, wrong, err := s.check(tx, act.TenantID, a)
	if err != nil {
		return approval.Plan{}, err
	}
	is, err := s.title(tx, act.TenantID, a.Role)
	if err != nil {
		return approval.Plan{}, err
	}
	if wrong == nil && was.Role == a.Role && slices.Equal(was.Groups, a.Groups) && instant(was.EndsAt) == instant(a.EndsAt) {
		wrong = fault.Wrong("form.wrong", map[string]string{"role": "role.same"})
	}
	questions := []access.Question{s.question(act, a.Role, a.Groups)}
	if was.Role != "" {
		questions = append(questions, s.question(act, was.Role, was.Groups))
	}
	difference := []approval.Change{
		{Field: "role", Before: string(was.Role), After: string(a.Role)},
		{Field: "scope", Before: was.Scope, After: names},
		{Field: "ends_at", Before: instant(was.EndsAt), After: instant(a.EndsAt)},
	}
	if was.title.permissions != "" || is.permissions != "" {
		difference = append(difference, approval.Change{Field: "permissions", Before: was.title.permissions, After: is.permissions})
	}
	return approval.Plan{
		Questions: questions, Wrong: wrong, Difference: difference,
		Do: func(tx *store.Tx) error { return s.give(tx, act, a, is) },
	}, nil
}

// question asks for one role that act gives or takes.
func (s *Service) question(act approval.Act, role access.Role, groups []string) access.Question {
	return access.Question{
		TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, TargetID: act.TargetID, Giving: role, GivenFor: groups,
	}
}

// check gives the names of the groups of an assignment and what is wrong with it.
func (s *Service) check(tx *store.Tx, tenantID string, a Assignment) (names string, failure error, err error) {
	wrong := map[string]string{}
	if a.EndsAt != nil && (!a.EndsAt.After(tx.Now) || a.EndsAt.After(tx.Now.Add(assignmentLongest))) {
		wrong["ends_at"] = "role.ends_at_form"
	}
	rank, ok, err := s.Rules.RankOf(tx, tenantID, a.Role)
	if err != nil {
		return "", nil, err
	}
	if !ok {
		wrong["role"] = "role.unknown"
	}
	if len(a.Groups) > 0 {
		if rank >= access.Ranks[access.RoleSecurityAdministrator] {
			wrong["groups"] = "role.not_limited"
		}
		var found []string
		if len(a.Groups) > GroupsMost {
			wrong["groups"] = "role.groups_many"
		} else if found, err = namesOf(tx, tenantID, a.Groups); err != nil {
			return "", nil, err
		} else if len(found) != len(a.Groups) {
			wrong["groups"] = "group.unknown"
		}
		names = strings.Join(found, ", ")
	}
	return names, wrongly(wrong), nil
}

// give stores the assignment in the act tx, and tells the person.
func (s *Service) give(tx *store.Tx, act approval.Act, a Assignment, is title) error {
	if err := tx.Exec("DELETE FROM role_scopes WHERE tenant_id = ? AND user_id = ?", act.TenantID, act.TargetID).Error; err != nil {
		return err
	}
	err := tx.Exec(`INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at, ends_at) VALUES (?,?,?,?,?,?)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at, ends_at = excluded.ends_at`,
		act.TenantID, act.TargetID, a.Role, act.ActorID, tx.Now, a.EndsAt).Error
	if err != nil {
		return err
	}
	for _, group := range a.Groups {
		if err := tx.Exec("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", act.TenantID, act.TargetID, group).Error; err != nil {
			return err
		}
	}
	e := act.Event(audit.RoleAssigned)
	e.Details = with(e.Details, "role", string(a.Role), "groups", strings.Join(a.Groups, " "), "ends_at", instant(a.EndsAt))
	return s.told(tx, act, act.TargetID, e, is)
}

// take plans to take the role that a person holds by themselves.
func (s *Service) take(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	was, err := s.heldBy(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions:  []access.Question{s.question(act, was.Role, was.Groups)},
		Difference: []approval.Change{{Field: "role", Before: string(was.Role)}, {Field: "scope", Before: was.Scope}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "role.none"), "DELETE FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND role = ?",
				act.TenantID, act.TargetID, was.Role)
			if err != nil {
				return err
			}
			e := act.Event(audit.RoleTaken)
			e.Details = with(e.Details, "role", string(was.Role))
			return s.told(tx, act, act.TargetID, e, was.title)
		},
	}
	if was.Role == "" {
		plan.Wrong = fault.New(fault.Conflict, "role.none")
	}
	return plan, nil
}

// told records the event, tells the person, and lets every replica see it at once.
func (s *Service) told(tx *store.Tx, act approval.Act, userID string, e audit.Event, role title) error {
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	tx.After(s.Rules.Hurry)
	return notify.Tell(tx, act.TenantID, userID, notify.Notice{Action: e.Action, By: by.Role, Reason: act.Reason, Detail: role.name})
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
