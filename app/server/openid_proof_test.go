package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"latchkey/app/application"
	"latchkey/app/audit"
	"latchkey/app/secret"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// proved asks for what a session is too little for, has it proved, and gives what is given
// for that.
func (p *party) proved(t testing.TB, b *browser, claim string, proves func(back string)) *oauth2.Token {
	t.Helper()
	j, a := p.asked(t, b)
	back := stepsUp(t, claim, a)
	proves(back)
	code, failure := p.lands(t, j, b.get(t, back))
	token, err := p.redeem(t, code, j)
	if err != nil {
		t.Fatalf("%s, after the proof: %s, %v", claim, failure, err)
	}
	return token
}

// TestAWeakProofRenewsNothingStrong: where an application asks for two factors again
// after some minutes, the password alone is no such proof.
func TestAWeakProofRenewsNothingStrong(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		p := w.party(t, "alder", application.Public, "strength = 'mfa', frequency_minutes = 30")
		b := w.browser(t).signIn(t, name)
		byPhone := func(back string) { b.proveByPhone(t, ph, back) }
		token := p.proved(t, b, "by password alone", byPhone)
		w.forward(t, 25*time.Minute)
		b.get(t, "/me").want(t, http.StatusOK)
		token, err := p.renew(t, token.RefreshToken)
		if err != nil {
			t.Fatalf("within the minutes: %v", err)
		}
		b.prove(t, "/me")
		if _, err := p.userinfo(t, token); err == nil {
			t.Error("after a weaker proof the access token is worth something")
		}
		if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" || w.events(t, audit.ApplicationTokensRefused, "application.proof_less") != 1 {
			t.Errorf("after a weaker proof: %v", err)
		}
		// With the phone everything goes on.
		p.proved(t, b, "after a weaker proof", byPhone)
	})
}

// TestARequiredPhoneComesBeforeApplications: who is to register one before anything else
// is led there and back, and an application that asks by itself is told so.
func TestARequiredPhoneComesBeforeApplications(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user27@alder.example"
		tenantID, _ := w.person(t, name)
		w.act(t, "UPDATE tenants SET campaign_skips = 1 WHERE id = ?", tenantID)
		w.campaign(t, name)
		b, p := w.browser(t).byPassword(t, name), w.party(t, "alder", application.Public)
		if failure := silently(t, p, b); failure != "interaction_required" {
			t.Errorf("with prompt=none: %q", failure)
		}
		j, a := p.asked(t, b)
		page := a.want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(page, "/register?return_to=%2Ft%2Falder%2Fauthorize%2Fresume") {
			t.Fatalf("it leads to %q", page)
		}
		b.get(t, page).want(t, http.StatusOK)
		_, back, _ := strings.Cut(page, "return_to=")
		back = strings.NewReplacer("%2F", "/", "%3F", "?", "%3D", "=").Replace(back)
		b.get(t, back).want(t, http.StatusSeeOther) // before it is put off it asks again
		b.get(t, page)
		if to := b.post(t, "/register", "return_to", back).want(t, http.StatusSeeOther).location(); to != back {
			t.Errorf("put off it leads to %q", to)
		}
		if code, failure := p.lands(t, j, b.get(t, back)); code == "" {
			t.Errorf("put off: %q", failure)
		}
		p.code(t, b)
	})
}

// removal is something that proves somebody, and its end.
type removal struct {
	proves func(b *browser, back string) // for two factors
	remove func()                        // by its owner, elsewhere
}

