package access_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// set runs statements past all rules.
func set(t *testing.T, db *store.DB, statement string, values ...any) {
	t.Helper()
	if err := db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestWhoMayApprove: what an approver must hold, and whom they must not be.
func TestWhoMayApprove(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		house(t, db)
		rules := load(t, db)
		now := clock.Now()
		for _, id := range []string{"u1", "u2", "near", "far"} {
			set(t, db, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES ('alder',?,?,'','active','disabled','',?)", id, id, now)
		}
		for _, g := range []string{"office", "field"} {
			set(t, db, "INSERT INTO groups (tenant_id, id, name, created_at) VALUES ('alder',?,?,?)", g, g, now)
		}
		set(t, db, "INSERT INTO group_members (tenant_id, group_id, user_id) VALUES ('alder','office','near'), ('alder','field','far')")
		set(t, db, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES ('alder','custom:writers','Writers','rollout.edit','',?,?)", now, now)
		// Two who are limited to the group office.
		for id, role := range map[string]access.Role{"limited": admin, "limited lead": lead} {
			set(t, db, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES ('alder',?,?,'','active','disabled','',?)", id, id, now)
			set(t, db, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES ('alder',?,?,'',?)", id, role, now)
			set(t, db, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES ('alder',?,'office')", id)
		}
		needs := func(p ...access.Permission) access.Eyes { return access.Eyes{Needs: p} }
		giving := func(roles ...access.Role) access.Eyes {
			return access.Eyes{Needs: []access.Permission{access.RoleAssign}, Targets: []string{"u1"}, Giving: roles}
		}
		on := func(e access.Eyes, targets ...string) access.Eyes {
			e.Targets = targets
			return e
		}
		within := func(e access.Eyes, groups ...string) access.Eyes {
			e.Groups = groups
			return e
		}
		const yes, no, nobody = access.Yes, access.No, access.Nobody
		for _, row := range []struct {
			claim    string
			approver string
			eyes     access.Eyes
			want     access.Answer
			rule     access.Rule // the first that says so
		}{
			{"who holds it", holder(admin), on(needs(access.UserLock), "u1"), yes, ""},
			{"who does not", holder(auditor), on(needs(access.UserLock), "u1"), no, access.RulePermission},
			{"helpdesk, whose permissions are to act and not to approve", holder(desk), on(needs(access.UserLock), "u1"), no, access.RuleRank},
			{"a lead either", holder(lead), on(needs(access.UserLock), "u1"), no, access.RuleRank},
			{"nothing that is needed", holder(security), access.Eyes{}, no, access.RulePermission},
			{"one of two that are needed", holder(admin), needs(access.UserImport, access.IntegrationEdit), no, access.RulePermission},
			{"both", holder(security), needs(access.UserImport, access.IntegrationEdit), yes, ""},
			{"nobody", "nobody", needs(access.UserLock), no, access.RuleAccount},

			{"a role below one's own", holder(admin), giving(desk), yes, ""},
			{"the highest role, by a tenant administrator", holder(admin), giving(security), no, access.RuleRank},
			{"the highest role to somebody who holds a lesser one", holder(admin), giving(security, auditor), no, access.RuleRank},
			{"the same in the other order", holder(admin), giving(auditor, security), no, access.RuleRank},
			{"the highest role, by one who holds it", holder(security), giving(security, auditor), yes, ""},
			{"a custom role", holder(admin), giving("custom:writers"), yes, ""},
			{"a custom role that is none any more", holder(admin), giving("custom:gone"), no, access.RuleRank},
			{"the same for the highest", holder(security), giving("custom:gone"), yes, ""},

			{"what is done to oneself", holder(security), on(needs(access.UserLock), holder(security)), no, access.RuleTarget},
			{"what is done to oneself among others", holder(security), on(needs(access.RoleAssign), "u1", holder(security), "u2"), no, access.RuleTarget},

			{"a bypass for a user, by a lead", holder(lead), on(needs(access.BypassApprove), "u1"), yes, ""},
			{"a bypass for an auditor, by a lead", holder(lead), on(needs(access.BypassApprove), holder(auditor)), no, access.RuleDuty},
			{"a bypass for an auditor, by an administrator", holder(admin), on(needs(access.BypassApprove), holder(auditor)), yes, ""},
			{"a bypass for two, one an auditor, by a lead", holder(lead), on(needs(access.BypassApprove), "u1", holder(auditor)), no, access.RuleDuty},
			{"a rebinding, by a lead", holder(lead), on(needs(access.RebindApprove), "u1"), yes, ""},

			{"somebody within the limits", "limited", on(needs(access.UserLock), "near"), yes, ""},
			{"somebody outside", "limited", on(needs(access.UserLock), "far"), nobody, access.RuleScope},
			{"one within and one outside", "limited", on(needs(access.UserLock), "near", "far"), nobody, access.RuleScope},
			{"a lead within the limits", "limited lead", on(needs(access.BypassApprove), "near"), yes, ""},
			{"a lead outside", "limited lead", on(needs(access.BypassApprove), "far"), nobody, access.RuleScope},
			{"a group within the limits", "limited", within(needs(access.GroupEdit), "office"), yes, ""},
			{"a group outside", "limited", within(needs(access.GroupEdit), "office", "field"), nobody, access.RuleScope},
			{"neither people nor groups", "limited", needs(access.GroupEdit), no, access.RuleScope},
			{"what is for the tenant as a whole", "limited", needs(access.PolicyEdit), no, access.RulePermission},
		} {
			verdicts, err := rules.AskApprover(db.View(t.Context()), "alder", row.approver, access.Approval{RequesterID: "u2", Eyes: row.eyes})
			if err != nil || len(verdicts) != 1 {
				t.Fatalf("%s: AskApprover = %v, %v", row.claim, verdicts, err)
			}
			v := verdicts[0]
			at := slices.IndexFunc(v.Findings, func(f access.Finding) bool { return f.Says == v.Answer })
			if v.Answer != row.want || row.want != yes && v.Findings[at].Rule != row.rule {
				t.Errorf("%s: %s by %s, want %s by %s", row.claim, v.Answer, v.Findings[at].Rule, row.want, row.rule)
			}
			if kind := fault.Of(v.Err()); (row.want == yes) != (kind == nil) || row.want == nobody && kind.Kind != fault.NotFound {
				t.Errorf("%s: Err = %v", row.claim, v.Err())
			}
		}
		for _, asked := range [][]access.Approval{nil, {{RequesterID: holder(admin), Eyes: needs(access.UserLock)}, {RequesterID: "u1", Eyes: needs(access.UserLock)}}} {
			verdicts, err := rules.AskApprover(db.View(t.Context()), "alder", holder(admin), asked...)
			if err != nil || len(verdicts) != len(asked) {
				t.Errorf("of %d asked: %d verdicts, %v", len(asked), len(verdicts), err)
			}
			if len(asked) == 2 && (verdicts[0].Answer != no || verdicts[1].Answer != yes) {
				t.Errorf("of two, their own first: %s and %s", verdicts[0].Answer, verdicts[1].Answer)
			}
		}
	})
}

// TestWhoMadeAnApprover: whoever made an account, a link to its password, or its role,
// or enabled it, is not helped by it for 72 hours, also when somebody else has
// touched it since.
func TestWhoMadeAnApprover(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		house(t, db)
		rules := load(t, db)
		event := func(action audit.Action, actor string) func() {
			return func() {
				err := db.Act(t.Context(), func(tx *store.Tx) error {
					return audit.Record(tx, audit.Event{TenantID: "alder", Action: action, Actor: audit.User(actor), Target: audit.User(holder(admin)), Subject: holder(admin)})
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		made := func(requester string) bool {
			t.Helper()
			v, err := rules.AskApprover(db.View(t.Context()), "alder", holder(admin), access.Approval{RequesterID: requester, Eyes: access.Eyes{Needs: []access.Permission{access.UserLock}}})
			if err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(v[0].Findings, func(f access.Finding) bool { return f.Rule == access.RuleMade && f.Says == access.No })
		}
		if err := audit.EnsureMonths(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		for claim, make := range map[string]func(){
			"account": func() {
				set(t, db, "UPDATE users SET created_by = 'account', created_at = ? WHERE id = ?", clock.Now(), holder(admin))
			},
			"link": func() {
				set(t, db, "INSERT INTO invitations (tenant_id, id, token_digest, user_id, created_by, created_at, expires_at, ended_at) VALUES ('alder','i','d',?,'link',?,?,?)",
					holder(admin), clock.Now(), clock.Now(), clock.Now())
			},
			"role": func() {
				set(t, db, "UPDATE role_assignments SET assigned_by = 'role', assigned_at = ? WHERE user_id = ?", clock.Now(), holder(admin))
			},
			"role before":    event(audit.RoleAssigned, "role before"), // another one has given it anew since
			"enabled":        event(audit.UserEnabled, "enabled"),
			"not by a look":  nil,
			"not by a reset": nil,
		} {
			if make == nil {
				event(audit.AuthenticatorReset, claim)()
				if made(claim) {
					t.Errorf("%s makes nobody", claim)
				}
				continue
			}
			if made(claim) {
				t.Errorf("%s: before anything was done", claim)
			}
			make()
			clock.Forward(72*time.Hour - time.Second)
			if !made(claim) {
				t.Errorf("%s: within 72 hours they may approve", claim)
			}
			clock.Forward(2 * time.Second)
			if made(claim) {
				t.Errorf("%s: after 72 hours they may not approve", claim)
			}
		}
	})
}

// TestAnActorWhoIsLockedMayNothing: what they asked for is not done after they
// were locked; of an operator the account on the platform counts.
func TestAnActorWhoIsLockedMayNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		house(t, db)
		set(t, db, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES ('alder','u1','u1','','active','disabled','',?)", clock.Now())
		set(t, db, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,'visitor','v','','active','disabled','',?)", access.Platform, clock.Now())
		set(t, db, "INSERT INTO groups (tenant_id, id, name, created_at) VALUES ('alder','g','g',?)", clock.Now())
		rules := load(t, db)
		ask := func(actor string) access.Verdict {
			t.Helper()
			v, err := rules.Ask(db.View(t.Context()), access.Question{TenantID: "alder", ActorID: actor, Needs: access.UserLock, TargetID: "u1"})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		account := func(v access.Verdict) access.Answer {
			for _, f := range v.Findings {
				if f.Rule == access.RuleAccount {
					return f.Says
				}
			}
			return ""
		}
		for state, want := range map[string]access.Answer{"active": access.Yes, "locked": access.No, "disabled": access.No} {
			set(t, db, "UPDATE users SET state = ? WHERE id IN (?, 'visitor')", state, holder(admin))
			if v := ask(holder(admin)); v.Answer != want || account(v) != want {
				t.Errorf("an administrator who is %s: %s, and the account %s", state, v.Answer, account(v))
			}
			if v := ask("visitor"); account(v) != want {
				t.Errorf("an operator who is %s: the account %s", state, account(v))
			}
		}
		if v := ask("nobody"); account(v) != access.No {
			t.Errorf("nobody has an account: %s", account(v))
		}
	})
}

// TestATimeBoxedRoleEndsByItself: also where it is read from the rows of an act.
func TestATimeBoxedRoleEndsByItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		house(t, db)
		ends := clock.Now().Add(1000)
		set(t, db, "UPDATE role_assignments SET ends_at = ? WHERE user_id = ?", ends, holder(admin))
		rules := load(t, db)
		standing, err := rules.StandingIn(db.View(t.Context()), "alder", holder(admin))
		if err != nil || standing.Role != admin || !standing.EndsAt.Equal(ends) {
			t.Errorf("before its end: %+v, %v", standing, err)
		}
		clock.Forward(1000)
		standing, err = rules.StandingIn(db.View(t.Context()), "alder", holder(admin))
		if err != nil || standing.Administrator() {
			t.Errorf("at its end: %+v, %v", standing, err)
		}
		if got := rules.Role("alder", holder(admin)); got != anyone {
			t.Errorf("at its end, from memory: %s", got)
		}
	})
}

func TestEyesAreGatheredFromTheQuestions(t *testing.T) {
	e := access.EyesFor("",
		access.Question{Needs: access.UserImport, Groups: []string{"a", "b"}},
		access.Question{Needs: access.RoleAssign, TargetID: "u1", Giving: desk, Groups: []string{"b"}},
		access.Question{Needs: access.RoleAssign, TargetID: "u2", Giving: desk},
		access.Question{TargetID: "u1"},
	)
	if !slices.Equal(e.Needs, []access.Permission{access.UserImport, access.RoleAssign}) || !slices.Equal(e.Targets, []string{"u1", "u2"}) ||
		!slices.Equal(e.Groups, []string{"a", "b"}) || !slices.Equal(e.Giving, []access.Role{desk}) {
		t.Errorf("gathered %+v", e)
	}
	e = access.EyesFor(access.BypassApprove, access.Question{Needs: access.BypassIssue, TargetID: "u1"}, access.Question{Needs: access.CallerCheck})
	if !slices.Equal(e.Needs, []access.Permission{access.BypassApprove}) {
		t.Errorf("approving has a permission of its own: %+v", e)
	}
}
