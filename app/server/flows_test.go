package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/method"
	"latchkey/app/passkey/passkeytest"
)

// flow is something that takes several steps in one browser.
type flow struct {
	name   string
	ways   []string // of the policy that have a part in it
	routes []string // that take its steps
	action string   // of the event that says that it is done
	makes  bool     // a session; else it happens in one
	bearer bool     // who has its link may go on in any browser
	// play goes as far as the last step, and tries what skips one on the way there.
	play func(t *testing.T, w *world, name string) *played
}

// played is a flow before its last step.
type played struct {
	b    *browser
	path string
	form func() []string // the right one, made when it is sent
	did  func() int      // how often it is done, where that is no event of its user's
}

// refuses checks that a step which was not its turn is none.
func refuses(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status == http.StatusSeeOther && (strings.HasPrefix(a.location(), "/step-up") || strings.HasPrefix(a.location(), "/signin?")) {
		return
	}
	if a.status < 400 || a.status >= 500 {
		t.Errorf("%s: %s = %d to %q", what, a.asked, a.status, a.location())
	}
}

func fixed(pairs ...string) func() []string { return func() []string { return pairs } }

const (
	verifyRoute, methodRoute, finishRoute = "/signin/:attempt/verify", "/signin/:attempt/method", "/signin/:attempt/finish"
	signedInBy, provedBy                  = "signin.finished", "step_up.finished"
)

// choosing begins a sign-in by a way, and tries to end it before anything is proved.
func (w *world) choosing(t *testing.T, name, way string) (*browser, string) {
	t.Helper()
	b := w.browser(t)
	attempt := b.begin(t, name)
	if step(b.get(t, attempt)) != way {
		b.post(t, attempt+"/method", "method", way).want(t, http.StatusSeeOther)
	}
	refuses(t, "an end before the beginning", b.post(t, attempt+"/finish"))
	return b, attempt
}

// halfway gives the password of somebody who needs two factors, after trying the
// second one first.
func (w *world) halfway(t *testing.T, name string, second ...string) (*browser, string) {
	t.Helper()
	w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
	b, attempt := w.choosing(t, name, "password")
	refuses(t, "the second factor first", b.post(t, attempt+"/verify", second...))
	a := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
	if a.location() != attempt || len(a.cookies()) > 0 || b.signedIn(t) {
		t.Errorf("after one of two factors: to %q with %v", a.location(), a.cookies())
	}
	refuses(t, "an end halfway", b.post(t, attempt+"/finish"))
	refuses(t, "the same factor twice", b.post(t, attempt+"/verify", "password", passwordOfAll))
	return b, attempt
}

// stepping begins a step-up by a way, in a session that wants one.
func (w *world) stepping(t *testing.T, b *browser, name, way string) string {
	t.Helper()
	w.act(t, "UPDATE sessions SET proved_at = ? WHERE user_id = (SELECT id FROM users WHERE name = ?)", w.now().Add(-10*60e9), name)
	refuses(t, "a sensitive act without the step-up", b.post(t, "/me/totp"))
	attempt := b.post(t, "/step-up", "return_to", "/me", "acr_values", "passkey phone otp pwd", "method", way).want(t, http.StatusSeeOther).location()
	refuses(t, "an end of the step-up before its proof", b.post(t, attempt+"/finish"))
	refuses(t, "a sensitive act while the step-up stands open", b.post(t, "/me/totp"))
	return attempt
}

var numberOf = func() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("+49151123460%02d", n%100) }
}()

