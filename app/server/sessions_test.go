package server_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/settings"
)

// stay signs in by password and chooses to stay.
func (b *browser) stay(t testing.TB, name string) answer {
	t.Helper()
	attempt := b.begin(t, name)
	if step(b.get(t, attempt)) != "password" {
		b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
	}
	a := b.post(t, attempt+"/verify", "password", passwordOfAll, "stay", "yes").want(t, http.StatusSeeOther)
	b.get(t, "/me").want(t, http.StatusOK)
	return a
}

// cookie gives one that an answer sets.
func (a answer) cookie(name string) *http.Cookie {
	for _, c := range a.cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// trust gives the cookie by which a browser keeps the trust of somebody.
func (a answer) trust() *http.Cookie {
	for _, c := range a.cookies() {
		if strings.HasPrefix(c.Name, "latchkey_trusted_") && c.MaxAge > 0 {
			return c
		}
	}
	return nil
}

// at is where the browser sends its cookies.
func (b *browser) at(t testing.TB) *url.URL {
	t.Helper()
	at, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// cookies are those that the browser sends.
func (b *browser) cookies(t testing.TB) string {
	t.Helper()
	return fmt.Sprint(b.client.Jar.Cookies(b.at(t)))
}

// asWas is a window of the browser that sends the cookies of this moment, whatever
// comes meanwhile: its request is under way at the same time.
func (b *browser) asWas(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(b.at(t), b.client.Jar.Cookies(b.at(t)))
	window, client := *b, *b.client
	client.Jar, window.client = jar, &client
	return &window
}

// TestTwoPeopleAtTheSameMomentInOneBrowser: it keeps the trust of both, and knows
// both afterwards.
func TestTwoPeopleAtTheSameMomentInOneBrowser(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		people := []string{"user1@alder.example", "user2@alder.example", "user1@birch.example"}
		b := w.browser(t)
		b.get(t, "/signin")
		for round := range 2 { // the first time the trust begins, the second time it turns
			windows := make([]*browser, len(people))
			attempts := make([]string, len(people))
			for i, name := range people {
				attempts[i] = b.begin(t, name)
			}
			for i := range people {
				windows[i] = b.asWas(t)
			}
			var kept []string
			for i, window := range windows {
				window.get(t, attempts[i])
				a := window.post(t, attempts[i]+"/verify", "password", passwordOfAll, "stay", "yes").want(t, http.StatusSeeOther)
				if a.trust() == nil {
					t.Fatalf("in round %d the browser is given no trust of %s", round, people[i])
				}
				kept = append(kept, a.trust().Value)
				b.client.Jar.SetCookies(b.at(t), a.cookies())
			}
			for i, value := range kept {
				if !strings.Contains(b.cookies(t), value) {
					t.Errorf("in round %d the trust of %s is lost", round, people[i])
				}
			}
			var trusts, copied int
			w.one(t, &trusts, "SELECT count(*) FROM trusted_browsers WHERE ended_at IS NULL")
			if w.one(t, &copied, "SELECT count(*) FROM audit_events WHERE action = 'browser.copied'"); trusts != len(people) || copied != 0 {
				t.Errorf("in round %d %d trust it, and %d say that it was copied", round, trusts, copied)
			}
		}
	})
}

// TestABrowserKeepsTheTrustOfEight: the one who came first makes room.
func TestABrowserKeepsTheTrustOfEight(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		first := b.stay(t, "user1@alder.example").trust()
		for i := range 8 {
			b.stay(t, fmt.Sprintf("user%d@alder.example", i+2))
		}
		if got := b.cookies(t); strings.Count(got, "latchkey_trusted_") != 8 || strings.Contains(got, first.Name) {
			t.Errorf("it keeps %s", got)
		}
	})
}

// sessionOf gives the newest session of a user.
func (w *world) sessionOf(t testing.TB, name string) (id string) {
	t.Helper()
	w.one(t, &id, "SELECT id FROM sessions WHERE user_id = (SELECT id FROM users WHERE name = ?) ORDER BY created_at DESC, id LIMIT 1", name)
	return id
}

