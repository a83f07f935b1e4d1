package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"latchkey/app/phone"
)

// fake is a service that keeps the limits and believes every signature.
type fake struct {
	mu       sync.Mutex
	attempts map[string]*fakeAttempt
	prompts  map[string]int // by user
	streams  map[string]int // by address
	most     int            // streams at once
	open     int
}

type fakeAttempt struct {
	user, method string
	approved     chan struct{}
}

func (f *fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			http.Error(w, "not a fresh browser", http.StatusBadRequest)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "browser", Value: "b"})
		fmt.Fprint(w, `<form><input value="c&#43;1" type="hidden" name="csrf"/></form>`)
	})
	mux.HandleFunc("POST /signin", f.browser(func(w http.ResponseWriter, r *http.Request) {
		user := r.FormValue("identifier")
		f.mu.Lock()
		defer f.mu.Unlock()
		f.prompts[user]++
		if f.prompts[user] > 3 {
			http.Error(w, "too many prompts", http.StatusTooManyRequests)
			return
		}
		id := fmt.Sprintf("%s-%d", user, f.prompts[user])
		f.attempts[id] = &fakeAttempt{user: user, method: "password", approved: make(chan struct{})}
		http.Redirect(w, r, "/signin/"+id, http.StatusSeeOther)
	}))
	mux.HandleFunc("GET /signin/{id}", f.browser(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		method := f.attempts[r.PathValue("id")].method
		f.mu.Unlock()
		fmt.Fprintf(w, `<body data-step="%s">`, method)
		w.(http.Flusher).Flush() // makes it chunked
		fmt.Fprint(w, `<input type="hidden" name="csrf" value="c+1"><p id="match-number"> 48 </p>`)
	}))
	mux.HandleFunc("POST /signin/{id}/method", f.browser(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.attempts[r.PathValue("id")].method = r.FormValue("method")
		f.mu.Unlock()
		http.Redirect(w, r, "/signin/"+r.PathValue("id"), http.StatusSeeOther)
	}))
	mux.HandleFunc("GET /signin/{id}/events", f.browser(f.events))
	mux.HandleFunc("POST /signin/{id}/finish", f.browser(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-f.attempt(r).approved:
		default:
			http.Error(w, "not approved", http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "browser", MaxAge: -1})
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "session=s" {
			http.Error(w, "cookies: "+r.Header.Get("Cookie"), http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("GET /phone/api/v1/requests", f.requests)
	mux.HandleFunc("POST /phone/api/v1/requests/{id}/answer", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		close(f.attempts[r.PathValue("id")].approved)
		fmt.Fprint(w, `{"state":"approved"}`)
	})
	return mux
}

func (f *fake) browser(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "browser=b" || r.Method == "POST" && (r.FormValue("csrf") != "c+1" || r.Header.Get("Origin") != "http://"+r.Host) {
			http.Error(w, "another browser", http.StatusForbidden)
			return
		}
		do(w, r)
	}
}

func (f *fake) attempt(r *http.Request) *fakeAttempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attempts[r.PathValue("id")]
}

func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	address, _, _ := strings.Cut(r.RemoteAddr, ":")
	f.mu.Lock()
	a := f.attempts[r.PathValue("id")]
	f.streams[address]++
	f.streams[a.user]++
	tooMany := f.streams[address] > streamsPerAddress || f.streams[a.user] > streamsPerUser
	f.open++
	f.most = max(f.most, f.open)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.streams[address]--
		f.streams[a.user]--
		f.open--
	}()
	if tooMany {
		http.Error(w, "too many streams", http.StatusTooManyRequests)
		return
	}
	fmt.Fprint(w, "event: state\ndata: pending\n\n")
	w.(http.Flusher).Flush()
	select {
	case <-a.approved:
		fmt.Fprint(w, "event: state\ndata: approved\n\n")
	case <-r.Context().Done():
	}
}

func (f *fake) requests(w http.ResponseWriter, r *http.Request) {
	// The device id of a test user is its name; it stands in the proof's header.
	var header struct{ Kid string }
	part, _, _ := strings.Cut(r.Header.Get("DPoP"), ".")
	head, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(head, &header)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting := []phone.Request{}
	for id, a := range f.attempts {
		select {
		case <-a.approved:
		default:
			if a.user == header.Kid {
				waiting = append(waiting, phone.Request{ID: id, Nonce: "n"})
			}
		}
	}
	_ = json.NewEncoder(w).Encode(waiting)
}

