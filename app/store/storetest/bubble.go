package storetest

import (
	"testing"
	"testing/synctest"

	"latchkey/app/store"
)

// Bubble runs a test in a bubble of synctest in which db is used too. What a
// connection to PostgreSQL does besides belongs to where it was opened: pgx has a
// timer that wakes whoever writes slowly, and who is woken from outside a bubble
// dies. So those from before are closed, and none opened inside outlives it.
func Bubble(t *testing.T, db *store.DB, test func(t *testing.T)) {
	t.Helper()
	idle := func(n int) {
		if db.Dialect == store.Postgres {
			db.Pool().SetMaxIdleConns(n)
		}
	}
	keep := db.Pool().Stats().MaxOpenConnections
	idle(0)
	idle(keep)
	synctest.Test(t, func(t *testing.T) {
		defer idle(0)
		test(t)
	})
	idle(keep)
}
