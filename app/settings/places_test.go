package settings_test

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/place"
	"latchkey/app/prompt"
	"latchkey/app/settings"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is where two tenant administrators of alder set its rules.
type office struct {
	*House
	Approvals     *approval.Service
	Settings      *settings.Service
	admin, second user.User
}

func offices(t *testing.T, story func(o *office)) {
	t.Helper()
	Each(t, func(h *House) {
		o := &office{House: h, Settings: &settings.Service{DB: h.DB}}
		o.Approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: o.Settings.Performers()}
		o.admin, o.second = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "second", access.RoleTenantAdministrator)
		story(o)
	})
}

// try asks for an act of the first administrator.
func (o *office) try(kind approval.Kind, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: o.Alder.ID, ActorID: o.admin.ID, Reason: "for a story"}
	return o.Approvals.Submit(o.T.Context(), act.With(parameters))
}

// does is try for what must be done at once, and waits for what a second
// administrator must approve.
func (o *office) does(kind approval.Kind, parameters any) {
	o.T.Helper()
	if out, err := o.try(kind, parameters); err != nil || out.Waits() {
		o.T.Fatalf("%s = %+v, %v", kind, out, err)
	}
}

func (o *office) waits(claim string, kind approval.Kind, parameters any) string {
	o.T.Helper()
	out, err := o.try(kind, parameters)
	if err != nil || !out.Waits() {
		o.T.Fatalf("%s: %+v, %v; want it to wait", claim, out, err)
	}
	return out.RequestID
}

func (o *office) named(t *testing.T) place.Named {
	t.Helper()
	now, err := o.Settings.Places(t.Context(), o.Alder.ID)
	if err != nil {
		t.Fatal(err)
	}
	return now.Named
}

func site(name string, networks ...string) place.Site {
	s := place.Site{Name: name}
	for _, network := range networks {
		s.Networks = append(s.Networks, netip.MustParsePrefix(network))
	}
	return s
}

func set(s place.Site) settings.PlaceChange { return settings.PlaceChange{Site: s} }

// asks gives what a phone is asked when somebody signs in from an address.
func (o *office) asks(p *Phone, u user.User, ip string) prompt.Request {
	o.T.Helper()
	from := Browser("pc at " + ip)
	from.IP = ip
	addressed := o.Begin(u.Name, signin.Phone, from)
	r := p.Open()
	if _, err := p.Answer(r, prompt.Approve, o.Attempt(addressed, from).Number, PIN); err != nil {
		o.T.Fatalf("from %s: %v", ip, err)
	}
	return r
}

// TestAPhoneSaysTheNameOfThePlace, and asks for more where there is none once the
// organisation wants that: also from what cannot be read as an address.
func TestAPhoneSaysTheNameOfThePlace(t *testing.T) {
	offices(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		p, _ := o.PhoneOf(u)
		if r := o.asks(p, u, "203.0.113.9"); r.Place != place.Internet || r.Mode != string(tenant.Pick3) {
			o.T.Errorf("with nothing named: %s, %s", r.Place, r.Mode)
		}
		o.does(settings.KindSetPlace, set(site("Office", "203.0.113.0/24")))
		o.does(settings.KindElsewhere, settings.Elsewhere{Mode: tenant.Type6})
		for _, row := range []struct {
			ip   string
			at   place.Place
			mode tenant.MatchMode
		}{
			{"203.0.113.9", "named:Office", tenant.Pick3},
			{"::ffff:203.0.113.9", "named:Office", tenant.Pick3},
			{"203.0.114.9", place.Internet, tenant.Type6},
			{"10.0.0.9", place.Network, tenant.Type6},
			{"", place.Unknown, tenant.Type6},
			{"203.0.113.9:443", place.Unknown, tenant.Type6},
			{"203.0.113.9, 10.0.0.1", place.Unknown, tenant.Type6},
		} {
			o.Clock.Forward(11 * time.Minute)
			if r := o.asks(p, u, row.ip); r.Place != row.at || r.Mode != string(row.mode) {
				o.T.Errorf("from %q: %s by %s, want %s by %s", row.ip, r.Place, r.Mode, row.at, row.mode)
			}
		}
		// Weaker elsewhere than everywhere is as everywhere.
		o.Set("UPDATE tenants SET match_mode = 'type6', match_mode_elsewhere = 'type2' WHERE id = ?", o.Alder.ID)
		o.Clock.Forward(11 * time.Minute)
		if r := o.asks(p, u, "198.51.100.1"); r.Mode != string(tenant.Type6) {
			o.T.Errorf("a weaker mode elsewhere makes it %s", r.Mode)
		}
		// Another organisation knows nothing of it.
		birch := o.User(o.Birch, "user1")
		q, _ := o.PhoneOf(birch)
		if r := o.asks(q, birch, "203.0.113.9"); r.Place != place.Internet {
			o.T.Errorf("at birch it is %s", r.Place)
		}
	})
}

