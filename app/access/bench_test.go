package access

import (
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// administrators is how many of each tenant hold a role, one of each kind that a
// tenant has at least, and a custom one.
const administrators = 6

// filled opens a database with tenants that have administrators each, and users
// of the first one who hold no role.
func filled(tb testing.TB, dialect store.Dialect, tenants, users int) *store.DB {
	tb.Helper()
	db, err := store.Open(tb.Context(), storetest.Address(tb, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	const count = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < CAST(? AS integer)) "
	const user = "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) " + count
	err = db.Act(tb.Context(), func(tx *store.Tx) error {
		for _, fill := range []struct {
			statement string
			values    []any
		}{
			{`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) ` + count + `
				SELECT 'tenant-' || i, 't' || i, 'Tenant', 'eu', 'stable', 'active', 'pick3', 'ios', ? FROM n`, []any{tenants, tx.Now}},
			{user + `SELECT 'tenant-' || (i / 6), 'administrator-' || i, 'a' || i || '@example.org', '', 'active', 'disabled', '', ? FROM n`, []any{tenants * administrators, tx.Now}},
			{`INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at)
				SELECT id, 'custom:' || id, 'A role', 'user.lock,audit.export', '', ?, ? FROM tenants`, []any{tx.Now, tx.Now}},
			{`INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at)
				SELECT tenant_id, id, CASE substr(id, length(id)) WHEN '0' THEN 'security_administrator' WHEN '1' THEN 'tenant_administrator' WHEN '2' THEN 'helpdesk_lead'
				WHEN '3' THEN 'auditor' WHEN '4' THEN 'custom:' || tenant_id ELSE 'helpdesk' END, '', ? FROM users`, []any{tx.Now}},
			{user + `SELECT 'tenant-0', 'user-' || i, 'u' || i || '@example.org', '', 'active', 'disabled', '', ? FROM n`, []any{users, tx.Now}},
		} {
			if err := tx.Exec(fill.statement, fill.values...).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func loaded(tb testing.TB, db *store.DB) *Rules {
	tb.Helper()
	rules, err := Load(tb.Context(), db)
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

// BenchmarkAllow is one decision. It costs the same with ten tenants and with ten
// thousand, among a hundred users and among a million, yes and no alike; the
// target is 3 µs (a bare refusal of casbin costs 15 to 23).
func BenchmarkAllow(b *testing.B) {
	for _, tenants := range []int{10, 10_000} {
		for _, users := range []int{100, 1_000_000} {
			b.Run(fmt.Sprintf("tenants=%d/users=%d", tenants, users), func(b *testing.B) { allows(b, tenants, users) })
		}
	}
}

func allows(b *testing.B, tenants, users int) {
	rules := loaded(b, filled(b, store.SQLite, tenants, users))
	decide := func(name string, tenantID, userID func(i int) string, p Permission, want bool) {
		b.Run(name, func(b *testing.B) {
			const many = 64 // people, who are at work at the same time
			var who [many][2]string
			for i := range who {
				who[i] = [2]string{tenantID(i), userID(i)}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				asks := who[i%many]
				if got := rules.Allow(asks[0], asks[1], p) == nil; got != want {
					b.Fatalf("%v: allowed %t", asks, got)
				}
			}
		})
	}
	admin := func(i int) int { return i * 7919 % (tenants * administrators) }
	ofAdmin := func(i int) string { return fmt.Sprintf("tenant-%d", admin(i)/administrators) }
	anAdmin := func(i int) string { return fmt.Sprintf("administrator-%d", admin(i)) }
	aUser := func(i int) string { return fmt.Sprintf("user-%d", i*7919%users) }
	inFirst := func(int) string { return "tenant-0" }
	decide("allow", ofAdmin, anAdmin, ConsoleEnter, true)
	decide("deny", ofAdmin, anAdmin, OperatorEnter, false)
	decide("user/allow", inFirst, aUser, AccountView, true)
	decide("user/deny", inFirst, aUser, ConsoleEnter, false)
	decide("elsewhere/deny", func(i int) string { return ofAdmin(i) + "-not" }, anAdmin, ConsoleEnter, false)
}

// BenchmarkReload is what every replica does each two seconds with 60,000
// administrators: all of them read, and seeing that nothing has changed.
func BenchmarkReload(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		rules := loaded(b, filled(b, dialect, 10_000, 100))
		b.Run(string(dialect)+"/changed", func(b *testing.B) {
			for b.Loop() {
				if err := rules.Reload(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(dialect)+"/unchanged", func(b *testing.B) {
			for b.Loop() {
				if err := rules.refresh(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestOnlyAdministratorsAreInMemory: and a decision asks no database.
func TestOnlyAdministratorsAreInMemory(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			db := filled(t, dialect, 3, 500)
			rules := loaded(t, db)
			if got := len(rules.table.Load().holders); got != 3*administrators {
				t.Errorf("%d people are in memory, want the administrators, %d", got, 3*administrators)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				tenantID, userID string
				p                Permission
				want             bool
			}{
				{"tenant-0", "administrator-0", RoleCompose, true},
				{"tenant-0", "administrator-1", RoleCompose, false},
				{"tenant-0", "administrator-4", AuditExport, true},
				{"tenant-1", "administrator-0", RoleCompose, false},
				{"tenant-0", "user-1", AccountView, true},
				{"tenant-0", "user-1", ConsoleEnter, false},
				{"nowhere", "nobody", ConsoleEnter, false},
			} {
				if got := rules.Allow(c.tenantID, c.userID, c.p) == nil; got != c.want {
					t.Errorf("%v: allowed %t without a database", c, got)
				}
			}
			if allocated := testing.AllocsPerRun(100, func() { _ = rules.Allow("tenant-0", "user-1", ConsoleEnter) }); allocated > 0 {
				t.Errorf("a refusal allocates %.0f times", allocated)
			}
		})
	}
}

// TestAnUnchangedTableIsNotReadAgain, where the database says that it is one; and
// after a while it is all the same.
func TestAnUnchangedTableIsNotReadAgain(t *testing.T) {
	db := filled(t, store.Postgres, 2, 1)
	clock := db.Now()
	db.SetClock(func() time.Time { return clock })
	rules := loaded(t, db)
	// A holder whom no row knows shows whether the rows were read.
	mark := func() {
		told := *rules.table.Load()
		told.holders = maps.Clone(told.holders)
		told.holders[holder{"tenant-0", "marked"}] = Standing{Role: RoleAuditor}
		rules.table.Store(&told)
	}
	marked := func() bool { return rules.Role("tenant-0", "marked") == RoleAuditor }
	refresh := func() {
		t.Helper()
		if err := rules.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mark()
	clock = clock.Add(markFor)
	refresh()
	if !marked() || !rules.table.Load().loaded.Equal(clock) {
		t.Error("the rows were read though nothing has changed, or the table grows old")
	}
	clock = clock.Add(time.Microsecond)
	refresh()
	if marked() {
		t.Error("the rows were not read again after half a minute")
	}
	mark()
	if err := db.Act(t.Context(), func(tx *store.Tx) error {
		return tx.Exec("UPDATE role_assignments SET ends_at = ? WHERE user_id = 'administrator-1'", clock.Add(time.Second)).Error
	}); err != nil {
		t.Fatal(err)
	}
	refresh()
	if marked() {
		t.Error("the rows were not read again after a change")
	}
	mark()
	clock = clock.Add(time.Second)
	refresh()
	if marked() {
		t.Error("the rows were not read again when an assignment had ended")
	}
}
