package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"modernc.org/sqlite"
)

// Dialect tells the two databases apart where a statement must.
type Dialect string

const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// Pool sizes. The idle limit equals the maximum: a smaller one opens and closes
// connections all the time and was measured twelve times slower.
const (
	postgresConns      = 24
	postgresCountConns = 8
	postgresWalkConns  = 8
	sqliteReaders      = 8
)

// scans are ways of reading that suit a table while it is small, in a plan that
// is kept while the table grows. What runs here finds rows by their keys.
var scans = [...]string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}

// lockWait is how long a statement waits for somebody else's lock. Acts hold
// theirs for milliseconds; who holds one for seconds is at work on the schema,
// and must not gather every connection behind it.
const lockWait = 5 * time.Second

// Option changes how Open opens.
type Option func(*options)

type options struct{ lockWait time.Duration }

// Patient waits for somebody else's lock for as long as d, where that is longer than
// five seconds: for tests on a machine that is busy with something else.
func Patient(d time.Duration) Option {
	return func(o *options) { o.lockWait = max(o.lockWait, d) }
}

// DB is an open database.
type DB struct {
	Dialect Dialect
	DSN     string // for the connection that listens

	acts, counts, reads, walks *gorm.DB
	writer                     chan struct{} // SQLite's one place; nil on PostgreSQL
	clock                      *clock
	watch                      *atomic.Pointer[func(statement string)]
	closers                    []*sql.DB
	durable                    atomic.Int64
}

// Open opens address: a postgres:// URL or keyword string, or the path of a
// SQLite file, whose folder is made when it is missing.
func Open(ctx context.Context, address string, log *slog.Logger, change ...Option) (*DB, error) {
	o := options{lockWait: lockWait}
	for _, do := range change {
		do(&o)
	}
	var db *DB
	var err error
	if IsPostgres(address) {
		db, err = openPostgres(address, log, o)
	} else {
		db, err = openSQLite(address, log, o)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if err := db.SyncClock(ctx); err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if db.Dialect == Postgres {
		if err := db.warnOfNoWall(ctx, log); err != nil {
			return nil, fmt.Errorf("store: open: %w", err)
		}
	}
	return db, nil
}

// inMilliseconds writes d as both databases read it.
func inMilliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// IsPostgres says whether address names a PostgreSQL database.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") || strings.Contains(address, "host=")
}

func openPostgres(address string, log *slog.Logger, o options) (*DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["application_name"] = "latchkey"
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["lock_timeout"] = inMilliseconds(o.lockWait)
	for _, scan := range scans {
		config.RuntimeParams[scan] = "off"
	}
	// A way that is off counts as so dear that a plan which must take it would be
	// compiled first, in tens of milliseconds.
	config.RuntimeParams["jit"] = "off"
	swift := config.Copy()
	swift.RuntimeParams["synchronous_commit"] = "off"
	// To gather what an index finds and to sort it pays for the few rows that are expected of
	// a value, and takes all of those that a busy one has.
	walking := config.Copy()
	walking.RuntimeParams["enable_bitmapscan"] = "off"
	// To plan a page for the values at hand takes longer than to walk it.
	walking.RuntimeParams["plan_cache_mode"] = "force_generic_plan"

	db := &DB{Dialect: Postgres, DSN: address, clock: &clock{}, watch: &atomic.Pointer[func(string)]{}}
	if db.acts, err = db.attach(sql.OpenDB(pipelined{stdlib.GetConnector(*config)}), postgresConns, log); err != nil {
		return nil, err
	}
	if db.counts, err = db.attach(sql.OpenDB(pipelined{stdlib.GetConnector(*swift)}), postgresCountConns, log); err != nil {
		return nil, err
	}
	if db.walks, err = db.attach(sql.OpenDB(pipelined{stdlib.GetConnector(*walking)}), postgresWalkConns, log); err != nil {
		return nil, err
	}
	db.reads = db.acts
	return db, nil
}

// inURI writes a path so that it stands in a URI as it is.
var inURI = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

func openSQLite(path string, log *slog.Logger, o options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	db := &DB{Dialect: SQLite, DSN: path, clock: &clock{}, watch: &atomic.Pointer[func(string)]{}, writer: make(chan struct{}, 1)}
	open := func(conns int, pragmas ...string) (*gorm.DB, error) {
		values := url.Values{"_time_format": {"sqlite"}, "_pragma": append([]string{
			"busy_timeout(" + inMilliseconds(o.lockWait) + ")", "journal_mode(WAL)", "foreign_keys(1)", "temp_store(MEMORY)", "cache_size(-8000)",
		}, pragmas...)}
		return db.attach(sql.OpenDB(keeping{&sqlite.Driver{}, "file:" + inURI.Replace(path) + "?" + values.Encode(), db.watch}), conns, log)
	}
	var err error
	if db.acts, err = open(1, "synchronous(FULL)"); err != nil {
		return nil, err
	}
	db.counts = db.acts
	if db.reads, err = open(sqliteReaders, "query_only(1)"); err != nil {
		return nil, err
	}
	db.walks = db.reads
	return db, nil
}

// attach puts gorm on a pool. Gorm's own transaction around each write and its
// printing of values are off.
func (db *DB) attach(pool *sql.DB, conns int, log *slog.Logger) (*gorm.DB, error) {
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	db.closers = append(db.closers, pool)
	config := &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger: logger.New(slog.NewLogLogger(log.Handler(), slog.LevelWarn), logger.Config{
			LogLevel: logger.Silent, ParameterizedQueries: true, IgnoreRecordNotFoundError: true,
		}),
		NowFunc: func() time.Time { return db.Now() },
	}
	if db.Dialect == Postgres {
		return gorm.Open(postgres.New(postgres.Config{Conn: pool}), config)
	}
	return gorm.Open(sqliteDialector{pool}, config)
}

// Close closes every pool.
func (db *DB) Close() error {
	var first error
	for _, pool := range db.closers {
		if err := pool.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Pool gives the pool of acts, for migrations and for measuring bare commits.
func (db *DB) Pool() *sql.DB { return db.closers[0] }

// DurableCommits counts the acts that were committed since the database was opened.
func (db *DB) DurableCommits() int64 { return db.durable.Load() }

// InUse counts the connections that somebody holds at this moment, of every pool.
func (db *DB) InUse() (held int) {
	for _, pool := range db.closers {
		held += pool.Stats().InUse
	}
	return held
}
