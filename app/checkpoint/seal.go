package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/store"
)

// batchMost is how many events are sealed in one transaction. On SQLite the one writer is
// held for as long as it takes.
var batchMost = map[store.Dialect]int{store.Postgres: 4000, store.SQLite: 1000}

// sealing is how far sealing is.
type sealing struct {
	cluster, done, goal, upto string
	walking                   bool
	walkTenant, walkID        string
	walkAt                    time.Time
	checkpoints               int64
}

// unsealed is an event that is in no tree yet.
type unsealed struct {
	TenantID, ID string
	OccurredAt   time.Time
	Record       []byte
	WrittenIn    string
	Rowid        int64
}

// notALeaf keeps out what is sealed already, should a database have been moved and its
// numbers with it: what is done only says where to look.
const notALeaf = " AND NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id)"

// since is the condition of an event that a snapshot does not show. It is asked of the
// snapshots twice: once by their first transaction, which the index finds.
const since = `e.written_in > '1' AND e.written_in >= pg_snapshot_xmin(CAST(CAST(? AS text) AS pg_snapshot)) AND NOT pg_visible_in_snapshot(e.written_in, CAST(CAST(? AS text) AS pg_snapshot))`

// Seal appends what was committed and is in no tree yet, up to a batch of it, and says how
// much, and whether there may be more. It is safe on several replicas at once: one of them
// holds the row, the others do nothing. Nothing waits for the disk: after a crash what was
// lost is sealed again, and no head of it was signed, because that does wait.
func (s *Service) Seal(ctx context.Context) (n int, more bool, err error) { return s.seal(ctx, take) }

func (s *Service) seal(ctx context.Context, hold hold) (n int, more bool, err error) {
	if pending, err := s.pending(ctx); err != nil || !pending {
		return 0, false, err
	}
	err = s.DB.Count(ctx, func(tx *store.Tx) error {
		at, held, err := hold(tx)
		if err != nil || !held {
			return err
		}
		if err := at.sameDatabase(tx); err != nil {
			return err
		}
		batch, err := at.next(tx, s.batch())
		if err != nil {
			return err
		}
		n, more = len(batch), true
		if err := appendAll(tx, batch); err != nil {
			return err
		}
		return at.keep(tx)
	})
	if err != nil {
		return 0, false, err
	}
	return n, more, nil
}

func (s *Service) batch() int {
	if s.BatchMost > 0 {
		return s.BatchMost
	}
	return batchMost[s.DB.Dialect]
}

// pending says whether there may be something to seal, without taking anything.
func (s *Service) pending(ctx context.Context) (is bool, err error) {
	tx := s.DB.View(ctx)
	var n int
	if tx.Dialect == store.SQLite {
		_, err = tx.One(&n, `SELECT COALESCE((SELECT max(rowid) FROM audit_events), 0) <> CAST(done AS integer) FROM audit_sealing WHERE id = 1`)
	} else {
		_, err = tx.One(&n, `SELECT CASE WHEN s.walking OR s.goal <> '' OR pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmax(CAST(s.done AS pg_snapshot))
			OR EXISTS (SELECT 1 FROM audit_events e WHERE e.written_in > '1' AND e.written_in >= pg_snapshot_xmin(CAST(s.done AS pg_snapshot))
				AND NOT pg_visible_in_snapshot(e.written_in, CAST(s.done AS pg_snapshot))) THEN 1 ELSE 0 END FROM audit_sealing s WHERE s.id = 1`)
	}
	return n != 0, store.Unusable(err)
}

const sealingRow = "SELECT cluster, done, goal, upto, walking, walk_tenant, walk_at, walk_id, checkpoints FROM audit_sealing WHERE id = 1"

// hold gives the row, and holds it until the end of tx.
type hold func(tx *store.Tx) (at sealing, held bool, err error)

// take is to hold it unless somebody else does.
func take(tx *store.Tx) (at sealing, held bool, err error) {
	return read(tx, " FOR UPDATE SKIP LOCKED")
}

// wait is to hold it for what cannot be left to somebody else.
func wait(tx *store.Tx) (at sealing, held bool, err error) {
	at, held, err = read(tx, " FOR UPDATE")
	if err == nil && !held {
		err = errors.New("checkpoint: audit_sealing has no row")
	}
	return at, held, err
}

func read(tx *store.Tx, lock string) (at sealing, held bool, err error) {
	if tx.Dialect == store.SQLite {
		lock = "" // the act has the one writer's place
	}
	var r struct {
		Cluster, Done, Goal, Upto, WalkTenant, WalkID string
		Walking                                       bool
		WalkAt                                        time.Time
		Checkpoints                                   int64
	}
	held, err = tx.One(&r, sealingRow+lock)
	return sealing{r.Cluster, r.Done, r.Goal, r.Upto, r.Walking, r.WalkTenant, r.WalkID, r.WalkAt, r.Checkpoints}, held, err
}

