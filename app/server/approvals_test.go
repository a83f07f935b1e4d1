package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/role"
	"latchkey/app/server/servertest"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/views/words"
)

// promote gives a user a role, as if it had been long ago.
func (w *world) promote(t testing.TB, name string, r access.Role) {
	t.Helper()
	tenantID, userID := w.person(t, name)
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		return user.Assign(tx, tenantID, userID, r, audit.Service, audit.Origin{})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const (
	firstSecurity, secondSecurity = "security@alder.example", "user1@alder.example"
	deskOfAlder                   = "desk@alder.example"
	inbox                         = "/admin/alder/approvals"
)

// asksRole is a security administrator asking to make somebody one, and gives the
// request.
func (w *world) asksRole(t testing.TB, by, of string) string {
	t.Helper()
	tenantID, targetID := w.person(t, of)
	_, actorID := w.person(t, by)
	act := approval.Act{Kind: role.KindAssign, TenantID: tenantID, ActorID: actorID, TargetID: targetID, Reason: "a new post"}
	out, err := w.Approvals.Submit(t.Context(), act.With(role.Assignment{Role: access.RoleSecurityAdministrator}))
	if err != nil || !out.Waits() {
		t.Fatalf("Submit = %+v, %v", out, err)
	}
	return out.RequestID
}

func (w *world) stateOf(t testing.TB, id string) (state string) {
	t.Helper()
	w.one(t, &state, "SELECT state FROM approval_requests WHERE id = ?", id)
	return state
}

var badgeMark = regexp.MustCompile(`<span class="badge"( hidden)?>([0-9]*)</span>`)

// badge is the count beside the approvals.
func badge(a answer) string {
	found := badgeMark.FindStringSubmatch(a.body)
	if found == nil {
		return "(no badge)"
	}
	return found[1] + found[2]
}

func TestARequestIsDecidedOnItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		asker, second := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, secondSecurity)
		if got := badge(second.get(t, "/admin/alder").want(t, http.StatusOK)); got != " hidden" {
			t.Errorf("nothing waits, and the badge is %q", got)
		}
		if a := second.get(t, inbox).want(t, http.StatusOK); !strings.Contains(a.body, "Nothing waits for you") {
			t.Errorf("the empty inbox reads %s", excerpt(a.body))
		}
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		page := inbox + "/" + id
		for path, want := range map[string]string{"/admin/alder": "1", inbox: "1", page: "1", "/admin/alder/settings": "1"} {
			if got := badge(second.get(t, path).want(t, http.StatusOK)); got != want {
				t.Errorf("%s: the badge is %q, want %q", path, got, want)
			}
			if got := badge(asker.get(t, path).want(t, http.StatusOK)); got != " hidden" {
				t.Errorf("%s: for who asked the badge is %q", path, got)
			}
		}
		a := second.get(t, inbox)
		for _, words := range []string{"Waiting for you", "Give a role", "Security administrator", `href="` + page + `"`} {
			if !strings.Contains(a.body, words) {
				t.Errorf("the inbox lacks %q: %s", words, excerpt(a.body))
			}
		}
		if a := asker.get(t, inbox); !strings.Contains(a.body, "Your requests") || !strings.Contains(a.body, page) {
			t.Errorf("who asked sees %s", excerpt(a.body))
		}
		a = second.get(t, page)
		for _, words := range []string{"Give a role: Helpdesk", "Before", "After", "Helpdesk", "<strong>Security administrator</strong>", "the whole organisation", "a new post", firstSecurity, deskOfAlder, page + "/approve", page + "/refuse"} {
			if !strings.Contains(a.body, words) {
				t.Errorf("the request lacks %q: %s", words, excerpt(a.body))
			}
		}
		if strings.Contains(a.body, page+"/phone") {
			t.Error("who has no phone is offered one")
		}
		a = asker.get(t, page)
		for _, words := range []string{"Somebody else has to decide", page + "/withdraw"} {
			if !strings.Contains(a.body, words) {
				t.Errorf("to who asked the request lacks %q: %s", words, excerpt(a.body))
			}
		}

		a = second.post(t, page+"/refuse", "reason", "  ").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, "Say why, in a few words") || !strings.Contains(a.body, `aria-invalid="true"`) {
			t.Errorf("a refusal without a reason: %s", excerpt(a.body))
		}
		long := strings.Repeat("why ", 130)
		if a = second.post(t, page+"/approve", "reason", long).want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, strings.TrimSpace(long)) {
			t.Error("what was typed is gone")
		}
		asker.post(t, page+"/approve").is(t, http.StatusForbidden)
		asker.post(t, page+"/refuse", "reason", "x").is(t, http.StatusForbidden)
		asker.post(t, page+"/phone").is(t, http.StatusForbidden)
		second.post(t, page+"/withdraw").is(t, http.StatusNotFound)

		// A sensitive act takes a fresh proof; refusing and withdrawing do not.
		w.forward(t, session.StepUpLife)
		if a = second.post(t, page+"/approve"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/step-up?return_to="+url.QueryEscape(page)) {
			t.Errorf("a proof that is old: %d to %q", a.status, a.location())
		}
		if w.stateOf(t, id) != "pending" {
			t.Fatal("it was decided")
		}
		second.signIn(t, secondSecurity)
		second.get(t, page)
		if a = second.post(t, page+"/approve", "reason", "seen"); a.status != http.StatusSeeOther || a.location() != page+"?done=approved" {
			t.Errorf("approve = %d to %q: %s", a.status, a.location(), excerpt(a.body))
		}
		a = second.get(t, page+"?done=approved").want(t, http.StatusOK)
		for _, words := range []string{"Approved, and done.", "Decided by", "seen", "With the words"} {
			if !strings.Contains(a.body, words) {
				t.Errorf("afterwards the page lacks %q: %s", words, excerpt(a.body))
			}
		}
		if strings.Contains(a.body, page+"/approve") || badge(a) != " hidden" {
			t.Error("it can be approved again, or counts")
		}
		var held string
		w.one(t, &held, "SELECT role FROM role_assignments WHERE user_id = (SELECT id FROM users WHERE name = ?)", deskOfAlder)
		if held != string(access.RoleSecurityAdministrator) {
			t.Errorf("they hold %s", held)
		}
		a = second.post(t, page+"/approve").want(t, http.StatusConflict)
		if !strings.Contains(a.body, "decided already") || !strings.Contains(a.body, "What exactly") {
			t.Errorf("again: %s", excerpt(a.body))
		}
		if a = asker.get(t, inbox); !strings.Contains(a.body, "Decided") || !strings.Contains(a.body, page) {
			t.Errorf("who asked sees %s", excerpt(a.body))
		}
	})
}

