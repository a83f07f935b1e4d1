package session_test

import (
	"testing"

	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// TestAStaticPasscodeOpensNoConsole, whatever its user may do, and however it is
// proved afterwards.
func TestAStaticPasscodeOpensNoConsole(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		for amr, opens := range map[string]bool{session.ByPasscode: false, session.ByPassword: true} {
			var cookie secret.Token
			h.Act(func(tx *store.Tx) error {
				id, made, err := session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: amr})
				if err != nil {
					return err
				}
				cookie = made
				return session.Prove(tx, u.TenantID, id, u.ID, session.ByPhone, "")
			})
			s := of(h, cookie)
			if err := session.EnterConsole(t.Context(), h.DB, &s); (err == nil) != opens || !opens && fault.Of(err).Code != "session.console_passcode" {
				t.Errorf("made by %s: %v", amr, err)
			}
		}
	})
}

// TestEndingSessionsForgetsTheirBrowsers, but not the one that it is done in.
func TestEndingSessionsForgetsTheirBrowsers(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		home, thief := Browser("home"), Browser("a thief's PC")
		byPassword(h, u, home)
		mine := of(h, byPassword(h, u, home).Cookie)
		byPassword(h, u, thief)
		byPassword(h, other, thief)
		known := func(of user.User, in string) int {
			return h.Count("SELECT count(*) FROM sessions WHERE user_id = ? AND browser_digest = ?", of.ID, in)
		}
		h.Act(func(tx *store.Tx) error {
			_, err := session.Close(tx, u.TenantID, u.ID, mine.ID)
			return err
		})
		if known(u, home.BrowserDigest) != 2 || known(u, thief.BrowserDigest) != 0 || known(other, thief.BrowserDigest) != 1 {
			t.Errorf("home is known %d times, the thief's %d times", known(u, home.BrowserDigest), known(u, thief.BrowserDigest))
		}
		h.Act(func(tx *store.Tx) error {
			_, err := session.Close(tx, u.TenantID, u.ID, "")
			return err
		})
		if known(u, home.BrowserDigest) != 0 || known(other, thief.BrowserDigest) != 1 {
			t.Error("without a session to keep some browser is known, or that of another user is not")
		}
	})
}

// TestEveryWayThatIsTurnedOffEndsWhatItHadAPartIn, and no other session.
func TestEveryWayThatIsTurnedOffEndsWhatItHadAPartIn(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		made := map[string]user.Ways{
			session.ByPassword: user.WithPassword, session.ByPasskey: user.WithPasskey, session.ByPassword + "," + session.ByKey: user.WithPassword | user.WithPasskey,
			session.ByPassword + "," + session.ByTOTP: user.WithPassword | user.WithTOTP, session.ByPassword + "," + session.BySMS: user.WithPassword | user.WithSMS,
			session.ByPassword + "," + session.ByVoice: user.WithPassword | user.WithVoice, session.ByPasscode: user.WithStaticPasscode,
		}
		for amr, with := range made {
			var cookie secret.Token
			h.Act(func(tx *store.Tx) (err error) {
				_, cookie, err = session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: amr})
				return err
			})
			for _, way := range []user.Ways{user.WithPassword, user.WithPhone, user.WithTOTP, user.WithPasskey, user.WithVoice, user.WithSMS, user.WithStaticPasscode} {
				h.Set("UPDATE tenants SET no_sign_in = ?, no_second = ?, no_recovery = ? WHERE id = ?", way, way, way, u.TenantID)
				if _, err := session.Find(t.Context(), h.DB, cookie); err == nil == with.Has(way) {
					t.Errorf("made by %s, with %b off: %v", amr, way, err)
				}
			}
		}
	})
}
