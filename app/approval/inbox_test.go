package approval_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func (o *office) inbox(by user.User, before approval.Position) approval.Inbox {
	o.T.Helper()
	box, err := o.Approvals.Inbox(o.T.Context(), o.Alder.ID, by.ID, before)
	if err != nil {
		o.T.Fatalf("Inbox = %v", err)
	}
	return box
}

func (o *office) waiting(by user.User) int {
	o.T.Helper()
	n, err := o.Approvals.Waiting(o.T.Context(), o.Alder.ID, by.ID)
	if err != nil {
		o.T.Fatalf("Waiting = %v", err)
	}
	return n
}

func ids(requests []approval.Seen) (all []string) {
	for _, r := range requests {
		all = append(all, r.ID)
	}
	return all
}

func TestWhoSeesWhichRequests(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		auditor, lead := o.Admin(o.Alder, "auditor", access.RoleAuditor), o.Admin(o.Alder, "lead", access.RoleHelpdeskLead)
		limited := o.Admin(o.Alder, "limited", access.RoleTenantAdministrator)
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'office','Office',?)", o.Alder.ID, o.Clock.Now())
		o.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'office')", o.Alder.ID, limited.ID)
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'office',?,?)", o.Alder.ID, o.person.ID, o.person.Name)

		first := o.asks(o.rename(o.security, o.person, newName{Name: "First", Loosens: true}))
		o.Clock.Forward(time.Second)
		second := o.asks(o.rename(o.security, o.second, newName{Name: "Second"}))
		o.Clock.Forward(time.Second)
		desks := o.asks(o.rename(o.desk, o.person, newName{Name: "Third", Loosens: true, Needs: []access.Permission{access.BypassApprove}}))

		for _, row := range []struct {
			by                 user.User
			yours, own, others []string
			finds              []string
		}{
			{o.security, []string{desks}, []string{second, first}, nil, []string{first, second, desks}},
			{o.second, []string{first, desks}, nil, []string{second}, []string{first, second, desks}},
			{o.third, []string{first, second, desks}, nil, nil, []string{first, second, desks}},
			{o.admin, []string{first, second, desks}, nil, nil, []string{first, second, desks}},
			{limited, []string{first, desks}, nil, nil, []string{first, desks}},
			{auditor, nil, nil, []string{first, second, desks}, []string{first, second, desks}},
			{lead, []string{desks}, nil, nil, []string{desks}},
			{o.desk, nil, []string{desks}, nil, []string{desks}},
			{o.person, nil, nil, nil, nil},
		} {
			box := o.inbox(row.by, approval.Position{})
			if !slices.Equal(ids(box.Yours), row.yours) || !slices.Equal(ids(box.Own), row.own) || !slices.Equal(ids(box.Others), row.others) || len(box.Decided) != 0 || box.More {
				t.Errorf("%s sees %v, own %v, others' %v and decided %v", row.by.DisplayName, ids(box.Yours), ids(box.Own), ids(box.Others), ids(box.Decided))
			}
			if got := o.waiting(row.by); got != len(row.yours) {
				t.Errorf("%s: the count is %d, want %d", row.by.DisplayName, got, len(row.yours))
			}
			for _, id := range []string{first, second, desks} {
				_, err := o.Approvals.Find(t.Context(), o.Alder.ID, id, row.by.ID)
				if want := slices.Contains(row.finds, id); (err == nil) != want || !want && !errors.Is(err, fault.NotFound) {
					t.Errorf("%s: Find = %v, want it found: %t", row.by.DisplayName, err, want)
				}
			}
		}
		// Once decided it is seen by those whose it was, who decided, and who watch.
		if err := o.approve(desks, lead); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			by   user.User
			sees bool
		}{{o.security, true}, {auditor, true}, {lead, true}, {o.desk, true}, {limited, false}, {o.person, false}} {
			if got := len(o.inbox(row.by, approval.Position{}).Decided) == 1; got != row.sees {
				t.Errorf("%s sees the decided one: %t", row.by.DisplayName, got)
			}
		}
		// The count falls at the last instant, whether or not anybody noticed.
		o.Clock.Forward(approval.Life - 2*time.Second)
		if got := o.waiting(o.third); got != 1 {
			t.Errorf("when the first is over the count is %d", got)
		}
	})
}

func TestDecidedRequestsArePaged(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		var all []string // newest decision first
		for i := range 2*approval.PageLength + 3 {
			id := o.asks(o.rename(o.security, o.person, newName{Name: fmt.Sprint("Name ", i), Loosens: true}))
			by := o.security
			var err error
			if i%2 == 0 {
				by = o.admin
				err = o.Approvals.Refuse(ctx, o.Alder.ID, id, by.ID, approval.Given{Reason: "no", Origin: from})
			} else {
				err = o.Approvals.Withdraw(ctx, o.Alder.ID, id, by.ID, from)
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append([]string{id}, all...)
			if i%3 == 0 {
				o.Clock.Forward(time.Second) // some at the same moment
			}
		}
		read := func(by user.User) (got []string) {
			var before approval.Position
			for range 5 {
				box := o.inbox(by, before)
				got = append(got, ids(box.Decided)...)
				if !box.More {
					return got
				}
				if len(box.Decided) != approval.PageLength {
					t.Errorf("a page has %d", len(box.Decided))
				}
				last := box.Decided[len(box.Decided)-1]
				before = approval.Position{At: last.DecidedAt, ID: last.ID}
			}
			t.Fatal("the pages have no end")
			return nil
		}
		for _, by := range []user.User{o.second, o.security} {
			if got := read(by); len(got) != len(all) || !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(all))) {
				t.Errorf("%s reads %d of %d", by.DisplayName, len(got), len(all))
			}
		}
		// Somebody who sees no more than what was theirs.
		o.Set("UPDATE role_assignments SET role = 'helpdesk' WHERE user_id IN (?, ?)", o.admin.ID, o.security.ID)
		if got := read(o.admin); len(got) != approval.PageLength+2 {
			t.Errorf("who decided half of them reads %d", len(got))
		}
		if got := read(o.security); len(got) != len(all) {
			t.Errorf("who asked for them reads %d", len(got))
		}
		if got := read(o.desk); len(got) != 0 {
			t.Errorf("who had no part in them reads %d", len(got))
		}
	})
}

