package server_test

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/demo"
	"latchkey/app/operator"
)

const operatorName = "operator@latchkey.example"

// operator signs the operator in, where names that end in .example have the
// records that their claims ask for.
func (w *world) operator(t testing.TB) *browser {
	t.Helper()
	if _, ok := w.Operator.Resolver.(demo.Zone); !ok {
		w.Operator.Resolver = demo.Zone{DB: w.DB, Outside: net.DefaultResolver}
	}
	return w.browser(t).signIn(t, operatorName)
}

// operated is a platform on which an operator has been at work: elm waits for its
// administrator and claims two domains, oak is suspended, birch has let the
// operator in.
type operated struct {
	b, birch *browser
	grant    string
}

func (w *world) operated(t testing.TB) operated {
	t.Helper()
	o := operated{b: w.operator(t), birch: w.browser(t).signIn(t, "security@birch.example")}
	ctx, by := t.Context(), audit.Service
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, slug := range []string{"elm", "oak"} {
		_, err := w.Operator.Create(ctx, operator.New{Name: slug, Slug: slug, Domain: slug + ".example", Region: "eu", Ring: "stable"}, by, audit.Origin{})
		must(err)
	}
	must(w.Operator.Claim(ctx, "elm", "second.example", by, audit.Origin{}))
	must(w.Operator.Suspend(ctx, "oak", "a test", by, audit.Origin{}))
	tenantID, userID := w.person(t, "security@birch.example")
	var err error
	o.grant, err = w.Operator.Grant(ctx, tenantID, userID, operator.Offer{Operator: operatorName, Role: access.RoleAuditor, Hours: 4, Reason: "a test"}, audit.Origin{})
	must(err)
	return o
}

var setupLink = regexp.MustCompile(`<code id="setup-link"[^>]*>([^<]*)</code>`)

// TestOnlyOperatorsOperate: nobody of a tenant comes in here, whatever their role.
func TestOnlyOperatorsOperate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		op := w.operator(t)
		// Somebody whom a tenant calls an operator is none.
		tenantID, userID := w.person(t, "user9@alder.example")
		w.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,'operator','',?)", tenantID, userID, w.now())
		if err := w.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		fields := []string{"tenant_name", "Fir", "tenant_slug", "fir", "domain", "fir.example", "region", "eu", "ring", "early", "version", "1", "reason", "because"}
		names := []string{"user1", "desk", "lead", "auditor", "admin", "security", "user9"}
		people := map[string]*browser{}
		for _, name := range names {
			people[name] = w.browser(t).signIn(t, name+"@alder.example")
		}
		before := w.standing(t)
		routes := 0
		for _, route := range w.Site.Routes() {
			if !strings.HasPrefix(route.Path, "/operator") {
				continue
			}
			routes++
			path := strings.NewReplacer(":tenant", "birch", ":domain", "birch.example", ":feature", "totp").Replace(route.Path)
			for name, b := range people {
				ask := func(header ...string) answer {
					if route.Method == http.MethodGet {
						return b.get(t, path, header...)
					}
					return b.post(t, path, fields...)
				}
				ask().is(t, http.StatusForbidden)
				if a := ask("Accept", "application/json"); a.is(t, http.StatusForbidden) && strings.Contains(a.body, "Birch") {
					t.Errorf("%s, %s: a refusal names the tenant", name, a.asked)
				}
			}
			if route.Method == http.MethodGet {
				w.browser(t).get(t, path).is(t, http.StatusSeeOther)
				op.get(t, path).is(t, http.StatusOK, http.StatusSeeOther)
			}
		}
		if routes < 19 {
			t.Errorf("%d routes of the operator were tried; there are more", routes)
		}
		after := w.standing(t)
		for _, told := range []string{"audit_events", "notices"} { // the refusals, and the alarm that they raise
			before[told], after[told] = nil, nil
		}
		for table := range after {
			if fmt.Sprint(after[table]) != fmt.Sprint(before[table]) {
				t.Errorf("what is not permitted changed %s", table)
			}
		}
		var refusals int
		w.one(t, &refusals, "SELECT count(*) FROM audit_events WHERE action = 'access.refused'")
		if want := 2 * routes * len(names); refusals != want {
			t.Errorf("%d refusals are remembered, want %d", refusals, want)
		}
	})
}

