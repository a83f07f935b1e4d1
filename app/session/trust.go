package session

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// A trusted browser is one in which its user chose to stay signed in. It is a hint
// and no factor: it makes the browser a known one for some days, and nothing more.
//
// Its token turns at each sign-in. The one before, when it comes back, was copied:
// which of the two browsers is the user's cannot be told, so the trust ends, and
// with it every session that was begun with it.

// Limits of trusted browsers.
const (
	trustsMost    = 20               // of one user; the one used longest ago makes room
	TrustsKept    = 8                // by one browser: several people may share it; the oldest makes room
	turnWait      = 10 * time.Second // two sign-ins at once in one browser are no copy
	TrustedMemory = 30 * 24 * time.Hour
)

// Trust is what a browser keeps of the trust of one user in it.
type Trust struct {
	TenantID, UserID, ID string
	Token                secret.Token
}

// Kept is the text by which a browser keeps it.
func (t Trust) Kept() secret.Token {
	return secret.TokenOf(strings.Join([]string{t.TenantID, t.ID, t.Token.Reveal()}, "."))
}

// Of stands for whose it is: a browser keeps one of each person, so that two who sign
// in at the same moment do not put theirs in each other's place.
func (t Trust) Of() string { return secret.Digest("trust of " + t.TenantID + "." + t.UserID)[:16] }

// Trusts puts what a browser keeps of several people together, as From has it.
func Trusts(kept []string) secret.Token { return secret.TokenOf(strings.Join(kept, "~")) }

// entries are those of what a browser shows that may be some.
func entries(cookie secret.Token) (all []string) {
	for entry := range strings.SplitSeq(cookie.Reveal(), "~") {
		parts := strings.Split(entry, ".")
		if len(parts) == 3 && len(parts[0]) <= 40 && len(parts[1]) == 26 && len(parts[2]) == 43 && len(all) < 2*TrustsKept {
			all = append(all, entry)
		}
	}
	return all
}

// TrustDigests gives the digests of the tokens that a browser shows, one after another, so
// that one query can look for a row whose digest is among them; empty when there
// is none.
func TrustDigests(cookie secret.Token) string {
	var all []string
	for _, entry := range entries(cookie) {
		all = append(all, secret.TokenOf(entry[strings.LastIndex(entry, ".")+1:]).Digest())
	}
	return strings.Join(all, " ")
}

// MayTrust says, of a user u of a tenant t, that browsers can be trusted. Where they
// cannot, trust from before counts for nothing, and is there again afterwards.
var MayTrust = feature.With(feature.TrustedBrowsers)

// For how many days a browser is trusted: of a user u in a tenant t, and of somebody
// of whom nobody knows yet who they are.
var (
	TrustedDays = "(CASE WHEN " + MayTrust + " THEN t.trust_days ELSE 0 END)"
	OfferedDays = "(CASE WHEN " + feature.Somebody(feature.TrustedBrowsers) + " THEN t.trust_days ELSE 0 END)"
)

// Trusted says, of a user u of a tenant t, whether one of the digests of
// TrustDigests is that of a browser which they trust at a moment: two values.
var Trusted = `EXISTS (SELECT 1 FROM trusted_browsers r WHERE r.tenant_id = t.id AND r.user_id = u.id AND t.trust_days > 0
	AND r.ended_at IS NULL AND ? LIKE '%' || r.token_digest || '%' AND r.ends_at > ? AND ` + MayTrust + `)`

// turn gives the trusted browser of a user that a sign-in is made in another token,
// by one statement that finds the present one: of two at once one turns it. A token
// that was turned before is a copy, and ends the trust. What is given back is empty
// unless the token was turned.
func turn(tx *store.Tx, b Beginning, days int) (t Trust, of standing, err error) {
	shown := TrustDigests(b.Trusted)
	if shown == "" || days == 0 {
		return Trust{}, unknown, nil
	}
	t = Trust{TenantID: b.TenantID, UserID: b.UserID, Token: secret.System.Token()}
	renew, values := "", []any{t.Token.Digest(), tx.Now, b.BrowserDigest, b.Browser}
	if b.Stay {
		renew, values = ", ends_at = ?", append(values, tx.Now.AddDate(0, 0, days))
	}
	const alive = "tenant_id = ? AND user_id = ? AND ended_at IS NULL AND ends_at > ? AND ? LIKE '%' || token_digest || '%'"
	found, err := tx.One(&t.ID, `UPDATE trusted_browsers SET previous_digest = token_digest, token_digest = ?, last_used_at = ?, turned_by = ?, browser = ?`+renew+`
		WHERE `+alive+` AND id = (SELECT id FROM trusted_browsers WHERE `+alive+` ORDER BY last_used_at DESC LIMIT 1) RETURNING id`,
		append(values, b.TenantID, b.UserID, tx.Now, shown, b.TenantID, b.UserID, tx.Now, shown)...)
	if err != nil || found {
		return t, turned, err
	}
	of, err = before(tx, b, shown)
	return Trust{}, of, err
}

// standing is what the token of a browser is worth.
type standing int

const (
	unknown standing = iota
	turned           // it was the present one
	raced            // the same browser turned it a moment ago
	copied           // somebody else has its successor
)

