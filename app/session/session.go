// Package session keeps signed-in browsers.
//
// A session is an opaque 256-bit token in a cookie, stored as a digest. It knows
// how it was made (amr, RFC 8176), when it was last proved and by what. It is
// checked by one indexed read that also asks the user, the tenant and the phone
// that approved it: a lock, a revoked device or a suspended tenant ends it at
// once, on every replica (product.md §3). Nothing is written but, once a minute
// at most, that it was seen.
//
// How long it lives, and which ways may make one, is its tenant's to say, within the
// limits here, and is asked anew each time. One that a phone approved from a browser that its user never used
// is limited (Enter): it looks, and changes nothing and goes on to no application
// until it is proved again. One that a bypass made is restricted (Restricted).
//
// A session that is over stays for Memory: for as long a browser that it was in
// is not new to its user.
package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Limits (product.md §9).
const (
	IdleLife   = time.Hour
	Life       = 24 * time.Hour
	StepUpLife = 5 * time.Minute

	ConsoleIdleLife = 15 * time.Minute
	ConsoleLife     = 12 * time.Hour

	seenWait = time.Minute         // how exact "last seen" is
	Memory   = 30 * 24 * time.Hour // of sessions that are over, from the end that they had at most
)

// Session is a signed-in browser with what every request needs to know.
type Session struct {
	ID            string
	TenantID      string
	TenantSlug    string
	TenantName    string
	UserID        string
	UserName      string
	DisplayName   string
	AMR           string // comma-separated
	Browser       string
	IP            string
	CreatedAt     time.Time
	ProvedAt      time.Time
	ProvedBy      string
	ProvedAccount string // the phone's; empty: it was none
	LastSeenAt    time.Time
	ExpiresAt     time.Time
	AccountID     string
	TrustedID     string // the trusted browser that it was begun in; empty: none
	Limited       bool   // see Enter
	AsksPhone     bool   // its user is to register one before anything else; see package campaign

	BypassID      string // that made it; empty: none
	ApplicationID string // the only one that it goes on to; empty: any
	ByNumber      bool   // a message to a backup phone had its part in that bypass

	Lives

	ConsoleSeenAt *time.Time // nil: never in the console
	Bound         user.Ways  // what the user has bound
	Ways          user.Ways  // of that, what their organisation has on
	ProofGone     bool       // the phone that it was proved by last is no more; see settle
	LostPhone     bool       // one did, until it was removed by less, and LostWait is not over
}

// ConsoleEndsAt says when the console closes for the session: a quarter of an
// hour after it was last used there or proved, twelve hours after it began at
// the latest, and when the session itself ends. Last says that no use keeps it
// open for longer.
func (s Session) ConsoleEndsAt() (at time.Time, last bool) {
	used := s.ProvedAt
	if s.ConsoleSeenAt != nil && s.ConsoleSeenAt.After(used) {
		used = *s.ConsoleSeenAt
	}
	at, end := used.Add(ConsoleIdleLife), s.CreatedAt.Add(ConsoleLife)
	s.Running = relaxation.Running{} // no outage keeps the console open for longer
	if over, anyway := s.EndsAt(); anyway && over.Before(end) {
		end = over
	} else if !anyway && over.Before(at) {
		at = over
	}
	if !end.After(at) {
		return end, true
	}
	return at, false
}

// limited is the failure of what a limited session may not do yet.
func (s Session) limited() error {
	f := fault.New(fault.StepUp, "session.limited")
	f.Proofs = s.Proofs(s.Strongest())
	return f
}

// Unlimited fails with fault.StepUp while the session is limited: what it asks for
// is more than to look.
func (s Session) Unlimited() error {
	if s.Limited {
		return s.limited()
	}
	return nil
}

