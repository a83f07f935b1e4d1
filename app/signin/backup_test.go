package signin_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/provider"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// carried gives a tenant somebody who carries SMS and calls.
func carried(h *House, tenantID string) {
	h.T.Helper()
	for _, c := range []provider.Channel{provider.SMS, provider.Voice} {
		h.Set("INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,?,'kept','','','','',1,'',?)", tenantID, c, h.Clock.Now())
	}
}

// codeTo is the last code that is owed to a number.
func codeTo(h *House, number string) string {
	h.T.Helper()
	id := h.Text("SELECT id FROM outbox WHERE target = ? ORDER BY created_at DESC, id LIMIT 1", number)
	if id == "" {
		return ""
	}
	code, err := h.Keys.Open(h.Alder.ID, "outbox.body "+id, h.Text("SELECT body FROM outbox WHERE id = ?", id))
	if err != nil {
		h.T.Fatal(err)
	}
	return code
}

// numbered confirms a number of a user's, long enough ago.
func numbered(h *House, u user.User, number string, c provider.Channel) {
	h.T.Helper()
	session, _ := h.Session(u)
	by := backupphone.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, SessionID: session}
	id, err := h.Backups.Begin(h.T.Context(), by, backupphone.Asked{Number: number, Channel: c}, audit.Origin{})
	if err != nil {
		h.T.Fatalf("Begin: %v", err)
	}
	if err := h.Backups.Confirm(h.T.Context(), by, id, codeTo(h, number), audit.Origin{}); err != nil {
		h.T.Fatalf("Confirm: %v", err)
	}
	h.Clock.Forward(time.Hour)
	h.Set("DELETE FROM outbox")
}

const mobile, office = "+4915112345678", "+4930901820"

// TestANumberBegunTwiceIsBoundOnce, and one whose time is over gets no other code.
func TestANumberBegunTwiceIsBoundOnce(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		carried(h, h.Alder.ID)
		u := h.User(h.Alder, "user1")
		session, _ := h.Session(u)
		by := backupphone.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, SessionID: session}
		var ids, codes [2]string
		for i := range ids {
			h.Set("DELETE FROM outbox")
			id, err := h.Backups.Begin(ctx, by, backupphone.Asked{Number: mobile, Channel: provider.SMS}, audit.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			ids[i], codes[i] = id, codeTo(h, mobile)
			h.Set("UPDATE backup_phones SET state = 'hidden' WHERE id = ?", id) // of two at once neither sees the other
		}
		h.Set("UPDATE backup_phones SET state = 'new'")
		if err := h.Backups.Confirm(ctx, by, ids[0], codes[0], audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "the same number once more", h.Backups.Confirm(ctx, by, ids[1], codes[1], audit.Origin{}), "backupphone.there")
		h.Clock.Forward(backupphone.CodeLife)
		h.Set("DELETE FROM outbox")
		WantCode(t, "another code too late", h.Backups.Resend(ctx, by, ids[1], audit.Origin{}), "backupphone.over")
		if n := h.Count("SELECT count(*) FROM outbox WHERE kind = 'sms'"); n != 0 {
			t.Errorf("%d codes are sent", n)
		}
	})
}

// eachCarried is Each for codes by SMS and for those by a call.
func eachCarried(t *testing.T, story func(h *House, way signin.Way)) {
	for _, way := range []signin.Way{signin.SMS, signin.Voice} {
		t.Run(string(way), func(t *testing.T) {
			Each(t, func(h *House) {
				carried(h, h.Alder.ID)
				story(h, way)
			})
		})
	}
}

