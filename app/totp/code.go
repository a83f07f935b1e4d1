package totp

import (
	"net/url"
	"strings"
	"time"

	"latchkey/app/secret"
)

// Limits (product.md §9).
const (
	Period    = 30 * time.Second
	drift     = 1                // steps that a clock may be early or late
	ProofLife = 10 * time.Minute // of a new one, like a binding code
	triesMost = 5                // of the code that proves it
)

// Step is the number of periods since 1970 (RFC 6238 §4.2).
func Step(at time.Time) int64 { return at.Unix() / int64(Period/time.Second) }

// Match gives the step whose code was typed: that of now, or one beside it, and
// none at or before last. It does the same work whatever was typed.
func Match(seed secret.Token, typed string, last int64, now time.Time) (step int64, ok bool, err error) {
	typed = strings.Join(strings.Fields(typed), "")
	for try := Step(now) - drift; try <= Step(now)+drift; try++ {
		code, err := secret.OneTimeCode(seed, max(try, 0))
		if err != nil {
			return 0, false, err
		}
		if secret.Same(code, typed) && try > last {
			step, ok = try, true
		}
	}
	return step, ok, nil
}

// Link is what the QR code says to an authenticator app (Key Uri Format).
func Link(seed secret.Token, tenantName, userName string) string {
	tenantName = strings.ReplaceAll(tenantName, ":", " ") // apps cut the label at the colon
	label := url.PathEscape(tenantName) + ":" + url.PathEscape(userName)
	issuer := strings.ReplaceAll(url.QueryEscape(tenantName), "+", "%20") // and show a plus sign as it stands
	return "otpauth://totp/" + label + "?secret=" + seed.Reveal() + "&issuer=" + issuer + "&algorithm=SHA1&digits=6&period=30"
}
