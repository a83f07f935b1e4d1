package operator

import (
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/role"
	"latchkey/app/setup"
	"latchkey/app/store"
)

// Service carries out what operators do.
type Service struct {
	DB       *store.DB
	Resolver Resolver
	Wait     time.Duration // for a name server; 3 s when zero
	Setup    *setup.Service
	Roles    *role.Service
}

// note records e where it happened and on the platform, in one thread for each
// tenant, so that what operators did to it reads as one story.
func note(tx *store.Tx, e audit.Event) error {
	e.Thread = e.TenantID
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	return noteOnPlatform(tx, e)
}

// noteOnPlatform is note for what the tenant's own audit has already.
func noteOnPlatform(tx *store.Tx, e audit.Event) error {
	e.Thread, e.TenantID, e.Subject = e.TenantID, access.Platform, ""
	for _, party := range []audit.Party{e.Actor, e.Target} {
		if party.Kind == audit.KindOperator {
			e.Subject = party.ID
		}
	}
	return audit.Record(tx, e)
}

// find gives the tenant with slug. The platform itself is none that an operator
// works on: it would shut them out.
func find(tx *store.Tx, slug string) (id string, err error) {
	ok, err := tx.One(&id, "SELECT id FROM tenants WHERE slug = ? AND id <> ?", slug, access.Platform)
	if err == nil && !ok {
		err = notFound()
	}
	return id, err
}

// hold is find for acts that must not run beside another one on the same tenant:
// it takes the tenant's row.
func hold(tx *store.Tx, slug string) (id string, err error) {
	ok, err := tx.One(&id, "UPDATE tenants SET slug = slug WHERE slug = ? AND id <> ? RETURNING id", slug, access.Platform)
	if err == nil && !ok {
		err = notFound()
	}
	return id, err
}

func notFound() error { return fault.New(fault.NotFound, "http.not_found") }

// reasonMost is how long the reason of an act may be, in letters.
const reasonMost = 200
