package trailview

import (
	"encoding/json"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/trail"
	"latchkey/app/user"
)

// row is a view as it is kept.
type row struct {
	ID, OwnerID, Name, Filters string
	Shared                     bool
	Version                    int
	CreatedAt, ChangedAt       time.Time
}

const selected = "SELECT v.id, v.owner_id, v.name, v.filters, v.shared, v.version, v.created_at, v.changed_at FROM audit_views v WHERE v.tenant_id = ? AND (v.owner_id = ? OR v.shared = TRUE)"

// seen gives the views that a reader may know of, by name; with an id that one.
func seen(tx *store.Tx, sight trail.Sight, id string) (all []View, err error) {
	query, values := selected, []any{sight.TenantID, sight.ReaderID}
	if id != "" {
		query, values = query+" AND v.id = ?", append(values, id)
	}
	var rows []row
	if err := tx.All(&rows, query+" ORDER BY v.name_key, v.id", values...); err != nil {
		return nil, err
	}
	var owners []string
	for _, r := range rows {
		v := View{TenantID: sight.TenantID, ID: r.ID, OwnerID: r.OwnerID, Name: r.Name, Shared: r.Shared, Version: r.Version, CreatedAt: r.CreatedAt, ChangedAt: r.ChangedAt}
		if err := json.Unmarshal([]byte(r.Filters), &v.Filters); err != nil {
			return nil, err
		}
		if v.OwnerID == sight.ReaderID || v.Filters.openTo(sight) {
			all, owners = append(all, v), append(owners, v.OwnerID)
		}
	}
	if !sight.Wide() || len(all) == 0 {
		return all, nil
	}
	names, err := user.NamesOf(tx, sight.TenantID, owners...)
	for i := range all {
		all[i].OwnerName = names[all[i].OwnerID]
	}
	return all, err
}

// find gives one that a reader may know of.
func find(tx *store.Tx, sight trail.Sight, id string) (View, error) {
	if id == "" || strings.ContainsRune(id, 0) {
		return View{}, notFound()
	}
	all, err := seen(tx, sight, id)
	if err != nil {
		return View{}, err
	}
	if len(all) == 0 {
		return View{}, notFound()
	}
	return all[0], nil
}

// key is what names are alike by.
func key(name string) string { return strings.ToLower(name) }

// taken says whether another view of somebody has a name.
func taken(tx *store.Tx, who access.Standing, name, except string) (bool, error) {
	n := 0
	_, err := tx.One(&n, "SELECT count(*) FROM audit_views WHERE tenant_id = ? AND owner_id = ? AND name_key = ? AND id <> ?", who.TenantID, who.UserID, key(name), except)
	return n > 0, err
}

// insert keeps a new view, private, if its owner has not enough. It holds the owner's count to
// the end of the act: of two at once the second counts the first.
func insert(tx *store.Tx, v View) error {
	if tx.Dialect == store.Postgres {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "views of "+v.TenantID+" "+v.OwnerID).Error; err != nil {
			return err
		}
	}
	text, err := json.Marshal(v.Filters)
	if err != nil {
		return err
	}
	return tx.Change(fault.New(fault.Conflict, "view.enough"), `INSERT INTO audit_views (tenant_id, id, owner_id, name, name_key, filters, shared, version, created_at, changed_at)
		SELECT CAST(? AS text),?,?,?,?,?,FALSE,1,?,? WHERE (SELECT count(*) FROM audit_views WHERE tenant_id = ? AND owner_id = ?) < ?`,
		v.TenantID, v.ID, v.OwnerID, v.Name, key(v.Name), string(text), tx.Now, tx.Now, v.TenantID, v.OwnerID, OwnMost)
}

// set changes columns of a view as it was found.
func (v View) set(tx *store.Tx, columns string, values ...any) error {
	values = append(values, tx.Now, v.TenantID, v.ID, v.OwnerID, v.Version)
	return tx.Change(changed(), "UPDATE audit_views SET "+columns+", version = version + 1, changed_at = ? WHERE tenant_id = ? AND id = ? AND owner_id = ? AND version = ?", values...)
}

// remove deletes a view as it was found: shared, if others may.
func (v View) remove(tx *store.Tx) error {
	return tx.Change(changed(), "DELETE FROM audit_views WHERE tenant_id = ? AND id = ? AND owner_id = ? AND version = ?", v.TenantID, v.ID, v.OwnerID, v.Version)
}
