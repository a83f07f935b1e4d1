package eventform

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// columns are those of the table, in their order. Add at the end, never rename.
var columns = []string{
	"n", "id", "at", "tenant", "action", "outcome", "reason", "actor_kind", "actor_id", "actor_name", "target_kind", "target_id", "target_name",
	"subject", "subject_name", "thread", "request", "ip", "browser", "typed", "details",
}

// table writes CSV by RFC 4180.
type table struct {
	out   *csv.Writer
	cells []string
}

func newTable(to io.Writer) *table {
	return &table{out: csv.NewWriter(to), cells: make([]string, 0, len(columns))}
}

func (t *table) heading() error { return t.line(columns) }

func (t *table) row(e Event) error {
	details, err := e.details()
	if err != nil {
		return err
	}
	n := ""
	if e.N >= 0 {
		n = strconv.FormatInt(e.N, 10)
	}
	t.cells = append(t.cells[:0], n, e.ID, e.At.UTC().Format(instant), e.Tenant, e.Action, e.Outcome, e.Reason, e.Actor.Kind, e.Actor.ID, e.Actor.Name, e.Target.Kind, e.Target.ID, e.Target.Name,
		e.Subject, e.SubjectName, e.Thread, e.Request, e.IP, e.Browser, e.Typed, details)
	for i, cell := range t.cells {
		t.cells[i] = safe(cell)
	}
	return t.line(t.cells)
}

func (t *table) line(cells []string) error {
	if err := t.out.Write(cells); err != nil {
		return err
	}
	t.out.Flush() // into the buffer of the file
	return t.out.Error()
}

// formulas are what a cell may not begin with: a spreadsheet would reckon it, and a formula
// can send the other cells away. The wide signs are taken for the narrow ones. A ' stands
// among them so that the one that is put in front can be told from one of the text.
const formulas = "=+-@\t\r\n|%'＝＋－＠"

func safe(cell string) string {
	if cell = plain(cell); cell != "" && strings.ContainsRune(formulas, []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
