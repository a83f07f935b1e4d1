package journey

import (
	"regexp"
	"testing"

	"latchkey/app/demo"
	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// keeps is a house that keeps its messages on a page, as the demonstration does.
func keeps(t *testing.T, dialect store.Dialect) *house {
	t.Helper()
	h := &house{Program: servertest.Start(t, dialect, func(s *server.Settings) { s.KeepMessages = true }), t: t}
	if err := demo.KeepMessages(t.Context(), h.DB); err != nil {
		t.Fatal(err)
	}
	return h
}

var inSMS = regexp.MustCompile(`\b([0-9]{6}) is your code for Alder Health`)

// sms reads the newest message on the page of the demonstration, once there are so many.
func (p *pc) sms(count string) string {
	p.t.Helper()
	p.Open(p.house.URL + "/demo/outbox")
	for range 100 {
		if p.Has(".rows > li:nth-child(" + count + ")") {
			break
		}
		p.Open(p.house.URL + "/demo/outbox")
	}
	found := inSMS.FindStringSubmatch(p.Text(".rows > li .message-text"))
	if found == nil {
		p.t.Fatalf("the newest message has no code: %s", p.Text("main"))
	}
	return found[1]
}

// A number is added, confirmed by the code that it got, and completes a password on
// another day; who has no second factor at hand but that one is offered it.
func TestABackupPhoneGetsTheCode(t *testing.T) {
	t.Parallel()
	const name = "user9@alder.example"
	h := keeps(t, store.SQLite)
	p, phone := h.pc(), h.pc()
	phone.Open(h.URL + "/demo/outbox")
	phone.WaitForText("main", "Nothing yet")
	p.enter(name)
	p.Open(h.URL + "/me/backup-phones")
	p.WaitForText("main", "No number yet")
	p.look("backup-phones-none")
	p.Fill("#number", "12345")
	p.Follow("#main form button.primary")
	p.WaitForText("#number ~ .field-error", "whole number")
	p.look("backup-phones-wrong")
	p.Fill("#number", "+49 151 12345678")
	p.Fill("#label", "Kitchen")
	p.Follow("#main form button.primary")
	p.WaitForText("main", "A code is on its way to +4915112345678")
	p.look("backup-phone-new")
	p.Fill("#code", "000000")
	p.Follow("#main form button.primary")
	p.WaitForText("#code ~ .field-error", "not the code")
	p.Fill("#code", phone.sms("1"))
	p.Follow("#main form button.primary")
	p.WaitForText(".flash", "The number is confirmed")
	p.WaitForText("main .rows", "Kitchen")
	p.look("backup-phones-one")
	p.Follow(".row-acts a[href*='instead']")
	p.WaitForText("#add", "Another number in place of Kitchen")
	p.look("backup-phones-instead")
	phone.look("demo-outbox")
	p.Open(h.URL + "/me")
	p.WaitForText("main", "Backup phones")
	p.look("overview-backup")
	p.out()

	h.exec("UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
	p.name(name)
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.WaitForText("body[data-step=sms] #sent-to", "+49 … 78")
	p.look("sms")
	p.Follow(helpLink)
	p.WaitForText("main", "A code by SMS")
	p.look("help-sms")
	p.Follow("form:has([value=sms]) button")
	p.Fill("#code", phone.sms("3"))
	p.Follow(primary)
	p.signedIn(name)
	p.out()

	// Before anything is proved the page says the same to everybody.
	p.name("nobody@alder.example")
	p.Follow(helpLink)
	p.Follow("form:has([value=voice]) button")
	p.WaitForText("body[data-step=voice] #sent-to", "If this name has")
	p.look("voice-nobody")
}

// A security administrator sets who carries SMS, and sees how it does.
func TestProvidersOfAnOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("security@alder.example")
	p.Open(h.URL + "/admin/alder/settings/providers")
	p.WaitForText("main", "Nobody gets a code by SMS")
	p.look("providers-none")
	p.Follow("[data-provider=sms] a")
	p.look("provider-new")
	p.Fill("#url", "http://sms.example")
	p.Fill("#account", "AC1")
	p.Fill("#sender", "+15550100")
	p.Follow("#main form button.primary")
	p.WaitForText("#url ~ .field-error", "begins with https://")
	p.WaitForText("#credential ~ .field-hint", "never shown again")
	p.look("provider-wrong")
	p.Fill("#url", "https://sms.example")
	p.Fill("#credential", "a credential")
	p.Follow("#main form button.primary")
	p.WaitForText(".flash", "The provider is saved")
	p.Fill("#countries", "XX")
	p.Follow("form[action$='/limits'] button.primary")
	p.WaitForText("#countries ~ .field-error", "no country")
	p.Fill("#countries", "DE, FR")
	p.Follow("form[action$='/limits'] button.primary")
	p.WaitForText(".flash", "Saved")
	h.exec(`INSERT INTO provider_health (tenant_id, channel, last_failure_at, failures_in_row, last_fault) SELECT id, 'sms', ?, 4, 'credentials' FROM tenants WHERE slug = 'alder'`, h.DB.Now())
	h.exec(`INSERT INTO outbox (tenant_id, id, kind, target, body, tries, created_at, due_at, expires_at, failed_at, fault)
		SELECT id, 'unsent', 'mail', 'user1@alder.example', '{"action":"user.locked"}', 6, ?, ?, ?, ?, 'refused' FROM tenants WHERE slug = 'alder'`, h.DB.Now(), h.DB.Now(), h.DB.Now(), h.DB.Now())
	p.Open(h.URL + "/admin/alder/settings/providers")
	p.WaitForText("[data-provider=sms]", "did not accept the credential")
	p.WaitForText("[data-message=unsent]", "us…@alder.example")
	p.look("providers-failing")
	p.Follow("[data-message=unsent] button")
	p.WaitForText(".flash", "on its way again")
	p.Open(h.URL + "/admin/alder/settings/providers/sms")
	p.WaitForText("#credential ~ .field-hint", "One is kept")
	p.look("provider-set")
}
