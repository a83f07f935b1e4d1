// Package access answers one question, for pages, API and imports alike: may
// this person do this, here, now?
//
// Casbin decides on names of permissions, default deny, deny overrides. The
// table role → permission is a file of constant size (policies/); who holds
// which role is in the database, and only administrators have a row there:
// everybody else holds the role user. Both are loaded into a fresh enforcer,
// checked, and swapped in whole; an error on the way is no permission.
package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	stringadapter "github.com/casbin/casbin/v2/persist/string-adapter"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/policies"
)

// Role is an administrative role, or user.
type Role string

// The roles with their ranks (roles.md). Nobody acts on their own rank or above.
const (
	RoleUser                  Role = "user"
	RoleHelpdesk              Role = "helpdesk"
	RoleHelpdeskLead          Role = "helpdesk_lead"
	RoleAuditor               Role = "auditor"
	RoleTenantAdministrator   Role = "tenant_administrator"
	RoleSecurityAdministrator Role = "security_administrator"
	RoleOperator              Role = "operator"
)

// Ranks gives the rank of each role.
var Ranks = map[Role]int{
	RoleUser: 10, RoleHelpdesk: 40, RoleHelpdeskLead: 45, RoleAuditor: 50,
	RoleTenantAdministrator: 60, RoleSecurityAdministrator: 80, RoleOperator: 100,
}

// Platform is the tenant in which operators hold their role.
const Platform = "platform"

// Freshness: how often assignments are read, and how long the last good table
// may be used when they cannot be.
const (
	ReloadWait = 2 * time.Second
	goodFor    = 60 * time.Second
)

// Rules holds the table in force.
type Rules struct {
	db    *store.DB
	table atomic.Pointer[table]
}

// table is one loaded state: what casbin said for each role and permission, and
// who holds which role. It is never changed, only replaced.
type table struct {
	may    map[Role]map[Permission]bool
	roles  map[holder]Role
	loaded time.Time
}

type holder struct{ tenantID, userID string }

// Load reads the policy and the assignments for the first time. It fails when
// the policy is not whole.
func Load(ctx context.Context, db *store.DB) (*Rules, error) {
	r := &Rules{db: db}
	return r, r.Reload(ctx)
}

// Reload reads everything into a fresh enforcer, checks it and swaps it in. On
// an error the table in force stays, for as long as it is good.
func (r *Rules) Reload(ctx context.Context) error {
	var rows []struct{ TenantID, UserID, Role string }
	// The table is everybody's, also when a change in one tenant asks for it.
	if err := r.db.View(store.Outside(ctx)).All(&rows, "SELECT tenant_id, user_id, role FROM role_assignments"); err != nil {
		return store.Unusable(err)
	}
	next := &table{roles: make(map[holder]Role, len(rows)), loaded: r.db.Now()}
	for _, row := range rows {
		next.roles[holder{row.TenantID, row.UserID}] = Role(row.Role)
	}
	var err error
	if old := r.table.Load(); old != nil {
		next.may = old.may
	} else if next.may, err = decide(); err != nil {
		return fmt.Errorf("access: policy: %w", err)
	}
	r.table.Store(next)
	return nil
}

// decide asks casbin for every role and permission once; the answers are the
// matrix that Allow reads.
func decide() (map[Role]map[Permission]bool, error) {
	m, err := model.NewModelFromString(policies.Model)
	if err != nil {
		return nil, err
	}
	enforcer, err := casbin.NewEnforcer(m, stringadapter.NewAdapter(policies.Roles))
	if err != nil {
		return nil, err
	}
	rules, err := enforcer.GetPolicy()
	if err != nil {
		return nil, err
	}
	for _, rule := range rules {
		if _, known := Ranks[Role(rule[0])]; !known || !slices.Contains(Permissions, Permission(rule[1])) {
			return nil, fmt.Errorf("unknown role or permission in %v", rule)
		}
	}
	may := map[Role]map[Permission]bool{}
	for role := range Ranks {
		// A holder stands for everybody with the role: the grouping is the same.
		if _, err := enforcer.AddGroupingPolicy("holder of "+string(role), string(role), "tenant"); err != nil {
			return nil, err
		}
		may[role] = map[Permission]bool{}
		for _, p := range Permissions {
			yes, err := enforcer.Enforce("holder of "+string(role), "tenant", string(p))
			if err != nil {
				return nil, err
			}
			may[role][p] = yes
		}
	}
	if !may[RoleSecurityAdministrator][ConsoleEnter] {
		return nil, errors.New("nobody may enter the console")
	}
	return may, nil
}

// Role gives the role that a person holds in a tenant.
func (r *Rules) Role(tenantID, userID string) Role {
	if t := r.table.Load(); t != nil {
		if role, ok := t.roles[holder{tenantID, userID}]; ok {
			return role
		}
	}
	return RoleUser
}

// Allow fails with fault.Forbidden unless the person holds, in this tenant, a
// role with p; with fault.Unavailable when the table is too old to be trusted.
func (r *Rules) Allow(tenantID, userID string, p Permission) error {
	t := r.table.Load()
	if t == nil || r.db.Now().Sub(t.loaded) > goodFor {
		f := fault.New(fault.Unavailable, "access.no_policy")
		f.RetryAfter = 5 * time.Second
		return f
	}
	if t.may[r.Role(tenantID, userID)][p] {
		return nil
	}
	return fault.New(fault.Forbidden, "access.forbidden")
}

// Run reads the assignments again and again until ctx ends, so that a change
// reaches every replica within five seconds.
func (r *Rules) Run(ctx context.Context) {
	tick := time.NewTicker(ReloadWait)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// Kept: the table in force; past goodFor, Allow says so to everybody.
			_ = r.Reload(ctx)
		}
	}
}
