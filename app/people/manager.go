package people

import (
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindManager names the manager of a person: whose word the helpdesk may take for who
// is on the line, where there is nothing better.
const KindManager approval.Kind = "user.manager"

// Manager is who is to be the manager of a person.
type Manager struct {
	Name string `json:"name"` // sign-in name; empty: nobody
}

// manager plans to name the manager of a person. Whoever may bring people in says whom
// they belong to. The word of a manager is the weakest proof, and is recorded as that.
func (s *Service) manager(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Manager
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	typed := strings.TrimSpace(asked.Name)
	name := user.Name(typed)
	var was struct{ ManagerID, Name string }
	_, err := tx.One(&was, `SELECT u.manager_id, COALESCE(m.name, '') AS name FROM users u LEFT JOIN users m ON m.tenant_id = u.tenant_id AND m.id = u.manager_id AND u.manager_id <> ''
		WHERE u.tenant_id = ? AND u.id = ?`, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	var next struct{ ID, State string }
	if name != "" {
		if _, err := tx.One(&next, "SELECT id, state FROM users WHERE tenant_id = ? AND name = ?", act.TenantID, name); err != nil {
			return approval.Plan{}, err
		}
	}
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.UserInvite)},
		Difference: []approval.Change{{Field: "manager", Before: was.Name, After: name}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "user.state_changed"), "UPDATE users SET manager_id = ? WHERE tenant_id = ? AND id = ? AND manager_id = ?",
				next.ID, act.TenantID, act.TargetID, was.ManagerID)
			if err != nil {
				return err
			}
			e := act.Event(audit.UserManagerChanged)
			e.Details = with(e.Details, "from", was.ManagerID, "to", next.ID)
			return s.record(tx, act, e, name)
		},
	}
	wrong := ""
	switch {
	case typed != "" && (next.ID == "" || next.State != user.Active):
		wrong = "user.manager_unknown"
	case next.ID == act.TargetID:
		wrong = "user.manager_self"
	case next.ID == was.ManagerID:
		wrong = "user.manager_same"
	}
	if wrong != "" {
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"manager": wrong})
	}
	return plan, nil
}
