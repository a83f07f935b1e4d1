package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A sign-in makes a dozen small statements in three acts, and most of what they
// cost on PostgreSQL is going there and back. So the connection of acts sends
// them together where nothing waits for an answer in between: BEGIN goes with
// the first statement, what Later queued goes with the next one, and COMMIT
// with the last. The wall around a tenant goes with BEGIN, or with the statement
// that is a transaction by itself. database/sql and gorm above it see an ordinary
// connection.

// pipelined makes connections that send together what can go together.
type pipelined struct{ driver.Connector }

func (p pipelined) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &pipelinedConn{Conn: conn.(*stdlib.Conn)}, nil
}

// pipelinedConn is one connection. Like every driver's it serves one caller at a time.
type pipelinedConn struct {
	*stdlib.Conn
	open   bool   // in a transaction, begun or about to be
	atOnce bool   // which is sent as a whole
	tenant string // whose wall everything sent at once needs, "" for none
	queue  *pgx.Batch
}

// laterKey marks the context of a statement whose result nobody looks at.
type laterKey struct{}

// atOnceKey marks the context of a transaction that is sent as a whole: what goes
// together without a BEGIN is one transaction by itself.
type atOnceKey struct{}

// BeginTx begins with the first statement.
func (c *pipelinedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if options.Isolation != 0 || options.ReadOnly {
		return nil, errors.New("store: acts run at the default isolation")
	}
	c.open = true
	c.queue = &pgx.Batch{}
	c.atOnce = ctx.Value(atOnceKey{}) != nil
	c.tenant = walledIn(ctx)
	if !c.atOnce {
		c.queue.Queue("BEGIN")
		c.wall()
		c.tenant = "" // it stands until the end
	}
	return pipelinedTx{c}, nil
}

// wall keeps the wall, where there is one, for what is kept after it.
func (c *pipelinedConn) wall() {
	if c.tenant != "" {
		c.queue.Queue(raiseWall, c.tenant)
	}
}

// keep keeps a statement. What is sent at once is a transaction by itself each
// time, and begins with its wall.
func (c *pipelinedConn) keep(query string, args []driver.NamedValue) {
	if c.queue.Len() == 0 {
		c.wall()
	}
	c.queue.Queue(query, values(args)...)
}

// alone sends one statement and its wall as a transaction by itself. All of the
// answer is read: whoever needs more than fits asks for it page by page.
func (c *pipelinedConn) alone(ctx context.Context, query string, args []driver.NamedValue) (*readRows, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	c.queue = &pgx.Batch{}
	c.tenant = walledIn(ctx)
	c.keep(query, args)
	read, err := c.flush(ctx)
	if pgconn.SafeToRetry(err) {
		return nil, driver.ErrBadConn
	}
	return read, err
}

// ExecContext sends a statement, or keeps it for the next one in company.
func (c *pipelinedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !c.open {
		if walledIn(ctx) == "" {
			return c.Conn.ExecContext(ctx, query, args)
		}
		read, err := c.alone(ctx, query, args)
		if err != nil {
			return nil, err
		}
		return driver.RowsAffected(read.affected), nil
	}
	c.keep(query, args)
	if ctx.Value(laterKey{}) != nil {
		return driver.RowsAffected(1), nil
	}
	rows, err := c.flush(ctx)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(rows.affected), nil
}

// QueryContext sends a query with what was kept, and reads all of its answer.
func (c *pipelinedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.open {
		if walledIn(ctx) == "" {
			return c.Conn.QueryContext(ctx, query, args)
		}
		return c.alone(ctx, query, args)
	}
	c.keep(query, args)
	return c.flush(ctx)
}

func values(args []driver.NamedValue) []any {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a.Value
	}
	return all
}

// flush sends everything that is kept and gives the answer of the last
// statement. The error of any of them is the error of all.
func (c *pipelinedConn) flush(ctx context.Context) (*readRows, error) {
	batch := c.queue
	c.queue = &pgx.Batch{}
	results := c.Conn.Conn().SendBatch(ctx, batch)
	for range batch.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // the same error again
			return nil, err     // as it is: gorm looks at its type
		}
	}
	read, err := readAll(results)
	if err != nil {
		_ = results.Close()
		return nil, err
	}
	return read, results.Close()
}

func readAll(results pgx.BatchResults) (*readRows, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	read := &readRows{}
	for _, field := range rows.FieldDescriptions() {
		read.columns = append(read.columns, field.Name)
	}
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return nil, err
		}
		for i, value := range row {
			if row[i] = plain(value); driver.IsValue(row[i]) {
				continue
			}
			// A sum, for one. It comes as text, as it does outside an act.
			var text string
			field := rows.FieldDescriptions()[i]
			if err := rows.Conn().TypeMap().Scan(field.DataTypeOID, field.Format, rows.RawValues()[i], &text); err != nil {
				return nil, err
			}
			row[i] = text
		}
		read.rows = append(read.rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	read.affected = rows.CommandTag().RowsAffected()
	return read, nil
}

// plain gives a value the type that database/sql scans from.
func plain(value any) any {
	switch v := value.(type) {
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case float32:
		return float64(v)
	}
	return value
}

// readRows is a whole answer.
type readRows struct {
	columns  []string
	rows     [][]any
	affected int64
}

func (r *readRows) Columns() []string { return r.columns }

func (r *readRows) Close() error { return nil }

func (r *readRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	for i, value := range r.rows[0] {
		dest[i] = value
	}
	r.rows = r.rows[1:]
	return nil
}

// pipelinedTx ends a transaction.
type pipelinedTx struct{ conn *pipelinedConn }

// Commit sends what is kept together with COMMIT.
func (t pipelinedTx) Commit() error {
	c := t.conn
	if c.Conn.Conn().PgConn().TxStatus() == 'E' {
		// The server would answer COMMIT with ROLLBACK, and no error.
		return errors.Join(errors.New("store: commit after a statement that failed"), t.Rollback())
	}
	if c.atOnce && c.queue.Len() == 0 {
		c.open = false
		return nil
	}
	if !c.atOnce {
		c.queue.Queue("COMMIT")
	}
	_, err := c.flush(context.Background())
	c.open = false
	if err != nil {
		_ = c.end() // a connection that cannot be ended is dropped by the pool
		return err
	}
	return nil
}

// Rollback drops what is kept, and ends the transaction if it has begun.
func (t pipelinedTx) Rollback() error {
	c := t.conn
	c.queue = &pgx.Batch{}
	c.open = false
	return c.end()
}

// end leaves a transaction that the server may be in.
func (c *pipelinedConn) end() error {
	conn := c.Conn.Conn()
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := conn.Exec(context.Background(), "ROLLBACK")
	return err
}