// actsOnSessions prepares what people do about where they are signed in.
func actsOnSessions(t *testing.T, w *world) []doing {
	t.Helper()
	const name = "user20@alder.example"
	mine, strange, kept := w.browser(t).signIn(t, name), w.browser(t).signIn(t, name), w.browser(t)
	_ = strange
	session := w.sessionOf(t, name)
	kept.stay(t, name)
	var browser string
	w.one(t, &browser, "SELECT id FROM trusted_browsers WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
	mine.get(t, "/me")
	return []doing{
		{"POST /me/sessions/:session/undo", func() answer { return mine.post(t, "/me/sessions/"+session+"/undo") }, http.StatusSeeOther},
		{"POST /me/browsers/:browser/forget", func() answer { return mine.post(t, "/me/browsers/"+browser+"/forget") }, http.StatusSeeOther},
	}
}

// TestTheCookieLivesAsLongAsItsUserChose: until the browser is closed, or for the
// hours of the tenant. What it keeps to be known by is its own.
func TestTheCookieLivesAsLongAsItsUserChose(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t)
		attempt := b.begin(t, name)
		if page := b.get(t, attempt).body; !strings.Contains(page, `name="stay" value="yes"`) || !strings.Contains(page, "Stay signed in for 24 hours") || strings.Contains(page, "checked") {
			t.Error("the password page does not offer to stay signed in, or has it ticked")
		}
		a := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		if c := a.cookie("latchkey_session"); c == nil || c.MaxAge != 0 || !c.Expires.IsZero() || a.trust() != nil {
			t.Errorf("who does not choose it is given %v", a.header.Values("Set-Cookie"))
		}
		w.act(t, "UPDATE tenants SET session_hours = 8 WHERE slug = 'alder'")
		a = b.stay(t, name)
		trusted := a.trust()
		if c := a.cookie("latchkey_session"); c == nil || c.MaxAge != 12*3600 || trusted == nil || trusted.MaxAge != 30*24*3600 || !trusted.HttpOnly || trusted.SameSite != http.SameSiteLaxMode {
			t.Errorf("who chooses it is given %v", a.header.Values("Set-Cookie"))
		}
		if again := b.stay(t, name).trust(); again == nil || again.Value == trusted.Value {
			t.Error("the token does not turn")
		}
		page := b.get(t, "/me/sessions").want(t, http.StatusOK).body
		if strings.Count(page, "data-browser=") != 1 || !strings.Contains(page, "data-session=") {
			t.Error("the browser is not listed")
		}
		// With nobody trusted, staying is a matter of the cookie alone.
		w.act(t, "UPDATE tenants SET trust_days = 0 WHERE slug = 'alder'")
		other := w.browser(t)
		if a := other.stay(t, name); a.trust() != nil || a.cookie("latchkey_session").MaxAge != 12*3600 {
			t.Errorf("where none is trusted one is given %v", a.header.Values("Set-Cookie"))
		}
		// Several people may share it.
		w.act(t, "UPDATE tenants SET trust_days = 14 WHERE slug = 'alder'")
		b.post(t, "/signout")
		second := b.stay(t, "user1@birch.example").trust()
		if second == nil || second.Name == trusted.Name || strings.Count(b.cookies(t), "latchkey_trusted_") != 2 {
			t.Errorf("for two people the browser keeps %s", b.cookies(t))
		}
		// Proving it again is no sign-in, and offers nothing of the kind.
		up := b.post(t, "/step-up", "return_to", "/me", "method", "password").want(t, http.StatusSeeOther).location()
		if strings.Contains(b.get(t, up).body, `name="stay"`) {
			t.Error("a step-up offers to stay signed in")
		}
		if a := b.post(t, up+"/verify", "password", passwordOfAll, "stay", "yes").want(t, http.StatusSeeOther); len(a.cookies()) != 0 {
			t.Errorf("a step-up sets %v", a.header.Values("Set-Cookie"))
		}
	})
}

