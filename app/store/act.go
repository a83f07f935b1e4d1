package store

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"latchkey/app/fault"
)

// Tx is one act in progress. Everything in it happens at Now, or not at all.
type Tx struct {
	*gorm.DB
	Now     time.Time // UTC, the same for the whole act, whole microseconds
	Dialect Dialect
	acts    bool // in a transaction, and not a view
	watch   *atomic.Pointer[func(statement string)]
	after   []func()
}

// After names what to do once the act is committed: wake those who wait. It
// must be quick, and losing it in a crash must do no harm.
func (tx *Tx) After(do func()) { tx.after = append(tx.after, do) }

// ErrDuplicate says that a row with this key stands already.
var ErrDuplicate = gorm.ErrDuplicatedKey

// Change runs one statement and fails with otherwise when it changed no row.
// It is how a one-time thing is consumed.
func (tx *Tx) Change(otherwise error, statement string, values ...any) error {
	res := tx.Exec(statement, values...)
	if res.Error == nil && res.RowsAffected == 0 {
		return otherwise
	}
	return res.Error
}

// Later runs a statement whose result nobody looks at, before the act is
// committed: on PostgreSQL together with the next one, which saves a way there
// and back. Its error fails the act.
func (tx *Tx) Later(statement string, values ...any) error {
	return tx.exec(context.WithValue(tx.Statement.Context, laterKey{}, true), statement, values).Error
}

// known gives an error of the database its name here. Gorm does that where it
// writes; but the error of a statement that Later queued comes with the answer
// of a read, or of the commit.
func known(on *gorm.DB, err error) error {
	translator, ok := on.Dialector.(gorm.ErrorTranslator)
	if err == nil || !ok || fault.Of(err) != nil {
		return err
	}
	return translator.Translate(err)
}

// runsMost is how often an act runs that meets others. Of those who ask for one thing at
// once every run lets one through, and no more than a few get so far: of a person three
// prompts in ten minutes (product.md §9), which of all acts meet most.
const runsMost = 5

// Act runs do in one durable transaction: the change, its audit event and its
// notices. An error from do is returned as it is, and nothing has changed; one
// without a kind, and a database that cannot be used, is fault.Unavailable. An
// act that met another one in the same row of an index, or that PostgreSQL gave up
// because it and another one waited for each other, runs again: it then sees what the
// other did, and may meet a third one.
func (db *DB) Act(ctx context.Context, do func(*Tx) error) error {
	err := db.run(ctx, db.acts, do)
	for again := 1; again < runsMost && metAnother(err); again++ {
		err = db.run(ctx, db.acts, do)
	}
	if err == nil {
		db.durable.Add(1)
	}
	return err
}

// deadlocked is the code of PostgreSQL for an act that it gave up, so that those go on
// with which it waited in a circle (postgresql.org/docs, appendix A).
const deadlocked = "40P01"

func metAnother(err error) bool {
	var failed *pgconn.PgError
	return errors.Is(err, ErrDuplicate) || errors.As(err, &failed) && failed.Code == deadlocked
}

// Count runs do in a transaction whose commit does not wait for the disk. It is
// for counters that must stand before what they count is tried.
func (db *DB) Count(ctx context.Context, do func(*Tx) error) error {
	return db.run(context.WithValue(ctx, swiftKey{}, true), db.counts, do)
}

// CountAndRead runs what do queues with Later, and the one read that follows,
// as one transaction like Count's, in one round trip.
func (db *DB) CountAndRead(ctx context.Context, do func(*Tx) error) error {
	return db.Count(context.WithValue(ctx, atOnceKey{}, true), do)
}

// CountOne runs a single statement like Count, in one round trip, and gives the
// number of rows that it changed.
func (db *DB) CountOne(ctx context.Context, statement string, values ...any) (int64, error) {
	leave, err := db.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	tx := &Tx{DB: db.counts.WithContext(db.unwatched(context.WithValue(ctx, swiftKey{}, true))), Now: db.Now(), Dialect: db.Dialect, watch: db.watch}
	res := tx.Exec(statement, values...)
	return res.RowsAffected, unavailable(res.Error)
}

