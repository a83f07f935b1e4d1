package journey

import (
	"context"
	"net"
	"testing"

	"latchkey/app/demo"
	"latchkey/app/store"
)

// An operator makes a tenant, its domain is proved, its first administrator comes
// by the link and lets the operator in for some hours; the tenant is suspended
// and resumed.
func TestOperatorLooksAfterATenant(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	h.Operator.Resolver = demo.Zone{DB: h.DB, Outside: net.DefaultResolver}
	p := h.pc()
	p.enter("operator@latchkey.example")
	p.WaitForText("main", "Operator console")
	p.look("operator-home")
	p.Follow(".bar-link")
	p.WaitForURL("/operator/tenants")
	p.WaitForText("tr[data-tenant=alder]", "Alder Health")
	p.look("operator-tenants")

	p.Follow("main .primary") // a new one
	p.look("operator-new")
	p.Fill("#tenant_name", "Cedar Works")
	p.Fill("#tenant_slug", "alder")
	p.Fill("#domain", "alder.example")
	p.Follow("main button.primary")
	p.WaitForText("#tenant_slug-error", "taken")
	p.look("operator-new-error")
	if got := Eval[string](p.Tab, "document.querySelector('#tenant_name').value"); got != "Cedar Works" {
		t.Errorf("the form came back with the name %q, not as it was typed", got)
	}
	p.Fill("#tenant_slug", "cedar")
	p.Fill("#domain", "cedar.example")
	p.Follow("main button.primary")
	p.WaitForText(".flash", "The tenant is made")
	link := p.Text("#setup-link")
	p.look("operator-tenant-new")
	p.Open(h.URL + "/operator/tenants/cedar")
	if p.Has("#setup-link") {
		t.Error("the set-up link is shown twice")
	}
	p.WaitForText("main", "was shown once")

	// The record is published, and another domain is not.
	p.Follow("[data-domain='cedar.example'] button.primary")
	p.WaitForText(".flash", "The domain is verified")
	p.Fill("#domain", "cedar works")
	p.Follow(".claim button")
	p.WaitForText("#domain-error", "example.org")
	p.Fill("#domain", "cedar-works.example")
	p.Follow(".claim button")
	p.WaitForText("[data-domain='cedar-works.example']", "Not verified")
	h.Operator.Resolver = nothing{}
	p.Follow("[data-domain='cedar-works.example'] button.primary")
	p.WaitForText("[data-domain='cedar-works.example'] [role=alert]", "no such record yet")
	p.look("operator-domain-refused")
	p.Click("[data-domain='cedar-works.example'] summary.danger")
	p.WaitForText("dialog[open]", "counts no more")
	p.look("operator-domain-remove")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "The domain is removed")

	// The first administrator.
	admin := h.pc()
	admin.Open(link)
	admin.WaitForText("h1", "Set up Cedar Works")
	admin.look("setup-invited")
	admin.Fill("#admin_name", "security")
	admin.Fill("#password", "three words and one more")
	admin.Fill("#password_again", "three words and one more")
	admin.Follow(primary)
	admin.WaitFor("body[data-step=setup-done]")
	admin.WaitForText("main", "security@cedar.example")
	admin.Follow(primary)
	admin.Follow(primary)
	admin.Fill("#password", "three words and one more")
	admin.Follow(primary)
	admin.Open(h.URL + "/admin/cedar")
	admin.Follow(".side li:last-child a")
	admin.WaitForText("main", "Nobody is let in")
	admin.look("grants-none")
	admin.Follow("main .primary")
	admin.look("grant-new")
	admin.Fill("#operator", "ghost@latchkey.example")
	admin.Fill("#reason", "Ticket 4711: sign-ins fail since noon")
	admin.Follow("main button.primary")
	admin.WaitForText("#operator-error", "No operator has this sign-in name")
	admin.look("grant-error")
	admin.Fill("#operator", "operator@latchkey.example")
	admin.Follow("main button.primary")
	admin.WaitForText(".flash", "The operator is let in")
	admin.WaitForText("main", "Ticket 4711")
	admin.look("grants")

	p.Open(h.URL + "/operator/tenants/cedar")
	p.WaitForText("main", "Ticket 4711")
	p.look("operator-tenant")
	p.Click("#change summary")
	p.WaitFor("dialog[open] #ring")
	p.look("operator-change")
	Eval[bool](p.Tab, "document.querySelector('dialog[open] #ring').value = 'canary', true")
	p.Follow("dialog[open] button.primary")
	p.WaitForText(".flash", "The changes are saved")
	p.WaitForText(".facts", "Canary")

	admin.Click("summary.danger")
	admin.WaitForText("dialog[open]", "out within seconds")
	admin.look("grant-end")
	admin.Follow("dialog[open] button.danger")
	admin.WaitForText(".flash", "The access has ended")

	// Suspended, and back again.
	p.Click("#suspend summary")
	p.WaitForText("dialog[open]", "signed out within seconds")
	p.look("operator-suspend")
	Eval[bool](p.Tab, "document.querySelector('dialog[open] #reason').required = false, true")
	p.Follow("dialog[open] button.danger")
	p.WaitForText("dialog[open] .field-error", "Say why")
	p.look("operator-suspend-error")
	p.Fill("dialog[open] #reason", "The contract has ended")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "The tenant is suspended")
	p.WaitForText(".note", "The contract has ended")
	p.look("operator-suspended")
	admin.Open(h.URL + "/admin/cedar")
	admin.WaitFor("#identifier")
	p.Click("#resume summary")
	p.WaitFor("dialog[open] #reason")
	p.Fill("dialog[open] #reason", "It goes on")
	p.Follow("dialog[open] button.primary")
	p.WaitForText(".flash", "active again")
	admin.Open(h.URL + "/admin/cedar")
	admin.WaitForText(".bar-role", "Security administrator")

	// The list finds it, and the health is well.
	p.Open(h.URL + "/operator/tenants")
	p.Fill("#q", "nobody at all")
	p.Follow(".filter button")
	p.WaitForText("main", "No tenant fits")
	p.look("operator-tenants-none")
	p.Fill("#q", "EDAR")
	p.Follow(".filter button")
	p.WaitFor("tr[data-tenant=cedar]")
	if n := p.Count("tr[data-tenant]"); n != 1 {
		t.Errorf("%d tenants are called like it, want 1", n)
	}
	p.Follow(".side li:last-child a")
	p.until(".lead .tag.good", true) // slow for a moment is no fault
	p.WaitForText("main", "Everything works")
	p.look("operator-health")

	// A feature is taken from some, looked at before, and stopped from the keyboard.
	p.Open(h.URL + "/operator/releases")
	p.WaitForText("main", "Codes by SMS")
	p.look("operator-releases")
	p.Open(h.URL + "/operator/releases/sms")
	p.Fill("[name='share.eu.stable']", "25")
	p.Follow("button[name=preview]")
	p.WaitForText("main", "Nothing is saved yet")
	p.Fill("#reason", "slowly")
	p.Follow("section form button.primary")
	p.WaitForText("main", "Stable in Europe: 100 % → 25 %")
	p.look("operator-release")
}

