package place_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"latchkey/app/fault"
	"latchkey/app/place"
)

func networks(t testing.TB, typed string) []netip.Prefix {
	t.Helper()
	all, err := place.ParseNetworks(typed)
	if err != nil {
		t.Fatalf("%q: %v", typed, err)
	}
	return all
}

// atlas makes a file of countries, in which 198.51.100.0/24 is in Germany,
// 2001:db8:fe::/48 in France, and 192.0.2.0/24 in a country that is none.
func atlas(t testing.TB) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Made-Country", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, code := range map[string]string{"198.51.100.0/24": "DE", "2001:db8:fe::/48": "FR", "192.0.2.0/24": "de"} {
		_, of, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(of, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "countries.mmdb")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := tree.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhereAnAddressIs(t *testing.T) {
	countries, err := place.OpenAtlas(atlas(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { countries.Close() })
	known := place.Named{
		{Name: "Campus", Networks: networks(t, "203.0.113.0/24, 10.0.0.0/8, 2001:db8:1::/48")},
		{Name: "Ward", Networks: networks(t, "203.0.113.64/26 127.0.0.2")},
		{Name: "France", Countries: []string{"FR"}},
	}
	for _, row := range []struct {
		ip   string
		bare place.Place // without names and countries
		want place.Place
	}{
		{"", place.Unknown, place.Unknown},
		{"user1", place.Unknown, place.Unknown},
		{"203.0.113.9:443", place.Unknown, place.Unknown},
		{"203.0.113.9, 10.0.0.1", place.Unknown, place.Unknown},
		{"127.0.0.1", place.Here, place.Here},
		{"127.0.0.2", place.Here, "named:Ward"},
		{"::1", place.Here, place.Here},
		{"::ffff:127.0.0.1", place.Here, place.Here},
		{"10.1.2.3", place.Network, "named:Campus"},
		{"::ffff:10.1.2.3", place.Network, "named:Campus"},
		{"192.168.1.1", place.Network, place.Network},
		{"172.16.0.1", place.Network, place.Network},
		{"fe80::1", place.Network, place.Network},
		{"fe80::1%eth0", place.Network, place.Network},
		{"fd00::1", place.Network, place.Network},
		{"172.32.0.1", place.Internet, place.Internet},
		{"203.0.113.9", place.Internet, "named:Campus"},
		{"203.0.113.70", place.Internet, "named:Ward"},
		{"::ffff:203.0.113.70", place.Internet, "named:Ward"},
		{"203.0.114.1", place.Internet, place.Internet},
		{"2001:db8:1::9", place.Internet, "named:Campus"},
		{"2001:db8:1::9%eth0", place.Internet, "named:Campus"},
		{"198.51.100.7", place.Internet, "country:DE"},
		{"::ffff:198.51.100.7", place.Internet, "country:DE"},
		{"2001:db8:fe::1", place.Internet, "named:France"},
		{"192.0.2.1", place.Internet, place.Internet}, // in no country that there is
	} {
		if got := (*place.Atlas)(nil).Of(row.ip, nil); got != row.bare {
			t.Errorf("%q: %q with nothing known, want %q", row.ip, got, row.bare)
		}
		if got := countries.Of(row.ip, known); got != row.want {
			t.Errorf("%q: %q, want %q", row.ip, got, row.want)
		}
	}
}

func TestAFileThatIsNone(t *testing.T) {
	good := atlas(t)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Made-Nothing"})
	if err != nil {
		t.Fatal(err)
	}
	var nothing strings.Builder
	if _, err := empty.WriteTo(&nothing); err != nil {
		t.Fatal(err)
	}
	for claim, path := range map[string]string{
		"not there":       filepath.Join(folder, "none.mmdb"),
		"empty":           write("empty", nil),
		"of another kind": write("text", []byte("country,network\nDE,198.51.100.0/24\n")),
		"cut off":         write("cut", text[:len(text)/2]),
		"no countries":    write("nothing", []byte(nothing.String())),
		"a folder":        folder,
	} {
		if a, err := place.OpenAtlas(path); err == nil {
			a.Close()
			t.Errorf("a file that is %s is taken", claim)
		}
	}
	if a, err := place.OpenAtlas(""); err != nil || a.Known() {
		t.Errorf("without a path: %v, known %t", err, a.Known())
	}
}

func TestNetworksAsPeopleTypeThem(t *testing.T) {
	for _, row := range []struct{ typed, want string }{
		{"", ""},
		{" \n,; ", ""},
		{"203.0.113.0/24", "203.0.113.0/24"},
		{"203.0.113.9/24", "203.0.113.0/24"},
		{"203.0.113.9", "203.0.113.9/32"},
		{"2001:DB8::1", "2001:db8::1/128"},
		{"2001:db8::1/32", "2001:db8::/32"},
		{"::ffff:203.0.113.0/120", "203.0.113.0/24"},
		{"::ffff:203.0.113.9", "203.0.113.9/32"},
		{"203.0.113.0/24\r\n10.0.0.0/8, 203.0.113.7/24", "10.0.0.0/8 203.0.113.0/24"},
		{"203.0.113.0/33", "!"},
		{"203.0.113/24", "!"},
		{"203.0.113.0-203.0.113.9", "!"},
		{"head office", "!"},
		{"fe80::1%eth0", "!"},
		{"fe80::%eth0/64", "!"},
		{"010.0.0.0/8", "!"},
		{"10.0.0.0/08", "!"},
		{"<b>", "!"},
	} {
		all, err := place.ParseNetworks(row.typed)
		if err != nil {
			if row.want != "!" {
				t.Errorf("%q: %v", row.typed, err)
			}
			continue
		}
		texts := make([]string, len(all))
		for i, network := range all {
			texts[i] = network.String()
		}
		if got := strings.Join(texts, " "); got != row.want {
			t.Errorf("%q: %q, want %q", row.typed, got, row.want)
		}
	}
	if got := place.ParseCountries(" de, FR;de\n"); !slices.Equal(got, []string{"DE", "FR"}) {
		t.Errorf("countries: %v", got)
	}
}

func TestWhatMayHaveAName(t *testing.T) {
	one := func(name, typed string, countries ...string) place.Site {
		return place.Site{ID: name, Name: name, Networks: networks(t, typed), Countries: countries}
	}
	var many []string
	for i := range place.NetworksMost + 1 {
		many = append(many, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String())
	}
	for _, row := range []struct {
		claim, field, code string
		named              place.Named
	}{
		{"a network", "", "", place.Named{one("Office", "203.0.113.0/24")}},
		{"a country alone", "", "", place.Named{one("Germany", "", "DE")}},
		{"one inside another", "", "", place.Named{one("Campus", "203.0.113.0/24"), one("Ward", "203.0.113.64/26")}},
		{"as many as may be", "", "", place.Named{one("Office", strings.Join(many[1:], " "))}},
		{"no name", "name", "place.name_form", place.Named{one("", "203.0.113.0/24")}},
		{"a name in blanks", "name", "place.name_form", place.Named{one("  ", "203.0.113.0/24")}},
		{"the longest name", "", "", place.Named{one(strings.Repeat("ö", 60), "203.0.113.0/24")}},
		{"a longer name", "name", "place.name_form", place.Named{one(strings.Repeat("ö", 61), "203.0.113.0/24")}},
		{"a name on two lines", "name", "place.name_form", place.Named{one("Office\nit is safe", "203.0.113.0/24")}},
		{"a name that turns round", "name", "place.name_form", place.Named{one("Office\u202e", "203.0.113.0/24")}},
		{"a name twice", "name", "place.name_taken", place.Named{one("Office", "203.0.113.0/24"), one("OFFICE", "198.51.100.0/24")}},
		{"nothing in it", "networks", "place.networks_needed", place.Named{one("Office", "")}},
		{"too many in it", "networks", "place.networks_many", place.Named{one("Office", strings.Join(many, " "))}},
		{"everywhere", "networks", "place.networks_wide", place.Named{one("Office", "0.0.0.0/0")}},
		{"everywhere in IPv6", "networks", "place.networks_wide", place.Named{one("Office", "::/0")}},
		{"half of everywhere", "networks", "place.networks_wide", place.Named{one("Office", "128.0.0.0/1")}},
		{"the widest", "", "", place.Named{one("Office", "10.0.0.0/8 2001::/19")}},
		{"one network twice", "networks", "place.networks_taken", place.Named{one("Office", "203.0.113.0/24"), one("Ward", "203.0.113.0/24")}},
		{"a country that is none", "countries", "place.countries_form", place.Named{one("Office", "", "XY")}},
		{"a continent", "countries", "place.countries_form", place.Named{one("Office", "", "150")}},
		{"a country twice", "countries", "place.countries_taken", place.Named{one("Office", "", "DE"), one("Ward", "203.0.113.0/24", "DE")}},
	} {
		err := row.named.Check()
		if row.field == "" {
			if err != nil {
				t.Errorf("%s: %v", row.claim, err)
			}
			continue
		}
		if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields[row.field] != row.code {
			t.Errorf("%s: %v, want %s at %s", row.claim, err, row.code, row.field)
		}
	}
}

func TestTooManyPlaces(t *testing.T) {
	var named place.Named
	for i := range place.NamedMost + 1 {
		if err := named.Check(); err != nil {
			t.Fatalf("%d places: %v", i, err)
		}
		network := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)
		named = named.With(place.Site{ID: network.String(), Name: network.String(), Networks: []netip.Prefix{network}})
	}
	if err := named.Check(); !errors.Is(err, fault.Conflict) {
		t.Errorf("one too many: %v", err)
	}
}