// TestTheNumberPageOffersToStayToo, and remembers it from the step before.
func TestTheNumberPageOffersToStayToo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, b := w.withPhone(t, name)
		attempt := b.askPhone(t, name)
		if page := b.get(t, attempt).body; !regexp.MustCompile(`name="stay"[^>]*form="finish"`).MatchString(page) {
			t.Error("the number page has no box for its form")
		}
		ph.approves(t, b, attempt)
		a := b.post(t, attempt+"/finish", "stay", "yes").want(t, http.StatusSeeOther)
		if a.cookie("latchkey_session").MaxAge != 28*3600 || a.trust() == nil {
			t.Errorf("it gives %v", a.header.Values("Set-Cookie"))
		}
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		attempt = b.begin(t, name)
		b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
		b.post(t, attempt+"/verify", "password", passwordOfAll, "stay", "yes").want(t, http.StatusSeeOther)
		if page := b.get(t, attempt).body; step(b.get(t, attempt)) != "phone" || !regexp.MustCompile(`name="stay"[^>]*checked`).MatchString(page) {
			t.Errorf("the second step (%s) does not know what was chosen on the first", step(b.get(t, attempt)))
		}
	})
}

// TestWhatALimitedSessionMayDo: to look, and no more, until it is proved. Then all.
func TestWhatALimitedSessionMayDo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		w.promote(t, name, access.RoleTenantAdministrator)
		ph, home := w.withPhone(t, name)
		b := w.browser(t).byPhone(t, ph, name)
		s := &scene{world: w, name: name, pc: home, b: b, ph: ph, attempt: "/signin/" + strings.Repeat("a", 26)}
		_, s.other = w.person(t, "user8@alder.example")
		if page := b.get(t, "/").want(t, http.StatusOK).body; !strings.Contains(page, "This browser is new to your account") || strings.Contains(page, "/undo") {
			t.Error("its start page does not say so, or lets it put its own notice away")
		}
		if page := b.get(t, "/me/sessions").want(t, http.StatusOK).body; !strings.Contains(page, "limited until proved") {
			t.Error("the list of sessions does not say so")
		}
		before := w.standing(t)
		for _, route := range w.Site.Routes() {
			console := strings.HasPrefix(route.Path, "/admin") || strings.HasPrefix(route.Path, "/operator")
			// What an application shows is asked by its protocol; of a limited session it gets no code.
			if route.Needs == access.Anyone || route.Needs == access.Phone || route.Needs == access.Application || route.Path == "/step-up" || strings.HasSuffix(route.Path, "/live") {
				continue
			}
			path := s.filled(route.Path)
			if route.Method == http.MethodGet {
				if a := b.get(t, path); console != strings.HasPrefix(a.location(), "/step-up") && route.Needs != access.AuthenticatorBind {
					t.Errorf("%s = %d to %q", a.asked, a.status, a.location())
				}
				continue
			}
			a := b.post(t, path, "reason", "a test", "name", "A name")
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/step-up?return_to=") {
				t.Errorf("%s = %d to %q, want the way to a step-up", a.asked, a.status, a.location())
			}
		}
		w.unchanged(t, "what a limited session tried", before)
		if a := b.get(t, "/admin/alder", "Accept", "application/json"); a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_user_authentication") {
			t.Errorf("a program is told %d %q", a.status, a.header.Get("WWW-Authenticate"))
		}
		if page := b.get(t, "/step-up?return_to=%2Fme%2Fphones").want(t, http.StatusOK).body; !strings.Contains(page, "did not know") {
			t.Error("the page of the step-up does not say why")
		}
		for _, asked := range []string{"", "pwd", "phone pwd"} {
			b.post(t, "/step-up", "return_to", "/me", "acr_values", asked, "method", "password").want(t, http.StatusUnprocessableEntity)
		}
		w.forward(t, 11*time.Minute) // a phone is asked three times in ten
		b.get(t, "/me")
		b.proveByPhone(t, ph, "/me/phones")
		b.get(t, "/me/phones")
		b.post(t, "/me/phones").want(t, http.StatusOK)
		b.get(t, "/admin/alder").want(t, http.StatusOK)
		if strings.Contains(b.get(t, "/").body, "This browser is new to your account") {
			t.Error("after the step-up its start page still says so")
		}
	})
}

