package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/approval"
	"latchkey/app/device"
	"latchkey/app/people"
	"latchkey/app/photo"
	"latchkey/app/secret"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// actForms are the acts of a person's page: the part of the address that each is
// sent to, and the family of its words.
var actForms = map[approval.Kind]struct{ address, name string }{
	people.KindLock:        {"/lock", "lock"},
	people.KindUnlock:      {"/unlock", "unlock"},
	people.KindEndSessions: {"/end-sessions", "end_sessions"},
	people.KindReset:       {"/revoke", "reset"},
	people.KindResetTOTP:   {"/totp/revoke", "reset_totp"},
	people.KindResetSheet:  {"/codes/revoke", "reset_sheet"},
	people.KindTakePasskey: {"/revoke", "take_passkey"},
	people.KindMFA:         {"/mfa", "mfa"},
	people.KindInvitation:  {"/invitation", "invitation"},
	people.KindDisable:     {"/disable", "disable"},
	people.KindEnable:      {"/enable", "enable"},

	people.KindPasswordLink: {"/password-link", "password_link"},

	people.KindPasscode:         {"/passcodes", "passcode"},
	people.KindWithdrawPasscode: {"/passcodes/withdraw", "withdraw_passcode"},

	people.KindAskBackup: {"/backup-phone/ask", "ask_backup"},

	people.KindPostpone: {"/campaign/postpone", "postpone"},
	people.KindManager:  {"/manager", "manager"},
	people.KindPhoto:    {"/photo", "photo"},
}

// dangers are the acts that take something from a person.
var dangers = []approval.Kind{people.KindLock, people.KindDisable, people.KindReset, people.KindResetTOTP, people.KindResetSheet, people.KindTakePasskey, people.KindEndSessions, people.KindWithdrawPasscode}

// personActs puts what may be done to a person on their page, and what came back.
func (h *Pages) personActs(c echo.Context, v *views.Person, p people.Person, offers []people.Offer, back failed) {
	ctx := web.Context(c)
	v.Passkeys = passkeysOf(p)
	var states *component.Choices
	for _, offer := range offers {
		act := h.actForm(c, p, offer)
		switch offer.Kind {
		case people.KindReset:
			h.resets(c, v, p, act, back)
			continue
		case people.KindTakePasskey:
			h.takings(c, v, p, act, back)
			continue
		case people.KindMFA:
			choice := component.Choice{
				Value: offer.State, Label: words.Say(ctx, "console.people.mfa."+offer.State), Hint: words.Say(ctx, "console.person.mfa_hint."+offer.State),
				Chosen: back.form == act.ID && back.choice == offer.State,
			}
			if offer.FourEyes {
				choice.Hint = words.Say(ctx, "console.act.four_eyes_hint", "hint", choice.Hint)
			}
			if states == nil {
				states = &component.Choices{Name: "mfa_state", Legend: words.Say(ctx, "console.act.mfa.legend"), Error: problemsOf(back, act.ID)["mfa_state"]}
				act.Choices = states
				v.Acts = append(v.Acts, returned(act, back))
			}
			states.Choices = append(states.Choices, choice)
			continue
		case people.KindPasscode:
			act.Choices = &component.Choices{Name: "hours", Legend: words.Say(ctx, "console.act.passcode.legend"), Error: problemsOf(back, act.ID)["hours"]}
			for i, hours := range offer.Hours {
				text := strconv.Itoa(hours)
				act.Choices.Choices = append(act.Choices.Choices, component.Choice{Value: text, Label: words.Say(ctx, "console.act.passcode.hours", "count", text), Chosen: i == 0})
			}
		case people.KindPostpone:
			act.Choices = &component.Choices{Name: "days", Legend: words.Say(ctx, "console.act.postpone.legend"), Error: problemsOf(back, act.ID)["days"]}
			for i, days := range people.PostponeDays {
				text := strconv.Itoa(days)
				act.Choices.Choices = append(act.Choices.Choices, component.Choice{Value: text, Label: words.Say(ctx, "console.act.postpone.days", "count", text), Chosen: i == 0})
			}
		case people.KindManager:
			act.Name = &component.Field{
				Name: "manager", Label: words.Say(ctx, "console.act.manager.name"), Hint: words.Say(ctx, "console.act.manager.hint"), Typed: p.Names[p.ManagerID],
				Error: problemsOf(back, act.ID)["manager"], Autocomplete: "off", MaxLength: "254",
			}
			if back.form == act.ID {
				act.Name.Typed = web.Form(c, "manager")
			}
		case people.KindPhoto:
			act.File = &component.Field{
				Name: "photo", ID: "photo-file", Type: "file", Accept: "image/jpeg,image/png", Label: words.Say(ctx, "console.act.photo.file"), Hint: words.Say(ctx, "console.act.photo.hint"), Error: problemsOf(back, act.ID)["photo"], Required: true,
			}
			if p.Photo.Mark != "" {
				act.File.Required = false
				act.File.Hint = words.Say(ctx, "console.act.photo.hint_away")
			}
		case people.KindInvitation, people.KindPasswordLink:
			act.Once = secret.System.ID()
		}
		v.Acts = append(v.Acts, returned(act, back))
	}
	if len(v.Phones) == 0 {
		for _, phone := range p.Phones {
			v.Phones = append(v.Phones, phoneOf(ctx, phone))
		}
	}
	if v.Quiet = words.Say(ctx, "console.person.quiet"); p.ID == web.Session(c).UserID {
		v.Quiet = words.Say(ctx, "console.person.quiet_self")
	}
}

