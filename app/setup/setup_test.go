package setup_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/setup"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux", RequestID: "request"}

const password = "a long password for stories"

// cedar is a form that is right.
var cedar = setup.First{
	TenantName: "Cedar Clinics", TenantSlug: "cedar", Domain: "cedar.example", Region: "eu", AdminName: "chief", Password: password, PasswordAgain: password,
}

// firstDay tells a story on a database that has nobody yet.
func firstDay(t *testing.T, story func(h *House, s *setup.Service)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		h := Build(t, db, clock)
		story(h, &setup.Service{DB: db, Passwords: h.Passwords, Rules: h.Rules})
	})
}

func link(h *House, s *setup.Service) secret.Token {
	h.T.Helper()
	token, needed, err := s.Link(h.T.Context())
	if err != nil || !needed {
		h.T.Fatalf("Link = %t, %v; want one", needed, err)
	}
	return token
}

func TestTheFirstOrganisationAndItsAdministrator(t *testing.T) {
	firstDay(t, func(h *House, s *setup.Service) {
		t, ctx := h.T, h.T.Context()
		older := link(h, s)
		h.Clock.Forward(24 * time.Hour)
		token := link(h, s)
		for claim, dead := range map[string]secret.Token{"a link that a later one replaced": older, "one that nobody made": secret.System.Token(), "none": secret.TokenOf("")} {
			if _, err := s.Check(ctx, dead); !errors.Is(err, fault.NotFound) {
				t.Errorf("Check of %s = %v, want fault.NotFound", claim, err)
			}
			_, err := s.Redeem(ctx, dead, cedar, from)
			WantCode(t, claim, err, "setup.link_refused")
		}
		if _, err := s.Check(ctx, token); err != nil {
			t.Errorf("Check = %v", err)
		}
		_, err := s.MadeBy(ctx, token)
		WantCode(t, "what it made, before it did", err, "setup.link_refused")

		typed := cedar
		typed.Domain, typed.AdminName, typed.TenantSlug = " Cedar.EXAMPLE ", " Chief+Security ", " cedar "
		done, err := s.Redeem(ctx, token, typed, from)
		name := done.AdminName
		if err != nil || name != "chief+security@cedar.example" {
			t.Fatalf("Redeem = %+v, %v", done, err)
		}
		var u user.User
		var of struct{ TenantID string }
		if _, err := h.DB.View(ctx).One(&of, "SELECT tenant_id FROM users WHERE name = ?", name); err != nil {
			t.Fatal(err)
		}
		u, found, err := user.Named(ctx, h.DB, of.TenantID, name)
		if err != nil || !found {
			t.Fatalf("Named = %t, %v", found, err)
		}
		if right, err := h.Passwords.Verify(ctx, u.PasswordHash, password); !right || err != nil {
			t.Errorf("the password = %t, %v", right, err)
		}
		if role := h.Rules.Role(u.TenantID, u.ID); role != access.RoleSecurityAdministrator {
			t.Errorf("the role is %s", role)
		}
		made, err := s.MadeBy(ctx, token)
		if want := (setup.Done{TenantName: "Cedar Clinics", TenantSlug: "cedar", AdminName: name, Proved: true}); err != nil || made != want {
			t.Errorf("MadeBy = %+v, %v; want %+v", made, err, want)
		}

		// Once, and for good.
		again := cedar
		again.TenantSlug, again.Domain = "dogwood", "dogwood.example"
		_, err = s.Redeem(ctx, token, again, from)
		WantCode(t, "a second time", err, "setup.link_refused")
		if _, needed, err := s.Link(ctx); needed || err != nil {
			t.Errorf("after it another link is made: %t, %v", needed, err)
		}
		h.Clock.Forward(time.Hour)
		_, err = s.MadeBy(ctx, token)
		WantCode(t, "what it made, an hour later", err, "setup.link_refused")
		if links, done := h.Events(audit.SetupLinkMade), h.Events(audit.SetupDone); links != 2 || done != 1 {
			t.Errorf("%d links and %d set-ups in the audit, want 2 and 1", links, done)
		}
		if got := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND tenant_id = ? AND subject_id = ?", audit.SetupDone, u.TenantID, u.ID); got != 1 {
			t.Error("the set-up is not in the story of the administrator")
		}
	})
}

