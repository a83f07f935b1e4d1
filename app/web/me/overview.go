package me

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/cases"
	"latchkey/app/provider"
	"latchkey/app/signin"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

// overview is My security info: how well its user is prepared, and every way in
// that they have or may set up. The session tells what they have; what they have
// not is not looked for.
func (h *Pages) overview(c echo.Context) error {
	ctx, who := web.Context(c), web.Session(c)
	way, err := h.SignIn.Habit(ctx, who.TenantID, who.UserName)
	if err != nil {
		return err
	}
	passkeys, err := h.passkeysInShort(c)
	if err != nil {
		return err
	}
	phone, err := h.phonesInShort(c)
	if err != nil {
		return err
	}
	app, err := h.appInShort(c)
	if err != nil {
		return err
	}
	sheet, err := h.codesInShort(c)
	if err != nil {
		return err
	}
	backups, err := h.backupsInShort(c)
	if err != nil {
		return err
	}
	outlook, err := h.SignIn.OutlookOf(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.Overview{
		Ready: ready(ctx, outlook, who, backups.Name != ""), LastSignInAt: who.CreatedAt,
		LastSignInHow: words.Say(ctx, "me.info.last.how", "how", web.How(ctx, who.AMR), "browser", web.SayBrowser(ctx, who.Browser)),
	}
	for _, line := range []struct {
		of    user.Ways
		usual signin.Way
		views.Authenticator
	}{
		{user.WithPasskey, signin.Passkey, passkeys},
		{user.WithPhone, signin.Phone, phone},
		{user.WithTOTP, signin.TOTP, app},
		{user.WithPrintedCode, signin.PrintedCode, sheet},
		{user.WithBackupPhone, "", backups},
		{user.WithPassword, signin.Password, passwordInShort(c)},
	} {
		off := who.Off&line.of == line.of
		if line.Name == "" || off && !who.Bound.Has(line.of) {
			continue
		}
		line.Default = way == line.usual
		if off {
			line.State, line.Tone = words.Say(ctx, "me.info.off"), "warn"
		} else if who.Bound.Has(line.of) {
			line.Lost, line.Shut = lost(ctx, outlook, line.of)
		}
		v.Authenticators = append(v.Authenticators, line.Authenticator)
	}
	if v.Case, err = h.caseInShort(c); err != nil {
		return err
	}
	if v.Bypass, err = h.bypassInShort(c); err != nil {
		return err
	}
	if v.Check, err = h.checkInShort(c); err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.OverviewPage(h.Site.Page(c), v))
}

// bypassInShort is what the helpdesk gave them and still works; nil for none.
func (h *Pages) bypassInShort(c echo.Context) (*views.OwnBypass, error) {
	ctx, who := web.Context(c), web.Session(c)
	last, err := h.Bypasses.OfPerson(ctx, who.TenantID, who.UserID, 1)
	if err != nil || len(last) == 0 {
		return nil, err
	}
	b, now := last[0], h.Site.DB.Now()
	if !b.Revocable(now) {
		return nil, nil
	}
	return &views.OwnBypass{Kind: words.Say(ctx, "bypass.kind."+string(b.Kind)), State: words.Say(ctx, "bypass.state."+string(b.State)), Agent: b.RequestedName, EndsAt: b.EndsAt}, nil
}

