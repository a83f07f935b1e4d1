package rollout_test

import (
	"errors"
	"slices"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// rule makes a rule the one of alder, past all approvals.
func (o *office) rule(f feature.Feature, r feature.Rule) {
	o.T.Helper()
	version := o.now(f).Version
	o.Act(func(tx *store.Tx) error { return feature.Store(tx, o.Alder.ID, f, r, version+1) })
}

// offered are the features that somebody may choose, with whether each is on.
func (o *office) offered(u user.User) map[feature.Feature]bool {
	o.T.Helper()
	found, err := o.rollout.Choices(o.T.Context(), u.TenantID, u.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	all := map[feature.Feature]bool{}
	for _, c := range found {
		all[c.Feature] = c.On
	}
	return all
}

func (o *office) choose(u user.User, f feature.Feature, on bool) error {
	return o.rollout.Choose(o.T.Context(), u.TenantID, u.ID, f, on, audit.Origin{})
}

func (o *office) had(u user.User, f feature.Feature) bool {
	o.T.Helper()
	had, err := feature.Had(o.DB.View(o.T.Context()), u.TenantID, u.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return had.Has(f)
}

// TestAPersonChooses turns a feature on and off: it holds at the next statement, once
// is one event, and twice is what once is.
func TestAPersonChooses(t *testing.T) {
	each(t, func(o *office) {
		u, other := o.User(o.Alder, "user1"), o.User(o.Alder, "user2")
		if len(o.offered(u)) != 0 {
			o.T.Errorf("where nothing is left to people, they are offered %v", o.offered(u))
		}
		o.rule(feature.Passkeys, feature.Rule{Stage: feature.UsersChoice})
		if on, offered := o.offered(u)[feature.Passkeys]; on || !offered || o.had(u, feature.Passkeys) {
			o.T.Errorf("before: offered %t, on %t", offered, on)
		}
		for range 2 {
			if err := o.choose(u, feature.Passkeys, true); err != nil {
				o.T.Fatal(err)
			}
		}
		if !o.offered(u)[feature.Passkeys] || !o.had(u, feature.Passkeys) || o.had(other, feature.Passkeys) || o.Events(audit.FeatureChosen) != 1 {
			o.T.Errorf("on: %t, %t; of somebody else %t; %d events", o.offered(u)[feature.Passkeys], o.had(u, feature.Passkeys), o.had(other, feature.Passkeys), o.Events(audit.FeatureChosen))
		}
		if found, err := o.rollout.Explain(o.T.Context(), o.Alder.ID, feature.Passkeys, u.Name); err != nil || !found.Has || !slices.ContainsFunc(found.Conditions, func(c feature.Condition) bool { return c.Name == "chosen" && c.Met }) {
			o.T.Errorf("explained as %+v (%v)", found, err)
		}
		for range 2 {
			if err := o.choose(u, feature.Passkeys, false); err != nil {
				o.T.Fatal(err)
			}
		}
		if o.offered(u)[feature.Passkeys] || o.had(u, feature.Passkeys) || o.Events(audit.FeatureDeclined) != 1 {
			o.T.Errorf("off: %t, %t; %d events", o.offered(u)[feature.Passkeys], o.had(u, feature.Passkeys), o.Events(audit.FeatureDeclined))
		}
		if n := o.Count("SELECT count(*) FROM audit_events WHERE subject_id = ? AND actor_id = ? AND action IN ('feature.chosen', 'feature.declined')", u.ID, u.ID); n != 2 {
			o.T.Errorf("%d events say who", n)
		}
		// To do without a way in is told, as if it were removed; to have one is not.
		if n := o.Count("SELECT count(*) FROM notices WHERE user_id = ?", u.ID); n != 1 {
			o.T.Errorf("%d notices", n)
		}
	})
}

// TestOnlyWhatIsTheirsToChoose: every cause by which it is not gives one failure, and
// changes nothing.
func TestOnlyWhatIsTheirsToChoose(t *testing.T) {
	each(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		in, out := o.group("in", u), o.group("out")
		for _, row := range []struct {
			claim  string
			rules  map[feature.Feature]feature.Rule
			closed feature.Feature // by the platform
			may    bool
		}{
			{"open to everyone", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.Everyone}}, "", false},
			{"off", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.Off}}, "", false},
			{"a pilot of their group", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.Pilot, Include: []string{in}}}, "", false},
			{"theirs", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice}}, "", true},
			{"theirs by a group", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice, Include: []string{out, in}}}, "", true},
			{"for another group", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice, Include: []string{out}}}, "", false},
			{"excluded", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice, Exclude: []string{in}}}, "", false},
			{"others are excluded", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice, Exclude: []string{out}}}, "", true},
			{"not released", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice}}, feature.SMS, false},
			{"what it needs is off", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice}, feature.BackupPhones: {Stage: feature.Off}}, "", false},
			{"what it needs is not released", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice}}, feature.BackupPhones, false},
			{"what it needs they have not chosen", map[feature.Feature]feature.Rule{feature.SMS: {Stage: feature.UsersChoice}, feature.BackupPhones: {Stage: feature.UsersChoice}}, "", false},
		} {
			o.Set("DELETE FROM rollout_choices")
			o.rule(feature.BackupPhones, feature.Rule{Stage: feature.Everyone})
			for f, r := range row.rules {
				o.rule(f, r)
			}
			release := func(share int) {
				if row.closed != "" {
					o.Act(func(tx *store.Tx) error {
						return feature.Release(tx, row.closed, []feature.Cell{{Region: o.Alder.Region, Ring: o.Alder.Ring, Share: share}})
					})
				}
			}
			release(0)
			if _, offered := o.offered(u)[feature.SMS]; offered != row.may {
				o.T.Errorf("%s: offered %t, want %t", row.claim, offered, row.may)
			}
			for _, on := range []bool{true, false} {
				if !on && !row.may { // chosen before it came to this
					o.Set("INSERT INTO rollout_choices (tenant_id, feature, user_id, chosen_at) VALUES (?,?,?,?)", o.Alder.ID, feature.SMS, u.ID, o.Clock.Now())
				}
				events := o.Events(audit.FeatureChosen) + o.Events(audit.FeatureDeclined)
				err := o.choose(u, feature.SMS, on)
				if row.may {
					if err != nil {
						o.T.Errorf("%s: turning it on is %t: %v", row.claim, on, err)
					}
					continue
				}
				signintest.WantCode(o.T, row.claim, err, "rollout.not_theirs")
				if n := o.Events(audit.FeatureChosen) + o.Events(audit.FeatureDeclined); n != events {
					o.T.Errorf("%s: a refusal left %d events", row.claim, n-events)
				}
				if n := o.Count("SELECT count(*) FROM rollout_choices"); (n == 1) == on {
					o.T.Errorf("%s: a refusal left %d choices", row.claim, n)
				}
			}
			release(100)
		}
		if err := o.choose(u, "teleport", true); !errors.Is(err, fault.NotFound) {
			o.T.Errorf("a feature that there is not: %v", err)
		}
		o.rule(feature.SMS, feature.Rule{Stage: feature.UsersChoice})
		o.rule(feature.BackupPhones, feature.Rule{Stage: feature.Everyone})
		for what, err := range map[string]error{
			"in the name of another tenant": o.rollout.Choose(o.T.Context(), o.Birch.ID, u.ID, feature.SMS, true, audit.Origin{}),
			"by nobody":                     o.rollout.Choose(o.T.Context(), o.Alder.ID, "nobody", feature.SMS, true, audit.Origin{}),
		} {
			signintest.WantCode(o.T, what, err, "rollout.not_theirs")
		}
		o.Lock(u)
		signintest.WantCode(o.T, "locked", o.choose(u, feature.SMS, true), "rollout.not_theirs")
	})
}

