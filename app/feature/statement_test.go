package feature_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/feature"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// TestAStatementSaysWhatTheRuleSays draws rules, releases, groups and choices, and
// asks of everybody both the function and the statement what they have.
func TestAStatementSaysWhatTheRuleSays(t *testing.T) {
	storetest.Walk(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		r := rand.New(rand.NewPCG(11, 7))
		act := func(do func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Act(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		groups := []string{"field", "office", "pilot"}
		var of tenant.Tenant
		var people []string
		act(func(tx *store.Tx) (err error) {
			of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
			for _, g := range groups {
				if err == nil {
					err = tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", of.ID, g, g, tx.Now).Error
				}
			}
			for i := range 40 {
				id := fmt.Sprintf("user%d", i)
				people = append(people, id)
				if err == nil {
					err = tx.Exec("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", of.ID, id, id+"@alder.example", tx.Now).Error
				}
				for _, g := range groups {
					if err == nil && r.IntN(3) == 0 {
						err = tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id) VALUES (?,?,?)", of.ID, g, id).Error
					}
				}
				for _, e := range feature.Catalogue {
					if err == nil && r.IntN(4) == 0 {
						err = tx.Exec("INSERT INTO rollout_choices (tenant_id, feature, user_id, chosen_at) VALUES (?,?,?,?)", of.ID, e.Feature, id, tx.Now).Error
					}
				}
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
		in, out, choosable := 0, 0, 0
		for round := range 40 {
			act(func(tx *store.Tx) error {
				for _, e := range feature.Catalogue {
					if r.IntN(3) == 0 {
						rule := feature.Rule{Stage: feature.Stages[r.IntN(len(feature.Stages))], Share: r.IntN(101), Include: pick()}
						if rule.Exclude = pick(); len(rule.Exclude) > 0 && len(rule.Include) > 0 {
							rule.Exclude = nil // a group is on one side
						}
						if err := feature.Store(tx, of.ID, e.Feature, rule, round+1); err != nil {
							return err
						}
					}
					if r.IntN(4) == 0 {
						if err := feature.Release(tx, e.Feature, []feature.Cell{{Region: "eu", Ring: "early", Share: r.IntN(101)}, {Region: "us", Ring: "early", Share: 0}}); err != nil {
							return err
						}
					} else if err := feature.Release(tx, e.Feature, nil); err != nil {
						return err
					}
				}
				return nil
			})
			tx := db.View(t.Context())
			table, err := feature.Load(tx, of.ID)
			if err != nil {
				t.Fatal(err)
			}
			var somebody feature.Set
			for _, id := range people {
				p, ok, err := feature.PersonOf(tx, of.ID, id)
				if err != nil || !ok || p.Seed == 0 {
					t.Fatalf("%s: %+v, %t, %v", id, p, ok, err)
				}
				want := table.Of(&p)
				somebody |= want
				got, err := feature.Had(tx, of.ID, id)
				if err != nil || got != want {
					t.Fatalf("%s has %v by the statement and %v by the rule (%v)\n%+v\n%+v", id, got.Features(), want.Features(), err, p, table)
				}
				var off user.Ways
				if _, err := tx.One(&off, "SELECT "+feature.WaysOff+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", of.ID, id); err != nil {
					t.Fatal(err)
				}
				if all := feature.All.Ways(); off != all&^want.Ways() {
					t.Fatalf("%s: the ways that are off are %b by the statement and %b by the rule", id, off, all&^want.Ways())
				}
				for _, e := range feature.Catalogue {
					may := table.Choosable(e.Feature, &p)
					var asked bool
					if _, err := tx.One(&asked, "SELECT "+feature.Choosable(e.Feature)+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", of.ID, id); err != nil {
						t.Fatal(err)
					}
					if asked != may {
						t.Fatalf("%s may choose %s is %t by the statement and %t by the rule\n%+v\n%+v", id, e.Feature, asked, may, p, table)
					}
					if may {
						choosable++
					}
					if want&e.Bit != 0 {
						in++
					} else {
						out++
					}
				}
			}
			offered, err := feature.Offered(tx, of.ID)
			if err != nil || somebody&^offered != 0 {
				t.Fatalf("somebody has %v, and %v is said to be had by nobody (%v)", somebody.Features(), (feature.All &^ offered).Features(), err)
			}
		}
		if in < 1000 || out < 1000 || choosable < 300 {
			t.Errorf("%d times somebody had a feature, %d times not, and %d times it was theirs to choose: this proves little", in, out, choosable)
		}
	})
}
