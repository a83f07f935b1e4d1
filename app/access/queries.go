package access

import (
	"slices"
	"strings"
	"time"

	"latchkey/app/store"
)

// assignment is a role that somebody holds: by themselves, through a group, or,
// an operator, by a grant of the tenant.
type assignment struct {
	TenantID, UserID, Role, Through string
	EndsAt, GrantEndsAt             *time.Time
	CustomName, Permissions         *string // of a custom role that is not retired
}

// The end stands outside the union: SQLite gives a column of a union no type, and
// a time without one is read as text.
const assignments = `SELECT a.tenant_id, a.user_id, a.role, a.through, r.ends_at, o.ends_at AS grant_ends_at, c.name AS custom_name, c.permissions FROM (
	SELECT tenant_id, user_id, role, '' AS through, '' AS grant_id FROM role_assignments
	UNION ALL
	SELECT g.tenant_id, m.user_id, g.role, g.id, '' FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id WHERE g.role <> ''
	UNION ALL
	SELECT o.tenant_id, o.operator_id, o.role, '', o.id FROM operator_grants o
		JOIN role_assignments p ON p.tenant_id = 'platform' AND p.user_id = o.operator_id AND p.role = 'operator' WHERE o.ended_at IS NULL
	) a LEFT JOIN role_assignments r ON r.tenant_id = a.tenant_id AND r.user_id = a.user_id AND a.through = '' AND a.grant_id = ''
	LEFT JOIN operator_grants o ON o.tenant_id = a.tenant_id AND o.id = a.grant_id
	LEFT JOIN custom_roles c ON c.tenant_id = a.tenant_id AND c.id = a.role AND c.retired_at IS NULL`

// limits are the groups that assignments are limited to.
const limits = "SELECT tenant_id, user_id, group_id FROM role_scopes"

// holders reads everybody who holds a role.
func holders(tx *store.Tx, m *matrix) (map[holder]Standing, error) {
	return holdersWhere(tx, m, "", nil, "", nil)
}

// standing reads what one person is, in the act tx.
func standing(tx *store.Tx, m *matrix, tenantID, userID string) (Standing, error) {
	who := []any{tenantID, userID}
	found, err := holdersWhere(tx, m, " WHERE a.tenant_id = ? AND a.user_id = ?", who, " WHERE tenant_id = ? AND user_id = ?", who)
	s, ok := found[holder{tenantID, userID}]
	if !ok || !s.EndsAt.IsZero() && !tx.Now.Before(s.EndsAt) {
		return m.user(tenantID, userID), err
	}
	return s, err
}

// acting is standing for who acts: it also asks whether their account is active,
// in the tenant or, of an operator, on the platform.
func acting(tx *store.Tx, m *matrix, tenantID, userID string) (Standing, error) {
	s, err := standing(tx, m, tenantID, userID)
	if err != nil {
		return s, err
	}
	var active int
	_, err = tx.One(&active, "SELECT count(*) FROM users WHERE tenant_id IN (?, ?) AND id = ? AND state = 'active'", tenantID, Platform, userID)
	s.Inactive = active == 0
	return s, err
}

func holdersWhere(tx *store.Tx, m *matrix, which string, values []any, scoped string, scopedValues []any) (map[holder]Standing, error) {
	var rows []assignment
	if err := tx.All(&rows, assignments+which, values...); err != nil {
		return nil, err
	}
	all := make(map[holder]Standing, len(rows))
	for _, row := range rows {
		s := row.standing(m)
		key := holder{row.TenantID, row.UserID}
		if other, ok := all[key]; !ok || s.before(other, tx.Now) {
			all[key] = s
		}
	}
	var groups []struct{ TenantID, UserID, GroupID string }
	if err := tx.All(&groups, limits+scoped, scopedValues...); err != nil {
		return nil, err
	}
	for _, limit := range groups {
		key := holder{limit.TenantID, limit.UserID}
		if s, ok := all[key]; ok && s.Through == "" {
			s.Scope = append(s.Scope, limit.GroupID)
			s.May &^= wide
			all[key] = s
		}
	}
	return all, nil
}

