package phone

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	goodToken = "token-1"
	goodPIN   = "246810"
)

// fake is a service with one tenant, as far as a phone can see it. It checks
// every signature with another library than the one that makes them.
type fake struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	key      *jose.JSONWebKey // of the enrolled phone
	seen     map[string]bool  // jti
	pending  []Request
	events   chan string
	enabled  bool
	other    string            // the organisation that holds the phone
	answered map[string]string // request id to state
	push     Subscription
	tests    bool // POST …/test exists
	removed  bool
	pinForNo bool // a no is unlocked as well
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, seen: map[string]bool{}, answered: map[string]string{}, events: make(chan string, 8)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /phone/api/v1/enrolments", f.enrol)
	mux.HandleFunc("GET /phone/api/v1/accounts", f.proved(f.accounts))
	mux.HandleFunc("PUT /phone/api/v1/accounts/account-1/phone-sign-in", f.proved(f.enable))
	mux.HandleFunc("DELETE /phone/api/v1/accounts/account-1/phone-sign-in", f.proved(f.disable))
	mux.HandleFunc("POST /phone/api/v1/accounts/account-1/test", f.proved(f.test))
	mux.HandleFunc("GET /phone/api/v1/requests", f.proved(f.requests))
	mux.HandleFunc("GET /phone/api/v1/events", f.proved(f.stream))
	mux.HandleFunc("POST /phone/api/v1/requests/{id}/answer", f.proved(f.answer))
	mux.HandleFunc("PUT /phone/api/v1/push", f.proved(f.putPush))
	mux.HandleFunc("DELETE /phone/api/v1/devices/self", f.proved(f.remove))
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) link() string { return f.URL + "/phone#enrol=" + goodToken }

// ask puts a request before the phone.
func (f *fake) ask(id string, mode Mode) Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	r := Request{
		ID: id, Kind: "sign_in", Tenant: "alder", TenantName: "Alder Health", User: "user1@alder.example",
		Application: "Latchkey", Browser: "Firefox on Linux", Place: "Oslo \x1b[31mNO", IP: "192.0.2.7", NewBrowser: true,
		CreatedAt: now, ExpiresAt: now.Add(2 * time.Minute), Nonce: "nonce-" + id, Mode: mode,
	}
	if mode == Pick3 {
		r.Numbers = []string{"16", "48", "73"}
	}
	f.pending = append(f.pending, r)
	f.events <- id
	return r
}

// askAct puts a request before the phone that asks to approve an act.
func (f *fake) askAct(id string) {
	f.ask(id, Type2)
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &f.pending[len(f.pending)-1]
	r.Kind, r.Act, r.ActHash, r.Requester, r.Reason = "approval", "Give a role: Night Desk", "hash-"+id, "Security (security@alder.example)", "a new \x1b[2Jpost"
	r.Difference = []Change{{"Role", "Helpdesk", "Security administrator"}, {"For", "the whole organisation", "the whole organisation"}}
}

func (f *fake) state(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answered[id]
}

