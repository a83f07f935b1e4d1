package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux", RequestID: "request"}

// TestWhenASessionIsFresh: a proof counts when it is young, and as strong as the
// strongest way that its user has.
func TestWhenASessionIsFresh(t *testing.T) {
	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	const (
		pwd   = user.WithPassword
		phone = user.WithPassword | user.WithPhone
		totp  = user.WithPassword | user.WithTOTP
	)
	for _, row := range []struct {
		claim  string
		ago    time.Duration
		made   string
		by     string
		ways   user.Ways
		fresh  bool
		weakly bool
	}{
		{"the password just now", 0, session.ByPassword, session.ByPassword, pwd, true, true},
		{"the password an instant short of five minutes ago", 5*time.Minute - time.Microsecond, session.ByPassword, session.ByPassword, pwd, true, true},
		{"the password five minutes ago", 5 * time.Minute, session.ByPassword, session.ByPassword, pwd, false, false},
		{"the password a day ago", 24 * time.Hour, session.ByPassword, session.ByPassword, pwd, false, false},
		{"the password of somebody with a phone", 0, session.ByPassword, session.ByPassword, phone, false, true},
		{"the password in a session that a phone made", 0, session.ByPhone, session.ByPassword, phone, false, true},
		{"the phone", 0, session.ByPassword, session.ByPhone, phone, true, true},
		{"the phone five minutes ago", 5 * time.Minute, session.ByPhone, session.ByPhone, phone, false, false},
		{"a phone that is one no more", 0, session.ByPhone, session.ByPhone, pwd, true, true},
		{"the password and the phone", 0, session.ByPassword, session.ByPassword + "," + session.ByPhone, phone, true, true},
		{"the password of somebody with an authenticator app", 0, session.ByPassword, session.ByPassword, totp, false, true},
		{"the password in a session that a code has a part in", 0, session.ByPassword + "," + session.ByTOTP, session.ByPassword, totp, false, true},
		{"a code in a session that the password made", 0, session.ByPassword, session.ByTOTP, totp, true, true},
		{"a code in a session that a code made", 0, session.ByTOTP, session.ByTOTP, totp, false, true},
		{"a code after the password in a session that a code made", 0, session.ByTOTP, session.ByPassword + "," + session.ByTOTP, totp, true, true},
		{"the password of somebody with printed codes", 0, session.ByPassword, session.ByPassword, user.WithPassword | user.WithPrintedCode, true, true},
		{"a printed code in a session that a code made, of somebody with a phone", 0, session.ByPrintedCode, session.ByPrintedCode, user.WithPassword | user.WithPrintedCode | phone, false, false},
		{"a printed code alone of somebody with a password", 0, session.ByPrintedCode, session.ByPrintedCode, user.WithPassword | user.WithPrintedCode, false, false},
		{"a printed code of somebody without a password", 0, session.ByPrintedCode, session.ByPrintedCode, user.WithPrintedCode, true, true},
		{"a printed code of somebody with a phone, after the password", 0, session.ByPassword, session.ByPrintedCode, user.WithPassword | user.WithPrintedCode | phone, true, true},
		{"a code of somebody with a phone, too", 0, session.ByPassword, session.ByTOTP, totp | phone, true, true},
		{"a code of somebody without a password", 0, session.ByTOTP, session.ByTOTP, user.WithTOTP, true, true},
		{"a passkey that looked", 0, session.ByPassword, session.ByPasskey, user.WithPasskey | pwd, true, true},
		{"the password of somebody with a passkey", 0, session.ByPassword, session.ByPassword, user.WithPasskey | pwd, false, true},
		{"the password in a session that a passkey made", 0, session.ByPasskey, session.ByPassword, user.WithPasskey | pwd, false, true},
		{"a passkey that did not look", 0, session.ByKey, session.ByKey, user.WithPasskey | pwd, false, true},
		{"one that did not look, and the password", 0, session.ByKey, session.ByKey + "," + session.ByPassword, user.WithPasskey | pwd, true, true},
		{"one that did not look in a session that knows the password", 0, session.ByPassword, session.ByKey, user.WithPasskey | pwd, true, true},
		{"a way that nobody knows", 0, "pigeon", "pigeon", pwd, false, false},
		{"no way at all", 0, "", "", pwd, false, false},
	} {
		s := session.Session{ProvedAt: noon.Add(-row.ago), AMR: row.made, ProvedBy: row.by, Ways: row.ways}
		if got := s.Fresh(noon); got != row.fresh {
			t.Errorf("%s: Fresh = %t, want %t", row.claim, got, row.fresh)
		}
		if got := s.FreshBy(session.Weak, noon); got != row.weakly {
			t.Errorf("%s: FreshBy the weakest = %t, want %t", row.claim, got, row.weakly)
		}
	}
}

