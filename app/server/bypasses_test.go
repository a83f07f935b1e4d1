package server_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/secret"
	"latchkey/app/session"
)

const deskOf = "desk@alder.example"

// checked is a caller check of an agent that somebody has just passed, on a phone that
// is in the database alone.
func (w *world) checked(t testing.TB, agent, name string) (id string) {
	t.Helper()
	tenantID, userID := w.person(t, name)
	_, agentID := w.person(t, agent)
	id = secret.System.ID()
	now := w.DB.Now()
	var account, open string
	w.one(t, &account, "SELECT account_id FROM devices WHERE user_id = ? AND state = 'active' AND phone_sign_in LIMIT 1", userID)
	if account == "" {
		account = secret.System.ID()
		w.act(t, "INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, created_at) VALUES (?,?,?,?,'A phone','ios','','','active',TRUE,?)",
			tenantID, account, secret.System.ID(), userID, now)
	}
	w.one(t, &open, "SELECT id FROM cases WHERE user_id = ? AND state <> 'closed'", userID)
	if open == "" {
		open = secret.System.ID()
		w.act(t, "INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,?,(SELECT 500 + COALESCE(max(number), 0) FROM cases),?,'lost','','open',?,?,?)", tenantID, open, userID, agentID, agentID, now)
	}
	w.act(t, `INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at, ended_at, proved_at, proved_with) VALUES (?,?,?,?,?,'phone',?,'proved',?,?,?,?,?)`,
		tenantID, id, userID, agentID, open, userID, now, now, now, now, account)
	return id
}

var bypassMark = regexp.MustCompile(`id="bypass-code"[^>]*>([^<]+)<`)

// gives lets an agent give somebody a bypass, after a check, and gives the answer.
func (b *browser) gives(t testing.TB, w *world, agent, name string, pairs ...string) answer {
	t.Helper()
	_, id := w.person(t, name)
	person := "/admin/alder/users/" + id
	b.get(t, person+"/desk").want(t, http.StatusOK)
	return b.post(t, person+"/bypasses", append([]string{"kind", "pass_code", "delivery", "read_out", "minutes", "60", "uses", "1", "reason", "left it at home", "ticket", "INC-7", "caller_check", w.checked(t, agent, name)}, pairs...)...)
}

// bypassFor is a bypass with its page and its code.
func (b *browser) bypassFor(t testing.TB, w *world, agent, name string) (page, code string) {
	t.Helper()
	page = b.gives(t, w, agent, name).want(t, http.StatusSeeOther).location()
	return page, strings.TrimSpace(first(bypassMark, b.get(t, page).want(t, http.StatusOK)))
}

// byBypass signs somebody in with a code of the helpdesk.
func (b *browser) byBypass(t testing.TB, name, code string) *browser {
	t.Helper()
	attempt := b.begin(t, name)
	b.post(t, attempt+"/method", "method", "bypass").want(t, http.StatusSeeOther)
	b.post(t, attempt+"/verify", "code", code).want(t, http.StatusSeeOther)
	b.get(t, "/").want(t, http.StatusOK)
	return b
}

