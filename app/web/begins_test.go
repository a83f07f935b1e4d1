package web

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/app/fault"
)

func TestAnAddressBeginsSixtySignInsAMinute(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	b := NewBegins(60)
	take := func(ip string) time.Duration {
		t.Helper()
		err := b.Take(ip, now)
		if err == nil {
			return 0
		}
		if !errors.Is(err, fault.Throttled) {
			t.Fatalf("Take(%s) = %v, want fault.Throttled", ip, err)
		}
		return fault.Of(err).RetryAfter
	}
	for i := range 60 {
		if wait := take("203.0.113.9"); wait != 0 {
			t.Fatalf("sign-in %d waits %v", i+1, wait)
		}
	}
	if wait := take("203.0.113.9"); wait != time.Second {
		t.Errorf("the sixty-first waits %v, want a second", wait)
	}
	if wait := take("203.0.113.10"); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	// Those who were refused do not count, and a minute's worth does not come back at its turn.
	now = now.Add(time.Second)
	if first, second := take("203.0.113.9"), take("203.0.113.9"); first != 0 || second != time.Second {
		t.Errorf("a second later two wait %v and %v, want none and a second", first, second)
	}
	now = now.Add(59 * time.Second)
	for i := range 59 {
		if wait := take("203.0.113.9"); wait != 0 {
			t.Errorf("after 59 seconds sign-in %d waits %v", i+1, wait)
		}
	}
	if wait := take("203.0.113.9"); wait != time.Second {
		t.Errorf("after 59 seconds the sixtieth waits %v, want a second", wait)
	}

	// A network of IPv6 is one address.
	for i := range 60 {
		if wait := take(fmt.Sprintf("2001:db8::%x", i+1)); wait != 0 {
			t.Fatalf("sign-in %d waits %v", i+1, wait)
		}
	}
	if wait := take("2001:db8::ffff"); wait == 0 {
		t.Error("a network of IPv6 has no limit")
	}
	if wait := take("2001:db8:0:1::1"); wait != 0 {
		t.Errorf("the network beside it waits %v", wait)
	}

	// However many come, few are remembered.
	for i := range 3 * addressesMost {
		take(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
	}
	if got := len(b.by) + len(b.old); got > 2*addressesMost {
		t.Errorf("%d addresses are remembered", got)
	}
	none := NewBegins(0)
	for range 1000 {
		if err := none.Take("203.0.113.9", now); err != nil {
			t.Fatalf("without a limit = %v", err)
		}
	}
}
