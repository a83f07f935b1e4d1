package bypass

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/desk"
	"latchkey/app/fault"
	"latchkey/app/place"
	"latchkey/app/secret"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// typed puts a code as typed into the form in which its digest is kept: what parts it and
// whether its letters are large makes no difference.
func typed(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(text)))
}

// digitsMost is how long the part of a split code is that is digits.
const digitsMost = 10

// turned puts the digits of a split code last, wherever they were typed.
func turned(code string) string {
	if len(code) > digitsMost && strings.Trim(code[:digitsMost], "0123456789") == "" {
		return code[digitsMost:] + code[:digitsMost]
	}
	return code
}

// held is a bypass of a user, or that of nobody, whose digests nothing matches.
type held struct {
	of                                   *Service
	TenantID, ID, UserID                 string
	Kind                                 Kind
	CodeDigest, AgentDigest, OtherDigest string
}

// Of gives what a bypass of a user is checked against.
func (s *Service) Of(ctx context.Context, tenantID, userID string) (signin.HeldBypass, error) {
	var h held
	tx := s.DB.View(ctx)
	_, err := tx.One(&h, `SELECT tenant_id, id, user_id, kind, code_digest, agent_digest, other_digest FROM bypasses
		WHERE user_id = ? AND tenant_id = ? AND state = 'active'`, userID, tenantID)
	h.of = s
	return h, store.Unusable(err)
}

// Leads says whether a user has one that would do now from an address.
func (s *Service) Leads(tx *store.Tx, tenantID, userID, ip string) (bool, error) {
	var row struct {
		Network, Places string
		StartsAt        time.Time
		BypassMinutes   int
	}
	found, err := tx.One(&row, `SELECT b.network, b.starts_at, t.places, t.bypass_minutes FROM bypasses b JOIN tenants t ON t.id = b.tenant_id
		WHERE b.user_id = ? AND b.tenant_id = ? AND b.state = 'active' AND b.uses_left > 0 AND b.starts_at <= ? AND b.ends_at > ? AND `+under, userID, tenantID, tx.Now, tx.Now)
	if err != nil || !found || !tx.Now.Before(row.StartsAt.Add(time.Duration(row.BypassMinutes)*time.Minute)) {
		return false, err
	}
	places, err := place.Read(row.Places)
	return err == nil && from(row.Network, ip, places, s.Atlas), err
}

// Skips implements signin.HeldBypass.
func (h held) Skips() bool { return h.Kind == Skip }

// Match implements signin.HeldBypass. It does the same work for everybody.
func (h held) Match(code string) (right, half bool) {
	code = typed(code)
	whole, other := h.of.Keys.CodeDigest(h.ID, code), h.of.Keys.CodeDigest(h.ID, turned(code))
	same := func(digest, kept string) bool { return secret.Same(digest, kept) && kept != "" }
	right = same(whole, h.CodeDigest)
	right = same(other, h.CodeDigest) || right
	half = same(whole, h.AgentDigest)
	half = same(whole, h.OtherDigest) || half
	return right, half && !right
}

// under says of a row b of a tenant t that the ceilings let it be used once more: its kind
// is given still, and it was not used as often as they allow now.
const under = `(',' || t.bypass_kinds || ',' LIKE '%,' || b.kind || ',%' AND b.uses - b.uses_left < t.bypass_uses)`

// Use implements signin.HeldBypass: one statement, so that of many at once each use is
// taken by one. The ceilings of the tenant are those of now.
func (h held) Use(tx *store.Tx, by signin.BypassUser) (g signin.BypassGrant, err error) {
	var row Bypass
	of, err := desk.Of(tx, h.TenantID)
	if err != nil {
		return g, err
	}
	life := time.Duration(of.Minutes) * time.Minute
	ok, err := tx.One(&row, `UPDATE bypasses AS b SET uses_left = uses_left - 1, last_used_at = ?,
		state = CASE WHEN uses_left = 1 THEN 'used' ELSE state END, ended_at = CASE WHEN uses_left = 1 THEN ? ELSE ended_at END
		WHERE b.tenant_id = ? AND b.id = ? AND (b.state = 'active' AND b.uses_left > 0 AND b.starts_at <= ? AND b.starts_at > ? AND b.ends_at > ? AND b.code_digest = ?
			AND (b.application_id = '' OR b.application_id = ?)) IS TRUE AND `+able+` AND EXISTS (SELECT 1 FROM tenants t WHERE t.id = b.tenant_id AND `+under+`)
		RETURNING `+columns,
		tx.Now, tx.Now, h.TenantID, h.ID, tx.Now, tx.Now.Add(-life), tx.Now, h.CodeDigest, by.ApplicationID)
	if err != nil {
		return g, err
	}
	if !ok {
		return g, h.why(tx, by)
	}
	ends := row.EndsAt
	if lower := row.StartsAt.Add(life); lower.Before(ends) {
		ends = lower
	}
	var places place.Named
	if row.Network != "" {
		if places, err = tenant.Places(tx, h.TenantID); err != nil {
			return g, err
		}
	}
	if !from(row.Network, by.Origin.IP, places, h.of.Atlas) {
		return g, refused("signin.bypass_network") // and with it goes the act: it stays unused
	}
	e := row.event(audit.BypassUsed, audit.User(h.UserID), by.Origin)
	e.Details["attempt"] = by.AttemptID
	return signin.BypassGrant{ID: h.ID, ApplicationID: row.ApplicationID, EndsAt: ends}, audit.Record(tx, e)
}

func refused(why string) error { return fault.New(fault.Refused, why) }

// why says, for the audit alone, why one does not do.
func (h held) why(tx *store.Tx, by signin.BypassUser) error {
	var b struct {
		State            State
		StartsAt, EndsAt time.Time
		ApplicationID    string
	}
	found, err := tx.One(&b, "SELECT state, starts_at, ends_at, application_id FROM bypasses WHERE tenant_id = ? AND id = ?", h.TenantID, h.ID)
	switch {
	case err != nil:
		return err
	case found && b.State == Active && b.StartsAt.After(tx.Now):
		return refused("signin.bypass_early")
	case found && b.State == Active && b.EndsAt.After(tx.Now) && b.ApplicationID != "" && b.ApplicationID != by.ApplicationID:
		return refused("signin.bypass_application")
	}
	return refused("signin.bypass_over")
}
