package insight_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/insight"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// BenchmarkMillion counts a tenant of a million people, a day of whom is 200,000
// decisions, and reads what was counted as the page does.
func BenchmarkMillion(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(string(dialect), func(b *testing.B) { million(b, dialect, 1_000_000, 200_000) })
	}
}

func million(b *testing.B, dialect store.Dialect, people, decisions int) {
	ctx := b.Context()
	db, err := store.Open(ctx, storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	if err := audit.EnsureMonths(ctx, db); err != nil {
		b.Fatal(err)
	}
	rules, err := access.Load(ctx, db)
	if err != nil {
		b.Fatal(err)
	}
	s := &insight.Service{DB: db, Rules: rules, Log: slog.New(slog.DiscardHandler)}
	numbers := "generate_series(1, ?) AS i"
	if dialect == store.SQLite {
		numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
	}
	var of tenant.Tenant
	err = db.Act(ctx, func(tx *store.Tx) (err error) {
		of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
		return errors.Join(err,
			tx.Exec(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, ways, created_at, seed)
				SELECT t.id, 'user-' || i, 'person' || i || '@alder.example', '', 'active', 'disabled', '', 1 + (i % 2) * 2, t.created_at, (CAST(i AS bigint) * 48271) % 2147483647 FROM `+numbers+`, tenants t WHERE t.id = ?`, people, of.ID).Error,
			tx.Exec(`INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, created_at)
				SELECT tenant_id, 'a-' || id, 'k-' || id, id, 'A phone', 'ios', '', '', 'active', FALSE, created_at FROM users WHERE tenant_id = ? AND id LIKE '%1'`, of.ID).Error,
			tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'field','field',?)", of.ID, tx.Now).Error,
			tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, 'field', id, name FROM users WHERE tenant_id = ? AND id LIKE '%7'", of.ID).Error,
			feature.Store(tx, of.ID, feature.PhoneSignIn, feature.Rule{Stage: feature.Percentage, Share: 25, Exclude: []string{"field"}}, 1),
			feature.Store(tx, of.ID, feature.TOTP, feature.Rule{Stage: feature.ReportOnly, Share: 25}, 1))
	})
	if err != nil {
		b.Fatal(err)
	}
	r, begin := rand.New(rand.NewPCG(1, 2)), db.Now().Truncate(24*time.Hour)
	now, err := decision.Load(db.View(ctx), of.ID)
	if err != nil {
		b.Fatal(err)
	}
	for done := 0; done < decisions; done += 10_000 {
		all := make([]decision.Made, 10_000)
		for i := range all {
			n := r.IntN(people) + 1
			all[i] = decision.Made{At: begin.Add(time.Duration(done+i) * time.Microsecond), ID: secret.System.ShortID(), UserID: fmt.Sprint("user-", n), Input: decision.Input{
				Person: feature.Person{Seed: int64(n) * 48271 % 2147483647}, MFA: user.MFADisabled, Bound: user.WithPassword, Served: user.WithPassword, Way: user.WithPassword, Proves: user.WithPassword, Mode: tenant.Pick3,
			}}
		}
		if err := db.Act(ctx, func(tx *store.Tx) error { return decision.Keep(tx, of.ID, now, all) }); err != nil {
			b.Fatal(err)
		}
	}
	if dialect == store.Postgres {
		if _, err := db.Pool().ExecContext(ctx, "VACUUM ANALYZE users, group_members, devices, decisions"); err != nil {
			b.Fatal(err)
		}
	}
	count := func(b *testing.B) {
		b.Helper()
		if _, err := db.CountOne(ctx, "UPDATE insights SET taken_at = NULL, held_at = NULL"); err != nil {
			b.Fatal(err)
		}
		if err := s.TakeUp(ctx); err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	count(b)
	b.Logf("the first time: %s", time.Since(began).Round(time.Millisecond))
	b.Run("count again", func(b *testing.B) {
		for b.Loop() {
			count(b)
		}
	})
	b.Run("the page", func(b *testing.B) {
		for b.Loop() {
			found, err := s.Of(store.Within(ctx, of.ID), of.ID, 30)
			if err != nil || found.Crowd.People != people || len(found.Ways) != 1 {
				b.Fatalf("%d people, %d ways, %v", found.Crowd.People, len(found.Ways), err)
			}
		}
	})
	b.Run("a report", func(b *testing.B) {
		for b.Loop() {
			if r, err := s.Report(store.Within(ctx, of.ID), of.ID, feature.TOTP, 30); err != nil || !r.Any() {
				b.Fatal(err)
			}
		}
	})
}
