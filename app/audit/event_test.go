package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/app/audit"
)

// said is an event in which every field has something to say.
func said() audit.Event {
	return audit.Event{
		TenantID: "alder", Action: audit.PromptDenied, Outcome: audit.Failure, Reason: "prompt.wrong_number",
		Actor: audit.Device("account-1"), Target: audit.Prompt("prompt-1"), Subject: "user-1", Thread: "attempt-1",
		Origin:  audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Windows", RequestID: "request-1"},
		Details: map[string]string{"way": "phone", "kind": "sign_in"}, Typed: "user1@alder.example",
	}
}

var at = time.Date(2026, time.March, 1, 13, 4, 5, 60_000, time.FixedZone("an hour east", 3600))

// TestCanonicalBytes: version 1 is these bytes for ever. What hashes them, now
// or in ten years, must get the same ones.
func TestCanonicalBytes(t *testing.T) {
	const personal = `{"ip":"203.0.113.9","browser":"Firefox on Windows","typed":"user1@alder.example"}`
	const want = `{"v":1,"tenant":"alder","id":"event-1","at":"2026-03-01T12:04:05.000060Z","action":"prompt.denied","outcome":"failure",` +
		`"reason":"prompt.wrong_number","actor":{"kind":"device","id":"account-1"},"target":{"kind":"prompt","id":"prompt-1"},"subject":"user-1",` +
		`"thread":"attempt-1","request":"request-1","details":{"kind":"sign_in","way":"phone"},` +
		`"personal":"48e805816488cd566a84929add3d502f7ae2baa51d4d7054305cef78a580492a"}`
	record, own, err := said().Canonical("event-1", "salt-1", at)
	if err != nil {
		t.Fatal(err)
	}
	if string(own) != personal {
		t.Errorf("personal data are\n%s\nwant\n%s", own, personal)
	}
	if string(record) != want {
		t.Errorf("the bytes are\n%s\nwant\n%s", record, want)
	}
	sum := sha256.Sum256([]byte("salt-1\x00" + personal))
	if !strings.Contains(string(record), hex.EncodeToString(sum[:])) {
		t.Error("the bytes do not hold the digest of salt and personal data")
	}
}

func TestCanonicalBytesOfAnEventThatSaysLittle(t *testing.T) {
	record, own, err := audit.Event{TenantID: "alder", Action: audit.SetupLinkMade, Actor: audit.Service}.Canonical("e", "s", at)
	if err != nil || string(own) != "{}" {
		t.Fatalf("Canonical = %s, %v", own, err)
	}
	if strings.Contains(string(record), `"details"`) || !strings.Contains(string(record), `"reason":"","actor":{"kind":"service","id":"latchkey"},"target":{"kind":"","id":""}`) {
		t.Errorf("the bytes are %s", record)
	}
}

// TestPersonalDataStandBesideTheBytes: they can be erased, and the bytes keep
// their hash; but they cannot be exchanged for others.
func TestPersonalDataStandBesideTheBytes(t *testing.T) {
	record, _, err := said().Canonical("e", "s", at)
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"203.0.113.9", "Firefox", "user1@alder.example"} {
		if strings.Contains(string(record), personal) {
			t.Errorf("the bytes tell %q", personal)
		}
	}
	for claim, change := range map[string]func(e *audit.Event, salt *string){
		"another address": func(e *audit.Event, _ *string) { e.Origin.IP = "203.0.113.10" },
		"another browser": func(e *audit.Event, _ *string) { e.Origin.Browser = "Chrome on Windows" },
		"another name":    func(e *audit.Event, _ *string) { e.Typed = "user2@alder.example" },
		"none of it":      func(e *audit.Event, _ *string) { e.Origin.IP, e.Origin.Browser, e.Typed = "", "", "" },
		"another salt":    func(_ *audit.Event, salt *string) { *salt = "t" },
	} {
		e, salt := said(), "s"
		change(&e, &salt)
		other, _, err := e.Canonical("e", salt, at)
		if err != nil || bytes.Equal(record, other) {
			t.Errorf("%s gives the same bytes, %v", claim, err)
		}
	}
}

// TestEveryFieldIsInTheBytes: whatever is changed in an event afterwards shows.
func TestEveryFieldIsInTheBytes(t *testing.T) {
	record, _, err := said().Canonical("e", "s", at)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{string(record): "the event itself"}
	try := func(claim string, e audit.Event, id string, at time.Time) {
		t.Helper()
		other, _, err := e.Canonical(id, "s", at)
		if err != nil {
			t.Fatal(err)
		}
		if same := seen[string(other)]; same != "" {
			t.Errorf("%s gives the bytes of %s", claim, same)
		}
		seen[string(other)] = claim
	}
	var change func(claim string, field reflect.Value, done func())
	change = func(claim string, field reflect.Value, done func()) {
		switch field.Kind() {
		case reflect.String:
			was := field.String()
			field.SetString(was + "x")
			done()
			field.SetString(was)
		case reflect.Map:
			field.SetMapIndex(reflect.ValueOf("more"), reflect.ValueOf("x"))
			done()
			field.SetMapIndex(reflect.ValueOf("more"), reflect.Value{})
		case reflect.Struct:
			for i := range field.NumField() {
				change(claim+"."+field.Type().Field(i).Name, field.Field(i), done)
			}
		default:
			t.Errorf("%s is a %s: say here how it shows", claim, field.Kind())
		}
	}
	e := said()
	fields := reflect.ValueOf(&e).Elem()
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		change(name, fields.Field(i), func() { try("another "+name+" "+string(rune('a'+len(seen))), e, "e", at) })
	}
	try("another id", e, "f", at)
	try("a microsecond later", e, "e", at.Add(time.Microsecond))
	if len(seen) != 18 {
		t.Errorf("%d different bytes, want 18", len(seen))
	}
}

// FuzzCanonical: the bytes are JSON, the same each time, and say what was said.
func FuzzCanonical(f *testing.F) {
	f.Add("prompt.wrong_number", "user1@alder.example", "Firefox on Windows")
	f.Add("</script><b>&", "\u2028\u0000", "\xff\xfe")
	f.Add(`","outcome":"success","x":"`, "{}", "\n")
	f.Fuzz(func(t *testing.T, reason, typed, browser string) {
		e := said()
		e.Reason, e.Typed, e.Origin.Browser, e.Details = reason, typed, browser, map[string]string{reason: typed}
		record, own, err := e.Canonical("e", "s", at)
		if err != nil {
			t.Fatalf("Canonical = %v", err)
		}
		again, _, _ := e.Canonical("e", "s", at)
		if !bytes.Equal(record, again) || !utf8.Valid(record) || bytes.ContainsAny(record, "\x00\n") {
			t.Errorf("the bytes of one event are %q and %q", record, again)
		}
		var read struct {
			Outcome, Reason string
			Details         map[string]string
		}
		var personal struct{ Typed, Browser string }
		if err := json.Unmarshal(record, &read); err != nil {
			t.Fatalf("%q: %v", record, err)
		}
		if err := json.Unmarshal(own, &personal); err != nil {
			t.Fatalf("%q: %v", own, err)
		}
		if read.Outcome != "failure" {
			t.Errorf("a reason of %q makes the outcome %s", reason, read.Outcome)
		}
		if utf8.ValidString(reason) && utf8.ValidString(typed) && utf8.ValidString(browser) && (read.Reason != reason || read.Details[reason] != typed || personal.Typed != typed || personal.Browser != browser) {
			t.Errorf("said were %q, %q and %q; the bytes say %q, %v, %v", reason, typed, browser, read.Reason, read.Details, personal)
		}
	})
}
