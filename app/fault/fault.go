// Package fault names the ways in which an act can fail. It is a leaf: every
// package may import it, and it imports none.
package fault

import (
	"errors"
	"time"
)

// Kind is a class of failure. It is an error itself, so that callers may ask
// errors.Is(err, fault.NotFound). Add, never rename.
type Kind string

const (
	Refused     Kind = "refused"     // a factor failed; never says which or why
	Throttled   Kind = "throttled"   // too many tries
	StepUp      Kind = "step_up"     // signed in, but must prove it again, now
	SignIn      Kind = "sign_in"     // not signed in
	Forbidden   Kind = "forbidden"   // signed in, own tenant, not permitted
	NotFound    Kind = "not_found"   // none, or another tenant's: the caller cannot tell
	Malformed   Kind = "malformed"   // the syntax is broken
	Invalid     Kind = "invalid"     // a field breaks a rule; Fields says which
	Conflict    Kind = "conflict"    // already decided, or changed by somebody else
	Expired     Kind = "expired"     // its time is over
	TooLarge    Kind = "too_large"   // more bytes than we read
	WrongType   Kind = "wrong_type"  // a body of another media type than asked for
	Unavailable Kind = "unavailable" // database, policy or audit; nothing changed
	Defect      Kind = "defect"      // ours
)

// Kinds lists every kind, for the tests that hold tables to it.
var Kinds = []Kind{
	Refused, Throttled, StepUp, SignIn, Forbidden, NotFound, Malformed, Invalid,
	Conflict, Expired, TooLarge, WrongType, Unavailable, Defect,
}

func (k Kind) Error() string { return string(k) }

// Error is a failure of a kind, with the code of its words.
type Error struct {
	Kind       Kind
	Code       string            // stable, dotted: "signin.expired"; key of the words, safe to log
	Fields     map[string]string // form field to code; only with Invalid
	RetryAfter time.Duration     // when trying again makes sense; with Throttled and Unavailable
	Detail     string            // a name that the words need, such as the other organisation's
	Proofs     []string          // what would do, as amr values, the strongest first; only with StepUp
	cause      error             // for the log, never for a page
}

// New returns a failure of kind with the code of its words.
func New(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// Wrong returns an Invalid failure that names fields and the rules they break.
func Wrong(code string, fields map[string]string) *Error {
	return &Error{Kind: Invalid, Code: code, Fields: fields}
}

// Wait returns a Throttled failure that may be tried again after d.
func Wait(code string, d time.Duration) *Error {
	return &Error{Kind: Throttled, Code: code, RetryAfter: d}
}

// Because returns e with the cause, which is logged and never shown.
func (e *Error) Because(cause error) *Error {
	with := *e
	with.cause = cause
	return &with
}

// Naming returns e with the name that its words mention.
func (e *Error) Naming(detail string) *Error {
	with := *e
	with.Detail = detail
	return &with
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.cause.Error()
	}
	return e.Code
}

// Unwrap gives the kind and the cause, so that errors.Is and errors.As see both.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Of returns the failure inside err, or nil when err has no kind.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
