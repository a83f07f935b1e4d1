package session_test

import (
	"testing"

	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

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
