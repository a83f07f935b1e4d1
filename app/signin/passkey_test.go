package signin_test

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/passkey"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// signs signs with a passkey in an attempt.
func signs(h *House, a signin.Attempt, answer string, from signin.From) (signin.Done, error) {
	h.T.Helper()
	return h.SignIn.VerifyPasskey(h.T.Context(), a.ID, answer, from)
}

func unnamed(h *House, from signin.From) string {
	h.T.Helper()
	options, err := h.SignIn.AskNameless(h.T.Context(), from)
	if err != nil {
		h.T.Fatal(err)
	}
	return options
}

func TestAPasskeySignsInByItself(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u := h.User(h.Alder, "user1")
		id, k := h.PasskeyOf(u)
		h.Demand(u, user.MFAEnforced)
		a := at(h, u, signin.Passkey, pc)
		options := h.AskPasskey(a, pc)
		if asked := passkeytest.Read(t, options); asked.RPID != "id.example" || asked.UserVerification != "preferred" || len(asked.AllowCredentials) != 1 ||
			asked.AllowCredentials[0].ID != base64.RawURLEncoding.EncodeToString(k.ID) || !slices.Equal(asked.AllowCredentials[0].Transports, []string{"internal"}) {
			t.Errorf("it asks for %+v", asked)
		}
		done, err := signs(h, a, k.Sign(t, options), pc)
		if how := signsIn(h, done, err, u); how != session.ByPasskey {
			t.Errorf("signed in by %s", how)
		}
		if got := h.Count("SELECT count(*) FROM passkeys WHERE id = ? AND sign_count = 1 AND last_used_at IS NOT NULL", id); got != 1 {
			t.Error("nobody noted that it was used")
		}
		if way, _ := h.SignIn.Habit(t.Context(), u.TenantID, u.Name); way != signin.Passkey {
			t.Errorf("the way for next time is %s", way)
		}
	})
}

// TestAPasskeyThatDoesNotLookIsOneFactor: it signs in where one is enough, and is
// the second one after a password; it is never both.
func TestAPasskeyThatDoesNotLookIsOneFactor(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		_, k := h.PasskeyOf(u)
		k.Verifies = false
		a := at(h, u, signin.Passkey, pc)
		done, err := signs(h, a, k.Sign(t, h.AskPasskey(a, pc)), pc)
		if how := signsIn(h, done, err, u); how != session.ByKey {
			t.Errorf("signed in by %s", how)
		}

		h.Demand(u, user.MFAEnforced)
		h.AppOf(u)
		a = at(h, u, signin.Passkey, pc)
		answer := k.Sign(t, h.AskPasskey(a, pc))
		done, err = signs(h, a, answer, pc)
		a = halfway(h, a, done, err, signin.Password, pc)
		if got := offered(h, a); !slices.Equal(got, []signin.Way{signin.Password}) {
			t.Errorf("after something that is had it offers %v: a code is had, too", got)
		}
		_, err = signs(h, a, answer, pc)
		WantCode(t, "the same touch as the other factor", err, "signin.refused")
		WantCode(t, "going back to the passkey", h.SignIn.Choose(ctx, a.ID, signin.Passkey, "", pc), "form.wrong")
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		if how := signsIn(h, done, err, u); how != "key,pwd" {
			t.Errorf("signed in by %s", how)
		}
	})
}

// TestAfterThePasswordThePasskeyComesFirst, and need not look.
func TestAfterThePasswordThePasskeyComesFirst(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		_, k := h.PasskeyOf(u)
		h.AppOf(u)
		h.PhoneOf(u)
		h.Demand(u, user.MFAEnforced)
		for _, verifies := range []bool{false, true} {
			k.Verifies = verifies
			a := at(h, u, signin.Password, pc)
			done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
			a = halfway(h, a, done, err, signin.Passkey, pc)
			if got := offered(h, a); !slices.Equal(got, []signin.Way{signin.Passkey, signin.Phone, signin.TOTP}) {
				t.Errorf("halfway it offers %v", got)
			}
			options := h.AskPasskey(a, pc)
			if asked := passkeytest.Read(t, options); asked.UserVerification != "discouraged" {
				t.Errorf("it asks to look: %s", asked.UserVerification)
			}
			done, err = signs(h, a, k.Sign(t, options), pc)
			if how := signsIn(h, done, err, u); how != map[bool]string{false: "pwd,key", true: "pwd,passkey"}[verifies] {
				t.Errorf("signed in by %s", how)
			}
		}
	})
}

