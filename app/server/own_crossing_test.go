package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/feature"
	"latchkey/app/secret"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/web"
)

// resident is somebody with all that a person can have, in one tenant: a browser
// that their phone signed in, and one more, a phone, a passkey and so on.
type resident struct {
	b, elsewhere *browser
	ph           *phone
	name         string
	attempt      string // that waits for the phone
	asked        asked
	number       string
	side
}

// settle makes a resident.
func (w *world) settle(t *testing.T, slug string) *resident {
	t.Helper()
	r := &resident{name: "user1@" + slug + ".example"}
	w.browser(t).signIn(t, r.name)
	r.ph, r.b = w.withPhone(t, r.name)
	r.b.byPhone(t, r.ph, r.name) // in a browser that is known: nothing is limited
	r.elsewhere = w.browser(t)
	r.attempt = r.elsewhere.askPhone(t, r.name)
	r.asked, r.number = r.ph.asks(t), number(r.elsewhere.get(t, r.attempt))
	r.b.get(t, "/me/phones").want(t, http.StatusOK)
	r.b.post(t, "/me/phones").want(t, http.StatusOK)

	tenantID, userID := w.person(t, r.name)
	now, soon := w.DB.Now(), w.DB.Now().Add(10*time.Minute)
	var here, there, enrolment string
	w.one(t, &here, "SELECT id FROM sessions WHERE user_id = ? ORDER BY created_at DESC LIMIT 1", userID)
	w.one(t, &there, "SELECT id FROM sessions WHERE user_id = ? ORDER BY created_at LIMIT 1", userID)
	w.one(t, &enrolment, "SELECT id FROM enrolments WHERE user_id = ? ORDER BY created_at DESC LIMIT 1", userID)
	r.path = map[string]string{
		":session": there, ":enrolment": enrolment, ":device": r.ph.account, ":account": r.ph.account, ":request": r.asked.ID, ":attempt": strings.TrimPrefix(r.attempt, "/signin/"),
		":vouch": "vouch-" + slug, ":tenant": slug, ":user": userID, ":feature": string(feature.TypedNumberMatch),
	}
	w.act(t, `INSERT INTO bypasses (tenant_id, id, user_id, kind, state, delivery, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at)
		VALUES (?,?,?,'pass_code','used','read_out',60,1,0,'','','phone','strong','',?,?,?)`, tenantID, "bypass-of-"+slug, userID, now, soon, now)
	w.act(t, "INSERT INTO vouches (tenant_id, id, user_id, session_id, bypass_id, kind, asked_id, state, begun_at, expires_at) VALUES (?,?,?,?,?,'manager','','denied',?,?)",
		tenantID, "vouch-"+slug, userID, here, "bypass-of-"+slug, now, soon)
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		return feature.Store(tx, tenantID, feature.TypedNumberMatch, feature.Rule{Stage: feature.UsersChoice}, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	for part, statement := range map[string]string{
		":totp":    "INSERT INTO totps (tenant_id, id, user_id, session_id, state, seed, created_at, expires_at) VALUES (?,?,?,?,'new','',?,?)",
		":passkey": "INSERT INTO passkeys (tenant_id, id, user_id, state, name, credential_id, public_key, format, aaguid, transports, sign_count, backup_eligible, backed_up, created_at, last_used_at) VALUES (?,?,?,'active','A passkey',?,'','none','','',0,FALSE,FALSE,?,?)",
		":notice":  "INSERT INTO notices (tenant_id, id, user_id, session_id, action, by_role, reason, at, seen_at) VALUES (?,?,?,?,'device.revoked','helpdesk','',?,?)",
		":browser": "INSERT INTO trusted_browsers (tenant_id, id, user_id, browser, token_digest, turned_by, created_at, last_used_at, ends_at) VALUES (?,?,?,?,'','',?,?,?)",
		":backup":  "INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at) VALUES (?,?,?,?,'+4930901820','voice','new','x',?,?)",
	} {
		r.path[part] = secret.System.ID()
		values := []any{tenantID, r.path[part], userID, here, now, soon}
		switch part {
		case ":notice":
			values[5] = nil
		case ":browser":
			values = append(values, soon)
		}
		w.act(t, statement, values...)
	}
	r.named(tenantID)
	return r
}

// named gives fields the ids of the path.
func (s *side) named(tenantID string) {
	s.fields = url.Values{"tenant": {s.path[":tenant"]}, "tenant_id": {tenantID}, "slug": {s.path[":tenant"]}, "user_id": {s.path[":user"]}, "account_id": {s.path[":account"]}, "id": {s.path[":device"]}}
	for part, id := range s.path {
		s.fields[strings.TrimPrefix(part, ":")] = []string{id}
	}
}

// nobodys is a side that has nothing.
func nobodys() side {
	s := side{path: map[string]string{":tenant": "nowhere", ":feature": string(feature.TypedNumberMatch), ":attempt": secret.System.ID() + "." + secret.System.ID()}}
	for _, part := range []string{":session", ":enrolment", ":device", ":request", ":user", ":totp", ":passkey", ":notice", ":browser", ":backup", ":vouch"} {
		s.path[part] = secret.System.ID()
	}
	s.path[":account"] = s.path[":device"]
	s.named(secret.System.ID())
	return s
}

// fits are fields that forms and calls must have, so that not their lack is what is
// answered.
var fits = map[string]string{"name": "Another name", "code": "123456", "method": "password", "password": passwordOfAll, "pin": "135790", "default_way": "password", "on": "yes"}

// fitting is a form with what forms must have.
func (p probe) fitting(t *testing.T) url.Values {
	t.Helper()
	fields, err := url.ParseQuery(string(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fits {
		if !fields.Has(name) {
			fields.Set(name, value)
		}
	}
	return fields
}

// fills is asks, with forms that are filled in.
func (b *browser) fills(t *testing.T, method string, p probe) answer {
	t.Helper()
	if p.kind == formType && !bytes.Contains(p.body, []byte("{")) {
		p.body = []byte(p.fitting(t).Encode())
	}
	return b.asks(t, method, p)
}

// sends makes a call with a proof for what a probe asks. A form becomes the object
// that calls take.
func (ph *phone) sends(t *testing.T, method string, p probe) answer {
	t.Helper()
	if p.kind == formType && !bytes.Contains(p.body, []byte("{")) {
		object := map[string]string{}
		for name, values := range p.fitting(t) {
			object[name] = values[0]
		}
		body, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		p.kind, p.body = "application/json", body
	}
	var body io.Reader
	if method != http.MethodGet {
		body = bytes.NewReader(p.body)
	}
	r := newRequest(t, method, ph.base+p.path, body)
	for i := 0; i+1 < len(p.header); i += 2 {
		r.Header.Add(p.header[i], p.header[i+1])
	}
	if body != nil {
		r.Header.Set("Content-Type", p.kind)
	}
	r.Header.Set("DPoP", ph.proof(method, strings.TrimPrefix(r.URL.EscapedPath(), api)).compact())
	return send(t, ph.client, r)
}

// saying are the shapes of calls of a phone: what others' ids may stand in besides
// paths and fields.
func (r *resident) saying(claims func(s side) map[string]any) func(*testing.T, web.Route, side, side, string) (probe, bool) {
	return func(t *testing.T, route web.Route, _, s side, _ string) (probe, bool) {
		said := r.ph.decision(r.asked, "approve", r.number)
		for name, value := range claims(s) {
			said.claims[name] = value
		}
		body, err := json.Marshal(map[string]any{"answer": said.compact(), "pin": r.ph.pin, "account_id": s.path[":account"], "device_id": s.path[":device"], "tenant": s.path[":tenant"]})
		if err != nil {
			t.Fatal(err)
		}
		return probe{path: s.address(route.Path, s, plainly), kind: "application/json", body: body}, strings.Contains(route.Path, ":request")
	}
}

// TestNothingOfOnesOwnCrosses: a session and a phone of alder name what is birch's
// wherever their pages and calls take an id. It answers like what is nobody's, and
// nothing of birch changes.
func TestNothingOfOnesOwnCrosses(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
			alder, birch := w.settle(t, "alder"), w.settle(t, "birch")
			c := &cast{world: w, tenants: map[string]string{"birch": birch.fields.Get("tenant_id")}}
			before := c.belongings(t, "birch")
			if len(before) < 15 {
				t.Fatalf("birch has rows in %d tables only", len(before))
			}
			phones := append(shapes(),
				shape{"in the claims", alder.saying(func(s side) map[string]any {
					return map[string]any{"sub": s.path[":account"], "jti": s.path[":request"], "tenant": s.path[":tenant"]}
				})},
				shape{"in some of the claims", alder.saying(func(s side) map[string]any {
					return map[string]any{"jti": s.path[":request"], "tenant": s.path[":tenant"]}
				})},
				shape{"in none of the claims", alder.saying(func(side) map[string]any { return nil })},
				shape{"in the claims, with the nonce and the number", alder.saying(func(s side) map[string]any {
					return map[string]any{"sub": s.path[":account"], "jti": s.path[":request"], "tenant": s.path[":tenant"], "nonce": birch.asked.Nonce, "number": birch.number}
				})},
				shape{"in the claims, as the other phone", alder.saying(func(s side) map[string]any {
					return map[string]any{"iss": birch.ph.device, "sub": s.path[":account"], "jti": s.path[":request"], "tenant": s.path[":tenant"], "nonce": birch.asked.Nonce, "number": birch.number}
				})},
			)
			probes, named := 0, map[string]bool{}
			for _, route := range w.Site.Routes() {
				own := route.Path == "/" || strings.HasPrefix(route.Path, "/step-up") || strings.HasPrefix(route.Path, "/me") || strings.HasPrefix(route.Path, "/signin/:attempt")
				call := strings.HasPrefix(route.Path, api) && !strings.HasSuffix(route.Path, "/enrolments") && !strings.HasSuffix(route.Path, "/self")
				if !own && !call || strings.HasSuffix(route.Path, "/events") {
					continue // an end of its own; see below
				}
				// What changes something is asked about what is not there: what one has
				// must last for the next probe.
				mine := alder.side
				if route.Method != http.MethodGet {
					mine = nobodys()
				}
				none := nobodys()
				asks, all := alder.b.fills, shapes()
				if call {
					asks, all = alder.ph.sends, phones
				}
				if random[route.Method+" "+route.Path] {
					whole := asks
					asks = func(t *testing.T, method string, p probe) answer {
						a := whole(t, method, p)
						a.body = ""
						return a
					}
				}
				if route.Method+" "+route.Path == "POST /me/codes" {
					// Few sheets are made in an hour, and each is the first one here.
					whole := asks
					asks = func(t *testing.T, method string, p probe) answer {
						w.act(t, "DELETE FROM printed_codes WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'alder')")
						w.act(t, "DELETE FROM code_sheets WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'alder')")
						return whole(t, method, p)
					}
				}
				for _, shape := range all {
					probes += alikes(t, route, shape, mine, birch.side, none, alder.b.csrf, asks)
				}
				for _, part := range strings.Split(route.Path, "/") {
					if strings.HasPrefix(part, ":") {
						named[part] = true
					}
				}
			}
			for part := range named {
				if none := nobodys(); none.path[part] == "" || birch.path[part] == "" {
					t.Errorf("this test knows no %s", part)
				}
			}
			// Streams, and the end of a phone.
			for _, path := range []string{"/signin/" + birch.path[":attempt"] + "/events", "/signin/" + nobodys().path[":attempt"] + "/events"} {
				alder.b.get(t, path).is(t, http.StatusNotFound)
			}
			alder.ph.call(t, http.MethodDelete, "/devices/"+birch.ph.device, nil).is(t, http.StatusNotFound, http.StatusMethodNotAllowed)
			// In the name of the other phone, with one's own key.
			forged := *alder.ph
			forged.device, forged.account = birch.ph.device, birch.ph.account
			for _, path := range []string{"/accounts", "/requests"} {
				forged.call(t, http.MethodGet, path, nil).is(t, http.StatusUnauthorized)
			}

			after := c.belongings(t, "birch")
			for table, rows := range after {
				if !slices.Equal(rows, before[table]) {
					t.Errorf("rows of birch in %s are not as they were:\n%s\n%s", table, fmt.Sprint(before[table]), fmt.Sprint(rows))
				}
			}
			// All of this was asked by somebody who may ask: what is their own is there.
			if !alder.b.signedIn(t) || !birch.b.signedIn(t) {
				t.Error("a session has ended, so that not everything was asked")
			}
			alder.b.get(t, "/me/phones/enrolments/"+alder.path[":enrolment"]).is(t, http.StatusOK)
			alder.b.get(t, "/me/backup-phones/new/"+alder.path[":backup"]).is(t, http.StatusOK)
			alder.b.post(t, "/me/passkeys/"+alder.path[":passkey"]+"/rename", "name", "Mine").is(t, http.StatusSeeOther)
			alder.b.post(t, "/me/phones/"+alder.path[":device"]+"/rename", "name", "Mine").is(t, http.StatusSeeOther)
			alder.b.post(t, "/me/notices/"+alder.path[":notice"]+"/seen").is(t, http.StatusSeeOther)
			alder.ph.answers(t, alder.asked, "approve", alder.number).is(t, http.StatusOK)
			birch.ph.answers(t, birch.asked, "approve", birch.number).is(t, http.StatusOK)
			if probes < 500 {
				t.Errorf("%d probes were made; there are more", probes)
			}
			t.Logf("%d probes", probes)
		})
	}
}

// random are answers that are never twice the same: they show what was made for them.
var random = map[string]bool{"POST /me/passkeys": true, "GET /me/passkeys/new": true, "POST /me/phones": true, "POST /me/codes": true}
