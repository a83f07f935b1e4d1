package demo_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/demo"
	"latchkey/app/operator"
	"latchkey/app/secret"
	"latchkey/app/setup"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func strange(t *testing.T, db *store.DB) error {
	t.Helper()
	return db.Act(t.Context(), func(tx *store.Tx) error {
		_, err := tenant.Create(tx, tenant.New{Slug: "cedar", Name: "Cedar Works", Domain: "cedar.example", Region: "eu"}, audit.Service, audit.Origin{})
		return err
	})
}

// TestTheDemoStartsAgainWhateverItsOperatorMade, and fills no database of others.
func TestTheDemoStartsAgainWhateverItsOperatorMade(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		passwords := secret.NewPasswords()
		fill := func() error { return demo.Fill(t.Context(), db, passwords, "a long password for stories", true) }
		if err := fill(); err != nil {
			t.Fatal(err)
		}
		if err := strange(t, db); err != nil {
			t.Fatal(err)
		}
		if err := fill(); err != nil {
			t.Errorf("the second start = %v", err)
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		if err := strange(t, db); err != nil {
			t.Fatal(err)
		}
		if err := demo.Fill(t.Context(), db, secret.NewPasswords(), "a long password for stories", true); !errors.Is(err, demo.ErrNotDemo) {
			t.Errorf("Fill of a database of others = %v, want ErrNotDemo", err)
		}
	})
}

// outside notes what is asked of real name servers.
type outside struct{ asked []string }

func (o *outside) LookupTXT(_ context.Context, name string) ([]string, error) {
	o.asked = append(o.asked, name)
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestTheZoneOfTheDemoHasWhatIsClaimed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		if err := strange(t, db); err != nil {
			t.Fatal(err)
		}
		real := &outside{}
		s := &operator.Service{DB: db, Resolver: demo.Zone{DB: db, Outside: real}, Setup: &setup.Service{DB: db}}
		for domain, want := range map[string]bool{"second.example": true, "second.example.org": false} {
			if err := s.Claim(t.Context(), "cedar", domain, audit.Service, audit.Origin{}); err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(t.Context(), "cedar", domain, audit.Service, audit.Origin{}); (err == nil) != want {
				t.Errorf("Verify of %s = %v", domain, err)
			}
		}
		if len(real.asked) != 1 || real.asked[0] != "_latchkey.second.example.org." {
			t.Errorf("real name servers were asked for %v", real.asked)
		}
		if _, err := s.Resolver.LookupTXT(t.Context(), "_latchkey.nobody.example."); err == nil {
			t.Error("a domain that nobody claims has a record")
		}
	})
}
