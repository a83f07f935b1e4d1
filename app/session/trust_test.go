package session_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

const day = 24 * time.Hour

// staying is a browser whose user chooses to stay signed in.
func staying(name string) signin.From {
	from := Browser(name)
	from.Stay = true
	return from
}

// keeps is a browser after a sign-in in it.
func keeps(from signin.From, done signin.Done) signin.From {
	if done.Trust.ID != "" {
		from.Trusted = kept(from.Trusted, done.Trust)
	}
	return from
}

// kept puts a trust beside what a browser keeps, in the place of the one of its id.
func kept(shown secret.Token, t session.Trust) secret.Token {
	var all []string
	for entry := range strings.SplitSeq(shown.Reveal(), "~") {
		if entry != "" && !strings.HasPrefix(entry, t.TenantID+"."+t.ID+".") {
			all = append(all, entry)
		}
	}
	return session.Trusts(append(all, t.Kept().Reveal()))
}

func trusted(h *House, u user.User) []session.TrustedBrowser {
	h.T.Helper()
	all, err := session.TrustedBrowsers(h.T.Context(), h.DB, u.TenantID, u.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return all
}

// TestTheTokenOfATrustedBrowserTurns at each sign-in, and is kept by the browser
// alone.
func TestTheTokenOfATrustedBrowserTurns(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		if done := byPassword(h, u, Browser("a PC")); done.Life != 0 || done.Trust.ID != "" || len(trusted(h, u)) != 0 {
			t.Errorf("who does not choose to stay is given %+v", done)
		}
		pc := staying("a PC")
		first := byPassword(h, u, pc)
		pc = keeps(pc, first)
		if first.Life != day+relaxation.LastsMost || first.Trust.ID == "" || first.Trust.TenantID != u.TenantID || len(first.Trust.Token.Reveal()) != 43 {
			t.Fatalf("who chooses to stay is given %+v", first)
		}
		all := trusted(h, u)
		if len(all) != 1 || all[0].ID != first.Trust.ID || all[0].Browser != pc.Browser || !all[0].EndsAt.Equal(h.Clock.Now().AddDate(0, 0, 14)) {
			t.Errorf("trusted is %+v", all)
		}
		if s := of(h, first.Cookie); s.TrustedID != first.Trust.ID {
			t.Errorf("the session is of %q", s.TrustedID)
		}
		h.Clock.Forward(day)
		pc.Stay = false
		second := byPassword(h, u, pc)
		pc = keeps(pc, second)
		if second.Life != 0 || second.Trust.ID != first.Trust.ID || second.Trust.Token == first.Trust.Token {
			t.Errorf("the next sign-in gives %+v", second)
		}
		if got := trusted(h, u); len(got) != 1 || !got[0].EndsAt.Equal(all[0].EndsAt) || !got[0].LastUsedAt.Equal(h.Clock.Now()) {
			t.Errorf("not choosing it again, trusted is %+v", got)
		}
		pc.Stay = true
		third := byPassword(h, u, pc)
		if got := trusted(h, u); third.Trust.ID != first.Trust.ID || len(got) != 1 || !got[0].EndsAt.Equal(h.Clock.Now().AddDate(0, 0, 14)) {
			t.Errorf("choosing it again, trusted is %+v", got)
		}
		for _, done := range []signin.Done{first, second, third} {
			if n := h.Count("SELECT count(*) FROM trusted_browsers WHERE token_digest = ? OR previous_digest = ?", done.Trust.Token.Reveal(), done.Trust.Token.Reveal()); n != 0 {
				t.Error("the database keeps a token")
			}
		}
		if h.Events(audit.BrowserTrusted) != 1 || h.Events(audit.BrowserCopied) != 0 {
			t.Errorf("%d browsers were trusted and %d copied", h.Events(audit.BrowserTrusted), h.Events(audit.BrowserCopied))
		}
	})
}

