package application

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/approval"
	"latchkey/app/fault"
	"latchkey/app/session"
)

// Limits of one application.
const (
	nameMost         = 60 // letters
	urisMost         = 20
	uriMost          = 500 // bytes
	groupsMost       = 50
	FrequencyMost    = 24 * 60 // minutes: no session is older
	applicationsMost = 200     // of a tenant
)

// Kind says whether an application can keep a secret. Add, never rename.
type Kind string

const (
	Public       Kind = "public"
	Confidential Kind = "confidential"
)

// Kinds lists them.
var Kinds = []Kind{Confidential, Public}

// Settings are what an administrator says of an application.
type Settings struct {
	Name       string   `json:"name"`
	Redirects  []string `json:"redirects"`           // where codes may go, letter by letter
	Logouts    []string `json:"logouts,omitempty"`   // where browsers may go after a sign-out
	Start      string   `json:"start,omitempty"`     // where people begin; empty: nowhere
	Frequency  int      `json:"frequency,omitempty"` // minutes after which a user proves it again; 0: never
	Strength   string   `json:"strength,omitempty"`  // the least acr; empty: any
	Groups     []string `json:"groups,omitempty"`    // ids; none: everybody
	SignInsOff bool     `json:"sign_ins_off,omitempty"`
}

// Application is one as it stands.
type Application struct {
	Settings
	ID        string // client id
	Kind      Kind
	Version   int
	CreatedAt time.Time
	ChangedAt time.Time
	SecretAt  *time.Time
}

// On says whether people may sign in to it.
func (a Application) On() bool { return !a.SignInsOff }

// tidy puts settings into the form in which they are compared and stored.
func (s Settings) tidy() Settings {
	s.Name, s.Start = strings.Join(strings.Fields(s.Name), " "), strings.TrimSpace(s.Start)
	lines := func(all []string) (kept []string) {
		for _, line := range all {
			if line = strings.TrimSpace(line); line != "" && !slices.Contains(kept, line) {
				kept = append(kept, line)
			}
		}
		return kept
	}
	s.Redirects, s.Logouts = lines(s.Redirects), lines(s.Logouts)
	s.Groups = slices.Compact(slices.Sorted(slices.Values(s.Groups)))
	return s
}

// wrong says, by field, what of them cannot be; groups are the names of those that
// there are.
func (s Settings) wrong(groups map[string]string) map[string]string {
	fields := map[string]string{}
	if n := len([]rune(s.Name)); n == 0 || n > nameMost {
		fields["name"] = "application.name_form"
	}
	uris := func(field string, all []string) {
		if len(all) > urisMost || slices.ContainsFunc(all, func(uri string) bool { return !proper(uri) }) {
			fields[field] = "application.uris_form"
		}
	}
	uris("redirects", s.Redirects)
	uris("logouts", s.Logouts)
	if len(s.Redirects) == 0 {
		fields["redirects"] = "application.redirects_missing"
	}
	if s.Start != "" && !proper(s.Start) {
		fields["start"] = "application.start_form"
	}
	if s.Frequency < 0 || s.Frequency > FrequencyMost {
		fields["frequency"] = "application.frequency_form"
	}
	if s.Strength != "" && session.LevelOf(s.Strength) <= session.OneFactor {
		fields["strength"] = "application.strength_form"
	}
	if len(s.Groups) > groupsMost || slices.ContainsFunc(s.Groups, func(g string) bool { return groups[g] == "" }) {
		fields["groups"] = "group.unknown"
	}
	return fields
}

// proper says whether a URI is one that codes may be sent to: https, or http on
// this very computer (RFC 8252 §7.3), whole, and without a pattern or a fragment.
func proper(uri string) bool {
	if len(uri) > uriMost || strings.ContainsAny(uri, "*\\#") || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return false
	}
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Opaque != "" || u.Hostname() == "" {
		return false
	}
	switch u.Scheme {
	case "https":
		return true
	case "http":
		host := u.Hostname()
		return host == "localhost" || net.ParseIP(host).IsLoopback()
	}
	return false
}

// loosens says whether s gives to somebody, or somewhere, what was not given before.
// That sign-ins are on again does not: it is what was agreed when it was registered.
func (s Settings) loosens(was Settings) bool {
	more := func(now, before []string) bool {
		return slices.ContainsFunc(now, func(one string) bool { return !slices.Contains(before, one) })
	}
	longer := was.Frequency > 0 && (s.Frequency == 0 || s.Frequency > was.Frequency)
	wider := len(was.Groups) > 0 && (len(s.Groups) == 0 || more(s.Groups, was.Groups))
	elsewhere := s.Start != "" && s.Start != was.Start // it is a link on everybody's start page
	return longer || wider || elsewhere || more(s.Redirects, was.Redirects) || more(s.Logouts, was.Logouts) ||
		session.LevelOf(s.Strength) < session.LevelOf(was.Strength)
}

// difference says what changes from was to s; groups has the names of groups.
func (s Settings) difference(was Settings, groups map[string]string) (all []approval.Change) {
	note := func(field, before, after string) {
		if before != after {
			all = append(all, approval.Change{Field: field, Before: before, After: after})
		}
	}
	named := func(ids []string) string {
		var names []string
		for _, id := range ids {
			names = append(names, groups[id])
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	}
	state := map[bool]string{false: "on", true: "off"}
	note("application", was.Name, s.Name)
	note("redirect_uris", strings.Join(was.Redirects, ", "), strings.Join(s.Redirects, ", "))
	note("logout_uris", strings.Join(was.Logouts, ", "), strings.Join(s.Logouts, ", "))
	note("start_url", was.Start, s.Start)
	note("frequency", strconv.Itoa(was.Frequency), strconv.Itoa(s.Frequency))
	note("strength", was.Strength, s.Strength)
	note("application_groups", named(was.Groups), named(s.Groups))
	note("application_state", state[was.SignInsOff], state[s.SignInsOff])
	return all
}

// notFound is that of an application that is not there, or another tenant's.
func notFound() error { return fault.New(fault.NotFound, "http.not_found") }
