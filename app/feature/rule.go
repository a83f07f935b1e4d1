package feature

import (
	"slices"

	"latchkey/app/user"
)

// Stage is how far a tenant has opened a feature.
type Stage string

const (
	Off         Stage = "off"
	ReportOnly  Stage = "report_only"  // nobody has it; who would is written down
	Pilot       Stage = "pilot"        // the members of groups
	Percentage  Stage = "percentage"   // a share of all, and the members of groups
	Everyone    Stage = "everyone"     // all
	UsersChoice Stage = "users_choice" // who turns it on
)

// Stages are all of them, from nobody to everybody.
var Stages = []Stage{Off, ReportOnly, Pilot, Percentage, Everyone, UsersChoice}

// Rule is what a tenant says of one feature.
type Rule struct {
	Stage   Stage    `json:"stage"`
	Share   int      `json:"percentage,omitempty"` // percent, of Percentage and of what ReportOnly writes down
	Include []string `json:"include,omitempty"`    // ids of groups, sorted
	Exclude []string `json:"exclude,omitempty"`    // ids of groups, sorted; they win
}

// Person is what a rule asks of somebody.
type Person struct {
	Seed   int64    // users.seed
	Groups []string // ids
	Chosen Set      // what they turned on by themselves
	Lifted Set      // those whose stage does not hold them back from ways in now; see Table.Ways
}

// scale is how many places there are in a percentage, and prime what they are
// reckoned by: the largest that keeps every step within 63 bits, so that a database
// reckons the same.
const (
	scale = 10_000
	prime = 1<<31 - 1
)

// Place gives the place that a seed has in the percentages of the feature, from 0 to
// 9,999. The square keeps places of two features from following each other.
func (e *Entry) Place(seed int64) int64 {
	h := (seed*e.mix + e.shift) % prime
	return (h*h + e.mix) % prime % scale
}

// lets says whether a rule lets a person in, by itself.
func (e *Entry) lets(r *Rule, stage Stage, p *Person) bool {
	if within(p.Groups, r.Exclude) {
		return false
	}
	switch stage {
	case Everyone:
		return true
	case Pilot:
		return within(p.Groups, r.Include)
	case Percentage:
		return e.Place(p.Seed) < int64(r.Share)*scale/100 || within(p.Groups, r.Include)
	case UsersChoice:
		return p.Chosen&e.Bit != 0 && (len(r.Include) == 0 || within(p.Groups, r.Include))
	}
	return false
}

func within(groups, named []string) bool {
	if len(named) == 0 {
		return false
	}
	for _, g := range groups {
		if slices.Contains(named, g) {
			return true
		}
	}
	return false
}

// Nobody says whether a rule lets nobody in, whoever they are.
func (r Rule) Nobody() bool {
	switch r.Stage {
	case Everyone, UsersChoice:
		return false
	case Pilot:
		return len(r.Include) == 0
	case Percentage:
		return len(r.Include) == 0 && r.Share == 0
	}
	return true
}

// Everybody says whether it lets everybody in.
func (r Rule) Everybody() bool {
	return len(r.Exclude) == 0 && (r.Stage == Everyone || r.Stage == Percentage && r.Share == 100)
}

// Would gives the rule that a report writes down the effect of: that of ReportOnly as
// if it were live, any other as it is.
func (r Rule) Would() Rule {
	if r.Stage == ReportOnly {
		r.Stage = Percentage
	}
	return r
}

// Table is what holds in one tenant. It is never changed, only replaced.
type Table struct {
	Rules    [width]Rule // by the place in the catalogue
	Released Set         // what the platform has released to the tenant
}

const width = 16

// Rule gives what the tenant says of a feature.
func (t *Table) Rule(f Feature) Rule {
	e, ok := Find(f)
	if !ok {
		return Rule{Stage: Off}
	}
	return t.Rules[e.index]
}

// With gives the table with another rule for a feature.
func (t *Table) With(f Feature, r Rule) *Table {
	next := *t
	if e, ok := Find(f); ok {
		next.Rules[e.index] = r
	}
	return &next
}

// Usual is the table of a tenant that has said nothing, with everything released.
func Usual() *Table {
	t := &Table{Released: All}
	for i := range Catalogue {
		t.Rules[i].Stage = Catalogue[i].Starts
	}
	return t
}

