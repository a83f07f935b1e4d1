package access

import (
	"errors"
	"fmt"
	"slices"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	stringadapter "github.com/casbin/casbin/v2/persist/string-adapter"

	"latchkey/policies"
)

// decide asks casbin for every role and permission once; the answers are the
// sets that Allow reads. It fails when the policy is not whole.
func decide() (*matrix, error) {
	rules, err := model.NewModelFromString(policies.Model)
	if err != nil {
		return nil, err
	}
	enforcer, err := casbin.NewEnforcer(rules, stringadapter.NewAdapter(policies.Roles))
	if err != nil {
		return nil, err
	}
	lines, err := enforcer.GetPolicy()
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if _, known := Ranks[Role(line[0])]; !known || !slices.Contains(Permissions, Permission(line[1])) {
			return nil, fmt.Errorf("unknown role or permission in %v", line)
		}
	}
	m := &matrix{roles: map[Role]Set{}, alone: map[Permission]Set{}}
	for role := range Ranks {
		// A holder stands for everybody with the role: the grouping is the same.
		if m.roles[role], err = ask(enforcer, "holder of "+string(role), string(role)); err != nil {
			return nil, err
		}
	}
	for _, p := range Permissions {
		if _, err := enforcer.AddPolicy("alone "+string(p), string(p), "allow"); err != nil {
			return nil, err
		}
		if m.alone[p], err = ask(enforcer, "holder of "+string(p), "alone "+string(p)); err != nil {
			return nil, err
		}
	}
	if !m.roles[RoleSecurityAdministrator].Has(ConsoleEnter) {
		return nil, errors.New("nobody may enter the console")
	}
	return m, nil
}

// ask gives what a holder of role may in a tenant where they hold it.
func ask(enforcer *casbin.Enforcer, holder, role string) (may Set, err error) {
	if _, err := enforcer.AddGroupingPolicy(holder, role, "tenant"); err != nil {
		return 0, err
	}
	for _, p := range Permissions {
		yes, err := enforcer.Enforce(holder, "tenant", string(p))
		if err != nil {
			return 0, err
		}
		if yes {
			may |= bits[p]
		}
	}
	return may, nil
}
