package checkpoint_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/checkpoint/checkpointtest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func open(b *testing.B, dialect store.Dialect) *store.DB {
	b.Helper()
	db, err := store.Open(b.Context(), storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// fill records n events in large acts.
func fill(b *testing.B, db *store.DB, n int) {
	b.Helper()
	for from := 0; from < n; from += 2000 {
		err := db.Act(b.Context(), func(tx *store.Tx) error {
			var all []audit.Event
			for i := from; i < min(n, from+2000); i++ {
				all = append(all, event("alder", i))
			}
			return audit.RecordAll(tx, all)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func seal(b *testing.B, s *checkpoint.Service) {
	b.Helper()
	for {
		_, more, err := s.Seal(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if !more {
			return
		}
	}
}

// BenchmarkSeal: events of one tenant a second.
func BenchmarkSeal(b *testing.B) {
	for _, dialect := range storetest.Both {
		b.Run(string(dialect), func(b *testing.B) {
			db := open(b, dialect)
			s := &checkpoint.Service{DB: db, Keys: keys(b), Log: slog.New(slog.DiscardHandler)}
			const n = 40_000
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				fill(b, db, n)
				b.StartTimer()
				seal(b, s)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkRecord: an act that is nothing but two events, on PostgreSQL, 16 at once, of one tenant
// and of a hundred. It reports acts a second, not sealed, how many of a hundred are left beside the
// sealing, and how far that is behind.
func BenchmarkRecord(b *testing.B) {
	for _, row := range []struct {
		name    string
		tenants int64
	}{{"hot", 1}, {"many", 100}} {
		b.Run(row.name, func(b *testing.B) {
			db := open(b, store.Postgres)
			s := &checkpoint.Service{DB: db, Keys: keys(b), Log: slog.New(slog.DiscardHandler)}
			var next atomic.Int64
			f := checkpointtest.Beside(b, s, 2, func() error {
				i := next.Add(1)
				tenant := fmt.Sprintf("tenant-%d", i%row.tenants)
				return db.Act(b.Context(), func(tx *store.Tx) error {
					return errors.Join(audit.Record(tx, event(tenant, int(i))), audit.Record(tx, event(tenant, int(i+1))))
				})
			})
			b.ReportMetric(f.Alone, "acts/s")
			b.ReportMetric(f.Kept, "%-kept")
			b.ReportMetric(f.Behind, "s-behind")
		})
	}
}

// BenchmarkVerify goes through LATCHKEY_BENCH_EVENTS events, 100,000 unless it says so.
func BenchmarkVerify(b *testing.B) {
	n := 100_000
	if text := os.Getenv("LATCHKEY_BENCH_EVENTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, dialect := range storetest.Both {
		b.Run(string(dialect), func(b *testing.B) {
			db := open(b, dialect)
			s := &checkpoint.Service{DB: db, Keys: keys(b), Log: slog.New(slog.DiscardHandler)}
			fill(b, db, n)
			seal(b, s)
			if _, err := s.Sign(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for range b.N {
				for _, r := range verify(b, s, "alder", nil) {
					if !r.Whole() || r.Size != int64(n) {
						b.Fatalf("it is %+v", r)
					}
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkEvent: an act like that of locking somebody, which reads a row and holds it,
// changes it, looks for what waits and ends sessions, on PostgreSQL with 16 at once; without
// an event, with one, and with one for which somebody has typed a reason.
func BenchmarkEvent(b *testing.B) {
	const people = 1000
	for _, row := range []struct{ name, reason string }{{"none", ""}, {"event", ""}, {"typed", "lost the phone on the way to the late shift"}} {
		b.Run(row.name, func(b *testing.B) {
			db := open(b, store.Postgres)
			err := db.Act(b.Context(), func(tx *store.Tx) error {
				return errors.Join(
					tx.Exec("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('alder','alder','alder','eu','stable','active','pick3','ios',?)", tx.Now).Error,
					tx.Exec("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) SELECT 'alder', 'user-' || i, 'user' || i || '@alder.example', '', 'active', 'disabled', '', ? FROM generate_series(0, ?) i", tx.Now, people-1).Error,
				)
			})
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					id := fmt.Sprintf("user-%d", i%people)
					err := db.Act(b.Context(), func(tx *store.Tx) error {
						var state string
						if _, err := tx.One(&state, "SELECT state FROM users WHERE tenant_id = 'alder' AND id = ? FOR UPDATE", id); err != nil {
							return err
						}
						var waiting []string
						err := errors.Join(
							tx.Exec("UPDATE users SET locked_by = ? WHERE tenant_id = 'alder' AND id = ?", fmt.Sprint(i), id).Error,
							tx.All(&waiting, "SELECT id FROM prompts WHERE tenant_id = 'alder' AND user_id = ? AND state = 'pending'", id),
							tx.Exec("UPDATE sessions SET ended_at = ? WHERE tenant_id = 'alder' AND user_id = ? AND ended_at IS NULL", tx.Now, id).Error,
						)
						if err != nil || row.name == "none" {
							return err
						}
						e := event("alder", i)
						e.Reason = row.reason
						return audit.Record(tx, e)
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acts/s")
		})
	}
}
