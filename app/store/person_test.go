package store_test

import (
	"slices"
	"testing"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// foundOtherwise are the tables in which a person has rows that no index finds by the person,
// each with the reason.
var foundOtherwise = map[string]string{
	"authorizations": "they are found by their session",
	"case_asks":      "they are read by their case",
	"decisions":      "they are read in the order of time, and kept for days",
	"disownings":     "one is found by the digest of its link",
	"enrolments":     "a link lives for minutes, and there are as many as phones are being registered",
	"outage_ranks":   "their key begins with the outage, and ends with the person",
	"outage_uses":    "they are read by their outage",
	"ticket_answers": "one is found by its own id",
	"user_words":     "they are read by their word",
	"vouches":        "one is found by its own id or its session",
}

// TestRowsOfAPersonAreFoundByAnIndex: what is done to one person costs no more in an
// organisation with many, in which others wait for it.
func TestRowsOfAPersonAreFoundByAnIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		query := `SELECT c.relname AS "table", EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND (i.indkey[0] = u.attnum
				OR i.indkey[1] = u.attnum AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id'))) AS found
			FROM pg_class c JOIN pg_attribute u ON u.attrelid = c.oid AND u.attname = 'user_id'
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`
		if db.Dialect == store.SQLite {
			query = `SELECT m.name AS "table", EXISTS (SELECT 1 FROM pragma_index_list(m.name) l JOIN pragma_index_info(l.name) u ON u.name = 'user_id'
				WHERE u.seqno = 0 OR u.seqno = 1 AND (SELECT name FROM pragma_index_info(l.name) WHERE seqno = 0) = 'tenant_id') AS found
				FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'user_id' WHERE m.type = 'table'`
		}
		type personal struct {
			Table string
			Found bool
		}
		var tables []personal
		if err := db.View(t.Context()).All(&tables, query); err != nil {
			t.Fatal(err)
		}
		for _, row := range tables {
			if _, excepted := foundOtherwise[row.Table]; row.Found == excepted {
				t.Errorf("%s: found by the person: %t, stands among the exceptions: %t", row.Table, row.Found, excepted)
			}
		}
		for table := range foundOtherwise {
			if !slices.ContainsFunc(tables, func(row personal) bool { return row.Table == table }) {
				t.Errorf("%s is not there: take it off the list", table)
			}
		}
		if len(tables) < 20 {
			t.Errorf("%d tables were read; there are more", len(tables))
		}
	})
}
