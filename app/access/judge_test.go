package access

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// law is the table of roles.md, word for word but for its marks: a cell is what it
// says, "yes" for a tick and "no" for a dash. A row of two permissions that the
// cells tell apart stands here as two.
var law = []struct {
	needs                                           Permission
	desk, lead, tenantAdmin, securityAdmin, auditor string
}{
	{AuthenticatorView, "yes, masked, audited", "yes", "yes", "yes", "yes, masked"},
	{CallerCheck, "yes", "yes", "yes", "yes", "no"},
	{CaseHandle, "yes", "yes", "yes", "yes", "no"},
	{CaseView, "yes", "yes", "yes", "yes", "yes"},
	{BypassIssue, "at most 1 h, one use", "at most 4 h", "at most 8 h", "at most 8 h", "no"},
	{BypassApprove, "no", "rank 10 targets", "yes", "yes", "no"},
	{BypassRevoke, "yes", "yes", "yes", "yes", "no"},
	{AuthenticatorReset, "rank 10 targets", "yes", "yes", "yes", "no"},
	{RebindRequest, "request", "request", "request", "request", "no"},
	{RebindApprove, "no", "yes", "yes", "yes", "no"},
	{UserLock, "yes", "yes", "yes", "yes", "no"},
	{SessionEnd, "yes", "yes", "yes", "yes", "no"},
	{UserUnlock, "throttle only", "throttle only", "yes", "yes, not by who locked", "no"},
	{StaticPasscodeRequest, "no", "no", "request", "no", "no"},
	{StaticPasscodeIssue, "no", "no", "no", "four eyes", "no"},
	{CodeSheetPrintBatch, "no", "yes", "yes", "yes", "no"},
	{CodeSheetHandOver, "yes", "yes", "yes", "yes", "no"},
	{CodeSheetVoid, "no", "yes", "yes", "yes", "no"},
	{RoleAssign, "no", "no", "ranks below 60", "below 80; 80 by four eyes", "no"},
	{RolloutEdit, "no", "no", "yes; loosening by four eyes", "yes; loosening by four eyes", "no"},
	{PolicyEdit, "no", "no", "yes; loosening by four eyes", "yes; loosening by four eyes", "no"},
	{OutageDeclare, "no", "no", "no", "four eyes", "no"},
	{IntegrationEdit, "no", "no", "no", "step-up", "no"},
	{UserImport, "no", "no", "yes", "yes", "no"},
	{UserInvite, "no", "no", "yes", "yes", "no"},
	{GroupEdit, "no", "no", "yes", "yes", "no"},
	{AuditRead, "own acts and the cases they handle", "helpdesk events", "tenant, without security events", "all", "all"},
	{AuditReadPersonal, "no", "no", "no", "yes", "yes"},
	{AuditExport, "no", "no", "no", "yes", "yes"},
	{AuditVerify, "no", "no", "yes", "yes", "yes"},
}

// elsewhere are conditions that another part of the program asks: how long a
// bypass lives, what is masked, which events are read, a step-up.
var elsewhere = []string{
	"yes, masked, audited", "yes, masked", "at most 1 h, one use", "at most 4 h", "at most 8 h", "step-up",
	"own acts and the cases they handle", "helpdesk events", "tenant, without security events", "all",
}

// seen are the rows that only look: neither rank nor self stand before them.
var seen = []Permission{AuthenticatorView, CaseView, AuditRead, AuditReadPersonal, AuditExport, AuditVerify}

// ofTheWhole are the rows about a tenant as a whole. Roles.md limits a role to
// groups; what cannot be limited is not left to it.
var ofTheWhole = []Permission{RolloutEdit, PolicyEdit, OutageDeclare, IntegrationEdit, UserImport, AuditReadPersonal, AuditExport, AuditVerify}

// situation is one column of the long table: who acts upon whom, and around it.
type situation struct {
	actor   Role
	limited bool // to the group "in"
	target  string
	role    Role // of the target
	groups  []string
	locked  string
	giving  Role
	wider   bool // the role that is given reaches beyond the group "in"
	loosens bool
}

