package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stream is an open stream of server-sent events.
type stream struct {
	answer answer
	events chan string // "name data"; closed when the stream ends
	close  context.CancelFunc
}

// open opens a stream; one that is refused has its answer and no events.
func open(t testing.TB, client *http.Client, r *http.Request) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	endless := *client
	endless.Timeout = 0
	res, err := endless.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{answer: answer{asked: r.Method + " " + r.URL.Path, status: res.StatusCode, header: res.Header}, events: make(chan string, 100), close: cancel}
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		s.answer.body = string(body)
		res.Body.Close()
		close(s.events)
		return s
	}
	go func() {
		defer close(s.events)
		defer res.Body.Close()
		var text []byte
		chunk := make([]byte, 4096)
		for {
			n, err := res.Body.Read(chunk)
			text = append(text, chunk[:n]...)
			for {
				event, rest, whole := strings.Cut(string(text), "\n\n")
				if !whole {
					break
				}
				text = []byte(rest)
				if name, data, ok := strings.Cut(event, "\ndata: "); ok {
					s.events <- strings.TrimPrefix(name, "event: ") + " " + data
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// next gives the next event, or what is wrong with waiting for it.
func (s *stream) next(wait time.Duration) string {
	select {
	case event, ok := <-s.events:
		if !ok {
			return "(ended)"
		}
		return event
	case <-time.After(wait):
		return fmt.Sprintf("(nothing within %s)", wait)
	}
}

// says checks the next events, in their order.
func (s *stream) says(t testing.TB, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := s.next(late); got != w {
			t.Fatalf("%s: event %q, want %q", s.answer.asked, got, w)
		}
	}
}

// watch opens the stream of an attempt.
func (b *browser) watch(t testing.TB, attempt string) *stream {
	t.Helper()
	return open(t, b.client, b.request(t, http.MethodGet, attempt+"/events", nil))
}

// listen opens the stream of a phone.
func (ph *phone) listen(t testing.TB) *stream {
	t.Helper()
	return open(t, ph.client, ph.request(t, http.MethodGet, "/events", nil))
}