// TestUndoingASignIn: its user reads of it, undoes it in one click, and is led on.
func TestUndoingASignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		mine := w.browser(t).signIn(t, name)
		thief := w.browser(t).signIn(t, name)
		undo := "/me/sessions/" + w.sessionOf(t, name) + "/undo"
		page := mine.get(t, "/").want(t, http.StatusOK).body
		for _, want := range []string{"Signed in from a new browser", "this very computer, 127.0.0.1", undo, "<time"} {
			if !strings.Contains(page, want) {
				t.Errorf("the notice does not say %q", want)
			}
		}
		if strings.Contains(thief.get(t, "/").body, undo) {
			t.Error("the new browser is shown its own notice")
		}
		for _, other := range []string{"user2@alder.example", "user1@birch.example", "security@alder.example"} {
			w.browser(t).signIn(t, other).post(t, undo).want(t, http.StatusNotFound)
		}
		if !thief.signedIn(t) {
			t.Fatal("somebody else undid it")
		}
		mine.get(t, "/")
		if to := mine.post(t, undo).want(t, http.StatusSeeOther).location(); to != "/me/secure?done=undone" {
			t.Errorf("it leads to %q", to)
		}
		if page := mine.get(t, "/me/secure?done=undone").want(t, http.StatusOK).body; !strings.Contains(page, "Make your account safe") || !strings.Contains(page, "Undone.") {
			t.Error("the page does not say what to do now")
		}
		mine.post(t, undo).want(t, http.StatusNotFound)
		if thief.signedIn(t) || !mine.signedIn(t) {
			t.Error("the wrong session has ended")
		}
		if page := mine.get(t, "/me/activity").body; !strings.Contains(page, "Sign-in undone") {
			t.Error("the activity does not say so")
		}
	})
}

// TestACookieThatWasPlantedBecomesNoSession (fixation): whoever signs in is given
// another one, and the attempt of one browser is none of another's (login CSRF).
func TestACookieThatWasPlantedBecomesNoSession(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		thief := w.browser(t).signIn(t, "user2@alder.example")
		at, err := url.Parse(w.URL)
		if err != nil {
			t.Fatal(err)
		}
		var theirs *http.Cookie
		for _, c := range thief.client.Jar.Cookies(at) {
			if c.Name == "latchkey_session" {
				theirs = c
			}
		}
		victim := w.browser(t)
		victim.get(t, "/signin")
		for _, planted := range []string{theirs.Value, "made-up." + strings.Repeat("a", 43)} {
			victim.client.Jar.SetCookies(at, []*http.Cookie{{Name: "latchkey_session", Value: planted, Path: "/"}})
			attempt := victim.begin(t, name)
			if step(victim.get(t, attempt)) != "password" {
				victim.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
			}
			given := victim.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther).cookie("latchkey_session")
			if given == nil || given.Value == planted {
				t.Errorf("the planted cookie became the session")
			}
		}
		if page := thief.get(t, "/me/sessions").body; strings.Contains(page, name) {
			t.Error("the thief is signed in as the victim")
		}
		// The thief's own attempt, sent from the victim's browser, signs nobody in.
		attempt := thief.begin(t, "user2@alder.example")
		other := w.browser(t)
		other.get(t, "/signin")
		other.post(t, attempt+"/verify", "password", passwordOfAll).is(t, http.StatusNotFound)
		other.csrf = thief.csrf
		other.post(t, attempt+"/verify", "password", passwordOfAll).is(t, http.StatusForbidden)
		if other.signedIn(t) {
			t.Error("a form of the thief signed the victim in")
		}
		// Nor does a trust that was planted make anybody known.
		kept := thief.stay(t, "user2@alder.example").trust()
		other.client.Jar.SetCookies(at, []*http.Cookie{{Name: kept.Name, Value: kept.Value, Path: "/"}})
		other.signIn(t, name)
		var notices int
		if w.one(t, &notices, "SELECT count(*) FROM notices WHERE session_id = ?", w.sessionOf(t, name)); notices != 1 {
			t.Error("the trust of another user makes a browser known")
		}
	})
}