// nothing is a zone without records.
type nothing struct{}

func (nothing) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// Every act of the operator is a form: it works without script.
func TestOperatorNeedsNoScript(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pcLike(Options{NoScript: true})
	p.enter("operator@latchkey.example")
	p.Open(h.URL + "/operator/tenants/birch")
	p.Fill("#domain", "second.example")
	p.Follow(".claim button")
	p.WaitForText("[data-domain='second.example']", "latchkey-verification=")
	p.Click("#change summary")
	p.WaitFor("#change #tenant_name")
	p.look("operator-no-script")
	p.Fill("#change #tenant_name", "Birch Haulage")
	p.Follow("#change button.primary")
	p.WaitForText("h1", "Birch Haulage")
	p.Click("#suspend summary")
	p.Fill("#suspend #reason", "A test")
	p.Follow("#suspend button.danger")
	p.WaitForText(".note", "A test")
	p.Click("#resume summary")
	p.Fill("#resume #reason", "The test is over")
	p.Follow("#resume button.primary")
	p.WaitForText(".head .tag", "Active")
}

// Whoever has the machine takes an operator by a link of the command line, who enters
// with a name of the platform.
func TestALinkMakesAnOperator(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	link, err := h.Setup.InviteOperator(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := h.pc()
	p.Open(h.URL + "/setup/" + link.Reveal())
	p.WaitFor("#admin_name")
	p.look("setup-operator")
	p.Fill("#admin_name", "second operator")
	p.Fill("#password", "short")
	p.Fill("#password_again", "other")
	p.Follow(primary)
	p.WaitForText("#password-error", "15 characters")
	p.look("setup-operator-error")
	p.Fill("#admin_name", "second")
	p.Fill("#password", "three words and one more")
	p.Fill("#password_again", "three words and one more")
	p.Follow(primary)
	p.WaitFor("body[data-step=setup-done]")
	p.WaitForText("main", "second@latchkey.example")
	p.look("setup-operator-done")
	p.Follow(primary)
	p.Follow(primary)
	p.Fill("#password", "three words and one more")
	p.Follow(primary)
	p.signedIn("second@latchkey.example")
	p.Open(h.URL + "/operator")
	p.WaitForURL("/operator/tenants")

	other := h.pc()
	other.Open(h.URL + "/setup/" + link.Reveal())
	other.WaitFor("body[data-step=problem][data-state='404']")
}
