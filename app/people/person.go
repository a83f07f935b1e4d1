package people

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/passcode"
	"latchkey/app/passkey"
	"latchkey/app/photo"
	"latchkey/app/provider"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// Person is one user with what stands around them, as one viewer may see it.
type Person struct {
	Facts
	Standing    access.Standing
	RoleGroup   string   // name of the group that the role comes through; empty: their own
	RoleScope   []string // names of the groups that the role is limited to
	Groups      []Group
	Photo       photo.Photo
	Phones      []Phone
	Backups     []backupphone.Phone
	TOTP        *totp.Bound      // nil: none
	Sheet       *codesheet.Sheet // of printed codes, without them; nil: none
	Passkeys    []passkey.Bound
	Passcode    *passcode.Standing // nil: none
	Sessions    []session.Listed
	Throttles   []Throttle
	SignIns     []audit.Entry // the last ones, and those that were refused
	Story       []audit.Entry // as much of the history as the viewer's audit.read says
	Told        Telling
	Older       bool              // there is more of the story
	Names       map[string]string // of those who acted, by id
	Invitation  *Invitation       // the newest one; nil: none
	Masked      bool              // names of phones are cut short
	MaskedPlace bool              // and addresses
}

// Facts are what the row of a user says.
type Facts struct {
	ID, Name, DisplayName, State, MFAState string
	Ways                                   int
	PasswordAlone                          bool // their password is long enough to be all that is asked
	PasswordSetAt                          *time.Time
	CreatedAt                              time.Time
	LastSignInAt                           *time.Time `gorm:"column:last_signin_at"`
	LockedBy                               string
	LockedAt                               *time.Time
	DisabledBy                             string
	DisabledAt                             *time.Time
	CreatedBy                              string
	ManagerID                              string // empty: nobody
}

// Password says whether the user has one.
func (f Facts) Password() bool { return f.Ways&1 != 0 }

// HadNoWayIn says whether the user has no way in, and never had one.
func (f Facts) HadNoWayIn() bool { return f.Ways == 0 && f.LastSignInAt == nil }

// Phone is an enrolled phone as an administrator sees it.
type Phone struct {
	AccountID   string
	Key         string // the end of the key's thumbprint, by which two of a name are told apart
	Name        string
	Platform    string
	State       string
	PhoneSignIn bool
	CreatedAt   time.Time
	LastUsedAt  *time.Time
	EndedAt     *time.Time
}

// How many events of a person a page has.
const (
	storyRows   = 30
	signInsRows = 8
)

var signIns = []audit.Action{audit.SignInFinished, audit.SignInRefused}

// securityEvents are those that only security administrators and auditors are
// told: what was tried without permission, and who looked.
var securityEvents = append(audit.Actions(audit.ClassSecurity), audit.AccessRefused, audit.AuthenticatorViewed)

// Telling is how much of a person's history a viewer is told.
type Telling string

const (
	Nothing    Telling = "nothing"
	OwnActs    Telling = "own_acts"
	Helpdesk   Telling = "helpdesk" // what was done to the person
	NoSecurity Telling = "no_security"
	Everything Telling = "everything"
)

// TellingFor says how much a viewer is told (roles.md, audit.read): the helpdesk
// its own acts, a lead what was done to the person, a tenant administrator all
// but security events.
func TellingFor(viewer access.Standing) Telling {
	if !viewer.May.Has(access.AuditRead) {
		return Nothing
	}
	switch viewer.Role {
	case access.RoleSecurityAdministrator, access.RoleAuditor:
		return Everything
	case access.RoleTenantAdministrator:
		return NoSecurity
	case access.RoleHelpdeskLead:
		return Helpdesk
	}
	return OwnActs
}

// Part is what of a story a telling has.
func (t Telling) Part(viewerID string) audit.Part {
	switch t {
	case Everything:
		return audit.Part{}
	case NoSecurity:
		return audit.Part{Without: securityEvents}
	case Helpdesk:
		return audit.Part{Without: securityEvents, ByOther: true}
	}
	return audit.Part{Without: securityEvents, By: viewerID}
}

// read reads the facts of a user, and whether there is one. An act plans with
// what it finds: that there is nobody is for access to say.
func read(tx *store.Tx, tenantID, userID string) (f Facts, ok bool, err error) {
	ok, err = tx.One(&f, `SELECT id, name, display_name, state, mfa_state, ways, password_alone, password_set_at, created_at, last_signin_at, locked_by, locked_at, disabled_by, disabled_at, created_by, manager_id
		FROM users WHERE tenant_id = ? AND id = ?`, tenantID, userID)
	return f, ok, err
}

