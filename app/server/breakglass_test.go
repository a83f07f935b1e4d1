package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/server"
)

const (
	glassPage   = "/admin/alder/break-glass"
	glassName   = "break-glass-1@alder.example"
	glassSecond = "user15@alder.example"
)

var (
	glassCode    = regexp.MustCompile(`id="glass-code">([A-Z2-9-]+)<`)
	glassOutside = regexp.MustCompile(`id="glass-outside">([A-Z2-9-]+)<`)
)

// sealing is an account with the two who make it.
type sealing struct {
	asks, approves *browser
	id, base       string
}

// glass makes a break-glass account of alder, whose sheet may be printed.
func (w *world) glass(t testing.TB, name string) sealing {
	t.Helper()
	w.promote(t, glassSecond, access.RoleSecurityAdministrator)
	s := sealing{asks: w.browser(t).signIn(t, firstSecurity), approves: w.browser(t).signIn(t, glassSecond)}
	s.asks.get(t, glassPage).want(t, http.StatusOK)
	s.approved(t, s.asks.post(t, glassPage, "name", name, "display_name", "The safe", "reason", "for the worst day"))
	_, s.id = w.person(t, name)
	s.base = glassPage + "/" + s.id
	return s
}

func (s sealing) approved(t testing.TB, a answer) {
	t.Helper()
	request := a.want(t, http.StatusSeeOther).location()
	s.approves.get(t, request).want(t, http.StatusOK)
	s.approves.post(t, request+"/approve", "reason", "").want(t, http.StatusSeeOther)
}

// printed prints the sheet, and gives its code and the number on its outside.
func (s sealing) printed(t testing.TB) (code, outside string) {
	t.Helper()
	s.asks.get(t, glassPage).want(t, http.StatusOK)
	a := s.asks.post(t, s.base+"/print").want(t, http.StatusOK)
	if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Error("the sheet may be kept by the browser")
	}
	if code, outside = first(glassCode, a), first(glassOutside, a); code == "" || outside == "" {
		t.Fatalf("the sheet is %s", excerpt(a.body))
	}
	return code, outside
}

func (s sealing) again(t testing.TB) (code string) {
	t.Helper()
	s.asks.get(t, glassPage).want(t, http.StatusOK)
	s.approved(t, s.asks.post(t, s.base+"/seal", "reason", "it was used"))
	code, _ = s.printed(t)
	return code
}

// byGlass tries a sheet in a browser.
func (b *browser) byGlass(t testing.TB, name, code string) answer {
	t.Helper()
	b.get(t, "/break-glass").want(t, http.StatusOK)
	return b.post(t, "/break-glass", "identifier", name, "code", code)
}

