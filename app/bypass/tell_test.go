package bypass_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// texts are the notices by SMS that are owed, by their numbers.
func (d *desk) texts() map[string]notify.Told {
	d.T.Helper()
	var rows []struct{ ID, Target, Body string }
	if err := d.DB.View(d.T.Context()).All(&rows, "SELECT id, target, body FROM outbox WHERE kind = 'sms' AND tenant_id = ?", d.Alder.ID); err != nil {
		d.T.Fatal(err)
	}
	all := map[string]notify.Told{}
	for _, r := range rows {
		text, err := d.Keys.Open(d.Alder.ID, "outbox.body "+r.ID, r.Body)
		if err != nil {
			d.T.Fatal(err)
		}
		if body, is := strings.CutPrefix(text, "told "); is {
			var n notify.Told
			if err := json.Unmarshal([]byte(body), &n); err != nil {
				d.T.Fatal(err)
			}
			all[r.Target] = n
		}
	}
	return all
}

// kept is what the audit keeps of the last bypass that was given.
func (d *desk) kept() string {
	text := map[store.Dialect]string{store.SQLite: "CAST(record AS text)", store.Postgres: "convert_from(record, 'UTF8')"}[d.DB.Dialect]
	return d.Text("SELECT "+text+" FROM audit_events WHERE action = ? ORDER BY occurred_at DESC, id DESC LIMIT 1", audit.BypassIssued)
}

// TestItsPersonIsToldOnEveryChannel: pages, mail, every number that takes text messages,
// every phone that is bound; with one link in all of them, that works once.
func TestItsPersonIsToldOnEveryChannel(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const mobile, other, office = "+4915112300001", "+4915112300002", "+4930901820"
		d.BackupPhoneOf(d.nurse, mobile, "sms")
		d.BackupPhoneOf(d.nurse, other, "sms")
		d.BackupPhoneOf(d.nurse, office, "voice")
		d.BackupPhoneOf(d.porter, "+4915112300003", "sms")
		d.Set("INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,'mail','kept','','','','',1,'',?)", d.Alder.ID, d.Clock.Now())
		_, second := d.PhoneOf(d.nurse)
		_, gone := d.PhoneOf(d.nurse)
		_, silent := d.PhoneOf(d.nurse)
		for _, phone := range []string{d.account.AccountID, second.AccountID, gone.AccountID} {
			d.Set("UPDATE devices SET push_subscription = ? WHERE account_id = ?", "push to "+phone, phone)
		}
		d.Set("UPDATE devices SET state = 'revoked' WHERE account_id = ?", gone.AccountID)
		d.Set("UPDATE users SET display_name = 'Desk Two' WHERE id = ?", d.agent.ID)

		a := d.wants(d.agent, d.nurse)
		a.Kind, a.Minutes = bypass.Skip, 30
		caseID := d.Text("SELECT id FROM cases WHERE user_id = ?", d.nurse.ID)
		d.Set("INSERT INTO case_links (tenant_id, case_id, kind, target_id, added_by, added_at) VALUES (?,?,'device',?,?,?)", d.Alder.ID, caseID, second.AccountID, d.agent.ID, d.Clock.Now())
		id := d.given(d.agent, d.nurse, a)

		until := d.Clock.Now().Add(30 * time.Minute)
		full := func(claim string, n notify.Told) {
			t.Helper()
			if n.Action != audit.BypassIssued || n.Agent != user.Full(d.agent.Name, "Desk Two") || n.Case != "C-1001" || n.Until == nil || !n.Until.Equal(until) || n.Detail != "skip" || n.Disowning == "" && claim != "the pages" {
				t.Errorf("%s: told %+v", claim, n)
			}
		}
		pages, err := notify.Unseen(t.Context(), d.DB, d.Alder.ID, d.nurse.ID, "")
		if err != nil || len(pages) != 1 {
			t.Fatalf("the pages tell %+v, %v", pages, err)
		}
		full("the pages", pages[0])
		var mailed notify.Told
		if err := json.Unmarshal([]byte(d.Text("SELECT body FROM outbox WHERE kind = 'mail' AND target = ?", d.nurse.Name)), &mailed); err != nil {
			t.Fatal(err)
		}
		full("the mail", mailed)
		texts := d.texts()
		if len(texts) != 2 {
			t.Errorf("%d numbers are told, want the two that take text messages", len(texts))
		}
		for _, number := range []string{mobile, other} {
			full(number, texts[number])
		}
		pushed := func(account string) (n notify.Told) {
			t.Helper()
			var p notify.Pushed
			if err := json.Unmarshal([]byte(d.Text("SELECT body FROM outbox WHERE kind = 'web_push' AND target = ?", "push to "+account)), &p); err != nil || p.Notice == nil || p.Link != "" {
				t.Fatalf("the phone is owed %+v, %v", p, err)
			}
			return *p.Notice
		}
		full("the phone", pushed(d.account.AccountID))
		if n := pushed(second.AccountID); n.Agent+n.Case+n.Reason != "" || n.Disowning != mailed.Disowning || n.Action != audit.BypassIssued {
			t.Errorf("the phone that the case says is lost is told %+v", n)
		}
		if n := d.Count("SELECT count(*) FROM outbox WHERE kind = 'web_push'"); n != 2 {
			t.Errorf("%d pushes, want none to a phone that is revoked or that takes none (%s)", n, silent.AccountID)
		}
		if n := d.Count("SELECT count(*) FROM outbox WHERE body LIKE ?", "%"+d.Keys.ShortDisowning(d.Alder.ID, mailed.Disowning)+"%"); n != 0 {
			t.Error("what is owed has the link itself")
		}
		if got := d.kept(); !strings.Contains(got, `"told_phones":"2"`) || !strings.Contains(got, `"told_numbers":"2"`) {
			t.Errorf("the audit keeps %s", got)
		}

		short, long := d.Keys.ShortDisowning(d.Alder.ID, mailed.Disowning), d.Keys.Disowning(d.Alder.ID, mailed.Disowning)
		if about, err := d.bypasses.Look(t.Context(), short); err != nil || about.Kind != bypass.Skip || about.Reason != "" {
			t.Errorf("the short link shows %+v, %v", about, err)
		}
		if about, err := d.bypasses.Look(t.Context(), long); err != nil || about.Reason == "" {
			t.Errorf("the link of the mail shows %+v, %v", about, err)
		}
		for claim, wrong := range map[string]string{"another": "abcdefghijklmnop", "a part": short[:15], "more": short + "a", "its digest": d.Text("SELECT short_digest FROM disownings")} {
			WantCode(t, "a short link: "+claim, d.disowns(wrong), "bypass.link_gone")
		}
		got := Tally(AtOnce(20, func(i int) error {
			return d.disowns([]string{short, long, strings.ToUpper(short)}[i%3])
		}))
		if got["done"] != 1 || got["bypass.link_gone"] != 19 {
			t.Errorf("twenty at once by both links: %v", got)
		}
		if d.state(id) != "revoked" || d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID) != "locked" {
			t.Errorf("it is %s", d.state(id))
		}
	})
}

