package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/fault"
	"latchkey/app/wake"
)

func TestHowManyStreamsAProcessHolds(t *testing.T) {
	streams := NewStreams(time.Now)
	open := func(i int) (func(), error) {
		return streams.enter(fmt.Sprint("user ", i/streamsPerUser), fmt.Sprint("address ", i/streamsPerAddress))
	}
	var leave []func()
	for i := range streamsPerProcess {
		left, err := open(i)
		if err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
		leave = append(leave, left)
	}
	if streams.Open() != 20_000 {
		t.Errorf("%d streams are open, want 20,000", streams.Open())
	}
	if _, err := streams.enter("somebody", "somewhere"); !errors.Is(err, fault.Throttled) || fault.Of(err).RetryAfter <= 0 {
		t.Errorf("one more = %v, want fault.Throttled with a time", err)
	}
	// What was left is free again, for whoever left it and for others.
	for _, left := range leave[:60] {
		left()
	}
	if _, err := open(0); err != nil {
		t.Errorf("a place that was left: %v", err)
	}
	if _, err := streams.enter("somebody", "somewhere"); err != nil {
		t.Errorf("a place that another left: %v", err)
	}
	for _, left := range leave[60:] {
		left()
	}
	if streams.Open() != 2 || len(streams.by) != 4 {
		t.Errorf("%d streams are open and %d names are kept, want 2 and 4", streams.Open(), len(streams.by))
	}
}

// nowhere is a wire that leads nowhere.
type nowhere struct{}

func (nowhere) Notify(context.Context, string) error       { return nil }
func (nowhere) Listen(ctx context.Context, _ func(string)) { <-ctx.Done() }

// TestALookThatHangsEndsItsStream: a database that hangs must not hold a stream,
// its place and its look for ever.
func TestALookThatHangsEndsItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := wake.NewHub(nowhere{}, "here")
		waiter := hub.Wait("attempt:1")
		ours, theirs := net.Pipe()
		defer ours.Close()
		defer theirs.Close()
		looks := 0
		look := func(ctx context.Context, _ *Stream) (bool, error) {
			if looks++; looks == 1 {
				return false, nil
			}
			<-ctx.Done()
			return false, ctx.Err()
		}
		ended := make(chan time.Time, 1)
		go func() {
			wait(context.WithoutCancel(t.Context()), &Stream{conn: ours, clock: time.Now}, waiter, nil, look)
			ended <- time.Now()
		}()
		time.Sleep(time.Hour) // a stream that waits has no end of its own
		began := time.Now()
		hub.Ring("attempt:1")
		if took := (<-ended).Sub(began); took != answerWait || looks != 2 {
			t.Errorf("after %d looks it ended within %v, want 2 and %v", looks, took, answerWait)
		}
	})
}
