package relaxation_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/feature"
	"latchkey/app/relaxation"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// TestAStatementLiftsWhatTheRuleLifts draws rules, releases, groups, ranks and outages, and
// asks of everybody both the function and the statement which ways are theirs.
func TestAStatementLiftsWhatTheRuleLifts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		r := rand.New(rand.NewPCG(5, 17))
		act := func(do func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Act(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		groups := []string{"field", "office", "pilot"}
		var of tenant.Tenant
		var people []string
		ranks := map[string]bool{}
		act(func(tx *store.Tx) (err error) {
			of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
			do := func(statement string, values ...any) {
				if err == nil {
					err = tx.Exec(statement, values...).Error
				}
			}
			for _, g := range groups {
				do("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", of.ID, g, g, tx.Now)
			}
			for i := range 40 {
				id := fmt.Sprintf("user%d", i)
				people = append(people, id)
				do("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", of.ID, id, id+"@alder.example", tx.Now)
				for _, g := range groups {
					if r.IntN(3) == 0 {
						do("INSERT INTO group_members (tenant_id, group_id, user_id) VALUES (?,?,?)", of.ID, g, id)
					}
				}
				ranks[id] = r.IntN(4) == 0
			}
			return err
		})
		pick := func() (all []string) {
			for _, g := range groups {
				if r.IntN(4) == 0 {
					all = append(all, g)
				}
			}
			return all
		}
		lifted, running := 0, 0
		for round := range 40 {
			runs := r.IntN(4) > 0
			inScope := map[string]bool{}
			act(func(tx *store.Tx) error {
				for _, e := range feature.Catalogue {
					if r.IntN(2) == 0 {
						rule := feature.Rule{Stage: feature.Stages[r.IntN(len(feature.Stages))], Share: r.IntN(101), Include: pick()}
						if rule.Exclude = pick(); len(rule.Exclude) > 0 && len(rule.Include) > 0 {
							rule.Exclude = nil
						}
						if e.Feature == feature.OutageMode && round%4 > 0 {
							rule = feature.Rule{Stage: feature.Everyone}
						}
						if err := feature.Store(tx, of.ID, e.Feature, rule, round+1); err != nil {
							return err
						}
					}
					cells := []feature.Cell{{Region: "eu", Ring: "early", Share: 0}}
					if r.IntN(10) > 0 {
						cells = nil
					}
					if err := feature.Release(tx, e.Feature, cells); err != nil {
						return err
					}
				}
				for _, table := range []string{"outage_groups", "outage_ranks", "outages"} {
					if err := tx.Exec("DELETE FROM " + table).Error; err != nil {
						return err
					}
				}
				if !runs {
					return nil
				}
				everybody := r.IntN(2) == 0
				if err := tx.Exec(`INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, reason, ticket, requested_by, approved_by, began_at, ends_at)
					VALUES (?,'outage',FALSE,'push',1,?,'','','','',?,?)`, of.ID, everybody, tx.Now, tx.Now.Add(time.Hour)).Error; err != nil {
					return err
				}
				for id, ranked := range ranks {
					if !ranked {
						continue
					}
					if err := tx.Exec("INSERT INTO outage_ranks (tenant_id, outage_id, user_id) VALUES (?,'outage',?)", of.ID, id).Error; err != nil {
						return err
					}
				}
				for _, g := range pick() {
					inScope[g] = true
					if err := tx.Exec("INSERT INTO outage_groups (tenant_id, outage_id, group_id) VALUES (?,'outage',?)", of.ID, g).Error; err != nil {
						return err
					}
				}
				if everybody {
					for _, g := range groups {
						inScope[g] = true
					}
					inScope[""] = true
				}
				return nil
			})
			tx := db.View(t.Context())
			table, err := feature.Load(tx, of.ID)
			if err != nil {
				t.Fatal(err)
			}
			offered, err := feature.Offered(tx, of.ID)
			if err != nil {
				t.Fatal(err)
			}
			var nobodys user.Ways
			if _, err := tx.One(&nobodys, "SELECT "+relaxation.NobodysWays+" FROM tenants t WHERE t.id = ?", of.ID); err != nil {
				t.Fatal(err)
			}
			for _, id := range people {
				p, _, err := feature.PersonOf(tx, of.ID, id)
				if err != nil {
					t.Fatal(err)
				}
				var row struct {
					Off, Lasting user.Ways
					Lifted       feature.Set
				}
				if _, err := tx.One(&row, "SELECT "+relaxation.WaysOff+" AS off, "+feature.WaysOff+" AS lasting, "+relaxation.Lifted+" AS lifted FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", of.ID, id); err != nil {
					t.Fatal(err)
				}
				meant := inScope[""]
				for _, g := range p.Groups {
					meant = meant || inScope[g]
				}
				want := feature.Set(0)
				if runs && meant && offered.Has(feature.OutageMode) {
					running++
					want = relaxation.Lifts(ranks[id])
				}
				if row.Lifted != want && (row.Lifted != 0 || anyRule(table)) {
					t.Fatalf("round %d: of %s %v is lifted, want %v", round, id, row.Lifted.Features(), want.Features())
				}
				has := table.Of(&p)
				p.Lifted = row.Lifted
				if all := feature.All.Ways(); row.Off != all&^table.Ways(has, &p) {
					t.Fatalf("round %d: the ways that are off for %s are %b by the statement and %b by the rule\n%+v\n%+v", round, id, row.Off, all&^table.Ways(has, &p), p, table)
				}
				if row.Off&^row.Lasting != 0 || nobodys&^row.Off != 0 {
					t.Fatalf("round %d: %s: off %b, without an outage %b, for nobody %b", round, id, row.Off, row.Lasting, nobodys)
				}
				if row.Off != row.Lasting {
					lifted++
				}
			}
			clock.Forward(time.Hour)
			var off, lasting user.Ways
			for _, id := range people[:5] {
				tx := db.View(t.Context())
				for into, part := range map[*user.Ways]string{&off: relaxation.WaysOff, &lasting: feature.WaysOff} {
					if _, err := tx.One(into, "SELECT "+part+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", of.ID, id); err != nil {
						t.Fatal(err)
					}
				}
				if off != lasting {
					t.Fatalf("when it is over %b is off for %s, and %b without it", off, id, lasting)
				}
			}
		}
		if lifted < 100 || running < 300 {
			t.Errorf("%d times a way was lifted, of %d: this proves little", lifted, running)
		}
	})
}

// anyRule says whether the tenant has a rule for some feature.
func anyRule(t *feature.Table) bool {
	usual := feature.Usual()
	for i := range t.Rules {
		if t.Rules[i].Stage != usual.Rules[i].Stage {
			return true
		}
	}
	return false
}