// TestAnOperatorSeesNobody: an operator has no way into a tenant, and what they
// see of it names no person.
func TestAnOperatorSeesNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		b.get(t, "/admin/platform").is(t, http.StatusForbidden)
		if a := b.get(t, "/admin").want(t, http.StatusOK); !strings.Contains(a.body, "No organisation lets you in") || strings.Contains(a.body, `href="/admin/`) {
			t.Errorf("who is let in nowhere is offered %s", excerpt(a.body))
		}
		for _, path := range []string{"/admin/alder", "/admin/alder/users", "/admin/alder/groups", "/admin/alder/settings/grants"} {
			b.get(t, path).is(t, http.StatusNotFound)
		}
		b.post(t, "/admin/alder/settings/grants", "operator", operatorName, "role", "auditor", "hours", "4", "reason", "me").is(t, http.StatusNotFound)
		a := b.get(t, "/operator/tenants/alder").want(t, http.StatusOK)
		for _, name := range []string{"user1", "user40", "security@", "desk@", "Helpdesk lead", "pilot"} {
			if strings.Contains(a.body, name) {
				t.Errorf("the page of a tenant names %q", name)
			}
		}
		if !strings.Contains(a.body, "46 people") {
			t.Errorf("the page does not count people: %s", excerpt(a.body))
		}
		// The platform itself is none of the tenants, and no tenant reads like none.
		none := b.get(t, "/operator/tenants/nowhere").want(t, http.StatusNotFound)
		platform := b.get(t, "/operator/tenants/platform").want(t, http.StatusNotFound)
		if plainBody(none) != plainBody(platform) {
			t.Error("the platform reads unlike no tenant")
		}
		if home := b.get(t, "/").want(t, http.StatusOK); !strings.Contains(home.body, `href="/operator/tenants"`) || strings.Contains(home.body, `href="/admin/platform"`) {
			t.Error("the start page does not lead to the operator console, or leads to another")
		}
		if a := b.get(t, "/operator").want(t, http.StatusSeeOther); a.location() != "/operator/tenants" {
			t.Errorf("/operator leads to %q", a.location())
		}
	})
}

func TestATenantIsMadeAndItsLinkShownOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		b.get(t, "/operator/tenants/new").want(t, http.StatusOK)
		a := b.post(t, "/operator/tenants", "tenant_name", "Cedar <b>", "tenant_slug", "Not A Slug", "domain", "nonsense", "region", "moon", "ring", "").want(t, http.StatusUnprocessableEntity)
		for _, typed := range []string{"Cedar &lt;b&gt;", "Not A Slug", "nonsense", `id="tenant_slug-error"`, `id="domain-error"`, `id="region-error"`, `id="ring-error"`} {
			if !strings.Contains(a.body, typed) {
				t.Errorf("the form does not show %q", typed)
			}
		}
		// Fields that are nobody's to give change nothing.
		a = b.post(t, "/operator/tenants", "tenant_name", "Cedar Works", "tenant_slug", "cedar", "domain", "cedar.example", "region", "us", "ring", "early",
			"id", "platform", "state", "suspended", "match_mode", "type6", "platforms", "desktop", "verified_at", "2020-01-01", "token", "x", "created_by", "x", "version", "9").want(t, http.StatusSeeOther)
		if a.location() != "/operator/tenants/cedar?done=tenant_made" {
			t.Errorf("the form leads to %q", a.location())
		}
		var made struct {
			ID, State, MatchMode, Platforms string
			Version                         int
		}
		w.one(t, &made, "SELECT id, state, match_mode, platforms, version FROM tenants WHERE slug = 'cedar'")
		if made.ID == "platform" || made.State != "active" || made.MatchMode != "pick3" || made.Platforms != "ios,android" || made.Version != 1 {
			t.Errorf("the tenant is %+v", made)
		}
		var proved int
		w.one(t, &proved, "SELECT count(*) FROM domains WHERE tenant_id = ?", made.ID)
		if proved != 0 {
			t.Error("the domain is believed")
		}

		page := b.get(t, a.location()).want(t, http.StatusOK)
		link := html.UnescapeString(first(setupLink, page))
		if !strings.HasPrefix(link, w.URL+"/setup/") || !strings.Contains(page.body, "_latchkey.cedar.example") || !strings.Contains(page.body, "latchkey-verification=") {
			t.Fatalf("the page shows the link %q: %s", link, excerpt(page.body))
		}
		if again := b.get(t, a.location()).want(t, http.StatusOK); first(setupLink, again) != "" || strings.Contains(again.body, link) {
			t.Error("the link is shown again")
		}
		var kept int
		w.one(t, &kept, "SELECT count(*) FROM setup_links WHERE token_digest = ?", strings.TrimPrefix(link, w.URL+"/setup/"))
		if kept != 0 {
			t.Error("the link is kept as it is")
		}

		// The cookie that carries it may say anything: only a link of this tenant is shown.
		elsewhere, err := w.Operator.Create(t.Context(), operator.New{Name: "Elm", Slug: "elm", Domain: "elm.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		for _, forged := range []string{"x", strings.Repeat("A", 43), "javascript:alert(1)", elsewhere.Link.Reveal()} {
			b.client.Jar.SetCookies(must(url.Parse(w.URL)), []*http.Cookie{{Name: "latchkey_once", Value: forged}})
			if a := b.get(t, "/operator/tenants/cedar").want(t, http.StatusOK); strings.Contains(a.body, forged) && forged != "x" || first(setupLink, a) != "" {
				t.Errorf("a cookie puts %q into the page", forged)
			}
		}

		// The first administrator, the proof, the first sign-in.
		chief, setup := w.browser(t), strings.TrimPrefix(link, w.URL)
		if a := chief.get(t, setup).want(t, http.StatusOK); !strings.Contains(a.body, "Cedar Works") || strings.Contains(a.body, `name="tenant_slug"`) {
			t.Errorf("the set-up page says %s", excerpt(a.body))
		}
		redeem := func(name string) answer {
			return chief.post(t, setup, "admin_name", name, "password", passwordOfAll, "password_again", passwordOfAll, "tenant_slug", "alder", "domain", "alder.example", "region", "moon")
		}
		redeem("chief@alder.example").is(t, http.StatusUnprocessableEntity)
		redeem("chief").want(t, http.StatusSeeOther)
		redeem("chief").is(t, http.StatusNotFound)
		attempt := chief.begin(t, "chief@cedar.example")
		chief.post(t, attempt+"/verify", "password", passwordOfAll).is(t, http.StatusUnauthorized)
		b.get(t, "/operator/tenants/cedar")
		b.post(t, "/operator/tenants/cedar/domains/cedar.example/verify").want(t, http.StatusSeeOther)
		w.browser(t).signIn(t, "chief@cedar.example").get(t, "/admin/cedar").want(t, http.StatusOK)
		b.post(t, "/operator/tenants/cedar/links").is(t, http.StatusConflict)
		b.post(t, "/operator/tenants/cedar/domains/cedar.example/remove").is(t, http.StatusUnprocessableEntity)
	})
}

func TestATenantChangesByItsFactsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		const change = "/operator/tenants/alder/change"
		a := b.post(t, change, "tenant_name", " ", "region", "moon", "ring", "x", "version", "1").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, `id="change"`) || !regexp.MustCompile(`<details[^>]*id="change"[^>]* open`).MatchString(a.body) {
			t.Error("the form that failed is folded away")
		}
		b.post(t, change, "tenant_name", "Alder Care", "region", "us", "ring", "canary", "version", "one").is(t, http.StatusConflict)
		b.post(t, change, "tenant_name", "Alder Care", "region", "us", "ring", "canary", "version", "1",
			"slug", "birch", "tenant_slug", "birch", "state", "suspended", "id", "platform", "match_mode", "type6", "platforms", "", "state_reason", "x", "domain", "birch.example").want(t, http.StatusSeeOther)
		var is struct{ Slug, Name, State, MatchMode, Platforms, StateReason string }
		w.one(t, &is, "SELECT slug, name, state, match_mode, platforms, state_reason FROM tenants WHERE slug = 'alder'")
		if is.Name != "Alder Care" || is.State != "active" || is.MatchMode != "pick3" || is.Platforms != "ios,android,desktop" || is.StateReason != "" {
			t.Errorf("the tenant is %+v", is)
		}
		b.post(t, change, "tenant_name", "Late", "region", "us", "ring", "canary", "version", "1").is(t, http.StatusConflict)
		if a := b.get(t, "/operator/tenants/alder").want(t, http.StatusOK); !strings.Contains(a.body, "Ring: Canary, before that Early") {
			t.Errorf("the history does not say what changed: %s", excerpt(a.body))
		}
	})
}

// TestASuspensionShutsEverything: sessions, phones and their open streams.
func TestASuspensionShutsEverything(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		s, other := w.scene(t, "user1@alder.example"), w.browser(t).signIn(t, "user1@birch.example")
		s.ph.approves(t, s.b, s.attempt)
		s.b.post(t, s.attempt+"/finish").want(t, http.StatusSeeOther)
		waiting := w.browser(t)
		attempt := waiting.begin(t, "user2@alder.example")
		stream := s.ph.listen(t)
		stream.answer.want(t, http.StatusOK)

		a := b.post(t, "/operator/tenants/alder/suspend", "reason", " ").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, `id="reason-error"`) || !s.b.signedIn(t) {
			t.Error("a suspension without a reason happened, or is not asked again")
		}
		b.post(t, "/operator/tenants/alder/suspend", "reason", "unpaid <i>").want(t, http.StatusSeeOther)
		b.post(t, "/operator/tenants/alder/suspend", "reason", "again").is(t, http.StatusConflict)
		if s.b.signedIn(t) || s.pc.signedIn(t) || !other.signedIn(t) {
			t.Error("a session of the tenant lives, or one of another is dead")
		}
		s.ph.call(t, http.MethodGet, "/requests", nil).is(t, http.StatusUnauthorized)
		stream.ends(t, late)
		waiting.post(t, attempt+"/verify", "password", passwordOfAll).is(t, http.StatusUnauthorized)
		if a := b.get(t, "/operator/tenants/alder").want(t, http.StatusOK); !strings.Contains(a.body, "unpaid &lt;i&gt;") {
			t.Error("the page does not say why")
		}
		if a := b.get(t, "/operator/tenants?state=suspended").want(t, http.StatusOK); !strings.Contains(a.body, `data-tenant="alder"`) || strings.Contains(a.body, `data-tenant="birch"`) {
			t.Error("the list of suspended tenants is another")
		}
		b.post(t, "/operator/tenants/alder/resume", "reason", "paid").want(t, http.StatusSeeOther)
		if !s.pc.signedIn(t) {
			t.Error("after the suspension the session is dead")
		}
	})
}

