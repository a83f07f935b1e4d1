package audit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

const columnsOf = "SELECT " + audit.Columns + " FROM audit_events e ORDER BY e.occurred_at, e.id"

func kept(t *testing.T, db *store.DB) (all []audit.Kept) {
	t.Helper()
	if err := db.View(t.Context()).All(&all, columnsOf); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAPersonIsErased from what came with them, and from nothing else; what happened stays.
func TestAPersonIsErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		of := func(tenantID string, actor audit.Party, subject string) audit.Event {
			e := said()
			e.TenantID, e.Actor, e.Subject = tenantID, actor, subject
			return e
		}
		record(t, db,
			of("alder", audit.User("user-1"), "user-1"), of("alder", audit.Claimant("x"), "user-1"), of("alder", audit.User("user-1"), "user-2"), // theirs
			of("alder", audit.User("desk"), "user-1"), of("alder", audit.User("user-2"), "user-2"), of("birch", audit.User("user-1"), "user-1"), // not theirs
		)
		before := kept(t, db)
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			n, err := audit.Erase(tx, "alder", "user-1", "they asked", audit.Service)
			if n != 3 {
				t.Errorf("%d events are erased, want 3", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		after := map[string]audit.Kept{}
		for _, k := range kept(t, db) {
			after[k.ID] = k
			if said, err := k.Check(); err != nil {
				t.Errorf("%s is not what was written: %v", k.ID, err)
			} else if k.Action == string(audit.PersonErased) && said.Subject != "user-1" {
				t.Errorf("the event of it says %+v", said)
			}
		}
		for _, k := range before {
			theirs := k.TenantID == "alder" && (k.ActorID == "user-1" || k.ActorKind == audit.KindClaimant)
			is := after[k.ID]
			if audit.Erased(is.Personal, is.Salt) != theirs || !bytes.Equal(is.Record, k.Record) {
				t.Errorf("%+v is now %+v", k, is)
			}
		}
		if len(after) != len(before)+1 {
			t.Errorf("%d events, want one more than %d", len(after), len(before))
		}
	})
}

// TestNothingElseGoesWithPersonalData, nor do they go by halves, or change.
func TestNothingElseGoesWithPersonalData(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		record(t, db, said())
		for _, statement := range []string{
			"UPDATE audit_events SET personal = ''",
			"UPDATE audit_events SET salt = ''",
			"UPDATE audit_events SET address = '192.0.2.77'",
			"UPDATE audit_events SET personal = 'x', salt = ''",
			"UPDATE audit_events SET personal = '', salt = '', reason = 'another'",
			"UPDATE audit_events SET personal = '', salt = '', record = ''",
			"UPDATE audit_events SET personal = '', salt = '', tenant_id = 'birch'",
			"UPDATE audit_events SET personal = '', salt = '', occurred_at = '2020-01-01'",
		} {
			err := db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement).Error })
			if err == nil || !strings.Contains(err.Error(), "never changed or deleted") {
				t.Errorf("%s = %v, want a refusal", statement, err)
			}
		}
	})
}

// TestWhatWasChangedDoesNotPass: each column, the personal data, their salt and the bytes.
func TestWhatWasChangedDoesNotPass(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		strange := said()
		strange.Reason, strange.Typed = "ünïcode </script> \u2028 \"'\\ & <b>", "o'neil+x@alder.example"
		record(t, db, strange)
		k := kept(t, db)[0]
		if _, err := k.Check(); err != nil {
			t.Fatalf("what was written does not pass: %v", err)
		}
		texts := func(k *audit.Kept) []*string {
			return []*string{&k.TenantID, &k.ID, &k.Action, &k.Outcome, &k.Reason, &k.ActorKind, &k.ActorID, &k.TargetKind, &k.TargetID, &k.SubjectID, &k.ThreadID, &k.RequestID}
		}
		for i := range texts(&k) {
			changed := k
			*texts(&changed)[i] += "x"
			if _, err := changed.Check(); !errors.Is(err, audit.ErrColumns) {
				t.Errorf("column %d: %v", i, err)
			}
		}
		for _, own := range [][2]string{{k.Personal + " ", k.Salt}, {k.Personal, k.Salt + "x"}, {"", k.Salt}, {k.Personal, ""}, {"{}", k.Salt}} {
			changed := k
			changed.Personal, changed.Salt = own[0], own[1]
			if _, err := changed.Check(); !errors.Is(err, audit.ErrPersonal) {
				t.Errorf("%q: %v", own, err)
			}
		}
		for _, record := range []string{"", "{}", string(k.Record) + " ", strings.Replace(string(k.Record), `"v":1`, `"v":2`, 1), strings.Replace(string(k.Record), `{"v"`, `{ "v"`, 1), strings.Replace(string(k.Record), `"reason"`, `"more":"x","reason"`, 1)} {
			changed := k
			changed.Record = []byte(record)
			if _, err := changed.Check(); !errors.Is(err, audit.ErrBytes) {
				t.Errorf("%q: %v", record, err)
			}
		}
	})
}

// FuzzParseBytes: whatever is taken for canonical bytes is written back as it was.
func FuzzParseBytes(f *testing.F) {
	record, _, err := said().Canonical("e", "s", at)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Add([]byte(`{"v":1}`))
	f.Add(bytes.ReplaceAll(record, []byte("failure"), []byte(`\u0066ailure`)))
	f.Fuzz(func(t *testing.T, record []byte) {
		if said, err := audit.ParseBytes(record); err == nil && (said.TenantID != "" && !bytes.Contains(record, []byte(`"tenant":`)) || !bytes.HasPrefix(record, []byte(`{"v":1,`))) {
			t.Errorf("%q is taken for %+v", record, said)
		}
	})
}