// TestWhatMakesItEasierSomewhereWaitsForASecondPerson, and nothing else.
func TestWhatMakesItEasierSomewhereWaitsForASecondPerson(t *testing.T) {
	offices(t, func(o *office) {
		o.does(settings.KindSetPlace, set(site("Office", "203.0.113.0/24", "198.51.100.0/24")))
		office := o.named(o.T)[0]
		o.does(settings.KindElsewhere, settings.Elsewhere{Mode: tenant.Type2})
		o.does(settings.KindElsewhere, settings.Elsewhere{Mode: tenant.Type6})

		narrower, version := office, office.Version()
		narrower.Networks = office.Networks[:1]
		o.does(settings.KindSetPlace, settings.PlaceChange{Site: narrower, Version: version})
		narrower.Name = "Head office"
		o.does(settings.KindSetPlace, settings.PlaceChange{Site: narrower, Version: o.named(o.T)[0].Version()})
		o.does(settings.KindSetPlace, set(site("Ward", "203.0.113.64/26")))

		o.waits("less elsewhere", settings.KindElsewhere, settings.Elsewhere{Mode: tenant.Type2})
		o.waits("nothing more elsewhere", settings.KindElsewhere, settings.Elsewhere{})
		o.waits("one more place", settings.KindSetPlace, set(site("Home", "192.0.2.0/24")))
		wider := o.named(o.T)[0]
		wider.Countries = []string{"DE"}
		id := o.waits("a country more", settings.KindSetPlace, settings.PlaceChange{Site: wider, Version: o.named(o.T)[0].Version()})
		if got := o.named(o.T); len(got) != 2 || len(got[0].Countries) > 0 {
			o.T.Errorf("before it is approved: %+v", got)
		}
		if err := o.Approvals.Approve(o.T.Context(), o.Alder.ID, id, o.second.ID, approval.Given{}); err != nil {
			o.T.Fatal(err)
		}
		if got := o.named(o.T); len(got) != 2 || len(got[0].Countries) != 1 || got[0].ID != office.ID {
			o.T.Errorf("approved: %+v", got)
		}
		o.does(settings.KindRemovePlace, place.Site{ID: office.ID})
		if got := o.named(o.T); len(got) != 1 || got[0].Name != "Ward" {
			o.T.Errorf("removed: %+v", got)
		}
		if sets, gone := o.Events(audit.PlaceSet), o.Events(audit.PlaceRemoved); sets != 5 || gone != 1 {
			o.T.Errorf("%d events of a place set and %d of one removed, want 5 and 1", sets, gone)
		}
		var said struct{ Record []byte }
		if _, err := o.DB.View(o.T.Context()).One(&said, "SELECT record FROM audit_events WHERE action = ?", audit.PlaceRemoved); err != nil || !strings.Contains(string(said.Record), `"place":"Head office: `) {
			o.T.Errorf("the event of the one removed says %s, %v", said.Record, err)
		}
	})
}

