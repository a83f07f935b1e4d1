package server_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/server"
)

// TestACensusOnItsPages: taken, looked at by roles that may, saved, and checked offline by
// the key that anybody gets.
func TestACensusOnItsPages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list = "/admin/alder/census"
		security, auditor, desk := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, "auditor@alder.example"), w.browser(t).signIn(t, deskOfAlder)
		desk.get(t, list).want(t, http.StatusForbidden)
		auditor.get(t, list).want(t, http.StatusOK)
		auditor.post(t, list, "reason", "x").want(t, http.StatusForbidden)
		security.get(t, list).want(t, http.StatusOK)
		if a := security.post(t, list, "reason", ""); a.status != http.StatusUnprocessableEntity {
			t.Errorf("without a reason = %d", a.status)
		}
		security.post(t, list, "reason", "to see").want(t, http.StatusSeeOther)
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = 'user2@alder.example'")
		w.act(t, "UPDATE users SET mfa_state = 'disabled' WHERE name IN ('user3@alder.example')")
		w.act(t, `INSERT INTO applications (tenant_id, id, name, kind, state, secret_digest, redirect_uris, created_at, changed_by, changed_at)
			SELECT id, 'rota', 'Rota', 'confidential', 'on', '', 'https://rota.example/', ?, '', ? FROM tenants WHERE slug = 'alder'`, w.now(), w.now())
		security.post(t, list, "reason", "to see again").want(t, http.StatusSeeOther)
		page := security.get(t, list).want(t, http.StatusOK).body
		if !strings.Contains(page, "Rising") || !strings.Contains(page, "<svg") {
			t.Errorf("the list says %s", excerpt(page))
		}
		one := security.get(t, list+"/2").want(t, http.StatusOK).body
		if !strings.Contains(one, "Keys of applications: 1") || !strings.Contains(one, "Rota") || !strings.Contains(one, "user3@alder.example") {
			t.Errorf("the census says %s", excerpt(one))
		}
		if body := auditor.get(t, list+"/2").want(t, http.StatusOK).body; !strings.Contains(body, "user3@alder.example") {
			t.Error("an auditor does not see who is behind a figure")
		}
		birch := w.browser(t).signIn(t, "security@birch.example")
		for _, path := range []string{"/1", "/2", "/1/file"} {
			birch.get(t, "/admin/birch/census"+path).want(t, http.StatusNotFound)
		}
		for _, number := range []string{"0", "3", "01", "x", "-1"} {
			security.get(t, list+"/"+number).want(t, http.StatusNotFound)
		}
		var key struct{ X string }
		w.browser(t).get(t, "/.well-known/latchkey-statement-key.json").want(t, http.StatusOK).decode(t, &key)
		folder := t.TempDir()
		save := func(number string) string {
			a := security.get(t, list+"/"+number+"/file").want(t, http.StatusOK)
			if !strings.Contains(a.header.Get("Content-Disposition"), "census-alder-"+number+".json") || strings.Contains(a.body, "user3@") {
				t.Errorf("the file comes with %q, or has names", a.header.Get("Content-Disposition"))
			}
			path := filepath.Join(folder, number+".json")
			if err := os.WriteFile(path, []byte(a.body), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		first, second := save("1"), save("2")
		var said bytes.Buffer
		if err := (&server.CensusVerify{File: second, Key: key.X, After: first}).Run(t.Context(), &said); err != nil || !strings.Contains(said.String(), "census 2") || !regexp.MustCompile(`1 +Keys of applications`).MatchString(said.String()) {
			t.Errorf("verify says %q, %v", said.String(), err)
		}
		if err := (&server.CensusVerify{File: first, Key: key.X, After: second}).Run(t.Context(), &said); err == nil {
			t.Error("the first follows the second")
		}
		text, err := os.ReadFile(second)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(second, bytes.Replace(text, []byte(`\"count\":1`), []byte(`\"count\":0`), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&server.CensusVerify{File: second, Key: key.X}).Run(t.Context(), &said); err == nil {
			t.Error("a figure that was changed passes")
		}
	})
}

// TestTheRegisterOnItsPage: what is on is listed for who may read it, and rests when an
// administrator has said why it stays.
func TestTheRegisterOnItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/risks"
		w.act(t, "UPDATE users SET mfa_state = 'disabled' WHERE name = 'user3@alder.example'")
		security, auditor, desk := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, "auditor@alder.example"), w.browser(t).signIn(t, deskOfAlder)
		desk.get(t, page).want(t, http.StatusForbidden)
		body := auditor.get(t, page).want(t, http.StatusOK).body
		if !strings.Contains(body, `data-risk="mfa_disabled"`) || !strings.Contains(body, `data-risk="break_glass_few"`) || strings.Contains(body, "acknowledge-") {
			t.Errorf("an auditor reads %s", excerpt(body))
		}
		until := w.now().AddDate(0, 1, 0).Format(time.DateOnly)
		auditor.post(t, page+"/mfa_disabled", "reason", "we know", "until", until).want(t, http.StatusForbidden)
		security.get(t, page).want(t, http.StatusOK)
		if a := security.post(t, page+"/mfa_disabled", "reason", "", "until", "soon"); a.status != http.StatusUnprocessableEntity || strings.Count(a.body, "field-error") < 2 {
			t.Errorf("a form that is wrong = %d", a.status)
		}
		security.post(t, page+"/nothing", "reason", "we know", "until", until).want(t, http.StatusNotFound)
		security.post(t, page+"/outage", "reason", "we know", "until", until).want(t, http.StatusConflict)
		security.post(t, page+"/mfa_disabled", "reason", "we know of it", "until", until).want(t, http.StatusSeeOther)
		_, resting, _ := strings.Cut(security.get(t, page).want(t, http.StatusOK).body, `id="resting-risks"`)
		if !strings.Contains(resting, `data-risk="mfa_disabled"`) || !strings.Contains(resting, "we know of it") || strings.Contains(resting, `data-risk="break_glass_few"`) {
			t.Errorf("afterwards there rests %s", excerpt(resting))
		}
		birch := w.browser(t).signIn(t, "security@birch.example")
		if body := birch.get(t, "/admin/birch/risks").want(t, http.StatusOK).body; strings.Contains(body, "we know of it") {
			t.Error("another organisation reads it")
		}
	})
}
