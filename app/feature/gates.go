package feature

import (
	"latchkey/app/store"
)

// Store makes a rule the one of a tenant for a feature, in the act tx: the rule, its
// groups, and the gates by which statements ask it. What it has written before,
// version included, is for its caller to have checked.
func Store(tx *store.Tx, tenantID string, f Feature, r Rule, version int) error {
	e, _ := Find(f)
	err := tx.Exec(`INSERT INTO rollouts (tenant_id, feature, stage, share, version, changed_at) VALUES (?,?,?,?,?,?)
		ON CONFLICT (tenant_id, feature) DO UPDATE SET stage = excluded.stage, share = excluded.share, version = excluded.version, changed_at = excluded.changed_at`,
		tenantID, f, r.Stage, r.Share, version, tx.Now).Error
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"DELETE FROM rollout_groups WHERE tenant_id = ? AND feature = ?",
		"DELETE FROM rollout_gates WHERE tenant_id = ? AND feature = ?",
	} {
		if err := tx.Exec(statement, tenantID, f).Error; err != nil {
			return err
		}
	}
	for excluded, groups := range map[bool][]string{false: r.Include, true: r.Exclude} {
		for _, g := range groups {
			if err := tx.Exec("INSERT INTO rollout_groups (tenant_id, feature, group_id, excluded) VALUES (?,?,?,?)", tenantID, f, g, excluded).Error; err != nil {
				return err
			}
		}
	}
	if err := tx.Exec("UPDATE tenants SET ruled = ruled | ? WHERE id = ?", e.Bit, tenantID).Error; err != nil || r.Everybody() {
		return err
	}
	var rows [][]any
	for _, effect := range e.effects() {
		rows = append(rows, []any{tenantID, f, effect.part, effect.way, r.Stage, r.Share * scale / 100, len(r.Include) > 0, r.Nobody(), e.mix, e.shift})
	}
	return tx.InsertAll("INSERT INTO rollout_gates (tenant_id, feature, part, way, stage, share, narrowed, nobody, mix, shift)", "", rows)
}

// effect is one thing that is gone with a feature: another one, or a way.
type effect struct{ part, way int }

func (e *Entry) effects() (all []effect) {
	for _, i := range e.taken {
		all = append(all, effect{part: int(Catalogue[i].Bit)})
		if way := Catalogue[i].Way; way != 0 {
			all = append(all, effect{way: int(way)})
		}
	}
	return all
}

// Cell is a region and a ring, and the share of its tenants that have a feature.
type Cell struct {
	Region string `json:"region"`
	Ring   string `json:"ring"`
	Share  int    `json:"percentage"` // percent
}

// Release opens the gates of the platform for a feature as far as cells say, in the
// act tx. What no cell speaks of is open.
func Release(tx *store.Tx, f Feature, cells []Cell) error {
	e, _ := Find(f)
	if err := tx.Exec("DELETE FROM release_gates WHERE feature = ?", f).Error; err != nil {
		return err
	}
	var rows [][]any
	for _, c := range cells {
		if c.Share >= 100 {
			continue
		}
		for _, effect := range e.effects() {
			rows = append(rows, []any{c.Region, c.Ring, f, effect.part, effect.way, c.Share * scale / 100, e.mix, e.shift})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.InsertAll("INSERT INTO release_gates (region, ring, feature, part, way, share, mix, shift)", "", rows)
}
