package prompt

import "net/netip"

// PlaceOf says in words where an address is, as far as it tells without a
// database of places. Words that are wrong would be worse than none.
func PlaceOf(ip string) string {
	address, err := netip.ParseAddr(ip)
	switch {
	case err != nil:
		return "an unknown place"
	case address.IsLoopback():
		return "this very computer"
	case address.IsPrivate() || address.IsLinkLocalUnicast():
		return "your own network"
	}
	return "the internet"
}