func TestWhatBecomesOfARequestThatIsNotApproved(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		asker, second := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, secondSecurity)
		decide := func(b *browser, id, act string, pairs ...string) answer {
			t.Helper()
			b.get(t, inbox+"/"+id).want(t, http.StatusOK)
			return b.post(t, inbox+"/"+id+"/"+act, pairs...)
		}
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		decide(second, id, "refuse", "reason", "not now").want(t, http.StatusSeeOther)
		if a := asker.get(t, inbox+"/"+id+"?done=refused"); w.stateOf(t, id) != "refused" || !strings.Contains(a.body, "not now") {
			t.Errorf("it is %s: %s", w.stateOf(t, id), excerpt(a.body))
		}
		id = w.asksRole(t, firstSecurity, deskOfAlder)
		decide(asker, id, "withdraw").want(t, http.StatusSeeOther)
		if w.stateOf(t, id) != "withdrawn" {
			t.Errorf("it is %s", w.stateOf(t, id))
		}
		id = w.asksRole(t, firstSecurity, deskOfAlder)
		w.promote(t, deskOfAlder, access.RoleAuditor)
		a := decide(second, id, "approve").want(t, http.StatusConflict)
		if w.stateOf(t, id) != "void" || !strings.Contains(a.body, "the request is void and nothing was done") || !strings.Contains(a.body, "Void") {
			t.Errorf("it is %s: %s", w.stateOf(t, id), excerpt(a.body))
		}
		id = w.asksRole(t, firstSecurity, deskOfAlder)
		w.forward(t, approval.Life)
		second.signIn(t, secondSecurity)
		a = second.post(t, inbox+"/"+id+"/approve").want(t, http.StatusConflict)
		if !strings.Contains(a.body, "expired") {
			t.Errorf("after four hours: %s", excerpt(a.body))
		}
		until(t, "the request lapses", func() bool { return w.stateOf(t, id) == "expired" })
		a = second.get(t, inbox+"/"+id).want(t, http.StatusOK)
		if !strings.Contains(a.body, "Nobody decided within four hours") {
			t.Errorf("afterwards: %s", excerpt(a.body))
		}
	})
}

