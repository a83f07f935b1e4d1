package group

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// addMember plans to put a person into a group.
func (s *Service) addMember(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	g, plan, err := s.membership(tx, act)
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	plan.Difference = append(plan.Difference, approval.Change{Field: "group", After: g.Name})
	limits, err := method.Limits(tx, act.TenantID, g.ID)
	if err != nil {
		return plan, err
	}
	moves, err := feature.Moves(tx, act.TenantID, true, g.ID)
	if err != nil {
		return plan, err
	}
	if limits || moves.Loosens {
		plan.Questions = append(plan.Questions, access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: true})
	}
	in, err := isMember(tx, act.TenantID, g.ID, act.TargetID)
	if err != nil {
		return plan, err
	}
	if in {
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"name": "group.member_already"})
		return plan, nil
	}
	if g.Role != "" {
		title, _, err := s.Roles.Title(tx, act.TenantID, g.Role)
		if err != nil {
			return plan, err
		}
		plan.Difference = append(plan.Difference, approval.Change{Field: "role", After: title})
		people, err := carriersOf(tx, act.TenantID, g.ID)
		if err != nil {
			return plan, err
		}
		if len(people) >= CarriersMost {
			plan.Wrong = fault.New(fault.Conflict, "group.too_many_carriers")
		}
	}
	add := func(tx *store.Tx) error {
		if err := hold(tx, act.TenantID, g, toChange); err != nil {
			return err
		}
		err := tx.Change(fault.New(fault.NotFound, "http.not_found"), `INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_by, added_at)
			SELECT tenant_id, ?, id, name, ?, ? FROM users WHERE tenant_id = ? AND id = ?`, g.ID, act.ActorID, tx.Now, act.TenantID, act.TargetID)
		if err != nil {
			return err
		}
		if err := audit.Record(tx, event(act, audit.GroupMemberAdded, g.ID, "name", g.Name, "role", string(g.Role))); err != nil {
			return err
		}
		return s.tellMember(tx, act, g, audit.GroupMemberAdded)
	}
	// A rule may exclude whoever is in it, an administrator too; also one that is made
	// while this is asked.
	plan.Do = func(tx *store.Tx) error {
		return s.keeping(tx, act, g, plan.Questions, func() error { return add(tx) })
	}
	return plan, nil
}

// removeMember plans to take a person out of a group.
func (s *Service) removeMember(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	g, plan, err := s.membership(tx, act)
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	plan.Difference = append(plan.Difference, approval.Change{Field: "group", Before: g.Name})
	if g.Role != "" {
		title, _, err := s.Roles.Title(tx, act.TenantID, g.Role)
		if err != nil {
			return plan, err
		}
		plan.Difference = append(plan.Difference, approval.Change{Field: "role", Before: title})
	}
	in, err := isMember(tx, act.TenantID, g.ID, act.TargetID)
	if err == nil && !in {
		plan.Wrong = fault.New(fault.Conflict, "group.member_none")
	}
	if err != nil {
		return plan, err
	}
	moves, err := feature.Moves(tx, act.TenantID, false, g.ID)
	if moves.Loosens {
		plan.Questions = append(plan.Questions, access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: true})
	}
	plan.Do = func(tx *store.Tx) error {
		return s.keeping(tx, act, g, plan.Questions, func() error {
			if err := hold(tx, act.TenantID, g, toChange); err != nil {
				return err
			}
			err := tx.Change(fault.New(fault.Conflict, "group.member_none"),
				"DELETE FROM group_members WHERE tenant_id = ? AND group_id = ? AND user_id = ?", act.TenantID, g.ID, act.TargetID)
			if err != nil {
				return err
			}
			if err := audit.Record(tx, event(act, audit.GroupMemberRemoved, g.ID, "name", g.Name, "role", string(g.Role))); err != nil {
				return err
			}
			return s.tellMember(tx, act, g, audit.GroupMemberRemoved)
		})
	}
	return plan, err
}

// tellMember tells a person that they are in a group now, or no longer. Of a group
// with a role they are told the role: that is what it changes for them.
func (s *Service) tellMember(tx *store.Tx, act approval.Act, g row, action audit.Action) error {
	member := []carrier{{ID: act.TargetID}}
	switch {
	case g.Role != "" && action == audit.GroupMemberAdded:
		return s.tellAll(tx, act, member, "", g.Role)
	case g.Role != "":
		return s.tellAll(tx, act, member, g.Role, "")
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	return notify.Tell(tx, act.TenantID, act.TargetID, notify.Notice{Action: action, By: by.Role, Reason: act.Reason, Detail: g.Name})
}

// membership begins the plan of an act on a person in a group. It is asked for
// the group and for the person: whoever is limited to groups can neither take
// somebody into them whom they do not see, nor act on one of their own rank.
func (s *Service) membership(tx *store.Tx, act approval.Act) (row, approval.Plan, error) {
	var m Membership
	if err := act.Read(&m); err != nil {
		return row{}, approval.Plan{}, err
	}
	g, plan, err := s.about(tx, act, m.Group)
	plan.Questions = append(plan.Questions, access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.GroupEdit, TargetID: act.TargetID})
	if err == nil && g.Role != "" {
		err = s.askToGive(tx, act, &plan, g.Role, "", carrier{ID: act.TargetID})
	}
	return g, plan, err
}

func isMember(tx *store.Tx, tenantID, groupID, userID string) (bool, error) {
	var id string
	return tx.One(&id, "SELECT user_id FROM group_members WHERE tenant_id = ? AND group_id = ? AND user_id = ?", tenantID, groupID, userID)
}
