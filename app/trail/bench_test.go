package trail_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/trail"
	"latchkey/app/trail/trailtest"
)

// BenchmarkFind asks for pages of a tenant with ten thousand events and of one with ten
// million, on PostgreSQL: nine in ten of sign-ins, the others of administrators. Beside the
// mean of each is the time within which 99 of 100 are done.
//
//	go test -run '^$' -bench Find -timeout 2h ./app/trail
func BenchmarkFind(b *testing.B) {
	for _, size := range []int{10_000, 10_000_000} {
		b.Run(fmt.Sprint("events=", size), func(b *testing.B) { finds(b, filled(b, size)) })
	}
}

func filled(b *testing.B, size int) *store.DB {
	ctx := b.Context()
	db, err := store.Open(ctx, storetest.Address(b, store.Postgres), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := errors.Join(db.Migrate(ctx), audit.EnsureMonths(ctx, db)); err != nil {
		b.Fatal(err)
	}
	err = db.Act(ctx, func(tx *store.Tx) error {
		return errors.Join(
			tx.Exec("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('alder','alder','alder','eu','stable','active','pick3','ios',?)", tx.Now).Error,
			trailtest.Enrol(tx, "alder", size),
		)
	})
	if err := errors.Join(err, trailtest.Fill(ctx, db, "alder", size)); err != nil {
		b.Fatal(err)
	}
	if _, err := db.Pool().ExecContext(ctx, "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
	return db
}

func finds(b *testing.B, db *store.DB) {
	s, now := &trail.Service{DB: db}, db.Now()
	who := func(role access.Role, id string, may ...access.Permission) trail.Sight {
		return trail.SightOf(access.Standing{TenantID: "alder", UserID: id, Role: role, Rank: access.Ranks[role], May: access.SetOf(append(may, access.AuditRead)...)}, now)
	}
	auditor := who(access.RoleAuditor, "u1", access.AuditReadPersonal, access.AuditVerify)
	middle := trail.Position{At: now.Add(-30 * 24 * time.Hour)}
	for _, row := range []struct {
		name  string
		sight trail.Sight
		q     trail.Query
		after trail.Position
	}{
		{"first", auditor, trail.Query{}, trail.Position{}},
		{"middle", auditor, trail.Query{}, middle},
		{"actor", auditor, trail.Query{Actor: trailtest.Admin + "@alder.example"}, trail.Position{}},
		{"person", auditor, trail.Query{Target: trailtest.Person + "@alder.example"}, trail.Position{}},
		{"action", auditor, trail.Query{Action: "bypass.issued"}, trail.Position{}},
		{"actions", auditor, trail.Query{Action: "signin."}, middle},
		{"outcome", auditor, trail.Query{Outcome: audit.Denied}, trail.Position{}},
		{"action_and_outcome", auditor, trail.Query{Action: "signin.begun", Outcome: audit.Failure}, trail.Position{}},
		{"word", auditor, trail.Query{Text: "phone"}, trail.Position{}},
		{"words", auditor, trail.Query{Text: trailtest.Words}, trail.Position{}},
		{"code", auditor, trail.Query{Text: "signin.password_wrong"}, trail.Position{}},
		{"address", auditor, trail.Query{Text: trailtest.Address}, trail.Position{}},
		{"range", auditor, trail.Query{From: now.Add(-24 * time.Hour), To: now.Add(-time.Hour)}, trail.Position{}},
		{"tenant_administrator", who(access.RoleTenantAdministrator, "u2"), trail.Query{}, trail.Position{}},
		{"lead", who(access.RoleHelpdeskLead, "u2"), trail.Query{}, trail.Position{}},
		{"helpdesk", who(access.RoleHelpdesk, trailtest.Admin), trail.Query{}, trail.Position{}},
		{"own", trail.OwnSight("alder", trailtest.Person, now), trail.Query{}, trail.Position{}},
	} {
		if row.sight.Told == people.Nothing && !row.sight.Own {
			b.Fatalf("%s sees nothing", row.name)
		}
		b.Run(row.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				p, err := s.Find(b.Context(), row.sight, row.q, row.after, trail.Position{})
				if err != nil || len(p.Rows) == 0 {
					b.Fatalf("%d rows, %v", len(p.Rows), err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
	days := []time.Time{now.Add(-90 * 24 * time.Hour)}
	for range 90 {
		days = append(days, days[len(days)-1].Add(24*time.Hour))
	}
	actions := slices.Concat(audit.Actions(audit.ClassRefusal), []audit.Action{audit.SignInFinished, audit.BypassIssued, audit.BypassUsed, audit.BypassExpired, audit.BypassRevoked})
	for name, sight := range map[string]trail.Sight{"auditor": auditor, "lead": who(access.RoleHelpdeskLead, "u2"), "helpdesk": who(access.RoleHelpdesk, trailtest.Admin)} {
		b.Run("figures_"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Actions(b.Context(), sight, actions, days); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("ways_"+name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.Ways(b.Context(), sight, days); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("count_to_1000", func(b *testing.B) {
		for b.Loop() {
			if n, err := s.Count(b.Context(), auditor, trail.Query{}, 1000); err != nil || n != 1001 {
				b.Fatal(n, err)
			}
		}
	})
}
