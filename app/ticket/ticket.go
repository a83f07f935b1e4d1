// Package ticket shows what administrators did under a ticket: a word of another
// system, such as CHG-1042, that whoever acts may put beside the reason. It is frozen
// with an act, stands in its audit event, and has no rules of its own here.
//
//	Beginning  the tickets whose name begins with what somebody typed
//	Find       what was done under one, the newest first
//
// What somebody is told of it is what their audit.read says (roles.md), and outside the
// groups that a role is limited to nothing was done. A ticket of which they are told
// nothing is not there for them.
package ticket

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/store"
	"latchkey/app/user"
)

const (
	PageLength     = 30
	beginningLeast = 2 // letters, before tickets are looked for
)

// Service finds tickets.
type Service struct{ DB *store.DB }

// Beginning gives the names of up to most tickets that begin with a text, as far as
// who may know of them.
func (s *Service) Beginning(ctx context.Context, who access.Standing, typed string, most int) ([]string, error) {
	part, told := partFor(who)
	if !told || len(typed) < beginningLeast {
		return nil, nil
	}
	return audit.TicketsFrom(ctx, s.DB, who.TenantID, typed, part, most)
}

// Position is where a page ends. The zero one is the beginning.
type Position struct {
	At time.Time
	ID string
}

// Page is what was done under a ticket, a page of it.
type Page struct {
	Name   string // as it was typed the last time
	Events []audit.Entry
	Names  map[string]string // sign-in names of those who acted and whom it was done to, by id
	Told   people.Telling    // how much of it who asks is told
	More   bool              // older ones follow
}

// Find gives what was done under a ticket. One that who asks is told nothing of is
// fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, name string, before Position) (p Page, err error) {
	none := fault.New(fault.NotFound, "http.not_found")
	part, told := partFor(who)
	if !told || !audit.IsTicket(name) {
		return p, none
	}
	p.Told = people.TellingFor(who)
	p.Events, err = audit.UnderTicket(ctx, s.DB, who.TenantID, name, part, before.At, before.ID, PageLength+1)
	if err != nil {
		return p, err
	}
	if len(p.Events) == 0 {
		return p, none
	}
	if p.More = len(p.Events) > PageLength; p.More {
		p.Events = p.Events[:PageLength]
	}
	p.Name = p.Events[0].Ticket
	var ids []string
	for i, e := range p.Events {
		if !who.May.Has(access.AuditReadPersonal) {
			p.Events[i].IP = people.MaskIP(e.IP)
		}
		if ids = append(ids, e.Subject); e.ActorKind == audit.KindUser {
			ids = append(ids, e.ActorID)
		}
	}
	p.Names, err = user.NamesOf(s.DB.View(ctx), who.TenantID, ids...)
	return p, store.Unusable(err)
}

// partFor is what somebody is told of what was done, and whether that is anything.
func partFor(who access.Standing) (part audit.Part, told bool) {
	telling := people.TellingFor(who)
	part = telling.Part(who.UserID)
	part.Within = who.Scope
	return part, telling != people.Nothing
}
