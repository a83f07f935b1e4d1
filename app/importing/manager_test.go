package importing_test

import (
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/importing"
)

// TestAListNamesManagers: of who is there and of who is new, by one who is there and by one
// who comes with the list, each with the event that the word of a manager is judged by.
func TestAListNamesManagers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse, matron, same, other := h.User(h.Alder, "nurse"), h.User(h.Alder, "matron"), h.User(h.Alder, "same"), h.User(h.Alder, "other")
		h.Set("UPDATE users SET manager_id = ? WHERE id IN (?, ?)", matron.ID, same.ID, other.ID)
		i := h.check(h.admin,
			"name,manager",
			"nurse@alder.example, Matron@alder.example",
			"same@alder.example,matron@alder.example",
			"other@alder.example,",
			"new@alder.example,chief@alder.example",
			"chief@alder.example,matron@alder.example")
		if i.New != 2 || i.Changed != 1 || i.Unchanged != 2 || i.Managed != 3 || len(i.Problems) != 0 {
			t.Fatalf("checked as %+v", i)
		}
		if i = h.does(h.admin, i); i.State != importing.Done {
			t.Fatalf("done as %+v", i)
		}
		chief := h.Text("SELECT id FROM users WHERE name = 'chief@alder.example'")
		for name, manager := range map[string]string{"nurse": matron.ID, "same": matron.ID, "other": matron.ID, "new": chief, "chief": matron.ID} {
			if got := h.Text("SELECT manager_id FROM users WHERE name = ?", name+"@alder.example"); got != manager {
				t.Errorf("the manager of %s is %q, want %q", name, got, manager)
			}
		}
		if n := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND actor_id = ? AND actor_kind = 'user' AND thread_id = ? AND reason = 'they begin on Monday'", audit.UserManagerChanged, h.admin.ID, i.ID); n != 3 {
			t.Errorf("%d events, want 3", n)
		}
		if n := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND subject_id = ?", audit.UserManagerChanged, nurse.ID); n != 1 {
			t.Error("whose manager it is does not stand in the event")
		}
		if got := h.Text("SELECT detail FROM notices WHERE action = ? AND user_id = ?", audit.UserManagerChanged, nurse.ID); got != matron.Name {
			t.Errorf("who was there is told %q", got)
		}
		if n := h.Count("SELECT count(*) FROM notices WHERE action = ?", audit.UserManagerChanged); n != 1 {
			t.Errorf("%d are told, want the one who was there", n)
		}
	})
}

func TestManagersThatAreNone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.User(h.Alder, "nurse")
		h.User(h.Birch, "porter")
		h.Set("UPDATE users SET state = 'locked' WHERE id = ?", h.User(h.Alder, "away").ID)
		i := h.check(h.admin,
			"name,manager",
			"nurse@alder.example,nurse@alder.example",
			"a@alder.example,nobody@alder.example",
			"b@alder.example,porter@birch.example",
			"c@alder.example,away@alder.example",
			"d@alder.example,no name",
			"desk@alder.example,a@alder.example",
			"security@alder.example,a@alder.example")
		want := "2 manager user.manager_self nurse@alder.example\n3 manager user.manager_unknown nobody@alder.example\n4 manager user.manager_unknown porter@birch.example\n" +
			"5 manager user.manager_unknown away@alder.example\n6 manager user.name_form no name"
		if got := wrong(i); !strings.HasPrefix(got, want) {
			t.Errorf("what is wrong:\n%s\nwant it to begin with\n%s", got, want)
		}
		// Nobody names the manager of somebody of a rank above their own.
		i = h.check(h.admin, "name,manager", "security@alder.example,nurse@alder.example")
		if len(i.Problems) == 0 {
			t.Error("an administrator names the manager of one above them")
		}
		// What has changed since it was checked is not written over.
		i = h.check(h.admin, "name,manager", "nurse@alder.example,desk@alder.example")
		h.Set("UPDATE users SET manager_id = ? WHERE name = 'nurse@alder.example'", h.admin.ID)
		if i = h.does(h.admin, i); i.State != importing.Failed || wrong(i) != "0  import.changed " {
			t.Errorf("after a change of the manager it is %s: %s", i.State, wrong(i))
		}
	})
}
