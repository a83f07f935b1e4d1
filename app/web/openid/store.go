package openid

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"latchkey/app/application"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
)

// call is one request to the provider: what is known before the library is asked, and
// what the library's storage learnt that its answers do not say.
type call struct {
	tenantID, slug string
	from           audit.Origin
	browserDigest  string
	who            session.Session // with a grant
	clientID       string          // that the request names

	authorization application.Authorization // that it turned out to be about
	person        application.Person
	codeDigest    string
	key           application.Key // loaded before anything is given
	failed        error           // why it failed, as this program says it
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// fail keeps why a call failed and gives the library what it understands.
func (c *call) fail(err error, otherwise *oidc.Error) *oidc.Error {
	c.failed = err
	if errors.Is(err, fault.Unavailable) {
		return oidc.ErrServerError()
	}
	return otherwise
}

// storage is what the library asks of us. Of each call it finds the rest in the context.
type storage struct {
	op.Storage // nil: what is not answered here is not reachable by any route
	service    *application.Service
}

// signed is a request of the library's, with an authorization of ours behind it.
type signed struct {
	application.Authorization
	current []string // scopes of a refresh
}

func (r *signed) GetID() string               { return r.ID }
func (r *signed) GetACR() string              { return r.ACR }
func (r *signed) GetAMR() []string            { return r.AMR }
func (r *signed) GetAudience() []string       { return []string{r.ApplicationID} }
func (r *signed) GetAuthTime() time.Time      { return r.AuthenticatedAt }
func (r *signed) GetClientID() string         { return r.ApplicationID }
func (r *signed) GetNonce() string            { return r.Nonce }
func (r *signed) GetRedirectURI() string      { return r.Redirect }
func (r *signed) GetState() string            { return r.State }
func (r *signed) GetSubject() string          { return r.UserID }
func (r *signed) GetScopes() []string         { return r.current }
func (r *signed) SetCurrentScopes(s []string) { r.current = s }
func (r *signed) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.Challenge, Method: oidc.CodeChallengeMethodS256}
}
func (r *signed) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (r *signed) GetResponseMode() oidc.ResponseMode { return oidc.ResponseMode(r.Mode) }

// Done is true: whoever has a grant was judged before (see Pages.decide).
func (r *signed) Done() bool { return true }

// tokens is a signed as the library sees it in a refresh. It tells the two apart by
// their methods.
type tokens struct{ of *signed }

func (t tokens) GetAMR() []string            { return t.of.AMR }
func (t tokens) GetAudience() []string       { return t.of.GetAudience() }
func (t tokens) GetAuthTime() time.Time      { return t.of.AuthenticatedAt }
func (t tokens) GetClientID() string         { return t.of.ApplicationID }
func (t tokens) GetScopes() []string         { return t.of.current }
func (t tokens) GetSubject() string          { return t.of.UserID }
func (t tokens) SetCurrentScopes(s []string) { t.of.current = s }

// client is an application as the library sees it.
type client struct {
	application.Application
	slug string
}

func (c client) GetID() string                    { return c.ID }
func (c client) RedirectURIs() []string           { return c.Redirects }
func (c client) PostLogoutRedirectURIs() []string { return c.Logouts }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}
func (c client) LoginURL(id string) string           { return application.PathOf(c.slug, id) }
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration      { return application.IDTokenLife }
func (c client) DevMode() bool                       { return false }
func (c client) IsScopeAllowed(scope string) bool    { return slices.Contains(scopes, scope) }
func (c client) ClockSkew() time.Duration            { return 0 }

// ApplicationType is one for all: others would take a redirect URI that is not the
// registered one, letter by letter.
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }

