// Package phone serves the phone protocol, version 1, and the shell of the
// phone web app.
package phone

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/passkey"
	"latchkey/app/prompt"
	"latchkey/app/proof"
	"latchkey/app/secret"
	"latchkey/app/vouch"
	"latchkey/app/web"
	"latchkey/views/words"
)

// API serves the protocol.
type API struct {
	Site    *web.Site
	Devices *device.Service
	Prompts *prompt.Service

	Passkeys *passkey.Service
	PushKey  string // VAPID, base64url
}

const prefix = "/phone/api/v1"

// Routes is the map of the protocol.
func (h *API) Routes() []web.Route {
	return []web.Route{
		web.Post(prefix+"/enrolments", access.Phone, h.enrol),
		web.Get(prefix+"/push-key", access.Phone, h.pushKey),
		web.Get(prefix+"/accounts", access.Phone, h.proved(h.accounts)),
		web.Put(prefix+"/accounts/:account/phone-sign-in", access.Phone, h.proved(h.enable)),
		web.Delete(prefix+"/accounts/:account/phone-sign-in", access.Phone, h.proved(h.disable)),
		web.Post(prefix+"/accounts/:account/unlock", access.Phone, h.checked(h.beginUnlock)),
		web.Put(prefix+"/accounts/:account/unlock", access.Phone, h.proved(h.setUnlock)),
		web.Delete(prefix+"/accounts/:account/unlock", access.Phone, h.proved(h.endUnlock)),
		web.Post(prefix+"/accounts/:account/test", access.Phone, h.proved(h.test)),
		web.Get(prefix+"/requests", access.Phone, h.checked(h.requests)),
		web.Get(prefix+"/events", access.Phone, h.proved(h.events)),
		web.Post(prefix+"/requests/:request/answer", access.Phone, h.checked(h.answer)),
		web.Put(prefix+"/push", access.Phone, h.proved(h.putPush)),
		web.Delete(prefix+"/devices/self", access.Phone, h.proved(h.remove)),
	}
}

// checked asks for a DPoP proof (RFC 9449 §4.2) that is for this request and
// fresh. Whatever is wrong with it is 401. Whoever serves the call uses it up.
func (h *API) checked(do func(c echo.Context, by device.Proof) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		refused := fault.New(fault.Refused, "phone.proof")
		headers := c.Request().Header.Values("DPoP")
		if len(headers) != 1 {
			return refused
		}
		signed, err := proof.Parse(headers[0])
		if err != nil || signed.KeyID == "" || len(signed.KeyID) > 64 || !utf8.ValidString(signed.KeyID) || strings.Contains(signed.KeyID, "\x00") {
			return refused.Because(err)
		}
		by, err := h.Devices.Check(c.Request().Context(), signed, proof.Request{
			Method: c.Request().Method, PublicURL: h.Site.PublicURL, Path: c.Request().URL.EscapedPath(),
		})
		if err != nil {
			return err
		}
		return do(c, by)
	}
}

// proved asks for a proof and uses it up for the accounts of the phone.
func (h *API) proved(do func(c echo.Context, accounts []device.Account) error) echo.HandlerFunc {
	return h.checked(func(c echo.Context, by device.Proof) error {
		accounts, err := h.Devices.Prove(c.Request().Context(), by)
		if err != nil {
			return err
		}
		return do(c, accounts)
	})
}

// read decodes a JSON body into dest.
func read(c echo.Context, dest any) error {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return fault.New(fault.WrongType, "http.wrong_type")
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return fault.New(fault.TooLarge, "http.too_large")
		}
		return fault.New(fault.Malformed, "http.malformed").Because(err)
	}
	malformed := fault.New(fault.Malformed, "http.malformed")
	// No column takes a NUL, and no phone sends one.
	if !utf8.Valid(body) || strings.Contains(string(body), `\u0000`) {
		return malformed
	}
	if err := json.Unmarshal(body, dest); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fault.Wrong("form.wrong", map[string]string{wrong.Field: "http.malformed"})
		}
		return malformed.Because(err)
	}
	return nil
}