// TestTheTimesOfATenant: a shorter one holds at once, on every replica; a longer one
// waits for a second person.
func TestTheTimesOfATenant(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		staying := w.browser(t)
		staying.stay(t, "user1@alder.example")
		elsewhere := w.browser(t).signIn(t, "user1@birch.example")
		w.forward(t, 20*time.Minute)
		// What people do in their sessions keeps them, and nothing else.
		admin.post(t, "/signout")
		admin.signIn(t, "admin@alder.example")
		const path = "/admin/alder/settings"
		page := admin.get(t, path).want(t, http.StatusOK).body
		for _, field := range []string{`name="idle_minutes" type="text" value="60"`, `name="session_hours" type="text" value="24"`, `name="trust_days" type="text" value="14"`} {
			if !strings.Contains(page, field) {
				t.Errorf("the page does not show %s", field)
			}
		}
		set := func(pairs ...string) answer {
			return admin.post(t, path, append([]string{"match_mode", "pick3", "reason", "a test"}, pairs...)...)
		}
		*admin.more = url.Values{"platforms": {"ios", "android", "desktop"}}
		for _, wrong := range [][]string{
			{"idle_minutes", "4"}, {"idle_minutes", "61"}, {"idle_minutes", "ten"}, {"session_hours", "0"}, {"session_hours", "25"}, {"trust_days", "31"}, {"trust_days", "-1"}, {"trust_days", ""}, {"idle_minutes", "5.5"}, {"session_hours", "99999999999999999999"},
		} {
			a := set(wrong...).want(t, http.StatusUnprocessableEntity)
			if !strings.Contains(a.body, wrong[0]+"-error") || wrong[1] != "" && !strings.Contains(a.body, `value="`+wrong[1]+`"`) {
				t.Errorf("%v: the form does not come back as it was typed, with the error beside it", wrong)
			}
		}
		staying.get(t, "/me/sessions").want(t, http.StatusOK)
		w.forward(t, 10*time.Minute)
		admin.prove(t, path)
		admin.get(t, path)
		if to := set("idle_minutes", "5", "session_hours", "10", "trust_days", "1").want(t, http.StatusSeeOther).location(); !strings.Contains(to, "done=saved") {
			t.Errorf("tighter: %q", to)
		}
		if staying.signedIn(t) || !elsewhere.signedIn(t) {
			t.Error("the tighter limit does not hold, or holds for another tenant")
		}
		var kept int
		w.one(t, &kept, "SELECT count(*) FROM trusted_browsers WHERE ends_at > ?", w.now().Add(25*time.Hour))
		if kept != 0 {
			t.Error("a browser is trusted for longer than the tenant does now")
		}
		if a := set("idle_minutes", "6").want(t, http.StatusSeeOther); !strings.Contains(a.location(), "/approvals/") {
			t.Errorf("looser: %q", a.location())
		}
		now := settings.Settings{}
		w.one(t, &now.Sessions, "SELECT idle_minutes, session_hours, trust_days FROM tenants WHERE slug = 'alder'")
		if now.Sessions != (settings.Sessions{IdleMinutes: 5, SessionHours: 10, TrustDays: 1}) {
			t.Errorf("the tenant has %+v", now.Sessions)
		}
		// A second person lets it be.
		second := w.browser(t).signIn(t, "security@alder.example")
		var request string
		w.one(t, &request, "SELECT id FROM approval_requests WHERE state = 'pending'")
		second.get(t, inbox+"/"+request).want(t, http.StatusOK)
		second.post(t, inbox+"/"+request+"/approve").want(t, http.StatusSeeOther)
		w.one(t, &now.Sessions, "SELECT idle_minutes, session_hours, trust_days FROM tenants WHERE slug = 'alder'")
		if now.Sessions.IdleMinutes != 6 {
			t.Errorf("after the approval the tenant has %+v", now.Sessions)
		}
	})
}

// TestWhatAPageAsksByItselfKeepsNoSession: a page that stands open on a desk does
// not outlive the time that its tenant gives to who is not there.
func TestWhatAPageAsksByItselfKeepsNoSession(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.act(t, "UPDATE tenants SET idle_minutes = 10")
		b, used := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "desk2@alder.example")
		b.get(t, "/admin/alder").want(t, http.StatusOK)
		used.get(t, "/admin/alder").want(t, http.StatusOK)
		for range 3 {
			w.forward(t, 4*time.Minute)
			b.get(t, "/admin/alder/stay/state", "Accept", "application/json").is(t, http.StatusOK, http.StatusUnauthorized)
			used.get(t, "/admin/alder/stay", "Accept", "application/json").want(t, http.StatusOK)
		}
		if b.signedIn(t) {
			t.Error("twelve minutes of asking by itself kept a session of ten")
		}
		if !used.signedIn(t) {
			t.Error("a session that was used has ended")
		}
	})
}
