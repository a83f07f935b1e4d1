package user_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux"}

func TestSignInNames(t *testing.T) {
	for typed, want := range map[string]string{
		"user1@alder.example":                                    "user1@alder.example",
		"  User1@Alder.Example\r\n":                              "user1@alder.example",
		"o'clock+x@alder.example":                                "o'clock+x@alder.example",
		"ÜSER@alder.example":                                     "üser@alder.example",
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 189): strings.Repeat("a", 64) + "@" + strings.Repeat("b", 189),

		"":                        "",
		"user1":                   "",
		"@alder.example":          "",
		"user1@":                  "",
		"user1@@alder.example":    "",
		"user1@alder@example":     "",
		"user 1@alder.example":    "",
		"user1@alder .example":    "",
		"us\ter@alder.example":    "",
		"us\x00r@alder.example":   "",
		"us\x7fr@alder.example":   "",
		"user1@alder.example\x00": "",
		"us\xffr@alder.example":   "",
		strings.Repeat("a", 65) + "@alder.example": "",
		"a@" + strings.Repeat("b", 190):            "",
	} {
		if got := user.Name(typed); got != want {
			t.Errorf("Name(%q) = %q, want %q", typed, got, want)
		}
	}
}

// FuzzName: a name that is taken is kept as it is, has one @ and nothing that a
// header, a log or a column would stumble over.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"user1@alder.example", " A@B ", "a@b@c", "İ@alder.example", "a\u200b@b", "a\x00@b", "ſ@K"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name := user.Name(typed)
		if name == "" {
			return
		}
		if again := user.Name(name); again != name {
			t.Errorf("Name(%q) = %q, and of that %q", typed, name, again)
		}
		if len(name) > 254 || strings.Count(name, "@") != 1 || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) && r < 0x80 || r == ' ' || r == unicode.ReplacementChar }) {
			t.Errorf("Name(%q) = %q", typed, name)
		}
	})
}

func create(h *House, of tenant.Tenant, name string) (u user.User, err error) {
	err = h.DB.Act(h.T.Context(), func(tx *store.Tx) (err error) {
		u, err = user.Create(tx, of.ID, name, "A user", "", audit.Service, from)
		return err
	})
	return u, err
}

func TestANameIsTakenOnceInAnOrganisation(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, err := create(h, h.Alder, " User1@alder.example ")
		if err != nil || u.Name != "user1@alder.example" || u.State != user.Active || u.TenantID != h.Alder.ID {
			t.Fatalf("Create = %+v, %v", u, err)
		}
		for claim, row := range map[string]struct{ name, code string }{
			"the same name":        {"user1@alder.example", "user.name_taken"},
			"the same in capitals": {"USER1@ALDER.EXAMPLE", "user.name_taken"},
			"what is no name":      {"user1", "user.name_form"},
			"nothing":              {"", "user.name_form"},
		} {
			_, err := create(h, h.Alder, row.name)
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields["name"] != row.code {
				t.Errorf("%s: Create = %v, want %s", claim, err, row.code)
			}
		}
		if _, err := create(h, h.Birch, "user1@alder.example"); err != nil {
			t.Errorf("the same name in another organisation = %v", err)
		}
		got := 0
		for _, err := range AtOnce(8, func(int) error { _, err := create(h, h.Alder, "user2@alder.example"); return err }) {
			switch f := fault.Of(err); {
			case err == nil:
				got++
			case f == nil || f.Fields["name"] != "user.name_taken":
				t.Errorf("one of eight at once = %v", err)
			}
		}
		if got != 1 || h.Count("SELECT count(*) FROM users") != 3 || h.Events(audit.UserCreated) != 3 {
			t.Errorf("of eight at once %d were made; %d users and %d events", got, h.Count("SELECT count(*) FROM users"), h.Events(audit.UserCreated))
		}

		found, ok, err := user.Named(ctx, h.DB, h.Alder.ID, "user1@alder.example")
		if err != nil || !ok || found != u {
			t.Errorf("Named = %+v, %t, %v; want %+v", found, ok, err, u)
		}
		for claim, at := range map[string][2]string{
			"another organisation": {h.Birch.ID, "user2@alder.example"}, "nobody": {h.Alder.ID, "nobody@alder.example"}, "not as it is kept": {h.Alder.ID, "User1@alder.example"},
		} {
			if _, ok, err := user.Named(ctx, h.DB, at[0], at[1]); ok || err != nil {
				t.Errorf("%s: Named = %t, %v", claim, ok, err)
			}
		}
	})
}

func TestALockAndItsEnd(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		_, cookie := h.Session(u)
		lock := func(tenantID, userID string) error {
			return h.DB.Act(ctx, func(tx *store.Tx) error {
				return user.Lock(tx, tenantID, userID, "lost phone", audit.User(other.ID), from)
			})
		}
		unlock := func() error {
			return h.DB.Act(ctx, func(tx *store.Tx) error {
				return user.Unlock(tx, u.TenantID, u.ID, "found", audit.User(other.ID), from)
			})
		}
		WantCode(t, "Unlock of one who is not locked", unlock(), "user.state_changed")
		WantCode(t, "Lock in another organisation", lock(h.Birch.ID, u.ID), "user.state_changed")
		WantCode(t, "Lock of nobody", lock(u.TenantID, "nobody"), "user.state_changed")
		if !h.Alive(cookie) {
			t.Fatal("a refusal ended the session")
		}
		if got := Tally(AtOnce(6, func(int) error { return lock(u.TenantID, u.ID) })); got["done"] != 1 || got["user.state_changed"] != 5 {
			t.Errorf("six locks at once: %v, want one", got)
		}
		if h.Alive(cookie) {
			t.Error("the session of a locked user lives")
		}
		if err := unlock(); err != nil {
			t.Errorf("Unlock = %v", err)
		}
		if locked, unlocked := h.Events(audit.UserLocked), h.Events(audit.UserUnlocked); locked != 1 || unlocked != 1 {
			t.Errorf("%d locked and %d unlocked in the audit, want 1 and 1", locked, unlocked)
		}
		if got := h.Text("SELECT reason || ' by ' || actor_id FROM audit_events WHERE action = ?", audit.UserLocked); got != "lost phone by "+other.ID {
			t.Errorf("the audit says %q", got)
		}
		if got := h.Text("SELECT state FROM users WHERE id = ?", other.ID); got != user.Active {
			t.Errorf("the other user is %s", got)
		}
	})
}

func TestOneRoleAPersonAndTenant(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		h.Act(func(tx *store.Tx) error {
			return user.Assign(tx, u.TenantID, u.ID, access.RoleAuditor, audit.User("an administrator"), from)
		})
		if got := h.Text("SELECT role || ' by ' || assigned_by FROM role_assignments"); got != "auditor by an administrator" || h.Count("SELECT count(*) FROM role_assignments") != 1 {
			t.Errorf("the role is %q", got)
		}
		if got := h.Events(audit.RoleAssigned); got != 2 {
			t.Errorf("%d assignments in the audit, want 2", got)
		}
		err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
			return user.Assign(tx, h.Birch.ID, u.ID, access.RoleSecurityAdministrator, audit.Service, from)
		})
		if !errors.Is(err, fault.Unavailable) || h.Count("SELECT count(*) FROM role_assignments WHERE tenant_id = ?", h.Birch.ID) != 0 {
			t.Errorf("a role for a user of another organisation = %v", err)
		}
	})
}