// IDTokenUserinfoClaimsAssertion puts what the scopes name into the id token as well.
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c client) AuthMethod() oidc.AuthMethod {
	if c.Kind == application.Public {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

func (s *storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c := callOf(ctx)
	a, err := s.service.Of(ctx, c.tenantID, id)
	if err == nil && !a.On() {
		err = fault.New(fault.Forbidden, "application.off")
	}
	if err != nil {
		if errors.Is(err, fault.NotFound) {
			err = fault.New(fault.Malformed, "application.unknown")
		}
		return nil, c.fail(err, oidc.ErrInvalidClient())
	}
	return client{a, c.slug}, nil
}

func (s *storage) AuthorizeClientIDSecret(ctx context.Context, id, given string) error {
	if err := s.service.Authenticate(ctx, callOf(ctx).tenantID, id, secret.TokenOf(given)); err != nil {
		return callOf(ctx).fail(err, oidc.ErrInvalidClient())
	}
	return nil
}

// CreateAuthRequest keeps a request whose client and redirect URI the library has
// checked. What is wrong with the rest of it is told to the application.
func (s *storage) CreateAuthRequest(ctx context.Context, r *oidc.AuthRequest, hintUserID string) (op.AuthRequest, error) {
	c := callOf(ctx)
	switch {
	case r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with code_challenge_method S256 is required.")
	case len(r.CodeChallenge) != 43:
		return nil, oidc.ErrInvalidRequest().WithDescription("code_challenge is not a SHA-256.")
	case !slices.Contains(r.Scopes, oidc.ScopeOpenID):
		return nil, oidc.ErrInvalidScope().WithDescription("The scope openid is required.")
	case r.ResponseMode != "" && r.ResponseMode != oidc.ResponseModeQuery:
		return nil, oidc.ErrInvalidRequest().WithDescription("The only response_mode is query.")
	case len(r.State) > textMost || len(r.Nonce) > textMost:
		return nil, oidc.ErrInvalidRequest().WithDescription("state and nonce may have 1024 letters.")
	}
	asked := application.Asked{
		ApplicationID: r.ClientID, BrowserDigest: c.browserDigest, Redirect: r.RedirectURI, State: r.State, Nonce: r.Nonce, Challenge: r.CodeChallenge,
		Mode: string(r.ResponseMode), LoginHint: clip(r.LoginHint), HintUserID: hintUserID, MaxAge: -1, Silent: slices.Contains(r.Prompt, oidc.PromptNone), Afresh: slices.Contains(r.Prompt, oidc.PromptLogin),
		Scopes: known(r.Scopes, func(scope string) bool { return slices.Contains(scopes, scope) }),
		ACRs:   known(r.ACRValues, func(acr string) bool { return session.LevelOf(acr) > 0 }),
	}
	if r.MaxAge != nil {
		asked.MaxAge = int(min(*r.MaxAge, 365*24*3600))
	}
	id, err := s.service.Ask(ctx, c.tenantID, asked)
	if err != nil {
		return nil, c.fail(err, oidc.ErrServerError())
	}
	return &signed{Authorization: application.Authorization{Asked: asked, ID: id}}, nil
}

// known gives those of texts that are, in their order and each once.
func known(texts []string, are func(string) bool) (all []string) {
	for _, text := range texts {
		if are(text) && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// textMost is how long state and nonce may be, in letters.
const textMost = 1024

// clip gives a sign-in name that was hinted at, or nothing where it can be none.
func clip(hint string) string {
	if len(hint) > 254 {
		return ""
	}
	return hint
}

// AuthRequestByID gives the request that Pages.decide has judged.
func (s *storage) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	c := callOf(ctx)
	if c.authorization.ID != id || c.who.ID == "" {
		return nil, oidc.ErrInvalidRequest()
	}
	return &signed{Authorization: c.authorization, current: c.authorization.Scopes}, nil
}

func (s *storage) SaveAuthCode(ctx context.Context, _, code string) error {
	c := callOf(ctx)
	if err := s.service.Grant(ctx, c.who, c.authorization, secret.Digest(code), c.from); err != nil {
		return c.fail(err, oidc.ErrServerError())
	}
	return nil
}

// ready loads what is needed to sign before anything is given: nothing may fail after.
func (s *storage) ready(ctx context.Context, z application.Authorization, p application.Person) (*signed, error) {
	c := callOf(ctx)
	key, err := s.service.SigningKey(ctx, c.tenantID)
	if err != nil {
		return nil, c.fail(err, oidc.ErrServerError())
	}
	c.authorization, c.person, c.key = z, p, key
	return &signed{Authorization: z, current: z.Scopes}, nil
}

func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	c := callOf(ctx)
	z, p, err := s.service.ByCode(ctx, c.tenantID, c.clientID, secret.Digest(code), c.from)
	if err != nil {
		c.authorization = z
		return nil, c.fail(err, oidc.ErrInvalidGrant())
	}
	c.codeDigest = secret.Digest(code)
	return s.ready(ctx, z, p)
}

func (s *storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	c := callOf(ctx)
	z, p, err := s.service.ByRefresh(ctx, c.tenantID, c.clientID, secret.TokenOf(token), c.from)
	if err != nil {
		c.authorization = z
		return nil, c.fail(err, oidc.ErrInvalidGrant())
	}
	found, err := s.ready(ctx, z, p)
	if err != nil {
		return nil, err
	}
	return tokens{found}, nil
}

func (s *storage) CreateAccessToken(ctx context.Context, _ op.TokenRequest) (string, time.Time, error) {
	id, _, ends, err := s.redeem(ctx)
	return id, ends, err
}

func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, r op.TokenRequest, current string) (string, string, time.Time, error) {
	if current == "" {
		return s.redeem(ctx)
	}
	c := callOf(ctx)
	t, err := s.service.Refresh(ctx, c.tenantID, c.authorization, secret.TokenOf(current), r.GetScopes(), c.from)
	if err != nil {
		return "", "", time.Time{}, c.fail(err, oidc.ErrInvalidGrant())
	}
	return t.AccessID, t.Refresh.Reveal(), t.ExpiresAt, nil
}

func (s *storage) redeem(ctx context.Context) (string, string, time.Time, error) {
	c := callOf(ctx)
	t, err := s.service.Redeem(ctx, c.tenantID, c.authorization, c.codeDigest, c.from)
	if err != nil {
		return "", "", time.Time{}, c.fail(err, oidc.ErrInvalidGrant())
	}
	return t.AccessID, t.Refresh.Reveal(), t.ExpiresAt, nil
}

// DeleteAuthRequest keeps it: a code that comes back must be known.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

// claims tells of a person what scopes name.
func claims(p application.Person, scopes []string, info *oidc.UserInfo) {
	info.Subject = p.ID
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeProfile:
			info.Name, info.PreferredUsername = p.DisplayName, p.Name
			if info.Name == "" {
				info.Name = p.Name
			}
		case oidc.ScopeEmail:
			// The organisation has proved that the domain is its own, and gives its names.
			info.Email, info.EmailVerified = p.Name, true
		case scopeGroups:
			info.AppendClaims("groups", append([]string{}, p.Groups...))
		}
	}
}