// TestWhatASessionIsAskedFor: what its user has, and no way that is not enough.
func TestWhatASessionIsAskedFor(t *testing.T) {
	for _, row := range []struct {
		claim          string
		made           string
		ways           user.Ways
		least          session.Strength
		proofs, offers []string
	}{
		{"a password is what there is", session.ByPassword, user.WithPassword, session.Weak, []string{"pwd"}, []string{"pwd"}},
		{"a phone that is lost is what is missing", session.ByPassword, user.WithPassword, session.Strong, []string{"phone"}, nil},
		{"the phone", session.ByPassword, user.WithPassword | user.WithPhone, session.Strong, []string{"phone"}, []string{"phone"}},
		{"the phone or the password", session.ByPassword, user.WithPassword | user.WithPhone, session.Weak, []string{"phone", "pwd"}, []string{"phone", "pwd"}},
		{"a passkey before the phone", session.ByPassword, user.WithPassword | user.WithPhone | user.WithPasskey, session.Strong, []string{"passkey", "phone"}, []string{"passkey", "phone"}},
		{"the phone or printed codes", session.ByPassword, user.WithPassword | user.WithPhone | user.WithPrintedCode, session.Strong, []string{"phone", "printed_code"}, []string{"phone", "printed_code"}},
		{"the password, where a printed code made the session", session.ByPrintedCode, user.WithPassword | user.WithPrintedCode, session.Weak, []string{"pwd"}, []string{"pwd"}},
		{"the app or printed codes, and the password before them", session.ByTOTP, user.WithPassword | user.WithTOTP | user.WithPrintedCode, session.Strong, []string{"pwd"}, []string{"pwd"}},
		{"the phone or the app", session.ByPassword, user.WithPassword | user.WithPhone | user.WithTOTP, session.Strong, []string{"phone", "otp"}, []string{"phone", "otp"}},
		{"the password first, where a code made the session", session.ByTOTP, user.WithPassword | user.WithTOTP, session.Strong, []string{"pwd"}, []string{"pwd"}},
	} {
		s := session.Session{AMR: row.made, ProvedBy: row.made, Ways: row.ways}
		if got := s.Proofs(row.least); !slices.Equal(got, row.proofs) {
			t.Errorf("%s: Proofs = %v, want %v", row.claim, got, row.proofs)
		}
		if got := s.Offers(s.Proofs(row.least)); !slices.Equal(got, row.offers) {
			t.Errorf("%s: Offers = %v, want %v", row.claim, got, row.offers)
		}
	}
}

// TestASessionKnowsWhetherAPhoneSignsItsUserIn: also a phone that came after it.
func TestASessionKnowsWhetherAPhoneSignsItsUserIn(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		_, cookie := h.Session(u)
		knows := func(claim string, want bool) {
			t.Helper()
			s, err := session.Find(ctx, h.DB, cookie)
			if err != nil || s.Ways.Has(user.WithPhone) != want {
				t.Errorf("%s: a phone that signs in = %t, %v; want %t", claim, !want, err, want)
			}
		}
		h.PhoneOf(h.User(h.Alder, "user2"))
		knows("the phone of another user", false)
		a := h.NewPhone().Enrol(u)
		knows("a phone with phone sign-in off", false)
		if err := h.Devices.EnablePhoneSignIn(ctx, a, false, from); err != nil {
			t.Fatal(err)
		}
		knows("a phone with phone sign-in on", true)
		h.Set("UPDATE devices SET state = 'disabled' WHERE account_id = ?", a.AccountID)
		knows("a phone that is disabled", false)

		// One that was lost is none, and counts for a day.
		_, b := h.PhoneOf(u)
		if err := h.Devices.Lose(ctx, u.TenantID, u.ID, b.AccountID, from); err != nil {
			t.Fatal(err)
		}
		knows("a phone that was lost", false)
		for _, row := range []struct {
			claim string
			after time.Duration
			want  session.Strength
		}{
			{"at once", 0, session.Strong},
			{"an instant short of a day later", 24*time.Hour - time.Microsecond, session.Strong},
			{"a day later", time.Microsecond, session.Weak},
		} {
			h.Clock.Forward(row.after)
			_, cookie := h.Session(u)
			if s, err := session.Find(ctx, h.DB, cookie); err != nil || s.Strongest() != row.want {
				t.Errorf("%s the strongest proof is %d, %v; want %d", row.claim, s.Strongest(), err, row.want)
			}
		}
		if got := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND reason = 'device.lost'", audit.DeviceRevoked); got != 1 {
			t.Errorf("%d phones were lost in the audit", got)
		}
	})
}

