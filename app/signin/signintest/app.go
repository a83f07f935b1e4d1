package signintest

import (
	"latchkey/app/audit"
	"latchkey/app/secret"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// App is an authenticator app that is set up.
type App struct {
	h    *House
	ID   string
	Seed secret.Token
}

// AppOf sets an authenticator app up for a user. The code of now is burnt by it.
func (h *House) AppOf(u user.User) *App {
	h.T.Helper()
	session, _ := h.Session(u)
	by := totp.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}
	id, err := h.TOTPs.Begin(h.T.Context(), by, audit.Origin{})
	if err != nil {
		h.T.Fatalf("Begin: %v", err)
	}
	shown, err := h.TOTPs.Show(h.T.Context(), by, id, "Alder Health", u.Name)
	if err != nil {
		h.T.Fatalf("Show: %v", err)
	}
	a := &App{h: h, ID: id, Seed: shown.Seed}
	if err := h.TOTPs.Confirm(h.T.Context(), by, id, a.Code(0), audit.Origin{}); err != nil {
		h.T.Fatalf("Confirm: %v", err)
	}
	return a
}

// Code is what the app shows, some steps from now.
func (a *App) Code(steps int64) string {
	a.h.T.Helper()
	code, err := secret.OneTimeCode(a.Seed, totp.Step(a.h.Clock.Now())+steps)
	if err != nil {
		a.h.T.Fatal(err)
	}
	return code
}

// Next waits until the app shows another code, and gives it.
func (a *App) Next() string {
	a.h.Clock.Forward(totp.Period)
	return a.Code(0)
}

// Demand sets what is asked of a user's second factor.
func (h *House) Demand(u user.User, state string) {
	h.T.Helper()
	h.Set("UPDATE users SET mfa_state = ? WHERE id = ?", state, u.ID)
}
