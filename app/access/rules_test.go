package access_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	stringadapter "github.com/casbin/casbin/v2/persist/string-adapter"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/policies"
)

const (
	anyone   = access.RoleUser
	desk     = access.RoleHelpdesk
	lead     = access.RoleHelpdeskLead
	auditor  = access.RoleAuditor
	admin    = access.RoleTenantAdministrator
	security = access.RoleSecurityAdministrator
	operator = access.RoleOperator
)

// cells is the table of roles.md: who may, of those who administer others. A
// cell with a condition (a rank, an hour, four eyes) is a yes here; the condition
// is asked beside it. Who may approve a rebinding may ask for one too, for nobody
// approves their own.
var cells = map[access.Permission][]access.Role{
	access.AuthenticatorView:     {desk, lead, admin, security, auditor},
	access.CallerCheck:           {desk, lead, admin, security},
	access.BypassIssue:           {desk, lead, admin, security},
	access.BypassApprove:         {lead, admin, security},
	access.BypassRevoke:          {desk, lead, admin, security},
	access.AuthenticatorReset:    {desk, lead, admin, security},
	access.RebindRequest:         {desk, lead, admin, security},
	access.RebindApprove:         {lead, admin, security},
	access.UserLock:              {desk, lead, admin, security},
	access.SessionEnd:            {desk, lead, admin, security},
	access.UserUnlock:            {desk, lead, admin, security},
	access.StaticPasscodeRequest: {admin},
	access.StaticPasscodeIssue:   {security},
	access.CodeSheetPrintBatch:   {lead, admin, security},
	access.CodeSheetHandOver:     {desk, lead, admin, security},
	access.CodeSheetVoid:         {lead, admin, security},
	access.RoleAssign:            {admin, security},
	access.RolloutEdit:           {admin, security},
	access.PolicyEdit:            {admin, security},
	access.OutageDeclare:         {security},
	access.IntegrationEdit:       {security},
	access.UserImport:            {admin, security},
	access.UserInvite:            {admin, security},
	access.GroupEdit:             {admin, security},
	access.AuditRead:             {desk, lead, admin, security, auditor},
	access.AuditReadPersonal:     {security, auditor},
	access.AuditExport:           {security, auditor},
	access.AuditVerify:           {admin, security, auditor},
	access.ConsoleEnter:          {desk, lead, admin, security, auditor},
	access.OperatorEnter:         {operator},
	access.RoleCompose:           {security},
	access.RoleView:              {admin, security, auditor},
	access.OperatorGrant:         {security},
	access.OutageHandle:          {security},
	access.UserDisable:           {admin, security},
	access.CaseHandle:            {desk, lead, admin, security},
	access.CaseView:              {desk, lead, admin, security, auditor},
}

// own is what everybody may, over what is theirs: the column "user, self".
var own = []access.Permission{
	access.AccountView, access.AuthenticatorBind, access.AuthenticatorRemove, access.SessionEndOwn,
	access.AuditReadOwn, access.BypassRevokeOwn, access.CodeSheetPrintOwn,
}

var roles = []access.Role{anyone, desk, lead, auditor, admin, security, operator}

// holder is who holds a role in alder.
func holder(role access.Role) string { return "a " + string(role) }

