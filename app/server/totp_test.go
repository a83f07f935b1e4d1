package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/secret"
	"latchkey/app/totp"
)

// app is an authenticator app: it knows the seed from the page, and the time.
type app struct {
	w    *world
	path string // of its set-up
	seed secret.Token
}

var seedMark = regexp.MustCompile(`id="totp-seed"[^>]*>([A-Z2-7 ]+)<`)

// setUpApp begins to set an app up for whoever is signed in.
func (b *browser) setUpApp(t testing.TB) *app {
	t.Helper()
	path := b.post(t, "/me/totp").want(t, http.StatusSeeOther).location()
	page := b.get(t, path).want(t, http.StatusOK)
	seed := strings.ReplaceAll(first(seedMark, page), " ", "")
	if len(seed) != 32 {
		t.Fatalf("the page shows the seed %q", seed)
	}
	return &app{path: path, seed: secret.TokenOf(seed)}
}

// code is what the app shows some steps from now, by the clock of the program.
func (a *app) code(t testing.TB, steps int64) string {
	t.Helper()
	now := time.Now()
	if a.w != nil {
		now = a.w.now()
	}
	code, err := secret.OneTimeCode(a.seed, totp.Step(now)+steps)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrongAppCode is six digits that none of the apps shows about now.
func wrongAppCode(t testing.TB, apps ...*app) string {
	t.Helper()
	shown := map[string]bool{}
	for _, a := range apps {
		for steps := int64(-2); steps <= 2; steps++ {
			shown[a.code(t, steps)] = true
		}
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !shown[code] {
			return code
		}
	}
}

// withApp sets an app up for somebody, in a browser that they sign in with.
func (w *world) withApp(t testing.TB, name string) (*app, *browser) {
	t.Helper()
	b := w.browser(t).signIn(t, name)
	w.act(t, "UPDATE sessions SET proved_by = 'phone' WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
	a := b.setUpApp(t)
	a.w = w
	b.post(t, a.path, "code", a.code(t, 0)).want(t, http.StatusSeeOther)
	return a, b
}

// TestCodesOfAnotherProgramSignIn: oathtool, which shares nothing with ours, is the
// app, from the proof of the seed to the sign-in.
func TestCodesOfAnotherProgramSignIn(t *testing.T) {
	tool, err := exec.LookPath("oathtool")
	if err != nil {
		t.Fatal("oathtool is missing. As root: apt-get install oathtool")
	}
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user5@alder.example"
		code := func(a *app) string {
			t.Helper()
			said, err := exec.CommandContext(t.Context(), tool, "--totp", "--base32", "--now", w.now().UTC().Format("2006-01-02 15:04:05 UTC"), a.seed.Reveal()).Output()
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(said))
		}
		b := w.browser(t).signIn(t, name)
		a := b.setUpApp(t)
		b.post(t, a.path, "code", code(a)).want(t, http.StatusSeeOther)
		w.forward(t, totp.Period)
		b = w.browser(t)
		attempt := b.byCode(t, name)
		b.post(t, attempt+"/verify", "code", code(a)).want(t, http.StatusSeeOther)
		b.get(t, "/me").want(t, http.StatusOK)
	})
}

// byCode takes the way of codes in a new attempt.
func (b *browser) byCode(t testing.TB, name string) (attempt string) {
	t.Helper()
	attempt = b.begin(t, name)
	b.post(t, attempt+"/method", "method", "totp").want(t, http.StatusSeeOther)
	if got := step(b.get(t, attempt)); got != "totp" {
		t.Fatalf("the page is of the step %q", got)
	}
	return attempt
}

