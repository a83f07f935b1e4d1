package role

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Kinds of acts on custom roles.
const (
	KindCompose approval.Kind = "role.compose"
	KindChange  approval.Kind = "role.change"
	KindRetire  approval.Kind = "role.retire"
)

// Limits of custom roles. They are read whole whenever somebody of their tenant
// is judged.
const (
	nameLeast  = 3 // letters
	nameMost   = 60
	customMost = 100 // of a tenant
)

// Custom is a custom role as it is to be: composed without an id, or changed.
type Custom struct {
	ID          access.Role         `json:"id,omitempty"`
	Name        string              `json:"name,omitempty"`
	Permissions []access.Permission `json:"permissions,omitempty"`
	Version     int                 `json:"version,omitempty"` // as it was read; with an id
}

// compose plans to put a custom role together. It is nobody's yet, so it needs no
// second person: giving it does what giving a role does.
func (s *Service) compose(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	c, err := read(act)
	if err != nil {
		return approval.Plan{}, err
	}
	wrong, err := s.wrongWith(tx, act, c)
	if err != nil {
		return approval.Plan{}, err
	}
	var there int
	if _, err := tx.One(&there, "SELECT count(*) FROM custom_roles WHERE tenant_id = ? AND retired_at IS NULL", act.TenantID); err != nil {
		return approval.Plan{}, err
	}
	if there >= customMost {
		wrong["name"] = "role.custom_many"
	}
	return approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleCompose}},
		Wrong:      wrongly(wrong),
		Difference: []approval.Change{{Field: "name", After: c.Name}, {Field: "permissions", After: c.list()}},
		Do: func(tx *store.Tx) error {
			c.ID = access.CustomPrefix + access.Role(secret.System.ShortID())
			err := tx.Exec(`INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,?,?,?,?,?,?)`,
				act.TenantID, c.ID, c.Name, c.list(), act.ActorID, tx.Now, tx.Now).Error
			if err != nil {
				return err
			}
			return s.recorded(tx, act, audit.RoleComposed, c.ID, "name", c.Name, "permissions", c.list())
		},
	}, nil
}

// change plans to make another one of a custom role. To give more to those who
// hold it takes a safeguard away, and asks for a second person.
func (s *Service) change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	c, err := read(act)
	if err != nil {
		return approval.Plan{}, err
	}
	was, there, err := customOf(tx, act.TenantID, c.ID)
	if err != nil {
		return approval.Plan{}, err
	}
	wrong, err := s.wrongWith(tx, act, c)
	if err != nil {
		return approval.Plan{}, err
	}
	before := Custom{Permissions: was.Permissions}.list()
	more := slices.ContainsFunc(c.Permissions, func(p access.Permission) bool { return !slices.Contains(was.Permissions, p) })
	plan := approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleCompose, Loosens: more && was.Holders+was.Groups > 0,
		}},
		Wrong:      wrongly(wrong),
		Difference: []approval.Change{{Field: "name", Before: was.Name, After: c.Name}, {Field: "permissions", Before: before, After: c.list()}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "role.changed_meanwhile"), `UPDATE custom_roles SET name = ?, permissions = ?, changed_at = ?, version = version + 1
				WHERE tenant_id = ? AND id = ? AND version = ? AND retired_at IS NULL`, c.Name, c.list(), tx.Now, act.TenantID, c.ID, c.Version)
			if err != nil {
				return err
			}
			if before != c.list() {
				if err := s.tellHolders(tx, act, c); err != nil {
					return err
				}
			}
			return s.recorded(tx, act, audit.RoleChanged, c.ID, "name", c.Name, "name_before", was.Name, "permissions", c.list(), "permissions_before", before)
		},
	}
	switch {
	case !there:
		plan.Wrong = errNone
	case was.Version != c.Version:
		plan.Wrong = fault.New(fault.Conflict, "role.changed_meanwhile")
	case plan.Wrong == nil && was.Name == c.Name && before == c.list():
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"name": "role.custom_same"})
	}
	return plan, nil
}

// retire plans to end a custom role: it is taken from all who hold it, and no
// group carries it any more.
func (s *Service) retire(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	c, err := read(act)
	if err != nil {
		return approval.Plan{}, err
	}
	was, there, err := customOf(tx, act.TenantID, c.ID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RoleCompose}},
		Difference: []approval.Change{{Field: "name", Before: was.Name}, {Field: "permissions", Before: Custom{Permissions: was.Permissions}.list()}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "role.changed_meanwhile"), `UPDATE custom_roles SET retired_at = ?, changed_at = ?, version = version + 1
				WHERE tenant_id = ? AND id = ? AND version = ? AND retired_at IS NULL`, tx.Now, tx.Now, act.TenantID, c.ID, c.Version)
			if err != nil {
				return err
			}
			err = s.recorded(tx, act, audit.RoleRetired, c.ID, "name_before", was.Name, "permissions_before", Custom{Permissions: was.Permissions}.list())
			if err != nil {
				return err
			}
			return s.takeFromAll(tx, act, was)
		},
	}
	switch {
	case !there:
		plan.Wrong = errNone
	case was.Version != c.Version:
		plan.Wrong = fault.New(fault.Conflict, "role.changed_meanwhile")
	}
	return plan, nil
}