// TestWhatOperatorsDoIsProvedAgain: after five minutes an act leads to the step-up
// and back to the page with its form, and nothing has changed.
func TestWhatOperatorsDoIsProvedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.operated(t)
		security := w.browser(t).signIn(t, "security@alder.example")
		o.b.get(t, "/operator/tenants")
		security.get(t, "/admin/alder")
		w.forward(t, 6*time.Minute)
		before := w.standing(t)
		for path, page := range map[string]string{
			"/operator/tenants": "/operator/tenants/new", "/operator/tenants/birch/change": "/operator/tenants/birch", "/operator/tenants/birch/suspend": "/operator/tenants/birch",
			"/operator/tenants/oak/resume": "/operator/tenants/oak", "/operator/tenants/elm/links": "/operator/tenants/elm", "/operator/tenants/elm/domains": "/operator/tenants/elm",
			"/operator/tenants/elm/domains/elm.example/verify": "/operator/tenants/elm", "/operator/tenants/elm/domains/elm.example/remove": "/operator/tenants/elm",
			"/operator/tenants/a%20b/suspend": "/operator/tenants/a%20b",
			"/operator/releases/totp":         "/operator/releases/totp", "/operator/releases/totp/stop": "/operator/releases/totp",
			"/operator/releases/totp/resume": "/operator/releases/totp", "/operator/releases/totp/restore": "/operator/releases/totp",
		} {
			a := o.b.post(t, path, "tenant_name", "Fir", "tenant_slug", "fir", "domain", "fir.example", "region", "eu", "ring", "early", "version", "1", "reason", "because")
			if a.is(t, http.StatusSeeOther) && a.location() != "/step-up?return_to="+url.QueryEscape(page) {
				t.Errorf("%s leads to %q", path, a.location())
			}
		}
		if a := o.b.get(t, "/operator/tenants/new").want(t, http.StatusSeeOther); a.location() != "/step-up?return_to=%2Foperator%2Ftenants%2Fnew" {
			t.Errorf("the form of a new tenant leads to %q", a.location())
		}
		for _, path := range []string{"", "/new"} {
			a := security.get(t, "/admin/alder/settings/grants/new")
			if path == "" {
				a = security.post(t, "/admin/alder/settings/grants", "operator", operatorName, "role", "auditor", "hours", "4", "reason", "a test")
			}
			if a.is(t, http.StatusSeeOther) && a.location() != "/step-up?return_to=%2Fadmin%2Falder%2Fsettings%2Fgrants%2Fnew" {
				t.Errorf("%s leads to %q", a.asked, a.location())
			}
		}
		w.unchanged(t, "an act without a fresh proof", before)
		// Looking, and shutting a door, need none.
		o.b.get(t, "/operator/tenants/birch").is(t, http.StatusOK)
		o.b.get(t, "/operator/health").is(t, http.StatusOK)
		o.birch.get(t, "/admin/birch/settings/grants").is(t, http.StatusOK)
		o.birch.post(t, "/admin/birch/settings/grants/"+o.grant+"/end").is(t, http.StatusSeeOther)
	})
}

func TestTheOperatorAsksOddly(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		for _, query := range []string{
			"", "?q=", "?q=%25", "?q=%27%20OR%201=1%20--", "?q=" + strings.Repeat("x", 5000), "?q=%3Cscript%3E", "?region=moon", "?ring=%27", "?state=none&state=active", "?after=zzzz",
			"?after=%27", "?after=" + strings.Repeat("a", 3000), "?done=%3Cscript%3E", "?q=%F0%9F%98%80", "?q=%5C", "?unknown=1",
		} {
			if a := b.get(t, "/operator/tenants"+query); a.is(t, http.StatusOK) && strings.Contains(a.body, "<script>") {
				t.Errorf("%s repeats it", a.asked)
			}
		}
		for _, query := range []string{"?q=%zz", "?q=%ff", "?q=%00", "?a;b"} {
			r := b.request(t, http.MethodGet, "/operator/tenants", nil)
			r.URL.RawQuery = query[1:]
			send(t, b.client, r).is(t, http.StatusBadRequest)
		}
	})
}

func TestTheHealthPageTellsWhatIsBroken(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		until(t, "a sign of life", func() bool {
			return !strings.Contains(b.get(t, "/operator/health").want(t, http.StatusOK).body, "None has given")
		})
		if a := b.get(t, "/operator/health").want(t, http.StatusOK); !strings.Contains(a.body, "Everything works") || !strings.Contains(a.body, ">running<") {
			t.Errorf("a program that is well says %s", excerpt(a.body))
		}
		restore := rename("audit_events")(t, w)
		a := b.get(t, "/operator/health").want(t, http.StatusOK)
		restore()
		if !strings.Contains(a.body, "Something is broken") {
			t.Errorf("without an audit it says %s", excerpt(a.body))
		}
	})
}