func (h *API) enrol(c echo.Context) error {
	var typed struct {
		Token     string          `json:"token"`
		Name      string          `json:"name"`
		Platform  string          `json:"platform"`
		PublicKey json.RawMessage `json:"public_key"`
		PIN       string          `json:"pin"`
	}
	if err := read(c, &typed); err != nil {
		return err
	}
	key, err := proof.ParseKey(typed.PublicKey)
	if err != nil {
		return fault.Wrong("form.wrong", map[string]string{"public_key": "device.key_form"})
	}
	if len(typed.Token) > 200 {
		return fault.New(fault.Refused, "device.link_refused")
	}
	a, err := h.Devices.Enrol(c.Request().Context(), device.Candidate{
		Token: secret.TokenOf(typed.Token), Name: typed.Name, Platform: typed.Platform, Key: key, PIN: typed.PIN,
	}, web.Origin(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]any{
		"device_id": a.ID, "public_url": h.Site.PublicURL,
		"account": map[string]any{"id": a.AccountID, "tenant": a.TenantSlug, "tenant_name": a.TenantName, "user": a.UserName},
	})
}

func (h *API) pushKey(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"public_key": h.PushKey})
}

type account struct {
	ID          string `json:"id"`
	Tenant      string `json:"tenant"`
	TenantName  string `json:"tenant_name"`
	User        string `json:"user"`
	PhoneSignIn bool   `json:"phone_sign_in"`
	Registered  bool   `json:"registered"`
	UnlockID    string `json:"unlock_id,omitempty"`
}

func (h *API) accounts(c echo.Context, accounts []device.Account) error {
	list := make([]account, len(accounts))
	for i, a := range accounts {
		list[i] = account{a.AccountID, a.TenantSlug, a.TenantName, a.UserName, a.PhoneSignIn, a.Registered, a.UnlockID}
	}
	return c.JSON(http.StatusOK, list)
}

// of gives the account of the path among the phone's own.
func of(accounts []device.Account, id string) (device.Account, error) {
	for _, a := range accounts {
		if a.AccountID == id {
			return a, nil
		}
	}
	return device.Account{}, fault.New(fault.NotFound, "http.not_found")
}

