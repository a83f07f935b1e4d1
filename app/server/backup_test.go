package server_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// carry gives alder somebody who carries SMS and calls.
func (w *world) carry(t testing.TB) {
	t.Helper()
	for _, channel := range []string{"sms", "voice"} {
		w.act(t, `INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at)
			SELECT id, ?, 'kept', '', '', '', '', 1, '', ? FROM tenants WHERE slug = 'alder' ON CONFLICT DO NOTHING`, channel, w.DB.Now())
	}
}

// codeTo is the last code that is owed to a number; empty for none.
func (w *world) codeTo(t testing.TB, number string) string {
	t.Helper()
	var row struct{ TenantID, ID, Body string }
	w.one(t, &row, "SELECT tenant_id, id, body FROM outbox WHERE target = ? ORDER BY created_at DESC, id LIMIT 1", number)
	if row.ID == "" {
		return ""
	}
	code, err := w.Keys.Open(row.TenantID, "outbox.body "+row.ID, row.Body)
	if err != nil {
		t.Fatalf("the message to %s: %v", number, err)
	}
	return code
}

// withBackup confirms a number of somebody's and gives the browser that did.
func (w *world) withBackup(t testing.TB, name, number, channel string) *browser {
	t.Helper()
	w.carry(t)
	b := w.browser(t).signIn(t, name)
	w.act(t, "UPDATE sessions SET proved_by = 'phone' WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
	page := b.post(t, "/me/backup-phones", "number", number, "channel", channel).want(t, http.StatusSeeOther).location()
	b.post(t, page, "code", w.codeTo(t, number)).want(t, http.StatusSeeOther)
	w.act(t, "DELETE FROM outbox WHERE target = ?", number)
	return b
}

const (
	mobile = "+4915112345678"
	office = "+4930901820"
)

func wrongCode(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

// TestABackupPhoneFromItsPageToSignIn walks the pages.
func TestABackupPhoneFromItsPageToSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t).signIn(t, name)
		if page := b.get(t, "/me/backup-phones").want(t, http.StatusOK); !strings.Contains(page.body, "does not send codes") {
			t.Error("the page does not say that nobody carries messages")
		}
		w.carry(t)
		wrong := b.post(t, "/me/backup-phones", "number", "0900 1234567", "channel", "sms").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(wrong.body, `value="0900 1234567"`) {
			t.Errorf("the form comes back as %s", excerpt(wrong.body))
		}
		page := b.post(t, "/me/backup-phones", "number", "+49 151 12345678", "channel", "sms").want(t, http.StatusSeeOther).location()
		code := w.codeTo(t, mobile)
		if len(code) != 6 {
			t.Fatalf("the code is %q", code)
		}
		b.get(t, page).want(t, http.StatusOK)
		b.post(t, page, "code", wrongCode(code)).want(t, http.StatusUnprocessableEntity)
		w.browser(t).signIn(t, name).get(t, page).is(t, http.StatusNotFound) // of its session alone
		b.post(t, page+"/resend").want(t, http.StatusSeeOther)
		second := w.codeTo(t, mobile)
		if second != code {
			b.post(t, page, "code", code).want(t, http.StatusUnprocessableEntity)
		}
		b.post(t, page, "code", second[:3]+" "+second[3:]).want(t, http.StatusSeeOther)
		b.post(t, page, "code", second).is(t, http.StatusGone)
		if page := b.get(t, "/me/backup-phones").body; !strings.Contains(page, mobile) || !strings.Contains(page, "weaker") {
			t.Error("the number is not listed, as the weaker way that it is")
		}
		if page := b.get(t, "/").body; !strings.Contains(page, "The backup phone +49 … 78 was added") {
			t.Error("its user is not told")
		}
		_, id := w.person(t, name)
		for _, who := range []string{"security", "desk", "auditor"} {
			person := w.browser(t).signIn(t, who+"@alder.example").get(t, "/admin/alder/users/"+id).want(t, http.StatusOK)
			if !strings.Contains(person.body, "+49 … 78") || strings.Contains(person.body, mobile) {
				t.Errorf("the console shows %s the number as %t", who, strings.Contains(person.body, mobile))
			}
		}

		// A second one, which is called.
		w.forward(t, 11*time.Minute)
		b = w.withBackup(t, name, office, "voice")
		w.forward(t, 11*time.Minute)

		// The password, and then the code: the phone is chosen by who has proved that.
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		pc := w.browser(t)
		attempt := pc.begin(t, name)
		pc.post(t, attempt+"/verify", "password", passwordOfAll, "stay", "yes").want(t, http.StatusSeeOther)
		shown := pc.get(t, attempt).want(t, http.StatusOK)
		if !regexp.MustCompile(`name="stay"[^>]*checked`).MatchString(shown.body) {
			t.Error("on the page of the code it is forgotten that they want to stay signed in")
		}
		if step(shown) != "voice" || !strings.Contains(shown.body, "+49 … 20") || strings.Contains(shown.body, office) {
			t.Errorf("the page is of the step %q: %s", step(shown), excerpt(shown.body))
		}
		pc.post(t, attempt+"/method", "method", "sms").want(t, http.StatusSeeOther)
		if got := step(pc.get(t, attempt)); got != "sms" {
			t.Errorf("the page is of the step %q", got)
		}
		called, sent := w.codeTo(t, office), w.codeTo(t, mobile)
		if called != sent {
			pc.post(t, attempt+"/verify", "code", called).want(t, http.StatusUnauthorized)
		}
		if pc.signedIn(t) {
			t.Fatal("the code of another way signs in")
		}
		pc.post(t, attempt+"/verify", "code", sent).want(t, http.StatusSeeOther)
		if !pc.signedIn(t) {
			t.Error("the code signs nobody in")
		}
		if page := pc.get(t, "/me").body; !strings.Contains(page, "password, then code by SMS") {
			t.Error("My security info does not say how")
		}
		// It is no step-up, and it is never first.
		if to := pc.get(t, "/step-up?return_to=/me").body; strings.Contains(to, `value="sms"`) || strings.Contains(to, `value="voice"`) {
			t.Error("a code is offered as a step-up")
		}
		again := w.browser(t)
		if got := step(again.get(t, again.begin(t, name))); got != "password" {
			t.Errorf("the next sign-in begins with %q", got)
		}
		b.post(t, "/me/preferences", "default_way", "sms").is(t, http.StatusUnprocessableEntity)

		// Removed, its codes are worth nothing, and what they made has ended.
		w.forward(t, 11*time.Minute)
		other := w.browser(t)
		attempt = other.begin(t, name)
		other.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		other.post(t, attempt+"/method", "method", "sms").want(t, http.StatusSeeOther)
		late := w.codeTo(t, mobile)
		var phoneID string
		w.one(t, &phoneID, "SELECT id FROM backup_phones WHERE number = ? AND state = 'active'", mobile)
		w.act(t, "UPDATE sessions SET proved_at = ?, proved_by = 'pwd' WHERE user_id = ?", w.DB.Now(), id)
		b.post(t, "/me/backup-phones/"+phoneID+"/remove").want(t, http.StatusSeeOther)
		b.post(t, "/me/backup-phones/"+phoneID+"/remove").is(t, http.StatusNotFound)
		other.post(t, attempt+"/verify", "code", late).want(t, http.StatusUnauthorized)
		if pc.signedIn(t) || other.signedIn(t) {
			t.Error("a session that a code to the removed number made goes on")
		}
		// The last second factor of somebody who needs one stays.
		w.one(t, &phoneID, "SELECT id FROM backup_phones WHERE number = ? AND state = 'active'", office)
		b.post(t, "/me/backup-phones/"+phoneID+"/remove").is(t, http.StatusConflict)
	})
}

