package wake_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/wake"
)

// TestAnErrandIsDoneAgainAndAgain: at its time, and at once for whoever hurries; a failure
// is logged, and ends nothing.
func TestAnErrandIsDoneAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		e := wake.NewErrand()
		var times atomic.Int64
		do := func(context.Context) error {
			if times.Add(1) == 1 {
				return errors.New("no database")
			}
			time.Sleep(time.Second)
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			e.Run(ctx, time.Minute, slog.New(slog.NewTextHandler(&log, nil)), "papers", do)
			close(ended)
		}()
		done := func(when string, want int64) {
			t.Helper()
			synctest.Wait()
			if got := times.Load(); got != want {
				t.Errorf("%s it was done %d times, want %d", when, got, want)
			}
		}
		done("before its time", 0)
		e.Hurry()
		done("in a hurry", 1)
		if !strings.Contains(log.String(), "papers") || !strings.Contains(log.String(), "no database") {
			t.Errorf("the log says %q", log.String())
		}
		e.Hurry()
		done("in a hurry again", 2)
		for range 5 { // while it is done
			e.Hurry()
		}
		time.Sleep(2 * time.Second)
		done("for five who hurry while it is done", 3)
		time.Sleep(time.Minute)
		done("at its time", 4)
		time.Sleep(time.Second)
		stop()
		<-ended
	})
}