// View gives a handle for reading at one moment, outside a transaction.
func (db *DB) View(ctx context.Context) *Tx {
	return &Tx{DB: db.reads.WithContext(db.unwatched(ctx)), Now: db.Now(), Dialect: db.Dialect, watch: db.watch}
}

// Walk is View for who turns pages: a statement that is ordered as an index is, and limited,
// walks that index, however many rows there may be. A limit is best a value: the plan is one
// for any, and one that walks; for a number that it knows, larger than what it expects to
// find, it may gather and sort.
func (db *DB) Walk(ctx context.Context) *Tx {
	tx := db.View(ctx)
	tx.DB = db.walks.WithContext(db.unwatched(ctx))
	return tx
}

// Unusable gives err a kind: what has none came from the database.
func Unusable(err error) error { return unavailable(err) }

func (db *DB) run(ctx context.Context, on *gorm.DB, do func(*Tx) error) error {
	leave, err := db.enter(ctx)
	if err != nil {
		return err
	}
	tx := &Tx{Dialect: db.Dialect, acts: true, watch: db.watch}
	err = func() error {
		defer leave() // also when do panics, else nobody would ever write again
		return on.WithContext(db.unwatched(ctx)).Transaction(func(g *gorm.DB) error {
			tx.DB, tx.Now = g, db.Now()
			return do(tx)
		})
	}()
	if err != nil {
		return unavailable(known(on, err))
	}
	for _, wake := range tx.after {
		wake()
	}
	return nil
}

// unwatched is ctx without its end on SQLite, whose driver starts a goroutine to
// watch it for each statement. Statements there end by themselves, soon.
func (db *DB) unwatched(ctx context.Context) context.Context {
	if db.Dialect == SQLite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (db *DB) enter(ctx context.Context) (leave func(), err error) {
	if db.writer == nil {
		return func() {}, nil
	}
	select {
	case db.writer <- struct{}{}:
		return func() { <-db.writer }, nil
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
}

func unavailable(err error) error {
	if err == nil || fault.Of(err) != nil || errors.Is(err, ErrDuplicate) {
		return err
	}
	f := fault.New(fault.Unavailable, "store.unusable")
	f.RetryAfter = 5 * time.Second
	return f.Because(err)
}

// clock follows the database's clock.
type clock struct {
	offset atomic.Int64 // database minus process, nanoseconds
	fixed  atomic.Pointer[func() time.Time]
}

// Now is the database's time: UTC, whole microseconds.
func (db *DB) Now() time.Time {
	if fixed := db.clock.fixed.Load(); fixed != nil {
		return (*fixed)().UTC().Truncate(time.Microsecond)
	}
	return time.Now().Add(time.Duration(db.clock.offset.Load())).UTC().Truncate(time.Microsecond)
}

// ClockDistance is how far the database's clock is ahead of the process's, as
// measured last.
func (db *DB) ClockDistance() time.Duration { return time.Duration(db.clock.offset.Load()) }

// SetClock makes now the clock of every act, for tests.
func (db *DB) SetClock(now func() time.Time) { db.clock.fixed.Store(&now) }

// clockLooks is how many times SyncClock looks at the clock of the database.
const clockLooks = 3

// SyncClock measures how far the process is from the database: by the quickest of a few looks,
// on a connection that is there, for what takes longer one way than the other is taken for a
// difference. SQLite lives in the process and has no other clock.
func (db *DB) SyncClock(ctx context.Context) error {
	if db.Dialect == SQLite {
		return nil
	}
	conn, err := db.Pool().Conn(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer conn.Close()
	quickest, offset := time.Duration(math.MaxInt64), time.Duration(0)
	for range clockLooks {
		asked := time.Now()
		var there time.Time
		if err := conn.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&there); err != nil {
			return unavailable(err)
		}
		if took := time.Since(asked); took < quickest {
			quickest, offset = took, there.Sub(asked.Add(took/2))
		}
	}
	db.clock.offset.Store(int64(offset))
	return nil
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return unavailable(db.View(ctx).Exec("SELECT 1").Error)
}
