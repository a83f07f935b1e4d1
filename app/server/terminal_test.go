package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	client "latchkey/app/phone"
)

// terminal is somebody at a terminal with a phone in it: what they type, and what
// they read, which a test may look at while it is written.
type terminal struct {
	folder string

	mu   sync.Mutex
	text bytes.Buffer
}

const terminalPIN = "246810"

var (
	threeNumbers  = regexp.MustCompile(`does the page show\?\s+(\d+)\s+(\d+)\s+(\d+)`)
	enrolmentMark = regexp.MustCompile(`data-state-url="([^"]*)"`)
)

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *terminal) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// says waits until the terminal shows a text, and gives all that came since the last
// time.
func (s *terminal) says(t *testing.T, part string) (all string) {
	t.Helper()
	until(t, part, func() bool { return strings.Contains(s.String(), part) })
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// run runs the words of a command, as `latchkey phone` does.
func (s *terminal) run(t *testing.T, words ...string) error {
	t.Helper()
	var cli struct {
		Phone client.Command `cmd:""`
	}
	parser, err := kong.New(&cli, kong.Name("latchkey"), kong.Exit(func(int) { t.Fatal("kong left") }))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"phone", "--folder", s.folder, "--pin", terminalPIN}, words...))
	if err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	return parsed.Run()
}

// finish goes on to the session that an approved attempt made.
func (b *browser) finish(t *testing.T, attempt string) {
	t.Helper()
	until(t, "approved", func() bool { return b.state(t, attempt) == "approved" })
	b.get(t, attempt)
	b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
	if !b.signedIn(t) {
		t.Error("the number was given, and nobody is signed in")
	}
}

// TestATerminalIsAPhone: enrolled with its test, phone sign-in on, three requests
// answered on the keyboard and two by a command, and removed; against the program
// itself, which shares no code with it.
func TestATerminalIsAPhone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user3@alder.example"
		_, userID := w.person(t, name)
		s := &terminal{folder: t.TempDir()}
		pc := w.browser(t).signIn(t, name)
		if err := s.run(t, "accounts"); !errors.Is(err, client.ErrNotEnrolled) {
			t.Errorf("accounts on the first day = %v", err)
		}

		// The PIN is chosen, and the number of the test stands on the page of the link.
		pc.get(t, "/me/phones").want(t, http.StatusOK)
		added := pc.post(t, "/me/phones").want(t, http.StatusOK)
		link := linkMark.FindString(added.body)
		typing, keyboard := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- client.Enrol(t.Context(), client.EnrolOptions{Options: client.Options{Folder: s.folder}, Link: link, Name: "Desk", Test: true}, typing, s)
		}()
		press := func(lines ...string) {
			for _, line := range lines {
				io.WriteString(keyboard, line+"\n")
			}
		}
		press(terminalPIN, terminalPIN)
		s.says(t, "it is not me")
		page := first(enrolmentMark, added)
		var shown string
		until(t, "the number of the test", func() bool { shown = number(pc.get(t, page)); return shown != "" })
		press(shown, terminalPIN)
		if err := <-ended; err != nil {
			t.Fatalf("enrol = %v\n%s", err, s)
		}
		keyboard.Close()
		s.says(t, "This phone works")
		if a := pc.get(t, "/me/phones"); !strings.Contains(a.body, "Desk") {
			t.Errorf("the list of phones has none that is called Desk: %s", excerpt(a.body))
		}
		if err := client.Enrol(t.Context(), client.EnrolOptions{Options: client.Options{Folder: t.TempDir(), PIN: terminalPIN}, Link: link, Name: "Second"}, strings.NewReader(""), io.Discard); client.StatusOf(err) != http.StatusUnauthorized {
			t.Errorf("the link a second time = %v", err)
		}

		count := func(more string) (n int) {
			t.Helper()
			w.one(t, &n, "SELECT count(*) FROM devices WHERE state = 'active' AND user_id = ?"+more, userID)
			return n
		}
		on := func() bool { return count(" AND phone_sign_in = TRUE") == 1 }
		if err := s.run(t, "enable", name); err != nil || !on() {
			t.Fatalf("enable = %v, phone sign-in is on: %t", err, on())
		}

		// On the keyboard: the right number signs in, a wrong one ends it, and what
		// nobody began is reported.
		typing, keyboard = io.Pipe()
		watching, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { ended <- client.Watch(watching, client.Options{Folder: s.folder}, typing, s) }()
		s.says(t, "Waiting for requests")
		b := w.browser(t)
		attempt := b.askPhone(t, name)
		s.says(t, "it is not me")
		press(number(b.get(t, attempt)), "000000")
		s.says(t, "Not accepted") // the PIN is asked for again
		press(terminalPIN)
		s.says(t, "Approved.")
		b.finish(t, attempt)

		b = w.browser(t)
		attempt = b.askPhone(t, name)
		offered := threeNumbers.FindStringSubmatch(s.says(t, "it is not me"))
		right := slices.Index(offered, number(b.get(t, attempt)))
		if right < 1 {
			t.Fatalf("the terminal offers %v", offered)
		}
		press(offered[right%3+1], terminalPIN)
		s.says(t, "not the number on the page")
		if state := b.state(t, attempt); state != "denied" {
			t.Errorf("after a wrong number the attempt is %s", state)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("watch = %v", err)
		}
		keyboard.Close()

		// By one command each.
		b = w.browser(t)
		attempt = b.askPhone(t, name)
		if err := s.run(t, "answer", "--number", number(b.get(t, attempt))); err != nil {
			t.Errorf("answer = %v", err)
		}
		b.finish(t, attempt)
		// A phone is asked three times in ten minutes, so these were earlier.
		w.act(t, "UPDATE prompts SET created_at = ? WHERE user_id = ?", w.now().Add(-11*time.Minute), userID)
		b = w.browser(t)
		attempt = b.askPhone(t, name)
		if err := s.run(t, "answer", "--report"); err != nil || b.state(t, attempt) != "denied" {
			t.Errorf("answer --report = %v, the attempt is %s", err, b.state(t, attempt))
		}
		if err := s.run(t, "answer", "--deny"); err == nil {
			t.Error("answer answered a request that is over")
		}

		if err := s.run(t, "disable"); err != nil || on() {
			t.Errorf("disable = %v, phone sign-in is on: %t", err, on())
		}
		if err := s.run(t, "remove"); err != nil {
			t.Errorf("remove = %v", err)
		}
		if count("") != 0 {
			t.Error("the phone is removed and still there")
		}
		if err := s.run(t, "accounts"); !errors.Is(err, client.ErrNotEnrolled) {
			t.Errorf("accounts in the end = %v", err)
		}
	})
}