func TestASessionKnowsWhoseItIsAndHowItWasMade(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		_, a := h.PhoneOf(u)
		var id string
		var cookie secret.Token
		h.Act(func(tx *store.Tx) (err error) {
			id, cookie, err = session.Begin(tx, session.Beginning{
				TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPhone, AccountID: a.AccountID, IP: from.IP, Browser: from.Browser, BrowserDigest: "digest",
			})
			return err
		})
		now := h.Clock.Now()
		want := session.Session{
			ID: id, TenantID: h.Alder.ID, TenantSlug: "alder", TenantName: "Alder Health", UserID: u.ID, UserName: "user1@alder.example", DisplayName: "user1",
			AMR: session.ByPhone, Browser: from.Browser, IP: from.IP, ProvedBy: session.ByPhone, ProvedAccount: a.AccountID, AccountID: a.AccountID, Bound: user.WithPassword | user.WithPhone, Ways: user.WithPassword | user.WithPhone,
			Lives:     session.Lives{IdleMinutes: 60, SessionHours: 24, Off: user.WithStaticPasscode},
			CreatedAt: now, ProvedAt: now, LastSeenAt: now, ExpiresAt: now.Add(24 * time.Hour),
		}
		got, err := session.Find(t.Context(), h.DB, cookie)
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]*time.Time{{&got.CreatedAt, &want.CreatedAt}, {&got.ProvedAt, &want.ProvedAt}, {&got.LastSeenAt, &want.LastSeenAt}, {&got.ExpiresAt, &want.ExpiresAt}} {
			if pair[0].Equal(*pair[1]) {
				*pair[0] = *pair[1] // the same moment, said in another way
			}
		}
		if got != want {
			t.Errorf("Find = %+v, want %+v", got, want)
		}
		_, token, _ := strings.Cut(cookie.Reveal(), ".")
		if len(token) != 43 { // 256 bits, base64url
			t.Errorf("the token is %q", token)
		}
		if kept := h.Text("SELECT token_digest FROM sessions WHERE id = ?", id); strings.Contains(kept, token) || len(kept) != 64 {
			t.Errorf("the database keeps %q of the token %q", kept, token)
		}
	})
}