// flows are all of them.
var flows = []flow{
	{name: "password", ways: []string{"password"}, routes: []string{"/signin", methodRoute, verifyRoute}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		b, attempt := w.choosing(t, name, "password")
		return &played{b: b, path: attempt + "/verify", form: fixed("password", passwordOfAll)}
	}},
	{name: "phone", ways: []string{"phone"}, routes: []string{finishRoute}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		ph, _ := w.withPhone(t, name)
		b, attempt := w.choosing(t, name, "phone")
		ph.approves(t, b, attempt)
		return &played{b: b, path: attempt + "/finish", form: fixed()}
	}},
	{name: "app", ways: []string{"totp"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		a, _ := w.withApp(t, name)
		b, attempt := w.choosing(t, name, "totp")
		return &played{b: b, path: attempt + "/verify", form: func() []string { return []string{"code", a.code(t, 1)} }}
	}},
	{name: "a printed code", ways: []string{"printed_code"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		sheet, _ := w.withSheet(t, name)
		b, attempt := w.choosing(t, name, "printed_code")
		return &played{b: b, path: attempt + "/verify", form: fixed("code", sheet.codes["1"])}
	}},
	{name: "a printed code after the password", ways: []string{"printed_code"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		sheet, _ := w.withSheet(t, name)
		b, attempt := w.halfway(t, name, "code", sheet.codes["1"])
		return &played{b: b, path: attempt + "/verify", form: fixed("code", sheet.codes["1"])}
	}},
	{name: "SMS after the password", ways: []string{"sms"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		number := numberOf()
		w.withBackup(t, name, number, "sms")
		b, attempt := w.halfway(t, name, "code", "123456")
		return &played{b: b, path: attempt + "/verify", form: fixed("code", w.codeTo(t, number))}
	}},
	{name: "a call after the password", ways: []string{"voice"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		number := numberOf()
		w.withBackup(t, name, number, "voice")
		b, attempt := w.halfway(t, name, "code", "123456")
		return &played{b: b, path: attempt + "/verify", form: fixed("code", w.codeTo(t, number))}
	}},
	{name: "the password after an SMS", ways: []string{"sms", "password"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		number := numberOf()
		w.withBackup(t, name, number, "sms")
		b, attempt := w.choosing(t, name, "sms")
		a := b.post(t, attempt+"/verify", "code", w.codeTo(t, number)).want(t, http.StatusSeeOther)
		if len(a.cookies()) > 0 || b.signedIn(t) {
			t.Error("a sent code alone signs in")
		}
		refuses(t, "an end halfway", b.post(t, attempt+"/finish"))
		return &played{b: b, path: attempt + "/verify", form: fixed("password", passwordOfAll)}
	}},
	{name: "passkey", ways: []string{"passkey"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		k, _ := w.withPasskey(t, name)
		b, attempt := w.choosing(t, name, "passkey")
		options := optionsOf(t, b.get(t, attempt))
		return &played{b: b, path: attempt + "/verify", form: func() []string { return []string{"credential", k.Sign(t, options)} }}
	}},
	{name: "passkey without a name", ways: []string{"passkey"}, routes: []string{"/passkey"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		k, _ := w.withPasskey(t, name)
		b := w.browser(t)
		options := optionsOf(t, b.get(t, "/signin"))
		return &played{b: b, path: "/passkey", form: func() []string { return []string{"credential", k.Sign(t, options)} }}
	}},
	{name: "static passcode", ways: []string{"static_passcode"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		code := w.passcodeFor(t, w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, firstSecurity), name)
		b, attempt := w.choosing(t, name, "static_passcode")
		return &played{b: b, path: attempt + "/verify", form: fixed("code", code)}
	}},
	{name: "a bypass", ways: []string{"bypass"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		_, code := w.browser(t).signIn(t, deskOf).bypassFor(t, w, deskOf, name)
		b, attempt := w.choosing(t, name, "bypass")
		return &played{b: b, path: attempt + "/verify", form: fixed("code", code)}
	}},
	{name: "a bypass after the password", ways: []string{"password", "bypass"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		w.browser(t).signIn(t, deskOf).gives(t, w, deskOf, name, "kind", "skip").want(t, http.StatusSeeOther)
		b, attempt := w.halfway(t, name)
		return &played{b: b, path: attempt + "/verify", form: fixed("code", "")}
	}},
	{name: "app after the password", ways: []string{"password", "totp"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		a, _ := w.withApp(t, name)
		b, attempt := w.halfway(t, name, "code", a.code(t, 1))
		return &played{b: b, path: attempt + "/verify", form: func() []string { return []string{"code", a.code(t, 1)} }}
	}},
	{name: "phone after the password", ways: []string{"password", "phone"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		ph, _ := w.withPhone(t, name)
		b, attempt := w.halfway(t, name)
		ph.approves(t, b, attempt)
		return &played{b: b, path: attempt + "/finish", form: fixed()}
	}},
	{name: "passkey after the password", ways: []string{"password", "passkey"}, action: signedInBy, makes: true, play: func(t *testing.T, w *world, name string) *played {
		k, _ := w.withPasskey(t, name)
		b, attempt := w.halfway(t, name, "credential", "{}")
		options := optionsOf(t, b.get(t, attempt))
		return &played{b: b, path: attempt + "/verify", form: func() []string { return []string{"credential", k.Sign(t, options)} }}
	}},
	{name: "step-up by password", action: provedBy, play: func(t *testing.T, w *world, name string) *played {
		b := w.browser(t).signIn(t, name)
		return &played{b: b, path: w.stepping(t, b, name, "password") + "/verify", form: fixed("password", passwordOfAll)}
	}},
	{name: "step-up by phone", action: provedBy, play: func(t *testing.T, w *world, name string) *played {
		ph, b := w.withPhone(t, name)
		attempt := w.stepping(t, b, name, "phone")
		ph.approves(t, b, attempt)
		return &played{b: b, path: attempt + "/finish", form: fixed()}
	}},
	{name: "step-up by an app", action: provedBy, play: func(t *testing.T, w *world, name string) *played {
		a, b := w.withApp(t, name)
		return &played{b: b, path: w.stepping(t, b, name, "totp") + "/verify", form: func() []string { return []string{"code", a.code(t, 1)} }}
	}},
	{name: "step-up by a passkey", action: provedBy, play: func(t *testing.T, w *world, name string) *played {
		k, b := w.withPasskey(t, name)
		attempt := w.stepping(t, b, name, "passkey")
		options := optionsOf(t, b.get(t, attempt))
		return &played{b: b, path: attempt + "/verify", form: func() []string { return []string{"credential", k.Sign(t, options)} }}
	}},
	{name: "setting up an app", action: "totp.bound", play: func(t *testing.T, w *world, name string) *played {
		b := w.browser(t).signIn(t, name)
		refuses(t, "a code of an app that nobody began", b.post(t, "/me/totp/new/abcdefghijklmnopqrstuvwxyz", "code", "123456"))
		a := b.setUpApp(t)
		a.w = w
		return &played{b: b, path: a.path, form: func() []string { return []string{"code", a.code(t, 0)} }}
	}},
	{name: "adding a passkey", action: "passkey.bound", play: func(t *testing.T, w *world, name string) *played {
		b := w.browser(t).signIn(t, name)
		k := passkeytest.New(t, b.base)
		refuses(t, "a passkey that nobody asked for", b.post(t, "/me/passkeys", "name", "Laptop", "credential", "{}"))
		made := k.Make(t, optionsOf(t, b.get(t, "/me/passkeys/new").want(t, http.StatusOK)))
		return &played{b: b, path: "/me/passkeys", form: fixed("name", "Laptop", "credential", made)}
	}},
	{name: "adding a backup phone", action: "backup_phone.bound", play: func(t *testing.T, w *world, name string) *played {
		w.carry(t)
		b, number := w.browser(t).signIn(t, name), numberOf()
		refuses(t, "a code to a number that nobody gave", b.post(t, "/me/backup-phones/new/abcdefghijklmnopqrstuvwxyz", "code", "123456"))
		path := b.post(t, "/me/backup-phones", "number", number, "channel", "sms").want(t, http.StatusSeeOther).location()
		return &played{b: b, path: path, form: fixed("code", w.codeTo(t, number))}
	}},
	{name: "approving a request by phone", play: func(t *testing.T, w *world, name string) *played {
		w.promote(t, name, access.RoleSecurityAdministrator)
		ph, b := w.withPhone(t, name)
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		b.get(t, inbox+"/"+id).want(t, http.StatusOK)
		attempt := b.post(t, inbox+"/"+id+"/phone").want(t, http.StatusSeeOther).location()
		refuses(t, "an end before the phone has answered", b.post(t, attempt+"/finish"))
		refuses(t, "another way than the phone", b.post(t, attempt+"/method", "method", "password"))
		var told []struct {
			ActHash string `json:"act_hash"`
		}
		ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &told)
		r := ph.asks(t)
		right := ph.decision(r, "approve", number(b.get(t, attempt)))
		right.claims["act"] = told[0].ActHash
		ph.deliver(t, r.ID, right.compact()).want(t, http.StatusOK)
		return &played{b: b, path: attempt + "/finish", form: fixed(), did: func() int {
			return map[bool]int{true: 1}[w.stateOf(t, id) == "done"]
		}}
	}},
	{name: "a link that says it was not me", routes: []string{"/not-me/:link"}, action: "bypass.disowned", bearer: true, play: func(t *testing.T, w *world, name string) *played {
		w.browser(t).signIn(t, deskOf).bypassFor(t, w, deskOf, name)
		b, link := w.browser(t), w.disowning(t, name)
		b.get(t, link).want(t, http.StatusOK)
		return &played{b: b, path: link, form: fixed()}
	}},
	{name: "a link to set a password", routes: []string{"/invite/:token"}, action: "password.renewed", bearer: true, play: func(t *testing.T, w *world, name string) *played {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		_, id := w.person(t, name)
		link := invitationMark.FindString(admin.post(t, "/admin/alder/users/"+id+"/password-link", "reason", "forgotten").want(t, http.StatusOK).body)
		b := w.browser(t)
		b.get(t, link).want(t, http.StatusOK)
		return &played{b: b, path: link, form: fixed("password", newPassword, "password_again", newPassword)}
	}},
}

