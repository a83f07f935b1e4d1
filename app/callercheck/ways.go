package callercheck

import (
	"slices"
	"time"

	"latchkey/app/backupphone"
	"latchkey/app/desk"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/prompt"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// person is what a check asks of the one it is about.
type person struct {
	ID, Name, DisplayName, State string
	TenantActive                 bool
	Has                          bool // the feature
	Typed                        bool // types numbers by a feature
	MatchMode                    tenant.MatchMode
	Phone                        bool // some phone answers
	ManagerID                    string
	ManagerName, ManagerTitle    string // sign-in name and display name
	ManagerState                 string
	ManagerPhone                 bool

	backups []backupphone.Phone // that a code would reach; see reach
}

// reach looks which backup phones of a person a code would reach now.
func (p *person) reach(tx *store.Tx, tenantID string) (err error) {
	p.backups, err = backupphone.Reachable(tx, tenantID, p.ID, "")
	return err
}

var personQuery = `SELECT u.id, u.name, u.display_name, u.state, t.state = 'active' AS tenant_active, ` + feature.With(feature.CallerCheck) + ` AS has,
	` + feature.With(feature.TypedNumberMatch) + ` AS typed, t.match_mode, ` + device.Answers("u") + ` AS phone, u.manager_id,
	COALESCE(m.name, '') AS manager_name, COALESCE(m.display_name, '') AS manager_title, COALESCE(m.state, '') AS manager_state,
	COALESCE(` + device.Answers("m") + `, FALSE) AS manager_phone
	FROM users u JOIN tenants t ON t.id = u.tenant_id LEFT JOIN users m ON m.tenant_id = u.tenant_id AND m.id = u.manager_id AND u.manager_id <> ''
	WHERE u.tenant_id = ? AND u.id = ?`

func personOf(tx *store.Tx, tenantID, userID string) (p person, ok bool, err error) {
	ok, err = tx.One(&p, personQuery, tenantID, userID)
	return p, ok, err
}

// subject is under which the prompts of a way are counted, apart from sign-ins and from
// each other.
func subject(v Via, userID string) string {
	if v == Manager {
		return "vouch:" + userID
	}
	return "check:" + userID
}

// wrong says why nobody can check this person now, whatever the way.
func (p person) wrong() error {
	switch {
	case !p.Has:
		return fault.New(fault.Conflict, "feature.off")
	case p.State != user.Active || !p.TenantActive:
		return fault.New(fault.Conflict, "callercheck.inactive")
	}
	return nil
}

// taken are the ways that the tenant takes for a person.
func (s *Service) taken(tx *store.Tx, tenantID string, p person, of desk.Desk) ([]string, error) {
	target, err := s.Rules.StandingIn(tx, tenantID, p.ID)
	return of.Taken(target.Administrator()), err
}

// stops says why an agent cannot check a person by a way, when the tenant takes those, so
// that a page says it before somebody tries: fault.Conflict, or fault.Throttled until when.
func (s *Service) stops(tx *store.Tx, tenantID, agentID string, p person, v Via, taken []string) (why error, until time.Time, err error) {
	if why := p.wrong(); why != nil {
		return why, until, nil
	}
	if !slices.Contains(taken, string(v)) {
		return fault.New(fault.Conflict, "callercheck.way_off"), until, nil
	}
	conflict := func(code string) error { return fault.New(fault.Conflict, code) }
	recipient := p.ID
	switch v {
	case Phone:
		if !p.Phone {
			return conflict("callercheck.no_phone"), until, nil
		}
	case BackupPhone:
		if len(p.backups) == 0 {
			why = conflict("callercheck.no_backup_phone")
		}
		return why, until, nil
	case Manager:
		recipient = p.ManagerID
		switch {
		case p.ManagerName == "":
			return conflict("callercheck.no_manager"), until, nil
		case p.ManagerID == agentID:
			return conflict("callercheck.manager_agent"), until, nil
		case p.ManagerState != user.Active || !p.ManagerPhone:
			return conflict("callercheck.manager_phone"), until, nil
		}
	}
	pause, err := prompt.HeldUntil(tx, tenantID, subject(v, recipient), false)
	if err != nil {
		return nil, until, err
	}
	if pause.Reason != "" && pause.Reason != "visible" {
		return fault.Wait("callercheck.held", pause.Until.Sub(tx.Now)), pause.Until, nil
	}
	return nil, until, nil
}
