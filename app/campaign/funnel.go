package campaign

import (
	"context"
	"time"

	"latchkey/app/store"
)

// Funnel is how far those came who were asked to register, each counted once.
type Funnel struct {
	Asked      int64
	Skipped    int64 // put it off at least once
	Started    int64 // began to add a phone
	Registered int64
	Required   int64 // of those who have not registered: have no skip left
	InNeed     int64 // and said that they cannot
}

// FunnelOf counts those of a tenant, or of the members of one of its groups.
func FunnelOf(ctx context.Context, db *store.DB, tenantID, groupID string) (Funnel, error) {
	which, values := "", []any{tenantID}
	if groupID != "" {
		which, values = " AND EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = p.tenant_id AND m.user_id = p.user_id AND m.group_id = ?)", append(values, groupID)
	}
	var f Funnel
	_, err := db.View(ctx).One(&f, `SELECT count(*) AS asked, COALESCE(sum(CASE WHEN p.skips > 0 THEN 1 ELSE 0 END), 0) AS skipped,
		count(p.started_at) AS started, count(p.registered_at) AS registered,
		COALESCE(sum(CASE WHEN p.registered_at IS NULL AND p.skips >= t.campaign_skips THEN 1 ELSE 0 END), 0) AS required,
		COALESCE(sum(CASE WHEN p.registered_at IS NULL AND p.help_asked_at IS NOT NULL THEN 1 ELSE 0 END), 0) AS in_need
		FROM campaign_people p JOIN tenants t ON t.id = p.tenant_id WHERE p.tenant_id = ?`+which, values...)
	return f, store.Unusable(err)
}

// InNeed is somebody who waits for the helpdesk, because they cannot register.
type InNeed struct {
	UserID, Name, DisplayName string
	HelpAskedAt               time.Time
}

// inNeedMost is how many of them a page lists: those who wait longest.
const inNeedMost = 50

// PeopleInNeed lists them, who waits longest first.
func PeopleInNeed(ctx context.Context, db *store.DB, tenantID string) ([]InNeed, error) {
	var all []InNeed
	err := db.View(ctx).All(&all, `SELECT u.id AS user_id, u.name, u.display_name, p.help_asked_at FROM campaign_people p
		JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
		WHERE p.tenant_id = ? AND p.help_asked_at IS NOT NULL AND p.registered_at IS NULL ORDER BY p.help_asked_at LIMIT ?`, tenantID, inNeedMost)
	return all, store.Unusable(err)
}