// TestTheDeskGivesABypass: the page, the code once, and no path without proof.
func TestTheDeskGivesABypass(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user21@alder.example"
		_, id := w.person(t, name)
		desk := w.browser(t).signIn(t, deskOf)
		person := "/admin/alder/users/" + id
		if page := desk.get(t, person).want(t, http.StatusOK); !strings.Contains(page.body, person+"/desk") {
			t.Error("the page of a person does not lead to the desk")
		}
		if page := desk.get(t, person+"/desk").want(t, http.StatusOK); strings.Contains(page.body, `action="`+person+`/bypasses"`) {
			t.Error("the desk gives a bypass before the caller is proved")
		}
		for claim, check := range map[string]string{"none": "", "made up": "nothing", "of another agent": w.checked(t, "desk2@alder.example", name), "of another person": w.checked(t, deskOf, "user22@alder.example")} {
			a := desk.post(t, person+"/bypasses", "kind", "pass_code", "delivery", "read_out", "reason", "a test", "caller_check", check)
			if !a.is(t, http.StatusConflict) {
				t.Errorf("a check: %s = %d", claim, a.status)
			}
		}
		// What is wrong with the form comes back with it.
		check := w.checked(t, deskOf, name)
		page := desk.post(t, person+"/bypasses", "kind", "pass_code", "delivery", "read_out", "minutes", "9", "reason", "", "caller_check", check)
		page.is(t, http.StatusUnprocessableEntity)
		if !strings.Contains(page.body, "Choose 10 to 480 minutes.") || !strings.Contains(page.body, `value="9"`) || !strings.Contains(page.body, check) {
			t.Error("the form does not come back with what was typed and what is wrong")
		}
		given := desk.post(t, person+"/bypasses", "kind", "pass_code", "delivery", "read_out", "minutes", "60", "reason", "left it at home", "ticket", "INC-7", "caller_check", check).want(t, http.StatusSeeOther).location()
		shown := desk.get(t, given).want(t, http.StatusOK)
		code := strings.TrimSpace(first(bypassMark, shown))
		if len(strings.ReplaceAll(code, "-", "")) != 16 {
			t.Fatalf("the code is %q", code)
		}
		for claim, a := range map[string]answer{"again": desk.get(t, given), "on the list": desk.get(t, "/admin/alder/bypasses"), "as JSON": desk.get(t, given, "Accept", "application/json"), "the list as JSON": desk.get(t, "/admin/alder/bypasses", "Accept", "application/json"), "on the desk": desk.get(t, person+"/desk")} {
			if a.is(t, http.StatusOK) && strings.Contains(a.body, code) {
				t.Errorf("%s the code is shown", claim)
			}
		}
		// A browser cannot have anything else shown there.
		desk.client.Jar.SetCookies(desk.at(t), []*http.Cookie{{Name: "latchkey_once", Value: "AAAA-AAAA-AAAA-AAAA", Path: "/"}})
		if a := desk.get(t, given); strings.Contains(a.body, "AAAA") {
			t.Error("a page shows what a cookie says")
		}
		pc := w.browser(t).byBypass(t, name, code)
		if home := pc.get(t, "/").want(t, http.StatusOK); !strings.Contains(home.body, "You are in, for now") {
			t.Error("the start page does not say how they are in")
		}
		desk.post(t, given+"/revoke", "reason", "they called again").want(t, http.StatusSeeOther)
		if inNow(t, pc) {
			t.Error("revoked, what came in by it lives on")
		}
	})
}

