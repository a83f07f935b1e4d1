package journey

import (
	"testing"

	"latchkey/app/store"
)

// A security administrator registers an application: what is wrong is said, its secret
// is shown once, one more address waits for a second person.
func TestApplicationsOfAnOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("security@alder.example", "/applications")
	p.WaitForText(".empty", "No application yet")
	p.Follow(".head .button.primary")
	p.Fill("#name", "Rota board")
	p.Fill("#redirects", "http://rota.alder.example/callback")
	p.Fill("#reason", "The wards plan with it")
	p.Follow("#main form button.primary")
	p.WaitForText("#redirects ~ .field-error", "https, or http on localhost")
	p.look("application-wrong")
	p.Fill("#redirects", "https://rota.alder.example/callback")
	p.Fill("#frequency", "30")
	p.Click("[name=strength][value=mfa]")
	p.Follow("#main form button.primary")
	p.WaitForText("h1", "The secret of the application")
	p.WaitFor("#client-secret")
	p.look("application-secret")
	p.Follow("#main a.button")
	p.WaitForText("h1", "Rota board")
	p.look("application")
	p.Open(h.URL + "/admin/alder/applications")
	p.WaitForText(".rows", "After 30 minutes")
	p.look("applications")

	p.Follow(".row .button.quiet")
	p.Fill("#redirects", "https://rota.alder.example/callback\nhttps://test.alder.example/callback")
	p.Fill("#reason", "A second system to test with")
	p.Follow("#main form button.primary")
	p.WaitForText("#main", "https://test.alder.example/callback")
	p.look("approval-application")
}
