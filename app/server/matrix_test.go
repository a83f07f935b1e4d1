package server_test

import (
	_ "embed"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/secret"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/trail"
	"latchkey/app/user"
	"latchkey/app/web"
)

// The table of roles and duties, as it was agreed: who may do what to whom.
//
//go:embed testdata/roles.md
var dutiesTable string

// columns are the roles of the table, from left to right.
var columns = []access.Role{
	access.RoleUser, access.RoleHelpdesk, access.RoleHelpdeskLead, access.RoleTenantAdministrator, access.RoleSecurityAdministrator, access.RoleAuditor,
}

// unwritten are permissions that the table has no row for, with who holds them.
var unwritten = map[access.Permission][]access.Role{
	access.ConsoleEnter: columns[1:],
	access.RoleCompose:  {access.RoleSecurityAdministrator},

	access.CaseHandle:    columns[1:5],
	access.CaseView:      columns[1:],
	access.UserDisable:   {access.RoleTenantAdministrator, access.RoleSecurityAdministrator},
	access.OperatorGrant: {access.RoleSecurityAdministrator},
	access.OutageHandle:  {access.RoleSecurityAdministrator},
	access.RoleView:      {access.RoleTenantAdministrator, access.RoleSecurityAdministrator, access.RoleAuditor},
}

var (
	quoted = regexp.MustCompile("`([a-z_]*\\.[a-z_]+)`")
	verbs  = regexp.MustCompile(`^(hand over|request|approve)$`)
)

// duties reads the table: for each permission and role the condition in its
// cell, "✔" for none; a role that may not is not there.
func duties(t *testing.T) map[access.Permission]map[access.Role]string {
	t.Helper()
	all := map[access.Permission]map[access.Role]string{}
	note := func(p access.Permission, role access.Role, cell string) {
		if all[p] == nil {
			all[p] = map[access.Role]string{}
		}
		all[p][role] = cell
	}
	for _, line := range strings.Split(strings.TrimSpace(dutiesTable), "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if strings.Contains(line, "change or delete an audit event") {
			continue // for nobody: there is no such permission
		}
		if len(cells) != len(columns)+1 {
			t.Fatalf("%d cells in %q", len(cells), line)
		}
		noun := ""
		for _, found := range quoted.FindAllStringSubmatch(cells[0], -1) {
			name := found[1]
			if before, _, _ := strings.Cut(name, "."); before != "" {
				noun = before
			} else {
				name = noun + name
			}
			for i, role := range columns {
				cell := strings.TrimSpace(cells[i+1])
				switch {
				case cell == "–":
				case !verbs.MatchString(cell) || verbOf(cell, name):
					note(access.Permission(name), role, cell)
				case !strings.Contains(cells[0], "/"): // another verb than that of the row
					note(access.Permission(noun+"."+cell), role, "✔")
				}
			}
		}
	}
	for p, roles := range unwritten {
		for _, role := range roles {
			note(p, role, "✔")
		}
	}
	return all
}

// verbOf says whether a cell that names a verb means this permission. Who may
// approve may ask as well.
func verbOf(cell, permission string) bool {
	verb := strings.ReplaceAll(cell, " ", "_")
	return strings.HasSuffix(permission, "."+verb) || verb == "approve" && strings.HasSuffix(permission, ".request")
}

// cast is the world with an actor and a target of each rank in both tenants.
type cast struct {
	*world
	tenants map[string]string                 // slug to id
	targets map[string]map[access.Role]string // slug and role to the id of a user
	actors  map[access.Role]*browser
	selves  map[access.Role]string
	things  map[string]map[string]string      // slug and parameter to the id of a thing of that tenant
	theirs  map[string]map[access.Role]string // slug and role to the id of a request that the actor made there
}

var actorNames = map[access.Role]string{
	access.RoleUser: "user1", access.RoleHelpdesk: "desk", access.RoleHelpdeskLead: "lead", access.RoleTenantAdministrator: "admin",
	access.RoleSecurityAdministrator: "security", access.RoleAuditor: "auditor",
}

// visitors are operators whom alder let in, with what they are there.
var visitors = map[access.Role]access.Role{
	"visiting_auditor": access.RoleAuditor, "visiting_tenant_administrator": access.RoleTenantAdministrator,
}

