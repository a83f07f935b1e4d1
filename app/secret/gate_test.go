package secret

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/fault"
)

// TestAtMostTwoPerCoreHashAtOnce: the others wait a moment in the queue, and are
// then told to come back.
func TestAtMostTwoPerCoreHashAtOnce(t *testing.T) {
	decoy := dear.hash("nobody's")
	synctest.Test(t, func(t *testing.T) {
		p := &Passwords{Wait: queueWait, gate: NewPasswords().gate, decoy: decoy, cost: dear}
		if cap(p.gate) != 2*runtime.NumCPU() {
			t.Errorf("%d may hash at once, want two on each of %d cores", cap(p.gate), runtime.NumCPU())
		}
		p.gate = make(chan struct{}, cap(p.gate)) // of this bubble
		fill := func() {
			for len(p.gate) < cap(p.gate) {
				p.gate <- struct{}{}
			}
		}
		ctx := context.Background()
		fill()
		for what, try := range map[string]func() error{
			"Hash":   func() error { _, err := p.Hash(ctx, "a password"); return err },
			"Verify": func() error { _, err := p.Verify(ctx, decoy, "a password"); return err },
		} {
			began := time.Now()
			f := fault.Of(try())
			if f == nil || f.Kind != fault.Unavailable || f.Code != "password.busy" || f.RetryAfter <= 0 {
				t.Errorf("%s behind a full gate = %v, want password.busy with a time to try again", what, f)
			}
			if waited := time.Since(began); waited != queueWait {
				t.Errorf("%s waited %v in the queue, want %v", what, waited, queueWait)
			}
		}

		go func() {
			time.Sleep(queueWait - time.Millisecond)
			<-p.gate
		}()
		if same, err := p.Verify(ctx, decoy, "nobody's"); !same || err != nil {
			t.Errorf("Verify when a place is free in time = %t, %v", same, err)
		}
		if len(p.gate) != cap(p.gate)-1 {
			t.Errorf("%d places are taken afterwards, want all but one", len(p.gate))
		}

		// A place is given back whatever happens in it.
		if _, err := p.Verify(ctx, "broken", ""); err == nil {
			t.Error("a broken hash was read")
		}
		if len(p.gate) != cap(p.gate)-1 {
			t.Errorf("after a broken hash %d places are taken", len(p.gate))
		}

		if same, err := p.Verify(ctx, "", "nobody's"); same || err != nil {
			t.Errorf("the password of the hash that stands for nobody = %t, %v", same, err)
		}

		// The queue is short: who comes when it is full does not wait at all.
		fill()
		waiting, most := make(chan error), queueMost*cap(p.gate)
		for range most {
			go func() { _, err := p.Hash(ctx, "a password"); waiting <- err }()
		}
		synctest.Wait()
		late := time.Now()
		for range 3 {
			if _, err := p.Hash(ctx, "a password"); !errors.Is(err, fault.Unavailable) || time.Since(late) != 0 {
				t.Errorf("behind %d others = %v after %v, want no wait", most, err, time.Since(late))
			}
		}
		for range most {
			if err := <-waiting; !errors.Is(err, fault.Unavailable) || time.Since(late) != queueWait {
				t.Errorf("one in the queue = %v after %v", err, time.Since(late))
			}
		}
		if left := p.waiting.Load(); left != 0 {
			t.Errorf("%d wait after all", left)
		}

		fill()
		gone, cancel := context.WithCancel(ctx)
		cancel()
		began := time.Now()
		if _, err := p.Hash(gone, "a password"); !errors.Is(err, fault.Unavailable) || time.Since(began) != 0 {
			t.Errorf("one who has left = %v after %v, want no wait", err, time.Since(began))
		}
	})
}
