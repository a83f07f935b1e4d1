package server_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/secret"
	"latchkey/app/web"
)

// side is the ids that a probe names: those of one tenant, or ids that nothing has.
type side struct {
	path   map[string]string // by parameter of a path
	fields url.Values        // by name, as forms and queries have them
}

// sides gives what is alder's, what is birch's, and what is nobody's.
func (c *cast) sides(t *testing.T, role access.Role) (own, other, none side) {
	t.Helper()
	of := func(slug, tenantID, user string, things map[string]string) side {
		s := side{path: map[string]string{":tenant": slug, ":user": user, ":device": "device-" + slug + "-" + string(role), ":passkey": "passkey-" + slug + "-" + string(role), ":request": "request-" + slug + "-" + string(access.RoleHelpdesk)}}
		for _, part := range []string{":group", ":role", ":import", ":replay", ":grant", ":place", ":reason", ":message", ":passcode", ":ticket", ":case", ":check", ":call", ":bypass", ":application", ":decision", ":ramp", ":schedule", ":outage", ":glass", ":census", ":consumer", ":alarm", ":hold", ":export", ":view", ":key", ":batch", ":sheet", ":event", ":thread"} {
			s.path[part] = things[part]
		}
		s.fields = url.Values{
			"tenant": {slug}, "tenant_id": {tenantID}, "slug": {slug}, "user": {user}, "user_id": {user}, "target": {user}, "target_id": {user}, "account_id": {s.path[":device"]},
			"device": {s.path[":device"]}, "group": {s.path[":group"]}, "groups": {s.path[":group"]}, "group_id": {s.path[":group"]}, "role": {access.CustomPrefix + s.path[":role"]},
			"import": {s.path[":import"]}, "request": {s.path[":request"]}, "grant": {s.path[":grant"]}, "place": {s.path[":place"]}, "case": {s.path[":case"]}, "check": {s.path[":check"]}, "replaces": {s.path[":bypass"]}, "caller_check": {s.path[":check"]}, "batch": {s.path[":batch"]}, "sheet": {s.path[":sheet"]}, "via": {"phone"}, "application": {s.path[":application"]}, "name": {"target-user@" + slug + ".example"}, "q": {user},
		}
		return s
	}
	nowhere := map[string]string{":ramp": "ramp-nowhere", ":outage": "outage-nowhere", ":glass": secret.System.ID(), ":census": "7099", ":consumer": "consumer-nowhere", ":alarm": "alarm-nowhere", ":hold": "hold-nowhere", ":export": "export-nowhere", ":view": "view-nowhere", ":key": "key-nowhere", ":event": "1795992000000000.nowhere", ":thread": "thread-nowhere", ":batch": "batch-nowhere", ":sheet": "paper-nowhere", ":schedule": "schedule-nowhere", ":group": secret.System.ID(), ":role": "own-nowhere", ":import": "importnowhere", ":replay": "replaynowhere", ":grant": secret.System.ID(), ":place": "place-nowhere", ":reason": "reason-nowhere", ":message": "unsentnowhere", ":passcode": "passcodenowhere", ":ticket": "TICKET-nowhere", ":case": "case-nowhere", ":check": "check-nowhere", ":call": "call-nowhere", ":bypass": "bypass-nowhere", ":application": "application-nowhere", ":decision": "hom23hidwk-decisionnowhere"}
	return of("alder", c.tenants["alder"], c.targets["alder"][role], c.things["alder"]), of("birch", c.tenants["birch"], c.targets["birch"][role], c.things["birch"]),
		of("nowhere", secret.System.ID(), secret.System.ID(), nowhere)
}

// address fills a path with the ids of s, in the tenant of own. Each id is written
// as spell does.
func (s side) address(path string, own side, spell func(string) string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		switch {
		case part == ":tenant":
			parts[i] = own.path[part]
		case strings.HasPrefix(part, ":"):
			parts[i] = spell(s.path[part])
		}
	}
	return strings.Join(parts, "/")
}

func plainly(id string) string { return id }

// ids counts what a path names besides the tenant.
func ids(route web.Route) int {
	return strings.Count(route.Path, ":") - strings.Count(route.Path, ":tenant")
}

// spelt writes each letter of an id as a browser writes special ones.
func spelt(id string) (text string) {
	for _, b := range []byte(id) {
		text += fmt.Sprintf("%%%02X", b)
	}
	return text
}

// swapped is an id with the other case of each letter.
func swapped(id string) string {
	return strings.Map(func(r rune) rune {
		if up := strings.ToUpper(string(r)); up != string(r) {
			return []rune(up)[0]
		}
		return []rune(strings.ToLower(string(r)))[0]
	}, id)
}

// probe is one request that names ids.
type probe struct {
	path, kind string // kind: of the body
	body       []byte
	header     []string
}

// shape is a place in a request where ids may stand. It gives nothing where a route
// has no such place.
type shape struct {
	name string
	make func(t *testing.T, route web.Route, own, s side, csrf string) (probe, bool)
}

