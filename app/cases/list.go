package cases

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/store"
	"latchkey/app/user"
)

// How many a page has.
const (
	PageLength = 50
	storyRows  = 50 // of a page
	notesRows  = 200
)

// Owners that a filter knows beside sign-in names.
const (
	Mine   = "mine"
	Anyone = "anyone"
	Nobody = "nobody" // that no agent has taken
	Desk   = "desk"   // one's own, and those that nobody has taken
)

// Ages that a filter knows: a case that was opened longer ago than that.
var Ages = []string{"day", "three_days", "week", "month"}

var ages = map[string]time.Duration{"day": 24 * time.Hour, "three_days": 3 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour}

// Standing is the state of a filter for all that are not closed.
const Standing = "standing"

// Filter is what a board shows: cases in a state, of an owner, older than an age. The
// zero one is what whoever looks begins with.
type Filter struct {
	State string // of States, or Standing
	Owner string // Mine, Nobody, Desk, Anyone or a sign-in name
	Age   string // of Ages; empty: any
}

// Sees says whose cases somebody has on the board: an agent of the helpdesk their own and
// those that nobody has taken, the others all (within their groups).
func Sees(who access.Standing) (all bool) {
	return who.Role != access.RoleHelpdesk && !strings.HasPrefix(string(who.Role), access.CustomPrefix)
}

// tidy gives the filter that holds for somebody.
func (f Filter) tidy(who access.Standing) Filter {
	if f.State != string(Open) && f.State != string(Waiting) && f.State != string(Closed) {
		f.State = Standing
	}
	if _, ok := ages[f.Age]; !ok {
		f.Age = ""
	}
	switch {
	case !Sees(who) && f.Owner != Mine && f.Owner != Nobody:
		f.Owner = Desk
	case f.Owner == "":
		f.Owner = Anyone
	}
	return f
}

// Position is where a page ends. The zero one is the beginning.
type Position struct {
	At time.Time
	ID string
}

// Row is a case on a list, with the names of those in it.
type Row struct {
	Case
	UserName, DisplayName, OwnerName string

	Proved   bool // somebody was proved to be the person, in a caller check of this case
	Disowned bool // the person says that they did not ask
	OnPhone  bool // and all that says so is a link on a phone, which whoever holds it can follow
}

// Page is a part of the board: the oldest first, of those that are closed the newest.
type Page struct {
	Filter Filter
	Rows   []Row
	More   bool
}

// Board lists the cases of a tenant that somebody sees.
func (s *Service) Board(ctx context.Context, who access.Standing, f Filter, after Position) (p Page, err error) {
	if !who.May.Has(access.CaseView) {
		return p, fault.New(fault.Forbidden, "access.forbidden")
	}
	tx := s.DB.View(ctx)
	p.Filter = f.tidy(who)
	var which []string
	var values []any
	and := func(condition string, more ...any) { which, values = append(which, condition), append(values, more...) }
	switch owner := p.Filter.Owner; owner {
	case Anyone:
	case Mine:
		and("c.owner_id = ?", who.UserID)
	case Nobody:
		and("c.owner_id = ''")
	case Desk:
		and("c.owner_id IN (?, '')", who.UserID)
	default:
		var id string
		if _, err := tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", who.TenantID, user.Name(owner)); err != nil {
			return p, store.Unusable(err)
		}
		if id == "" {
			return p, nil
		}
		and("c.owner_id = ?", id)
	}
	and("c.tenant_id = ?", who.TenantID)
	if p.Filter.State == Standing {
		and("c.state <> 'closed'")
	} else {
		and("c.state = ?", p.Filter.State)
	}
	if age := ages[p.Filter.Age]; age > 0 {
		and("c.opened_at < ?", tx.Now.Add(-age))
	}
	if len(who.Scope) > 0 {
		and("EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = c.user_id AND m.tenant_id = c.tenant_id AND m.group_id IN ?)", who.Scope)
	}
	sign, direction := ">", ""
	if p.Filter.State == string(Closed) {
		sign, direction = "<", " DESC"
	}
	if !after.At.IsZero() {
		and("(c.opened_at, c.id) "+sign+" (?, ?)", after.At, after.ID)
	}
	found, err := list(tx, strings.Join(which, " AND "), "c.opened_at"+direction+", c.id"+direction, PageLength+1, values...)
	if err != nil {
		return p, store.Unusable(err)
	}
	if p.More = len(found) > PageLength; p.More {
		found = found[:PageLength]
	}
	p.Rows, err = named(tx, who.TenantID, found)
	return p, store.Unusable(err)
}