// house makes alder with a holder of each role, and birch.
func house(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Act(t.Context(), func(tx *store.Tx) error {
		for _, id := range []string{"alder", "birch", access.Platform} {
			if err := tx.Exec(`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES (?,?,?,'eu','stable','active','pick3','ios',?)`,
				id, id, id, tx.Now).Error; err != nil {
				return err
			}
		}
		for _, role := range roles {
			if err := person(tx, holder(role)); err != nil {
				return err
			}
			if role != anyone {
				if err := assign(tx, holder(role), role); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func person(tx *store.Tx, id string) error {
	return tx.Exec("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES ('alder',?,?,'','active','disabled','',?)", id, id, tx.Now).Error
}

func assign(tx *store.Tx, id string, role access.Role) error {
	return tx.Exec("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES ('alder',?,?,'',?)", id, role, tx.Now).Error
}

func load(t *testing.T, db *store.DB) *access.Rules {
	t.Helper()
	rules, err := access.Load(t.Context(), db)
	if err != nil {
		t.Fatalf("Load = %v", err)
	}
	return rules
}

// TestWhoMay is roles.md, cell by cell, and each cell again where the person
// holds no role.
func TestWhoMay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		house(t, db)
		rules := load(t, db)
		for _, p := range access.Permissions {
			allowed, listed := cells[p]
			if slices.Contains(own, p) {
				allowed, listed = roles, true
			}
			if !listed {
				t.Errorf("%s has no row in the table", p)
			}
			for _, role := range roles {
				err := rules.Allow("alder", holder(role), p)
				if want := slices.Contains(allowed, role); (err == nil) != want || (!want && !errors.Is(err, fault.Forbidden)) {
					t.Errorf("%s, %s: Allow = %v, want allowed %t", role, p, err, want)
				}
				for _, elsewhere := range []string{"birch", access.Platform, "nowhere", "", "ALDER"} {
					err := rules.Allow(elsewhere, holder(role), p)
					if !slices.Contains(own, p) && !errors.Is(err, fault.Forbidden) {
						t.Errorf("%s of alder, %s in %q: Allow = %v, want fault.Forbidden", role, p, elsewhere, err)
					}
					if got := rules.Role(elsewhere, holder(role)); got != anyone {
						t.Errorf("%s of alder is %s in %q", role, got, elsewhere)
					}
				}
			}
		}
		for _, p := range []access.Permission{"", "bypass", "bypass.*", "*", "bypass.issue ", "BYPASS.ISSUE", access.Anyone, access.Phone, "database.drop"} {
			for _, role := range roles {
				if err := rules.Allow("alder", holder(role), p); !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s, %q which is no permission: Allow = %v, want fault.Forbidden", role, p, err)
				}
			}
		}
	})
}

func TestRanks(t *testing.T) {
	want := map[access.Role]int{operator: 100, security: 80, admin: 60, auditor: 50, lead: 45, desk: 40, anyone: 10}
	if fmt.Sprint(access.Ranks) != fmt.Sprint(want) {
		t.Errorf("ranks are %v, want %v", access.Ranks, want)
	}
}

// TestThePolicyIsOfConstantSize: no line for a tenant or a person, each line
// once, and none for what nobody knows.
func TestThePolicyIsOfConstantSize(t *testing.T) {
	reader := csv.NewReader(strings.NewReader(policies.Roles))
	reader.Comment, reader.TrimLeadingSpace = '#', true
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, line := range lines {
		text := strings.Join(line, ", ")
		switch {
		case len(line) != 4 || line[0] != "p" || (line[3] != "allow" && line[3] != "deny"):
			t.Errorf("%q is no line of role, permission and effect", text)
		case access.Ranks[access.Role(line[1])] == 0 || !slices.Contains(access.Permissions, access.Permission(line[2])):
			t.Errorf("%q names what nobody knows", text)
		case seen[text]:
			t.Errorf("%q stands twice", text)
		}
		seen[text] = true
	}
	sorted := slices.Clone(access.Permissions)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(access.Permissions) {
		t.Error("a permission is listed twice")
	}
}

func TestTheModelDeniesByDefaultAndADenyWins(t *testing.T) {
	m, err := model.NewModelFromString(policies.Model)
	if err != nil {
		t.Fatal(err)
	}
	e, err := casbin.NewEnforcer(m, stringadapter.NewAdapter(strings.Join([]string{
		"p, helpdesk, bypass.issue, allow", "p, helpdesk, user.lock, allow", "p, helpdesk, user.lock, deny", "p, suspended, bypass.issue, deny",
		"g, one, helpdesk, alder", "g, two, helpdesk, alder", "g, two, suspended, alder", "g, two, helpdesk, birch",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		claim, person, tenant, permission string
		want                              bool
	}{
		{"what is allowed", "one", "alder", "bypass.issue", true},
		{"what no line names", "one", "alder", "role.assign", false},
		{"what is allowed and denied", "one", "alder", "user.lock", false},
		{"in another tenant", "one", "birch", "bypass.issue", false},
		{"one role denies what another allows", "two", "alder", "bypass.issue", false},
		{"which holds in that tenant alone", "two", "birch", "bypass.issue", true},
		{"somebody without a role", "three", "alder", "bypass.issue", false},
		{"somebody called like a role", "helpdesk", "birch", "role.assign", false},
	} {
		got, err := e.Enforce(row.person, row.tenant, row.permission)
		if err != nil || got != row.want {
			t.Errorf("%s: Enforce = %t, %v; want %t", row.claim, got, err, row.want)
		}
	}
}

func TestAPolicyThatIsNotWholeIsNotLoaded(t *testing.T) {
	db, err := store.Open(t.Context(), storetest.Address(t, store.SQLite), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := policies.Roles
	t.Cleanup(func() { policies.Roles = whole })
	for claim, text := range map[string]string{
		"nothing":            "",
		"an unknown role":    whole + "\np, emperor, bypass.issue, allow\n",
		"an unknown permit":  whole + "\np, helpdesk, database.drop, allow\n",
		"nobody may enter":   "p, user, account.view, allow\n",
		"administrators out": whole + "\np, security_administrator, console.enter, deny\n",
	} {
		policies.Roles = text
		if _, err := access.Load(t.Context(), db); err == nil {
			t.Errorf("%s: the policy was loaded", claim)
		}
	}
}

func TestAnUnknownRoleMayNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		house(t, db)
		if err := db.Act(t.Context(), func(tx *store.Tx) error {
			return errors.Join(person(tx, "an emperor"), assign(tx, "an emperor", "emperor"), person(tx, "a nobody"), assign(tx, "a nobody", ""))
		}); err != nil {
			t.Fatal(err)
		}
		rules := load(t, db)
		for _, who := range []string{"an emperor", "a nobody"} {
			for _, p := range access.Permissions {
				if err := rules.Allow("alder", who, p); !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s, %s: Allow = %v, want fault.Forbidden", who, p, err)
				}
			}
		}
	})
}

// TestAnOldTableIsNoPermission: when the assignments cannot be read, the table
// in force is good for a minute, and then nobody may anything.
func TestAnOldTableIsNoPermission(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		house(t, db)
		rules := load(t, db)
		allow := func() error { return rules.Allow("alder", holder(security), access.ConsoleEnter) }
		clock.Forward(30 * time.Second)
		if err := rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := rules.Reload(t.Context()); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Reload without a database = %v, want fault.Unavailable", err)
		}
		clock.Forward(time.Minute)
		if err := allow(); err != nil {
			t.Errorf("a minute after the last good table: Allow = %v", err)
		}
		clock.Forward(time.Microsecond)
		if f := fault.Of(allow()); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
			t.Errorf("an instant later: Allow = %v, want fault.Unavailable with a time to try again", allow())
		}
		if err := rules.Allow("alder", holder(anyone), access.AccountView); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a user then: Allow = %v, want fault.Unavailable", err)
		}
		if _, err := access.Load(t.Context(), db); err == nil {
			t.Error("Load without a database worked")
		}
		if err := (&access.Rules{}).Allow("alder", holder(security), access.ConsoleEnter); !errors.Is(err, fault.Unavailable) {
			t.Errorf("rules that were never loaded: Allow = %v, want fault.Unavailable", err)
		}
	})
}

