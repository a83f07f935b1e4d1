package group

import (
	"context"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// PageSize is how many rows a page of groups or members has.
const PageSize = 50

// members counts those of a group g, as far as they are counted.
var members = `(SELECT count(*) FROM (SELECT 1 AS one FROM group_members m WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id LIMIT ` +
	strconv.Itoa(CountMost+1) + `) n)`

// List gives the groups that somebody sees whose names begin with prefix and
// come after a name, by name, and whether more follow.
func (s *Service) List(ctx context.Context, who access.Standing, prefix, after string) (page []Group, more bool, err error) {
	where, values := named(prefix)
	if len(who.Scope) > 0 {
		where, values = where+" AND g.id IN ?", append(values, who.Scope)
	}
	values = append([]any{who.TenantID, after}, values...)
	err = s.DB.View(ctx).All(&page, `SELECT g.id, g.name, g.role, COALESCE(c.name, '') AS role_name, g.created_at, `+members+` AS members
		FROM groups g LEFT JOIN custom_roles c ON c.tenant_id = g.tenant_id AND c.id = g.role
		WHERE g.tenant_id = ? AND g.name > ?`+where+" ORDER BY g.name LIMIT ?", append(values, PageSize+1)...)
	page, more = cut(page)
	return page, more, store.Unusable(err)
}

// Matching gives up to limit groups that somebody sees whose names begin with prefix.
func (s *Service) Matching(ctx context.Context, who access.Standing, prefix string, limit int) ([]Group, error) {
	page, _, err := s.List(ctx, who, prefix, "")
	return page[:min(limit, len(page))], err
}

// named is the condition that the name of a group g begins with prefix, as typed,
// small, large or with a capital: each is a range of the index.
func named(prefix string) (where string, values []any) {
	prefix = strings.Join(strings.Fields(prefix), " ")
	if prefix == "" {
		return "", nil
	}
	small := strings.ToLower(prefix)
	first, size := utf8.DecodeRuneInString(small)
	var ranges []string
	seen := map[string]bool{}
	for _, form := range []string{prefix, small, strings.ToUpper(prefix), string(unicode.ToUpper(first)) + small[size:]} {
		if seen[form] {
			continue
		}
		seen[form] = true
		ranges = append(ranges, "g.name >= ? AND g.name < ?")
		values = append(values, form, form+last)
	}
	return " AND (" + strings.Join(ranges, " OR ") + ")", values
}

// last sorts behind every letter.
const last = "\U0010ffff"

func cut[T any](rows []T) (page []T, more bool) {
	if len(rows) > PageSize {
		return rows[:PageSize], true
	}
	return rows, false
}

// Find gives a group that somebody sees; another one is fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, id string) (Group, error) {
	var g Group
	tx := s.DB.View(ctx)
	ok, err := tx.One(&g, `SELECT g.id, g.name, g.role, COALESCE(c.name, '') AS role_name, c.retired_at IS NOT NULL AS retired, g.created_at, g.role_at, `+members+` AS members,
		g.created_by, g.role_by,
		(SELECT count(*) FROM role_scopes s WHERE s.tenant_id = g.tenant_id AND s.group_id = g.id) AS limits
		FROM groups g LEFT JOIN custom_roles c ON c.tenant_id = g.tenant_id AND c.id = g.role
		WHERE g.tenant_id = ? AND g.id = ?`, who.TenantID, id)
	if err != nil {
		return g, store.Unusable(err)
	}
	if !ok || !who.Covers([]string{id}) {
		return Group{}, fault.New(fault.NotFound, "http.not_found")
	}
	names, err := user.NamesOf(tx, who.TenantID, g.CreatedBy, g.RoleBy)
	g.CreatedBy, g.RoleBy = names[g.CreatedBy], names[g.RoleBy]
	return g, store.Unusable(err)
}

