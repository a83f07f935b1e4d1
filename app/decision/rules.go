package decision

import (
	"encoding/json"
	"slices"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Rules is what holds in a tenant. It is never changed, only replaced.
type Rules struct {
	Features feature.Table
	Ways     Ways
}

// Ways is what a tenant says of its ways in.
type Ways struct {
	method.Off
	Limits []Limit `json:"limits,omitempty"` // by way
}

// Limit says that a way is for members of groups; with none of them it is for nobody.
type Limit struct {
	Way    user.Ways `json:"way"`
	Groups []string  `json:"groups"` // ids, sorted
}

// Reports says whether some rule is only reported.
func (r *Rules) Reports() bool {
	for i := range r.Features.Rules {
		if r.Features.Rules[i].Stage == feature.ReportOnly {
			return true
		}
	}
	return false
}

// text is how rules are stored.
type text struct {
	Features map[feature.Feature]feature.Rule `json:"features"` // those that the tenant says otherwise than the catalogue
	Released []feature.Feature                `json:"released"`
	Ways     Ways                             `json:"ways"`
}

// Text gives the rules as they are stored: the same rules make the same text.
func (r *Rules) Text() string {
	t := text{Features: map[feature.Feature]feature.Rule{}, Released: r.Features.Released.Features(), Ways: r.Ways}
	usual := feature.Usual()
	for _, e := range feature.Catalogue {
		if rule := r.Features.Rule(e.Feature); !Same(rule, usual.Rule(e.Feature)) {
			t.Features[e.Feature] = rule
		}
	}
	out, err := json.Marshal(t)
	if err != nil {
		panic(err) // there is nothing in it that cannot be written
	}
	return string(out)
}

// Same says whether two rules of a feature are one.
func Same(a, b feature.Rule) bool {
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	return string(left) == string(right)
}

// Fingerprint tells rules from others.
func (r *Rules) Fingerprint() string { return secret.Digest(r.Text())[:24] }

// Read reads what Text wrote.
func Read(written string) (*Rules, error) {
	var t text
	if err := json.Unmarshal([]byte(written), &t); err != nil {
		return nil, err
	}
	table := feature.Usual()
	table.Released = 0
	for _, f := range t.Released {
		if e, ok := feature.Find(f); ok {
			table.Released |= e.Bit
		}
	}
	for f, rule := range t.Features {
		table = table.With(f, rule)
	}
	return &Rules{Features: *table, Ways: t.Ways}, nil
}

// Load reads what holds in a tenant, in the act tx or as it stands.
func Load(tx *store.Tx, tenantID string) (*Rules, error) {
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return nil, err
	}
	r := &Rules{Features: *table}
	var row struct {
		method.Off
		LimitedWays user.Ways
	}
	if _, err := tx.One(&row, "SELECT no_sign_in, no_second, no_recovery, limited_ways FROM tenants WHERE id = ?", tenantID); err != nil {
		return nil, err
	}
	r.Ways.Off = row.Off
	if row.LimitedWays == 0 {
		return r, nil
	}
	var limits []struct {
		Way     user.Ways
		GroupID string
	}
	if err := tx.All(&limits, "SELECT way, group_id FROM method_groups WHERE tenant_id = ? ORDER BY way, group_id", tenantID); err != nil {
		return nil, err
	}
	for _, w := range method.Ways {
		if !row.LimitedWays.Has(w.Bit) {
			continue
		}
		limit := Limit{Way: w.Bit}
		for _, l := range limits {
			if l.Way == w.Bit {
				limit.Groups = append(limit.Groups, l.GroupID)
			}
		}
		slices.Sort(limit.Groups)
		r.Ways.Limits = append(r.Ways.Limits, limit)
	}
	return r, nil
}
