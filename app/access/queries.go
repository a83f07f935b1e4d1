package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/app/store"
)

// rights reads, in one statement and so at one moment, who holds which role (1:
// by themselves, through a group, or, an operator, by a grant of the tenant),
// the groups that assignments are limited to (2), and the custom roles that are
// not retired (3). Were the limits read apart, an assignment taken in between
// would be seen without them. Nothing is joined that need not be: there may be
// tens of thousands of assignments, and our connections join by index alone. The
// places are for which assignments, which limits and which custom roles.
const rights = `SELECT 1 AS kind, a.tenant_id, a.user_id, a.role AS name, a.through AS more, a.ends_at FROM (
	SELECT tenant_id, user_id, role, '' AS through, ends_at FROM role_assignments
	UNION ALL
	SELECT g.tenant_id, m.user_id, g.role, g.id, NULL FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id WHERE g.role <> ''
	UNION ALL
	SELECT o.tenant_id, o.operator_id, o.role, '', o.ends_at FROM operator_grants o
		JOIN role_assignments p ON p.tenant_id = 'platform' AND p.user_id = o.operator_id AND p.role = 'operator' WHERE o.ended_at IS NULL
	) a%s
	UNION ALL SELECT 2, tenant_id, user_id, group_id, '', NULL FROM role_scopes%s
	UNION ALL SELECT 3, tenant_id, id, name, permissions, NULL FROM custom_roles WHERE retired_at IS NULL%s`

// right is a row of it. Of a custom role, userID is its id.
type right struct {
	kind                         int
	tenantID, userID, name, more string
	endsAt                       instant // zero: none
}

// instant reads a time that may be NULL. SQLite knows the type of a column, and
// not that of a column of a union, which it gives as the text that it keeps.
type instant struct{ time.Time }

func (i *instant) Scan(kept any) (err error) {
	switch kept := kept.(type) {
	case nil:
		i.Time = time.Time{}
	case time.Time:
		i.Time = kept
	case string:
		i.Time, err = time.Parse("2006-01-02 15:04:05.999999999-07:00", kept)
	default:
		err = fmt.Errorf("access: %T is no time", kept)
	}
	return err
}

// mark stands for the rows that holders reads, in a tenth of the time: how many
// there are, and the transactions that wrote them. A row that is changed or made
// has a later one, so that the sum grows or the count differs.
const mark = `SELECT concat_ws(' ', of_roles.mark, of_limits.mark, of_customs.mark, of_grants.mark, of_groups.mark, of_members.mark) FROM
	(SELECT concat(count(*), '/', sum(xmin::text::bigint)) AS mark FROM role_assignments) of_roles,
	(SELECT concat(count(*), '/', sum(xmin::text::bigint)) AS mark FROM role_scopes) of_limits,
	(SELECT concat(count(*), '/', sum(xmin::text::bigint)) AS mark FROM custom_roles) of_customs,
	(SELECT concat(count(*), '/', sum(xmin::text::bigint)) AS mark FROM operator_grants WHERE ended_at IS NULL) of_grants,
	(SELECT concat(count(*), '/', sum(xmin::text::bigint)) AS mark FROM groups WHERE role <> '') of_groups,
	(SELECT concat(count(*), '/', sum(m.xmin::text::bigint)) AS mark FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id WHERE g.role <> '') of_members`

// markOf gives the mark of what is there now, or none on a database that does
// not keep who wrote a row.
func markOf(tx *store.Tx) (found string, err error) {
	if tx.Dialect != store.Postgres {
		return "", nil
	}
	_, err = tx.One(&found, mark)
	return found, err
}

// holders reads everybody who holds a role.
func holders(tx *store.Tx, m *matrix) (map[holder]Standing, error) {
	return holdersWhere(tx, m, "", nil, "", nil)
}

// standing reads what one person is, in the act tx.
func standing(tx *store.Tx, m *matrix, tenantID, userID string) (Standing, error) {
	who := []any{tenantID, userID}
	found, err := holdersWhere(tx, m, " WHERE a.tenant_id = ? AND a.user_id = ?", who, " WHERE tenant_id = ? AND user_id = ?", who)
	s, ok := found[holder{tenantID, userID}]
	if !ok || s.ended(tx.Now) {
		return m.user(tenantID, userID), err
	}
	return s, err
}