// TestAnAppFromSetUpToSignIn walks the pages.
func TestAnAppFromSetUpToSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t).signIn(t, name)
		b.get(t, "/me/totp").want(t, http.StatusOK)
		a := b.setUpApp(t)
		a.w = w
		page := b.post(t, a.path, "code", "12345").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(page.body, "This is not the code that the app shows") || first(seedMark, page) == "" {
			t.Errorf("after a wrong code the page says %s", excerpt(page.body))
		}
		proof := a.code(t, 0)
		if to := b.post(t, a.path, "code", proof[:3]+" "+proof[3:]).want(t, http.StatusSeeOther).location(); to != "/me/totp?done=totp_bound" {
			t.Errorf("it leads to %s", to)
		}
		for _, path := range []string{a.path, "/me/totp/new/nothing"} {
			if got := b.get(t, path); got.status != http.StatusGone && got.status != http.StatusNotFound {
				t.Errorf("%s = %d", got.asked, got.status)
			}
		}
		if page := b.get(t, "/me").body; !strings.Contains(page, "Codes from an app") {
			t.Error("My security info does not name it")
		}
		if page := b.get(t, "/").body; !strings.Contains(page, "An authenticator app was added") {
			t.Error("its user is not told")
		}
		pc := w.browser(t)
		attempt := pc.byCode(t, name)
		pc.post(t, attempt+"/verify", "code", proof).want(t, http.StatusUnauthorized)
		w.forward(t, 30*time.Second)
		pc.post(t, attempt+"/verify", "code", a.code(t, 0)).want(t, http.StatusSeeOther)
		if !pc.signedIn(t) {
			t.Error("the next code signs nobody in")
		}
	})
}

// TestASetUpIsOfItsSessionAlone: a link to it is worth nothing to anybody else.
func TestASetUpIsOfItsSessionAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		a := b.setUpApp(t)
		for who, other := range map[string]*browser{
			"the same user elsewhere": w.browser(t).signIn(t, "user1@alder.example"), "somebody else": w.browser(t).signIn(t, "user2@alder.example"),
			"another tenant": w.browser(t).signIn(t, "user1@birch.example"), "an administrator": w.browser(t).signIn(t, "security@alder.example"),
		} {
			if got := other.get(t, a.path); got.status != http.StatusNotFound {
				t.Errorf("%s gets the seed: %d", who, got.status)
			}
			if got := other.post(t, a.path, "code", a.code(t, 0)); got.status != http.StatusNotFound {
				t.Errorf("%s proves it: %d", who, got.status)
			}
		}
		w.forward(t, 10*time.Minute)
		b.get(t, a.path).is(t, http.StatusGone)
	})
}

// TestAddingAndRemovingAnAppTakesTheStrongestProof.
func TestAddingAndRemovingAnAppTakesTheStrongestProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		a, b := w.withApp(t, name)
		w.forward(t, 10*time.Minute)
		for _, path := range []string{"/me/totp", "/me/totp/remove"} {
			if to := b.post(t, path).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up?return_to=") {
				t.Errorf("POST %s without a proof leads to %s", path, to)
			}
		}
		b.prove(t, "/me/totp")
		if to := b.post(t, "/me/totp/remove").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
			t.Error("the password alone removes the app")
		}
		page := b.get(t, "/step-up?return_to=%2Fme%2Ftotp").want(t, http.StatusOK)
		if got := offers(page); len(got) != 1 || got[0] != "totp" {
			t.Errorf("the page offers %v", got)
		}
		attempt := b.post(t, "/step-up", "return_to", "/me/totp", "method", "totp").want(t, http.StatusSeeOther).location()
		b.post(t, attempt+"/verify", "code", a.code(t, 0)).want(t, http.StatusSeeOther)
		if to := b.post(t, "/me/totp/remove").want(t, http.StatusSeeOther).location(); to != "/me/totp?done=totp_removed" {
			t.Errorf("removing it leads to %s", to)
		}
		pc := w.browser(t)
		pc.post(t, pc.byCode(t, name)+"/verify", "code", a.code(t, 1)).want(t, http.StatusUnauthorized)
	})
}

