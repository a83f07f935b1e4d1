package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/store/storetest"
)

// belongings is every row that belongs to a tenant, by table.
func (c *cast) belongings(t *testing.T, slug string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for table, rows := range c.standing(t) {
		for _, row := range rows {
			if strings.Contains(row, c.tenants[slug]) {
				all[table] = append(all[table], row)
			}
		}
	}
	return all
}

// TestNothingCrossesFromOneTenantToAnother: the most powerful administrator of
// alder names birch and what is birch's in every place that a request has. Nothing
// of birch changes, and what is birch's answers like what is nobody's.
func TestNothingCrossesFromOneTenantToAnother(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			c := newCast(t, dialect)
			c.slowly()
			b := c.actors[access.RoleSecurityAdministrator]
			birch := url.Values{}
			for name, value := range map[string]string{
				"tenant": "birch", "tenant_id": c.tenants["birch"], "slug": "birch", "user": c.targets["birch"][access.RoleUser],
				"user_id": c.targets["birch"][access.RoleUser], "target": c.targets["birch"][access.RoleUser], "group": c.things["birch"][":group"],
				"groups": c.things["birch"][":group"], "role": access.CustomPrefix + c.things["birch"][":role"], "request": c.theirs["birch"][access.RoleHelpdesk],
				"name": "target-user@birch.example", "permissions": "user.lock", "match_mode": "type6", "match_mode_elsewhere": "type6", "networks": "198.51.100.0/24", "countries": "", "place": c.things["birch"][":place"], "reason_code": c.things["birch"][":reason"], "platforms": "ios", "version": "1", "mfa_state": "enabled",
				"stage": "pilot", "include_groups": c.things["birch"][":group"], "exclude_groups": "", "percentage": "5", "display_name": "Somebody", "operator": operatorName, "hours": "4", "confirmed": "office", "reason": "a probe", "ticket": "PROBE-1", "cause": "lost", "to": "desk@birch.example", "device": "device-birch-user", "case": c.things["birch"][":case"], "via": "phone", "caller_check": c.things["birch"][":check"], "application": c.things["birch"][":application"], "redirects": "https://app.example/callback", "delivery": "read_out", "minutes": "60", "replaces": c.things["birch"][":bypass"], "network": "203.0.113.0/24", "kind": "public", "frequency": "0", "failed": "sms", "relaxes": "held_back_ways", "names": "target-user@birch.example", "paper": "a4", "sheet": c.things["birch"][":sheet"], "batch": c.things["birch"][":batch"], "agent": "desk@birch.example", "digest": strings.Repeat("0", 64),
			} {
				birch.Set(name, value)
			}
			before := c.belongings(t, "birch")
			probes := c.twins(t)
			ask := func(method, path string, form url.Values, header ...string) answer {
				probes++
				if method == http.MethodGet {
					return b.get(t, path, header...)
				}
				form = url.Values{"csrf": {b.csrf}, "reason": {"a probe"}, "x": form["x"]}
				for name, values := range birch {
					form[name] = values
				}
				return b.saw(send(t, b.client, b.request(t, method, path, strings.NewReader(form.Encode()), append(header, "Content-Type", formType)...)))
			}
			for _, route := range c.consoleRoutes() {
				for _, role := range []access.Role{access.RoleUser, access.RoleHelpdesk, access.RoleSecurityAdministrator} {
					foreign := c.crossed(t, route.Path, role)
					if namesAnother(route.Path) {
						a := ask(route.Method, foreign, nil)
						a.is(t, http.StatusNotFound, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity)
						if route.Method == http.MethodGet {
							a.is(t, http.StatusNotFound)
						}
					}
					own := c.by(access.RoleSecurityAdministrator, "alder", c.fill(t, route.Path, "alder", c.targets["alder"][role], "device-alder-"+string(role)))
					other := strings.Replace(own, "/admin/alder", "/admin/birch", 1)
					for _, a := range []answer{
						ask(route.Method, own+"?"+birch.Encode(), nil),
						ask(route.Method, own, nil, "X-Tenant", "birch", "X-Tenant-Id", c.tenants["birch"], "X-Forwarded-Prefix", "/admin/birch", "X-Original-Url", other, "X-Rewrite-Url", other),
						ask(route.Method, own, url.Values{"x": {"1", "2"}}),
						ask(route.Method, other, nil),
						ask(route.Method, strings.Replace(own, "/admin/alder", "/admin/alder%2F..%2Fbirch", 1), nil),
						ask(route.Method, own, nil, "X-Http-Method-Override", "DELETE", "Cookie", "tenant=birch; latchkey_tenant="+c.tenants["birch"]),
					} {
						if a.status >= 500 {
							t.Errorf("%s = %d", a.asked, a.status)
						}
					}
				}
			}
			after := c.belongings(t, "birch")
			for table := range before {
				if !slices.Equal(before[table], after[table]) {
					t.Errorf("rows of birch in %s are not as they were", table)
				}
			}
			for table, rows := range after {
				if len(rows) != len(before[table]) {
					t.Errorf("birch has %d rows in %s, and had %d", len(rows), table, len(before[table]))
				}
			}
			if probes < 1900 {
				t.Errorf("%d probes were made; there are more", probes)
			}
			t.Logf("%d probes", probes)
		})
	}
}

// crossed fills a path under alder with what is birch's.
func (c *cast) crossed(t *testing.T, path string, role access.Role) string {
	t.Helper()
	filled := c.by(access.RoleHelpdesk, "birch", c.fill(t, path, "birch", c.targets["birch"][role], "device-birch-"+string(role)))
	return strings.Replace(filled, "/admin/birch", "/admin/alder", 1)
}
