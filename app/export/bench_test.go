package export_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/export"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/trail"
)

// BenchmarkExport writes files of ten thousand events and of LATCHKEY_BENCH_EVENTS, 100,000
// unless it says so, and hands them over, on PostgreSQL. Beside the rows of a second is the
// most that the heap held: of a longer file no more.
//
//	LATCHKEY_BENCH_EVENTS=1000000 go test -run '^$' -bench Export -benchtime 1x ./app/export
func BenchmarkExport(b *testing.B) {
	large := 100_000
	if text := os.Getenv("LATCHKEY_BENCH_EVENTS"); text != "" {
		var err error
		if large, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, n := range []int{10_000, large} {
		b.Run(fmt.Sprint("events=", n), func(b *testing.B) { exports(b, n) })
	}
}

func exports(b *testing.B, n int) {
	ctx := b.Context()
	db, err := store.Open(ctx, storetest.Address(b, store.Postgres), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	err = errors.Join(audit.EnsureMonths(ctx, db), db.Act(ctx, func(tx *store.Tx) error {
		return errors.Join(
			tx.Exec("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('alder','alder','alder','eu','stable','active','pick3','ios',?)", tx.Now).Error,
			tx.Exec("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES ('alder', 'auditor', 'auditor@alder.example', '', 'active', 'disabled', '', ?)", tx.Now).Error,
			tx.Exec("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES ('alder', 'auditor', ?, '', ?)", access.RoleAuditor, tx.Now).Error,
		)
	}))
	for from := 0; from < n && err == nil; from += 2000 {
		err = db.Act(ctx, func(tx *store.Tx) error {
			all := make([]audit.Event, min(n-from, 2000))
			for i := range all {
				all[i] = audit.Event{
					TenantID: "alder", Action: audit.PlaceSet, Actor: audit.User("auditor"), Target: audit.Tenant("alder"), Reason: fmt.Sprint("the ward has moved, number ", from+i),
					Origin: audit.Origin{IP: "203.0.113.9", Browser: "firefox/windows"}, Details: map[string]string{"n": strconv.Itoa(from + i)},
				}
			}
			return audit.RecordAll(tx, all)
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.Pool().ExecContext(ctx, "VACUUM ANALYZE audit_events"); err != nil {
		b.Fatal(err)
	}
	rules, err := access.Load(ctx, db)
	if err != nil {
		b.Fatal(err)
	}
	exports := export.New(db, rules, &trail.Service{DB: db}, slog.New(slog.DiscardHandler))
	heap := watchHeap(b)
	for round := 0; b.Loop(); round++ {
		id := strconv.Itoa(round)
		if err := rules.Reload(ctx); err != nil {
			b.Fatal(err)
		}
		err := db.Act(ctx, func(tx *store.Tx) error {
			return tx.Exec("INSERT INTO audit_exports (tenant_id, id, state, form, query, many, created_by, created_at) VALUES ('alder', ?, 'running', ?, '{}', ?, 'auditor', ?)", id, eventform.JSONL, true, tx.Now).Error
		})
		if err := errors.Join(err, exports.TakeUp(ctx)); err != nil {
			b.Fatal(err)
		}
		e, err := exports.Find(ctx, rules.Standing("alder", "auditor"), id)
		if err != nil || e.State != export.Done || e.Done != int64(n) {
			b.Fatalf("it is %+v, %v", e, err)
		}
		var size int64
		if err := exports.Each(ctx, e, func(part []byte) error { size += int64(len(part)); return nil }); err != nil || size != e.Size {
			b.Fatalf("%d octets of %d, %v", size, e.Size, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(heap())/(1<<20), "heap-MiB")
}

// watchHeap looks at the heap now and then, and gives the most that it held.
func watchHeap(b *testing.B) (most func() uint64) {
	var highest atomic.Uint64
	ended := make(chan struct{})
	b.Cleanup(func() { close(ended) })
	runtime.GC()
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				highest.Store(max(highest.Load(), m.HeapAlloc))
			}
		}
	}()
	return highest.Load
}
