package access

import (
	"slices"
	"strings"
	"time"
)

// Role is an administrative role, or user. A custom role begins with "custom:".
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

// Ranks gives the rank of each built-in role.
var Ranks = map[Role]int{
	RoleUser: 10, RoleHelpdesk: 40, RoleHelpdeskLead: 45, RoleAuditor: 50,
	RoleTenantAdministrator: 60, RoleSecurityAdministrator: 80, RoleOperator: 100,
}

// AdministratorRank is the least rank of those who run a tenant. At least two of
// them must be able to sign in (product.md §4).
const AdministratorRank = 60

// CustomPrefix is how the id of a custom role begins.
const CustomPrefix = "custom:"

// Platform is the tenant in which operators hold their role.
const Platform = "platform"

// Set is a set of permissions.
type Set uint64

var bits = func() map[Permission]Set {
	m := make(map[Permission]Set, len(Permissions))
	for i, p := range Permissions {
		m[p] = 1 << i
	}
	return m
}()

// SetOf gives the set of permissions; what is no permission is left out.
func SetOf(permissions ...Permission) (s Set) {
	for _, p := range permissions {
		s |= bits[p]
	}
	return s
}

// Has says whether p is in the set.
func (s Set) Has(p Permission) bool { return s&bits[p] != 0 }

// List gives what is in the set, in the order of Permissions.
func (s Set) List() (all []Permission) {
	for _, p := range Permissions {
		if s.Has(p) {
			all = append(all, p)
		}
	}
	return all
}

// wide are permissions over a tenant as a whole. Who is limited to groups has
// none of them.
var wide = SetOf(RolloutEdit, PolicyEdit, RoleCompose, OutageDeclare, IntegrationEdit, AuditExport, AuditVerify, UserImport, AuditReadPersonal)

// upon are permissions whose acts begin at a person or a group. In a custom role
// they bring the sight of people along: without it nobody finds who to act upon.
var upon = SetOf(CallerCheck, BypassIssue, BypassRevoke, AuthenticatorReset, RebindRequest, UserLock, SessionEnd, UserUnlock, UserDisable,
	CodeSheetHandOver, CodeSheetPrintBatch, CodeSheetVoid, StaticPasscodeRequest, RoleAssign, UserImport, UserInvite, GroupEdit)

// Standing is what a person is in a tenant, now.
type Standing struct {
	TenantID, UserID string
	Role             Role
	Name             string // of a custom role
	Rank             int
	May              Set
	Scope            []string  // ids of the groups that the role is limited to; none: the whole tenant
	EndsAt           time.Time // zero: until it is taken
	Through          string    // id of the group that carries the role; empty: the person's own
	Inactive         bool      // the account is locked, disabled or gone; asked of who acts, within an act
}

// Administrator says whether the person holds a role at all.
func (s Standing) Administrator() bool { return s.Role != RoleUser }

// Covers says whether somebody in groups is within the scope.
func (s Standing) Covers(groups []string) bool {
	return len(s.Scope) == 0 || slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(s.Scope, g) })
}

// definition is a role with what it brings: a built-in one, or a custom one of
// a tenant.
type definition struct {
	role Role
	name string
	rank int
	may  Set
}

// matrix is what casbin said: for each built-in role, and for each permission
// that stands alone in a custom role.
type matrix struct {
	roles map[Role]Set
	alone map[Permission]Set
}

// definition gives a built-in role; one that nobody knows may nothing.
func (m *matrix) definition(role Role) definition {
	return definition{role: role, rank: Ranks[role], may: m.roles[role]}
}

// custom puts a custom role together. Permissions that may not be in one, or
// that nobody knows any more, bring nothing.
func (m *matrix) custom(id Role, name, permissions string) definition {
	d := definition{role: id, name: name, rank: Ranks[RoleHelpdesk], may: m.roles[RoleUser] | SetOf(ConsoleEnter)}
	for text := range strings.SplitSeq(permissions, ",") {
		p := Permission(text)
		if !m.composable(p) {
			continue
		}
		d.may |= m.alone[p]
		if upon.Has(p) {
			d.may |= m.alone[AuthenticatorView]
		}
		if p == RoleAssign {
			d.may |= m.alone[RoleView]
		}
		d.rank = max(d.rank, m.least(p))
	}
	return d
}

// least is the lowest rank of a built-in role with p; 0 when there is none.
func (m *matrix) least(p Permission) (rank int) {
	for role, may := range m.roles {
		if may.Has(p) && (rank == 0 || Ranks[role] < rank) {
			rank = Ranks[role]
		}
	}
	return rank
}

// composable says whether p may be put into a custom role: administrators have
// it, and not only those of the highest rank. The console every role opens.
func (m *matrix) composable(p Permission) bool {
	least := m.least(p)
	return least > Ranks[RoleUser] && least < Ranks[RoleSecurityAdministrator] && p != ConsoleEnter
}
