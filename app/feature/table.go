package feature

import (
	"latchkey/app/store"
)

// Load reads what holds in a tenant, in the act tx or as it stands.
func Load(tx *store.Tx, tenantID string) (*Table, error) {
	t := Usual()
	var rows []struct {
		Feature Feature
		Stage   Stage
		Share   int
	}
	if err := tx.All(&rows, "SELECT feature, stage, share FROM rollouts WHERE tenant_id = ?", tenantID); err != nil {
		return nil, err
	}
	for _, r := range rows {
		if e, ok := Find(r.Feature); ok {
			t.Rules[e.index] = Rule{Stage: r.Stage, Share: r.Share}
		}
	}
	var groups []struct {
		Feature  Feature
		GroupID  string
		Excluded bool
	}
	if len(rows) > 0 {
		if err := tx.All(&groups, "SELECT feature, group_id, excluded FROM rollout_groups WHERE tenant_id = ? ORDER BY feature, group_id", tenantID); err != nil {
			return nil, err
		}
	}
	for _, g := range groups {
		if e, ok := Find(g.Feature); ok {
			r := &t.Rules[e.index]
			if g.Excluded {
				r.Exclude = append(r.Exclude, g.GroupID)
			} else {
				r.Include = append(r.Include, g.GroupID)
			}
		}
	}
	var off Set
	if _, err := tx.One(&off, "SELECT "+released("part")+" FROM tenants t WHERE t.id = ?", tenantID); err != nil {
		return nil, err
	}
	t.Released &^= off
	return t, nil
}

// PersonOf reads what rules ask of a user; ok is false when there is nobody.
func PersonOf(tx *store.Tx, tenantID, userID string) (p Person, ok bool, err error) {
	if ok, err = tx.One(&p.Seed, "SELECT seed FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID); err != nil || !ok {
		return p, ok, err
	}
	if err := tx.All(&p.Groups, "SELECT group_id FROM group_members WHERE tenant_id = ? AND user_id = ? ORDER BY group_id", tenantID, userID); err != nil {
		return p, false, err
	}
	var chosen []Feature
	if err := tx.All(&chosen, "SELECT feature FROM rollout_choices WHERE tenant_id = ? AND user_id = ?", tenantID, userID); err != nil {
		return p, false, err
	}
	for _, f := range chosen {
		if e, there := Find(f); there {
			p.Chosen |= e.Bit
		}
	}
	return p, true, nil
}
