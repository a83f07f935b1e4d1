package trailview

import (
	"context"
	"encoding/json"
	"strings"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/trail"
)

// Service keeps views.
type Service struct {
	DB      *store.DB
	Rules   *access.Rules
	Secrets secret.Source
}

// List gives the views of a reader, and those of others that they may know of, by name.
func (s *Service) List(ctx context.Context, who access.Standing) (own, shared []View, err error) {
	tx := s.DB.View(ctx)
	if !who.May.Has(access.AuditRead) {
		return nil, nil, nil
	}
	all, err := seen(tx, trail.SightOf(who, tx.Now), "")
	for _, v := range all {
		if v.OwnerID == who.UserID {
			own = append(own, v)
		} else {
			shared = append(shared, v)
		}
	}
	return own, shared, store.Unusable(err)
}

// Find gives a view that a reader may know of. Any other is fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, id string) (View, error) {
	tx := s.DB.View(ctx)
	if !who.May.Has(access.AuditRead) {
		return View{}, notFound()
	}
	v, err := find(tx, trail.SightOf(who, tx.Now), id)
	return v, store.Unusable(err)
}

// Save keeps filters under a name, for nobody but who saves them, and gives the id of the
// view. It fails with fault.Invalid for filters or a name that are none, or a name that
// another view of theirs has, and with fault.Conflict when they have enough.
func (s *Service) Save(ctx context.Context, tenantID, userID, name string, filters Filters, from audit.Origin) (id string, err error) {
	id = s.Secrets.ID()
	return id, s.act(ctx, tenantID, userID, func(tx *store.Tx, who access.Standing) error {
		ill := map[string]string{}
		kept, code := filters.kept()
		if code != "" {
			ill["filters"] = code
		}
		if name = Name(name); name == "" {
			ill["name"] = "view.name_form"
		} else if is, err := taken(tx, who, name, ""); err != nil {
			return err
		} else if is {
			ill["name"] = "view.name_taken"
		}
		if len(ill) > 0 {
			return fault.Wrong("form.wrong", ill)
		}
		v := View{TenantID: tenantID, ID: id, OwnerID: userID, Name: name, Filters: kept}
		if err := insert(tx, v); err != nil {
			return err
		}
		return record(tx, audit.ViewSaved, v, who, from, nil)
	})
}

// Rename gives a view of one's own another name. It fails like Save, and with fault.Conflict
// when it was changed since version was read. The same name is no change.
func (s *Service) Rename(ctx context.Context, tenantID, userID, id, name string, version int, from audit.Origin) error {
	return s.own(ctx, tenantID, userID, id, func(tx *store.Tx, who access.Standing, v View) error {
		if name = Name(name); name == "" {
			return wrong("name", "view.name_form")
		}
		if is, err := taken(tx, who, name, id); err != nil {
			return err
		} else if is {
			return wrong("name", "view.name_taken")
		}
		if v.Version != version {
			return changed()
		}
		if v.Name == name {
			return nil
		}
		if err := v.set(tx, "name = ?, name_key = ?", name, key(name)); err != nil {
			return err
		}
		v.Name = name
		return record(tx, audit.ViewChanged, v, who, from, map[string]string{"fields": "name"})
	})
}

// Replace puts other filters in the place of those of a view of one's own. It fails like
// Rename. A shared view is private again when they are for more people than those before.
func (s *Service) Replace(ctx context.Context, tenantID, userID, id string, filters Filters, version int, from audit.Origin) (private bool, err error) {
	err = s.own(ctx, tenantID, userID, id, func(tx *store.Tx, who access.Standing, v View) error {
		next, code := filters.kept()
		if code != "" {
			return wrong("filters", code)
		}
		if v.Version != version {
			return changed()
		}
		if next == v.Filters {
			return nil
		}
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		details := map[string]string{"fields": "filters"}
		shared := v.Shared && !next.widerThan(v.Filters)
		if private = v.Shared && !shared; private {
			details["shared"] = "yes → no"
		}
		if err := v.set(tx, "filters = ?, shared = ?", string(text), shared); err != nil {
			return err
		}
		v.Filters, v.Shared = next, shared
		return record(tx, audit.ViewChanged, v, who, from, details)
	})
	return private && err == nil, err
}