func shapes() []shape {
	inPath := func(spell func(string) string) func(*testing.T, web.Route, side, side, string) (probe, bool) {
		return func(_ *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			return formTo(s.address(route.Path, own, spell), url.Values{"csrf": {csrf}}), ids(route) > 0
		}
	}
	beside := func(put func(own, s side) url.Values) func(*testing.T, web.Route, side, side, string) (probe, bool) {
		return func(_ *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			fields := put(own, s)
			path := own.address(route.Path, own, plainly)
			if route.Method == http.MethodGet {
				return probe{path: path + "?" + fields.Encode()}, true
			}
			fields.Set("csrf", csrf)
			return formTo(path, fields), true
		}
	}
	both := func(first, second side) url.Values {
		fields := url.Values{}
		for name := range first.fields {
			fields[name] = []string{first.fields.Get(name), second.fields.Get(name)}
		}
		return fields
	}
	onlyPost := func(make func(t *testing.T, path string, s side, csrf string) probe) func(*testing.T, web.Route, side, side, string) (probe, bool) {
		return func(t *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			return make(t, own.address(route.Path, own, plainly), s, csrf), route.Method == http.MethodPost
		}
	}
	with := func(header func(s side) []string) func(*testing.T, web.Route, side, side, string) (probe, bool) {
		return func(_ *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			p := formTo(own.address(route.Path, own, plainly), url.Values{"csrf": {csrf}})
			p.header = append(p.header, header(s)...)
			return p, true
		}
	}
	tenant := func(name func(s side) string) func(*testing.T, web.Route, side, side, string) (probe, bool) {
		return func(_ *testing.T, route web.Route, _, s side, csrf string) (probe, bool) {
			path := strings.Replace(s.address(route.Path, s, plainly), "/admin/"+s.path[":tenant"], "/admin/"+name(s), 1)
			return formTo(path, url.Values{"csrf": {csrf}}), strings.Contains(route.Path, ":tenant")
		}
	}
	return []shape{
		{"in the path", inPath(plainly)},
		{"in the path, each letter encoded", inPath(spelt)},
		{"in the path, in the other case", inPath(swapped)},
		{"in the path behind an own one", func(_ *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			if ids(route) < 2 {
				return probe{}, false
			}
			last := strings.LastIndex(route.Path, ":")
			path := own.address(route.Path[:last], own, plainly) + s.address(route.Path[last:], s, plainly)
			return formTo(path, url.Values{"csrf": {csrf}}), true
		}},
		{"in the path after an own one and a comma", func(_ *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			return formTo(own.address(route.Path, own, func(id string) string { return id + "," + s.path[":user"] }), url.Values{"csrf": {csrf}}), ids(route) > 0
		}},
		{"in the fields", beside(func(_, s side) url.Values {
			fields := url.Values{}
			for name, values := range s.fields {
				fields[name] = values
			}
			return fields
		})},
		{"in the fields after own ones", beside(both)},
		{"in the fields before own ones", beside(func(own, s side) url.Values { return both(s, own) })},
		{"in the query of a form", func(_ *testing.T, route web.Route, own, s side, csrf string) (probe, bool) {
			p := formTo(own.address(route.Path, own, plainly)+"?"+s.fields.Encode(), url.Values{"csrf": {csrf}})
			return p, route.Method == http.MethodPost
		}},
		{"in fields with brackets", beside(func(own, s side) url.Values {
			fields := url.Values{}
			for name := range s.fields {
				fields[name+"[]"], fields["act["+name+"]"] = both(own, s)[name], s.fields[name]
			}
			return fields
		})},
		{"in JSON", onlyPost(func(t *testing.T, path string, s side, _ string) probe {
			body, err := json.Marshal(s.fields)
			if err != nil {
				t.Fatal(err)
			}
			return probe{path: path, kind: "application/json", body: body}
		})},
		{"in JSON that says it is a form", onlyPost(func(t *testing.T, path string, s side, csrf string) probe {
			body, err := json.Marshal(s.fields)
			if err != nil {
				t.Fatal(err)
			}
			return probe{path: path, kind: formType, body: append([]byte("csrf="+url.QueryEscape(csrf)+"&"), body...)}
		})},
		{"in JSON within the fields of a form", beside(func(_, s side) url.Values {
			fields := url.Values{}
			for name, values := range s.fields {
				text, _ := json.Marshal(values)
				fields.Set(name, string(text))
			}
			return fields
		})},
		{"in parts", onlyPost(func(t *testing.T, path string, s side, csrf string) probe {
			var b bytes.Buffer
			parts := multipart.NewWriter(&b)
			_ = parts.SetBoundary("between")
			for name, values := range s.fields {
				_ = parts.WriteField(name, values[0])
			}
			_ = parts.WriteField("csrf", csrf)
			if err := parts.Close(); err != nil {
				t.Fatal(err)
			}
			return probe{path: path, kind: parts.FormDataContentType(), body: b.Bytes()}
		})},
		{"in headers", with(func(s side) []string {
			elsewhere := "/admin/" + s.path[":tenant"] + "/users/" + s.path[":user"]
			return []string{
				"X-Tenant", s.path[":tenant"], "X-Tenant-Id", s.fields.Get("tenant_id"), "X-User-Id", s.path[":user"], "X-Forwarded-User", s.path[":user"], "X-Forwarded-Prefix", "/admin/" + s.path[":tenant"],
				"X-Original-Url", elsewhere, "X-Rewrite-Url", elsewhere, "Referer", "https://id.example.org" + elsewhere, "X-Http-Method-Override", "DELETE",
			}
		})},
		{"in cookies", with(func(s side) []string {
			return []string{"Cookie", "tenant=" + s.path[":tenant"] + "; latchkey_tenant=" + s.fields.Get("tenant_id") + "; user=" + s.path[":user"] + "; __Host-tenant=" + s.fields.Get("tenant_id")}
		})},
		{"as the tenant", tenant(func(s side) string { return s.path[":tenant"] })},
		{"as the tenant, in the other case", tenant(func(s side) string { return swapped(s.path[":tenant"]) })},
		{"as the tenant, by its id", tenant(func(s side) string { return s.fields.Get("tenant_id") })},
		{"as the tenant, behind the own one", tenant(func(s side) string { return "alder%2F..%2F" + s.path[":tenant"] })},
	}
}

