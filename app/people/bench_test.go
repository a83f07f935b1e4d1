package people_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

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

// crowd is a service over n people of one tenant, and where to ask it.
func crowd(b *testing.B, dialect store.Dialect, n int) (context.Context, *people.Service, string) {
	b.Helper()
	ctx := b.Context()
	db, err := store.Open(ctx, storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
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
	return store.Within(ctx, t.ID), &people.Service{DB: db, Rules: rules}, t.ID
}

// narrowed is a filter with what it asks for.
type narrowed struct {
	claim  string
	filter people.Filter
}

// filters are each filter by itself.
var filters = []narrowed{
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
	{"with weaker ways alone", people.Filter{Way: people.WithoutStrong}},
	{"at risk", people.Filter{AtRisk: true}},
	{"group", people.Filter{Group: "group-0"}},
	{"never signed in", people.Filter{SignIn: people.Never}},
	{"not for 30 days", people.Filter{SignIn: people.Past30}},
	{"not for 90 days", people.Filter{SignIn: people.Past90}},
	{"query of many", people.Filter{Query: "per"}},
	{"query of few", people.Filter{Query: "person99"}},
	{"two words", people.Filter{Query: "person1 given3"}},
	{"state and ways", people.Filter{State: "locked", Way: people.WithoutPhone}},
}

func firstPages(b *testing.B, dialect store.Dialect, n int) {
	ctx, s, tenantID := crowd(b, dialect, n)
	for _, row := range filters {
		b.Run(row.claim, func(b *testing.B) {
			for b.Loop() {
				page, err := s.List(ctx, tenantID, "nobody", row.filter, people.Position{}, people.Position{})
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
				if page, err := s.List(ctx, tenantID, "nobody", people.Filter{}, middle, people.Position{}); err != nil || len(page.Rows) != people.PageMost {
					b.Fatal(err, len(page.Rows))
				}
			}
		})
	}
}

// BenchmarkEveryTwoFilters reads the first page by each two filters together, also by
// two that nobody fits, and reports the slowest of all pairs.
func BenchmarkEveryTwoFilters(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		for _, people := range []int{100, 1_000_000} {
			b.Run(fmt.Sprintf("%s/people=%d", dialect, people), func(b *testing.B) { everyTwo(b, dialect, people) })
		}
	}
}

func everyTwo(b *testing.B, dialect store.Dialect, n int) {
	ctx, s, tenantID := crowd(b, dialect, n)
	worst, slowest := time.Duration(0), ""
	for b.Loop() {
		for i, one := range filters {
			for _, other := range filters[:i] {
				both, ok := one.and(other)
				if !ok {
					continue
				}
				began := time.Now()
				if _, err := s.List(ctx, tenantID, "nobody", both, people.Position{}, people.Position{}); err != nil {
					b.Fatal(err)
				}
				if took := time.Since(began); took > worst {
					worst, slowest = took, one.claim+" and "+other.claim
				}
			}
		}
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
	b.Logf("the slowest of %d people on %s: %s", n, dialect, slowest)
}

// and puts two filters together that ask for different things.
func (n narrowed) and(other narrowed) (both people.Filter, ok bool) {
	a, b := n.filter, other.filter
	for _, pair := range [][2]string{{a.State, b.State}, {a.MFA, b.MFA}, {a.Way, b.Way}, {a.Group, b.Group}, {a.SignIn, b.SignIn}, {a.Query, b.Query}} {
		if pair[0] != "" && pair[1] != "" {
			return both, false
		}
	}
	both = people.Filter{
		State: cmp.Or(a.State, b.State), MFA: cmp.Or(a.MFA, b.MFA), Way: cmp.Or(a.Way, b.Way), Group: cmp.Or(a.Group, b.Group),
		SignIn: cmp.Or(a.SignIn, b.SignIn), Query: cmp.Or(a.Query, b.Query), AtRisk: a.AtRisk || b.AtRisk,
	}
	return both, a != people.Filter{} && b != people.Filter{}
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
				SELECT tenant_id, 'group-' || (CASE WHEN CAST(substr(id, 6) AS integer) <= 60 THEN 0 ELSE CAST(substr(id, 6) AS integer) % 10 END), id, name FROM users WHERE tenant_id = ?`, []any{tenantID}},
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
