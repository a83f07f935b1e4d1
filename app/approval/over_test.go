package approval_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/prompt"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// TestTheRequesterIsToldWhatBecameOfIt: by whom, as a role, and why; not of what
// they took back themselves.
func TestTheRequesterIsToldWhatBecameOfIt(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		told := func(claim, want string) {
			t.Helper()
			if got := o.Text("SELECT action || ' ' || by_role || ' ' || reason || ' ' || detail FROM notices WHERE user_id = ?", o.security.ID); got != want {
				t.Errorf("%s: told %q, want %q", claim, got, want)
			}
			o.Set("DELETE FROM notices")
		}
		id := o.waits()
		told("while it waits", "")
		if err := o.Approvals.Approve(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: "seen", Origin: from}); err != nil {
			t.Fatal(err)
		}
		told("approved", "approval.given security_administrator seen test.rename")

		o.Set("UPDATE users SET display_name = 'person' WHERE id = ?", o.person.ID)
		id = o.waits()
		if err := o.Approvals.Refuse(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: "not now", Origin: from}); err != nil {
			t.Fatal(err)
		}
		told("refused", "approval.refused security_administrator not now test.rename")

		id = o.waits()
		if err := o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from); err != nil {
			t.Fatal(err)
		}
		told("taken back", "")

		id = o.waits()
		o.Set("UPDATE users SET display_name = 'Somebody' WHERE id = ?", o.person.ID)
		WantCode(t, "Approve", o.approve(id, o.second), "approval.void")
		told("void", "approval.void security_administrator  test.rename")
	})
}

// TestOneOfTwoDecisionsIsTold: however many decide at once.
func TestOneOfTwoDecisionsIsTold(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		id := o.waits()
		replicas := []*office{o, o.replica()}
		AtOnce(8, func(i int) error {
			if i%4 < 2 {
				return replicas[i%2].Approvals.Refuse(t.Context(), o.Alder.ID, id, o.third.ID, approval.Given{Reason: "no", Origin: from})
			}
			return replicas[i%2].approve(id, o.second)
		})
		if told := o.Count("SELECT count(*) FROM notices WHERE user_id = ?", o.security.ID); told != 1 {
			t.Errorf("the requester is told %d times", told)
		}
	})
}

// TestWhatIsDecidedElsewhereLeavesThePhone: whichever way, and the page with the
// number learns it at once.
func TestWhatIsDecidedElsewhereLeavesThePhone(t *testing.T) {
	for claim, decide := range map[string]func(o *office, id string) error{
		"approved on a page": func(o *office, id string) error { return o.approve(id, o.third) },
		"refused": func(o *office, id string) error {
			return o.Approvals.Refuse(o.T.Context(), o.Alder.ID, id, o.third.ID, approval.Given{Reason: "no", Origin: from})
		},
		"taken back": func(o *office, id string) error {
			return o.Approvals.Withdraw(o.T.Context(), o.Alder.ID, id, o.security.ID, from)
		},
		"void": func(o *office, id string) error {
			o.Set("UPDATE users SET display_name = 'Somebody' WHERE id = ?", o.person.ID)
			WantCode(o.T, "Approve", o.approve(id, o.third), "approval.void")
			return nil
		},
		"over": func(o *office, id string) error {
			o.Set("UPDATE approval_requests SET expires_at = ? WHERE id = ?", o.Clock.Now(), id)
			return o.Approvals.Lapse(o.T.Context())
		},
	} {
		t.Run(claim, func(t *testing.T) {
			offices(t, func(o *office) {
				t := o.T
				second := o.approver(o.second)
				id, other := o.waits(), o.asks(o.rename(o.security, o.desk, newName{Name: "Other", Loosens: true}))
				at, r := second.asksPhone(id)
				page := o.Hub.Wait(at.WaitKey())
				defer page.Done()
				if err := decide(o, id); err != nil {
					t.Fatalf("it cannot be %s: %v", claim, err)
				}
				if got := o.State(at.ID, second.pc); got != prompt.Expired || len(page.Bell()) == 0 {
					t.Errorf("the page learns %s, and was woken %d times", got, len(page.Bell()))
				}
				if _, err := second.phone.Answer(r, prompt.Approve, at.Number, PIN); !errors.Is(err, fault.Expired) {
					t.Errorf("the phone answers afterwards, and is told %v", err)
				}
				if act, err := o.SignIn.Asks(t.Context(), at); err != nil || !act.Over {
					t.Errorf("the page asks for %+v, %v", act, err)
				}
				if got := o.Text("SELECT reason || ' ' || actor_kind FROM audit_events WHERE action = ?", audit.PromptExpired); got != "prompt.withdrawn user" && (claim != "over" || got != "prompt.withdrawn service") {
					t.Errorf("the event says %q", got)
				}
				// What is asked for another request stays.
				o.Clock.Forward(time.Second)
				at, _ = second.asksPhone(other)
				if got := o.State(at.ID, second.pc); got != prompt.Pending {
					t.Errorf("another one is %s", got)
				}
				if err := o.Approvals.Refuse(t.Context(), o.Alder.ID, id, o.third.ID, approval.Given{Reason: "again", Origin: from}); !errors.Is(err, fault.Conflict) {
					t.Errorf("decided again: %v", err)
				}
				if got := o.State(at.ID, second.pc); got != prompt.Pending {
					t.Errorf("after a decision that was none another one is %s", got)
				}
			})
		})
	}
}

// TestAnOperatorIsToldAtHome: as a user of the platform, behind its own wall.
func TestAnOperatorIsToldAtHome(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		o.Set("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) SELECT 'platform', 'platform', 'Platform', region, ring, state, match_mode, platforms, created_at FROM tenants WHERE id = ?", o.Alder.ID)
		o.Set(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at)
			VALUES ('platform', 'operator', 'operator@latchkey.example', 'An operator', 'active', 'disabled', '', ?)`, o.Clock.Now())
		o.Set("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES ('platform', 'operator', ?, '', ?)", access.RoleOperator, o.Clock.Now())
		o.Set("INSERT INTO operator_grants (tenant_id, id, operator_id, role, reason, granted_by, granted_at, ends_at) VALUES (?, 'grant', 'operator', ?, '', '', ?, ?)",
			o.Alder.ID, access.RoleTenantAdministrator, o.Clock.Now(), o.Clock.Now().Add(time.Hour))
		act := o.rename(o.security, o.person, newName{Name: "Renamed", Loosens: true})
		act.ActorID = "operator"
		id := o.asks(act)
		if err := o.Approvals.Approve(store.Within(t.Context(), o.Alder.ID), o.Alder.ID, id, o.second.ID, approval.Given{Origin: from}); err != nil {
			t.Fatal(err)
		}
		told, err := notify.Unseen(store.Within(t.Context(), access.Platform), o.DB, access.Platform, "operator", "")
		if err != nil || len(told) != 1 || told[0].Action != audit.ApprovalGiven {
			t.Errorf("they are told %+v, %v", told, err)
		}
		if seen := o.seen(id, o.second); seen.Requester.Name != "operator@latchkey.example" || seen.State != approval.Done {
			t.Errorf("it is %s, asked for by %q", seen.State, seen.Requester.Name)
		}
	})
}