// TestOfManyWithOneSentCodeOneSignsIn: five hundred at once, in one attempt.
func TestOfManyWithOneSentCodeOneSignsIn(t *testing.T) {
	eachCarried(t, func(h *House, way signin.Way) {
		u := h.User(h.Alder, "user1")
		numbered(h, u, mobile, provider.Channel(way))
		h.Demand(u, user.MFAEnforced)
		pc := Browser("a PC")
		a := h.Attempt(h.Begin(u.Name, signin.Password, pc), pc)
		if _, err := h.SignIn.VerifyPassword(h.T.Context(), a.ID, Password, pc); err != nil {
			h.T.Fatal(err)
		}
		code := codeTo(h, mobile)
		// Tries are few, and every one of these is to be checked: the one statement decides.
		h.Set("UPDATE attempts SET failures = -1000")
		sessions, done := h.Count("SELECT count(*) FROM sessions"), h.Events(audit.SignInFinished)
		tally := Tally(AtOnce(500, func(int) error {
			_, err := h.SignIn.VerifyPhoneCode(h.T.Context(), a.ID, code, pc)
			return err
		}))
		if tally["done"] != 1 {
			h.T.Errorf("of 500 with the right code: %v, want 1 done", tally)
		}
		if n := h.Count("SELECT count(*) FROM sessions") - sessions; n != 1 {
			h.T.Errorf("%d sessions were made, want 1", n)
		}
		if n := h.Events(audit.SignInFinished) - done; n != 1 {
			h.T.Errorf("%d events of success, want 1", n)
		}
		if n := h.Count("SELECT count(*) FROM phone_codes WHERE used_at IS NOT NULL"); n != 1 {
			h.T.Errorf("%d codes are used, want 1", n)
		}
	})
}

// TestOfManyWrongSentCodesFiveAreChecked in one attempt; a new code forgives none.
func TestOfManyWrongSentCodesFiveAreChecked(t *testing.T) {
	eachCarried(t, func(h *House, way signin.Way) {
		u := h.User(h.Alder, "user1")
		numbered(h, u, mobile, provider.Channel(way))
		pc := Browser("a PC")
		a := h.Attempt(h.Begin(u.Name, signin.Password, pc), pc)
		choose := func() error { return h.SignIn.Choose(h.T.Context(), a.ID, way, "", pc) }
		if err := choose(); err != nil {
			h.T.Fatal(err)
		}
		wrong := "000000"
		if codeTo(h, mobile) == wrong {
			wrong = "000001"
		}
		for range 3 {
			if _, err := h.SignIn.VerifyPhoneCode(h.T.Context(), a.ID, wrong, pc); !errors.Is(err, fault.Refused) {
				h.T.Fatal(err)
			}
		}
		if err := choose(); err != nil {
			h.T.Fatal(err)
		}
		if got := h.Attempt(a.ID, pc).Failures; got != 3 {
			h.T.Errorf("after a new code %d failures stand, want 3", got)
		}
		Tally(AtOnce(500, func(int) error {
			_, err := h.SignIn.VerifyPhoneCode(h.T.Context(), a.ID, "999999x", pc)
			return err
		}))
		if got := h.Count("SELECT in_a_row FROM throttles WHERE way = ?", way); got != 5 {
			h.T.Errorf("%d were counted, want 5", got)
		}
		if _, err := h.SignIn.VerifyPhoneCode(h.T.Context(), a.ID, codeTo(h, mobile), pc); !errors.Is(err, fault.Refused) {
			h.T.Errorf("the right code after five wrong ones = %v", err)
		}
	})
}

// TestOfManyCodesToANewNumberOneBinds, and of many wrong ones five are checked.
func TestOfManyCodesToANewNumberOneBinds(t *testing.T) {
	eachCarried(t, func(h *House, way signin.Way) {
		u := h.User(h.Alder, "user1")
		session, _ := h.Session(u)
		by := backupphone.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, SessionID: session}
		begin := func() (id string) {
			id, err := h.Backups.Begin(h.T.Context(), by, backupphone.Asked{Number: mobile, Channel: provider.Channel(way)}, audit.Origin{})
			if err != nil {
				h.T.Fatal(err)
			}
			return id
		}
		id := begin()
		wrong := Tally(AtOnce(500, func(int) error { return h.Backups.Confirm(h.T.Context(), by, id, "99999x", audit.Origin{}) }))
		if wrong["form.wrong"] != 5 || wrong["backupphone.over"] != 495 || h.Events(audit.BackupPhoneRefused) != 5 {
			h.T.Errorf("five hundred wrong codes: %v, with %d events", wrong, h.Events(audit.BackupPhoneRefused))
		}
		h.Set("DELETE FROM outbox")
		id = begin()
		code := codeTo(h, mobile)
		// Tries are few, and every one of these is to be checked: the one statement decides.
		h.Set("UPDATE backup_phones SET tries = -1000 WHERE id = ?", id)
		right := Tally(AtOnce(500, func(int) error { return h.Backups.Confirm(h.T.Context(), by, id, code, audit.Origin{}) }))
		if right["done"] != 1 || right["done"]+right["backupphone.over"] != 500 || h.Events(audit.BackupPhoneBound) != 1 {
			h.T.Errorf("five hundred right codes: %v, with %d events", right, h.Events(audit.BackupPhoneBound))
		}
		if n := h.Count("SELECT count(*) FROM backup_phones WHERE state = 'active'"); n != 1 {
			h.T.Errorf("%d numbers are bound, want 1", n)
		}
	})
}

