package signin

import (
	"net/url"
	"strings"
	"time"

	"latchkey/app/prompt"
	"latchkey/app/relaxation"
	"latchkey/app/session"
	"latchkey/app/user"
)

// Limits (product.md §9).
const (
	attemptLife  = 15 * time.Minute
	failuresMost = 5                // of one attempt
	finishLife   = 60 * time.Second // from the answer to the session
)

// Way is how the user proves who they are. Add, never rename.
type Way string

const (
	Password Way = "password"
	Phone    Way = "phone"
	TOTP     Way = "totp"
	Passkey  Way = "passkey"
	SMS      Way = "sms"
	Voice    Way = "voice"

	PrintedCode    Way = "printed_code"
	StaticPasscode Way = "static_passcode"
	Bypass         Way = "bypass"
)

// ways lists what can be chosen, the strongest first (product.md §6), with what
// each proves and what its user has bound.
var ways = func() (all []wayIn) {
	for _, w := range user.AllWays {
		all = append(all, wayIn{way: Way(w.Name), by: w.AMR, bound: w.Bit})
	}
	return all
}()

type wayIn struct {
	way   Way
	by    string
	bound user.Ways
}

// known says whether a way is one.
func known(way Way) bool { return boundTo(way) != 0 }

// weaker says whether a way is a code to a backup phone: it completes a password,
// never comes first by itself, and is no step-up.
func weaker(way Way) bool { return way == SMS || way == Voice }

// handed says whether a way was handed to its user by others, for some hours: it is
// nobody's habit and no step-up.
func handed(way Way) bool { return way == StaticPasscode || way == Bypass }

// by gives the amr value of a way.
func by(way Way) string {
	for _, w := range ways {
		if w.way == way {
			return w.by
		}
	}
	return ""
}

// boundTo gives what the user of a way has bound.
func boundTo(way Way) user.Ways {
	for _, w := range ways {
		if w.way == way {
			return w.bound
		}
	}
	return 0
}

// Proves gives the amr value of what a way proves; empty for what is none.
func (w Way) Proves() string { return by(w) }

// proof is a set of ways by their amr values, with commas between them.
type proof string

// and adds a way.
func (p proof) and(way Way) proof { return p.with(by(way)) }

// with adds what a way proved by its amr value.
func (p proof) with(amr string) proof {
	if p == "" {
		return proof(amr)
	}
	return p + "," + proof(amr)
}

// ways gives the set that a proof stands for.
func (p proof) ways() (all user.Ways) {
	for part := range strings.SplitSeq(string(p), ",") {
		if part == session.ByKey {
			all |= user.WithKey
		}
		for _, w := range ways {
			if w.by == part {
				all |= w.bound
			}
		}
	}
	return all
}

// held gives what a user has bound who proved it. A key is a passkey.
func (p proof) held() user.Ways {
	all := p.ways()
	if all.Has(user.WithKey) {
		all = all&^user.WithKey | user.WithPasskey
	}
	return all
}

// stays is what of it the user must still have at the end. A printed code, and a bypass,
// is gone when it has proved something, and with the last one the sheet; whoever takes a sheet away
// ends what its codes began (session.CloseHalfway).
func (p proof) stays() user.Ways { return p.held() &^ (user.WithPrintedCode | user.WithBypass) }

// took says whether something that a user has bound had its part in a proof. A
// passkey had it also when it did not see who holds it.
func (p proof) took(bound user.Ways) bool {
	return p.ways().Has(bound) || bound.Has(user.WithPasskey) && p.ways().Has(user.WithKey)
}

// Purpose of an attempt.
type Purpose string

const (
	ToSignIn  Purpose = "sign_in"
	ToStepUp  Purpose = "step_up"
	ToApprove Purpose = "approve" // a request, on the phone and by no other way
)

