package store

import "strings"

// InsertRows is how many rows InsertAll puts into one statement. Twenty columns
// of them stay below what either database takes as values of one statement.
const InsertRows = 200

// InsertAll inserts rows, each with the same number of values, several in a
// statement; into is "INSERT INTO table (columns)", and behind stands after the
// values of each statement. Like Later it puts the statements off to the next one.
func (tx *Tx) InsertAll(into, behind string, rows [][]any) error {
	for len(rows) > 0 {
		part := rows[:min(InsertRows, len(rows))]
		rows = rows[len(part):]
		values := make([]any, 0, len(part)*len(part[0]))
		for _, row := range part {
			values = append(values, row...)
		}
		if err := tx.Later(into+" VALUES "+Tuples(len(part), len(part[0]))+" "+behind, values...); err != nil {
			return err
		}
	}
	return nil
}

// Moment is how a time stands among the values of a SELECT or of a list, where PostgreSQL must be told.
var Moment = map[Dialect]string{Postgres: "CAST(? AS timestamptz)", SQLite: "?"}

// Column is a column of many rows that are inserted at once.
type Column interface {
	rows() int
	row(i int) any
	array(from, to int) any // for pgx
	typed() string
}

// Of is a column of values that Go has as T, and PostgreSQL as a type.
type Of[T any] struct {
	Type   string
	Values []T
}

func (c Of[T]) rows() int     { return len(c.Values) }
func (c Of[T]) row(i int) any { return c.Values[i] }
func (c Of[T]) typed() string { return c.Type }

func (c Of[T]) array(from, to int) any { return Array(c.Values[from:to]) }

// Array is one value of a statement for PostgreSQL: an array, and not a list of values as
// after IN.
func Array[T any](values []T) any { return &values }

// Among is a condition that a column is one of some texts, and its value. However many they
// are PostgreSQL sees one statement, and plans it once for a connection.
func (tx *Tx) Among(column string, texts []string) (condition string, value any) {
	if tx.Dialect == Postgres {
		return column + " = ANY (CAST(? AS text[]))", Array(texts)
	}
	return column + " IN ?", texts
}

// arrayMost is how many values go in one array.
const arrayMost = 10_000

// InsertColumns inserts many rows by their columns, which are equally long. To PostgreSQL each
// column goes as an array, which is less to send and to read than a value for each. Like Later
// it puts the statements off to the next one.
func (tx *Tx) InsertColumns(into string, columns ...Column) error {
	count := columns[0].rows()
	if tx.Dialect == Postgres {
		arrays := make([]string, len(columns))
		for i, c := range columns {
			arrays[i] = "CAST(? AS " + c.typed() + "[])"
		}
		for from := 0; from < count; from += arrayMost {
			values := make([]any, len(columns))
			for i, c := range columns {
				values[i] = c.array(from, min(count, from+arrayMost))
			}
			if err := tx.Later(into+" SELECT * FROM unnest("+strings.Join(arrays, ", ")+")", values...); err != nil {
				return err
			}
		}
		return nil
	}
	// In parts of 128, 64, … rows, so that there are few statements to keep.
	for from, part := 0, 128; from < count; from += part {
		for part > count-from {
			part /= 2
		}
		values := make([]any, 0, part*len(columns))
		for i := from; i < from+part; i++ {
			for _, c := range columns {
				values = append(values, c.row(i))
			}
		}
		if err := tx.Later(into+" VALUES "+Tuples(part, len(columns)), values...); err != nil {
			return err
		}
	}
	return nil
}

// Tuples is a list of rows of placeholders: "(?,?),(?,?)".
func Tuples(rows, columns int) string {
	row := "(" + strings.Repeat(",?", columns)[1:] + ")"
	return strings.Repeat(","+row, rows)[1:]
}

// Each is a table of values to look something up for, one in each row, as v with
// the column column1. Looked up by a subquery for the row, such as
//
//	SELECT v.column1, (SELECT u.id FROM users u WHERE u.tenant_id = ? AND u.name = v.column1) FROM
//
// each is found by its key. A list after IN, or a join, leaves it to the database
// to go through everything that a tenant has once for each list instead.
func Each(values []string) (table string, all []any) {
	all = make([]any, len(values))
	for i, value := range values {
		all[i] = value
	}
	return "(VALUES " + Tuples(len(values), 1) + ") AS v", all
}

// EachMost is how many values are looked up in one statement.
const EachMost = 500
