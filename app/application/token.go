package application

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
)

// OfflineAccess is the scope that asks for a refresh token.
const OfflineAccess = "offline_access"

// Tokens are what a code, or a refresh token, was redeemed for.
type Tokens struct {
	AccessID  string
	ExpiresAt time.Time
	Refresh   secret.Token // empty: none
}

// Person is who signed in, as applications may know them.
type Person struct {
	ID, Name, DisplayName string
	Groups                []string // names
}

// refused is what an application is told when a code or a token is not taken; which
// of its reasons it was stands in the audit.
func refused(code string) error { return fault.New(fault.Refused, code) }

// ByCode gives what a code of an application was given for. A code that comes back ends
// every token made from it; that, and whatever else is wrong with it, is fault.Refused.
func (s *Service) ByCode(ctx context.Context, tenantID, applicationID, codeDigest string, from audit.Origin) (Authorization, Person, error) {
	tx := s.DB.View(ctx)
	z, ok, err := findAuthorization(tx, "z.tenant_id = ? AND z.code_digest = ? AND z.code_digest <> '' AND z.application_id = ?", tenantID, codeDigest, applicationID)
	switch {
	case err != nil:
		return z, Person{}, store.Unusable(err)
	case !ok:
		return z, Person{}, refused("application.code_unknown")
	case z.used:
		return z, Person{}, s.again(ctx, tenantID, z, "application.code_again", from)
	case z.ended || !tx.Now.Before(z.codeExpiresAt):
		return z, Person{}, refused("application.code_expired")
	}
	p, err := personOf(tx, tenantID, z.UserID, z.Scopes)
	return z, p, store.Unusable(err)
}

// again ends what is left of an authorization whose code, or refresh token, was shown a
// second time: one of the two who have it should not.
func (s *Service) again(ctx context.Context, tenantID string, z Authorization, code string, from audit.Origin) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		res := tx.Exec("UPDATE authorizations SET ended_at = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL", tx.Now, tenantID, z.ID)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		e := z.event(audit.ApplicationTokensEnded, tenantID, z.UserID, z.SessionID, from, nil)
		e.Actor, e.Outcome, e.Reason = e.Target, audit.Failure, code
		return audit.Record(tx, e)
	})
	if err != nil {
		return err
	}
	return refused(code)
}

// Redeem makes the tokens of a code, once. The loser of two at once is one who shows it
// again. Whatever is wrong is fault.Refused, and nothing was made.
func (s *Service) Redeem(ctx context.Context, tenantID string, z Authorization, codeDigest string, from audit.Origin) (Tokens, error) {
	var t Tokens
	lost := false
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		t, lost = Tokens{}, false
		if err := s.standsIn(tx, tenantID, z); err != nil {
			return err
		}
		lost = true
		err := tx.Change(refused("application.code_again"), `UPDATE authorizations SET code_used_at = ? WHERE tenant_id = ? AND id = ? AND code_digest = ?
			AND code_used_at IS NULL AND ended_at IS NULL AND code_expires_at > ? AND `+stillOpen+` AND `+session.Stands,
			tx.Now, tenantID, z.ID, codeDigest, tx.Now, z.UserID, tenantID, z.SessionID)
		if err != nil {
			return err
		}
		lost = false
		if t, err = issue(tx, tenantID, z, z.Scopes); err != nil {
			return err
		}
		e := z.event(audit.ApplicationTokensIssued, tenantID, z.UserID, z.SessionID, from, map[string]string{"scopes": strings.Join(z.Scopes, " ")})
		e.Actor = e.Target
		return audit.Record(tx, e)
	})
	if f := fault.Of(err); lost && f != nil && f.Code == "application.code_again" {
		// Somebody was first; or the code is over, and a second look says so.
		_, _, err = s.ByCode(ctx, tenantID, z.ApplicationID, codeDigest, from)
		if err == nil {
			err = refused("application.code_expired")
		}
	}
	return t, err
}

