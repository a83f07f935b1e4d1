package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// Statements of these tests forget the tenant, which no statement of the program does.
const (
	habits      = "SELECT count(*) FROM habits"
	habit       = "INSERT INTO habits (tenant_id, subject, way, changed_at) VALUES (?,?,'phone',?)"
	wallItself  = "SELECT coalesce(current_setting('latchkey.tenant', true), '')"
	everyTenant = "SELECT coalesce(string_agg(DISTINCT tenant_id, ' ' ORDER BY tenant_id), '') FROM habits"
	birch       = `SELECT (SELECT string_agg(h::text, ' ' ORDER BY h) FROM habits h WHERE tenant_id = 'birch') ||
		(SELECT string_agg(t::text, ' ' ORDER BY t) FROM tenants t WHERE id <> 'alder') || (SELECT count(*) FROM audit_events)`
)

// neighbours is a PostgreSQL on which alder has two habits and birch three.
func neighbours(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Address(t, store.Postgres), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Act(t.Context(), func(tx *store.Tx) error {
		for tenant, many := range map[string]int{"alder": 2, "birch": 3} {
			if err := tx.Exec(`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at)
				VALUES (?,?,?,'eu','stable','active','pick3','ios',?)`, tenant, tenant, tenant, tx.Now).Error; err != nil {
				return err
			}
			for i := range many {
				if err := tx.Exec(habit, tenant, fmt.Sprint("subject ", i), tx.Now).Error; err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// read gives the answer to a query of one value.
func read(t testing.TB, ctx context.Context, db *store.DB, query string, values ...any) string {
	t.Helper()
	var answer string
	if _, err := db.View(ctx).One(&answer, query, values...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func TestEveryTableOfATenantHasItsWall(t *testing.T) {
	db := open(t, storetest.Address(t, store.Postgres))
	var tables []struct {
		Name          string
		Walled, Whole bool
		Condition     string
	}
	err := db.View(t.Context()).All(&tables, `SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS walled,
		coalesce(p.polcmd = '*' AND p.polpermissive AND p.polroles = '{0}' AND p.polwithcheck IS NULL, false) AS whole,
		coalesce(pg_get_expr(p.polqual, p.polrelid), '') AS condition
		FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND (c.relname = 'tenants' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))`)
	if err != nil || len(tables) < 15 {
		t.Fatalf("tables %v: %v", tables, err)
	}
	for _, table := range tables {
		column := "tenant_id"
		if table.Name == "tenants" {
			column = "id"
		}
		if !table.Walled || !table.Whole || !strings.Contains(table.Condition, "'latchkey.tenant'") || !strings.Contains(table.Condition, "WHEN "+column+" THEN") {
			t.Errorf("%s has no wall: its migration ends with SELECT tenant_wall('%s'); its policy is now %q", table.Name, table.Name, table.Condition)
		}
	}
}

func TestAStatementThatForgetsItsTenantSeesItsOwn(t *testing.T) {
	db := neighbours(t)
	ctx := t.Context()
	alder := store.Within(ctx, "alder")
	for _, row := range []struct {
		claim string
		ctx   context.Context
		want  string
	}{
		{"the program sees all", ctx, "alder birch"},
		{"within alder there is alder", alder, "alder"},
		{"within birch there is birch", store.Within(ctx, "birch"), "birch"},
		{"the later wall counts", store.Within(alder, "birch"), "birch"},
		{"within nobody there is nothing", store.Within(ctx, ""), ""},
		{"nobody is let out of a wall by having no tenant", store.Within(alder, ""), ""},
		{"outside there is all again", store.Outside(alder), "alder birch"},
		{"outside of no wall there is all", store.Outside(ctx), "alder birch"},
		{"a wall may follow", store.Within(store.Outside(alder), "birch"), "birch"},
		{"a tenant that is not there has nothing", store.Within(ctx, "cedar"), ""},
		{"a name that looks like SQL is a name", store.Within(ctx, "' OR ''='"), ""},
	} {
		t.Run(row.claim, func(t *testing.T) {
			runs := map[string]func(context.Context, func(*store.Tx) error) error{"Act": db.Act, "Count": db.Count, "CountAndRead": db.CountAndRead}
			for name, run := range runs {
				var got string
				err := run(row.ctx, func(tx *store.Tx) error {
					_, err := tx.One(&got, everyTenant)
					return err
				})
				if err != nil || got != row.want {
					t.Errorf("%s sees %q, %v; want %q", name, got, err, row.want)
				}
			}
			if got := read(t, row.ctx, db, everyTenant); got != row.want {
				t.Errorf("View sees %q, want %q", got, row.want)
			}
			var tenants []string
			if err := db.View(row.ctx).All(&tenants, "SELECT id FROM tenants ORDER BY id"); err != nil || strings.Join(tenants, " ") != row.want {
				t.Errorf("the tenants are %v, %v; want %s", tenants, err, row.want)
			}
		})
	}
}

func TestNobodyWritesOverTheWall(t *testing.T) {
	db := neighbours(t)
	alder := store.Within(t.Context(), "alder")
	changed, undo := errors.New("nothing was changed"), errors.New("seen enough")
	before := read(t, t.Context(), db, birch)
	for _, row := range []struct {
		claim     string
		statement string
		values    []any
		want      error // nil: it happens, to alder alone
	}{
		{"a row of one's own", habit, []any{"alder", "new", db.Now()}, nil},
		{"a row of another", habit, []any{"birch", "new", db.Now()}, fault.Unavailable},
		{"a change of all that there is", "UPDATE habits SET way = 'password'", nil, nil},
		{"a change of another's", "UPDATE habits SET way = 'password' WHERE tenant_id = 'birch'", nil, changed},
		{"a row given to another", "UPDATE habits SET tenant_id = 'birch' WHERE subject = 'subject 1'", nil, fault.Unavailable},
		{"a row that another has by its key", habit + " ON CONFLICT (tenant_id, subject) DO UPDATE SET way = 'password'", []any{"birch", "subject 1", db.Now()}, fault.Unavailable},
		{"the removal of another's", "DELETE FROM habits WHERE tenant_id = 'birch'", nil, changed},
		{"the removal of all that there is", "DELETE FROM habits", nil, nil},
		{"another organisation, closed", "UPDATE tenants SET state = 'suspended' WHERE id = 'birch'", nil, changed},
		{"a new organisation", `INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at)
			VALUES ('cedar','cedar','Cedar','eu','stable','active','pick3','ios',now())`, nil, fault.Unavailable},
		{"an event of another", `INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id,
			subject_id, thread_id, request_id, record, personal, salt) VALUES ('birch','e',now(),'a','success','','','','','','','','','','','')`, nil, fault.Unavailable},
	} {
		t.Run(row.claim, func(t *testing.T) {
			var whose string
			err := db.Act(alder, func(tx *store.Tx) error {
				if err := tx.Change(changed, row.statement, row.values...); err != nil {
					return err
				}
				// The wall comes down to look at what was done behind it; then all is undone.
				if _, err := tx.One(&whose, "SELECT set_config('latchkey.tenant', '', true)"); err != nil {
					return err
				}
				if _, err := tx.One(&whose, birch); err != nil {
					return err
				}
				return undo
			})
			want := row.want
			if want == nil {
				want = undo
			}
			if !errors.Is(err, want) || (row.want == nil && whose != before) {
				t.Errorf("Act = %v, want %v; birch had %s and has %s", err, want, before, whose)
			}
			if errors.Is(row.want, fault.Unavailable) {
				err := db.Act(alder, func(tx *store.Tx) error { return tx.Later(row.statement, row.values...) })
				if !errors.Is(err, fault.Unavailable) {
					t.Errorf("put off, Act = %v, want fault.Unavailable", err)
				}
			}
			if row.want != nil {
				if n, err := db.CountOne(alder, row.statement, row.values...); n != 0 || errors.Is(row.want, fault.Unavailable) != errors.Is(err, fault.Unavailable) {
					t.Errorf("CountOne = %d, %v; want none, %v", n, err, row.want)
				}
			}
			if now := read(t, t.Context(), db, birch); now != before {
				t.Errorf("birch had %s and has %s", before, now)
			}
		})
	}
}

// TestAWallStandsAroundOneTransaction: whatever becomes of the transaction, the
// next one on its connection has the wall that it asked for, or none.
func TestAWallStandsAroundOneTransaction(t *testing.T) {
	db := neighbours(t)
	ctx := t.Context()
	alder := store.Within(ctx, "alder")
	refusal := fault.New(fault.Refused, "signin.refused")
	for _, row := range []struct {
		claim string
		do    func() error
		want  error
	}{
		{"an act", func() error { return db.Act(alder, func(tx *store.Tx) error { return tx.Exec(habits).Error }) }, nil},
		{"an act that does nothing", func() error { return db.Act(alder, func(*store.Tx) error { return nil }) }, nil},
		{"an act that only puts off", func() error { return db.Act(alder, func(tx *store.Tx) error { return tx.Later(habits) }) }, nil},
		{"an act that is refused", func() error {
			return db.Act(alder, func(tx *store.Tx) error { return errors.Join(tx.Exec(habits).Error, refusal) })
		}, fault.Refused},
		{"an act that is refused before it began", func() error { return db.Act(alder, func(*store.Tx) error { return refusal }) }, fault.Refused},
		{"an act that fails", func() error {
			return db.Act(alder, func(tx *store.Tx) error { return tx.Exec("INSERT INTO nowhere VALUES (1)").Error })
		}, fault.Unavailable},
		{"an act that fails at its end", func() error {
			return db.Act(alder, func(tx *store.Tx) error { return tx.Later("INSERT INTO nowhere VALUES (1)") })
		}, fault.Unavailable},
		{"an act that panics", func() (err error) {
			defer func() { err = recover().(error) }()
			return db.Act(alder, func(tx *store.Tx) error { panic(errors.Join(tx.Exec(habits).Error, refusal)) })
		}, fault.Refused},
		{"a count", func() error { return db.Count(alder, func(tx *store.Tx) error { return tx.Exec(habits).Error }) }, nil},
		{"a count in one", func() error { _, err := db.CountOne(alder, "DELETE FROM habits WHERE subject = 'none'"); return err }, nil},
		{"a count in one that fails", func() error { _, err := db.CountOne(alder, "DELETE FROM nowhere"); return err }, fault.Unavailable},
		{"a count that fails at once", func() error {
			return db.CountAndRead(alder, func(tx *store.Tx) error { return tx.Later("DELETE FROM nowhere") })
		}, fault.Unavailable},
		{"a view", func() error { return store.Unusable(db.View(alder).Exec(habits).Error) }, nil},
		{"a view that fails", func() error { return store.Unusable(db.View(alder).Exec("SELECT 1 FROM nowhere").Error) }, fault.Unavailable},
	} {
		t.Run(row.claim, func(t *testing.T) {
			// One after the other, so that the pool gives the same connection again.
			if err := row.do(); !errors.Is(err, row.want) {
				t.Fatalf("= %v, want %v", err, row.want)
			}
			if got := read(t, ctx, db, wallItself); got != "" {
				t.Errorf("the next view without a wall is within %q", got)
			}
			err := db.Count(ctx, func(tx *store.Tx) error {
				var n int
				if _, err := tx.One(&n, habits); err != nil || n != 5 {
					t.Errorf("the next count without a wall sees %d, %v; want 5", n, err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if got := read(t, store.Within(ctx, "birch"), db, habits); got != "3" {
				t.Errorf("the next view within birch sees %s, want 3", got)
			}
		})
	}
}

// TestWhatIsSentAtOnceHasItsWallEachTime: without BEGIN each sending is a
// transaction by itself.
func TestWhatIsSentAtOnceHasItsWallEachTime(t *testing.T) {
	db := neighbours(t)
	var first, second int
	err := db.CountAndRead(store.Within(t.Context(), "alder"), func(tx *store.Tx) error {
		if err := tx.Later(habit, "alder", "new", tx.Now); err != nil {
			return err
		}
		if _, err := tx.One(&first, habits); err != nil {
			return err
		}
		if _, err := tx.One(&second, habits); err != nil {
			return err
		}
		return tx.Later("DELETE FROM habits")
	})
	if err != nil || first != 3 || second != 3 {
		t.Errorf("CountAndRead sees %d, then %d, %v; want 3 and 3", first, second, err)
	}
	if got := read(t, t.Context(), db, everyTenant); got != "birch" {
		t.Errorf("after the removal of everything within alder there is %q, want birch", got)
	}
}

// TestTwoTenantsAtOnceSeeTheirOwn runs acts, counts, views and walks of two tenants and
// of the program over small pools.
func TestTwoTenantsAtOnceSeeTheirOwn(t *testing.T) {
	db := neighbours(t)
	db.Pool().SetMaxOpenConns(3)
	refusal := fault.New(fault.Refused, "signin.refused")
	contexts := map[string]context.Context{
		"2": store.Within(t.Context(), "alder"), "3": store.Within(t.Context(), "birch"), "5": t.Context(),
	}
	var all sync.WaitGroup
	for i := range 200 {
		for want, ctx := range contexts {
			all.Go(func() {
				var got string
				var err error
				switch i % 6 {
				case 5:
					_, err = db.Walk(ctx).One(&got, habits)
				case 0:
					_, err = db.View(ctx).One(&got, habits)
				case 1:
					err = db.Act(ctx, func(tx *store.Tx) error {
						_, err := tx.One(&got, habits)
						return errors.Join(err, refusal)
					})
					if errors.Is(err, fault.Refused) {
						err = nil
					}
				case 2:
					err = db.Count(ctx, func(tx *store.Tx) error { _, err := tx.One(&got, habits); return err })
				case 3:
					var n int64
					n, err = db.CountOne(ctx, "SELECT 1 FROM habits")
					got = fmt.Sprint(n)
				default:
					err = db.Act(ctx, func(tx *store.Tx) error {
						if err := tx.Later("SELECT 1 FROM habits"); err != nil {
							return err
						}
						_, err := tx.One(&got, habits)
						return err
					})
				}
				if err != nil || got != want {
					t.Errorf("kind %d sees %s, %v; want %s", i%6, got, err, want)
				}
			})
		}
	}
	all.Wait()
}

// TestAnAnswerIsTheSameWithinTheWall: behind a wall the answer takes another way
// through the driver.
func TestAnAnswerIsTheSameWithinTheWall(t *testing.T) {
	db := neighbours(t)
	for _, expression := range []string{
		"1::smallint", "1::int", "1::bigint", "1.5::real", "1.5::float8", "sum(1::bigint)", "avg(1)", "1.50::numeric", "true", "'text'::text", "''",
		"NULL::text", "NULL::numeric", "'\\x00ff'::bytea", "now()::date - now()::date", "'2026-01-02'::date", "'2026-01-02 03:04:05.678901+00'::timestamptz",
		"'1 day'::interval::text", "'{\"a\": 1}'::jsonb::text", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid", "'192.0.2.7'::inet::text", "'a'::name",
	} {
		var plain, walled any
		if err := db.View(t.Context()).Raw("SELECT " + expression).Row().Scan(&plain); err != nil {
			t.Fatal(err)
		}
		if err := db.View(store.Within(t.Context(), "alder")).Raw("SELECT " + expression).Row().Scan(&walled); err != nil {
			t.Errorf("%s within a wall: %v", expression, err)
		}
		if plain, walled := fmt.Sprintf("%T %[1]v", plain), fmt.Sprintf("%T %[1]v", walled); plain != walled {
			t.Errorf("%s is %s, and within a wall %s", expression, plain, walled)
		}
	}
}

func TestAWallIsNoMatterToSQLite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		alder := store.Within(t.Context(), "alder")
		err := db.Act(alder, func(tx *store.Tx) error { return tx.Exec(habit, "alder", "somebody", tx.Now).Error })
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.CountOne(alder, "UPDATE habits SET way = 'password'"); err != nil || n != 1 {
			t.Errorf("CountOne = %d, %v; want 1", n, err)
		}
		if got := read(t, alder, db, "SELECT tenant_id FROM habits"); got != "alder" {
			t.Errorf("View sees %q, want alder", got)
		}
	})
}

// TestTheWallIsBuiltBesideRunningActs: the migration locks every table of every
// tenant, while replicas act on several of them in any order.
func TestTheWallIsBuiltBesideRunningActs(t *testing.T) {
	db := neighbours(t)
	provider := steps(t, db)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 6 {
		subject := fmt.Sprint("worker ", i)
		if _, err := db.CountOne(ctx, habit, "alder", subject, db.Now()); err != nil {
			t.Fatal(err)
		}
		statements := []string{
			"UPDATE habits SET way = 'phone' WHERE tenant_id = 'alder' AND subject = ?",
			"DELETE FROM throttles WHERE tenant_id = 'alder' AND subject = ?",
			"DELETE FROM sessions WHERE tenant_id = 'alder' AND user_id = ?",
			"DELETE FROM enrolments WHERE tenant_id = 'alder' AND id = ?",
		}
		all.Go(func() {
			for turn := 0; ctx.Err() == nil; turn++ {
				err := db.Act(t.Context(), func(tx *store.Tx) error {
					for n := range statements {
						if i%2 == 0 {
							n = len(statements) - 1 - n
						}
						if err := tx.Exec(statements[n], subject).Error; err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Errorf("worker %d, act %d = %v", i, turn, err)
				}
			}
		})
	}
	for range 5 {
		if _, err := provider.ApplyVersion(t.Context(), 5, false); err != nil {
			t.Errorf("down: %v", err)
		}
		if got := read(t, store.Within(t.Context(), "birch"), db, "SELECT count(*) FROM tenants"); got != "2" {
			t.Errorf("without the migration %s organisations are seen, want both", got)
		}
		if _, err := provider.ApplyVersion(t.Context(), 5, true); err != nil {
			t.Errorf("up: %v", err)
		}
		if got := read(t, store.Within(t.Context(), "birch"), db, habits); got != "3" {
			t.Errorf("after the migration birch sees %s habits, want 3", got)
		}
	}
	stop()
	all.Wait()
}

// TestKeysAreFoundBehindTheWall: what the wall asks of a row comes after what
// the statement asks, so that the row is still found by its key.
func TestKeysAreFoundBehindTheWall(t *testing.T) {
	db := neighbours(t)
	// With a handful of people every way to one costs the same.
	for _, statement := range []string{
		`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at)
			SELECT 'alder', 'many' || n, 'many' || n, '', 'active', 'disabled', '', now() FROM generate_series(1, 500) n`,
		"ANALYZE users",
	} {
		if _, err := db.CountOne(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"SELECT 1 FROM users WHERE tenant_id = 'alder' AND id = 'x'":                             "Index Cond: ((tenant_id = 'alder'::text) AND (id = 'x'::text))",
		"SELECT 1 FROM users WHERE tenant_id = 'alder' AND name = 'x'":                           "Index Cond: ((tenant_id = 'alder'::text) AND (name = 'x'::text))",
		"SELECT 1 FROM sessions WHERE tenant_id = 'alder' AND token_digest = 'x'":                "Index Cond: ((tenant_id = 'alder'::text) AND (token_digest = 'x'::text))",
		"SELECT 1 FROM sessions WHERE tenant_id = 'alder' AND user_id = 'x'":                     "Index Cond: ((user_id = 'x'::text) AND (tenant_id = 'alder'::text))",
		"SELECT 1 FROM devices WHERE id = 'x'":                                                   "Index Cond: (id = 'x'::text)",
		"UPDATE attempts SET way = 'x' WHERE tenant_id = 'alder' AND id = 'x'":                   "Index Cond: ((tenant_id = 'alder'::text) AND (id = 'x'::text))",
		"SELECT 1 FROM tenants WHERE slug = 'alder'":                                             "Index Cond: (slug = 'alder'::text)",
		"DELETE FROM attempts WHERE expires_at < '2026-01-02 00:00+00'::timestamptz":             "Index Cond: (expires_at < ",
		"SELECT 1 FROM prompts WHERE subject = 'x' AND tenant_id = 'a' AND id > 'x'":             "Index Cond: ((subject = 'x'::text) AND (tenant_id = 'a'::text))",
		"SELECT 1 FROM users WHERE tenant_id = 'a' AND name > 'us' AND name <> '' ORDER BY name": "Index Cond: ((tenant_id = 'a'::text) AND (name > 'us'::text))",
		"SELECT 1 FROM users WHERE tenant_id = 'alder' AND id IN ('x', 'y')":                     "Index Cond: ((tenant_id = 'alder'::text) AND (id = ANY ('{x,y}'::text[])))",
		"SELECT 1 FROM audit_events_rest WHERE tenant_id = 'a' AND subject_id = 'us'":            "Index Cond: ((subject_id = 'us'::text) AND (tenant_id = 'a'::text))",

		"SELECT 1 FROM audit_events WHERE tenant_id = 'a' AND (occurred_at, id) < ('2026-01-02 00:00+00'::timestamptz, 'x') ORDER BY occurred_at DESC, id DESC LIMIT 50": "(ROW(occurred_at, id) < ROW(",
	} {
		var lines []string
		if err := db.View(t.Context()).All(&lines, "EXPLAIN "+query); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(lines, "\n")
		if !strings.Contains(plan, want) || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort  (") {
			t.Errorf("%s\nhas no %s:\n%s", query, want, plan)
		}
	}
}

func TestARoleThatPassesTheWallIsNamed(t *testing.T) {
	ordinary := storetest.Address(t, store.Postgres)
	said := func(address string) string {
		var log bytes.Buffer
		db, err := store.Open(t.Context(), address, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		return log.String()
	}
	if got := said(ordinary); got != "" {
		t.Errorf("an ordinary role is told %s", got)
	}
	super := strings.Replace(ordinary, "//test@", "//postgres@", 1)
	if super == ordinary {
		return // not our server, not our superuser
	}
	if got := said(super); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "row-level security does not bind this role") {
		t.Errorf("a superuser is told %q", got)
	}
}

// BenchmarkWall compares what the wall costs: one act that changes a row and one
// view that reads one, without it and within it.
func BenchmarkWall(b *testing.B) {
	db := neighbours(b)
	for _, wall := range []struct {
		name string
		ctx  context.Context
	}{{"without", b.Context()}, {"within", store.Within(b.Context(), "alder")}} {
		b.Run("act/"+wall.name, func(b *testing.B) {
			for b.Loop() {
				err := db.Act(wall.ctx, func(tx *store.Tx) error {
					return tx.Change(errors.New("no row"), "UPDATE habits SET way = ? WHERE tenant_id = ? AND subject = ?", "phone", "alder", "subject 1")
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("view/"+wall.name, func(b *testing.B) {
			for b.Loop() {
				var way string
				if _, err := db.View(wall.ctx).One(&way, "SELECT way FROM habits WHERE tenant_id = ? AND subject = ?", "alder", "subject 1"); err != nil || way == "" {
					b.Fatal(way, err)
				}
			}
		})
	}
}

// TestOneLookOutside: within an act or a view the wall falls for what is asked
// there, and stands again for the next statement, also after a failure.
func TestOneLookOutside(t *testing.T) {
	db := neighbours(t)
	alder := store.Within(t.Context(), "alder")
	sees := func(tx *store.Tx, claim, want string) {
		t.Helper()
		var got string
		if _, err := tx.One(&got, everyTenant); err != nil || got != want {
			t.Errorf("%s: sees %q, %v; want %q", claim, got, err, want)
		}
	}
	failed := errors.New("a failure of ours")
	look := func(tx *store.Tx) error {
		sees(tx, "before", "alder")
		for _, err := range []error{nil, failed} {
			if got := tx.Outside(func(tx *store.Tx) error {
				sees(tx, "outside", "alder birch")
				return err
			}); !errors.Is(got, err) {
				t.Errorf("Outside = %v, want %v", got, err)
			}
			sees(tx, "after", "alder")
		}
		return nil
	}
	if err := errors.Join(db.Act(alder, look), look(db.View(alder))); err != nil {
		t.Fatal(err)
	}
	err := db.Act(alder, func(tx *store.Tx) error {
		return tx.Outside(func(tx *store.Tx) error { return tx.Exec("no statement at all").Error })
	})
	if err == nil {
		t.Error("a statement that fails outside fails nothing")
	}
	if got := read(t, alder, db, everyTenant); got != "alder" {
		t.Errorf("after an act that failed outside the wall shows %q", got)
	}
	if err := db.Act(t.Context(), func(tx *store.Tx) error {
		return tx.Outside(func(tx *store.Tx) error {
			sees(tx, "where there is no wall", "alder birch")
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
}
