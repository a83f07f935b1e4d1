package operator_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func (o *office) holder(domain string) string {
	o.T.Helper()
	return o.Text("SELECT t.slug FROM domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.domain = ? AND d.verified_at IS NOT NULL", domain)
}

// TestWhatNameServersSay: only the record of this very claim proves a domain.
func TestWhatNameServersSay(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		for _, slug := range []string{"alder", "birch"} {
			o.must(o.Claim(t.Context(), slug, "cedar.example", o.by, from))
		}
		ours, theirs := o.token("alder", "cedar.example"), o.token("birch", "cedar.example")
		if ours == theirs || len(ours) != 26 {
			t.Fatalf("the tokens are %q and %q", ours, theirs)
		}
		const mark = "latchkey-verification="
		const enough = 10 * time.Second // for an answer that is there, however busy the machine is
		refusals := 0
		for _, row := range []struct {
			claim   string
			says    func(z *zone)
			missing string
		}{
			{"no such name", func(*zone) {}, "domain.no_record"},
			{"the name without records", func(z *zone) { z.publish("cedar.example") }, "domain.no_record"},
			{"records of others", func(z *zone) { z.publish("cedar.example", "v=spf1 -all", "google-site-verification="+ours, ours) }, "domain.no_record"},
			{"the token of another tenant", func(z *zone) { z.publish("cedar.example", mark+theirs) }, "domain.other_record"},
			{"a token cut short", func(z *zone) { z.publish("cedar.example", mark+ours[:25]) }, "domain.other_record"},
			{"a token and more", func(z *zone) { z.publish("cedar.example", mark+ours+"x") }, "domain.other_record"},
			{"an empty token", func(z *zone) { z.publish("cedar.example", mark) }, "domain.other_record"},
			{"the token in capitals", func(z *zone) { z.publish("cedar.example", mark+strings.ToUpper(ours)) }, "domain.other_record"},
			{"the record under another name", func(z *zone) { z.publish("cedar.example.evil.example", mark+ours) }, "domain.no_record"},
			{"a very long record", func(z *zone) { z.publish("cedar.example", mark+strings.Repeat("x", 1<<20)) }, "domain.other_record"},
			{"a name server that fails", func(z *zone) { z.fail = &net.DNSError{Err: "server misbehaving", IsTemporary: true} }, "domain.no_answer"},
			{"a name server that is not there", func(z *zone) { z.fail = errors.New("dial udp: connection refused") }, "domain.no_answer"},
			{"a name server that hangs", func(z *zone) { z.hang = true }, "domain.no_answer"},
			{"a resolver that does not heed its time", func(z *zone) {
				z.publish("cedar.example", mark+ours)
				z.deaf = make(chan struct{})
				t.Cleanup(func() { close(z.deaf) })
			}, "domain.no_answer"},
		} {
			z := &zone{}
			row.says(z)
			o.Resolver, o.Wait = z, enough
			if z.hang || z.deaf != nil {
				o.Wait = 50 * time.Millisecond
			}
			wantField(t, row.claim, o.verify("alder", "cedar.example"), "domain", row.missing)
			if o.holder("cedar.example") != "" || o.token("alder", "cedar.example") != ours {
				t.Fatalf("%s: the domain is %q's, or the claim is another", row.claim, o.holder("cedar.example"))
			}
			refusals++
			o.twice(audit.DomainRefused, o.Alder.ID, refusals)
		}

		// Among others, with the quotes and spaces of a console.
		o.Wait = enough
		for i, text := range []string{mark + ours, ` "` + mark + ours + `" `, "LATCHKEY-Verification=" + ours, mark + " " + ours} {
			z := &zone{}
			z.publish("cedar.example", "v=spf1 -all", mark+theirs, text)
			o.Resolver = z
			if err := o.verify("alder", "cedar.example"); err != nil {
				t.Fatalf("the record %q: %v", text, err)
			}
			if got := fmt.Sprint(z.asked); got != "[_latchkey.cedar.example.]" {
				t.Errorf("it asked for %s", got)
			}
			if o.holder("cedar.example") != "alder" {
				t.Errorf("the domain is %q's", o.holder("cedar.example"))
			}
			o.twice(audit.DomainVerified, o.Alder.ID, i+1)
			o.must(o.Remove(t.Context(), "alder", "cedar.example", o.by, from))
			o.must(o.Claim(t.Context(), "alder", "cedar.example", o.by, from))
			o.Set("UPDATE domain_claims SET token = ? WHERE tenant_id = ?", ours, o.Alder.ID)
		}
	})
}