// TestTwoFactorsOverHTTP: the password, then the code, and no way around.
func TestTwoFactorsOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		a, _ := w.withApp(t, name)
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		w.forward(t, time.Minute)
		b := w.browser(t)
		attempt := b.begin(t, name)
		got := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		if got.location() != attempt || len(got.cookies()) > 0 {
			t.Errorf("the password leads to %s with %v", got.location(), got.cookies())
		}
		page := b.get(t, attempt).want(t, http.StatusOK)
		if step(page) != "totp" || !strings.Contains(page.body, "The first step was right") {
			t.Errorf("the page is of the step %q", step(page))
		}
		if got := offers(b.get(t, attempt+"/help").want(t, http.StatusOK)); len(got) != 1 || got[0] != "totp" {
			t.Errorf("the help page offers %v", got)
		}
		for _, form := range [][]string{{"password", passwordOfAll}, {"code", ""}, {"code", wrongAppCode(t, a)}} {
			b.post(t, attempt+"/verify", form...).want(t, http.StatusUnauthorized)
		}
		b.post(t, attempt+"/finish").want(t, http.StatusUnauthorized)
		b.post(t, attempt+"/method", "method", "password").want(t, http.StatusUnprocessableEntity)
		if b.signedIn(t) {
			t.Fatal("one factor signs in")
		}
		// Another browser gets nothing of it, nor does the attempt give it a session.
		w.browser(t).post(t, attempt+"/verify", "code", a.code(t, 0)).want(t, http.StatusNotFound)
		done := b.post(t, attempt+"/verify", "code", a.code(t, 0), "return_to", "https://evil.example/").want(t, http.StatusSeeOther)
		if done.location() != "/" || !b.signedIn(t) {
			t.Errorf("both factors lead to %s", done.location())
		}
		if page := b.get(t, "/me/sessions").body; !strings.Contains(page, "password, then code from an app") {
			t.Error("the list of sessions does not say how")
		}
		// Enforced with nothing to give: the page says so, and goes nowhere.
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = 'user2@alder.example'")
		other := w.browser(t)
		attempt = other.begin(t, "user2@alder.example")
		other.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		to := other.get(t, attempt).want(t, http.StatusSeeOther).location()
		if page := other.get(t, to).want(t, http.StatusOK); len(offers(page)) > 0 || !strings.Contains(page.body, "asks for a second factor") {
			t.Errorf("without a second factor the page offers %v: %s", offers(page), excerpt(page.body))
		}
		if other.signedIn(t) {
			t.Error("the password alone signs in where a second factor is enforced")
		}
	})
}

// TestTheHelpdeskTakesAnAppAway, and with it the sessions that it made.
func TestTheHelpdeskTakesAnAppAway(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		a, _ := w.withApp(t, name)
		w.forward(t, time.Minute)
		b := w.browser(t)
		b.post(t, b.byCode(t, name)+"/verify", "code", a.code(t, 0)).want(t, http.StatusSeeOther)
		_, userID := w.person(t, name)
		desk := w.browser(t).signIn(t, "desk@alder.example")
		path := "/admin/alder/users/" + userID
		if page := desk.get(t, path).want(t, http.StatusOK).body; !strings.Contains(page, path+"/totp/revoke") {
			t.Error("the page of the person has no button for it")
		}
		desk.post(t, path+"/totp/revoke").want(t, http.StatusUnprocessableEntity)
		desk.post(t, path+"/totp/revoke", "reason", "lost").want(t, http.StatusSeeOther)
		desk.post(t, path+"/totp/revoke", "reason", "lost").want(t, http.StatusConflict)
		if b.signedIn(t) {
			t.Error("a session that its code made is alive")
		}
		if page := w.browser(t).signIn(t, name).get(t, "/").body; !strings.Contains(page, "Your authenticator app was taken away") {
			t.Error("its user is not told")
		}
	})
}

// TestNoSeedLeaves: a seed stands in the one page that shows it, and nowhere else.
func TestNoSeedLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a, b := w.withApp(t, "user1@alder.example")
		raw := a.seed.Reveal()
		for table, rows := range w.standing(t) {
			for _, row := range rows {
				if strings.Contains(row, raw) || strings.Contains(row, url.QueryEscape(raw)) {
					t.Errorf("%s holds the seed", table)
				}
			}
		}
		security := w.browser(t).signIn(t, "security@alder.example")
		_, userID := w.person(t, "user1@alder.example")
		for _, got := range []answer{
			b.get(t, "/me"), b.get(t, "/me/totp"), b.get(t, "/me/activity"), b.get(t, a.path), security.get(t, "/admin/alder/users/"+userID),
		} {
			if strings.Contains(strings.ReplaceAll(got.body, " ", ""), raw) {
				t.Errorf("%s shows the seed", got.asked)
			}
		}
	})
}
