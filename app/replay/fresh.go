package replay

import (
	"time"

	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// What a replay must have looked at, at least, to stand for a draft (Fresh). A tenant
// that keeps its decisions for less time has it look at all of them.
const (
	FreshDays = 7
	FreshMost = 10_000 // newest decisions, where there are so many
)

// Fresh says, in the act tx, whether a draft may become the rules of a tenant. Where the
// tenant wants a replay first, there must be one that is done, of exactly this draft,
// and that compared it with exactly what holds now: it began after that last changed.
// Otherwise it is fault.Conflict, which names the replay that is still running, if one is.
// A draft that decides no sign-in otherwise needs none.
func Fresh(tx *store.Tx, tenantID string, draft *decision.Rules) error {
	var wants struct {
		ReplayFirst  bool
		DecisionDays int
	}
	if _, err := tx.One(&wants, "SELECT replay_first, decision_days FROM tenants WHERE id = ?", tenantID); err != nil || !wants.ReplayFirst {
		return err
	}
	now, err := decision.Load(tx, tenantID)
	if err != nil || now.Text() == draft.Text() {
		return err
	}
	since, err := changedAt(tx, tenantID)
	if err != nil {
		return err
	}
	var found []struct{ ID, State string }
	if err := tx.All(&found, `SELECT id, state FROM replays WHERE tenant_id = ? AND state IN (?, ?) AND created_at >= ?
		AND draft = ? AND base = ? AND days >= ? AND most >= ? ORDER BY created_at DESC`,
		tenantID, Done, Running, since, draft.Text(), now.Text(), min(FreshDays, wants.DecisionDays), FreshMost); err != nil {
		return err
	}
	running := ""
	for _, r := range found {
		if r.State == Done {
			return nil
		}
		running = r.ID
	}
	if running != "" {
		return fault.New(fault.Conflict, "replay.unfinished").Naming(running)
	}
	return fault.New(fault.Conflict, "replay.needed")
}

// Lacks says whether err is that a replay has to stand first, and gives the id of the one
// that is running, or none.
func Lacks(err error) (running string, lacks bool) {
	f := fault.Of(err)
	if f == nil || f.Code != "replay.needed" && f.Code != "replay.unfinished" {
		return "", false
	}
	return f.Detail, true
}

// changedAt is when the tenant last changed its rules.
func changedAt(tx *store.Tx, tenantID string) (at time.Time, err error) {
	for _, query := range []string{
		"SELECT changed_at FROM rollout_versions WHERE tenant_id = ? ORDER BY changed_at DESC LIMIT 1",
		"SELECT changed_at FROM method_versions WHERE tenant_id = ? ORDER BY version DESC LIMIT 1",
	} {
		var row struct{ ChangedAt time.Time }
		if _, err := tx.One(&row, query, tenantID); err != nil {
			return at, err
		}
		if row.ChangedAt.After(at) {
			at = row.ChangedAt
		}
	}
	return at, nil
}