// TestATokenThatComesBackWasCopied: the trust ends, and its sessions, and the user
// is told.
func TestATokenThatComesBackWasCopied(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		elsewhere := byPassword(h, u, Browser("elsewhere"))
		pc := staying("a PC")
		first := byPassword(h, u, pc)
		pc = keeps(pc, first)
		copied := pc
		h.Clock.Forward(time.Minute)
		second := byPassword(h, u, pc)
		pc = keeps(pc, second)

		// Somebody else's sign-in tells nothing about it.
		strange := copied
		strange.BrowserDigest = Browser("a strange PC").BrowserDigest
		if done := byPassword(h, other, strange); done.Trust.ID == first.Trust.ID {
			t.Error("the token of one user is good for another")
		}
		// Nor do tokens that were never given.
		made := Browser("a third PC")
		made.Trusted = kept(secret.Token{}, session.Trust{TenantID: u.TenantID, ID: first.Trust.ID, Token: secret.System.Token()})
		if done := byPassword(h, u, made); done.Trust.ID != "" || h.Events(audit.BrowserCopied) != 0 || len(trusted(h, u)) != 1 {
			t.Error("a token that is none ends the trust, or is taken for one")
		}
		if !h.Alive(first.Cookie) || !h.Alive(second.Cookie) {
			t.Fatal("a session has ended before")
		}

		thief := byPassword(h, u, strange)
		if h.Alive(first.Cookie) || h.Alive(second.Cookie) {
			t.Error("a session that was begun with it is alive")
		}
		if !h.Alive(elsewhere.Cookie) || !h.Alive(thief.Cookie) {
			t.Error("a session that has nothing to do with it has ended")
		}
		if len(trusted(h, u)) != 0 || thief.Trust.ID != "" || h.Events(audit.BrowserCopied) != 1 {
			t.Errorf("trusted is %+v, the new one is given %q, %d events", trusted(h, u), thief.Trust.ID, h.Events(audit.BrowserCopied))
		}
		if told(h, u, "", audit.BrowserCopied) != 1 || h.Text("SELECT detail FROM notices WHERE action = ?", audit.BrowserCopied) != pc.Browser {
			t.Error("the user is not told")
		}
		// The one of the two that comes second is new to the user, whoever it is.
		s := of(h, byPassword(h, u, pc).Cookie)
		if h.Events(audit.BrowserCopied) != 1 || h.Count("SELECT count(*) FROM notices WHERE session_id = ?", s.ID) != 1 {
			t.Error("the browser is still known")
		}
	})
}

// TestTwoSignInsWithOneTokenAtOnce: one turns it, and neither is a thief.
func TestTwoSignInsWithOneTokenAtOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		pc := staying("a PC")
		pc = keeps(pc, byPassword(h, u, pc))
		for range 3 {
			h.Clock.Forward(time.Hour)
			var attempts [2]string
			for i := range attempts {
				attempts[i] = h.Begin(u.Name, signin.Password, pc)
			}
			var done [2]signin.Done
			got := Tally(AtOnce(2, func(i int) (err error) {
				done[i], err = h.SignIn.VerifyPassword(t.Context(), attempts[i], Password, pc)
				return err
			}))
			if got["done"] != 2 || !h.Alive(done[0].Cookie) || !h.Alive(done[1].Cookie) {
				t.Fatalf("two at once: %v", got)
			}
			if (done[0].Trust.ID == "") == (done[1].Trust.ID == "") {
				t.Errorf("the token was turned to %q and %q", done[0].Trust.ID, done[1].Trust.ID)
			}
			if h.Events(audit.BrowserCopied) != 0 || len(trusted(h, u)) != 1 {
				t.Errorf("%d were copied, %d are trusted", h.Events(audit.BrowserCopied), len(trusted(h, u)))
			}
			pc = keeps(keeps(pc, done[0]), done[1])
		}
		// The same moment in another browser is one.
		thief := pc
		thief.BrowserDigest = Browser("a thief's PC").BrowserDigest
		byPassword(h, u, pc)
		byPassword(h, u, thief)
		if h.Events(audit.BrowserCopied) != 1 {
			t.Error("at the same moment a copy passes for the browser itself")
		}
	})
}

