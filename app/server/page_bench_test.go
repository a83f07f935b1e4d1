package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/checkpoint"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/totp"
	"latchkey/app/trail/trailtest"
)

// BenchmarkTypedCode signs somebody in by the code of an authenticator app, over HTTP on
// loopback, one after another: name, page and code, which is three durable commits. It
// reports the median of the whole.
func BenchmarkTypedCode(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(string(dialect), func(b *testing.B) {
			const name = "user1@alder.example"
			w := newWorld(b, servertest.Start(b, dialect), &atomic.Int64{})
			app, pc := w.withApp(b, name)
			pc.post(b, "/signout")
			w.forward(b, totp.Period)
			pc.post(b, pc.byCode(b, name)+"/verify", "code", app.code(b, 0)).want(b, http.StatusSeeOther)
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				w.forward(b, totp.Period)
				code := app.code(b, 0)
				pc = w.browser(b)
				pc.get(b, "/signin")
				b.StartTimer()
				began := time.Now()
				attempt := pc.post(b, "/signin", "identifier", name).want(b, http.StatusSeeOther).location()
				pc.get(b, attempt).want(b, http.StatusOK)
				pc.post(b, attempt+"/verify", "code", code).want(b, http.StatusSeeOther)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkAuthenticatedPage asks for pages of somebody signed in, over HTTP on
// loopback, one after another, on SQLite. It reports the median of the answers.
func BenchmarkAuthenticatedPage(b *testing.B) {
	for _, path := range []string{"/", "/me", "/me/sessions"} {
		b.Run(path, func(b *testing.B) {
			w := newWorld(b, servertest.Start(b, store.SQLite), &atomic.Int64{})
			pc := w.browser(b).signIn(b, "user1@alder.example")
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if a := pc.get(b, path); a.status != http.StatusOK {
					b.Fatalf("%s = %d", a.asked, a.status)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkAuditPage asks for pages of the audit as an auditor, over HTTP on loopback, one
// after another, on PostgreSQL, among ten thousand events and among LATCHKEY_BENCH_EVENTS,
// a million unless it says so.
func BenchmarkAuditPage(b *testing.B) {
	large := 1_000_000
	if text := os.Getenv("LATCHKEY_BENCH_EVENTS"); text != "" {
		var err error
		if large, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, events := range []int{10_000, large} {
		w := newWorld(b, servertest.Start(b, store.Postgres), &atomic.Int64{})
		tenantID, _ := w.person(b, "auditor@alder.example")
		err := w.DB.Act(b.Context(), func(tx *store.Tx) error { return trailtest.Enrol(tx, tenantID, events) })
		if err := errors.Join(err, trailtest.Fill(b.Context(), w.DB, tenantID, events)); err != nil {
			b.Fatal(err)
		}
		if _, err := w.DB.Pool().ExecContext(b.Context(), "VACUUM ANALYZE"); err != nil {
			b.Fatal(err)
		}
		settled(b, w.DB)
		pc := w.browser(b).signIn(b, "auditor@alder.example")
		for _, row := range []struct{ name, query string }{
			{"first", ""}, {"action", "?action=bypass.issued"}, {"refused", "?outcome=denied"}, {"person", "?target=" + trailtest.Person}, {"words", "?q=" + url.QueryEscape(trailtest.Words)}, {"address", "?q=" + trailtest.Address},
		} {
			b.Run(fmt.Sprintf("events=%d/%s", events, row.name), func(b *testing.B) {
				var warm sync.WaitGroup
				for range 16 { // each connection plans what it is asked
					warm.Go(func() {
						for range 12 {
							pc.fetch(b, "/admin/alder/audit"+row.query)
						}
					})
				}
				warm.Wait()
				var took []time.Duration
				for b.Loop() {
					began := time.Now()
					pc.fetch(b, "/admin/alder/audit"+row.query)
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			})
		}
	}
}

// fetch asks for a page and keeps nothing of it: what the collector is given to do is the
// program's.
func (b *browser) fetch(t testing.TB, path string) {
	res, err := b.client.Do(b.request(t, http.MethodGet, path, nil))
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s = %d, %v", path, res.StatusCode, err)
	}
}

// settled waits until every event is in the tree of its tenant and has been looked at for
// alarms. The server takes some minutes for a million that came at once.
func settled(b *testing.B, db *store.DB) {
	b.Helper()
	for {
		health, err := checkpoint.Look(b.Context(), db)
		if err != nil {
			b.Fatal(err)
		}
		var left int
		if _, err := db.View(b.Context()).One(&left, "SELECT count(*) FROM audit_trees t LEFT JOIN alarm_positions p ON p.tenant_id = t.tenant_id WHERE t.size > COALESCE(p.next_n, 0)"); err != nil {
			b.Fatal(err)
		}
		if health.UnsealedAt.IsZero() && left == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
