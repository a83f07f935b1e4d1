package breakglass

import (
	"strings"
	"unicode"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// The acts on break-glass accounts.
const (
	KindMake   approval.Kind = "break_glass.make"
	KindSeal   approval.Kind = "break_glass.seal"
	KindRemove approval.Kind = "break_glass.remove"
	KindDrill  approval.Kind = "break_glass.drill"
)

// Service makes the accounts, seals them, lets in by them and looks after them.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Rules     *access.Rules
	Hub       *wake.Hub
	Approvals *approval.Service
	Passwords Passwords
	Backups   *backupphone.Service
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindMake: s.make, KindSeal: s.seal, KindRemove: s.remove, KindDrill: s.drill}
}

// Made is an account that somebody asks for.
type Made struct {
	Name        string `json:"name"`         // to sign in with
	DisplayName string `json:"display_name"` // where its sheet is to be kept, say
}

const displayMost = 80

// make plans to make an account. It gives somebody the highest role, which takes two who
// hold it.
func (s *Service) make(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Made
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	typed := asked.Name
	asked.Name, asked.DisplayName = user.Name(asked.Name), strings.Join(strings.Fields(asked.DisplayName), " ")
	plan := approval.Plan{
		Questions: []access.Question{
			{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageDeclare},
			{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, Giving: access.RoleSecurityAdministrator},
		},
		Difference: []approval.Change{{Field: "name", After: asked.Name}, {Field: "display_name", After: asked.DisplayName}, {Field: "role", After: string(access.RoleSecurityAdministrator)}},
		Do:         func(tx *store.Tx) error { return s.made(tx, act, asked) },
	}
	fields, err := s.wrong(tx, act.TenantID, typed, asked)
	if err == nil && len(fields) > 0 {
		plan.Wrong = fault.Wrong("form.wrong", fields)
	}
	return plan, err
}