// TestGivingTheHighestRole: with the real acts of roles.
func TestGivingTheHighestRole(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		id := o.asks(o.assign(o.security, o.desk, access.RoleSecurityAdministrator))
		r := o.seen(id, o.third)
		if len(r.Lines) != 3 || r.Lines[0] != (approval.Change{Field: "role", Before: "helpdesk", After: "security_administrator"}) {
			t.Errorf("the difference is %+v", r.Lines)
		}
		// A tenant administrator may give the role that is taken, and not the one that is given.
		WantCode(t, "a tenant administrator", o.approve(id, o.admin), "access.rank")
		WantCode(t, "the one who gets it", o.approve(id, o.desk), "http.not_found")
		if err := o.approve(id, o.second); err != nil {
			t.Fatalf("Approve = %v", err)
		}
		if got := o.Text("SELECT role || ' by ' || assigned_by FROM role_assignments WHERE user_id = ?", o.desk.ID); got != "security_administrator by "+o.security.ID {
			t.Errorf("they hold %q", got)
		}

		// Another change of the role voids what waits.
		id = o.asks(o.assign(o.security, o.admin, access.RoleSecurityAdministrator))
		if _, err := o.Approvals.Submit(ctx, o.assign(o.second, o.admin, access.RoleAuditor)); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "after another change", o.approve(id, o.second), "approval.void")
		if got := o.Text("SELECT role FROM role_assignments WHERE user_id = ?", o.admin.ID); got != "auditor" {
			t.Errorf("they hold %q", got)
		}
	})
}

// TestAnApprovalAndAnotherChangeAtOnce: what was shown is what is changed, or
// nothing is.
func TestAnApprovalAndAnotherChangeAtOnce(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		replica := o.replica()
		for round := range 10 {
			o.Set("UPDATE role_assignments SET role = 'helpdesk' WHERE user_id = ?", o.desk.ID)
			id := o.asks(o.assign(o.security, o.desk, access.RoleSecurityAdministrator))
			errs := AtOnce(2, func(i int) error {
				if i == 0 {
					return o.approve(id, o.second)
				}
				out, err := replica.Approvals.Submit(ctx, o.assign(o.third, o.desk, access.RoleAuditor))
				if out.Waits() {
					err = errors.New("held: they are security administrator now")
				}
				return err
			})
			o.Set("UPDATE approval_requests SET state = 'withdrawn', decided_at = ? WHERE state = 'pending'", o.Clock.Now())
			got := o.Text("SELECT role FROM role_assignments WHERE user_id = ?", o.desk.ID)
			switch {
			case errs[0] == nil && errs[1] == nil:
				t.Errorf("round %d: both were done, and they are %s", round, got)
			case errs[0] == nil && (got != "security_administrator" || o.state(id) != approval.Done),
				errs[1] == nil && (got != "auditor" || o.state(id) != approval.Void):
				t.Errorf("round %d: %v and %v, and they are %s", round, errs[0], errs[1], got)
			}
		}
	})
}

func TestCustomRolesAreCalledByTheirNames(t *testing.T) {
	offices(t, func(o *office) {
		o.Set("INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:n','Night desk','user.lock','',?,?)", o.Alder.ID, o.Clock.Now(), o.Clock.Now())
		o.Set("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,'custom:n','',?)", o.Alder.ID, o.person.ID, o.Clock.Now())
		id := o.asks(o.assign(o.security, o.person, access.RoleSecurityAdministrator))
		r := o.seen(id, o.second)
		if r.Lines[0].Before != "custom:Night desk" || r.Difference[0].Before != "custom:n" {
			o.T.Errorf("it reads %+v, of %+v", r.Lines[0], r.Difference[0])
		}
		o.Set("UPDATE custom_roles SET name = 'Day desk', retired_at = ?", o.Clock.Now())
		if r := o.seen(id, o.second); r.Lines[0].Before != "custom:Day desk" {
			o.T.Errorf("it reads %+v", r.Lines[0])
		}
	})
}

// TestTheSlowPollNamesInboxesThatChanged: a hint that was lost is made up for.
func TestTheSlowPollNamesInboxesThatChanged(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		alder, birch := approval.InboxKey(o.Alder.ID), approval.InboxKey(o.Birch.ID)
		changed := func(want ...string) {
			t.Helper()
			got, err := o.Approvals.Changed(ctx, []string{birch, alder})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("Changed = %v, %v; want %v", got, err, want)
			}
		}
		changed()
		id := o.waits()
		changed(alder)
		o.Clock.Forward(time.Minute)
		changed()
		if err := o.approve(id, o.second); err != nil {
			t.Fatal(err)
		}
		changed(alder)
		o.Clock.Forward(time.Minute)
		changed()
		o.Set("UPDATE users SET display_name = 'person' WHERE id = ?", o.person.ID)
		o.waits()
		o.Clock.Forward(approval.Life)
		changed(alder) // over, and not yet lapsed
	})
}