// TestWhatEndsASession is product.md §3: whatever ends it, it is dead at once,
// on every replica.
func TestWhatEndsASession(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		none := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		revoke := func(u user.User, a device.Account) { none(h.Devices.Revoke(ctx, u.TenantID, u.ID, a.AccountID, from)) }
		for _, row := range []struct {
			claim    string
			password bool // made by password, else by the phone
			end      func(u user.User, a device.Account, id string)
			lives    bool
		}{
			{"nothing", false, func(user.User, device.Account, string) {}, true},
			{"an hour without a request, but an instant", false, func(user.User, device.Account, string) { h.Clock.Forward(time.Hour - time.Microsecond) }, true},
			{"an hour without a request", false, func(user.User, device.Account, string) { h.Clock.Forward(time.Hour) }, false},
			{"its user ends it", false, func(u user.User, _ device.Account, id string) {
				none(session.End(ctx, h.DB, u.TenantID, u.ID, id, audit.User(u.ID), from))
			}, false},
			{"another session of its user ends", false, func(u user.User, _ device.Account, _ string) {
				other, _ := h.Session(u)
				none(session.End(ctx, h.DB, u.TenantID, u.ID, other, audit.User(u.ID), from))
			}, true},
			{"its user ends the others", false, func(u user.User, _ device.Account, id string) {
				none(session.EndOthers(ctx, h.DB, u.TenantID, u.ID, id, audit.User(u.ID), from))
			}, true},
			{"its user ends the others from another one", false, func(u user.User, _ device.Account, _ string) {
				other, _ := h.Session(u)
				none(session.EndOthers(ctx, h.DB, u.TenantID, u.ID, other, audit.User(u.ID), from))
			}, false},
			{"another user ends theirs", false, func(u user.User, _ device.Account, _ string) {
				stranger := h.User(h.Birch, secret.System.ShortID())
				none(session.EndOthers(ctx, h.DB, stranger.TenantID, stranger.ID, "", audit.User(stranger.ID), from))
			}, true},
			{"the user is locked", false, func(u user.User, _ device.Account, _ string) { h.Lock(u) }, false},
			{"the user is disabled", true, func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE users SET state = 'disabled' WHERE id = ?", u.ID)
			}, false},
			{"the organisation is suspended", true, func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID)
			}, false},
			{"the way that made it is turned off", true, func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE tenants SET no_sign_in = no_sign_in | 1, no_second = no_second | 1, no_recovery = no_recovery | 1 WHERE id = ?", u.TenantID)
			}, false},
			{"the way that made it is turned off for one use of three", true, func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE tenants SET no_recovery = no_recovery | 1 WHERE id = ?", u.TenantID)
			}, true},
			{"another way is turned off", false, func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE tenants SET no_sign_in = no_sign_in | 1, no_second = no_second | 1, no_recovery = no_recovery | 1 WHERE id = ?", u.TenantID)
			}, true},
			{"the phone is turned off", false, func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE tenants SET no_sign_in = no_sign_in | 2, no_second = no_second | 2, no_recovery = no_recovery | 2 WHERE id = ?", u.TenantID)
			}, false},
			{"another organisation turns it off", true, func(user.User, device.Account, string) {
				h.Set("UPDATE tenants SET no_sign_in = no_sign_in | 1, no_second = no_second | 1, no_recovery = no_recovery | 1 WHERE id = ?", h.Alder.ID)
			}, true},
			{"another organisation is suspended", true, func(user.User, device.Account, string) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", h.Alder.ID)
			}, true},
			{"the phone that approved it is revoked", false, func(u user.User, a device.Account, _ string) { revoke(u, a) }, false},
			{"the phone that approved it is removed on itself", false, func(_ user.User, a device.Account, _ string) {
				none(h.Devices.Remove(ctx, []device.Account{a}, from))
			}, false},
			{"the phone that approved it is disabled", false, func(_ user.User, a device.Account, _ string) {
				h.Set("UPDATE devices SET state = 'disabled' WHERE account_id = ?", a.AccountID)
			}, false},
			{"the phone is revoked, and it was made by password", true, func(u user.User, a device.Account, _ string) { revoke(u, a) }, true},
			{"another phone of the user is revoked", false, func(u user.User, _ device.Account, _ string) {
				_, other := h.PhoneOf(u)
				revoke(u, other)
			}, true},
		} {
			u := h.User(h.Birch, secret.System.ShortID())
			_, a := h.PhoneOf(u)
			b := session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPhone, AccountID: a.AccountID}
			if row.password {
				b.AMR, b.AccountID = session.ByPassword, ""
			}
			var id string
			var cookie secret.Token
			h.Act(func(tx *store.Tx) (err error) {
				id, cookie, err = session.Begin(tx, b)
				return err
			})
			row.end(u, a, id)
			_, err := session.Find(ctx, h.DB, cookie)
			if row.lives && err != nil {
				t.Errorf("%s: Find = %v, want it to live", row.claim, err)
			} else if !row.lives && !errors.Is(err, fault.SignIn) {
				t.Errorf("%s: Find = %v, want fault.SignIn", row.claim, err)
			}
			listed, err := session.Of(ctx, h.DB, u.TenantID, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			named := false
			for _, l := range listed {
				named = named || l.ID == id
			}
			if row.lives != named && !strings.Contains(row.claim, "the user is") && !strings.Contains(row.claim, "organisation") {
				t.Errorf("%s: it is listed %t", row.claim, named)
			}
			h.Set("UPDATE tenants SET state = 'active', no_sign_in = 128, no_second = 128, no_recovery = 128")
		}
	})
}

func TestADayIsTheLongestSession(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		_, cookie := h.Session(u)
		for range 47 { // used all day long
			h.Clock.Forward(30 * time.Minute)
			if !h.Alive(cookie) {
				h.T.Fatal("a session in use died within its day")
			}
		}
		h.Clock.Forward(30*time.Minute - time.Microsecond)
		if !h.Alive(cookie) {
			h.T.Error("an instant short of a day it is dead")
		}
		h.Clock.Forward(time.Microsecond)
		if h.Alive(cookie) {
			h.T.Error("after a day it lives")
		}
	})
}

