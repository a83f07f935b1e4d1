package web

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/app/fault"
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