// TestACodeFirstIsTheSameForEveryName: page, wait and count do not tell who has a
// backup phone, and nothing goes to who has none.
func TestACodeFirstIsTheSameForEveryName(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const known, without, unknown, locked = "user1@alder.example", "user2@alder.example", "nobody@alder.example", "user3@alder.example"
		w.withBackup(t, known, mobile, "sms")
		w.withBackup(t, locked, office, "voice")
		w.lock(t, locked)
		w.forward(t, 11*time.Minute)
		for _, way := range []string{"sms", "voice"} {
			var pages []string
			for _, name := range []string{known, without, unknown, locked} {
				w.forward(t, time.Second)
				b := w.browser(t)
				attempt := b.begin(t, name)
				var page strings.Builder
				for range 4 {
					a := b.post(t, attempt+"/method", "method", way)
					wait, _ := strconv.Atoi(a.header.Get("Retry-After")) // seconds; one may have gone by
					page.WriteString(http.StatusText(a.status) + " " + strconv.Itoa((wait+59)/60) + " " + plainBody(a) + "\n")
				}
				shown := b.get(t, attempt)
				page.WriteString(step(shown) + " " + plainBody(shown) + "\n")
				for range 2 {
					a := b.post(t, attempt+"/verify", "code", "12345x")
					page.WriteString(http.StatusText(a.status) + " " + plainBody(a) + "\n")
				}
				text := strings.NewReplacer(name, "NAME", "userN@alder.example", "NAME", strings.TrimPrefix(attempt, "/signin/"), "ATTEMPT").Replace(page.String())
				if strings.Count(text, "See Other") != 3 || !strings.Contains(text, "Too Many Requests") {
					t.Errorf("%s by %s: %s", name, way, excerpt(text))
				}
				pages = append(pages, text)
			}
			for i, page := range pages[1:] {
				if page != pages[0] {
					t.Errorf("by %s, name %d reads unlike one that has a backup phone:\n%s", way, i+1, differs(pages[0], page))
				}
			}
			w.forward(t, 11*time.Minute)
		}
		var rows []struct{ Kind, Target string }
		if err := w.DB.View(t.Context()).All(&rows, "SELECT kind, target FROM outbox WHERE kind IN ('sms', 'voice')"); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r.Target != mobile || r.Kind != "sms" {
				t.Errorf("%s goes to %s", r.Kind, r.Target)
			}
		}
		if len(rows) != 3 {
			t.Errorf("%d messages, want 3", len(rows))
		}
	})
}

