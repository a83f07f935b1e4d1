package me

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/provider"
	"latchkey/app/session"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/me"
	"latchkey/views/words"
)

const backupPath = "/me/backup-phones"

func (h *Pages) backupRoutes() []web.Route {
	return []web.Route{
		web.Get(backupPath, access.AccountView, h.backupPhones),
		web.Post(backupPath, access.AuthenticatorBind, h.addBackupPhone),
		web.Get(backupPath+"/new/:backup", access.AuthenticatorBind, h.newBackupPhone),
		web.Post(backupPath+"/new/:backup", access.AuthenticatorBind, h.confirmBackupPhone),
		web.Post(backupPath+"/new/:backup/resend", access.AuthenticatorBind, h.resendBackupPhone),
		web.Post(backupPath+"/:backup/label", access.AuthenticatorBind, h.labelBackupPhone),
		web.Post(backupPath+"/:backup/first", access.AuthenticatorBind, h.firstBackupPhone),
		web.Post(backupPath+"/:backup/remove", access.AuthenticatorRemove, h.removeBackupPhone),
	}
}

// backupOwner is whoever asks, with the session that they ask in.
func backupOwner(c echo.Context) backupphone.Owner {
	who := web.Session(c)
	return backupphone.Owner{TenantID: who.TenantID, UserID: who.UserID, UserName: who.UserName, SessionID: who.ID}
}

func (h *Pages) backupPhones(c echo.Context) error {
	return h.showBackupPhones(c, http.StatusOK, views.BackupForm{Instead: c.QueryParam("instead")}, nil)
}

func (h *Pages) showBackupPhones(c echo.Context, status int, typed views.BackupForm, wrong map[string]string) error {
	ctx, who := web.Context(c), web.Session(c)
	phones, err := h.Backups.Of(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	carried, err := provider.Having(h.Site.DB.View(ctx), who.TenantID)
	if err != nil {
		return err
	}
	v := views.BackupPhones{Action: backupPath, Typed: typed, Errors: wrong, Full: len(phones) >= backupphone.PhonesMost}
	for _, channel := range []provider.Channel{provider.SMS, provider.Voice} {
		if slices.Contains(carried, channel) && who.Off&backupphone.Ways[channel] == 0 {
			v.Channels = append(v.Channels, component.Choice{
				Value: string(channel), Label: words.Say(ctx, "me.backup.channel."+string(channel)), Hint: words.Say(ctx, "me.backup.channel_hint."+string(channel)),
				Chosen: typed.Channel == string(channel) || typed.Channel == "" && len(v.Channels) == 0,
			})
		}
	}
	if v.Why = words.Say(ctx, "me.backup.nobody"); slices.Contains(carried, provider.SMS) || slices.Contains(carried, provider.Voice) {
		v.Why = web.Sentence(c, "method.off", "")
	}
	v.Typed.Instead = ""
	for i, p := range phones {
		if p.ID == typed.Instead {
			v.Typed.Instead, v.InsteadOf, v.Full = p.ID, cmp.Or(p.Label, p.Number), false
			v.Typed.Label = cmp.Or(typed.Label, p.Label)
		}
		row := views.BackupRow{
			ID: p.ID, Label: p.Label, Number: p.Number, First: i == 0 && len(phones) > 1, Last: i > 0, How: words.Say(ctx, "me.backup.how."+string(p.Channel)), Icon: "message", AddedAt: p.ConfirmedAt, RemoveText: words.Say(ctx, "me.backup.remove.text"),
		}
		if p.Channel == provider.Voice {
			row.Icon = "call"
		}
		if p.LastUsedAt != nil {
			row.LastUsedAt = *p.LastUsedAt
		}
		if who.Ways&^user.WithBackupPhone == user.WithPassword && len(phones) == 1 {
			row.RemoveText = words.Say(ctx, "me.backup.remove.last")
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, status, views.BackupPhonesPage(h.Site.Page(c), v))
}

// addBackupPhone sends a code to a number, which counts when the code comes back.
func (h *Pages) addBackupPhone(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := views.BackupForm{Number: web.Form(c, "number"), Channel: web.Form(c, "channel"), Label: web.Form(c, "label"), Instead: web.Form(c, "instead")}
	asked := backupphone.Asked{Number: typed.Number, Channel: provider.Channel(typed.Channel), Label: typed.Label, Instead: typed.Instead}
	id, err := h.Backups.Begin(c.Request().Context(), backupOwner(c), asked, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		wrong := map[string]string{}
		for field, code := range fault.Of(err).Fields {
			wrong[field] = web.Sentence(c, code, "")
		}
		return h.showBackupPhones(c, http.StatusUnprocessableEntity, typed, wrong)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, backupPath+"/new/"+id)
}

func (h *Pages) newBackupPhone(c echo.Context) error {
	return h.showNewBackupPhone(c, http.StatusOK, "")
}

func (h *Pages) showNewBackupPhone(c echo.Context, status int, wrong string) error {
	ctx := web.Context(c)
	fresh, err := h.Backups.Show(ctx, backupOwner(c), c.Param("backup"))
	if err != nil {
		return err
	}
	return web.Render(c, status, views.NewBackupPhonePage(h.Site.Page(c), views.NewBackupPhone{
		Action: backupPath + "/new/" + url.PathEscape(c.Param("backup")), Lead: words.Say(ctx, "me.backup.new."+string(fresh.Channel), "number", fresh.Number),
		Again: words.Say(ctx, "signin.code.again."+string(fresh.Channel)), StartedAt: fresh.ExpiresAt.Add(-backupphone.CodeLife), ExpiresAt: fresh.ExpiresAt, Error: wrong,
	}))
}

// confirmBackupPhone binds what was begun in the session of the call, after the proof that
// beginning it took.
func (h *Pages) confirmBackupPhone(c echo.Context) error {
	err := h.Backups.Confirm(c.Request().Context(), backupOwner(c), c.Param("backup"), web.Form(c, "code"), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showNewBackupPhone(c, http.StatusUnprocessableEntity, web.Sentence(c, fault.Of(err).Fields["code"], ""))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, backupPath+"?done=backup_bound")
}

func (h *Pages) resendBackupPhone(c echo.Context) error {
	if err := h.Backups.Resend(c.Request().Context(), backupOwner(c), c.Param("backup"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, backupPath+"/new/"+url.PathEscape(c.Param("backup")))
}

func (h *Pages) labelBackupPhone(c echo.Context) error {
	if err := h.Site.NeedFreshBy(c, session.Weak); err != nil {
		return err
	}
	label := web.Form(c, "label")
	err := h.Backups.Label(c.Request().Context(), backupOwner(c), c.Param("backup"), label, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showBackupPhones(c, http.StatusUnprocessableEntity, views.BackupForm{}, map[string]string{
			"label-" + c.Param("backup"): web.Sentence(c, fault.Of(err).Fields["label"], ""),
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, backupPath+"?done=backup_renamed")
}

func (h *Pages) firstBackupPhone(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Backups.First(c.Request().Context(), backupOwner(c), c.Param("backup"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, backupPath+"?done=backup_first")
}

func (h *Pages) removeBackupPhone(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Backups.Remove(c.Request().Context(), backupOwner(c), c.Param("backup"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, backupPath+"?done=backup_removed")
}
