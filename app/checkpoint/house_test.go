package checkpoint_test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func keys(t testing.TB) *secret.Keys {
	t.Helper()
	k, err := secret.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func service(t testing.TB, db *store.DB, witnesses ...checkpoint.Witness) *checkpoint.Service {
	t.Helper()
	s := &checkpoint.Service{DB: db, Keys: keys(t), Log: slog.New(slog.DiscardHandler), Witnesses: witnesses}
	if err := s.Recall(); err != nil {
		t.Fatal(err)
	}
	return s
}

// event is the i-th of a tenant.
func event(tenantID string, i int) audit.Event {
	return audit.Event{
		TenantID: tenantID, Action: audit.SignInBegun, Actor: audit.User(fmt.Sprintf("user-%d", i%7)), Target: audit.User(fmt.Sprintf("user-%d", i%7)),
		Subject: fmt.Sprintf("user-%d", i%7), Thread: fmt.Sprintf("attempt-%d", i), Reason: fmt.Sprintf("reason %d", i), Typed: "anna@alder.example",
		Origin: audit.Origin{IP: "203.0.113.9", Browser: "firefox/windows", RequestID: fmt.Sprintf("request-%d", i)}, Details: map[string]string{"n": fmt.Sprint(i)},
	}
}

// write records n events of a tenant, so many in an act, a second apart.
func write(t testing.TB, db *store.DB, clock *storetest.Clock, tenantID string, n, each int) {
	t.Helper()
	for from := 0; from < n; from += each {
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			for i := from; i < min(n, from+each); i++ {
				e := event(tenantID, i)
				e.Outcome = audit.Denied // so that it has a mark
				if err := audit.Record(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if clock != nil {
			clock.Forward(10 * time.Millisecond)
		}
	}
}

func round(t testing.TB, s *checkpoint.Service) {
	t.Helper()
	if err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, db *store.DB, query string, values ...any) int {
	t.Helper()
	var n int
	if _, err := db.View(t.Context()).One(&n, query, values...); err != nil {
		t.Fatal(err)
	}
	return n
}

func lines(t testing.TB, file *checkpoint.File) []checkpoint.Signed {
	t.Helper()
	f, err := os.Open(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := checkpoint.ReadWitness(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func otherKeys(t testing.TB) *secret.Keys {
	t.Helper()
	k, err := secret.NewKeys([]byte("another0another1another2another3"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