// TestARestrictedSessionOpensNothingElse: every route of the product, and not a sample.
func TestARestrictedSessionOpensNothingElse(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "lead@alder.example" // who may much, by another way
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		security, second := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, secondSecurity)
		request := security.gives(t, w, firstSecurity, name).want(t, http.StatusSeeOther).location()
		second.get(t, request).want(t, http.StatusOK)
		second.post(t, request+"/approve", "reason", "seen").want(t, http.StatusSeeOther)
		var given string
		w.one(t, &given, "SELECT id FROM bypasses WHERE state = 'ready'")
		security.get(t, "/admin/alder/bypasses/"+given).want(t, http.StatusOK)
		made := security.post(t, "/admin/alder/bypasses/"+given+"/make").want(t, http.StatusSeeOther).location()
		code := strings.TrimSpace(first(bypassMark, security.get(t, made).want(t, http.StatusOK)))
		b := w.browser(t).byBypass(t, name, code)

		open := map[string]bool{
			"GET /": true, "GET /step-up": true, "POST /step-up": true, "GET /me/phones": true, "POST /me/phones": true, "GET /me/phones/enrolments/:enrolment": true,
			"GET /me/passkeys": true, "POST /me/passkeys": true, "GET /me/passkeys/new": true,
			"POST /step-up/manager": true, "GET /step-up/manager/:vouch": true, "GET /step-up/manager/:vouch/state": true,
			"POST /step-up/call-back": true, "GET /step-up/call-back/:vouch": true, "GET /step-up/call-back/:vouch/state": true,
		}
		tried := 0
		for _, route := range w.Site.Routes() {
			if route.Needs == "anyone" || route.Needs == "phone" || route.Needs == "application" || strings.HasSuffix(route.Path, "/events") || strings.HasSuffix(route.Path, "/live") {
				continue
			}
			path := regexp.MustCompile(`:\w+`).ReplaceAllStringFunc(route.Path, func(part string) string {
				return map[string]string{":tenant": "alder"}[part]
			})
			path = strings.ReplaceAll(path, "//", "/nothing/")
			if strings.HasSuffix(path, "/") && path != "/" {
				path += "nothing"
			}
			a := b.get(t, "/")
			if route.Method == http.MethodGet {
				a = b.get(t, path)
			} else {
				a = b.post(t, path, "reason", "a test")
			}
			tried++
			if forbidden := a.status == http.StatusForbidden; forbidden == open[route.Method+" "+route.Path] {
				t.Errorf("%s %s = %d", route.Method, path, a.status)
			}
		}
		if tried < 150 {
			t.Errorf("%d routes were tried; there are more", tried)
		}
		// Nothing is bound by the bypass alone.
		for _, path := range []string{"/me/phones"} {
			a := b.post(t, path)
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/step-up?") {
				t.Errorf("POST %s = %d to %q", path, a.status, a.location())
			}
		}
		var n int
		if w.one(t, &n, "SELECT count(*) FROM enrolments e JOIN sessions s ON s.tenant_id = e.tenant_id AND s.id = e.session_id WHERE s.bypass_id <> ''"); n != 0 {
			t.Errorf("%d links were made", n)
		}
	})
}

// TestABypassAndASecondProofBindAPhone: never after ten minutes, and never when the bypass was revoked in between.
func TestABypassAndASecondProofBindAPhone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i, revoked := range []bool{false, true} {
			name := fmt.Sprintf("user2%d@alder.example", i+3)
			sheet, _ := w.withSheet(t, name)
			desk := w.browser(t).signIn(t, deskOf)
			given, code := desk.bypassFor(t, w, deskOf, name)
			b := w.browser(t).byBypass(t, name, code)
			to := b.post(t, "/me/phones").want(t, http.StatusSeeOther).location()
			page := b.get(t, to).want(t, http.StatusOK)
			if !strings.Contains(page.body, `value="printed_code"`) || strings.Contains(page.body, `value="password"`) {
				t.Error("the page of the second proof does not offer what does, or offers what does not")
			}
			b.post(t, "/step-up", "method", "password", "return_to", "/me/phones").is(t, http.StatusUnprocessableEntity)
			attempt := b.post(t, "/step-up", "method", "printed_code", "return_to", "/me/phones").want(t, http.StatusSeeOther).location()
			asked := first(askedMark, b.get(t, attempt).want(t, http.StatusOK))
			b.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusSeeOther)
			token := b.invite(t)
			if revoked {
				desk.post(t, given+"/revoke", "reason", "a test").want(t, http.StatusSeeOther)
			}
			ph := w.newPhone(t)
			if got := ph.enrol(t, token).status == http.StatusCreated; got == revoked {
				t.Errorf("revoked %t: enrolled %t", revoked, got)
			}
			if revoked {
				continue
			}
			// What the new phone signs in is whole, and the restricted one stays what it is.
			b.get(t, "/me").is(t, http.StatusForbidden)
			w.forward(t, session.RebindLife)
			w.act(t, "UPDATE sessions SET proved_at = ? WHERE bypass_id <> ''", w.DB.Now())
			b.post(t, "/me/phones").is(t, http.StatusForbidden)
		}
	})
}

