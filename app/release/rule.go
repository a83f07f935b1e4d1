package release

import (
	"slices"

	"latchkey/app/feature"
	"latchkey/app/tenant"
)

// Rule is what the platform says of a feature: the cells in which not all tenants have
// it. What is not among them is whole.
type Rule struct {
	Stopped bool           `json:"stopped,omitempty"`
	Cells   []feature.Cell `json:"cells,omitempty"` // by region and ring, each below a hundred percent
}

// Share gives the percentage of a cell.
func (r Rule) Share(region, ring string) int {
	for _, c := range r.Cells {
		if c.Region == region && c.Ring == ring {
			return c.Share
		}
	}
	return 100
}

// Everywhere says whether every tenant has the feature.
func (r Rule) Everywhere() bool { return !r.Stopped && len(r.Cells) == 0 }

// Nowhere says whether no tenant does.
func (r Rule) Nowhere() bool {
	return len(r.gates()) == len(tenant.Regions)*len(tenant.Rings) && !slices.ContainsFunc(r.gates(), func(c feature.Cell) bool { return c.Share > 0 })
}

// Reaches says whether a tenant has the feature.
func (r Rule) Reaches(e *feature.Entry, t Tenant) bool {
	return !r.Stopped && e.Place(t.Seed) < int64(r.Share(t.Region, t.Ring))*100
}

// gates are the cells by which statements ask.
func (r Rule) gates() []feature.Cell {
	if !r.Stopped {
		return r.Cells
	}
	var all []feature.Cell
	for _, region := range tenant.Regions {
		for _, ring := range tenant.Rings {
			all = append(all, feature.Cell{Region: region, Ring: ring})
		}
	}
	return all
}

// checked puts cells in order and leaves out what is whole. What is no percentage is
// named in wrong by region and ring, with a point between them.
func checked(cells []feature.Cell) (kept []feature.Cell, wrong map[string]string) {
	wrong = map[string]string{}
	for _, region := range tenant.Regions {
		for _, ring := range tenant.Rings {
			i := slices.IndexFunc(cells, func(c feature.Cell) bool { return c.Region == region && c.Ring == ring })
			switch {
			case i < 0 || cells[i].Share == 100:
			case cells[i].Share < 0 || cells[i].Share > 100:
				wrong[region+"."+ring] = "release.share_form"
			default:
				kept = append(kept, cells[i])
			}
		}
	}
	return kept, wrong
}

// Change is one line of what is different between two rules.
type Change struct {
	Region string `json:"region,omitempty"` // empty: of the whole
	Ring   string `json:"ring,omitempty"`
	Before int    `json:"before"` // percent; of the whole 0 or 100
	After  int    `json:"after"`
}

// difference lists what is new in a rule.
func difference(was, is Rule) (all []Change) {
	whole := map[bool]int{true: 0, false: 100}
	if was.Stopped != is.Stopped {
		all = append(all, Change{Before: whole[was.Stopped], After: whole[is.Stopped]})
	}
	for _, region := range tenant.Regions {
		for _, ring := range tenant.Rings {
			if before, after := was.Share(region, ring), is.Share(region, ring); before != after {
				all = append(all, Change{Region: region, Ring: ring, Before: before, After: after})
			}
		}
	}
	return all
}

// Tenant is what a rule asks of a tenant.
type Tenant struct {
	Region, Ring string
	Seed         int64
}

// Reach is how many tenants a rule reaches, and how that differs from another one.
type Reach struct {
	Tenants, Reached, More, Fewer int
	Cells                         []Cell // every region and ring
}

// Cell is one of them.
type Cell struct {
	Region, Ring             string
	Share, Tenants, Reaching int
}

// reach counts what a rule reaches among tenants, compared with the rule of before.
func reach(e *feature.Entry, was, is Rule, tenants []Tenant) Reach {
	r := Reach{Tenants: len(tenants)}
	for _, region := range tenant.Regions {
		for _, ring := range tenant.Rings {
			r.Cells = append(r.Cells, Cell{Region: region, Ring: ring, Share: is.Share(region, ring)})
		}
	}
	for _, t := range tenants {
		before, after := was.Reaches(e, t), is.Reaches(e, t)
		i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Region == t.Region && c.Ring == t.Ring })
		if i >= 0 {
			r.Cells[i].Tenants++
		}
		switch {
		case after && !before:
			r.More++
		case before && !after:
			r.Fewer++
		}
		if after {
			r.Reached++
			if i >= 0 {
				r.Cells[i].Reaching++
			}
		}
	}
	return r
}
