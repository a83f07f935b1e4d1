package feature

// Condition is one that a person must meet to have a feature.
type Condition struct {
	Name string // key of its words, under rollout.condition
	Met  bool
	// What it was judged by: of a group its id, of a percentage the place and the
	// share (both of ten thousand), of a feature that is needed its name.
	Group        string
	Place, Share int64
	Needed       Feature
}

// Explain gives every condition of a feature for a person, and not the first one
// alone that is not met: who mends one should not find the next.
func (t *Table) Explain(f Feature, p *Person) (has bool, all []Condition) {
	e, ok := Find(f)
	if !ok {
		return false, nil
	}
	all = append(all, Condition{Name: "released", Met: t.Released&e.Bit != 0})
	r := &t.Rules[e.index]
	all = append(all, e.stage(r, p)...)
	for _, g := range r.Exclude {
		all = append(all, Condition{Name: "not_excluded", Met: !within(p.Groups, []string{g}), Group: g})
	}
	set := t.Of(p)
	for i := range Catalogue {
		if needed := &Catalogue[i]; e.needs&needed.Bit != 0 {
			all = append(all, Condition{Name: "needs", Met: set&needed.Bit != 0, Needed: needed.Feature})
		}
	}
	return set&e.Bit != 0, all
}

// stage gives the conditions of the stage. Of included groups one is enough, and in a
// percentage one of them is as good as the place.
func (e *Entry) stage(r *Rule, p *Person) (all []Condition) {
	included := within(p.Groups, r.Include)
	member := func(instead bool) {
		for _, g := range r.Include {
			all = append(all, Condition{Name: "member", Met: instead || included, Group: g})
		}
	}
	switch r.Stage {
	case Everyone:
		all = append(all, Condition{Name: "everyone", Met: true})
	case Pilot:
		if len(r.Include) == 0 {
			all = append(all, Condition{Name: "no_pilot"})
		}
		member(false)
	case Percentage:
		place, share := e.Place(p.Seed), int64(r.Share)*scale/100
		all = append(all, Condition{Name: "percentage", Met: place < share || included, Place: place, Share: share})
		member(place < share)
	case UsersChoice:
		all = append(all, Condition{Name: "chosen", Met: p.Chosen&e.Bit != 0})
		member(false)
	default:
		all = append(all, Condition{Name: string(r.Stage)})
	}
	return all
}
