package rollout_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is the house with those who may open features.
type office struct {
	*signintest.House
	rollout         *rollout.Service
	approvals       *approval.Service
	security, admin user.User
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) { story(open(h)) })
}

func open(h *signintest.House) *office {
	o := services(h)
	o.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
	o.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
	return o
}

// services are those of one replica.
func services(h *signintest.House) *office {
	o := &office{House: h}
	o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Performers: map[approval.Kind]approval.Performer{}}
	roles := &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: o.approvals}
	o.rollout = &rollout.Service{DB: h.DB, Roles: roles}
	maps.Copy(o.approvals.Performers, o.rollout.Performers())
	maps.Copy(o.approvals.Performers, (&group.Service{DB: h.DB, Rules: h.Rules, Roles: roles}).Performers())
	return o
}

// group makes a group of people and gives its id.
func (o *office) group(name string, people ...user.User) string {
	o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", o.Alder.ID, name, name, o.Clock.Now())
	for _, u := range people {
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", o.Alder.ID, name, u.ID, u.Name)
	}
	return name
}

// now is the rollout of a feature.
func (o *office) now(f feature.Feature) rollout.Rollout {
	o.T.Helper()
	r, err := o.rollout.Of(o.T.Context(), o.Alder.ID, f)
	if err != nil {
		o.T.Fatal(err)
	}
	return r
}

// change asks for another rule, made from the version that there is.
func (o *office) change(by user.User, f feature.Feature, r feature.Rule) (approval.Outcome, error) {
	return o.changeFrom(by, f, r, o.now(f).Version)
}

func (o *office) changeFrom(by user.User, f feature.Feature, r feature.Rule, version int) (approval.Outcome, error) {
	act := approval.Act{Kind: rollout.KindChange, TenantID: o.Alder.ID, ActorID: by.ID, Reason: "a test"}
	return o.approvals.Submit(o.T.Context(), act.With(rollout.Draft{Feature: f, Rule: r, Version: version}))
}

func (o *office) must(out approval.Outcome, err error) {
	o.T.Helper()
	if err != nil || out.Waits() {
		o.T.Fatalf("the change waits: %t, %v", out.Waits(), err)
	}
}

func (o *office) has(u user.User, f feature.Feature) bool {
	o.T.Helper()
	had, err := feature.Had(o.DB.View(o.T.Context()), o.Alder.ID, u.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return had.Has(f)
}

func TestARuleIsTheNextVersionAtOnceAndIsKept(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		in, out := o.User(o.Alder, "user1"), o.User(o.Alder, "user2")
		pilot := o.group("pilot", in)
		if r := o.now(feature.Passkeys); r.Version != 0 || r.Rule.Stage != feature.Everyone || !r.Released {
			t.Fatalf("before anything was said: %+v", r)
		}
		o.must(o.change(o.admin, feature.Passkeys, feature.Rule{Stage: feature.Pilot, Include: []string{pilot}}))
		if !o.has(in, feature.Passkeys) || o.has(out, feature.Passkeys) {
			t.Error("the pilot is not who has it")
		}
		o.must(o.change(o.admin, feature.Passkeys, feature.Rule{Stage: feature.Off, Share: 40, Include: []string{pilot}}))
		if o.has(in, feature.Passkeys) {
			t.Error("it is off, and somebody has it")
		}
		r := o.now(feature.Passkeys)
		if r.Version != 2 || r.Rule.Share != 0 || r.Rule.Include != nil {
			t.Errorf("a rule keeps what its stage does not ask: %+v", r)
		}
		history, err := o.rollout.History(t.Context(), o.Alder.ID, feature.Passkeys)
		if err != nil || len(history) != 2 || history[0].Version != 2 || history[1].Rule.Stage != feature.Pilot ||
			history[0].ChangedBy != o.admin.Name || history[0].Difference[0] != (approval.Change{Field: "feature_passkeys", Before: "pilot|+pilot", After: "off"}) {
			t.Fatalf("the history is %+v, %v", history, err)
		}
		// A version is restored by being saved again.
		o.must(o.change(o.admin, feature.Passkeys, history[1].Rule))
		if !o.has(in, feature.Passkeys) || o.now(feature.Passkeys).Version != 3 || o.Events(audit.RolloutChanged) != 3 {
			t.Errorf("restored, it is %+v, with %d events", o.now(feature.Passkeys), o.Events(audit.RolloutChanged))
		}
		if _, err := o.change(o.admin, feature.Passkeys, history[1].Rule); fault.Of(err) == nil || fault.Of(err).Code != "settings.same" {
			t.Errorf("the same again = %v", err)
		}
	})
}

