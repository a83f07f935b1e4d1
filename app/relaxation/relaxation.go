package relaxation

import (
	"slices"
	"time"
)

// Relaxation is one thing that an outage may loosen. Add, never rename.
type Relaxation string

const (
	HeldBackWays   Relaxation = "held_back_ways"
	LongerSessions Relaxation = "longer_sessions"
	ReadOut        Relaxation = "read_out"
	MoreBypasses   Relaxation = "more_bypasses"
	NoCampaign     Relaxation = "no_campaign"
)

// LastsMost is how long an outage may last (product.md §7).
const LastsMost = 4 * time.Hour

// Entry is one of them.
type Entry struct {
	Relaxation Relaxation
	Bit        int      // as in rows: add, never move
	With       []string // channels of which one must have failed; none: any
}

// All are all of them, in the order in which pages show them.
var All = []Entry{
	{HeldBackWays, 1 << 0, nil},
	{LongerSessions, 1 << 1, nil},
	{ReadOut, 1 << 2, []string{"sms", "voice"}},
	{MoreBypasses, 1 << 3, nil},
	{NoCampaign, 1 << 4, nil},
}

// Bits gives relaxations as they are stored; ok is false when one is none.
func Bits(all []Relaxation) (bits int, ok bool) {
	for _, r := range all {
		bit := r.bit()
		if bit == 0 {
			return 0, false
		}
		bits |= bit
	}
	return bits, true
}

// List gives them back, in the order of All.
func List(bits int) (all []Relaxation) {
	for _, e := range All {
		if bits&e.Bit != 0 {
			all = append(all, e.Relaxation)
		}
	}
	return all
}

func (r Relaxation) bit() int {
	i := slices.IndexFunc(All, func(e Entry) bool { return e.Relaxation == r })
	if i < 0 {
		return 0
	}
	return All[i].Bit
}
