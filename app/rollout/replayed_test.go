package rollout_test

import (
	"log/slog"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/replay"
	"latchkey/app/rollout"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// wide is a replay that looks at enough.
var wide = replay.Range{Days: replay.FreshDays, Most: replay.FreshMost}

// begin begins a replay of another rule for a feature, which waits to be carried out.
func (o *office) begin(tenantID string, of replay.Range, f feature.Feature, r feature.Rule) string {
	o.T.Helper()
	id, err := replay.New(o.DB, slog.New(slog.DiscardHandler)).Begin(o.T.Context(), tenantID, o.admin.ID, of, rollout.Draft{Feature: f, Rule: r}.Put, audit.Origin{})
	if err != nil {
		o.T.Fatal(err)
	}
	return id
}

// try carries a replay out as well.
func (o *office) try(f feature.Feature, r feature.Rule) string {
	o.T.Helper()
	id := o.begin(o.Alder.ID, wide, f, r)
	if err := replay.New(o.DB, slog.New(slog.DiscardHandler)).TakeUp(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
	return id
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

var (
	quarter = feature.Rule{Stage: feature.Percentage, Share: 25}
	half    = feature.Rule{Stage: feature.Percentage, Share: 50}
	nobody  = feature.Rule{Stage: feature.Off}
)

// TestWhereAReplayComesFirst has everything that is no replay of a change.
func TestWhereAReplayComesFirst(t *testing.T) {
	each(t, func(o *office) {
		const f = feature.Passkeys
		refused := func(claim string, r feature.Rule, want string) {
			o.T.Helper()
			if _, err := o.change(o.admin, f, r); code(err) != want {
				o.T.Errorf("%s: %v, want %s", claim, err, want)
			}
		}
		o.must(o.change(o.admin, f, half)) // nobody wants one
		o.Set("UPDATE tenants SET replay_first = TRUE WHERE id = ?", o.Alder.ID)
		o.Clock.Forward(time.Second)
		refused("none at all", quarter, "replay.needed")

		o.try(f, nobody)
		o.try(feature.TOTP, quarter)
		refused("of other drafts", quarter, "replay.needed")
		o.begin(o.Alder.ID, replay.Range{Days: replay.FreshDays - 1, Most: replay.FreshMost}, f, quarter)
		o.begin(o.Alder.ID, replay.Range{Days: replay.FreshDays, Most: replay.FreshMost - 1}, f, quarter)
		o.begin(o.Birch.ID, wide, f, quarter)
		o.Set("UPDATE replays SET state = 'done'")
		refused("too few decisions, and another tenant's", quarter, "replay.needed")

		running := o.begin(o.Alder.ID, wide, f, quarter)
		refused("one that runs", quarter, "replay.unfinished")
		if _, err := o.change(o.admin, f, quarter); fault.Of(err) == nil || fault.Of(err).Detail != running {
			o.T.Errorf("it does not name the one that runs: %v", err)
		}
		o.Set("UPDATE replays SET state = 'failed' WHERE id = ?", running)
		refused("one that failed", quarter, "replay.needed")
		gone := o.try(f, quarter)
		o.Set("DELETE FROM replays WHERE id = ?", gone)
		refused("one that was deleted", quarter, "replay.needed")
		if o.now(f).Version != 1 || o.Events(audit.RolloutChanged) != 1 {
			o.T.Fatalf("something was changed: %+v", o.now(f))
		}

		o.try(f, quarter)
		o.must(o.change(o.admin, f, quarter))
		// To go back is a change like any other, and so wants its own.
		history, err := o.rollout.History(o.T.Context(), o.Alder.ID, f)
		if err != nil {
			o.T.Fatal(err)
		}
		refused("restored", history[1].Rule, "replay.needed")
		o.try(f, history[1].Rule)
		o.must(o.change(o.admin, f, history[1].Rule))
	})
}

// TestAReplayIsOlderThanTheRules: what it compared the draft with has changed since,
// also where it is the same again.
func TestAReplayIsOlderThanTheRules(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE tenants SET replay_first = TRUE WHERE id = ?", o.Alder.ID)
		o.try(feature.Passkeys, half)
		o.try(feature.TOTP, quarter)
		o.Clock.Forward(time.Second)
		o.must(o.change(o.admin, feature.TOTP, quarter))
		if _, err := o.change(o.admin, feature.Passkeys, half); code(err) != "replay.needed" {
			o.T.Errorf("of another feature: %v", err)
		}
		o.Clock.Forward(time.Second)
		o.try(feature.TOTP, feature.Rule{Stage: feature.Everyone})
		o.must(o.change(o.admin, feature.TOTP, feature.Rule{Stage: feature.Everyone}))
		if _, err := o.change(o.admin, feature.Passkeys, half); code(err) != "replay.needed" {
			o.T.Errorf("there and back: %v", err)
		}
		o.Clock.Forward(time.Second)
		o.try(feature.Passkeys, half)
		o.Act(func(tx *store.Tx) error {
			return tx.Exec("UPDATE tenants SET no_sign_in = 1, method_version = method_version + 1 WHERE id = ?", o.Alder.ID).Error
		})
		if _, err := o.change(o.admin, feature.Passkeys, half); code(err) != "replay.needed" {
			o.T.Errorf("the ways in are others: %v", err)
		}
	})
}

// TestASecondPersonApprovesWhatWasTried: the request stands on the replay, and is void
// when that is old.
func TestASecondPersonApprovesWhatWasTried(t *testing.T) {
	each(t, func(o *office) {
		o.must(o.change(o.admin, feature.SMS, nobody))
		o.Set("UPDATE tenants SET replay_first = TRUE WHERE id = ?", o.Alder.ID)
		o.Clock.Forward(time.Second)
		if _, err := o.change(o.admin, feature.SMS, half); code(err) != "replay.needed" {
			o.T.Fatalf("a request without a replay: %v", err)
		}
		o.try(feature.SMS, half)
		first, err := o.change(o.admin, feature.SMS, half)
		if err != nil || !first.Waits() {
			o.T.Fatalf("%+v, %v", first, err)
		}
		o.Clock.Forward(time.Second)
		o.try(feature.TOTP, quarter)
		o.must(o.change(o.admin, feature.TOTP, quarter))
		if err := o.approvals.Approve(o.T.Context(), o.Alder.ID, first.RequestID, o.security.ID, approval.Given{}); !approval.Voided(err) {
			o.T.Errorf("an old replay: %v", err)
		}
		o.Clock.Forward(time.Second)
		o.try(feature.SMS, half)
		second, err := o.change(o.admin, feature.SMS, half)
		if err != nil {
			o.T.Fatal(err)
		}
		if err := o.approvals.Approve(o.T.Context(), o.Alder.ID, second.RequestID, o.security.ID, approval.Given{}); err != nil || o.now(feature.SMS).Rule.Share != 50 {
			o.T.Errorf("a fresh one: %v, %+v", err, o.now(feature.SMS))
		}
	})
}

// TestOfTwoThatWereTriedOneIsOld: each was tried against what held, and the first to be
// saved makes the replay of the other an old one.
func TestOfTwoThatWereTriedOneIsOld(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE tenants SET replay_first = TRUE WHERE id = ?", o.Alder.ID)
		both := []feature.Feature{feature.Passkeys, feature.TOTP}
		for round := range 4 {
			o.Clock.Forward(time.Second)
			r := feature.Rule{Stage: feature.Percentage, Share: 10 + round}
			versions := []int{o.now(both[0]).Version, o.now(both[1]).Version}
			o.try(both[0], r)
			o.try(both[1], r)
			errs := signintest.AtOnce(2, func(i int) error {
				_, err := o.changeFrom(o.admin, both[i], r, versions[i])
				return err
			})
			won := 0
			for _, err := range errs {
				switch code(err) {
				case "":
					won++
				case "replay.needed":
				default:
					o.T.Errorf("round %d: %v", round, err)
				}
			}
			if won != 1 {
				o.T.Fatalf("round %d: %d were saved", round, won)
			}
		}
	})
}

// TestADraftIsWhatIsSaved: the rules after a change are those that were tried, to the letter.
func TestADraftIsWhatIsSaved(t *testing.T) {
	each(t, func(o *office) {
		pilot, field := o.group("pilot"), o.group("field")
		replays := replay.New(o.DB, slog.New(slog.DiscardHandler))
		for _, d := range []rollout.Draft{
			{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Pilot, Share: 7, Include: []string{pilot, field, pilot}}},
			{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Percentage, Share: 7, Include: []string{pilot}, Exclude: []string{field}}},
			{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Off, Share: 7, Include: []string{pilot}}},
		} {
			tried, err := replays.Current(o.T.Context(), o.Alder.ID)
			if err != nil {
				o.T.Fatal(err)
			}
			d.Put(tried)
			o.must(o.change(o.admin, d.Feature, d.Rule))
			holds, err := decision.Load(o.DB.View(o.T.Context()), o.Alder.ID)
			if err != nil || holds.Text() != tried.Text() {
				o.T.Errorf("%+v: %v\ntried %s\nholds %s", d.Rule, err, tried.Text(), holds.Text())
			}
		}
	})
}
