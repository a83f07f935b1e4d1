package importing_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/app/importing"
	"latchkey/app/user"
)

func problemsOf(problems []importing.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", p.Row, p.Field, p.Code, p.Value)))
	}
	return strings.Join(all, "; ")
}

func TestReadingAList(t *testing.T) {
	line := func(row int, name, display string, groups ...string) importing.Line {
		return importing.Line{Row: row, Name: name, DisplayName: display, Groups: groups}
	}
	const anna, ben = "anna@alder.example", "ben@alder.example"
	for claim, c := range map[string]struct {
		list     string
		lines    []importing.Line
		problems string
	}{
		"a list":                           {"name,display_name,groups\nanna@alder.example,Anna Berg,pilot; Night  shift ;\nben@alder.example,,\n", []importing.Line{line(2, anna, "Anna Berg", "pilot", "Night shift"), line(3, ben, "")}, ""},
		"with a byte order mark":           {"\ufeffname\nanna@alder.example", []importing.Line{line(2, anna, "")}, ""},
		"with lines as Windows ends them":  {"name,groups\r\nanna@alder.example,a\r\n\r\nben@alder.example,b\r\n", []importing.Line{line(2, anna, "", "a"), line(4, ben, "", "b")}, ""},
		"headings in any order and case":   {" Groups ,Display Name,NAME\na,Anna,ANNA@alder.example ", []importing.Line{line(2, anna, "Anna", "a")}, ""},
		"quotes":                           {"name,display_name\nanna@alder.example,\"Berg, \"\"Anna\"\"\"\n", []importing.Line{line(2, anna, `Berg, "Anna"`)}, ""},
		"a line that goes on":              {"name,display_name\nanna@alder.example,\"Anna\nBerg\"\nben@alder.example,Ben", []importing.Line{line(2, anna, "Anna Berg"), line(4, ben, "Ben")}, ""},
		"lines that a spreadsheet leaves":  {"name,groups\nanna@alder.example,\n,\n ,\t\n", []importing.Line{line(2, anna, "")}, ""},
		"the same group twice":             {"name,groups\nanna@alder.example,Pilot;pilot;;", []importing.Line{line(2, anna, "", "Pilot")}, ""},
		"headings alone":                   {"name", nil, ""},
		"nothing":                          {"", nil, "0  import.empty"},
		"nothing but ends of lines":        {"\r\n\n", nil, "0  import.empty"},
		"a heading that nobody knows":      {"name,password\nanna@alder.example,x", nil, "1  import.heading_unknown password"},
		"no name":                          {"display_name\nAnna", nil, "1 name import.heading_missing"},
		"a heading twice":                  {"name,Name\na,b", nil, "1 name import.heading_twice Name"},
		"semicolons":                       {"name;display_name\nanna@alder.example;Anna", nil, "1  import.separator"},
		"tabs":                             {"name\tgroups\nanna@alder.example\ta", nil, "1  import.separator"},
		"a field too few and one too many": {"name,groups\nanna@alder.example\nben@alder.example,a,b", nil, "2  import.columns anna@alder.example; 3  import.columns ben@alder.example,a,b"},
		"a quote in the middle":            {"name\nanna\"@alder.example\nben@alder.example", nil, "2  import.quotes"},
		"a quote that never ends":          {"name\nben@alder.example\n\"anna@alder.example\n", []importing.Line{line(2, ben, "")}, "3  import.quotes"},
		"no names":                         {"name,display_name\nanna,Anna\n,Ben\nc d@alder.example,C", nil, "2 name user.name_form anna; 3 name user.name_form; 4 name user.name_form c d@alder.example"},
		"a name twice":                     {"name\nanna@alder.example\nANNA@Alder.example", []importing.Line{line(2, anna, "")}, "3 name import.name_twice ANNA@Alder.example"},
		"a display name too long":          {"name,display_name\nanna@alder.example," + strings.Repeat("ä", 101), nil, "2 display_name import.display_name " + strings.Repeat("ä", 100) + "…"},
		"a display name that turns around": {"name,display_name\nanna@alder.example,a\u202eb", nil, "2 display_name import.display_name a\u202eb"},
		"too many groups":                  {"name,groups\nanna@alder.example," + strings.Join(strings.Split("abcdefghijklmnopqrstu", ""), ";"), nil, "2 groups import.groups_many"},
		"Latin-1":                          {"name,display_name\nanna@alder.example,J\xf6rg", nil, "2  import.not_utf8"},
		"UTF-16":                           {"\xff\xfen\x00a\x00m\x00e\x00", nil, "1  import.not_utf8"},
		"a NUL":                            {"name\nanna@alder.example\x00", nil, "2  import.not_utf8"},
		"a spreadsheet file":               {"PK\x03\x04\x14\x00\x06\x00", nil, "1  import.not_utf8"},
		"a formula is a text like others":  {"name,display_name\nanna@alder.example,=1+1", []importing.Line{line(2, anna, "=1+1")}, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			lines, problems := importing.Read([]byte(c.list))
			if !reflect.DeepEqual(lines, c.lines) || problemsOf(problems) != c.problems {
				t.Errorf("Read = %+v\n%s\nwant %+v\n%s", lines, problemsOf(problems), c.lines, c.problems)
			}
		})
	}
}