func (at *sealing) keep(tx *store.Tx) error {
	return tx.Exec("UPDATE audit_sealing SET cluster = ?, done = ?, goal = ?, upto = ?, walking = ?, walk_tenant = ?, walk_at = ?, walk_id = ? WHERE id = 1",
		at.cluster, at.done, at.goal, at.upto, at.walking, at.walkTenant, at.walkAt, at.walkID).Error
}

// sameDatabase begins anew when the numbers of transactions, or of rows, are not those that
// what is done was written in: the database was restored into another server, or its rows
// were numbered again. The events then lose their numbers, at no cost, and are walked
// through once like those from before there was sealing.
func (at *sealing) sameDatabase(tx *store.Tx) error {
	if tx.Dialect == store.SQLite {
		var newest int64
		if _, err := tx.One(&newest, "SELECT COALESCE(max(rowid), 0) FROM audit_events"); err != nil {
			return err
		}
		if done, err := strconv.ParseInt(at.done, 10, 64); err != nil || done > newest {
			at.done = "0"
		}
		return nil
	}
	var now struct {
		Cluster  string
		Backward bool
	}
	_, err := tx.One(&now, `SELECT CAST(system_identifier AS text) AS cluster, pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmax(CAST(CAST(? AS text) AS pg_snapshot)) AS backward
		FROM pg_control_system()`, at.done)
	if err != nil {
		return err
	}
	was := at.cluster
	at.cluster = now.Cluster
	if !now.Backward && (was == "" || was == now.Cluster) {
		return nil
	}
	for _, statement := range []string{
		"ALTER TABLE audit_events DROP COLUMN written_in",
		"ALTER TABLE audit_events ADD COLUMN written_in xid8 NOT NULL DEFAULT '1'",
		"ALTER TABLE audit_events ALTER COLUMN written_in SET DEFAULT pg_current_xact_id()",
		"CREATE INDEX audit_events_to_seal ON audit_events (written_in) WHERE written_in > '1'",
	} {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	*at = sealing{cluster: now.Cluster, done: "3:3:", upto: "1", walking: true, checkpoints: at.checkpoints}
	return nil
}

// next gives the next batch in its order, and moves on behind it.
func (at *sealing) next(tx *store.Tx, most int) (batch []unsealed, err error) {
	switch {
	case tx.Dialect == store.SQLite:
		return at.nextRows(tx, most)
	case at.walking:
		return at.walk(tx, most)
	}
	return at.nextTransactions(tx, most)
}

// nextRows is next on SQLite: the one writer numbers rows as they are committed.
func (at *sealing) nextRows(tx *store.Tx, most int) (batch []unsealed, err error) {
	// All of the rows that are looked at, so that those that are leaves are passed over.
	if err := tx.All(&batch, "SELECT e.rowid AS rowid, e.tenant_id, e.id, e.occurred_at, e.record FROM audit_events e WHERE e.rowid > ? ORDER BY e.rowid LIMIT ?", at.done, most); err != nil || len(batch) == 0 {
		return nil, err
	}
	first := at.done
	at.done = strconv.FormatInt(batch[len(batch)-1].Rowid, 10)
	var known int
	if _, err := tx.One(&known, `SELECT count(*) FROM audit_events e WHERE e.rowid > ? AND e.rowid <= ?
		AND EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id)`, first, at.done); err != nil || known == 0 {
		return batch, err
	}
	batch = nil
	err = tx.All(&batch, "SELECT e.rowid AS rowid, e.tenant_id, e.id, e.occurred_at, e.record FROM audit_events e WHERE e.rowid > ? AND e.rowid <= ?"+notALeaf+" ORDER BY e.rowid", first, at.done)
	return batch, err
}

// walk goes through events without a transaction, tenant by tenant and in the order of time.
func (at *sealing) walk(tx *store.Tx, most int) (batch []unsealed, err error) {
	var looked []unsealed
	err = tx.All(&looked, `SELECT e.tenant_id, e.id, e.occurred_at FROM audit_events e WHERE e.written_in = '1' AND (e.tenant_id, e.occurred_at, e.id) > (?, ?, ?)
		ORDER BY e.tenant_id, e.occurred_at, e.id LIMIT ?`, at.walkTenant, at.walkAt, at.walkID, most)
	if err != nil {
		return nil, err
	}
	if len(looked) == 0 {
		at.walking = false
		return nil, nil
	}
	last := looked[len(looked)-1]
	err = tx.All(&batch, `SELECT e.tenant_id, e.id, e.occurred_at, e.record FROM audit_events e WHERE e.written_in = '1' AND (e.tenant_id, e.occurred_at, e.id) > (?, ?, ?)
		AND (e.tenant_id, e.occurred_at, e.id) <= (?, ?, ?)`+notALeaf+` ORDER BY e.tenant_id, e.occurred_at, e.id`,
		at.walkTenant, at.walkAt, at.walkID, last.TenantID, last.OccurredAt, last.ID)
	at.walkTenant, at.walkAt, at.walkID = last.TenantID, last.OccurredAt, last.ID
	return batch, err
}

// nextTransactions is next on PostgreSQL: whole transactions that the goal, a snapshot,
// shows, and what is done, an earlier one, does not. However late a transaction commits, it
// is between exactly one pair of snapshots; and none waits for a longer one beside it.
func (at *sealing) nextTransactions(tx *store.Tx, most int) (batch []unsealed, err error) {
	if at.goal == "" {
		at.upto = "1"
		if _, err := tx.One(&at.goal, "SELECT CAST(pg_current_snapshot() AS text)"); err != nil {
			return nil, err
		}
	}
	const which = " FROM audit_events e WHERE " + since + ` AND e.written_in > CAST(CAST(? AS text) AS xid8) AND pg_visible_in_snapshot(e.written_in, CAST(CAST(? AS text) AS pg_snapshot))`
	values := []any{at.done, at.done, at.upto, at.goal}
	var bound string
	more, err := tx.One(&bound, "SELECT CAST(e.written_in AS text)"+which+" ORDER BY e.written_in OFFSET ? LIMIT 1", append(values, most-1)...)
	if err != nil {
		return nil, err
	}
	query := "SELECT e.tenant_id, e.id, e.occurred_at, e.record" + which
	if more {
		query, values = query+" AND e.written_in <= CAST(CAST(? AS text) AS xid8)", append(values, bound)
	}
	if err := tx.All(&batch, query+notALeaf+" ORDER BY e.written_in, e.occurred_at, e.id", values...); err != nil {
		return nil, err
	}
	if more {
		at.upto = bound
	} else {
		at.done, at.goal, at.upto = at.goal, "", "1"
	}
	return batch, nil
}

var errGrown = errors.New("checkpoint: a tree has grown beside this")

// appendAll appends each event to the tree of its tenant. A tree that has grown since it
// was read fails: there is one order.
func appendAll(tx *store.Tx, batch []unsealed) error {
	type growing struct {
		edge
		was int64
	}
	trees := map[string]*growing{}
	var order []string
	var leaves, nodes [][]any
	for _, e := range batch {
		t := trees[e.TenantID]
		if t == nil {
			found, err := treeOf(tx, e.TenantID)
			if err != nil {
				return err
			}
			t = &growing{found.edge, found.edge.size}
			trees[e.TenantID], order = t, append(order, e.TenantID)
		}
		h := tlog.RecordHash(e.Record)
		leaves = append(leaves, []any{e.TenantID, t.size, e.OccurredAt, e.ID, h[:]})
		t.add(h, func(level int, n int64, h tlog.Hash) {
			nodes = append(nodes, []any{e.TenantID, level, n, h[:]})
		})
	}
	if err := insertAll(tx, "INSERT INTO audit_leaves (tenant_id, n, occurred_at, event_id, hash)", leaves); err != nil {
		return err
	}
	if err := insertAll(tx, "INSERT INTO audit_nodes (tenant_id, level, n, hash)", nodes); err != nil {
		return err
	}
	for _, tenantID := range order {
		t, root := trees[tenantID], trees[tenantID].root()
		err := tx.Change(errGrown, `INSERT INTO audit_trees (tenant_id, size, root, edge) VALUES (?,?,?,?)
			ON CONFLICT (tenant_id) DO UPDATE SET size = excluded.size, root = excluded.root, edge = excluded.edge WHERE audit_trees.size = ?`,
			tenantID, t.size, root[:], t.edge.bytes(), t.was)
		if err != nil {
			return err
		}
	}
	return nil
}

// insertAll inserts in parts of 128, 64, … rows, so that there are few statements to keep.
func insertAll(tx *store.Tx, into string, rows [][]any) error {
	for part := 128; len(rows) > 0; {
		for part > len(rows) {
			part /= 2
		}
		if err := tx.InsertAll(into, "", rows[:part]); err != nil {
			return err
		}
		rows = rows[part:]
	}
	return nil
}

// tree is that of a tenant as it stands.
type tree struct {
	edge
	root       tlog.Hash
	signedSize int64
	fault      string
}

func treeOf(tx *store.Tx, tenantID string) (t tree, err error) {
	var r struct {
		Size, SignedSize int64
		Root, Edge       []byte
		Fault            string
	}
	found, err := tx.One(&r, "SELECT size, root, edge, signed_size, fault FROM audit_trees WHERE tenant_id = ?", tenantID)
	if err != nil || !found {
		return t, err
	}
	if t.edge, err = edgeOf(r.Size, r.Edge); err != nil {
		return t, err
	}
	t.root, t.signedSize, t.fault = t.edge.root(), r.SignedSize, r.Fault
	if string(t.root[:]) != string(r.Root) {
		return t, fmt.Errorf("checkpoint: the tree of %s has another root than its edge", tenantID)
	}
	return t, nil
}
