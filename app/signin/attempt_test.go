package signin_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/app/prompt"
	"latchkey/app/signin"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestWhenAnAttemptCanGoOn(t *testing.T) {
	for _, row := range []struct {
		claim    string
		state    string
		failures int
		left     time.Duration
		want     bool
	}{
		{"a new one", "open", 0, 15 * time.Minute, true},
		{"four failures", "open", 4, time.Minute, true},
		{"five failures", "open", 5, time.Minute, false},
		{"more than five", "open", 9, time.Minute, false},
		{"an instant before its end", "open", 0, time.Microsecond, true},
		{"the last instant is too late", "open", 0, 0, false},
		{"a finished one", "finished", 0, time.Minute, false},
		{"an ended one", "ended", 0, time.Minute, false},
		{"one in no state", "", 0, time.Minute, false},
	} {
		a := signin.Attempt{State: row.state, Failures: row.failures, ExpiresAt: noon.Add(row.left)}
		if got := a.Open(noon); got != row.want {
			t.Errorf("%s: Open = %t, want %t", row.claim, got, row.want)
		}
	}
}

func TestWhatTheWaitingPageIsTold(t *testing.T) {
	decided := func(ago time.Duration) *time.Time { at := noon.Add(-ago); return &at }
	for _, row := range []struct {
		claim  string
		id     string
		state  prompt.State
		left   time.Duration
		at     *time.Time
		expect prompt.State
	}{
		{"no request was sent", "", "", 0, nil, prompt.Held},
		{"it is on the phone", "p", prompt.Pending, time.Second, nil, prompt.Pending},
		{"an instant before its end", "p", prompt.Pending, time.Microsecond, nil, prompt.Pending},
		{"its last instant, before any sweep", "p", prompt.Pending, 0, nil, prompt.Expired},
		{"it lapsed", "p", prompt.Expired, 0, decided(0), prompt.Expired},
		{"it was approved", "p", prompt.Approved, -time.Minute, decided(time.Second), prompt.Approved},
		{"it was approved a minute ago but an instant", "p", prompt.Approved, 0, decided(time.Minute - time.Microsecond), prompt.Approved},
		{"it was approved a minute ago", "p", prompt.Approved, 0, decided(time.Minute), prompt.Expired},
		{"it was declined", "p", prompt.Denied, time.Minute, decided(0), prompt.Denied},
		{"it was reported, which the page does not tell from a decline", "p", prompt.Reported, time.Minute, decided(0), prompt.Denied},
	} {
		a := signin.Attempt{PromptID: row.id, PromptState: row.state, PromptEndsAt: noon.Add(row.left), DecidedAt: row.at}
		if got := a.PhoneState(noon); got != row.expect {
			t.Errorf("%s: PhoneState = %s, want %s", row.claim, got, row.expect)
		}
	}
}

func TestOnlyPathsOfOurOwnAreGoneBackTo(t *testing.T) {
	for _, path := range []string{
		"/", "/me", "/me/phones?done=saved", "/admin/alder/audit?from=2026-01-01&q=a%20b", "/a#b", "/me/../admin", "/%C3%A4", "/?next=https://evil.example",
		"/" + strings.Repeat("a", 1999),
	} {
		if got := signin.LocalPath(path); got != path {
			t.Errorf("LocalPath(%q) = %q, want it as it is", path, got)
		}
	}
	for _, elsewhere := range []string{
		"", " ", "me", "https://evil.example", "HTTPS://evil.example/", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`,
		`/\/evil.example`, "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/%2fevil.example", "/%2F%2Fevil.example", "javascript:alert(1)",
		"data:text/html,x", "http:evil.example", "https:///evil.example", "//user@evil.example", "/me\r\nSet-Cookie: a=b", "/me\x00", "/me\x7f", "/%zz", "/" + strings.Repeat("a", 2000),
	} {
		if got := signin.LocalPath(elsewhere); got != "/" {
			t.Errorf("LocalPath(%q) = %q, want /", elsewhere, got)
		}
	}
}

// FuzzLocalPath: wherever a browser is, it stays here. What browsers do beyond
// the standard library is done by hand: they take a backslash for a slash and
// drop tabs and line breaks.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "/me?a=b#c", "//evil.example", `/\evil.example`, "/\t/evil.example", "/%2fevil.example", "/..//evil.example", "/.//evil.example", "/;//evil.example"} {
		f.Add(seed)
	}
	here, err := url.Parse("https://id.example/signin/attempt")
	if err != nil {
		f.Fatal(err)
	}
	browsers := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "")
	f.Fuzz(func(t *testing.T, typed string) {
		path := signin.LocalPath(typed)
		if again := signin.LocalPath(path); again != path {
			t.Errorf("LocalPath(%q) = %q, and of that %q", typed, path, again)
		}
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("LocalPath(%q) = %q, which breaks a header", typed, path)
		}
		for _, seen := range []string{path, browsers.Replace(path)} {
			to, err := here.Parse(seen)
			if err != nil || to.Scheme != "https" || to.Host != "id.example" || to.User != nil {
				t.Errorf("LocalPath(%q) = %q leads to %v, %v", typed, path, to, err)
			}
		}
	})
}
