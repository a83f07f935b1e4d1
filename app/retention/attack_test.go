package retention_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
)

// TestNobodyDeletesWithoutASignedDrop: the database lets an event go only in the transaction
// that writes the drop of its leaf.
func TestNobodyDeletesWithoutASignedDrop(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 6)
		h.happen(h.Birch, 2)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.round()
		h.seal()
		events := "SELECT count(*) FROM audit_events"
		was, drops, spans := h.Count(events), h.Count("SELECT count(*) FROM audit_drops"), h.Count("SELECT count(*) FROM audit_drop_spans")
		d := h.drops(h.Alder)[0]
		month, next := "'"+d.Month.Format("2006-01-02")+" 00:00:00+00:00'", "'"+d.End().Format("2006-01-02")+" 00:00:00+00:00'"
		open := fmt.Sprintf("INSERT INTO audit_drops (tenant_id, class, month, part, from_at, until_at, events, note, archive, host, made_at, open) VALUES ('%s','signins','2020-01',1,%s,%s,1,'','','',%s,TRUE)", h.Alder.ID, month, next, month)
		leaf := func(tenantID, action string) string {
			return fmt.Sprintf("(SELECT min(l.n) FROM audit_leaves l JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id WHERE l.tenant_id = '%s' AND e.action = '%s')", tenantID, action)
		}
		span := fmt.Sprintf("INSERT INTO audit_drop_spans (tenant_id, first_n, last_n, class, month, part) SELECT '%s', n.n, n.n, 'signins', '2020-01', 1 FROM (SELECT %s AS n) n", h.Alder.ID, leaf(h.Alder.ID, "policy.changed"))
		for claim, statements := range map[string][]string{
			"an event":                            {"DELETE FROM audit_events WHERE tenant_id = '" + h.Alder.ID + "'"},
			"an event of another tenant":          {"DELETE FROM audit_events WHERE tenant_id = '" + h.Birch.ID + "'"},
			"under a drop without leaves":         {open, "DELETE FROM audit_events WHERE tenant_id = '" + h.Alder.ID + "' AND action = 'policy.changed'"},
			"one more than the drop has":          {open, span, "DELETE FROM audit_events WHERE tenant_id = '" + h.Alder.ID + "' AND action = 'policy.changed'"},
			"another tenant's under a drop":       {open, span, "DELETE FROM audit_events WHERE tenant_id = '" + h.Birch.ID + "' AND action = 'policy.changed'"},
			"another month's":                     {strings.Replace(open, month+","+next, "'2020-01-01 00:00:00+00:00','2020-02-01 00:00:00+00:00'", 1), span, "DELETE FROM audit_events WHERE tenant_id = '" + h.Alder.ID + "' AND id = (SELECT event_id FROM audit_leaves WHERE tenant_id = '" + h.Alder.ID + "' AND n = " + leaf(h.Alder.ID, "policy.changed") + ")"},
			"an old drop that is opened again":    {"UPDATE audit_drops SET open = TRUE"},
			"an old drop that is changed":         {"UPDATE audit_drops SET note = 'x'"},
			"an old drop":                         {"DELETE FROM audit_drops"},
			"leaves of an old drop":               {"DELETE FROM audit_drop_spans"},
			"more leaves of an old drop":          {fmt.Sprintf("INSERT INTO audit_drop_spans (tenant_id, first_n, last_n, class, month, part) SELECT tenant_id, 90001, 90002, class, month, part FROM audit_drops WHERE tenant_id = '%s'", h.Alder.ID)},
			"leaves of an old drop that grow":     {"UPDATE audit_drop_spans SET last_n = last_n + 1"},
			"a leaf":                              {"DELETE FROM audit_leaves"},
			"a drop that is changed as it closes": {open, "UPDATE audit_drops SET open = FALSE, note = 'y' WHERE month = '2020-01'"},
		} {
			err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
				for _, statement := range statements {
					if err := tx.Exec(statement).Error; err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil || !strings.Contains(fmt.Sprint(cause(err)), "never changed or deleted") {
				t.Errorf("%s: %v", claim, cause(err))
			}
		}
		if h.Count(events) != was || h.Count("SELECT count(*) FROM audit_drops") != drops || h.Count("SELECT count(*) FROM audit_drop_spans") != spans {
			t.Error("something is gone")
		}
		h.whole(h.Alder)
		h.whole(h.Birch)

		// A drop that another transaction left open opens nothing on PostgreSQL; on SQLite, where
		// nobody can tell, it is found.
		err := h.DB.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(open).Error })
		if err != nil {
			t.Fatal(err)
		}
		if r := h.verdict(h.Alder); r.Whole() || r.First().What != checkpoint.Dropped {
			t.Errorf("a drop that nobody signed is %+v", r.Findings)
		}
		if h.DB.Dialect == store.Postgres {
			if err := h.DB.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(span).Error }); err == nil {
				t.Error("leaves came to it later")
			}
		}
	})
}

