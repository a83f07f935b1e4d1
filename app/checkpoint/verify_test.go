package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func verify(t testing.TB, s *checkpoint.Service, tenantID string, witnessed []checkpoint.Signed) (all []checkpoint.Result) {
	t.Helper()
	if err := s.Verify(t.Context(), tenantID, witnessed, func(r checkpoint.Result) { all = append(all, r) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func bundle(t testing.TB, s *checkpoint.Service, tenantID string, personal bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.Bundle(t.Context(), tenantID, tenantID, personal, audit.Service, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inBundle is a file of a bundle.
func inBundle(t *testing.T, b []byte, name string) []byte {
	t.Helper()
	file, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(file, name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatIsWholeIsFoundWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		file := &checkpoint.File{Path: filepath.Join(t.TempDir(), "witness"), Host: "here"}
		s := service(t, db, file)
		write(t, db, clock, "alder", 600, 5)
		write(t, db, clock, "birch", 10, 1)
		round(t, s)
		clock.Forward(2 * time.Minute)
		write(t, db, clock, "alder", 700, 5)
		if err := db.Act(t.Context(), func(tx *store.Tx) error {
			n, err := audit.Erase(tx, "alder", "user-3", "asked for it", audit.Service)
			if n == 0 {
				t.Error("nothing is erased")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		round(t, s)
		clock.Forward(2 * time.Minute)
		round(t, s)
		if _, err := s.Rotate(t.Context(), "yearly"); err != nil {
			t.Fatal(err)
		}
		write(t, db, clock, "alder", 20, 1)
		clock.Forward(2 * time.Minute)
		round(t, s)
		if err := s.Tell(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		write(t, db, clock, "alder", 3, 1)
		witnessed := lines(t, file)
		for _, r := range verify(t, s, "", witnessed) {
			if !r.Whole() {
				t.Errorf("%s: %+v", r.TenantID, r)
			}
			if r.TenantID == "alder" && (r.Size != 1321 || r.Pending != 3 || r.Erased == 0 || r.Checkpoints < 3 || r.Witnessed != r.Checkpoints || r.Covered != r.Size) {
				t.Errorf("alder is %+v", r)
			}
		}
		keys, err := s.PublicKeys(t.Context())
		if err != nil || len(keys) != 2 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, personal := range []bool{true, false} {
			b := bundle(t, s, "alder", personal)
			about, r, trusted, err := checkpoint.VerifyBundle(bytes.NewReader(b), int64(len(b)), keys[1:], witnessed)
			if err != nil || !r.Whole() || r.Size < 1321 || about.Tenant != "alder" || len(trusted) != 2 || (r.Erased > 0) != personal {
				t.Errorf("the bundle is %+v, %v, %v", r, trusted, err)
			}
			if events := inBundle(t, b, "events.jsonl"); bytes.Contains(events, []byte("203.0.113.9")) != personal || bytes.Contains(events, []byte("anna@alder.example")) != personal {
				t.Errorf("with personal data: %t; and they are in it: %t", personal, !personal)
			}
		}
	})
}
