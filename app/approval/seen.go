package approval

import (
	"context"
	"strings"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Person is somebody whom a request mentions. The names are empty when nobody
// knows them here.
type Person struct{ ID, Name, DisplayName string }

// Seen is a request as somebody sees it.
type Seen struct {
	Request
	Requester, Target, Decider Person
	Lines                      []Change       // the difference, with the names of custom roles in the place of their ids
	Verdict                    access.Verdict // whether the one who looks may decide it
}

// sees says whether somebody may look at a request: it is theirs, they decided
// it, they may decide it, or they watch over the whole tenant.
func sees(r Request, v access.Verdict) bool {
	own := v.Actor.UserID != "" && (v.Actor.UserID == r.RequesterID || v.Actor.UserID == r.DecidedBy)
	return own || v.Err() == nil || watches(v.Actor)
}

func watches(s access.Standing) bool {
	return s.Rank >= access.Ranks[access.RoleAuditor] && len(s.Scope) == 0
}

// Find gives one request. One of another tenant, or one that viewerID may not
// see, is fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id, viewerID string) (Seen, error) {
	tx := s.DB.View(ctx)
	r, err := find(tx, tenantID, id)
	if err != nil {
		return Seen{}, store.Unusable(err)
	}
	v, err := s.mayApprove(tx, r, viewerID)
	if err != nil {
		return Seen{}, store.Unusable(err)
	}
	if !sees(r, v) {
		return Seen{}, fault.New(fault.NotFound, "http.not_found")
	}
	seen, err := show(tx, tenantID, []Request{r}, []access.Verdict{v})
	if err != nil {
		return Seen{}, store.Unusable(err)
	}
	return seen[0], nil
}

// show gives requests with the names of those in them, and with their verdicts
// where there are any.
func show(tx *store.Tx, tenantID string, requests []Request, verdicts []access.Verdict) ([]Seen, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	var people, roles []string
	for _, r := range requests {
		people = append(people, r.RequesterID, r.TargetID, r.DecidedBy)
		roles = append(roles, customRoles(r.Difference)...)
	}
	named, err := names(tx, tenantID, people)
	if err != nil {
		return nil, err
	}
	called, err := roleNames(tx, tenantID, roles)
	if err != nil {
		return nil, err
	}
	seen := make([]Seen, len(requests))
	for i, r := range requests {
		seen[i] = Seen{
			Request: r, Requester: named[r.RequesterID], Target: named[r.TargetID], Decider: named[r.DecidedBy],
			Lines: readable(r.Difference, called),
		}
		if verdicts != nil {
			seen[i].Verdict = verdicts[i]
		}
	}
	return seen, nil
}

// names reads the names of people. Operators are users of the platform, behind a
// wall of its own.
func names(tx *store.Tx, tenantID string, ids []string) (map[string]Person, error) {
	named := map[string]Person{}
	for _, id := range ids {
		named[id] = Person{ID: id}
	}
	read := func(tx *store.Tx, tenantID string) error {
		var found []Person
		err := tx.All(&found, "SELECT id, name, display_name FROM users WHERE tenant_id = ? AND id IN ?", tenantID, ids)
		for _, p := range found {
			named[p.ID] = p
		}
		return err
	}
	if err := read(tx, tenantID); err != nil {
		return nil, err
	}
	for id, p := range named {
		if id != "" && p.Name == "" {
			return named, tx.Outside(func(tx *store.Tx) error { return read(tx, access.Platform) })
		}
	}
	return named, nil
}

func customRoles(lines []Change) (ids []string) {
	for _, line := range lines {
		for _, value := range []string{line.Before, line.After} {
			if strings.HasPrefix(value, access.CustomPrefix) {
				ids = append(ids, value)
			}
		}
	}
	return ids
}

// roleNames reads the names of custom roles, retired ones too.
func roleNames(tx *store.Tx, tenantID string, ids []string) (map[string]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []struct{ ID, Name string }
	err := tx.All(&found, "SELECT id, name FROM custom_roles WHERE tenant_id = ? AND id IN ?", tenantID, ids)
	called := map[string]string{}
	for _, role := range found {
		called[role.ID] = role.Name
	}
	return called, err
}

// readable gives a difference with the names of custom roles behind their prefix,
// which still tells them from the built-in ones.
func readable(lines []Change, called map[string]string) []Change {
	all := make([]Change, len(lines))
	name := func(value string) string {
		if name := called[value]; name != "" {
			return access.CustomPrefix + name
		}
		return value
	}
	for i, line := range lines {
		all[i] = Change{Field: line.Field, Before: name(line.Before), After: name(line.After)}
	}
	return all
}