// acting is standing for who acts: it also asks whether their account is active.
// Who is no user of the tenant may be an operator, whose account and whose role
// stand behind the wall of the platform.
func acting(tx *store.Tx, m *matrix, tenantID, userID string) (s Standing, err error) {
	if s, err = standing(tx, m, tenantID, userID); err != nil {
		return s, err
	}
	var state string
	there, err := tx.One(&state, "SELECT state FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
	if err == nil && !there {
		err = tx.Outside(func(tx *store.Tx) error {
			if s, err = standing(tx, m, tenantID, userID); err != nil {
				return err
			}
			_, err := tx.One(&state, "SELECT state FROM users WHERE tenant_id = ? AND id = ?", Platform, userID)
			return err
		})
	}
	s.Inactive = state != "active"
	return s, err
}

// holdersWhere reads holders; the values of which begin with the tenant, if there
// are any.
func holdersWhere(tx *store.Tx, m *matrix, which string, values []any, scoped string, scopedValues []any) (map[holder]Standing, error) {
	all, ofTenant := slices.Concat(values, scopedValues), ""
	if len(values) > 0 {
		all, ofTenant = append(all, values[0]), " AND tenant_id = ?"
	}
	a := assembly{m: m, now: tx.Now, found: map[holder]Standing{}, customs: map[holder]right{}}
	err := a.read(tx, fmt.Sprintf(rights, which, scoped, ofTenant), all)
	return a.found, err
}

// assembly puts standings together while rights are read, which come in any order.
type assembly struct {
	m       *matrix
	now     time.Time
	found   map[holder]Standing
	customs map[holder]right
	later   []right // limits, and assignments of custom roles
}

// read reads by hand: what gorm does for each row costs more than the row.
func (a *assembly) read(tx *store.Tx, query string, values []any) (err error) {
	rows, err := tx.Raw(query, values...).Rows()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r right
		if err := rows.Scan(&r.kind, &r.tenantID, &r.userID, &r.name, &r.more, &r.endsAt); err != nil {
			return err
		}
		switch {
		case r.kind == 3:
			a.customs[holder{r.tenantID, r.userID}] = r
		case r.kind == 2 || strings.HasPrefix(r.name, CustomPrefix):
			a.later = append(a.later, r)
		default:
			a.assigned(r, a.m.definition(Role(r.name)))
		}
	}
	a.finish()
	return rows.Err()
}

// assigned takes an assignment, or leaves the better one that the person has.
func (a *assembly) assigned(r right, d definition) {
	s := Standing{
		TenantID: r.tenantID, UserID: r.userID, Role: d.role, Name: d.name, Rank: d.rank, May: d.may, EndsAt: r.endsAt.UTC(), Through: r.more,
	}
	key := holder{r.tenantID, r.userID}
	if other, ok := a.found[key]; !ok || s.before(other, a.now) {
		a.found[key] = s
	}
}

// finish does what needs all rows. A custom role that is retired is none: its
// holder is what they would be without it.
func (a *assembly) finish() {
	for _, r := range a.later {
		if custom, ok := a.customs[holder{r.tenantID, r.name}]; ok && r.kind == 1 {
			a.assigned(r, a.m.custom(Role(r.name), custom.name, custom.more))
		}
	}
	for _, r := range a.later {
		key := holder{r.tenantID, r.userID}
		if s, ok := a.found[key]; ok && r.kind == 2 && s.Through == "" {
			s.Scope = append(s.Scope, r.name)
			s.May &^= wide
			a.found[key] = s
		}
	}
}

// before says whether of two assignments of one person s is the one that holds:
// what has not ended, then their own, then the higher rank.
func (s Standing) before(other Standing, now time.Time) bool {
	switch {
	case s.ended(now) != other.ended(now):
		return other.ended(now)
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

// MakersOf gives who created or promoted a person since then: made their account,
// or the link to a password, by which the account might be theirs; enabled it;
// gave a role, also one that another one has changed since; put them into a group
// with a role, or a role on their group; of an operator, who let them in.
func MakersOf(tx *store.Tx, tenantID, userID string, since time.Time) ([]string, error) {
	var makers []string
	err := tx.All(&makers, `SELECT created_by FROM users WHERE tenant_id = ? AND id = ? AND created_at > ?
		UNION SELECT created_by FROM invitations WHERE tenant_id = ? AND user_id = ? AND created_at > ?
		UNION SELECT actor_id FROM audit_events WHERE tenant_id = ? AND subject_id = ? AND occurred_at > ? AND action IN ('role.assigned', 'user.enabled')
		UNION SELECT assigned_by FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND assigned_at > ?
		UNION SELECT m.added_by FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
			WHERE m.tenant_id = ? AND m.user_id = ? AND g.role <> '' AND m.added_at > ?
		UNION SELECT g.role_by FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
			WHERE m.tenant_id = ? AND m.user_id = ? AND g.role <> '' AND g.role_at > ?
		UNION SELECT granted_by FROM operator_grants WHERE tenant_id = ? AND operator_id = ? AND granted_at > ?`,
		slices.Repeat([]any{tenantID, userID, since}, 7)...)
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
