// Package place says where an address is: in a network that its tenant has a name
// for, in a country, or nowhere that anybody knows.
//
// A place is a hint for people and never a proof. What cannot be read as an
// address is in no named place, so that a rule for "elsewhere" holds for it too:
// nothing becomes easier because a proxy said something odd.
package place

import (
	"net/netip"
	"strings"
)

// Place is where an address is. It is stored: one of the constants, or a prefix
// and what follows it. Add, never rename.
type Place string

const (
	Unknown  Place = "unknown"
	Here     Place = "here"     // the computer that serves
	Network  Place = "network"  // a private one
	Internet Place = "internet" // anywhere
)

const (
	named   = "named:"   // and the name that the tenant gave
	country = "country:" // and its code, ISO 3166-1 alpha-2
)

// Places are those without a name, for the words of each.
var Places = []Place{Unknown, Here, Network, Internet}

// Name is what the tenant calls the place, or empty.
func (p Place) Name() string { return after(p, named) }

// Country is the code of the country, ISO 3166-1 alpha-2, or empty.
func (p Place) Country() string { return after(p, country) }

func after(p Place, prefix string) string {
	if rest, ok := strings.CutPrefix(string(p), prefix); ok {
		return rest
	}
	return ""
}

// Of says where an address is for a tenant that has names for some networks. The
// narrowest of the networks that hold it gives its name, then its country; with
// neither it is told as far as the address itself tells.
func (a *Atlas) Of(ip string, of Named) Place {
	address, ok := parse(ip)
	if !ok {
		return Unknown
	}
	code := a.country(address)
	if name := of.nameOf(address, code); name != "" {
		return named + Place(name)
	}
	switch {
	case address.IsLoopback():
		return Here
	case address.IsPrivate() || address.IsLinkLocalUnicast():
		return Network
	case code != "":
		return country + Place(code)
	}
	return Internet
}

// parse reads an address in one form: an IPv4 address that comes as IPv6 is the
// IPv4 address, and a zone means nothing beyond the machine that says it.
func parse(ip string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(ip)
	return address.Unmap().WithZone(""), err == nil
}
