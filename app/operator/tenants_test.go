package operator_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/setup"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/tenant"
)

// TestATenantFromItsMakingToItsFirstSignIn: made, linked, set up, proved.
func TestATenantFromItsMakingToItsFirstSignIn(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		link := o.create(operator.New{Name: " Cedar Works ", Slug: "cedar", Domain: " Cedar.Example. ", Region: "us", Ring: "early"})
		d := o.tenant("cedar")
		if d.Name != "Cedar Works" || d.Region != "us" || d.Ring != "early" || d.State != tenant.Active || d.Version != 1 || d.People != 0 || d.Secured || d.LinkEndsAt == nil {
			t.Errorf("the new tenant is %+v", d)
		}
		if len(d.Domains) != 1 || d.Domains[0].Verified || d.Domains[0].Domain != "cedar.example" || d.Domains[0].Record.Name != "_latchkey.cedar.example" ||
			d.Domains[0].Record.Value != "latchkey-verification="+o.token("cedar", "cedar.example") {
			t.Errorf("its domains are %+v", d.Domains)
		}
		o.twice(audit.TenantCreated, d.ID, 1)
		o.twice(audit.DomainClaimed, d.ID, 1)
		o.twice(audit.SetupLinkMade, d.ID, 1)

		// Another link kills the first one.
		again, err := o.Service.Invite(ctx, "cedar", o.by, from)
		o.must(err)
		_, err = o.Setup.Check(ctx, link)
		WantCode(t, "Check of a link that was replaced", err, "setup.link_refused")
		i, err := o.Setup.Check(ctx, again)
		if err != nil || i.TenantID != d.ID || i.Name != "Cedar Works" || i.AsksDomain() || len(i.Domains) != 1 || i.Domains[0].Proved {
			t.Errorf("Check = %+v, %v", i, err)
		}

		redeem := func(name string) (setup.Done, error) {
			return o.Setup.Redeem(ctx, again, setup.First{AdminName: name, Password: Password, PasswordAgain: Password, TenantSlug: "other", Domain: "alder.example"}, from)
		}
		for _, elsewhere := range []string{"chief@alder.example", "chief@other.example", "chief@sub.cedar.example"} {
			_, err := redeem(elsewhere)
			wantField(t, "Redeem with a name elsewhere", err, "admin_name", "setup.name_domain")
		}
		done := make([]setup.Done, 4)
		got := Tally(AtOnce(4, func(n int) (err error) { done[n], err = redeem("chief"); return err }))
		if got["done"] != 1 || got["setup.link_refused"] != 3 {
			t.Errorf("four at once with one link: %v, want one", got)
		}
		for _, d := range done {
			if d.AdminName != "" && (d.AdminName != "chief@cedar.example" || d.Proved || d.TenantSlug != "cedar" || d.Operator) {
				t.Errorf("Redeem = %+v", d)
			}
		}
		if d := o.tenant("cedar"); d.People != 1 || d.Administrators != 1 || !d.Secured || d.LinkEndsAt != nil {
			t.Errorf("after set-up the tenant is %+v", d)
		}
		_, err = o.Service.Invite(ctx, "cedar", o.by, from)
		WantCode(t, "another link for a tenant that has its administrator", err, "setup.not_needed")

		// Nobody signs in before the domain is proved.
		signsIn := func(browser string) error {
			attempt, err := o.SignIn.Begin(ctx, "chief@cedar.example", "/", Browser(browser))
			o.must(err)
			_, err = o.SignIn.VerifyPassword(ctx, attempt, Password, Browser(browser))
			return err
		}
		WantCode(t, "a sign-in before the domain is proved", signsIn("early"), "signin.refused")
		o.zone.publish("cedar.example", "latchkey-verification="+o.token("cedar", "cedar.example"))
		o.must(o.verify("cedar", "cedar.example"))
		o.must(signsIn("then"))
		o.twice(audit.DomainVerified, d.ID, 1)
	})
}

