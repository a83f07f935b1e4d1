package user

import (
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Ways is a set of ways in: what a user has bound, as the bits of users.ways,
// which the database keeps by itself, or what was proved in a sign-in.
type Ways int

const (
	WithPassword Ways = 1 << iota
	WithPhone
	WithTOTP
	WithPasskey
	WithPrintedCode
	WithVoice // a backup phone that is called with a code
	WithSMS   // and one that gets it as a message
	WithStaticPasscode
	WithBypass // what the helpdesk gave for some minutes or hours
)

// Way is one way in. What another package has to say of ways it says of these, by
// their bits, so that a new one is a row here before it is anything elsewhere.
type Way struct {
	Name string // as in attempts, addresses and words: add, never rename
	AMR  string // by which a session says that it had its part (RFC 8176, where that has it)
	Bit  Ways
}

// AllWays are the ways in that there are, the strongest first (product.md §6).
var AllWays = []Way{
	{"passkey", "passkey", WithPasskey},
	{"phone", "phone", WithPhone},
	{"totp", "otp", WithTOTP},
	{"printed_code", "printed_code", WithPrintedCode},
	{"voice", "tel", WithVoice},
	{"sms", "sms", WithSMS},
	{"password", "pwd", WithPassword},
	{"bypass", "bypass", WithBypass},
	{"static_passcode", "static_passcode", WithStaticPasscode},
}

// WithBackupPhone is the weaker ways: they complete a password, and do nothing alone.
const WithBackupPhone = WithSMS | WithVoice

// WithKey is of a proof alone: a passkey that signed without seeing who holds it.
// It is something that is had, and nothing else; nobody has it bound.
const WithKey Ways = 1 << 30

// SecondFactors are the ways that make a password enough, or do without it, on every
// day. A sheet of printed codes makes it enough, too, and is none of them: it runs out.
const SecondFactors = WithPhone | WithTOTP | WithPasskey | WithBackupPhone

// Has says whether one of others is in the set.
func (w Ways) Has(others Ways) bool { return w&others != 0 }

// States of the second factor of a user (product.md §1). Enabled turns into
// enforced by itself when the user has bound one.
const (
	MFADisabled = "disabled"
	MFAEnabled  = "enabled"
	MFAEnforced = "enforced"
)

// Enough says whether a user is signed in by what they have proved. A phone does
// by itself: its signature and its unlock are two factors; and so does a passkey
// that saw who holds it; a static passcode, because two people let its user past the
// second factor for some hours; and a bypass, because its user was proved on the line. Otherwise two are needed, one that is known and one that
// is had, unless no second factor is asked of the user or, while it is enabled,
// none is there yet.
func Enough(mfa string, bound, proved Ways) bool {
	switch {
	case proved.Has(WithPhone | WithPasskey | WithStaticPasscode | WithBypass), proved.Has(WithPassword) && proved.Has(WithTOTP|WithKey|WithBackupPhone|WithPrintedCode):
		return true
	case mfa == MFAEnabled && !bound.Has(SecondFactors), mfa == MFADisabled:
		return proved&^WithBackupPhone != 0
	}
	return false
}

// SecondFactorBound enforces, in the act tx, the second factor of a user for
// whom it is enabled and who has one now. For everybody else it changes nothing.
func SecondFactorBound(tx *store.Tx, tenantID, userID string, from audit.Origin) error {
	res := tx.Exec("UPDATE users SET mfa_state = ? WHERE tenant_id = ? AND id = ? AND mfa_state = ? AND ways & ? <> 0",
		MFAEnforced, tenantID, userID, MFAEnabled, SecondFactors)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	if err := notify.Tell(tx, tenantID, userID, notify.Notice{Action: audit.MFAChanged, Detail: MFAEnforced}); err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.MFAChanged, Actor: audit.Service, Target: audit.User(userID), Subject: userID, Origin: from,
		Details: map[string]string{"from": MFAEnabled, "to": MFAEnforced},
	})
}

// Alone makes acts on the ways of one user wait for one another, to the end of the
// act tx: what holds for all of a kind together (five phones at most, one preferred)
// is in no one row. SQLite has one writer.
func Alone(tx *store.Tx, tenantID, userID string) error {
	if tx.Dialect == store.SQLite {
		return nil
	}
	return tx.Exec("SELECT 1 FROM users WHERE tenant_id = ? AND id = ? FOR NO KEY UPDATE", tenantID, userID).Error
}