// TestADomainIsOfWhoeverProvesItFirst: claims stand side by side, and one wins.
func TestADomainIsOfWhoeverProvesItFirst(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		records := []string{}
		for _, slug := range []string{"alder", "birch"} {
			o.must(o.Claim(ctx, slug, "Cedar.example", o.by, from))
			records = append(records, "latchkey-verification="+o.token(slug, "cedar.example"))
		}
		o.zone.publish("cedar.example", records...) // the owner says yes to both
		slugs := []string{"alder", "birch"}
		got := AtOnce(8, func(i int) error { return o.verify(slugs[i%2], "cedar.example") })
		won := 0
		for _, err := range got {
			if err == nil {
				won++
			}
		}
		winner := o.holder("cedar.example")
		if won != 1 || winner == "" {
			t.Fatalf("%d of eight at once won, and %q has the domain: %v", won, winner, Tally(got))
		}
		loser := map[string]string{"alder": "birch", "birch": "alder"}[winner]
		wantField(t, "Verify of the other claim", o.verify(loser, "cedar.example"), "domain", "tenant.domain_taken")
		WantCode(t, "Verify again", o.verify(winner, "cedar.example"), "http.not_found")
		taken := false
		for _, d := range o.tenant(loser).Domains {
			taken = taken || d.Taken && d.Domain == "cedar.example"
		}
		if !taken {
			t.Error("the other tenant is not told that the domain is taken")
		}
		o.must(o.Remove(ctx, loser, "cedar.example", o.by, from))
		wantField(t, "Claim of a domain that is proved", o.Claim(ctx, loser, "cedar.example", o.by, from), "domain", "tenant.domain_taken")
		wantField(t, "Claim of one's own", o.Claim(ctx, winner, "cedar.example", o.by, from), "domain", "domain.listed_already")
		WantCode(t, "Remove of another tenant's", o.Remove(ctx, loser, "cedar.example", o.by, from), "http.not_found")

		// People sign in with it, until it goes; then the other may have it.
		if found, ok, err := tenant.OfName(o.House.DB.View(ctx), "user1@cedar.example"); err != nil || !ok || found.Slug != winner {
			t.Errorf("OfName = %+v, %t, %v", found, ok, err)
		}
		o.must(o.Remove(ctx, winner, "cedar.example", o.by, from))
		if _, ok, _ := tenant.OfName(o.House.DB.View(ctx), "user1@cedar.example"); ok {
			t.Error("a domain that was removed has an organisation")
		}
		o.claim(loser, "cedar.example")
		o.must(o.verify(loser, "cedar.example"))
	})
}

func TestWhatCannotBeClaimed(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		for claim, row := range map[string][2]string{
			"nothing":               {"", "tenant.domain_form"},
			"an address":            {"https://cedar.example/", "tenant.domain_form"},
			"two domains":           {"cedar.example elm.example", "tenant.domain_form"},
			"NUL":                   {"cedar\x00.example", "tenant.domain_form"},
			"another tenant's":      {"birch.example", "tenant.domain_taken"},
			"one's own":             {" ALDER.example. ", "domain.listed_already"},
			"the platform's":        {"platform.example", "tenant.domain_taken"},
			"a name that is longer": {strings.Repeat("a.", 130) + "example", "tenant.domain_form"},
		} {
			wantField(t, claim, o.Claim(ctx, "alder", row[0], o.by, from), "domain", row[1])
		}
		if got := Tally(AtOnce(4, func(int) error { return o.Claim(ctx, "alder", "cedar.example", o.by, from) })); got["done"] != 1 || got["form.wrong"] != 3 {
			t.Errorf("four claims at once: %v, want one", got)
		}
		o.twice(audit.DomainClaimed, o.Alder.ID, 1)
		for i := range 48 {
			o.must(o.Claim(ctx, "alder", fmt.Sprintf("d%d.example", i), o.by, from))
		}
		wantField(t, "the 51st domain", o.Claim(ctx, "alder", "more.example", o.by, from), "domain", "domain.too_many")
		for _, slug := range []string{"platform", "nowhere", ""} {
			WantCode(t, "Claim for "+slug, o.Claim(ctx, slug, "elm.example", o.by, from), "http.not_found")
			WantCode(t, "Verify for "+slug, o.verify(slug, "platform.example"), "http.not_found")
			WantCode(t, "Remove for "+slug, o.Remove(ctx, slug, "platform.example", o.by, from), "http.not_found")
		}
		if len(o.zone.asked) > 0 {
			t.Errorf("name servers were asked for %v, which nobody claims", o.zone.asked)
		}
	})
}

