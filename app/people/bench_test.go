package people_test

import (
	"fmt"
	"log/slog"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
)

// BenchmarkFirstPage reads the first page of the list, unfiltered and by each
// filter, among a hundred people and among a million.
func BenchmarkFirstPage(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		for _, people := range []int{100, 1_000_000} {
			b.Run(fmt.Sprintf("%s/people=%d", dialect, people), func(b *testing.B) { firstPages(b, dialect, people) })
		}
	}
}

func firstPages(b *testing.B, dialect store.Dialect, n int) {
	ctx := b.Context()
	db, err := store.Open(ctx, storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	if err := audit.EnsureMonths(ctx, db); err != nil {
		b.Fatal(err)
	}
	var t tenant.Tenant
	if err := db.Act(ctx, func(tx *store.Tx) (err error) {
		t, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder Health", Domain: "alder.example", Region: "eu", Ring: "stable"}, audit.Service, audit.Origin{})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	populate(b, db, t.ID, n)
	rules, err := access.Load(ctx, db)
	if err != nil {
		b.Fatal(err)
	}
	s := &people.Service{DB: db, Rules: rules}
	ctx = store.Within(ctx, t.ID)
	for _, row := range []struct {
		claim  string
		filter people.Filter
	}{
		{"everybody", people.Filter{}},
		{"state=active", people.Filter{State: "active"}},
		{"state=locked", people.Filter{State: "locked"}},
		{"mfa=enforced", people.Filter{MFA: people.MFAEnforced}},
		{"with password", people.Filter{Way: people.WithPassword}},
		{"without password", people.Filter{Way: people.WithoutPassword}},
		{"with phone", people.Filter{Way: people.WithPhone}},
		{"without phone", people.Filter{Way: people.WithoutPhone}},
		{"with passkey", people.Filter{Way: people.WithPasskey}},
		{"with totp", people.Filter{Way: people.WithTOTP}},
		{"with voice", people.Filter{Way: people.WithVoice}},
		{"with sms", people.Filter{Way: people.WithSMS}},
		{"with static passcode", people.Filter{Way: people.WithStaticPasscode}},
		{"at risk", people.Filter{AtRisk: true}},
		{"group", people.Filter{Group: "group-0"}},
		{"never signed in", people.Filter{SignIn: people.Never}},
		{"not for 30 days", people.Filter{SignIn: people.Past30}},
		{"not for 90 days", people.Filter{SignIn: people.Past90}},
		{"query of many", people.Filter{Query: "per"}},
		{"query of few", people.Filter{Query: "person99"}},
		{"two words", people.Filter{Query: "person1 given3"}},
		{"state and ways", people.Filter{State: "locked", Way: people.WithoutPhone}},
	} {
		b.Run(row.claim, func(b *testing.B) {
			for b.Loop() {
				page, err := s.List(ctx, t.ID, "nobody", row.filter, people.Position{}, people.Position{})
				if err != nil {
					b.Fatal(err)
				}
				if n > 100 && len(page.Rows) != people.PageMost {
					b.Fatalf("%d people on the first page", len(page.Rows))
				}
			}
		})
	}
	if n > 100 {
		middle := people.Position{Key: "person500000@alder.example"}
		b.Run("a page in the middle", func(b *testing.B) {
			for b.Loop() {
				if page, err := s.List(ctx, t.ID, "nobody", people.Filter{}, middle, people.Position{}); err != nil || len(page.Rows) != people.PageMost {
					b.Fatal(err, len(page.Rows))
				}
			}
		})
	}
}

// populate makes n people in a few statements, with ways, states and sign-ins as
// they might be, and two words for each.
func populate(b *testing.B, db *store.DB, tenantID string, n int) {
	b.Helper()
	numbers := "generate_series(1, ?) AS i"
	if db.Dialect == store.SQLite {
		numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
	}
	since := "CAST(? AS timestamptz) - (i % 200) * interval '1 day'"
	if db.Dialect == store.SQLite {
		since = "datetime(?, '-' || (i % 200) || ' days')"
	}
	err := db.Act(b.Context(), func(tx *store.Tx) error {
		now := any(tx.Now)
		if db.Dialect == store.SQLite {
			now = tx.Now.Format("2006-01-02 15:04:05")
		}
		for _, step := range []struct {
			statement string
			values    []any
		}{
			{`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, ways, created_at, last_signin_at)
				SELECT ?, 'user-' || i, 'person' || i || '@alder.example', 'Given' || (i % 97) || ' Person' || i,
				CASE WHEN i % 1000 = 7 THEN 'locked' WHEN i % 1000 = 8 THEN 'disabled' ELSE 'active' END,
				CASE WHEN i % 20 = 3 THEN 'enforced' WHEN i % 20 = 4 THEN 'enabled' ELSE 'disabled' END,
				CASE WHEN i % 30 = 5 THEN '' ELSE 'x' END, CASE WHEN i % 30 = 5 THEN 0 ELSE 1 END + CASE WHEN i % 3 = 0 THEN 2 ELSE 0 END
				+ CASE WHEN i % 4 = 0 THEN 4 ELSE 0 END + CASE WHEN i % 50 = 1 THEN 8 ELSE 0 END + CASE WHEN i % 500 = 9 THEN 32 ELSE 0 END
				+ CASE WHEN i % 100 = 7 THEN 64 ELSE 0 END + CASE WHEN i % 10000 = 99 THEN 128 ELSE 0 END, CAST(? AS ` + timestamp(db) + `),
				CASE WHEN i % 5 < 2 THEN NULL ELSE ` + since + ` END FROM ` + numbers, []any{tenantID, now, now, n}},
			{"INSERT INTO user_words (tenant_id, word, user_id) SELECT tenant_id, substr(name, 1, length(name) - 14), id FROM users WHERE tenant_id = ?", []any{tenantID}},
			{"INSERT INTO user_words (tenant_id, word, user_id) SELECT tenant_id, lower(substr(display_name, 1, 6)), id FROM users WHERE tenant_id = ?", []any{tenantID}},
			{"INSERT INTO groups (tenant_id, id, name, created_at) SELECT ?, 'group-' || i, 'Group ' || i, CAST(? AS " + timestamp(db) + ") FROM " + numbers, []any{tenantID, now, 10}},
			{"INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?, 'group-0', 'Group 0', ?)", []any{tenantID, tx.Now}},
			{`INSERT INTO group_members (tenant_id, group_id, user_id, user_name)
				SELECT tenant_id, 'group-' || (CAST(substr(id, 6) AS integer) % 10), id, name FROM users WHERE tenant_id = ?`, []any{tenantID}},
		} {
			if err := tx.Exec(step.statement, step.values...).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if db.Dialect == store.Postgres {
		if _, err := db.Pool().ExecContext(b.Context(), "VACUUM ANALYZE users, user_words, group_members, groups"); err != nil {
			b.Fatal(err)
		}
	}
}

// timestamp is the type of an instant.
func timestamp(db *store.DB) string {
	if db.Dialect == store.SQLite {
		return "text"
	}
	return "timestamptz"
}
