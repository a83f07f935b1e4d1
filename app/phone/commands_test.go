package phone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
)

// screen is an output that a test may read while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// terminalPhone is a folder with an enrolled phone.
func terminalPhone(t *testing.T) (*fake, Options) {
	t.Helper()
	f := newFake(t)
	o := Options{Folder: filepath.Join(t.TempDir(), "phone")}
	err := Enrol(t.Context(), EnrolOptions{Options: Options{Folder: o.Folder, PIN: goodPIN}, Link: f.link(), Name: "Desk"}, strings.NewReader(""), io.Discard)
	if err != nil {
		t.Fatalf("Enrol = %v", err)
	}
	return f, o
}

func TestEnrolAsksForAPINTwiceAndAnswersTheTest(t *testing.T) {
	f := newFake(t)
	f.tests = true
	folder := t.TempDir()
	typed := strings.NewReader("111111\n222222\n" + goodPIN + "\n" + goodPIN + "\n48\n" + goodPIN + "\n")
	var out bytes.Buffer
	err := Enrol(t.Context(), EnrolOptions{Options: Options{Folder: folder}, Link: f.link(), Name: "Desk", Test: true}, typed, &out)
	if err != nil {
		t.Fatalf("Enrol = %v\n%s", err, out.String())
	}
	contains(t, out.String(), "The two differ.", "Enrolled user1@alder.example of Alder Health", "16   48   73", "This phone works")
	if f.state("test-1") != "approved" {
		t.Errorf("the test request is %q", f.state("test-1"))
	}
	text, err := os.ReadFile(filepath.Join(folder, stateFile))
	if err != nil || strings.Contains(string(text), goodPIN) {
		t.Errorf("the file holds the PIN, or: %v", err)
	}
	info, err := os.Stat(filepath.Join(folder, stateFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

func TestEnrolThatIsRefusedCanBeTriedAgain(t *testing.T) {
	f := newFake(t)
	o := EnrolOptions{Options: Options{Folder: t.TempDir(), PIN: goodPIN}, Link: f.URL + "/phone#enrol=stale", Name: "Desk"}
	if err := Enrol(t.Context(), o, strings.NewReader(""), io.Discard); StatusOf(err) != 401 {
		t.Fatalf("Enrol with a stale link = %v", err)
	}
	if err := Accounts(t.Context(), o.Options, io.Discard); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("Accounts = %v, want ErrNotEnrolled", err)
	}
	o.Link = f.link()
	if err := Enrol(t.Context(), o, strings.NewReader(""), io.Discard); err != nil {
		t.Errorf("Enrol = %v", err)
	}
	o.Link = "https://other.example/phone#enrol=x"
	if err := Enrol(t.Context(), o, strings.NewReader(""), io.Discard); err == nil || StatusOf(err) != 0 {
		t.Errorf("Enrol of another service into the same folder = %v", err)
	}
}

func TestWatch(t *testing.T) {
	f, o := terminalPhone(t)
	f.ask("before", Pick3)
	typing, keyboard := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &screen{}
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx, o, typing, out) }()
	// Each line is taken when it is asked for, so the story needs no clock.
	for _, line := range []string{"99", "48", "000000", goodPIN} {
		io.WriteString(keyboard, line+"\n")
	}
	for f.state("before") == "" {
		runtime.Gosched()
	}
	f.ask("typed", Type6)
	for _, line := range []string{"48", "123456", goodPIN} {
		io.WriteString(keyboard, line+"\n")
	}
	f.ask("stranger", Type2)
	io.WriteString(keyboard, "n\n")
	for f.state("stranger") == "" {
		runtime.Gosched()
	}
	f.mu.Lock()
	f.pinForNo = true
	f.mu.Unlock()
	f.ask("declined", Type2)
	for _, line := range []string{"d", goodPIN} {
		io.WriteString(keyboard, line+"\n")
	}
	for !strings.Contains(out.String(), "Declined.") {
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Watch = %v", err)
	}
	text := out.String()
	contains(t, text, "Sign in?", "Alder Health", "Latchkey", "Firefox on Linux (new", "192.0.2.7", "16   48   73", "six digits", "two digits", "none of the answers", "Reported", "Not accepted")
	if strings.Contains(text, "\x1b") {
		t.Error("what others wrote reached the terminal raw")
	}
	for id, want := range map[string]string{"before": "approved", "typed": "approved", "stranger": "reported", "declined": "denied"} {
		if got := f.state(id); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
}

// TestAnActIsShownBeforeItIsApproved: line by line, and the signature is over it.
func TestAnActIsShownBeforeItIsApproved(t *testing.T) {
	f, o := terminalPhone(t)
	f.askAct("act")
	typing, keyboard := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &screen{}
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx, o, typing, out) }()
	for _, line := range []string{"48", goodPIN} {
		io.WriteString(keyboard, line+"\n")
	}
	for f.state("act") == "" {
		runtime.Gosched()
	}
	f.askAct("no")
	io.WriteString(keyboard, "d\n")
	for !strings.Contains(out.String(), "Declined.") {
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Watch = %v", err)
	}
	text := out.String()
	contains(t, text, "Do you approve this?", "Give a role: Night Desk", "Helpdesk -> Security administrator", "Security (security@alder.example)", "a new ", "Approved.", "Declined.")
	if strings.Contains(text, "\x1b") || strings.Contains(text, "organisation -> the whole") {
		t.Errorf("it is shown as\n%s", text)
	}
	if f.state("act") != "approved" || f.state("no") != "denied" {
		t.Errorf("they are %q and %q", f.state("act"), f.state("no"))
	}

	// Also without a question.
	f.askAct("once")
	var once strings.Builder
	o.PIN = goodPIN
	err := Answer(t.Context(), o, Choice{RequestID: "once", Decision: Approve, Number: "48"}, strings.NewReader(""), &once)
	if err != nil || f.state("once") != "approved" || strings.Index(once.String(), "Give a role") > strings.Index(once.String(), "Approved.") {
		t.Errorf("Answer = %v, it is %q and shown as\n%s", err, f.state("once"), once.String())
	}
}