// TestThatItWasSeenIsRarelyWritten: once a minute at most, however many requests.
func TestThatItWasSeenIsRarelyWritten(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		id, cookie := h.Session(u)
		seen := func() time.Time {
			var at time.Time
			if _, err := h.DB.View(t.Context()).One(&at, "SELECT last_seen_at FROM sessions WHERE id = ?", id); err != nil {
				t.Fatal(err)
			}
			return at
		}
		began := h.Clock.Now()
		for range 59 {
			h.Clock.Forward(time.Second)
			if !h.Alive(cookie) {
				t.Fatal("the session died")
			}
		}
		if !seen().Equal(began) {
			t.Errorf("within a minute it was written %v later", seen().Sub(began))
		}
		h.Clock.Forward(time.Second)
		if got := Tally(AtOnce(8, func(int) error { _, err := session.Find(t.Context(), h.DB, cookie); return err })); got["done"] != 8 {
			t.Errorf("eight requests at once: %v", got)
		}
		if !seen().Equal(began.Add(time.Minute)) {
			t.Errorf("after a minute it says %v later", seen().Sub(began))
		}
	})
}

func TestCookiesThatAreNone(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		h.User(h.Birch, "user1")
		_, cookie := h.Session(u)
		_, token, _ := strings.Cut(cookie.Reveal(), ".")
		for _, text := range []string{
			"", ".", token, "." + token, h.Alder.ID + ".", h.Alder.ID, h.Birch.ID + "." + token, h.Alder.ID + "." + token + "a", h.Alder.ID + "." + token[:42],
			h.Alder.ID + "." + secret.Digest(token), h.Alder.ID + "." + strings.Repeat("a", 10_000), "' OR 1=1 --." + token, strings.ToUpper(cookie.Reveal()),
		} {
			if _, err := session.Find(t.Context(), h.DB, secret.TokenOf(text)); !errors.Is(err, fault.SignIn) {
				t.Errorf("Find(%.60q) = %v, want fault.SignIn", text, err)
			}
		}
		if !h.Alive(cookie) {
			t.Error("the session itself is gone")
		}
		if err := h.DB.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Find(t.Context(), h.DB, cookie); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Find without a database = %v, want fault.Unavailable", err)
		}
	})
}

func TestSessionsOfOthersAreNotThere(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, stranger := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		id, cookie := h.Session(u)
		for claim, err := range map[string]error{
			"of another user":                       session.End(ctx, h.DB, u.TenantID, stranger.ID, id, audit.User(stranger.ID), from),
			"in another organisation":               session.End(ctx, h.DB, h.Birch.ID, u.ID, id, audit.User(u.ID), from),
			"that is none":                          session.End(ctx, h.DB, u.TenantID, u.ID, "none", audit.User(u.ID), from),
			"to be proved, of another user":         h.DB.Act(ctx, func(tx *store.Tx) error { return session.Prove(tx, u.TenantID, id, stranger.ID, session.ByPhone, "") }),
			"to be proved, in another organisation": h.DB.Act(ctx, func(tx *store.Tx) error { return session.Prove(tx, h.Birch.ID, id, u.ID, session.ByPhone, "") }),
		} {
			if !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Refused) {
				t.Errorf("a session %s = %v", claim, err)
			}
		}
		if !h.Alive(cookie) || h.Events(audit.SessionEnded) != 0 {
			t.Error("a stranger ended a session")
		}
		// Of two who end it at once, one did.
		got := Tally(AtOnce(6, func(int) error { return session.End(ctx, h.DB, u.TenantID, u.ID, id, audit.User(u.ID), from) }))
		if got["done"] != 1 || got["http.not_found"] != 5 || h.Events(audit.SessionEnded) != 1 || h.Alive(cookie) {
			t.Errorf("six at once: %v and %d events, want one", got, h.Events(audit.SessionEnded))
		}
		// What has ended is proved no more, and ends no second time.
		err := h.DB.Act(ctx, func(tx *store.Tx) error { return session.Prove(tx, u.TenantID, id, u.ID, session.ByPhone, "") })
		WantCode(t, "Prove of a session that ended", err, "signin.refused")
		h.Clock.Forward(time.Minute)
		if err := session.EndOthers(ctx, h.DB, u.TenantID, u.ID, "", audit.User(u.ID), from); err != nil {
			t.Fatal(err)
		}
		if got := h.Count("SELECT count(*) FROM sessions WHERE ended_at < ?", h.Clock.Now()); got != 1 {
			t.Error("the end of a session was written a second time")
		}
	})
}