// TestABreakGlassAccountOnItsPages: made by two, printed once, used once, told of, sealed
// again; a drill leaves it as it is; removed, it is gone.
func TestABreakGlassAccountOnItsPages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		admin.get(t, glassPage).want(t, http.StatusForbidden)
		admin.post(t, glassPage, "name", glassName, "display_name", "x", "reason", "x").want(t, http.StatusForbidden)
		s := w.glass(t, glassName)
		if body := s.asks.get(t, "/admin/alder").want(t, http.StatusOK).body; !strings.Contains(body, glassPage) {
			t.Error("the overview does not say that there are too few")
		}
		birch := w.browser(t).signIn(t, "security@birch.example")
		birch.get(t, "/admin/birch/break-glass").want(t, http.StatusOK)
		for _, act := range []string{"/print", "/seal", "/remove", "/drill"} {
			birch.post(t, "/admin/birch/break-glass/"+s.id+act, "reason", "x", "outside", "x").want(t, http.StatusNotFound)
		}
		third := "user36@alder.example"
		w.promote(t, third, access.RoleSecurityAdministrator)
		other := w.browser(t).signIn(t, third)
		other.get(t, glassPage).want(t, http.StatusOK)
		other.post(t, s.base+"/print").want(t, http.StatusForbidden)
		code, outside := s.printed(t)
		s.asks.post(t, s.base+"/print").want(t, http.StatusConflict)
		s.approves.get(t, glassPage)
		s.approves.post(t, s.base+"/print").want(t, http.StatusConflict)
		for _, b := range []*browser{s.asks, s.approves, other} {
			if body := b.get(t, glassPage).want(t, http.StatusOK).body; strings.Contains(body, code) || strings.Contains(body, outside) {
				t.Error("the list shows what stands on the sheet")
			}
		}

		// The drill: a wrong number beside its field, then the right one. Nothing is opened.
		if a := other.post(t, s.base+"/drill", "outside", "ABCD-EFGH", "reason", "the quarterly drill"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "not the number") {
			t.Errorf("a wrong number = %d", a.status)
		}
		other.post(t, s.base+"/drill", "outside", outside, "reason", "the quarterly drill").want(t, http.StatusSeeOther)

		// Signing in.
		b := w.browser(t)
		if a := b.byGlass(t, glassName, "ABCD"); a.status != http.StatusUnauthorized || strings.Contains(a.body, "ABCD") {
			t.Errorf("a wrong code = %d, and it is shown again: %t", a.status, strings.Contains(a.body, "ABCD"))
		}
		if to := b.byGlass(t, glassName, code).want(t, http.StatusSeeOther).location(); to != "/admin" {
			t.Errorf("it leads to %s", to)
		}
		b.get(t, "/admin/alder").want(t, http.StatusOK)
		b.get(t, "/admin/alder/users").want(t, http.StatusOK)
		for _, path := range []string{"/me/phones", "/me/totp", "/me/codes", "/me/backup-phones"} {
			b.post(t, path, "number", mobile, "channel", "sms").want(t, http.StatusForbidden)
		}
		w.browser(t).byGlass(t, glassName, code).want(t, http.StatusUnauthorized)
		if body := admin.get(t, "/admin/alder").want(t, http.StatusOK).body; !strings.Contains(body, `id="alarm"`) {
			t.Error("the console does not say that it was used")
		}
		if body := admin.get(t, "/").want(t, http.StatusOK).body; !strings.Contains(body, "was used") || !strings.Contains(body, "was refused") {
			t.Errorf("an administrator is told %s", excerpt(body))
		}
		if body := birch.get(t, "/admin/birch").want(t, http.StatusOK).body; strings.Contains(body, `id="alarm"`) {
			t.Error("another organisation says it")
		}
		next := s.again(t)
		if b.signedIn(t) {
			t.Error("what the sheet of before opened goes on")
		}
		if body := admin.get(t, "/admin/alder").want(t, http.StatusOK).body; strings.Contains(body, `id="alarm"`) {
			t.Error("sealed again, the console goes on to say that it was used")
		}
		w.lock(t, glassName)
		w.browser(t).byGlass(t, glassName, next).want(t, http.StatusUnauthorized)
		w.act(t, "UPDATE users SET state = 'active' WHERE id = ?", s.id)
		s.asks.get(t, glassPage)
		s.approved(t, s.asks.post(t, s.base+"/remove", "reason", "we have others"))
		w.browser(t).byGlass(t, glassName, next).want(t, http.StatusUnauthorized)
		s.asks.post(t, s.base+"/seal", "reason", "x").want(t, http.StatusNotFound)
	})
}

