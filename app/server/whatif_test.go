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
		for _, name := range []string{"nobody@alder.example", "user1@birch.example"} {
			b.get(t, "/admin/alder/policy/what-if?user="+name).want(t, http.StatusUnprocessableEntity)
		}
		if w.one(t, &after, "SELECT count(*) FROM decisions"); after != before {
			t.Errorf("%d decisions were kept", after-before)
		}
	})
}
