package callercheck

import (
	"latchkey/app/access"
	"latchkey/app/store"
	"latchkey/app/user"
)

const columns = `tenant_id, id, user_id, agent_id, case_id, via, asked_id, ticket, state, wrong, prompt_id, phone_id, channel, tries, begun_at, expires_at, ended_at,
	proved_at, spent_at, spent_for`

func find(tx *store.Tx, tenantID, id string) (c Check, ok bool, err error) {
	ok, err = tx.One(&c, "SELECT "+columns+" FROM caller_checks WHERE tenant_id = ? AND id = ?", tenantID, id)
	return c, ok, err
}

// pendingOf reads the check of a person that has not ended, though its time may be over.
func pendingOf(tx *store.Tx, tenantID, userID string) (c Check, there bool, err error) {
	there, err = tx.One(&c, "SELECT "+columns+" FROM caller_checks WHERE user_id = ? AND tenant_id = ? AND state = 'pending'", userID, tenantID)
	return c, there, err
}

func insert(tx *store.Tx, c Check) error {
	return tx.Exec(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, ticket, state, prompt_id, phone_id, channel, begun_at, expires_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, c.TenantID, c.ID, c.UserID, c.AgentID, c.CaseID, c.Via, c.AskedID, c.Ticket, c.State, c.PromptID, c.PhoneID, c.Channel,
		c.BegunAt, c.ExpiresAt).Error
}

// end ends a check without a proof. Of two endings the second changes no row.
func end(tx *store.Tx, c Check, state State, wrong bool) error {
	return tx.Change(over(), "UPDATE caller_checks SET state = ?, wrong = ?, ended_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending'",
		state, wrong, tx.Now, c.TenantID, c.ID)
}

// agent is who asks, as people are told.
type agent struct {
	Name  string // as they are called, with the sign-in name
	Title string // the display name alone; empty of a guest of the tenant
	Role  string // a built-in one, or "custom:" and the name of one
	role  access.Role
}

func (s *Service) agentOf(tx *store.Tx, tenantID, userID string) (a agent, err error) {
	standing, err := s.Rules.StandingIn(tx, tenantID, userID)
	if err != nil {
		return a, err
	}
	if a.role, a.Role = standing.Role, string(standing.Role); standing.Name != "" {
		a.Role = access.CustomPrefix + standing.Name
	}
	if a.Name, err = user.Called(tx, tenantID, userID); err != nil {
		return a, err
	}
	_, err = tx.One(&a.Title, "SELECT display_name FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
	return a, err
}
