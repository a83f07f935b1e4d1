package application

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
)

// Lives of what an application is given.
const (
	RequestLife = 30 * time.Minute // longer than an attempt to sign in
	CodeLife    = 60 * time.Second
	AccessLife  = 5 * time.Minute
	IDTokenLife = 10 * time.Minute
)

// Asked is what an application asks a browser for.
type Asked struct {
	ApplicationID, BrowserDigest      string
	Redirect, State, Nonce, Challenge string
	Mode, LoginHint, HintUserID       string // the user that it takes to be there; empty: anybody
	Scopes, ACRs                      []string
	Silent                            bool // no page may be shown
	Afresh                            bool // a proof from before does not do
	MaxAge                            int  // seconds since the last proof; -1: any
}

// Authorization is one sign-in to one application.
type Authorization struct {
	Asked
	ID              string
	CreatedAt       time.Time
	SessionID       string // from the code on
	UserID          string
	AuthenticatedAt time.Time
	ACR             string
	AMR             []string
	ProvedBy        string // as the session has it

	used, ended   bool // its code was; nothing of it is worth anything
	gone          bool // the phone that proved it is no more
	codeExpiresAt time.Time
}

// Missing is what keeps a user from an application.
type Missing struct {
	Fault error    // it is not for them: fault.Forbidden, with the reason
	Older bool     // the last proof is too long ago
	Less  bool     // or worth too little
	Proof []string // what would do; empty: nothing that they have
}

// Nothing says that nothing is missing.
func (m Missing) Nothing() bool { return m.Fault == nil && !m.Older && !m.Less }

// Ask keeps a request, and gives its id.
func (s *Service) Ask(ctx context.Context, tenantID string, a Asked) (id string, err error) {
	id = secret.System.ID()
	err = s.DB.Act(ctx, func(tx *store.Tx) error { return insertRequest(tx, tenantID, id, a) })
	return id, err
}

// Request gives a request that waits for its user, in the browser that it was made in,
// with its application. Any other is fault.Expired: what it was is nobody's business.
func (s *Service) Request(ctx context.Context, tenantID, id, browserDigest string) (Authorization, Application, error) {
	tx := s.DB.View(ctx)
	over := fault.New(fault.Expired, "application.request_over")
	z, ok, err := findAuthorization(tx, "z.tenant_id = ? AND z.id = ? AND z.browser_digest = ? AND z.code_digest = '' AND z.expires_at > ?", tenantID, id, browserDigest, tx.Now)
	if err == nil && !ok {
		err = over
	}
	if err != nil {
		return z, Application{}, store.Unusable(err)
	}
	a, err := find(tx, tenantID, z.ApplicationID)
	if fault.Of(err) != nil {
		err = over
	}
	return z, a, store.Unusable(err)
}

// Judge says what keeps the user of a session from an application, for a request.
func (s *Service) Judge(ctx context.Context, z Authorization, a Application, who session.Session) (Missing, error) {
	tx := s.DB.View(ctx)
	m, err := judge(tx, z, a, who)
	return m, store.Unusable(err)
}

// ClosedTo says why an application is not for a user, as Judge does: nil when it is.
func (s *Service) ClosedTo(ctx context.Context, a Application, tenantID, userID string) (closed, err error) {
	closed, err = opens(s.DB.View(ctx), a, tenantID, userID)
	return closed, store.Unusable(err)
}

func judge(tx *store.Tx, z Authorization, a Application, who session.Session) (m Missing, err error) {
	if m.Fault, err = opens(tx, a, who.TenantID, who.UserID); err != nil || m.Fault != nil {
		return m, err
	}
	if !slices.Contains(a.Redirects, z.Redirect) { // it was when the request came
		m.Fault = fault.New(fault.Forbidden, "application.changed")
		return m, nil
	}
	if who.ApplicationID != "" && who.ApplicationID != a.ID {
		m.Fault = fault.New(fault.Forbidden, "application.bypass")
		return m, nil
	}
	least := z.least(a)
	m.Older = a.stale(who, tx.Now) || z.stale(who, tx.Now)
	m.Less = who.Limited || who.Level() < least
	m.Proof = who.LevelProofs(least, tx.Now)
	return m, nil
}

// opens says whether an application is for a user: nil, or fault.Forbidden with the
// reason. It is the one place that says so, and everything that is given asks it: whatever
// else decides whether somebody has applications at all is asked here.
func opens(tx *store.Tx, a Application, tenantID, userID string) (closed, err error) {
	if !a.On() {
		return fault.New(fault.Forbidden, "application.off"), nil
	}
	had, err := feature.Had(tx, tenantID, userID)
	if err != nil {
		return nil, err
	}
	if !had.Has(feature.Applications) {
		return fault.New(fault.Forbidden, "application.off"), nil
	}
	if len(a.Groups) == 0 {
		return nil, nil
	}
	var group string
	in, err := tx.One(&group, "SELECT group_id FROM group_members WHERE tenant_id = ? AND user_id = ? AND group_id IN ? LIMIT 1", tenantID, userID, a.Groups)
	if err == nil && !in {
		closed = fault.New(fault.Forbidden, "application.not_for_you")
	}
	return closed, err
}

