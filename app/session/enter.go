package session

import (
	"context"
	"time"

	"latchkey/app/audit"
	"latchkey/app/campaign"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Entered is a new session, and what its browser is given.
type Entered struct {
	ID         string
	Cookie     secret.Token
	Life       time.Duration // of the cookie; zero: until the browser is closed
	Trust      Trust         // to be kept by the browser; empty: nothing new
	NewBrowser bool          // its user never signed in from it
	Limited    bool
	AsksPhone  bool // see Session
	Seen       bool // its user had a session in the browser, or never had any
	Trusted    bool // and trusts it
}

// Enter makes the session of a sign-in in the act tx. A browser that its user never
// signed in from, and does not trust, is told to the user, who can undo it in one
// click. Where it is the phone that approved such a one, the session is limited
// until it is proved again: somebody may have been talked into approving it. The
// first sign-in of a user, who has nothing to compare it with, is neither. A break-glass
// account comes in by its sheet and by nothing else: that is fault.Refused here.
func Enter(tx *store.Tx, b Beginning) (Entered, error) {
	if handed(b.AMR) {
		// What others handed over for some hours makes no browser known or trusted, nor
		// shows itself to one that is: nothing of it outlives it.
		b.Stay, b.Trusted = false, secret.Token{}
	}
	var here struct {
		First        bool
		Spared       bool
		Seen         bool
		SessionHours int
		TrustDays    int
		AsksPhone    bool
	}
	found, err := tx.One(&here, `SELECT u.last_signin_at IS NULL AS first, t.session_hours, `+TrustedDays+` AS trust_days,
		EXISTS (SELECT 1 FROM sessions b WHERE b.tenant_id = u.tenant_id AND b.user_id = u.id AND b.browser_digest = ? AND b.browser_digest <> '' AND NOT b.limited) AS seen,
		`+campaign.Due+` AS asks_phone, `+campaign.Spared+` AS spared
		FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ? AND NOT u.break_glass`,
		append(append([]any{b.BrowserDigest}, campaign.AsksValues(tx.Now)...), b.TenantID, b.UserID)...)
	if err == nil && !found {
		err = fault.New(fault.Refused, "signin.refused")
	}
	if err != nil {
		return Entered{}, err
	}
	t, of, err := turn(tx, b, here.TrustDays)
	if err != nil {
		return Entered{}, err
	}
	known := of == turned || here.Seen && of != copied
	b.Limited = !known && !here.First && made(b.AMR, ByPhone)
	if b.Stay && of == unknown && !b.Limited && here.TrustDays > 0 {
		if t, err = trust(tx, b, here.TrustDays); err != nil {
			return Entered{}, err
		}
	}
	b.TrustedID = t.ID
	if here.AsksPhone && !here.Spared {
		if b.AsksPhone, err = askPhone(tx, b); err != nil {
			return Entered{}, err
		}
	}
	entered := Entered{Trust: t, NewBrowser: !known && !here.First, Limited: b.Limited, AsksPhone: b.AsksPhone, Seen: here.First || here.Seen && of != copied, Trusted: of == turned}
	if handed(b.AMR) {
		b.BrowserDigest = ""
	}
	if b.Stay {
		entered.Life = time.Duration(here.SessionHours)*time.Hour + relaxation.LastsMost // which an outage may make of it
	}
	if entered.ID, entered.Cookie, err = Begin(tx, b); err != nil {
		return entered, err
	}
	if here.AsksPhone && here.Spared && !handed(b.AMR) {
		err := relaxation.Record(tx, relaxation.Use{
			TenantID: b.TenantID, UserID: b.UserID, Relaxation: relaxation.NoCampaign, Way: b.AMR, SessionID: entered.ID, Origin: b.origin(),
		})
		if err != nil {
			return entered, err
		}
	}
	if !entered.NewBrowser {
		return entered, nil
	}
	return entered, notify.Tell(tx, b.TenantID, b.UserID, notify.Notice{Action: audit.SessionNewBrowser, Detail: b.Browser, SessionID: entered.ID, IP: b.IP})
}

// Undo takes back a sign-in from a new browser that its user was told of and knows
// nothing about, in one act: the session ends, with every other one of theirs in
// that browser but the one that they undo it in, and the browser is trusted and
// known no more. It works once, for as long as the notice is not put away: after
// that, and for the notice of somebody else, it is fault.NotFound.
func Undo(ctx context.Context, db *store.DB, by Session, id string, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		none := fault.New(fault.NotFound, "http.not_found")
		err := tx.Change(none, "UPDATE notices SET seen_at = ? WHERE session_id = ? AND tenant_id = ? AND user_id = ? AND action = ? AND seen_at IS NULL",
			tx.Now, id, by.TenantID, by.UserID, audit.SessionNewBrowser)
		if err != nil {
			return err
		}
		var gone struct{ BrowserDigest, TrustedID string }
		found, err := tx.One(&gone, "SELECT browser_digest, trusted_id FROM sessions WHERE tenant_id = ? AND id = ? AND user_id = ?", by.TenantID, id, by.UserID)
		if err == nil && !found {
			err = none
		}
		if err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL
			AND (id = ? OR id <> ? AND browser_digest <> '' AND browser_digest = ? OR id <> ? AND trusted_id <> '' AND trusted_id = ?)`,
			tx.Now, by.TenantID, by.UserID, id, by.ID, gone.BrowserDigest, by.ID, gone.TrustedID).Error; err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE trusted_browsers SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL
			AND id IN (SELECT trusted_id FROM sessions WHERE tenant_id = ? AND user_id = ? AND (id = ? OR browser_digest <> '' AND browser_digest = ?))`,
			tx.Now, by.TenantID, by.UserID, by.TenantID, by.UserID, id, gone.BrowserDigest).Error; err != nil {
			return err
		}
		if err := tx.Later("UPDATE sessions SET browser_digest = '' WHERE tenant_id = ? AND user_id = ? AND (id = ? OR browser_digest = ?)",
			by.TenantID, by.UserID, id, gone.BrowserDigest); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: by.TenantID, Action: audit.SessionUndone, Actor: audit.User(by.UserID), Target: audit.Session(id), Subject: by.UserID, Thread: id, Origin: from,
		})
	})
}

// handed says whether others handed over what made a session, for some hours.
func handed(amr string) bool {
	return made(amr, ByPasscode) || made(amr, ByBypass) || made(amr, ByBreakGlass)
}

// askPhone notes in the act tx that the user of a new session is asked to register a
// phone, if they can add one: a static passcode adds nothing, a bypass only with a second proof, and who has lost
// everything that adding one asks for is not held at a page that leads nowhere.
func askPhone(tx *store.Tx, b Beginning) (bool, error) {
	if handed(b.AMR) {
		return false, nil
	}
	s := Session{AMR: b.AMR, ProvedBy: b.AMR, ProvedAt: tx.Now, Limited: b.Limited}
	if _, err := tx.One(&s, "SELECT u.ways AS bound, "+lives+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", b.TenantID, b.UserID); err != nil {
		return false, err
	}
	s.Ways = s.Bound &^ s.Off
	if !s.Fresh(tx.Now) && len(s.having(s.Strongest(), s.Ways)) == 0 {
		return false, nil
	}
	return true, campaign.Asked(tx, b.TenantID, b.UserID)
}
