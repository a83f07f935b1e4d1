// Package overview says what needs attention in a tenant, in a few counts that
// stop early, so that they cost the same in a large one.
package overview

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/breakglass"
	"latchkey/app/store"
	"latchkey/app/throttle"
)

// Most is where counting stops: as many, or more.
const Most = 1000

// Counts is what needs attention.
type Counts struct {
	Locked                 int // people an administrator locked
	NoWay                  int // active, and no way in at all
	AtRisk                 int // active, and one way alone
	Paused                 int // names with a way that is off until an administrator turns it on
	Differing              int // decisions about sign-ins in which condition and rules did not agree
	Passcodes              int // static passcodes that are there or may be shown
	Consumers              int // of the audit, that take nothing
	Failing                int // channels that people are reached by
	Unsigned               int // outages that are over and not signed off
	Untaken                int // cases that no agent has taken
	BreakGlass             int // break-glass accounts whose sheet would let somebody in
	DrillsDue              int // of them, that nobody has looked after for a quarter
	SecurityAdministrators int
	WithoutPhone           int // of those who run the tenant
}

// Of counts. Whoever is limited to groups is told nothing: the counts are those
// of the whole tenant.
func Of(ctx context.Context, db *store.DB, rules *access.Rules, tenantID string) (Counts, error) {
	tx := db.View(ctx)
	var n Counts
	for _, count := range []struct {
		into  *int
		which string
	}{
		{&n.Locked, "users WHERE tenant_id = ? AND state = 'locked'"},
		{&n.NoWay, "users WHERE tenant_id = ? AND state = 'active' AND ways & (ways - 1) = 0 AND ways = 0"},
		{&n.AtRisk, "users WHERE tenant_id = ? AND state = 'active' AND ways & (ways - 1) = 0 AND ways <> 0"},
		{&n.Differing, "decisions WHERE tenant_id = ? AND differs <> ''"},
		{&n.Passcodes, "static_passcodes WHERE tenant_id = ? AND state IN ('approved', 'active')"},
		{&n.Failing, "channel_failures WHERE tenant_id = ? AND ended_at IS NULL"},
		{&n.Consumers, "consumers WHERE tenant_id = ? AND state = 'active' AND failures > 0 AND told_at IS NOT NULL"},
		{&n.Unsigned, "outages WHERE tenant_id = ? AND drill = FALSE AND signed_at IS NULL AND (ended_at IS NOT NULL OR ends_at <= " + store.Now + ")"},
		{&n.Untaken, "cases WHERE tenant_id = ? AND owner_id = '' AND state <> 'closed'"},
		{&n.Paused, "throttles WHERE tenant_id = ? AND " + throttle.TurnedOff},
	} {
		if _, err := tx.One(count.into, "SELECT count(*) FROM (SELECT 1 FROM "+count.which+" LIMIT ?) counted", tenantID, Most); err != nil {
			return n, store.Unusable(err)
		}
	}
	accounts, err := breakglass.Of(tx, tenantID)
	if err != nil {
		return n, store.Unusable(err)
	}
	for _, a := range accounts {
		if a.Works() {
			n.BreakGlass++
		}
		if a.DrillDue(tx.Now) {
			n.DrillsDue++
		}
	}
	holders, err := rules.StandingsIn(tx, tenantID)
	if err != nil {
		return n, store.Unusable(err)
	}
	var run []string
	for _, h := range holders {
		if h.Role == access.RoleSecurityAdministrator {
			n.SecurityAdministrators++
		}
		if h.Rank >= access.AdministratorRank {
			run = append(run, h.UserID)
		}
	}
	if len(run) == 0 {
		return n, nil
	}
	_, err = tx.One(&n.WithoutPhone, "SELECT count(*) FROM users WHERE tenant_id = ? AND id IN ? AND state = 'active' AND ways & 2 = 0", tenantID, run)
	return n, store.Unusable(err)
}