// revokeBypass protects, so it asks for no fresh proof.
func (h *Pages) revokeBypass(c echo.Context) error {
	who := web.Session(c)
	if err := h.Bypasses.RevokeOwn(c.Request().Context(), who.TenantID, who.UserID, web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me?done=bypass_own_revoked")
}

// checkInShort is the check by the helpdesk that is under way or was proved within an
// hour, with the letters by which its agent can be known; nil for none.
func (h *Pages) checkInShort(c echo.Context) (*views.Check, error) {
	ctx, who := web.Context(c), web.Session(c)
	own, there, err := h.Checks.OwnOf(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil || !there {
		return nil, err
	}
	shown := &views.Check{Agent: own.Agent, Role: web.CheckRole(ctx, own.Role), Case: own.Case, Letters: own.AgentCode, At: own.At}
	if shown.State, shown.Tone = words.Say(ctx, "me.check.proved"), "good"; own.Waits {
		shown.State, shown.Tone = words.Say(ctx, "me.check.waits"), "warn"
	}
	return shown, nil
}

// caseInShort is the case of theirs that stands at the helpdesk; nil for none.
func (h *Pages) caseInShort(c echo.Context) (*views.Case, error) {
	ctx, who := web.Context(c), web.Session(c)
	standing, there, err := h.Cases.Own(ctx, who.TenantID, who.UserID)
	if err != nil || !there {
		return nil, err
	}
	name := standing.Name()
	if standing.Origin == cases.FromPerson && standing.OwnerID == "" {
		name = "" // whoever asked has the number, and may be a stranger who calls and names it
	}
	return &views.Case{
		Name: name, Agent: standing.OwnerName, Cause: words.Say(ctx, "cases.cause."+string(standing.Cause)),
		State: words.Say(ctx, "cases.state."+string(standing.State)), OpenedAt: standing.OpenedAt,
	}, nil
}

func (h *Pages) phonesInShort(c echo.Context) (line views.Authenticator, err error) {
	ctx, who := web.Context(c), web.Session(c)
	phones, err := h.Devices.Of(ctx, who.TenantID, who.UserID)
	if err != nil {
		return line, err
	}
	active, signing := count(phones)
	line = views.Authenticator{
		Icon: "phone", Name: words.Say(ctx, "me.info.phone.title"), Detail: words.Say(ctx, "me.info.phone.count", "count", strconv.Itoa(active)),
		State: words.Say(ctx, "me.info.phone.none"), Href: "/me/phones", Label: words.Say(ctx, "me.info.phone.act"),
	}
	switch {
	case active == 0:
		line.Detail = words.Say(ctx, "me.info.phone.how")
	case signing > 0:
		line.State, line.Tone = words.Say(ctx, "me.info.phone.on"), "good"
	case active > 0:
		line.State, line.Tone = words.Say(ctx, "me.info.phone.off"), "warn"
	}
	for _, p := range phones {
		line.Used(p.LastUsedAt)
	}
	return line, nil
}

func (h *Pages) appInShort(c echo.Context) (views.Authenticator, error) {
	ctx, who := web.Context(c), web.Session(c)
	line := views.Authenticator{
		Icon: "clock", Name: words.Say(ctx, "me.info.totp.title"), Detail: words.Say(ctx, "me.info.totp.text"), State: words.Say(ctx, "me.info.totp.none"),
		Href: "/me/totp", Label: words.Say(ctx, "me.info.totp.act"),
	}
	if !who.Bound.Has(user.WithTOTP) {
		return line, nil
	}
	bound, app, err := h.TOTPs.Of(ctx, who.TenantID, who.UserID)
	if app {
		line.State, line.Tone = words.Say(ctx, "me.info.totp.on"), "good"
	}
	line.Used(bound.LastUsedAt)
	return line, err
}

func (h *Pages) passkeysInShort(c echo.Context) (views.Authenticator, error) {
	ctx, who := web.Context(c), web.Session(c)
	line := views.Authenticator{
		Icon: "passkey", Name: words.Say(ctx, "me.info.passkey.title"), Detail: words.Say(ctx, "me.info.passkey.text"), State: words.Say(ctx, "me.info.passkey.none"),
		Href: "/me/passkeys", Label: words.Say(ctx, "me.info.passkey.act"),
	}
	if !who.Bound.Has(user.WithPasskey) {
		return line, nil
	}
	bound, err := h.Passkeys.Of(ctx, who.TenantID, who.UserID)
	if len(bound) > 0 {
		line.State, line.Tone, line.Detail = words.Say(ctx, "me.info.passkey.on"), "good", words.Say(ctx, "me.info.passkey.count", "count", strconv.Itoa(len(bound)))
	}
	for _, b := range bound {
		line.Used(b.LastUsedAt)
	}
	return line, err
}

// backupsInShort is empty where no number is bound and none could be, because the
// organisation has nobody who would carry the codes.
func (h *Pages) backupsInShort(c echo.Context) (views.Authenticator, error) {
	ctx, who := web.Context(c), web.Session(c)
	line := views.Authenticator{
		Icon: "message", Name: words.Say(ctx, "me.info.backup.title"), Detail: words.Say(ctx, "me.info.backup.count", "count", "0"),
		State: words.Say(ctx, "me.info.totp.none"), Href: backupPath, Label: words.Say(ctx, "me.info.backup.act"),
	}
	if !who.Bound.Has(user.WithBackupPhone) {
		carried, err := provider.Having(h.Site.DB.View(ctx), who.TenantID)
		if err != nil || !slices.Contains(carried, provider.SMS) && !slices.Contains(carried, provider.Voice) {
			return views.Authenticator{}, err
		}
		return line, nil
	}
	phones, err := h.Backups.Of(ctx, who.TenantID, who.UserID)
	line.Detail = words.Say(ctx, "me.info.backup.count", "count", strconv.Itoa(len(phones)))
	line.State, line.Tone = words.Say(ctx, "signin.weaker"), "warn"
	for _, p := range phones {
		line.Used(p.LastUsedAt)
	}
	return line, err
}

func passwordInShort(c echo.Context) views.Authenticator {
	ctx := web.Context(c)
	line := views.Authenticator{
		Icon: "key", Name: words.Say(ctx, "me.info.password.title"), Detail: words.Say(ctx, "me.info.password.text"), State: words.Say(ctx, "me.info.password.none"),
		Href: "/me/password", Label: words.Say(ctx, "me.info.password.act"),
	}
	if web.Session(c).Bound.Has(user.WithPassword) {
		line.State = words.Say(ctx, "me.info.password.on")
	}
	return line
}