// TestWhoDoesNotSeeARequest: another tenant's reads like none, and so does one
// that is above somebody's role.
func TestWhoDoesNotSeeARequest(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		birch, desk, plain := w.browser(t).signIn(t, "security@birch.example"), w.browser(t).signIn(t, deskOfAlder), w.browser(t).signIn(t, "user2@alder.example")
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		none := plainBody(birch.get(t, "/admin/birch/approvals/nothing").want(t, http.StatusNotFound))
		before := w.standing(t)
		for _, path := range []string{"/admin/birch/approvals/" + id, inbox + "/" + id, inbox} {
			if a := birch.get(t, path); a.is(t, http.StatusNotFound) && plainBody(a) != none {
				t.Errorf("%s reads unlike nothing", path)
			}
		}
		for _, act := range []string{"approve", "refuse", "withdraw", "phone"} {
			birch.post(t, inbox+"/"+id+"/"+act, "reason", "x").is(t, http.StatusNotFound)
		}
		w.unchanged(t, "what is asked in another tenant's console", before)
		for _, act := range []string{"approve", "refuse", "withdraw", "phone"} {
			birch.post(t, "/admin/birch/approvals/"+id+"/"+act, "reason", "x").is(t, http.StatusNotFound)
			desk.post(t, inbox+"/"+id+"/"+act, "reason", "x").is(t, http.StatusNotFound)
			plain.post(t, inbox+"/"+id+"/"+act, "reason", "x").is(t, http.StatusForbidden)
		}
		desk.get(t, inbox+"/"+id).is(t, http.StatusNotFound)
		desk.get(t, inbox).is(t, http.StatusOK)
		plain.get(t, inbox).is(t, http.StatusForbidden)
		a := auditor.get(t, inbox+"/"+id).want(t, http.StatusOK)
		if !strings.Contains(a.body, "Your role does not have the permission for this.") || !strings.Contains(a.body, "Somebody else asked for it.") || strings.Contains(a.body, "/approve") {
			t.Errorf("to an auditor it reads %s", excerpt(a.body))
		}
		auditor.post(t, inbox+"/"+id+"/approve").is(t, http.StatusForbidden)
		for _, wrong := range []string{"?after=x", "?after=-", "?after=99999999999999999999-x", "?after=1-" + strings.Repeat("x", 100), "?after=1%2D%27"} {
			auditor.get(t, inbox+wrong).is(t, http.StatusOK)
		}
		if w.stateOf(t, id) != "pending" {
			t.Errorf("it is %s", w.stateOf(t, id))
		}
	})
}

func TestTheCountIsLive(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		second := w.browser(t).signIn(t, secondSecurity)
		live := func(b *browser) *stream {
			t.Helper()
			return open(t, b.client, b.request(t, http.MethodGet, inbox+"/live", nil))
		}
		s := live(second)
		s.answer.want(t, http.StatusOK)
		s.says(t, "count 0")
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		s.says(t, "count 1")
		other := w.asksRole(t, firstSecurity, "lead@alder.example")
		s.says(t, "count 2")
		second.get(t, inbox)
		second.post(t, inbox+"/"+id+"/refuse", "reason", "no").want(t, http.StatusSeeOther)
		s.says(t, "count 1")
		w.browser(t).signIn(t, firstSecurity).post(t, inbox+"/"+other+"/withdraw").want(t, http.StatusSeeOther)
		s.says(t, "count 0")

		// Nobody else hears of it, and who may not enter has no stream.
		for _, name := range []string{"user2@alder.example", "security@birch.example"} {
			if a := live(w.browser(t).signIn(t, name)).answer; a.status != http.StatusForbidden && a.status != http.StatusNotFound {
				t.Errorf("%s: %d", name, a.status)
			}
		}
		if a := live(w.browser(t)).answer; a.status != http.StatusSeeOther {
			t.Errorf("nobody: %d", a.status)
		}
	})
}