// named gives cases with the names of those in them.
func named(tx *store.Tx, tenantID string, found []Case) ([]Row, error) {
	if len(found) == 0 {
		return nil, nil
	}
	var people []string
	for _, c := range found {
		people = append(people, c.UserID, c.OwnerID)
	}
	called, err := user.CalledOf(tx, tenantID, people...)
	if err != nil {
		return nil, err
	}
	claims, err := claimsOf(tx, tenantID, found)
	rows := make([]Row, len(found))
	for i, c := range found {
		u, of := called[c.UserID], claims[c.ID]
		rows[i] = Row{Case: c, UserName: u.Name, DisplayName: u.DisplayName, OwnerName: called[c.OwnerID].Name, Proved: of.Proved, Disowned: of.Disowned, OnPhone: of.Disowned && !of.Mailed}
	}
	return rows, err
}

// ofPerson is how many cases the page of a person shows.
const ofPerson = 5

// OfPerson gives the last cases of a person, the newest first: one that stands is the
// first, for nobody has two. That who asks may look at the person is the caller's to ask.
func (s *Service) OfPerson(ctx context.Context, who access.Standing, userID string) ([]Row, error) {
	if !who.May.Has(access.CaseView) {
		return nil, nil
	}
	tx := s.DB.View(ctx)
	found, err := list(tx, "c.user_id = ? AND c.tenant_id = ?", "CASE WHEN c.state = 'closed' THEN 1 ELSE 0 END, c.opened_at DESC, c.id", ofPerson, userID, who.TenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	rows, err := named(tx, who.TenantID, found)
	return rows, store.Unusable(err)
}

// Own gives the case of a person that stands, for their own pages.
func (s *Service) Own(ctx context.Context, tenantID, userID string) (row Row, ok bool, err error) {
	tx := s.DB.View(ctx)
	found, err := list(tx, "c.user_id = ? AND c.tenant_id = ? AND c.state <> 'closed'", "c.opened_at", 1, userID, tenantID)
	if err != nil || len(found) == 0 {
		return row, false, store.Unusable(err)
	}
	rows, err := named(tx, tenantID, found)
	if err != nil {
		return row, false, store.Unusable(err)
	}
	return rows[0], true, nil
}

// Numbered finds a case by what somebody typed for its number, or nothing.
func (s *Service) Numbered(ctx context.Context, who access.Standing, typed string) ([]Row, error) {
	number, ok := numberIn(typed)
	if !ok || !who.May.Has(access.CaseView) {
		return nil, nil
	}
	tx := s.DB.View(ctx)
	found, err := list(tx, "c.tenant_id = ? AND c.number = ?", "c.number", 1, who.TenantID, number)
	if err == nil && len(found) == 0 {
		// What somebody was given who asked is the number of the case which it became.
		found, err = list(tx, "c.tenant_id = ? AND c.id = (SELECT a.case_id FROM case_asks a WHERE a.number = ? AND a.tenant_id = ? LIMIT 1)", "c.number", 1, who.TenantID, number, who.TenantID)
	}
	if err != nil {
		return nil, store.Unusable(err)
	}
	for _, c := range found {
		if v, err := s.look(tx, who, c); err != nil || v.Err() != nil {
			return nil, store.Unusable(err)
		}
	}
	rows, err := named(tx, who.TenantID, found)
	return rows, store.Unusable(err)
}

func (s *Service) look(tx *store.Tx, who access.Standing, c Case) (access.Verdict, error) {
	return s.Rules.Ask(tx, access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: access.CaseView, TargetID: c.UserID})
}

// Note is a note.
type Note struct {
	AuthorID, Words string
	At              time.Time
	AskID           string // of the request that it is the words of; empty: an agent's
}

// May says whether somebody may act on the cases of a person.
func (s *Service) May(ctx context.Context, who access.Standing, userID string) (bool, error) {
	v, err := s.Rules.Ask(s.DB.View(ctx), access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: access.CaseHandle, TargetID: userID})
	return v.Err() == nil, store.Unusable(err)
}

// Whole is a case with what stands around it.
type Whole struct {
	Row
	Links  []Linked
	Phones []Linked          // of the person, that can still be linked
	Notes  []Note            // the newest first
	Asks   []Said            // the oldest first
	Story  []audit.Entry     // a page of it, the newest first
	Older  bool              // there is more of the story
	Names  map[string]string // sign-in names of those who acted, by id
	May    bool              // who looks may act on it
}

