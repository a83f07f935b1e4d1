package main

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/server/servertest"
)

var (
	enrolmentLink = regexp.MustCompile(`id="enrolment-link"[^>]*>\s*([^<\s]+)`)
	matchNumber   = regexp.MustCompile(`id="match-number"[^>]*>\s*(\d+)`)
)

// TestATerminalIsAPhoneOfTheDemo is what the README says for those without a second
// screen, each command a process: enrolled by the link, phone sign-in on, and the
// number of the page given on the keyboard of the one that watches.
func TestATerminalIsAPhoneOfTheDemo(t *testing.T) {
	t.Parallel()
	demo := begin(t, []string{"LATCHKEY_LISTEN=" + servertest.FreeAddress(t), "LATCHKEY_DATA=" + t.TempDir()}, "demo", "--empty")
	password := strings.TrimSpace(demo.says(t, `Password +(.*)\n`))
	base := demo.says(t, `PC +(http://localhost:\d+)\n`)
	const name = "user1@alder.example"
	first := func(in *regexp.Regexp, body string) string {
		t.Helper()
		found := in.FindStringSubmatch(body)
		if found == nil {
			t.Fatalf("nothing fits %s in\n%.2000s", in, body)
		}
		return found[1]
	}

	pc := visitor(t)
	_, _, attempt := post(t, pc, base+"/signin", base+"/signin", url.Values{"identifier": {name}})
	post(t, pc, attempt, attempt+"/verify", url.Values{"password": {password}})
	_, added, _ := post(t, pc, base+"/me/phones", base+"/me/phones", url.Values{})
	link := first(enrolmentLink, added)

	environment := []string{"LATCHKEY_PHONE_FOLDER=" + t.TempDir(), "LATCHKEY_PHONE_PIN=246810"}
	does := func(want string, arguments ...string) {
		t.Helper()
		p := begin(t, environment, append([]string{"phone"}, arguments...)...)
		if code := p.ends(t); code != 0 || !strings.Contains(p.out.String(), want) {
			t.Fatalf("phone %s ends with %d:\n%s", arguments[0], code, p.out)
		}
	}
	does(name, "enrol", link, "--name", "Terminal")
	does("Phone sign-in is on", "enable")

	watch := begin(t, environment, "phone", "watch")
	watch.says(t, "Waiting for requests")
	other := visitor(t)
	_, _, attempt = post(t, other, base+"/signin", base+"/signin", url.Values{"identifier": {name}})
	_, page, _ := post(t, other, attempt, attempt+"/method", url.Values{"method": {"phone"}})
	number := first(matchNumber, page)
	watch.says(t, "it is not me")
	if !strings.Contains(watch.out.String(), number) {
		t.Errorf("the terminal does not offer %s:\n%s", number, watch.out)
	}
	if _, err := io.WriteString(watch.keyboard, number+"\n"); err != nil {
		t.Fatal(err)
	}
	watch.says(t, "Approved")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, state := get(t, other, attempt+"/state"); strings.Contains(state, "approved") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the page does not learn of the answer")
		}
	}
	if status, _, at := post(t, other, attempt, attempt+"/finish", url.Values{}); status != http.StatusOK || at != base+"/" {
		t.Errorf("the number is right, and finishing = %d at %s", status, at)
	}
	watch.stop(t)
	does("removed", "remove")
	demo.stop(t)
}