// TestACodeAloneSignsNobodyIn, whatever is asked of its user.
func TestACodeAloneSignsNobodyIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		w.withBackup(t, name, mobile, "sms")
		for _, mfa := range []string{"disabled", "enabled", "enforced"} {
			w.forward(t, 11*time.Minute)
			w.act(t, "UPDATE users SET mfa_state = ? WHERE name = ?", mfa, name)
			b := w.browser(t)
			attempt := b.begin(t, name)
			b.post(t, attempt+"/method", "method", "sms").want(t, http.StatusSeeOther)
			b.post(t, attempt+"/verify", "code", w.codeTo(t, mobile)).want(t, http.StatusSeeOther)
			if b.signedIn(t) {
				t.Fatalf("with a second factor %s a code alone signs in", mfa)
			}
			if got := step(b.get(t, attempt)); got != "password" {
				t.Errorf("after the code comes %q", got)
			}
			b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
			if !b.signedIn(t) {
				t.Errorf("with a second factor %s code and password sign nobody in", mfa)
			}
		}
	})
}

// TestACodeStandsNowhere: neither in the database, whole, nor on a page, in the audit
// or in an address.
func TestACodeStandsNowhere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		w.withBackup(t, name, mobile, "sms")
		b := w.browser(t)
		attempt := b.begin(t, name)
		b.post(t, attempt+"/verify", "password", passwordOfAll)
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		b = w.browser(t)
		attempt = b.begin(t, name)
		b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		code := w.codeTo(t, mobile)
		for table, rows := range w.standing(t) {
			for _, row := range rows {
				if sow("the code", code).in([]byte(row)) {
					t.Errorf("the code stands in %s: %s", table, row)
				}
			}
		}
		if page := b.get(t, attempt); strings.Contains(strings.ReplaceAll(page.body, b.csrf, ""), code) {
			t.Error("the code is on the page")
		}
		b.post(t, attempt+"/verify", "code", code).want(t, http.StatusSeeOther)
		b.post(t, attempt+"/verify", "code", code).is(t, http.StatusUnauthorized, http.StatusSeeOther)
		other := w.browser(t)
		another := other.begin(t, name)
		other.post(t, another+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		if w.codeTo(t, mobile) != code { // two may be the same
			other.post(t, another+"/verify", "code", code).want(t, http.StatusUnauthorized)
			if other.signedIn(t) {
				t.Error("a code of another attempt signs in")
			}
		}
	})
}

// actsOnBackups prepares what is done with backup phones.
func actsOnBackups(t *testing.T, w *world) []doing {
	t.Helper()
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, pairs...) }
	}
	w.carry(t)
	begin := func(name, number string) (*browser, string, string) {
		b := w.browser(t).signIn(t, name)
		page := b.post(t, "/me/backup-phones", "number", number, "channel", "sms").want(t, http.StatusSeeOther).location()
		return b, page, w.codeTo(t, number)
	}
	adding := w.browser(t).signIn(t, "user31@alder.example")
	adding.get(t, "/me")
	confirming, page, code := begin("user32@alder.example", "+4915112345627")
	resending, again, _ := begin("user33@alder.example", "+4915112345628")
	removing := w.withBackup(t, "user34@alder.example", "+4915112345629", "sms")
	var phoneID string
	w.one(t, &phoneID, "SELECT id FROM backup_phones WHERE number = '+4915112345629'")
	w.withBackup(t, "user35@alder.example", "+4915112345630", "sms")
	w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = 'user35@alder.example'")
	typing := w.browser(t)
	attempt := typing.begin(t, "user35@alder.example")
	typing.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
	signing := w.codeTo(t, "+4915112345630")
	w.act(t, "DELETE FROM outbox WHERE kind = 'sms'") // which would be tried meanwhile
	return []doing{
		{"POST /me/backup-phones", form(adding, "/me/backup-phones", "number", "+4915112345626", "channel", "sms"), http.StatusSeeOther},
		{"POST /me/backup-phones/new/:backup", form(confirming, page, "code", code), http.StatusSeeOther},
		{"POST /me/backup-phones/new/:backup/resend", form(resending, again+"/resend"), http.StatusSeeOther},
		{"POST /me/backup-phones/:backup/label", form(removing, "/me/backup-phones/"+phoneID+"/label", "label", "Office"), http.StatusSeeOther},
		{"POST /me/backup-phones/:backup/first", form(removing, "/me/backup-phones/"+phoneID+"/first"), http.StatusSeeOther},
		{"POST /me/backup-phones/:backup/remove", form(removing, "/me/backup-phones/"+phoneID+"/remove"), http.StatusSeeOther},
		{"POST /signin/:attempt/verify", form(typing, attempt+"/verify", "code", signing), http.StatusSeeOther},
	}
}
