package retention_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	"latchkey/app/retention"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

func TestAClosedMonthIsArchivedAndDropped(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 40)
		h.happen(h.Birch, 7)
		h.later(1)
		h.happen(h.Alder, 5) // of the month after
		h.later(3)
		signins, acts, looks := h.left(h.Alder, audit.SignInFinished), h.left(h.Alder, audit.PolicyChanged), h.left(h.Alder, audit.AuditViewed)
		before := h.whole(h.Alder)
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != signins || h.files() != 0 {
			t.Fatal("something was dropped that nobody asked for")
		}

		h.keep(h.Alder, 3, 0)
		rowid := h.newest()
		h.round()
		if got := h.left(h.Alder, audit.SignInFinished); got != 5 {
			t.Errorf("%d sign-ins are left, not those of the second month", got)
		}
		if h.left(h.Alder, audit.PolicyChanged) != acts || h.left(h.Alder, audit.AuditViewed) != looks {
			t.Error("another class went too")
		}
		if h.left(h.Birch, audit.SignInFinished) != 7 {
			t.Error("another tenant's went too")
		}
		if h.newest() < rowid {
			t.Error("the number of the newest row fell")
		}
		drops := h.drops(h.Alder)
		if len(drops) != 1 || drops[0].Events < 40 || drops[0].Class != audit.KeepSignIns || drops[0].Part != 1 {
			t.Fatalf("the drops are %+v", drops)
		}

		// The tree is what it was, and goes on.
		h.seal()
		after := h.whole(h.Alder)
		if after.Dropped != drops[0].Events || after.Drops != 1 || after.Size != before.Size+1 || after.Covered < before.Covered {
			t.Errorf("it was %+v and is %+v", before, after)
		}
		if got := h.left(h.Alder, audit.AuditDropped); got != 1 {
			t.Errorf("%d events say it", got)
		}
		if p, err := h.seals.Inclusion(t.Context(), h.Alder.ID, drops[0].First); err != nil || p.Index != drops[0].First {
			t.Errorf("the proof of a leaf without its event is %+v, %v", p, err)
		}

		// The archive says all of it, by itself.
		text := h.file(drops[0])
		about, r, err := h.judged(text)
		if err != nil || !r.Whole() || r.Covered != drops[0].Events || about.Slug != "alder" || about.Class != audit.KeepSignIns || about.Leaves != drops[0].Leaves {
			t.Errorf("the archive is %+v, %+v, %v", about, r, err)
		}
		if !bytes.Contains(inside(t, text, "events.jsonl"), []byte("203.0.113.9")) {
			t.Error("the personal data are not in it")
		}

		h.leadsSomewhere(h.Alder) // and what is left is found
		if h.Count("SELECT count(*) FROM ticket_events") == 0 || h.Count("SELECT count(*) FROM audit_words WHERE word = 'walrus'") == 0 {
			t.Error("what is left is not found any more")
		}
		h.round()
		if len(h.drops(h.Alder)) != 1 || h.files() != 1 {
			t.Error("a second look dropped more")
		}

		// The bundle of what is left is whole too.
		h.Clock.Forward(2 * time.Minute)
		var b bytes.Buffer
		if _, err := h.seals.Bundle(t.Context(), h.Alder.ID, "alder", true, audit.Service, &b); err != nil {
			t.Fatal(err)
		}
		_, r, _, err = checkpoint.VerifyBundle(bytes.NewReader(b.Bytes()), int64(b.Len()), nil, nil)
		if err != nil || !r.Whole() || r.Dropped != drops[0].Events || r.Drops != 1 {
			t.Errorf("the bundle is %+v, %v", r, err)
		}
	})
}

// newest is the number of the newest row of SQLite, by which is told what is to be sealed.
func (h *archives) newest() int {
	if h.DB.Dialect == store.Postgres {
		return 0
	}
	return h.Count("SELECT max(rowid) FROM audit_events")
}

func inside(t *testing.T, text []byte, name string) []byte {
	t.Helper()
	file, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := fs.ReadFile(file, name)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestEachClassHasItsAge(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 10)
		h.keep(h.Alder, 3, 13)
		h.later(3) // the month began three months ago, and ended two ago
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 10 {
			t.Error("a month went before its end was old enough")
		}
		h.later(1)
		h.Clock.Forward(time.Hour)
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 0 || h.left(h.Alder, audit.PolicyChanged) != 10 {
			t.Errorf("after four months %d sign-ins and %d changes are left", h.left(h.Alder, audit.SignInFinished), h.left(h.Alder, audit.PolicyChanged))
		}
		h.later(10)
		h.round()
		if h.left(h.Alder, audit.PolicyChanged) != 0 || h.left(h.Alder, audit.AuditViewed) != 10 {
			t.Errorf("after fourteen months %d changes and %d looks are left", h.left(h.Alder, audit.PolicyChanged), h.left(h.Alder, audit.AuditViewed))
		}
		h.seal()
		if r := h.whole(h.Alder); r.Drops < 2 {
			t.Errorf("it is %+v", r)
		}
	})
}

