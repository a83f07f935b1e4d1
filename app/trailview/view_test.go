package trailview

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
)

func TestWhoMayKnowOfFilters(t *testing.T) {
	for _, row := range []struct {
		claim   string
		filters Filters
		want    Audience
	}{
		{"an outcome is everybody's", Filters{Outcome: audit.Denied}, Everybody},
		{"so is a range", Filters{Range: "week"}, Everybody},
		{"so are two times", Filters{From: time.Unix(1, 0), To: time.Unix(2, 0)}, Everybody},
		{"so is an action", Filters{Action: "user.locked"}, Everybody},
		{"so is what actions begin with", Filters{Action: "user."}, Everybody},
		{"so is a kind of party", Filters{Actor: "claimant"}, Everybody},
		{"a security event is for whom they are told", Filters{Action: "audit.viewed"}, Security},
		{"so is a beginning that nothing else has", Filters{Action: "break_glass."}, Security},
		{"a refusal is one", Filters{Action: "access.refused", Range: "day"}, Security},
		{"a beginning that others have, too, is everybody's", Filters{Action: "signin."}, Everybody},
		{"words may be a name", Filters{Text: "Jane Doe"}, Whole},
		{"or an address", Filters{Text: "203.0.113.7"}, Whole},
		{"or a code, and nobody looks which", Filters{Text: "signin.password_wrong"}, Whole},
		{"who did it is a person", Filters{Actor: "desk@alder.example"}, Whole},
		{"also by their id", Filters{Actor: "abc"}, Whole},
		{"whom it is about, too", Filters{Target: "nurse@alder.example"}, Whole},
		{"a thing may be called anything", Filters{Target: "case:Jane Doe"}, Whole},
		{"a thread, too", Filters{Thread: "Jane Doe"}, Whole},
		{"and what a sign-in was proved with, as it is typed", Filters{By: "jane_doe"}, Whole},
		{"an action that is none is what somebody typed", Filters{Action: "Jane Doe"}, Whole},
		{"the narrowest filter counts", Filters{Action: "audit.viewed", Outcome: audit.Success, Text: "Jane"}, Whole},
	} {
		if got := row.filters.Audience(); got != row.want {
			t.Errorf("%s: %+v is for %s, want %s", row.claim, row.filters, got, row.want)
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	at := time.Date(2026, 11, 29, 14, 30, 0, 500, time.FixedZone("", 3600))
	for _, row := range []struct {
		claim   string
		filters Filters
		wrong   string
		kept    Filters
	}{
		{"none is no view", Filters{}, "view.filters_none", Filters{}},
		{"blanks are none", Filters{Text: " ", Actor: "\t"}, "view.filters_none", Filters{}},
		{"blanks around are taken away", Filters{Text: " a  b "}, "", Filters{Text: "a  b"}},
		{"200 bytes are a filter", Filters{Target: strings.Repeat("x", 200)}, "", Filters{Target: strings.Repeat("x", 200)}},
		{"201 are none", Filters{Target: strings.Repeat("x", 201)}, "view.filters_form", Filters{}},
		{"a NUL is none", Filters{Text: "a\x00b"}, "view.filters_form", Filters{}},
		{"nor is what is no text", Filters{Thread: "a\xffb"}, "view.filters_form", Filters{}},
		{"an outcome is one of ours", Filters{Outcome: "odd"}, "view.filters_form", Filters{}},
		{"a range, too", Filters{Range: "year"}, "view.filters_form", Filters{}},
		{"a range stays a range", Filters{Range: "week"}, "", Filters{Range: "week"}},
		{"but not beside a time that it begins at", Filters{Range: "week", From: at}, "", Filters{From: at.UTC().Truncate(time.Second)}},
	} {
		got, wrong := row.filters.kept()
		if wrong != row.wrong || wrong == "" && got != row.kept {
			t.Errorf("%s: kept(%+v) = %+v, %q, want %+v, %q", row.claim, row.filters, got, wrong, row.kept, row.wrong)
		}
	}
}

func TestNames(t *testing.T) {
	for typed, want := range map[string]string{
		"Refused  lately ":                "Refused lately",
		"one\nline":                       "one line",
		" ":                               "",
		"bell\a":                          "",
		"a\x00b":                          "",
		"\u202egnp.exe":                   "",
		"\xff":                            "",
		strings.Repeat("ä", NameMost):     strings.Repeat("ä", NameMost),
		strings.Repeat("ä", NameMost+1):   "",
		"<script>alert(1)</script>; \"'&": "<script>alert(1)</script>; \"'&",
	} {
		if got := Name(typed); got != want {
			t.Errorf("Name(%q) = %q, want %q", typed, got, want)
		}
	}
}

// FuzzKept: whatever comes, what is kept is kept the same again, and is for the same people.
func FuzzKept(f *testing.F) {
	f.Add("q", "user.", "denied", "a", "b", "c", "week")
	f.Add("", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, text, action, outcome, actor, target, thread, back string) {
		typed := Filters{Text: text, Action: action, Outcome: audit.Outcome(outcome), Actor: actor, Target: target, Thread: thread, Range: back}
		once, wrong := typed.kept()
		if wrong != "" {
			return
		}
		if again, wrong := once.kept(); again != once || wrong != "" {
			t.Errorf("%+v is kept as %+v, and that as %+v, %q", typed, once, again, wrong)
		}
		if once.Audience() == Everybody && once.Text+once.Target+once.Thread != "" {
			t.Errorf("%+v is for everybody", once)
		}
	})
}