func TestAListHasItsLimits(t *testing.T) {
	list := func(n int, line func(i int) string) []byte {
		b := bytes.NewBufferString("name\n")
		for i := range n {
			b.WriteString(line(i) + "\n")
		}
		return b.Bytes()
	}
	person := func(i int) string { return fmt.Sprintf("p%d@alder.example", i) }
	if lines, problems := importing.Read(list(20_000, person)); len(lines) != 20_000 || len(problems) != 0 {
		t.Errorf("20,000 people: %d lines, %s", len(lines), problemsOf(problems))
	}
	if lines, problems := importing.Read(list(20_001, person)); len(lines) != 20_000 || problemsOf(problems) != "20002  import.too_many_rows" {
		t.Errorf("one more: %d lines, %s", len(lines), problemsOf(problems))
	}
	_, problems := importing.Read(list(15_000, func(int) string { return "x" }))
	if len(problems) != 10_001 || problems[10_000].Code != "import.more_problems" {
		t.Errorf("15,000 problems: %d, the last %v", len(problems), problems[len(problems)-1])
	}
}

func FuzzRead(f *testing.F) {
	for _, list := range []string{
		"name,display_name,groups\nanna@alder.example,Anna,\"a;b\"\n", "\ufeffname\r\nx@y.z\r\n", "name;groups\n", "\"name\"\n\"a@b.c\n", "name,name\n", ",,,\n\n", "name\n\xff", "name,groups\na@b.c,;;;,\n",
	} {
		f.Add([]byte(list))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		lines, problems := importing.Read(body)
		names, last := map[string]bool{}, 1
		b := bytes.NewBufferString("name,display_name,groups\n")
		w := csv.NewWriter(b)
		for _, l := range lines {
			if l.Row <= last || names[l.Name] || user.Name(l.Name) != l.Name || !utf8.ValidString(l.DisplayName) || len(l.Groups) > 20 || utf8.RuneCountInString(l.DisplayName) > 100 {
				t.Fatalf("a line that should be a problem: %+v", l)
			}
			names[l.Name], last = true, l.Row
			if err := w.Write([]string{l.Name, l.DisplayName, strings.Join(l.Groups, ";")}); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		for _, p := range problems {
			if p.Code == "" || p.Row < 0 || utf8.RuneCountInString(p.Value) > 101 || !utf8.ValidString(p.Value) {
				t.Fatalf("a problem that says nothing: %+v", p)
			}
		}
		// What was read, written by the rules, reads the same.
		again, wrong := importing.Read(b.Bytes())
		if len(wrong) > 0 || len(again) != len(lines) {
			t.Fatalf("read again: %d of %d lines, %s", len(again), len(lines), problemsOf(wrong))
		}
		for i := range again {
			again[i].Row = lines[i].Row
		}
		if len(lines) > 0 && !reflect.DeepEqual(again, lines) {
			t.Fatalf("read again: %+v\nwant %+v", again, lines)
		}
	})
}
