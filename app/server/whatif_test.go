package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestWhatIfSaysWhatASignInThenDoes, keeps nothing, and knows nobody of another tenant.
func TestWhatIfSaysWhatASignInThenDoes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "admin@alder.example")
		var before, after int
		w.one(t, &before, "SELECT count(*) FROM decisions")
		says := func(query, text string) {
			t.Helper()
			page := b.get(t, "/admin/alder/policy/what-if?"+query).want(t, http.StatusOK)
			if !strings.Contains(page.body, text) {
				t.Errorf("%s does not say %q", query, text)
			}
		}
		says("user=user1@alder.example&way=password", "user1@alder.example gets in.")
		says("user=user1@alder.example&way=phone&address=203.0.113.9", "It is enough by itself.")
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = 'user1@alder.example'")
		says("user=user1@alder.example&way=password", "user1@alder.example does not get in.")
		says("user=user1@alder.example&way=password&way=totp", "gets in, with a second factor.")
		says("user=user1@alder.example&application=other", "Other applications are rolled out to them")
		// An application of the tenant says by itself whom it is for, and how strong a proof.
		register := func(tenant, id, strength, state string) {
			w.act(t, `INSERT INTO applications (tenant_id, id, name, kind, state, redirect_uris, strength, created_at, changed_by, changed_at)
				SELECT id, ?, ?, 'public', ?, 'https://app.example/callback', ?, ?, '', ? FROM tenants WHERE slug = ?`, id, "The "+id, state, strength, w.now(), w.now(), tenant)
		}
		register("alder", "payroll", "mfa", "on")
		register("alder", "vault", "phr", "on")
		register("alder", "wiki", "", "on")
		register("alder", "old", "", "off")
		register("birch", "freight", "", "on")
		w.act(t, "UPDATE users SET mfa_state = 'disabled' WHERE name = 'user1@alder.example'")
		const user1 = "user=user1@alder.example"
		says(user1+"&way=password&application=payroll", "The payroll then asks for more: Two factors.")
		says(user1+"&way=password&application=payroll", "user1@alder.example gets in, and The payroll asks for more: Two factors.")
		says(user1+"&way=password&way=phone&application=payroll", "user1@alder.example gets in.")
		says(user1+"&way=phone&application=vault", "The vault then asks for more: A passkey.")
		for _, enough := range []string{"&way=phone&application=payroll", "&way=passkey&application=vault", "&way=password&application=wiki"} {
			if strings.Contains(b.get(t, "/admin/alder/policy/what-if?"+user1+enough).want(t, http.StatusOK).body, "then asks for more") {
				t.Errorf("%s is not enough", enough)
			}
		}
		says(user1+"&application=old", "The old does not take user1@alder.example.")
		w.act(t, "INSERT INTO application_groups (tenant_id, application_id, group_id) SELECT tenant_id, 'wiki', id FROM groups WHERE name = 'office' AND tenant_id IN (SELECT id FROM tenants WHERE slug = 'alder')")
		w.act(t, "UPDATE applications SET limited = TRUE WHERE id = 'wiki'")
		says(user1+"&application=wiki", "It is for members of groups that this person is in none of.")
		if strings.Contains(b.get(t, "/admin/alder/policy/what-if?"+user1).body, "The freight") {
			t.Error("the applications of another tenant are offered")
		}
		for _, name := range []string{"nobody@alder.example", "user1@birch.example"} {
			b.get(t, "/admin/alder/policy/what-if?user="+name).want(t, http.StatusUnprocessableEntity)
		}
		if w.one(t, &after, "SELECT count(*) FROM decisions"); after != before {
			t.Errorf("%d decisions were kept", after-before)
		}
	})
}
