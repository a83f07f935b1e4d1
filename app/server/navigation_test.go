package server_test

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/provider"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// beyond are the pages that stand in no navigation, with the place of it that leads
// to each; "" for what the frame around every page leads to.
var beyond = map[string]string{
	"/admin/:tenant/settings/desk-hours": "/admin/:tenant/settings",
	"/me/secure":                         "", // where mails and notices lead
	"/me/passkeys/new":                   "/me/passkeys",
	"/me/lost-phone":                     "/me/phones",
	"/operator":                          "/operator/tenants",
	"/operator/tenants/new":              "/operator/tenants",

	"/admin/:tenant/code-sheets/batches":      "/admin/:tenant/code-sheets",
	"/admin/:tenant/code-sheets/batches/new":  "/admin/:tenant/code-sheets",
	"/admin/:tenant/search":                   "",
	"/admin/:tenant/audit/charts":             "/admin/:tenant/audit",
	"/admin/:tenant/audit/values":             "", // of a script
	"/admin/:tenant/audit/views":              "/admin/:tenant/audit",
	"/admin/:tenant/audit/checkpoint":         "", // and these two are for programs
	"/admin/:tenant/audit/proofs/inclusion":   "",
	"/admin/:tenant/audit/proofs/consistency": "",
	"/admin/:tenant/stay":                     "",
	"/admin/:tenant/stay/state":               "",
	"/admin/:tenant/users/new":                "/admin/:tenant/users",
	"/admin/:tenant/users/import":             "/admin/:tenant/users",
	"/admin/:tenant/roles/why":                "/admin/:tenant/roles",
	"/admin/:tenant/policy/replay":            "/admin/:tenant/policy",
	"/admin/:tenant/policy/differences":       "/admin/:tenant/policy",
	"/admin/:tenant/policy/what-if":           "/admin/:tenant/policy",
	"/admin/:tenant/roles/assign":             "/admin/:tenant/roles",
	"/admin/:tenant/roles/custom/new":         "/admin/:tenant/roles",
	"/admin/:tenant/settings/grants/new":      "/admin/:tenant/settings/grants",
	"/admin/:tenant/applications/new":         "/admin/:tenant/applications",
	"/admin/:tenant/outage/new":               "/admin/:tenant/outage",
	"/admin/:tenant/outage/drill":             "/admin/:tenant/outage",
	"/admin/:tenant/settings/places/new":      "/admin/:tenant/settings/places",

	"/admin/:tenant/settings/desk/reasons/new": "/admin/:tenant/settings/desk",
}

func init() {
	for _, c := range provider.Channels {
		beyond["/admin/:tenant/settings/providers/"+string(c)] = "/admin/:tenant/settings/providers"
	}
}

var (
	sideNav = regexp.MustCompile(`(?s)<nav class="side".*?</nav>`)
	hrefs   = regexp.MustCompile(`href="([^"]*)"`)
)

// navigation gives the addresses in the navigation of a page, in their order.
func navigation(a answer) (places []string) {
	for _, found := range hrefs.FindAllStringSubmatch(sideNav.FindString(a.body), -1) {
		places = append(places, found[1])
	}
	return places
}

