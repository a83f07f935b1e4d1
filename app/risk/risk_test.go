package risk_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/risk"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is a house with its register.
type office struct {
	*House
	risks     *risk.Service
	approvals *approval.Service
	first     user.User
	nurse     user.User
}

func each(t *testing.T, story func(t *testing.T, o *office)) {
	t.Helper()
	Each(t, func(h *House) {
		o := &office{House: h, risks: &risk.Service{DB: h.DB}}
		o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: o.risks.Performers()}
		o.first, o.nurse = h.Admin(h.Alder, "first", access.RoleSecurityAdministrator), h.User(h.Alder, "nurse")
		story(h.T, o)
	})
}

func (o *office) found(name string) *risk.Found {
	o.T.Helper()
	r, ok := risk.Named(name)
	if !ok {
		o.T.Fatalf("there is no risk %s", name)
	}
	var f *risk.Found
	o.Act(func(tx *store.Tx) (err error) { f, err = r.Find(tx, o.Alder.ID); return err })
	return f
}

func (o *office) acknowledge(by user.User, name, until string) error {
	act := approval.Act{Kind: risk.KindAcknowledge, TenantID: by.TenantID, ActorID: by.ID, Reason: "we know"}
	_, err := o.approvals.Submit(o.T.Context(), act.With(risk.Acknowledged{Risk: name, Until: until}))
	return err
}

