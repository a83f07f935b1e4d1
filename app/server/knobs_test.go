package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/app/audit"
)

// TestEachKnobOverHTTP: at its limits it is given, or waits for a second person; over them
// the form comes back with what is wrong beside the field, and the proof is unspent. The
// ceiling of the organisation wins over what the form asks for.
func TestEachKnobOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user31@alder.example"
		desk, admin := w.browser(t).signIn(t, deskOf), w.browser(t).signIn(t, "admin@alder.example")
		const given, waits, wrong = "given", "waits", "wrong"
		for _, row := range []struct {
			claim string
			by    string
			set   string // of the tenant
			knob  []string
			want  string
			says  string
		}{
			{"an hour, once", deskOf, "", []string{"minutes", "60"}, given, ""},
			{"ten minutes", deskOf, "", []string{"minutes", "10"}, given, ""},
			{"nine minutes", deskOf, "", []string{"minutes", "9"}, wrong, "Choose 10 to 480 minutes."},
			{"longer than a desk alone", deskOf, "", []string{"minutes", "61"}, waits, ""},
			{"eight hours by an administrator", "admin@alder.example", "", []string{"minutes", "480"}, given, ""},
			{"a minute more", "admin@alder.example", "", []string{"minutes", "481"}, wrong, "Choose 10 to 480 minutes."},
			{"at the ceiling", deskOf, "bypass_minutes = 30", []string{"minutes", "30"}, given, ""},
			{"over the ceiling", deskOf, "bypass_minutes = 30", []string{"minutes", "31"}, wrong, "Choose fewer minutes"},
			{"no number", deskOf, "", []string{"minutes", "soon"}, wrong, "Choose 10 to 480 minutes."},
			{"two uses", deskOf, "", []string{"uses", "2"}, waits, ""},
			{"five uses", deskOf, "", []string{"uses", "5"}, waits, ""},
			{"six uses", deskOf, "", []string{"uses", "6"}, wrong, "Choose 1 to 5 uses."},
			{"over the ceiling of uses", deskOf, "bypass_uses = 1", []string{"uses", "2"}, wrong, "Choose fewer uses"},
			{"a start that is none", deskOf, "", []string{"starts_at", "tomorrow"}, wrong, "Choose a time from now to a week ahead."},
			{"a start long ago", deskOf, "", []string{"starts_at", "2020-01-01T00:00"}, wrong, "Choose a time from now to a week ahead."},
			{"from a network", deskOf, "", []string{"network", "203.0.113.0/24"}, given, ""},
			{"from nowhere", deskOf, "", []string{"network", "the moon"}, wrong, "Give the name of a place of yours"},
			{"for no application", deskOf, "", []string{"application", "none"}, wrong, ""},
			{"of no kind", deskOf, "", []string{"kind", "master_key"}, wrong, ""},
			{"by pigeon", deskOf, "", []string{"delivery", "pigeon"}, wrong, ""},
			{"read out, where that is off", deskOf, "bypass_read_out = FALSE", nil, wrong, ""},
			{"to a phone that they do not have", deskOf, "", []string{"delivery", "second_channel"}, wrong, ""},
		} {
			w.act(t, "UPDATE tenants SET bypass_minutes = 480, bypass_uses = 5, bypass_read_out = TRUE")
			w.act(t, "DELETE FROM approval_requests")
			w.act(t, "DELETE FROM disownings")
			w.act(t, "DELETE FROM bypasses")
			if row.set != "" {
				w.act(t, "UPDATE tenants SET "+row.set)
			}
			b := desk
			if row.by != deskOf {
				b = admin
			}
			form := url.Values{"kind": {"pass_code"}, "delivery": {"read_out"}, "minutes": {"60"}, "uses": {"1"}, "reason": {"left it at home"}, "ticket": {"INC-7"}}
			for i := 0; i+1 < len(row.knob); i += 2 {
				form.Set(row.knob[i], row.knob[i+1])
			}
			check := w.checked(t, row.by, name)
			pairs := []string{"caller_check", check}
			for field := range form {
				pairs = append(pairs, field, form.Get(field))
			}
			a := b.post(t, w.at(t, "user31")+"/bypasses", pairs...)
			got := wrong
			switch {
			case a.status == http.StatusSeeOther && strings.Contains(a.location(), "/approvals/"):
				got = waits
			case a.status == http.StatusSeeOther:
				got = given
			case a.status != http.StatusUnprocessableEntity:
				got = http.StatusText(a.status)
			}
			var spent string
			if w.one(t, &spent, "SELECT spent_for FROM caller_checks WHERE id = ?", check); got != row.want || !strings.Contains(a.body, row.says) || (spent == "") != (row.want == wrong) {
				t.Errorf("%s: %s (%d), want %s; the proof is spent for %q; %s", row.claim, got, a.status, row.want, spent, excerpt(a.body))
			}
		}
		// Nobody gives one to a colleague, to who is above them, or to themselves; and a proof
		// that is used or old is none.
		w.act(t, "DELETE FROM approval_requests")
		for claim, on := range map[string]string{"a colleague": otherDesk, "a lead": leadOf, "an auditor": "auditor@alder.example", "an administrator": "admin@alder.example", "security": firstSecurity, "themselves": deskOf} {
			_, id := w.person(t, on)
			of := on
			if on == deskOf {
				of = name // a check brings a phone along, and then the password of the desk proves too little
			}
			a := desk.post(t, "/admin/alder/users/"+id+"/bypasses", "kind", "pass_code", "delivery", "read_out", "minutes", "10", "reason", "a test", "caller_check", w.checked(t, deskOf, of))
			if a.status != http.StatusForbidden {
				t.Errorf("for %s: %d", claim, a.status)
			}
		}
		for claim, spoil := range map[string]string{
			"used": "spent_at = proved_at, spent_for = 'another'", "expired": "proved_at = '2020-01-01 00:00:00'",
		} {
			check := w.checked(t, deskOf, name)
			w.act(t, "UPDATE caller_checks SET "+spoil+" WHERE id = ?", check)
			if a := desk.post(t, w.at(t, "user31")+"/bypasses", "kind", "pass_code", "delivery", "read_out", "reason", "a test", "caller_check", check); a.status != http.StatusConflict {
				t.Errorf("a check that is %s = %d", claim, a.status)
			}
		}
	})
}

