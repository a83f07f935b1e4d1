package store_test

import (
	"slices"
	"strings"
	"testing"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// keyedOtherwise are the tables whose primary key does not begin with the tenant, each
// with the reason. Whoever adds one says why nothing else is possible.
var keyedOtherwise = map[string]string{
	"platform_settings": "they are of the platform, and of no tenant",
	"replicas":          "a running program serves all tenants",
	"goose_db_version":  "it is the list of migrations",
	"tenants":           "it is the tenant itself: its id is the tenant of everything else",
	"domains":           "a domain is one tenant's of the whole platform: the key is what keeps a second one from verifying it, and by it a name finds its tenant",
	"registrations":     "a phone signs in to one tenant at a time: the key is what keeps it from two",
	"proofs":            "a proof is of a phone that may have accounts of several tenants, and is good once for all of them",
	"releases":          "the platform releases a feature, to the tenants of regions and rings",
	"release_cells":     "a release is to a region and a ring",
	"release_versions":  "a version of a release is of the platform",
	"release_schedules": "a change of a release waits for its time, one of each feature",
	"release_gates":     "what the platform has not released is asked by region and ring",
	"audit_keys":        "the installation signs the heads of all trees",
	"audit_witnesses":   "a witness sees the heads of all tenants",
	"audit_sealing":     "one row says which replica seals, and how far it is",
	"setup_links":       "the first one is there before any tenant is; who follows it has named none",
}

// refersOtherwise are the references that do not carry the tenant of their row.
var refersOtherwise = map[string]string{
	"release_cells feature": "a release is of the platform, and so are its parts",
	"setup_links made_for":  "the tenant that a link is for is all that there is of it: the link itself is of none",
}

// key is a primary key or a reference of a table.
type key struct {
	Table, Kind, Columns, Refers, Others string // Kind is "p" or "f"; columns parted by spaces
}

// keysOf reads every key of the schema, and every table without one.
func keysOf(t *testing.T, db *store.DB) (keys []key) {
	t.Helper()
	queries := []string{`SELECT c.relname AS "table", coalesce(k.contype::text, '') AS kind, coalesce(r.relname, '') AS refers,
		coalesce((SELECT string_agg(a.attname, ' ' ORDER BY n.place) FROM unnest(k.conkey) WITH ORDINALITY AS n(number, place)
			JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.number), '') AS columns,
		coalesce((SELECT string_agg(a.attname, ' ' ORDER BY n.place) FROM unnest(k.confkey) WITH ORDINALITY AS n(number, place)
			JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.number), '') AS others
		FROM pg_class c LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'f') LEFT JOIN pg_class r ON r.oid = k.confrelid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`}
	if db.Dialect == store.SQLite {
		queries = []string{
			`SELECT m.name AS "table", 'p' AS kind, coalesce((SELECT group_concat(i.name, ' ') FROM
				(SELECT name FROM pragma_table_info(m.name) WHERE pk > 0 ORDER BY pk) i), '') AS columns, '' AS refers, '' AS others
				FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'`,
			`SELECT m.name AS "table", 'f' AS kind, group_concat(f."from", ' ') AS columns, f."table" AS refers, group_concat(coalesce(f."to", ''), ' ') AS others
				FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' GROUP BY m.name, f.id, f."table"`,
		}
	}
	for _, query := range queries {
		var some []key
		if err := db.View(t.Context()).All(&some, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		keys = append(keys, some...)
	}
	return keys
}

// TestEveryKeyCarriesTheTenant: a row is named by its tenant and what it is there, and
// refers to rows of the same tenant alone, whatever a statement forgets.
func TestEveryKeyCarriesTheTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		var tables []string
		primary, exceptions, references := map[string]bool{}, map[string]bool{}, 0
		for _, k := range keysOf(t, db) {
			columns, others := strings.Fields(k.Columns), strings.Fields(k.Others)
			if !slices.Contains(tables, k.Table) {
				tables = append(tables, k.Table)
			}
			switch k.Kind {
			case "p":
				primary[k.Table] = len(columns) > 0
				begins := len(columns) > 0 && columns[0] == "tenant_id"
				if _, excepted := keyedOtherwise[k.Table]; begins == excepted {
					t.Errorf("the primary key of %s is (%s); begins with the tenant: %t, stands among the exceptions: %t", k.Table, k.Columns, begins, excepted)
				}
				exceptions[k.Table] = !begins
			case "f":
				references++
				to := "tenant_id"
				if k.Refers == "tenants" {
					to = "id"
				}
				at := slices.Index(columns, "tenant_id")
				carries := at == 0 && at < len(others) && others[at] == to
				if _, excepted := refersOtherwise[k.Table+" "+k.Columns]; carries == excepted {
					t.Errorf("%s (%s) refers to %s (%s); carries the tenant: %t, stands among the exceptions: %t", k.Table, k.Columns, k.Refers, k.Others, carries, excepted)
				}
			}
		}
		for _, table := range tables {
			if !primary[table] {
				t.Errorf("%s has no primary key", table)
			}
		}
		for table := range keyedOtherwise {
			if !exceptions[table] {
				t.Errorf("%s is no exception, or is not there: take it off the list", table)
			}
		}
		if len(tables) < 30 || references < 20 {
			t.Errorf("%d tables and %d references were read; there are more", len(tables), references)
		}
	})
}
