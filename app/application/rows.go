package application

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/signin"
	"latchkey/app/store"
)

func insertRequest(tx *store.Tx, tenantID, id string, a Asked) error {
	return tx.Exec(`INSERT INTO authorizations (tenant_id, id, application_id, browser_digest, redirect_uri, scopes, state, nonce, code_challenge, response_mode,
		silent, afresh, max_age, acr_values, login_hint, hint_user_id, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		tenantID, id, a.ApplicationID, a.BrowserDigest, a.Redirect, strings.Join(a.Scopes, " "), a.State, a.Nonce, a.Challenge, a.Mode,
		a.Silent, a.Afresh, a.MaxAge, strings.Join(a.ACRs, " "), a.LoginHint, a.HintUserID, tx.Now, tx.Now.Add(RequestLife)).Error
}

func findAuthorization(tx *store.Tx, where string, values ...any) (z Authorization, ok bool, err error) {
	var row struct {
		ID, ApplicationID, BrowserDigest, RedirectUri, Scopes, State, Nonce, CodeChallenge, ResponseMode, AcrValues, LoginHint, SessionID, UserID, Acr, Amr, ProvedBy, HintUserID string
		Silent, Afresh, Gone                                                                                                                                                      bool
		MaxAge                                                                                                                                                                    int
		CreatedAt                                                                                                                                                                 time.Time
		AuthenticatedAt, CodeExpiresAt, CodeUsedAt, EndedAt                                                                                                                       *time.Time
	}
	ok, err = tx.One(&row, `SELECT z.id, z.application_id, z.browser_digest, z.redirect_uri, z.scopes, z.state, z.nonce, z.code_challenge, z.response_mode, z.acr_values, z.login_hint,
		z.session_id, z.user_id, z.acr, z.amr, z.proved_by, z.hint_user_id, (z.proved_account <> '' AND COALESCE(p.state, '') <> 'active') AS gone, z.silent, z.afresh, z.max_age, z.created_at, z.authenticated_at, z.code_expires_at, z.code_used_at, z.ended_at
		FROM authorizations z LEFT JOIN devices p ON p.tenant_id = z.tenant_id AND p.account_id = z.proved_account WHERE `+where, values...)
	if err != nil || !ok {
		return z, ok, err
	}
	z = Authorization{
		ID: row.ID, CreatedAt: row.CreatedAt, SessionID: row.SessionID, UserID: row.UserID, ACR: row.Acr, AMR: strings.Split(row.Amr, ","), ProvedBy: row.ProvedBy,
		Asked: Asked{
			ApplicationID: row.ApplicationID, BrowserDigest: row.BrowserDigest, Redirect: row.RedirectUri, State: row.State, Nonce: row.Nonce, Challenge: row.CodeChallenge,
			Mode: row.ResponseMode, LoginHint: row.LoginHint, HintUserID: row.HintUserID, Scopes: strings.Fields(row.Scopes), ACRs: strings.Fields(row.AcrValues), Silent: row.Silent, Afresh: row.Afresh, MaxAge: row.MaxAge,
		},
		used: row.CodeUsedAt != nil, ended: row.EndedAt != nil, gone: row.Gone,
	}
	if row.AuthenticatedAt != nil {
		z.AuthenticatedAt = *row.AuthenticatedAt
	}
	if row.CodeExpiresAt != nil {
		z.codeExpiresAt = *row.CodeExpiresAt
	}
	return z, true, nil
}

type token struct {
	ID, AuthorizationID, Kind, Scopes string
	ExpiresAt                         time.Time
	UsedAt                            *time.Time
}

func findToken(tx *store.Tx, where string, values ...any) (t token, ok bool, err error) {
	ok, err = tx.One(&t, "SELECT k.id, k.authorization_id, k.kind, k.scopes, k.expires_at, k.used_at FROM application_tokens k WHERE "+where, values...)
	return t, ok, err
}

func insertToken(tx *store.Tx, tenantID, id, authorizationID, kind, digest string, scopes []string, expiresAt time.Time) error {
	return tx.Exec("INSERT INTO application_tokens (tenant_id, id, authorization_id, kind, digest, scopes, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?)",
		tenantID, id, authorizationID, kind, digest, strings.Join(scopes, " "), tx.Now, expiresAt).Error
}

// personOf reads who a user is, and their groups where these are asked for.
func personOf(tx *store.Tx, tenantID, userID string, scopes []string) (p Person, err error) {
	var row struct{ ID, Name, DisplayName string }
	if _, err := tx.One(&row, "SELECT id, name, display_name FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID); err != nil {
		return p, err
	}
	p = Person{ID: row.ID, Name: row.Name, DisplayName: row.DisplayName}
	if slices.Contains(scopes, "groups") {
		err = tx.All(&p.Groups, "SELECT g.name FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id WHERE m.tenant_id = ? AND m.user_id = ? ORDER BY g.name", tenantID, userID)
	}
	return p, err
}

// Forget deletes what is of no use any more: requests that nobody finished, and tokens
// and codes whose session is over. Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	now := db.Now()
	// A refresh token that was used must be known for as long as its successors live.
	_, tokens := db.CountOne(ctx, `DELETE FROM application_tokens WHERE expires_at < ? AND (kind = 'access' OR EXISTS (SELECT 1 FROM authorizations z
		WHERE z.tenant_id = application_tokens.tenant_id AND z.id = application_tokens.authorization_id AND z.expires_at < ?))`, now, now)
	_, requests := db.CountOne(ctx, `DELETE FROM authorizations WHERE expires_at < ?
		AND NOT EXISTS (SELECT 1 FROM application_tokens k WHERE k.tenant_id = authorizations.tenant_id AND k.authorization_id = authorizations.id)`, now)
	_, keys := db.CountOne(ctx, "DELETE FROM application_keys WHERE created_at < ?", now.Add(-keyKnown))
	return errors.Join(tokens, requests, keys)
}

// Start is an application as it stands on somebody's start page.
type Start struct{ ID, Name, Href string }

// For lists the applications of a user that have a place to begin.
func (s *Service) For(ctx context.Context, tenantID, userID string) (all []Start, err error) {
	tx := s.DB.View(ctx)
	apps, err := list(tx, tenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	for _, a := range apps {
		if a.Start == "" {
			continue
		}
		closed, err := opens(tx, a, tenantID, userID)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if closed == nil {
			all = append(all, Start{ID: a.ID, Name: a.Name, Href: a.Start})
		}
	}
	return all, nil
}

// InSessions names the applications that sessions of a user went to, by session.
func (s *Service) InSessions(ctx context.Context, tenantID, userID string) (map[string][]string, error) {
	tx := s.DB.View(ctx)
	var rows []struct{ SessionID, Name string }
	err := tx.All(&rows, `SELECT DISTINCT z.session_id, a.name FROM sessions s JOIN authorizations z ON z.tenant_id = s.tenant_id AND z.session_id = s.id AND z.session_id <> ''
		JOIN applications a ON a.tenant_id = z.tenant_id AND a.id = z.application_id
		WHERE s.tenant_id = ? AND s.user_id = ? AND s.ended_at IS NULL AND s.expires_at > ? ORDER BY a.name`, tenantID, userID, tx.Now)
	all := map[string][]string{}
	for _, r := range rows {
		all[r.SessionID] = append(all[r.SessionID], r.Name)
	}
	return all, store.Unusable(err)
}

// Opens gives the name of an application, and whether it is closed to a user; one that
// there is not has no name.
func Opens(tx *store.Tx, tenantID, id, userID string) (name string, closed bool, err error) {
	a, err := find(tx, tenantID, id)
	if errors.Is(err, fault.NotFound) {
		return "", true, nil
	}
	if err != nil {
		return "", true, err
	}
	why, err := opens(tx, a, tenantID, userID)
	return a.Name, why != nil, err
}

// BegunBy gives the application that made a request in a browser, by the path of the
// request's page; empty when it is none.
func BegunBy(tx *store.Tx, path, browserDigest string) (by signin.Application, err error) {
	slug, id, ok := RequestOf(path)
	if !ok {
		return by, nil
	}
	_, err = tx.One(&by, `SELECT t.id AS tenant_id, a.id, a.name FROM tenants t JOIN authorizations z ON z.tenant_id = t.id
		JOIN applications a ON a.tenant_id = z.tenant_id AND a.id = z.application_id
		WHERE t.slug = ? AND z.id = ? AND z.browser_digest = ? AND z.expires_at > ?`, slug, id, browserDigest, tx.Now)
	return by, err
}

// PathOf is the page on which a request goes on when its user is signed in.
func PathOf(slug, id string) string { return "/t/" + slug + "/authorize/resume?id=" + id }

// RequestOf takes it apart.
func RequestOf(path string) (slug, id string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/t/")
	if !ok {
		return "", "", false
	}
	slug, id, ok = strings.Cut(rest, "/authorize/resume?id=")
	return slug, id, ok && slug != "" && len(id) == 26 && !strings.ContainsAny(slug+id, "/&?")
}
