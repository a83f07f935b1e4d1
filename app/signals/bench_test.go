package signals_test

import (
	"errors"
	"log/slog"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/signals"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// BenchmarkReport counts thirteen weeks of a big desk: 200 agents, 100,000 bypasses with
// their checks, beside a tenant with as many.
func BenchmarkReport(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(string(dialect), func(b *testing.B) { big(b, dialect) })
	}
}

func big(b *testing.B, dialect store.Dialect) {
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
	at := "CAST(? AS timestamptz) - i * interval '78 seconds'" // 100,000 of them are thirteen weeks less a day
	if dialect == store.SQLite {
		numbers, at = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)", "strftime('%Y-%m-%d %H:%M:%f', ?, '-' || (i * 78) || ' seconds') || '000+00:00'"
	}
	for _, of := range []string{"alder", "birch"} {
		err = db.Act(ctx, func(tx *store.Tx) error {
			now := any(tx.Now)
			if dialect == store.SQLite {
				now = tx.Now.Format("2006-01-02 15:04:05")
			}
			return errors.Join(
				tx.Exec("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES (?,?,?,'eu','stable','active','pick3','ios',?)", of, of, of, tx.Now).Error,
				tx.Exec("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) SELECT t.id, 'u' || i, 'u' || i || '@' || t.id, '', 'active', 'disabled', '', t.created_at FROM "+numbers+", tenants t WHERE t.id = ?", 10_200, of).Error,
				tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", of, tx.Now).Error,
				tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, 'ward', id, name FROM users WHERE tenant_id = ? AND id LIKE '%7'", of).Error,
				tx.Exec("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, ticket, state, owner_id, opened_by, repeats, opened_at) VALUES (?,'case',1001,'u1','lost','','','open','u1','u1',0,?)", of, tx.Now).Error,
				tx.Exec(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at, ended_at, proved_at, spent_at, spent_for)
					SELECT ?, 'c' || i, 'u' || (201 + i % 10000), 'u' || (1 + i % 200), 'case', 'phone', '', 'proved', x.at, x.at, x.at, x.at, x.at, 'b' || i FROM (SELECT i, `+at+` AS at FROM `+numbers+`) x`, of, now, 100_000).Error,
				tx.Exec(`INSERT INTO bypasses (tenant_id, id, user_id, case_id, kind, state, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at, last_used_at, again)
					SELECT ?, 'b' || i, 'u' || (201 + i % 10000), 'case', 'pass_code', 'used', 60, 1, 0, '', 'c' || i, 'phone', 'strong', 'u' || (1 + i % 200), x.at, x.at, x.at, x.at, i % 9 = 0 FROM (SELECT i, `+at+` AS at FROM `+numbers+`) x`, of, now, 100_000).Error,
			)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if _, err := db.Pool().ExecContext(ctx, "ANALYZE"); err != nil {
		b.Fatal(err)
	}
	rules, err := access.Load(ctx, db)
	if err != nil {
		b.Fatal(err)
	}
	s := &signals.Service{DB: db, Rules: rules}
	for _, row := range []struct {
		name string
		who  access.Standing
		want int
	}{
		{"all", access.Standing{TenantID: "alder", UserID: "u1", Rank: access.Ranks[access.RoleAuditor]}, 100_000},
		{"in_a_group", access.Standing{TenantID: "alder", UserID: "u1", Rank: access.Ranks[access.RoleHelpdeskLead], Scope: []string{"ward"}}, 10_000},
		{"own", access.Standing{TenantID: "alder", UserID: "u7", Rank: access.Ranks[access.RoleHelpdesk]}, 500},
	} {
		b.Run(row.name, func(b *testing.B) {
			for b.Loop() {
				r, err := s.Of(ctx, row.who, signals.WeeksMost, audit.Origin{})
				if err != nil || r.All.Given != row.want || r.All.Of[signals.Unchecked] != 0 {
					b.Fatalf("counted %+v, %v", r.All, err)
				}
			}
		})
	}
	b.Run("agent", func(b *testing.B) {
		for b.Loop() {
			got, err := s.Agent(ctx, access.Standing{TenantID: "alder", UserID: "u1", Rank: access.Ranks[access.RoleAuditor]}, "u7", signals.Again, signals.WeeksMost, audit.Origin{})
			if err != nil || len(got.Rows) == 0 {
				b.Fatalf("%d rows, %v", len(got.Rows), err)
			}
		}
	})
}
