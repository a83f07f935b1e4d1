package access

import (
	"slices"

	"latchkey/app/fault"
)

// Question is one act that somebody wants to do, here, now.
type Question struct {
	TenantID string
	ActorID  string
	Needs    Permission
	TargetID string   // the user it is done to; empty: a group, somebody new, or the tenant as a whole
	Groups   []string // without a target: the groups it concerns, those of somebody new among them
	Giving   Role     // with role.assign: the role that is given or taken
	GivenFor []string // with Giving: the groups that the role is limited to; none: the whole tenant
	LockedBy string   // with user.unlock: who locked; empty when only throttles are cleared
	Loosens  bool     // the act takes a safeguard away
}

// Answer is what the rules say.
type Answer string

const (
	Yes      Answer = "yes"
	FourEyes Answer = "four_eyes" // yes, when a second person approves
	No       Answer = "no"
	Nobody   Answer = "nobody" // there is no such target, for this actor
)

// Rule is one of the rules that are asked, in this order.
type Rule string

const (
	RuleAccount    Rule = "account"    // is an active user, of the tenant or of the platform
	RuleRole       Rule = "role"       // holds an administrative role here
	RulePermission Rule = "permission" // which has the permission
	RuleSelf       Rule = "self"       // nobody acts on themselves
	RuleScope      Rule = "scope"      // the target is in the groups that the role is limited to
	RuleRank       Rule = "rank"       // nobody acts on their own rank or above
	RuleDuty       Rule = "duty"       // what this permission asks besides
	RuleEyes       Rule = "eyes"       // a second person must approve
)

// Finding is what one rule says.
type Finding struct {
	Rule   Rule
	Says   Answer
	Detail string // code of the words, under access.why
}

// Verdict is the answer, with the findings that led to it.
type Verdict struct {
	Answer   Answer
	Findings []Finding
	Actor    Standing
	Target   Standing
}

// looks are permissions to see, not to act: rank and self do not stop them.
var looks = SetOf(AuthenticatorView, CaseView, AuditRead, AuditReadPersonal, AuditExport, AuditVerify, ConsoleEnter)

// target is what is known of whom it is done to.
type target struct {
	Standing
	groups []string
	named  bool // a user is meant
	there  bool // and there is one
	giving definition
	known  bool // the role that is given is one
}

// judge goes through the rules in their order. It is pure; every rule is asked,
// so that the page that explains shows all of them.
func judge(q Question, actor Standing, t target) Verdict {
	v := Verdict{Answer: Yes, Actor: actor, Target: t.Standing}
	find := func(rule Rule, says Answer, detail string) {
		v.Findings = append(v.Findings, Finding{rule, says, detail})
		v.Answer = stricter(v.Answer, says)
	}
	if own.Has(q.Needs) {
		findOwn(q, actor, t, find)
		return v
	}
	office(actor, find)
	permission(q.Needs, actor, find)
	if t.named && !looks.Has(q.Needs) {
		if q.TargetID == actor.UserID {
			find(RuleSelf, No, "self.same")
		} else {
			find(RuleSelf, Yes, "self.other")
		}
	}
	scope(q, actor, t, find)
	rank(q, actor, t, find)
	duty(q, actor, t, find)
	switch {
	case always.Has(q.Needs):
		find(RuleEyes, FourEyes, "eyes.always")
	case q.Loosens:
		find(RuleEyes, FourEyes, "eyes.loosens")
	}
	return v
}

// always are permissions to do what needs a second person each time: cells of
// roles.md that say four eyes, or request.
var always = SetOf(StaticPasscodeRequest, StaticPasscodeIssue, RebindRequest, OutageDeclare)

// own is what everybody may, over what is theirs: the column "user, self" of
// roles.md. It asks for no role and no rank.
var own = SetOf(AccountView, AuthenticatorBind, AuthenticatorRemove, SessionEndOwn, AuditReadOwn, BypassRevokeOwn, CodeSheetPrintOwn)

func findOwn(q Question, actor Standing, t target, find func(Rule, Answer, string)) {
	account(actor, find)
	if actor.May.Has(q.Needs) {
		find(RulePermission, Yes, "permission.own")
	} else {
		find(RulePermission, No, "permission.not_in_role")
	}
	if t.named && q.TargetID != actor.UserID {
		find(RuleSelf, No, "self.own_only")
	}
}

// office says what somebody is: an active user who holds a role. The account of
// an actor may have been locked since they asked for what is done only now.
func office(actor Standing, find func(Rule, Answer, string)) {
	account(actor, find)
	if actor.Administrator() {
		find(RuleRole, Yes, "role.held")
	} else {
		find(RuleRole, No, "role.none")
	}
}

func account(actor Standing, find func(Rule, Answer, string)) {
	if actor.Inactive {
		find(RuleAccount, No, "account.inactive")
	} else {
		find(RuleAccount, Yes, "account.active")
	}
}