// TestFiveHundredUsesOfOneSheetAtOnce make one session.
func TestFiveHundredUsesOfOneSheetAtOnce(t *testing.T) {
	onBothWith(t, func(s *server.Settings) { s.SignInsPerMinute = 0 }, func(t *testing.T, w *world) {
		s := w.glass(t, glassName)
		code, _ := s.printed(t)
		b := w.browser(t)
		b.get(t, "/break-glass").want(t, http.StatusOK)
		form := b.form("identifier", glassName, "code", code).Encode()
		var wait sync.WaitGroup
		var mu sync.Mutex
		got := map[int]int{}
		for range 500 {
			wait.Go(func() {
				a := send(t, b.client, b.request(t, http.MethodPost, "/break-glass", strings.NewReader(form), "Content-Type", formType))
				mu.Lock()
				defer mu.Unlock()
				got[a.status]++
			})
		}
		wait.Wait()
		if got[http.StatusSeeOther] != 1 || w.count(t, "SELECT count(*) FROM sessions WHERE user_id = ?", s.id) != 1 || w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.BreakGlassUsed) != 1 {
			t.Errorf("they are answered %v, and there are %d sessions", got, w.count(t, "SELECT count(*) FROM sessions WHERE user_id = ?", s.id))
		}
		for status := range got {
			if status != http.StatusSeeOther && status != http.StatusUnauthorized && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
				t.Errorf("some are answered %d", status)
			}
		}
	})
}

// TestAPasskeyCompletesASheet: bound in the first session, it is asked for before anything
// is done in the next; by itself it lets nobody in.
func TestAPasskeyCompletesASheet(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.glass(t, glassName)
		code, _ := s.printed(t)
		b := w.browser(t)
		b.byGlass(t, glassName, code).want(t, http.StatusSeeOther)
		k := b.makePasskey(t)
		code = s.again(t)
		b = w.browser(t)
		b.byGlass(t, glassName, code).want(t, http.StatusSeeOther)
		to := b.get(t, "/admin/alder").want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(to, "/step-up") {
			t.Fatalf("before the passkey the console leads to %s", to)
		}
		b.get(t, to).want(t, http.StatusOK)
		attempt := b.post(t, "/step-up", "method", "passkey", "return_to", "/admin/alder").want(t, http.StatusSeeOther).location()
		b.post(t, attempt+"/verify", "credential", k.Sign(t, optionsOf(t, b.get(t, attempt)))).want(t, http.StatusSeeOther)
		b.get(t, "/admin/alder").want(t, http.StatusOK)
		b.get(t, glassPage).want(t, http.StatusOK)
		own := w.browser(t)
		attempt = own.byPasskey(t, glassName)
		own.post(t, attempt+"/verify", "credential", k.Sign(t, optionsOf(t, own.get(t, attempt)))).want(t, http.StatusUnauthorized)
		if n := w.SignIn.Decisions.Differences(); n != 0 {
			t.Errorf("%d decisions differ", n)
		}
	})
}

// TestWithEverythingStoppedASheetLetsIn: nothing is carried and no outage declared, every
// way is off, and an outage ends by itself meanwhile.
func TestWithEverythingStoppedASheetLetsIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.glass(t, glassName)
		code, _ := s.printed(t)
		all := w.unsent(t)
		w.declared(t, "longer_sessions")
		w.act(t, "DELETE FROM providers")
		w.act(t, "UPDATE devices SET push_subscription = ''")
		w.forward(t, time.Hour)
		if err := w.Outages.Lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "SELECT count(*) FROM outages WHERE ended_at IS NOT NULL AND ending = 'clock'"); n != 1 {
			t.Errorf("%d outages have ended by themselves", n)
		}
		for by, signs := range all {
			if got := signs(); got != http.StatusSeeOther {
				t.Errorf("with nothing that arrives, %s = %d", by, got)
			}
		}
		w.act(t, "UPDATE tenants SET no_sign_in = 511, no_second = 511, no_recovery = 511 WHERE slug = 'alder'")
		w.browser(t).byGlass(t, glassName, code).want(t, http.StatusSeeOther)
	})
}

