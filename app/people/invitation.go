package people

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/password"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Purposes of a one-time link.
const (
	toFirst = "first"    // the first password of somebody who never had a way in
	toRenew = "password" // another one of somebody who has
)

// Invitation is the newest one of a user.
type Invitation struct {
	Purpose   string
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
	ok, err := tx.One(&i, "SELECT purpose, created_at, expires_at, used_at, ended_at FROM invitations WHERE tenant_id = ? AND user_id = ? ORDER BY created_at DESC LIMIT 1", tenantID, userID)
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
		Do: func(tx *store.Tx) error { return s.link(tx, act, link, toFirst) },
	}
	if plan.Wrong, err = linkMade(tx, act.TenantID, link.ID); err == nil && plan.Wrong == nil && (was.State != user.Active || !was.HadNoWayIn()) {
		plan.Wrong = fault.New(fault.Conflict, "invitation.not_needed")
	}
	return plan, err
}

// passwordLink plans to give somebody who has been in a link by which they set
// another password. Until it is used the password before works, so that nobody is
// locked out by it; what is asked besides a password is asked as before.
func (s *Service) passwordLink(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var link Link
	if err := act.Read(&link); err != nil {
		return approval.Plan{}, err
	}
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{question(act, access.UserInvite)}, Difference: []approval.Change{{Field: "password_link", After: was.Name}},
		Do: func(tx *store.Tx) error { return s.link(tx, act, link, toRenew) },
	}
	if plan.Wrong, err = linkMade(tx, act.TenantID, link.ID); err == nil && plan.Wrong == nil && (was.State != user.Active || was.HadNoWayIn()) {
		plan.Wrong = fault.New(fault.Conflict, "invitation.not_needed")
	}
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	whose, err := s.Rules.StandingIn(tx, act.TenantID, act.TargetID)
	if err == nil && whose.Administrator() {
		// A link is shown to one person, who could act as a colleague by it.
		plan.Wrong = fault.New(fault.Conflict, "invitation.not_for_administrators")
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
func (s *Service) link(tx *store.Tx, act approval.Act, link Link, purpose string) error {
	if act.ApprovedBy != "" {
		return nil
	}
	if err := password.EndLinks(tx, act.TenantID, act.TargetID); err != nil {
		return err
	}
	err := tx.Exec("INSERT INTO invitations (tenant_id, id, token_digest, user_id, purpose, created_by, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?)",
		act.TenantID, link.ID, link.Digest, act.TargetID, purpose, act.ActorID, tx.Now, tx.Now.Add(InvitationLife)).Error
	if err != nil {
		return err
	}
	e := act.Event(audit.InvitationMade)
	if purpose == toRenew {
		e = act.Event(audit.PasswordLinkMade)
	}
	e.Thread = link.ID
	return s.record(tx, act, e, "")
}

// usable says of an invitation i, with the link's digest and the moment for its
// values, that it works: for a user who has no way in, and never had one, or who is
// to set another password.
const usable = `i.tenant_id = ? AND i.token_digest = ? AND i.used_at IS NULL AND i.ended_at IS NULL AND i.expires_at > ?
	AND u.state = 'active' AND t.state = 'active' AND (i.purpose = 'password' OR u.password_hash = '' AND u.ways = 0 AND u.last_signin_at IS NULL)`

// linkRefused is the one answer for a link that is wrong, used, ended or expired.
func linkRefused() error { return fault.New(fault.NotFound, "invitation.link_refused") }

// Welcomed is who an invitation is for.
type Welcomed struct {
	TenantName  string
	TenantSlug  string
	UserID      string
	Name        string // sign-in name
	DisplayName string
	Renews      bool // they have been in before
	Least       int  // characters that the password needs
	MFAState    string
	Ways        user.Ways

	PasswordLeast int // that the organisation asks for where it is all
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
	ok, err := tx.One(&w, `SELECT t.name AS tenant_name, t.slug AS tenant_slug, u.id AS user_id, u.name, u.display_name, u.mfa_state, u.ways, t.password_least,
		i.purpose = 'password' AS renews FROM invitations i
		JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id JOIN tenants t ON t.id = i.tenant_id WHERE `+usable, tenantID, digest, tx.Now)
	if err == nil && !ok {
		err = linkRefused()
	}
	w.Least = password.LeastFor(w.MFAState, w.Ways, w.PasswordLeast)
	return w, store.Unusable(err)
}

// taken takes a link apart into the tenant and the digest of its token.
func taken(token secret.Token) (tenantID, digest string, ok bool) {
	tenantID, text, ok := strings.Cut(token.Reveal(), ".")
	return tenantID, secret.Digest(text), ok && len(text) <= 100
}

// Accept uses a link up and sets the password; it gives the sign-in name. What was
// begun with a password before is over then. It fails with fault.NotFound when the
// link does not work, and with fault.Invalid when the password breaks a rule; then
// the link still works.
func (s *Service) Accept(ctx context.Context, token secret.Token, typed, again string, from audit.Origin) (name string, err error) {
	who, err := s.Welcome(ctx, token)
	if err != nil {
		return "", err
	}
	if wrong := password.Check(typed, again, who.Least, who.Name, who.DisplayName, who.TenantName, who.TenantSlug); len(wrong) > 0 {
		return "", fault.Wrong("form.wrong", wrong)
	}
	hash, err := s.Passwords.Hash(ctx, typed)
	if err != nil {
		return "", err
	}
	tenantID, digest, _ := taken(token)
	err = s.DB.Act(store.Within(ctx, tenantID), func(tx *store.Tx) error {
		var used struct{ ID, UserID, Purpose string }
		ok, err := tx.One(&used, `UPDATE invitations SET used_at = ? WHERE tenant_id = ? AND token_digest = ? AND used_at IS NULL AND EXISTS
			(SELECT 1 FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id JOIN tenants t ON t.id = i.tenant_id
			WHERE i.id = invitations.id AND `+usable+`) RETURNING id, user_id, purpose`, tx.Now, tenantID, digest, tenantID, digest, tx.Now)
		if err != nil {
			return err
		}
		if !ok {
			return linkRefused()
		}
		set, err := tx.One(&name, `UPDATE users SET password_hash = ?, password_set_at = ?, password_alone = ? WHERE tenant_id = ? AND id = ?
			AND (state = 'active' AND (? = 'password' OR password_hash = '') AND mfa_state = ? AND ways = ?) IS TRUE RETURNING name`,
			hash, tx.Now, password.Alone(typed, who.PasswordLeast), tenantID, used.UserID, used.Purpose, who.MFAState, who.Ways)
		if err != nil {
			return err
		}
		if !set {
			return linkRefused()
		}
		e := audit.Event{
			TenantID: tenantID, Action: audit.PasswordSet, Actor: audit.User(used.UserID), Target: audit.User(used.UserID), Subject: used.UserID,
			Thread: used.ID, Origin: from,
		}
		if used.Purpose == toRenew {
			e.Action = audit.PasswordRenewed
			// Whoever holds the link is not known to be the user: they read it here when they are in.
			if err := notify.Tell(tx, tenantID, used.UserID, notify.Notice{Action: e.Action}); err != nil {
				return err
			}
		}
		if err := s.Replacing.Replaced(tx, tenantID, used.UserID, ""); err != nil {
			return err
		}
		return audit.Record(tx, e)
	})
	return name, err
}