// pagesBelow are the pages whose address begins with prefix and names nothing but
// the tenant; the pages of things are found in the lists.
func (c *cast) pagesBelow(prefix string) (paths []string) {
	for _, r := range c.Site.Routes() {
		rest, below := strings.CutPrefix(r.Path, prefix)
		if below && r.Method == http.MethodGet && (rest == "" || rest[0] == '/') && !strings.Contains(rest, ":") && !strings.HasSuffix(rest, "/live") {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// opens says whether somebody may open a page, if need be once they have proved it
// again; the chooser may lead on to the only tenant there is.
func (b *browser) opens(t *testing.T, path string) bool {
	t.Helper()
	a := b.get(t, path)
	if a.status == http.StatusSeeOther && strings.HasPrefix(a.location(), path+"/") {
		a = b.get(t, a.location())
	}
	return a.status == http.StatusOK || a.status == http.StatusSeeOther && strings.HasPrefix(a.location(), "/step-up?")
}

// holds compares the navigation of a page with what may be opened: each place of it
// opens, and each page that opens is in it, or behind one of its places.
func (c *cast) holds(t *testing.T, who string, b *browser, page, prefix string) (places []string) {
	t.Helper()
	places = navigation(b.get(t, page))
	for i, place := range places {
		if !b.opens(t, place) {
			t.Errorf("%s: the navigation of %s leads to %s, which does not open", who, page, place)
		}
		if slices.Index(places, place) != i {
			t.Errorf("%s: the navigation of %s has %s twice", who, page, place)
		}
	}
	for _, path := range c.pagesBelow(prefix) {
		needed := path
		if from, known := beyond[path]; known {
			needed = from
		}
		address := func(p string) string { return strings.Replace(p, ":tenant", "alder", 1) }
		if b.opens(t, address(path)) != slices.Contains(places, address(path)) && path == needed {
			t.Errorf("%s: %s opens: %t, and it stands in the navigation: %t", who, path, b.opens(t, address(path)), slices.Contains(places, address(path)))
		}
		if path != needed && needed != "" && b.opens(t, address(path)) && !slices.Contains(places, address(needed)) {
			t.Errorf("%s: %s opens, and %s, which leads there, does not stand in the navigation", who, path, needed)
		}
	}
	return places
}

// TestTheNavigationIsWhatMayBeOpened: for every built-in role, for operators who were
// let in, and for custom roles with any one of the permissions that there are.
func TestTheNavigationIsWhatMayBeOpened(t *testing.T) {
	storetest.Breadth(t)
	t.Parallel()
	c := newCast(t, store.SQLite) // what is on the pages is the same on both
	const console = "/admin/:tenant"
	for path := range beyond {
		if !slices.Contains(slices.Concat(c.pagesBelow(""), c.pagesBelow("/me"), c.pagesBelow("/operator"), c.pagesBelow(console)), path) {
			t.Errorf("there is no page %s", path)
		}
	}

	seen := map[access.Role][]string{}
	for role, b := range c.actors {
		if role != access.RoleUser && role != access.RoleOperator {
			seen[role] = c.holds(t, string(role), b, "/admin/alder", console)
		}
		if visitors[role] == "" && role != access.RoleOperator {
			c.holds(t, string(role), b, "/me", "/me")
		}
		if role == access.RoleOperator || visitors[role] != "" {
			c.holds(t, string(role), b, "/operator/tenants", "/operator")
		} else if b.opens(t, "/operator/tenants") {
			t.Errorf("%s: the console of operators opens", role)
		}
	}
	for role, b := range map[access.Role]*browser{access.RoleUser: c.actors[access.RoleUser], access.RoleOperator: c.actors[access.RoleOperator]} {
		for _, path := range c.pagesBelow(console) {
			if b.opens(t, strings.Replace(path, ":tenant", "alder", 1)) {
				t.Errorf("%s: %s opens", role, path)
			}
		}
	}
	// Not all alike: the roles differ in what they see.
	if a, b := len(seen[access.RoleHelpdesk]), len(seen[access.RoleSecurityAdministrator]); a == 0 || a >= b {
		t.Errorf("the helpdesk sees %v, the security administrator %v", seen[access.RoleHelpdesk], seen[access.RoleSecurityAdministrator])
	}
	if slices.Equal(seen[access.RoleAuditor], seen[access.RoleTenantAdministrator]) {
		t.Errorf("auditor and tenant administrator both see %v", seen[access.RoleAuditor])
	}

	tenantID, userID := c.person(t, "user9@alder.example")
	holder := c.browser(t).signIn(t, "user9@alder.example")
	c.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,'custom:own-alder','',?)", tenantID, userID, c.DB.Now())
	different := map[string]bool{}
	for p := range c.Rules.Composable() {
		c.act(t, "UPDATE custom_roles SET permissions = ? WHERE id = 'custom:own-alder'", string(p))
		if err := c.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		places := c.holds(t, "a custom role with "+string(p), holder, "/admin/alder", console)
		if len(places) == 0 {
			t.Errorf("whoever may %s sees no navigation", p)
		}
		different[fmt.Sprint(places)] = true
	}
	if len(different) < 3 {
		t.Errorf("custom roles see %v", slices.Collect(maps.Keys(different)))
	}
}

var (
	links = regexp.MustCompile(`(?s)<a\s[^>]*?href="([^"]*)"`)
	forms = regexp.MustCompile(`(?s)<form\s[^>]*>`)
	field = regexp.MustCompile(`\s(action|method)="([^"]*)"`)
)

// enough is how many addresses of one kind a crawl opens: the pages of people differ
// by who they are about, and the cast has one of each rank.
const enough = 12

// crawl follows every link, beginning at some pages, and presses every button of the
// console without a word. It gives how many pages of each kind opened, and how many
// buttons were pressed.
func (c *cast) crawl(t *testing.T, who string, b *browser, begin ...string) (opened map[string]int, pressed int) {
	t.Helper()
	kinds, seen := map[string]int{}, map[string]bool{}
	opened = map[string]int{}
	type step struct{ from, path string }
	var todo []step
	find := func(from, path string) {
		path, _, _ = strings.Cut(html.UnescapeString(path), "#")
		if path != "" && !seen[path] && kinds[c.kind(http.MethodGet, path)] < enough {
			seen[path] = true
			kinds[c.kind(http.MethodGet, path)]++
			todo = append(todo, step{from, path})
		}
	}
	for _, path := range begin {
		find("the start", path)
	}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if !strings.HasPrefix(at.path, "/") || strings.HasPrefix(at.path, "/static/") || strings.HasPrefix(at.path, "/phone") {
			continue // not ours, or no page of this side
		}
		a := b.get(t, at.path)
		switch {
		case a.status == http.StatusSeeOther && !strings.HasPrefix(a.location(), "/signin"):
			find(at.path, a.location())
			continue
		case a.status != http.StatusOK:
			t.Errorf("%s: %s leads to %s, which answers %d %s", who, at.from, at.path, a.status, a.location())
			continue
		}
		opened[c.kind(http.MethodGet, at.path)]++
		for _, found := range links.FindAllStringSubmatch(a.body, -1) {
			find(at.path, found[1])
		}
		for _, form := range forms.FindAllString(a.body, -1) {
			of := map[string]string{}
			for _, found := range field.FindAllStringSubmatch(form, -1) {
				of[found[1]] = html.UnescapeString(found[2])
			}
			action, _, _ := strings.Cut(of["action"], "?")
			kind := c.kind(http.MethodPost, action)
			switch {
			case !strings.EqualFold(of["method"], http.MethodPost):
				find(at.path, of["action"])
				continue
			case kind == "":
				t.Errorf("%s: a form of %s goes to %s, which takes none", who, at.path, action)
				continue
			case !strings.HasPrefix(kind, "/admin/:tenant/") || seen["POST "+action] || kinds["POST "+kind] >= enough:
				continue
			}
			seen["POST "+action] = true
			kinds["POST "+kind]++
			pressed++
			if a := b.post(t, action); a.status == http.StatusForbidden || a.status == http.StatusNotFound || a.status >= http.StatusInternalServerError {
				t.Errorf("%s: a button of %s goes to %s, which answers %d", who, at.path, action, a.status)
			}
		}
	}
	return opened, pressed
}

// kind is the path of the route that an address belongs to; "" when there is none.
func (c *cast) kind(method, address string) (best string) {
	address, _, _ = strings.Cut(address, "?")
	parts := strings.Split(address, "/")
	named := 0
	for _, r := range c.Site.Routes() {
		pattern := strings.Split(r.Path, "/")
		if r.Method != method || len(pattern) != len(parts) {
			continue
		}
		fits, open := true, 0
		for i, part := range pattern {
			if strings.HasPrefix(part, ":") {
				open++
			} else if part != parts[i] {
				fits = false
			}
		}
		if fits && (best == "" || open < named) {
			best, named = r.Path, open
		}
	}
	return best
}

// TestNoLinkAndNoButtonIsDead: whatever a page shows to somebody, they may follow and
// press, on people of every rank; and so every page behind the sign-in is reached.
func TestNoLinkAndNoButtonIsDead(t *testing.T) {
	storetest.Breadth(t)
	t.Parallel()
	c := newCast(t, store.SQLite) // what is on the pages is the same on both
	reached := map[string]bool{}
	// Guests first: a security administrator presses the button that sends them away.
	for _, role := range slices.Concat(slices.Sorted(maps.Keys(visitors)), columns, []access.Role{access.RoleOperator}) {
		begin := []string{"/", "/me"}
		console := role != access.RoleUser && role != access.RoleOperator
		if console {
			begin = append(begin, "/admin")
			for _, target := range columns {
				begin = append(begin, "/admin/alder/users/"+c.targets["alder"][target])
			}
		}
		opened, pressed := c.crawl(t, string(role), c.actors[role], begin...)
		for kind := range opened {
			reached[kind] = true
		}
		if acts := console && role != access.RoleAuditor && visitors[role] != access.RoleAuditor; acts && pressed < 5 {
			t.Errorf("%s pressed %d buttons of the console; there are more", role, pressed)
		}
		t.Logf("%s opened %d kinds of pages and pressed %d buttons of the console", role, len(opened), pressed)
	}
	for _, r := range c.Site.Routes() {
		if r.Method == http.MethodGet && behind.MatchString(r.Path) && !reached[r.Path] && !unlinked[r.Path] {
			t.Errorf("no link leads to %s", r.Path)
		}
	}
}

// behind is where one goes by links, once signed in.
var behind = regexp.MustCompile(`^/(admin|me|operator)(/|$)`)

// unlinked are pages that no link of another page leads to.
var unlinked = map[string]bool{
	"/admin/:tenant/approvals/live": true, "/admin/:tenant/audit/live": true, "/admin/:tenant/audit/values": true, "/admin/:tenant/users/imports/:import/state": true, "/admin/:tenant/policy/replay/:replay/state": true, // of scripts
	"/admin/:tenant/audit/export/:export/file/:key": true, // it is made when it is asked for, and shown once
	"/admin/:tenant/stay":                           true, "/admin/:tenant/stay/state": true, "/admin/:tenant/caller-checks/:check/events": true, "/admin/:tenant/caller-checks/:check/state": true,
	"/me/phones/enrolments/:enrolment": true, "/me/totp/new/:totp": true, "/me/backup-phones/new/:backup": true, // after an act
	"/me/secure": true, "/operator": true, // of mails, and typed
	"/me/lost-phone":                  true,                                                                                                 // of who has a phone
	"/admin/:tenant/audit/checkpoint": true, "/admin/:tenant/audit/proofs/inclusion": true, "/admin/:tenant/audit/proofs/consistency": true, // of programs
	"/admin/:tenant/code-sheets/batches/:batch/state": true, // of scripts
	"/admin/:tenant/approvals/:request/sheet":         true, // of an outage that waits, see TestASheetStandsForTheSecondPersonOfAnOutage
	"/admin/:tenant/approvals/:request/people":        true, // of a list that waits, see TestAnApproverReadsEveryLineOfAList
	"/admin/:tenant/webhooks/:consumer":               true, // of consumers, and here there is none
	"/admin/:tenant/policy/differences/:decision":     true, // of decisions that differ, and here none does
}