// TestAPartitionGoesWhenNobodyHasAnythingInIt, and not before.
func TestAPartitionGoesWhenNobodyHasAnythingInIt(t *testing.T) {
	each(t, func(h *archives) {
		if h.DB.Dialect != store.Postgres {
			return
		}
		// A month without evidence, and of two tenants.
		h.later(1)
		table := "audit_events_" + h.Clock.Now().UTC().Format("2006_01")
		there := func() int { return h.Count("SELECT count(*) FROM pg_class WHERE relname = ?", table) }
		for _, of := range []string{h.Alder.ID, h.Birch.ID} {
			h.Act(func(tx *store.Tx) error {
				return audit.Record(tx, audit.Event{TenantID: of, Action: audit.SignInFinished, Actor: audit.User("somebody"), Target: audit.User("somebody"), Subject: "somebody"})
			})
		}
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.round()
		if there() != 1 {
			t.Fatal("the month of another tenant is gone")
		}
		h.keep(h.Birch, 3, 0)
		h.Clock.Forward(2 * time.Hour)
		h.round()
		if there() != 0 {
			t.Errorf("%s is there still, with %d events", table, h.Count("SELECT count(*) FROM "+table))
		}
		h.seal()
		h.whole(h.Alder)
		h.whole(h.Birch)
	})
}

func TestTwoReplicasDropOnce(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 30)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		replicas := []*retention.Service{h.keeps, h.replica(), h.replica()}
		for _, err := range AtOnce(len(replicas), func(i int) error { return replicas[i].Round(t.Context()) }) {
			if err != nil {
				t.Error(err)
			}
		}
		h.seal()
		r := h.whole(h.Alder)
		if len(h.drops(h.Alder)) != 1 || h.files() != 1 || r.Dropped < 30 || h.left(h.Alder, audit.AuditDropped) != 1 {
			t.Errorf("%d drops, %d files, %+v", len(h.drops(h.Alder)), h.files(), r)
		}
	})
}

// TestKilledBetweenArchiveAndDropLosesNothing: what died left a file that no drop names,
// and a claim. The next one takes no notice of the file.
func TestKilledBetweenArchiveAndDropLosesNothing(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 12)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		in, found, err := h.seals.Settled(h.DB.View(t.Context()), h.Alder.ID)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		left := filepath.Join(h.folder, "alder", "signins-left.zip")
		if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(left)
		if err != nil {
			t.Fatal(err)
		}
		month := h.Clock.Now().UTC().AddDate(0, -5, 0)
		p := checkpoint.Portion{TenantID: h.Alder.ID, Class: audit.KeepSignIns, Month: time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC), Part: 1}
		if _, err := h.seals.WriteArchive(t.Context(), p, "alder", in.Size, 1000, in, file); err != nil {
			t.Fatal(err)
		}
		file.Close()
		was, err := os.ReadFile(left)
		if err != nil {
			t.Fatal(err)
		}
		h.Set("UPDATE audit_keeping SET claim = 'the dead', claimed_until = ? WHERE tenant_id = ?", h.DB.Now().Add(10*time.Minute), h.Alder.ID)
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 12 {
			t.Fatal("somebody else's claim was passed over")
		}
		h.Clock.Forward(11 * time.Minute)
		h.round()
		h.seal()
		h.whole(h.Alder)
		if h.left(h.Alder, audit.SignInFinished) != 0 || len(h.drops(h.Alder)) != 1 {
			t.Error("nobody took it up")
		}
		if is, err := os.ReadFile(left); err != nil || !bytes.Equal(is, was) {
			t.Error("the file that was left was written over")
		}
		h.file(h.drops(h.Alder)[0])
	})
}

