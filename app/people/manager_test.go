package people_test

import (
	"testing"

	"latchkey/app/audit"
	"latchkey/app/people"
	. "latchkey/app/signin/signintest"
)

// TestTheManagerOfAPerson is a colleague who is there, named by who may bring people in.
func TestTheManagerOfAPerson(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		manager := func() string { return o.Text("SELECT manager_id FROM users WHERE id = ?", o.nurse.ID) }
		name := func(typed string) error {
			_, err := o.do(o.admin, people.KindManager, o.nurse, people.Manager{Name: typed})
			return err
		}
		for _, typed := range []string{"nobody@alder.example", "no name", o.nurse.Name, "", "user@birch.example"} {
			WantCode(t, typed, name(typed), "form.wrong")
		}
		_, err := o.do(o.desk, people.KindManager, o.nurse, people.Manager{Name: o.admin.Name})
		WantCode(t, "by the helpdesk", err, "access.forbidden")
		if err := name(" " + o.lead.Name + " "); err != nil || manager() != o.lead.ID {
			t.Errorf("naming one: %v, and it is %q", err, manager())
		}
		WantCode(t, "the same again", name(o.lead.Name), "form.wrong")
		if o.Events(audit.UserManagerChanged) != 1 || o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", o.nurse.ID, audit.UserManagerChanged) != 1 {
			t.Error("it is not remembered, or the person is not told")
		}
		if p := o.see(o.admin, o.nurse); p.Names[p.ManagerID] != o.lead.Name {
			t.Errorf("the page names %q", p.Names[p.ManagerID])
		}
		if err := name(""); err != nil || manager() != "" {
			t.Errorf("naming nobody: %v, and it is %q", err, manager())
		}
		o.Lock(o.lead)
		WantCode(t, "somebody who is locked", name(o.lead.Name), "form.wrong")
	})
}