// TestASessionIsForgottenAMonthAfterItsEnd: until then its browser is not new.
func TestASessionIsForgottenAMonthAfterItsEnd(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		h.Set("DELETE FROM sessions")
		pc := Browser("a PC")
		for range 2 {
			h.Act(func(tx *store.Tx) error {
				_, _, err := session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPassword, BrowserDigest: pc.BrowserDigest})
				return err
			})
		}
		id := h.Text("SELECT id FROM sessions LIMIT 1")
		if err := session.End(ctx, h.DB, u.TenantID, u.ID, id, audit.User(u.ID), from); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			claim string
			after time.Duration
			kept  int
		}{
			{"at once", 0, 2},
			{"a month after their end", session.Life + 30*24*time.Hour, 2},
			{"an instant later", time.Microsecond, 0},
		} {
			h.Clock.Forward(row.after)
			if err := session.Forget(ctx, h.DB); err != nil {
				t.Fatal(err)
			}
			if got := h.Count("SELECT count(*) FROM sessions"); got != row.kept {
				t.Errorf("%s %d sessions are kept, want %d", row.claim, got, row.kept)
			}
			h.Begin(u.Name, signin.Phone, pc)
			r := p.Open()
			if r.NewBrowser != (row.kept == 0) {
				t.Errorf("%s the phone is told that the browser is new: %t", row.claim, r.NewBrowser)
			}
			if _, err := p.Answer(r, prompt.Deny, "", ""); err != nil {
				t.Fatal(err)
			}
			h.Set("DELETE FROM prompts")
		}
		_, cookie := h.Session(u)
		if err := session.Forget(ctx, h.DB); err != nil || !h.Alive(cookie) {
			t.Errorf("a session that lives is forgotten, %v", err)
		}
	})
}

// TestWhatAnApplicationIsToldOfAProof: its level, and by what it was, of the last one.
func TestWhatAnApplicationIsToldOfAProof(t *testing.T) {
	for by, want := range map[string]struct{ acr, amr string }{
		"pwd":                {"1fa", "pwd"},
		"otp":                {"1fa", "otp"},
		"known,otp":          {"1fa", "otp"},
		"pwd,otp":            {"mfa", "pwd otp mfa"},
		"pwd,printed_code":   {"mfa", "pwd otp mfa"},
		"known,printed_code": {"1fa", "otp"},
		"pwd,sms":            {"mfa", "pwd sms mfa"},
		"phone":              {"mfa", "swk mfa"},
		"key":                {"1fa", "pop"},
		"known,key":          {"1fa", "pop"},
		"pwd,key":            {"phr", "pwd pop mfa"},
		"passkey":            {"phr", "pop mfa"},
		"static_passcode":    {"1fa", "otp"},
		"":                   {"1fa", ""},
	} {
		s := session.Session{AMR: session.ByPassword, ProvedBy: by, Ways: user.WithPassword | user.WithTOTP | user.WithPhone}
		if acr, amr := s.Level().ACR(), strings.Join(s.References(), " "); acr != want.acr || amr != want.amr {
			t.Errorf("proved by %q: %s by %q, want %s by %q", by, acr, amr, want.acr, want.amr)
		}
	}
}

// TestWhatIsTakenAwayProvesNothingInTheSessionThatTookIt: that one goes on, and is proved
// by what is left of how it was made.
func TestWhatIsTakenAwayProvesNothingInTheSessionThatTookIt(t *testing.T) {
	Each(t, func(h *House) {
		t, u := h.T, h.User(h.Alder, "user1")
		for _, row := range []struct{ made, proved, left string }{
			{"pwd,otp", "pwd,otp", "pwd"}, {"otp,pwd", "otp", "pwd"}, {"otp", "otp", ""}, {"pwd", "known,otp", "pwd"}, {"pwd", "phone", "phone"}, {"pwd,otp", "phone", "phone"},
		} {
			id, cookie := h.Session(u)
			h.Clock.Forward(time.Minute)
			h.Set("UPDATE sessions SET amr = ?, proved_by = ?, proved_at = ? WHERE id = ?", row.made, row.proved, h.Clock.Now(), id)
			h.Act(func(tx *store.Tx) error { return session.CloseMadeBy(tx, u.TenantID, u.ID, session.ByTOTP, id) })
			s, err := session.Find(t.Context(), h.DB, cookie)
			if err != nil || s.ProvedBy != row.left || s.ProvedAt.Equal(s.CreatedAt) == (row.left == row.proved) {
				t.Errorf("made by %s and proved by %s it is proved by %q at %s, %v", row.made, row.proved, s.ProvedBy, s.ProvedAt, err)
			}
		}
	})
}
