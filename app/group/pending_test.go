package group_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/app/group"
)

// TestAGroupThatARuleWillSpeakOfIsWatchedBeforehand: who is in it at that time is what
// was approved. When nothing comes of the rule any more the group is like others.
func TestAGroupThatARuleWillSpeakOfIsWatchedBeforehand(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		in, out := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		now := h.Clock.Now()
		schedule := func(state, rule, before string) {
			h.Set(`INSERT INTO rollout_schedules (tenant_id, feature, id, state, rule, before, version, at, ends_at, loosens, reason, ticket, made_by, approved_by, made_at)
				VALUES (?,'sms','s',?,?,?,1,?,?,TRUE,'','','','',?)`, h.Alder.ID, state, rule, before, now.Add(time.Hour), now.Add(time.Hour), now)
		}
		ramp := func(state, plan, before string) {
			h.Set(`INSERT INTO ramps (tenant_id, id, feature, state, plan, before, step, version, turn, entered_at, look_at, day_tries, day_failed, day_sign_ins, day_bypassed,
				reason, ticket, begun_by, approved_by, begun_at) VALUES (?,'r','typed_number_match',?,?,?,0,1,1,?,?,0,0,0,0,'','','','',?)`, h.Alder.ID, state, plan, before, now, now, now)
		}
		off := `{"stage":"off"}`
		for claim, stand := range map[string]func(rule string){
			"waits":            func(rule string) { schedule("waits", rule, off) },
			"comes back":       func(rule string) { schedule("holds", off, rule) },
			"a step":           func(rule string) { ramp("running", `{"steps":[{"rule":`+rule+`}]}`, off) },
			"a step, halted":   func(rule string) { ramp("halted", `{"steps":[{"rule":`+rule+`}]}`, off) },
			"before the steps": func(rule string) { ramp("paused", `{"steps":[]}`, rule) },
		} {
			id := h.group("for "+claim, "", in)
			stand(fmt.Sprintf(`{"stage":"pilot","include":[%q]}`, id))
			if o, err := h.try(h.admin, group.KindAddMember, out, group.Membership{Group: id}); err != nil || !o.Waits() {
				t.Errorf("%s: to join = %+v, %v", claim, o, err)
			}
			if o, err := h.try(h.admin, group.KindRemoveMember, in, group.Membership{Group: id}); err != nil || !o.Waits() {
				t.Errorf("%s: to leave = %+v, %v", claim, o, err)
			}
			h.refused("group.in_rollout", h.admin, group.KindDelete, nobody, group.Deletion{Group: id, Confirmed: "for " + claim})
			other := h.group("not "+claim, "", in)
			h.does(h.admin, group.KindAddMember, out, group.Membership{Group: other})
			h.does(h.admin, group.KindRemoveMember, in, group.Membership{Group: other})
			h.does(h.admin, group.KindDelete, nobody, group.Deletion{Group: other, Confirmed: "not " + claim})

			h.Set("DELETE FROM rollout_schedules")
			h.Set("UPDATE ramps SET state = 'cancelled', ended_at = ?", now)
			h.does(h.admin2, group.KindDelete, nobody, group.Deletion{Group: id, Confirmed: "for " + claim})
			h.Set("DELETE FROM ramps")
		}
		// Of a feature that neither weakens nor strengthens it only stays.
		id := h.group("passkeys", "", in)
		schedule("waits", fmt.Sprintf(`{"stage":"pilot","include":[%q]}`, id), off)
		h.Set("UPDATE rollout_schedules SET feature = 'passkeys'")
		h.does(h.admin, group.KindAddMember, out, group.Membership{Group: id})
		h.refused("group.in_rollout", h.admin, group.KindDelete, nobody, group.Deletion{Group: id, Confirmed: "passkeys"})
	})
}
