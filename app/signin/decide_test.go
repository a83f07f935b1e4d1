package signin_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// kept is a decision as it stands.
type kept struct {
	UserID, Rules, Differs string
	Outcome, WouldOutcome  decision.Outcome
	Had, WouldHave         feature.Set
	Record                 []byte

	input decision.Input
	said  decision.Decision
}

// decisions gives those of alder, the oldest first, and sees that each is reproduced
// by the rules that it names.
func decisions(h *House) (all []kept) {
	h.T.Helper()
	tx, reader := h.DB.View(h.T.Context()), decision.NewReader()
	err := tx.All(&all, "SELECT user_id, rules, differs, outcome, would_outcome, had, would_have, record FROM decisions WHERE tenant_id = ? ORDER BY decided_at, id", h.Alder.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	for i := range all {
		k := &all[i]
		if k.said, err = reader.Read(k.Record, &k.input); err != nil {
			h.T.Fatal(err)
		}
		rules, err := decision.Read(h.Text("SELECT rules FROM decision_rules WHERE tenant_id = ? AND fingerprint = ?", h.Alder.ID, k.Rules))
		if err != nil {
			h.T.Fatal(err)
		}
		if again := decision.Decide(rules, &k.input); again != k.said || again.Outcome != k.Outcome || again.Has != k.Had {
			h.T.Errorf("decision %d is not reproduced: %+v, said %+v", i, again, k.said)
		}
		if would := decision.Would(rules, &k.input); would.Outcome != k.WouldOutcome || would.Has != k.WouldHave {
			h.T.Errorf("the report of %d is not reproduced: %+v", i, would)
		}
	}
	return all
}

func ruled(h *House, f feature.Feature, r feature.Rule, version int) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error { return feature.Store(tx, h.Alder.ID, f, r, version) })
}

// want sees that a decision came to something, by a rule.
func (k kept) want(t *testing.T, claim string, outcome decision.Outcome, why decision.Why) {
	t.Helper()
	if k.Outcome != outcome || k.said.Why != why || k.Differs != "" {
		t.Errorf("%s: %v by %v (differs in %q), want %v by %v", claim, k.Outcome, k.said.Why, k.Differs, outcome, why)
	}
}

func TestEachMomentThatDecidesASignInIsKept(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		if err := verify(h, at(h, u, signin.Password, pc), Password, pc); err != nil {
			t.Fatal(err)
		}
		_ = verify(h, at(h, u, signin.Password, pc), "not the password", pc)
		all := decisions(h)
		if len(all) != 1 {
			t.Fatalf("%d decisions of one right and one wrong password", len(all))
		}
		all[0].want(t, "a password", decision.Passed, decision.WhyEnough)
		if all[0].UserID != u.ID || !all[0].input.Seen {
			t.Errorf("%+v", all[0])
		}

		app := h.AppOf(u)
		h.Demand(u, user.MFAEnforced)
		h.Clock.Forward(time.Second)
		a := at(h, u, signin.Password, pc)
		if done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc); err != nil || !done.Halfway {
			t.Fatalf("%+v, %v", done, err)
		}
		h.Clock.Forward(time.Second)
		if _, err := h.SignIn.VerifyCode(ctx, a.ID, app.Next(), pc); err != nil {
			t.Fatal(err)
		}
		all = decisions(h)[1:]
		if len(all) != 2 {
			t.Fatalf("%d decisions of two factors", len(all))
		}
		all[0].want(t, "the first", decision.Asked, decision.WhySecond)
		all[1].want(t, "the second", decision.Passed, decision.WhyEnough)
		if all[0].said.Usable != user.WithTOTP || all[1].input.Proved != user.WithPassword {
			t.Errorf("%+v, %+v", all[0].said, all[1].input)
		}

		// A step-up decides nothing about a sign-in.
		before := len(decisions(h))
		id, _ := h.Session(u)
		stepUp, err := h.SignIn.BeginStepUp(ctx, session.Session{ID: id, TenantID: u.TenantID, UserID: u.ID, UserName: u.Name}, "/", signin.Password, pc)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(h, h.Attempt(stepUp, pc), Password, pc); err != nil {
			t.Fatal(err)
		}
		if n := len(decisions(h)); n != before {
			t.Errorf("%d more", n-before)
		}
		if n := h.SignIn.Decisions.Differences(); n != 0 {
			t.Errorf("%d differences", n)
		}
	})
}