// TestACodeToABackupPhoneIsASecondProof in a restricted session, and in no other one.
func TestACodeToABackupPhoneIsASecondProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		name, number := "user26@alder.example", numberOf()
		whole := w.withBackup(t, name, number, "sms")
		whole.post(t, "/step-up", "method", "sms", "return_to", "/me/phones").is(t, http.StatusUnprocessableEntity)
		w.forward(t, 11*time.Minute)
		desk := w.browser(t).signIn(t, deskOf)
		_, code := desk.bypassFor(t, w, deskOf, name)
		b := w.browser(t).byBypass(t, name, code)
		b.post(t, "/me/phones").want(t, http.StatusSeeOther)
		attempt := b.post(t, "/step-up", "method", "sms", "return_to", "/me/phones").want(t, http.StatusSeeOther).location()
		if page := b.get(t, attempt).want(t, http.StatusOK); step(page) != "sms" {
			t.Fatalf("the page is of the step %q", step(page))
		}
		b.post(t, attempt+"/verify", "code", wrongCode(w.codeTo(t, number))).is(t, http.StatusUnauthorized)
		if a := b.post(t, "/me/phones"); a.status != http.StatusSeeOther {
			t.Errorf("after a wrong code: %d", a.status)
		}
		b.post(t, attempt+"/verify", "code", w.codeTo(t, number)).want(t, http.StatusSeeOther)
		ph := w.newPhone(t)
		if a := ph.enrol(t, b.invite(t)); a.status != http.StatusCreated {
			t.Errorf("the next phone = %d", a.status)
		}

		// Not the same number again: by it the caller was checked, or the code came.
		for claim, statement := range map[string]string{"the check": "UPDATE bypasses SET check_via = 'backup_phone'", "the code": "UPDATE bypasses SET check_via = 'phone', delivery = 'second_channel'", "half of it": "UPDATE bypasses SET check_via = 'phone', delivery = 'split'"} {
			w.act(t, statement)
			w.act(t, "UPDATE sessions SET proved_at = ? WHERE bypass_id <> ''", w.DB.Now())
			if a := b.post(t, "/me/phones"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/step-up") {
				t.Errorf("after %s went to the number it proves a second time: %d", claim, a.status)
			}
			b.post(t, "/step-up", "method", "sms", "return_to", "/me/phones").is(t, http.StatusUnprocessableEntity)
			w.forward(t, 2*time.Second)
		}
	})
}

// TestHalfAndHalf: neither half signs in, which the audit tells from a wrong code; both
// do, in either order; and what is sent whole the agent never sees.
func TestHalfAndHalf(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i, order := range []string{"agent's first", "phone's first", "sent whole"} {
			name, number := fmt.Sprintf("user%d@alder.example", 27+i), numberOf()
			w.withBackup(t, name, number, "sms")
			// As if somebody had asked for codes to sign in until nobody gets one: that keeps
			// the helpdesk from nothing.
			for _, who := range []string{"name " + w.Keys.Subject(name), "number " + w.Keys.Subject(number)} {
				w.act(t, "DELETE FROM code_times WHERE who = ?", who)
				w.act(t, "INSERT INTO code_times (tenant_id, who, at1, at2, at3, at4, at5) SELECT id, ?, ?, ?, ?, ?, ? FROM tenants WHERE name = 'Alder Health'", who, w.now(), w.now(), w.now(), w.now(), w.now())
			}
			desk, delivery := w.browser(t).signIn(t, deskOf), "split"
			if order == "sent whole" {
				delivery = "second_channel"
			}
			given := desk.gives(t, w, deskOf, name, "delivery", delivery).want(t, http.StatusSeeOther).location()
			shown := desk.get(t, given).want(t, http.StatusOK)
			kind, sent, _ := strings.Cut(w.codeTo(t, number), " ")
			if want := map[string]string{"split": "handed-half", "second_channel": "handed"}[delivery]; kind != want {
				t.Errorf("%s: what is sent is written as %q, want %q", order, kind, want)
			}
			mine := ""
			if bypassMark.MatchString(shown.body) {
				mine = strings.TrimSpace(first(bypassMark, shown))
			}
			if (mine == "") != (delivery == "second_channel") || strings.Contains(shown.body, sent) {
				t.Errorf("%s: the agent sees %q", order, mine)
			}
			b := w.browser(t)
			attempt := b.begin(t, name)
			b.post(t, attempt+"/method", "method", "bypass").want(t, http.StatusSeeOther)
			whole := mine + sent
			switch order {
			case "phone's first":
				whole = sent + " " + mine
				fallthrough
			case "agent's first":
				for _, half := range []string{mine, sent} {
					b.post(t, attempt+"/verify", "code", half).is(t, http.StatusUnauthorized)
				}
				var n int
				_, id := w.person(t, name)
				if w.one(t, &n, "SELECT count(*) FROM audit_events WHERE reason = 'signin.bypass_half' AND subject_id = ?", id); n != 2 {
					t.Errorf("%s: %d halves are remembered as such", order, n)
				}
			}
			b.post(t, attempt+"/verify", "code", whole).is(t, http.StatusSeeOther)
		}
	})
}

