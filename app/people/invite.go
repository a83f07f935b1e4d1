package people

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// InvitationLife is how long an invitation may be used, once.
const InvitationLife = 24 * time.Hour

// displayMost is how many letters a display name has.
const displayMost = 80

// Link is the one-time link of an invitation, by what is stored of it.
type Link struct {
	ID     string `json:"id"`     // of the form that asked for it: sent twice, it makes one link
	Digest string `json:"digest"` // of the token
}

// NewLink makes a link for an invitation in a tenant. id is what the form that
// asks for it carries; the token is shown once and stored nowhere.
func NewLink(tenantID, id string) (Link, secret.Token) {
	if !linkID.MatchString(id) {
		id = secret.System.ID()
	}
	token := secret.System.Token()
	// The link names the tenant, so that every look-up begins with it.
	return Link{ID: id, Digest: token.Digest()}, secret.TokenOf(tenantID + "." + token.Reveal())
}

var linkID = regexp.MustCompile(`^[a-z0-9]{26}$`)

// Invite is somebody new.
type Invite struct {
	Link
	Name        string   `json:"name"` // sign-in name, in a verified domain of the tenant
	DisplayName string   `json:"display_name"`
	Groups      []string `json:"groups,omitempty"` // ids
}

// group is one that a new user is put into.
type group struct{ ID, Name, Role string }

// invite plans to make a user without a password, and the invitation to set one.
// A group that carries a role counts as giving that role.
func (s *Service) invite(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var in Invite
	if err := act.Read(&in); err != nil {
		return approval.Plan{}, err
	}
	in.Name, in.DisplayName = user.Name(in.Name), strings.Join(strings.Fields(in.DisplayName), " ")
	in.Groups = slices.Compact(slices.Sorted(slices.Values(in.Groups)))
	var groups []group
	if len(in.Groups) > 0 {
		if err := tx.All(&groups, "SELECT id, name, role FROM groups WHERE tenant_id = ? AND id IN ? ORDER BY name", act.TenantID, in.Groups); err != nil {
			return approval.Plan{}, err
		}
	}
	wrong, err := checkInvite(tx, act.TenantID, in, groups)
	if err != nil {
		return approval.Plan{}, err
	}
	questions := []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.UserInvite, Groups: in.Groups}}
	limits, err := method.Limits(tx, act.TenantID, in.Groups...)
	if err != nil {
		return approval.Plan{}, err
	}
	moves, err := feature.Moves(tx, act.TenantID, true, in.Groups...)
	if err != nil {
		return approval.Plan{}, err
	}
	if limits || moves.Loosens {
		questions = append(questions, access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: true})
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
		if g.Role != "" {
			questions = append(questions, access.Question{
				TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleAssign, Groups: []string{g.ID}, Giving: access.Role(g.Role),
			})
		}
	}
	return approval.Plan{
		Questions: questions, Wrong: wrong,
		Difference: []approval.Change{
			{Field: "name", After: in.Name}, {Field: "display_name", After: in.DisplayName}, {Field: "groups", After: strings.Join(names, ", ")},
		},
		Do: func(tx *store.Tx) error { return s.welcome(tx, act, in) },
	}, nil
}

// checkInvite says what is wrong with an invitation.
func checkInvite(tx *store.Tx, tenantID string, in Invite, groups []group) (wrong error, err error) {
	if shown, err := linkMade(tx, tenantID, in.ID); err != nil || shown != nil {
		return shown, err
	}
	fields := map[string]string{}
	if in.DisplayName == "" || len([]rune(in.DisplayName)) > displayMost || strings.ContainsFunc(in.DisplayName, unicode.IsControl) {
		fields["display_name"] = "user.display_name_form"
	}
	if len(groups) != len(in.Groups) {
		fields["groups"] = "group.unknown"
	}
	_, domain, _ := strings.Cut(in.Name, "@")
	var found string
	switch ours, err := tx.One(&found, "SELECT domain FROM domains WHERE domain = ? AND tenant_id = ? AND verified_at IS NOT NULL", domain, tenantID); {
	case err != nil:
		return nil, err
	case in.Name == "":
		fields["name"] = "user.name_form"
	case !ours:
		fields["name"] = "user.name_domain"
	default:
		taken, err := tx.One(&found, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", tenantID, in.Name)
		if err != nil {
			return nil, err
		}
		if taken {
			fields["name"] = "user.name_taken"
		}
	}
	if len(fields) > 0 {
		return fault.Wrong("form.wrong", fields), nil
	}
	return nil, nil
}

// welcome makes the user, their groups and their invitation in the act tx.
func (s *Service) welcome(tx *store.Tx, act approval.Act, in Invite) error {
	by := audit.User(act.ActorID)
	u, err := user.Create(tx, act.TenantID, in.Name, in.DisplayName, "", by, act.Origin)
	if err != nil {
		return err
	}
	for _, g := range in.Groups {
		err := tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_by, added_at) VALUES (?,?,?,?,?,?)",
			act.TenantID, g, u.ID, u.Name, act.ActorID, tx.Now).Error
		if err != nil {
			return err
		}
	}
	act.TargetID = u.ID
	e := act.Event(audit.UserInvited)
	if len(in.Groups) > 0 {
		e.Details = with(e.Details, "groups", strings.Join(in.Groups, " "))
		tx.After(func() { s.Rules.Hurry() })
	}
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	return s.link(tx, act, in.Link, toFirst)
}

// IDOf gives the id of the user with a sign-in name, for the page that follows
// an invitation.
func (s *Service) IDOf(ctx context.Context, tenantID, name string) (string, error) {
	u, _, err := user.Named(ctx, s.DB, tenantID, user.Name(name))
	return u.ID, err
}

// DomainOf gives the first verified domain of a tenant, for the hint of a form.
func (s *Service) DomainOf(ctx context.Context, tenantID string) (domain string, err error) {
	_, err = s.DB.View(ctx).One(&domain, "SELECT domain FROM domains WHERE tenant_id = ? AND verified_at IS NOT NULL ORDER BY verified_at, domain LIMIT 1", tenantID)
	return domain, store.Unusable(err)
}

// GroupsOf lists the groups that an actor may filter by and put people into, the
// first ones by name.
func (s *Service) GroupsOf(ctx context.Context, tenantID, actorID string) ([]Group, error) {
	tx := s.DB.View(ctx)
	var groups []Group
	var err error
	if scope := s.Rules.Standing(tenantID, actorID).Scope; len(scope) > 0 {
		err = tx.All(&groups, "SELECT id, name FROM groups WHERE tenant_id = ? AND id IN ? ORDER BY name LIMIT ?", tenantID, scope, groupsMost)
	} else {
		err = tx.All(&groups, "SELECT id, name FROM groups WHERE tenant_id = ? ORDER BY name LIMIT ?", tenantID, groupsMost)
	}
	return groups, store.Unusable(err)
}

// groupsMost is how many groups a form offers.
const groupsMost = 200

// Group is a group by its name.
type Group struct{ ID, Name string }