func TestWhatRulesRefuseIsKeptAsBlocked(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		p, _ := h.PhoneOf(u)
		byPassword := at(h, u, signin.Password, pc)
		turnOff(h, user.WithPassword)
		WantCode(t, "the password", verify(h, byPassword, Password, pc), "signin.refused")
		h.Clock.Forward(time.Second)
		addressed := approved(h, u, p, pc)
		ruled(h, feature.PhoneSignIn, feature.Rule{Stage: feature.Off}, 1)
		_, err := h.SignIn.Finish(ctx, addressed, pc)
		WantCode(t, "the phone", err, "signin.refused")
		all := decisions(h)
		if len(all) != 2 {
			t.Fatalf("%d decisions", len(all))
		}
		all[0].want(t, "a way that is off", decision.Blocked, decision.WhyUse)
		all[1].want(t, "a feature that is off", decision.Blocked, decision.WhyFeature)
		if all[0].said.Usable != user.WithPhone || all[1].said.Usable != 0 {
			t.Errorf("left were %b and %b", all[0].said.Usable, all[1].said.Usable)
		}
		// What no rule refuses is none of theirs: a phone that declined.
		h.Clock.Forward(time.Second)
		ruled(h, feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone}, 2)
		addressed = h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		if _, err := p.Answer(r, prompt.Deny, "", PIN); err != nil {
			t.Fatal(err)
		}
		_, err = h.SignIn.Finish(ctx, addressed, pc)
		WantCode(t, "declined", err, "signin.refused")
		if n := len(decisions(h)); n != 2 {
			t.Errorf("%d decisions", n)
		}
	})
}

func TestAReportIsKeptBesideWhatCounted(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		ruled(h, feature.TypedNumberMatch, feature.Rule{Stage: feature.ReportOnly, Share: 100}, 1)
		if err := verify(h, at(h, u, signin.Password, pc), Password, pc); err != nil {
			t.Fatal(err)
		}
		k := decisions(h)[0]
		if k.Had.Has(feature.TypedNumberMatch) || !k.WouldHave.Has(feature.TypedNumberMatch) || k.WouldOutcome != decision.Passed {
			t.Errorf("%+v", k)
		}
	})
}