// TestWhatCannotBeArchivedIsNotDropped: no folder, an event that was edited, no witness.
func TestWhatCannotBeArchivedIsNotDropped(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 9)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		stays := func(claim, why string) {
			t.Helper()
			_ = h.keeps.Round(t.Context())
			k, err := h.keeps.Of(t.Context(), h.Alder.ID)
			if err != nil || k.Fault != why {
				t.Errorf("%s: it says %q, %v; want %q", claim, k.Fault, err, why)
			}
			if h.left(h.Alder, audit.SignInFinished) != 9 || len(h.drops(h.Alder)) != 0 || h.files() != 0 {
				t.Fatalf("%s: it was dropped, or a file is left", claim)
			}
			h.Clock.Forward(time.Hour)
		}
		nowhere := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(nowhere, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		h.keeps.Folder = nowhere
		stays("no folder", retention.FaultArchive)
		h.keeps.Folder = h.folder

		h.Set("UPDATE audit_witnesses SET reached = 0")
		stays("a witness that has nothing", retention.FaultUnwitnessed)
		h.Set("UPDATE audit_witnesses SET reached = 100000")

		h.Set("INSERT INTO consumers (tenant_id, id, kind, name, form, url, roots, secret, personal, state, first_n, next_n, due_at, version, changed_by, changed_at) VALUES (?,'siem','webhook','SIEM','jsonl','https://siem.example','','',FALSE,'active',0,0,?,1,'',?)",
			h.Alder.ID, h.DB.Now(), h.DB.Now())
		stays("a consumer that has nothing", retention.FaultConsumer)
		h.Set("UPDATE consumers SET state = 'paused', changed_at = ?", h.DB.Now().AddDate(0, 0, -29))
		stays("one that is paused", retention.FaultConsumer)
		h.Set("UPDATE consumers SET changed_at = ?", h.DB.Now().AddDate(0, 0, -31))
		h.Set("UPDATE audit_trees SET fault = 'forked' WHERE tenant_id = ?", h.Alder.ID)
		stays("a tree that is not what was signed", retention.FaultUnwitnessed)
		h.Set("UPDATE audit_trees SET fault = '' WHERE tenant_id = ?", h.Alder.ID)

		undo := h.unguarded("UPDATE audit_events SET reason = 'another' WHERE tenant_id = '" + h.Alder.ID + "' AND action = 'policy.changed'")
		undo()
		h.unguarded("UPDATE audit_events SET record = (SELECT o.record FROM audit_events o WHERE o.tenant_id = '" + h.Birch.ID + "' ORDER BY o.id LIMIT 1) WHERE tenant_id = '" + h.Alder.ID + "' AND action = 'signin.finished' AND reason = 'walrus 3'")()
		stays("an event that was edited", retention.FaultNotWhole)
	})
}

// TestWhoWasErasedMeanwhileIsErasedInTheArchive: an archive that has more than the database
// has is no archive of it.
func TestWhoWasErasedMeanwhileIsErasedInTheArchive(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 8)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		in, _, err := h.seals.Settled(h.DB.View(t.Context()), h.Alder.ID)
		if err != nil {
			t.Fatal(err)
		}
		month := h.Clock.Now().UTC().AddDate(0, -5, 0)
		p := checkpoint.Portion{TenantID: h.Alder.ID, Class: audit.KeepSignIns, Month: time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC), Part: 1}
		var b bytes.Buffer
		a, err := h.seals.WriteArchive(t.Context(), p, "alder", in.Size, 1000, in, &b)
		if err != nil || a.Erased != 0 {
			t.Fatal(a, err)
		}
		h.Act(func(tx *store.Tx) error {
			_, err := audit.Erase(tx, h.Alder.ID, h.security.ID, "asked for it", audit.Service)
			return err
		})
		err = h.DB.Act(t.Context(), func(tx *store.Tx) error {
			_, err := h.seals.Drop(tx, a, checkpoint.Where{File: "alder/stale.zip"})
			return err
		})
		if !errors.Is(err, fault.Conflict) || len(h.drops(h.Alder)) != 0 || h.left(h.Alder, audit.SignInFinished) != 8 {
			t.Fatalf("dropping what was archived before is %v", err)
		}
		h.round()
		h.seal()
		h.whole(h.Alder)
		text := h.file(h.drops(h.Alder)[0])
		_, r, err := h.judged(text)
		if err != nil || !r.Whole() || r.Erased == 0 || strings.Contains(string(inside(t, text, "events.jsonl")), "203.0.113.9") {
			t.Errorf("the archive is %+v, %v", r, err)
		}
	})
}

// TestALargeMonthGoesInParts, each with an archive and a drop of its own.
func TestALargeMonthGoesInParts(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 25)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.keeps.PartMost = 2
		h.round()
		if got := h.left(h.Alder, audit.SignInFinished); got != 5 {
			t.Errorf("%d are left after a turn", got)
		}
		h.round()
		drops := h.drops(h.Alder)
		if len(drops) != 13 || h.left(h.Alder, audit.SignInFinished) != 0 || drops[0].Part != 13 || drops[0].Events != 1 {
			t.Errorf("there are %d drops, the last %+v", len(drops), drops[0])
		}
		h.seal()
		if r := h.whole(h.Alder); r.Drops != 13 || r.Dropped != 25 {
			t.Errorf("it is %+v", r)
		}
		for _, d := range drops {
			if _, r, err := h.judged(h.file(d)); err != nil || !r.Whole() || r.Size != d.Events {
				t.Errorf("the archive of part %d is %+v, %v", d.Part, r, err)
			}
		}
		h.leadsSomewhere(h.Alder)
	})
}