// EnterConsole checks that the console is open for the session, and notes, once
// a minute at most, that it was used there. It fails with fault.StepUp after a
// quarter of an hour without use and while the session is limited, with
// fault.SignIn after twelve hours, and with fault.Forbidden in a session that a static
// passcode or a bypass made.
func EnterConsole(ctx context.Context, db *store.DB, s *Session) error {
	switch {
	case s.Restricted():
		return fault.New(fault.Forbidden, "session.restricted")
	case made(s.AMR, ByPasscode):
		return fault.New(fault.Forbidden, "session.console_passcode")
	}
	if err := s.Unlimited(); err != nil {
		return err
	}
	now := db.Now()
	if ends, last := s.ConsoleEndsAt(); !now.Before(ends) {
		if last {
			return fault.New(fault.SignIn, "session.console_over")
		}
		idle := fault.New(fault.StepUp, "session.console_idle")
		idle.Proofs = s.Proofs(s.Strongest())
		return idle
	}
	if s.ConsoleSeenAt != nil && now.Sub(*s.ConsoleSeenAt) < seenWait {
		return nil
	}
	_, err := db.CountOne(ctx, "UPDATE sessions SET console_seen_at = ? WHERE tenant_id = ? AND id = ? AND (console_seen_at IS NULL OR console_seen_at < ?)",
		now, s.TenantID, s.ID, now)
	s.ConsoleSeenAt = &now
	return err
}

// Beginning is what a new session is made of.
type Beginning struct {
	TenantID, UserID, AMR, AccountID, IP, Browser, BrowserDigest, RequestID string

	Stay      bool         // the user chose to stay signed in
	Trusted   secret.Token // what the browser keeps of those who trust it
	TrustedID string       // which of them it was
	Limited   bool
	AsksPhone bool // see Session

	BypassID, ApplicationID string    // see Session
	EndsAt                  time.Time // at the latest; zero: when its tenant says
}

func (b Beginning) origin() audit.Origin {
	return audit.Origin{IP: b.IP, Browser: b.Browser, RequestID: b.RequestID}
}