// standing gives what an assignment makes of its holder. A custom role that is
// retired, or one that nobody knows, makes nothing of them but a name.
func (a assignment) standing(m *matrix) Standing {
	d := m.definition(Role(a.Role))
	if strings.HasPrefix(a.Role, CustomPrefix) && a.Permissions != nil {
		d = m.custom(Role(a.Role), *a.CustomName, *a.Permissions)
	}
	s := Standing{TenantID: a.TenantID, UserID: a.UserID, Role: d.role, Name: d.name, Rank: d.rank, May: d.may, Through: a.Through}
	for _, at := range []*time.Time{a.EndsAt, a.GrantEndsAt} {
		if at != nil {
			s.EndsAt = *at
		}
	}
	return s
}

// before says whether of two assignments of one person s is the one that holds:
// what has not ended, then their own, then the higher rank.
func (s Standing) before(other Standing, now time.Time) bool {
	live := func(s Standing) bool { return s.EndsAt.IsZero() || now.Before(s.EndsAt) }
	switch {
	case live(s) != live(other):
		return live(s)
	case (s.Through == "") != (other.Through == ""):
		return s.Through == ""
	}
	return s.Rank > other.Rank
}

// groupsOf reads the groups of a user, and whether there is such a user.
func groupsOf(tx *store.Tx, tenantID, userID string) (groups []string, there bool, err error) {
	var rows []struct{ ID, GroupID string }
	err = tx.All(&rows, `SELECT u.id, COALESCE(m.group_id, '') AS group_id FROM users u
		LEFT JOIN group_members m ON m.tenant_id = u.tenant_id AND m.user_id = u.id WHERE u.tenant_id = ? AND u.id = ?`, tenantID, userID)
	for _, row := range rows {
		if row.GroupID != "" {
			groups = append(groups, row.GroupID)
		}
	}
	return groups, len(rows) > 0, err
}

// customRole reads a custom role of a tenant that is not retired.
func customRole(tx *store.Tx, m *matrix, tenantID string, id Role) (definition, bool, error) {
	var row struct{ Name, Permissions string }
	ok, err := tx.One(&row, "SELECT name, permissions FROM custom_roles WHERE tenant_id = ? AND id = ? AND retired_at IS NULL", tenantID, id)
	return m.custom(id, row.Name, row.Permissions), ok, err
}

// makersOf gives who created or promoted a person since then: made their account,
// gave their role, or put them into a group with a role, or a role on their group.
func makersOf(tx *store.Tx, tenantID, userID string, since time.Time) ([]string, error) {
	var makers []string
	err := tx.All(&makers, `SELECT created_by FROM users WHERE tenant_id = ? AND id = ? AND created_at > ?
		UNION SELECT assigned_by FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND assigned_at > ?
		UNION SELECT m.added_by FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
			WHERE m.tenant_id = ? AND m.user_id = ? AND g.role <> '' AND m.added_at > ?
		UNION SELECT g.role_by FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
			WHERE m.tenant_id = ? AND m.user_id = ? AND g.role <> '' AND g.role_at > ?`,
		tenantID, userID, since, tenantID, userID, since, tenantID, userID, since, tenantID, userID, since)
	return makers, err
}

// groupsOfAll reads the groups of several users of a tenant. Who is not there has
// none.
func groupsOfAll(tx *store.Tx, tenantID string, users []string) (map[string][]string, error) {
	groups := map[string][]string{}
	for some := range slices.Chunk(users, atOnce) {
		var rows []struct{ UserID, GroupID string }
		if err := tx.All(&rows, "SELECT user_id, group_id FROM group_members WHERE tenant_id = ? AND user_id IN ?", tenantID, some); err != nil {
			return nil, err
		}
		for _, row := range rows {
			groups[row.UserID] = append(groups[row.UserID], row.GroupID)
		}
	}
	return groups, nil
}

// atOnce is how many ids one statement takes.
const atOnce = 1000

// standingsOf reads what several people of a tenant are, in the act tx.
func standingsOf(tx *store.Tx, m *matrix, tenantID string, users []string) (map[string]Standing, error) {
	all := make(map[string]Standing, len(users))
	for some := range slices.Chunk(users, atOnce) {
		who := []any{tenantID, some}
		found, err := holdersWhere(tx, m, " WHERE a.tenant_id = ? AND a.user_id IN ?", who, " WHERE tenant_id = ? AND user_id IN ?", who)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			s, ok := found[holder{tenantID, id}]
			if !ok || !s.EndsAt.IsZero() && !tx.Now.Before(s.EndsAt) {
				s = m.user(tenantID, id)
			}
			all[id] = s
		}
	}
	return all, nil
}
