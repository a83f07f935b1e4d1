package web

import (
	"testing"

	"latchkey/views/words"
)

func TestEveryActAndFieldHasItsWords(t *testing.T) {
	for kind := range acts {
		if key := "approval.kind." + string(kind); !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
	for field := range fields {
		if key := "approval.field." + field; !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
}

func TestHowChangesAreSaid(t *testing.T) {
	for _, row := range []struct{ field, before, after, name, was, is string }{
		{"role", "", "security_administrator", "Role", "none", "Security administrator"},
		{"role", "custom:Night desk", "custom:auditor", "Role", "Night desk (custom role)", "auditor (custom role)"},
		{"role", "emperor", "user", "Role", "emperor", "User"},
		{"scope", "", "Field, Office", "For", "the whole organisation", "Field, Office"},
		{"ends_at", "", "2026-03-01T09:00:00Z", "Until", "no end", "1 Mar 2026, 09:00 UTC"},
		{"ends_at", "soon", "", "Until", "soon", "no end"},
		{"state", "active", "locked", "Account", "active", "locked"},
		{"mfa_state", "disabled", "enforced", "Second factor", "disabled", "enforced"},
		{"mfa_state", "none", "active", "Second factor", "none", "active"},
		{"name", "", "state", "Name", "none", "state"},
		{"platforms", "ios,android", "ios,pigeon", "Phones that may be added", "iPhone and iPad, Android", "iPhone and iPad, pigeon"},
		{"method_sms", "", "sign_in,second_factor|Field, Office", "SMS", "off", "Sign-in, Second factor, for Field, Office"},
		{"strongest_first", "no", "yes", "The strongest way first", "no", "yes"},
		{"outage_failed", "", "push", "Does not work", "none", "Requests to phones"},
		{"outage_failed", "mail", "push,sms,pigeon", "Does not work", "Mails", "Requests to phones, text messages and pigeon"},
		{"some_day", "a", "", "some day", "a", "none"},
	} {
		name, was, is := Changed(t.Context(), row.field, row.before, row.after)
		if name != row.name || was != row.was || is != row.is {
			t.Errorf("%s from %q to %q is said as %q: %q, %q", row.field, row.before, row.after, name, was, is)
		}
	}
	if got := ActOn(t.Context(), "role.assign", ""); got != "Give a role" {
		t.Errorf("without a target: %q", got)
	}
	if got := ActOn(t.Context(), "bird.feed", "user3"); got != "bird.feed: user3" {
		t.Errorf("an act that nobody named: %q", got)
	}
}
