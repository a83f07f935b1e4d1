package journey

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// A drill shows who could sign in; messages fail, and the page proposes an outage; two
// people declare it; everybody reads of it; somebody whose printed codes a pilot holds
// back signs in; it is ended, and a third person signs it off.
func TestAnOutageFromTheProposalToTheSignature(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name, second, third = "user10@alder.example", "user37@alder.example", "user38@alder.example"
	h.promote(second, access.RoleSecurityAdministrator)
	h.promote(third, access.RoleSecurityAdministrator)
	own := h.pc()
	own.enter(name)
	own.Open(h.URL + "/me/codes")
	own.Follow("form[action='/me/codes'] button.primary")
	own.WaitFor(".code-sheet")
	sheet := own.paper()
	own.Open(h.URL + "/me")
	var tenantID, pilot string
	for into, query := range map[*string]string{&tenantID: "SELECT id FROM tenants WHERE slug = 'alder'", &pilot: "SELECT g.id FROM groups g JOIN tenants t ON t.id = g.tenant_id WHERE t.slug = 'alder' AND g.name = 'pilot'"} {
		if _, err := h.DB.View(t.Context()).One(into, query); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
		return feature.Store(tx, tenantID, feature.PrintedCodes, feature.Rule{Stage: feature.Pilot, Include: []string{pilot}}, 1)
	}); err != nil {
		t.Fatal(err)
	}
	h.exec("UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)

	asks := h.pc()
	asks.console("security@alder.example", "/outage")
	asks.WaitForText("h1", "Outage")
	asks.look("outages-none")
	asks.Follow("a[href$='/outage/drill']")
	asks.Click("input[name=relaxes]")
	asks.Fill("#reason", "The yearly drill")
	asks.look("outage-drill")
	asks.Follow("main form button.primary")
	asks.WaitForText(".flash", "what the drill found")
	asks.WaitForText("#unable", "could sign in")
	asks.look("outage-drilled")

	h.exec("INSERT INTO channel_minutes (tenant_id, channel, minute, tried, failed) VALUES (?,'web_push',?,30,28), (?,'sms',?,12,12), (?,'mail',?,20,0)",
		tenantID, h.DB.Now().Truncate(time.Minute), tenantID, h.DB.Now().Truncate(time.Minute), tenantID, h.DB.Now().Truncate(time.Minute))
	if err := h.Outages.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	asks.Open(h.URL + "/")
	asks.WaitForText("main", "This does not arrive")
	asks.Open(h.URL + "/admin/alder/outage")
	asks.WaitForText("#proposal", "This fails now")
	asks.look("outage-proposed")
	asks.Follow("#proposal a")
	asks.Fill("#minutes", "5")
	asks.Fill("#reason", "Requests and messages do not arrive")
	asks.Follow("main form button.primary")
	asks.WaitForText(".field-error", "15 to 240")
	asks.look("outage-new")
	asks.Fill("#minutes", "60")
	asks.Click("input[value=longer_sessions]")
	asks.Follow("main form button.primary")
	asks.WaitForText("main", "Declare an outage")
	asks.look("outage-waits")

	other := h.pc()
	other.console(second, "/approvals")
	other.Follow("main .rows a")
	other.WaitForText("main", "Ways that the rollout holds back")
	other.Follow("form[action$='/approve'] button")
	other.Open(h.URL + "/admin/alder/outage")
	other.WaitForText(".banner", "may not arrive at the moment")
	other.look("outage-runs")

	own.Open(h.URL + "/me")
	own.WaitForText(".banner", "Expected until")
	own.look("me-outage")
	own.out()
	own.name(name)
	own.WaitForText(".banner", "Choose another way")
	own.look("signin-outage")
	own.Follow(helpLink)
	own.Follow("form:has([value=printed_code]) button")
	own.byCode(sheet)
	own.Fill("#password", servertest.Password)
	own.Follow(primary)
	own.signedIn(name)

	other.Follow("a[href*='/outage/']:not([href$='/new']):not([href$='/drill'])")
	other.WaitForText("tbody", name)
	other.look("outage-review")
	other.act("end", "Everything arrives again")
	other.WaitForText(".flash", "is over")
	if other.Has(".banner") {
		t.Error("it is over, and the page says that it runs")
	}
	other.WaitForText("main", "somebody else signs it off")

	signs := h.pc()
	signs.console(third, "/outage")
	signs.Follow("[data-outage] a")
	signs.WaitForText("#unsigned", "1 to be signed off")
	signs.look("outage-to-sign")
	signs.act("sign", "The nurse was at work, it is in order")
	signs.WaitForText("#signed-off", third)
	signs.look("outage-signed")

	// The session that the printed code made is gone with the outage.
	own.Forgive("status of 40")
	own.Open(h.URL + "/me")
	own.WaitForURL("/signin")
}