// elsewhere are steps of flows that have such tests of their own.
var elsewhere = map[string]string{
	"/break-glass":                   "TestABreakGlassAccountOnItsPages",
	"/setup/:token":                  "TestTheFirstDay, TestMalformedForms",
	"/signin/:attempt/ask":           "TestAskingTheHelpdeskOverHTTP",
	"/signout":                       "TestSigningInInTwoWindowsAtOnce",
	"/t/:tenant/end-session/confirm": "TestAnApplicationEndsTheSession",
}

// TestTheTableOfFlowsIsWhole: every way in and every open step is in it.
func TestTheTableOfFlowsIsWhole(t *testing.T) {
	var ways, routes []string
	for _, f := range flows {
		ways, routes = append(ways, f.ways...), append(routes, f.routes...)
	}
	for _, way := range method.Ways {
		if !slices.Contains(ways, way.Name) {
			t.Errorf("no flow signs in by %s", way.Name)
		}
	}
	onBoth(t, func(t *testing.T, w *world) {
		for _, r := range w.Site.Routes() {
			if r.Method == http.MethodPost && r.Needs == access.Anyone && !slices.Contains(routes, r.Path) && elsewhere[r.Path] == "" {
				t.Errorf("no flow goes by POST %s", r.Path)
			}
		}
	})
}