func (s *Service) wrong(tx *store.Tx, tenantID, typed string, asked Made) (map[string]string, error) {
	fields := map[string]string{}
	if asked.DisplayName == "" || len([]rune(asked.DisplayName)) > displayMost || strings.ContainsFunc(asked.DisplayName, unicode.IsControl) {
		fields["display_name"] = "user.display_name_form"
	}
	if asked.Name == "" || typed == "" {
		fields["name"] = "user.name_form"
		return fields, nil
	}
	var found string
	_, domain, _ := strings.Cut(asked.Name, "@")
	ours, err := tx.One(&found, "SELECT domain FROM domains WHERE domain = ? AND tenant_id = ? AND verified_at IS NOT NULL", domain, tenantID)
	if err != nil {
		return nil, err
	}
	taken, err := tx.One(&found, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", tenantID, asked.Name)
	switch {
	case err != nil:
		return nil, err
	case !ours:
		fields["name"] = "user.name_domain"
	case taken:
		fields["name"] = "user.name_taken"
	}
	return fields, nil
}

// made makes the account in the act tx, with a sheet that may be printed.
func (s *Service) made(tx *store.Tx, act approval.Act, asked Made) error {
	by := audit.User(act.ActorID)
	u, err := user.Create(tx, act.TenantID, asked.Name, asked.DisplayName, "", by, act.Origin)
	if err != nil {
		return err
	}
	if err := tx.Exec("UPDATE users SET break_glass = TRUE WHERE tenant_id = ? AND id = ?", act.TenantID, u.ID).Error; err != nil {
		return err
	}
	if err := user.Assign(tx, act.TenantID, u.ID, access.RoleSecurityAdministrator, by, act.Origin); err != nil {
		return err
	}
	tx.After(s.Rules.Hurry)
	if err := tx.Exec("INSERT INTO break_glass_accounts (tenant_id, user_id, made_by, approved_by, made_at) VALUES (?,?,?,?,?)",
		act.TenantID, u.ID, act.ActorID, act.ApprovedBy, tx.Now).Error; err != nil {
		return err
	}
	e := act.Event(audit.BreakGlassMade)
	e.Target, e.Subject = audit.User(u.ID), u.ID
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	if err := s.tell(tx, act.TenantID, e.Action, u.Name, act); err != nil {
		return err
	}
	return s.approve(tx, act, u.ID)
}

// approve notes in the act tx that a sheet of an account may be printed.
func (s *Service) approve(tx *store.Tx, act approval.Act, userID string) error {
	// One that nobody printed in time, and that nobody has written down, holds the place.
	if err := lapse(tx, act.TenantID, userID); err != nil {
		return err
	}
	id := secret.System.ID()
	err := tx.Change(waits(), `INSERT INTO break_glass_sheets (tenant_id, id, user_id, state, reason, ticket, requested_by, approved_by, approved_at, expires_at)
		VALUES (?,?,?,'approved',?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
		act.TenantID, id, userID, act.Reason, act.Ticket, act.ActorID, act.ApprovedBy, tx.Now, tx.Now.Add(PrintLife))
	if err != nil {
		return err
	}
	e := act.Event(audit.BreakGlassApproved)
	e.Target, e.Subject, e.Thread = audit.User(userID), userID, id
	return audit.Record(tx, e)
}

func waits() error { return fault.New(fault.Conflict, "break_glass.waits") }

// seal plans to let another sheet of an account be printed. The one that there is works
// until then.
func (s *Service) seal(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	a, err := find(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{
			{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.OutageDeclare},
			{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.AuthenticatorReset, TargetID: act.TargetID},
		},
		Difference: []approval.Change{{Field: "break_glass_sheet", Before: Parted(a.Serial), After: "to_print"}},
		Do:         func(tx *store.Tx) error { return s.approve(tx, act, act.TargetID) },
	}
	if a.WaitsUntil != nil {
		plan.Wrong = waits()
	}
	return plan, nil
}

// remove plans to end an account: its sheets, its sessions and its role.
func (s *Service) remove(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	a, err := find(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	return approval.Plan{
		Questions: []access.Question{
			{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, TargetID: act.TargetID, Giving: access.RoleSecurityAdministrator},
			{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.UserDisable, TargetID: act.TargetID},
		},
		Difference: []approval.Change{{Field: "break_glass_account", Before: a.Name}, {Field: "break_glass_sheet", Before: Parted(a.Serial)}},
		Do:         func(tx *store.Tx) error { return s.removed(tx, act, a) },
	}, nil
}

func (s *Service) removed(tx *store.Tx, act approval.Act, a Account) error {
	gone := fault.New(fault.NotFound, "http.not_found")
	if err := tx.Change(gone, "UPDATE break_glass_accounts SET removed_at = ?, removed_by = ? WHERE tenant_id = ? AND user_id = ? AND removed_at IS NULL",
		tx.Now, act.ActorID, act.TenantID, act.TargetID); err != nil {
		return err
	}
	if err := tx.Exec("UPDATE break_glass_sheets SET state = 'withdrawn', hash = '', outside = '', ended_at = ? WHERE tenant_id = ? AND user_id = ? AND state IN ('approved', 'sealed')",
		tx.Now, act.TenantID, act.TargetID).Error; err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM role_assignments WHERE tenant_id = ? AND user_id = ?", act.TenantID, act.TargetID).Error; err != nil {
		return err
	}
	tx.After(s.Rules.Hurry)
	if a.State != user.Disabled {
		if err := user.MarkDisabled(tx, act.TenantID, act.TargetID, a.State, act.ActorID); err != nil {
			return err
		}
	}
	if _, err := session.Close(tx, act.TenantID, act.TargetID, ""); err != nil {
		return err
	}
	if err := audit.Record(tx, act.Event(audit.BreakGlassRemoved)); err != nil {
		return err
	}
	return s.tell(tx, act.TenantID, audit.BreakGlassRemoved, a.Name, act)
}