// Members gives the members of a group that come after a sign-in name, by it,
// and whether more follow. Whether somebody sees the group is asked by Find.
func (s *Service) Members(ctx context.Context, tenantID, groupID, after string) (page []Member, more bool, err error) {
	tx := s.DB.View(ctx)
	err = tx.All(&page, `SELECT m.user_id, m.user_name AS name, u.display_name, u.state, m.added_at, m.added_by
		FROM group_members m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
		WHERE m.group_id = ? AND m.tenant_id = ? AND m.user_name > ? ORDER BY m.user_name, m.user_id LIMIT ?`,
		groupID, tenantID, after, PageSize+1)
	if err != nil {
		return nil, false, store.Unusable(err)
	}
	page, more = cut(page)
	adders := make([]string, len(page))
	for i, m := range page {
		adders[i] = m.AddedBy
	}
	names, err := user.NamesOf(tx, tenantID, adders...)
	for i, m := range page {
		page[i].AddedBy = names[m.AddedBy]
	}
	return page, more, store.Unusable(err)
}

// Person gives the id of a user that somebody sees by the sign-in name as typed.
// It fails with fault.Invalid for the field name when there is nobody.
func (s *Service) Person(ctx context.Context, who access.Standing, typed string) (id string, err error) {
	nobody := fault.Wrong("form.wrong", map[string]string{"name": "group.nobody"})
	u, ok, err := user.Named(ctx, s.DB, who.TenantID, user.Name(typed))
	if err != nil {
		return "", err
	}
	if !ok {
		return "", nobody
	}
	var groups []string
	if err := s.DB.View(ctx).All(&groups, "SELECT group_id FROM group_members WHERE user_id = ? AND tenant_id || '' = ?", u.ID, who.TenantID); err != nil {
		return "", store.Unusable(err)
	}
	if !who.Covers(groups) {
		return "", nobody
	}
	return u.ID, nil
}

// row is a group as the acts read it.
type row struct {
	ID, Name string
	Role     access.Role
}

func find(tx *store.Tx, tenantID, id string) (g row, ok bool, err error) {
	ok, err = tx.One(&g, "SELECT id, name, role FROM groups WHERE tenant_id = ? AND id = ?", tenantID, id)
	return g, ok, err
}

// What a group is held for: whoever makes a row that names it need not wait
// unless it may be gone afterwards.
const (
	toChange = " FOR NO KEY UPDATE"
	toDelete = " FOR UPDATE"
)

// hold keeps everybody else from changing a group until the act tx ends, and
// fails with fault.Conflict when it no longer is what was planned for. Each act
// that asks what role a group carries, or who is in it, holds it.
func hold(tx *store.Tx, tenantID string, planned row, what string) error {
	query := "SELECT id, name, role FROM groups WHERE tenant_id = ? AND id = ?"
	if tx.Dialect == store.Postgres {
		query += what
	}
	var now row
	if _, err := tx.One(&now, query, tenantID, planned.ID); err != nil {
		return err
	}
	if now != planned {
		return changed
	}
	return nil
}

var changed = fault.New(fault.Conflict, "group.changed")

// taken says whether another group has a name, in whatever case.
func taken(tx *store.Tx, tenantID, name, except string) (bool, error) {
	var id string
	return tx.One(&id, "SELECT id FROM groups WHERE tenant_id = ? AND (name = ? OR lower(name) = lower(?)) AND id <> ? LIMIT 1", tenantID, name, name, except)
}

// carrier is somebody in a group that carries a role, or is to.
type carrier struct{ ID, Name string }

// carriersOf reads the members of a group by name, one more than it may have.
func carriersOf(tx *store.Tx, tenantID, groupID string) (all []carrier, err error) {
	err = tx.All(&all, "SELECT user_id AS id, user_name AS name FROM group_members WHERE group_id = ? AND tenant_id = ? ORDER BY user_name, user_id LIMIT ?",
		groupID, tenantID, CarriersMost+1)
	return all, err
}

func count(tx *store.Tx, tenantID, groupID string) (n int, err error) {
	_, err = tx.One(&n, "SELECT count(*) FROM group_members WHERE group_id = ? AND tenant_id = ?", groupID, tenantID)
	return n, err
}
