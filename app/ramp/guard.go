package ramp

import "latchkey/app/signin"

// Causes of a halt. Add, never rename.
const (
	CauseFailure        = "failure"
	CauseBypass         = "bypass"
	CauseAdministrators = "administrators" // the next step, or the one back, would leave too few who can sign in
	CauseGroup          = "group"          // a rule speaks of a group that is gone
	CauseApproval       = "approval"       // who began it, or approved it, may not any more
)

// Baselines that a ring is compared with.
const (
	ByOthers = "others" // people who are not in the ring, over the same window
	ByDay    = "day"    // everybody, on the day before the ramp
	ByBoth   = "both"
	ByNone   = "none" // there is nothing to compare with
)

// Figures are what a guard decides on.
type Figures struct {
	Ring     signin.Tally `json:"ring"`
	Baseline signin.Tally `json:"baseline"`
	By       string       `json:"by"` // which baseline
}

// Baseline chooses what a ring is compared with.
func (g Guard) Baseline(others, day signin.Tally) (signin.Tally, string) {
	both := others.Add(day)
	switch {
	case others.Tries >= g.Sample:
		return others, ByOthers
	case day.Tries >= g.Sample:
		return day, ByDay
	case both.SignIns > 0:
		return both, ByBoth
	}
	return both, ByNone
}

// Judge says whether a guard fires, and for what cause; empty when it does not. It asks
// the figures alone, so the same figures come to the same whoever asks and when.
func (g Guard) Judge(f Figures) (cause string) {
	switch {
	case g.Above(f.Ring.Failed, f.Ring.Tries, f.Baseline.Failed, f.Baseline.Tries, g.Failure):
		return CauseFailure
	case g.Above(f.Ring.Bypassed, f.Ring.SignIns, f.Baseline.Bypassed, f.Baseline.SignIns, g.Bypass):
		return CauseBypass
	}
	return ""
}

// Above says whether n of a ring is a greater share than m of a baseline by more than a
// margin, in whole numbers: n/all > m/others + margin/100. An empty baseline is none.
func (g Guard) Above(n, all, m, others, margin int) bool {
	if all < g.Sample || all == 0 {
		return false
	}
	if others == 0 {
		m, others = 0, 1
	}
	return int64(n)*int64(others)*100 > int64(m)*int64(all)*100+int64(margin)*int64(all)*int64(others)
}

// Limit gives the share, in thousandths, above which a guard fires.
func (g Guard) Limit(m, others, margin int) int {
	if others == 0 {
		return margin * 10
	}
	return m*1000/others + margin*10
}
