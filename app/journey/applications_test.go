package journey

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"latchkey/app/application"
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

// party is an application of alder with a page of its own, at another address.
func (h *house) party(frequency int) (address string) {
	h.t.Helper()
	var provider *oidc.Provider
	config := oauth2.Config{ClientID: application.NewID(), Scopes: []string{"openid", "profile"}}
	verifier := oauth2.GenerateVerifier()
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Rota</title><main><h1>Rota board</h1><form method="post" action="/begin"><button>Sign in</button></form></main>`)
	})
	mux.HandleFunc("/bye", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // the browser stays where it is
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, config.AuthCodeURL("here", oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		token, err := config.Exchange(r.Context(), r.URL.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			fmt.Fprintf(w, "<h1>Refused</h1><p>%s %v</p>", html.EscapeString(r.URL.Query().Get("error")), html.EscapeString(err.Error()))
			return
		}
		info, err := provider.UserInfo(r.Context(), oauth2.StaticTokenSource(token))
		if err != nil {
			fmt.Fprintf(w, "<h1>Refused</h1><p>%v</p>", html.EscapeString(err.Error()))
			return
		}
		var who struct {
			Name string `json:"preferred_username"`
		}
		_ = info.Claims(&who)
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Rota</title><main><h1>Your rota</h1><p id="who">%s</p><form method="post" action="/begin"><button>Sign in</button></form></main>`, html.EscapeString(who.Name))
	})
	there := httptest.NewServer(mux)
	h.t.Cleanup(there.Close)
	config.RedirectURL = there.URL + "/callback"
	h.exec(`INSERT INTO applications (tenant_id, id, name, kind, state, redirect_uris, logout_uris, start_url, frequency_minutes, created_at, changed_by, changed_at)
		SELECT id, ?, 'Rota board', 'public', 'on', ?, ?, ?, ?, ?, '', ? FROM tenants WHERE slug = 'alder'`,
		config.ClientID, config.RedirectURL, there.URL+"/bye", there.URL+"/", frequency, h.DB.Now(), h.DB.Now())
	var err error
	if provider, err = oidc.NewProvider(h.t.Context(), h.URL+"/t/alder"); err != nil {
		h.t.Fatal(err)
	}
	config.Endpoint = provider.Endpoint()
	return there.URL
}

// Somebody comes from an application, signs in by phone, which names it, and is back in
// it; a while later it asks for a proof again.
func TestToAnApplicationByPhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user1@alder.example"
	p, phone := h.ready(name)
	phone.Forgive("status of 401") // its clock is behind until the program tells it
	there := h.party(10)
	p.out()

	p.Open(there)
	p.Follow("button")
	p.WaitForText("#application", "Rota board")
	p.look("signin-application")
	p.Fill("#identifier", name)
	p.Follow(primary)
	if !p.Has("body[data-step=phone]") {
		p.Follow(useApp)
	}
	p.WaitForText("#application", "Rota board")
	number := p.number()
	phone.WaitForText("main", "Rota board")
	phone.approve(number)
	p.WaitForText("#who", name)

	h.later(11 * time.Minute)
	p.Follow("button")
	p.WaitForURL("/step-up")
	p.Follow("main form:has([value=phone]) button")
	number = p.number()
	phone.at("request", "[data-kind=step_up]")
	phone.approve(number)
	p.WaitForText("#who", name)

	p.Open(h.URL + "/")
	p.WaitForText("main", "Rota board")
	p.look("home-applications")
	p.Open(h.URL + "/me/sessions")
	p.WaitForText("main", "Also in Rota board")
	p.look("sessions-applications")
	p.Open(h.URL + "/t/alder/end-session?client_id=" + h.clientID() + "&post_logout_redirect_uri=" + url.QueryEscape(there+"/bye"))
	p.WaitForText("main", "Rota board asks")
	p.look("end-session")
	p.Follow(primary)
	p.WaitForText("h1", "On to Rota board")
	p.look("going-on")
	p.Open(h.URL + "/me")
	p.WaitForURL("/signin")
}

func (h *house) clientID() (id string) {
	h.t.Helper()
	if _, err := h.DB.View(h.t.Context()).One(&id, "SELECT id FROM applications LIMIT 1"); err != nil {
		h.t.Fatal(err)
	}
	return id
}
