package alarm_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"latchkey/app/alarm"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
)

// BenchmarkFollow: sealed events of one tenant a second that are looked at for alarms, of which
// each hundredth is one that a rule counts.
func BenchmarkFollow(b *testing.B) {
	for _, dialect := range storetest.Both {
		b.Run(string(dialect), func(b *testing.B) {
			db, err := store.Open(b.Context(), storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = db.Close() })
			var of tenant.Tenant
			err = db.Act(b.Context(), func(tx *store.Tx) (err error) {
				of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			keys, err := secret.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
			if err != nil {
				b.Fatal(err)
			}
			seals := &checkpoint.Service{DB: db, Keys: keys, Log: slog.New(slog.DiscardHandler)}
			alarms := &alarm.Service{DB: db, Secrets: secret.System, Log: slog.New(slog.DiscardHandler)}
			const events = 40_000
			for b.Loop() {
				b.StopTimer()
				err := errors.Join(writeSignIns(b, db, of.ID, events), seals.Round(b.Context()))
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if err := alarms.Round(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// writeSignIns records so many sign-ins that began, and of a hundred one that was refused.
func writeSignIns(b *testing.B, db *store.DB, tenantID string, count int) error {
	for from := 0; from < count; from += 2000 {
		all := make([]audit.Event, 2000)
		for i := range all {
			id := fmt.Sprintf("user-%d", (from+i)%997)
			all[i] = audit.Event{TenantID: tenantID, Action: audit.SignInBegun, Actor: audit.User(id), Target: audit.User(id), Subject: id, Thread: fmt.Sprint("attempt-", from+i), Origin: audit.Origin{IP: "203.0.113.9"}}
			if i%100 == 0 {
				all[i].Action, all[i].Outcome = audit.SignInRefused, audit.Denied
			}
		}
		if err := db.Act(b.Context(), func(tx *store.Tx) error { return audit.RecordAll(tx, all) }); err != nil {
			return err
		}
	}
	return nil
}
