package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/store"
)

// batchMost is how many events are sealed in one transaction. On SQLite the one writer is
// held for as long as it takes.
var batchMost = map[store.Dialect]int{store.Postgres: 4000, store.SQLite: 1000}

// busyBatch is how many events of a batch mean that there will be some at the next look too, so
// that it is not asked first whether there are.
const busyBatch = 50

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
	Rowid        int64
	nth          int // of the transactions of a batch
}

// aLeaf says that an event e is sealed, and notALeaf keeps out what is.
const (
	aLeaf    = "EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id)"
	notALeaf = " AND NOT " + aLeaf
)

// between is the condition of an event that the first snapshot does not show, and the second
// does, and that is behind a transaction. The first snapshot is asked twice: once for its first
// transaction, which the index finds. Each is read once and not for each event, as a value
// that is cast in place would be.
const between = `e.written_in > '1' AND e.written_in >= (SELECT pg_snapshot_xmin(CAST(CAST(? AS text) AS pg_snapshot)))
	AND NOT pg_visible_in_snapshot(e.written_in, (SELECT CAST(CAST(? AS text) AS pg_snapshot)))
	AND e.written_in > (SELECT CAST(CAST(? AS text) AS xid8)) AND pg_visible_in_snapshot(e.written_in, (SELECT CAST(CAST(? AS text) AS pg_snapshot)))`

// Seal appends what was committed and is in no tree yet, up to a batch of it, and says how
// much, and whether more of it may be left. It is safe on several replicas at once: one of them
// holds the row, the others do nothing. Nothing waits for the disk: after a crash what was
// lost is sealed again, and no head of it was signed, because that does wait.
func (s *Service) Seal(ctx context.Context) (n int, more bool, err error) { return s.seal(ctx, take) }

func (s *Service) seal(ctx context.Context, hold hold) (n int, more bool, err error) {
	if !s.busy.Load() {
		if pending, err := s.pending(ctx); err != nil || !pending {
			return 0, false, err
		}
	}
	if n, more, err = s.append(ctx, hold, false); errors.Is(err, store.ErrDuplicate) {
		n, more, err = s.append(ctx, hold, true)
	}
	s.busy.Store(n >= busyBatch)
	return n, more, err
}

