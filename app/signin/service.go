package signin

import (
	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/codesheet"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/passcode"
	"latchkey/app/passkey"
	"latchkey/app/place"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/totp"
	"latchkey/app/wake"
)

// Service carries out the sign-in, in the order of its methods.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Secrets   secret.Source
	Passwords Passwords
	Prompts   *prompt.Service
	TOTPs     *totp.Service
	Backups   *backupphone.Service
	Passkeys  *passkey.Service
	Passcodes *passcode.Service
	Bypasses  Bypasses
	Sheets    *codesheet.Service
	Rules     *access.Rules
	Decisions *decision.Live
	Approvals Approvals
	Atlas     *place.Atlas

	// ApplicationOf gives the application that a sign-in from a page of ours was begun by;
	// empty for none.
	ApplicationOf func(tx *store.Tx, returnTo, browserDigest string) (Application, error)

	watching wake.Gather[ref, Attempt] // those who wait

	AddressMost int // wrong tries from one address within ten minutes that pause it; 0 for no limit
}

// Application is one that a sign-in was begun by.
type Application struct{ TenantID, ID, Name string }

// From is the browser that acts.
type From struct {
	audit.Origin
	BrowserDigest string
	Trusted       secret.Token // what it keeps of those who trust it
	Stay          bool         // its user chose to stay signed in
}

// Restore gives a user back, in the act tx, every way to sign in that failures in
// a row have paused or turned off (package throttle). It is for whoever unlocks
// somebody: their act records who did it and why. Requests to the phone keep the
// limits of package prompt, and a user who is locked stays locked. Nobody of this
// id in the tenant is fault.NotFound.
func (s *Service) Restore(tx *store.Tx, tenantID, userID string) error {
	var name string
	found, err := tx.One(&name, "SELECT name FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "http.not_found")
	}
	return throttle.Clear(tx, tenantID, s.Keys.Subject(name))
}
