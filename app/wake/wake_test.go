package wake_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/wake"
)

// wire is what lies between two replicas: it keeps what is sent, and a story says
// what is heard.
type wire struct {
	mu     sync.Mutex
	sent   []string
	broken error
	held   chan struct{} // a Notify ends when it is closed; nil: at once
	heard  func(payload string)
}

func (w *wire) Notify(_ context.Context, payload string) error {
	w.mu.Lock()
	held := w.held
	w.mu.Unlock()
	if held != nil {
		<-held
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, payload)
	return w.broken
}

func (w *wire) Listen(ctx context.Context, heard func(payload string)) {
	w.mu.Lock()
	w.heard = heard
	w.mu.Unlock()
	<-ctx.Done()
}

// running tells the story of a hub called "here", which runs until it is over, in
// a bubble of time.
func running(t *testing.T, looks map[string]wake.Look, story func(t *testing.T, h *wake.Hub, w *wire, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		h := wake.NewHub(w, "here")
		for prefix, look := range looks {
			h.LookFor(prefix, look)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.Run(ctx); close(ended) }()
		stop := func() { cancel(); <-ended }
		defer stop()
		synctest.Wait()
		story(t, h, w, stop)
	})
}

// got gives the signal that waits at a bell, if any.
func got(w *wake.Waiter) string {
	synctest.Wait()
	select {
	case signal, open := <-w.Bell():
		switch {
		case !open:
			return "closed"
		case signal == wake.Rung:
			return "rung"
		}
		return "beat"
	default:
		return ""
	}
}

func expect(t *testing.T, claim string, w *wake.Waiter, want string) {
	t.Helper()
	if signal := got(w); signal != want {
		t.Errorf("%s: the bell says %q, want %q", claim, signal, want)
	}
}

func TestWhoeverWaitsForAKeyIsWoken(t *testing.T) {
	running(t, nil, func(t *testing.T, h *wake.Hub, _ *wire, _ func()) {
		one, two, both, other := h.Wait("attempt:1"), h.Wait("attempt:1"), h.Wait("attempt:1", "user:1"), h.Wait("attempt:2")
		if n := h.Waiting(); n != 4 {
			t.Errorf("%d wait, want 4", n)
		}
		h.Ring("attempt:1")
		for claim, w := range map[string]*wake.Waiter{"the first": one, "the second": two, "who waits for more": both} {
			expect(t, claim, w, "rung")
			expect(t, claim+" again", w, "")
		}
		expect(t, "who waits for another", other, "")

		// However often it rings before somebody listens, it has rung.
		for range 3 {
			h.Ring("attempt:1")
			h.Ring("user:1")
		}
		expect(t, "after many rings", one, "rung")
		expect(t, "after many rings", two, "rung")
		expect(t, "after many rings", both, "rung")
		expect(t, "after many rings, again", both, "")

		one.Done()
		h.Ring("attempt:1")
		expect(t, "who waits no more", one, "")
		expect(t, "who still waits", two, "rung")
		two.Done()
		both.Done()
		other.Done()
		h.Ring("attempt:1")
		if n := h.Waiting(); n != 0 {
			t.Errorf("%d wait, want nobody", n)
		}
	})
}

// TestABeatShowsThatAStreamIsAlive: one clock for all of them, and never in the
// place of a ring.
func TestABeatShowsThatAStreamIsAlive(t *testing.T) {
	running(t, nil, func(t *testing.T, h *wake.Hub, _ *wire, _ func()) {
		quiet, rung, both := h.Wait("a:1"), h.Wait("a:2"), h.Wait("a:3")
		time.Sleep(wake.BeatWait - time.Nanosecond)
		h.Ring("a:2")
		expect(t, "before its time", quiet, "")
		time.Sleep(time.Nanosecond)
		expect(t, "at its time", quiet, "beat")
		expect(t, "who was rung", rung, "rung")
		h.Ring("a:3") // whose beat nobody has taken
		expect(t, "a ring after a beat", both, "rung")
		expect(t, "a ring after a beat, again", both, "")
		time.Sleep(wake.BeatWait)
		expect(t, "the next time", quiet, "beat")
	})
}

