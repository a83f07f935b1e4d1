package phone

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/device"
	"latchkey/app/web"
)

// Unlocking with a face or a finger in place of the PIN is an amendment to version 1
// of the protocol. Phones that do not know of it go on with the PIN, which stays as
// the other way on those that do.
//
//	POST   /accounts/{id}/unlock {"pin"} → 200 what to make, for navigator.credentials.create
//	PUT    /accounts/{id}/unlock {"credential"} → 204
//	DELETE /accounts/{id}/unlock → 204
//	GET    /accounts → with "unlock_id" where something unlocks the account
//	POST   /requests/{id}/answer {"answer", "unlock"}: what navigator.credentials.get
//	       gave for the challenge SHA-256(answer), in base64url, and user verification
//	       required; 401 {"error": "unlock_refused"} leaves the request open

// beginUnlock asks for the PIN once more: whoever finds a phone that lies open must
// not put their own finger in the place of it.
func (h *API) beginUnlock(c echo.Context, by device.Proof) error {
	var typed struct {
		PIN string `json:"pin"`
	}
	if err := read(c, &typed); err != nil {
		return err
	}
	a, err := h.Devices.ProvePIN(c.Request().Context(), by, c.Param("account"), typed.PIN, web.Origin(c))
	if err != nil {
		return err
	}
	options, err := h.Passkeys.BeginUnlock(c.Request().Context(), a, web.Origin(c))
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, []byte(options))
}

func (h *API) setUnlock(c echo.Context, accounts []device.Account) error {
	var typed struct {
		Credential json.RawMessage `json:"credential"`
	}
	if err := read(c, &typed); err != nil {
		return err
	}
	a, err := of(accounts, c.Param("account"))
	if err != nil {
		return err
	}
	if err := h.Passkeys.BindUnlock(c.Request().Context(), a, string(typed.Credential), web.Origin(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (h *API) endUnlock(c echo.Context, accounts []device.Account) error {
	a, err := of(accounts, c.Param("account"))
	if err != nil {
		return err
	}
	if err := h.Passkeys.EndUnlock(c.Request().Context(), a, web.Origin(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
