package desk

import (
	"regexp"
	"strings"
	"testing"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
)

func TestAPatternHoldsForTheWholeName(t *testing.T) {
	for _, row := range []struct {
		claim, pattern, ticket string
		fits                   bool
	}{
		{"none takes any", "", "whatever-1", true},
		{"the whole of it", "INC-[0-9]+", "INC-1042", true},
		{"small letters are the same", "INC-[0-9]+", "inc-1042", true},
		{"something before it", "INC-[0-9]+", "XINC-1042", false},
		{"something behind it", "INC-[0-9]+", "INC-1042x", false},
		{"a line behind it", "INC-[0-9]+", "INC-1042\n", false},
		{"one of two, as a whole", "INC-[0-9]+|CHG-[0-9]+", "CHG-7", true},
		{"one of two, with something behind the first", "INC|CHG-[0-9]+", "INC-7", false},
		{"its own anchors change nothing", "^INC-[0-9]+$", "INC-7", true},
		{"lines do not make an end", "(?m)^INC-[0-9]+$", "INC-7\nx", false},
		{"a number of digits", "[0-9]{4}", "12345", false},
		{"a name that stands by itself", "SD[0-9]{6}", "SD104200", true},
	} {
		if got := (Rules{Pattern: row.pattern}).Fits(row.ticket); got != row.fits {
			t.Errorf("%s: %q fits %q: %t, want %t", row.claim, row.ticket, row.pattern, got, row.fits)
		}
	}
}

func TestABadPatternSaysWhatIsWrong(t *testing.T) {
	for pattern, want := range map[string]string{
		"INC-[0-9+": "desk.pattern_bracket", "INC-(": "desk.pattern_paren", "INC-)(": "desk.pattern_paren", "INC)|(?:X": "desk.pattern_paren", "[9-0]": "desk.pattern_class",
		`INC\`: "desk.pattern_escape", `INC\q`: "desk.pattern_escape", "(?=INC)": "desk.pattern_group", "(?<!x)INC": "desk.pattern_group", "*INC": "desk.pattern_repeat",
		"a**": "desk.pattern_repeat", "a{2000}": "desk.pattern_repeat", "((a{500}){500}){500}": "desk.pattern_repeat", "\xff": "desk.pattern_form", strings.Repeat("a", patternMost+1): "desk.pattern_long", `(a)\1`: "desk.pattern_escape",
	} {
		_, err := parse(pattern)
		if f := fault.Of(err); f == nil || f.Code != want {
			t.Errorf("parse(%q) = %v, want %s", pattern, err, want)
		}
	}
	if _, err := parse(strings.Repeat("a", patternMost)); err != nil {
		t.Errorf("the longest is none: %v", err)
	}
}

// TestWhenTheFormOfATicketIsAsked: when it is typed.
func TestWhenTheFormOfATicketIsAsked(t *testing.T) {
	of := Rules{Pattern: "INC-[0-9]+", Example: "INC-1042"}
	for claim, row := range map[string]struct {
		act   approval.Act
		unfit bool
	}{
		"none":                            {approval.Act{}, false},
		"one that fits":                   {approval.Act{Ticket: "INC-7"}, false},
		"one that does not":               {approval.Act{Ticket: "CHG-7"}, true},
		"that of the case":                {approval.Act{Ticket: "CHG-1"}, false},
		"of what was approved, as it was": {approval.Act{Ticket: "CHG-7", ApprovedBy: "somebody"}, false},
	} {
		got := of.Unfit(row.act, "CHG-1")
		if (got != nil) != row.unfit {
			t.Errorf("%s: %v", claim, got)
		}
		if got != nil && (got.Detail != of.Example || got.Fields["ticket"] != "desk.ticket_unfit") {
			t.Errorf("%s says %+v", claim, got)
		}
	}
}

// FuzzPattern: whatever is typed makes a pattern or a reason why it is none, and one that
// is a pattern never takes a part of a name for all of it.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{{"INC-[0-9]+", "INC-1"}, {"a|b", "ab"}, {"(?m)^x$", "x\ny"}, {")(", "x"}, {`\Qa\E`, "a"}, {"(?i", "i"}, {`x\z|.*`, "y"}, {"(?U)a+", "aaa"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, ticket string) {
		form, err := parse(pattern)
		if err != nil {
			if known := fault.Of(err); known == nil || !strings.HasPrefix(known.Code, "desk.pattern_") {
				t.Fatalf("parse(%q) = %v", pattern, err)
			}
			return
		}
		got := form.MatchString(ticket)
		if got != (Rules{Pattern: pattern}).Fits(ticket) && pattern != "" {
			t.Fatalf("%q fits %q, and does not", ticket, pattern)
		}
		if !got || !audit.IsTicket(ticket) {
			return
		}
		longest := regexp.MustCompile("(?i:" + pattern + ")")
		longest.Longest()
		whole := false
		for at := range ticket {
			found := longest.FindString(ticket[at:])
			whole = whole || at == 0 && found == ticket
		}
		if !whole && !strings.ContainsAny(pattern, `^$\`) {
			t.Fatalf("%q fits %q only in part", ticket, pattern)
		}
	})
}