func TestAnswersThatOpenNothing(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u, neighbour, foreign, none := h.User(h.Alder, "user1"), h.User(h.Alder, "user2"), h.User(h.Birch, "user1"), h.User(h.Alder, "user3")
		id, k := h.PasskeyOf(u)
		_, theirs := h.PasskeyOf(neighbour)
		_, birchs := h.PasskeyOf(foreign)
		locked := h.User(h.Alder, "user4")
		_, dead := h.PasskeyOf(locked)
		h.Lock(locked)
		by := func(k *passkeytest.Authenticator, change func(k *passkeytest.Authenticator)) *passkeytest.Authenticator {
			c := *k
			if change != nil {
				change(&c)
			}
			return &c
		}
		for claim, row := range map[string]struct {
			name string
			k    *passkeytest.Authenticator
		}{
			"signed on another site":           {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Origin = "https://id.example.evil.example" })},
			"signed on a neighbouring site":    {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Origin = "https://app.id.example" })},
			"signed on another port":           {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Origin = PublicURL + ":8443" })},
			"signed for another host":          {u.Name, by(k, func(k *passkeytest.Authenticator) { k.RPID = "example" })},
			"signed within another site":       {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Crossing = true })},
			"made, not signed":                 {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Type = "webauthn.create" })},
			"signed by nobody's hand":          {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Absent = true })},
			"of one that has become backed up": {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Syncs, k.Synced = true, true })},
			"of an invented challenge": {u.Name, by(k, func(k *passkeytest.Authenticator) {
				k.Challenge = base64.RawURLEncoding.EncodeToString(make([]byte, 72))
			})},
			"signed with another key":         {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Key = theirs.Key })},
			"of somebody else":                {u.Name, theirs},
			"of somebody else, called theirs": {u.Name, by(theirs, func(k *passkeytest.Authenticator) { k.Handle = birchs.Handle; k.Quiet = true })},
			"of another tenant":               {u.Name, birchs},
			"of another tenant, by our name":  {foreign.Name, k},
			"with another's handle":           {u.Name, by(k, func(k *passkeytest.Authenticator) { k.Handle = theirs.Handle })},
			"of who has none":                 {none.Name, k},
			"of nobody":                       {"nobody@alder.example", k},
			"of a name of nowhere":            {"user1@nowhere.example", k},
			"right, of somebody locked":       {locked.Name, dead},
		} {
			h.Set("DELETE FROM throttles")
			a := h.Attempt(h.Begin(row.name, signin.Passkey, pc), pc)
			_, err := signs(h, a, row.k.Sign(t, h.AskPasskey(a, pc)), pc)
			WantCode(t, claim, err, "signin.refused")
		}
		h.Set("DELETE FROM throttles")
		a := at(h, u, signin.Passkey, pc)
		for _, answer := range []string{"", "{}", "null", k.Make(t, h.AskPasskey(a, pc))} {
			_, err := signs(h, a, answer, pc)
			WantCode(t, "rubbish", err, "signin.refused")
		}
		// For another attempt, another browser, another purpose.
		first, second := at(h, u, signin.Passkey, pc), at(h, u, signin.Passkey, pc)
		_, err := signs(h, second, k.Sign(t, h.AskPasskey(first, pc)), pc)
		WantCode(t, "what another attempt asked", err, "signin.refused")
		_, err = signs(h, second, k.Sign(t, h.AskPasskey(second, Browser("another"))), pc)
		WantCode(t, "what another browser was asked", err, "signin.refused")
		_, err = signs(h, second, k.Sign(t, h.AskPasskey(second, pc)), Browser("another"))
		WantCode(t, "in another browser", err, "http.not_found")
		_, err = signs(h, second, k.Sign(t, unnamed(h, pc)), pc)
		WantCode(t, "what the first page asked", err, "signin.refused")
		_, err = signs(h, at(h, u, signin.Password, pc), k.Sign(t, h.AskPasskey(at(h, u, signin.Password, pc), pc)), pc)
		WantCode(t, "on the page of the password", err, "signin.refused")
		if h.Events(audit.SignInFinished) != 0 || h.Count("SELECT count(*) FROM sessions WHERE amr <> 'pwd'") != 0 {
			t.Fatal("one of them signed in")
		}
		// Too late, removed meanwhile.
		h.Clock.Forward(20 * time.Minute)
		h.Set("DELETE FROM throttles")
		a = at(h, u, signin.Passkey, pc)
		answer := k.Sign(t, h.AskPasskey(a, pc))
		h.Clock.Forward(passkey.AnswerLife)
		_, err = signs(h, a, answer, pc)
		WantCode(t, "at the last instant", err, "signin.refused")
		answer = k.Sign(t, h.AskPasskey(a, pc))
		h.Act(func(tx *store.Tx) error { _, err := h.Passkeys.Take(tx, u.TenantID, u.ID, id); return err })
		_, err = signs(h, a, answer, pc)
		WantCode(t, "of one that was taken away meanwhile", err, "signin.refused")
		if h.Events(audit.SignInFinished) != 0 {
			t.Fatal("one of them signed in")
		}
	})
}