func permission(needs Permission, actor Standing, find func(Rule, Answer, string)) {
	switch {
	case actor.May.Has(needs):
		find(RulePermission, Yes, "permission.in_role")
	case len(actor.Scope) > 0 && wide.Has(needs):
		find(RulePermission, No, "permission.whole_tenant")
	default:
		find(RulePermission, No, "permission.not_in_role")
	}
}

func scope(q Question, actor Standing, t target, find func(Rule, Answer, string)) {
	switch {
	case t.named && !t.there:
		find(RuleScope, Nobody, "scope.nobody")
	case len(actor.Scope) == 0:
		find(RuleScope, Yes, "scope.whole_tenant")
	case t.named && actor.Covers(t.groups):
		find(RuleScope, Yes, "scope.inside")
	case t.named:
		find(RuleScope, Nobody, "scope.outside")
	case len(q.Groups) == 0:
		find(RuleScope, No, "scope.no_group")
	default:
		for _, g := range q.Groups {
			if !actor.Covers([]string{g}) {
				find(RuleScope, Nobody, "scope.outside")
				return
			}
		}
		find(RuleScope, Yes, "scope.inside")
	}
}

func rank(q Question, actor Standing, t target, find func(Rule, Answer, string)) {
	if !t.named || looks.Has(q.Needs) || q.TargetID == actor.UserID {
		return
	}
	top := Ranks[RoleSecurityAdministrator]
	switch {
	case t.Rank < actor.Rank:
		find(RuleRank, Yes, "rank.below")
	case actor.Rank == top && t.Rank == top:
		find(RuleRank, FourEyes, "rank.both_security")
	default:
		find(RuleRank, No, "rank.not_below")
	}
}

// duty is what some permissions ask besides (roles.md).
func duty(q Question, actor Standing, t target, find func(Rule, Answer, string)) {
	top := Ranks[RoleSecurityAdministrator]
	switch q.Needs {
	case BypassApprove:
		// A lead approves for plain users alone.
		if actor.Rank < AdministratorRank && t.Rank > Ranks[RoleUser] {
			find(RuleDuty, No, "duty.plain_users")
		}
	case UserUnlock:
		switch {
		case q.LockedBy == "":
			find(RuleDuty, Yes, "duty.throttle")
		case actor.Rank < AdministratorRank:
			find(RuleDuty, No, "duty.throttle_only")
		case actor.Rank >= top && q.LockedBy == actor.UserID:
			find(RuleDuty, No, "duty.own_lock")
		default:
			find(RuleDuty, Yes, "duty.lock")
		}
	case RoleAssign:
		switch {
		case q.Giving == "":
		case !t.known:
			find(RuleDuty, No, "duty.no_such_role")
		case !reaches(actor, q.GivenFor):
			find(RuleDuty, No, "duty.role_wider")
		case t.giving.rank < actor.Rank:
			find(RuleDuty, Yes, "duty.role_below")
		case actor.Rank == top && t.giving.rank == top:
			find(RuleDuty, FourEyes, "duty.role_security")
		default:
			find(RuleDuty, No, "duty.role_not_below")
		}
	}
}

// reaches says whether somebody's own scope holds all of another's. Who is
// limited to groups gives and takes no role that reaches further.
func reaches(actor Standing, groups []string) bool {
	if len(actor.Scope) == 0 {
		return true
	}
	beyond := func(g string) bool { return !slices.Contains(actor.Scope, g) }
	return len(groups) > 0 && !slices.ContainsFunc(groups, beyond)
}

// strictness orders answers. That there is nobody comes before a refusal: it
// must not tell that somebody is there.
var strictness = map[Answer]int{Yes: 0, FourEyes: 1, No: 2, Nobody: 3}

func stricter(a, b Answer) Answer {
	if strictness[b] > strictness[a] {
		return b
	}
	return a
}

// Err is the verdict as a failure: nil for Yes and FourEyes, fault.NotFound when
// there is nobody, else fault.Forbidden with the code of the rule that says no.
func (v Verdict) Err() error {
	switch v.Answer {
	case Nobody:
		return fault.New(fault.NotFound, "http.not_found")
	case No:
		for _, f := range v.Findings {
			if f.Says != No {
				continue
			}
			if told, ok := refusals[f.Rule]; ok {
				return told
			}
			return refusal
		}
	}
	return nil
}

// refusals are what the rules say of a person who holds the permission. Findings
// stand in the order of the rules, so whoever lacks it is told that first.
var refusals = map[Rule]error{
	RuleSelf:      fault.New(fault.Forbidden, "access.self"),
	RuleScope:     fault.New(fault.Forbidden, "access.scope"),
	RuleRank:      fault.New(fault.Forbidden, "access.rank"),
	RuleDuty:      fault.New(fault.Forbidden, "access.duty"),
	RuleRequester: fault.New(fault.Forbidden, "access.requester"),
	RuleTarget:    fault.New(fault.Forbidden, "access.target"),
	RuleMade:      fault.New(fault.Forbidden, "access.made"),
}