// cause is what the database said.
func cause(err error) error {
	for {
		next, ok := err.(interface{ Unwrap() error })
		if !ok || next.Unwrap() == nil {
			return err
		}
		err = next.Unwrap()
	}
}

// TestAForgedDropIsFound by whoever verifies, with and without the witness: the intruder may
// do everything in the database and has no key.
func TestAForgedDropIsFound(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 10)
		h.happen(h.Birch, 10)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.keep(h.Birch, 3, 0)
		h.round()
		h.Clock.Forward(2 * time.Minute)
		h.seal()
		h.whole(h.Alder)
		h.whole(h.Birch)
		alder, birch := h.drops(h.Alder)[0], h.drops(h.Birch)[0]
		one := fmt.Sprintf("(SELECT min(l.n) FROM audit_leaves l JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id WHERE l.tenant_id = '%s' AND e.action = 'policy.changed' AND e.reason = 'walrus 4')", h.Alder.ID)
		var n int64
		if _, err := h.DB.View(t.Context()).One(&n, "SELECT "+one); err != nil {
			t.Fatal(err)
		}
		gone := fmt.Sprintf("DELETE FROM audit_events WHERE tenant_id = '%s' AND id = (SELECT event_id FROM audit_leaves WHERE tenant_id = '%s' AND n = %d)", h.Alder.ID, h.Alder.ID, n)
		keep := []string{"CREATE TABLE was_events AS SELECT * FROM audit_events", "CREATE TABLE was_drops AS SELECT * FROM audit_drops", "CREATE TABLE was_spans AS SELECT * FROM audit_drop_spans"}
		columns := "tenant_id, class, month, part, from_at, until_at, events, note, archive, host, made_at, open"
		const events = "tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt, address"
		back := []string{
			"DELETE FROM audit_drop_spans", "DELETE FROM audit_drops", "DELETE FROM audit_events",
			"INSERT INTO audit_drops (" + columns + ") SELECT " + columns + " FROM was_drops", "INSERT INTO audit_drop_spans SELECT * FROM was_spans", "INSERT INTO audit_events (" + events + ") SELECT " + events + " FROM was_events",
		}
		h.unguarded(keep...)
		mine := fmt.Sprintf(" WHERE tenant_id = '%s'", h.Alder.ID)
		copied := func(from, set string) []string {
			return []string{
				"INSERT INTO audit_drops (" + columns + ") SELECT '" + h.Alder.ID + "', class, " + set + ", part, from_at, until_at, events, note, archive, host, made_at, open FROM audit_drops WHERE tenant_id = '" + from + "'",
				fmt.Sprintf("INSERT INTO audit_drop_spans (tenant_id, first_n, last_n, class, month, part) SELECT '%s', %d, %d, class, %s, part FROM audit_drops WHERE tenant_id = '%s' AND month <> %s", h.Alder.ID, n, n, set, from, set),
			}
		}
		for claim, row := range map[string]struct {
			do    []string
			whats []checkpoint.Wrong
		}{
			"one event more":               {[]string{gone}, []checkpoint.Wrong{checkpoint.Removed}},
			"one event and leaf more":      {[]string{gone, fmt.Sprintf("INSERT INTO audit_drop_spans (tenant_id, first_n, last_n, class, month, part) SELECT tenant_id, %d, %d, class, month, part FROM audit_drops", n, n) + mine}, []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"a drop that nobody signed":    {append(copied(h.Alder.ID, "'2019-01'"), "UPDATE audit_drops SET note = 'nobody' WHERE month = '2019-01'", gone), []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"the drop of another month":    {append(copied(h.Alder.ID, "'2019-01'"), gone), []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"the drop of another tenant":   {append(copied(h.Birch.ID, "'2019-01'"), gone), []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"a drop whose row is gone":     {[]string{"DELETE FROM audit_drop_spans" + mine, "DELETE FROM audit_drops" + mine}, []checkpoint.Wrong{checkpoint.Removed}},
			"a drop whose leaves are gone": {[]string{"DELETE FROM audit_drop_spans" + mine}, []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"a drop of another class": {[]string{
				"INSERT INTO audit_drops (" + columns + ") SELECT tenant_id, 'administration', month, part, from_at, until_at, events, note, archive, host, made_at, open FROM audit_drops" + mine,
				"UPDATE audit_drop_spans SET class = 'administration'" + mine, "DELETE FROM audit_drops" + mine + " AND class = 'signins'",
			}, []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"another digest of the archive":       {[]string{"UPDATE audit_drops SET note = replace(note, 'archive " + alder.ArchiveDigest()[:8] + "', 'archive " + birch.ArchiveDigest()[:8] + "')" + mine}, []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
			"a leaf in place of one that was not": {[]string{fmt.Sprintf("UPDATE audit_drop_spans SET first_n = %d, last_n = %d", n, n) + mine + fmt.Sprintf(" AND first_n = %d", alder.First), gone}, []checkpoint.Wrong{checkpoint.Dropped, checkpoint.Removed}},
		} {
			h.unguarded(row.do...)
			r := h.verdict(h.Alder)
			found := map[checkpoint.Wrong]bool{}
			for _, f := range r.Findings {
				found[f.What] = true
			}
			for _, what := range row.whats {
				if !found[what] {
					t.Errorf("%s: nothing is %s: %+v", claim, what, r.Findings)
				}
			}
			if len(found) != len(row.whats) {
				t.Errorf("%s: %+v", claim, r.Findings)
			}
			h.whole(h.Birch)
			h.unguarded(back...)
			h.whole(h.Alder)
		}
	})
}

// TestAnEditedArchiveIsFound: an event, its leaf, one that is left out, one of another
// archive, another month on the cover, and hashes of another tree.
func TestAnEditedArchiveIsFound(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 10)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.round()
		text := h.file(h.drops(h.Alder)[0])
		lines := func(name string) []string {
			return strings.Split(strings.TrimSuffix(string(inside(t, text, name)), "\n"), "\n")
		}
		events, hashes := lines("events.jsonl"), lines("hashes.jsonl")
		joined := func(all ...string) string { return strings.Join(all, "\n") + "\n" }
		about := string(inside(t, text, "archive.json"))
		for claim, row := range map[string]struct {
			name, is string
			what     checkpoint.Wrong
		}{
			"an event":               {"events.jsonl", strings.Replace(joined(events...), "walrus 4", "walrus 5", 1), checkpoint.Edited},
			"personal data":          {"events.jsonl", strings.Replace(joined(events...), "203.0.113.9", "203.0.113.8", 1), checkpoint.Edited},
			"a number":               {"events.jsonl", strings.Replace(joined(events...), `{"n":`, `{"n":1`, 1), checkpoint.Extra},
			"one is left out":        {"events.jsonl", joined(events[1:]...), checkpoint.Cut},
			"one comes twice":        {"events.jsonl", joined(append(events, events[0])...), checkpoint.Extra},
			"another month":          {"archive.json", strings.Replace(about, h.drops(h.Alder)[0].Month.Format("2006-01"), "2020-02", 1), checkpoint.Dropped},
			"another class":          {"archive.json", strings.Replace(about, "signins", "administration", 1), checkpoint.Dropped},
			"another tenant":         {"archive.json", strings.Replace(about, h.Alder.ID, h.Birch.ID, 1), checkpoint.Spliced},
			"a hash":                 {"hashes.jsonl", joined(append([]string{hashes[len(hashes)-1]}, hashes[1:]...)...), checkpoint.Forked},
			"a hash too many":        {"hashes.jsonl", joined(append(hashes, hashes[0])...), checkpoint.Forked},
			"a hash is missing":      {"hashes.jsonl", joined(hashes[1:]...), checkpoint.Forked},
			"no checkpoint":          {"checkpoints.jsonl", "", checkpoint.Signature},
			"another one's key":      {"keys.jsonl", "", checkpoint.Signature},
			"a checkpoint of itself": {"checkpoints.jsonl", strings.Replace(joined(lines("checkpoints.jsonl")...), `time 20`, `time 19`, 1), checkpoint.Signature},
		} {
			edited := repacked(t, text, row.name, row.is)
			keys, err := h.seals.PublicKeys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if claim == "another one's key" {
				keys = []string{"latchkey-other+00000000+AAAA"}
			}
			_, r, _, err := checkpoint.VerifyArchive(bytes.NewReader(edited), int64(len(edited)), keys, nil)
			if err != nil || r.Whole() {
				t.Errorf("%s: %+v, %v", claim, r, err)
				continue
			}
			found := false
			for _, f := range r.Findings {
				found = found || f.What == row.what
			}
			if !found {
				t.Errorf("%s: %+v, not %s", claim, r.Findings, row.what)
			}
		}
	})
}

// repacked is a zip file with another text in one of its files.
func repacked(t *testing.T, text []byte, name, is string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		w, err := out.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		text := inside(t, text, f.Name)
		if f.Name == name {
			text = []byte(is)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAnArchiveIsHeldAgainstTheWitness: its checkpoint is one that the witness has, too.
func TestAnArchiveIsHeldAgainstTheWitness(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 10)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		h.round()
		text := h.file(h.drops(h.Alder)[0])
		keys, err := h.seals.PublicKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []checkpoint.Signed
		if err := h.DB.View(t.Context()).All(&all, "SELECT number, tenant_id, note FROM audit_checkpoints ORDER BY number"); err != nil {
			t.Fatal(err)
		}
		_, r, _, err := checkpoint.VerifyArchive(bytes.NewReader(text), int64(len(text)), keys, all)
		if err != nil || !r.Whole() || r.Witnessed == 0 {
			t.Errorf("it is %+v, %v", r, err)
		}
		if audit.AuditDropped.Keeping() != audit.KeepEvidence {
			t.Error("what says that something was dropped can be dropped")
		}
	})
}
