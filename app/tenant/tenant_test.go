package tenant_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
)

func alder() tenant.New {
	return tenant.New{Slug: "alder", Name: "Alder Health", Domain: "alder.example", Region: "eu", Ring: "stable"}
}

func TestWhatANewOrganisationMayBeCalled(t *testing.T) {
	for _, row := range []struct {
		claim  string
		change func(n *tenant.New)
		field  string // empty: it is taken
	}{
		{"as it is", func(*tenant.New) {}, ""},
		{"a short slug", func(n *tenant.New) { n.Slug = "a-1" }, ""},
		{"the longest slug", func(n *tenant.New) { n.Slug = "a" + strings.Repeat("-", 30) + "z" }, ""},
		{"no slug", func(n *tenant.New) { n.Slug = "" }, "tenant_slug"},
		{"two letters", func(n *tenant.New) { n.Slug = "al" }, "tenant_slug"},
		{"33 letters", func(n *tenant.New) { n.Slug = strings.Repeat("a", 33) }, "tenant_slug"},
		{"a slug in capitals", func(n *tenant.New) { n.Slug = "Alder" }, "tenant_slug"},
		{"a slug that begins with a digit", func(n *tenant.New) { n.Slug = "1alder" }, "tenant_slug"},
		{"a slug that ends with a hyphen", func(n *tenant.New) { n.Slug = "alder-" }, "tenant_slug"},
		{"a slug with a slash", func(n *tenant.New) { n.Slug = "alder/x" }, "tenant_slug"},
		{"a slug with a line break", func(n *tenant.New) { n.Slug = "alder\n" }, "tenant_slug"},
		{"a slug with other letters", func(n *tenant.New) { n.Slug = "älder" }, "tenant_slug"},
		{"a slug that is an address of the operator's", func(n *tenant.New) { n.Slug = "new" }, "tenant_slug"},
		{"the slug of the platform", func(n *tenant.New) { n.Slug = "platform" }, "tenant_slug"},
		{"the slug of nowhere", func(n *tenant.New) { n.Slug = tenant.Nowhere }, "tenant_slug"},
		{"no name", func(n *tenant.New) { n.Name = " \t" }, "tenant_name"},
		{"a name of 80 letters", func(n *tenant.New) { n.Name = strings.Repeat("a", 80) }, ""},
		{"a name of 81 letters", func(n *tenant.New) { n.Name = strings.Repeat("a", 81) }, "tenant_name"},
		{"no domain", func(n *tenant.New) { n.Domain = "" }, "domain"},
		{"a domain without a dot", func(n *tenant.New) { n.Domain = "localhost" }, "domain"},
		{"a deep domain", func(n *tenant.New) { n.Domain = "a.b-c.d1.example" }, ""},
		{"a domain in capitals", func(n *tenant.New) { n.Domain = "Alder.example" }, "domain"},
		{"an address as domain", func(n *tenant.New) { n.Domain = "user1@alder.example" }, "domain"},
		{"a URL as domain", func(n *tenant.New) { n.Domain = "https://alder.example" }, "domain"},
		{"a number as domain", func(n *tenant.New) { n.Domain = "192.0.2.1" }, "domain"},
		{"a label that begins with a hyphen", func(n *tenant.New) { n.Domain = "-alder.example" }, "domain"},
		{"an empty label", func(n *tenant.New) { n.Domain = "alder..example" }, "domain"},
		{"a label of 64 letters", func(n *tenant.New) { n.Domain = strings.Repeat("a", 64) + ".example" }, "domain"},
		{"a domain that is too long", func(n *tenant.New) { n.Domain = strings.Repeat("a.", 124) + "example" }, "domain"},
		{"no region", func(n *tenant.New) { n.Region = "" }, "region"},
		{"a region that is none", func(n *tenant.New) { n.Region = "moon" }, "region"},
		{"no ring", func(n *tenant.New) { n.Ring = "" }, ""},
		{"a ring that is none", func(n *tenant.New) { n.Ring = "saturn" }, "ring"},
	} {
		n := alder()
		row.change(&n)
		wrong := n.Check()
		if row.field == "" && len(wrong) > 0 || row.field != "" && (len(wrong) != 1 || wrong[row.field] == "") {
			t.Errorf("%s: Check = %v, want a word on %q alone", row.claim, wrong, row.field)
		}
	}
	if wrong := (tenant.New{}).Check(); len(wrong) != 4 {
		t.Errorf("of nothing Check = %v, want every fault at once", wrong)
	}
}

