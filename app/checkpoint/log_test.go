package checkpoint_test

import (
	"bytes"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestTheLogOfAnotherTenantIsAWitness: it has every head but its own, comes to rest, and
// tells of a tail that was cut with every trace of it in its own tenant; from the database,
// and from a bundle without it.
func TestTheLogOfAnotherTenantIsAWitness(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		log := &checkpoint.Log{DB: db, Slug: "keeper"}
		s := service(t, db, log)
		write(t, db, clock, "alder", 30, 3)
		round(t, s)
		if err := s.Tell(t.Context(), log); err == nil {
			t.Error("a tenant that is not there is a witness")
		}
		if h, err := checkpoint.Look(t.Context(), db); err != nil || len(h.Witnesses) != 1 || h.Witnesses[0].Fault == "" {
			t.Errorf("the health is %+v, %v", h, err)
		}
		if _, err := db.Pool().ExecContext(t.Context(), "INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('birch','keeper','Birch','eu','stable','active','pick3','ios','2026-01-01')"); err != nil {
			t.Fatal(err)
		}
		kept := func() int {
			t.Helper()
			if err := s.Tell(t.Context(), log); err != nil {
				t.Fatal(err)
			}
			clock.Forward(2 * time.Minute)
			round(t, s)
			return count(t, db, "SELECT count(*) FROM audit_events WHERE tenant_id = 'birch' AND action = ?", audit.CheckpointWitnessed)
		}
		kept()
		write(t, db, clock, "alder", 20, 2)
		clock.Forward(2 * time.Minute)
		round(t, s)
		kept()
		rest := kept()
		for range 3 {
			if n := kept(); n != rest {
				t.Fatalf("it writes of its own heads: %d events became %d", rest, n)
			}
		}
		if want := count(t, db, "SELECT count(*) FROM audit_checkpoints WHERE tenant_id <> 'birch'"); rest != want {
			t.Errorf("it has %d heads of %d", rest, want)
		}
		witnessed, err := log.Witnessed(t.Context())
		if err != nil || len(witnessed) != rest {
			t.Fatalf("Witnessed = %d, %v", len(witnessed), err)
		}
		var bundle bytes.Buffer
		if _, err := s.Bundle(t.Context(), "birch", "keeper", false, audit.Service, &bundle); err != nil {
			t.Fatal(err)
		}
		for _, r := range verify(t, s, "", witnessed) {
			if !r.Whole() || r.TenantID == "alder" && r.Witnessed != count(t, db, "SELECT count(*) FROM audit_checkpoints WHERE tenant_id = 'alder'") {
				t.Errorf("it is %+v", r)
			}
		}
		intruder{t, db}.does(
			"DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE tenant_id = 'alder' AND n >= 30)",
			"DELETE FROM audit_leaves WHERE tenant_id = 'alder' AND n >= 30", "DELETE FROM audit_checkpoints WHERE tenant_id = 'alder' AND size > 30",
			"DELETE FROM audit_trees WHERE tenant_id = 'alder'",
		)
		elsewhere, err := checkpoint.WitnessedInBundle(bytes.NewReader(bundle.Bytes()), int64(bundle.Len()))
		if err != nil || len(elsewhere) < len(witnessed) {
			t.Fatalf("the bundle has %d heads, %v", len(elsewhere), err)
		}
		for name, from := range map[string][]checkpoint.Signed{"the log": witnessed, "the bundle": elsewhere} {
			found := false
			for _, f := range verdict(t, s, from).Findings {
				found = found || f.What == checkpoint.Cut && f.From == 30 && f.To == 49
			}
			if !found {
				t.Errorf("by %s the tail is whole", name)
			}
		}
	})
}