func TestWhatARuleCannotBe(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		pilot := o.group("pilot")
		for claim, row := range map[string]struct {
			rule  feature.Rule
			field string
		}{
			"no stage":                    {feature.Rule{}, "stage"},
			"a stage that is none":        {feature.Rule{Stage: "most"}, "stage"},
			"more than all":               {feature.Rule{Stage: feature.Percentage, Share: 101}, "percentage"},
			"less than none":              {feature.Rule{Stage: feature.ReportOnly, Share: -1}, "percentage"},
			"a pilot of nobody":           {feature.Rule{Stage: feature.Pilot}, "include_groups"},
			"a group that is none":        {feature.Rule{Stage: feature.Pilot, Include: []string{"x"}}, "include_groups"},
			"an exclusion of none":        {feature.Rule{Stage: feature.Everyone, Exclude: []string{"x"}}, "exclude_groups"},
			"a group on both sides":       {feature.Rule{Stage: feature.Pilot, Include: []string{pilot}, Exclude: []string{pilot}}, "exclude_groups"},
			"a group of another's tenant": {feature.Rule{Stage: feature.Pilot, Include: []string{"birch-group"}}, "include_groups"},
		} {
			o.Set("DELETE FROM groups WHERE tenant_id = ?", o.Birch.ID)
			o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'birch-group','field',?)", o.Birch.ID, o.Clock.Now())
			_, err := o.change(o.security, feature.Passkeys, row.rule)
			if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields[row.field] == "" {
				t.Errorf("%s: %v, want something about %s", claim, err, row.field)
			}
			if _, err := o.rollout.Preview(t.Context(), o.Alder.ID, rollout.Draft{Feature: feature.Passkeys, Rule: row.rule}); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: the preview of it = %v", claim, err)
			}
		}
		if _, err := o.changeFrom(o.security, "teleport", feature.Rule{Stage: feature.Off}, 0); err == nil {
			t.Error("a feature that is none was changed")
		}
		if r := o.now(feature.Passkeys); r.Version != 0 || o.Events(audit.RolloutChanged) != 0 {
			t.Errorf("something was changed: %+v", r)
		}
	})
}

func TestOfTwoWhoChangeAtOnceOneIsTold(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		for round := range 5 {
			version := o.now(feature.Passkeys).Version
			errs := signintest.AtOnce(4, func(i int) error {
				_, err := o.changeFrom(o.admin, feature.Passkeys, feature.Rule{Stage: feature.Percentage, Share: round*10 + i + 1}, version)
				return err
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if f := fault.Of(err); f == nil || f.Kind != fault.Conflict {
					t.Errorf("round %d: a change = %v", round, err)
				}
			}
			if won != 1 || o.now(feature.Passkeys).Version != version+1 {
				t.Fatalf("round %d: %d of four at once were saved, as version %d", round, won, o.now(feature.Passkeys).Version)
			}
		}
	})
}

