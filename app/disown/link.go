// Package disown makes the links by which somebody says, without signing in, that what
// was done in their name was not asked for by them: a bypass that was given, or a request
// to the helpdesk.
//
// A link is one row, and its two forms, of which the database has neither, are two ways to
// it: what a mail ends with is secret.Keys.Disowning of the row, what a message that must
// be short ends with is ShortDisowning. All of them together work once, and for a week.
// What it does is up to whoever uses it (package bypass).
package disown

import (
	"context"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Life is how long a link works.
const Life = 7 * 24 * time.Hour

// shortLength is how long the end of a short link is, in letters.
const shortLength = 16

// Link is one, and what it is about: either a bypass or a request.
type Link struct {
	TenantID, ID, UserID string
	BypassID, AskID      string
	Short                bool // it was come by in its short form, which whoever holds a phone reads
}

// Make stores a link in the act tx, and gives its id.
func Make(tx *store.Tx, keys *secret.Keys, l Link) (id string, err error) {
	id = secret.System.ID()
	return id, tx.Exec("INSERT INTO disownings (tenant_id, id, user_id, bypass_id, ask_id, short_digest, created_at, expires_at) VALUES (?,?,?,NULLIF(?,''),NULLIF(?,''),?,?,?)",
		l.TenantID, id, l.UserID, l.BypassID, l.AskID, secret.Digest(keys.ShortDisowning(l.TenantID, id)), tx.Now, tx.Now.Add(Life)).Error
}

// Find gives the link with an end. One that was used, is over or was never sent is
// fault.NotFound, whichever.
func Find(tx *store.Tx, keys *secret.Keys, text string) (Link, error) {
	l, err := linkOf(tx, keys, text)
	if err != nil {
		return l, err
	}
	return l.is(tx, "SELECT "+about+" FROM disownings WHERE "+works, l.TenantID, l.ID, tx.Now)
}

// Use is Find once: of many at the same time one has it.
func Use(tx *store.Tx, keys *secret.Keys, text string) (Link, error) {
	l, err := linkOf(tx, keys, text)
	if err != nil {
		return l, err
	}
	return l.is(tx, "UPDATE disownings SET used_at = ? WHERE "+works+" RETURNING "+about, tx.Now, l.TenantID, l.ID, tx.Now)
}

const (
	about = "user_id, COALESCE(bypass_id, '') AS bypass_id, COALESCE(ask_id, '') AS ask_id"
	works = "tenant_id = ? AND id = ? AND used_at IS NULL AND expires_at > ?"
)

// is reads what a link is about.
func (l Link) is(tx *store.Tx, query string, values ...any) (Link, error) {
	var of struct{ UserID, BypassID, AskID string }
	found, err := tx.One(&of, query, values...)
	if err == nil && !found {
		err = gone()
	}
	l.UserID, l.BypassID, l.AskID = of.UserID, of.BypassID, of.AskID
	return l, err
}

// linkOf takes apart what a link ends with: gone for what we never sent. A short one is
// found by its digest, and its letters may be typed large.
func linkOf(tx *store.Tx, keys *secret.Keys, text string) (l Link, err error) {
	if parts := strings.Split(text, "-"); len(parts) == 3 && len(text) <= 200 && secret.Same(text, keys.Disowning(parts[0], parts[1])) {
		return Link{TenantID: parts[0], ID: parts[1]}, nil
	}
	short := strings.ToLower(text)
	if len(short) != shortLength {
		return l, gone()
	}
	found, err := tx.One(&l, "SELECT tenant_id, id FROM disownings WHERE short_digest = ? AND short_digest <> ''", secret.Digest(short))
	if err == nil && (!found || !secret.Same(short, keys.ShortDisowning(l.TenantID, l.ID))) {
		err = gone()
	}
	l.Short = true
	return l, err
}

// Forget deletes links whose time is over. Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM disownings WHERE expires_at < ?", db.Now())
	return err
}

func gone() error { return fault.New(fault.NotFound, "bypass.link_gone") }