// TestTheLinkThatSaysItWasNotMe needs nobody signed in, and a form to do anything.
func TestTheLinkThatSaysItWasNotMe(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user25@alder.example"
		desk := w.browser(t).signIn(t, deskOf)
		_, code := desk.bypassFor(t, w, deskOf, name)
		b := w.browser(t).byBypass(t, name, code)
		link := w.disowning(t, name)
		anybody := w.browser(t)
		for range 3 {
			anybody.get(t, link).want(t, http.StatusOK)
		}
		if !inNow(t, b) {
			t.Fatal("that somebody looks ends something")
		}
		anybody.get(t, link+"x").is(t, http.StatusNotFound)
		anybody.get(t, link)
		if a := anybody.post(t, link); !a.is(t, http.StatusSeeOther) || a.location() != "/not-me" {
			t.Errorf("it leads to %q", a.location())
		}
		anybody.get(t, "/not-me").is(t, http.StatusOK)
		anybody.get(t, "/not-me/open").is(t, http.StatusOK)
		anybody.post(t, link).is(t, http.StatusNotFound)
		anybody.get(t, link).is(t, http.StatusNotFound)
		var state string
		if w.one(t, &state, "SELECT state FROM users WHERE name = ?", name); state != "locked" || inNow(t, b) {
			t.Errorf("they are %s", state)
		}
	})
}

// disowning is the link of the last notice to somebody that had one.
func (w *world) disowning(t testing.TB, name string) string {
	t.Helper()
	tenantID, userID := w.person(t, name)
	var id string
	w.one(t, &id, "SELECT id FROM disownings WHERE user_id = ? ORDER BY created_at DESC LIMIT 1", userID)
	return "/not-me/" + w.Keys.Disowning(tenantID, id)
}

// inNow says whether a browser that a bypass let in is in still.
func inNow(t testing.TB, b *browser) bool { return b.get(t, "/").status == http.StatusOK }

// TestWhatItsPersonCannotBeToldIsNotGiven: with no outbox the answer is 503, and afterwards
// the same form gives it, for its proof was not spent.
func TestWhatItsPersonCannotBeToldIsNotGiven(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user26@alder.example"
		_, id := w.person(t, name)
		desk, check := w.browser(t).signIn(t, deskOf), w.checked(t, deskOf, name)
		person := "/admin/alder/users/" + id
		desk.get(t, person+"/desk").want(t, http.StatusOK)
		give := func() answer {
			return desk.post(t, person+"/bypasses", "kind", "pass_code", "delivery", "read_out", "minutes", "60", "uses", "1", "reason", "left it at home", "caller_check", check)
		}
		before := w.standing(t)
		restore := rename("outbox")(t, w)
		give().unavailable(t)
		restore()
		w.unchanged(t, "a bypass that nobody could be told of", before)
		give().is(t, http.StatusSeeOther)
	})
}
