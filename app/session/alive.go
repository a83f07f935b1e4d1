package session

import (
	"context"
	"strings"

	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Alive gives, of sessions of a tenant, those that are alive now, by id, with what
// says until when the console is open for them. It is for those who wait with a
// session, and is no use of it: unlike Find it writes nothing.
func Alive(tx *store.Tx, tenantID string, ids ...string) (map[string]Session, error) {
	var rows []Session
	err := tx.All(&rows, `SELECT s.id, s.tenant_id, s.user_id, s.amr, s.created_at, s.proved_at, s.console_seen_at, s.last_seen_at, s.expires_at, s.limited, `+lives+`, `+relaxation.Columns+`
		FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		JOIN tenants t ON t.id = s.tenant_id `+relaxation.Join+`
		LEFT JOIN devices d ON d.tenant_id = s.tenant_id AND d.account_id = s.account_id
		WHERE s.tenant_id = ? AND s.id IN ? AND s.ended_at IS NULL AND `+relaxation.Goes+` AND s.last_seen_at > ?
		AND u.state = 'active' AND t.state = 'active' AND (s.account_id = '' OR d.state = 'active')`,
		tenantID, ids, tx.Now.Add(-IdleLife))
	alive := make(map[string]Session, len(rows))
	for _, s := range rows {
		if !s.over(tx.Now) {
			alive[s.ID] = s
		}
	}
	return alive, err
}

// Standing gives a session of a tenant that has not ended, whether or not it idles, for
// what lives by it elsewhere: its user is at work there. It is no use of the session.
func Standing(tx *store.Tx, tenantID, id string) (s Session, ok bool, err error) {
	ok, err = tx.One(&s, `SELECT s.id, s.tenant_id, s.user_id, u.name AS user_name, u.display_name, s.amr, s.created_at, s.proved_at, s.proved_by, s.proved_account, `+proofGone+`, s.last_seen_at, s.expires_at, s.limited, s.bypass_id, s.application_id, `+ByNumber+` AS by_number, u.ways AS bound, `+lives+`, `+relaxation.Columns+`
		FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		JOIN tenants t ON t.id = s.tenant_id `+relaxation.Join+`
		LEFT JOIN devices d ON d.tenant_id = s.tenant_id AND d.account_id = s.account_id
		LEFT JOIN devices p ON p.tenant_id = s.tenant_id AND p.account_id = s.proved_account
		WHERE s.tenant_id = ? AND s.id = ? AND `+stands, tenantID, id)
	s.settle()
	return s, ok && !s.Lives.over(s.AMR, s.CreatedAt, tx.Now, tx.Now), err
}

// Left gives the session of a cookie that has not ended, although it opens nothing any
// more: it idles, say, and an application still lives by it. It is for who leaves it.
func Left(ctx context.Context, db *store.DB, cookie secret.Token) (s Session, ok bool, err error) {
	tenantID, digest, ok := split(cookie)
	if !ok {
		return s, false, nil
	}
	tx := db.View(ctx)
	ok, err = tx.One(&s, `SELECT s.id, s.tenant_id, s.user_id, u.name AS user_name FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		WHERE s.tenant_id = ? AND s.token_digest = ? AND s.ended_at IS NULL AND s.expires_at > ?`, tenantID, digest, tx.Now)
	return s, ok, store.Unusable(err)
}

// split takes a cookie apart: the tenant, and the digest of the token.
func split(cookie secret.Token) (tenantID, digest string, ok bool) {
	tenantID, token, ok := strings.Cut(cookie.Reveal(), ".")
	if !ok || len(token) > 100 {
		return "", "", false
	}
	return tenantID, secret.TokenOf(token).Digest(), true
}

// stands is what a session s with its user u, tenant t, device d and what runs there must
// be, at the moment of the act.
var stands = "s.ended_at IS NULL AND " + relaxation.Goes + " AND u.state = 'active' AND t.state = 'active' AND (s.account_id = '' OR d.state = 'active')"

// Stands is a condition on a session, by its tenant and id, for a statement that is
// carried out only while it stands.
var Stands = `EXISTS (SELECT 1 FROM sessions s
	JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
	JOIN tenants t ON t.id = s.tenant_id ` + relaxation.Join + `
	LEFT JOIN devices d ON d.tenant_id = s.tenant_id AND d.account_id = s.account_id
	WHERE s.tenant_id = ? AND s.id = ? AND ` + stands + `)`