// TestWhatChangesBetweenQuestionAndAnswer is judged as of the answer.
func TestWhatChangesBetweenQuestionAndAnswer(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		for i, change := range []func(u user.User){
			h.Lock,
			func(u user.User) { h.Set("UPDATE users SET state = 'disabled' WHERE id = ?", u.ID) },
			func(u user.User) {
				h.Set("UPDATE tenants SET no_sign_in = no_sign_in | ? WHERE id = ?", user.WithPasskey, u.TenantID)
			},
			func(u user.User) {
				h.Set("UPDATE tenants SET no_sign_in = 0, state = 'suspended' WHERE id = ?", u.TenantID)
			},
		} {
			u := h.User(h.Alder, []string{"user1", "user2", "user3", "user4"}[i])
			_, k := h.PasskeyOf(u)
			a := at(h, u, signin.Passkey, pc)
			answer, loose := k.Sign(t, h.AskPasskey(a, pc)), k.Sign(t, unnamed(h, pc))
			change(u)
			_, err := signs(h, a, answer, pc)
			WantCode(t, "an answer after the change", err, "signin.refused")
			_, err = h.SignIn.ByPasskey(t.Context(), loose, "/", pc)
			WantCode(t, "without a name", err, "signin.refused")
		}
	})
}

func TestOfFiveHundredAnswersToOneChallengeOneWins(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u := h.User(h.Alder, "user1")
		_, k := h.PasskeyOf(u)
		k.Counts = false // so that nothing but the challenge tells them apart
		answer := k.Sign(t, unnamed(h, pc))
		h.Set("DELETE FROM sessions")
		got := Tally(AtOnce(500, func(int) error {
			_, err := h.SignIn.ByPasskey(t.Context(), answer, "/", pc)
			return err
		}))
		// Those behind the tenth failure find the way paused.
		if got["done"] != 1 || got["done"]+got["signin.refused"]+got["signin.paused"] != 500 {
			t.Errorf("without a name, five hundred at once: %v", got)
		}
		if h.Count("SELECT count(*) FROM sessions") != 1 || h.Events(audit.SignInFinished) != 1 {
			t.Error("they made more than one session")
		}
		h.Set("DELETE FROM throttles")
		a := at(h, u, signin.Passkey, pc)
		answer = k.Sign(t, h.AskPasskey(a, pc))
		got = Tally(AtOnce(500, func(int) error { _, err := signs(h, a, answer, pc); return err }))
		if got["done"] != 1 || got["signin.refused"] != 499 {
			t.Errorf("in an attempt, five hundred at once: %v", got)
		}
		if h.Count("SELECT count(*) FROM sessions") != 2 || h.Events(audit.SignInFinished) != 2 {
			t.Error("they made more than one session")
		}
	})
}

