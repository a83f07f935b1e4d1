package server_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"latchkey/app/server/servertest"
	"latchkey/app/stock"
	"latchkey/app/store/storetest"
)

// BenchmarkBatchBesideSignIns makes the largest batch of sheets there is, of
// LATCHKEY_BENCH_SHEETS if that says so, with hashes that cost what they cost, while people
// sign in by their passwords, one after the other. It reports how long the batch takes, and
// how long a sign-in alone and beside it. On two cores it takes minutes: give it -timeout 60m.
func BenchmarkBatchBesideSignIns(b *testing.B) {
	most := stock.SheetsMost
	if text := os.Getenv("LATCHKEY_BENCH_SHEETS"); text != "" {
		var err error
		if most, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, dialect := range storetest.Dialects {
		b.Run(string(dialect), func(b *testing.B) {
			w := quiet(servertest.Quiet(b, dialect, "http://localhost", servertest.DearPasswords))
			tenantID, _ := w.person(b, "admin@alder.example")
			group := w.group(b, "alder", "office")
			w.act(b, "DELETE FROM group_members WHERE group_id = ?", group)
			for i := range most {
				id, name := fmt.Sprint("bulk-", i), fmt.Sprintf("bulk%d@alder.example", i)
				w.act(b, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", tenantID, id, name, w.now())
				w.act(b, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,?,?,?,?)", tenantID, group, id, name, w.now())
			}
			signIn := func() time.Duration {
				began := time.Now()
				w.browser(b).byPassword(b, "user1@alder.example")
				return time.Since(began)
			}
			var alone, beside []time.Duration
			var made time.Duration
			for range b.N {
				for range 20 {
					alone = append(alone, signIn())
				}
				admin := w.browser(b).signIn(b, "admin@alder.example")
				page := admin.post(b, sheets+"/batches", "group", group, "paper", "a4").want(b, http.StatusSeeOther).location()
				draft := admin.get(b, page).want(b, http.StatusOK)
				if got := first(gettingMark, draft); got != strconv.Itoa(most) {
					b.Fatalf("it makes %s sheets of %d", got, most)
				}
				if at := admin.post(b, page+"/start", "digest", first(digestMark, draft), "reason", "a measurement").want(b, http.StatusSeeOther).location(); at != page {
					b.Fatalf("starting it leads to %s", at)
				}
				began, done := time.Now(), make(chan error, 1)
				go func() { done <- w.Server.Stock.TakeUp(b.Context()) }()
				for ended := false; !ended; {
					select {
					case err := <-done:
						if err != nil {
							b.Fatal(err)
						}
						ended = true
					default:
						beside = append(beside, signIn())
					}
				}
				made += time.Since(began)
				var sealed int
				w.one(b, &sealed, "SELECT count(*) FROM code_sheets WHERE state = 'unprinted'")
				if sealed != most {
					b.Fatalf("%d sheets of %d are made", sealed, most)
				}
				admin.post(b, page+"/void", "reason", "measured").want(b, http.StatusSeeOther)
			}
			b.ReportMetric(made.Seconds()/float64(b.N), "s/batch")
			b.ReportMetric(float64(most*b.N)/made.Seconds(), "sheets/s")
			for name, took := range map[string][]time.Duration{"alone": alone, "beside": beside} {
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"-p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
			}
			b.ReportMetric(float64(len(beside))/made.Seconds(), "signins/s")
		})
	}
}