// Attempt is one try by one browser.
type Attempt struct {
	ID           string // as in addresses: tenant and id
	TenantID     string
	TenantName   string // empty when the domain is nobody's
	Name         string // as typed
	Purpose      Purpose
	ReturnTo     string
	Application  string // that began it, as people know it; empty: none
	Way          Way
	State        string // open, finished, ended
	Failures     int
	ExpiresAt    time.Time
	PromptID     string
	PromptState  prompt.State // with Way Phone
	Number       string
	PromptEndsAt time.Time
	DecidedAt    *time.Time
	Approves     RequestRef // with ToApprove
	CodeNumber   int        // that is asked for, with PrintedCode
	Stay         bool       // the user chose to stay signed in
	StayHours    int        // for how long that is
	TrustDays    int        // and for how long the browser is trusted then; 0: it is not

	Outage relaxation.Running // that everybody in the tenant may know of

	key, subject, userID, sessionID string
	browser                         string       // digest of the one that began it
	takesCodes                      bool         // its step-up is of a session that a bypass made, and that takes a code to a backup phone
	trusted                         bool         // its user trusts that one
	proved                          proof        // what was proved so far
	off                             user.Ways    // that may not be taken in it: before anything is proved, what is off for everybody
	bypass                          *BypassGrant // what it was let past by
	challenge                       string       // key of the one that it answers which other attempts may answer, too
}

// Halfway says whether something was proved in the attempt that is not enough.
func (a Attempt) Halfway() bool { return a.proved != "" }

// Proved gives the user in whose name something was proved in the attempt; empty before.
func (a Attempt) Proved() string {
	if !a.Halfway() {
		return ""
	}
	return a.userID
}

// Begins says whether a way may be taken in the place of the one that the attempt is
// on, before anything is proved: the tenant has it on.
func (a Attempt) Begins(way Way) bool { return !a.Halfway() && !a.off.Has(boundTo(way)) }

// Stuck says whether an attempt gets nowhere by the way that it is on: that one was
// proved already, or has been turned off since.
func (a Attempt) Stuck() bool { return a.proved.took(boundTo(a.Way)) || a.off.Has(boundTo(a.Way)) }

// RequestRef names a request for approval.
type RequestRef struct{ TenantID, ID string }

// Open says whether the attempt can still go on.
func (a Attempt) Open(now time.Time) bool {
	return a.State == "open" && now.Before(a.ExpiresAt) && a.Failures < failuresMost
}

// PhoneState is the state of the prompt as of now; held when there is none.
func (a Attempt) PhoneState(now time.Time) prompt.State {
	switch {
	case a.PromptID == "":
		return prompt.Held
	case a.PromptState == prompt.Pending && !now.Before(a.PromptEndsAt):
		return prompt.Expired
	case a.PromptState == prompt.Approved && a.DecidedAt != nil && !now.Before(a.DecidedAt.Add(finishLife)):
		return prompt.Expired
	case a.PromptState == prompt.Reported:
		return prompt.Denied // the page does not tell which; the audit does
	}
	return a.PromptState
}

// LocalPath gives typed when it is a path on this server, else "/". It is what
// stands between return_to and an open redirect.
func LocalPath(typed string) string {
	if len(typed) > 2000 || !strings.HasPrefix(typed, "/") || strings.HasPrefix(typed, "//") ||
		strings.ContainsFunc(typed, outsidePath) {
		return "/"
	}
	u, err := url.Parse(typed)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	return typed
}

// outsidePath says whether browsers make more of r than of a letter: they take a
// backslash for a slash and drop some controls, and a header takes none.
func outsidePath(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }

// address makes the id that stands in addresses.
func address(tenantID, id string) string { return tenantID + "-" + id }

// parseAddress takes it apart.
func parseAddress(text string) (tenantID, id string, ok bool) {
	tenantID, id, ok = strings.Cut(text, "-")
	return tenantID, id, ok && tenantID != "" && len(id) == 26
}

// WaitKey is what the waiting page of this attempt waits on.
func (a Attempt) WaitKey() string { return prompt.AttemptKey(a.TenantID, a.key) }
