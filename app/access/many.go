package access

import (
	"slices"
	"strings"

	"latchkey/app/store"
)

// manyQuestions is from how many on AskAll reads the rows for all of them together.
const manyQuestions = 50

// AskEach judges many acts at once, each as Ask does and in its order, by rows
// that are read together. It is for lists of people, so that each of them is
// judged like an act on one.
func (r *Rules) AskEach(tx *store.Tx, questions []Question) ([]Verdict, error) {
	k := &known{tx: tx, matrix: r.table.Load().matrix, tenants: map[string]*knownTenant{}}
	for _, q := range questions {
		t := k.tenant(q.TenantID)
		if q.TargetID != "" {
			t.targets = append(t.targets, q.TargetID)
		}
	}
	if err := k.read(); err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(questions))
	for i, q := range questions {
		t := target{named: q.TargetID != ""}
		if t.named {
			t.Standing = k.standing(q.TenantID, q.TargetID)
			t.groups, t.there = k.tenant(q.TenantID).groups[q.TargetID]
		}
		if q.Giving != "" {
			role, err := k.role(q.TenantID, q.Giving)
			if err != nil {
				return nil, err
			}
			t.giving, t.known = role.definition, role.known
		}
		actor, err := k.actor(q.TenantID, q.ActorID)
		if err != nil {
			return nil, err
		}
		verdicts[i] = judge(q, actor, t)
	}
	return verdicts, nil
}

// known is what was read for many questions.
type known struct {
	tx      *store.Tx
	matrix  *matrix
	tenants map[string]*knownTenant
}

type knownTenant struct {
	targets []string
	holders map[holder]Standing
	groups  map[string][]string // of each target that is there
	roles   map[Role]knownRole
	actors  map[string]Standing
}

type knownRole struct {
	definition
	known bool
}

func (k *known) tenant(id string) *knownTenant {
	t := k.tenants[id]
	if t == nil {
		t = &knownTenant{groups: map[string][]string{}, roles: map[Role]knownRole{}, actors: map[string]Standing{}}
		k.tenants[id] = t
	}
	return t
}

func (k *known) read() (err error) {
	for id, t := range k.tenants {
		if t.holders, err = holdersWhere(k.tx, k.matrix, " WHERE a.tenant_id = ?", []any{id}, " WHERE tenant_id = ?", []any{id}); err != nil {
			return err
		}
		slices.Sort(t.targets)
		for some := range slices.Chunk(slices.Compact(t.targets), store.EachMost) {
			if err := t.readTargets(k.tx, id, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// readTargets reads which users there are, and their groups, as groupsOf does.
func (t *knownTenant) readTargets(tx *store.Tx, tenantID string, users []string) error {
	from, values := store.Each(users)
	var rows []struct {
		ID, There *string
		In        *string // ids of groups, parted by spaces
	}
	err := tx.All(&rows, `SELECT v.column1 AS id, (SELECT u.id FROM users u WHERE u.tenant_id = ? AND u.id = v.column1) AS there,
		(SELECT string_agg(m.group_id, ' ') FROM group_members m WHERE m.user_id = v.column1 AND m.tenant_id || '' = ?) AS "in" FROM `+from,
		append([]any{tenantID, tenantID}, values...)...)
	for _, row := range rows {
		switch {
		case row.There == nil:
		case row.In == nil:
			t.groups[*row.ID] = nil
		default:
			t.groups[*row.ID] = strings.Fields(*row.In)
		}
	}
	return err
}

// standing is what a person is, as standing in queries.go would read it.
func (k *known) standing(tenantID, userID string) Standing {
	s, ok := k.tenant(tenantID).holders[holder{tenantID, userID}]
	if !ok || !s.EndsAt.IsZero() && !k.tx.Now.Before(s.EndsAt) {
		return k.matrix.user(tenantID, userID)
	}
	return s
}

// actor is who acts, as acting in queries.go reads it.
func (k *known) actor(tenantID, userID string) (Standing, error) {
	t := k.tenant(tenantID)
	found, ok := t.actors[userID]
	if ok {
		return found, nil
	}
	s, err := acting(k.tx, k.matrix, tenantID, userID)
	t.actors[userID] = s
	return s, err
}

func (k *known) role(tenantID string, role Role) (knownRole, error) {
	t := k.tenant(tenantID)
	found, ok := t.roles[role]
	if ok {
		return found, nil
	}
	d, there, err := define(k.tx, k.matrix, tenantID, role)
	t.roles[role] = knownRole{d, there}
	return t.roles[role], err
}
