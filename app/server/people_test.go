package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/secret"
)

// at is the page of somebody of Alder.
func (w *world) at(t testing.TB, name string) string {
	t.Helper()
	_, id := w.person(t, name+"@alder.example")
	return "/admin/alder/users/" + id
}

func TestListForAProgram(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.withPhone(t, "user3@alder.example")
		b := w.browser(t).signIn(t, "admin@alder.example")
		type page struct {
			Users []struct {
				ID, Name, State, Href string
				MFAState              string `json:"mfa_state"`
				Ways, Groups          []string
				LastSignInAt          *time.Time `json:"last_signin_at"`
			}
			Next, Previous string
			Complete       bool
		}
		ask := func(query string) (p page) {
			a := b.get(t, "/admin/alder/users"+query, "Accept", "application/json").want(t, http.StatusOK)
			if !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
				t.Errorf("%s is %s", a.asked, a.header.Get("Content-Type"))
			}
			a.decode(t, &p)
			return p
		}
		all := ask("")
		if len(all.Users) != 46 || all.Next != "" || all.Previous != "" || !all.Complete {
			t.Errorf("the whole list has %d people, and leads to %q and %q", len(all.Users), all.Next, all.Previous)
		}
		one := ask("?q=user3&way=phone&state=active")
		if len(one.Users) != 1 || one.Users[0].Name != "user3@alder.example" || strings.Join(one.Users[0].Ways, " ") != "phone password" ||
			one.Users[0].LastSignInAt == nil || one.Users[0].Href != w.at(t, "user3") || len(one.Users[0].Groups) != 1 {
			t.Errorf("user3 is %+v", one.Users)
		}
		b.get(t, one.Users[0].Href).want(t, http.StatusOK)
		for i := range 10 {
			w.act(t, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) SELECT id, ?, ?, '', 'active', 'disabled', '', ? FROM tenants WHERE slug = 'alder'",
				"more-"+string(rune('a'+i)), "zz"+string(rune('a'+i))+"@alder.example", w.DB.Now())
		}
		first := ask("")
		second := page{}
		b.get(t, first.Next, "Accept", "application/json").want(t, http.StatusOK).decode(t, &second)
		if len(first.Users) != 50 || len(second.Users) != 6 || second.Next != "" {
			t.Errorf("two pages of %d and %d people", len(first.Users), len(second.Users))
		}
		back := page{}
		b.get(t, second.Previous, "Accept", "application/json").want(t, http.StatusOK).decode(t, &back)
		if len(back.Users) != 50 || back.Users[0].ID != first.Users[0].ID {
			t.Error("the way back leads elsewhere")
		}
		if empty := ask("?q=nobody-at-all"); empty.Users == nil || len(empty.Users) != 0 {
			t.Error("an empty list is none")
		}
	})
}

// listed gives the sign-in names, without their domain, on a page of the list as a
// program gets it and as its table shows them.
func (b *browser) listed(t *testing.T, query string) (asJSON, asPage string) {
	t.Helper()
	var p struct{ Users []struct{ Name string } }
	b.get(t, "/admin/alder/users?"+query, "Accept", "application/json").want(t, http.StatusOK).decode(t, &p)
	var names []string
	for _, u := range p.Users {
		name, _, _ := strings.Cut(u.Name, "@")
		names = append(names, name)
	}
	asJSON, names = strings.Join(names, " "), nil
	_, table, _ := strings.Cut(b.get(t, "/admin/alder/users?"+query).want(t, http.StatusOK).body, "<tbody>")
	table, _, _ = strings.Cut(table, "</tbody>")
	for _, found := range nameInTable.FindAllStringSubmatch(table, -1) {
		names = append(names, found[1])
	}
	return asJSON, strings.Join(names, " ")
}

var nameInTable = regexp.MustCompile(`([a-z0-9.-]+)@alder\.example`)