// TestNobodyApprovesTheirOwnFromAnotherBrowser: it is who asks that counts, not where.
func TestNobodyApprovesTheirOwnFromAnotherBrowser(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		page := inbox + "/" + id
		one, two := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, firstSecurity)
		for _, b := range []*browser{one, two} {
			b.get(t, page).want(t, http.StatusOK)
			for _, act := range []string{"/approve", "/refuse", "/phone"} {
				if b.post(t, page+act, "reason", "by myself", "approver", secondSecurity, "requester_id", "somebody").status != http.StatusForbidden {
					t.Errorf("%s of one's own is taken", act)
				}
			}
		}
		if got := w.stateOf(t, id); got != "pending" {
			t.Fatalf("the request is %s", got)
		}

		// What one approves runs once, also when the page is sent again, or from another one.
		approver, again := w.browser(t).signIn(t, secondSecurity), w.browser(t).signIn(t, secondSecurity)
		approver.get(t, page)
		again.get(t, page)
		approver.post(t, page+"/approve").want(t, http.StatusSeeOther)
		for _, b := range []*browser{approver, again} {
			b.post(t, page+"/approve").is(t, http.StatusConflict)
			b.post(t, page+"/refuse", "reason", "after all").is(t, http.StatusConflict)
		}
		one.post(t, page+"/withdraw").is(t, http.StatusConflict)
		var given int
		w.one(t, &given, "SELECT count(*) FROM audit_events WHERE action IN ('approval.given', 'role.assigned') AND (thread_id = ? OR subject_id = (SELECT id FROM users WHERE name = ?)) AND occurred_at > (SELECT created_at FROM approval_requests WHERE id = ?)", id, deskOfAlder, id)
		if given != 2 {
			t.Errorf("%d events of one approval and one role given", given)
		}
	})
}

// TestAStreamOfTheConsoleEndsWithItsSeat: within five seconds, also when nothing
// happens that it waits for.
func TestAStreamOfTheConsoleEndsWithItsSeat(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const boxed = "user2@alder.example"
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		w.act(t, "UPDATE groups SET role = 'helpdesk' WHERE id = ?", w.group(t, "alder", "field"))
		tenantID, boxedID := w.person(t, boxed)
		_, operatorID := w.person(t, operatorName)
		for _, c := range []struct {
			claim, name string
			begin       func()
			end         func(b *browser)
		}{
			{"signing out", "desk2@alder.example", nil, func(b *browser) { b.post(t, "/signout").want(t, http.StatusSeeOther) }},
			{"the session is ended elsewhere", "lead@alder.example", nil, func(*browser) {
				w.act(t, "UPDATE sessions SET ended_at = ? WHERE user_id = (SELECT id FROM users WHERE name = 'lead@alder.example')", w.now())
			}},
			{"a lock", deskOfAlder, nil, func(*browser) { w.lock(t, deskOfAlder) }},
			{"the account is disabled", "user40@alder.example", nil, func(*browser) { w.disable(t, "user40@alder.example") }},
			{"the role is taken", "auditor@alder.example", nil, func(*browser) {
				w.act(t, "DELETE FROM role_assignments WHERE user_id = (SELECT id FROM users WHERE name = 'auditor@alder.example')")
			}},
			{"their group carries no role", "user31@alder.example", nil, func(*browser) { w.act(t, "UPDATE groups SET role = ''") }},
			{"the role ends by itself", boxed, func() {
				w.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at, ends_at) VALUES (?,?,'helpdesk','',?,?)", tenantID, boxedID, w.now(), w.now().Add(30*time.Second))
			}, func(*browser) { w.ahead.Add(int64(35 * time.Second)) }},
			{"the grant of an operator is over", operatorName, func() {
				w.act(t, "INSERT INTO operator_grants (tenant_id, id, operator_id, role, reason, granted_by, granted_at, ends_at) VALUES (?,'visit',?,'auditor','','',?,?)",
					tenantID, operatorID, w.now(), w.now().Add(30*time.Second))
			}, func(*browser) { w.ahead.Add(int64(35 * time.Second)) }},
			{"the tenant is suspended", "desk@birch.example", nil, func(*browser) { w.act(t, "UPDATE tenants SET state = 'suspended' WHERE slug = 'birch'") }},
		} {
			if c.begin != nil {
				c.begin()
			}
			if err := w.Rules.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			at := inbox
			if strings.HasSuffix(c.name, "@birch.example") {
				at = "/admin/birch/approvals"
			}
			b := w.browser(t).signIn(t, c.name)
			s := open(t, b.client, b.request(t, http.MethodGet, at+"/live", nil))
			s.answer.want(t, http.StatusOK)
			s.says(t, "count 0")
			c.end(b)
			if got := s.next(late); got != "(ended)" {
				t.Errorf("%s: the stream says %q", c.claim, got)
			}
			if c.name == boxed { // nor is the next page shown, or an act done
				b.get(t, at).is(t, http.StatusForbidden)
				b.post(t, w.at(t, "user5")+"/lock", "reason", "too late").is(t, http.StatusForbidden)
			}
		}
	})
}

