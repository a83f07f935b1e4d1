package role

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Holder is a person who holds a role by themselves.
type Holder struct {
	UserID, UserName, DisplayName, State string
	Role                                 access.Role
	RoleName                             string   // of a custom role
	Groups                               []string // names of those it is limited to; none: the whole tenant
	GivenBy                              Giver
	GivenAt                              time.Time
	EndsAt                               *time.Time
}

// Giver is who gave a role.
type Giver struct {
	ID   string
	Name string // empty: somebody who is no user here, such as an operator
}

// Program says that nobody gave it but the program itself, as at set-up.
func (g Giver) Program() bool { return g.ID == "" || g.ID == audit.Service.ID }

// Which says which holders are listed.
type Which struct {
	Role  access.Role // empty: every one
	After string      // the sign-in name before the page
	Limit int
}

// Holders lists, by sign-in name, who holds a role in a tenant, as viewerID may
// see them: who is limited to groups sees people of these.
func (s *Service) Holders(ctx context.Context, tenantID, viewerID string, which Which) ([]Holder, error) {
	tx := s.DB.View(ctx)
	seen, among, err := s.sight(tx, tenantID, viewerID, "a.user_id")
	if err != nil {
		return nil, store.Unusable(err)
	}
	where, values := "a.tenant_id = ? AND (a.ends_at IS NULL OR a.ends_at > ?) AND u.name > ?"+seen, append([]any{tenantID, tx.Now, which.After}, among...)
	if which.Role != "" {
		where, values = where+" AND a.role = ?", append(values, which.Role)
	}
	var rows []struct {
		UserID, UserName, DisplayName, State, Role, RoleName, GiverID, GiverName string

		GivenAt time.Time
		EndsAt  *time.Time
	}
	err = tx.All(&rows, `SELECT a.user_id, u.name AS user_name, u.display_name, u.state, a.role, COALESCE(c.name, '') AS role_name,
		a.assigned_by AS giver_id, COALESCE(b.name, '') AS giver_name, a.assigned_at AS given_at, a.ends_at
		FROM role_assignments a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		LEFT JOIN custom_roles c ON c.tenant_id = a.tenant_id AND c.id = a.role
		LEFT JOIN users b ON b.tenant_id = a.tenant_id AND b.id = a.assigned_by
		WHERE `+where+" ORDER BY u.name LIMIT ?", append(values, which.Limit)...)
	if err != nil || len(rows) == 0 {
		return nil, store.Unusable(err)
	}
	all, at := make([]Holder, len(rows)), map[string]*Holder{}
	ids := make([]string, len(rows))
	for i, r := range rows {
		all[i] = Holder{r.UserID, r.UserName, r.DisplayName, r.State, access.Role(r.Role), r.RoleName, nil, Giver{r.GiverID, r.GiverName}, r.GivenAt, r.EndsAt}
		ids[i], at[r.UserID] = r.UserID, &all[i]
	}
	var limits []struct{ UserID, Name string }
	err = tx.All(&limits, `SELECT s.user_id, g.name FROM role_scopes s JOIN groups g ON g.tenant_id = s.tenant_id AND g.id = s.group_id
		WHERE s.tenant_id = ? AND s.user_id IN ? ORDER BY g.name`, tenantID, ids)
	for _, l := range limits {
		at[l.UserID].Groups = append(at[l.UserID].Groups, l.Name)
	}
	return all, store.Unusable(err)
}

// sight gives a condition by which viewerID finds people, on the column with
// their id, and its values: nothing for who is not limited to groups.
func (s *Service) sight(tx *store.Tx, tenantID, viewerID, column string) (condition string, values []any, err error) {
	viewer, err := s.Rules.StandingIn(tx, tenantID, viewerID)
	if err != nil || len(viewer.Scope) == 0 {
		return "", nil, err
	}
	return " AND EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = ? AND m.user_id = " + column + " AND m.group_id IN ?)", []any{tenantID, viewer.Scope}, nil
}

// Carrier is a group that carries a role: its members hold it.
type Carrier struct {
	GroupID, Name string
	Role          access.Role
	RoleName      string // of a custom role
	Members       int
	GiverID       string // see Giver
	GiverName     string
	GivenAt       *time.Time
}

const carriersMost = 200

// Carriers lists the groups that carry a role, as viewerID may see them.
func (s *Service) Carriers(ctx context.Context, tenantID, viewerID string) ([]Carrier, error) {
	tx := s.DB.View(ctx)
	viewer, err := s.Rules.StandingIn(tx, tenantID, viewerID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	within, values := "", []any{tenantID}
	if len(viewer.Scope) > 0 {
		within, values = " AND g.id IN ?", append(values, viewer.Scope)
	}
	var all []Carrier
	err = tx.All(&all, `SELECT g.id AS group_id, g.name, g.role, COALESCE(c.name, '') AS role_name, g.role_by AS giver_id, COALESCE(b.name, '') AS giver_name, g.role_at AS given_at,
		(SELECT count(*) FROM group_members m WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id) AS members
		FROM groups g LEFT JOIN custom_roles c ON c.tenant_id = g.tenant_id AND c.id = g.role
		LEFT JOIN users b ON b.tenant_id = g.tenant_id AND b.id = g.role_by
		WHERE g.tenant_id = ? AND g.role <> ''`+within+" ORDER BY g.name LIMIT ?", append(values, carriersMost)...)
	return all, store.Unusable(err)
}

// Customs lists the custom roles of a tenant that are not retired, by name.
func (s *Service) Customs(ctx context.Context, tenantID string) ([]CustomRole, error) {
	tx := s.DB.View(ctx)
	var rows []customRow
	if err := tx.All(&rows, customs+" ORDER BY c.name", tx.Now, tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]CustomRole, len(rows))
	for i, r := range rows {
		all[i] = s.ranked(r.role())
	}
	return all, nil
}

