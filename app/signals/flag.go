package signals

// Signal is something about an agent that is counted. Add, never rename.
type Signal string

const (
	Unchecked  Signal = "unchecked"    // without a caller check
	Weakest    Signal = "weakest"      // by the word of a manager
	OutOfHours Signal = "out_of_hours" // of the desk
	Again      Signal = "again"        // for the same person, within AgainSpan
	Unused     Signal = "unused"       // over, and never used
	Disowned   Signal = "disowned"     // taken back by its person
	OwnTeam    Signal = "own_team"     // for somebody of the agent's team
	Refused    Signal = "refused"      // checks: the caller was not proved
	Held       Signal = "held"         // checks that a brake held
	Declined   Signal = "declined"     // approvals that were refused
)

// Signals are all of them, in the order of a page.
var Signals = []Signal{Unchecked, Weakest, OutOfHours, Again, Unused, Disowned, OwnTeam, Refused, Held, Declined}

// Count is what an agent did in a time.
type Count struct {
	Given  int // bypasses
	Weaker int // of them by a code to a backup phone
	Checks int // caller checks begun, or held
	Asked  int // approvals of bypasses
	Of     map[Signal]int
}

// Base is what a signal is a share of.
func (c Count) Base(s Signal) int {
	switch s {
	case Refused, Held:
		return c.Checks
	case Declined:
		return c.Asked
	}
	return c.Given
}

// And is both together.
func (c Count) And(o Count) Count {
	sum := Count{Given: c.Given + o.Given, Weaker: c.Weaker + o.Weaker, Checks: c.Checks + o.Checks, Asked: c.Asked + o.Asked, Of: map[Signal]int{}}
	for _, s := range Signals {
		if n := c.Of[s] + o.Of[s]; n > 0 {
			sum.Of[s] = n
		}
	}
	return sum
}

// The rule by which a figure is far above those of peers; see the package.
const (
	SampleLeast = 10
	FlagLeast   = 5
	PeersLeast  = 2
	PeersSample = 30
	Factor      = 3
)

// Flag is a figure that is far above, with those that it was decided on.
type Flag struct {
	Signal           Signal
	N, Of            int
	PeersN, PeersOf  int
	Peers            int
	WithoutComparing bool // it is flagged as it is
}

// Far says which figures of an agent are far above those of all their peers together.
func Far(own, peers Count, agents map[Signal]int) (flags []Flag) {
	for _, s := range Signals {
		f := Flag{Signal: s, N: own.Of[s], Of: own.Base(s), PeersN: peers.Of[s], PeersOf: peers.Base(s), Peers: agents[s]}
		switch {
		case s == Unchecked:
			if f.N > 0 {
				f.WithoutComparing = true
				flags = append(flags, f)
			}
		case f.Of < SampleLeast || f.N < FlagLeast || f.Peers < PeersLeast || f.PeersOf < PeersSample:
		case f.N*f.PeersOf >= Factor*max(f.PeersN, 1)*f.Of:
			flags = append(flags, f)
		}
	}
	return flags
}
