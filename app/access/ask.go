package access

import (
	"slices"
	"strings"

	"latchkey/app/store"
)

// Ask judges an act in its own transaction, by the rows as they stand there. A
// database that cannot be read is an error, and no permission.
func (r *Rules) Ask(tx *store.Tx, q Question) (Verdict, error) {
	m := r.table.Load().matrix
	actor, err := acting(tx, m, q.TenantID, q.ActorID)
	if err != nil {
		return Verdict{Answer: No}, err
	}
	t := target{named: q.TargetID != ""}
	if t.named {
		if t.Standing, err = standing(tx, m, q.TenantID, q.TargetID); err != nil {
			return Verdict{Answer: No}, err
		}
		if t.groups, t.there, err = groupsOf(tx, q.TenantID, q.TargetID); err != nil {
			return Verdict{Answer: No}, err
		}
	}
	if q.Giving != "" {
		if t.giving, t.known, err = define(tx, m, q.TenantID, q.Giving); err != nil {
			return Verdict{Answer: No}, err
		}
	}
	return judge(q, actor, t), nil
}

// AskAll judges an act that is several at once: the strictest answer holds.
func (r *Rules) AskAll(tx *store.Tx, questions ...Question) (Verdict, error) {
	all := Verdict{Answer: Yes}
	ask := func(i int) (Verdict, error) { return r.Ask(tx, questions[i]) }
	if len(questions) >= manyQuestions {
		verdicts, err := r.AskEach(tx, questions)
		if err != nil {
			return Verdict{Answer: No}, err
		}
		ask = func(i int) (Verdict, error) { return verdicts[i], nil }
	}
	for i := range questions {
		v, err := ask(i)
		if err != nil {
			return v, err
		}
		if all.Findings == nil || strictness[v.Answer] > strictness[all.Answer] {
			all = v
		}
	}
	return all, nil
}

// define gives a role by its name, as it is in a tenant.
func define(tx *store.Tx, m *matrix, tenantID string, role Role) (definition, bool, error) {
	if strings.HasPrefix(string(role), CustomPrefix) {
		return customRole(tx, m, tenantID, role)
	}
	d := m.definition(role)
	return d, d.rank > Ranks[RoleUser] && role != RoleOperator, nil
}

// StandingIn gives what a person is, by the rows as they stand in the act tx.
func (r *Rules) StandingIn(tx *store.Tx, tenantID, userID string) (Standing, error) {
	s, err := acting(tx, r.table.Load().matrix, tenantID, userID)
	s.Inactive = false // what they are, whether or not they can act
	return s, err
}

// RankOf gives the rank of a role in a tenant, and whether there is such a role.
func (r *Rules) RankOf(tx *store.Tx, tenantID string, role Role) (int, bool, error) {
	d, ok, err := define(tx, r.table.Load().matrix, tenantID, role)
	return d.rank, ok, err
}

// Composable lists the permissions that a custom role may be put together from,
// with the rank that each brings.
func (r *Rules) Composable() map[Permission]int {
	m := r.table.Load().matrix
	all := map[Permission]int{}
	for _, p := range Permissions {
		if m.composable(p) {
			all[p] = m.least(p)
		}
	}
	return all
}

// Of gives what a built-in role may.
func (r *Rules) Of(role Role) Set { return r.table.Load().matrix.roles[role] }

// Givable is a role with what the rules say of giving it to somebody.
type Givable struct {
	Role   Role
	Name   string // of a custom role
	Rank   int
	Answer Answer
}

// Givable lists the roles of a tenant, the built-in ones by rank and then the
// custom ones by name, with the answer to giving each to a person, for the groups
// that the actor is limited to.
func (r *Rules) Givable(tx *store.Tx, tenantID, actorID, targetID string) ([]Givable, error) {
	m := r.table.Load().matrix
	actor, err := acting(tx, m, tenantID, actorID)
	if err != nil {
		return nil, err
	}
	t := target{named: true, known: true}
	if t.Standing, err = standing(tx, m, tenantID, targetID); err != nil {
		return nil, err
	}
	if t.groups, t.there, err = groupsOf(tx, tenantID, targetID); err != nil {
		return nil, err
	}
	var given []definition
	for role := range Ranks {
		if role != RoleUser && role != RoleOperator {
			given = append(given, m.definition(role))
		}
	}
	slices.SortFunc(given, func(a, b definition) int { return a.rank - b.rank })
	var rows []struct{ ID, Name, Permissions string }
	if err := tx.All(&rows, "SELECT id, name, permissions FROM custom_roles WHERE tenant_id = ? AND retired_at IS NULL ORDER BY name", tenantID); err != nil {
		return nil, err
	}
	for _, row := range rows {
		given = append(given, m.custom(Role(row.ID), row.Name, row.Permissions))
	}
	all := make([]Givable, len(given))
	for i, d := range given {
		t.giving = d
		q := Question{TenantID: tenantID, ActorID: actorID, Needs: RoleAssign, TargetID: targetID, Giving: d.role, GivenFor: actor.Scope}
		all[i] = Givable{d.role, d.name, d.rank, judge(q, actor, t).Answer}
	}
	return all, nil
}

// StandingsIn gives everybody who holds a role in a tenant now, by the rows as
// they stand in the act tx.
func (r *Rules) StandingsIn(tx *store.Tx, tenantID string) ([]Standing, error) {
	found, err := holdersWhere(tx, r.table.Load().matrix, " WHERE a.tenant_id = ?", []any{tenantID}, " WHERE tenant_id = ?", []any{tenantID})
	all := make([]Standing, 0, len(found))
	for _, s := range found {
		if !s.ended(tx.Now) {
			all = append(all, s)
		}
	}
	return all, err
}