// TestThreeCodesInTenMinutes: for one name however many ask at once, and five in an
// hour for a number that two people have.
func TestThreeCodesInTenMinutes(t *testing.T) {
	Each(t, func(h *House) {
		carried(h, h.Alder.ID)
		first, second := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		numbered(h, first, office, provider.Voice)
		numbered(h, second, office, provider.Voice)
		asks := func(name string, n int) map[string]int {
			attempts := make([]string, n)
			for i := range attempts {
				attempts[i] = h.Begin(name, signin.Password, Browser(fmt.Sprint("browser ", i)))
			}
			return Tally(AtOnce(n, func(i int) error {
				return h.SignIn.Choose(h.T.Context(), attempts[i], signin.Voice, "", Browser(fmt.Sprint("browser ", i)))
			}))
		}
		sent := func() int { return h.Count("SELECT count(*) FROM outbox WHERE target = ?", office) }
		if got := asks(first.Name, 20); got["done"] != 3 || got["backupphone.too_often"] != 17 {
			h.T.Errorf("of twenty at once: %v, want 3 done", got)
		}
		if got := sent(); got != 3 {
			h.T.Errorf("%d messages, want 3", got)
		}
		// The other one is told the same as ever, but the number has had enough.
		if got := asks(second.Name, 4); got["done"] != 3 {
			h.T.Errorf("for the other name: %v, want 3 done", got)
		}
		if got := sent(); got != 5 {
			h.T.Errorf("%d messages, want 5", got)
		}
		h.Clock.Forward(10 * time.Minute)
		if got := asks(first.Name, 1); got["done"] != 1 || sent() != 5 {
			h.T.Errorf("after ten minutes: %v and %d messages, want one done and no more messages", got, sent())
		}
		h.Clock.Forward(51 * time.Minute)
		if got := asks(first.Name, 1); got["done"] != 1 || sent() != 6 {
			h.T.Errorf("after an hour: %v and %d messages", got, sent())
		}
		// Nobody's name is counted like somebody's.
		if got := asks("nobody@alder.example", 20); got["done"] != 3 || got["backupphone.too_often"] != 17 {
			h.T.Errorf("for nobody's name: %v, want 3 done", got)
		}
	})
}