// TestASheetStandsForTheSecondPersonOfAnOutage, once, by the rules for anybody who approves.
func TestASheetStandsForTheSecondPersonOfAnOutage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.glass(t, glassName)
		code, _ := s.printed(t)
		w.forward(t, 73*time.Hour) // nobody approves for who made them in the last three days
		asks := w.browser(t).signIn(t, firstSecurity)
		asks.get(t, outages+"/new").want(t, http.StatusOK)
		request := asks.post(t, outages, "failed", "push", "relaxes", "held_back_ways", "minutes", "60", "reason", "Nothing arrives").want(t, http.StatusSeeOther).location()
		if body := asks.get(t, request).want(t, http.StatusOK).body; !strings.Contains(body, request+"/sheet") {
			t.Error("the request does not lead to the sheet")
		}
		admin := w.browser(t).signIn(t, "admin@alder.example")
		admin.get(t, "/admin/alder")
		admin.post(t, request+"/sheet", "identifier", glassName, "code", code).want(t, http.StatusForbidden)
		birch := w.browser(t).signIn(t, "security@birch.example")
		birch.get(t, "/admin/birch")
		birch.post(t, strings.Replace(request, "alder", "birch", 1)+"/sheet", "identifier", glassName, "code", code).want(t, http.StatusNotFound)
		asks.get(t, request+"/sheet").want(t, http.StatusOK)
		asks.post(t, request+"/sheet", "identifier", glassName, "code", "ABCD").want(t, http.StatusUnauthorized)
		if n := w.count(t, "SELECT count(*) FROM outages WHERE drill = FALSE"); n != 0 {
			t.Fatal("it runs without a sheet")
		}
		if to := asks.post(t, request+"/sheet", "identifier", glassName, "code", code).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, outages) {
			t.Errorf("it leads to %s", to)
		}
		if n := w.count(t, "SELECT count(*) FROM outages WHERE drill = FALSE AND ended_at IS NULL AND approved_by = ?", s.id); n != 1 {
			t.Fatalf("%d outages run by the sheet", n)
		}
		if n := w.count(t, "SELECT count(*) FROM break_glass_sheets WHERE state = 'used' AND used_for = 'outage'"); n != 1 {
			t.Errorf("%d sheets are spent", n)
		}
		asks.post(t, request+"/sheet", "identifier", glassName, "code", code).want(t, http.StatusConflict)
		w.browser(t).byGlass(t, glassName, code).want(t, http.StatusUnauthorized)
		if body := admin.get(t, "/").want(t, http.StatusOK).body; !strings.Contains(body, "was used") {
			t.Error("an administrator is not told")
		}
	})
}

// TestWhoMadeAnAccountGetsNothingApprovedByIt within three days, and the sheet is not spent.
func TestWhoMadeAnAccountGetsNothingApprovedByIt(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.glass(t, glassName)
		code, _ := s.printed(t)
		s.asks.get(t, outages+"/new").want(t, http.StatusOK)
		request := s.asks.post(t, outages, "failed", "push", "relaxes", "held_back_ways", "minutes", "60", "reason", "Nothing arrives").want(t, http.StatusSeeOther).location()
		s.asks.get(t, request+"/sheet").want(t, http.StatusOK)
		s.asks.post(t, request+"/sheet", "identifier", glassName, "code", code).want(t, http.StatusForbidden)
		if n := w.count(t, "SELECT count(*) FROM outages WHERE drill = FALSE"); n != 0 {
			t.Error("it runs")
		}
		w.browser(t).byGlass(t, glassName, code).want(t, http.StatusSeeOther)
	})
}

// TestABreakGlassCodeIsKeptNowhere: the database has neither it nor the number outside.
func TestABreakGlassCodeIsKeptNowhere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.glass(t, glassName)
		used, outside := s.printed(t)
		w.browser(t).byGlass(t, glassName, used).want(t, http.StatusSeeOther)
		sealed := s.again(t)
		dump := w.dump(t)
		for what, secret := range map[string]string{"a spent code": used, "a code": sealed, "the number on the outside": outside} {
			for _, form := range []string{secret, strings.ReplaceAll(secret, "-", "")} {
				if sow(what, form).in(dump) {
					t.Errorf("the database has %s", what)
				}
			}
		}
		if !strings.Contains(string(dump), glassName) {
			t.Error("the dump is not one")
		}
	})
}
