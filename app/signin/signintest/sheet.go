package signintest

import (
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/user"
)

// SheetOf makes a sheet of printed codes for a user.
func (h *House) SheetOf(u user.User) codesheet.Made {
	h.T.Helper()
	session, _ := h.Session(u)
	made, err := h.Sheets.Make(h.T.Context(), codesheet.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}, "", audit.Origin{})
	if err != nil {
		h.T.Fatalf("Make: %v", err)
	}
	return made
}
