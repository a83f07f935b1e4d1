package me

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

const lostPath = "/me/lost-phone"

// lostPhone is the one page for who lost a phone: it is removed there, and the next
// one is added.
func (h *Pages) lostPhone(c echo.Context) error { return h.showLost(c, http.StatusOK, nil) }

// showLost shows the page; wrong is what was wrong with a request to the helpdesk.
func (h *Pages) showLost(c echo.Context, status int, wrong map[string]string) error {
	ctx, who := web.Context(c), web.Session(c)
	phones, err := h.Devices.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	active, signing := count(phones)
	loss, err := session.AfterLoss(c.Request().Context(), h.Site.DB, who)
	if err != nil {
		return err
	}
	if !loss.MayRecover() {
		return web.Render(c, http.StatusOK, views.LostPhonePage(h.Site.Page(c), views.LostPhone{Off: words.Say(ctx, "me.lost.off")}))
	}
	v := views.LostPhone{CanAdd: who.Off&user.WithPhone == 0 && active < device.PhonesMost}
	for _, p := range phones {
		if p.State == device.Active {
			v.Rows = append(v.Rows, row(ctx, p, active))
		}
	}
	switch {
	case signing == 1 && !loss.HelpsItself():
		v.Wait = words.Say(ctx, "me.lost.helpdesk")
	case who.LostPhone && len(loss.Proofs(session.Strong)) == 0:
		v.Wait, v.CanAdd = words.Say(ctx, "me.lost.wait"), false
	}
	outlook, err := h.SignIn.OutlookOf(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v.Left, v.Shut = remains(ctx, outlook)
	if v.Ask, err = h.askForm(c, wrong); err != nil {
		return err
	}
	return web.Render(c, status, views.LostPhonePage(h.Site.Page(c), v))
}

// askForm is the form by which who is signed in asks the helpdesk.
func (h *Pages) askForm(c echo.Context, wrong map[string]string) (views.AskDesk, error) {
	form, who := views.AskDesk{Asking: web.Asking(c, wrong), Action: lostPath + "/ask"}, web.Session(c)
	var err error
	_, form.Stands, err = h.Cases.Own(c.Request().Context(), who.TenantID, who.UserID)
	return form, err
}

// askDesk asks the helpdesk, in the name of who is signed in.
func (h *Pages) askDesk(c echo.Context) error {
	ask := cases.Ask{Cause: cases.Cause(web.Form(c, "cause")), Words: web.Form(c, "words")}
	err := h.Cases.AskSignedIn(c.Request().Context(), web.Session(c), web.From(c).BrowserDigest, ask, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showLost(c, http.StatusUnprocessableEntity, fault.Of(err).Fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me?done=case_asked")
}

// revoke takes a weaker proof than adding does: the phone may be the one that is
// lost, and then what is left is what helps after a loss. Less than the strongest that
// there is leaves the mark of a loss.
func (h *Pages) revoke(c echo.Context) error {
	who, now := web.Session(c), h.Site.DB.Now()
	end := h.Devices.Lose
	if who.Loses(now) {
		if err := h.Site.NeedRecovery(c, session.Weak, session.ByPhone); err != nil {
			return err
		}
		loss, err := session.AfterLoss(c.Request().Context(), h.Site.DB, who)
		if err != nil {
			return err
		}
		end = func(ctx context.Context, tenantID, userID, accountID string, from audit.Origin, checks ...device.Check) error {
			return h.Devices.Recover(ctx, tenantID, userID, accountID, loss.Recovers(who.Strongest(), now), from, checks...)
		}
	} else if err := h.Site.NeedFreshBy(c, session.Weak); err != nil {
		return err
	} else if who.Fresh(now) {
		end = h.Devices.Revoke
	}
	checks := []device.Check{device.Waited(who.ProvedAccount)}
	if web.Form(c, "lost") == "" {
		checks = append(checks, signin.KeepsAWay)
	}
	err := end(c.Request().Context(), who.TenantID, who.UserID, c.Param("device"), web.Origin(c), checks...)
	if f := fault.Of(err); f != nil && f.Code == "device.young" {
		return h.anotherProof(c, err)
	}
	if err != nil {
		return err
	}
	if web.Form(c, "lost") != "" {
		return web.Redirect(c, lostPath+"?done=revoked")
	}
	return web.Redirect(c, "/me/phones?done=revoked")
}

// anotherProof asks who proved it by a phone that is too new for another proof. Who has
// none has to wait.
func (h *Pages) anotherProof(c echo.Context, young error) error {
	who := web.Session(c)
	loss, err := session.AfterLoss(c.Request().Context(), h.Site.DB, who)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(loss.Proofs(session.Weak), func(by string) bool { return by == session.ByPhone })
	missing := fault.New(fault.StepUp, "session.step_up")
	if missing.Proofs = who.Offers(others); len(missing.Proofs) == 0 {
		return young
	}
	return missing
}