// TestAPageWhoseSessionIsOverIsToldToStopAsking: it would otherwise follow to the
// sign-in page, and read that as events.
func TestAPageWhoseSessionIsOverIsToldToStopAsking(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "desk@alder.example")
		b.get(t, inbox).want(t, http.StatusOK)
		asks := func(claim string) {
			t.Helper()
			a := b.get(t, inbox+"/live", "Accept", "text/event-stream")
			if a.status != http.StatusNoContent || a.body != "" || a.header.Get("Location") != "" {
				t.Errorf("%s: %d %q %s", claim, a.status, a.header.Get("Location"), a.body)
			}
		}
		w.forward(t, session.ConsoleIdleLife)
		asks("the console has closed")
		w.forward(t, 24*time.Hour)
		asks("the session is over")
	})
}

// TestTheStreamKeepsNothingAlive: neither the session nor the console.
func TestTheStreamKeepsNothingAlive(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "desk@alder.example")
		b.get(t, inbox).want(t, http.StatusOK)
		s := open(t, b.client, b.request(t, http.MethodGet, inbox+"/live", nil))
		s.says(t, "count 0")
		seen := func() (at string) {
			w.one(t, &at, "SELECT CAST(last_seen_at AS text) || ' ' || CAST(console_seen_at AS text) FROM sessions WHERE user_id = (SELECT id FROM users WHERE name = 'desk@alder.example') ORDER BY created_at DESC LIMIT 1")
			return at
		}
		before := seen()
		w.forward(t, session.ConsoleIdleLife-20*time.Second)
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		w.asksRole(t, firstSecurity, "lead@alder.example") // wakes it
		if got := s.next(3 * time.Second); strings.HasPrefix(got, "(ended") {
			t.Errorf("before its time the stream %s", got)
		}
		if seen() != before {
			t.Errorf("the session was seen at %s, and at %s before", seen(), before)
		}
		w.forward(t, 20*time.Second)
		if got := s.next(late); got != "(ended)" {
			t.Errorf("when the console has closed the stream says %q", got)
		}
	})
}

func TestTheCountIsLiveOnEveryReplica(t *testing.T) {
	t.Parallel()
	here := onPostgres(t)
	there := here.beside(t)
	here.promote(t, secondSecurity, access.RoleSecurityAdministrator)
	if err := there.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := here.browser(t).signIn(t, secondSecurity).on(there)
	s := open(t, b.client, b.request(t, http.MethodGet, inbox+"/live", nil))
	s.says(t, "count 0")
	id := here.asksRole(t, firstSecurity, deskOfAlder)
	s.says(t, "count 1")
	b = b.on(here)
	b.get(t, inbox)
	b.post(t, inbox+"/"+id+"/refuse", "reason", "no").want(t, http.StatusSeeOther)
	s.says(t, "count 0")
}

