package people

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/user"
)

// PageMost is how many people a page of the list has.
const PageMost = 50

// MFA states of a user, in the order in which they tighten.
const (
	MFADisabled = "disabled"
	MFAEnabled  = "enabled"
	MFAEnforced = "enforced"
)

// MFAStates lists them.
var MFAStates = []string{MFADisabled, MFAEnabled, MFAEnforced}

// States lists the states of a user.
var States = []string{user.Active, user.Locked, user.Disabled}

// Ways that a filter asks for: to have one, by its name everywhere, or to have none
// of the two that most people have, or of those that are strong.
const (
	WithPasskey        = "passkey"
	WithPhone          = "phone"
	WithTOTP           = "totp"
	WithPrintedCode    = "printed_code"
	WithVoice          = "voice"
	WithSMS            = "sms"
	WithPassword       = "password"
	WithStaticPasscode = "static_passcode"
	WithBypass         = "bypass"
	WithoutPhone       = "no_phone"
	WithoutPassword    = "no_password"
	WithoutStrong      = "no_strong" // nothing stronger than a password or a message
)

// Ways lists them.
var Ways = func() (all []string) {
	for _, w := range user.AllWays {
		all = append(all, w.Name)
	}
	return append(all, WithoutPhone, WithoutPassword, WithoutStrong)
}()

// Last sign-ins that a filter asks for.
const (
	Never  = "never"
	Past30 = "30" // once, but not for 30 days
	Past90 = "90"
)

// SignIns lists them.
var SignIns = []string{Never, Past30, Past90}

var past = map[string]time.Duration{Past30: 30 * 24 * time.Hour, Past90: 90 * 24 * time.Hour}

// Filter narrows the list; its zero value shows everybody. Values that are none
// of the listed ones narrow nothing.
type Filter struct {
	State  string
	MFA    string
	Way    string
	Group  string // id
	SignIn string
	AtRisk bool   // has fewer than two ways in
	Query  string // beginnings of words of the name, or, with an @ in it, of a sign-in name
}

// Active says whether the filter narrows the list at all.
func (f Filter) Active() bool { return f != Filter{} }

// order is what a list is sorted by. Each has an index behind it that a page is
// cut from, wherever in the list it begins.
type order int

const (
	byName   order = iota // the sign-in name
	bySignIn              // the last sign-in, the longest ago first
	byMember              // the sign-in name, as the group keeps it
	byWord                // the word that matched
)

func (f Filter) order(scope []string) order {
	switch _, searched := f.words(); {
	case f.Group != "" || len(scope) > 0:
		return byMember
	case searched:
		return byWord
	case past[f.SignIn] > 0:
		return bySignIn
	}
	return byName
}

// words gives the beginnings that the query asks for, the longest first: it finds
// the fewest. Of a sign-in name they are those of the part before the @. Ok is
// false when there are none.
func (f Filter) words() (all []string, ok bool) {
	local, _, _ := strings.Cut(f.Query, "@")
	all = user.Words("", local)
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return all[:min(len(all), queryWordsMost)], len(all) > 0
}

// queryWordsMost is how many words of a query count.
const queryWordsMost = 5

// name gives the beginning of a sign-in name that the query asks for; empty when
// it asks for words alone.
func (f Filter) name() string {
	if !strings.Contains(f.Query, "@") {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(f.Query))
}

// last is behind every text that begins with another one: words are compared by
// their bytes.
const last = "\U0010FFFF"

// Position is a place in the list: between the people that sort before it and
// those after. It is what the address of a page carries.
type Position struct {
	Key string // what the list is sorted by, as text
	ID  string // of the user, where the key is not theirs alone
}

// String is the position as it stands in an address; ParsePosition reads it.
func (p Position) String() string { return p.Key + "," + p.ID }

// ParsePosition reads a position; what is none is the zero one, the beginning.
func ParsePosition(text string) Position {
	at := strings.LastIndexByte(text, ',')
	if at < 0 || len(text) > 400 {
		return Position{}
	}
	return Position{Key: text[:at], ID: text[at+1:]}
}

// instant is a moment as a key.
func instant(at time.Time) string { return strconv.FormatInt(at.UnixMicro(), 10) }

func moment(key string) time.Time {
	micro, err := strconv.ParseInt(key, 10, 64)
	if err != nil || micro < 0 || micro > 1<<52 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
