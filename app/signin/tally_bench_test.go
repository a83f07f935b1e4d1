package signin_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/feature"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
)

// BenchmarkTallies counts what a guard looks at: an hour of a tenant of a million people
// in which there were 100,000 sign-ins, for a ring of five people and for one of half.
func BenchmarkTallies(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(string(dialect), func(b *testing.B) { tallied(b, dialect, 1_000_000, 100_000) })
	}
}

func tallied(b *testing.B, dialect store.Dialect, people, attempts int) {
	ctx := b.Context()
	db, err := store.Open(ctx, storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := errors.Join(db.Migrate(ctx), audit.EnsureMonths(ctx, db)); err != nil {
		b.Fatal(err)
	}
	numbers := "generate_series(1, ?) AS i"
	if dialect == store.SQLite {
		numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
	}
	var of tenant.Tenant
	err = db.Act(ctx, func(tx *store.Tx) (err error) {
		of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
		return errors.Join(err,
			tx.Exec(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, ways, created_at, seed)
				SELECT t.id, 'user-' || i, 'person' || i || '@alder.example', '', 'active', 'disabled', '', 1, t.created_at, (CAST(i AS bigint) * 48271) % 2147483647 FROM `+numbers+`, tenants t WHERE t.id = ?`, people, of.ID).Error,
			tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'pilot','pilot',?)", of.ID, tx.Now).Error,
			tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, 'pilot', id, name FROM users WHERE tenant_id = ? AND id IN ('user-1', 'user-2', 'user-3', 'user-4', 'user-5')", of.ID).Error,
			feature.Store(tx, of.ID, feature.Passkeys, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}}, 1),
			feature.Store(tx, of.ID, feature.TOTP, feature.Rule{Stage: feature.Percentage, Share: 50}, 1))
	})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Act(ctx, func(tx *store.Tx) error {
		for at := range 20 {
			signedIn, some := tx.Now.Add(time.Duration(at)*2*time.Minute-time.Hour), attempts/20
			if at == 0 { // the ring, before all others did
				some = 5
			}
			if err := tx.Exec(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, state, ip, browser, created_at, expires_at)
				SELECT ?, ? || i, '', '', '', 'user-' || (1 + (CAST(i AS bigint) * ? + ?) % ?), 'sign_in', '/', 'passkey', 'finished', '', '', ?, ? FROM `+numbers,
				of.ID, fmt.Sprint(at, "-"), 1+7918*min(at, 1), at-1, people, signedIn, signedIn.Add(15*time.Minute), some).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if dialect == store.Postgres {
		if _, err := db.Pool().ExecContext(ctx, "VACUUM ANALYZE users, group_members, attempts"); err != nil {
			b.Fatal(err)
		}
	}
	for name, f := range map[string]feature.Feature{"five": feature.Passkeys, "half": feature.TOTP, "everybody": feature.SMS} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				tx := db.View(store.Within(ctx, of.ID))
				have, others, err := signin.Tallies(tx, of.ID, f, tx.Now.Add(-2*time.Hour))
				if err != nil || have.SignIns < 5 || f != feature.SMS && others.SignIns != 5_000 {
					b.Fatalf("%+v, %+v, %v", have, others, err)
				}
			}
		})
	}
}