// TestWhatLoosensNeedsASecondPerson has both directions of both kinds of feature.
func TestWhatLoosensNeedsASecondPerson(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		a, b := o.group("a"), o.group("b")
		for _, row := range []struct {
			f         feature.Feature
			was, next feature.Rule
			waits     bool
		}{
			{feature.SMS, feature.Rule{Stage: feature.Off}, feature.Rule{Stage: feature.Everyone}, true},
			{feature.SMS, feature.Rule{Stage: feature.Everyone}, feature.Rule{Stage: feature.Off}, false},
			{feature.SMS, feature.Rule{Stage: feature.Percentage, Share: 5}, feature.Rule{Stage: feature.Percentage, Share: 6}, true},
			{feature.SMS, feature.Rule{Stage: feature.Percentage, Share: 6}, feature.Rule{Stage: feature.Percentage, Share: 5}, false},
			{feature.SMS, feature.Rule{Stage: feature.Pilot, Include: []string{a}}, feature.Rule{Stage: feature.Pilot, Include: []string{a, b}}, true},
			{feature.SMS, feature.Rule{Stage: feature.Pilot, Include: []string{a, b}}, feature.Rule{Stage: feature.Pilot, Include: []string{b}}, false},
			{feature.SMS, feature.Rule{Stage: feature.Everyone, Exclude: []string{a}}, feature.Rule{Stage: feature.Everyone}, true},
			{feature.SMS, feature.Rule{Stage: feature.Everyone, Exclude: []string{a}}, feature.Rule{Stage: feature.Everyone, Exclude: []string{b}}, true},
			{feature.SMS, feature.Rule{Stage: feature.Everyone}, feature.Rule{Stage: feature.Everyone, Exclude: []string{b}}, false},
			{feature.SMS, feature.Rule{Stage: feature.Pilot, Include: []string{a}}, feature.Rule{Stage: feature.UsersChoice}, true},
			{feature.SMS, feature.Rule{Stage: feature.UsersChoice}, feature.Rule{Stage: feature.UsersChoice, Include: []string{a}}, false},
			{feature.SMS, feature.Rule{Stage: feature.UsersChoice, Include: []string{a}}, feature.Rule{Stage: feature.UsersChoice}, true},
			{feature.SMS, feature.Rule{Stage: feature.ReportOnly, Share: 5}, feature.Rule{Stage: feature.ReportOnly, Share: 100}, false},
			{feature.SMS, feature.Rule{Stage: feature.ReportOnly, Share: 5}, feature.Rule{Stage: feature.Percentage, Share: 5}, true},
			{feature.TypedNumberMatch, feature.Rule{Stage: feature.Off}, feature.Rule{Stage: feature.Everyone}, false},
			{feature.TypedNumberMatch, feature.Rule{Stage: feature.Everyone}, feature.Rule{Stage: feature.Percentage, Share: 99}, true},
			{feature.Passkeys, feature.Rule{Stage: feature.Off}, feature.Rule{Stage: feature.Everyone}, false},
			{feature.Passkeys, feature.Rule{Stage: feature.Everyone}, feature.Rule{Stage: feature.Off}, false},
		} {
			version := o.now(row.f).Version
			o.Act(func(tx *store.Tx) error { return feature.Store(tx, o.Alder.ID, row.f, row.was, version+1) })
			out, err := o.change(o.admin, row.f, row.next)
			if err != nil || out.Waits() != row.waits {
				t.Errorf("%s from %+v to %+v waits: %t (%v), want %t", row.f, row.was, row.next, out.Waits(), err, row.waits)
			}
		}
	})
}

// TestWhoMayOpenFeatures asks by every role.
func TestWhoMayOpenFeatures(t *testing.T) {
	each(t, func(o *office) {
		for role, may := range map[access.Role]bool{
			access.RoleHelpdesk: false, access.RoleHelpdeskLead: false, access.RoleAuditor: false, access.RoleTenantAdministrator: true, access.RoleSecurityAdministrator: true,
		} {
			who := o.Admin(o.Alder, "as-"+strings.ReplaceAll(string(role), "_", "-"), role)
			_, err := o.change(who, feature.Passkeys, feature.Rule{Stage: feature.Percentage, Share: 50 + len(role)})
			if may && err != nil || !may && !errors.Is(err, fault.Forbidden) {
				o.T.Errorf("%s: %v", role, err)
			}
		}
		if _, err := o.change(o.User(o.Alder, "user9"), feature.Passkeys, feature.Rule{Stage: feature.Off}); !errors.Is(err, fault.Forbidden) {
			o.T.Errorf("a user: %v", err)
		}
	})
}