// TestTheLastDomainOfATenantStays: with it would go everybody's way in.
func TestTheLastDomainOfATenantStays(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		remove := func(domain string) error { return o.Remove(ctx, "alder", domain, o.by, from) }
		o.must(o.Claim(ctx, "alder", "cedar.example", o.by, from))
		wantField(t, "the last one beside a claim", remove("alder.example"), "domain", "domain.last")
		o.must(remove("cedar.example")) // a claim is nobody's way in
		WantCode(t, "a claim that is gone", remove("cedar.example"), "http.not_found")

		o.claim("alder", "second.example")
		o.must(o.verify("alder", "second.example"))
		for _, d := range o.tenant("alder").Domains {
			if !o.tenant("alder").CanRemove(d) {
				t.Errorf("of two, %s may not go", d.Domain)
			}
		}
		domains := []string{"alder.example", "second.example"}
		got := Tally(AtOnce(6, func(i int) error { return remove(domains[i%2]) }))
		if left := o.Count("SELECT count(*) FROM domains WHERE tenant_id = ? AND verified_at IS NOT NULL", o.Alder.ID); left != 1 || got["done"] != 1 {
			t.Errorf("removing both at once leaves %d: %v, want one", left, got)
		}
		o.twice(audit.DomainRemoved, o.Alder.ID, 2)

		// Of a suspended tenant the last one may go too.
		last := o.Text("SELECT domain FROM domains WHERE tenant_id = ?", o.Alder.ID)
		o.must(o.Suspend(ctx, "alder", "it is over", o.by, from))
		o.must(remove(last))
	})
}

// TestADomainByWhichAdministratorsSignInStays, as long as fewer than two others could.
func TestADomainByWhichAdministratorsSignInStays(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		o.claim("alder", "second.example")
		o.must(o.verify("alder", "second.example"))
		var all []user.User
		for i, role := range []access.Role{access.RoleSecurityAdministrator, access.RoleTenantAdministrator, access.RoleTenantAdministrator} {
			all = append(all, o.Admin(o.Alder, fmt.Sprintf("admin%d", i), role))
		}
		elsewhere := func(us ...user.User) {
			for _, u := range us {
				o.Set("UPDATE users SET name = replace(name, '@alder.example', '@second.example') WHERE id = ?", u.ID)
			}
		}
		remove := func(domain string) error { return o.Remove(ctx, "alder", domain, o.by, from) }
		elsewhere(all[0])
		wantField(t, "two of three sign in by it", remove("alder.example"), "domain", "domain.administrators")
		if o.holder("alder.example") == "" || o.Events(audit.DomainRemoved) != 0 {
			t.Error("it is gone all the same")
		}
		elsewhere(all[1], all[2])
		wantField(t, "all of them sign in by the other", remove("second.example"), "domain", "domain.administrators")

		// It and the role of one who does not need it, at once: one of the two happens.
		for range 10 {
			o.Set("UPDATE users SET state = 'active' WHERE id = ?", all[1].ID)
			o.Set("UPDATE users SET name = replace(name, '@second.example', '@alder.example') WHERE id = ?", all[0].ID)
			errs := AtOnce(2, func(i int) error {
				if i == 0 {
					return remove("alder.example")
				}
				return o.House.DB.Act(ctx, func(tx *store.Tx) error {
					return o.Roles.Keep(tx, o.Alder.ID, func() error { return user.Lock(tx, o.Alder.ID, all[1].ID, "a story", audit.Service, audit.Origin{}) })
				})
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("at once: %v", errs)
			}
			if errs[0] == nil {
				o.Set("INSERT INTO domains (domain, tenant_id, verified_at) VALUES ('alder.example', ?, ?)", o.Alder.ID, o.Clock.Now())
			}
		}
		o.Set("UPDATE users SET state = 'active' WHERE id = ?", all[1].ID)
		elsewhere(all[0])
		o.must(remove("alder.example")) // nobody who runs the tenant needs it now
	})
}

// TestALookUpThatIsLeftChangesNothing: whoever leaves while a name server is asked.
func TestALookUpThatIsLeftChangesNothing(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.claim("alder", "cedar.example")
		o.zone.hangs(true)
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, leave)
		if err := o.Verify(ctx, "alder", "cedar.example", o.by, from); err == nil || o.holder("cedar.example") != "" {
			t.Errorf("Verify = %v, and %q has the domain", err, o.holder("cedar.example"))
		}
		o.zone.hangs(false)
		o.must(o.verify("alder", "cedar.example"))
	})
}