// TestOfFiveHundredWrongAnswersFiveAreChecked: in an attempt, and to one challenge of
// the first page, where each is an attempt of its own and may be of another name.
func TestOfFiveHundredWrongAnswersFiveAreChecked(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u, other := h.User(h.Alder, "user1"), h.User(h.Birch, "user2")
		_, k := h.PasskeyOf(u)
		_, theirs := h.PasskeyOf(other)
		checked := func() int {
			return h.Count("SELECT count(*) FROM audit_events WHERE reason = 'signin.passkey_wrong'")
		}
		forged := func(k *passkeytest.Authenticator, options string) string {
			wrong := *k
			wrong.Key = passkeytest.New(t, PublicURL).Key
			return wrong.Sign(t, options)
		}
		a := at(h, u, signin.Passkey, pc)
		options := h.AskPasskey(a, pc)
		answer := forged(k, options)
		got := Tally(AtOnce(500, func(int) error { _, err := signs(h, a, answer, pc); return err }))
		if got["signin.refused"] != 500 || checked() != 5 {
			t.Errorf("in an attempt: %v, and %d were checked", got, checked())
		}
		_, err := signs(h, a, k.Sign(t, options), pc)
		WantCode(t, "the right one after them", err, "signin.refused")

		h.Set("DELETE FROM throttles")
		before := checked()
		options = unnamed(h, pc)
		answers := []string{forged(k, options), forged(theirs, options)}
		got = Tally(AtOnce(500, func(i int) error {
			_, err := h.SignIn.ByPasskey(t.Context(), answers[i%2], "/", pc)
			return err
		}))
		if got["signin.refused"] != 500 || checked()-before != 5 {
			t.Errorf("without a name: %v, and %d were checked", got, checked()-before)
		}
		_, err = h.SignIn.ByPasskey(t.Context(), k.Sign(t, options), "/", pc)
		WantCode(t, "the right answer to that challenge after them", err, "signin.refused")
		// Another challenge is another matter: nobody is locked out.
		for _, of := range []struct {
			u user.User
			k *passkeytest.Authenticator
		}{{u, k}, {other, theirs}} {
			done, err := h.SignIn.ByPasskey(t.Context(), of.k.Sign(t, unnamed(h, pc)), "/", pc)
			signsIn(h, done, err, of.u)
		}
	})
}

// TestAPasskeyWithoutAName, which must look: nothing else was asked.
func TestAPasskeyWithoutAName(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u, foreign := h.User(h.Alder, "user1"), h.User(h.Birch, "user1")
		_, k := h.PasskeyOf(u)
		_, birchs := h.PasskeyOf(foreign)
		h.Demand(u, user.MFAEnforced)
		options := unnamed(h, pc)
		if asked := passkeytest.Read(t, options); asked.UserVerification != "required" || len(asked.AllowCredentials) > 0 {
			t.Errorf("it asks for %+v", asked)
		}
		answer := k.Sign(t, options)
		_, err := h.SignIn.ByPasskey(ctx, answer, "/", Browser("another"))
		WantCode(t, "in another browser", err, "signin.refused")
		done, err := h.SignIn.ByPasskey(ctx, answer, "/me", pc)
		if how := signsIn(h, done, err, u); how != session.ByPasskey || done.ReturnTo != "/me" {
			t.Errorf("signed in by %s, to %s", how, done.ReturnTo)
		}
		_, err = h.SignIn.ByPasskey(ctx, answer, "/", pc)
		WantCode(t, "the same again", err, "signin.refused")
		// One challenge serves one person, of whichever tenant.
		_, err = h.SignIn.ByPasskey(ctx, birchs.Sign(t, options), "/", pc)
		WantCode(t, "the same challenge for somebody of another tenant", err, "signin.refused")
		for claim, change := range map[string]func(k *passkeytest.Authenticator){
			"that did not look":         func(k *passkeytest.Authenticator) { k.Verifies = false },
			"that names nobody":         func(k *passkeytest.Authenticator) { k.Quiet = true },
			"that names somebody else":  func(k *passkeytest.Authenticator) { k.Handle = birchs.Handle },
			"that names what is no id":  func(k *passkeytest.Authenticator) { k.Handle = []byte("' OR 1=1.--") },
			"that names an unknown one": func(k *passkeytest.Authenticator) { k.Handle = []byte("aaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbb") },
			"of another site":           func(k *passkeytest.Authenticator) { k.Origin = "https://evil.example" },
		} {
			c := *k
			change(&c)
			_, err := h.SignIn.ByPasskey(ctx, c.Sign(t, unnamed(h, pc)), "/", pc)
			WantCode(t, claim, err, "signin.refused")
		}
		late := k.Sign(t, unnamed(h, pc))
		h.Clock.Forward(signin.NamelessLife)
		_, err = h.SignIn.ByPasskey(ctx, late, "/", pc)
		WantCode(t, "too late", err, "signin.refused")
		done, err = h.SignIn.ByPasskey(ctx, k.Sign(t, unnamed(h, pc)), "https://evil.example/", pc)
		if signsIn(h, done, err, u); done.ReturnTo != "/" {
			t.Errorf("it leads to %s", done.ReturnTo)
		}
	})
}

