package group

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// setRole plans to give a role to everybody in a group, or to take the one that
// the group carries. Both must be below the actor's.
func (s *Service) setRole(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var c Carrying
	if err := act.Read(&c); err != nil {
		return approval.Plan{}, err
	}
	g, plan, err := s.about(tx, act, c.Group)
	plan.Approves = access.RoleAssign
	if err == nil && plan.Wrong == nil {
		plan.Wrong, err = s.wrongRole(tx, act.TenantID, g.Role, c.Role)
	}
	if err != nil {
		return plan, err
	}
	if plan.Wrong != nil {
		return plan, s.askToGive(tx, act, &plan, "", c.Group) // who may not is not told what is wrong
	}
	was, before, err := s.Roles.Title(tx, act.TenantID, g.Role)
	if err != nil {
		return plan, err
	}
	is, after, err := s.Roles.Title(tx, act.TenantID, c.Role)
	if err != nil {
		return plan, err
	}
	plan.Difference = []approval.Change{{Field: "group", Before: g.Name, After: g.Name}, {Field: "role", Before: was, After: is}}
	if before != "" || after != "" {
		plan.Difference = append(plan.Difference, approval.Change{Field: "permissions", Before: before, After: after})
	}
	people, err := s.carriers(tx, act, g, &plan, g.Role, c.Role)
	if len(people) > CarriersMost {
		plan.Wrong = fault.New(fault.Conflict, "group.too_many_carriers")
	}
	plan.Do = func(tx *store.Tx) error {
		return s.keeping(tx, act, g, plan.Questions, func() error {
			if err := hold(tx, act.TenantID, g, toChange); err != nil {
				return err
			}
			return s.carry(tx, act, g, people, c.Role)
		})
	}
	return plan, err
}

// wrongRole says why a group with one role cannot be given another.
func (s *Service) wrongRole(tx *store.Tx, tenantID string, was, role access.Role) (wrong error, err error) {
	if role == was {
		return fault.Wrong("form.wrong", map[string]string{"role": "group.role_already"}), nil
	}
	if role == "" {
		return nil, nil
	}
	_, known, err := s.Rules.RankOf(tx, tenantID, role)
	if !known {
		wrong = fault.Wrong("form.wrong", map[string]string{"role": "role.unknown"})
	}
	return wrong, err
}

// askToGive asks whether the actor may give or take a role, in a group and to
// each of people. A role that is retired gives nothing to anybody, and can be
// taken by whoever assigns roles.
func (s *Service) askToGive(tx *store.Tx, act approval.Act, plan *approval.Plan, role access.Role, groupID string, people ...carrier) error {
	if role != "" {
		_, known, err := s.Rules.RankOf(tx, act.TenantID, role)
		if err != nil {
			return err
		}
		if !known {
			role = ""
		}
	}
	q := access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, Giving: role}
	for _, person := range people {
		q.TargetID = person.ID
		plan.Questions = append(plan.Questions, q)
	}
	if groupID != "" {
		q.TargetID, q.Groups = "", []string{groupID}
		plan.Questions = append(plan.Questions, q)
	}
	return nil
}