func TestWhatATenantCannotBeMadeOf(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		for claim, row := range map[string]struct {
			change func(n *operator.New)
			fields []string
		}{
			"nothing at all":           {func(n *operator.New) { *n = operator.New{} }, []string{"tenant_name", "tenant.name_form", "tenant_slug", "tenant.slug_form", "domain", "tenant.domain_form", "region", "tenant.region_form", "ring", "tenant.ring_form"}},
			"a slug that is taken":     {func(n *operator.New) { n.Slug = "alder" }, []string{"tenant_slug", "tenant.slug_taken"}},
			"a slug of ours":           {func(n *operator.New) { n.Slug = "new" }, []string{"tenant_slug", "tenant.slug_taken"}},
			"a domain that is proved":  {func(n *operator.New) { n.Domain = "ALDER.example." }, []string{"domain", "tenant.domain_taken"}},
			"the platform's domain":    {func(n *operator.New) { n.Domain = "platform.example" }, []string{"domain", "tenant.domain_taken"}},
			"both taken":               {func(n *operator.New) { n.Slug, n.Domain = "alder", "birch.example" }, []string{"tenant_slug", "tenant.slug_taken", "domain", "tenant.domain_taken"}},
			"a region that is none":    {func(n *operator.New) { n.Region = "moon" }, []string{"region", "tenant.region_form"}},
			"a ring that is none":      {func(n *operator.New) { n.Ring = "saturn" }, []string{"ring", "tenant.ring_form"}},
			"a name of spaces":         {func(n *operator.New) { n.Name = "   " }, []string{"tenant_name", "tenant.name_form"}},
			"an address for a domain":  {func(n *operator.New) { n.Domain = "a@b.example" }, []string{"domain", "tenant.domain_form"}},
			"a wildcard for a domain":  {func(n *operator.New) { n.Domain = "*.example" }, []string{"domain", "tenant.domain_form"}},
			"a top level for a domain": {func(n *operator.New) { n.Domain = "example" }, []string{"domain", "tenant.domain_form"}},
		} {
			n := cedar()
			row.change(&n)
			_, err := o.Create(t.Context(), n, o.by, from)
			wantField(t, claim, err, row.fields...)
		}
		if n := o.Count("SELECT count(*) FROM tenants") + o.Count("SELECT count(*) FROM domain_claims") + o.Count("SELECT count(*) FROM setup_links"); n != 3 {
			t.Errorf("refused tenants left something: %d rows, want the 3 tenants of before", n)
		}

		// Eight at once for one slug: one is made. A domain that nobody has proved
		// may be claimed by several.
		got := 0
		for _, err := range AtOnce(8, func(int) error { _, err := o.Create(t.Context(), cedar(), o.by, from); return err }) {
			if err == nil {
				got++
			} else if f := fault.Of(err); f == nil || f.Fields["tenant_slug"] != "tenant.slug_taken" {
				t.Errorf("one of eight at once = %v", err)
			}
		}
		n := cedar()
		n.Slug = "cedar-two"
		o.create(n)
		if claims := o.Count("SELECT count(*) FROM domain_claims WHERE domain = 'cedar.example'"); got != 1 || claims != 2 {
			t.Errorf("of eight at once %d were made; %d tenants claim the domain, want 2", got, claims)
		}
	})
}

func TestTheFactsOfATenantChange(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		change := func(f operator.Facts) error { return o.Change(ctx, "alder", f, o.by, from) }
		good := operator.Facts{Name: "Alder Care", Region: "apac", Ring: "canary", Version: 1}
		for claim, row := range map[string]struct {
			change func(f *operator.Facts)
			fields []string
		}{
			"no name":               {func(f *operator.Facts) { f.Name = " " }, []string{"tenant_name", "tenant.name_form"}},
			"a long name":           {func(f *operator.Facts) { f.Name = strings.Repeat("a", 81) }, []string{"tenant_name", "tenant.name_form"}},
			"a region that is none": {func(f *operator.Facts) { f.Region = "EU" }, []string{"region", "tenant.region_form"}},
			"a ring that is none":   {func(f *operator.Facts) { f.Ring = "" }, []string{"ring", "tenant.ring_form"}},
		} {
			f := good
			row.change(&f)
			wantField(t, claim, change(f), row.fields...)
		}
		o.must(change(operator.Facts{Name: "Alder Health", Region: "eu", Ring: "stable", Version: 1})) // nothing new: nothing to record
		o.twice(audit.TenantChanged, o.Alder.ID, 0)

		if got := Tally(AtOnce(4, func(n int) error {
			f := good
			f.Name = fmt.Sprintf("Alder %d", n)
			return change(f)
		})); got["done"] != 1 || got["tenant.changed"] != 3 {
			t.Errorf("four changes of one version at once: %v, want one", got)
		}
		d := o.tenant("alder")
		if !strings.HasPrefix(d.Name, "Alder ") || d.Region != "apac" || d.Ring != "canary" || d.Version != 2 {
			t.Errorf("the tenant is %+v", d)
		}
		o.twice(audit.TenantChanged, o.Alder.ID, 1)
		WantCode(t, "a change of the version before", change(good), "tenant.changed")
		for _, slug := range []string{"nowhere", "platform", "", "ALDER"} {
			WantCode(t, "Change of "+slug, o.Change(ctx, slug, good, o.by, from), "http.not_found")
		}
		if d := o.tenant("birch"); d.Version != 1 || d.Name != "Birch Freight" {
			t.Errorf("another tenant became %+v", d)
		}
	})
}