// wants is what roles.md says, rule by rule; the strictest holds.
func wants(s situation, needs Permission, cell string) Answer {
	answer := Yes
	says := func(a Answer) { answer = stricter(answer, a) }
	mine, theirs := Ranks[s.actor], Ranks[s.role]
	named, self := s.target != "", s.target == "actor"
	if cell == "no" || s.limited && slices.Contains(ofTheWhole, needs) {
		says(No)
	}
	switch {
	case !s.limited:
	case named && !slices.Contains(s.groups, "in"):
		says(Nobody) // outside the groups nobody is found
	case !named:
		says(No)
	}
	if named && !slices.Contains(seen, needs) {
		switch {
		case self, theirs > mine, theirs == mine && mine != 80:
			says(No)
		case theirs == mine:
			says(FourEyes) // a security administrator on another
		}
	}
	switch cell {
	case "request", "four eyes":
		says(FourEyes)
	case "rank 10 targets":
		if theirs > 10 {
			says(No)
		}
	case "throttle only":
		if s.locked != "" {
			says(No)
		}
	case "yes, not by who locked":
		if s.locked == "actor" {
			says(No)
		}
	case "ranks below 60", "below 80; 80 by four eyes":
		top := 60
		if cell != "ranks below 60" {
			top = 80
		}
		switch given := Ranks[s.giving]; {
		case s.giving == "":
		case s.limited && s.wider:
			says(No)
		case given == top && top == 80:
			says(FourEyes)
		case given >= top:
			says(No)
		}
	}
	if s.loosens {
		says(FourEyes)
	}
	return answer
}

// situations are all of them for a permission: every actor, every target, self,
// in the groups and outside, and what its row asks besides.
func situations(needs Permission) (all []situation) {
	givings, lockers, loosens := []Role{""}, []string{""}, []bool{false}
	switch needs {
	case RoleAssign:
		givings = []Role{"", RoleHelpdesk, RoleHelpdeskLead, RoleAuditor, RoleTenantAdministrator, RoleSecurityAdministrator}
	case UserUnlock:
		lockers = []string{"", "actor", "somebody else"}
	case RolloutEdit, PolicyEdit:
		loosens = []bool{false, true}
	}
	for _, actor := range []Role{RoleHelpdesk, RoleHelpdeskLead, RoleTenantAdministrator, RoleSecurityAdministrator, RoleAuditor} {
		for _, limited := range []bool{false, true} {
			s := situation{actor: actor, limited: limited}
			for _, s.giving = range givings {
				for _, s.locked = range lockers {
					for _, s.loosens = range loosens {
						for _, s.wider = range []bool{false, true} {
							s.target, s.role, s.groups = "", "", nil
							all = append(all, s)
							for _, s.groups = range [][]string{nil, {"in"}, {"out"}, {"out", "in"}} {
								s.target, s.role = "actor", actor
								all = append(all, s)
								s.target = "other"
								for s.role = range Ranks {
									if s.role != RoleOperator {
										all = append(all, s)
									}
								}
							}
						}
					}
				}
			}
		}
	}
	return all
}