// carriers asks, for the plan of an act by which the members of a group lose or
// gain roles, about those members whom not everybody may touch: the actor, and
// whoever holds a role. It shows all of them in the difference, so that a second
// person sees who it is about, and a change of them voids the request.
func (s *Service) carriers(tx *store.Tx, act approval.Act, g row, plan *approval.Plan, roles ...access.Role) ([]carrier, error) {
	roles = slices.DeleteFunc(roles, func(r access.Role) bool { return r == "" })
	if len(roles) == 0 {
		return nil, nil
	}
	people, err := carriersOf(tx, act.TenantID, g.ID)
	if err != nil {
		return nil, err
	}
	holders, err := s.Rules.StandingsIn(tx, act.TenantID)
	if err != nil {
		return nil, err
	}
	touchy := map[string]bool{act.ActorID: true}
	for _, holder := range holders {
		touchy[holder.UserID] = true
	}
	var asked []carrier
	var names []string
	for _, person := range people {
		names = append(names, person.Name)
		if touchy[person.ID] {
			asked = append(asked, person)
		}
	}
	// An approver must reach the role that is asked about last: the highest.
	ranks := map[access.Role]int{}
	for _, role := range roles {
		if ranks[role], _, err = s.Rules.RankOf(tx, act.TenantID, role); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(roles, func(a, b access.Role) int { return cmp.Compare(ranks[a], ranks[b]) })
	for _, role := range roles {
		if err := s.askToGive(tx, act, plan, role, g.ID, asked...); err != nil {
			return nil, err
		}
	}
	plan.Difference = append(plan.Difference, approval.Change{Field: "people", Before: strings.Join(names, ", "), After: strings.Join(names, ", ")})
	return people, nil
}

// sameCarriers fails with fault.Conflict when others are in a held group now than
// were asked about.
func sameCarriers(tx *store.Tx, tenantID, groupID string, people []carrier) error {
	now, err := carriersOf(tx, tenantID, groupID)
	if err == nil && !slices.Equal(now, people) {
		err = changed
	}
	return err
}

// carry stores the role of a group, and tells its members.
func (s *Service) carry(tx *store.Tx, act approval.Act, g row, people []carrier, role access.Role) error {
	if err := sameCarriers(tx, act.TenantID, g.ID, people); err != nil {
		return err
	}
	err := tx.Change(changed, "UPDATE groups SET role = ?, role_by = ?, role_at = ? WHERE tenant_id = ? AND id = ? AND role = ?",
		role, act.ActorID, tx.Now, act.TenantID, g.ID, g.Role)
	if err != nil {
		return err
	}
	e := event(act, audit.GroupRoleSet, g.ID, "name", g.Name, "role", string(role), "was", string(g.Role), "members", strconv.Itoa(len(people)))
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	if err := s.recordAll(tx, act, g.ID, people, g.Role, role); err != nil {
		return err
	}
	return s.tellAll(tx, act, people, g.Role, role)
}

// keeping runs a change by which a group may lose its role, or somebody in it:
// the last administrators stay, and can sign in, also where a way in is for the
// members of the group alone. Such changes queue for the tenant, so whether the
// actor may, and who approved it still may, is asked again when it is their turn.
func (s *Service) keeping(tx *store.Tx, act approval.Act, g row, questions []access.Question, change func() error) error {
	if g.Role == "" {
		return s.Roles.Keep(tx, act.TenantID, func() error {
			if err := act.StillApproved(tx); err != nil {
				return err
			}
			return change()
		})
	}
	return s.Roles.Keep(tx, act.TenantID, func() error {
		verdict, err := s.Rules.AskAll(tx, questions...)
		if err != nil {
			return err
		}
		if err := verdict.Err(); err != nil {
			return err
		}
		if verdict.Answer == access.FourEyes && act.ApprovedBy == "" {
			return changed
		}
		if err := act.StillApproved(tx); err != nil {
			return err
		}
		return change()
	})
}

// recordAll records for each of people that they lost a role or gained one with
// their group.
func (s *Service) recordAll(tx *store.Tx, act approval.Act, groupID string, people []carrier, lost, gained access.Role) error {
	action := audit.RoleAssigned
	if gained == "" {
		action = audit.RoleTaken
	}
	for _, person := range people {
		e := event(act, action, groupID, "role", string(cmp.Or(gained, lost)), "was", string(lost), "group", groupID)
		e.Target, e.Subject = audit.User(person.ID), person.ID
		if err := audit.Record(tx, e); err != nil {
			return err
		}
	}
	return nil
}

// tellAll tells people that they lost a role or gained one, and makes this
// replica see it at once.
func (s *Service) tellAll(tx *store.Tx, act approval.Act, people []carrier, lost, gained access.Role) error {
	if lost == "" && gained == "" {
		return nil
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	title, _, err := s.Roles.Title(tx, act.TenantID, cmp.Or(gained, lost))
	if err != nil {
		return err
	}
	notice := notify.Notice{Action: audit.RoleAssigned, By: by.Role, Reason: act.Reason, Detail: title}
	if gained == "" {
		notice.Action = audit.RoleTaken
	}
	for _, person := range people {
		if err := notify.Tell(tx, act.TenantID, person.ID, notice); err != nil {
			return err
		}
	}
	tx.After(func() { s.Rules.Hurry() })
	return nil
}

// Role is one that a group may be given.
type Role struct {
	Role access.Role
	Name string // of a custom role
}

// Carriable lists the roles that somebody may give to a group, the lowest first:
// those below their own, and their own for a security administrator, whom a
// second one must help.
func (s *Service) Carriable(ctx context.Context, who access.Standing) ([]Role, error) {
	if !who.May.Has(access.RoleAssign) {
		return nil, nil
	}
	tx := s.DB.View(ctx)
	var custom []struct{ ID, Name string }
	if err := tx.All(&custom, "SELECT id, name FROM custom_roles WHERE tenant_id = ? AND retired_at IS NULL ORDER BY name", who.TenantID); err != nil {
		return nil, store.Unusable(err)
	}
	var all []Role
	for role := range access.Ranks {
		all = append(all, Role{Role: role})
	}
	for _, c := range custom {
		all = append(all, Role{Role: access.Role(c.ID), Name: c.Name})
	}
	ranks := map[access.Role]int{}
	for _, r := range all {
		rank, known, err := s.Rules.RankOf(tx, who.TenantID, r.Role)
		if err != nil {
			return nil, store.Unusable(err)
		}
		top := rank == access.Ranks[access.RoleSecurityAdministrator] && who.Rank == rank
		if known && (rank < who.Rank || top) {
			ranks[r.Role] = rank
		}
	}
	all = slices.DeleteFunc(all, func(r Role) bool { return ranks[r.Role] == 0 })
	slices.SortFunc(all, func(a, b Role) int {
		return cmp.Or(cmp.Compare(ranks[a.Role], ranks[b.Role]), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}