func TestWatchEndsWhenThePhoneIsRemoved(t *testing.T) {
	f, o := terminalPhone(t)
	f.removed = true
	err := Watch(t.Context(), o, strings.NewReader(""), io.Discard)
	if StatusOf(err) != 401 {
		t.Errorf("Watch = %v", err)
	}
}

func TestWatchWithoutAnybodyToAsk(t *testing.T) {
	f, o := terminalPhone(t)
	f.ask("request-1", Pick3)
	if err := Watch(t.Context(), o, strings.NewReader(""), io.Discard); !errors.Is(err, errInputEnded) {
		t.Errorf("Watch = %v", err)
	}
	if f.state("request-1") != "" {
		t.Errorf("the request is %q", f.state("request-1"))
	}
}

// TestCommand runs the words that a person types.
func TestCommand(t *testing.T) {
	f := newFake(t)
	folder := t.TempDir()
	run := func(words ...string) error {
		t.Helper()
		var cli struct {
			Phone Command `cmd:""`
		}
		parser, err := kong.New(&cli, kong.Name("latchkey"), kong.Exit(func(int) { t.Fatal("kong left") }))
		if err != nil {
			t.Fatal(err)
		}
		words = append([]string{"phone", "--folder", folder, "--pin", goodPIN}, words...)
		parsed, err := parser.Parse(words)
		if err != nil {
			return err
		}
		parsed.BindTo(t.Context(), (*context.Context)(nil))
		return parsed.Run()
	}
	if err := run("accounts"); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("accounts = %v", err)
	}
	if err := run("enrol", f.link(), "--name", "Desk"); err != nil {
		t.Fatalf("enrol = %v", err)
	}
	f.other = "Birch Freight"
	if err := run("enable"); !errors.Is(err, ErrRegisteredElsewhere) || !strings.Contains(err.Error(), "Birch Freight") {
		t.Errorf("enable = %v", err)
	}
	if err := run("enable", "user1@alder.example", "--move"); err != nil || !f.enabled {
		t.Errorf("enable --move = %v", err)
	}
	if err := run("accounts"); err != nil {
		t.Errorf("accounts = %v", err)
	}
	if err := run("answer"); err == nil {
		t.Error("answer took no decision")
	}
	if err := run("answer", "--number", "48", "--deny"); err == nil {
		t.Error("answer took two decisions")
	}
	if err := run("answer", "--number", "48"); err == nil {
		t.Error("answer answered nothing")
	}
	f.ask("request-1", Type2)
	if err := run("answer", "--number", "48"); err != nil || f.state("request-1") != "approved" {
		t.Errorf("answer = %v, state %q", err, f.state("request-1"))
	}
	f.ask("request-2", Pick3)
	f.ask("request-3", Pick3)
	if err := run("answer", "--deny"); err == nil {
		t.Error("answer chose between two requests")
	}
	if err := run("answer", "--report", "--request", "request-3"); err != nil || f.state("request-3") != "reported" {
		t.Errorf("answer --report = %v, state %q", err, f.state("request-3"))
	}
	if err := run("disable", "account-1"); err != nil || f.enabled {
		t.Errorf("disable = %v", err)
	}
	if err := run("remove"); err != nil || !f.removed {
		t.Errorf("remove = %v", err)
	}
	if err := run("accounts"); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("accounts after remove = %v", err)
	}
}

func TestAFileThatOthersMayRead(t *testing.T) {
	_, o := terminalPhone(t)
	if err := os.Chmod(filepath.Join(o.Folder, stateFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(o.Folder); err == nil {
		t.Error("Load took a key that others may read")
	}
}