// TestAChangeOfRoleReachesARunningProgram: given, taken and lowered.
func TestAChangeOfRoleReachesARunningProgram(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		house(t, db)
		rules := load(t, db)
		change := func(statement string, values ...any) {
			t.Helper()
			if err := db.Act(context.Background(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		storetest.Bubble(t, db, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				rules.Run(ctx)
				close(ended)
			}()
			sees := func(claim string, who access.Role, p access.Permission, want bool) {
				t.Helper()
				time.Sleep(access.ReloadWait)
				synctest.Wait()
				if err := rules.Allow("alder", holder(who), p); (err == nil) != want {
					t.Errorf("%s: Allow = %v, want allowed %t", claim, err, want)
				}
			}
			sees("before", anyone, access.BypassIssue, false)
			change("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES ('alder',?,?,'',?)", holder(anyone), desk, db.Now())
			sees("given", anyone, access.BypassIssue, true)
			change("UPDATE role_assignments SET role = ? WHERE user_id = ?", auditor, holder(security))
			sees("lowered", security, access.RoleAssign, false)
			change("DELETE FROM role_assignments")
			sees("taken", admin, access.ConsoleEnter, false)
			stop()
			<-ended
		})
	})
}

// TestAReloadWithinATenantReadsEverybody: who changes a role in one tenant does
// not take away those of the others.
func TestAReloadWithinATenantReadsEverybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		house(t, db)
		rules := load(t, db)
		if err := rules.Reload(store.Within(t.Context(), "birch")); err != nil {
			t.Fatal(err)
		}
		if err := rules.Allow("alder", holder(security), access.ConsoleEnter); err != nil {
			t.Errorf("after a reload within birch, in alder Allow = %v", err)
		}
	})
}