// Find gives a person with everything around them, masked by the role of the
// viewer. One of another tenant, or outside the viewer's groups, is
// fault.NotFound. A look by the helpdesk leaves its event, or there is none
// (roles.md, authenticator.view). The story begins behind a position.
func (s *Service) Find(ctx context.Context, tenantID, viewerID, userID string, before time.Time, beforeID string, from audit.Origin) (Person, error) {
	tx := s.DB.View(ctx)
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: tenantID, ActorID: viewerID, Needs: access.AuthenticatorView, TargetID: userID})
	if err != nil {
		return Person{}, store.Unusable(err)
	}
	if err := verdict.Err(); err != nil {
		return Person{}, err
	}
	p := Person{Standing: verdict.Target, Masked: Masked(verdict.Actor), MaskedPlace: !verdict.Actor.May.Has(access.AuditReadPersonal)}
	if err := s.gather(ctx, tx, &p, verdict.Actor, userID, before, beforeID); err != nil {
		return Person{}, store.Unusable(err)
	}
	if recorded(verdict.Actor) {
		err := s.DB.Act(ctx, func(tx *store.Tx) error {
			return audit.Record(tx, audit.Event{
				TenantID: tenantID, Action: audit.AuthenticatorViewed, Actor: audit.User(viewerID), Target: audit.User(userID), Subject: userID, Origin: from,
			})
		})
		if err != nil {
			return Person{}, err
		}
	}
	p.mask()
	return p, nil
}

func (s *Service) gather(ctx context.Context, tx *store.Tx, p *Person, viewer access.Standing, userID string, before time.Time, beforeID string) (err error) {
	tenantID := viewer.TenantID
	there := false
	if p.Facts, there, err = read(tx, tenantID, userID); err != nil {
		return err
	}
	if !there {
		return fault.New(fault.NotFound, "http.not_found")
	}
	if err = tx.All(&p.Groups, `SELECT g.id, g.name FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
		WHERE m.tenant_id = ? AND m.user_id = ? ORDER BY g.name`, tenantID, userID); err != nil {
		return err
	}
	if p.Standing.Through != "" {
		if _, err = tx.One(&p.RoleGroup, "SELECT name FROM groups WHERE tenant_id = ? AND id = ?", tenantID, p.Standing.Through); err != nil {
			return err
		}
	}
	if len(p.Standing.Scope) > 0 {
		if err = tx.All(&p.RoleScope, "SELECT name FROM groups WHERE tenant_id = ? AND id IN ? ORDER BY name", tenantID, p.Standing.Scope); err != nil {
			return err
		}
	}
	if p.Photo, err = photo.Of(tx, tenantID, userID); err != nil {
		return err
	}
	phones, err := s.Devices.Of(ctx, tenantID, userID)
	if err != nil {
		return err
	}
	for _, d := range phones {
		p.Phones = append(p.Phones, Phone{
			AccountID: d.AccountID, Key: d.ID[max(0, len(d.ID)-8):], Name: d.Name, Platform: d.Platform, State: d.State, PhoneSignIn: d.PhoneSignIn,
			CreatedAt: d.CreatedAt, LastUsedAt: d.LastUsedAt, EndedAt: d.EndedAt,
		})
	}
	app, ok, err := totp.Of(tx, tenantID, userID)
	if err != nil {
		return err
	}
	if ok {
		p.TOTP = &app
	}
	sheet, ok, err := codesheet.Of(tx, tenantID, userID)
	if err != nil {
		return err
	}
	if ok {
		p.Sheet = &sheet
	}
	if p.Backups, err = backupphone.Of(tx, tenantID, userID); err != nil {
		return err
	}
	for i := range p.Backups { // nobody but their user sees them whole
		p.Backups[i].Number = provider.MaskNumber(p.Backups[i].Number)
	}
	if p.Passkeys, err = passkey.Of(tx, tenantID, userID); err != nil {
		return err
	}
	if p.Passcode, err = passcode.Of(tx, tenantID, userID); err != nil {
		return err
	}
	// A locked user has none: whatever is left of one is dead.
	if p.State == "active" {
		if p.Sessions, err = session.Of(ctx, s.DB, tenantID, userID); err != nil {
			return err
		}
	}
	if p.Throttles, err = s.throttlesOf(tx, tenantID, p.Name); err != nil {
		return err
	}
	held, err := s.heldOf(tx, tenantID, p.Name)
	if err != nil {
		return err
	}
	p.Throttles = append(p.Throttles, held...)
	if p.Invitation, err = invitationOf(tx, tenantID, userID); err != nil {
		return err
	}
	if p.SignIns, err = audit.StoryOf(ctx, s.DB, tenantID, userID, audit.Part{Only: signIns}, time.Time{}, "", signInsRows); err != nil {
		return err
	}
	return s.story(ctx, p, viewer, before, beforeID)
}

// story reads a page of the history, and the names of those who acted.
func (s *Service) story(ctx context.Context, p *Person, viewer access.Standing, before time.Time, beforeID string) (err error) {
	if p.Told = TellingFor(viewer); p.Told != Nothing {
		if p.Story, err = audit.StoryOf(ctx, s.DB, viewer.TenantID, p.ID, p.Told.Part(viewer.UserID), before, beforeID, storyRows+1); err != nil {
			return err
		}
	}
	if p.Older = len(p.Story) > storyRows; p.Older {
		p.Story = p.Story[:storyRows]
	}
	ids := []string{p.LockedBy, p.DisabledBy, p.CreatedBy, p.ManagerID}
	for _, e := range p.Story {
		if e.ActorKind == audit.KindUser {
			ids = append(ids, e.ActorID)
		}
	}
	p.Names, err = user.NamesOf(s.DB.View(ctx), viewer.TenantID, ids...)
	return err
}

// Unended counts the phones that still sign the person in.
func (p Person) Unended() (phones int) {
	for _, phone := range p.Phones {
		if phone.State == device.Active {
			phones++
		}
	}
	return phones
}
