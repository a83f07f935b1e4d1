package people

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Invitation is the newest one of a user.
type Invitation struct {
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
	EndedAt   *time.Time
}

// State is what became of the link: "open", "used", "ended" or "expired".
func (i Invitation) State(now time.Time) string {
	switch {
	case i.UsedAt != nil:
		return "used"
	case i.EndedAt != nil:
		return "ended"
	case !now.Before(i.ExpiresAt):
		return "expired"
	}
	return "open"
}

func invitationOf(tx *store.Tx, tenantID, userID string) (*Invitation, error) {
	var i Invitation
	ok, err := tx.One(&i, "SELECT created_at, expires_at, used_at, ended_at FROM invitations WHERE tenant_id = ? AND user_id = ? ORDER BY created_at DESC LIMIT 1", tenantID, userID)
	if err != nil || !ok {
		return nil, err
	}
	return &i, nil
}

// invitation plans to give somebody who never had a way in a new link. It ends
// the one before.
func (s *Service) invitation(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var link Link
	if err := act.Read(&link); err != nil {
		return approval.Plan{}, err
	}
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{question(act, access.UserInvite)}, Difference: []approval.Change{{Field: "invitation", After: was.Name}},
		Do: func(tx *store.Tx) error { return s.link(tx, act, link) },
	}
	if plan.Wrong, err = linkMade(tx, act.TenantID, link.ID); err == nil && plan.Wrong == nil && (was.State != user.Active || !was.HadNoWayIn()) {
		plan.Wrong = fault.New(fault.Conflict, "invitation.not_needed")
	}
	return plan, err
}

// linkMade says that a form was sent before: its link stands, and was shown.
func linkMade(tx *store.Tx, tenantID, id string) (wrong error, err error) {
	var found string
	made, err := tx.One(&found, "SELECT id FROM invitations WHERE tenant_id = ? AND id = ?", tenantID, id)
	if made {
		wrong = fault.New(fault.Conflict, "invitation.shown")
	}
	return wrong, err
}

// link ends the links of a user that still work, and makes a new one. An act that
// a second person approved makes none: nobody is there to whom it is shown.
func (s *Service) link(tx *store.Tx, act approval.Act, link Link) error {
	if act.ApprovedBy != "" {
		return nil
	}
	if err := endInvitations(tx, act.TenantID, act.TargetID); err != nil {
		return err
	}
	err := tx.Exec("INSERT INTO invitations (tenant_id, id, token_digest, user_id, created_by, created_at, expires_at) VALUES (?,?,?,?,?,?,?)",
		act.TenantID, link.ID, link.Digest, act.TargetID, act.ActorID, tx.Now, tx.Now.Add(InvitationLife)).Error
	if err != nil {
		return err
	}
	e := act.Event(audit.InvitationMade)
	e.Thread = link.ID
	return audit.Record(tx, e)
}

// endInvitations ends the links of a user that still work.
func endInvitations(tx *store.Tx, tenantID, userID string) error {
	return tx.Exec("UPDATE invitations SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND used_at IS NULL AND ended_at IS NULL", tx.Now, tenantID, userID).Error
}

// usable says of an invitation i, with the link's digest and the moment for its
// values, that it works: for a user who has no way in, and never had one.
const usable = `i.tenant_id = ? AND i.token_digest = ? AND i.used_at IS NULL AND i.ended_at IS NULL AND i.expires_at > ?
	AND u.state = 'active' AND u.password_hash = '' AND u.ways = 0 AND u.last_signin_at IS NULL AND t.state = 'active'`

// linkRefused is the one answer for a link that is wrong, used, ended or expired.
func linkRefused() error { return fault.New(fault.NotFound, "invitation.link_refused") }

// Welcomed is who an invitation is for.
type Welcomed struct {
	TenantName  string
	Name        string // sign-in name
	DisplayName string
}

// Welcome gives whom a link is for. Whatever is wrong with it is
// fault.NotFound. Looking does not use it up: mail programs do it by themselves.
func (s *Service) Welcome(ctx context.Context, token secret.Token) (Welcomed, error) {
	tenantID, digest, ok := taken(token)
	if !ok {
		return Welcomed{}, linkRefused()
	}
	tx := s.DB.View(store.Within(ctx, tenantID))
	var w Welcomed
	ok, err := tx.One(&w, `SELECT t.name AS tenant_name, u.name, u.display_name FROM invitations i
		JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id JOIN tenants t ON t.id = i.tenant_id WHERE `+usable, tenantID, digest, tx.Now)
	if err == nil && !ok {
		err = linkRefused()
	}
	return w, store.Unusable(err)
}

// taken takes a link apart into the tenant and the digest of its token.
func taken(token secret.Token) (tenantID, digest string, ok bool) {
	tenantID, text, ok := strings.Cut(token.Reveal(), ".")
	return tenantID, secret.Digest(text), ok && len(text) <= 100
}

// Accept uses a link up and sets the first password; it gives the sign-in name.
// It fails with fault.NotFound when the link does not work, and with
// fault.Invalid when the password breaks a rule; then the link still works.
func (s *Service) Accept(ctx context.Context, token secret.Token, password, again string, from audit.Origin) (name string, err error) {
	if _, err := s.Welcome(ctx, token); err != nil {
		return "", err
	}
	if wrong := checkPassword(password, again); len(wrong) > 0 {
		return "", fault.Wrong("form.wrong", wrong)
	}
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return "", err
	}
	tenantID, digest, _ := taken(token)
	err = s.DB.Act(store.Within(ctx, tenantID), func(tx *store.Tx) error {
		var used struct{ ID, UserID string }
		ok, err := tx.One(&used, `UPDATE invitations SET used_at = ? WHERE tenant_id = ? AND token_digest = ? AND used_at IS NULL AND EXISTS
			(SELECT 1 FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id JOIN tenants t ON t.id = i.tenant_id
			WHERE i.id = invitations.id AND `+usable+`) RETURNING id, user_id`, tx.Now, tenantID, digest, tenantID, digest, tx.Now)
		if err != nil {
			return err
		}
		if !ok {
			return linkRefused()
		}
		set, err := tx.One(&name, "UPDATE users SET password_hash = ? WHERE tenant_id = ? AND id = ? AND password_hash = '' AND state = 'active' RETURNING name",
			hash, tenantID, used.UserID)
		if err != nil {
			return err
		}
		if !set {
			return linkRefused()
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.PasswordSet, Actor: audit.User(used.UserID), Target: audit.User(used.UserID), Subject: used.UserID,
			Thread: used.ID, Origin: from,
		})
	})
	return name, err
}

// checkPassword gives the fields that break a rule. The first password is the
// only way in, so the longer length holds.
func checkPassword(password, again string) map[string]string {
	wrong := map[string]string{}
	switch length := len([]rune(password)); {
	case length < user.PasswordLeastAlone:
		wrong["password"] = "user.password_short"
	case length > user.PasswordMost:
		wrong["password"] = "user.password_long"
	case password != again:
		wrong["password_again"] = "user.password_other"
	}
	return wrong
}