func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest is for id tokens.
func (s *storage) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	c := callOf(ctx)
	claims(c.person, scopes, info)
	info.AppendClaims("sid", c.authorization.SessionID)
	if _, fresh := r.(op.AuthRequest); !fresh {
		info.AppendClaims("acr", c.authorization.ACR) // the library forgets it in a refresh
	}
	return nil
}

func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	c := callOf(ctx)
	p, scopes, err := s.service.ByAccess(ctx, c.tenantID, tokenID)
	if err == nil && p.ID != subject {
		err = fault.New(fault.Refused, "application.token_over")
	}
	if err != nil {
		return c.fail(err, oidc.ErrAccessDenied())
	}
	claims(p, scopes, info)
	return nil
}

// GetRefreshTokenInfo takes what is no access token for a refresh token: those are of our
// own making, and cannot be told apart by their form.
func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	if len(token) != 43 {
		return "", "", op.ErrInvalidRefreshToken
	}
	return "", token, nil
}

func (s *storage) RevokeToken(ctx context.Context, token, userID, clientID string) *oidc.Error {
	c, digest, access := callOf(ctx), "", token
	if userID == "" {
		digest, access = secret.Digest(token), ""
	}
	if err := s.service.Revoke(ctx, c.tenantID, clientID, digest, access, c.from); err != nil {
		return c.fail(err, oidc.ErrServerError())
	}
	return nil
}

// signing is a key that signs, as the library wants it.
type signing struct {
	id      string
	private *ecdsa.PrivateKey
}

func (k signing) ID() string                                  { return k.id }
func (k signing) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k signing) Key() any                                    { return k.private }

// verifying is a key as everybody may see it.
type verifying struct {
	id     string
	public *ecdsa.PublicKey
}

func (k verifying) ID() string                         { return k.id }
func (k verifying) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k verifying) Use() string                        { return "sig" }
func (k verifying) Key() any                           { return k.public }

func (s *storage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	k := callOf(ctx).key
	return signing{k.ID, k.Private}, nil
}

func (s *storage) KeySet(ctx context.Context) ([]op.Key, error) {
	c := callOf(ctx)
	keys, err := s.service.KeySet(ctx, c.tenantID)
	if err != nil {
		return nil, c.fail(err, oidc.ErrServerError())
	}
	all := []op.Key{}
	for _, k := range keys {
		all = append(all, verifying{k.ID, &k.Private.PublicKey})
	}
	return all, nil
}

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (s *storage) Health(context.Context) error { return nil }