// TestTwoAdministratorsCanAlwaysSignIn draws changes, and holds after every one that
// is saved that two administrators pass what judges sign-ins.
func TestTwoAdministratorsCanAlwaysSignIn(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		third := o.Admin(o.Alder, "third", access.RoleSecurityAdministrator)
		o.Set("UPDATE users SET password_hash = '' WHERE tenant_id = ? AND id <> ?", o.Alder.ID, o.security.ID)
		o.PhoneOf(o.admin)
		o.PasskeyOf(third)
		desks := o.group("desks", o.admin, third)
		able := func() int {
			can, err := signin.Able(o.DB.View(t.Context()), o.Keys, o.Alder.ID, []string{o.security.ID, o.admin.ID, third.ID})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, is := range can {
				if is {
					n++
				}
			}
			return n
		}
		if able() != 3 {
			t.Fatalf("%d can sign in to begin with", able())
		}
		saved, refused := 0, 0
		for i, r := range []struct {
			f    feature.Feature
			rule feature.Rule
		}{
			{feature.Passkeys, feature.Rule{Stage: feature.Off}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.Off}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone, Exclude: []string{desks}}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.Pilot, Include: []string{desks}}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.Percentage}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.ReportOnly, Share: 100}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.UsersChoice}},
			{feature.Passkeys, feature.Rule{Stage: feature.Everyone}},
			{feature.PhoneSignIn, feature.Rule{Stage: feature.Off}},
			{feature.Passkeys, feature.Rule{Stage: feature.Everyone, Exclude: []string{desks}}},
		} {
			p, err := o.rollout.Preview(t.Context(), o.Alder.ID, rollout.Draft{Feature: r.f, Rule: r.rule})
			if err != nil {
				t.Fatal(err)
			}
			_, err = o.change(o.admin, r.f, r.rule)
			switch {
			case err == nil:
				saved++
				if p.TooFew {
					t.Errorf("change %d was saved, and its preview said that it would not be", i)
				}
			case fault.Of(err) != nil && fault.Of(err).Code == "role.two_administrators":
				refused++
				if !p.TooFew {
					t.Errorf("change %d was refused, and its preview did not say so: %+v", i, p)
				}
			default:
				t.Errorf("change %d = %v", i, err)
			}
			if able() < 2 {
				t.Fatalf("change %d to %+v leaves %d administrators who can sign in", i, r, able())
			}
			if p.Administrators != able() && err == nil {
				t.Errorf("change %d: the preview said %d administrators, and there are %d", i, p.Administrators, able())
			}
		}
		if saved < 3 || refused < 4 {
			t.Errorf("%d were saved and %d refused: this proves little", saved, refused)
		}
	})
}

func TestAPreviewSaysWhoGetsItWhoLosesItAndWhoIsLockedOut(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		phoned, both, none, away := o.User(o.Alder, "user1"), o.User(o.Alder, "user2"), o.User(o.Alder, "user3"), o.User(o.Alder, "user4")
		o.PhoneOf(phoned)
		o.PhoneOf(both)
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", phoned.ID)
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", none.ID)
		o.Lock(away)
		field := o.group("field", phoned, none)
		look := func(f feature.Feature, r feature.Rule) rollout.Preview {
			t.Helper()
			p, err := o.rollout.Preview(t.Context(), o.Alder.ID, rollout.Draft{Feature: f, Rule: r})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		active := o.Count("SELECT count(*) FROM users WHERE tenant_id = ? AND state = 'active'", o.Alder.ID)
		p := look(feature.PhoneSignIn, feature.Rule{Stage: feature.Off})
		if p.People != active || p.Have != 0 || p.Gain != 0 || p.Lose != active || p.LockedOut != 1 || !slices.Equal(p.Shut, []string{phoned.Name}) {
			t.Errorf("to turn the phone off: %+v", p)
		}
		if slices.Contains(p.Losing, away.Name) {
			t.Error("it speaks of somebody who is locked")
		}
		p = look(feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone, Exclude: []string{field}})
		if p.Lose != 2 || p.LockedOut != 1 || p.Have != active-2 {
			t.Errorf("to exclude the field: %+v", p)
		}
		o.Act(func(tx *store.Tx) error {
			return feature.Store(tx, o.Alder.ID, feature.PhoneSignIn, feature.Rule{Stage: feature.Pilot, Include: []string{field}}, 1)
		})
		p = look(feature.TypedNumberMatch, feature.Rule{Stage: feature.Everyone})
		if p.Gain != 2 || p.Lacking != active-2 || !slices.Equal(p.Needs, []feature.Feature{feature.PhoneSignIn}) {
			t.Errorf("to type numbers where few have the phone: %+v", p)
		}
		// What needs a feature goes with it, and counts where anything changes.
		o.Act(func(tx *store.Tx) error {
			return feature.Store(tx, o.Alder.ID, feature.TypedNumberMatch, feature.Rule{Stage: feature.Everyone}, 1)
		})
		p = look(feature.PhoneSignIn, feature.Rule{Stage: feature.Off})
		if want := []rollout.Along{{Feature: feature.TypedNumberMatch, Lose: 2}}; p.Touched != 2 || !slices.Equal(p.Along, want) {
			t.Errorf("with the phone goes %+v for %d, want %+v for 2", p.Along, p.Touched, want)
		}
		p = look(feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone})
		if want := []rollout.Along{{Feature: feature.TypedNumberMatch, Gain: active - 2}}; p.Touched != active-2 || !slices.Equal(p.Along, want) {
			t.Errorf("with the phone comes %+v for %d, want %+v", p.Along, p.Touched, want)
		}
		if p = look(feature.PhoneSignIn, feature.Rule{Stage: feature.Pilot, Include: []string{field}}); p.Touched != 0 || p.Along != nil {
			t.Errorf("a draft that changes nothing: %+v", p)
		}
		// It agrees with what is so once it is saved, for everybody.
		p = look(feature.Passkeys, feature.Rule{Stage: feature.Percentage, Share: 50, Include: []string{field}})
		o.must(o.change(o.security, feature.Passkeys, feature.Rule{Stage: feature.Percentage, Share: 50, Include: []string{field}}))
		have := 0
		for _, u := range []user.User{phoned, both, none, o.security, o.admin} {
			if o.has(u, feature.Passkeys) {
				have++
			}
		}
		if p.Have != have || active != 5 {
			t.Errorf("the preview said that %d of %d have it, and %d do", p.Have, active, have)
		}
	})
}

