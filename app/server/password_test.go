package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAPasswordIsChangedAfterAStepUp walks the page.
func TestAPasswordIsChangedAfterAStepUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, next = "user1@alder.example", "four words and an owl"
		b, elsewhere := w.browser(t).signIn(t, name), w.browser(t).signIn(t, name)
		b.get(t, "/me/password").want(t, http.StatusOK)
		for claim, typed := range map[string][2]string{
			"too short": {"fourteen signs", "fourteen signs"}, "too common": {"1qaz2wsx3edc4rfv", "1qaz2wsx3edc4rfv"},
			"the organisation": {"Alder Health 2026", "Alder Health 2026"}, "two that differ": {next, next + "!"}, "the same": {passwordOfAll, passwordOfAll},
		} {
			a := b.post(t, "/me/password", "password", typed[0], "password_again", typed[1]).want(t, http.StatusUnprocessableEntity)
			if strings.Contains(a.body, typed[0]) {
				t.Errorf("%s: the form shows what was typed", claim)
			}
		}
		w.act(t, "UPDATE sessions SET proved_at = ?", w.now().Add(-6*60e9))
		if to := b.post(t, "/me/password", "password", next, "password_again", next).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
			t.Fatalf("without a step-up it leads to %s", to)
		}
		w.act(t, "UPDATE sessions SET proved_at = ?", w.now())
		b.post(t, "/me/password", "password", next, "password_again", next).want(t, http.StatusSeeOther)
		if b.signedIn(t) == elsewhere.signedIn(t) {
			t.Error("the other browser is signed in as this one is")
		}
		if page := b.get(t, "/").body; !strings.Contains(page, "The password of your account was changed") {
			t.Error("its user is not told")
		}
		pc := w.browser(t)
		attempt := pc.begin(t, name)
		pc.post(t, attempt+"/verify", "password", passwordOfAll).is(t, http.StatusUnauthorized)
		pc.post(t, attempt+"/verify", "password", next).want(t, http.StatusSeeOther)
	})
}

// TestALinkSetsAnotherPassword: it is shown to the administrator once, and says to
// its reader what it is for.
func TestALinkSetsAnotherPassword(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, next = "user1@alder.example", "four words and an owl"
		_, id := w.person(t, name)
		admin := w.browser(t).signIn(t, "admin@alder.example")
		person := "/admin/alder/users/" + id
		if page := admin.get(t, person).want(t, http.StatusOK).body; !strings.Contains(page, person+"/password-link") || strings.Contains(page, person+"/invitation") {
			t.Error("the page offers the wrong link")
		}
		link := invitationMark.FindString(admin.post(t, person+"/password-link", "reason", "forgotten").want(t, http.StatusOK).body)
		b := w.browser(t)
		if page := b.get(t, link).want(t, http.StatusOK).body; !strings.Contains(page, "Set another password") {
			t.Errorf("the page says %s", excerpt(page))
		}
		b.post(t, link, "password", next, "password_again", next).want(t, http.StatusSeeOther)
		b.post(t, link, "password", next, "password_again", next).is(t, http.StatusNotFound)
		attempt := b.begin(t, name)
		b.post(t, attempt+"/verify", "password", next).want(t, http.StatusSeeOther)
	})
}