// Begin makes a session in the act tx and gives the token for its cookie.
func Begin(tx *store.Tx, b Beginning) (id string, cookie secret.Token, err error) {
	id = secret.System.ID()
	token := secret.System.Token()
	ends := tx.Now.Add(Life)
	if !b.EndsAt.IsZero() && b.EndsAt.Before(ends) {
		ends = b.EndsAt
	}
	err = tx.Later(`INSERT INTO sessions (tenant_id, id, token_digest, user_id, amr, account_id, browser, ip, browser_digest,
		limited, asks_phone, trusted_id, bypass_id, application_id, created_at, proved_at, proved_by, proved_account, last_seen_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		b.TenantID, id, token.Digest(), b.UserID, b.AMR, b.AccountID, b.Browser, b.IP, b.BrowserDigest,
		b.Limited, b.AsksPhone, b.TrustedID, b.BypassID, b.ApplicationID, tx.Now, tx.Now, b.AMR, b.AccountID, tx.Now, ends)
	// The cookie names the tenant, so that every look-up begins with it.
	return id, secret.TokenOf(b.TenantID + "." + token.Reveal()), err
}

// Find gives the session of a cookie, or fault.SignIn when there is none that
// is alive, and notes that it was used.
func Find(ctx context.Context, db *store.DB, cookie secret.Token) (Session, error) {
	s, err := Look(ctx, db, cookie)
	now := db.Now()
	if err == nil && s.goesOn(now) {
		err = note(ctx, db, s)
	}
	if err == nil && now.Sub(s.LastSeenAt) >= seenWait {
		_, err = db.CountOne(ctx, "UPDATE sessions SET last_seen_at = ? WHERE tenant_id = ? AND id = ? AND last_seen_at < ?",
			now, s.TenantID, s.ID, now)
		s.LastSeenAt = now
	}
	return s, err
}

// note keeps, once, that a session goes on because of an outage alone.
func note(ctx context.Context, db *store.DB, s Session) error {
	noted, err := relaxation.Noted(db.View(ctx), s.TenantID, s.ID)
	if err != nil || noted {
		return store.Unusable(err)
	}
	err = db.Act(ctx, func(tx *store.Tx) error { return GoesOn(tx, s) })
	if errors.Is(err, fault.Conflict) {
		return fault.New(fault.SignIn, "session.none") // the outage ended meanwhile
	}
	return err
}

// GoesOn keeps in the act tx of whoever lives by a session, once, that it goes on because
// of an outage alone. It fails with fault.Conflict when that is over.
func GoesOn(tx *store.Tx, s Session) error {
	if !s.goesOn(tx.Now) {
		return nil
	}
	return relaxation.Record(tx, relaxation.Use{TenantID: s.TenantID, UserID: s.UserID, Relaxation: relaxation.LongerSessions, Way: s.AMR, SessionID: s.ID, Origin: audit.Origin{IP: s.IP, Browser: s.Browser}})
}

// Look is Find for what a page asks by itself, which is no use and keeps no session
// alive.
func Look(ctx context.Context, db *store.DB, cookie secret.Token) (Session, error) {
	none := fault.New(fault.SignIn, "session.none")
	tenantID, digest, ok := split(cookie)
	if !ok {
		return Session{}, none
	}
	tx := db.View(ctx)
	var s Session
	found, err := tx.One(&s, `SELECT s.id, s.tenant_id, t.slug AS tenant_slug, t.name AS tenant_name, s.user_id, u.name AS user_name,
		u.display_name, s.amr, s.browser, s.ip, s.created_at, s.proved_at, s.proved_by, s.proved_account, `+proofGone+`, s.last_seen_at, s.expires_at, s.account_id,
		s.limited, s.trusted_id, s.asks_phone, s.bypass_id, s.application_id, `+ByNumber+` AS by_number, `+lives+`, `+relaxation.Columns+`, s.console_seen_at, u.ways AS bound,
		EXISTS (SELECT 1 FROM devices o WHERE o.tenant_id = s.tenant_id AND o.user_id = s.user_id AND o.lost_at > ?) AS lost_phone
		FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		JOIN tenants t ON t.id = s.tenant_id `+relaxation.Join+`
		LEFT JOIN devices d ON d.tenant_id = s.tenant_id AND d.account_id = s.account_id
		LEFT JOIN devices p ON p.tenant_id = s.tenant_id AND p.account_id = s.proved_account
		WHERE s.tenant_id = ? AND s.token_digest = ? AND s.ended_at IS NULL AND `+relaxation.Goes+` AND s.last_seen_at > ?
		AND u.state = 'active' AND t.state = 'active' AND (s.account_id = '' OR d.state = 'active')`,
		tx.Now.Add(-LostWait), tenantID, digest, tx.Now.Add(-IdleLife))
	if err != nil {
		return Session{}, store.Unusable(err)
	}
	if !found || s.over(tx.Now) {
		return Session{}, none
	}
	s.settle()
	s.AsksPhone = s.AsksPhone && !s.Bound.Has(user.WithPhone)
	return s, nil
}

// proofGone says of a session s whether the phone p that it was proved by is no more.
const proofGone = "(s.proved_account <> '' AND COALESCE(p.state, '') <> 'active') AS proof_gone"

// settle takes from a session that was read what is no more: ways that are off, and a
// proof by one of them, or by a phone that was revoked. It is proved then as it was when
// it began, and by what is left of that. What else proved it takes its proofs along when
// it is removed (CloseMadeBy).
func (s *Session) settle() {
	s.Ways = s.Bound &^ s.Off
	gone := s.Off
	if s.ProofGone {
		gone |= user.WithPhone
	}
	if madeWith(s.ProvedBy)&gone != 0 {
		s.ProvedBy, s.ProvedAccount, s.ProvedAt = without(s.AMR, gone), "", s.CreatedAt
	}
}

// Prove notes in the act tx that the user of a session proved it again, now; account is
// that of the phone which did. The password and what is held are one proof when the
// latter comes within StepUpLife; later, it only stays known that they know it (ByKnown).
// Only a Strong proof ends that the session is limited: whoever talked its user into
// approving it may well know the password, too.
// It fails with fault.Refused when the session has ended meanwhile.
func Prove(tx *store.Tx, tenantID, id, userID, by, account string) error {
	one, known, limited := by, by, "limited"
	switch {
	case made(by, ByPhone), made(by, ByPasskey):
		limited = "FALSE"
	case made(by, ByTOTP), made(by, ByPrintedCode), made(by, ByKey):
		limited = "(limited AND ',' || amr || ',' || proved_by || ',' NOT LIKE '%," + ByPassword + ",%')"
	}
	if by == ByTOTP || by == ByPrintedCode {
		one, known = ByPassword+","+by, ByKnown+","+by
	}
	return tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE sessions SET limited = `+limited+`, proved_at = ?,
		proved_account = ?, proved_by = CASE WHEN proved_by = ? AND proved_at > ? THEN CAST(? AS text)
			WHEN ',' || proved_by || ',' LIKE ? OR ',' || proved_by || ',' LIKE ? THEN CAST(? AS text) ELSE CAST(? AS text) END
		WHERE tenant_id = ? AND id = ? AND user_id = ? AND ended_at IS NULL AND (expires_at > ? OR `+Stands+`)`,
		tx.Now, account, ByPassword, tx.Now.Add(-StepUpLife), one, "%,"+ByPassword+",%", "%,"+ByKnown+",%", known, by, tenantID, id, userID, tx.Now, tenantID, id)
}