// TestTheBudgetOfADay: who has proved nothing can use up a quarter of it, and nobody
// more than all; tomorrow is another day.
func TestTheBudgetOfADay(t *testing.T) {
	Each(t, func(h *House) {
		carried(h, h.Alder.ID)
		const daily = 8
		var users []user.User
		for i := range 8 {
			u := h.User(h.Alder, fmt.Sprint("user", i))
			numbered(h, u, fmt.Sprintf("+491511234560%d", i), provider.SMS)
			h.Demand(u, user.MFAEnforced)
			users = append(users, u)
		}
		h.Clock.Forward(24 * time.Hour)
		h.Set("INSERT INTO message_limits (tenant_id, countries, daily_most, changed_at) VALUES (?,'DE',?,?)", h.Alder.ID, daily, h.Clock.Now())
		sent := func() int { return h.Count("SELECT count(*) FROM outbox WHERE kind = 'sms'") }
		for _, u := range users[:4] {
			if err := h.SignIn.Choose(h.T.Context(), h.Begin(u.Name, signin.Password, Browser(u.Name)), signin.SMS, "", Browser(u.Name)); err != nil {
				h.T.Fatal(err)
			}
		}
		if got := sent(); got != daily/4 {
			h.T.Errorf("%d messages for who has proved nothing, want %d", got, daily/4)
		}
		for range 2 {
			for _, u := range users {
				a := h.Begin(u.Name, signin.Password, Browser(u.Name))
				if _, err := h.SignIn.VerifyPassword(h.T.Context(), a, Password, Browser(u.Name)); err != nil {
					h.T.Fatal(err)
				}
			}
		}
		if got := sent(); got != daily {
			h.T.Errorf("%d messages on one day, want %d", got, daily)
		}
		h.Clock.Forward(24 * time.Hour)
		a := h.Begin(users[0].Name, signin.Password, Browser("tomorrow"))
		if _, err := h.SignIn.VerifyPassword(h.T.Context(), a, Password, Browser("tomorrow")); err != nil {
			h.T.Fatal(err)
		}
		if got := sent(); got != daily+1 {
			h.T.Errorf("%d messages on the day after, want 1", got-daily)
		}
	})
}

// TestWhatMayGetACode: dear numbers and those of other countries get none, when they
// are added and after the tenant has changed its mind.
func TestWhatMayGetACode(t *testing.T) {
	Each(t, func(h *House) {
		carried(h, h.Alder.ID)
		u := h.User(h.Alder, "user1")
		session, _ := h.Session(u)
		by := backupphone.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, SessionID: session}
		for _, c := range []struct {
			number  string
			channel provider.Channel
			wrong   string
		}{
			{"+49 900 1234567", provider.Voice, "backupphone.kind_refused"}, // premium
			{"+49 137 1234567", provider.Voice, "backupphone.kind_refused"}, // televoting
			{"+49 800 1234567", provider.Voice, "backupphone.kind_refused"}, // free for the caller
			{"+44 70 12345678", provider.SMS, "backupphone.kind_refused"},   // personal, British
			{"+881 6 1234 5678", provider.SMS, ""},                          // satellite, see below
			{"+1 212 555 0100", provider.Voice, "backupphone.country_refused"},
			{"+49 30 901820", provider.SMS, "backupphone.no_sms"},
			{"030 901820", provider.Voice, "backupphone.number_form"},
			{"+49 30 901820 ext. 5", provider.Voice, "backupphone.number_form"},
			{"hello", provider.Voice, "backupphone.number_form"},
			{"", provider.Voice, "backupphone.number_form"},
		} {
			_, err := h.Backups.Begin(h.T.Context(), by, backupphone.Asked{Number: c.number, Channel: c.channel}, audit.Origin{})
			if !errors.Is(err, fault.Invalid) || c.wrong != "" && fault.Of(err).Fields["number"] != c.wrong {
				h.T.Errorf("%q by %s = %v %v, want %s", c.number, c.channel, err, fault.Of(err).Fields, c.wrong)
			}
		}
		if n := h.Count("SELECT count(*) FROM outbox") + h.Count("SELECT count(*) FROM backup_phones"); n != 0 {
			h.T.Errorf("%d rows of what was refused", n)
		}
		numbered(h, u, mobile, provider.SMS)
		h.Set("INSERT INTO message_limits (tenant_id, countries, daily_most, changed_at) VALUES (?,'FR',100,?)", h.Alder.ID, h.Clock.Now())
		if err := h.SignIn.Choose(h.T.Context(), h.Begin(u.Name, signin.Password, Browser("a PC")), signin.SMS, "", Browser("a PC")); err != nil {
			h.T.Fatal(err)
		}
		if n := h.Count("SELECT count(*) FROM outbox WHERE kind = 'sms'"); n != 0 {
			h.T.Error("a number of a country that is no longer allowed gets a code")
		}
		// Another tenant has nobody who carries: the way is not there.
		v := h.User(h.Birch, "user1")
		if err := h.SignIn.Choose(h.T.Context(), h.Begin(v.Name, signin.Password, Browser("a PC")), signin.SMS, "", Browser("a PC")); !errors.Is(err, fault.Invalid) {
			h.T.Errorf("a way that is off = %v", err)
		}
	})
}

