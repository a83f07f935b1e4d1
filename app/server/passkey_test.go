package server_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/passkey/passkeytest"
)

var optionsMark = regexp.MustCompile(`data-options="([^"]*)"`)

// optionsOf is what a page asks a passkey for.
func optionsOf(t testing.TB, a answer) string {
	t.Helper()
	found := first(optionsMark, a)
	if found == "" {
		t.Fatalf("%s asks for no passkey: %s", a.asked, excerpt(a.body))
	}
	return html.UnescapeString(found)
}

// makePasskey adds a passkey for whoever is signed in, on the pages.
func (b *browser) makePasskey(t testing.TB) *passkeytest.Authenticator {
	t.Helper()
	k := passkeytest.New(t, b.base)
	options := optionsOf(t, b.get(t, "/me/passkeys/new").want(t, http.StatusOK))
	if to := b.post(t, "/me/passkeys", "name", "Laptop", "credential", k.Make(t, options)).want(t, http.StatusSeeOther).location(); to != "/me/passkeys?done=passkey_bound" {
		t.Fatalf("adding a passkey leads to %s", to)
	}
	return k
}

// withPasskey adds a passkey for somebody, in a browser that they sign in with.
func (w *world) withPasskey(t testing.TB, name string) (*passkeytest.Authenticator, *browser) {
	t.Helper()
	b := w.browser(t).signIn(t, name)
	w.act(t, "UPDATE sessions SET proved_by = 'phone' WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
	return b.makePasskey(t), b
}

// passkeyOf gives the id of somebody's passkey.
func (w *world) passkeyOf(t testing.TB, name string) (id string) {
	t.Helper()
	w.one(t, &id, "SELECT k.id FROM passkeys k JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id WHERE u.name = ? AND k.state = 'active'", name)
	return id
}

// byPasskey takes the way of passkeys in a new attempt.
func (b *browser) byPasskey(t testing.TB, name string) (attempt string) {
	t.Helper()
	attempt = b.begin(t, name)
	if step(b.get(t, attempt)) != "passkey" {
		b.post(t, attempt+"/method", "method", "passkey").want(t, http.StatusSeeOther)
	}
	return attempt
}

func TestAPasskeyFromItsPageToASession(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t).signIn(t, name)
		if page := b.get(t, "/me/passkeys").want(t, http.StatusOK); !strings.Contains(page.body, "No passkey yet") {
			t.Errorf("without one the page says %s", excerpt(page.body))
		}
		page := b.get(t, "/me/passkeys/new").want(t, http.StatusOK)
		if !strings.Contains(page.body, "<noscript>") || !strings.Contains(page.body, "JavaScript switched on") {
			t.Error("the page does not say what it needs")
		}
		page = b.post(t, "/me/passkeys", "name", "Mine", "credential", "{}").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(page.body, "What the browser made could not be taken") || !strings.Contains(page.body, `value="Mine"`) {
			t.Errorf("after rubbish it says %s", excerpt(page.body))
		}
		k := b.makePasskey(t)
		if page := b.get(t, "/").body; !strings.Contains(page, "The passkey “Laptop” was added") {
			t.Error("its user is not told")
		}
		if page := b.get(t, "/me").body; !strings.Contains(page, "1 passkey") {
			t.Error("My security info does not name it")
		}
		id := w.passkeyOf(t, name)
		b.post(t, "/me/passkeys/"+id+"/rename", "name", "").want(t, http.StatusUnprocessableEntity)
		b.post(t, "/me/passkeys/"+id+"/rename", "name", "Blue key").want(t, http.StatusSeeOther)
		if page := b.get(t, "/me/passkeys").body; !strings.Contains(page, "Blue key") || !strings.Contains(page, "on one device") {
			t.Error("the list does not say its name, or where it is kept")
		}

		pc := w.browser(t)
		attempt := pc.byPasskey(t, name)
		page = pc.get(t, attempt).want(t, http.StatusOK)
		if step(page) != "passkey" || !strings.Contains(page.body, "JavaScript switched on") || !strings.Contains(page.body, attempt+"/help") {
			t.Errorf("the page is of the step %q: %s", step(page), excerpt(page.body))
		}
		if got := offers(pc.get(t, attempt+"/help")); !slices.Equal(got, []string{"passkey", "phone", "totp", "printed_code", "password", "bypass"}) {
			t.Errorf("the help page offers %v", got)
		}
		options := optionsOf(t, page)
		if got := pc.post(t, attempt+"/verify", "credential", "{}").want(t, http.StatusUnauthorized); step(got) != "passkey" || !strings.Contains(got.body, "That did not work") {
			t.Errorf("after rubbish the page is %s", excerpt(got.body))
		}
		pc.post(t, attempt+"/verify", "credential", k.Sign(t, options), "return_to", "https://evil.example/").want(t, http.StatusSeeOther)
		if !pc.signedIn(t) {
			t.Fatal("it does not sign in")
		}
		if page := pc.get(t, "/me/sessions").body; !strings.Contains(page, "passkey") {
			t.Error("the list of sessions does not say how")
		}
		if step(w.browser(t).get(t, w.browser(t).begin(t, name))) == "password" {
			t.Error("next time it is not offered first")
		}

		// Without a name, in a browser of its own.
		loose := w.browser(t)
		options = optionsOf(t, loose.get(t, "/signin?return_to=/me/sessions"))
		answer := k.Sign(t, options)
		if got := w.browser(t).post(t, "/passkey", "credential", answer); got.is(t, http.StatusUnauthorized) && !strings.Contains(got.body, "That did not work") {
			t.Errorf("in another browser: %s", excerpt(got.body))
		}
		if to := loose.post(t, "/passkey", "credential", answer, "return_to", "/me/sessions").want(t, http.StatusSeeOther).location(); to != "/me/sessions" || !loose.signedIn(t) {
			t.Errorf("it leads to %s", to)
		}
		loose.post(t, "/passkey", "credential", answer).want(t, http.StatusUnauthorized)

		// Removing takes the strongest proof, which is the passkey itself.
		w.forward(t, 10*time.Minute)
		if to := pc.post(t, "/me/passkeys/"+id+"/remove").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up?return_to=") {
			t.Errorf("removing it without a proof leads to %s", to)
		}
		if got := offers(pc.get(t, "/step-up?return_to=%2Fme%2Fpasskeys")); !slices.Equal(got, []string{"passkey"}) {
			t.Errorf("the step-up offers %v", got)
		}
		proving := pc.post(t, "/step-up", "return_to", "/me/passkeys", "method", "passkey").want(t, http.StatusSeeOther).location()
		options = optionsOf(t, pc.get(t, proving))
		if passkeytest.Read(t, options).UserVerification != "required" {
			t.Error("a step-up does not ask to look")
		}
		if to := pc.post(t, proving+"/verify", "credential", k.Sign(t, options)).want(t, http.StatusSeeOther).location(); to != "/me/passkeys" {
			t.Errorf("the step-up leads to %s", to)
		}
		pc.post(t, "/me/passkeys/"+id+"/remove").want(t, http.StatusSeeOther)
		if loose.signedIn(t) || !pc.signedIn(t) {
			t.Error("of the sessions that passkeys made, the others end and this one stays")
		}
		gone := w.browser(t)
		gone.post(t, "/passkey", "credential", k.Sign(t, optionsOf(t, gone.get(t, "/signin")))).want(t, http.StatusUnauthorized)
	})
}