// Listed is a session as its user sees it.
type Listed struct {
	ID         string
	AMR        string
	Browser    string
	IP         string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	Limited    bool
	Holds      bool // an application can still get tokens by it
	Idle       bool // it opens no page any more, and is there for what applications hold

	Lives
}

// holds says of a session s at a moment whether an application has a refresh token by it.
const holds = `EXISTS (SELECT 1 FROM authorizations z JOIN application_tokens k ON k.tenant_id = z.tenant_id AND k.authorization_id = z.id
	WHERE z.tenant_id = s.tenant_id AND z.session_id = s.id AND z.session_id <> '' AND z.ended_at IS NULL AND k.kind = 'refresh' AND k.used_at IS NULL AND k.expires_at > ?)`

// Of lists the sessions of a user, the last seen first: those that are alive, and those
// that idle while an application lives by them.
func Of(ctx context.Context, db *store.DB, tenantID, userID string) ([]Listed, error) {
	tx := db.View(ctx)
	var rows []Listed
	err := tx.All(&rows, `SELECT s.id, s.amr, s.browser, s.ip, s.created_at, s.last_seen_at, s.expires_at, s.limited, `+holds+` AS holds, `+lives+`, `+relaxation.Columns+` FROM sessions s
		JOIN tenants t ON t.id = s.tenant_id
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id `+relaxation.Join+`
		LEFT JOIN devices d ON d.tenant_id = s.tenant_id AND d.account_id = s.account_id
		WHERE s.tenant_id = ? AND s.user_id = ? AND s.ended_at IS NULL AND `+relaxation.Goes+` AND (s.last_seen_at > ? OR `+holds+`)
		AND (s.account_id = '' OR d.state = 'active') ORDER BY s.last_seen_at DESC LIMIT 100`,
		tx.Now, tenantID, userID, tx.Now.Add(-IdleLife), tx.Now)
	for i := range rows {
		rows[i].Idle = rows[i].over(tx.Now)
	}
	return slices.DeleteFunc(rows, func(l Listed) bool {
		return l.Idle && (!l.Holds || l.Lives.over(l.AMR, l.CreatedAt, tx.Now, tx.Now))
	}), store.Unusable(err)
}

// End ends one session of a user: fault.NotFound when they have none such.
func End(ctx context.Context, db *store.DB, tenantID, userID, id string, by audit.Party, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.NotFound, "http.not_found"),
			"UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND ended_at IS NULL", tx.Now, tenantID, id, userID)
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.SessionEnded, Actor: by, Target: audit.Session(id), Subject: userID, Thread: id, Origin: from,
		})
	})
}

