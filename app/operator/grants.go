package operator

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// How long a grant may last.
const (
	GrantHours     = 4 // unless told otherwise
	GrantHoursMost = 72
)

// grantsShown is how many grants a list holds, the newest.
const grantsShown = 50

// GrantRoles are what an operator may be let in as.
var GrantRoles = []access.Role{access.RoleAuditor, access.RoleTenantAdministrator}

// Offer is what a tenant grants.
type Offer struct {
	Operator string // sign-in name
	Role     access.Role
	Hours    int
	Reason   string
	Ticket   string // or empty
}

// Granted is a grant as its tenant and its operator see it.
type Granted struct {
	ID        string
	Operator  string // sign-in name
	Role      access.Role
	Reason    string
	Ticket    string // that it was given under; or empty
	GrantedAt time.Time
	EndsAt    time.Time
	EndedAt   *time.Time
	GrantedBy string // sign-in name of the administrator; for the tenant's eyes
}

// Active says whether the grant opens anything at now.
func (g Granted) Active(now time.Time) bool { return g.EndedAt == nil && now.Before(g.EndsAt) }

// Grant lets one operator into the tenant, from now to the end of o. It fails
// with fault.Invalid when a field breaks a rule, and alike whether there is
// nobody of that name or nobody who is an operator; also when this operator is
// inside already. Grants stand between a tenant and the platform, so what follows
// here runs outside the wall of either.
func (s *Service) Grant(ctx context.Context, tenantID, userID string, o Offer, from audit.Origin) (id string, err error) {
	wrong := map[string]string{}
	if !slices.Contains(GrantRoles, o.Role) {
		wrong["role"] = "grant.role_unknown"
	}
	if o.Hours < 1 || o.Hours > GrantHoursMost {
		wrong["hours"] = "grant.hours_form"
	}
	checkReason(wrong, &o.Reason)
	checkTicket(wrong, &o.Ticket)
	err = s.DB.Act(store.Outside(ctx), func(tx *store.Tx) error {
		operatorID, err := named(tx, o.Operator)
		if err != nil {
			return err
		}
		if operatorID == "" {
			wrong["operator"] = "grant.operator_unknown"
		}
		if len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		// Two at once must not both find that there is none.
		err = tx.Change(notFound(), "UPDATE tenants SET slug = slug WHERE id = ? AND id <> ? AND state = 'active'", tenantID, access.Platform)
		if err != nil {
			return err
		}
		id = secret.System.ID()
		ends := tx.Now.Add(time.Duration(o.Hours) * time.Hour)
		err = tx.Change(fault.Wrong("form.wrong", map[string]string{"operator": "grant.active_already"}),
			`INSERT INTO operator_grants (tenant_id, id, operator_id, role, reason, ticket, granted_by, granted_at, ends_at)
			SELECT ?,?,?,?,?,?,?,?,? WHERE NOT EXISTS (SELECT 1 FROM operator_grants WHERE tenant_id = ? AND operator_id = ? AND ended_at IS NULL AND ends_at > ?)`,
			tenantID, id, operatorID, o.Role, o.Reason, o.Ticket, userID, tx.Now, ends, tenantID, operatorID, tx.Now)
		if err != nil {
			return err
		}
		details := map[string]string{"grant": id, "role": string(o.Role), "hours": strconv.Itoa(o.Hours)}
		return noteGrant(tx, audit.GrantGiven, tenantID, operatorID, audit.User(userID), from, o.Reason, audit.Event{Details: details}.Under(o.Ticket).Details)
	})
	return id, err
}

// named gives the id of an active operator by sign-in name, or nothing.
func named(tx *store.Tx, typed string) (id string, err error) {
	name := user.Name(strings.TrimSpace(typed))
	_, err = tx.One(&id, `SELECT u.id FROM users u JOIN role_assignments r ON r.tenant_id = u.tenant_id AND r.user_id = u.id
		WHERE u.tenant_id = ? AND u.name = ? AND u.state = 'active' AND r.role = ?`, access.Platform, name, access.RoleOperator)
	return id, err
}

// noteGrant records what happened to a grant, in the tenant as part of the story
// of its administrator and on the platform as part of the operator's.
func noteGrant(tx *store.Tx, action audit.Action, tenantID, operatorID string, by audit.Party, from audit.Origin, reason string, details map[string]string) error {
	e := audit.Event{
		TenantID: tenantID, Action: action, Reason: reason, Actor: by, Target: audit.Operator(operatorID), Thread: tenantID, Origin: from, Details: details,
	}
	if by.Kind == audit.KindUser {
		e.Subject = by.ID
	}
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	return noteOnPlatform(tx, e)
}