// removals gives, for a user, what proves it and can be taken away.
var removals = map[string]func(t *testing.T, w *world, name string) removal{
	"a phone": func(t *testing.T, w *world, name string) removal {
		ph, own := w.withPhone(t, name)
		return removal{func(b *browser, back string) { b.proveByPhone(t, ph, back) }, func() { w.removes(t, own, name, "/me/phones/"+ph.account+"/revoke") }}
	},
	"an authenticator app": func(t *testing.T, w *world, name string) removal {
		a, own := w.withApp(t, name)
		w.forward(t, totp.Period)
		return removal{func(b *browser, back string) { b.proveByCode(t, a, back) }, func() { w.removes(t, own, name, "/me/totp/remove") }}
	},
	"a passkey": func(t *testing.T, w *world, name string) removal {
		k, own := w.withPasskey(t, name)
		return removal{func(b *browser, back string) {
			attempt := b.post(t, "/step-up", "return_to", back, "acr_values", "passkey", "method", "passkey").want(t, http.StatusSeeOther).location()
			options := optionsOf(t, b.get(t, attempt).want(t, http.StatusOK))
			b.post(t, attempt+"/verify", "credential", k.Sign(t, options)).want(t, http.StatusSeeOther)
		}, func() { w.removes(t, own, name, "/me/passkeys/"+w.passkeyOf(t, name)+"/remove") }}
	},
	"a sheet of codes": func(t *testing.T, w *world, name string) removal {
		sheet, own := w.withSheet(t, name)
		return removal{func(b *browser, back string) {
			attempt := b.post(t, "/step-up", "return_to", back, "acr_values", "printed_code", "method", "printed_code").want(t, http.StatusSeeOther).location()
			number := first(askedMark, b.get(t, attempt).want(t, http.StatusOK))
			b.post(t, attempt+"/verify", "code", sheet.codes[number]).want(t, http.StatusSeeOther)
		}, func() { w.removes(t, own, name, "/me/codes/remove") }}
	},
}

// removes takes something away, in a session of its owner that is proved.
func (w *world) removes(t *testing.T, own *browser, name, path string) {
	t.Helper()
	own.get(t, "/me")
	w.act(t, "UPDATE sessions SET proved_by = 'passkey', proved_at = ? WHERE token_digest = ?", w.now(), secret.TokenOf(own.session(t)).Digest())
	own.post(t, path).want(t, http.StatusSeeOther)
}

// TestAProofGoesWithWhatGaveIt: in a session that the password made and something else
// proved, two factors are one again when that is taken away, for applications and for
// sensitive acts, and what was given for them is worth nothing.
func TestAProofGoesWithWhatGaveIt(t *testing.T) {
	t.Parallel()
	const name = "user1@alder.example"
	for claim, make := range removals {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, w *world) {
				r := make(t, w, name)
				strong, loose := w.party(t, "alder", application.Public, "strength = 'mfa'"), w.party(t, "alder", application.Public)
				b := w.browser(t).signIn(t, name)
				token := strong.proved(t, b, "by password alone", func(back string) { r.proves(b, back) })
				waiting, k := strong.code(t, b)
				code, j := loose.code(t, b)
				also, err := loose.redeem(t, code, j)
				if err != nil {
					t.Fatal(err)
				}
				r.remove()
				for claim, err := range map[string]error{
					"a code that waited": second(strong.redeem(t, waiting, k)), "the access token": second(strong.userinfo(t, token)), "the refresh token": second(strong.renew(t, token.RefreshToken)),
					"that of an application that takes any proof": second(loose.renew(t, also.RefreshToken)),
				} {
					if err == nil {
						t.Errorf("%s is worth something", claim)
					}
				}
				_, a := strong.asked(t, b)
				if !a.is(t, http.StatusSeeOther, http.StatusForbidden) || strings.Contains(a.location(), "code=") {
					t.Errorf("it is asked again: to %q", a.location())
				}
				code, j = loose.code(t, b)
				if also, err = loose.redeem(t, code, j); err != nil {
					t.Fatal(err)
				}
				if _, is := loose.verify(t, also, j.nonce); is.ACR != "1fa" || strings.Join(is.AMR, " ") != "pwd" {
					t.Errorf("then it says %+v", is)
				}
				if _, err := loose.renew(t, also.RefreshToken); err != nil {
					t.Errorf("for the password: %v", err)
				}
			})
		})
	}
}

// second gives the error of two results.
func second[T any](_ T, err error) error { return err }

