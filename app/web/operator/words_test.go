package operator

import (
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/operator"
	"latchkey/app/tenant"
	"latchkey/views/words"
)

// TestWhatIsPutTogetherHasItsWords: keys made of a value that the platform keeps.
func TestWhatIsPutTogetherHasItsWords(t *testing.T) {
	var keys []string
	for _, p := range places {
		keys = append(keys, "operator."+p.name+".title")
	}
	for _, region := range tenant.Regions {
		keys = append(keys, "setup.region."+region)
	}
	for _, ring := range tenant.Rings {
		keys = append(keys, "operator.ring."+ring)
	}
	for _, state := range states {
		keys = append(keys, "operator.state."+state)
		if tones[state] == "" {
			t.Errorf("%s has no tone", state)
		}
	}
	for _, level := range []operator.Level{operator.Good, operator.Warn, operator.Bad} {
		keys = append(keys, "operator.health."+string(level), "operator.level."+string(level))
	}
	for _, role := range operator.GrantRoles {
		keys = append(keys, "role."+string(role), "grant.role."+string(role))
	}
	for _, key := range keys {
		if !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
}

func TestTheHealthIsThatOfTheWorst(t *testing.T) {
	well := operator.Health{Database: operator.Good, Audit: operator.Good, Schema: operator.Good, Notices: operator.Good}
	for claim, row := range map[string]struct {
		change func(h *operator.Health)
		want   operator.Level
	}{
		"all is well":                {func(*operator.Health) {}, operator.Good},
		"a slow database":            {func(h *operator.Health) { h.Database = operator.Warn }, operator.Warn},
		"no audit":                   {func(h *operator.Health) { h.Audit = operator.Bad }, operator.Bad},
		"no audit, and less besides": {func(h *operator.Health) { h.Audit, h.Notices = operator.Bad, operator.Warn }, operator.Bad},
		"a replica that is silent": {func(h *operator.Health) {
			h.Replicas = []operator.Replica{{Level: operator.Good}, {Level: operator.Warn}}
		}, operator.Warn},
		"two replicas that are in order": {func(h *operator.Health) {
			h.Replicas = []operator.Replica{{Level: operator.Good}, {Level: operator.Good}}
		}, operator.Good},
		"an old schema beside bad notice": {func(h *operator.Health) { h.Schema, h.Notices = operator.Bad, operator.Bad }, operator.Bad},
	} {
		h := well
		row.change(&h)
		if got := worstOf(h); got != row.want {
			t.Errorf("%s: %s, want %s", claim, got, row.want)
		}
	}
}

func TestHistoryIsToldInWords(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for claim, row := range map[string]struct {
		e        operator.Happened
		who, why string
	}{
		"an operator, with their reason": {operator.Happened{Action: audit.TenantSuspended, Outcome: audit.Success, Reason: "unpaid", Operator: "operator@platform.example"}, "operator@platform.example", "unpaid"},
		"a refusal, in words":            {operator.Happened{Action: audit.DomainRefused, Outcome: audit.Failure, Reason: "domain.no_answer", Operator: "o"}, "o", words.Say(t.Context(), "failure.domain.no_answer")},
		"a grant of the tenant":          {operator.Happened{Action: audit.GrantGiven, Outcome: audit.Success, Reason: "ticket 7"}, words.Say(t.Context(), "operator.history.tenant"), "ticket 7"},
		"a grant that ran out":           {operator.Happened{Action: audit.GrantEnded, Outcome: audit.Success, Reason: "grant.over"}, words.Say(t.Context(), "operator.history.clock"), ""},
	} {
		row.e.At = at
		got := happened(t.Context(), row.e)
		if got.Who != row.who || got.Why != row.why || got.What == "" || !got.At.Equal(at) {
			t.Errorf("%s: %+v", claim, got)
		}
	}
}

func TestChangesAreToldInWords(t *testing.T) {
	got := changed(t.Context(), map[string]string{"ring": "early", "ring_was": "stable", "name": "B", "name_was": "A", "version": "2"})
	if want := "Name: B, before that A. Ring: Early, before that Stable"; got != want {
		t.Errorf("changed = %q, want %q", got, want)
	}
}