// EndGrant ends a grant at once. It fails with fault.NotFound when the tenant
// has no such grant, and with fault.Conflict when it is over already.
func (s *Service) EndGrant(ctx context.Context, tenantID, userID, id string, from audit.Origin) error {
	return s.DB.Act(store.Outside(ctx), func(tx *store.Tx) error {
		var g struct{ OperatorID string }
		ended, err := tx.One(&g, `UPDATE operator_grants SET ended_at = ?, ended_by = ?
			WHERE tenant_id = ? AND id = ? AND ended_at IS NULL AND ends_at > ? RETURNING operator_id`, tx.Now, userID, tenantID, id, tx.Now)
		if err != nil {
			return err
		}
		if !ended {
			if there, err := tx.One(&g, "SELECT operator_id FROM operator_grants WHERE tenant_id = ? AND id = ?", tenantID, id); err != nil {
				return err
			} else if !there {
				return notFound()
			}
			return fault.New(fault.Conflict, "grant.ended_already")
		}
		return noteGrant(tx, audit.GrantEnded, tenantID, g.OperatorID, audit.User(userID), from, "", map[string]string{"grant": id})
	})
}

// GrantsOf lists the grants of a tenant, the newest first.
func (s *Service) GrantsOf(ctx context.Context, tenantID string) ([]Granted, error) {
	grants, err := grantsOf(s.DB.View(store.Outside(ctx)), tenantID)
	return grants, store.Unusable(err)
}

func grantsOf(tx *store.Tx, tenantID string) (grants []Granted, err error) {
	err = tx.All(&grants, `SELECT g.id, COALESCE(o.name, '') AS operator, g.role, g.reason, g.ticket, g.granted_at, g.ends_at, g.ended_at, COALESCE(a.name, '') AS granted_by
		FROM operator_grants g LEFT JOIN users o ON o.tenant_id = ? AND o.id = g.operator_id
		LEFT JOIN users a ON a.tenant_id = g.tenant_id AND a.id = g.granted_by
		WHERE g.tenant_id = ? ORDER BY g.granted_at DESC, g.id DESC LIMIT ?`, access.Platform, tenantID, grantsShown)
	return grants, err
}

// Door is a tenant that lets an operator in now.
type Door struct {
	TenantID, Slug, Name, Region string
	Role                         access.Role
	EndsAt                       time.Time // the last instant is too late
}

// doorsMost is how many tenants a choice holds.
const doorsMost = 200

// Doors lists the tenants that let an operator in now, by name.
func (s *Service) Doors(ctx context.Context, operatorID string) (doors []Door, err error) {
	tx := s.DB.View(store.Outside(ctx))
	err = tx.All(&doors, `SELECT t.id AS tenant_id, t.slug, t.name, t.region, g.role, g.ends_at FROM operator_grants g
		JOIN tenants t ON t.id = g.tenant_id AND t.state = 'active'
		WHERE g.operator_id = ? AND g.ended_at IS NULL AND g.ends_at > ? ORDER BY t.name, t.id LIMIT ?`, operatorID, tx.Now, doorsMost)
	return doors, store.Unusable(err)
}

// ActiveGrant is a role that an operator holds in a tenant, for now.
type ActiveGrant struct {
	TenantID   string
	OperatorID string // a user of the platform
	Role       access.Role
	EndsAt     time.Time // the last instant is too late
}

// ActiveGrants lists every grant that is in force: not ended, not over, and of
// somebody who still is an operator.
func ActiveGrants(ctx context.Context, db *store.DB) ([]ActiveGrant, error) {
	tx := db.View(ctx)
	var grants []ActiveGrant
	err := tx.All(&grants, `SELECT g.tenant_id, g.operator_id, g.role, g.ends_at FROM operator_grants g
		JOIN users u ON u.tenant_id = ? AND u.id = g.operator_id AND u.state = 'active'
		JOIN role_assignments r ON r.tenant_id = u.tenant_id AND r.user_id = u.id AND r.role = ?
		JOIN tenants t ON t.id = g.tenant_id AND t.state = 'active'
		WHERE g.ended_at IS NULL AND g.ends_at > ?`, access.Platform, access.RoleOperator, tx.Now)
	return grants, store.Unusable(err)
}

// Lapse writes down, with their events, the ends of grants whose time is over.
// They open nothing since then; any replica may run it, and each end is noted once.
func (s *Service) Lapse(ctx context.Context) error {
	var due []struct{ TenantID, ID, OperatorID string }
	err := s.DB.View(ctx).All(&due, "SELECT tenant_id, id, operator_id FROM operator_grants WHERE ended_at IS NULL AND ends_at <= ? ORDER BY ends_at LIMIT 200", s.DB.Now())
	if err != nil || len(due) == 0 {
		return store.Unusable(err)
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, g := range due {
			res := tx.Exec("UPDATE operator_grants SET ended_at = ends_at WHERE tenant_id = ? AND id = ? AND ended_at IS NULL AND ends_at <= ?", g.TenantID, g.ID, tx.Now)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				continue
			}
			if err := noteGrant(tx, audit.GrantEnded, g.TenantID, g.OperatorID, audit.Service, audit.Origin{}, "grant.over", map[string]string{"grant": g.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}