// append takes the next batch. Some of it may be in its tree already, should a database have
// been moved and its numbers with it, for what is done only says where to look. Then there is a
// leaf of it, and it is taken again with a look at each: which is not worth it every time.
func (s *Service) append(ctx context.Context, hold hold, look bool) (n int, more bool, err error) {
	err = s.DB.Count(ctx, func(tx *store.Tx) error {
		at, held, err := hold(tx)
		if err != nil || !held {
			return err
		}
		if err := at.sameDatabase(tx); err != nil {
			return err
		}
		var batch []unsealed
		if batch, more, err = at.next(tx, s.batch(), look); err != nil {
			return err
		}
		n = len(batch)
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
	return tx.Later("UPDATE audit_sealing SET cluster = ?, done = ?, goal = ?, upto = ?, walking = ?, walk_tenant = ?, walk_at = ?, walk_id = ? WHERE id = 1",
		at.cluster, at.done, at.goal, at.upto, at.walking, at.walkTenant, at.walkAt, at.walkID)
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

// next gives the next batch in its order, and moves on behind it. There is more when something
// that stood before this may not be in it.
func (at *sealing) next(tx *store.Tx, most int, look bool) (batch []unsealed, more bool, err error) {
	switch {
	case tx.Dialect == store.SQLite:
		return at.nextRows(tx, most)
	case at.walking:
		batch, err = at.walk(tx, most)
		return batch, true, err
	}
	return at.nextTransactions(tx, most, look)
}

// nextRows is next on SQLite: the one writer numbers rows as they are committed.
func (at *sealing) nextRows(tx *store.Tx, most int) (batch []unsealed, more bool, err error) {
	// All of the rows that are looked at, so that those that are leaves are passed over.
	if err := tx.All(&batch, "SELECT e.rowid AS rowid, e.tenant_id, e.id, e.occurred_at, e.record FROM audit_events e WHERE e.rowid > ? ORDER BY e.rowid LIMIT ?", at.done, most); err != nil || len(batch) == 0 {
		return nil, false, err
	}
	first := at.done
	more = len(batch) == most
	at.done = strconv.FormatInt(batch[len(batch)-1].Rowid, 10)
	var known int
	if _, err := tx.One(&known, `SELECT count(*) FROM audit_events e WHERE e.rowid > ? AND e.rowid <= ?
		AND EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id)`, first, at.done); err != nil || known == 0 {
		return batch, more, err
	}
	batch = nil
	err = tx.All(&batch, "SELECT e.rowid AS rowid, e.tenant_id, e.id, e.occurred_at, e.record FROM audit_events e WHERE e.rowid > ? AND e.rowid <= ?"+notALeaf+" ORDER BY e.rowid", first, at.done)
	return batch, more, err
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
func (at *sealing) nextTransactions(tx *store.Tx, most int, look bool) (batch []unsealed, more bool, err error) {
	if more = at.goal != ""; !more {
		at.upto = "1"
		if _, err := tx.One(&at.goal, "SELECT CAST(pg_current_snapshot() AS text)"); err != nil {
			return nil, false, err
		}
	}
	// Each batch is to come out of the index, and not from sorting all that is left; and by the
	// plans that there are, for the values at hand make no better ones.
	if err := tx.Later("SELECT set_config('enable_sort', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)"); err != nil {
		return nil, false, err
	}
	sealed := "FALSE"
	if look {
		sealed = aLeaf
	}
	query := "SELECT e.tenant_id, e.id, e.occurred_at, e.record, CAST(e.written_in AS text), " + sealed + ` FROM audit_events e
		WHERE ` + between + `
		ORDER BY e.written_in FETCH FIRST ` + strconv.Itoa(most) + ` ROWS WITH TIES`
	looked, nth, upto := 0, 0, ""
	err = tx.Each(query, func(scan func(dest ...any) error) error {
		var e unsealed
		var known bool
		var transaction string
		err := scan(&e.TenantID, &e.ID, &e.OccurredAt, &e.Record, &transaction, &known)
		if transaction != upto {
			upto, nth = transaction, nth+1
		}
		e.nth = nth
		if looked++; !known {
			batch = append(batch, e)
		}
		return err
	}, at.done, at.done, at.upto, at.goal)
	if err != nil {
		return nil, false, err
	}
	slices.SortFunc(batch, func(a, b unsealed) int {
		return cmp.Or(a.nth-b.nth, a.OccurredAt.Compare(b.OccurredAt), strings.Compare(a.ID, b.ID))
	})
	if looked >= most {
		at.upto, more = upto, true
	} else {
		at.done, at.goal, at.upto = at.goal, "", "1"
	}
	return batch, more, nil
}

var errGrown = errors.New("checkpoint: a tree has grown beside this")

// appendAll appends each event to the tree of its tenant. A tree that has grown since it
// was read fails: there is one order.
func appendAll(tx *store.Tx, batch []unsealed) error {
	if len(batch) == 0 {
		return nil
	}
	trees, err := treesOf(tx, tenantsOf(batch))
	if err != nil {
		return err
	}
	var leaves leafRows
	var nodes nodeRows
	for _, e := range batch {
		t := trees[e.TenantID]
		h := tlog.RecordHash(e.Record)
		leaves.add(e, t.size, h)
		t.add(h, func(level int, n int64, h tlog.Hash) { nodes.add(e.TenantID, level, n, h) })
	}
	if err := errors.Join(leaves.insert(tx), nodes.insert(tx)); err != nil {
		return err
	}
	return grow(tx, trees)
}

// tenantsOf are those whose events are in a batch, in its order.
func tenantsOf(batch []unsealed) (all []string) {
	seen := map[string]bool{}
	for _, e := range batch {
		if !seen[e.TenantID] {
			seen[e.TenantID] = true
			all = append(all, e.TenantID)
		}
	}
	return all
}

// leafRows are rows of audit_leaves, column by column.
type leafRows struct {
	tenants []string
	n       []int64
	at      []time.Time
	events  []string
	hashes  [][]byte
}

func (l *leafRows) add(e unsealed, n int64, h tlog.Hash) {
	l.tenants, l.n, l.at, l.events, l.hashes = append(l.tenants, e.TenantID), append(l.n, n), append(l.at, e.OccurredAt), append(l.events, e.ID), append(l.hashes, h[:])
}

func (l *leafRows) insert(tx *store.Tx) error {
	return tx.InsertColumns("INSERT INTO audit_leaves (tenant_id, n, occurred_at, event_id, hash)",
		store.Of[string]{Type: "text", Values: l.tenants}, store.Of[int64]{Type: "bigint", Values: l.n}, store.Of[time.Time]{Type: "timestamptz", Values: l.at}, store.Of[string]{Type: "text", Values: l.events}, store.Of[[]byte]{Type: "bytea", Values: l.hashes})
}

// nodeRows are rows of audit_nodes likewise.
type nodeRows struct {
	tenants []string
	levels  []int
	n       []int64
	hashes  [][]byte
}

func (r *nodeRows) add(tenantID string, level int, n int64, h tlog.Hash) {
	r.tenants, r.levels, r.n, r.hashes = append(r.tenants, tenantID), append(r.levels, level), append(r.n, n), append(r.hashes, h[:])
}

func (r *nodeRows) insert(tx *store.Tx) error {
	return tx.InsertColumns("INSERT INTO audit_nodes (tenant_id, level, n, hash)",
		store.Of[string]{Type: "text", Values: r.tenants}, store.Of[int]{Type: "integer", Values: r.levels}, store.Of[int64]{Type: "bigint", Values: r.n}, store.Of[[]byte]{Type: "bytea", Values: r.hashes})
}

// growing is a tree, and how large it was when it was read.
type growing struct {
	edge
	was int64
}

// treesOf reads the trees of tenants; who has none has an empty one.
func treesOf(tx *store.Tx, tenants []string) (map[string]*growing, error) {
	all := map[string]*growing{}
	for _, tenantID := range tenants {
		all[tenantID] = &growing{}
	}
	for part := range slices.Chunk(tenants, store.EachMost) {
		var rows []treeRow
		among, values := tx.Among("tenant_id", part)
		if err := tx.All(&rows, selectTree+" WHERE "+among, values); err != nil {
			return nil, err
		}
		for _, r := range rows {
			t, err := r.tree()
			if err != nil {
				return nil, err
			}
			all[r.TenantID] = &growing{t.edge, t.size}
		}
	}
	return all, nil
}

// grow writes how trees stand now.
func grow(tx *store.Tx, trees map[string]*growing) error {
	var tenants []string
	var was, sizes []int64
	var roots, edges [][]byte
	for tenantID, t := range trees {
		root := t.root()
		tenants, was, sizes, roots, edges = append(tenants, tenantID), append(was, t.was), append(sizes, t.size), append(roots, root[:]), append(edges, t.edge.bytes())
	}
	const put, over = "INSERT INTO audit_trees (tenant_id, size, root, edge)", " ON CONFLICT (tenant_id) DO UPDATE SET size = excluded.size, root = excluded.root, edge = excluded.edge WHERE audit_trees.size = "
	if tx.Dialect == store.SQLite {
		for i := range tenants {
			if err := tx.Change(errGrown, put+" VALUES (?,?,?,?)"+over+"?", tenants[i], sizes[i], roots[i], edges[i], was[i]); err != nil {
				return err
			}
		}
		return nil
	}
	res := tx.Exec(`WITH grown AS (SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS bigint[]), CAST(? AS bytea[]), CAST(? AS bytea[]), CAST(? AS bigint[])) AS g (tenant_id, size, root, edge, was)) `+
		put+" SELECT tenant_id, size, root, edge FROM grown"+over+"(SELECT g.was FROM grown g WHERE g.tenant_id = excluded.tenant_id)",
		store.Array(tenants), store.Array(sizes), store.Array(roots), store.Array(edges), store.Array(was))
	if res.Error == nil && res.RowsAffected != int64(len(tenants)) {
		return errGrown
	}
	return res.Error
}

// tree is that of a tenant as it stands.
type tree struct {
	edge
	root       tlog.Hash
	signedSize int64
	fault      string
}

// treeRow is how it is kept.
type treeRow struct {
	TenantID         string
	Size, SignedSize int64
	Root, Edge       []byte
	Fault            string
}

const selectTree = "SELECT tenant_id, size, root, edge, signed_size, fault FROM audit_trees"

func (r treeRow) tree() (t tree, err error) {
	if t.edge, err = edgeOf(r.Size, r.Edge); err != nil {
		return t, err
	}
	t.root, t.signedSize, t.fault = t.edge.root(), r.SignedSize, r.Fault
	if string(t.root[:]) != string(r.Root) {
		return t, fmt.Errorf("checkpoint: the tree of %s has another root than its edge", r.TenantID)
	}
	return t, nil
}

func treeOf(tx *store.Tx, tenantID string) (t tree, err error) {
	var r treeRow
	found, err := tx.One(&r, selectTree+" WHERE tenant_id = ?", tenantID)
	if err != nil || !found {
		return t, err
	}
	return r.tree()
}