// TestAddingAPasskeyTakesTheStrongestProof, and the page is its session's alone.
func TestAddingAPasskeyTakesTheStrongestProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		w.withPhone(t, name)
		b := w.browser(t).signIn(t, name)
		if to := b.get(t, "/me/passkeys/new").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up?return_to=%2Fme%2Fpasskeys%2Fnew") {
			t.Errorf("with the password alone it leads to %s", to)
		}
		_, own := w.withPasskey(t, "user2@alder.example")
		options := optionsOf(t, own.get(t, "/me/passkeys/new").want(t, http.StatusOK))
		for who, other := range map[string]*browser{
			"the same user elsewhere": w.browser(t).signIn(t, "user2@alder.example"), "somebody else": b,
			"another tenant": w.browser(t).signIn(t, "user2@birch.example"),
		} {
			if got := other.post(t, "/me/passkeys", "name", "Mine", "credential", passkeytest.New(t, w.URL).Make(t, options)); got.status != http.StatusGone {
				t.Errorf("%s adds one: %d", who, got.status)
			}
		}
		id := w.passkeyOf(t, "user2@alder.example")
		for _, path := range []string{"/rename", "/remove"} {
			w.act(t, "UPDATE sessions SET proved_by = 'phone', proved_at = ?", w.now())
			b.post(t, "/me/passkeys/"+id+path, "name", "Theirs").want(t, http.StatusNotFound)
		}
	})
}