// visit makes an operator, lets them into alder and signs them in.
func (c *cast) visit(t *testing.T, visitor, as access.Role) {
	t.Helper()
	name := strings.ReplaceAll(string(visitor), "_", "-") + "@latchkey.example"
	c.act(t, `INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at)
		SELECT tenant_id, ?, ?, '', state, mfa_state, password_hash, created_at FROM users WHERE name = ?`, string(visitor), name, operatorName)
	c.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,?,'',?)", access.Platform, string(visitor), access.RoleOperator, c.DB.Now())
	c.act(t, "INSERT INTO operator_grants (tenant_id, id, operator_id, role, reason, granted_by, granted_at, ends_at) VALUES (?,?,?,?,'','',?,?)",
		c.tenants["alder"], "grant-"+string(visitor), string(visitor), as, c.DB.Now(), c.DB.Now().Add(time.Hour))
	c.actors[visitor], c.selves[visitor] = c.browser(t).signIn(t, name), string(visitor)
}

// Two who hold no built-in role over the whole of alder: one of a custom role, and an
// administrator who is limited to a group.
const (
	composed access.Role = "composed"
	limited  access.Role = "limited_tenant_administrator"
)

// composedOf are the permissions of the custom role. Its rank is that of the helpdesk,
// the least who have all of them.
var composedOf = []access.Permission{access.UserLock, access.SessionEnd, access.AuthenticatorView}

// wholeTenant are the permissions that nobody has who is limited to groups.
var wholeTenant = []access.Permission{
	access.RolloutEdit, access.PolicyEdit, access.RoleCompose, access.OutageDeclare, access.IntegrationEdit, access.AuditExport, access.AuditVerify,
	access.UserImport, access.AuditReadPersonal,
}

// withinWard are the targets who are in the group that the limited one sees.
var withinWard = []access.Role{access.RoleUser, access.RoleHelpdesk}

// employ gives the two their roles and signs them in.
func (c *cast) employ(t *testing.T) {
	t.Helper()
	tenantID, ward := c.tenants["alder"], secret.System.ID()
	var permissions []string
	for _, p := range composedOf {
		permissions = append(permissions, string(p))
	}
	c.act(t, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:keepers','Keepers',?,'',?,?)",
		tenantID, strings.Join(permissions, ","), c.DB.Now(), c.DB.Now())
	c.act(t, "INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,'Ward',?)", tenantID, ward, c.DB.Now())
	for _, role := range withinWard {
		c.act(t, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, ?, id, name FROM users WHERE tenant_id = ? AND id = ?", ward, tenantID, c.targets["alder"][role])
	}
	for actor, is := range map[access.Role]struct{ name, role string }{
		composed: {"user2@alder.example", "custom:keepers"},
		limited:  {"user3@alder.example", string(access.RoleTenantAdministrator)},
	} {
		_, id := c.person(t, is.name)
		c.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,?,'',?)", tenantID, id, is.role, c.DB.Now())
		if actor == limited {
			c.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, id, ward)
		}
		c.actors[actor], c.selves[actor] = c.browser(t).signIn(t, is.name), id
	}
}