// TestNoFlowIsTakenOver: by another browser, by another site, with the proof of another
// flow, by leaving a step out, or by a cookie that was planted before.
func TestNoFlowIsTakenOver(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		all := make([]*played, len(flows))
		name := func(i int) string { return fmt.Sprintf("user%d@alder.example", i+1) }
		done := func(i int) (n int) {
			if all[i].did != nil {
				return all[i].did()
			}
			_, id := w.person(t, name(i))
			w.one(t, &n, "SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'success' AND subject_id = ?", flows[i].action, id)
			return n
		}
		before := make([]int, len(flows))
		for i, f := range flows {
			all[i] = f.play(t, w, name(i))
			before[i] = done(i)
		}
		thief := w.browser(t).signIn(t, "user39@alder.example")
		var planted *http.Cookie
		for _, c := range thief.client.Jar.Cookies(thief.at(t)) {
			if c.Name == "latchkey_session" {
				planted = c
			}
		}
		// Every one of these is a try, and only the last one is to count.
		forgiven := func() {
			w.act(t, "UPDATE attempts SET failures = 0")
			w.act(t, "UPDATE totps SET tries = 0 WHERE state = 'new'")
			w.act(t, "UPDATE backup_phones SET tries = 0 WHERE state = 'new'")
			w.act(t, "DELETE FROM throttles")
		}
		for i, f := range flows {
			p := all[i]
			attack := func(what string, a answer) {
				t.Helper()
				refuses(t, f.name+", "+what, a)
				if done(i) != before[i] {
					t.Fatalf("%s: %s brought it to its end", f.name, what)
				}
				forgiven()
			}
			// From another site, and without the token of the form.
			fields := p.b.form(p.form()...)
			attack("from another site", send(t, p.b.client, p.b.request(t, http.MethodPost, p.path, strings.NewReader(fields.Encode()), "Content-Type", formType, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")))
			fields.Del("csrf")
			attack("without a token", send(t, p.b.client, p.b.request(t, http.MethodPost, p.path, strings.NewReader(fields.Encode()), "Content-Type", formType)))
			// Sent from the browser of somebody else, with their token and with its own.
			if !f.bearer {
				for _, other := range []*browser{w.browser(t), w.browser(t).signIn(t, "user38@alder.example")} {
					other.get(t, "/signin")
					attack("in another browser", other.post(t, p.path, p.form()...))
					other.csrf = p.b.csrf
					attack("in another browser, with its token", other.post(t, p.path, p.form()...))
					if f.makes && other.signedIn(t) && !strings.Contains(other.get(t, "/me").body, "user38@alder.example") {
						t.Errorf("%s signs another browser in", f.name)
					}
				}
			}
			// With the proof of another flow, of somebody else.
			for j, q := range all {
				form := q.form()
				if j == i || len(form) != len(p.form()) || len(form) != 2 || form[0] == "password" || form[0] != p.form()[0] || form[1] == p.form()[1] { // two codes may be the same
					continue
				}
				attack("with the proof of "+flows[j].name, p.b.post(t, p.path, form...))
			}
			// Whatever a browser makes of an answer: it is not there before it is done.
			if f.makes && p.b.signedIn(t) {
				t.Errorf("%s: signed in before the last step", f.name)
			}
			if f.makes {
				p.b.client.Jar.SetCookies(p.b.at(t), []*http.Cookie{{Name: planted.Name, Value: planted.Value, Path: "/"}})
			}
			a := p.b.post(t, p.path, p.form()...).want(t, http.StatusSeeOther)
			if done(i) != before[i]+1 {
				t.Fatalf("%s: the right step does not end it: %s", f.name, a.location())
			}
			cookie := a.cookie("latchkey_session")
			switch {
			case f.makes && (cookie == nil || cookie.Value == planted.Value):
				t.Errorf("%s: the planted cookie became the session", f.name)
			case f.makes && !strings.Contains(thief.get(t, "/me/sessions").want(t, http.StatusOK).body, "data-session"):
				t.Errorf("%s: the thief's own session is gone", f.name)
			case !f.makes && cookie != nil:
				t.Errorf("%s: it gives a session", f.name)
			}
			if w.forward(t, 0); strings.Contains(thief.get(t, "/me/activity").body, name(i)) {
				t.Errorf("%s: the thief sees %s", f.name, name(i))
			}
			// Once more it is over.
			again := p.b.post(t, p.path, p.form()...)
			if again.cookie("latchkey_session") != nil || done(i) != before[i]+1 {
				t.Errorf("%s: the last step was taken twice", f.name)
			}
			forgiven()
		}
	})
}