// Custom gives one custom role: fault.NotFound when the tenant has none such, or
// it is retired.
func (s *Service) Custom(ctx context.Context, tenantID string, id access.Role) (CustomRole, error) {
	c, there, err := customOf(s.DB.View(ctx), tenantID, id)
	if err == nil && !there {
		err = errNone
	}
	return s.ranked(c), store.Unusable(err)
}

// ranked gives c its rank: the highest that something in it brings.
func (s *Service) ranked(c CustomRole) CustomRole {
	composable := s.Rules.Composable()
	c.Rank = access.Ranks[access.RoleHelpdesk]
	for _, p := range c.Permissions {
		c.Rank = max(c.Rank, composable[p])
	}
	return c
}

// Person is somebody to whom a role may be given.
type Person struct {
	ID, Name, DisplayName, State string
	Standing                     access.Standing
	Through                      string   // name of the group that carries their role; empty: their own
	Scope                        []string // names of the groups that it is limited to
}

// PersonNamed finds somebody by their sign-in name, and PersonOf by their id, as
// viewerID may find them: fault.NotFound for whoever is outside the groups, of
// another tenant, or not there.
func (s *Service) PersonNamed(ctx context.Context, tenantID, viewerID, typed string) (Person, error) {
	return s.person(ctx, tenantID, viewerID, "u.name = ?", user.Name(typed))
}

// PersonOf: see PersonNamed.
func (s *Service) PersonOf(ctx context.Context, tenantID, viewerID, userID string) (Person, error) {
	return s.person(ctx, tenantID, viewerID, "u.id = ?", userID)
}

func (s *Service) person(ctx context.Context, tenantID, viewerID, who, value string) (p Person, err error) {
	tx := s.DB.View(ctx)
	seen, among, err := s.sight(tx, tenantID, viewerID, "u.id")
	if err != nil {
		return p, store.Unusable(err)
	}
	var row struct{ ID, Name, DisplayName, State string }
	there, err := tx.One(&row, "SELECT u.id, u.name, u.display_name, u.state FROM users u WHERE u.tenant_id = ? AND "+who+seen, append([]any{tenantID, value}, among...)...)
	if err == nil && !there {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return p, store.Unusable(err)
	}
	p = Person{ID: row.ID, Name: row.Name, DisplayName: row.DisplayName, State: row.State}
	if p.Standing, err = s.Rules.StandingIn(tx, tenantID, row.ID); err != nil {
		return p, store.Unusable(err)
	}
	if p.Scope, err = namesOf(tx, tenantID, p.Standing.Scope); err != nil || p.Standing.Through == "" {
		return p, store.Unusable(err)
	}
	_, err = tx.One(&p.Through, "SELECT name FROM groups WHERE tenant_id = ? AND id = ?", tenantID, p.Standing.Through)
	return p, store.Unusable(err)
}

// Group is a group to which a role may be limited.
type Group struct{ ID, Name string }

// GroupsFor lists groups to which actorID may limit a role, by name: with more
// than GroupsMost the first ones, and more is true.
func (s *Service) GroupsFor(ctx context.Context, tenantID, actorID string) (groups []Group, more bool, err error) {
	groups, err = s.groups(ctx, tenantID, actorID, "", nil)
	if len(groups) > GroupsMost {
		groups, more = groups[:GroupsMost], true
	}
	return groups, more, err
}

// GroupsNamed gives the ids of such groups by their names. Those that are not
// there are left out.
func (s *Service) GroupsNamed(ctx context.Context, tenantID, actorID string, names []string) (ids []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	groups, err := s.groups(ctx, tenantID, actorID, " AND name IN ?", names)
	for _, g := range groups {
		ids = append(ids, g.ID)
	}
	return ids, err
}

func (s *Service) groups(ctx context.Context, tenantID, actorID, which string, names []string) (groups []Group, err error) {
	tx := s.DB.View(ctx)
	actor, err := s.Rules.StandingIn(tx, tenantID, actorID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	values := []any{tenantID}
	if which != "" {
		values = append(values, names)
	}
	if len(actor.Scope) > 0 {
		which, values = which+" AND id IN ?", append(values, actor.Scope)
	}
	err = tx.All(&groups, "SELECT id, name FROM groups WHERE tenant_id = ?"+which+" ORDER BY name LIMIT ?", append(values, GroupsMost+1)...)
	return groups, store.Unusable(err)
}

// Givable lists the roles of a tenant with the answer to giving each to a person.
func (s *Service) Givable(ctx context.Context, tenantID, actorID, userID string) ([]access.Givable, error) {
	all, err := s.Rules.Givable(s.DB.View(ctx), tenantID, actorID, userID)
	return all, store.Unusable(err)
}
