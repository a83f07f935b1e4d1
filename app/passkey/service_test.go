package passkey_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/passkey"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func begin(h *House, by passkey.Owner) string {
	h.T.Helper()
	options, err := h.Passkeys.Begin(h.T.Context(), by)
	if err != nil {
		h.T.Fatalf("Begin: %v", err)
	}
	return options
}

func bind(h *House, by passkey.Owner, answer string) error {
	_, err := h.Passkeys.Bind(h.T.Context(), by, "Laptop", answer, audit.Origin{})
	return err
}

func TestAPasskeyFromItsMakingToItsEnd(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		h.Demand(u, user.MFAEnabled)
		by := h.OwnerOf(u)
		asked := passkeytest.Read(t, begin(h, by))
		if asked.RP.ID != "id.example" || asked.Selection.UserVerification != "required" || asked.User.Name != u.Name || len(asked.ExcludeCredentials) > 0 {
			t.Errorf("it asks for %+v", asked)
		}
		if handle, _ := base64.RawURLEncoding.DecodeString(asked.User.ID); len(handle) > 64 || strings.Contains(string(handle), "user1") {
			t.Errorf("the authenticator is to keep %q", handle)
		}
		id, a := h.BindPasskey(by, passkeytest.New(t, PublicURL))
		bound, err := h.Passkeys.Of(ctx, u.TenantID, u.ID)
		if err != nil || len(bound) != 1 || bound[0].ID != id || bound[0].Name != "Laptop" || bound[0].Synced || bound[0].LastUsedAt != nil {
			t.Errorf("Of = %+v, %v", bound, err)
		}
		if got := h.Count("SELECT ways FROM users WHERE id = ?", u.ID); got != int(user.WithPassword|user.WithPasskey) {
			t.Errorf("the ways are %b", got)
		}
		if got := h.Text("SELECT mfa_state FROM users WHERE id = ?", u.ID); got != user.MFAEnforced {
			t.Errorf("a second factor is %s", got)
		}
		if again := passkeytest.Read(t, begin(h, by)); len(again.ExcludeCredentials) != 1 || again.ExcludeCredentials[0].ID != base64.RawURLEncoding.EncodeToString(a.ID) {
			t.Errorf("the next one excludes %+v", again.ExcludeCredentials)
		}
		if err := h.Passkeys.Rename(ctx, by, id, " Work laptop ", audit.Origin{}); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"", "  ", strings.Repeat("x", 61), "two\nlines"} {
			WantCode(t, "the name "+name, h.Passkeys.Rename(ctx, by, id, name, audit.Origin{}), "form.wrong")
		}
		WantCode(t, "removing the only second factor", h.Passkeys.Remove(ctx, by, id, audit.Origin{}), "passkey.last_factor")
		h.AppOf(u)
		_, made := h.Session(u)
		h.Set("UPDATE sessions SET amr = 'pwd,key' WHERE user_id = ? AND id <> ?", u.ID, by.SessionID)
		if err := h.Passkeys.Remove(ctx, by, id, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if h.Alive(made) {
			t.Error("a session that it had a part in is alive")
		}
		if got := h.Text("SELECT public_key || state FROM passkeys"); got != "ended" {
			t.Errorf("what is left is %q", got)
		}
		if got := h.Count("SELECT ways FROM users WHERE id = ?", u.ID); got != int(user.WithPassword|user.WithTOTP) {
			t.Errorf("the ways are %b", got)
		}
		WantCode(t, "removing it again", h.Passkeys.Remove(ctx, by, id, audit.Origin{}), "http.not_found")
		WantCode(t, "renaming it", h.Passkeys.Rename(ctx, by, id, "X", audit.Origin{}), "http.not_found")
		for action, want := range map[audit.Action]int{audit.PasskeyBound: 1, audit.PasskeyRenamed: 1, audit.PasskeyRemoved: 1} {
			if got := h.Events(action); got != want {
				t.Errorf("%d events %s", got, action)
			}
		}
		if got := h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action LIKE 'passkey.%'", u.ID); got != 2 {
			t.Errorf("its user is told %d times", got)
		}
	})
}

