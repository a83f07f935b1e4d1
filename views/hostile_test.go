package views_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestHostileTextIsEscaped renders every page of text that wants to be markup,
// wherever a page shows something that was given.
func TestHostileTextIsEscaped(t *testing.T) {
	const (
		hostile = `hostile"'><script>alert(1)</script><b id=x onclick=y>&`
		escaped = `hostile&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;b id=x onclick=y&gt;&amp;`
	)
	everywhere(t, t.Context(), hostile, func(t *testing.T, html string) {
		places := strings.Count(html, "hostile")
		if places == 0 {
			t.Error("the page shows nothing that it was given")
		}
		if safe := strings.Count(html, escaped); safe != places {
			t.Errorf("the text is shown %d times, and %d times escaped: %s", places, safe, around(html, "hostile", escaped))
		}
		if strings.Contains(html, "<script>") || strings.Contains(html, "<b id=x") {
			t.Error("the page has markup that it was given as text")
		}
	})
}

// madeHere is a file that a page itself holds: letters of base64, to be saved and not
// to be opened.
var madeHere = regexp.MustCompile(` href="data:application/pdf;base64,[A-Za-z0-9+/=]+" download="(printed-codes|code-sheets|break-glass)-[^"]*"`)

// TestHostileAddressesLeadNowhere gives every page an address that would be run
// as script, where a reader follows it.
func TestHostileAddressesLeadNowhere(t *testing.T) {
	address := regexp.MustCompile(`(?i)\s(href|action|formaction)="\s*(javascript|data|vbscript):`)
	for _, hostile := range []string{"javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>"} {
		everywhere(t, t.Context(), hostile, func(t *testing.T, html string) {
			if found := address.FindString(madeHere.ReplaceAllString(html, "")); found != "" {
				t.Errorf("the page leads to %s", found)
			}
		})
	}
}

// around shows the first place where a page has text and not the wanted form of it.
func around(html, text, wanted string) string {
	for rest := html; ; {
		at := strings.Index(rest, text)
		if at < 0 {
			return ""
		}
		if !strings.HasPrefix(rest[at:], wanted) {
			return rest[max(0, at-80):min(len(rest), at+80)]
		}
		rest = rest[at+len(text):]
	}
}
