package replay_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/decision/decisiontest"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/replay"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house has a tenant with many sign-ins behind it.
type house struct {
	t       *testing.T
	db      *store.DB
	clock   *storetest.Clock
	alder   tenant.Tenant
	replays *replay.Service
}

func tell(t *testing.T, signIns int, story func(h *house)) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		h := &house{t: t, db: db, clock: clock, replays: replay.New(db, slog.New(slog.DiscardHandler))}
		h.act(func(tx *store.Tx) (err error) {
			h.alder, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "stable"}, audit.Service, audit.Origin{})
			return err
		})
		r := rand.New(rand.NewPCG(1, 2))
		// Three rules held one after the other; the last holds now.
		each := signIns / 3
		for n := range 3 {
			h.act(func(tx *store.Tx) error {
				if n == 0 {
					return nil
				}
				return feature.Store(tx, h.alder.ID, []feature.Feature{feature.TOTP, feature.SMS}[n-1], feature.Rule{Stage: feature.Percentage, Share: 50, Include: nil}, 1)
			})
			many := each
			if n == 2 {
				many = signIns - 2*each
			}
			rules := h.current()
			for done := 0; done < many; done += 2000 {
				h.act(func(tx *store.Tx) error {
					return decisiontest.Fill(tx, h.alder.ID, rules, r, min(2000, many-done), clock.Now().Add(-time.Duration(3-n)*24*time.Hour+time.Duration(done)*time.Millisecond))
				})
			}
		}
		story(h)
	})
}

