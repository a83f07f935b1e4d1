package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/views/component"
	"latchkey/views/problem"
	"latchkey/views/words"
)

// asked is a request of a reader who likes these languages.
func asked(target, languages string) echo.Context {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept-Language", languages)
	return echo.New().NewContext(r, httptest.NewRecorder())
}

// TestEveryKindOfFailureHasAStatusAndItsWords renders the page of each and looks
// for keys in the place of words. Only a defect says that it is our mistake.
func TestEveryKindOfFailureHasAStatusAndItsWords(t *testing.T) {
	ours := words.Say(t.Context(), "problem.500.title")
	for _, kind := range append([]fault.Kind{methodNotAllowed}, fault.Kinds...) {
		status := statuses[kind]
		if status == 0 {
			t.Errorf("%s has no status", kind)
			continue
		}
		var page strings.Builder
		if err := problem.Page(component.Page{}, problem.Problem{Status: status}).Render(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page.String(), "problem.") {
			t.Errorf("%s: words of the status %d are missing: %s", kind, status, page.String())
		}
		if strings.Contains(page.String(), ours) != (kind == fault.Defect) {
			t.Errorf("%s: the page of %d says %q, or should and does not", kind, status, ours)
		}
	}
}

func TestEveryRoleHasItsWords(t *testing.T) {
	for role := range access.Ranks {
		if !words.Has(t.Context(), "role."+string(role)) {
			t.Errorf("role.%s: no such text", role)
		}
	}
}

func TestTheSentenceOfAFailure(t *testing.T) {
	c := asked("/", "")
	defect := words.Say(t.Context(), "failure.defect")
	for _, row := range []struct {
		claim, code, name, part string
	}{
		{"names whom it is about", "registered_elsewhere", "Birch Freight", "registered with Birch Freight."},
		{"says so when nobody knows whom", "registered_elsewhere", "", "registered with another organisation."},
		{"is that of a defect for a code without words", "no.such_code", "", defect},
		{"is that of a defect for no code", "", "", defect},
	} {
		if got := Sentence(c, row.code, row.name); !strings.Contains(got, row.part) {
			t.Errorf("%s: %q, want %q in it", row.claim, got, row.part)
		}
	}
}

func TestNobodyPutsWordsIntoAPage(t *testing.T) {
	for done, said := range map[string]bool{
		"saved": true, "renamed": true,
		"": false, "unknown": false, "Signed+out.+Call+0123": false, "saved.": false, ".": false, "..%2Ffailure.defect": false, "%00": false,
	} {
		if got := flash(asked("/me?done="+done, "")); (got != "") != said {
			t.Errorf("done=%s: the page says %q", done, got)
		}
	}
}

func TestTheReaderChoosesTheLanguage(t *testing.T) {
	for _, languages := range []string{"", "en-GB", "en;q=0.1", "xx", "*", "\x00,;;=", strings.Repeat("a-b,", 4000)} {
		if got := words.Tag(Context(asked("/", languages))); got != "en" {
			t.Errorf("%.20q: the page is in %q, and there is English only", languages, got)
		}
	}
}
