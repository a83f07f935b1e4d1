package store

import (
	"errors"
	"strconv"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
	"modernc.org/sqlite"
)

// sqliteDialector is all that gorm needs to know of SQLite here: statements are
// written by hand and the schema comes from migrations. The dialectors that exist
// bring drivers of their own, which leave no room for kept.go.
type sqliteDialector struct{ pool gorm.ConnPool }

func (sqliteDialector) Name() string { return "sqlite" }

func (d sqliteDialector) Initialize(db *gorm.DB) error {
	callbacks.RegisterDefaultCallbacks(db, &callbacks.Config{LastInsertIDReversed: true})
	db.ConnPool = d.pool
	return nil
}

func (sqliteDialector) Migrator(*gorm.DB) gorm.Migrator { return nil }

func (sqliteDialector) DataTypeOf(*schema.Field) string { return "" }

func (sqliteDialector) DefaultValueOf(*schema.Field) clause.Expression {
	return clause.Expr{SQL: "NULL"}
}

func (sqliteDialector) BindVarTo(writer clause.Writer, _ *gorm.Statement, _ any) {
	_ = writer.WriteByte('?')
}

func (sqliteDialector) QuoteTo(writer clause.Writer, name string) {
	_, _ = writer.WriteString(strconv.Quote(name))
}

func (sqliteDialector) Explain(statement string, values ...any) string {
	return logger.ExplainSQL(statement, nil, `"`, values...)
}

// Codes of SQLite for a key that stands already (sqlite.org/rescode.html).
const (
	uniqueViolated     = 2067
	primaryKeyViolated = 1555
)

// Translate gives the errors that callers ask for by name.
func (sqliteDialector) Translate(err error) error {
	var failed *sqlite.Error
	if errors.As(err, &failed) && (failed.Code() == uniqueViolated || failed.Code() == primaryKeyViolated) {
		return gorm.ErrDuplicatedKey
	}
	return err
}
