package settings

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/place"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// The acts on the places that a tenant has a name for.
const (
	KindSetPlace    approval.Kind = "place.set"       // name one, or change one
	KindRemovePlace approval.Kind = "place.remove"    // forget one
	KindElsewhere   approval.Kind = "place.elsewhere" // how the number is given back everywhere else
)

// Places are the places that a tenant has a name for, and the way to give the
// number back where a browser is in none of them. Without one, or with one that is
// weaker than that of everywhere, it is the same.
type Places struct {
	Named     place.Named
	Elsewhere tenant.MatchMode

	text string // as it is stored
}

// PlaceChange is a place as it shall be; without an id it is a new one. Version is
// that of the place that whoever changes it has read, see place.Site.
type PlaceChange struct {
	place.Site
	Version string `json:"version,omitempty"`
}

// Elsewhere is how the number shall be given back elsewhere; empty is as everywhere.
type Elsewhere struct {
	Mode tenant.MatchMode `json:"mode"`
}

// Places gives the places of a tenant.
func (s *Service) Places(ctx context.Context, tenantID string) (Places, error) {
	found, err := placesOf(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

func placesOf(tx *store.Tx, tenantID string) (Places, error) {
	var row struct{ Places, Elsewhere string }
	ok, err := tx.One(&row, "SELECT places, match_mode_elsewhere AS elsewhere FROM tenants WHERE id = ?", tenantID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return Places{}, err
	}
	named, err := place.Read(row.Places)
	return Places{Named: named, Elsewhere: tenant.MatchMode(row.Elsewhere), text: row.Places}, err
}

// setPlace plans to name a place, or to change the one with its id.
func setPlace(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked PlaceChange
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := placesOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	before, site := "", asked.Site
	if site.ID != "" {
		now, ok := was.Named.Of(site.ID)
		if !ok {
			return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
		}
		if now.Version() != asked.Version {
			return approval.Plan{}, fault.New(fault.Conflict, "settings.changed_meanwhile")
		}
		before = now.Text()
	}
	next := was
	next.Named = was.Named.With(site)
	plan := was.to(next, act, audit.PlaceSet, approval.Change{Field: "place", Before: before, After: site.Text()})
	if plan.Wrong = next.Named.Check(); plan.Wrong == nil && before == site.Text() {
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}

// removePlace plans to forget the place with an id.
func removePlace(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked place.Site
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := placesOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	now, ok := was.Named.Of(asked.ID)
	if !ok {
		return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
	}
	next := was
	next.Named = was.Named.Without(asked.ID)
	return was.to(next, act, audit.PlaceRemoved, approval.Change{Field: "place", Before: now.Text()}), nil
}

// elsewhere plans to change how the number is given back everywhere else.
func elsewhere(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Elsewhere
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := placesOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	next := was
	next.Elsewhere = asked.Mode
	plan := was.to(next, act, audit.SettingsChanged, approval.Change{Field: "match_mode_elsewhere", Before: string(was.Elsewhere), After: string(asked.Mode)})
	switch {
	case asked.Mode != "" && asked.Mode.Strength() < 0:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"match_mode_elsewhere": "settings.match_mode_form"})
	case asked.Mode == was.Elsewhere:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}

// to plans the way from p to next, which is one line: one statement, which finds nothing
// when somebody else was there first.
func (p Places) to(next Places, act approval.Act, action audit.Action, line approval.Change) approval.Plan {
	plan := approval.Plan{Questions: []access.Question{{
		TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: next.loosens(p),
	}}, Difference: []approval.Change{line}}
	plan.Do = func(tx *store.Tx) error {
		text, err := next.Named.Identified(secret.System.ShortID).Text()
		if err != nil {
			return err
		}
		err = tx.Change(fault.New(fault.Conflict, "settings.changed_meanwhile"), "UPDATE tenants SET places = ?, match_mode_elsewhere = ? WHERE id = ? AND places = ? AND match_mode_elsewhere = ?",
			text, next.Elsewhere, act.TenantID, p.text, p.Elsewhere)
		if err != nil {
			return err
		}
		return record(tx, act, action, plan.Difference)
	}
	return plan
}

// loosens says whether p asks less of a phone than was, for some address: less
// elsewhere, or fewer places that are elsewhere.
func (p Places) loosens(was Places) bool {
	return p.Elsewhere.Strength() < was.Elsewhere.Strength() ||
		p.Elsewhere != "" && p.Named.Wider(was.Named)
}
