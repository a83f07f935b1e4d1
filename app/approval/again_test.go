package approval_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// demotion is a statement that takes from an approver what they approve by.
const demotion = "UPDATE role_assignments SET role = 'auditor' WHERE user_id = ?"

// TestAnApproverWhoIsDemotedWhileTheActRuns approves nothing: an act asks again before
// it is over.
func TestAnApproverWhoIsDemotedWhileTheActRuns(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		o.Approvals.Performers[renaming] = func(tx *store.Tx, act approval.Act) (approval.Plan, error) {
			plan, err := rename(tx, act)
			do := plan.Do
			plan.Do = func(tx *store.Tx) error {
				return errors.Join(do(tx), tx.Exec(demotion, o.second.ID).Error)
			}
			return plan, err
		}
		id := o.waits()
		if err := o.approve(id, o.second); !errors.Is(err, fault.Forbidden) {
			t.Errorf("Approve = %v, want fault.Forbidden", err)
		}
		o.untouched(id, 0)
		// Without the demotion the very same request runs.
		o.Approvals.Performers[renaming] = rename
		if err := o.approve(id, o.second); err != nil || o.called(o.person) != "Renamed" {
			t.Errorf("afterwards Approve = %v, and they are called %s", err, o.called(o.person))
		}
	})
}

// TestAnApproverWhoIsDemotedWhileTheActWaits: the act is done or not by what the
// approver may when it is its turn, not when it came. SQLite has one writer anyway.
func TestAnApproverWhoIsDemotedWhileTheActWaits(t *testing.T) {
	On(t, store.Postgres, func(h *House) {
		o := &office{House: h}
		o.build()
		o.security, o.second = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator), h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)
		o.third, o.desk, o.person = h.Admin(h.Alder, "third", access.RoleSecurityAdministrator), h.Admin(h.Alder, "desk", access.RoleHelpdesk), h.User(h.Alder, "person")
		o.Approvals.Performers[renaming] = func(tx *store.Tx, act approval.Act) (approval.Plan, error) {
			plan, err := rename(tx, act)
			do := plan.Do
			plan.Do = func(tx *store.Tx) error {
				return errors.Join(tx.Exec("UPDATE tenants SET name = name WHERE id = ?", act.TenantID).Error, do(tx))
			}
			return plan, err
		}
		for claim, ask := range map[string]func() string{
			"a role, which asks under the lock":        func() string { return o.asks(o.assign(o.security, o.desk, access.RoleSecurityAdministrator)) },
			"a name, whose act waits for another row":  o.waits,
			"a change at the row of who it is done to": o.waits,
		} {
			before, done := o.Events(audit.AccessRefused), o.Events(renamed)
			id := ask()
			end := o.holds(claim)
			errs := make(chan error, 1)
			go func() { errs <- o.approve(id, o.second) }()
			o.somebodyWaits(claim)
			end()
			if err := <-errs; !errors.Is(err, fault.Forbidden) {
				o.T.Errorf("%s: Approve = %v, want fault.Forbidden", claim, err)
			}
			o.untouched(id, done)
			if n := o.Events(audit.AccessRefused); n != before+1 {
				o.T.Errorf("%s: %d refusals are remembered, want one", claim, n-before)
			}
			o.Set("UPDATE role_assignments SET role = 'security_administrator' WHERE user_id = ?", o.second.ID)
			if err := o.approve(id, o.third); err != nil {
				o.T.Errorf("%s: who still may: Approve = %v", claim, err)
			}
			o.Set("UPDATE users SET display_name = 'person' WHERE id = ?", o.person.ID)
			o.Set("UPDATE role_assignments SET role = 'helpdesk' WHERE user_id = ?", o.desk.ID)
		}
	})
}

// holds begins the demotion of the approver, with the locks that it takes, and gives
// what ends it.
func (o *office) holds(claim string) (end func()) {
	o.T.Helper()
	tx, err := o.DB.Pool().BeginTx(o.T.Context(), nil)
	if err != nil {
		o.T.Fatal(err)
	}
	lock, of := "SELECT id FROM tenants WHERE id = $1 FOR NO KEY UPDATE", o.Alder.ID
	if claim == "a change at the row of who it is done to" {
		lock, of = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", o.person.ID
	}
	if _, err := tx.ExecContext(o.T.Context(), lock, of); err != nil {
		o.T.Fatal(err)
	}
	if _, err := tx.ExecContext(o.T.Context(), "UPDATE role_assignments SET role = 'auditor' WHERE user_id = $1", o.second.ID); err != nil {
		o.T.Fatal(err)
	}
	return func() {
		if err := tx.Commit(); err != nil {
			o.T.Fatal(err)
		}
	}
}

// somebodyWaits waits until a statement of this database waits for a lock.
func (o *office) somebodyWaits(claim string) {
	o.T.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var waiting int
		err := o.DB.Pool().QueryRowContext(context.Background(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(pid)) > 0`).Scan(&waiting)
		if err != nil {
			o.T.Fatal(err)
		}
		if waiting > 0 {
			return
		}
		if time.Now().After(end) {
			o.T.Fatalf("%s: nobody waits, so this proves nothing", claim)
		}
	}
}

// untouched checks that a request waits as before, and that nothing was done.
func (o *office) untouched(id string, done int) {
	o.T.Helper()
	if o.state(id) != approval.Pending || o.called(o.person) != "person" || o.Events(renamed) != done ||
		o.Text("SELECT role FROM role_assignments WHERE user_id = ?", o.desk.ID) != string(access.RoleHelpdesk) {
		o.T.Errorf("the request is %s, and something was done", o.state(id))
	}
}