func formTo(path string, fields url.Values) probe {
	return probe{path: path, kind: formType, body: []byte(fields.Encode())}
}

// asks sends a probe.
func (b *browser) asks(t *testing.T, method string, p probe) answer {
	t.Helper()
	var body io.Reader
	header := p.header
	if method != http.MethodGet {
		body, header = bytes.NewReader(p.body), append(header, "Content-Type", p.kind)
	}
	return send(t, b.client, b.request(t, method, p.path, body, header...))
}

// without is what an answer says, but for the ids of s, however they are written.
func (s side) without(a answer) string {
	var ids []string
	for _, id := range s.path {
		ids = append(ids, id)
	}
	for _, values := range s.fields {
		ids = append(ids, values...)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	for _, id := range ids {
		if strings.Trim(id, "0123456789") == "" {
			continue // it stands in other numbers too, and plainBody takes all of them
		}
		for _, written := range []string{id, swapped(id), spelt(id), url.QueryEscape(id)} {
			a.body = strings.ReplaceAll(a.body, written, "(one of these)")
		}
	}
	return fmt.Sprint(a.status, " ", a.header.Get("Content-Type"), "\n", plainBody(a))
}

// twins sends every shape with what is birch's and with what is nobody's, and
// compares: what is another tenant's must answer like what is not. It gives how
// many probes named what is birch's.
func (c *cast) twins(t *testing.T) (probes int) {
	t.Helper()
	b, csrf := c.actors[access.RoleSecurityAdministrator], ""
	b.get(t, "/admin/alder/users/new").want(t, http.StatusOK)
	csrf = b.csrf
	for _, role := range []access.Role{access.RoleUser, access.RoleSecurityAdministrator} {
		own, other, none := c.sides(t, role)
		for _, route := range c.consoleRoutes() {
			if role != access.RoleUser && !strings.Contains(route.Path, ":user") {
				continue // there is no target to tell apart
			}
			for _, shape := range shapes() {
				probes += alikes(t, route, shape, own, other, none, csrf, b.asks)
			}
		}
	}
	return probes
}

// alikes sends one shape with what is other's and with what is nobody's, and compares.
// It gives how many probes named what is other's.
func alikes(t *testing.T, route web.Route, shape shape, own, other, none side, csrf string, asks func(t *testing.T, method string, p probe) answer) int {
	t.Helper()
	nobodys, there := shape.make(t, route, own, none, csrf)
	if !there {
		return 0
	}
	others, _ := shape.make(t, route, own, other, csrf)
	without, with := asks(t, route.Method, nobodys), asks(t, route.Method, others)
	if with.status >= 500 || without.status >= 500 {
		t.Errorf("%s, %s %s = %d, and of nobody's %d", shape.name, route.Method, route.Path, with.status, without.status)
	}
	if route.Method != http.MethodGet && (without.status == http.StatusSeeOther || without.status == http.StatusConflict) {
		return 1 // it was decided, about what is one's own, and is not decided twice
	}
	if want, got := none.without(without), other.without(with); got != want {
		t.Errorf("%s, %s %s: what is another tenant's reads unlike what is nobody's:\n%s", shape.name, route.Method, route.Path, differs(want, got))
	}
	return 1
}

// differs shows where two texts part.
func differs(want, got string) string {
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	from := max(0, at-100)
	return fmt.Sprintf("nobody's  …%s\nanother's …%s", want[min(from, len(want)):min(len(want), at+200)], got[min(from, len(got)):min(len(got), at+200)])
}
