package access

import (
	"slices"
	"time"

	"latchkey/app/store"
)

// Eyes is what a second person must hold to approve an act, and whom they must
// not be. It is frozen with the request, so that an inbox is judged without
// planning every act that waits in it.
type Eyes struct {
	Needs   []Permission `json:"needs"`             // all of them
	Targets []string     `json:"targets,omitempty"` // the users it is done to
	Groups  []string     `json:"groups,omitempty"`  // without a target: the groups it concerns
	Giving  []Role       `json:"giving,omitempty"`  // the roles that it gives or takes
}

// EyesFor gathers what the questions of an act say. Where approving has a
// permission of its own, approves names it; else an approver needs what the act
// needs.
func EyesFor(approves Permission, questions ...Question) (e Eyes) {
	for _, q := range questions {
		needs := q.Needs
		if approves != "" {
			needs = approves
		}
		e.Needs = also(e.Needs, needs)
		e.Targets = also(e.Targets, q.TargetID)
		e.Giving = also(e.Giving, q.Giving)
		for _, group := range q.Groups {
			e.Groups = also(e.Groups, group)
		}
	}
	return e
}

func also[T ~string](list []T, one T) []T {
	if one == "" || slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

// Approval asks whether somebody may approve what another one requested.
type Approval struct {
	RequesterID string
	Eyes
}

// Rules for approvers, beside the others.
const (
	RuleRequester Rule = "requester" // nobody approves their own
	RuleTarget    Rule = "target"    // nor what is done to them
	RuleMade      Rule = "made"      // nor for one who created or promoted them in the last 72 hours
)

// madeSpan is how long one who was created or promoted by somebody may not
// approve for them (roles.md).
const madeSpan = 72 * time.Hour

// eyes are permissions whose very purpose is to approve; others may be used to
// approve by administrators alone.
var eyes = SetOf(BypassApprove, RebindApprove, StaticPasscodeIssue)

// AskApprover judges whether somebody may approve each of asked, in their order,
// by the rows as they stand in the transaction. It makes hardly more queries
// for a hundred than for one.
func (r *Rules) AskApprover(tx *store.Tx, tenantID, approverID string, asked ...Approval) ([]Verdict, error) {
	m := r.table.Load().matrix
	seen := sight{roles: map[Role]definition{}}
	var err error
	if seen.approver, err = acting(tx, m, tenantID, approverID); err != nil {
		return nil, err
	}
	if seen.makers, err = MakersOf(tx, tenantID, approverID, tx.Now.Add(-madeSpan)); err != nil {
		return nil, err
	}
	var targets []string
	ranks := false
	for _, q := range asked {
		for _, role := range q.Giving {
			if seen.roles[role], err = roleGiven(tx, m, tenantID, role); err != nil {
				return nil, err
			}
		}
		targets = append(targets, q.Targets...)
		ranks = ranks || slices.Contains(q.Needs, BypassApprove)
	}
	if len(seen.approver.Scope) > 0 {
		if seen.groups, err = groupsOfAll(tx, tenantID, targets); err != nil {
			return nil, err
		}
	}
	if ranks {
		if seen.targets, err = standingsOf(tx, m, tenantID, targets); err != nil {
			return nil, err
		}
	}
	verdicts := make([]Verdict, len(asked))
	for i, q := range asked {
		verdicts[i] = seen.judge(q)
	}
	return verdicts, nil
}

// roleGiven gives a role that an act gives or takes. One that was retired since
// counts as high as any.
func roleGiven(tx *store.Tx, m *matrix, tenantID string, role Role) (definition, error) {
	d, known, err := define(tx, m, tenantID, role)
	if !known {
		d.rank = Ranks[RoleSecurityAdministrator]
	}
	return d, err
}

// sight is what is known when an approver is judged.
type sight struct {
	approver Standing
	makers   []string            // who created or promoted the approver lately
	roles    map[Role]definition // those that are given or taken
	groups   map[string][]string // of targets, where the approver is limited to groups
	targets  map[string]Standing // where their rank matters
}

// judge goes through the rules for a second person. Rank is not asked against
// the target, because the requester was: the approver's part is to see. A role
// that is given or taken is one that they might give themselves.
func (s sight) judge(q Approval) Verdict {
	v := Verdict{Answer: Yes, Actor: s.approver}
	find := func(rule Rule, says Answer, detail string) {
		v.Findings = append(v.Findings, Finding{rule, says, detail})
		v.Answer = stricter(v.Answer, says)
	}
	holds := func(rule Rule, ok bool, detail string) {
		says := Yes
		if !ok {
			says = No
		}
		find(rule, says, detail)
	}
	office(s.approver, find)
	for _, needs := range q.Needs {
		permission(needs, s.approver, find)
	}
	if len(q.Needs) == 0 {
		find(RulePermission, No, "permission.not_in_role")
	}
	holds(RuleRequester, s.approver.UserID != q.RequesterID, "approver.requester")
	holds(RuleTarget, !slices.Contains(q.Targets, s.approver.UserID), "approver.target")
	holds(RuleMade, !slices.Contains(s.makers, q.RequesterID), "approver.made")
	s.scope(q, find)
	s.rank(q, holds)
	return v
}

// scope: an approver who is limited to groups decides what is within them.
func (s sight) scope(q Approval, find func(Rule, Answer, string)) {
	switch {
	case len(s.approver.Scope) == 0:
		find(RuleScope, Yes, "scope.whole_tenant")
	case slices.ContainsFunc(q.Targets, func(id string) bool { return !s.approver.Covers(s.groups[id]) }),
		slices.ContainsFunc(q.Groups, func(id string) bool { return !s.approver.Covers([]string{id}) }):
		find(RuleScope, Nobody, "scope.outside")
	case len(q.Targets)+len(q.Groups) == 0:
		find(RuleScope, No, "scope.no_group")
	default:
		find(RuleScope, Yes, "scope.inside")
	}
}

func (s sight) rank(q Approval, holds func(Rule, bool, string)) {
	least := 0
	for _, needs := range q.Needs {
		switch {
		case needs == BypassApprove:
			plain := !slices.ContainsFunc(q.Targets, func(id string) bool { return s.targets[id].Rank > Ranks[RoleUser] })
			holds(RuleDuty, s.approver.Rank >= AdministratorRank || plain, "duty.plain_users")
		case !eyes.Has(needs):
			least = AdministratorRank
		}
	}
	for _, role := range q.Giving {
		least = max(least, s.roles[role].rank, AdministratorRank)
	}
	if least > 0 {
		holds(RuleRank, s.approver.Rank >= least, "approver.rank")
	}
}
