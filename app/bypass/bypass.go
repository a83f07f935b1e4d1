package bypass

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/callercheck"
	"latchkey/app/desk"
	"latchkey/app/place"
)

// Kind of a bypass. Add, never rename.
type Kind string

const (
	Skip     Kind = "skip"      // the next sign-in needs no phone after the password
	PassCode Kind = "pass_code" // a code that signs in once
)

// Kinds are all of them, in the order in which a form offers them.
var Kinds = []Kind{PassCode, Skip}

// Delivery is how a pass code reaches its person. Add, never rename.
type Delivery string

const (
	SecondChannel Delivery = "second_channel" // whole, to a backup phone
	Split         Delivery = "split"          // half of it by the agent, half to a backup phone
	ReadOut       Delivery = "read_out"       // whole, by the agent
)

// Deliveries are all of them, the safest first.
var Deliveries = []Delivery{SecondChannel, Split, ReadOut}

// State of a bypass. Add, never rename.
type State string

const (
	Ready    State = "ready" // a pass code that may be made
	Active   State = "active"
	Used     State = "used"
	Expired  State = "expired"
	Revoked  State = "revoked"
	Replaced State = "replaced"
)

// Limits (product.md §9, roles.md).
const (
	MinutesLeast = desk.MinutesLeast
	MinutesMost  = desk.MinutesMost
	MinutesUsual = 60
	UsesMost     = desk.UsesMost

	readyLife = time.Hour          // how long a pass code may be made after it was asked for
	aheadMost = 7 * 24 * time.Hour // how far its start may lie ahead

	agentMost, agentSpan   = 10, time.Hour         // by one agent; more take a second person
	personMost, personSpan = 3, 7 * 24 * time.Hour // for one person
)

// minutesAlone is how long a bypass may be that somebody of a rank gives without a
// second person (roles.md, bypass.issue).
func minutesAlone(rank int) int {
	switch {
	case rank >= access.Ranks[access.RoleTenantAdministrator]:
		return MinutesMost
	case rank >= access.Ranks[access.RoleHelpdeskLead]:
		return 240
	}
	return 60
}

// Asked is a bypass that somebody asks for.
type Asked struct {
	ID          string     `json:"id"` // under which its page will be
	Kind        Kind       `json:"kind"`
	Minutes     int        `json:"minutes"` // that it works, from its start
	Uses        int        `json:"uses"`
	StartsAt    *time.Time `json:"starts_at,omitempty"`   // none: at once
	Network     string     `json:"network,omitempty"`     // the name of a place, or a network; empty: from anywhere
	Application string     `json:"application,omitempty"` // id; empty: any
	Delivery    Delivery   `json:"delivery,omitempty"`    // of a pass code
	Phone       string     `json:"phone,omitempty"`       // backup phone that gets its part; empty: the first in their order
	Check       string     `json:"caller_check"`
	Replaces    string     `json:"replaces,omitempty"`     // id of the one in whose place it comes
	Unread      string     `json:"unread,omitempty"`       // a field of the form that could not be read; empty: none
	Reason      string     `json:"reason_code,omitempty"`  // of the tenant's; empty: in words of one's own
	ReasonWords string     `json:"reason_words,omitempty"` // its words when it was chosen
}

// by gives what is asked for by a reason of the tenant: its words of now, and what is
// usual for it where nothing else was said.
func (a Asked) by(reason desk.Reason) Asked {
	a.Reason, a.ReasonWords = reason.Code, reason.Words
	if a.Kind == "" {
		a.Kind = Kind(reason.Kind)
	}
	if a.Minutes == 0 {
		a.Minutes = reason.Minutes
	}
	if a.Uses == 0 {
		a.Uses = reason.Uses
	}
	if a.Delivery == "" {
		a.Delivery = Delivery(reason.Delivery)
	}
	return a
}

// settled fills in what was left open. The delivery that a reason leaves open is the first
// that is possible.
func (a Asked) settled(possible []Delivery) Asked {
	if a.Delivery == "" && a.Reason != "" && len(possible) > 0 {
		a.Delivery = possible[0]
	}
	if a.Kind == "" {
		a.Kind = PassCode
	}
	if a.Minutes == 0 {
		a.Minutes = MinutesUsual
	}
	if a.Uses == 0 {
		a.Uses = 1
	}
	a.Network = strings.TrimSpace(a.Network)
	switch {
	case a.Kind == Skip:
		a.Delivery, a.Phone = "", ""
	case a.Delivery == "":
		a.Delivery = SecondChannel
	}
	if a.Delivery == ReadOut {
		a.Phone = ""
	}
	return a
}

// toPhone says whether some part of the code goes to a backup phone.
func (a Asked) toPhone() bool { return a.Delivery == SecondChannel || a.Delivery == Split }

// Bypass is one, without its code.
type Bypass struct {
	TenantID, ID, UserID, CaseID string
	Kind                         Kind
	State                        State
	Delivery                     Delivery
	PhoneID                      string
	Minutes, Uses, UsesLeft      int
	Network, ApplicationID       string
	Reason, Ticket               string
	TicketCheck                  string // what the ticket system answered; empty: it was not asked
	ReasonCode, ReasonWords      string // of the tenant's reasons, as it was then; empty: in words of one's own
	CheckID                      string
	CheckVia                     callercheck.Via
	CheckStrength                callercheck.Strength
	RequestedBy, ApprovedBy      string
	StartsAt, EndsAt, CreatedAt  time.Time
	MadeAt, LastUsedAt, EndedAt  *time.Time
	EndedBy, Ending              string
}

// StateAt is the state as of a moment: one whose time is over has expired, whoever has
// written it down.
func (b Bypass) StateAt(now time.Time) State {
	if b.Open() && !now.Before(b.EndsAt) {
		return Expired
	}
	return b.State
}

// Open says whether it may be made or used still, but for the clock.
func (b Bypass) Open() bool { return b.State == Ready || b.State == Active }

// Revocable says whether there is something to take back as of a moment: it may let
// somebody in, or it is used up and what it made may live on.
func (b Bypass) Revocable(now time.Time) bool {
	return now.Before(b.EndsAt) && (b.Open() || b.State == Used)
}

// from says whether an address is one that a bypass is for. An address that cannot be
// read is none.
func from(network, ip string, places place.Named, atlas *place.Atlas) bool {
	if network == "" {
		return true
	}
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	if prefix, ok := prefixOf(network); ok {
		return prefix.Contains(address.Unmap())
	}
	return strings.EqualFold(atlas.Of(ip, places).Name(), network)
}

func prefixOf(network string) (netip.Prefix, bool) {
	parsed, err := place.ParseNetworks(network)
	if err != nil || len(parsed) != 1 {
		return netip.Prefix{}, false
	}
	return parsed[0], true
}

// named says whether a tenant has a name for a network.
func named(network string, places place.Named) bool {
	return slices.ContainsFunc(places, func(s place.Site) bool { return strings.EqualFold(s.Name, network) })
}
