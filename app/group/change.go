package group

import (
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/store"
)

// create plans to make a group. Somebody whose role is limited to groups makes
// none: it would be outside.
func (s *Service) create(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var c Creation
	if err := act.Read(&c); err != nil {
		return approval.Plan{}, err
	}
	wrong, err := misnamed(tx, act.TenantID, c.Name, "")
	if err != nil {
		return approval.Plan{}, err
	}
	name := Name(c.Name)
	return approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.GroupEdit}},
		Wrong:      wrong,
		Difference: []approval.Change{{Field: "group", After: name}},
		Do: func(tx *store.Tx) error {
			err := tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at, created_by) VALUES (?,?,?,?,?)", act.TenantID, c.ID, name, tx.Now, act.ActorID).Error
			if err != nil {
				return err
			}
			return audit.Record(tx, event(act, audit.GroupCreated, c.ID, "name", name))
		},
	}, nil
}

// misnamed says what is wrong with a name for a group.
func misnamed(tx *store.Tx, tenantID, typed, except string) (wrong error, err error) {
	name := Name(typed)
	if name == "" {
		return fault.Wrong("form.wrong", map[string]string{"name": "group.name_form"}), nil
	}
	other, err := taken(tx, tenantID, name, except)
	if other {
		wrong = fault.Wrong("form.wrong", map[string]string{"name": "group.name_taken"})
	}
	return wrong, err
}

// about begins the plan of an act on a group: the group as it stands, and the
// questions that every change of it asks. A plan that is wrong already needs
// nothing more.
func (s *Service) about(tx *store.Tx, act approval.Act, groupID string) (row, approval.Plan, error) {
	g, ok, err := find(tx, act.TenantID, groupID)
	plan := approval.Plan{
		Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.GroupEdit, Groups: []string{groupID}}},
		Approves:  access.GroupEdit,
	}
	if !ok {
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
	}
	if err == nil && g.Role != "" {
		plan.Approves = access.RoleAssign
		err = s.askToGive(tx, act, &plan, g.Role, groupID)
	}
	return g, plan, err
}

// rename plans to give a group another name.
func (s *Service) rename(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var r Renaming
	if err := act.Read(&r); err != nil {
		return approval.Plan{}, err
	}
	g, plan, err := s.about(tx, act, r.Group)
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	name := Name(r.Name)
	plan.Difference = []approval.Change{{Field: "group", Before: g.Name, After: name}}
	plan.Wrong, err = misnamed(tx, act.TenantID, r.Name, g.ID)
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(changed, "UPDATE groups SET name = ? WHERE tenant_id = ? AND id = ? AND name = ? AND role = ?", name, act.TenantID, g.ID, g.Name, g.Role)
		if err != nil {
			return err
		}
		return audit.Record(tx, event(act, audit.GroupRenamed, g.ID, "name", name, "was", g.Name))
	}
	return plan, err
}

// remove plans to delete a group, with everybody's place in it.
func (s *Service) remove(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var d Deletion
	if err := act.Read(&d); err != nil {
		return approval.Plan{}, err
	}
	g, plan, err := s.about(tx, act, d.Group)
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	n, err := count(tx, act.TenantID, g.ID)
	if err != nil {
		return plan, err
	}
	limits, err := limitsAnybody(tx, act.TenantID, g.ID)
	if err != nil {
		return plan, err
	}
	inPolicy, err := method.Limits(tx, act.TenantID, g.ID)
	if err != nil {
		return plan, err
	}
	ofApplication, err := limitsApplication(tx, act.TenantID, g.ID)
	if err != nil {
		return plan, err
	}
	moves, err := feature.Moves(tx, act.TenantID, false, g.ID)
	switch {
	case err != nil:
		return plan, err
	case ofApplication:
		plan.Wrong = fault.New(fault.Conflict, "group.limits_application")
	case moves.Named:
		plan.Wrong = fault.New(fault.Conflict, "group.in_rollout")
	case inPolicy:
		plan.Wrong = fault.New(fault.Conflict, "group.in_policy")
	case limits:
		plan.Wrong = fault.New(fault.Conflict, "group.limits_roles")
	case n > 0 && Name(d.Confirmed) != g.Name:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"confirmed": "group.confirm_name"})
	}
	plan.Difference = []approval.Change{{Field: "group", Before: g.Name}, {Field: "members", Before: strconv.Itoa(n)}}
	people, err := s.carriers(tx, act, g, &plan, g.Role)
	plan.Do = func(tx *store.Tx) error {
		return s.keeping(tx, act, g, plan.Questions, func() error {
			if err := hold(tx, act.TenantID, g, toDelete); err != nil {
				return err
			}
			return s.clear(tx, act, g, people)
		})
	}
	return plan, err
}

func limitsAnybody(tx *store.Tx, tenantID, groupID string) (bool, error) {
	var holder string
	return tx.One(&holder, "SELECT user_id FROM role_scopes WHERE tenant_id = ? AND group_id = ? LIMIT 1", tenantID, groupID)
}

// limitsApplication says whether some application is for members of the group: without
// it, it would be for nobody, or for everybody.
func limitsApplication(tx *store.Tx, tenantID, groupID string) (bool, error) {
	var application string
	return tx.One(&application, "SELECT application_id FROM application_groups WHERE tenant_id = ? AND group_id = ? LIMIT 1", tenantID, groupID)
}

// clear empties a group and deletes it, and tells those who held its role.
func (s *Service) clear(tx *store.Tx, act approval.Act, g row, people []carrier) error {
	if g.Role != "" {
		if err := sameCarriers(tx, act.TenantID, g.ID, people); err != nil {
			return err
		}
	}
	gone := tx.Exec("DELETE FROM group_members WHERE group_id = ? AND tenant_id = ?", g.ID, act.TenantID)
	if gone.Error != nil {
		return gone.Error
	}
	err := tx.Change(fault.New(fault.Conflict, "group.limits_roles"), `DELETE FROM groups WHERE tenant_id = ? AND id = ?
		AND NOT EXISTS (SELECT 1 FROM role_scopes s WHERE s.tenant_id = groups.tenant_id AND s.group_id = groups.id)
		AND NOT EXISTS (SELECT 1 FROM method_groups l WHERE l.tenant_id = groups.tenant_id AND l.group_id = groups.id)
		AND NOT EXISTS (SELECT 1 FROM application_groups l WHERE l.tenant_id = groups.tenant_id AND l.group_id = groups.id)
		AND NOT `+feature.Speaks("groups.tenant_id", "groups.id"), act.TenantID, g.ID)
	if err != nil {
		return err
	}
	e := event(act, audit.GroupDeleted, g.ID, "name", g.Name, "members", strconv.FormatInt(gone.RowsAffected, 10), "role", string(g.Role))
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	if g.Role == "" {
		return nil
	}
	if err := s.recordAll(tx, act, g.ID, people, g.Role, ""); err != nil {
		return err
	}
	return s.tellAll(tx, act, people, g.Role, "")
}

// event is the beginning of the event of an act on a group; details are names
// and values in turn, and empty values are left out.
func event(act approval.Act, action audit.Action, groupID string, details ...string) audit.Event {
	e := act.Event(action)
	e.Target = audit.Party{Kind: audit.KindGroup, ID: groupID}
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			e.Details[details[i]] = details[i+1]
		}
	}
	return e
}