func (f *fake) enrol(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token     string          `json:"token"`
		Name      string          `json:"name"`
		Platform  string          `json:"platform"`
		PublicKey jose.JSONWebKey `json:"public_key"`
		PIN       string          `json:"pin"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, 400, "syntax", err.Error())
		return
	}
	if in.Token != goodToken {
		refuse(w, 401, "refused", "This link is used up.")
		return
	}
	if !in.PublicKey.Valid() || !in.PublicKey.IsPublic() || in.PIN != goodPIN || in.Name == "" || in.Platform != "terminal" {
		refuse(w, 422, "field", fmt.Sprintf("name %q, platform %q", in.Name, in.Platform))
		return
	}
	f.mu.Lock()
	f.key = &in.PublicKey
	f.mu.Unlock()
	reply(w, 201, map[string]any{
		"device_id": "device-1", "public_url": f.URL,
		"account": map[string]string{"id": "account-1", "tenant": "alder", "tenant_name": "Alder Health", "user": "user1@alder.example"},
	})
}

// proved checks the DPoP header as RFC 9449 §4.3 asks.
func (f *fake) proved(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f.check(r); err != nil {
			refuse(w, 401, "refused", err.Error())
			return
		}
		do(w, r)
	}
}

func (f *fake) check(r *http.Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	jws, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return err
	}
	head := jws.Signatures[0].Protected
	if head.ExtraHeaders["typ"] != "dpop+jwt" || head.KeyID != "device-1" || head.JSONWebKey == nil {
		return fmt.Errorf("header %+v", head)
	}
	if f.key == nil || f.removed || !f.key.Key.(*ecdsa.PublicKey).Equal(head.JSONWebKey.Key) {
		return fmt.Errorf("unknown device")
	}
	payload, err := jws.Verify(f.key)
	if err != nil {
		return err
	}
	var claims struct {
		JTI, HTM, HTU string
		IAT           int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	age := time.Since(time.Unix(claims.IAT, 0)).Abs()
	if claims.HTM != r.Method || claims.HTU != f.URL+r.URL.Path || age > 5*time.Minute || claims.JTI == "" || f.seen[claims.JTI] {
		return fmt.Errorf("claims %+v for %s %s", claims, r.Method, f.URL+r.URL.Path)
	}
	f.seen[claims.JTI] = true
	return nil
}

func (f *fake) accounts(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply(w, 200, []map[string]any{{
		"id": "account-1", "tenant": "alder", "tenant_name": "Alder Health", "user": "user1@alder.example",
		"phone_sign_in": f.enabled, "registered": f.enabled, "a_field_of_next_year": 1,
	}})
}

func (f *fake) enable(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.other != "" && r.URL.Query().Get("move") != "true" {
		reply(w, 409, map[string]string{"error": "registered_elsewhere", "tenant_name": f.other})
		return
	}
	f.other, f.enabled = "", true
	w.WriteHeader(204)
}

func (f *fake) disable(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enabled = false
	w.WriteHeader(204)
}

func (f *fake) test(w http.ResponseWriter, _ *http.Request) {
	if !f.tests {
		refuse(w, 404, "not_found", "")
		return
	}
	f.ask("test-1", Pick3)
	f.mu.Lock()
	f.pending[0].Kind = "test"
	f.mu.Unlock()
	reply(w, 201, map[string]string{"request_id": "test-1"})
}

func (f *fake) requests(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting := []Request{}
	for _, r := range f.pending {
		if f.answered[r.ID] == "" {
			waiting = append(waiting, r)
		}
	}
	reply(w, 200, waiting)
}

func (f *fake) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, ": hello\n\n")
	w.(http.Flusher).Flush()
	for {
		select {
		case id := <-f.events:
			fmt.Fprintf(w, "event: request\ndata: %s\n\n", id)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// answer takes 48 for every pick3 and type2, 123456 for every type6.
func (f *fake) answer(w http.ResponseWriter, r *http.Request) {
	var in struct{ Answer, PIN string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, 400, "syntax", err.Error())
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	jws, err := jose.ParseSignedCompact(in.Answer, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		refuse(w, 400, "syntax", err.Error())
		return
	}
	var got map[string]any
	payload, err := jws.Verify(f.key)
	if err == nil {
		err = json.Unmarshal(payload, &got)
	}
	if err != nil || in.PIN != goodPIN && (got["decision"] == "approve" || in.PIN != "" || f.pinForNo) {
		refuse(w, 401, "refused", "Not accepted.")
		return
	}
	id := r.PathValue("id")
	for _, asked := range f.pending {
		if asked.ID != id {
			continue
		}
		if f.answered[id] != "" {
			refuse(w, 409, "decided", "Decided.")
			return
		}
		want := map[string]any{
			"iss": "device-1", "aud": f.URL, "sub": "account-1", "jti": id, "nonce": asked.Nonce,
			"tenant": "alder", "decision": got["decision"], "iat": got["iat"],
		}
		if got["decision"] == "approve" {
			want["number"] = got["number"]
			if asked.ActHash != "" {
				want["act"] = asked.ActHash
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			refuse(w, 401, "refused", fmt.Sprintf("claims %v, want %v", got, want))
			return
		}
		right := map[Mode]string{Pick3: "48", Type2: "48", Type6: "123456"}[asked.Mode]
		switch {
		case got["decision"] == "report":
			f.answered[id] = "reported"
		case got["decision"] == "approve" && got["number"] == right:
			f.answered[id] = "approved"
		default:
			f.answered[id] = "denied"
		}
		reply(w, 200, map[string]string{"state": f.answered[id]})
		return
	}
	refuse(w, 404, "not_found", "")
}

func (f *fake) putPush(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := json.NewDecoder(r.Body).Decode(&f.push); err != nil || r.Header.Get("Content-Type") != "application/json" {
		refuse(w, 400, "syntax", fmt.Sprint(err))
		return
	}
	w.WriteHeader(204)
}

func (f *fake) remove(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removed = true
	w.WriteHeader(204)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	if status == 429 {
		w.Header().Set("Retry-After", "60")
	}
	reply(w, status, map[string]string{"error": code, "message": message})
}

// enrolled gives the fake and a client that it knows.
func enrolled(t *testing.T) (*fake, *Client) {
	t.Helper()
	f := newFake(t)
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{BaseURL: f.URL, Key: key}
	if _, err := c.Enrol(t.Context(), f.link(), "Desk terminal", "terminal", goodPIN); err != nil {
		t.Fatalf("Enrol = %v", err)
	}
	return f, c
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("the output lacks %q:\n%s", w, text)
		}
	}
}
