package checkpoint

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/store"
)

// pageLeaves is how many leaves are read at once; a multiple of 256.
const pageLeaves = 4096

// Verify goes through every event of a tenant, or of all of them when tenantID is empty, and
// holds them against their leaves, the tree, the checkpoints and those of a witness. It
// changes nothing and may run beside everything else. Keys are those that open under the
// master key: a checkpoint of another one counts for nothing.
func (s *Service) Verify(ctx context.Context, tenantID string, witnessed []Signed, each func(Result)) error {
	tx := s.DB.View(ctx)
	keys, _, err := s.keys(tx)
	if err != nil {
		return store.Unusable(err)
	}
	trusted := publics(keys)
	tenants := []string{tenantID}
	if tenantID == "" {
		if tenants, err = s.tenants(tx, witnessed); err != nil {
			return store.Unusable(err)
		}
	}
	for _, id := range tenants {
		r, err := s.verifyTenant(ctx, id, trusted, witnessed)
		if err != nil {
			return err
		}
		each(r)
	}
	if tenantID == "" {
		return s.verifyNumbers(tx, each)
	}
	return nil
}

// tenants are all that may have events.
func (s *Service) tenants(tx *store.Tx, witnessed []Signed) (all []string, err error) {
	err = tx.All(&all, "SELECT tenant_id FROM audit_trees UNION SELECT id FROM tenants UNION SELECT DISTINCT tenant_id FROM audit_checkpoints")
	all = append(all, access.Platform)
	for _, c := range witnessed {
		all = append(all, c.TenantID)
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// verifyNumbers finds checkpoints that are gone: their numbers have no gap.
func (s *Service) verifyNumbers(tx *store.Tx, each func(Result)) error {
	var r struct{ N, Last, Counted int64 }
	_, err := tx.One(&r, "SELECT count(*) AS n, COALESCE(max(number), 0) AS last, (SELECT checkpoints FROM audit_sealing WHERE id = 1) AS counted FROM audit_checkpoints")
	if err != nil || r.N == r.Last && r.Last == r.Counted {
		return store.Unusable(err)
	}
	missing := r.Last + 1
	if r.N != r.Last {
		_, err = tx.One(&missing, `SELECT min(c.number) + 1 FROM (SELECT 0 AS number UNION ALL SELECT number FROM audit_checkpoints) c
			WHERE NOT EXISTS (SELECT 1 FROM audit_checkpoints n WHERE n.number = c.number + 1)`)
	}
	each(Result{Findings: []Finding{{What: Numbers, From: missing, To: missing, Detail: "checkpoint " + strconv.FormatInt(missing, 10) + " of the installation is not there"}}})
	return store.Unusable(err)
}

// verifyTenant goes through a tenant, and once more when events were dropped meanwhile.
func (s *Service) verifyTenant(ctx context.Context, tenantID string, trusted []string, witnessed []Signed) (r Result, err error) {
	for {
		drops, err := dropsOf(s.DB.View(ctx), tenantID)
		if err != nil {
			return Result{TenantID: tenantID}, store.Unusable(err)
		}
		if r, err = s.walk(ctx, tenantID, trusted, drops, witnessed); err != nil || r.Whole() {
			return r, err
		}
		var now int
		if _, err := s.DB.View(ctx).One(&now, "SELECT count(*) FROM audit_drops WHERE tenant_id = ?", tenantID); err != nil || now == len(drops) {
			return r, store.Unusable(err)
		}
	}
}

func (s *Service) walk(ctx context.Context, tenantID string, trusted []string, drops []keptDrop, witnessed []Signed) (Result, error) {
	tx := s.DB.View(ctx)
	fail := func(err error) (Result, error) { return Result{TenantID: tenantID}, store.Unusable(err) }
	// In one statement, so that sealing and signing beside this do no harm.
	var t struct {
		Size, Leaves, SignedSize, Newest int64
	}
	var right struct{ Root, Edge []byte }
	_, err := tx.One(&t, `SELECT COALESCE(max(t.size), 0) AS size, COALESCE(max(t.signed_size), 0) AS signed_size, (SELECT COALESCE(max(n) + 1, 0) FROM audit_leaves WHERE tenant_id = ?) AS leaves,
		(SELECT COALESCE(max(number), 0) FROM audit_checkpoints WHERE tenant_id = ?) AS newest FROM audit_trees t WHERE t.tenant_id = ?`, tenantID, tenantID, tenantID)
	if err != nil {
		return fail(err)
	}
	if _, err := tx.One(&right, "SELECT root, edge FROM audit_trees WHERE tenant_id = ? AND size = ?", tenantID, t.Size); err != nil {
		return fail(err)
	}
	var checkpoints []Signed
	err = tx.All(&checkpoints, "SELECT number, tenant_id, note FROM audit_checkpoints WHERE tenant_id = ? AND number <= ? ORDER BY number", tenantID, t.Newest)
	if err != nil {
		return fail(err)
	}
	w := newWalker(tenantID, verifiers(trusted), checkpoints, witnessed)
	w.takeDrops(drops, verifiers(trusted))
	signed := int64(0)
	for _, m := range w.due {
		if !m.witness {
			signed = max(signed, m.Size)
		}
	}
	matched := int64(0)
	for from := int64(0); from < t.Leaves; from += pageLeaves {
		n, err := s.verifyPage(tx, w, from, min(from+pageLeaves, t.Leaves))
		if err != nil {
			return fail(err)
		}
		matched += n
	}
	switch {
	case t.Leaves < t.Size:
		w.found(Removed, t.Leaves, t.Size-1, "the tree has "+plural(t.Size, "leaf"))
	case t.Leaves > t.Size:
		w.found(Extra, t.Size, t.Leaves-1, "the tree has "+plural(t.Size, "leaf"))
	case right.Root != nil && !w.broken && len(w.due) == 0 && !sameTree(w.tree, right.Root, right.Edge):
		w.found(Forked, w.Covered, t.Size-1, "the root that is stored is not that of the leaves")
	}
	if t.SignedSize > signed {
		w.found(Cut, min(w.Size, signed), t.SignedSize-1, "the checkpoint of "+plural(t.SignedSize, "event")+" is not there")
	}
	if err := s.verifyUnsealed(tx, w, matched); err != nil {
		return fail(err)
	}
	for whose := range w.blanked { // by an event that is not sealed yet, too
		var n int
		if _, err := tx.One(&n, "SELECT count(*) FROM audit_events WHERE subject_id = ? AND tenant_id = ? AND action = ?", whose, tenantID, audit.PersonErased); err != nil {
			return fail(err)
		}
		w.erased[whose] = w.erased[whose] || n > 0
	}
	return w.end(), nil
}

func sameTree(e edge, root, right []byte) bool {
	is := e.root()
	return string(is[:]) == string(root) && string(e.bytes()) == string(right)
}

// verifyPage takes the leaves from one up to another, and says how many have an event.
func (s *Service) verifyPage(tx *store.Tx, w *walker, from, to int64) (matched int64, err error) {
	nodes := map[int64][]byte{}
	err = tx.Each("SELECT n, hash FROM audit_nodes WHERE tenant_id = ? AND level = ? AND n >= ? AND n < ?", func(scan func(...any) error) error {
		var n int64
		var hash []byte
		err := scan(&n, &hash)
		nodes[n] = hash
		return err
	}, w.TenantID, nodeHeight, from>>nodeHeight, (to+1<<nodeHeight-1)>>nodeHeight)
	if err != nil {
		return 0, err
	}
	var block edge // the leaves since the last multiple of 256
	var marks []marked
	err = tx.Each("SELECT l.n, l.hash, "+audit.Columns+` FROM audit_leaves l LEFT JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id
		WHERE l.tenant_id = ? AND l.n >= ? AND l.n < ? ORDER BY l.n`, func(scan func(...any) error) error {
		var n int64
		var hash []byte
		var k keptRow
		if err := scan(append([]any{&n, &hash}, k.into()...)...); err != nil {
			return err
		}
		if n > w.Size {
			w.gone(n)
		}
		if len(hash) != tlog.HashSize {
			w.found(Edited, n, n, "the leaf has no hash")
			hash = make([]byte, tlog.HashSize)
		}
		kept, there := k.kept()
		if there {
			matched++
			said, wrong := kept.Check()
			if wrong != nil { // whose it is may still be read
				said, _ = audit.ParseBytes(kept.Record)
			} else {
				for _, mark := range kept.Marks() {
					marks = append(marks, marked{n, mark, kept.OccurredAt, kept.ID})
				}
			}
			w.leaf(tlog.Hash(hash), kept.Record, said, audit.Erased(kept.Personal, kept.Salt), wrong)
		} else {
			w.leaf(tlog.Hash(hash), nil, audit.Bytes{}, false, nil)
		}
		if n%(1<<nodeHeight) == 0 {
			block = edge{}
		}
		block.add(tlog.Hash(hash), nil)
		if block.size == 1<<nodeHeight {
			if is := block.root(); string(nodes[n>>nodeHeight]) != string(is[:]) {
				w.misfit(n >> nodeHeight)
			}
		}
		return nil
	}, w.TenantID, from, to)
	if err == nil && w.Size < to {
		w.gone(to)
	}
	return matched, errors.Join(err, verifyMarks(tx, w, marks))
}

// marked is a mark that the event of a leaf has to have.
type marked struct {
	n    int64
	mark string
	at   time.Time
	id   string
}

// verifyMarks looks for events that have lost a mark: whoever looks for what it says would
// not find them.
func verifyMarks(tx *store.Tx, w *walker, marks []marked) error {
	for part := range slices.Chunk(marks, store.InsertRows) {
		lines, values := make([]string, len(part)), make([]any, 0, 4*len(part)+1)
		for i, m := range part {
			lines[i] = "(CAST(? AS bigint), ?, " + store.Moment[tx.Dialect] + ", ?)"
			values = append(values, m.n, m.mark, m.at, m.id)
		}
		err := tx.Each("SELECT v.column1, v.column2 FROM (VALUES "+strings.Join(lines, ", ")+`) v
			WHERE NOT EXISTS (SELECT 1 FROM audit_words m WHERE m.tenant_id = ? AND m.word = v.column2 AND m.occurred_at = v.column3 AND m.event_id = v.column4) ORDER BY 1`, func(scan func(...any) error) error {
			var n int64
			var mark string
			err := scan(&n, &mark)
			w.found(Hidden, n, n, "it is not found by its mark "+mark)
			return err
		}, append(values, w.TenantID)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// verifyUnsealed looks for events that are in no tree, and should be.
func (s *Service) verifyUnsealed(tx *store.Tx, w *walker, matched int64) error {
	var all int64
	if _, err := tx.One(&all, "SELECT count(*) FROM audit_events WHERE tenant_id = ?", w.TenantID); err != nil || all <= matched {
		return err
	}
	settled := "e.rowid <= CAST(s.done AS integer)"
	if tx.Dialect == store.Postgres {
		settled = "CASE WHEN e.written_in = '1' THEN NOT s.walking ELSE pg_visible_in_snapshot(e.written_in, CAST(s.done AS pg_snapshot)) END"
	}
	var found struct {
		Settled, Pending int64
		ID               string
	}
	_, err := tx.One(&found, `SELECT COALESCE(sum(CASE WHEN `+settled+` THEN 1 ELSE 0 END), 0) AS settled, COALESCE(sum(CASE WHEN `+settled+` THEN 0 ELSE 1 END), 0) AS pending,
		COALESCE(min(CASE WHEN `+settled+` THEN e.id END), '') AS id FROM audit_events e CROSS JOIN audit_sealing s WHERE s.id = 1 AND e.tenant_id = ?`+notALeaf, w.TenantID)
	if err != nil {
		return err
	}
	w.Pending = found.Pending
	if found.Settled > 0 {
		w.found(Extra, w.Size, w.Size, plural(found.Settled, "event")+" in no tree, such as "+found.ID)
	}
	return nil
}

// keptRow is an event beside its leaf, if there is one.
type keptRow struct {
	texts  [15]sql.NullString // the columns in their order, without the two others
	at     sql.NullTime
	record []byte
}

func (k *keptRow) into() (all []any) {
	for i := range k.texts {
		switch i {
		case 2:
			all = append(all, &k.at)
		case 12:
			all = append(all, &k.record)
		}
		all = append(all, &k.texts[i])
	}
	return all
}

func (k *keptRow) kept() (audit.Kept, bool) {
	t := func(i int) string { return k.texts[i].String }
	return audit.Kept{
		TenantID: t(0), ID: t(1), OccurredAt: k.at.Time, Action: t(2), Outcome: t(3), Reason: t(4), ActorKind: t(5), ActorID: t(6),
		TargetKind: t(7), TargetID: t(8), SubjectID: t(9), ThreadID: t(10), RequestID: t(11), Record: k.record, Personal: t(12), Salt: t(13), Address: t(14),
	}, k.texts[1].Valid
}

func plural(n int64, what string) string {
	text := strconv.FormatInt(n, 10) + " " + what
	if n == 1 {
		return text
	}
	if what == "leaf" {
		return strconv.FormatInt(n, 10) + " leaves"
	}
	return text + "s"
}
