package place

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/language"

	"latchkey/app/fault"
	"latchkey/app/secret"
)

// Limits of what a tenant may name.
const (
	NamedMost    = 50 // places of a tenant
	NetworksMost = 50 // networks and countries of one of them
	NameMost     = 60 // letters of a name
)

// The widest networks that may have a name: a wider one says nothing.
const (
	widest4 = 8
	widest6 = 19
)

// Site is a place that a tenant has a name for: the networks and the countries
// that it is made of.
type Site struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Networks  []netip.Prefix `json:"networks,omitempty"`
	Countries []string       `json:"countries,omitempty"` // ISO 3166-1 alpha-2
}

// Text says a place in one line: "Head office: 203.0.113.0/24, DE".
func (s Site) Text() string {
	var parts []string
	for _, network := range s.Networks {
		parts = append(parts, NetworkText(network))
	}
	return s.Name + ": " + strings.Join(append(parts, s.Countries...), ", ")
}

// Version changes with a place.
func (s Site) Version() string {
	return secret.Digest(s.Text())[:12]
}

// Named are the places of a tenant, by name. The zero value has none.
type Named []Site

// Read reads what Text wrote; nothing has no names.
func Read(text string) (Named, error) {
	if text == "" {
		return nil, nil
	}
	var n Named
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, fmt.Errorf("place: named places of a tenant: %w", err)
	}
	return n, nil
}

// Text is how they are stored: the same places make the same text.
func (n Named) Text() (string, error) {
	if len(n) == 0 {
		return "", nil
	}
	text, err := json.Marshal(n)
	return string(text), err
}

// nameOf gives the name of the narrowest network that holds the address, else that
// of its country.
func (n Named) nameOf(address netip.Addr, country string) string {
	name, bits, byCountry := "", -1, ""
	for _, s := range n {
		for _, network := range s.Networks {
			if network.Bits() > bits && network.Contains(address) {
				name, bits = s.Name, network.Bits()
			}
		}
		if country != "" && slices.Contains(s.Countries, country) {
			byCountry = s.Name
		}
	}
	if name == "" {
		return byCountry
	}
	return name
}

// Of gives the place with an id.
func (n Named) Of(id string) (Site, bool) {
	i := slices.IndexFunc(n, func(s Site) bool { return s.ID == id })
	if i < 0 {
		return Site{}, false
	}
	return n[i], true
}

// With gives them with s in the place of the one with its id, or added.
func (n Named) With(s Site) Named {
	next := append(n.Without(s.ID), s)
	slices.SortFunc(next, func(a, b Site) int { return strings.Compare(fold(a.Name), fold(b.Name)) })
	return next
}

// Identified gives them with an id for whatever has none yet.
func (n Named) Identified(id func() string) Named {
	next := slices.Clone(n)
	for i := range next {
		if next[i].ID == "" {
			next[i].ID = id()
		}
	}
	return next
}

// Without gives them without the one with id.
func (n Named) Without(id string) Named {
	return slices.DeleteFunc(slices.Clone(n), func(s Site) bool { return s.ID == id })
}

// Wider says whether n names an address that was had no name for.
func (n Named) Wider(was Named) bool {
	for _, s := range n {
		for _, network := range s.Networks {
			if !was.holds(network) {
				return true
			}
		}
		for _, code := range s.Countries {
			if !slices.ContainsFunc(was, func(w Site) bool { return slices.Contains(w.Countries, code) }) {
				return true
			}
		}
	}
	return false
}

// holds says whether one of the networks holds all of another.
func (n Named) holds(network netip.Prefix) bool {
	return slices.ContainsFunc(n, func(s Site) bool {
		return slices.ContainsFunc(s.Networks, func(w netip.Prefix) bool {
			return w.Bits() <= network.Bits() && w.Contains(network.Addr())
		})
	})
}

// Check gives the fields of the form that break a rule in one of the places, or nil.
func (n Named) Check() error {
	if len(n) > NamedMost {
		return fault.New(fault.Conflict, "place.too_many")
	}
	fields := map[string]string{}
	names, networks, countries := map[string]bool{}, map[netip.Prefix]bool{}, map[string]bool{}
	for _, s := range n {
		switch key := fold(s.Name); {
		case !isName(s.Name):
			fields["name"] = "place.name_form"
		case names[key]:
			fields["name"] = "place.name_taken"
		default:
			names[key] = true
		}
		switch {
		case len(s.Networks)+len(s.Countries) == 0:
			fields["networks"] = "place.networks_needed"
		case len(s.Networks)+len(s.Countries) > NetworksMost:
			fields["networks"] = "place.networks_many"
		}
		for _, network := range s.Networks {
			switch {
			case network != network.Masked() || network.Addr().Is4In6():
				fields["networks"] = "place.networks_form"
			case network.Bits() < widest(network.Addr()):
				fields["networks"] = "place.networks_wide"
			case networks[network]:
				fields["networks"] = "place.networks_taken"
			}
			networks[network] = true
		}
		for _, code := range s.Countries {
			switch {
			case !IsCountry(code):
				fields["countries"] = "place.countries_form"
			case countries[code]:
				fields["countries"] = "place.countries_taken"
			}
			countries[code] = true
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

func widest(address netip.Addr) int {
	if address.Is4() {
		return widest4
	}
	return widest6
}

// isName says whether a name can be shown on one line of a phone. It may stand
// where a person looks for a warning, so it holds nothing that cannot be seen.
func isName(name string) bool {
	letters := []rune(name)
	return len(letters) > 0 && len(letters) <= NameMost && strings.TrimSpace(name) == name &&
		!slices.ContainsFunc(letters, func(r rune) bool { return !unicode.IsPrint(r) })
}

func fold(name string) string { return strings.ToLower(name) }

// NetworkText says a network as people write it; one address has no length.
func NetworkText(network netip.Prefix) string {
	if network.IsSingleIP() {
		return network.Addr().String()
	}
	return network.String()
}

var errWords = errors.New("place: not a network")

// ParseNetworks reads networks as people type them: one on a line, or with commas
// or spaces between, each a CIDR or a single address. A network counts by what it
// covers, so 203.0.113.9/24 is 203.0.113.0/24.
func ParseNetworks(typed string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, word := range words(typed) {
		network, err := parseNetwork(word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(networks, network) {
			networks = append(networks, network)
		}
	}
	slices.SortFunc(networks, netip.Prefix.Compare)
	return networks, nil
}

func parseNetwork(word string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(word)
	if err == nil {
		if network.Addr().Is4In6() && network.Bits() >= 96 {
			network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
		}
		return network.Masked(), nil
	}
	address, err := netip.ParseAddr(word)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, errWords
	}
	address = address.Unmap()
	return netip.PrefixFrom(address, address.BitLen()), nil
}

// ParseCountries reads codes of countries as people type them, in any case.
func ParseCountries(typed string) []string {
	codes := words(strings.ToUpper(typed))
	slices.Sort(codes)
	return slices.Compact(codes)
}

func words(typed string) []string {
	return strings.FieldsFunc(typed, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
}

// IsCountry says whether code is one of a country, ISO 3166-1 alpha-2.
func IsCountry(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && len(code) == 2 && region.String() == code && region.IsCountry() && code != "ZZ"
}