// TestAFormThatIsWrongUsesNothingUp: each field says what is wrong with it.
func TestAFormThatIsWrongUsesNothingUp(t *testing.T) {
	firstDay(t, func(h *House, s *setup.Service) {
		t, ctx := h.T, h.T.Context()
		token := link(h, s)
		long := strings.Repeat("x", 65)
		for claim, row := range map[string]struct {
			change func(f *setup.First)
			field  string
			code   string
		}{
			"no name":                          {func(f *setup.First) { f.TenantName = " " }, "tenant_name", "tenant.name_form"},
			"a short name with a space":        {func(f *setup.First) { f.TenantSlug = "ce dar" }, "tenant_slug", "tenant.slug_form"},
			"no domain":                        {func(f *setup.First) { f.Domain = "" }, "domain", "tenant.domain_form"},
			"a domain that is an address":      {func(f *setup.First) { f.Domain = "https://cedar.example/" }, "domain", "tenant.domain_form"},
			"no region":                        {func(f *setup.First) { f.Region = "" }, "region", "tenant.region_form"},
			"nobody":                           {func(f *setup.First) { f.AdminName = "" }, "admin_name", "user.name_form"},
			"somebody of another domain":       {func(f *setup.First) { f.AdminName = "chief@elsewhere.example" }, "admin_name", "setup.name_domain"},
			"a password of fourteen":           {func(f *setup.First) { f.Password, f.PasswordAgain = "fourteen chars", "fourteen chars" }, "password", "user.password_short"},
			"a password of sixty-five":         {func(f *setup.First) { f.Password, f.PasswordAgain = long, long }, "password", "user.password_long"},
			"another password the second time": {func(f *setup.First) { f.PasswordAgain = password + "!" }, "password_again", "user.password_other"},
		} {
			f := cedar
			row.change(&f)
			_, err := s.Redeem(ctx, token, f, from)
			wrong := fault.Of(err)
			if wrong == nil || wrong.Kind != fault.Invalid || wrong.Fields[row.field] != row.code {
				t.Errorf("%s: Redeem = %v, want %s beside %s", claim, err, row.code, row.field)
			}
		}
		all := setup.First{}
		_, err := s.Redeem(ctx, token, all, from)
		if f := fault.Of(err); f == nil || len(f.Fields) < 6 {
			t.Errorf("an empty form = %v; want every field named at once", err)
		}
		if got := h.Count("SELECT count(*) FROM tenants") + h.Count("SELECT count(*) FROM users") + h.Events(audit.SetupDone); got != 0 {
			t.Errorf("%d things were made by wrong forms", got)
		}
		if _, err := s.Redeem(ctx, token, cedar, from); err != nil {
			t.Errorf("the right form afterwards = %v", err)
		}
	})
}

func TestFiveHundredWhoRedeemAtOnceMakeOneOrganisation(t *testing.T) {
	firstDay(t, func(h *House, s *setup.Service) {
		token := link(h, s)
		got := Tally(AtOnce(500, func(i int) error {
			f := cedar
			f.TenantSlug = fmt.Sprint("cedar-", i)
			f.Domain = fmt.Sprintf("n%d.cedar.example", i)
			_, err := s.Redeem(h.T.Context(), token, f, from)
			return err
		}))
		if got["done"] != 1 || got["done"]+got["setup.link_refused"]+got["password.busy"] != 500 || h.Count("SELECT count(*) FROM tenants") != 1 || h.Count("SELECT count(*) FROM users") != 1 {
			h.T.Errorf("five hundred at once: %v, want one organisation with one user", got)
		}
	})
}

// TestOfFiveHundredWrongLinksNoneMakesAnything, nor spoils the one that they guess at.
func TestOfFiveHundredWrongLinksNoneMakesAnything(t *testing.T) {
	firstDay(t, func(h *House, s *setup.Service) {
		token := link(h, s)
		s.Passwords = &secret.Passwords{} // a gate without a place: what comes to hashing is told so
		got := Tally(AtOnce(500, func(int) error {
			_, err := s.Redeem(h.T.Context(), secret.System.Token(), cedar, from)
			return err
		}))
		if got["setup.link_refused"] != 500 || h.Count("SELECT count(*) FROM tenants") != 0 {
			h.T.Errorf("five hundred guesses: %v", got)
		}
		s.Passwords = h.Passwords
		if _, err := s.Redeem(h.T.Context(), token, cedar, from); err != nil {
			h.T.Errorf("the right link afterwards = %v", err)
		}
	})
}

// TestSetUpWithoutAnAuditDoesNotHappen: all of it, or nothing.
func TestSetUpWithoutAnAuditDoesNotHappen(t *testing.T) {
	firstDay(t, func(h *House, s *setup.Service) {
		t, ctx := h.T, h.T.Context()
		token := link(h, s)
		if _, err := h.DB.Pool().ExecContext(ctx, "ALTER TABLE audit_events RENAME TO audit_events_gone"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Redeem(ctx, token, cedar, from); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Redeem = %v, want fault.Unavailable", err)
		}
		if _, _, err := s.Link(ctx); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Link = %v, want fault.Unavailable", err)
		}
		if _, err := h.DB.Pool().ExecContext(ctx, "ALTER TABLE audit_events_gone RENAME TO audit_events"); err != nil {
			t.Fatal(err)
		}
		if got := h.Count("SELECT count(*) FROM tenants"); got != 0 {
			t.Errorf("%d organisations were made", got)
		}
		if _, err := s.Redeem(ctx, token, cedar, from); err != nil {
			t.Errorf("Redeem with the audit back = %v", err)
		}
	})
}