// TestTheApprovedPlaceIsTheOneThatWasAsked: what changes meanwhile voids it.
func TestTheApprovedPlaceIsTheOneThatWasAsked(t *testing.T) {
	offices(t, func(o *office) {
		o.does(settings.KindSetPlace, set(site("Office", "203.0.113.0/24")))
		o.does(settings.KindElsewhere, settings.Elsewhere{Mode: tenant.Type6})
		office := o.named(o.T)[0]
		wider := office
		wider.Networks = site("", "198.51.100.0/24", "203.0.113.0/24").Networks
		id := o.waits("wider", settings.KindSetPlace, settings.PlaceChange{Site: wider, Version: office.Version()})
		renamed := office
		renamed.Name = "Old office"
		o.does(settings.KindSetPlace, settings.PlaceChange{Site: renamed, Version: office.Version()})
		if err := o.Approvals.Approve(o.T.Context(), o.Alder.ID, id, o.second.ID, approval.Given{}); err == nil {
			o.T.Error("it was approved all the same")
		}
		if got := o.named(o.T); len(got) != 1 || got[0].Text() != "Old office: 203.0.113.0/24" {
			o.T.Errorf("now it is %+v", got)
		}
	})
}

func TestPlacesThatCannotBe(t *testing.T) {
	offices(t, func(o *office) {
		o.does(settings.KindSetPlace, set(site("Office", "203.0.113.0/24")))
		office := o.named(o.T)[0]
		refused := func(claim, code string, kind approval.Kind, parameters any) {
			o.T.Helper()
			_, err := o.try(kind, parameters)
			if f := fault.Of(err); f == nil || f.Code != code && !strings.Contains(valuesOf(f.Fields), code) {
				o.T.Errorf("%s: %v, want %s", claim, err, code)
			}
		}
		unread := office
		unread.Name = "Another"
		refused("changed by who has not read it", "settings.changed_meanwhile", settings.KindSetPlace, set(unread))
		refused("changed by who read another one", "settings.changed_meanwhile", settings.KindSetPlace, settings.PlaceChange{Site: unread, Version: "x"})
		refused("as it is", "settings.same", settings.KindSetPlace, settings.PlaceChange{Site: office, Version: office.Version()})
		unread.ID = "none"
		refused("one that is not there", "http.not_found", settings.KindSetPlace, set(unread))
		refused("removed though not there", "http.not_found", settings.KindRemovePlace, place.Site{ID: "none"})
		refused("removed with no id", "http.not_found", settings.KindRemovePlace, place.Site{})
		refused("the name again", "place.name_taken", settings.KindSetPlace, set(site("office", "198.51.100.0/24")))
		refused("the world", "place.networks_wide", settings.KindSetPlace, set(site("World", "0.0.0.0/0")))
		refused("a mode that is none", "settings.match_mode_form", settings.KindElsewhere, settings.Elsewhere{Mode: "none"})
		refused("the mode that it is", "settings.same", settings.KindElsewhere, settings.Elsewhere{})
		o.T.Run("by who may not", func(*testing.T) {
			act := approval.Act{Kind: settings.KindSetPlace, TenantID: o.Alder.ID, ActorID: o.User(o.Alder, "user1").ID, Reason: "for a story"}
			if _, err := o.Approvals.Submit(o.T.Context(), act.With(set(site("Mine", "192.0.2.0/24")))); !errors.Is(err, fault.Forbidden) {
				o.T.Errorf("%v", err)
			}
		})
		if got := o.named(o.T); len(got) != 1 || got[0].Text() != office.Text() {
			o.T.Errorf("now there is %+v", got)
		}
	})
}

// TestPlacesNamedAtOnce: none gets lost, or the one that comes late is told.
func TestPlacesNamedAtOnce(t *testing.T) {
	offices(t, func(o *office) {
		const n = 12
		errs := AtOnce(n, func(i int) error {
			network := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)
			_, err := o.try(settings.KindSetPlace, set(site(network.String(), network.String())))
			return err
		})
		done := 0
		for _, err := range errs {
			switch f := fault.Of(err); {
			case err == nil:
				done++
			case f == nil || f.Code != "settings.changed_meanwhile":
				o.T.Errorf("one was told %v", err)
			}
		}
		if got := len(o.named(o.T)); got != done || done == 0 {
			o.T.Errorf("%d were told that it is done, and %d places are there", done, got)
		}
	})
}

func valuesOf(fields map[string]string) string {
	var all strings.Builder
	for _, code := range fields {
		all.WriteString(code + " ")
	}
	return all.String()
}