func TestAnExplanationOfAPerson(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		u := o.User(o.Alder, "user1")
		field := o.group("field", u)
		o.must(o.change(o.security, feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone, Exclude: []string{field}}))
		o.must(o.change(o.security, feature.TypedNumberMatch, feature.Rule{Stage: feature.Percentage}))
		for _, who := range []string{u.ID, u.Name, strings.ToUpper(u.Name)} {
			e, err := o.rollout.Explain(t.Context(), o.Alder.ID, feature.TypedNumberMatch, who)
			if err != nil || e.UserID != u.ID || e.Has {
				t.Fatalf("Explain %s = %+v, %v", who, e, err)
			}
			var unmet []string
			for _, c := range e.Conditions {
				if !c.Met {
					unmet = append(unmet, c.Name)
				}
			}
			if !slices.Equal(unmet, []string{"percentage", "needs"}) {
				t.Errorf("what is not met is %v, want both reasons", unmet)
			}
		}
		stranger := o.User(o.Birch, "user1")
		for _, who := range []string{"", "nobody@alder.example", stranger.Name, stranger.ID, "'; --"} {
			if _, err := o.rollout.Explain(t.Context(), o.Alder.ID, feature.PhoneSignIn, who); !errors.Is(err, fault.Invalid) {
				t.Errorf("Explain %q = %v", who, err)
			}
		}
	})
}

func TestAGroupThatARuleSpeaksOfCannotGoAndItsDoorIsWatched(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		u := o.User(o.Alder, "user1")
		pilot, spared := o.group("pilot"), o.group("spared")
		o.Act(func(tx *store.Tx) error {
			return errors.Join(
				feature.Store(tx, o.Alder.ID, feature.SMS, feature.Rule{Stage: feature.Pilot, Include: []string{pilot}}, 1),
				feature.Store(tx, o.Alder.ID, feature.TypedNumberMatch, feature.Rule{Stage: feature.Everyone, Exclude: []string{spared}}, 1))
		})
		act := func(kind approval.Kind, target string, parameters any) (approval.Outcome, error) {
			a := approval.Act{Kind: kind, TenantID: o.Alder.ID, ActorID: o.admin.ID, TargetID: target, Reason: "a test"}
			return o.approvals.Submit(t.Context(), a.With(parameters))
		}
		for _, g := range []string{pilot, spared} {
			if _, err := act(group.KindDelete, "", group.Deletion{Group: g, Confirmed: g}); fault.Of(err) == nil || fault.Of(err).Code != "group.in_rollout" {
				t.Errorf("to delete %s = %v", g, err)
			}
			if out, err := act(group.KindAddMember, u.ID, group.Membership{Group: g}); err != nil || !out.Waits() {
				t.Errorf("to join %s does not wait: %+v, %v", g, out, err)
			}
		}
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", o.Alder.ID, pilot, u.ID, u.Name)
		if out, err := act(group.KindRemoveMember, u.ID, group.Membership{Group: pilot}); err != nil || out.Waits() {
			t.Errorf("to leave the pilot waits: %+v, %v", out, err)
		}
	})
}