func (o *office) entry(name string) *risk.Entry {
	o.T.Helper()
	all, err := o.risks.Of(o.T.Context(), o.Alder.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	if i := slices.IndexFunc(all, func(e risk.Entry) bool { return e.Risk == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// TestEachRiskOnAndOff: with what makes it be there, and with what ends it.
func TestEachRiskOnAndOff(t *testing.T) {
	now := func(o *office) time.Time { return o.Clock.Now() }
	account := func(o *office, id, name, sheet string, at time.Time) {
		o.Set("UPDATE users SET break_glass = TRUE WHERE id = ?", id)
		o.Set("INSERT INTO break_glass_accounts (tenant_id, user_id, made_by, approved_by, made_at) VALUES (?,?,'','',?) ON CONFLICT DO NOTHING", o.Alder.ID, id, at)
		o.Set("INSERT INTO break_glass_sheets (tenant_id, id, user_id, state, serial, hash, reason, ticket, requested_by, approved_by, approved_at, expires_at, printed_at, used_at) VALUES (?,?,?,?,'ABCDEFGH','x','','','','',?,?,?,?)",
			o.Alder.ID, name, id, sheet, at, at, at, map[bool]any{true: at, false: nil}[sheet == "used"])
	}
	way := func(bit int) (on, off func(o *office)) {
		return func(o *office) {
				o.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0 WHERE id = ?", o.Alder.ID)
				o.Set("UPDATE users SET ways = ? WHERE id = ?", bit, o.nurse.ID)
				o.Set("INSERT INTO method_versions (tenant_id, version, difference, reason, changed_by, approved_by, changed_at) VALUES (?,1,'[{\"field\":\"method_static_passcode\"},{\"field\":\"method_sms\"},{\"field\":\"method_voice\"}]','',?,'',?)", o.Alder.ID, o.first.ID, now(o))
			}, func(o *office) {
				o.Set("UPDATE tenants SET no_sign_in = ?, no_second = ? WHERE id = ?", bit, bit, o.Alder.ID)
			}
	}
	smsOn, smsOff := way(int(user.WithSMS))
	voiceOn, voiceOff := way(int(user.WithVoice))
	staticOn, staticOff := way(int(user.WithStaticPasscode))
	said := func(o *office, action audit.Action, details map[string]string) {
		o.Act(func(tx *store.Tx) error {
			return audit.Record(tx, audit.Event{TenantID: o.Alder.ID, Action: action, Actor: audit.User(o.first.ID), Target: audit.Tenant(o.Alder.ID), Details: details})
		})
	}
	setting := func(column string, on, off any, action audit.Action, details map[string]string) (func(o *office), func(o *office)) {
		return func(o *office) {
				o.Set("UPDATE tenants SET "+column+" = ? WHERE id = ?", on, o.Alder.ID)
				said(o, action, details)
			}, func(o *office) {
				o.Set("UPDATE tenants SET "+column+" = ? WHERE id = ?", off, o.Alder.ID)
			}
	}
	modeOn, modeOff := setting("match_mode", "pick3", "type2", audit.SettingsChanged, map[string]string{"match_mode": "type2 → pick3"})
	trustOn, trustOff := setting("trust_days", 30, 14, audit.SettingsChanged, map[string]string{"trust_days": "14 → 30"})
	minutesOn, minutesOff := setting("bypass_minutes", 61, 60, audit.DeskChanged, map[string]string{"bypass_minutes": "60 → 61"})
	usesOn, usesOff := setting("bypass_uses", 2, 1, audit.DeskChanged, map[string]string{"bypass_uses": "1 → 2"})
	readOn, readOff := setting("bypass_read_out", true, false, audit.DeskChanged, map[string]string{"desk_deliveries": "split → split,read_out"})
	rows := map[string]struct {
		on, off func(o *office)
		people  int
		since   bool // it is known since when
		by      bool // and by whom
	}{
		"break_glass_few":  {func(o *office) { account(o, o.nurse.ID, "one", "sealed", now(o)) }, func(o *office) { account(o, o.User(o.Alder, "two").ID, "two", "sealed", now(o)) }, 1, false, false},
		"break_glass_used": {func(o *office) { account(o, o.nurse.ID, "one", "used", now(o)) }, func(o *office) { account(o, o.nurse.ID, "two", "sealed", now(o)) }, 1, true, false},
		"break_glass_drill": {func(o *office) { account(o, o.nurse.ID, "one", "sealed", now(o).Add(-91*24*time.Hour)) }, func(o *office) {
			o.Set("UPDATE break_glass_accounts SET drilled_at = ?", now(o))
		}, 1, true, false},
		"break_glass_key": {func(o *office) { account(o, o.nurse.ID, "one", "sealed", now(o)) }, func(o *office) { o.Set("UPDATE break_glass_accounts SET removed_at = ?", now(o)) }, 1, true, false},
		"no_witness": {func(*office) {}, func(o *office) {
			o.Set("INSERT INTO audit_witnesses (name, reached, seen_at) VALUES ('file', 0, ?)", now(o))
		}, 1, false, false},
		"outage": {func(o *office) {
			o.Set(`INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, reason, ticket, requested_by, approved_by, began_at, ends_at) VALUES (?,'one',FALSE,'sms',1,TRUE,'','',?,'',?,?)`, o.Alder.ID, o.first.ID, now(o), now(o).Add(time.Hour))
		}, func(o *office) { o.Clock.Forward(time.Hour) }, 1, true, true},
		"static_passcodes_out": {func(o *office) {
			o.Set("INSERT INTO static_passcodes (tenant_id, id, user_id, state, hours, reason, requested_by, approved_by, approved_at, expires_at) VALUES (?,'one',?,'active',1,'','','',?,?)", o.Alder.ID, o.nurse.ID, now(o), now(o).Add(time.Hour))
		}, func(o *office) { o.Set("UPDATE static_passcodes SET state = 'withdrawn'") }, 1, true, false},
		"static_passcodes": {staticOn, staticOff, 1, true, true},
		"sms":              {smsOn, smsOff, 1, true, true},
		"voice":            {voiceOn, voiceOff, 1, true, true},
		"mfa_disabled":     {func(o *office) { o.Demand(o.first, user.MFAEnforced) }, func(o *office) { o.Demand(o.nurse, user.MFAEnforced) }, 1, false, false},
		"excluded": {func(o *office) {
			o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'out','out',?)", o.Alder.ID, now(o))
			o.Set("INSERT INTO rollouts (tenant_id, feature, stage, share, version, changed_at) VALUES (?,'passkeys','everyone',0,1,?)", o.Alder.ID, now(o))
			o.Set("INSERT INTO rollout_groups (tenant_id, feature, group_id, excluded) VALUES (?,'passkeys','out',TRUE)", o.Alder.ID)
			o.Set("INSERT INTO rollout_versions (tenant_id, feature, version, rule, difference, reason, ticket, changed_by, approved_by, changed_at) VALUES (?,'passkeys',1,'{}','[]','','',?,'',?)", o.Alder.ID, o.first.ID, now(o))
			o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,'out',?,?,?)", o.Alder.ID, o.nurse.ID, o.nurse.Name, now(o))
		}, func(o *office) { o.Set("DELETE FROM rollout_groups") }, 1, true, true},
		"match_mode":      {modeOn, modeOff, 0, true, true},
		"trust_days":      {trustOn, trustOff, 0, true, true},
		"bypass_minutes":  {minutesOn, minutesOff, 0, true, true},
		"bypass_uses":     {usesOn, usesOff, 0, true, true},
		"bypass_read_out": {readOn, readOff, 0, true, true},
	}
	for _, r := range risk.Risks {
		row, ok := rows[r.Name]
		if !ok {
			t.Errorf("%s is tried by nobody", r.Name)
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			each(t, func(t *testing.T, o *office) {
				row.on(o)
				f := o.found(r.Name)
				if f == nil {
					t.Fatal("it is not found")
				}
				if f.People != row.people || (f.Since != nil) != row.since || (f.By != "") != row.by || row.by && f.By != o.first.ID {
					t.Errorf("it is %+v", f)
				}
				row.off(o)
				if f := o.found(r.Name); f != nil {
					t.Errorf("it is still found: %+v", f)
				}
			})
		})
	}
}

// TestWhatWasLookedAtRestsUntilItsDay, or until it concerns more.
func TestWhatWasLookedAtRestsUntilItsDay(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.Demand(o.first, user.MFAEnforced)
		day := func(ahead int) string { return o.Clock.Now().AddDate(0, 0, ahead).UTC().Format(time.DateOnly) }
		for _, who := range []user.User{o.nurse, o.Admin(o.Alder, "auditor", access.RoleAuditor)} {
			o.Demand(who, user.MFAEnforced)
			if err := o.acknowledge(who, "mfa_disabled", day(30)); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s says it = %v", who.Name, err)
			}
		}
		o.Demand(o.nurse, user.MFADisabled)
		for _, until := range []string{"", "soon", day(-1), day(367)} {
			if err := o.acknowledge(o.first, "mfa_disabled", until); fault.Of(err) == nil || fault.Of(err).Fields["until"] == "" {
				t.Errorf("until %q = %v", until, err)
			}
		}
		if err := o.acknowledge(o.first, "nothing", day(30)); !errors.Is(err, fault.NotFound) {
			t.Errorf("what is no risk = %v", err)
		}
		if err := o.acknowledge(o.first, "outage", day(30)); !errors.Is(err, fault.Conflict) {
			t.Errorf("what is not so = %v", err)
		}
		if e := o.entry("mfa_disabled"); e == nil || e.Rests(o.Clock.Now()) || e.Found.People != 1 {
			t.Fatalf("before it is %+v", e)
		}
		if err := o.acknowledge(o.first, "mfa_disabled", day(30)); err != nil {
			t.Fatal(err)
		}
		e := o.entry("mfa_disabled")
		if e == nil || !e.Rests(o.Clock.Now()) || e.Reason != "we know" || e.Acknowledger != o.first.Name {
			t.Fatalf("afterwards it is %+v", e)
		}
		if n := o.Events(audit.RiskAcknowledged); n != 1 {
			t.Errorf("%d events", n)
		}
		other := o.User(o.Alder, "other")
		if e := o.entry("mfa_disabled"); e.Rests(o.Clock.Now()) {
			t.Error("it concerns more, and rests")
		}
		o.Demand(other, user.MFAEnforced)
		o.Clock.Forward(e.Until.Sub(o.Clock.Now()) - time.Second)
		if e := o.entry("mfa_disabled"); !e.Rests(o.Clock.Now()) {
			t.Error("in the last second of its day it does not rest")
		}
		o.Clock.Forward(time.Second)
		if e := o.entry("mfa_disabled"); e.Rests(o.Clock.Now()) {
			t.Error("its day is over, and it rests")
		}
		if err := o.acknowledge(o.first, "mfa_disabled", day(1)); err != nil {
			t.Fatal(err)
		}
		if n := o.Count("SELECT count(*) FROM risk_acknowledgements"); n != 2 {
			t.Errorf("%d acknowledgements are kept", n)
		}
	})
}
