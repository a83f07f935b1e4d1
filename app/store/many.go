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
