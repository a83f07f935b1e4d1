package signintest

import (
	"fmt"

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

// AppOf sets an authenticator app up for a user, of whose codes about now no two are the
// same. The code of now is burnt by it.
func (h *House) AppOf(u user.User) *App {
	h.T.Helper()
	session, _ := h.Session(u)
	by := totp.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}
	a := &App{h: h}
	for alike := true; alike; alike = Alike(a.Code) {
		id, err := h.TOTPs.Begin(h.T.Context(), by, audit.Origin{})
		if err != nil {
			h.T.Fatalf("Begin: %v", err)
		}
		shown, err := h.TOTPs.Show(h.T.Context(), by, id, "Alder Health", u.Name)
		if err != nil {
			h.T.Fatalf("Show: %v", err)
		}
		a.ID, a.Seed = id, shown.Seed
	}
	if err := h.TOTPs.Confirm(h.T.Context(), by, a.ID, a.Code(0), audit.Origin{}); err != nil {
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

// Wrong is none of the codes about now.
func (a *App) Wrong() string {
	a.h.T.Helper()
	return NoneOf(a.Code)
}

// Shows says whether the app of a code, some steps from now, shows what was typed about now.
func Shows(code func(steps int64) string, typed string) bool {
	return typed == code(-1) || typed == code(0) || typed == code(1)
}

// NoneOf is none of the codes of an app about now.
func NoneOf(code func(steps int64) string) string {
	for n := 0; ; n++ {
		if typed := fmt.Sprintf("%06d", n); !Shows(code, typed) {
			return typed
		}
	}
}

// Alike says whether an app shows one code twice about now: a few seeds in a million do.
func Alike(code func(steps int64) string) bool {
	seen := map[string]bool{}
	for steps := int64(-1); steps <= 2; steps++ {
		seen[code(steps)] = true
	}
	return len(seen) < 4
}

// Demand sets what is asked of a user's second factor.
func (h *House) Demand(u user.User, state string) {
	h.T.Helper()
	h.Set("UPDATE users SET mfa_state = ? WHERE id = ?", state, u.ID)
}
