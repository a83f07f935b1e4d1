package people

import (
	"context"
	"slices"
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/passcode"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Passcode asks for a static passcode.
type Passcode struct {
	Hours int `json:"hours"` // that it works, from when it is shown
}

// passcodeHours are those that a form offers, with the most that the policy allows.
func passcodeHours(most int) []int {
	all := slices.DeleteFunc([]int{1, 4, 8, 24}, func(hours int) bool { return hours >= most })
	return append(all, most)
}

// passcode plans to let a person have a static passcode. It takes four eyes each
// time, and a security administrator among them; the passcode itself is made when
// one of these shows it. It is never for somebody with a role.
func (s *Service) passcode(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Passcode
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	actor, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return approval.Plan{}, err
	}
	needs := access.StaticPasscodeRequest
	if actor.May.Has(access.StaticPasscodeIssue) {
		needs = access.StaticPasscodeIssue
	}
	plan := approval.Plan{
		Questions: []access.Question{question(act, needs)}, Approves: access.StaticPasscodeIssue,
		Difference: []approval.Change{{Field: "static_passcode", After: was.Name}, {Field: "passcode_hours", After: strconv.Itoa(asked.Hours)}},
		Do: func(tx *store.Tx) error {
			id, err := passcode.Add(tx, passcode.Grant{
				TenantID: act.TenantID, UserID: act.TargetID, RequestedBy: act.ActorID, ApprovedBy: act.ApprovedBy, Reason: act.Reason, Ticket: act.Ticket, Hours: asked.Hours,
			})
			if err != nil {
				return err
			}
			e := act.Event(audit.PasscodeApproved)
			e.Thread, e.Details = id, with(e.Details, "hours", strconv.Itoa(asked.Hours))
			return s.record(tx, act, e, "")
		},
	}
	off, err := method.OffOf(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	most, err := passcode.HoursMost(tx, act.TenantID)
	if err != nil {
		return plan, err
	}
	whose, err := s.Rules.StandingIn(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	open, err := passcode.Open(tx, act.TenantID, act.TargetID)
	switch {
	case err != nil:
		return plan, err
	case off.NoSignIn.Has(user.WithStaticPasscode):
		plan.Wrong = fault.New(fault.Conflict, "passcode.off")
	case whose.Administrator():
		plan.Wrong = fault.New(fault.Conflict, "passcode.administrator")
	case was.State != user.Active:
		plan.Wrong = fault.New(fault.Conflict, "user.state_changed")
	case open != "":
		plan.Wrong = fault.New(fault.Conflict, "passcode.one")
	case asked.Hours < 1 || asked.Hours > most:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"hours": "passcode.hours"})
	}
	return plan, nil
}

// withdrawPasscode plans to take a static passcode back, before it was shown or
// after, with the sessions that it made.
func (s *Service) withdrawPasscode(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.AuthenticatorReset)},
		Difference: []approval.Change{{Field: "static_passcode", Before: "set_up"}},
		Do: func(tx *store.Tx) error {
			id, err := s.Passcodes.Withdraw(tx, act.TenantID, act.TargetID, act.ActorID)
			if err != nil {
				return err
			}
			e := act.Event(audit.PasscodeWithdrawn)
			e.Thread = id
			return s.record(tx, act, e, "")
		},
	}
	open, err := passcode.Open(tx, act.TenantID, act.TargetID)
	if err == nil && open == "" {
		plan.Wrong = fault.New(fault.Conflict, "passcode.none")
	}
	return plan, err
}

// ShowPasscode makes the static passcode that was approved for somebody and gives it,
// once, to a security administrator who may issue it to them.
func (s *Service) ShowPasscode(ctx context.Context, tenantID, actorID, id string, from audit.Origin) (passcode.Shown, error) {
	tx := s.DB.View(ctx)
	var userID string
	found, err := tx.One(&userID, "SELECT user_id FROM static_passcodes WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err != nil {
		return passcode.Shown{}, store.Unusable(err)
	}
	if !found {
		return passcode.Shown{}, fault.New(fault.NotFound, "http.not_found")
	}
	// That four eyes are needed is what this asks for each time; they have seen it.
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: tenantID, ActorID: actorID, Needs: access.StaticPasscodeIssue, TargetID: userID})
	if err != nil {
		return passcode.Shown{}, store.Unusable(err)
	}
	if err := verdict.Err(); err != nil {
		return passcode.Shown{}, err
	}
	return s.Passcodes.Show(ctx, tenantID, id, actorID, from)
}

// NameOf gives the sign-in name of a user of a tenant.
func (s *Service) NameOf(ctx context.Context, tenantID, userID string) (string, error) {
	return user.NameOf(ctx, s.DB, tenantID, userID)
}