// TestTheSlowLookIsTheFloor: what no ring told is found by asking, for all keys
// together, and a look that fails harms nobody.
func TestTheSlowLookIsTheFloor(t *testing.T) {
	var mu sync.Mutex
	var asked [][]string
	var changed []string
	var broken error
	looks := map[string]wake.Look{"attempt": func(_ context.Context, keys []string) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, keys)
		if broken != nil {
			return nil, broken
		}
		var some []string
		for _, key := range changed {
			if slices.Contains(keys, key) {
				some = append(some, key)
			}
		}
		return some, nil
	}}
	// next sets what the looks from now on find, and gives what they were asked.
	next := func(found []string, fails error) (before [][]string) {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		before, asked, changed, broken = asked, nil, found, fails
		return before
	}
	running(t, looks, func(t *testing.T, h *wake.Hub, w *wire, _ func()) {
		one, two, unasked := h.Wait("attempt:1"), h.Wait("attempt:2"), h.Wait("enrolment:1")
		time.Sleep(wake.PollWait - time.Nanosecond)
		if asked := next([]string{"attempt:2"}, nil); len(asked) != 0 {
			t.Fatalf("it looked before its time: %v", asked)
		}
		time.Sleep(time.Nanosecond)
		expect(t, "what changed", two, "rung")
		expect(t, "what did not", one, "")
		expect(t, "what nobody looks for", unasked, "")
		if asked := next([]string{"attempt:2"}, errors.New("the database is away")); len(asked) != 1 || len(asked[0]) != 2 {
			t.Errorf("it asked %v, want once for the two", asked)
		}

		time.Sleep(wake.PollWait)
		expect(t, "while a look fails", two, "")
		next([]string{"attempt:2"}, nil)
		time.Sleep(wake.PollWait)
		expect(t, "when it works again", two, "rung")

		// When something may have been missed nobody waits for the poll.
		next([]string{"attempt:2"}, nil)
		w.heard("")
		expect(t, "after the wire was broken", two, "rung")
		if asked := next([]string{"attempt:1", "attempt:777"}, nil); len(asked) != 1 {
			t.Errorf("it looked %d times, want once", len(asked))
		}

		// Many are asked for in a few questions, each key once however many wait for it.
		many := make([]*wake.Waiter, 0, 2000)
		for i := range 1000 {
			key := fmt.Sprintf("attempt:%d", 100+i)
			many = append(many, h.Wait(key), h.Wait(key))
		}
		time.Sleep(wake.PollWait)
		expect(t, "one of many", many[2*677], "rung")
		expect(t, "the other one of its key", many[2*677+1], "rung")
		expect(t, "one more", many[2*678], "")
		total := 0
		asked := next(nil, nil)
		for _, keys := range asked {
			total += len(keys)
			if len(keys) > 500 {
				t.Errorf("%d keys in one question", len(keys))
			}
		}
		if total != 1002 || len(asked) != 3 {
			t.Errorf("it asked %d times for %d keys, want three times for 1002", len(asked), total)
		}
	})
}

// TestOtherReplicasAreTold: after the ring here, in as few words as fit, and what
// comes back of it is not taken for news.
func TestOtherReplicasAreTold(t *testing.T) {
	running(t, nil, func(t *testing.T, h *wake.Hub, w *wire, _ func()) {
		one, two := h.Wait("attempt:1"), h.Wait("user:2")
		h.Ring("attempt:1")
		expect(t, "here", one, "rung")
		w.mu.Lock()
		told := strings.Join(w.sent, " and ")
		w.mu.Unlock()
		if told != "here\nattempt:1" {
			t.Fatalf("told is %q", told)
		}
		w.heard(told)
		expect(t, "one's own voice", one, "")
		w.heard("elsewhere\nuser:9\nuser:2\nattempt:9")
		expect(t, "what another replica rang", two, "rung")
		expect(t, "what it did not", one, "")

		w.mu.Lock()
		w.sent, w.broken = nil, errors.New("the database is away")
		w.mu.Unlock()
		h.Ring("attempt:1")
		expect(t, "though nobody else can be told", one, "rung")

		// What gathers while one is told goes together.
		w.mu.Lock()
		w.sent, w.broken, w.held = nil, nil, make(chan struct{})
		w.mu.Unlock()
		for i := range 2000 {
			h.Ring(fmt.Sprintf("attempt:%026d", i))
		}
		close(w.held)
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		keysTold := map[string]int{}
		for _, payload := range w.sent {
			if len(payload) >= 8000 { // what NOTIFY takes
				t.Errorf("a payload of %d bytes", len(payload))
			}
			keys := strings.Split(payload, "\n")
			if keys[0] != "here" || len(keys) < 2 {
				t.Errorf("a payload begins with %.60q", payload)
			}
			for _, key := range keys[1:] {
				keysTold[key]++
			}
		}
		if len(keysTold) != 2000 || len(w.sent) > 20 {
			t.Errorf("%d keys were told in %d payloads, want 2000 in a few", len(keysTold), len(w.sent))
		}
	})
}

// TestWhenTheHubStopsNobodyIsLeftWaiting: those who wait are told, and so is who
// comes too late.
func TestWhenTheHubStopsNobodyIsLeftWaiting(t *testing.T) {
	running(t, nil, func(t *testing.T, h *wake.Hub, _ *wire, stop func()) {
		waiting, rung := h.Wait("a:1"), h.Wait("a:2")
		h.Ring("a:2")
		stop()
		expect(t, "who waited", waiting, "closed")
		expect(t, "who was rung before", rung, "rung")
		expect(t, "and then", rung, "closed")
		late := h.Wait("a:3")
		expect(t, "who comes too late", late, "closed")
		h.Ring("a:1")
		h.Ring("a:3")
		for _, w := range []*wake.Waiter{waiting, rung, late} {
			w.Done()
		}
		if n := h.Waiting(); n != 0 {
			t.Errorf("%d wait after all", n)
		}
	})
}

// TestRingsFromEverywhere: whoever waits when a key is rung wakes, whatever else
// goes on at the same time.
func TestRingsFromEverywhere(t *testing.T) {
	running(t, nil, func(t *testing.T, h *wake.Hub, _ *wire, _ func()) {
		var all sync.WaitGroup
		for i := range 50 {
			key := fmt.Sprintf("a:%d", i%10)
			all.Go(func() {
				for range 20 {
					w := h.Wait(key, "b:1")
					all.Go(func() { h.Ring(key) })
					<-w.Bell()
					w.Done()
				}
			})
		}
		all.Wait()
		if n := h.Waiting(); n != 0 {
			t.Errorf("%d wait after all", n)
		}
	})
}
