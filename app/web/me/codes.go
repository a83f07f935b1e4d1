package me

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/codesheet"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/me"
	"latchkey/views/words"
)

const codesPath = "/me/codes"

func (h *Pages) codeRoutes() []web.Route {
	return []web.Route{
		web.Get(codesPath, access.AccountView, h.codes),
		web.Post(codesPath, access.AuthenticatorBind, h.makeSheet),
		web.Post(codesPath+"/remove", access.AuthenticatorRemove, h.removeSheet),
		web.Post(codesPath+"/confirm", access.AuthenticatorBind, h.confirmSheet),
		web.Post(codesPath+"/lost", access.AuthenticatorRemove, h.lostSheet),
	}
}

// sheetOwner is whoever asks, with the session that they ask in.
func sheetOwner(c echo.Context) codesheet.Owner {
	who := web.Session(c)
	return codesheet.Owner{TenantID: who.TenantID, UserID: who.UserID, SessionID: who.ID}
}

func (h *Pages) codes(c echo.Context) error { return h.showCodes(c, http.StatusOK, "") }

// showCodes shows the page; wrong is what was wrong with a code that was to confirm a sheet.
func (h *Pages) showCodes(c echo.Context, status int, wrong string) error {
	ctx, who := web.Context(c), web.Session(c)
	sheet, ok, err := h.Sheets.Of(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.Codes{Once: secret.System.ID(), Has: ok, AddedAt: sheet.CreatedAt, ID: sheet.ID, Printed: sheet.BatchID != ""}
	waits, handed, err := h.Sheets.HandedTo(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	if handed {
		v.Handed = views.HandedSheet{ID: waits.ID, Serial: codesheet.Parted(waits.Serial), At: waits.HandedAt, Number: strconv.Itoa(waits.Number), Error: wrong}
		if v.Handed.By, err = user.NameOf(ctx, h.Site.DB, who.TenantID, waits.HandedBy); err != nil {
			return err
		}
	}
	if ok {
		v.Serial, v.Left, v.Low = codesheet.Parted(sheet.Serial), words.Say(ctx, "me.codes.left", "count", strconv.Itoa(sheet.CodesLeft)), sheet.Low()
	}
	if sheet.LastUsedAt != nil {
		v.LastUsedAt = *sheet.LastUsedAt
	}
	if who.Off.Has(user.WithPrintedCode) {
		v.WhyNotAdd = web.Sentence(c, "method.off", "")
	}
	return web.Render(c, status, views.CodesPage(h.Site.Page(c), v))
}

// makeSheet makes a sheet and shows it, once, ready to be printed.
func (h *Pages) makeSheet(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	// What could fail comes first: the codes are shown once.
	address := h.Site.PublicURL + "/signin"
	dark, err := web.QR(address)
	if err != nil {
		return err
	}
	made, err := h.Sheets.Make(c.Request().Context(), sheetOwner(c), web.Form(c, "once"), web.Origin(c))
	if err != nil {
		return err
	}
	v := views.Sheet{Instead: made.Instead, Sheet: component.Sheet{
		TenantName: web.Session(c).TenantName, Serial: codesheet.Parted(made.Serial), MadeAt: made.MadeAt, MadeOn: made.MadeAt.UTC().Format("2006-01-02"), Address: address, QR: dark,
	}}
	for i, code := range made.Codes {
		v.Codes = append(v.Codes, component.SheetCode{Number: strconv.Itoa(i + 1), Code: code.Reveal()})
	}
	return web.Render(c, http.StatusOK, views.SheetPage(h.Site.Page(c), v))
}

func (h *Pages) removeSheet(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Sheets.Remove(c.Request().Context(), sheetOwner(c), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, codesPath+"?done=sheet_removed")
}

// confirmSheet takes the first code of a sheet that was handed over.
func (h *Pages) confirmSheet(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err := h.Sheets.Confirm(c.Request().Context(), sheetOwner(c), web.Form(c, "code"), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showCodes(c, http.StatusUnprocessableEntity, web.Sentence(c, fault.Of(err).Fields["code"], ""))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, codesPath+"?done=sheet_confirmed")
}

// lostSheet ends a sheet that is lost. It protects, and whoever lost more than the sheet
// must be able to, so a password does.
func (h *Pages) lostSheet(c echo.Context) error {
	if err := h.Site.NeedFreshBy(c, session.Weak); err != nil {
		return err
	}
	if err := h.Sheets.ReportLost(c.Request().Context(), sheetOwner(c), web.Form(c, "sheet"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, codesPath+"?done=sheet_reported_lost")
}

// codesInShort is the line of printed codes in My security info.
func (h *Pages) codesInShort(c echo.Context) (views.Authenticator, error) {
	ctx, who := web.Context(c), web.Session(c)
	line := views.Authenticator{
		Icon: "printer", Name: words.Say(ctx, "me.info.codes.title"), Detail: words.Say(ctx, "me.info.codes.text"), State: words.Say(ctx, "me.info.totp.none"),
		Href: codesPath, Label: words.Say(ctx, "me.info.codes.act"),
	}
	_, handed, err := h.Sheets.HandedTo(ctx, who.TenantID, who.UserID)
	if err != nil || !handed && !who.Bound.Has(user.WithPrintedCode) {
		return line, err
	}
	sheet, has, err := h.Sheets.Of(ctx, who.TenantID, who.UserID)
	switch {
	case handed:
		line.State, line.Tone = words.Say(ctx, "me.info.codes.handed"), "warn"
	case has:
		line.State, line.Tone = words.Say(ctx, "me.codes.left", "count", strconv.Itoa(sheet.CodesLeft)), "good"
		if sheet.Low() {
			line.Tone = "warn"
		}
	}
	line.Used(sheet.LastUsedAt)
	return line, err
}

// fewCodes asks on the start page for another sheet when few codes are left, and for the
// word that one which was handed over is there.
func (h *Pages) fewCodes(c echo.Context) ([]views.Attention, error) {
	ctx, who := web.Context(c), web.Session(c)
	waits, handed, err := h.Sheets.HandedTo(ctx, who.TenantID, who.UserID)
	if err != nil {
		return nil, err
	}
	if handed {
		return []views.Attention{{
			Text: words.Say(ctx, "me.home.sheet.title", "serial", codesheet.Parted(waits.Serial)), Why: words.Say(ctx, "me.home.sheet.text"),
			Href: codesPath, Label: words.Say(ctx, "me.home.sheet.act"), Tone: "warn",
		}}, nil
	}
	if !who.Ways.Has(user.WithPrintedCode) {
		return nil, nil
	}
	sheet, has, err := h.Sheets.Of(ctx, who.TenantID, who.UserID)
	if err != nil || !has || !sheet.Low() {
		return nil, err
	}
	return []views.Attention{{
		Text: words.Say(ctx, "me.home.codes.title", "count", strconv.Itoa(sheet.CodesLeft)), Why: words.Say(ctx, "me.home.codes.text"),
		Href: codesPath, Label: words.Say(ctx, "me.home.codes.act"), Tone: "warn",
	}}, nil
}
