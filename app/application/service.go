package application

import (
	"context"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// The acts on applications.
const (
	KindRegister approval.Kind = "application.register"
	KindChange   approval.Kind = "application.change"
	KindSecret   approval.Kind = "application.secret" // a new one; the old one is worth nothing from then on
	KindDelete   approval.Kind = "application.delete"
)

// Registration is an application to be registered. Its secret is made by whoever asks
// (NewSecret), who shows it; here only its digest comes.
type Registration struct {
	ID           string `json:"id"`
	Kind         Kind   `json:"kind"`
	SecretDigest string `json:"secret_digest,omitempty"`
	Settings
}

// Change is an application as it shall be. Version is that of the one that whoever
// changes it has read.
type Change struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Settings
}

// NewSecretOf gives an application another secret.
type NewSecretOf struct {
	ID           string `json:"id"`
	SecretDigest string `json:"secret_digest"`
}

// Deletion ends an application, and everything that it holds.
type Deletion struct {
	ID string `json:"id"`
}

// NewID and NewSecret make what a new application is known by.
func NewID() string           { return secret.System.ID() }
func NewSecret() secret.Token { return secret.System.Token() }

// Service keeps the applications of tenants.
type Service struct {
	DB   *store.DB
	Keys *secret.Keys
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindRegister: s.register, KindChange: s.change, KindSecret: s.newSecret, KindDelete: s.remove,
	}
}

// List lists the applications of a tenant, by name.
func (s *Service) List(ctx context.Context, tenantID string) ([]Application, error) {
	all, err := list(s.DB.View(ctx), tenantID)
	return all, store.Unusable(err)
}

// Of gives one: fault.NotFound when the tenant has none such.
func (s *Service) Of(ctx context.Context, tenantID, id string) (Application, error) {
	a, err := find(s.DB.View(ctx), tenantID, id)
	return a, store.Unusable(err)
}

// Groups gives the groups that an application may be limited to, by name: the first
// ones, and those that some application is limited to, which a form must not lose.
func (s *Service) Groups(ctx context.Context, tenantID string) ([]group.Named, error) {
	all, err := group.Offered(s.DB.View(ctx), tenantID, group.In("application_groups"))
	return all, store.Unusable(err)
}

// plan is the beginning of the plan of an act.
func plan(act approval.Act, loosens bool) approval.Plan {
	return approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.IntegrationEdit, Loosens: loosens}}}
}

func event(act approval.Act, action audit.Action, id string, lines []approval.Change) audit.Event {
	e := act.Event(action)
	e.Target = audit.Party{Kind: audit.KindApplication, ID: id}
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	for _, line := range lines {
		e.Details[line.Field] = strings.TrimSpace(line.Before + " → " + line.After)
	}
	return e
}

// register plans a new application.
func (s *Service) register(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Registration
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	next, p := asked.tidy(), plan(act, false)
	groups, err := group.NamesOf(tx, act.TenantID, next.Groups...)
	if err != nil {
		return p, err
	}
	fields := next.wrong(groups)
	if asked.Kind != Public && asked.Kind != Confidential {
		fields["kind"] = "application.kind_form"
	}
	if err := taken(tx, act.TenantID, next.Name, "", fields); err != nil {
		return p, err
	}
	if err := full(tx, act.TenantID, fields); err != nil {
		return p, err
	}
	if len(fields) > 0 {
		p.Wrong = fault.Wrong("form.wrong", fields)
	}
	p.Difference = append(next.difference(Settings{}, groups), approval.Change{Field: "application_kind", After: string(asked.Kind)})
	p.Do = func(tx *store.Tx) error {
		if err := insert(tx, act, asked, next); err != nil {
			return err
		}
		return audit.Record(tx, event(act, audit.ApplicationRegistered, asked.ID, p.Difference))
	}
	return p, nil
}

// change plans to change one. What gives more than before waits for a second person.
func (s *Service) change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Change
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := find(tx, act.TenantID, asked.ID)
	if err != nil {
		return approval.Plan{}, err
	}
	next := asked.tidy()
	p := plan(act, next.loosens(was.Settings))
	groups, err := group.NamesOf(tx, act.TenantID, append(next.Groups, was.Groups...)...)
	if err != nil {
		return p, err
	}
	fields := next.wrong(groups)
	if err := taken(tx, act.TenantID, next.Name, was.ID, fields); err != nil {
		return p, err
	}
	p.Difference = next.difference(was.Settings, groups)
	switch {
	case len(fields) > 0:
		p.Wrong = fault.Wrong("form.wrong", fields)
	case asked.Version != was.Version:
		p.Wrong = fault.New(fault.Conflict, "application.changed_meanwhile")
	case len(p.Difference) == 0:
		p.Wrong = fault.New(fault.Conflict, "application.same")
	}
	p.Do = func(tx *store.Tx) error {
		if err := update(tx, act, was, next); err != nil {
			return err
		}
		return audit.Record(tx, event(act, audit.ApplicationChanged, was.ID, p.Difference))
	}
	return p, nil
}

// newSecret plans to replace a secret. Nothing is loosened: whoever had the old one has
// nothing then.
func (s *Service) newSecret(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked NewSecretOf
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := find(tx, act.TenantID, asked.ID)
	if err != nil {
		return approval.Plan{}, err
	}
	p := plan(act, false)
	p.Difference = []approval.Change{{Field: "application_secret", Before: was.Name, After: was.Name}}
	if was.Kind != Confidential {
		p.Wrong = fault.New(fault.Conflict, "application.no_secret")
	}
	p.Do = func(tx *store.Tx) error {
		if err := renewSecret(tx, act.TenantID, was.ID, asked.SecretDigest); err != nil {
			return err
		}
		return audit.Record(tx, event(act, audit.ApplicationSecretMade, was.ID, nil))
	}
	return p, nil
}

// remove plans to delete one, with what it holds. What it did stays in the audit.
func (s *Service) remove(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Deletion
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := find(tx, act.TenantID, asked.ID)
	if err != nil {
		return approval.Plan{}, err
	}
	p := plan(act, false)
	p.Difference = []approval.Change{{Field: "application", Before: was.Name}}
	p.Do = func(tx *store.Tx) error {
		if err := erase(tx, act.TenantID, was.ID); err != nil {
			return err
		}
		return audit.Record(tx, event(act, audit.ApplicationDeleted, was.ID, p.Difference))
	}
	return p, nil
}