func TestPasskeysThatAreNotTaken(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		by := h.OwnerOf(u)
		for claim, row := range map[string]struct {
			change func(a *passkeytest.Authenticator)
			by     passkey.Owner
			want   string
		}{
			"of another site":               {func(a *passkeytest.Authenticator) { a.Origin = "https://id.example.evil.example" }, by, "form.wrong"},
			"of a neighbour":                {func(a *passkeytest.Authenticator) { a.Origin = "https://app.id.example" }, by, "form.wrong"},
			"over plain http":               {func(a *passkeytest.Authenticator) { a.Origin = "http://id.example" }, by, "form.wrong"},
			"for another host":              {func(a *passkeytest.Authenticator) { a.RPID = "example" }, by, "form.wrong"},
			"within another site":           {func(a *passkeytest.Authenticator) { a.Crossing = true }, by, "form.wrong"},
			"that did not see who holds it": {func(a *passkeytest.Authenticator) { a.Verifies = false }, by, "form.wrong"},
			"that nobody touched":           {func(a *passkeytest.Authenticator) { a.Absent = true }, by, "form.wrong"},
			"backed up though it cannot be": {func(a *passkeytest.Authenticator) { a.Synced = true }, by, "form.wrong"},
			"of another ceremony":           {func(a *passkeytest.Authenticator) { a.Type = "webauthn.get" }, by, "form.wrong"},
			"for a challenge of nobody": {func(a *passkeytest.Authenticator) {
				a.Challenge = base64.RawURLEncoding.EncodeToString(make([]byte, 72))
			}, by, "passkey.over"},
			"for a challenge of somebody else":   {nil, h.OwnerOf(other), "passkey.over"},
			"for a challenge of another session": {nil, h.OwnerOf(u), "passkey.over"},
		} {
			a := passkeytest.New(t, PublicURL)
			if row.change != nil {
				row.change(a)
			}
			WantCode(t, claim, bind(h, row.by, a.Make(t, begin(h, by))), row.want)
		}
		for _, answer := range []string{"", "{}", "null", "[]", `{"id":"","rawId":"","type":"public-key","response":{}}`, strings.Repeat("x", 20000), passkeytest.New(t, PublicURL).Sign(t, begin(h, by))} {
			WantCode(t, "rubbish", bind(h, by, answer), "form.wrong")
		}
		late := passkeytest.New(t, PublicURL).Make(t, begin(h, by))
		h.Clock.Forward(passkey.NewLife)
		WantCode(t, "at the last instant", bind(h, by, late), "passkey.over")
		if got := h.Count("SELECT count(*) FROM passkeys"); got != 0 {
			t.Fatalf("%d passkeys are bound", got)
		}
		// Twice, and one that is somebody's already.
		a := passkeytest.New(t, PublicURL)
		answer := a.Make(t, begin(h, by))
		if err := bind(h, by, answer); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "the same again", bind(h, by, answer), "passkey.over")
		theirs := h.OwnerOf(other)
		WantCode(t, "of somebody else", bind(h, theirs, a.Make(t, begin(h, theirs))), "passkey.bound_already")
		// Locked, or signed out, between the question and the answer.
		answer = passkeytest.New(t, PublicURL).Make(t, begin(h, theirs))
		h.Lock(other)
		WantCode(t, "of somebody locked meanwhile", bind(h, theirs, answer), "passkey.over")
		out := h.OwnerOf(u)
		answer = passkeytest.New(t, PublicURL).Make(t, begin(h, out))
		h.Act(func(tx *store.Tx) error {
			return session.EndAll(tx, u.TenantID, u.ID, "", audit.Service, audit.Origin{})
		})
		WantCode(t, "of a session that ended meanwhile", bind(h, out, answer), "passkey.over")
		if refused := h.Events(audit.PasskeyRefused); refused < 15 {
			t.Errorf("%d refusals in the audit", refused)
		}
	})
}

func TestTenPasskeysAndNoEleventh(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		by := h.OwnerOf(h.User(h.Alder, "user1"))
		answers := make([]string, passkey.Most+4)
		for i := range answers {
			answers[i] = passkeytest.New(t, PublicURL).Make(t, begin(h, by))
		}
		got := Tally(AtOnce(len(answers), func(i int) error { return bind(h, by, answers[i]) }))
		if got["done"] != passkey.Most || got["passkey.too_many"] != 4 {
			t.Errorf("fourteen at once: %v", got)
		}
		_, err := h.Passkeys.Begin(t.Context(), by)
		WantCode(t, "beginning another one", err, "passkey.too_many")
	})
}

func TestOneMadePasskeyIsBoundOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		by := h.OwnerOf(h.User(h.Alder, "user1"))
		answer := passkeytest.New(t, PublicURL).Make(t, begin(h, by))
		got := Tally(AtOnce(500, func(int) error { return bind(h, by, answer) }))
		if got["done"] != 1 || got["passkey.over"] != 499 {
			t.Errorf("the same five hundred times at once: %v", got)
		}
		if got := h.Count("SELECT count(*) FROM passkeys"); got != 1 {
			t.Errorf("%d passkeys", got)
		}
	})
}

// TestAddressesWithoutANameHaveNoPasskeys: browsers take no number for a host of
// passkeys, and nothing pretends otherwise.
func TestAddressesWithoutANameHaveNoPasskeys(t *testing.T) {
	for address, usable := range map[string]bool{
		"https://id.example.org": true, "http://localhost:8080": true, "http://127.0.0.1:8080": false, "http://[::1]:8080": false, "https://intranet": false,
	} {
		s, err := passkey.New(nil, nil, address)
		if err != nil || s.Usable() != usable {
			t.Errorf("%s: usable %t, %v", address, s.Usable(), err)
		}
	}
}

func TestForgottenChallengesAreOverAnyway(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.PasskeyOf(h.User(h.Alder, "user1"))
		h.Clock.Forward(passkey.NewLife - time.Second)
		for want := 1; want >= 0; want-- {
			if err := passkey.Forget(t.Context(), h.DB); err != nil {
				t.Fatal(err)
			}
			if got := h.Count("SELECT count(*) FROM spent_challenges"); got != want {
				t.Errorf("%d are kept, want %d", got, want)
			}
			h.Clock.Forward(2 * time.Second)
		}
	})
}