// Each filter with a real value finds those who fit and nobody else, on the page and
// for a program alike; also together, and where a role reaches no further than a group.
func TestFiltersOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.withPhone(t, "user3@alder.example")
		admin := w.browser(t).signIn(t, "admin@alder.example")
		set := func(name, change string, values ...any) {
			t.Helper()
			w.act(t, "UPDATE users SET "+change+" WHERE name = ?", append(values, name+"@alder.example")...)
		}
		// Nobody else fits: all others are alike.
		w.act(t, "UPDATE users SET ways = 3, mfa_state = 'disabled', last_signin_at = ? WHERE name LIKE '%@alder.example'", w.DB.Now())
		set("user1", "ways = 4, mfa_state = 'enforced'")
		set("user2", "ways = 9, mfa_state = 'enabled', last_signin_at = ?", w.DB.Now().Add(-31*24*time.Hour))
		set("user3", "ways = 35, last_signin_at = ?", w.DB.Now().Add(-91*24*time.Hour))
		set("user4", "ways = 65, last_signin_at = NULL")
		set("user5", "ways = 131, state = 'locked'")
		set("user6", "ways = 2, state = 'disabled'")
		set("user7", "ways = 0, last_signin_at = NULL")
		made := secret.System.ID()
		w.act(t, "INSERT INTO groups (tenant_id, id, name, created_at) SELECT id, ?, 'Filtered', ? FROM tenants WHERE slug = 'alder'", made, w.DB.Now())
		for _, name := range []string{"user2", "user4"} {
			w.act(t, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, ?, id, name FROM users WHERE name = ?", made, name+"@alder.example")
		}
		for query, want := range map[string]string{
			"mfa=enforced": "user1", "mfa=enabled": "user2", "state=locked": "user5", "state=disabled": "user6", "group=" + made: "user2 user4",
			"signin=never": "user4 user7", "signin=30": "user3 user2", "signin=90": "user3", "risk=1": "user1 user6 user7",
			"way=passkey": "user2", "way=totp": "user1", "way=voice": "user3", "way=sms": "user4", "way=static_passcode": "user5",
			"way=no_password": "user1 user6 user7", "way=no_phone": "user1 user2 user4 user7",
			"q=user1&mfa=enforced": "user1", "q=user1&mfa=enabled": "", "group=" + made + "&way=sms": "user4", "group=" + made + "&signin=never": "user4",
			"risk=1&way=totp": "user1", "risk=1&way=passkey": "", "state=locked&way=static_passcode": "user5", "mfa=enabled&signin=30&way=passkey&group=" + made: "user2",
			"group=nothing": "", "way=phone&state=disabled": "user6", "way=password&signin=never": "user4",
		} {
			asJSON, asPage := admin.listed(t, query)
			if asJSON != want || asPage != want {
				t.Errorf("%s finds %q, and on its page %q; want %q", query, asJSON, asPage, want)
			}
		}
		if others, _ := admin.listed(t, "mfa=disabled"); strings.Contains(others, "user1 ") || !strings.Contains(others, "user3") {
			t.Errorf("mfa=disabled finds %q; it is everybody else", others)
		}
		// The page says in words what each has, and an authenticator app alone is not nothing.
		for query, has := range map[string]string{"way=totp": "authenticator app", "way=sms": "text message, password", "way=voice": "phone, call, password", "signin=never&risk=1": "none"} {
			if a := admin.get(t, "/admin/alder/users?"+query); !strings.Contains(a.body, has) {
				t.Errorf("%s does not say %q", query, has)
			}
		}
		// Whoever is limited to the group finds its members, whatever they ask for.
		w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) SELECT tenant_id, id, ? FROM users WHERE name = 'desk@alder.example'", made)
		must(0, w.Rules.Reload(t.Context()))
		desk := w.browser(t).signIn(t, "desk@alder.example")
		for query, want := range map[string]string{"": "user2 user4", "mfa=enabled": "user2", "mfa=enforced": "", "way=totp": "", "way=sms": "user4", "signin=never": "user4", "risk=1": "", "way=no_phone": "user2 user4"} {
			if asJSON, asPage := desk.listed(t, query); asJSON != want || asPage != want {
				t.Errorf("%q in one group finds %q, and on its page %q; want %q", query, asJSON, asPage, want)
			}
		}
	})
}

func TestPersonOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.withPhone(t, "user3@alder.example")
		w.act(t, "UPDATE devices SET name = 'Pocket <phone>'")
		desk, admin := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "admin@alder.example")
		page := w.at(t, "user3")
		a := desk.get(t, page).want(t, http.StatusOK)
		if strings.Contains(a.body, "Pocket") || strings.Contains(a.body, "127.0.0.1") || !strings.Contains(a.body, "127.0.0.0/24") {
			t.Error("the helpdesk sees a name or an address that is not for them")
		}
		if !strings.Contains(a.body, page+"/lock") || strings.Contains(a.body, page+"/mfa") || strings.Contains(a.body, page+"/unlock") {
			t.Error("the helpdesk is offered what they may not, or not what they may")
		}
		if a := admin.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "Pocket &lt;phone&gt;") || !strings.Contains(a.body, page+"/mfa") {
			t.Error("the administrator does not see the phone, or is not offered to set the second factor")
		}
		if a := desk.get(t, w.at(t, "desk")).want(t, http.StatusOK); strings.Contains(a.body, `/lock"`) || !strings.Contains(a.body, "This is you") {
			t.Error("somebody is offered to lock themselves")
		}
		_, stranger := w.person(t, "user3@birch.example")
		for _, path := range []string{"/admin/alder/users/" + stranger, "/admin/alder/users/none", "/admin/birch/users/" + stranger, "/admin/birch/users"} {
			admin.get(t, path).is(t, http.StatusNotFound)
		}
		w.browser(t).signIn(t, "user4@alder.example").get(t, page).is(t, http.StatusForbidden)

		// A form that fails stands on the page as it was typed.
		a = desk.post(t, page+"/lock", "reason", strings.Repeat("x", 501))
		if a.is(t, http.StatusUnprocessableEntity) && (!strings.Contains(a.body, "at most 500 characters") || !strings.Contains(a.body, strings.Repeat("x", 501)) || !strings.Contains(a.body, "open")) {
			t.Errorf("the form came back as %s", excerpt(a.body))
		}
		// Protecting asks for no fresh proof, loosening does.
		w.forward(t, 6*time.Minute)
		a = desk.post(t, page+"/lock", "reason", "lost")
		if a.is(t, http.StatusSeeOther) && a.location() != page+"?done=locked" {
			t.Errorf("a lock leads to %s", a.location())
		}
		desk.post(t, page+"/end-sessions", "reason", "lost").is(t, http.StatusSeeOther)
		for path, fields := range map[string][]string{"/unlock": nil, "/disable": nil, "/enable": nil, "/mfa": {"mfa_state", "enabled"}, "/invitation": nil, "/devices/x/revoke": nil} {
			if a := admin.post(t, page+path, append(fields, "reason", "x")...); a.is(t, http.StatusSeeOther) && !strings.HasPrefix(a.location(), "/step-up?return_to="+strings.ReplaceAll(page, "/", "%2F")) {
				t.Errorf("%s leads to %s", a.asked, a.location())
			}
		}
		if a := admin.get(t, "/admin/alder/users/new"); !a.is(t, http.StatusSeeOther) || a.location() != "/step-up?return_to=%2Fadmin%2Falder%2Fusers%2Fnew" {
			t.Errorf("the form to invite leads to %s", a.location())
		}
		admin.signIn(t, "admin@alder.example")
		admin.get(t, page)
		admin.post(t, page+"/unlock", "reason", "found").want(t, http.StatusSeeOther)
		admin.post(t, page+"/unlock", "reason", "again").is(t, http.StatusConflict)

		// Who has left is disabled, and may come back; the helpdesk does neither.
		desk.post(t, page+"/disable", "reason", "left").is(t, http.StatusForbidden)
		if a := admin.post(t, page+"/disable", "reason", "left").want(t, http.StatusSeeOther); a.location() != page+"?done=disabled" {
			t.Errorf("disabling leads to %s", a.location())
		}
		a = admin.get(t, page).want(t, http.StatusOK)
		if strings.Contains(a.body, page+"/lock") || strings.Contains(a.body, page+"/disable") || !strings.Contains(a.body, page+"/enable") || !strings.Contains(a.body, "by admin@alder.example") {
			t.Error("the page of a disabled account offers what cannot be, or does not say who disabled it")
		}
		if a := admin.get(t, "/admin/alder/users?state=disabled").want(t, http.StatusOK); strings.Count(a.body, `<th scope="row">`) != 1 {
			t.Error("the list of disabled accounts does not have it alone")
		}
		b := w.browser(t)
		b.post(t, b.begin(t, "user3@alder.example")+"/verify", "password", passwordOfAll).is(t, http.StatusUnauthorized)
		admin.post(t, page+"/enable", "reason", "is back").want(t, http.StatusSeeOther)
		b.signIn(t, "user3@alder.example")
	})
}