// stands says whether what was given for a session is still worth something: that is
// asked whenever it is used. Whatever is wrong is fault.Refused.
func (s *Service) stands(tx *store.Tx, tenantID string, z Authorization) (who session.Session, err error) {
	a, err := find(tx, tenantID, z.ApplicationID)
	if err != nil {
		return who, err
	}
	who, ok, err := session.Standing(tx, tenantID, z.SessionID)
	if err != nil {
		return who, err
	}
	closed, err := opens(tx, a, tenantID, z.UserID)
	switch {
	case err != nil:
		return who, err
	case !ok || who.Limited:
		return who, refused("application.session_over")
	case closed != nil:
		return who, refused(fault.Of(closed).Code)
	case a.stale(who, tx.Now):
		return who, refused("application.proof_older")
	case z.gone || who.Without(z.ProvedBy):
		return who, refused("application.proof_gone")
	case !slices.Contains(a.Redirects, z.Redirect): // what went there stays with whoever is there
		return who, refused("application.changed")
	case session.LevelOf(z.ACR) < session.LevelOf(a.Strength), who.Level() < session.LevelOf(a.Strength):
		// A weaker proof since makes the session no older, and worth less.
		return who, refused("application.proof_less")
	}
	return who, nil
}

// standsIn is stands in the act tx of somebody who gets tokens: a session that goes on
// because of an outage alone is noted.
func (s *Service) standsIn(tx *store.Tx, tenantID string, z Authorization) error {
	who, err := s.stands(tx, tenantID, z)
	if err == nil {
		err = session.GoesOn(tx, who)
	}
	if errors.Is(err, fault.Conflict) {
		err = refused("application.session_over")
	}
	return err
}

// issue makes an access token, and a refresh token where one was asked for.
func issue(tx *store.Tx, tenantID string, z Authorization, scopes []string) (Tokens, error) {
	t := Tokens{AccessID: secret.System.ID(), ExpiresAt: tx.Now.Add(AccessLife)}
	if err := insertToken(tx, tenantID, t.AccessID, z.ID, "access", "", scopes, t.ExpiresAt); err != nil {
		return t, err
	}
	if !slices.Contains(z.Scopes, OfflineAccess) {
		return t, nil
	}
	t.Refresh = secret.System.Token()
	return t, insertToken(tx, tenantID, secret.System.ID(), z.ID, "refresh", t.Refresh.Digest(), z.Scopes, tx.Now.Add(session.Life))
}

// ByRefresh is ByCode for a refresh token.
func (s *Service) ByRefresh(ctx context.Context, tenantID, applicationID string, token secret.Token, from audit.Origin) (Authorization, Person, error) {
	tx := s.DB.View(ctx)
	t, ok, err := findToken(tx, "k.tenant_id = ? AND k.digest = ? AND k.digest <> '' AND k.kind = 'refresh'", tenantID, token.Digest())
	if err != nil {
		return Authorization{}, Person{}, store.Unusable(err)
	}
	if !ok {
		return Authorization{}, Person{}, refused("application.refresh_unknown")
	}
	z, ok, err := findAuthorization(tx, "z.tenant_id = ? AND z.id = ? AND z.application_id = ?", tenantID, t.AuthorizationID, applicationID)
	switch {
	case err != nil:
		return z, Person{}, store.Unusable(err)
	case !ok:
		return z, Person{}, refused("application.refresh_unknown")
	case t.UsedAt != nil:
		return z, Person{}, s.again(ctx, tenantID, z, "application.refresh_again", from)
	case z.ended || !tx.Now.Before(t.ExpiresAt):
		return z, Person{}, refused("application.refresh_over")
	}
	p, err := personOf(tx, tenantID, z.UserID, z.Scopes)
	return z, p, store.Unusable(err)
}

// Refresh takes a refresh token, once, for the next one and an access token of some of its
// scopes. Whatever is wrong is fault.Refused, and nothing was made.
func (s *Service) Refresh(ctx context.Context, tenantID string, z Authorization, token secret.Token, scopes []string, from audit.Origin) (Tokens, error) {
	var t Tokens
	lost := false
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		t, lost = Tokens{}, false
		if err := s.standsIn(tx, tenantID, z); err != nil {
			return err
		}
		lost = true
		err := tx.Change(refused("application.refresh_again"), `UPDATE application_tokens SET used_at = ? WHERE tenant_id = ? AND digest = ? AND digest <> '' AND kind = 'refresh'
			AND used_at IS NULL AND expires_at > ? AND EXISTS (SELECT 1 FROM authorizations WHERE authorizations.tenant_id = application_tokens.tenant_id
				AND authorizations.id = application_tokens.authorization_id AND authorizations.id = ? AND authorizations.ended_at IS NULL AND `+stillOpen+`) AND `+session.Stands,
			tx.Now, tenantID, token.Digest(), tx.Now, z.ID, z.UserID, tenantID, z.SessionID)
		if err != nil {
			return err
		}
		lost = false
		if t, err = issue(tx, tenantID, z, scopes); err != nil {
			return err
		}
		e := z.event(audit.ApplicationTokensRenewed, tenantID, z.UserID, z.SessionID, from, map[string]string{"scopes": strings.Join(scopes, " ")})
		e.Actor = e.Target
		return audit.Record(tx, e)
	})
	if f := fault.Of(err); lost && f != nil && f.Code == "application.refresh_again" {
		_, _, err = s.ByRefresh(ctx, tenantID, z.ApplicationID, token, from)
		if err == nil {
			err = refused("application.refresh_over")
		}
	}
	return t, err
}