// TestAMonthOfWholeParts: nothing is left behind the last one, which no other one follows.
func TestAMonthOfWholeParts(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 20)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.keeps.PartMost = 5
		h.round()
		if drops := h.drops(h.Alder); len(drops) != 4 || h.left(h.Alder, audit.SignInFinished) != 0 {
			t.Errorf("there are %d drops, and %d events left", len(drops), h.left(h.Alder, audit.SignInFinished))
		}
		h.leadsSomewhere(h.Alder)
	})
}

// TestAConsumerGoesOnBehindTheGap: what was dropped is passed over, and nothing else.
func TestAConsumerGoesOnBehindTheGap(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 20)
		h.later(5)
		before, err := checkpoint.Tail(h.DB.View(t.Context()), h.Alder.ID, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		h.keep(h.Alder, 3, 0)
		h.round()
		h.seal()
		gone := map[int64]bool{}
		for _, l := range before {
			gone[l.N] = audit.Action(l.Action).Keeping() == audit.KeepSignIns
		}
		// However small the steps are, whoever follows comes to the end and gets the others once.
		size, err := checkpoint.Size(h.DB.View(t.Context()), h.Alder.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{1, 2, 7, 1000} {
			next, got := int64(0), 0
			for {
				leaves, err := checkpoint.Tail(h.DB.View(t.Context()), h.Alder.ID, next, most)
				if err != nil {
					t.Fatal(err)
				}
				if len(leaves) == 0 {
					break
				}
				for _, l := range leaves {
					if l.N < next || gone[l.N] {
						t.Fatalf("leaf %d came at %d", l.N, next)
					}
					got++
					next = l.N + 1
				}
			}
			if next != size || got != int(size)-len(h.dropped()) {
				t.Errorf("in steps of %d they got %d of %d, up to %d", most, got, size, next)
			}
			// Whoever looks at some actions alone comes as far, and to each of them once.
			of, left, next := 0, 0, int64(0)
			for _, l := range before {
				if l.Action == string(audit.PolicyChanged) && !gone[l.N] {
					left++
				}
			}
			for {
				leaves, behind, err := checkpoint.TailOf(h.DB.View(t.Context()), h.Alder.ID, next, most, []audit.Action{audit.SignInFinished, audit.PolicyChanged})
				if err != nil {
					t.Fatal(err)
				}
				if behind == next {
					break
				}
				for _, l := range leaves {
					if l.N < next || l.N >= behind || gone[l.N] || l.Action != string(audit.PolicyChanged) {
						t.Fatalf("leaf %d, %s, came between %d and %d", l.N, l.Action, next, behind)
					}
					of++
				}
				next = behind
			}
			if next != size || of != left || left == 0 {
				t.Errorf("in steps of %d they got %d of %d of an action, up to %d of %d", most, of, left, next, size)
			}
		}
	})
}

// dropped are the leaves of alder without an event.
func (h *archives) dropped() (all []int64) {
	h.T.Helper()
	if err := h.DB.View(h.T.Context()).All(&all, "SELECT l.n FROM audit_leaves l WHERE l.tenant_id = ? AND NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id)", h.Alder.ID); err != nil {
		h.T.Fatal(err)
	}
	return all
}

// unguarded runs a statement as somebody who may do everything in the database, and puts the
// guards back.
func (h *archives) unguarded(statements ...string) (restore func()) {
	h.T.Helper()
	run := func(statement string) {
		if _, err := h.DB.Pool().ExecContext(h.T.Context(), statement); err != nil {
			h.T.Fatalf("%s: %v", statement, err)
		}
	}
	var back []string
	if h.DB.Dialect == store.Postgres {
		for _, table := range []string{"audit_events", "audit_leaves", "audit_drops", "audit_drop_spans"} {
			run("ALTER TABLE " + table + " DISABLE TRIGGER USER")
			back = append(back, "ALTER TABLE "+table+" ENABLE TRIGGER USER")
		}
	} else {
		var triggers []struct{ Name, Sql string }
		if err := h.DB.View(h.T.Context()).All(&triggers, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'"); err != nil {
			h.T.Fatal(err)
		}
		for _, trigger := range triggers {
			run("DROP TRIGGER " + trigger.Name)
			back = append(back, trigger.Sql)
		}
	}
	for _, statement := range statements {
		run(statement)
	}
	return func() {
		for _, statement := range back {
			run(statement)
		}
	}
}