// TestATrustedBrowserIsKnownAndNothingMore: to its user, while it is trusted.
func TestATrustedBrowserIsKnownAndNothingMore(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		for i, row := range []struct {
			claim string
			spoil func(u user.User, id string)
			known bool
		}{
			{"trusted", func(user.User, string) {}, true},
			{"until its last instant", func(user.User, string) { h.Clock.Forward(14*day - time.Second) }, true},
			{"when its time is over", func(user.User, string) { h.Clock.Forward(14 * day) }, false},
			{"forgotten", func(u user.User, id string) {
				if err := session.ForgetBrowser(ctx, h.DB, u.TenantID, u.ID, id, from); err != nil {
					t.Fatal(err)
				}
			}, false},
			{"where the tenant trusts none any more", func(user.User, string) { h.Set("UPDATE tenants SET trust_days = 0") }, false},
			{"where the tenant trusts for fewer days", func(u user.User, _ string) {
				h.Act(func(tx *store.Tx) error { return session.Shorten(tx, u.TenantID, 1) })
				h.Clock.Forward(day)
			}, false},
			{"where another tenant trusts for fewer days", func(user.User, string) {
				h.Act(func(tx *store.Tx) error { return session.Shorten(tx, h.Birch.ID, 0) })
			}, true},
			{"after every session was ended", func(u user.User, _ string) {
				h.Act(func(tx *store.Tx) error { return session.EndAll(tx, u.TenantID, u.ID, "", audit.User(u.ID), from) })
			}, false},
		} {
			u := h.User(h.Alder, fmt.Sprint("known", i))
			p, _ := h.PhoneOf(u)
			byPassword(h, u, Browser("elsewhere"))
			pc := staying(fmt.Sprint("a PC ", i))
			done := byPassword(h, u, pc)
			pc = keeps(pc, done)
			pc.BrowserDigest, pc.Stay = Browser(fmt.Sprint("the same without its other cookie ", i)).BrowserDigest, false
			row.spoil(u, done.Trust.ID)
			signedIn, r := byPhone(h, u, p, pc)
			s := of(h, signedIn.Cookie)
			notices := h.Count("SELECT count(*) FROM notices WHERE session_id = ?", s.ID)
			if r.NewBrowser == row.known || s.Limited == row.known || (notices == 0) != row.known {
				t.Errorf("%s: the phone says new: %t, limited: %t, %d notices", row.claim, r.NewBrowser, s.Limited, notices)
			}
			h.Set("UPDATE tenants SET trust_days = 14")
		}
		// It is no factor: the password is asked for all the same.
		u := h.User(h.Alder, "user1")
		pc := staying("a PC")
		pc = keeps(pc, byPassword(h, u, pc))
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), "wrong", pc); err == nil {
			t.Error("a trusted browser needs no password")
		}
		if len(trusted(h, u)) != 1 || h.Count("SELECT count(*) FROM trusted_browsers WHERE user_id = ? AND previous_digest <> ''", u.ID) != 0 {
			t.Error("a sign-in that failed turned the token")
		}
	})
}

// TestAPhoneApprovesWhileTypedCodesArePaused, from a browser that its user trusts.
func TestAPhoneApprovesWhileTypedCodesArePaused(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := staying("a PC")
		pc = keeps(pc, byPassword(h, u, pc))
		thief := Browser("a thief's PC")
		for range 2 {
			attempt := h.Begin(u.Name, signin.Password, thief)
			for range 5 {
				_, _ = h.SignIn.VerifyPassword(ctx, attempt, "wrong", thief)
			}
		}
		_, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, thief), Password, thief)
		WantCode(t, "the password, of a stranger", err, "signin.paused")
		// All that the browser keeps is that it is trusted: its user types there, too.
		pc.BrowserDigest = Browser("the same without its other cookie").BrowserDigest
		_, err = h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), "wrong", pc)
		WantCode(t, "a wrong password, of the user", err, "signin.refused")
		done, _ := byPhone(h, u, p, pc)
		if s := of(h, done.Cookie); s.Limited || s.TrustedID == "" {
			t.Errorf("the phone makes %+v", s)
		}
	})
}

// TestALimitedSignInTrustsNothing: it would be known by its own word.
func TestALimitedSignInTrustsNothing(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		byPassword(h, u, Browser("home"))
		done, _ := byPhone(h, u, p, staying("a strange PC"))
		if done.Trust.ID != "" || len(trusted(h, u)) != 0 || done.Life != day+relaxation.LastsMost {
			h.T.Errorf("it is given %+v", done)
		}
	})
}