// EndOthers ends every session of a user but one.
func EndOthers(ctx context.Context, db *store.DB, tenantID, userID, keep string, by audit.Party, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error { return EndAll(tx, tenantID, userID, keep, by, from) })
}

// EndAll ends every session of a user but keep (empty: all) in the act tx.
func EndAll(tx *store.Tx, tenantID, userID, keep string, by audit.Party, from audit.Origin) error {
	if _, err := Close(tx, tenantID, userID, keep); err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.SessionsEnded, Actor: by, Target: audit.User(userID), Subject: userID, Origin: from,
	})
}

// Close is EndAll without its event, which is the caller's; it gives how many
// sessions it ended. Browsers are trusted and known no more, but the
// one of keep: a thief's may be among them.
func Close(tx *store.Tx, tenantID, userID, keep string) (ended int64, err error) {
	if err := tx.Later(`UPDATE trusted_browsers SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL
		AND id NOT IN (SELECT trusted_id FROM sessions WHERE tenant_id = ? AND id = ?)`, tx.Now, tenantID, userID, tenantID, keep); err != nil {
		return 0, err
	}
	if err := tx.Later(`UPDATE sessions SET browser_digest = '' WHERE tenant_id = ? AND user_id = ? AND id <> ? AND browser_digest <> ''
		AND browser_digest NOT IN (SELECT browser_digest FROM sessions WHERE tenant_id = ? AND id = ?)`, tenantID, userID, keep, tenantID, keep); err != nil {
		return 0, err
	}
	res := tx.Exec("UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND id <> ? AND ended_at IS NULL",
		tx.Now, tenantID, userID, keep)
	return res.RowsAffected, res.Error
}

// CloseMadeBy ends, in the act tx, every session of a user but keep (empty: none)
// that a way had a part in, and first what is halfway to one; the event is the
// caller's. Sessions that were proved by it are proved as they were when they began, and
// what applications were given for such a proof is worth nothing.
func CloseMadeBy(tx *store.Tx, tenantID, userID, by, keep string) error {
	if err := CloseHalfway(tx, tenantID, userID, by); err != nil {
		return err
	}
	had := "%," + by + ",%"
	if err := tx.Exec("UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND id <> ? AND ended_at IS NULL AND ',' || amr || ',' LIKE ?",
		tx.Now, tenantID, userID, keep, had).Error; err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE sessions SET proved_by = trim(replace(',' || amr || ',', ?, ','), ','), proved_at = created_at, proved_account = account_id
		WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL AND ',' || proved_by || ',' LIKE ?`, ","+by+",", tenantID, userID, had).Error; err != nil {
		return err
	}
	return tx.Exec(`UPDATE authorizations SET ended_at = ? WHERE tenant_id = ? AND session_id <> '' AND ended_at IS NULL AND ',' || proved_by || ',' LIKE ?
		AND session_id IN (SELECT s.id FROM sessions s WHERE s.tenant_id = ? AND s.user_id = ?)`, tx.Now, tenantID, had, tenantID, userID).Error
}

// CloseHalfway ends, in the act tx, the sign-ins of a user that wait for another
// factor after a way.
func CloseHalfway(tx *store.Tx, tenantID, userID, by string) error {
	return tx.Exec("UPDATE attempts SET state = 'ended' WHERE tenant_id = ? AND user_id = ? AND state = 'open' AND ',' || proved || ',' LIKE ?",
		tenantID, userID, "%,"+by+",%").Error
}

// Forget deletes sessions, and trust in browsers, that were over long enough ago. Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM sessions WHERE expires_at < ?", db.Now().Add(-Memory))
	_, also := db.CountOne(ctx, "DELETE FROM trusted_browsers WHERE ends_at < ?", db.Now().Add(-TrustedMemory))
	return errors.Join(err, also)
}
