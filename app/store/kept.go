package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"

	"modernc.org/sqlite"
)

// SQLite compiles a statement each time it is given as text, which was a sixth
// of what a sign-in cost. So each connection keeps its statements compiled.
// Neither database/sql nor gorm can do that: what they prepare in one
// transaction is compiled again in the next.

// statementsKept is how many statements a connection keeps. The program has
// fewer; lists of values of many lengths could make more of them.
const statementsKept = 256

// keeping makes connections to a SQLite database that keep their statements.
type keeping struct {
	driver *sqlite.Driver
	name   string
	watch  *atomic.Pointer[func(statement string)]
}

func (k keeping) Driver() driver.Driver { return k.driver }

func (k keeping) Connect(context.Context) (driver.Conn, error) {
	conn, err := k.driver.Open(k.name)
	if err != nil {
		return nil, err
	}
	return &keepingConn{Conn: conn, statements: map[string]*keptStatement{}, watch: k.watch}, nil
}

// keepingConn is one connection. Like every driver's it serves one caller at a time.
type keepingConn struct {
	driver.Conn
	statements map[string]*keptStatement
	open       bool // in a transaction
	swift      bool // commits do not wait for the disk
	watch      *atomic.Pointer[func(statement string)]
}

// own runs a statement that nobody asked for but this connection itself.
func (c *keepingConn) own(ctx context.Context, statement string) error {
	if see := c.watch.Load(); see != nil {
		(*see)(statement)
	}
	_, err := c.run(ctx, statement, nil)
	return err
}

// swiftKey marks the context of what only counts. It is the writer's connection
// that changes how it commits: two of them would each drop the pages that they
// hold whenever the other one has written.
type swiftKey struct{}

// pace sets how the next transaction commits, as its context says.
func (c *keepingConn) pace(ctx context.Context) error {
	swift := ctx.Value(swiftKey{}) != nil
	if c.open || swift == c.swift {
		return nil
	}
	pragma := "PRAGMA synchronous(FULL)"
	if swift {
		pragma = "PRAGMA synchronous(NORMAL)"
	}
	err := c.own(ctx, pragma)
	if err == nil {
		c.swift = swift
	}
	return err
}

// keptStatement is a compiled statement, and whether its rows are being read.
type keptStatement struct {
	driver.Stmt
	reading bool
}

// compiled gives the statement of a text: the kept one, or, while its rows are
// being read, one of its own.
func (c *keepingConn) compiled(query string) (_ *keptStatement, kept bool, _ error) {
	known := c.statements[query]
	if known != nil && !known.reading {
		return known, true, nil
	}
	compiled, err := c.Conn.Prepare(query)
	if err != nil {
		return nil, false, err
	}
	statement := &keptStatement{Stmt: compiled}
	if known != nil || len(c.statements) >= statementsKept {
		return statement, false, nil
	}
	c.statements[query] = statement
	return statement, true, nil
}

func (c *keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.pace(ctx); err != nil {
		return nil, err
	}
	return c.run(ctx, query, args)
}

func (c *keepingConn) run(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	statement, kept, err := c.compiled(query)
	if err != nil {
		return nil, err
	}
	result, err := statement.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if !kept {
		err = errors.Join(err, statement.Close())
	}
	return result, err
}

func (c *keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	statement, kept, err := c.compiled(query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		if !kept {
			err = errors.Join(err, statement.Close())
		}
		return nil, err
	}
	statement.reading = true
	return &keptRows{Rows: rows, statement: statement, kept: kept}, nil
}

// BeginTx takes the one writer's place at once: an act that reads first and
// writes then would else fail beside another one.
func (c *keepingConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if options.Isolation != 0 || options.ReadOnly {
		return nil, errors.New("store: acts run at the default isolation")
	}
	if err := c.pace(ctx); err != nil {
		return nil, err
	}
	if err := c.own(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	c.open = true
	return keepingTx{c}, nil
}

// Close closes the statements and the connection.
func (c *keepingConn) Close() error {
	var all []error
	for _, statement := range c.statements {
		all = append(all, statement.Close())
	}
	return errors.Join(append(all, c.Conn.Close())...)
}

// keptRows frees their statement when they are closed.
type keptRows struct {
	driver.Rows
	statement *keptStatement
	kept      bool
}

func (r *keptRows) Close() error {
	err := r.Rows.Close()
	r.statement.reading = false
	if !r.kept {
		err = errors.Join(err, r.statement.Close())
	}
	return err
}

type keepingTx struct{ conn *keepingConn }

// Commit leaves no transaction behind when it fails: the next act would be in it.
func (t keepingTx) Commit() error {
	err := t.end("COMMIT")
	if err != nil {
		_ = t.end("ROLLBACK") // SQLite may have done so itself
	}
	return err
}

func (t keepingTx) Rollback() error { return t.end("ROLLBACK") }

func (t keepingTx) end(statement string) error {
	err := t.conn.own(context.Background(), statement)
	t.conn.open = false
	return err
}