func TestBrowsersAreForgottenByTheirUser(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, stranger, foreigner := h.User(h.Alder, "user1"), h.User(h.Alder, "user2"), h.User(h.Birch, "user1")
		pc := staying("a PC")
		done := byPassword(h, u, pc)
		id := done.Trust.ID
		for claim, by := range map[string]user.User{"another user": stranger, "a user of another tenant": foreigner} {
			WantCode(t, claim, session.ForgetBrowser(ctx, h.DB, by.TenantID, by.ID, id, from), "http.not_found")
		}
		got := Tally(AtOnce(6, func(int) error { return session.ForgetBrowser(ctx, h.DB, u.TenantID, u.ID, id, from) }))
		if got["done"] != 1 || got["http.not_found"] != 5 || h.Events(audit.BrowserForgotten) != 1 || len(trusted(h, u)) != 0 {
			t.Errorf("six at once: %v", got)
		}
		if !h.Alive(done.Cookie) {
			t.Error("its session has ended")
		}
		// Of many the one used longest ago makes room.
		var oldest string
		for i := range 22 {
			h.Clock.Forward(time.Minute)
			done := byPassword(h, u, staying(fmt.Sprint("PC ", i)))
			if i == 1 {
				oldest = done.Trust.ID
			}
		}
		all := trusted(h, u)
		if len(all) != 20 || all[19].ID == oldest {
			t.Errorf("%d browsers are trusted", len(all))
		}
		// What is over goes when it has been over for long enough.
		h.Clock.Forward(14*day + session.TrustedMemory - time.Hour)
		if err := session.Forget(ctx, h.DB); err != nil || h.Count("SELECT count(*) FROM trusted_browsers") == 0 {
			t.Errorf("it is swept too early: %v", err)
		}
		h.Clock.Forward(2 * time.Hour)
		if err := session.Forget(ctx, h.DB); err != nil || h.Count("SELECT count(*) FROM trusted_browsers") != 0 {
			t.Errorf("it is not swept: %v", err)
		}
	})
}

// TestABrowserShowsTheTrustOfSeveral, as many as it may send, and of each person one.
func TestABrowserShowsTheTrustOfSeveral(t *testing.T) {
	one := func(n int) session.Trust {
		return session.Trust{TenantID: fmt.Sprint("tenant", n), UserID: "user", ID: secret.System.ID(), Token: secret.System.Token()}
	}
	a, b := one(1), one(2)
	again := one(1)
	if a.Of() == b.Of() || a.Of() != again.Of() || len(a.Of()) != 16 {
		t.Errorf("those of two people are kept as %s and %s, and two of one as %s and %s", a.Of(), b.Of(), a.Of(), again.Of())
	}
	shown := session.Trusts([]string{a.Kept().Reveal(), "nonsense", b.Kept().Reveal()})
	for _, t2 := range []session.Trust{a, b} {
		if !strings.Contains(session.TrustDigests(shown), t2.Token.Digest()) {
			t.Error("a trust is lost")
		}
	}
	var many []string
	for n := range 100 {
		many = append(many, one(n).Kept().Reveal())
	}
	if got := strings.Count(session.TrustDigests(session.Trusts(many)), " ") + 1; got != 2*session.TrustsKept {
		t.Errorf("%d are looked for", got)
	}
	for _, text := range []string{"", "~", "..", "a.b.c", strings.Repeat("~", 5000), strings.Repeat("a.b.c~", 2000), "x." + strings.Repeat("i", 26) + "." + strings.Repeat("t", 44), "%"} {
		if got := session.TrustDigests(secret.TokenOf(text)); got != "" {
			t.Errorf("%.30q holds %q", text, got)
		}
	}
}

// FuzzTrustDigests: whatever a browser sends, no digest is a pattern.
func FuzzTrustDigests(f *testing.F) {
	f.Add("tenant." + strings.Repeat("i", 26) + "." + strings.Repeat("t", 43))
	f.Add("%._~")
	f.Fuzz(func(t *testing.T, cookie string) {
		if strings.ContainsAny(session.TrustDigests(secret.TokenOf(cookie)), "%_") {
			t.Error("a digest is a pattern")
		}
	})
}