// TestARuleStandsWhereverAWayIsTaken begins a sign-in, turns its way off, and finishes.
func TestARuleStandsWhereverAWayIsTaken(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		u := o.User(o.Alder, "user1")
		p, _ := o.PhoneOf(u)
		from := signintest.Browser("a browser")
		at := o.Begin(u.Name, signin.Phone, from)
		r := p.Open()
		if _, err := p.Answer(r, "approve", o.Number(r.ID), signintest.PIN); err != nil {
			t.Fatal(err)
		}
		id, cookie := o.Session(u)
		if !o.Alive(cookie) {
			t.Fatalf("the session %s is dead to begin with", id)
		}
		o.must(o.change(o.security, feature.PhoneSignIn, feature.Rule{Stage: feature.Off}))
		if _, err := o.SignIn.Finish(t.Context(), at, from); !errors.Is(err, fault.Refused) {
			t.Errorf("an approved sign-in by a way that is off = %v", err)
		}
		o.must(o.change(o.security, feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone}))
		if _, err := o.SignIn.Finish(t.Context(), at, from); err != nil {
			t.Errorf("on again, within its time = %v", err)
		}
	})
}

func BenchmarkPreview(b *testing.B) {
	for _, people := range []int{10_000, 1_000_000} {
		for _, dialect := range []store.Dialect{store.SQLite, store.Postgres} {
			b.Run(fmt.Sprintf("%s/people=%d", dialect, people), func(b *testing.B) { benchmarkPreview(b, dialect, people) })
		}
	}
}

// benchmarkPreview looks at a change of a percentage among so many people, a tenth of
// whom are in a group that the rule names.
func benchmarkPreview(b *testing.B, dialect store.Dialect, people int) {
	db, err := store.Open(b.Context(), storetest.Address(b, dialect), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	rules, err := access.Load(b.Context(), db)
	if err != nil {
		b.Fatal(err)
	}
	service := &rollout.Service{DB: db, Roles: &role.Service{DB: db, Rules: rules}}
	numbers := "generate_series(1, ?) AS i"
	if dialect == store.SQLite {
		numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
	}
	var of tenant.Tenant
	err = db.Act(b.Context(), func(tx *store.Tx) (err error) {
		of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu", Ring: "early"}, audit.Service, audit.Origin{})
		return errors.Join(err,
			tx.Exec(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, ways, created_at, seed)
				SELECT t.id, 'user-' || i, 'person' || i || '@alder.example', '', 'active', 'disabled', '', 1 + (i % 2) * 2, t.created_at, (CAST(i AS bigint) * 48271) % 2147483647 FROM `+numbers+`, tenants t WHERE t.id = ?`, people, of.ID).Error,
			tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'field','field',?)", of.ID, tx.Now).Error,
			tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, 'field', id, name FROM users WHERE tenant_id = ? AND id LIKE '%7'", of.ID).Error)
	})
	if err != nil {
		b.Fatal(err)
	}
	if dialect == store.Postgres {
		if _, err := db.Pool().ExecContext(b.Context(), "VACUUM ANALYZE users, group_members"); err != nil {
			b.Fatal(err)
		}
	}
	draft := rollout.Draft{Feature: feature.PhoneSignIn, Rule: feature.Rule{Stage: feature.Percentage, Share: 25, Exclude: []string{"field"}}}
	b.ResetTimer()
	for b.Loop() {
		p, err := service.Preview(store.Within(b.Context(), of.ID), of.ID, draft)
		if err != nil || p.People != people || p.Lose < people/2 {
			b.Fatalf("%+v, %v", p, err)
		}
	}
}
