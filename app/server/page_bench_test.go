package server_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

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