func TestARequestIsApprovedOnThePhone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		ph, second := w.withPhone(t, secondSecurity)
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		page := inbox + "/" + id
		w.forward(t, session.StepUpLife) // what the phone signs is a proof by itself
		if a := second.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, page+"/phone") {
			t.Fatalf("the phone is not offered: %s", excerpt(a.body))
		}
		attempt := second.post(t, page+"/phone").want(t, http.StatusSeeOther).location()
		a := second.get(t, attempt).want(t, http.StatusOK)
		shown := number(a)
		if step(a) != "phone" || first(stateMark, a) != "pending" || len(shown) != 2 || !strings.Contains(a.body, "Give a role: Helpdesk") || strings.Contains(a.body, `value="password"`) || !strings.Contains(a.body, `href="`+page+`"`) {
			t.Errorf("the page with the number: %s", excerpt(a.body))
		}
		if a := second.get(t, attempt+"/help"); a.status != http.StatusSeeOther || a.location() != page {
			t.Errorf("help = %d to %q", a.status, a.location())
		}
		second.post(t, attempt+"/method", "method", "password").is(t, http.StatusUnprocessableEntity)

		var told []struct {
			Act, Reason, Requester, Kind, Mode string
			ActHash                            string `json:"act_hash"`
			Difference                         []struct{ Field, Before, After string }
		}
		ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &told)
		if len(told) != 1 || told[0].Kind != "approval" || told[0].Mode != "type2" || told[0].Act != "Give a role: Helpdesk ("+deskOfAlder+")" || told[0].Reason != "a new post" ||
			told[0].Requester != "Security administrator ("+firstSecurity+")" || len(told[0].Difference) != 3 || told[0].Difference[0].Field != "Role" || told[0].Difference[0].After != "Security administrator" {
			t.Fatalf("the phone is told %+v", told)
		}
		r := ph.asks(t)
		ph.answers(t, r, "approve", shown).is(t, http.StatusUnauthorized) // as of a phone that knows of no acts
		wrong := ph.decision(r, "approve", shown)
		wrong.claims["act"] = strings.Repeat("0", len(told[0].ActHash))
		ph.deliver(t, r.ID, wrong.compact()).is(t, http.StatusUnauthorized)
		if got := second.state(t, attempt); got != "pending" || w.stateOf(t, id) != "pending" {
			t.Fatalf("it is %s, and the request %s", got, w.stateOf(t, id))
		}
		waiting := open(t, second.client, second.request(t, http.MethodGet, attempt+"/events", nil))
		waiting.says(t, "state pending")
		right := ph.decision(r, "approve", shown)
		right.claims["act"] = told[0].ActHash
		ph.deliver(t, r.ID, right.compact()).want(t, http.StatusOK)
		waiting.says(t, "state approved")
		second.get(t, attempt)
		if a := second.post(t, attempt+"/finish"); a.status != http.StatusSeeOther || a.location() != page {
			t.Errorf("finish = %d to %q: %s", a.status, a.location(), excerpt(a.body))
		}
		if a := second.get(t, page).want(t, http.StatusOK); w.stateOf(t, id) != "done" || !strings.Contains(a.body, "Approved") {
			t.Errorf("it is %s: %s", w.stateOf(t, id), excerpt(a.body))
		}
		if a := second.get(t, attempt); a.status != http.StatusSeeOther || a.location() != page {
			t.Errorf("the page with the number afterwards = %d to %q", a.status, a.location())
		}
		// The approval proved this act and no other.
		other := w.asksRole(t, firstSecurity, "lead@alder.example")
		second.get(t, inbox+"/"+other)
		if a := second.post(t, inbox+"/"+other+"/approve"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/step-up") {
			t.Errorf("another request then = %d to %q", a.status, a.location())
		}
	})
}

// TestARequestDecidedElsewhereIsOffThePhone: at once, its page leads to what became
// of it, and whoever asked finds a notice at home.
func TestARequestDecidedElsewhereIsOffThePhone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		w.promote(t, "user2@alder.example", access.RoleSecurityAdministrator)
		asker, third := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, "user2@alder.example")
		ph, second := w.withPhone(t, secondSecurity)
		id := w.asksRole(t, firstSecurity, deskOfAlder)
		page := inbox + "/" + id
		second.get(t, page)
		attempt := second.post(t, page+"/phone").want(t, http.StatusSeeOther).location()
		waiting := open(t, second.client, second.request(t, http.MethodGet, attempt+"/events", nil))
		waiting.says(t, "state pending")
		r := ph.asks(t)
		third.get(t, page)
		third.post(t, page+"/refuse", "reason", "not this month").want(t, http.StatusSeeOther)
		waiting.says(t, "state expired")
		var told []struct{ ID string }
		if ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &told); len(told) != 0 {
			t.Errorf("the phone still shows %v", told)
		}
		ph.answers(t, r, "deny", "").is(t, http.StatusGone)
		if a := second.get(t, attempt); a.status != http.StatusSeeOther || a.location() != page {
			t.Errorf("the page with the number = %d to %q", a.status, a.location())
		}
		a := asker.get(t, "/").want(t, http.StatusOK)
		for _, shown := range []string{"Your request was refused: Give a role", "by: Security administrator", "not this month", "you may ask again"} {
			if !strings.Contains(a.body, shown) {
				t.Errorf("whoever asked is not told %q: %s", shown, excerpt(a.body))
			}
		}
		if a := third.get(t, "/").want(t, http.StatusOK); strings.Contains(a.body, "Your request") {
			t.Error("whoever refused is told too")
		}
	})
}

// TestEveryActThatMayWaitHasItsWords: the kinds come from those who perform them.
func TestEveryActThatMayWaitHasItsWords(t *testing.T) {
	w := quiet(servertest.Quiet(t, store.SQLite, "https://id.example.org"))
	for kind := range w.Approvals.Performers {
		if key := "approval.kind." + string(kind); !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
}