// TestAPassCodeIsSaidToWorkAsLongAsItMay: it is made up to an hour after it was given.
func TestAPassCodeIsSaidToWorkAsLongAsItMay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.given(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		told, err := notify.Unseen(t.Context(), d.DB, d.Alder.ID, d.nurse.ID, "")
		if err != nil || len(told) != 1 || told[0].Until == nil || !told[0].Until.Equal(d.Clock.Now().Add(2*time.Hour)) {
			t.Errorf("told %+v, %v", told, err)
		}
	})
}

// TestBrakesHoldMessagesAndNobodyElse: where one holds the person is helped all the same.
func TestBrakesHoldMessagesAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.BackupPhoneOf(d.nurse, "+4915112300001", "sms")
		d.BackupPhoneOf(d.nurse, "+4915112300002", "sms")
		tell := func(want string) {
			t.Helper()
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			a := d.wants(d.agent, d.nurse)
			a.Kind = bypass.Skip
			d.given(d.agent, d.nurse, a)
			if got := d.kept(); !strings.Contains(got, `"told_numbers":"`+want+`"`) {
				t.Errorf("the audit keeps %s, want %s numbers", got, want)
			}
			d.forward(time.Microsecond)
		}
		for range 3 {
			tell("2")
		}
		tell("0") // the fourth for them in ten minutes
		d.forward(10 * time.Minute)
		tell("2")
		tell("2")
		d.forward(10 * time.Minute)
		tell("0") // the sixth for each number in an hour
		d.forward(time.Hour)
		d.Set("INSERT INTO message_days (tenant_id, day, sent, unproved) VALUES (?,?,?,0) ON CONFLICT (tenant_id, day) DO UPDATE SET sent = excluded.sent", d.Alder.ID, d.Clock.Now().Format(time.DateOnly), provider.DailyMost-1)
		tell("1") // the last one of the budget
		tell("0")
		d.Set("DELETE FROM message_days")
		d.forward(time.Hour)
		d.Set("UPDATE tenants SET no_sign_in = 64, no_second = 64, no_recovery = 64")
		tell("0") // the way is off
		d.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		d.Set("DELETE FROM providers")
		tell("0") // nobody carries them
	})
}

// TestWhatCannotBeToldIsNotDone: with no outbox nothing is given.
func TestWhatCannotBeToldIsNotDone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.BackupPhoneOf(d.nurse, "+4915112300001", "sms")
		a := d.wants(d.agent, d.nurse)
		d.Set("ALTER TABLE outbox RENAME TO outbox_gone")
		_, err := d.ask(d.agent, d.nurse, a)
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("asking for it = %v", err)
		}
		d.Set("ALTER TABLE outbox_gone RENAME TO outbox")
		for claim, query := range map[string]string{
			"a bypass": "bypasses", "a link": "disownings", "a notice": "notices", "a brake": "code_times", "a message": "outbox WHERE kind <> 'web_push'",
			"a spent proof": "caller_checks WHERE spent_at IS NOT NULL", "an event": "audit_events WHERE action = 'bypass.issued'",
		} {
			if n := d.Count("SELECT count(*) FROM " + query); n != 0 {
				t.Errorf("what was not done has left %s", claim)
			}
		}
		d.given(d.agent, d.nurse, a)
	})
}