// TestFourEyesOfABypassOverHTTP: nobody approves their own, it is given once, and neither
// after something has changed nor too late.
func TestFourEyesOfABypassOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user32@alder.example"
		desk, other, lead := w.browser(t).signIn(t, deskOf), w.browser(t).signIn(t, otherDesk), w.browser(t).signIn(t, leadOf)
		asks := func() string {
			t.Helper()
			request := desk.gives(t, w, deskOf, name, "minutes", "120").want(t, http.StatusSeeOther).location()
			lead.get(t, request).want(t, http.StatusOK)
			return request
		}
		given := func() (n int) {
			t.Helper()
			w.one(t, &n, "SELECT count(*) FROM bypasses WHERE state IN ('ready', 'active')")
			return n
		}
		request := asks()
		for claim, b := range map[string]*browser{"their own": desk, "by a colleague": other} {
			b.get(t, request)
			if a := b.post(t, request+"/approve", "reason", "a test"); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
				t.Errorf("%s = %d", claim, a.status)
			}
		}
		if given() != 0 {
			t.Fatal("it was given before somebody approved it")
		}
		lead.post(t, request+"/approve", "reason", "seen").want(t, http.StatusSeeOther)
		if lead.post(t, request+"/approve", "reason", "again").is(t, http.StatusConflict); given() != 1 {
			t.Errorf("%d were given", given())
		}
		w.act(t, "DELETE FROM disownings")
		w.act(t, "DELETE FROM bypasses")
		request = asks()
		w.act(t, "UPDATE tenants SET bypass_minutes = 60")
		lead.post(t, request+"/approve", "reason", "after a change").is(t, http.StatusConflict)
		w.act(t, "UPDATE tenants SET bypass_minutes = 480")
		request = asks()
		w.act(t, "UPDATE approval_requests SET expires_at = ? WHERE state = 'pending'", w.DB.Now())
		if lead.post(t, request+"/approve", "reason", "late").is(t, http.StatusConflict); given() != 0 {
			t.Errorf("%d were given after a change, or late", given())
		}
	})
}

// TestACodeInOtherHandsOverHTTP: another person, another flow, another tenant: it is refused
// and counted, and still good for its person.
func TestACodeInOtherHandsOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, other = "user33@alder.example", "user34@alder.example"
		desk := w.browser(t).signIn(t, deskOf)
		desk.bypassFor(t, w, deskOf, other) // who has one, too
		_, code := desk.bypassFor(t, w, deskOf, name)
		_, otherID := w.person(t, other)
		for claim, row := range map[string]struct{ as, method, field string }{
			"another person": {other, "bypass", "code"}, "in another tenant": {"user33@birch.example", "bypass", "code"},
			"as a password": {name, "password", "password"}, "as a code of the app": {name, "totp", "code"},
		} {
			b := w.browser(t)
			attempt := b.begin(t, row.as)
			b.post(t, attempt+"/method", "method", row.method)
			if a := b.post(t, attempt+"/verify", row.field, code); a.status != http.StatusUnauthorized {
				t.Errorf("%s = %d", claim, a.status)
			}
			if b.signedIn(t) {
				t.Errorf("%s: somebody is in", claim)
			}
		}
		refused, state := 0, ""
		if w.one(t, &refused, "SELECT count(*) FROM audit_events WHERE action = ? AND subject_id = ?", audit.SignInRefused, otherID); refused != 1 {
			t.Errorf("%d refusals are remembered of the other one, want 1", refused)
		}
		if w.one(t, &state, "SELECT state FROM bypasses WHERE user_id = (SELECT id FROM users WHERE name = ?)", name); state != "active" {
			t.Errorf("it is %s", state)
		}
		w.browser(t).byBypass(t, name, code)
	})
}
