package policy_test

import (
	"log/slog"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/policy"
	"latchkey/app/replay"
)

// try replays a policy on what was.
func (o *office) try(p policy.Policy) {
	o.T.Helper()
	replays := replay.New(o.DB, slog.New(slog.DiscardHandler))
	of := replay.Range{Days: replay.FreshDays, Most: replay.FreshMost}
	if _, err := replays.Begin(o.T.Context(), o.Alder.ID, o.admin.ID, of, p.Put, audit.Origin{}); err != nil {
		o.T.Fatal(err)
	}
	if err := replays.TakeUp(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
}

// TestWhereAReplayComesFirst: before ways in change, and not before what decides no sign-in.
func TestWhereAReplayComesFirst(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE tenants SET replay_first = TRUE WHERE id = ?", o.Alder.ID)
		p := o.now()
		p.TriesMost, p.StrongestFirst = 5, true
		if _, err := o.change(o.admin, p); err != nil {
			o.T.Fatalf("limits alone: %v", err)
		}
		next := without(o.now(), "sms")
		if _, err := o.change(o.admin, next); code(err) != "replay.needed" {
			o.T.Errorf("without one: %v", err)
		}
		o.try(without(o.now(), "voice"))
		if _, err := o.change(o.admin, next); code(err) != "replay.needed" {
			o.T.Errorf("with one of another policy: %v", err)
		}
		o.try(next)
		if _, err := o.change(o.admin, next); err != nil {
			o.T.Errorf("with one: %v", err)
		}
		o.Clock.Forward(time.Second)
		if _, err := o.change(o.admin, without(o.now(), "voice")); code(err) != "replay.needed" {
			o.T.Errorf("with one that is older than the last change: %v", err)
		}
	})
}

// TestADraftIsWhatIsSaved: the rules after a change are those that were tried, to the letter,
// and shown in the form they are the same policy again.
func TestADraftIsWhatIsSaved(t *testing.T) {
	each(t, func(o *office) {
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?), (?,'field','field',?)", o.Alder.ID, o.Clock.Now(), o.Alder.ID, o.Clock.Now())
		next := without(o.now(), "sms")
		r := next.Rules["totp"]
		r.Groups = []string{"ward", "field"}
		next.Rules["totp"] = r
		tried, err := decision.Load(o.DB.View(o.T.Context()), o.Alder.ID)
		if err != nil {
			o.T.Fatal(err)
		}
		next.Put(tried)
		if _, err := o.change(o.admin, next); err != nil {
			o.T.Fatal(err)
		}
		holds, err := decision.Load(o.DB.View(o.T.Context()), o.Alder.ID)
		if err != nil || holds.Text() != tried.Text() {
			o.T.Errorf("%v\ntried %s\nholds %s", err, tried.Text(), holds.Text())
		}
		shown := o.now().As(tried.Ways)
		again := *holds
		if shown.Put(&again); again.Text() != holds.Text() || shown.TriesMost != o.now().TriesMost {
			o.T.Errorf("shown as %+v", shown)
		}
	})
}
