package prompt

import "net/netip"

// Place is where an address is, as far as it tells without a database of places:
// to say a wrong one would be worse than none. It is stored. Add, never rename.
type Place string

const (
	Unknown  Place = "unknown"
	Here     Place = "here"     // the computer that serves
	Network  Place = "network"  // a private one
	Internet Place = "internet" // anywhere
)

// Places lists them all, for the words of each.
var Places = []Place{Unknown, Here, Network, Internet}

// PlaceOf says where an address is.
func PlaceOf(ip string) Place {
	address, err := netip.ParseAddr(ip)
	switch {
	case err != nil:
		return Unknown
	case address.IsLoopback():
		return Here
	case address.IsPrivate() || address.IsLinkLocalUnicast():
		return Network
	}
	return Internet
}
