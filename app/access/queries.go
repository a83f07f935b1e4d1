package access

import (
	"strings"
	"time"

	"latchkey/app/store"
)

// assignment is a role that somebody holds, by themselves or through a group.
type assignment struct {
	TenantID, UserID, Role, Through string
	EndsAt                          *time.Time
	CustomName, Permissions         *string // of a custom role that is not retired
}

const assignments = `SELECT a.tenant_id, a.user_id, a.role, a.through, a.ends_at, c.name AS custom_name, c.permissions FROM (
	SELECT tenant_id, user_id, role, '' AS through, ends_at FROM role_assignments
	UNION ALL
	SELECT g.tenant_id, m.user_id, g.role, g.id, NULL FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id WHERE g.role <> ''
	) a LEFT JOIN custom_roles c ON c.tenant_id = a.tenant_id AND c.id = a.role AND c.retired_at IS NULL`

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
	if a.EndsAt != nil {
		s.EndsAt = *a.EndsAt
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

// groupsOf reads the groups of a user, and whether there is such a user. The
// groups are found by the user: SQLite, given the plain tenant, would read all
// members that the tenant has.
func groupsOf(tx *store.Tx, tenantID, userID string) (groups []string, there bool, err error) {
	var rows []struct{ ID, GroupID string }
	err = tx.All(&rows, `SELECT u.id, COALESCE(m.group_id, '') AS group_id FROM users u
		LEFT JOIN group_members m ON m.user_id = u.id AND m.tenant_id || '' = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?`, tenantID, userID)
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

// madeBy says whether one person was created or promoted by another since then:
// their account, their role, their place in a group with a role, or its role.
func madeBy(tx *store.Tx, tenantID, userID, makerID string, since time.Time) (bool, error) {
	var made int
	_, err := tx.One(&made, `SELECT
		(SELECT count(*) FROM users WHERE tenant_id = ? AND id = ? AND created_by = ? AND created_at > ?) +
		(SELECT count(*) FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND assigned_by = ? AND assigned_at > ?) +
		(SELECT count(*) FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id WHERE m.tenant_id = ? AND m.user_id = ? AND g.role <> ''
			AND (m.added_by = ? AND m.added_at > ? OR g.role_by = ? AND g.role_at > ?))`,
		tenantID, userID, makerID, since, tenantID, userID, makerID, since, tenantID, userID, makerID, since, makerID, since)
	return made > 0, err
}