func (h *API) enable(c echo.Context, accounts []device.Account) error {
	a, err := of(accounts, c.Param("account"))
	if err != nil {
		return err
	}
	if err := h.Devices.EnablePhoneSignIn(c.Request().Context(), a, c.QueryParam("move") == "true", web.Origin(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (h *API) disable(c echo.Context, accounts []device.Account) error {
	a, err := of(accounts, c.Param("account"))
	if err != nil {
		return err
	}
	if err := h.Devices.DisablePhoneSignIn(c.Request().Context(), a, web.Origin(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (h *API) test(c echo.Context, accounts []device.Account) error {
	a, err := of(accounts, c.Param("account"))
	if err != nil {
		return err
	}
	id, err := h.Prompts.Test(c.Request().Context(), a, web.Origin(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]string{"request_id": id})
}

type request struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"`
	Account     string    `json:"account_id"`
	Tenant      string    `json:"tenant"`
	TenantName  string    `json:"tenant_name"`
	User        string    `json:"user"`
	Application string    `json:"application"`
	Browser     string    `json:"browser"`
	Place       string    `json:"place"`
	IP          string    `json:"ip"`
	NewBrowser  bool      `json:"new_browser"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Nonce       string    `json:"nonce"`
	Mode        string    `json:"mode"`
	Numbers     []string  `json:"numbers,omitempty"`

	// Of a request that asks for an act. An approval is signed over act_hash.
	Act        string   `json:"act,omitempty"`
	ActHash    string   `json:"act_hash,omitempty"`
	Requester  string   `json:"requester,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Ticket     string   `json:"ticket,omitempty"`
	Difference []change `json:"difference,omitempty"`

	// Of a caller check: what the agent is (the requester names them), the case, what the
	// agent must be able to read out, and who is on the line where another's word is asked.
	Role      string `json:"role,omitempty"`
	Case      string `json:"case,omitempty"`
	AgentCode string `json:"agent_code,omitempty"`
	Person    string `json:"person,omitempty"`
	Binds     bool   `json:"binds,omitempty"` // it is no call: the person is about to add a phone or a passkey
}

// change is one line of what an act changes, in words.
type change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func (h *API) requests(c echo.Context, by device.Proof) error {
	open, err := h.Prompts.OpenFor(c.Request().Context(), by)
	if err != nil {
		return err
	}
	ctx, list := web.Context(c), make([]request, len(open))
	for i, r := range open {
		list[i] = request{
			ID: r.ID, Kind: r.Kind, Account: r.Account.AccountID, Tenant: r.Account.TenantSlug, TenantName: r.Account.TenantName, User: r.Account.UserName,
			Application: r.Application, Browser: web.SayBrowser(ctx, r.Browser), Place: web.SayPlace(ctx, r.Place), IP: r.IP, NewBrowser: r.NewBrowser,
			CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Nonce: r.Nonce, Mode: r.Mode,
		}
		if r.Numbers != "" {
			list[i].Numbers = strings.Split(r.Numbers, ",")
		}
		if r.Act != nil {
			list[i].show(web.Context(c), *r.Act)
		}
	}
	return c.JSON(http.StatusOK, list)
}

// show puts an act into words.
func (r *request) show(ctx context.Context, a prompt.Act) {
	if r.Kind == string(prompt.CallerCheck) {
		r.showCheck(ctx, a)
		return
	}
	r.Act, r.ActHash, r.Requester, r.Reason, r.Ticket = web.ActOn(ctx, approval.Kind(a.Kind), a.Target), a.Hash, a.Requester, a.Reason, a.Ticket
	for _, line := range a.Lines {
		field, before, after := web.Changed(ctx, line.Field, line.Before, line.After)
		r.Difference = append(r.Difference, change{field, before, after})
	}
}

// showCheck puts a caller check into words.
func (r *request) showCheck(ctx context.Context, a prompt.Act) {
	r.Act = words.Say(ctx, "callercheck.phone")
	if a.Kind == vouch.ActKind {
		r.Act, r.Person, r.Binds = words.Say(ctx, "vouch.phone", "name", a.Target), a.Target, true
		r.ActHash, r.Case = a.Hash, a.Case
		return
	}
	if a.Vouch {
		r.Act, r.Person = words.Say(ctx, "callercheck.phone.vouch", "name", a.Target), a.Target
	}
	r.ActHash, r.Requester, r.Role, r.Case, r.Ticket, r.AgentCode = a.Hash, a.Requester, web.CheckRole(ctx, a.Role), a.Case, a.Ticket, a.AgentCode
}

// events tells the phone of each new request, and ends when the phone is one no more.
func (h *API) events(c echo.Context, accounts []device.Account) error {
	deviceID := accounts[0].ID
	keys := make([]string, len(accounts))
	for i, a := range accounts {
		keys[i] = device.UserKey(a.TenantID, a.UserID)
	}
	told := map[string]bool{}
	return h.Site.Serve(c, "phone "+deviceID, keys, func(ctx context.Context, stream *web.Stream) (bool, error) {
		open, err := h.Prompts.Open(ctx, deviceID)
		if err != nil {
			return errors.Is(err, fault.Refused), err
		}
		still := make(map[string]bool, len(open))
		for _, r := range open {
			still[r.ID] = true
			if told[r.ID] {
				continue
			}
			if err := stream.Event("request", r.ID); err != nil {
				return true, err
			}
		}
		told = still
		return false, nil
	})
}

func (h *API) answer(c echo.Context, by device.Proof) error {
	var typed struct {
		Answer string `json:"answer"`
		PIN    string `json:"pin"`

		// In place of the PIN: what the phone's own authenticator signed over the
		// SHA-256 of the answer. A phone that does not know of it sends none.
		Unlock json.RawMessage `json:"unlock"`
	}
	if err := read(c, &typed); err != nil {
		return err
	}
	unlocking := device.Unlocking{PIN: typed.PIN}
	if len(typed.Unlock) > 0 && string(typed.Unlock) != "null" {
		unlocking = device.Unlocking{Signed: string(typed.Unlock), Over: secret.Fingerprint(typed.Answer)}
	}
	signed, err := proof.Parse(typed.Answer)
	if err != nil {
		signed = nil
	}
	state, err := h.Prompts.Answer(c.Request().Context(), by, c.Param("request"), signed, unlocking, web.Origin(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"state": string(state)})
}

func (h *API) putPush(c echo.Context, accounts []device.Account) error {
	var raw json.RawMessage
	if err := read(c, &raw); err != nil {
		return err
	}
	subscription, err := notify.CheckSubscription(raw)
	if err != nil {
		return fault.Wrong("form.wrong", map[string]string{"endpoint": "push.subscription_form"})
	}
	if err := h.Devices.PutPush(c.Request().Context(), accounts, subscription, web.Origin(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// remove ends one account of the phone, or all of them.
func (h *API) remove(c echo.Context, accounts []device.Account) error {
	if id := c.QueryParam("account"); id != "" {
		a, err := of(accounts, id)
		if err != nil {
			return err
		}
		accounts = []device.Account{a}
	}
	if err := h.Devices.Remove(c.Request().Context(), accounts, web.Origin(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
