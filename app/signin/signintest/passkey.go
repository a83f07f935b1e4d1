package signintest

import (
	"latchkey/app/audit"
	"latchkey/app/passkey"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/signin"
	"latchkey/app/user"
)

// OwnerOf is a user in a session of theirs.
func (h *House) OwnerOf(u user.User) passkey.Owner {
	h.T.Helper()
	session, _ := h.Session(u)
	return passkey.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, DisplayName: u.DisplayName, SessionID: session}
}

// PasskeyOf binds a passkey to a user and gives its id with the authenticator.
func (h *House) PasskeyOf(u user.User) (string, *passkeytest.Authenticator) {
	h.T.Helper()
	return h.BindPasskey(h.OwnerOf(u), passkeytest.New(h.T, PublicURL))
}

// BindPasskey binds what an authenticator makes.
func (h *House) BindPasskey(by passkey.Owner, a *passkeytest.Authenticator) (string, *passkeytest.Authenticator) {
	h.T.Helper()
	options, err := h.Passkeys.Begin(h.T.Context(), by)
	if err != nil {
		h.T.Fatalf("Begin: %v", err)
	}
	id, err := h.Passkeys.Bind(h.T.Context(), by, "Laptop", a.Make(h.T, options), audit.Origin{})
	if err != nil {
		h.T.Fatalf("Bind: %v", err)
	}
	return id, a
}

// AskPasskey gives what the browser of an attempt is to have signed.
func (h *House) AskPasskey(a signin.Attempt, from signin.From) string {
	h.T.Helper()
	options, err := h.SignIn.AskPasskey(h.T.Context(), a, h.Clock.Now(), from)
	if err != nil {
		h.T.Fatalf("AskPasskey: %v", err)
	}
	return options
}