var sixDigits = regexp.MustCompile(`^[0-9]{6}$`)

// TestACodeEndsAtTheMinute, when its user is locked, and when a newer one is there.
func TestACodeEndsAtTheMinute(t *testing.T) {
	Each(t, func(h *House) {
		carried(h, h.Alder.ID)
		u := h.User(h.Alder, "user1")
		numbered(h, u, mobile, provider.SMS)
		h.Demand(u, user.MFAEnforced)
		pc := Browser("a PC")
		begin := func() (string, string) {
			h.Clock.Forward(time.Hour)
			a := h.Begin(u.Name, signin.Password, pc)
			if _, err := h.SignIn.VerifyPassword(h.T.Context(), a, Password, pc); err != nil {
				h.T.Fatal(err)
			}
			return a, codeTo(h, mobile)
		}
		refused := func(what, a, code string) {
			h.T.Helper()
			if _, err := h.SignIn.VerifyPhoneCode(h.T.Context(), a, code, pc); !errors.Is(err, fault.Refused) {
				h.T.Errorf("%s: %v", what, err)
			}
		}
		a, code := begin()
		h.Clock.Forward(10*time.Minute - time.Microsecond)
		if _, err := h.SignIn.VerifyPhoneCode(h.T.Context(), a, code, pc); err != nil || !sixDigits.MatchString(code) {
			h.T.Errorf("an instant before its end %q gives %v", code, err)
		}
		a, code = begin()
		h.Clock.Forward(10 * time.Minute)
		refused("the last instant is too late", a, code)

		a, code = begin()
		h.Clock.Forward(time.Microsecond)
		if err := h.SignIn.Choose(h.T.Context(), a, signin.SMS, "", pc); err != nil {
			h.T.Fatal(err)
		}
		if newer := codeTo(h, mobile); newer != code {
			refused("the one before the newest", a, code)
		}

		a, code = begin()
		h.Lock(u)
		refused("of a user who is locked", a, code)
	})
}

// TestARuleThatChangesHoldsForTheNextCode: a number that waits for its code gets no
// other one when its country or its way was taken off the list meanwhile.
func TestARuleThatChangesHoldsForTheNextCode(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		carried(h, h.Alder.ID)
		u := h.User(h.Alder, "user1")
		session, _ := h.Session(u)
		by := backupphone.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, SessionID: session}
		id, err := h.Backups.Begin(ctx, by, backupphone.Asked{Number: mobile, Channel: provider.SMS}, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		sent := func() int { return h.Count("SELECT count(*) FROM outbox WHERE target = ?", mobile) }
		h.Set("INSERT INTO message_limits (tenant_id, countries, daily_most, changed_at) VALUES (?,'FR',100,?)", h.Alder.ID, h.Clock.Now())
		WantCode(t, "of a country that is off", h.Backups.Resend(ctx, by, id, audit.Origin{}), "backupphone.number_refused")
		h.Set("UPDATE message_limits SET countries = 'DE'")
		turnOff(h, user.WithSMS)
		WantCode(t, "of a way that is off", h.Backups.Resend(ctx, by, id, audit.Origin{}), "method.off")
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		h.Set("DELETE FROM providers WHERE channel = 'sms'")
		WantCode(t, "carried by nobody", h.Backups.Resend(ctx, by, id, audit.Origin{}), "backupphone.not_carried")
		if sent() != 1 {
			t.Errorf("%d messages, want the first one", sent())
		}
		carriedBySMS := "INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,'sms','kept','','','','',1,'',?)"
		h.Set(carriedBySMS, h.Alder.ID, h.Clock.Now())
		if err := h.Backups.Resend(ctx, by, id, audit.Origin{}); err != nil || sent() != 2 {
			t.Errorf("Resend = %v, %d messages", err, sent())
		}
	})
}