// Share shows a view of one's own to those of the tenant who may ask what is in it. It fails
// with fault.Conflict when it was changed since version was read: with other filters it could
// be for others, and with another name it could say more.
func (s *Service) Share(ctx context.Context, tenantID, userID, id string, version int, from audit.Origin) error {
	return s.own(ctx, tenantID, userID, id, func(tx *store.Tx, who access.Standing, v View) error {
		if v.Shared || v.Version != version {
			return changed()
		}
		if err := v.set(tx, "shared = ?", true); err != nil {
			return err
		}
		v.Shared = true
		return record(tx, audit.ViewShared, v, who, from, map[string]string{"audience": string(v.Filters.Audience())})
	})
}

// Unshare makes a view of one's own private again. It fails with fault.Conflict when it is.
func (s *Service) Unshare(ctx context.Context, tenantID, userID, id string, from audit.Origin) error {
	return s.own(ctx, tenantID, userID, id, func(tx *store.Tx, who access.Standing, v View) error {
		if !v.Shared {
			return changed()
		}
		if err := v.set(tx, "shared = ?", false); err != nil {
			return err
		}
		v.Shared = false
		return record(tx, audit.ViewUnshared, v, who, from, nil)
	})
}

// Delete deletes a view: of one's own, or a shared one for who holds audit.verify. It fails
// with fault.Conflict when it was changed since version was read.
func (s *Service) Delete(ctx context.Context, tenantID, userID, id string, version int, from audit.Origin) error {
	return s.act(ctx, tenantID, userID, func(tx *store.Tx, who access.Standing) error {
		v, err := find(tx, trail.SightOf(who, tx.Now), id)
		if err != nil {
			return err
		}
		if !v.DeletableBy(who) {
			return notYours()
		}
		if v.Version != version {
			return changed()
		}
		if err := v.remove(tx); err != nil {
			return err
		}
		details := map[string]string{}
		if v.OwnerID != userID {
			details["owner"] = v.OwnerID
		}
		return record(tx, audit.ViewDeleted, v, who, from, details)
	})
}

// act runs do for somebody as they stand in the act itself: a role that was taken a moment ago
// is none.
func (s *Service) act(ctx context.Context, tenantID, userID string, do func(tx *store.Tx, who access.Standing) error) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		who, err := s.Rules.StandingIn(tx, tenantID, userID)
		if err != nil {
			return err
		}
		if !who.May.Has(access.AuditRead) {
			return fault.New(fault.Forbidden, "access.forbidden")
		}
		return do(tx, who)
	})
}

// own is act for what the owner of a view alone does.
func (s *Service) own(ctx context.Context, tenantID, userID, id string, do func(tx *store.Tx, who access.Standing, v View) error) error {
	return s.act(ctx, tenantID, userID, func(tx *store.Tx, who access.Standing) error {
		v, err := find(tx, trail.SightOf(who, tx.Now), id)
		if err != nil {
			return err
		}
		if v.OwnerID != userID {
			return notYours()
		}
		return do(tx, who, v)
	})
}

// record writes the event of an act, with the filters of the view as they stand there for good.
func record(tx *store.Tx, action audit.Action, v View, who access.Standing, from audit.Origin, details map[string]string) error {
	e := audit.Event{
		TenantID: v.TenantID, Action: action, Actor: audit.User(who.UserID), Target: audit.Party{Kind: audit.KindView, ID: v.ID}, Origin: from,
		Details: map[string]string{},
	}
	for name, value := range details {
		e.Details[name] = value
	}
	asked := v.Filters.Query(tx.Now)
	if asked.From = v.Filters.From; v.Filters.Range != "" {
		e.Details["range"] = v.Filters.Range
	}
	if err := trail.SightOf(who, tx.Now).Say(tx, asked, &e); err != nil {
		return err
	}
	e.Typed = strings.TrimSpace(v.Name + " " + e.Typed)
	return audit.Record(tx, e)
}
