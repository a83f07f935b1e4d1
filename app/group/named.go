package group

import "latchkey/app/store"

// Named is a group by its name, as rules of a tenant speak of it.
type Named struct{ ID, Name string }

// offeredMost is how many groups a form offers.
const offeredMost = 200

// Offered lists the groups that a form of a tenant offers for a rule, by name: the first
// ones, and those for which a condition on a group g holds, because rules speak of them
// already, which a form must not lose.
func Offered(tx *store.Tx, tenantID, spoken string) (all []Named, err error) {
	err = tx.All(&all, `SELECT g.id, g.name FROM groups g WHERE g.tenant_id = ? AND (`+spoken+`
		OR g.id IN (SELECT f.id FROM (SELECT id FROM groups WHERE tenant_id = ? ORDER BY name LIMIT ?) f)) ORDER BY g.name`, tenantID, tenantID, offeredMost)
	return all, err
}

// In is a condition for Offered: rows of a table of rules speak of it.
func In(table string) string {
	return "EXISTS (SELECT 1 FROM " + table + " r WHERE r.tenant_id = g.tenant_id AND r.group_id = g.id)"
}

// NamesOf gives the names of groups of a tenant by their ids. One that is none has none.
func NamesOf(tx *store.Tx, tenantID string, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []Named
	err := tx.All(&rows, "SELECT id, name FROM groups WHERE tenant_id = ? AND id IN ?", tenantID, ids)
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, err
}

// AllNames gives the names of all groups of a tenant by their ids.
func AllNames(tx *store.Tx, tenantID string) (map[string]string, error) {
	var rows []Named
	err := tx.All(&rows, "SELECT id, name FROM groups WHERE tenant_id = ?", tenantID)
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, err
}
