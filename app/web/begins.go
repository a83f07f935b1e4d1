package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"latchkey/app/fault"
)

// addressesMost is how many addresses are remembered at the same time. An address
// takes about 200 bytes.
const addressesMost = 20_000

// Begins limits how many sign-ins an address begins on this replica, whatever the
// names. It smooths: what guards a name is counted in the database.
type Begins struct {
	perMinute int

	mu      sync.Mutex
	turned  time.Time
	by, old map[string]*rate.Limiter // of this turn and the one before; a turn takes a minute at most
}

// NewBegins lets an address begin so many sign-ins a minute, at once or one by
// one; 0 is no limit.
func NewBegins(perMinute int) *Begins {
	return &Begins{perMinute: perMinute, by: map[string]*rate.Limiter{}}
}

// Take counts a sign-in of an address or fails with fault.Throttled.
func (b *Begins) Take(ip string, now time.Time) error {
	if b.perMinute <= 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// Who has not come for a minute may begin as many as a newcomer, so nothing is
	// lost with them.
	if now.Sub(b.turned) >= time.Minute || len(b.by) >= addressesMost {
		b.old, b.by, b.turned = b.by, map[string]*rate.Limiter{}, now
	}
	who := network(ip)
	limit := b.by[who]
	if limit == nil {
		if limit = b.old[who]; limit == nil {
			limit = rate.NewLimiter(rate.Limit(b.perMinute)/60, b.perMinute)
		}
		b.by[who] = limit
	}
	if taken := limit.ReserveN(now, 1); taken.DelayFrom(now) > 0 {
		wait := taken.DelayFrom(now)
		taken.CancelAt(now)
		return fault.Wait("http.too_many_begins", wait)
	}
	return nil
}

// network is what counts as one address: with IPv6 everybody has the 2^64 of a
// network to choose from.
func network(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if address = address.Unmap(); address.Is6() {
		if of, err := address.WithZone("").Prefix(64); err == nil {
			return of.String()
		}
	}
	return address.String()
}