// FuzzCheck: what passes can stand in an address and in a sign-in name.
func FuzzCheck(f *testing.F) {
	f.Add("alder", "alder.example")
	f.Add("a-b", "xn--bcher-kva.example")
	f.Fuzz(func(t *testing.T, slug, domain string) {
		wrong := tenant.New{Slug: slug, Name: "A name", Domain: domain, Region: "eu"}.Check()
		outside := func(text, more string) bool {
			return strings.ContainsFunc(text, func(r rune) bool {
				return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r)
			})
		}
		if wrong["tenant_slug"] == "" && (outside(slug, "-") || len(slug) < 3 || len(slug) > 32) {
			t.Errorf("the slug %q passes", slug)
		}
		if wrong["domain"] == "" && (outside(domain, "-.") || strings.Contains(domain, "..") || !strings.Contains(domain, ".") || len(domain) > 253) {
			t.Errorf("the domain %q passes", domain)
		}
	})
}

func TestPlatforms(t *testing.T) {
	for _, row := range []struct {
		platforms, platform string
		want                bool
	}{
		{"ios,android", "ios", true},
		{"ios,android", "android", true},
		{"ios,android", "desktop", false},
		{"ios,android", "terminal", false},
		{"ios,android,desktop", "terminal", true}, // a terminal counts as a desktop
		{"ios,android,desktop", "desktop", true},
		{"ios", "android", false},
		{"ios,android", "droid", false},
		{"ios,android", "", false},
		{"", "ios", false},
	} {
		if got := (tenant.Tenant{Platforms: row.platforms}).Allows(row.platform); got != row.want {
			t.Errorf("of %q Allows(%q) = %t, want %t", row.platforms, row.platform, got, row.want)
		}
	}
}

func create(t *testing.T, db *store.DB, n tenant.New) (made tenant.Tenant, err error) {
	t.Helper()
	err = db.Act(t.Context(), func(tx *store.Tx) (err error) {
		made, err = tenant.Create(tx, n, audit.Service, audit.Origin{})
		return err
	})
	return made, err
}