// Of gives the features that a person has.
func (t *Table) Of(p *Person) Set { return t.open(p, 0, false) }

// Has says whether a person has a feature, and costs what that one does.
func (t *Table) Has(f Feature, p *Person) bool {
	e, ok := Find(f)
	if !ok {
		return false
	}
	for i := range e.index {
		if needed := &Catalogue[i]; e.needs&needed.Bit != 0 && !t.LetsIn(needed, p) {
			return false
		}
	}
	return t.LetsIn(e, p)
}

// LetsIn says whether the rule of a feature by itself lets a person in, whatever else it
// needs.
func (t *Table) LetsIn(e *Entry, p *Person) bool {
	r := &t.Rules[e.index]
	return t.Released&e.Bit != 0 && e.lets(r, r.Stage, p)
}

// Everybody says whether everybody in the tenant has a feature, whoever they are.
func (t *Table) Everybody(e *Entry) bool {
	for i := range Catalogue {
		if other := &Catalogue[i]; (other == e || e.needs&other.Bit != 0) && (t.Released&other.Bit == 0 || !t.Rules[i].Everybody()) {
			return false
		}
	}
	return true
}

// Choosable says whether a person may turn a feature on and off by themselves: their
// tenant leaves it to them, and it would be theirs if they chose it.
func (t *Table) Choosable(f Feature, p *Person) bool {
	e, ok := Find(f)
	if !ok || t.Rules[e.index].Stage != UsersChoice {
		return false
	}
	choosing := *p
	choosing.Chosen |= e.Bit
	return t.Has(f, &choosing)
}

// WouldBe gives those that they would have if each report were live.
func (t *Table) WouldBe(p *Person) Set { return t.open(p, 0, true) }

// open gives the features that are open to a person: by their rules, each report taken as
// if it were live where reports says so, or since their stage is lifted.
func (t *Table) open(p *Person, lifted Set, reports bool) (has Set) {
	for i := range Catalogue {
		e, r := &Catalogue[i], &t.Rules[i]
		stage := r.Stage
		if reports && stage == ReportOnly {
			stage = Percentage
		}
		lifts := lifted&e.Bit != 0 && stage != Off && stage != ReportOnly && !within(p.Groups, r.Exclude)
		if t.Released&e.Bit != 0 && (lifts || e.lets(r, stage, p)) {
			has |= e.Bit
		}
	}
	for i := range Catalogue {
		if e := &Catalogue[i]; has&e.needs != e.needs {
			has &^= e.Bit
		}
	}
	return has
}

// Ways gives the ways in that a person has: those of a set of features that is theirs,
// and those of features whose stage was lifted for them. To lift one is to take a feature
// that is open to some as open to everybody. What is off, or only reported, stays so;
// whoever is excluded does, and what the platform has not released is not there.
func (t *Table) Ways(has Set, p *Person) user.Ways { return t.ways(has, p, false) }

// WouldWays gives those that they would have if each report were live.
func (t *Table) WouldWays(has Set, p *Person) user.Ways { return t.ways(has, p, true) }

func (t *Table) ways(has Set, p *Person, reports bool) user.Ways {
	if p.Lifted == 0 {
		return has.Ways()
	}
	return t.open(p, p.Lifted, reports).Ways()
}

// Ring is a slice of people, by how a rule comes to them. Add, never rename.
type Ring string

const (
	RingGroups     Ring = "groups"     // members of groups that it names
	RingPercentage Ring = "percentage" // within its share
	RingExcluded   Ring = "excluded"   // members of groups that it excludes
	RingRest       Ring = "rest"       // everybody else
)

// Rings are all of them, from the first to get something to the last.
var Rings = []Ring{RingGroups, RingPercentage, RingRest, RingExcluded}

// RingOf gives the slice that a person is in, for a feature. A rule that is only reported
// slices as if it were live.
func (t *Table) RingOf(e *Entry, p *Person) Ring {
	r := &t.Rules[e.index]
	switch {
	case within(p.Groups, r.Exclude):
		return RingExcluded
	case within(p.Groups, r.Include):
		return RingGroups
	case (r.Stage == Percentage || r.Stage == ReportOnly) && e.Place(p.Seed) < int64(r.Share)*scale/100:
		return RingPercentage
	}
	return RingRest
}