func TestWhatIsWider(t *testing.T) {
	of := func(typed string, countries ...string) place.Named {
		return place.Named{{Name: "Office", Networks: networks(t, typed), Countries: countries}}
	}
	for _, row := range []struct {
		claim    string
		was, now place.Named
		want     bool
	}{
		{"the same", of("203.0.113.0/24"), of("203.0.113.0/24"), false},
		{"none", of("203.0.113.0/24"), nil, false},
		{"the first", nil, of("203.0.113.0/24"), true},
		{"a part of it", of("203.0.113.0/24"), of("203.0.113.0/25"), false},
		{"more than it", of("203.0.113.0/25"), of("203.0.113.0/24"), true},
		{"its neighbour", of("203.0.113.0/25"), of("203.0.113.128/25"), true},
		{"the other family", of("203.0.113.0/24"), of("2001:db8::/32"), true},
		{"a country", of("203.0.113.0/24"), of("203.0.113.0/24", "DE"), true},
		{"no country any more", of("203.0.113.0/24", "DE"), of("203.0.113.0/24"), false},
	} {
		if got := row.now.Wider(row.was); got != row.want {
			t.Errorf("%s: wider %t", row.claim, got)
		}
	}
}

func TestPlacesAreStoredAsTheyAre(t *testing.T) {
	named := place.Named{}.
		With(place.Site{ID: "2", Name: "ward", Networks: networks(t, "203.0.113.64/26")}).
		With(place.Site{ID: "1", Name: "Campus", Networks: networks(t, "203.0.113.0/24"), Countries: []string{"DE"}})
	text, err := named.Text()
	if err != nil {
		t.Fatal(err)
	}
	read, err := place.Read(text)
	if err != nil || len(read) != 2 || read[0].Text() != "Campus: 203.0.113.0/24, DE" || read[1].Name != "ward" {
		t.Fatalf("%s: %v, %v", text, read, err)
	}
	if again, err := read.Text(); err != nil || again != text {
		t.Errorf("%s became %s, %v", text, again, err)
	}
	if read.With(read[1]).Without("1").Without("2") == nil || len(read.Without("1")) != 1 {
		t.Error("taking one out takes another")
	}
	if none, err := (place.Named{}).Text(); err != nil || none != "" {
		t.Errorf("no places are %q, %v", none, err)
	}
	if _, err := place.Read("{"); err == nil {
		t.Error("what is none is read as places")
	}
}

