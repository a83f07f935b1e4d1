package importing

import (
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/store"
)

// world is what there is of a tenant that lines are judged by.
type world struct {
	domains map[string]bool
	people  map[string]person // by sign-in name
	listed  map[string]bool   // sign-in names of the lines
	byID    map[string]room
	names   map[string]string // ids of groups, by their names and by these in small letters
}

// person is a user who is there.
type person struct {
	ID, Name, DisplayName string
	State, ManagerID      string
	in                    map[string]bool // ids of their groups; only when a line names groups
}

// room is a group that somebody may join.
type room struct {
	ID, Name string
	Role     access.Role
	RoleName string // of a custom role
	LetsIn   bool   // some way in is for its members alone
	Members  int    // of one that carries a role, as far as they are counted
}

// title is the role of the group as its holders are told it (role.Title).
func (r room) title() string {
	if r.RoleName != "" {
		return access.CustomPrefix + r.RoleName
	}
	return string(r.Role)
}

// group gives a group by its name as written, in whatever case.
func (w *world) group(name string) (room, bool) {
	id, ok := w.names[name]
	if !ok {
		id, ok = w.names[strings.ToLower(name)]
	}
	return w.byID[id], ok
}

// look reads what lines are judged by.
func look(tx *store.Tx, tenantID string, lines []Line) (*world, error) {
	w := &world{domains: map[string]bool{}, people: map[string]person{}, listed: map[string]bool{}, byID: map[string]room{}, names: map[string]string{}}
	var domains []string
	if err := tx.All(&domains, "SELECT domain FROM domains WHERE tenant_id = ? AND verified_at IS NOT NULL", tenantID); err != nil {
		return nil, err
	}
	for _, domain := range domains {
		w.domains[domain] = true
	}
	if err := w.lookAtPeople(tx, tenantID, lines); err != nil {
		return nil, err
	}
	grouped := slices.ContainsFunc(lines, func(l Line) bool { return len(l.Groups) > 0 })
	if !grouped {
		return w, nil
	}
	if err := w.lookAtGroups(tx, tenantID); err != nil {
		return nil, err
	}
	return w, w.lookAtMembers(tx, tenantID)
}

// lookAtPeople reads those who have the names of lines, and their managers. Each is looked for as the
// first name from that one on, which has one way to be found: for an equal name
// PostgreSQL, while the table is small, may settle for any index that begins with
// the tenant, and stays with it while the table grows.
func (w *world) lookAtPeople(tx *store.Tx, tenantID string, lines []Line) error {
	var names []string
	for _, line := range lines {
		if names = append(names, line.Name); line.Manager != "" {
			names = append(names, line.Manager)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for some := range slices.Chunk(names, store.EachMost) {
		from, values := store.Each(some)
		var found []struct {
			Name string
			Row  *string // name, id, state, manager and display name; only the last one may have spaces
		}
		err := tx.All(&found, `SELECT v.column1 AS name, (SELECT u.name || ' ' || u.id || ' ' || u.state || ' ' || u.manager_id || ' ' || u.display_name FROM users u
			WHERE u.tenant_id = ? AND u.name >= v.column1 ORDER BY u.name LIMIT 1) AS "row" FROM `+from, append([]any{tenantID}, values...)...)
		if err != nil {
			return err
		}
		for _, looked := range found {
			if looked.Row == nil {
				continue
			}
			parts := strings.SplitN(*looked.Row, " ", 5)
			if parts[0] == looked.Name {
				w.people[looked.Name] = person{ID: parts[1], Name: parts[0], State: parts[2], ManagerID: parts[3], DisplayName: parts[4], in: map[string]bool{}}
			}
		}
	}
	return nil
}

func (w *world) lookAtGroups(tx *store.Tx, tenantID string) error {
	var found []room
	if err := tx.All(&found, `SELECT g.id, g.name, g.role, COALESCE(c.name, '') AS role_name,
		EXISTS (SELECT 1 FROM method_groups l WHERE l.tenant_id = g.tenant_id AND l.group_id = g.id) OR `+feature.JoiningLoosens("g.tenant_id", "g.id")+` AS lets_in FROM groups g
		LEFT JOIN custom_roles c ON c.tenant_id = g.tenant_id AND c.id = g.role WHERE g.tenant_id = ?`, tenantID); err != nil {
		return err
	}
	for _, g := range found {
		if g.Role != "" {
			if _, err := tx.One(&g.Members, "SELECT count(*) FROM (SELECT 1 AS one FROM group_members WHERE group_id = ? AND tenant_id = ? LIMIT ?) n", g.ID, tenantID, group.CarriersMost+1); err != nil {
				return err
			}
		}
		w.byID[g.ID] = g
		w.names[strings.ToLower(g.Name)] = g.ID
	}
	for _, g := range found { // a name as it is written goes before others like it
		w.names[g.Name] = g.ID
	}
	return nil
}

// lookAtMembers reads who is in which group, of those who are there. They are
// found by the user: SQLite, given the plain tenant, would read all its members.
func (w *world) lookAtMembers(tx *store.Tx, tenantID string) error {
	ids := make([]string, 0, len(w.people))
	in := make(map[string]map[string]bool, len(w.people))
	for _, p := range w.people {
		ids = append(ids, p.ID)
		in[p.ID] = p.in
	}
	slices.Sort(ids)
	for some := range slices.Chunk(ids, store.EachMost) {
		from, values := store.Each(some)
		var found []struct {
			ID     string
			Groups *string // ids, parted by spaces
		}
		err := tx.All(&found, `SELECT v.column1 AS id, (SELECT string_agg(m.group_id, ' ') FROM group_members m
			WHERE m.user_id = v.column1 AND m.tenant_id || '' = ?) AS groups FROM `+from, append([]any{tenantID}, values...)...)
		if err != nil {
			return err
		}
		for _, row := range found {
			if row.Groups == nil {
				continue
			}
			for id := range strings.FieldsSeq(*row.Groups) {
				in[row.ID][id] = true
			}
		}
	}
	return nil
}