// before says whether a token that a browser shows was turned before, and ends the
// trust for it, unless the same browser signed in twice at once.
func before(tx *store.Tx, b Beginning, shown string) (standing, error) {
	var was struct {
		ID, Browser, TurnedBy string
		LastUsedAt            time.Time
	}
	found, err := tx.One(&was, `SELECT id, browser, turned_by, last_used_at FROM trusted_browsers
		WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL AND previous_digest <> '' AND ? LIKE '%' || previous_digest || '%'`, b.TenantID, b.UserID, shown)
	if err != nil || !found {
		return unknown, err
	}
	if was.TurnedBy == b.BrowserDigest && tx.Now.Sub(was.LastUsedAt) < turnWait {
		return raced, nil
	}
	ended, err := endTrust(tx, b.TenantID, b.UserID, was.ID)
	if err != nil || !ended {
		return copied, err
	}
	if err := tx.Exec("UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND trusted_id = ? AND ended_at IS NULL",
		tx.Now, b.TenantID, b.UserID, was.ID).Error; err != nil {
		return copied, err
	}
	if err := notify.Tell(tx, b.TenantID, b.UserID, notify.Notice{Action: audit.BrowserCopied, Detail: was.Browser}); err != nil {
		return copied, err
	}
	return copied, audit.Record(tx, audit.Event{
		TenantID: b.TenantID, Action: audit.BrowserCopied, Outcome: audit.Failure, Reason: "session.trust_copied", Actor: audit.Service,
		Target: audit.TrustedBrowser(was.ID), Subject: b.UserID, Thread: was.ID, Origin: b.origin(),
	})
}

// endTrust ends the trust in one browser of a user and says whether there was one.
// The browser is as new to its user as one that they never used.
func endTrust(tx *store.Tx, tenantID, userID, id string) (bool, error) {
	res := tx.Exec("UPDATE trusted_browsers SET ended_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND ended_at IS NULL", tx.Now, tenantID, id, userID)
	if res.Error != nil || res.RowsAffected == 0 {
		return false, res.Error
	}
	return true, tx.Later("UPDATE sessions SET browser_digest = '' WHERE tenant_id = ? AND user_id = ? AND trusted_id = ?", tenantID, userID, id)
}

// trust begins to trust the browser that a sign-in is made in.
func trust(tx *store.Tx, b Beginning, days int) (Trust, error) {
	t := Trust{TenantID: b.TenantID, UserID: b.UserID, ID: secret.System.ID(), Token: secret.System.Token()}
	if err := tx.Later(`UPDATE trusted_browsers SET ended_at = ? WHERE tenant_id = ? AND id IN (SELECT id FROM trusted_browsers
		WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL ORDER BY last_used_at DESC LIMIT 100 OFFSET ?)`,
		tx.Now, b.TenantID, b.TenantID, b.UserID, trustsMost-1); err != nil {
		return Trust{}, err
	}
	if err := tx.Later(`INSERT INTO trusted_browsers (tenant_id, id, user_id, browser, token_digest, turned_by, created_at, last_used_at, ends_at) VALUES (?,?,?,?,?,?,?,?,?)`,
		t.TenantID, t.ID, b.UserID, b.Browser, t.Token.Digest(), b.BrowserDigest, tx.Now, tx.Now, tx.Now.AddDate(0, 0, days)); err != nil {
		return Trust{}, err
	}
	return t, audit.Record(tx, audit.Event{
		TenantID: b.TenantID, Action: audit.BrowserTrusted, Actor: audit.User(b.UserID), Target: audit.TrustedBrowser(t.ID), Subject: b.UserID, Thread: t.ID, Origin: b.origin(),
	})
}

// TrustedBrowser is one as its user sees it.
type TrustedBrowser struct {
	ID         string
	Browser    string
	CreatedAt  time.Time
	LastUsedAt time.Time
	EndsAt     time.Time
	Off        bool // for now it counts for nothing
}

// TrustedBrowsers lists those that a user trusts now, the last used first.
func TrustedBrowsers(ctx context.Context, db *store.DB, tenantID, userID string) ([]TrustedBrowser, error) {
	tx := db.View(ctx)
	var all []TrustedBrowser
	err := tx.All(&all, `SELECT r.id, r.browser, r.created_at, r.last_used_at, r.ends_at, NOT `+MayTrust+` AS off FROM trusted_browsers r JOIN tenants t ON t.id = r.tenant_id
		JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
		WHERE r.tenant_id = ? AND r.user_id = ? AND r.ended_at IS NULL AND r.ends_at > ? AND t.trust_days > 0 ORDER BY r.last_used_at DESC`, tenantID, userID, tx.Now)
	return all, store.Unusable(err)
}

// ForgetBrowser ends the trust of a user in one browser: fault.NotFound when there
// is none such.
func ForgetBrowser(ctx context.Context, db *store.DB, tenantID, userID, id string, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		ended, err := endTrust(tx, tenantID, userID, id)
		if err == nil && !ended {
			err = fault.New(fault.NotFound, "http.not_found")
		}
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.BrowserForgotten, Actor: audit.User(userID), Target: audit.TrustedBrowser(id), Subject: userID, Thread: id, Origin: from,
		})
	})
}
