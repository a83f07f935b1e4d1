package component

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Alder Health":         "AH",
		"Birch":                "B",
		"alder health":         "AH",
		"University of Oslo":   "UO",
		"St. Moor's Hospital":  "SM",
		"O’Neill & Sons":       "OS",
		"3M Works":             "3W",
		"élan vital":           "ÉV",
		"e\u0301lan":           "E\u0301",
		"e\u0301\u0301\u0301l": "E\u0301",
		"東京病院":                 "東",
		"北 病院":                 "北病",
		"مستشفى الأمل":         "ما",
		"  - Alder - ":         "A",
		"'quoted' Name":        "QN",
		"🌲🌲":                   "",
		"\u0301\u0301":         "",
		"":                     "",
		"\xff\xfe":             "",
	} {
		got := initials(name)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 4 {
			t.Errorf("%q: %q does not fit", name, got)
		}
	}
}

// TestTheStylesheetKnowsEveryTint holds the colours to their classes.
func TestTheStylesheetKnowsEveryTint(t *testing.T) {
	style, err := os.ReadFile("../../static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(style), ".tint-"); got != tints {
		t.Errorf("the stylesheet has %d tints, want %d", got, tints)
	}
	seen := map[string]bool{}
	for _, name := range strings.Fields("alder birch cedar elm fir hazel juniper larch maple oak pine rowan spruce teak willow yew ash beech") {
		class := tint(name)
		if !strings.Contains(string(style), "."+class+" ") || class != tint(name) {
			t.Errorf("%s has the tint %s, which the stylesheet lacks", name, class)
		}
		seen[class] = true
	}
	if len(seen) < tints-2 {
		t.Errorf("18 names share %d colours of %d", len(seen), tints)
	}
}

func TestAPageShowsWhoseItIs(t *testing.T) {
	for _, row := range []struct {
		claim, tenant, part, other string
	}{
		{"an organisation with its monogram", "Alder Health", ">AH</text>", "M16 7a5.2"},
		{"the product where there is none", "", "mark-key", "monogram"},
		{"the product's mark beside a name without letters", "🌲", "mark-key", "monogram"},
	} {
		var b bytes.Buffer
		if err := Card(Page{TenantName: row.tenant}, Document{}).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), row.part) || strings.Contains(b.String(), row.other) {
			t.Errorf("%s: want %s and no %s in\n%s", row.claim, row.part, row.other, b.String())
		}
	}
}
