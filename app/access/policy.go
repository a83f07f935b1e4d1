package access

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	stringadapter "github.com/casbin/casbin/v2/persist/string-adapter"

	"latchkey/policies"
)

// answered is what casbin said to the policy that was asked about last. Asking takes
// it tens of milliseconds, and what it said is never changed, so all the rules of
// one process share it.
var answered struct {
	sync.Mutex
	model, roles string
	matrix       *matrix
}

// decide gives the answers of casbin for every role and permission: the sets that
// Allow reads. It fails when the policy is not whole.
func decide() (*matrix, error) {
	answered.Lock()
	defer answered.Unlock()
	if answered.matrix != nil && answered.model == policies.Model && answered.roles == policies.Roles {
		return answered.matrix, nil
	}
	m, err := askAll()
	if err != nil {
		return nil, err
	}
	answered.model, answered.roles, answered.matrix = policies.Model, policies.Roles, m
	return m, nil
}

// askAll asks casbin for every role and permission.
func askAll() (*matrix, error) {
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