// TestTheHelpdeskTakesAPasskeyAway, with the sessions that it made; of its name it
// sees the beginning.
func TestTheHelpdeskTakesAPasskeyAway(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		k, _ := w.withPasskey(t, name)
		b := w.browser(t)
		b.post(t, "/passkey", "credential", k.Sign(t, optionsOf(t, b.get(t, "/signin")))).want(t, http.StatusSeeOther)
		_, userID := w.person(t, name)
		desk := w.browser(t).signIn(t, "desk@alder.example")
		path := "/admin/alder/users/" + userID
		revoke := path + "/passkeys/" + w.passkeyOf(t, name) + "/revoke"
		page := desk.get(t, path).want(t, http.StatusOK).body
		if !strings.Contains(page, revoke) || !strings.Contains(page, "La…") || strings.Contains(page, "Laptop") {
			t.Error("the page of the person has no button for it, or tells its whole name")
		}
		desk.post(t, revoke).want(t, http.StatusUnprocessableEntity)
		desk.post(t, path+"/passkeys/nothing/revoke", "reason", "lost").want(t, http.StatusNotFound)
		_, other := w.person(t, "user2@alder.example")
		desk.post(t, strings.Replace(revoke, userID, other, 1), "reason", "lost").want(t, http.StatusNotFound)
		desk.post(t, revoke, "reason", "lost").want(t, http.StatusSeeOther)
		desk.post(t, revoke, "reason", "lost").want(t, http.StatusConflict)
		if b.signedIn(t) {
			t.Error("a session that it made is alive")
		}
		if page := w.browser(t).signIn(t, name).get(t, "/").body; !strings.Contains(page, "Your passkey “Laptop” was taken away") {
			t.Error("its user is not told")
		}
	})
}

// TestPasskeysKnowTheAddressOfTheSettings, whatever host a request names.
func TestPasskeysKnowTheAddressOfTheSettings(t *testing.T) {
	eachQuiet(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		r := b.request(t, http.MethodGet, "/signin", nil)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		if asked := passkeytest.Read(t, optionsOf(t, send(t, b.client, r))); asked.RPID != "id.example.org" {
			t.Errorf("it asks for passkeys of %s", asked.RPID)
		}
	})
}

// TestNoKeyLeaves: what is kept of a passkey is sealed, and no page shows more than
// a browser must know.
func TestNoKeyLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		k, b := w.withPasskey(t, name)
		point, err := k.Key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		x := base64.RawURLEncoding.EncodeToString(point[1:33])
		id := base64.RawURLEncoding.EncodeToString(k.ID)
		for table, rows := range w.standing(t) {
			for _, row := range rows {
				if strings.Contains(row, x) || table != "passkeys" && strings.Contains(row, id) {
					t.Errorf("%s holds the key or the name that the authenticator gave it", table)
				}
			}
		}
		security := w.browser(t).signIn(t, "security@alder.example")
		_, userID := w.person(t, name)
		for _, got := range []answer{b.get(t, "/me"), b.get(t, "/me/passkeys"), b.get(t, "/me/activity"), security.get(t, "/admin/alder/users/"+userID)} {
			if strings.Contains(got.body, id) {
				t.Errorf("%s shows the name that the authenticator gave it", got.asked)
			}
		}
	})
}
