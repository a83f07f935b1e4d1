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
	const nurse, porter = "nurse@alder.example", "porter@alder.example"
	for claim, c := range map[string]struct {
		list     string
		lines    []importing.Line
		problems string
	}{
		"a list":                           {"name,display_name,groups\nnurse@alder.example,Nurse Ward,pilot; Night  shift ;\nporter@alder.example,,\n", []importing.Line{line(2, nurse, "Nurse Ward", "pilot", "Night shift"), line(3, porter, "")}, ""},
		"with a byte order mark":           {"\ufeffname\nnurse@alder.example", []importing.Line{line(2, nurse, "")}, ""},
		"with lines as Windows ends them":  {"name,groups\r\nnurse@alder.example,a\r\n\r\nporter@alder.example,b\r\n", []importing.Line{line(2, nurse, "", "a"), line(4, porter, "", "b")}, ""},
		"headings in any order and case":   {" Groups ,Display Name,NAME\na,Nurse,NURSE@alder.example ", []importing.Line{line(2, nurse, "Nurse", "a")}, ""},
		"quotes":                           {"name,display_name\nnurse@alder.example,\"Ward, \"\"Nurse\"\"\"\n", []importing.Line{line(2, nurse, `Ward, "Nurse"`)}, ""},
		"a line that goes on":              {"name,display_name\nnurse@alder.example,\"Nurse\nWard\"\nporter@alder.example,Porter", []importing.Line{line(2, nurse, "Nurse Ward"), line(4, porter, "Porter")}, ""},
		"lines that a spreadsheet leaves":  {"name,groups\nnurse@alder.example,\n,\n ,\t\n", []importing.Line{line(2, nurse, "")}, ""},
		"the same group twice":             {"name,groups\nnurse@alder.example,Pilot;pilot;;", []importing.Line{line(2, nurse, "", "Pilot")}, ""},
		"headings alone":                   {"name", nil, ""},
		"nothing":                          {"", nil, "0  import.empty"},
		"nothing but ends of lines":        {"\r\n\n", nil, "0  import.empty"},
		"a heading that nobody knows":      {"name,password\nnurse@alder.example,x", nil, "1  import.heading_unknown password"},
		"no name":                          {"display_name\nNurse", nil, "1 name import.heading_missing"},
		"a heading twice":                  {"name,Name\na,b", nil, "1 name import.heading_twice Name"},
		"semicolons":                       {"name;display_name\nnurse@alder.example;Nurse", nil, "1  import.separator"},
		"tabs":                             {"name\tgroups\nnurse@alder.example\ta", nil, "1  import.separator"},
		"a field too few and one too many": {"name,groups\nnurse@alder.example\nporter@alder.example,a,b", nil, "2  import.columns nurse@alder.example; 3  import.columns porter@alder.example,a,b"},
		"a quote in the middle":            {"name\nnurse\"@alder.example\nporter@alder.example", nil, "2  import.quotes"},
		"a quote that never ends":          {"name\nporter@alder.example\n\"nurse@alder.example\n", []importing.Line{line(2, porter, "")}, "3  import.quotes"},
		"no names":                         {"name,display_name\nnurse,Nurse\n,Porter\nc d@alder.example,C", nil, "2 name user.name_form nurse; 3 name user.name_form; 4 name user.name_form c d@alder.example"},
		"a name twice":                     {"name\nnurse@alder.example\nNURSE@Alder.example", []importing.Line{line(2, nurse, "")}, "3 name import.name_twice NURSE@Alder.example"},
		"a display name too long":          {"name,display_name\nnurse@alder.example," + strings.Repeat("ä", 101), nil, "2 display_name import.display_name " + strings.Repeat("ä", 100) + "…"},
		"a display name that turns around": {"name,display_name\nnurse@alder.example,a\u202eb", nil, "2 display_name import.display_name a\u202eb"},
		"too many groups":                  {"name,groups\nnurse@alder.example," + strings.Join(strings.Split("abcdefghijklmnopqrstu", ""), ";"), nil, "2 groups import.groups_many"},
		"Latin-1":                          {"name,display_name\nnurse@alder.example,B\xfcro", nil, "2  import.not_utf8"},
		"UTF-16":                           {"\xff\xfen\x00a\x00m\x00e\x00", nil, "1  import.not_utf8"},
		"a NUL":                            {"name\nnurse@alder.example\x00", nil, "2  import.not_utf8"},
		"a spreadsheet file":               {"PK\x03\x04\x14\x00\x06\x00", nil, "1  import.not_utf8"},
		"a formula is a text like others":  {"name,display_name\nnurse@alder.example,=1+1", []importing.Line{line(2, nurse, "=1+1")}, ""},
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
		"name,display_name,groups\nnurse@alder.example,Nurse,\"a;b\"\n", "\ufeffname\r\nx@y.z\r\n", "name;groups\n", "\"name\"\n\"a@b.c\n", "name,name\n", ",,,\n\n", "name\n\xff", "name,groups\na@b.c,;;;,\n",
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
