package throttle

import (
	"strconv"
	"testing"
	"time"
)

func TestWaitsGrow(t *testing.T) {
	for nth, want := range []time.Duration{time.Minute, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		if got := growing(nth, addressPause, addressMost); nth > 0 && got != want {
			t.Errorf("wait number %d is %v, want %v", nth, got, want)
		}
	}
	if growing(1<<40, PauseLife, PauseMost) != PauseMost {
		t.Error("a wait has no end")
	}
}

func TestTheStatementsKnowTheLimit(t *testing.T) {
	if offAfter != strconv.Itoa(OffAfter) {
		t.Errorf("statements say %s, and the limit is %d", offAfter, OffAfter)
	}
}

func TestACountNamesItsWay(t *testing.T) {
	for counted, want := range map[string]string{"password": "password", "password:here": "password", "totp:here": "totp", "address": "address"} {
		if way, known := Part(counted); way != want || known != (way != counted) {
			t.Errorf("Part(%q) = %q, %t", counted, way, known)
		}
	}
}
