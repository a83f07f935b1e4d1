package importing

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/app/user"
)

// Headings of a list.
const (
	Name        = "name"
	DisplayName = "display_name"
	Groups      = "groups"
	Manager     = "manager"
)

// Columns are the headings that a list may have, in the order in which a page lists them.
var Columns = []string{Name, DisplayName, Groups, Manager}

// Read reads a list: RFC 4180, UTF-8 with or without a byte order mark. It gives
// every line in order that has no problem of its own; what is wrong with the list
// as a whole ends it.
func Read(body []byte) ([]Line, []Problem) {
	r := &reader{names: map[string]bool{}}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if at := unreadable(body); at >= 0 {
		r.problem(1+bytes.Count(body[:at], []byte("\n")), "", "import.not_utf8", "")
		return nil, r.problems
	}
	r.csv = csv.NewReader(bytes.NewReader(body))
	r.csv.FieldsPerRecord = -1 // counted here, so that reading goes on
	if r.headings() {
		for r.next() {
		}
	}
	if len(r.problems) >= problemsMost {
		r.problems = append(r.problems[:problemsMost], Problem{Code: "import.more_problems"})
	}
	return r.lines, r.problems
}

// unreadable gives the place of the first byte that is no text, or -1.
func unreadable(body []byte) int {
	for at := 0; at < len(body); {
		letter, size := utf8.DecodeRune(body[at:])
		if letter == utf8.RuneError && size <= 1 || letter == 0 {
			return at
		}
		at += size
	}
	return -1
}

type reader struct {
	csv      *csv.Reader
	columns  []string
	names    map[string]bool
	lines    []Line
	problems []Problem
}

func (r *reader) problem(row int, field, code, value string) {
	if letters := []rune(value); len(letters) > displayMost {
		value = string(letters[:displayMost]) + "…"
	}
	r.problems = append(r.problems, Problem{Row: row, Field: field, Code: code, Value: value})
}

// headings reads the first line and says whether the others can be read by it.
func (r *reader) headings() bool {
	record, ok := r.record()
	if !ok {
		if len(r.problems) == 0 {
			r.problem(0, "", "import.empty", "")
		}
		return false
	}
	if len(record) == 1 && strings.ContainsAny(record[0], ";\t") {
		r.problem(1, "", "import.separator", "")
		return false
	}
	for _, heading := range record {
		column := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(heading)), " ", "_")
		switch {
		case !slices.Contains(Columns, column):
			r.problem(1, "", "import.heading_unknown", heading)
		case slices.Contains(r.columns, column):
			r.problem(1, column, "import.heading_twice", heading)
		}
		r.columns = append(r.columns, column)
	}
	if !slices.Contains(r.columns, Name) {
		r.problem(1, Name, "import.heading_missing", "")
	}
	return len(r.problems) == 0
}

// next reads one more line and says whether to go on.
func (r *reader) next() bool {
	record, ok := r.record()
	if !ok {
		return false
	}
	row, _ := r.csv.FieldPos(0)
	if blank(record) {
		return true
	}
	if len(r.names) >= rowsMost {
		r.problem(row, "", "import.too_many_rows", "")
		return false
	}
	before := len(r.problems)
	if len(record) != len(r.columns) {
		r.problem(row, "", "import.columns", strings.Join(record, ","))
		return len(r.problems) < problemsMost
	}
	line := Line{Row: row}
	for i, value := range record {
		switch r.columns[i] {
		case Name:
			line.Name = r.name(row, value)
		case DisplayName:
			line.DisplayName = r.displayName(row, value)
		case Groups:
			line.Groups = r.groups(row, value)
		case Manager:
			line.Manager = r.manager(row, value)
		}
	}
	if len(r.problems) == before {
		r.lines = append(r.lines, line)
	}
	return len(r.problems) < problemsMost
}

// record reads one line; ok is false at the end, and when it cannot be parted
// into fields: then what follows would be read wrongly.
func (r *reader) record() (record []string, ok bool) {
	record, err := r.csv.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		r.problem(broken.StartLine, "", "import.quotes", "")
		return nil, false
	case errors.Is(err, io.EOF):
		return nil, false
	}
	return record, err == nil
}

// blank says whether a line is one that a spreadsheet leaves behind.
func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(field string) bool { return strings.TrimSpace(field) != "" })
}

func (r *reader) name(row int, typed string) string {
	name := user.Name(typed)
	switch {
	case name == "":
		r.problem(row, Name, "user.name_form", typed)
		name = typed
	case r.names[name]:
		r.problem(row, Name, "import.name_twice", typed)
	}
	r.names[name] = true
	return name
}

func (r *reader) displayName(row int, typed string) string {
	name := strings.Join(strings.Fields(typed), " ")
	bad := func(letter rune) bool { return !unicode.IsGraphic(letter) }
	if utf8.RuneCountInString(name) > displayMost || strings.ContainsFunc(name, bad) {
		r.problem(row, DisplayName, "import.display_name", typed)
	}
	return name
}

func (r *reader) groups(row int, typed string) (names []string) {
	for part := range strings.SplitSeq(typed, ";") {
		name := strings.Join(strings.Fields(part), " ")
		if name != "" && !slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(name, other) }) {
			names = append(names, name)
		}
	}
	if len(names) > groupsMost {
		r.problem(row, Groups, "import.groups_many", "")
	}
	return names
}

func (r *reader) manager(row int, typed string) string {
	name := user.Name(typed)
	if name == "" && strings.TrimSpace(typed) != "" {
		r.problem(row, Manager, "user.name_form", typed)
	}
	return name
}