// actForm is the form of one act, in words.
func (h *Pages) actForm(c echo.Context, p people.Person, offer people.Offer) views.PersonAct {
	ctx, form := web.Context(c), actForms[offer.Kind]
	text := "console.act." + form.name + ".text"
	if offer.Kind == people.KindUnlock && p.State != user.Locked {
		text = "console.act.unlock.throttle"
	}
	if offer.Kind == people.KindEnable && p.LockedAt != nil {
		text = "console.act.enable.locked"
	}
	act := views.PersonAct{
		ID: form.name, Trigger: words.Say(ctx, "console.act."+form.name+".trigger"), Title: words.Say(ctx, "console.act."+form.name+".title", "name", p.Name),
		Text: words.Say(ctx, text, "name", p.Name), Action: h.personPath(c, p.ID) + form.address, Button: words.Say(ctx, "console.act."+form.name+".button"),
		Danger: slices.Contains(dangers, offer.Kind),
	}
	// Of the second factor it depends on the choice, which says so itself.
	if offer.FourEyes && offer.Kind != people.KindMFA {
		act.Button = words.Say(ctx, "console.act.four_eyes", "act", act.Button)
	}
	return act
}

// resets puts the form that takes a phone away beside each phone.
func (h *Pages) resets(c echo.Context, v *views.Person, p people.Person, form views.PersonAct, back failed) {
	ctx := web.Context(c)
	for _, phone := range p.Phones {
		shown := phoneOf(ctx, phone)
		if phone.State == device.Active {
			act := form
			act.ID = form.ID + "-" + phone.AccountID
			act.Action = h.personPath(c, p.ID) + "/devices/" + url.PathEscape(phone.AccountID) + "/revoke"
			act.Title = words.Say(ctx, "console.act.reset.title", "phone", phone.Name, "name", p.Name)
			if p.Unended() == 1 && !p.Password() {
				act.Text = words.Say(ctx, "console.act.reset.last", "name", p.Name)
			}
			act = returned(act, back)
			shown.Act = &act
		}
		v.Phones = append(v.Phones, shown)
	}
}

func problemsOf(back failed, form string) map[string]string {
	if back.form != form {
		return nil
	}
	return back.wrong
}

// returned is a form as it was typed, if it is the one that came back.
func returned(act views.PersonAct, back failed) views.PersonAct {
	if back.form == act.ID {
		act.Typed, act.Problems = back.typed, back.wrong
	}
	return act
}

// actOn carries an act on the person of the path out, and goes back to their
// page; a form that fails is shown there again.
func (h *Pages) actOn(c echo.Context, kind approval.Kind, form string, parameters any, done string) error {
	act := h.act(c, kind, c.Param("user")).With(parameters)
	err := h.submit(c, act, "/users/"+url.PathEscape(c.Param("user"))+done)
	if fields, ok := wrong(c, err); ok {
		return h.showPerson(c, http.StatusUnprocessableEntity, failed{form: form, typed: web.Form(c, "reason"), choice: web.Form(c, "mfa_state"), wrong: fields})
	}
	return err
}

// Lock and end sessions protect, so they ask for no fresh proof.

func (h *Pages) lock(c echo.Context) error {
	return h.actOn(c, people.KindLock, "lock", nil, "?done=locked")
}

func (h *Pages) endSessions(c echo.Context) error {
	return h.actOn(c, people.KindEndSessions, "end_sessions", nil, "?done=sessions_ended")
}

// To ask for a backup phone changes nothing of theirs.
func (h *Pages) askBackup(c echo.Context) error {
	return h.actOn(c, people.KindAskBackup, "ask_backup", nil, "?done=backup_asked")
}

func (h *Pages) unlock(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindUnlock, "unlock", nil, "?done=unlocked")
}

// Disabling protects too, and yet asks: it is never urgent, for that there is the lock.
func (h *Pages) disable(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindDisable, "disable", nil, "?done=disabled")
}

func (h *Pages) enable(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindEnable, "enable", nil, "?done=enabled")
}

func (h *Pages) revokeDevice(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindReset, "reset-"+c.Param("device"), people.Reset{Device: c.Param("device")}, "?done=phone_taken")
}

func (h *Pages) revokeTOTP(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindResetTOTP, "reset_totp", nil, "?done=totp_taken")
}

func (h *Pages) revokeSheet(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindResetSheet, "reset_sheet", nil, "?done=sheet_taken")
}

func (h *Pages) setMFA(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindMFA, "mfa", people.MFA{State: web.Form(c, "mfa_state")}, "?done=mfa_changed")
}

// setPhoto takes the photo of a file; without a file the one that there is goes.
func (h *Pages) setPhoto(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.People.MayChangePhoto(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("user")); err != nil {
		return h.actOn(c, people.KindPhoto, "photo", people.Photo{Unread: true}, "") // refused, and remembered
	}
	kept, err := photoOf(c)
	if fields, ok := wrong(c, err); ok {
		return h.showPerson(c, http.StatusUnprocessableEntity, failed{form: "photo", typed: web.Form(c, "reason"), wrong: fields})
	}
	if err != nil {
		return err
	}
	return h.actOn(c, people.KindPhoto, "photo", people.Photo{JPEG: kept}, "?done=photo_changed")
}

// photoOf gives the photo that a form brings, as it is kept; nothing when it brings none.
func photoOf(c echo.Context) ([]byte, error) {
	if c.Request().MultipartForm == nil {
		return nil, nil
	}
	_, file, err := upload(c, "photo")
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return photo.Read(c.Request().Context(), file)
}

func (h *Pages) setManager(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.actOn(c, people.KindManager, "manager", people.Manager{Name: web.Form(c, "manager")}, "?done=manager_changed")
}