// TestTheFunctionAndTheStatementDecideAlike draws rules anew for each sign-in, on two
// replicas that each keep what they read.
func TestTheFunctionAndTheStatementDecideAlike(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		other := h.Replica()
		other.SignIn.Passwords = plain{}
		r := rand.New(rand.NewPCG(3, 9))
		pc := Browser("PC")
		type somebody struct {
			user.User
			app *App
		}
		var people []somebody
		for _, g := range []string{"field", "office"} {
			h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", h.Alder.ID, g, g, h.Clock.Now())
		}
		for i, name := range []string{"user1", "user2", "user3", "user4"} {
			s := somebody{User: h.User(h.Alder, name)}
			if i%2 == 0 {
				s.app = h.AppOf(s.User)
				h.Demand(s.User, user.MFAEnforced)
			}
			if i < 3 {
				h.Set("INSERT INTO group_members (tenant_id, group_id, user_id) VALUES (?,?,?)", h.Alder.ID, []string{"field", "office"}[i%2], s.ID)
			}
			people = append(people, s)
		}
		outcomes := map[decision.Outcome]int{}
		for round := range 60 {
			house := []*House{h, other}[r.IntN(2)]
			s := people[r.IntN(len(people))]
			house.Clock.Forward(totp.Period)
			h.Set("DELETE FROM throttles")
			a := at(h, s.User, signin.Password, pc)
			if a.Way != signin.Password { // it is off for everybody
				h.Set("UPDATE tenants SET no_sign_in = 128, method_version = method_version + 1 WHERE id = ?", h.Alder.ID)
				a = at(h, s.User, signin.Password, pc)
			}
			if r.IntN(2) == 0 {
				f := []feature.Feature{feature.TOTP, feature.PhoneSignIn, feature.TypedNumberMatch}[r.IntN(3)]
				rule := feature.Rule{Stage: feature.Stages[r.IntN(len(feature.Stages))], Share: r.IntN(101)}
				if r.IntN(2) == 0 {
					rule.Include = []string{"field"}
				} else {
					rule.Exclude = []string{"field"}
				}
				ruled(h, f, rule, round+1)
			}
			switch r.IntN(8) {
			case 0:
				h.Set("UPDATE tenants SET no_sign_in = 128 | ?, method_version = method_version + 1 WHERE id = ?", user.Ways(r.IntN(2)), h.Alder.ID)
			case 1:
				h.Set("UPDATE tenants SET limited_ways = ?, method_version = method_version + 1 WHERE id = ?", user.WithTOTP, h.Alder.ID)
				h.Set("DELETE FROM method_groups")
				h.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,?)", h.Alder.ID, user.WithTOTP, []string{"field", "office"}[r.IntN(2)])
			case 2:
				h.Set("UPDATE tenants SET no_sign_in = 128, no_second = 128, limited_ways = 0, method_version = method_version + 1 WHERE id = ?", h.Alder.ID)
			}
			before := len(decisions(h))
			done, err := house.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
			all := decisions(h)
			if len(all) != before+1 {
				t.Fatalf("round %d: %d decisions more, of %+v, %v", round, len(all)-before, done, err)
			}
			last := all[len(all)-1]
			outcomes[last.Outcome]++
			in, halfway := err == nil && !done.Halfway, err == nil && done.Halfway
			if in != (last.Outcome == decision.Passed) || halfway != (last.Outcome == decision.Asked || last.said.Why == decision.WhyNothingOn) || last.Differs != "" {
				t.Fatalf("round %d: kept %v by %v, and it came to %+v, %v", round, last.Outcome, last.said.Why, done, err)
			}
			if !halfway {
				continue
			}
			offered, err := house.SignIn.Offers(ctx, h.Attempt(a.ID, pc))
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range []signin.Way{signin.TOTP, signin.Phone} {
				is := false
				for _, o := range offered {
					is = is || o == way
				}
				if usable := last.said.Usable.Has(map[signin.Way]user.Ways{signin.TOTP: user.WithTOTP, signin.Phone: user.WithPhone}[way]); last.Outcome == decision.Asked && is != usable {
					t.Fatalf("round %d: %s is offered: %t, and the decision says %t", round, way, is, usable)
				}
			}
			if last.Outcome == decision.Asked {
				if _, err := house.SignIn.VerifyCode(ctx, a.ID, s.app.Next(), pc); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
			}
		}
		if outcomes[decision.Passed] < 5 || outcomes[decision.Asked] < 3 || outcomes[decision.Blocked] < 3 {
			t.Errorf("this proves little: %v", outcomes)
		}
		if n := h.SignIn.Decisions.Differences() + other.SignIn.Decisions.Differences(); n != 0 {
			t.Errorf("%d differences", n)
		}
	})
}

// TestWhereTheyDifferBothMustLetIn, and it is counted and marked.
func TestWhereTheyDifferBothMustLetIn(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		app := h.AppOf(u)
		ruled(h, feature.TOTP, feature.Rule{Stage: feature.Off}, 1)
		// A gate that is gone opens the way for the statement alone.
		h.Set("DELETE FROM rollout_gates WHERE way <> 0")
		a := at(h, u, signin.TOTP, pc)
		if _, err := h.SignIn.VerifyCode(t.Context(), a.ID, app.Next(), pc); err == nil {
			t.Fatal("it let in by the statement alone")
		}
		if n := h.SignIn.Decisions.Differences(); n != 1 {
			t.Errorf("%d differences", n)
		}
		if k := decisions(h)[0]; k.Differs != "ways" || k.Outcome != decision.Blocked {
			t.Errorf("%+v", k)
		}
	})
}

func TestDecisionsAreForgotten(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		h.Set("UPDATE tenants SET decision_days = 7 WHERE id = ?", h.Birch.ID)
		other := h.User(h.Birch, "user1")
		for _, who := range []user.User{u, other} {
			if err := verify(h, at(h, who, signin.Password, pc), Password, pc); err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range []struct {
			days, left int
		}{{6, 2}, {2, 1}, {21, 1}, {2, 0}} {
			h.Clock.Forward(time.Duration(row.days) * 24 * time.Hour)
			if err := decision.Forget(ctx, h.DB); err != nil {
				t.Fatal(err)
			}
			if n := h.Count("SELECT count(*) FROM decisions"); n != row.left {
				t.Errorf("after %d more days %d are left, want %d", row.days, n, row.left)
			}
		}
	})
}