func decided(t *testing.T) *matrix {
	t.Helper()
	m, err := decide()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTheLaw is roles.md, cell by cell, in every situation.
func TestTheLaw(t *testing.T) {
	m := decided(t)
	standing := func(id string, role Role, limited bool) Standing {
		s := Standing{TenantID: "alder", UserID: id, Role: role, Rank: Ranks[role], May: m.roles[role]}
		if limited {
			s.Scope = []string{"in"}
			s.May &^= wide
		}
		return s
	}
	asked := 0
	for _, row := range law {
		cells := map[Role]string{
			RoleHelpdesk: row.desk, RoleHelpdeskLead: row.lead, RoleTenantAdministrator: row.tenantAdmin, RoleSecurityAdministrator: row.securityAdmin, RoleAuditor: row.auditor,
		}
		for _, s := range situations(row.needs) {
			q := Question{TenantID: "alder", ActorID: "actor", Needs: row.needs, TargetID: s.target, LockedBy: s.locked, Giving: s.giving, Loosens: s.loosens}
			if s.giving != "" && s.limited && !s.wider {
				q.GivenFor = []string{"in"}
			}
			if s.giving != "" && s.wider && len(s.groups) > 0 {
				q.GivenFor = []string{"in", "out"} // as wide as none at all
			}
			about := target{named: s.target != "", there: true, groups: s.groups, giving: m.definition(s.giving), known: true}
			if about.named {
				about.Standing = standing(s.target, s.role, false)
			}
			got, want := judge(q, standing("actor", s.actor, s.limited), about), wants(s, row.needs, cells[s.actor])
			if asked++; got.Answer != want {
				t.Errorf("%s, %q: %+v: %s, want %s\n%v", row.needs, cells[s.actor], s, got.Answer, want, got.Findings)
			}
			if (got.Answer == Yes || got.Answer == FourEyes) != (got.Err() == nil) {
				t.Errorf("%s: %+v: %s is the failure %v", row.needs, s, got.Answer, got.Err())
			}
		}
	}
	if asked < 10000 {
		t.Errorf("asked %d questions; there are more", asked)
	}
}

// TestEveryCellOfTheLawIsUnderstood: a condition is judged here, or it stands in
// the list of those that others ask; every permission of administrators has a row.
func TestEveryCellOfTheLawIsUnderstood(t *testing.T) {
	judged := []string{
		"yes", "no", "request", "four eyes", "rank 10 targets", "throttle only", "yes, not by who locked", "ranks below 60",
		"below 80; 80 by four eyes", "yes; loosening by four eyes",
	}
	rows := []Permission{ConsoleEnter, OperatorEnter, OperatorGrant, OutageHandle, RoleCompose, RoleView, UserDisable} // of which roles.md has no row
	for _, row := range law {
		rows = append(rows, row.needs)
		for _, cell := range []string{row.desk, row.lead, row.tenantAdmin, row.securityAdmin, row.auditor} {
			if !slices.Contains(judged, cell) && !slices.Contains(elsewhere, cell) {
				t.Errorf("%s: nobody asks %q", row.needs, cell)
			}
		}
	}
	for _, p := range Permissions {
		if !own.Has(p) && !slices.Contains(rows, p) {
			t.Errorf("%s has no row", p)
		}
	}
}

// TestWhatIsOnesOwn: everybody may, over what is theirs, and over nothing else.
func TestWhatIsOnesOwn(t *testing.T) {
	m := decided(t)
	if m.roles[RoleUser] != own {
		t.Errorf("a user may %v, want %v", m.roles[RoleUser].List(), own.List())
	}
	for role := range Ranks {
		actor := Standing{UserID: "actor", Role: role, Rank: Ranks[role], May: m.roles[role]}
		for _, p := range own.List() {
			for _, c := range []struct {
				target string
				want   Answer
			}{{"", Yes}, {"actor", Yes}, {"other", No}} {
				q := Question{ActorID: "actor", Needs: p, TargetID: c.target}
				if got := judge(q, actor, target{named: c.target != "", there: true}); got.Answer != c.want {
					t.Errorf("%s, %s of %q: %s, want %s", role, p, c.target, got.Answer, c.want)
				}
			}
		}
	}
}

// TestWhoIsNotThere: nobody tells whether the target is of another tenant, outside
// the groups, or not at all; and it comes before every refusal.
func TestWhoIsNotThere(t *testing.T) {
	m := decided(t)
	for role := range Ranks {
		actor := Standing{UserID: "actor", Role: role, Rank: Ranks[role], May: m.roles[role]}
		limited := actor
		limited.Scope = []string{"in"}
		for _, p := range Permissions {
			if own.Has(p) {
				continue
			}
			q := Question{ActorID: "actor", Needs: p, TargetID: "other"}
			absent := judge(q, actor, target{named: true})
			outside := judge(q, limited, target{named: true, there: true, groups: []string{"out"}})
			if absent.Answer != Nobody || outside.Answer != Nobody || absent.Err().Error() != outside.Err().Error() {
				t.Errorf("%s, %s: none = %s (%v), outside = %s (%v), want nobody and the same words", role, p, absent.Answer, absent.Err(), outside.Answer, outside.Err())
			}
		}
	}
}

// TestAGroupStandsForNobody: without a target, what concerns groups is for who is
// limited to all of them.
func TestAGroupStandsForNobody(t *testing.T) {
	m := decided(t)
	actor := Standing{UserID: "actor", Role: RoleTenantAdministrator, Rank: 60, May: m.roles[RoleTenantAdministrator] &^ wide, Scope: []string{"a", "b"}}
	for _, c := range []struct {
		groups []string
		want   Answer
	}{{nil, No}, {[]string{"a"}, Yes}, {[]string{"a", "b"}, Yes}, {[]string{"a", "c"}, Nobody}, {[]string{"c"}, Nobody}} {
		if got := judge(Question{ActorID: "actor", Needs: GroupEdit, Groups: c.groups}, actor, target{}); got.Answer != c.want {
			t.Errorf("groups %v: %s, want %s", c.groups, got.Answer, c.want)
		}
	}
}

// TestCustomRoles: a permission brings the least rank of a built-in role that has
// it, and what only the highest have is in none.
func TestCustomRoles(t *testing.T) {
	m := decided(t)
	for _, c := range []struct {
		permissions string
		rank        int
		may         []Permission
	}{
		{"", 40, nil},
		{"user.lock", 40, []Permission{UserLock, AuthenticatorView}},
		{"user.lock,bypass.approve", 45, []Permission{UserLock, AuthenticatorView, BypassApprove}},
		{"audit.export", 50, []Permission{AuditExport}},
		{"audit.read,role.view", 50, []Permission{AuditRead, RoleView}},
		{"role.assign", 60, []Permission{RoleAssign, RoleView, AuthenticatorView}},
		{"static_passcode.request,policy.edit", 60, []Permission{StaticPasscodeRequest, PolicyEdit, AuthenticatorView}},
		{"role.compose,outage.declare,integration.edit,static_passcode.issue", 40, nil},
		{"bypass.approve", 45, []Permission{BypassApprove}}, // of what one is asked for
		{"operator.enter", 40, nil},
		{"account.view,console.enter", 40, nil}, // brought by every role anyway
		{"nonsense,,*, user.lock", 40, nil},
	} {
		d := m.custom("custom:x", "A role", c.permissions)
		want := own | SetOf(ConsoleEnter) | SetOf(c.may...)
		if d.rank != c.rank || d.may != want {
			t.Errorf("%q: rank %d may %v, want %d and %v", c.permissions, d.rank, d.may.List(), c.rank, want.List())
		}
	}
	for _, p := range Permissions {
		least := m.least(p)
		if got, want := m.composable(p), least >= 40 && least < 80 && p != ConsoleEnter; got != want {
			t.Errorf("%s of rank %d: composable %t", p, least, got)
		}
	}
}

func TestWhichOfTwoAssignmentsHolds(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	mine := func(rank int, ends time.Duration) Standing {
		s := Standing{Rank: rank}
		if ends != 0 {
			s.EndsAt = now.Add(ends)
		}
		return s
	}
	group := func(rank int) Standing { return Standing{Rank: rank, Through: "g"} }
	for _, c := range []struct {
		claim         string
		first, second Standing
	}{
		{"one's own before a group's, even a higher one", mine(40, 0), group(80)},
		{"the higher of two groups'", group(60), group(45)},
		{"a group's before one's own that has ended", group(40), mine(80, -time.Second)},
		{"one's own that has not ended yet", mine(40, time.Microsecond), group(80)},
	} {
		if !c.first.before(c.second, now) || c.second.before(c.first, now) {
			t.Errorf("%s: %+v is not before %+v", c.claim, c.first, c.second)
		}
	}
	if ended := mine(40, time.Second); ended.before(group(40), now.Add(time.Second)) {
		t.Error("at the instant of its end an assignment holds no more")
	}
}

func TestStricterIsAnOrder(t *testing.T) {
	order := []Answer{Yes, FourEyes, No, Nobody}
	for i, a := range order {
		for j, b := range order {
			if got := stricter(a, b); got != order[max(i, j)] {
				t.Errorf("stricter(%s, %s) = %s", a, b, got)
			}
		}
	}
	if fmt.Sprint(SetOf(Permissions...).List()) != fmt.Sprint(Permissions) {
		t.Error("a set of all permissions does not list them all")
	}
}