// RefusedTokens remembers that an application was given no tokens.
func (s *Service) RefusedTokens(ctx context.Context, tenantID string, z Authorization, code string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		e := z.event(audit.ApplicationTokensRefused, tenantID, z.UserID, z.SessionID, from, nil)
		e.Actor, e.Outcome, e.Reason = e.Target, audit.Failure, code
		return audit.Record(tx, e)
	})
}

// ByAccess gives who an access token is about, and its scopes, while it is worth
// something; else fault.Refused.
func (s *Service) ByAccess(ctx context.Context, tenantID, accessID string) (Person, []string, error) {
	tx := s.DB.View(ctx)
	over := refused("application.token_over")
	t, ok, err := findToken(tx, "k.tenant_id = ? AND k.id = ? AND k.kind = 'access'", tenantID, accessID)
	if err != nil {
		return Person{}, nil, store.Unusable(err)
	}
	if !ok || !tx.Now.Before(t.ExpiresAt) {
		return Person{}, nil, over
	}
	z, ok, err := findAuthorization(tx, "z.tenant_id = ? AND z.id = ?", tenantID, t.AuthorizationID)
	if err != nil {
		return Person{}, nil, store.Unusable(err)
	}
	if !ok || z.ended {
		return Person{}, nil, over
	}
	if _, err := s.stands(tx, tenantID, z); err != nil {
		return Person{}, nil, store.Unusable(err)
	}
	p, err := personOf(tx, tenantID, z.UserID, strings.Fields(t.Scopes))
	return p, strings.Fields(t.Scopes), store.Unusable(err)
}

// Revoke ends what a token of an application stands for: a refresh token everything, an
// access token itself. What is none is nothing (RFC 7009 §2.2).
func (s *Service) Revoke(ctx context.Context, tenantID, applicationID, refreshDigest, accessID string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		t, ok, err := findToken(tx, "k.tenant_id = ? AND (k.digest = ? AND k.digest <> '' OR k.id = ? AND k.kind = 'access')", tenantID, refreshDigest, accessID)
		if err != nil || !ok {
			return err
		}
		z, ok, err := findAuthorization(tx, "z.tenant_id = ? AND z.id = ? AND z.application_id = ?", tenantID, t.AuthorizationID, applicationID)
		if err != nil || !ok || z.ended {
			return err
		}
		statement, id := "UPDATE authorizations SET ended_at = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL", z.ID
		if t.Kind == "access" {
			statement, id = "UPDATE application_tokens SET expires_at = ? WHERE tenant_id = ? AND id = ?", t.ID
		}
		if err := tx.Exec(statement, tx.Now, tenantID, id).Error; err != nil {
			return err
		}
		e := z.event(audit.ApplicationTokensEnded, tenantID, z.UserID, z.SessionID, from, nil)
		e.Actor = e.Target
		return audit.Record(tx, e)
	})
}

// Authenticate says whether a secret is that of a confidential application. Its 256
// bits cannot be guessed, so tries are not counted.
func (s *Service) Authenticate(ctx context.Context, tenantID, id string, given secret.Token) error {
	var digest string
	ok, err := s.DB.View(ctx).One(&digest, "SELECT secret_digest FROM applications WHERE tenant_id = ? AND id = ? AND kind = ? AND state = 'on'", tenantID, id, Confidential)
	if err != nil {
		return store.Unusable(err)
	}
	if !ok || digest == "" || !secret.Same(digest, given.Digest()) {
		return refused("application.secret_wrong")
	}
	return nil
}
