package store

import (
	"context"
	"database/sql"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Statements go to gorm's connection as they are written. Gorm would put each
// together anew, letter by letter, which was a tenth of what a sign-in cost; it
// still does so where a value is a list.

// Result is what a statement changed.
type Result struct {
	RowsAffected int64
	Error        error
}

// Exec runs one statement.
func (tx *Tx) Exec(statement string, values ...any) Result {
	return tx.exec(tx.Statement.Context, statement, values)
}

// One reads one row into dest and says whether there was one.
func (tx *Tx) One(dest any, query string, values ...any) (bool, error) {
	return tx.read(dest, query, values)
}

// All reads every row into dest, a pointer to a slice.
func (tx *Tx) All(dest any, query string, values ...any) error {
	_, err := tx.read(dest, query, values)
	return err
}

// Each reads rows one after another, for so many that a slice of them would be in the
// way. It stops at the first error of row, and gives it.
func (tx *Tx) Each(query string, row func(scan func(dest ...any) error) error, values ...any) (err error) {
	tx.seen(query)
	query, values = tx.dated(query, values)
	var rows *sql.Rows
	if hasList(values) {
		rows, err = tx.Raw(query, values...).Rows()
	} else {
		rows, err = tx.Statement.ConnPool.QueryContext(tx.Statement.Context, tx.numbered(query), values...)
	}
	if err != nil {
		return known(tx.DB, err)
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = known(tx.DB, closing)
		}
	}()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return known(tx.DB, rows.Err())
}

func (tx *Tx) exec(ctx context.Context, statement string, values []any) Result {
	tx.seen(statement)
	statement, values = tx.dated(statement, values)
	if hasList(values) {
		res := tx.WithContext(ctx).Exec(statement, values...)
		return Result{res.RowsAffected, res.Error}
	}
	res, err := tx.Statement.ConnPool.ExecContext(ctx, tx.numbered(statement), values...)
	if err != nil {
		return Result{Error: known(tx.DB, err)}
	}
	changed, err := res.RowsAffected()
	return Result{changed, err}
}

func (tx *Tx) read(dest any, query string, values []any) (found bool, err error) {
	tx.seen(query)
	query, values = tx.dated(query, values)
	if hasList(values) {
		res := tx.Raw(query, values...).Scan(dest)
		return res.RowsAffected > 0, known(tx.DB, res.Error)
	}
	rows, err := tx.Statement.ConnPool.QueryContext(tx.Statement.Context, tx.numbered(query), values...)
	if err != nil {
		return false, known(tx.DB, err)
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = known(tx.DB, closing)
		}
	}()
	if !rows.Next() {
		return false, known(tx.DB, rows.Err())
	}
	return true, known(tx.DB, tx.ScanRows(rows, dest))
}

// Now stands in a statement for the moment of its act. So a part that many statements
// share can ask for the time without each of them knowing that it does.
const Now = "@now"

// dating is a statement with a placeholder for each Now in it, and before how many of its
// values each one stands.
type dating struct {
	text string
	at   []int
}

// datings are those of statements that were run, by how they are written.
var datings sync.Map

// dated puts the moment of the act where a statement has Now.
func (tx *Tx) dated(statement string, values []any) (string, []any) {
	known, kept := datings.Load(statement)
	if !kept {
		var d dating
		parts := strings.Split(statement, Now)
		before := 0
		for _, part := range parts[:len(parts)-1] {
			before += strings.Count(part, "?")
			d.at = append(d.at, before)
		}
		d.text = strings.Join(parts, "?")
		if known = d; len(statement) <= textMost {
			datings.Store(statement, d)
		}
	}
	d := known.(dating)
	if len(d.at) == 0 {
		return statement, values
	}
	all, from := make([]any, 0, len(values)+len(d.at)), 0
	for _, at := range d.at {
		all = append(append(all, values[from:at]...), tx.Now)
		from = at
	}
	return d.text, append(all, values[from:]...)
}

// hasList says whether a value stands for several, as after IN.
func hasList(values []any) bool {
	for _, value := range values {
		switch value.(type) {
		case nil, string, []byte, bool, int, int64:
			continue
		}
		if kind := reflect.TypeOf(value).Kind(); kind == reflect.Slice || kind == reflect.Array {
			return true
		}
	}
	return false
}

// texts has statements as PostgreSQL wants them, by how they are written.
var texts sync.Map

// textMost is how long a statement may be that is kept: long ones are lists of
// rows, of many lengths.
const textMost = 32 << 10

// numbered gives a statement with the placeholders of its database.
func (tx *Tx) numbered(statement string) string {
	if tx.Dialect == SQLite {
		return statement
	}
	if text, kept := texts.Load(statement); kept {
		return text.(string)
	}
	var b strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	if len(statement) <= textMost {
		texts.Store(statement, b.String())
	}
	return b.String()
}

// Watch lets see know of every statement that is run, for tests; on SQLite also of
// those by which a transaction begins, is committed and is set to wait for the disk
// or not, which on PostgreSQL a test can read off the wire. It holds for what begins
// afterwards.
func (db *DB) Watch(see func(statement string)) { db.watch.Store(&see) }

func (tx *Tx) seen(statement string) {
	if tx.watch == nil {
		return
	}
	if see := tx.watch.Load(); see != nil {
		(*see)(statement)
	}
}
