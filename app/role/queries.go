package role

import (
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/store"
)

// held is the role that somebody holds by themselves, as it stands; none at all
// when there is none, or when it has ended.
type held struct {
	Role   access.Role
	EndsAt *time.Time
	Groups []string // ids of those it is limited to, in their order
	Scope  string   // and their names
	title  title
}

func (s *Service) heldBy(tx *store.Tx, tenantID, userID string) (h held, err error) {
	var row struct {
		Role   access.Role
		EndsAt *time.Time
	}
	_, err = tx.One(&row, "SELECT role, ends_at FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND (ends_at IS NULL OR ends_at > ?)", tenantID, userID, tx.Now)
	if h.Role, h.EndsAt = row.Role, row.EndsAt; err != nil || h.Role == "" {
		return h, err
	}
	if err := tx.All(&h.Groups, "SELECT group_id FROM role_scopes WHERE tenant_id = ? AND user_id = ? ORDER BY group_id", tenantID, userID); err != nil {
		return h, err
	}
	names, err := namesOf(tx, tenantID, h.Groups)
	if err != nil {
		return h, err
	}
	h.Scope = strings.Join(names, ", ")
	h.title, err = s.title(tx, tenantID, h.Role)
	return h, err
}

// holdersOf gives who holds a role by themselves, or through a group.
func holdersOf(tx *store.Tx, tenantID string, role access.Role) (users []string, err error) {
	err = tx.All(&users, `SELECT user_id FROM role_assignments WHERE tenant_id = ? AND role = ?
		UNION SELECT m.user_id FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id
			LEFT JOIN role_assignments a ON a.tenant_id = m.tenant_id AND a.user_id = m.user_id AND (a.ends_at IS NULL OR a.ends_at > ?)
			WHERE g.tenant_id = ? AND g.role = ? AND a.user_id IS NULL ORDER BY 1`, tenantID, role, tx.Now, tenantID, role)
	return users, err
}

// namesOf gives the names of groups, in their order. Those that are not there are
// left out.
func namesOf(tx *store.Tx, tenantID string, groups []string) (names []string, err error) {
	if len(groups) == 0 {
		return nil, nil
	}
	err = tx.All(&names, "SELECT name FROM groups WHERE tenant_id = ? AND id IN ? ORDER BY name", tenantID, groups)
	return names, err
}

// title is how a role is told to its holder, and what is in it if it is a custom
// one: of a built-in role everybody knows what it may.
type title struct{ name, permissions string }

func (s *Service) title(tx *store.Tx, tenantID string, role access.Role) (title, error) {
	if !strings.HasPrefix(string(role), access.CustomPrefix) {
		return title{name: string(role)}, nil
	}
	c, there, err := customOf(tx, tenantID, role)
	if !there {
		return title{name: string(role)}, err
	}
	return c.title(), err
}

// Title gives how a role is told to its holder, and what is in it if it is a
// custom one; of none, nothing.
func (s *Service) Title(tx *store.Tx, tenantID string, role access.Role) (name, permissions string, err error) {
	t, err := s.title(tx, tenantID, role)
	return t.name, t.permissions, err
}

func (c CustomRole) title() title {
	return title{access.CustomPrefix + c.Name, Custom{Permissions: c.Permissions}.list()}
}

// CustomRole is a custom role as it stands.
type CustomRole struct {
	ID          access.Role
	Name        string
	Permissions []access.Permission
	Rank        int
	Version     int
	Holders     int // people who hold it by themselves
	Groups      int // that carry it
	ChangedAt   time.Time
}

const customs = `SELECT c.id, c.name, c.permissions AS list, c.version, c.changed_at,
	(SELECT count(*) FROM role_assignments a WHERE a.tenant_id = c.tenant_id AND a.role = c.id AND (a.ends_at IS NULL OR a.ends_at > ?)) AS holders,
	(SELECT count(*) FROM groups g WHERE g.tenant_id = c.tenant_id AND g.role = c.id AND g.role <> '') AS carriers
	FROM custom_roles c WHERE c.tenant_id = ? AND c.retired_at IS NULL`

type customRow struct {
	ID, Name, List             string
	Version, Holders, Carriers int
	ChangedAt                  time.Time
}

func (r customRow) role() CustomRole {
	c := CustomRole{ID: access.Role(r.ID), Name: r.Name, Version: r.Version, Holders: r.Holders, Groups: r.Carriers, ChangedAt: r.ChangedAt}
	for p := range strings.SplitSeq(r.List, ",") {
		c.Permissions = append(c.Permissions, access.Permission(p))
	}
	return c
}

// customOf reads a custom role of a tenant that is not retired.
func customOf(tx *store.Tx, tenantID string, id access.Role) (CustomRole, bool, error) {
	var row customRow
	there, err := tx.One(&row, customs+" AND c.id = ?", tx.Now, tenantID, id)
	return row.role(), there, err
}