func newCast(t *testing.T, dialect store.Dialect) *cast {
	t.Helper()
	w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
	w.stood = time.Now()
	c := &cast{world: w, tenants: map[string]string{}, targets: map[string]map[access.Role]string{}, actors: map[access.Role]*browser{}, selves: map[access.Role]string{}, theirs: map[string]map[access.Role]string{"alder": {}, "birch": {}}}
	for _, slug := range []string{"alder", "birch"} {
		var tenantID string
		w.one(t, &tenantID, "SELECT id FROM tenants WHERE slug = ?", slug)
		c.tenants[slug], c.targets[slug] = tenantID, map[access.Role]string{}
		err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
			for _, role := range columns {
				u, err := user.Create(tx, tenantID, "target-"+string(role)+"@"+slug+".example", "A target", "", audit.Service, audit.Origin{})
				if err != nil {
					return err
				}
				c.targets[slug][role] = u.ID
				if role != access.RoleUser {
					if err := user.Assign(tx, tenantID, u.ID, role, audit.Service, audit.Origin{}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for role, id := range c.targets[slug] {
			w.act(t, `INSERT INTO totps (tenant_id, id, user_id, session_id, state, seed, created_at, expires_at, confirmed_at) VALUES (?,?,?,'','active','',?,?,?)`,
				tenantID, "totp-"+slug+"-"+string(role), id, w.DB.Now(), w.DB.Now(), w.DB.Now())
			w.act(t, `INSERT INTO code_sheets (tenant_id, id, serial, user_id, state, codes_left, created_by, created_at) VALUES (?,?,?,?,'active',10,'',?)`,
				tenantID, "sheet-"+slug+"-"+string(role), secret.System.Serial(), id, w.DB.Now())
			w.act(t, `INSERT INTO passkeys (tenant_id, id, user_id, state, name, credential_id, public_key, format, aaguid, transports, sign_count, backup_eligible, backed_up, created_at)
				VALUES (?,?,?,'active','A passkey',?,'','none','','',0,FALSE,FALSE,?)`, tenantID, "passkey-"+slug+"-"+string(role), id, "key-"+slug+"-"+string(role), w.DB.Now())
		}
		w.act(t, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,?,'Own','user.lock','',?,?)",
			tenantID, "custom:own-"+slug, w.DB.Now(), w.DB.Now())
		for role, id := range c.targets[slug] {
			w.act(t, `INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, created_at)
				VALUES (?,?,?,?,'A phone','ios','','','active',TRUE,?)`, tenantID, "device-"+slug+"-"+string(role), "key-"+slug+"-"+string(role), id, w.DB.Now())
		}
	}
	if err := w.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for role, name := range actorNames {
		c.actors[role] = w.browser(t).signIn(t, name+"@alder.example")
		_, c.selves[role] = w.person(t, name+"@alder.example")
	}
	c.actors[access.RoleOperator] = w.browser(t).signIn(t, operatorName)
	for visitor, as := range visitors {
		c.visit(t, visitor, as)
	}
	c.employ(t)
	if err := w.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.things = map[string]map[string]string{"alder": c.make(t, "alder"), "birch": c.make(t, "birch")}
	for slug, requests := range c.theirs {
		for role := range c.actors {
			id := "request-" + slug + "-" + string(role)
			w.act(t, `INSERT INTO approval_requests (tenant_id, id, kind, requester_id, target_id, parameters, difference, digest, reason, eyes, state, created_at, expires_at)
				VALUES (?,?,'role.assign',?,'','{}','[]',?,'a test','{"needs":["role.assign"]}','pending',?,?)`,
				c.tenants[slug], id, c.selves[role], id, w.DB.Now(), w.DB.Now().Add(time.Hour))
			requests[role] = id
		}
	}
	return c
}

// make makes one of each thing that the console has pages of.
func (c *cast) make(t *testing.T, slug string) map[string]string {
	t.Helper()
	tenantID, asked := c.tenants[slug], secret.System.ID()
	c.act(t, `INSERT INTO operator_grants (tenant_id, id, operator_id, role, reason, granted_by, granted_at, ends_at)
		VALUES (?,?,'somebody','auditor','','',?,?)`, tenantID, asked, c.DB.Now(), c.DB.Now().Add(time.Hour))
	c.act(t, "UPDATE tenants SET places = ? WHERE id = ?", `[{"id":"place-`+slug+`","name":"Office of `+slug+`","networks":["203.0.113.0/24"]}]`, tenantID)
	c.act(t, "UPDATE tenants SET desk_reasons = ? WHERE id = ?", `[{"code":"reason-`+slug+`","words":"Reason of `+slug+`"}]`, tenantID)
	c.act(t, "INSERT INTO replays (tenant_id, id, state, draft, base, days, most, created_by, created_at) VALUES (?,?,'done','{}','{}',7,10,'',?)", tenantID, "replay"+slug, c.DB.Now())
	c.act(t, "INSERT INTO imports (tenant_id, id, file_name, rows, total, problems, state, created_by, created_at) VALUES (?,?,'','{}',0,?,'checked','',?)",
		tenantID, "import"+slug, `[{"row":2,"field":"name","code":"import.domain"}]`, c.DB.Now())
	unsent := "unsent" + slug
	c.act(t, `INSERT INTO outbox (tenant_id, id, kind, target, body, created_at, due_at, expires_at, failed_at, fault) VALUES (?,?,'mail','user1@example.org','{}',?,?,?,?,'refused')`,
		tenantID, unsent, c.DB.Now(), c.DB.Now(), c.DB.Now(), c.DB.Now())
	c.act(t, "INSERT INTO static_passcodes (tenant_id, id, user_id, state, hours, reason, requested_by, approved_by, approved_at, expires_at) VALUES (?,?,?,'approved',1,'','','',?,?)",
		tenantID, "passcode"+slug, c.targets[slug][access.RoleUser], c.DB.Now(), c.DB.Now().Add(time.Hour))
	err := c.DB.Act(t.Context(), func(tx *store.Tx) error {
		for _, by := range c.selves { // everybody is told of their own acts
			e := audit.Event{TenantID: tenantID, Action: audit.UserLocked, Actor: audit.User(by), Target: audit.User(c.targets[slug][access.RoleUser]), Subject: c.targets[slug][access.RoleUser], Thread: "thread-" + slug}
			if err := audit.Record(tx, e.Under("TICKET-"+slug)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		ID         string
		OccurredAt time.Time
	}
	c.one(t, &event, "SELECT id, occurred_at FROM audit_events WHERE tenant_id = ? AND actor_id = ? AND action = 'user.locked' ORDER BY occurred_at DESC LIMIT 1", tenantID, c.selves[access.RoleHelpdesk])
	decided := decision.Made{At: c.DB.Now(), ID: "decision" + slug, UserID: c.targets[slug][access.RoleUser], Input: decision.Input{
		MFA: user.MFADisabled, Bound: user.WithPassword, Served: user.WithPassword, Way: user.WithPassword, Proves: user.WithPassword, Mode: tenant.Pick3,
	}}
	if err := c.DB.Act(t.Context(), func(tx *store.Tx) error {
		rules, err := decision.Load(tx, tenantID)
		if err != nil {
			return err
		}
		return decision.Keep(tx, tenantID, rules, []decision.Made{decided})
	}); err != nil {
		t.Fatal(err)
	}
	c.act(t, `INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,?,7,?,'lost','','open','','',?)`,
		tenantID, "case-"+slug, c.targets[slug][access.RoleUser], c.DB.Now())
	c.act(t, "INSERT INTO case_links (tenant_id, case_id, kind, target_id, added_by, added_at) VALUES (?,?,'device',?,'',?)",
		tenantID, "case-"+slug, "device-"+slug+"-"+string(access.RoleUser), c.DB.Now())
	c.act(t, `INSERT INTO bypasses (tenant_id, id, user_id, kind, state, delivery, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at)
		VALUES (?,?,?,'pass_code','ready','read_out',60,1,1,'','','phone','strong','',?,?,?)`, tenantID, "bypass-"+slug, c.targets[slug][access.RoleUser], c.DB.Now(), c.DB.Now().Add(time.Hour), c.DB.Now())
	c.act(t, `INSERT INTO vouches (tenant_id, id, user_id, session_id, bypass_id, case_id, kind, asked_id, number, state, begun_at, expires_at) VALUES (?,?,?,'',?,?,'call_back','','42','pending',?,?)`,
		tenantID, "call-"+slug, c.targets[slug][access.RoleUser], "bypass-"+slug, "case-"+slug, c.DB.Now(), c.DB.Now().Add(time.Hour))
	c.act(t, `INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at) VALUES (?,?,?,'somebody',?,'phone','','pending',?,?)`,
		tenantID, "check-"+slug, c.targets[slug][access.RoleUser], "case-"+slug, c.DB.Now(), c.DB.Now().Add(time.Hour))
	c.act(t, `INSERT INTO applications (tenant_id, id, name, kind, state, secret_digest, redirect_uris, created_at, changed_by, changed_at)
		VALUES (?,?,?,'confidential','on','','https://app.example/callback',?,'',?)`, tenantID, "application-"+slug, "Application of "+slug, c.DB.Now(), c.DB.Now())
	c.act(t, `INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, reason, ticket, requested_by, approved_by, began_at, ends_at, ended_at) VALUES (?,?,FALSE,'sms',1,TRUE,'','','somebody','',?,?,?)`,
		tenantID, "outage-"+slug, c.DB.Now(), c.DB.Now(), c.DB.Now())
	c.act(t, `INSERT INTO code_sheet_batches (tenant_id, id, number, state, renews, paper, instructions, people, total, done, created_by, created_at, made_at)
		VALUES (?,?,1,'made',FALSE,'a4','',?,1,1,'somebody',?,?)`, tenantID, "batch-"+slug, c.targets[slug][access.RoleUser], c.DB.Now(), c.DB.Now())
	c.act(t, `INSERT INTO code_sheets (tenant_id, id, serial, batch_id, user_id, custody, state, codes_left, created_by, created_at) VALUES (?,?,?,?,?,'nobody','unprinted',10,'somebody',?)`,
		tenantID, "paper-"+slug, secret.System.Serial(), "batch-"+slug, c.targets[slug][access.RoleUser], c.DB.Now())
	c.act(t, `INSERT INTO ramps (tenant_id, id, feature, state, plan, before, step, version, turn, entered_at, look_at, day_tries, day_failed, day_sign_ins, day_bypassed, reason, ticket, begun_by, approved_by, begun_at)
		VALUES (?,?,'passkeys','running',?,'{"stage":"off"}',0,1,1,?,?,0,0,0,0,'','','','',?)`, tenantID, "ramp-"+slug, rampPlan, c.DB.Now(), c.DB.Now().Add(time.Hour), c.DB.Now())
	c.act(t, `INSERT INTO rollout_schedules (tenant_id, feature, id, state, rule, before, version, at, loosens, reason, ticket, made_by, approved_by, made_at)
		VALUES (?,'passkeys',?,'waits','{"stage":"off"}','{"stage":"everyone"}',0,?,FALSE,'','','','',?)`, tenantID, "schedule-"+slug, c.DB.Now().Add(time.Hour), c.DB.Now())
	glass := "glass-" + slug
	c.act(t, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at, created_by, break_glass) VALUES (?,?,?,'Safe','active','disabled','',?,'',TRUE)", tenantID, glass, glass+"@"+slug+".example", c.DB.Now())
	c.act(t, "INSERT INTO break_glass_accounts (tenant_id, user_id, made_by, approved_by, made_at) VALUES (?,?,'','',?)", tenantID, glass, c.DB.Now())
	c.act(t, `INSERT INTO consumers (tenant_id, id, kind, name, form, url, roots, secret, personal, state, first_n, next_n, due_at, version, changed_by, changed_at)
		VALUES (?,?,'webhook','SIEM','jsonl','http://127.0.0.1:1/in','','',FALSE,'paused',0,0,?,1,'',?)`, tenantID, "consumer-"+slug, c.DB.Now(), c.DB.Now())
	c.act(t, `INSERT INTO alarms (tenant_id, id, rule, about_kind, about_id, test, count, first_at, last_at, next_n, raised_at) VALUES (?,?,'not_them','tenant',?,FALSE,3,?,?,0,?)`,
		tenantID, "alarm-"+slug, tenantID, c.DB.Now(), c.DB.Now(), c.DB.Now())
	c.act(t, "INSERT INTO audit_exports (tenant_id, id, state, form, query, many, created_by, created_at) VALUES (?,?,'draft','csv','{}',TRUE,'somebody',?)", tenantID, "export-"+slug, c.DB.Now())
	c.act(t, "INSERT INTO audit_keeping (tenant_id, holds, due_at) VALUES (?,1,?)", tenantID, c.DB.Now())
	c.act(t, "INSERT INTO audit_holds (tenant_id, id, reason, ticket, begun_by, begun_at) VALUES (?,?,'a court','','',?)", tenantID, "hold-"+slug, c.DB.Now())
	c.act(t, `INSERT INTO audit_views (tenant_id, id, owner_id, name, name_key, filters, shared, version, created_at, changed_at) VALUES (?,?,'somebody','Denied','denied','{"outcome":"denied"}',TRUE,1,?,?)`, tenantID, "view-"+slug, c.DB.Now(), c.DB.Now())
	number := map[string]int{"alder": 7001, "birch": 9001}[slug] // the next ones are taken by the program itself
	c.act(t, "INSERT INTO censuses (tenant_id, number, week, made_by, made_at, statement, signature, names) VALUES (?,?,'','',?,?,'','{}')", tenantID, number, c.DB.Now(),
		fmt.Sprintf(`{"kind":"latchkey census v1","tenant":"%s","number":%d,"made_at":"2026-11-01T00:00:00Z","figures":[]}`, slug, number))
	return map[string]string{
		":event":       trail.Position{At: event.OccurredAt, ID: event.ID}.String(),
		":thread":      "thread-" + slug,
		":glass":       glass,
		":census":      strconv.Itoa(number),
		":consumer":    "consumer-" + slug,
		":alarm":       "alarm-" + slug,
		":hold":        "hold-" + slug,
		":rule":        "not_them",
		":export":      "export-" + slug,
		":view":        "view-" + slug,
		":key":         "key-" + slug,
		":risk":        "mfa_disabled",
		":application": "application-" + slug,
		":ramp":        "ramp-" + slug,
		":schedule":    "schedule-" + slug,

		":reason":   "reason-" + slug,
		":case":     "case-" + slug,
		":bypass":   "bypass-" + slug,
		":batch":    "batch-" + slug,
		":sheet":    "paper-" + slug,
		":outage":   "outage-" + slug,
		":decision": decision.Address(decided.At, decided.ID),
		":check":    "check-" + slug,
		":call":     "call-" + slug,
		":ticket":   "TICKET-" + slug,
		":passcode": "passcode" + slug,
		":feature":  "passkeys",
		":message":  unsent, ":grant": asked, ":place": "place-" + slug, ":group": c.group(t, slug, "office"), ":role": "own-" + slug, ":import": "import" + slug, ":replay": "replay" + slug,
	}
}

// fill puts real ids into the path of a route, those of slug and of a target.
func (c *cast) fill(t *testing.T, path, slug, userID, device string) string {
	t.Helper()
	for _, part := range strings.Split(path, "/") {
		if !strings.HasPrefix(part, ":") {
			continue
		}
		value := ""
		switch part {
		case ":tenant":
			value = slug
		case ":user":
			value = userID
		case ":device":
			value = device
		case ":passkey":
			value = strings.Replace(device, "device-", "passkey-", 1)
		case ":request":
			value = "THEIRS" // see by
		default:
			known := ""
			if value, known = c.things[slug][part], c.things["alder"][part]; known == "" {
				t.Fatalf("%s: this test knows no %s", path, part)
			}
			if value == "" {
				value = "nothing"
			}
		}
		path = strings.Replace(path, part, value, 1)
	}
	return path
}

// by fills in the request for approval that an actor made.
func (c *cast) by(actor access.Role, slug, path string) string {
	return strings.ReplaceAll(path, "THEIRS", c.theirs[slug][actor])
}

// consoleRoutes are the routes under /admin/:tenant. Streams take a connection of
// their own, see TestTheCountIsLive.
func (c *cast) consoleRoutes() (routes []web.Route) {
	for _, r := range c.Site.Routes() {
		if strings.HasPrefix(r.Path, "/admin/:tenant") && !strings.HasSuffix(r.Path, "/live") && !strings.HasSuffix(r.Path, "/events") {
			routes = append(routes, r)
		}
	}
	return routes
}

// send asks a route as one would who presses the button without a word: what is
// permitted is asked for its reason, so nothing changes.
func (c *cast) send(t *testing.T, b *browser, method, path string) answer {
	t.Helper()
	if method == http.MethodGet {
		return b.get(t, path)
	}
	return b.post(t, path)
}

// looks are permissions that are not stopped by ranks.
var looks = map[access.Permission]bool{access.AuthenticatorView: true, access.AuditRead: true, access.ConsoleEnter: true, access.CaseView: true}

// TestTheWholeMatrixOverHTTP: every route of the console, by every role, by a custom one,
// by one that is limited to a group and by operators with a grant and without, on targets
// of every rank, in the own tenant, in another one, and on those of another one in the own.
func TestTheWholeMatrixOverHTTP(t *testing.T) {
	t.Parallel()
	table := duties(t)
	for _, dialect := range storetest.Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			c := newCast(t, dialect)
			c.slowly()
			cells := 0
			for _, route := range c.consoleRoutes() {
				if table[route.Needs] == nil {
					t.Errorf("%s %s needs %s, which the table does not know", route.Method, route.Path, route.Needs)
				}
				none, nobodys := map[access.Role]string{}, map[access.Role]answer{}
				_, _, nobody := c.sides(t, access.RoleUser)
				for actor, b := range c.actors {
					none[actor] = plainBody(c.send(t, b, route.Method, c.fill(t, route.Path, "nowhere", "nobody", "nothing")))
					nobodys[actor] = c.send(t, b, route.Method, nobody.address(route.Path, side{path: map[string]string{":tenant": "alder"}}, plainly))
				}
				for target, userID := range c.targets["alder"] {
					if !strings.Contains(route.Path, ":user") && target != access.RoleUser {
						continue // there is no target to tell apart
					}
					for actor, b := range c.actors {
						cells += 2
						path := c.fill(t, route.Path, "alder", userID, "device-alder-"+string(target))
						c.judged(t, route, c.send(t, b, route.Method, c.by(actor, "alder", path)), c.expect(table, route, actor, target, false))
						path = c.fill(t, route.Path, "birch", c.targets["birch"][target], "device-birch-"+string(target))
						a := c.send(t, b, route.Method, c.by(actor, "birch", path))
						if a.is(t, http.StatusNotFound) && plainBody(a) != none[actor] {
							t.Errorf("%s as %s reads unlike a tenant that is not there", a.asked, actor)
						}
						if !namesAnother(route.Path) {
							continue // nothing that could be another tenant's
						}
						cells++
						a = c.send(t, b, route.Method, strings.Replace(c.by(actor, "birch", path), "/admin/birch", "/admin/alder", 1))
						if a.status < 400 || a.status != nobodys[actor].status || plainBody(a) != plainBody(nobodys[actor]) {
							t.Errorf("%s as %s, of another tenant, = %d, and of nobody %d", a.asked, actor, a.status, nobodys[actor].status)
						}
					}
				}
				for actor, userID := range c.selves {
					if strings.Contains(route.Path, ":user") && visitors[actor] == "" {
						cells++
						path := c.fill(t, route.Path, "alder", userID, "device-alder-"+string(actor))
						c.judged(t, route, c.send(t, c.actors[actor], route.Method, path), c.expect(table, route, actor, actor, true))
					}
				}
			}
			cells += c.doors(t)
			if cells < 2000 {
				t.Errorf("the matrix has %d cells; there are more", cells)
			}
			t.Logf("%d cells", cells)
		})
	}
}

// doors asks /admin itself as everybody: it leads to the tenants that let them in, and
// to no other. It gives how many it asked as.
func (c *cast) doors(t *testing.T) int {
	t.Helper()
	for actor, b := range c.actors {
		want, lets := http.StatusOK, []string{"alder"}
		switch actor {
		case access.RoleUser:
			want, lets = http.StatusForbidden, nil
		case access.RoleOperator: // whom nobody has let in
			lets = nil
		}
		a := b.get(t, "/admin")
		a.is(t, want)
		for _, slug := range []string{"alder", "birch", "platform"} {
			if leads := strings.Contains(a.body, `href="/admin/`+slug+`"`); leads != slices.Contains(lets, slug) {
				t.Errorf("/admin as %s leads to %s: %t", actor, slug, leads)
			}
		}
	}
	if a := c.browser(t).get(t, "/admin"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/signin") {
		t.Errorf("/admin as nobody = %d to %s", a.status, a.location())
	}
	return len(c.actors) + 1
}

// expect says whether the table permits an act.
func (c *cast) expect(table map[access.Permission]map[access.Role]string, route web.Route, actor, target access.Role, self bool) int {
	if actor == access.RoleOperator {
		return http.StatusNotFound // no grant, no look
	}
	if as := visitors[actor]; as != "" {
		actor = as
	}
	_, may := table[route.Needs][actor]
	_, verifies := table[access.AuditVerify][actor]
	if strings.Contains(route.Path, "/insights/agents/:user") && (actor == access.RoleHelpdesk && !self || actor == limited) {
		return http.StatusNotFound // an agent sees themselves; and nothing was done for anybody in the groups of who is limited to them
	}
	// What an agent did for people of a group is there for who is limited to it, whoever did it.
	switch of := strings.Contains(route.Path, ":user") && !strings.Contains(route.Path, "/audit/story/agent/"); {
	case actor == composed:
		may = route.Needs == access.ConsoleEnter || slices.Contains(composedOf, route.Needs)
		actor = access.RoleHelpdesk
	case actor == limited:
		_, may = table[route.Needs][access.RoleTenantAdministrator]
		may = may && !slices.Contains(wholeTenant, route.Needs)
		actor = access.RoleTenantAdministrator
		switch outside := of && (self || !slices.Contains(withinWard, target)); {
		case may && (outside || strings.Contains(route.Path, ":group")):
			return http.StatusNotFound // it is in no group of theirs
		case may && route.Method == http.MethodPost && wantsGroups[route.Needs] && !of:
			return http.StatusForbidden // it would be in none of their groups
		case may && route.Method == http.MethodPost && route.Needs == access.RoleAssign && target != access.RoleUser:
			return http.StatusForbidden // the role that they hold reaches further than the group
		}
	}
	switch {
	case actor == access.RoleUser:
		return http.StatusForbidden // what is their own has pages of its own
	case !may:
		return http.StatusForbidden
	case strings.Contains(route.Path, "/audit/views/:view/") && !(verifies && strings.HasSuffix(route.Path, "/delete")):
		return http.StatusForbidden // another one saved it, and shares it
	case strings.HasSuffix(route.Path, "/:request/approve"), strings.HasSuffix(route.Path, "/:request/phone"):
		return http.StatusForbidden // the request is their own
	case route.Method == http.MethodGet || looks[route.Needs] || !strings.Contains(route.Path, ":user"):
		return http.StatusOK
	case self:
		return http.StatusForbidden
	}
	own, theirs, top := access.Ranks[actor], access.Ranks[target], access.Ranks[access.RoleSecurityAdministrator]
	if theirs < own || theirs == top && own == top {
		return http.StatusOK
	}
	return http.StatusForbidden
}

// wantsGroups are permissions to make something new, which who is limited to groups
// may for these alone.
var wantsGroups = map[access.Permission]bool{access.UserInvite: true, access.GroupEdit: true}

// judged compares. What is permitted may still find a form that is not filled in.
func (c *cast) judged(t *testing.T, route web.Route, a answer, want int) {
	t.Helper()
	if want != http.StatusOK {
		if !a.is(t, want) {
			t.Logf("%s needs %s", a.asked, route.Needs)
		}
		return
	}
	if strings.HasSuffix(route.Path, "/file/:key") && a.status == http.StatusNotFound {
		return // a link that was not made; TestAnExportOverHTTP follows one that was
	}
	if strings.Contains(route.Path, "/audit/story/") && a.status == http.StatusNotFound {
		return // one that they see nothing of; TestWhoIsToldAStory says who sees what
	}
	if a.status == http.StatusForbidden || a.status == http.StatusNotFound || a.status >= 500 {
		t.Errorf("%s (%s) = %d, and the table permits it\n%s", a.asked, route.Needs, a.status, excerpt(a.body))
	}
}

func TestTheTableHasEveryPermissionOfAdministrators(t *testing.T) {
	table := duties(t)
	for _, p := range access.Permissions {
		if table[p] == nil && p != access.AccountView && p != access.OperatorEnter && !strings.HasSuffix(string(p), "_own") {
			t.Errorf("%s stands in no row", p)
		}
	}
	for p := range table {
		if !strings.Contains(fmt.Sprint(access.Permissions), string(p)) {
			t.Errorf("the table has %s, and the program has not", p)
		}
	}
}

// namesAnother says whether a path under a tenant names something that may be another
// one's. A feature is everybody's.
func namesAnother(path string) bool {
	return strings.Count(strings.NewReplacer("/:feature", "", "/:risk", "", "/:rule", "").Replace(path), ":") > 1
}

// slowly lets time pass at a twentieth of its pace: thousands of requests take minutes
// under the race detector, and no proof is to grow old in them.
func (c *cast) slowly() {
	began, now := time.Now(), c.DB.Now()
	c.DB.SetClock(func() time.Time { return now.Add(time.Since(began) / 20) })
}