// least is the level that a proof must have: the one of the application, and the lowest
// of those that it asks for in this request.
func (z Authorization) least(a Application) session.Level {
	asked := session.Level(0)
	for _, acr := range z.ACRs {
		if level := session.LevelOf(acr); level > 0 && (asked == 0 || level < asked) {
			asked = level
		}
	}
	return max(session.OneFactor, session.LevelOf(a.Strength), asked)
}

// stale says whether the sign-in frequency of the application asks for a proof again.
// At the last instant it does.
func (a Application) stale(who session.Session, now time.Time) bool {
	return a.Frequency > 0 && !now.Before(who.ProvedAt.Add(time.Duration(a.Frequency)*time.Minute))
}

// stale says whether the request does: a proof since it was made is always new enough.
func (z Authorization) stale(who session.Session, now time.Time) bool {
	if !who.ProvedAt.Before(z.CreatedAt) {
		return false
	}
	return z.Afresh || z.MaxAge >= 0 && now.After(who.ProvedAt.Add(time.Duration(z.MaxAge)*time.Second))
}

// Grant gives a request its code, by its digest, for the user of a session: once, and
// while everything that Judge said still holds. It fails with fault.Expired when the
// request is over, and with fault.Conflict when something changed meanwhile.
func (s *Service) Grant(ctx context.Context, who session.Session, z Authorization, codeDigest string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		a, err := find(tx, who.TenantID, z.ApplicationID)
		if err != nil {
			return err
		}
		now, ok, err := session.Standing(tx, who.TenantID, who.ID)
		if err == nil && !ok {
			err = fault.New(fault.SignIn, "session.none")
		}
		if err != nil {
			return err
		}
		m, err := judge(tx, z, a, now)
		switch {
		case err != nil:
			return err
		case m.Fault != nil:
			return m.Fault
		case !m.Nothing():
			return fault.New(fault.Conflict, "application.changed")
		}
		err = tx.Change(fault.New(fault.Expired, "application.request_over"), `UPDATE authorizations SET session_id = ?, user_id = ?, authenticated_at = ?, acr = ?, amr = ?, proved_by = ?, proved_account = ?,
			code_digest = ?, code_expires_at = ?, expires_at = ?
			WHERE tenant_id = ? AND id = ? AND browser_digest = ? AND code_digest = '' AND expires_at > ? AND `+stillOpen+` AND `+session.Stands,
			now.ID, now.UserID, now.ProvedAt, now.Level().ACR(), strings.Join(now.References(), ","), now.ProvedBy, now.ProvedAccount, codeDigest, tx.Now.Add(CodeLife), now.WholeEndsAt(),
			who.TenantID, z.ID, z.BrowserDigest, tx.Now, now.UserID, who.TenantID, now.ID)
		if err != nil {
			return err
		}
		if err := session.GoesOn(tx, now); err != nil {
			return err
		}
		return audit.Record(tx, z.event(audit.ApplicationEntered, who.TenantID, now.UserID, now.ID, from, map[string]string{
			"application": a.Name, "acr": now.Level().ACR(),
		}))
	})
}

// stillOpen repeats, in a change of authorizations, that the application is on and for
// the user, and applications are: its value is the user's id.
var stillOpen = `EXISTS (SELECT 1 FROM applications a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = ? JOIN tenants t ON t.id = u.tenant_id
	WHERE a.tenant_id = authorizations.tenant_id AND a.id = authorizations.application_id AND a.state = 'on' AND (` + feature.With(feature.Applications) + `)
	AND (NOT a.limited OR EXISTS (SELECT 1 FROM application_groups l JOIN group_members m ON m.tenant_id = l.tenant_id AND m.group_id = l.group_id
		WHERE l.tenant_id = a.tenant_id AND l.application_id = a.id AND m.user_id = u.id)))`

// Refused remembers that somebody was not let in to an application.
func (s *Service) Refused(ctx context.Context, tenantID string, z Authorization, userID, code string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		e := z.event(audit.ApplicationRefused, tenantID, userID, "", from, nil)
		e.Outcome, e.Reason = audit.Denied, code
		if userID == "" {
			e.Actor = audit.Claimant("")
		}
		return audit.Record(tx, e)
	})
}

// event is the beginning of an event of an authorization.
func (z Authorization) event(action audit.Action, tenantID, userID, sessionID string, from audit.Origin, details map[string]string) audit.Event {
	return audit.Event{
		TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindApplication, ID: z.ApplicationID},
		Subject: userID, Thread: sessionID, Origin: from, Details: details,
	}
}