// TestACounterThatGoesBack signs nobody in, and is told; one that stands at
// nothing is an authenticator that does not count.
func TestACounterThatGoesBack(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u := h.User(h.Alder, "user1")
		id, k := h.PasskeyOf(u)
		once := func(k *passkeytest.Authenticator) error {
			a := at(h, u, signin.Passkey, pc)
			_, err := signs(h, a, k.Sign(t, h.AskPasskey(a, pc)), pc)
			return err
		}
		k.Count = 40
		clone := *k
		if err := once(k); err != nil {
			t.Fatal(err)
		}
		clone.Count = 20
		for _, claim := range []string{"a copy that is behind", "and again"} {
			WantCode(t, claim, once(&clone), "signin.refused")
		}
		clone.Count, clone.Counts = 41, false
		WantCode(t, "the count of the last time", once(&clone), "signin.refused")
		clone.Count = 0
		WantCode(t, "one that does not count any more", once(&clone), "signin.refused")
		if h.Events(audit.PasskeySuspect) != 4 || h.Count("SELECT count(*) FROM notices WHERE action = 'passkey.suspect' AND user_id = ?", u.ID) != 4 {
			t.Error("nobody was told")
		}
		if got := h.Count("SELECT sign_count FROM passkeys WHERE id = ?", id); got != 41 {
			t.Errorf("the count is %d", got)
		}
		if err := once(k); err != nil {
			t.Errorf("the one with the right count: %v", err)
		}
		other := passkeytest.New(t, PublicURL)
		other.Counts, other.Syncs = false, true
		synced, _ := h.BindPasskey(h.OwnerOf(u), other)
		for range 2 {
			other.Synced = true
			if err := once(other); err != nil {
				t.Errorf("one that does not count: %v", err)
			}
		}
		if got := h.Count("SELECT count(*) FROM passkeys WHERE id = ? AND backed_up", synced); got != 1 {
			t.Error("that it is backed up by now was not kept")
		}
	})
}

// TestAStepUpByPasskeyMustLook: what is proved again is proved in full.
func TestAStepUpByPasskeyMustLook(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		_, k := h.PasskeyOf(u)
		_, cookie := h.Session(u)
		h.Clock.Forward(10 * time.Minute)
		s, err := session.Find(ctx, h.DB, cookie)
		if err != nil || s.Fresh(h.Clock.Now()) || !slices.Equal(s.Proofs(s.Strongest()), []string{session.ByPasskey}) {
			t.Fatalf("%v; it asks for %v", err, s.Proofs(s.Strongest()))
		}
		step := func(verifies bool) error {
			addressed, err := h.SignIn.BeginStepUp(ctx, s, "/me", signin.Passkey, pc)
			if err != nil {
				t.Fatal(err)
			}
			a := h.Attempt(addressed, pc)
			k.Verifies = verifies
			_, err = signs(h, a, k.Sign(t, h.AskPasskey(a, pc)), pc)
			return err
		}
		WantCode(t, "without looking", step(false), "signin.refused")
		if s, _ = session.Find(ctx, h.DB, cookie); s.Fresh(h.Clock.Now()) {
			t.Error("it counts")
		}
		if err := step(true); err != nil {
			t.Error(err)
		}
		if s, _ = session.Find(ctx, h.DB, cookie); !s.Fresh(h.Clock.Now()) || s.ProvedBy != session.ByPasskey {
			t.Errorf("it does not count: proved by %s", s.ProvedBy)
		}
	})
}

// TestNamesWithoutPasskeysAreAskedForSome, which look like some and stay the same.
func TestNamesWithoutPasskeysAreAskedForSome(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u, none := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		_, k := h.PasskeyOf(u)
		asked := func(name string) []passkeytest.Descriptor {
			a := h.Attempt(h.Begin(name, signin.Passkey, pc), pc)
			return passkeytest.Read(t, h.AskPasskey(a, pc)).AllowCredentials
		}
		seen := map[string]string{}
		for _, name := range []string{none.Name, "nobody@alder.example", "user1@nowhere.example", u.Name} {
			first, second := asked(name), asked(name)
			if len(first) < 1 || len(first) > 2 || len(second) != len(first) || first[0].ID != second[0].ID || len(first[0].Transports) == 0 {
				t.Errorf("%s is asked for %+v and %+v", name, first, second)
			}
			if before := seen[first[0].ID]; before != "" {
				t.Errorf("%s is asked for what %s is", name, before)
			}
			seen[first[0].ID] = name
		}
		h.Lock(u)
		if after := asked(u.Name); len(after) != 1 || after[0].ID != base64.RawURLEncoding.EncodeToString(k.ID) {
			t.Errorf("that it is locked shows: it is asked for %+v", after)
		}
	})
}