func (h *house) act(do func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Act(h.t.Context(), do); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) current() *decision.Rules {
	h.t.Helper()
	rules, err := h.replays.Current(h.t.Context(), h.alder.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return rules
}

func (h *house) begin(most int, change func(*decision.Rules)) string {
	h.t.Helper()
	id, err := h.replays.Begin(h.t.Context(), h.alder.ID, "admin", replay.Range{Days: 30, Most: most}, change, audit.Origin{})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) found(id string) replay.Replay {
	h.t.Helper()
	r, err := h.replays.Find(h.t.Context(), h.alder.ID, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func asItIs(*decision.Rules) {}

func withoutPasswords(r *decision.Rules) { r.Ways.NoSignIn |= user.WithPassword }

// TestReplayingWhatHoldsReproducesAHundredThousand decisions, each by the rules that
// held when it was made.
func TestReplayingWhatHoldsReproducesAHundredThousand(t *testing.T) {
	many := 100_000
	if testing.Short() {
		many = 10_000
	}
	tell(t, many, func(h *house) {
		id := h.begin(replay.CountMost, asItIs)
		if err := h.replays.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		r := h.found(id)
		if r.State != replay.Done || r.Tally.Seen != many || r.Done != many || r.Total != many || r.Tally.Defects != 0 || !r.Same() {
			h.t.Fatalf("%s: %d of %d seen, %d defects", r.State, r.Tally.Seen, r.Total, r.Tally.Defects)
		}
		// Of those made under what holds now nothing moves; of the others some do.
		id = h.begin(many-2*(many/3), asItIs)
		if err := h.replays.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		if r := h.found(id); len(r.Tally.Moves) != 0 || r.Tally.Modes != 0 || r.Tally.Defects != 0 {
			h.t.Errorf("what holds moves its own: %+v", r.Tally)
		}
		h.t.Logf("%d decisions", many)
	})
}

func TestADraftTellsWhoWouldBeStopped(t *testing.T) {
	tell(t, 6_000, func(h *house) {
		id := h.begin(2_000, withoutPasswords)
		if err := h.replays.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		r := h.found(id)
		stopped := r.Tally.Moves[replay.MoveOf(decision.Passed, decision.Blocked)]
		if r.Tally.Newly(decision.Blocked) == 0 || stopped == nil || stopped.Count == 0 || len(stopped.Examples) != 10 || r.Tally.Newly(decision.Passed) != 0 || r.Tally.Seen != 2_000 {
			h.t.Fatalf("%+v", r.Tally)
		}
		if stopped.Stranded == 0 || stopped.Stranded >= stopped.Count {
			h.t.Errorf("%d of %d have no other way", stopped.Stranded, stopped.Count)
		}
	})
}

// TestADecisionThatWasTamperedWithIsADefect, and so is one whose rules are gone.
func TestADecisionThatDoesNotComeOutAgainIsADefect(t *testing.T) {
	tell(t, 300, func(h *house) {
		usual := &decision.Rules{Features: *feature.Usual()}
		h.act(func(tx *store.Tx) error {
			return tx.Exec("UPDATE decision_rules SET rules = ? WHERE tenant_id = ? AND fingerprint = (SELECT rules FROM decisions WHERE tenant_id = ? ORDER BY decided_at LIMIT 1)",
				(&decision.Rules{Features: *usual.Features.With(feature.PhoneSignIn, feature.Rule{Stage: feature.Off})}).Text(), h.alder.ID, h.alder.ID).Error
		})
		id := h.begin(1_000, asItIs)
		if err := h.replays.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		if r := h.found(id); r.Tally.Defects == 0 || r.Tally.Defects > 100 || len(r.Tally.Odd) != 10 {
			h.t.Errorf("%d defects, %d named", r.Tally.Defects, len(r.Tally.Odd))
		}
	})
}

// TestAReplayGoesOnWhereItWas: one process stops in the middle, another takes it up,
// and the report is that of one that was never stopped.
func TestAReplayGoesOnWhereItWas(t *testing.T) {
	tell(t, 12_000, func(h *house) {
		id, whole := h.begin(12_000, withoutPasswords), ""
		ctx, stop := context.WithCancel(h.t.Context())
		passes := 0
		h.db.Watch(func(statement string) {
			if len(statement) > 20 && statement[:20] == "UPDATE replays SET h" {
				if passes++; passes == 2 { // taken up, and noted once
					stop()
				}
			}
		})
		_ = h.replays.TakeUp(ctx)
		h.db.Watch(func(string) {})
		if r := h.found(id); r.State != replay.Running {
			h.t.Fatalf("it was not stopped: %s", r.State)
		}
		other := replay.New(h.db, h.replays.Log)
		if err := other.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		if r := h.found(id); r.State != replay.Running {
			h.t.Error("it was taken up while somebody was at it")
		}
		h.clock.Forward(time.Minute)
		if err := other.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		stopped := h.found(id)
		whole = h.begin(12_000, withoutPasswords)
		if err := other.TakeUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		if once := h.found(whole); stopped.State != replay.Done || fmt.Sprint(moves(stopped)) != fmt.Sprint(moves(once)) || stopped.Tally.Seen != 12_000 {
			h.t.Errorf("stopped: %v of %d, at once: %v", moves(stopped), stopped.Tally.Seen, moves(once))
		}
	})
}

func moves(r replay.Replay) map[string]int {
	all := map[string]int{}
	for name, m := range r.Tally.Moves {
		all[name], all[name+" stranded"] = m.Count, m.Stranded
	}
	return all
}

func TestWhatIsNoRangeIsRefused(t *testing.T) {
	tell(t, 3, func(h *house) {
		for _, of := range []replay.Range{{0, 10}, {replay.DaysMost + 1, 10}, {1, 0}, {1, replay.CountMost + 1}} {
			if _, err := h.replays.Begin(h.t.Context(), h.alder.ID, "admin", of, asItIs, audit.Origin{}); fault.Of(err) == nil || fault.Of(err).Kind != fault.Invalid {
				h.t.Errorf("%+v: %v", of, err)
			}
		}
		for range 3 {
			h.begin(10, asItIs)
		}
		if _, err := h.replays.Begin(h.t.Context(), h.alder.ID, "admin", replay.Range{Days: 1, Most: 1}, asItIs, audit.Origin{}); fault.Of(err) == nil || fault.Of(err).Code != "replay.too_many" {
			h.t.Errorf("a fourth at once: %v", err)
		}
		if _, err := h.replays.Find(h.t.Context(), "nobody", "any"); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
			h.t.Errorf("%v", err)
		}
	})
}