func start(t *testing.T, users int) (*fake, Target) {
	t.Helper()
	f := &fake{attempts: map[string]*fakeAttempt{}, prompts: map[string]int{}, streams: map[string]int{}}
	server := httptest.NewServer(f.routes())
	t.Cleanup(server.Close)
	key, err := phone.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	target := Target{BaseURL: server.URL}
	for i := range users {
		name := fmt.Sprintf("user%d", i)
		target.Users = append(target.Users, User{Identifier: name, DeviceID: name, AccountID: name, Key: key, PIN: "246810"})
	}
	return f, target
}

func TestRun(t *testing.T) {
	o := Options{Levels: []Level{{1, 5}, {8, 40}}, CommitTime: 10 * time.Millisecond, PagePath: "/me", Pages: 50, PagesAt: 4, Wakes: 5, Settle: time.Millisecond}
	if runtime.GOOS == "linux" { // where 127.0.0.0/8 is all loopback
		o.Streams = 120
	}
	f, target := start(t, o.UsersNeeded())
	var stages []string
	target.Commit = func(context.Context) error { time.Sleep(time.Millisecond); return nil }
	target.CPU = func() time.Duration { return time.Duration(time.Now().UnixNano() / 2) }
	target.RSS = func() int64 {
		f.mu.Lock()
		defer f.mu.Unlock()
		return int64(f.open) * 10 << 10
	}
	target.Held = func() int64 { return 0 }
	commits := int64(0)
	target.DurableCommits = func() int64 {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, n := range f.prompts {
			commits += 3 * int64(n)
		}
		f.prompts = map[string]int{} // counted
		return commits
	}
	stopped := false
	target.Beside = func(context.Context) (string, func(), error) { return target.BaseURL, func() { stopped = true }, nil }
	told := make(chan struct{}, 1)
	target.Told, target.Tell = told, func(context.Context) error { told <- struct{}{}; return nil }
	target.Facts = Facts{Postgres: true, Replicas: 1, Ready: time.Second / 2, DemoReady: 2 * time.Second, Idle: 40e6, Render: 20 * time.Microsecond}
	target.Mark = func(stage string) { stages = append(stages, stage) }
	report, err := Measure(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	if l := report.SignIns[1]; len(l.Times) != 40 || l.Requests != 40*8 || l.Commits <= 0 || l.CPU <= 0 {
		t.Errorf("8 at once: %d sign-ins, %d requests, %.0f commits/s, CPU %s", len(l.Times), l.Requests, l.Commits, l.CPU)
	}
	if l := report.SignIns[1]; l.DurableCommits != 3*40 {
		t.Errorf("%d durable commits for 40 sign-ins, want 120", l.DurableCommits)
	}
	if len(report.Across.FromSend) != 5 || !stopped || len(report.BareWakes) != 5 || len(report.BareAcross) != 5 {
		t.Errorf("across: %d wakes, stopped %t; bare %d and %d", len(report.Across.FromSend), stopped, len(report.BareWakes), len(report.BareAcross))
	}
	if report.Pages.Requests != 50 || len(report.Wakes.FromSend) != 5 {
		t.Errorf("%d pages, %d wakes", report.Pages.Requests, len(report.Wakes.FromSend))
	}
	if o.Streams > 0 && (report.Waiting.Memory != 120*10<<10 || len(report.Waiting.Wakes.FromSend) != 5) {
		t.Errorf("waiting: %d bytes, %d wakes", report.Waiting.Memory, len(report.Waiting.Wakes.FromSend))
	}
	var out bytes.Buffer
	if err := report.Print(&out); err != nil {
		t.Fatal(err)
	}
	t.Logf("stages %q\n%s", stages, out.String())
	for _, want := range []string{"of bound", "GET /me", "waiting beside it", "commits each", "bare p50", "demo ready, from nothing", "2s", "NOT reached"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// TestGoals: each figure is held against its own, and the one that misses is told.
func TestGoals(t *testing.T) {
	ms := func(n int) []time.Duration { return []time.Duration{time.Duration(n) * time.Millisecond} }
	row := func(atOnce, count int, took time.Duration, commits float64, durable int64) SignInRow {
		return SignInRow{Load: Load{AtOnce: atOnce, Took: took, Times: make([]time.Duration, count)}, Commits: commits, DurableCommits: durable}
	}
	good := Report{
		SignIns: []SignInRow{row(1, 500, time.Second, 3000, 1500), row(32, 900, time.Second, 3000, 2700)}, Pages: Load{Took: time.Second, Times: make([]time.Duration, 5000)},
		Wakes: Wakes{FromAnswer: ms(2)}, Across: Wakes{FromAnswer: ms(5)}, Waiting: Waiting{Streams: 10, Memory: 10 * 32 << 10},
		Facts: Facts{Postgres: true, Replicas: 1, Ready: time.Second, DemoReady: time.Second, Idle: 63e6, Render: 50 * time.Microsecond},
	}
	for _, c := range []struct {
		missed string
		change func(r *Report)
	}{
		{"", func(*Report) {}},
		{"durable commits of a sign-in, 32 at once", func(r *Report) { r.SignIns[1].DurableCommits = 3600 }},
		{"sign-ins a second, 32 at once", func(r *Report) { r.SignIns[1] = row(32, 899, time.Second, 3000, 2697) }},
		{"share of the bound, 1 at once", func(r *Report) { r.SignIns[0].Commits = 3100 }},
		{"share of the bound, 32 at once", func(r *Report) { r.Postgres, r.SignIns[1].Commits = false, 6000 }},
		{"pages a second", func(r *Report) { r.Pages.Times = r.Pages.Times[1:] }},
		{"wake-up in a process, p99", func(r *Report) { r.Wakes.FromAnswer = ms(3) }},
		{"wake-up across replicas, p99", func(r *Report) { r.Across.FromAnswer = ms(6) }},
		{"wake-up across replicas, p99", func(r *Report) { r.Across, r.Replicas, r.Wakes.FromAnswer = Wakes{}, 2, ms(6) }},
		{"render of the number page", func(r *Report) { r.Render++ }},
		{"idle memory", func(r *Report) { r.Idle = 64e6 }},
		{"serve ready, database in place", func(r *Report) { r.Ready++ }},
		{"demo ready, from nothing", func(r *Report) { r.DemoReady++ }},
		{"memory of each of 10 who wait", func(r *Report) { r.Waiting.Memory++ }},
		{"database connections that they hold", func(r *Report) { r.Waiting.Held = 1 }},
	} {
		r := good
		r.SignIns = slices.Clone(good.SignIns)
		c.change(&r)
		var missed []string
		for _, g := range r.goals() {
			if !g.reached {
				missed = append(missed, g.what)
			}
		}
		if got := strings.Join(missed, "; "); got != c.missed {
			t.Errorf("missed %q, want %q", got, c.missed)
		}
	}
	if n := len(good.goals()); n != 13 {
		t.Errorf("%d goals, want 13", n)
	}
}

func TestAWrongAnswerEndsTheRun(t *testing.T) {
	o := Options{Levels: []Level{{4, 20}}}
	f, target := start(t, o.UsersNeeded())
	for _, u := range target.Users {
		f.prompts[u.Identifier] = 3 // used up elsewhere
	}
	if _, err := Measure(t.Context(), target, o); err == nil || !strings.Contains(err.Error(), "429") {
		t.Errorf("Measure = %v", err)
	}
	target.Users = target.Users[:3]
	if _, err := Measure(t.Context(), target, o); err == nil || !strings.Contains(err.Error(), "too few") {
		t.Errorf("Measure with three users = %v", err)
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i)*time.Second)
	}
	for p, want := range map[int]time.Duration{50: 100 * time.Second, 99: 198 * time.Second, 100: 200 * time.Second} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %d = %s, want %s", p, got, want)
		}
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("percentile of nothing = %s", got)
	}
}

func TestCommand(t *testing.T) {
	var c Command
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Options()), fmt.Sprint(Defaults()); got != want {
		t.Errorf("without flags: %s, want %s", got, want)
	}
	if _, err := parser.Parse([]string{"--at-once", "2,4", "--sign-ins=100"}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Options().Levels); got != "[{2 100} {4 100}]" {
		t.Errorf("levels = %s", got)
	}
}