// Fields that no form has change nothing besides what the act is for.
func TestFieldsThatNoFormOfPeopleHas(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		_, stranger := w.person(t, "user3@birch.example")
		_, self := w.person(t, "admin@alder.example")
		admin.get(t, "/admin/alder")
		extra := []string{
			"reason", "a test", "role", "security_administrator", "tenant_id", "birch", "tenant", "birch", "state", "active", "user", stranger, "id", self, "locked", "false",
			"mfa_state", "disabled", "password", "x", "password_hash", "x", "ways", "3", "actor", self, "target", stranger, "approved_by", self, "created_by", self, "digest", "x", "locked_by", self,
		}
		admin.post(t, w.at(t, "user5")+"/lock", extra...).want(t, http.StatusSeeOther)
		admin.post(t, "/admin/alder/users", append([]string{"name", "new@alder.example", "display_name", "New"}, extra...)...).want(t, http.StatusOK)
		var n int
		w.one(t, &n, `SELECT count(*) FROM users WHERE state = 'locked' AND name <> 'user5@alder.example' OR locked_by <> '' AND locked_by <> ?`, self)
		if n != 0 {
			t.Errorf("%d other people are locked", n)
		}
		var made struct {
			State, MFAState, PasswordHash string
			Ways                          int
		}
		w.one(t, &made, "SELECT state, mfa_state, password_hash, ways FROM users WHERE name = 'new@alder.example'")
		if made.State != "active" || made.PasswordHash != "" || made.Ways != 0 {
			t.Errorf("the new user is %+v", made)
		}
		w.one(t, &n, "SELECT count(*) FROM role_assignments a JOIN users u ON u.id = a.user_id WHERE u.name IN ('new@alder.example', 'user5@alder.example')")
		if n != 0 {
			t.Error("a field gave somebody a role")
		}
	})
}

var onceMark = regexp.MustCompile(`name="once" value="([a-z0-9]+)"`)

func TestInvitationOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		once := first(onceMark, admin.get(t, "/admin/alder/users/new").want(t, http.StatusOK))
		form := []string{"once", once, "name", "new@alder.example", "display_name", "New <Person>", "reason", "starts on Monday"}
		a := admin.post(t, "/admin/alder/users", form...).want(t, http.StatusOK)
		link := invitationMark.FindString(a.body)
		if a.header.Get("Cache-Control") != "no-store" || link == "" {
			t.Fatalf("the link is not shown, or kept: %s", excerpt(a.body))
		}
		// Loaded again, the page says that it was shown, and makes nothing.
		a = admin.post(t, "/admin/alder/users", form...).want(t, http.StatusOK)
		if invitationMark.MatchString(a.body) || !strings.Contains(a.body, "shown already") {
			t.Errorf("loaded again: %s", excerpt(a.body))
		}
		page := w.at(t, "new")
		once = first(onceMark, admin.get(t, page).want(t, http.StatusOK))
		again := admin.post(t, page+"/invitation", "once", once, "reason", "lost the mail").want(t, http.StatusOK)
		newer := invitationMark.FindString(again.body)
		if newer == "" || newer == link {
			t.Fatal("there is no new link")
		}
		if a := admin.post(t, page+"/invitation", "once", once, "reason", "lost the mail").want(t, http.StatusOK); invitationMark.MatchString(a.body) {
			t.Error("loaded again, there is a third link")
		}
		newcomer := w.browser(t)
		newcomer.get(t, "/signin")
		refused := newcomer.get(t, "/invite/nowhere.x").want(t, http.StatusNotFound)
		for claim, path := range map[string]string{"replaced": link, "wrong": newer + "x", "without a tenant": "/invite/x", "of another tenant": "/invite/birch." + newer[strings.Index(newer, ".")+1:]} {
			if a := newcomer.get(t, path); a.is(t, http.StatusNotFound) && plainBody(a) != plainBody(refused) {
				t.Errorf("a link that is %s reads unlike another one", claim)
			}
			newcomer.post(t, path, "password", passwordOfAll, "password_again", passwordOfAll).is(t, http.StatusNotFound)
		}
		if a := newcomer.get(t, newer).want(t, http.StatusOK); !strings.Contains(a.body, "New &lt;Person&gt;") {
			t.Error("the page does not greet")
		}
		a = newcomer.post(t, newer, "password", "short", "password_again", "short")
		if a.is(t, http.StatusUnprocessableEntity) && strings.Contains(a.body, `value="short"`) {
			t.Error("a password is put back")
		}
		a = newcomer.post(t, newer, "password", passwordOfAll, "password_again", passwordOfAll).want(t, http.StatusSeeOther)
		if a.location() != "/signin?login_hint=new%40alder.example" || len(a.cookies()) > 0 {
			t.Errorf("it leads to %s, with %v", a.location(), a.cookies())
		}
		newcomer.get(t, newer).is(t, http.StatusNotFound)
		newcomer.signIn(t, "new@alder.example")
		admin.post(t, page+"/invitation", "reason", "again").is(t, http.StatusConflict)
	})
}

func TestNoticesOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		desk := w.browser(t).signIn(t, "desk@alder.example")
		desk.get(t, w.at(t, "user5"))
		desk.post(t, w.at(t, "user5")+"/end-sessions", "reason", "lost <a phone>").want(t, http.StatusSeeOther)
		b := w.browser(t).signIn(t, "user5@alder.example")
		a := b.get(t, "/").want(t, http.StatusOK)
		seen := first(regexp.MustCompile(`action="(/me/notices/[^"]+/seen)"`), a)
		if seen == "" || !strings.Contains(a.body, "You were signed out everywhere") || !strings.Contains(a.body, "lost &lt;a phone&gt;") || strings.Contains(a.body, "desk@alder.example") {
			t.Fatalf("the notice is told as %s", excerpt(a.body))
		}
		other := w.browser(t).signIn(t, "user6@alder.example")
		other.post(t, seen).is(t, http.StatusNotFound)
		b.post(t, seen).want(t, http.StatusSeeOther)
		b.post(t, seen).is(t, http.StatusNotFound)
		if a := b.get(t, "/"); strings.Contains(a.body, "/me/notices/") {
			t.Error("what was put away is still there")
		}
	})
}

// Whoever is limited to groups finds the members of these alone, on every page.
func TestScopeOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		tenantID, desk := w.person(t, "desk@alder.example")
		w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, desk, w.group(t, "alder", "pilot"))
		w.forward(t, 0)
		b := w.browser(t).signIn(t, "desk@alder.example")
		a := b.get(t, "/admin/alder/users").want(t, http.StatusOK)
		if n := strings.Count(a.body, `<th scope="row">`); n != 5 || strings.Contains(a.body, "user6@") || strings.Contains(a.body, ">field<") {
			t.Errorf("the list has %d people, want the five of the group", n)
		}
		b.get(t, w.at(t, "user1")).is(t, http.StatusOK)
		outside := w.at(t, "user30")
		gone := b.get(t, "/admin/alder/users/none").want(t, http.StatusNotFound)
		if a := b.get(t, outside); a.is(t, http.StatusNotFound) && plainBody(a) != plainBody(gone) {
			t.Error("somebody outside reads unlike nobody")
		}
		for _, path := range []string{"/lock", "/unlock", "/end-sessions", "/devices/x/revoke"} {
			b.post(t, outside+path, "reason", "x").is(t, http.StatusNotFound)
		}
	})
}