// TestAProofIsOfOnePhone: that another one is revoked takes nothing away, and that
// another one is there keeps nothing.
func TestAProofIsOfOnePhone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		proves, own := w.withPhone(t, name)
		add := func() *phone {
			w.act(t, "UPDATE sessions SET proved_by = 'passkey', proved_at = ? WHERE token_digest = ?", w.now(), secret.TokenOf(own.session(t)).Digest())
			ph := w.newPhone(t)
			ph.enrolled(t, ph.enrol(t, own.invite(t)))
			ph.call(t, http.MethodPut, "/accounts/"+ph.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
			return ph
		}
		p := w.party(t, "alder", application.Public, "strength = 'mfa'")
		b := w.browser(t).signIn(t, name)
		token := p.proved(t, b, "by password alone", func(back string) { b.proveByPhone(t, proves, back) })
		w.removes(t, own, name, "/me/phones/"+add().account+"/revoke")
		token, err := p.renew(t, token.RefreshToken)
		if err != nil {
			t.Fatalf("another phone was revoked: %v", err)
		}
		add()
		w.removes(t, own, name, "/me/phones/"+proves.account+"/revoke")
		if _, err = p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" || w.events(t, audit.ApplicationTokensRefused, "application.proof_gone") != 1 {
			t.Errorf("the phone was revoked, and another one is there: %v", err)
		}
		_, a := p.asked(t, b)
		stepsUp(t, "the phone was revoked, and another one is there", a)
		if to := b.post(t, "/me/phones").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
			t.Errorf("a sensitive act leads to %q", to)
		}
	})
}

// TestTwoFactorsAreOneProof: what an application is told happened at the time that it is
// told, all of it. After a password from before, a code is one factor.
func TestTwoFactorsAreOneProof(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		a, _ := w.withApp(t, name)
		w.forward(t, totp.Period)
		p := w.party(t, "alder", application.Public)
		b := w.browser(t).signIn(t, name)
		w.forward(t, 6*time.Minute)
		says := func(claim, acr, amr string, j journey, code string) {
			t.Helper()
			token, err := p.redeem(t, code, j)
			if err != nil {
				t.Fatalf("%s: %v", claim, err)
			}
			if _, is := p.verify(t, token, j.nonce); is.ACR != acr || strings.Join(is.AMR, " ") != amr || w.now().Sub(time.Unix(is.AuthTime, 0)) > 2*time.Minute {
				t.Errorf("%s it says %+v", claim, is)
			}
		}
		b.proveByCode(t, a, "/me")
		code, j := p.code(t, b)
		says("after a code", "1fa", "otp", j, code)
		mfa := oauth2.SetAuthURLParam("acr_values", "mfa")
		if failure := silently(t, p, b, mfa); failure != "interaction_required" {
			t.Errorf("after a code, and two factors asked silently: %q", failure)
		}
		j, first := p.asked(t, b, mfa)
		back := stepsUp(t, "after a code", first)
		if !strings.HasSuffix(first.location(), "&acr_values=pwd") {
			t.Errorf("after a code it asks by %q", first.location())
		}
		b.prove(t, back)
		next := b.get(t, back)
		stepsUp(t, "after the password", next)
		if !strings.HasSuffix(next.location(), "&acr_values=otp") {
			t.Errorf("after the password it asks by %q", next.location())
		}
		b.proveByCode(t, a, back)
		code, failure := p.lands(t, j, b.get(t, back))
		if code == "" {
			t.Fatalf("after both: %q", failure)
		}
		says("after both", "mfa", "pwd otp mfa", j, code)
		// Another code is another proof, and does for a sensitive act as before.
		b.proveByCode(t, a, "/me")
		code, j = p.code(t, b)
		says("after another code", "1fa", "otp", j, code)
		b.post(t, "/me/totp").want(t, http.StatusSeeOther)
		if to := b.post(t, "/me/totp").location(); !strings.HasPrefix(to, "/me/totp/new/") {
			t.Errorf("a sensitive act after a code leads to %q", to)
		}
	})
}

// TestAWayThatIsOffProvesNothing any more, although the session lives on.
func TestAWayThatIsOffProvesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		p := w.party(t, "alder", application.Public, "strength = 'mfa'")
		b := w.browser(t).signIn(t, name)
		token := p.proved(t, b, "by password alone", func(back string) { b.proveByPhone(t, ph, back) })
		w.act(t, "UPDATE tenants SET no_sign_in = no_sign_in | ?, no_second = no_second | ?, no_recovery = no_recovery | ? WHERE slug = 'alder'", user.WithPhone, user.WithPhone, user.WithPhone)
		if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" {
			t.Errorf("phones are off: %v", err)
		}
		if !b.signedIn(t) {
			t.Error("the session that the password made is over")
		}
		if failure := silently(t, p, b); failure == "" {
			t.Error("phones are off, and there is a code")
		}
	})
}
