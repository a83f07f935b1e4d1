package people

import (
	"net/netip"
	"strings"

	"latchkey/app/access"
)

// Masked says who sees of authenticators only what tells one from another
// (roles.md, authenticator.view): the helpdesk, auditors, and, as nobody can say
// what else they are for, holders of custom roles.
func Masked(viewer access.Standing) bool {
	return viewer.Role == access.RoleAuditor || recorded(viewer)
}

// recorded says whose look at a person is an event.
func recorded(viewer access.Standing) bool {
	return viewer.Role == access.RoleHelpdesk || strings.HasPrefix(string(viewer.Role), access.CustomPrefix)
}

const cutShort = "…"

// mask takes away what the viewer may not see.
func (p *Person) mask() {
	for i := range p.Phones {
		if p.Masked {
			p.Phones[i].Name, p.Phones[i].Key = MaskName(p.Phones[i].Name), p.Phones[i].Key[max(0, len(p.Phones[i].Key)-4):]
		}
	}
	for i := range p.Passkeys {
		if p.Masked {
			p.Passkeys[i].Name = MaskName(p.Passkeys[i].Name)
		}
	}
	if !p.MaskedPlace {
		return
	}
	for i := range p.Sessions {
		p.Sessions[i].IP = MaskIP(p.Sessions[i].IP)
	}
	for i := range p.SignIns {
		p.SignIns[i].IP = MaskIP(p.SignIns[i].IP)
	}
	for i := range p.Story {
		p.Story[i].IP = MaskIP(p.Story[i].IP)
	}
}

// MaskName leaves the first two letters.
func MaskName(name string) string {
	letters := []rune(name)
	if len(letters) <= 2 {
		return cutShort
	}
	return string(letters[:2]) + cutShort
}

// MaskIP leaves of an address the network: 24 bits of IPv4, 48 of IPv6. What is
// no address is left out.
func MaskIP(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	addr = addr.Unmap()
	if addr.Is4() {
		b := addr.As4()
		return netip.AddrFrom4([4]byte{b[0], b[1], b[2], 0}).String() + "/24"
	}
	network, err := addr.WithZone("").Prefix(48)
	if err != nil {
		return ""
	}
	return network.String()
}