func count(t *testing.T, db *store.DB, query string) (n int) {
	t.Helper()
	if _, err := db.View(t.Context()).One(&n, query); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASlugAndADomainAreOfOneOrganisation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		if any, err := tenant.Any(t.Context(), db); any || err != nil {
			t.Errorf("Any of an empty database = %t, %v", any, err)
		}
		made, err := create(t, db, alder())
		if err != nil || made.State != tenant.Active || made.MatchMode != tenant.Pick3 || made.Platforms != "ios,android" || len(made.ID) != 10 {
			t.Fatalf("Create = %+v, %v", made, err)
		}
		if any, err := tenant.Any(t.Context(), db); !any || err != nil {
			t.Errorf("Any = %t, %v", any, err)
		}
		for claim, row := range map[string]struct {
			change func(n *tenant.New)
			fields []string
		}{
			"both":       {func(*tenant.New) {}, []string{"tenant_slug", "domain"}},
			"the slug":   {func(n *tenant.New) { n.Domain = "cedar.example" }, []string{"tenant_slug"}},
			"the domain": {func(n *tenant.New) { n.Slug = "cedar" }, []string{"domain"}},
		} {
			n := alder()
			row.change(&n)
			_, err := create(t, db, n)
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Invalid || len(f.Fields) != len(row.fields) {
				t.Errorf("%s taken: Create = %v", claim, err)
				continue
			}
			for _, field := range row.fields {
				if !strings.HasSuffix(f.Fields[field], "_taken") {
					t.Errorf("%s taken: %s = %q", claim, field, f.Fields[field])
				}
			}
		}
		broken := alder()
		broken.Slug, broken.Domain = "!", "cedar.example"
		if _, err := create(t, db, broken); !errors.Is(err, fault.Invalid) {
			t.Errorf("Create with a broken slug = %v, want fault.Invalid", err)
		}

		// Two at once for one slug, or for one domain: one is told that it is taken.
		errs := make(chan error, 8)
		for i := range 8 {
			go func() {
				n := tenant.New{Slug: "birch", Name: "Birch Freight", Domain: "birch.example", Region: "us", Ring: "stable"}
				if i%2 == 0 {
					n.Slug = "birch-" + string(rune('a'+i))
				}
				err := db.Act(t.Context(), func(tx *store.Tx) error {
					_, err := tenant.Create(tx, n, audit.Service, audit.Origin{})
					return err
				})
				errs <- err
			}()
		}
		done := 0
		for range 8 {
			if err := <-errs; err == nil {
				done++
			} else if !errors.Is(err, fault.Invalid) {
				t.Errorf("one of eight at once = %v, want fault.Invalid", err)
			}
		}
		if got := count(t, db, "SELECT count(*) FROM tenants"); done != 1 || got != 2 {
			t.Errorf("of eight at once %d were made, and there are %d", done, got)
		}
		if tenants, domains, events := count(t, db, "SELECT count(*) FROM tenants"), count(t, db, "SELECT count(*) FROM domains"), count(t, db, "SELECT count(*) FROM audit_events"); tenants != domains || tenants != events {
			t.Errorf("%d organisations, %d domains, %d events", tenants, domains, events)
		}
	})
}

func TestOrganisationsAreFoundByTheirSlugAndTheirDomain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		made, err := create(t, db, alder())
		if err != nil {
			t.Fatal(err)
		}
		ofName := func(name string) (found tenant.Tenant, ok bool) {
			t.Helper()
			found, ok, err := tenant.OfName(db.View(t.Context()), name)
			if err != nil {
				t.Fatal(err)
			}
			return found, ok
		}
		if got, err := tenant.BySlug(t.Context(), db, "alder"); err != nil || got != made {
			t.Errorf("BySlug = %+v, %v; want %+v", got, err, made)
		}
		if got, ok := ofName("user1@alder.example"); !ok || got != made {
			t.Errorf("OfName = %+v, %t; want %+v", got, ok, made)
		}
		for _, name := range []string{"user1@cedar.example", "user1@sub.alder.example", "alder.example", "", "@"} {
			if got, ok := ofName(name); ok {
				t.Errorf("OfName(%q) = %+v", name, got)
			}
		}
		for _, slug := range []string{"cedar", "", "ALDER", "alder'"} {
			if _, err := tenant.BySlug(t.Context(), db, slug); !errors.Is(err, fault.NotFound) {
				t.Errorf("BySlug(%q) = %v, want fault.NotFound", slug, err)
			}
		}
		set := func(statement string) {
			t.Helper()
			if _, err := db.CountOne(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		set("UPDATE domains SET verified_at = NULL")
		if _, ok := ofName("user1@alder.example"); ok {
			t.Error("a domain that is not verified has an organisation")
		}
		set("UPDATE tenants SET state = 'suspended'")
		if _, err := tenant.BySlug(t.Context(), db, "alder"); !errors.Is(err, fault.NotFound) {
			t.Errorf("BySlug of a suspended one = %v, want fault.NotFound", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := tenant.BySlug(t.Context(), db, "alder"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("BySlug without a database = %v, want fault.Unavailable", err)
		}
	})
}