// takeFromAll takes a role that has been retired from people and groups. It is
// told to each person, and stands in their history.
func (s *Service) takeFromAll(tx *store.Tx, act approval.Act, was CustomRole) error {
	holders, err := holdersOf(tx, act.TenantID, was.ID)
	if err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM role_assignments WHERE tenant_id = ? AND role = ?", act.TenantID, was.ID).Error; err != nil {
		return err
	}
	err = tx.Exec("UPDATE groups SET role = '', role_by = ?, role_at = ? WHERE tenant_id = ? AND role = ?", act.ActorID, tx.Now, act.TenantID, was.ID).Error
	if err != nil {
		return err
	}
	for _, userID := range holders {
		e := act.Event(audit.RoleTaken)
		e.Target, e.Subject = audit.User(userID), userID
		e.Details = with(e.Details, "role", string(was.ID))
		if err := s.told(tx, act, userID, e, was.title()); err != nil {
			return err
		}
	}
	return nil
}

// tellHolders tells those who hold a custom role that it is another one now.
func (s *Service) tellHolders(tx *store.Tx, act approval.Act, c Custom) error {
	holders, err := holdersOf(tx, act.TenantID, c.ID)
	if err != nil || len(holders) == 0 {
		return err
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	n := notify.Notice{Action: audit.RoleChanged, By: by.Role, Reason: act.Reason, Detail: access.CustomPrefix + c.Name}
	for _, userID := range holders {
		if err := notify.Tell(tx, act.TenantID, userID, n); err != nil {
			return err
		}
	}
	return nil
}

// recorded records what was done to a custom role, and lets every replica see it.
func (s *Service) recorded(tx *store.Tx, act approval.Act, action audit.Action, id access.Role, details ...string) error {
	e := act.Event(action)
	e.Target = audit.Party{Kind: audit.KindRole, ID: string(id)}
	e.Details = with(e.Details, details...)
	tx.After(s.Rules.Hurry)
	return audit.Record(tx, e)
}

// read reads a custom role from an act, its permissions in their order, each once.
func read(act approval.Act) (c Custom, err error) {
	err = act.Read(&c)
	c.Name = strings.Join(strings.Fields(c.Name), " ")
	var known []access.Permission
	for _, p := range access.Permissions {
		if slices.Contains(c.Permissions, p) {
			known = append(known, p)
		}
	}
	for _, p := range c.Permissions {
		if !slices.Contains(access.Permissions, p) {
			known = append(known, p) // to be refused
		}
	}
	c.Permissions = known
	return c, err
}

func (c Custom) list() string {
	all := make([]string, len(c.Permissions))
	for i, p := range c.Permissions {
		all[i] = string(p)
	}
	return strings.Join(all, ",")
}

// wrongWith gives what is wrong with the fields of a custom role. Nobody puts in
// what they do not hold themselves.
func (s *Service) wrongWith(tx *store.Tx, act approval.Act, c Custom) (wrong map[string]string, err error) {
	wrong = map[string]string{}
	if !nameFits(c.Name) {
		wrong["name"] = "role.name_form"
	} else if builtIn(c.Name) {
		wrong["name"] = "role.name_built_in"
	} else {
		var other string
		taken, err := tx.One(&other, "SELECT id FROM custom_roles WHERE tenant_id = ? AND lower(name) = lower(?) AND retired_at IS NULL AND id <> ?", act.TenantID, c.Name, c.ID)
		if err != nil {
			return nil, err
		}
		if taken {
			wrong["name"] = "role.name_taken"
		}
	}
	actor, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return nil, err
	}
	composable := s.Rules.Composable()
	if len(c.Permissions) == 0 {
		wrong["permissions"] = "role.permissions_none"
	}
	for _, p := range c.Permissions {
		if _, ok := composable[p]; !ok {
			wrong["permissions"] = "role.permission_not_composable"
		} else if !actor.May.Has(p) && wrong["permissions"] == "" {
			wrong["permissions"] = "role.permission_not_held"
		}
	}
	return wrong, nil
}

func wrongly(fields map[string]string) error {
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

// nameFits says whether a name has the length, and letters, digits and marks that
// nobody takes for something else.
func nameFits(name string) bool {
	if n := utf8.RuneCountInString(name); n < nameLeast || n > nameMost {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune(" -_.,:&'()/+", r)
	})
}

// builtIn says whether a name could be taken for one of the roles that are there
// for everybody, or for the id of a custom one.
func builtIn(name string) bool {
	plain := strings.ReplaceAll(strings.ToLower(name), " ", "_")
	_, known := access.Ranks[access.Role(plain)]
	return known || strings.HasPrefix(plain, access.CustomPrefix)
}

// errNone says that there is no such custom role in the tenant any more.
var errNone = fault.New(fault.NotFound, "http.not_found")
