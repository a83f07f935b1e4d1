package outage

import (
	"slices"
	"strings"
	"time"

	"latchkey/app/notify"
	"latchkey/app/relaxation"
	"latchkey/app/user"
)

// Channel is what people are reached by. Add, never rename.
type Channel string

const (
	Push  Channel = "push"
	SMS   Channel = "sms"
	Voice Channel = "voice"
	Mail  Channel = "mail"
)

// Channels are all of them.
var Channels = []Channel{Push, SMS, Voice, Mail}

// kind is how the outbox calls a channel.
func (c Channel) kind() string {
	if c == Push {
		return notify.KindPush
	}
	return string(c)
}

func channelOf(kind string) Channel {
	if kind == notify.KindPush {
		return Push
	}
	return Channel(kind)
}

// needs gives the ways in that need a channel.
func (c Channel) needs() user.Ways {
	return map[Channel]user.Ways{Push: user.WithPhone, SMS: user.WithSMS, Voice: user.WithVoice}[c]
}

// Limits (product.md §7).
const (
	MinutesLeast = 15
	MinutesMost  = int(relaxation.LastsMost / time.Minute)
	MinutesUsual = 120
)

// Endings of an outage. Add, never rename.
const (
	ByClock   = "clock"
	ByHand    = "hand"
	ByFeature = "feature" // turned off
)

// Asked is an outage that somebody asks for.
type Asked struct {
	Failed  []Channel               `json:"failed"`
	Relaxes []relaxation.Relaxation `json:"relaxes"`
	Groups  []string                `json:"groups,omitempty"` // ids; none: everybody
	Minutes int                     `json:"minutes"`
}

// tidy puts it into one order, so that the same ask reads the same.
func (a Asked) tidy() Asked {
	a.Failed = inOrder(Channels, a.Failed)
	if bits, ok := relaxation.Bits(a.Relaxes); ok {
		a.Relaxes = relaxation.List(bits)
	}
	a.Groups = slices.Compact(slices.Sorted(slices.Values(a.Groups)))
	return a
}

// inOrder sorts what is in a list by it, once each; what is not comes last.
func inOrder(list, all []Channel) (sorted []Channel) {
	for _, c := range list {
		if slices.Contains(all, c) {
			sorted = append(sorted, c)
		}
	}
	for _, c := range all {
		if !slices.Contains(list, c) {
			sorted = append(sorted, c)
		}
	}
	return sorted
}

// wrong gives the fields that break a rule. A drill asks for channels alone.
func (a Asked) wrong(drill bool, groups map[string]string) map[string]string {
	fields := map[string]string{}
	if len(a.Failed) == 0 || slices.ContainsFunc(a.Failed, func(c Channel) bool { return !slices.Contains(Channels, c) }) {
		fields["failed"] = "outage.failed_form"
	}
	if _, ok := relaxation.Bits(a.Relaxes); !ok || !drill && len(a.Relaxes) == 0 {
		fields["relaxes"] = "outage.relaxes_form"
	}
	if drill {
		return fields
	}
	for _, e := range relaxation.All {
		if slices.Contains(a.Relaxes, e.Relaxation) && len(e.With) > 0 && !slices.ContainsFunc(a.Failed, func(c Channel) bool { return slices.Contains(e.With, string(c)) }) {
			fields["relaxes"] = "outage.read_out_form"
		}
	}
	if a.Minutes < MinutesLeast || a.Minutes > MinutesMost {
		fields["minutes"] = "outage.minutes_form"
	}
	if slices.ContainsFunc(a.Groups, func(g string) bool { return groups[g] == "" }) {
		fields["groups"] = "outage.groups_form"
	}
	return fields
}

// Outage is one that was declared, or rehearsed.
type Outage struct {
	TenantID, ID           string
	Drill                  bool
	Failed                 []Channel
	Relaxes                []relaxation.Relaxation
	Everybody              bool
	Scope                  string // the names of its groups
	Reason, Ticket         string
	RequestedBy, AskedName string
	ApprovedBy, OtherName  string
	BeganAt, EndsAt        time.Time
	EndedAt                *time.Time // nil: nobody has written it down
	Ending                 string
	EndedBy, EndedName     string
	EndReason              string
	SignedAt               *time.Time
	SignedBy, SignedName   string
	Report                 *Report // of a drill
}

// Runs says whether it runs at a moment.
func (o Outage) Runs(now time.Time) bool {
	return !o.Drill && o.EndedAt == nil && now.Before(o.EndsAt)
}

// Declared says whether somebody had a part in declaring it: they sign nothing of it off.
func (o Outage) Declared(userID string) bool {
	return userID == o.RequestedBy || userID == o.ApprovedBy
}

// OverAt is when it was over.
func (o Outage) OverAt() time.Time {
	if o.EndedAt != nil {
		return *o.EndedAt
	}
	return o.EndsAt
}

func joined[T ~string](all []T) string {
	parts := make([]string, len(all))
	for i, part := range all {
		parts[i] = string(part)
	}
	return strings.Join(parts, ",")
}

// Read reads channels as rows and differences have them.
func Read(text string) (all []Channel) {
	for part := range strings.SplitSeq(text, ",") {
		if part != "" {
			all = append(all, Channel(part))
		}
	}
	return all
}