// TestNobodyTurnsOffTheirLastWay: alone, with what needs it, and two at once.
func TestNobodyTurnsOffTheirLastWay(t *testing.T) {
	each(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		o.PhoneOf(u)
		o.PasskeyOf(u)
		o.Set("UPDATE users SET password_hash = '', ways = ways - 1 WHERE id = ?", u.ID)
		both := func() {
			for _, f := range []feature.Feature{feature.PhoneSignIn, feature.Passkeys} {
				o.rule(f, feature.Rule{Stage: feature.UsersChoice})
				o.Set("INSERT INTO rollout_choices (tenant_id, feature, user_id, chosen_at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING", o.Alder.ID, f, u.ID, o.Clock.Now())
			}
		}
		both()
		if err := o.choose(u, feature.Passkeys, false); err != nil {
			o.T.Fatal(err)
		}
		signintest.WantCode(o.T, "the last way", o.choose(u, feature.PhoneSignIn, false), "rollout.last_way")
		if !o.had(u, feature.PhoneSignIn) || o.Events(audit.FeatureDeclined) != 1 {
			o.T.Error("a refusal changed something")
		}
		for range 5 {
			both()
			errs := make(chan error, 2)
			for _, f := range []feature.Feature{feature.PhoneSignIn, feature.Passkeys} {
				go func() { errs <- o.choose(u, f, false) }()
			}
			got := signintest.Tally([]error{<-errs, <-errs})
			if got["done"] != 1 || got["rollout.last_way"] != 1 {
				o.T.Fatalf("two at once: %v", got)
			}
		}
		// Who could not sign in anyhow loses nothing by it.
		both()
		o.Set("UPDATE domains SET verified_at = NULL WHERE tenant_id = ?", o.Alder.ID)
		if err := o.choose(u, feature.PhoneSignIn, false); err != nil {
			o.T.Error(err)
		}
	})
}

// TestAChoiceMadeManyTimesAtOnceIsMadeOnce on both databases.
func TestAChoiceMadeManyTimesAtOnceIsMadeOnce(t *testing.T) {
	each(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		o.rule(feature.TypedNumberMatch, feature.Rule{Stage: feature.UsersChoice})
		for _, on := range []bool{true, false} {
			errs := make(chan error, 8)
			for range 8 {
				go func() { errs <- o.choose(u, feature.TypedNumberMatch, on) }()
			}
			for range 8 {
				if err := <-errs; err != nil {
					o.T.Error(err)
				}
			}
			if o.had(u, feature.TypedNumberMatch) != on {
				o.T.Errorf("it is not %t", on)
			}
		}
		if o.Events(audit.FeatureChosen) != 1 || o.Events(audit.FeatureDeclined) != 1 {
			o.T.Errorf("%d events and %d", o.Events(audit.FeatureChosen), o.Events(audit.FeatureDeclined))
		}
	})
}

// TestWhatGoesWithAChoiceIsSaid: what needs it, and is had.
func TestWhatGoesWithAChoiceIsSaid(t *testing.T) {
	each(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		o.rule(feature.BackupPhones, feature.Rule{Stage: feature.UsersChoice})
		o.rule(feature.Voice, feature.Rule{Stage: feature.Off})
		if err := o.choose(u, feature.BackupPhones, true); err != nil {
			o.T.Fatal(err)
		}
		found, err := o.rollout.Choices(o.T.Context(), o.Alder.ID, u.ID)
		if err != nil || len(found) != 1 || !slices.Equal(found[0].Gone, []feature.Feature{feature.SMS}) {
			o.T.Errorf("%+v (%v)", found, err)
		}
	})
}
