package journey

import (
	"github.com/chromedp/cdproto/webauthn"
)

// Authenticator is a virtual one in the browser of a tab: it holds passkeys, and
// whoever sits there touches it whenever it asks.
type Authenticator struct {
	tab *Tab
	id  webauthn.AuthenticatorID
}

// BuiltIn and the others are kinds of authenticators.
const (
	BuiltIn    = webauthn.AuthenticatorTransportInternal
	KeyOnACord = webauthn.AuthenticatorTransportUsb
)

// Authenticator gives the tab a virtual authenticator. One that does not look never
// sees who holds it, as a security key without a PIN.
func (tab *Tab) Authenticator(kind webauthn.AuthenticatorTransport, looks bool) *Authenticator {
	tab.t.Helper()
	call(tab, "authenticators", webauthn.Enable, webauthn.EnableParams{})
	options := webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: kind, HasResidentKey: true,
		HasUserVerification: looks, IsUserVerified: looks, AutomaticPresenceSimulation: true, HasCmtgKey: true, // or else AddCredential takes none
	}
	added := call(tab, "authenticator", webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &options})
	return &Authenticator{tab: tab, id: added.AuthenticatorID}
}

// Sees says whether it recognises who holds it.
func (a *Authenticator) Sees(yes bool) {
	a.tab.t.Helper()
	call(a.tab, "whom it sees", webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes})
}

// Touched says whether somebody touches it when it asks.
func (a *Authenticator) Touched(yes bool) {
	a.tab.t.Helper()
	call(a.tab, "who touches it", webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
}

// Passkeys gives what it holds.
func (a *Authenticator) Passkeys() []*webauthn.Credential {
	a.tab.t.Helper()
	return call(a.tab, "passkeys", webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// Carry puts a passkey into it that another one made.
func (a *Authenticator) Carry(passkey *webauthn.Credential) {
	a.tab.t.Helper()
	call(a.tab, "carry a passkey", webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: a.id, Credential: &webauthn.Credential{
		CredentialID: passkey.CredentialID, IsResidentCredential: passkey.IsResidentCredential, RpID: passkey.RpID, PrivateKey: passkey.PrivateKey,
		UserHandle: passkey.UserHandle, SignCount: passkey.SignCount,
	}})
}

// Remove takes it away.
func (a *Authenticator) Remove() {
	a.tab.t.Helper()
	call(a.tab, "no authenticator", webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id})
}