// TestASuspendedTenantIsShut: sessions, attempts, phones and links of it are dead
// at once, those of others are not, and all of it comes back.
func TestASuspendedTenantIsShut(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		u, other := o.User(o.Alder, "user1"), o.User(o.Birch, "user1")
		phone, account := o.PhoneOf(u)
		_, cookie := o.Session(u)
		_, elsewhere := o.Session(other)
		browser := Browser("PC")
		attempt := o.Begin(u.Name, signin.Phone, browser)
		asked := phone.Open()

		for claim, reason := range map[string]string{"no reason": " \t", "a long reason": strings.Repeat("ü", 201)} {
			wantField(t, claim, o.Suspend(ctx, "alder", reason, o.by, from), "reason", "operator.reason_form")
		}
		WantCode(t, "Resume of an active tenant", o.Resume(ctx, "alder", "why not", o.by, from), "tenant.changed")
		if !o.Alive(cookie) {
			t.Fatal("a refusal shut the tenant")
		}
		if got := Tally(AtOnce(4, func(int) error { return o.Suspend(ctx, "alder", " unpaid ", o.by, from) })); got["done"] != 1 || got["tenant.changed"] != 3 {
			t.Errorf("four at once: %v, want one", got)
		}
		d := o.tenant("alder")
		if d.State != tenant.Suspended || d.StateReason != "unpaid" || d.StateChangedAt == nil || d.Version != 2 {
			t.Errorf("the tenant is %+v", d)
		}
		o.twice(audit.TenantSuspended, o.Alder.ID, 1)

		if o.Alive(cookie) || !o.Alive(elsewhere) {
			t.Errorf("its session lives: %t; the other tenant's: %t", o.Alive(cookie), o.Alive(elsewhere))
		}
		if accounts, _ := o.Devices.Accounts(ctx, phone.ID); len(accounts) != 0 {
			t.Errorf("its phone has %d accounts", len(accounts))
		}
		if _, err := o.Prompts.Open(ctx, phone.ID); err == nil {
			t.Error("its phone is asked")
		}
		if changed, err := o.Prompts.Asked(ctx, []string{"user:" + u.TenantID + ":" + u.ID}); err != nil || len(changed) != 1 {
			t.Errorf("its streams are not woken: %v, %v", changed, err)
		}
		if _, err := o.SignIn.Finish(ctx, attempt, browser); err == nil {
			t.Error("an attempt ended in a session")
		}
		again := Browser("another PC")
		late, err := o.SignIn.Begin(ctx, u.Name, "/", again)
		o.must(err)
		if o.Attempt(late, again).TenantName != "" {
			t.Error("a suspended tenant is named on its sign-in page")
		}

		o.must(o.Resume(ctx, "alder", "paid", o.by, from))
		o.twice(audit.TenantResumed, o.Alder.ID, 1)
		if !o.Alive(cookie) {
			t.Error("after the suspension the session is dead, though nothing ended it")
		}
		account = phone.Account(account.AccountID)
		if state, err := phone.Answer(asked, "approve", o.Number(asked.ID), PIN); err != nil {
			t.Errorf("after the suspension the phone answers = %v, %v", state, err)
		}
		for _, slug := range []string{"platform", "nowhere", ""} {
			WantCode(t, "Suspend of "+slug, o.Suspend(ctx, slug, "a reason", o.by, from), "http.not_found")
		}
	})
}

