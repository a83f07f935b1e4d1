package secret

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/fault"
)

// TestWhoHashesPatientlyKeepsOutOfTheWay: one at a time, behind those who sign in, and in
// the end all the same.
func TestWhoHashesPatientlyKeepsOutOfTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Passwords{Wait: queueWait, gate: make(chan struct{}, 4), patient: make(chan struct{}, 1), cost: cheap}
		ctx, cancel := context.WithCancel(context.Background())
		took := func() time.Duration {
			began := time.Now()
			if _, err := p.HashPatiently(ctx, "a code"); err != nil {
				t.Errorf("HashPatiently = %v", err)
			}
			return time.Since(began)
		}
		if got := took(); got != 0 {
			t.Errorf("in a free gate it waits %v", got)
		}
		p.gate <- struct{}{}
		p.gate <- struct{}{}
		if got := took(); got != patience {
			t.Errorf("in a gate that is half full it waits %v, want %v", got, patience)
		}
		go func() {
			time.Sleep(patienceStep + time.Millisecond)
			<-p.gate
		}()
		if got := took(); got != 2*patienceStep {
			t.Errorf("until it is free again it waits %v", got)
		}
		// Four at once go one after the other, each with a patience of its own.
		p.gate <- struct{}{}
		began, done := time.Now(), make(chan struct{})
		for range 4 {
			go func() {
				took()
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		if got := time.Since(began); got != 4*patience {
			t.Errorf("four of them take %v, want %v", got, 4*patience)
		}
		for len(p.gate) < cap(p.gate) {
			p.gate <- struct{}{}
		}
		if _, err := p.HashPatiently(ctx, "a code"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("behind a gate that stays full = %v", err)
		}
		cancel()
		if _, err := p.HashPatiently(ctx, "a code"); !errors.Is(err, context.Canceled) {
			t.Errorf("for nobody any more = %v", err)
		}
	})
}