// Find gives a case. One of another tenant, or of somebody outside the groups of who
// asks, is fault.NotFound. Its story an agent is told who handles it; others of the
// helpdesk read their own part in it (roles.md, audit.read). The story begins behind a
// position.
func (s *Service) Find(ctx context.Context, who access.Standing, id string, before Position) (w Whole, err error) {
	tx := s.DB.View(ctx)
	c, ok, err := find(tx, who.TenantID, id)
	if err != nil {
		return w, store.Unusable(err)
	}
	if !ok {
		return w, fault.New(fault.NotFound, "http.not_found")
	}
	verdict, err := s.look(tx, who, c)
	if err != nil {
		return w, store.Unusable(err)
	}
	if err := verdict.Err(); err != nil {
		return w, err
	}
	rows, err := named(tx, who.TenantID, []Case{c})
	if err != nil {
		return w, store.Unusable(err)
	}
	w.Row = rows[0]
	if w.Links, err = links(tx, c.TenantID, c.ID); err != nil {
		return w, store.Unusable(err)
	}
	var phones []Linked
	if err := tx.All(&phones, "SELECT account_id AS id, name, platform, state, phone_sign_in FROM devices WHERE tenant_id = ? AND user_id = ? AND state = 'active' ORDER BY created_at", c.TenantID, c.UserID); err != nil {
		return w, store.Unusable(err)
	}
	for _, phone := range phones {
		if !slices.ContainsFunc(w.Links, func(l Linked) bool { return l.Kind == LinkDevice && l.ID == phone.ID }) {
			w.Phones = append(w.Phones, phone)
		}
	}
	if people.Masked(who) {
		for _, all := range [][]Linked{w.Links, w.Phones} {
			for i := range all {
				all[i].Name = people.MaskName(all[i].Name)
			}
		}
	}
	if err := tx.All(&w.Notes, "SELECT author_id, words, at, ask_id FROM case_notes WHERE tenant_id = ? AND case_id = ? ORDER BY at DESC, id DESC LIMIT ?", c.TenantID, c.ID, notesRows); err != nil {
		return w, store.Unusable(err)
	}
	if w.Asks, err = saidOf(tx, who, c); err != nil {
		return w, store.Unusable(err)
	}
	if err := s.story(ctx, who, &w, before); err != nil {
		return w, err
	}
	w.May, err = s.May(ctx, who, c.UserID)
	return w, err
}

// meanwhile are the events of a person that belong to the story of their case, though
// nobody did them under it: what they can sign in with came and went, and whether they may.
var meanwhile = []audit.Action{
	audit.DeviceEnrolled, audit.AuthenticatorReset, audit.DeviceRevoked, audit.DeviceRemoved, audit.DeviceDisabled, audit.PhoneSignInEnabled, audit.PhoneSignInDisabled, audit.PhoneSignInMoved,
	audit.TOTPBound, audit.TOTPRemoved, audit.TOTPReset, audit.PasskeyBound, audit.PasskeyRemoved, audit.PasskeyReset,
	audit.CodeSheetMade, audit.CodeSheetRemoved, audit.CodeSheetReset, audit.BackupPhoneBound, audit.BackupPhoneRemoved,
	audit.PasswordSet, audit.PasswordChanged, audit.PasswordRenewed, audit.PasswordLinkMade, audit.SessionsEnded,
	audit.UserLocked, audit.UserUnlocked, audit.UserDisabled, audit.UserEnabled, audit.MFAChanged, audit.WaysRestored,
}

// story reads a page of what happened with a case and to its person meanwhile, and the
// names of those who acted.
func (s *Service) story(ctx context.Context, who access.Standing, w *Whole, before Position) (err error) {
	part := audit.Part{Without: []audit.Action{audit.CaseNoted}} // notes stand by themselves
	if !Sees(who) && w.OwnerID != who.UserID {
		part.By = who.UserID
	}
	also := audit.Meanwhile{UserID: w.UserID, Only: meanwhile, From: w.OpenedAt, Until: s.DB.Now()}
	if w.ClosedAt != nil {
		also.Until = *w.ClosedAt
	}
	if who.May.Has(access.AuditRead) {
		if w.Story, err = audit.ThreadOf(ctx, s.DB, who.TenantID, w.ID, also, part, before.At, before.ID, storyRows+1); err != nil {
			return err
		}
	}
	if w.Older = len(w.Story) > storyRows; w.Older {
		w.Story = w.Story[:storyRows]
	}
	ids := []string{w.OpenedBy, w.ClosedBy}
	for i, e := range w.Story {
		if ids = append(ids, e.ActorID); !who.May.Has(access.AuditReadPersonal) {
			w.Story[i].IP = people.MaskIP(e.IP)
		}
	}
	for _, n := range w.Notes {
		ids = append(ids, n.AuthorID)
	}
	w.Names, err = user.NamesOf(s.DB.View(ctx), who.TenantID, ids...)
	return store.Unusable(err)
}