func TestALinkOfATenantEnds(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		link := o.create(cedar())
		works := func(l secret.Token) bool { _, err := o.Setup.Check(ctx, l); return err == nil }
		o.must(o.Suspend(ctx, "cedar", "a mistake", o.by, from))
		if works(link) {
			t.Error("the link of a suspended tenant works")
		}
		o.must(o.Resume(ctx, "cedar", "none after all", o.by, from))
		o.Clock.Forward(setup.InviteLife - 1)
		if !works(link) {
			t.Error("the link ended before its time")
		}
		o.Clock.Forward(1)
		if works(link) {
			t.Error("the last instant is in time")
		}
		link, err := o.Service.Invite(ctx, "cedar", o.by, from)
		o.must(err)
		other := cedar()
		other.Slug, other.Domain = "elm", "elm.example"
		elm := o.create(other)
		if !works(link) || !works(elm) {
			t.Error("the link of one tenant killed that of another")
		}
		// Whoever became security administrator otherwise closes it as well.
		o.Set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) SELECT id, 'u', 'u@elm.example', '', 'active', 'disabled', '', created_at FROM tenants WHERE slug = 'elm'")
		o.Set("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) SELECT id, 'u', ?, '', created_at FROM tenants WHERE slug = 'elm'", access.RoleSecurityAdministrator)
		_, err = o.Setup.Redeem(ctx, elm, setup.First{AdminName: "late", Password: Password, PasswordAgain: Password}, from)
		WantCode(t, "Redeem in a tenant that has its administrator", err, "setup.link_refused")
		// Also who is one through a group, in a tenant where nobody is by themselves.
		id := o.Text("SELECT id FROM tenants WHERE slug = 'elm'")
		o.Set("DELETE FROM role_assignments WHERE tenant_id = ?", id)
		if elm, err = o.Service.Invite(ctx, "elm", o.by, from); err != nil || o.tenant("elm").Secured {
			t.Fatalf("Invite to a tenant whose administrator is gone: %v", err)
		}
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at, role) VALUES (?,'g','Security',?,?)", id, o.Clock.Now(), access.RoleSecurityAdministrator)
		if !works(elm) {
			t.Error("a group without members closes a tenant")
		}
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'g','u','u@elm.example')", id)
		_, err = o.Setup.Redeem(ctx, elm, setup.First{AdminName: "late", Password: Password, PasswordAgain: Password}, from)
		WantCode(t, "Redeem in a tenant that has its administrator through a group", err, "setup.link_refused")
		_, err = o.Service.Invite(ctx, "elm", o.by, from)
		WantCode(t, "Invite to a tenant that has its administrator through a group", err, "setup.not_needed")
		if !o.tenant("elm").Secured {
			t.Error("the operator's page says that it has none")
		}
		for _, slug := range []string{"platform", "nowhere"} {
			_, err := o.Service.Invite(ctx, slug, o.by, from)
			WantCode(t, "Invite for "+slug, err, "http.not_found")
		}
	})
}

func TestAnOperatorComesByTheCommandLine(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		link, err := o.Setup.InviteOperator(ctx)
		o.must(err)
		i, err := o.Setup.Check(ctx, link)
		if err != nil || !i.Operator() || i.AsksDomain() {
			t.Fatalf("Check = %+v, %v", i, err)
		}
		done, err := o.Setup.Redeem(ctx, link, setup.First{AdminName: "third", Password: Password, PasswordAgain: Password}, from)
		if err != nil || !done.Operator || !done.Proved || done.AdminName != "third@platform.example" {
			t.Fatalf("Redeem = %+v, %v", done, err)
		}
		if id := o.Text("SELECT id FROM users WHERE name = ?", done.AdminName); o.Rules.Allow(access.Platform, id, access.OperatorEnter) != nil || o.Rules.Allow(access.Platform, id, access.ConsoleEnter) == nil {
			t.Error("the new operator may not enter, or may enter more than that")
		}

		// A platform without a domain asks for one, and takes none that is somebody's.
		o.Set("DELETE FROM domains WHERE tenant_id = ?", access.Platform)
		link, err = o.Setup.InviteOperator(ctx)
		o.must(err)
		redeem := func(domain string) error {
			_, err := o.Setup.Redeem(ctx, link, setup.First{Domain: domain, AdminName: "fourth", Password: Password, PasswordAgain: Password}, from)
			return err
		}
		wantField(t, "no domain", redeem(""), "domain", "tenant.domain_form", "admin_name", "user.name_form")
		wantField(t, "somebody's domain", redeem("alder.example"), "domain", "tenant.domain_taken")
		o.Clock.Forward(setup.OperatorLife)
		WantCode(t, "after an hour", redeem("ops.example"), "setup.link_refused")
		link, err = o.Setup.InviteOperator(ctx)
		o.must(err)
		o.must(redeem("ops.example"))
		WantCode(t, "the second time", redeem("ops.example"), "setup.link_refused")
		if _, err := session.Find(ctx, o.House.DB, link); err == nil {
			t.Error("the link is a session")
		}
	})
}