// FuzzOf: whatever a proxy says where a request is from, a person reads a phrase
// of ours, a country or a name of the tenant, and only a real address is in a
// place that has a name.
func FuzzOf(f *testing.F) {
	for _, seed := range []string{"10.0.0.1", "fe80::1%eth0", "<b>203.0.113.9</b>", "203.0.113.9", "::ffff:203.0.113.9%x"} {
		f.Add(seed)
	}
	known := place.Named{{Name: "Office", Networks: networks(f, "203.0.113.0/24")}}
	f.Fuzz(func(t *testing.T, ip string) {
		got := (*place.Atlas)(nil).Of(ip, known)
		address, err := netip.ParseAddr(ip)
		switch {
		case err != nil && got != place.Unknown:
			t.Errorf("%q is at %q", ip, got)
		case got.Name() != "" && !known[0].Networks[0].Contains(address.Unmap().WithZone("")):
			t.Errorf("%q is in a place of the tenant", ip)
		case got.Name() == "" && !slices.Contains(place.Places, got):
			t.Errorf("%q is at %q", ip, got)
		}
	})
}

// FuzzParseNetworks: what is read is stored and read back as it is.
func FuzzParseNetworks(f *testing.F) {
	f.Add("203.0.113.0/24, 10.0.0.1")
	f.Add("::ffff:0.0.0.0/96")
	f.Add("2001:db8::/32\nfe80::1%x")
	f.Fuzz(func(t *testing.T, typed string) {
		all, err := place.ParseNetworks(typed)
		if err != nil {
			return
		}
		for _, network := range all {
			if network != network.Masked() || network.Addr().Is4In6() {
				t.Errorf("%q: %s", typed, network)
			}
			again, err := place.ParseNetworks(network.String())
			if err != nil || len(again) != 1 || again[0] != network {
				t.Errorf("%s became %v, %v", network, again, err)
			}
		}
	})
}
