package console

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/app/people"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// passkeysOf are the passkeys on the page of their owner.
func passkeysOf(p people.Person) (all []views.PersonPasskey) {
	for _, k := range p.Passkeys {
		shown := views.PersonPasskey{ID: k.ID, Name: k.Name, Synced: k.Synced, AddedAt: k.CreatedAt}
		if k.LastUsedAt != nil {
			shown.LastUsedAt = *k.LastUsedAt
		}
		all = append(all, shown)
	}
	return all
}

// takings puts the form that takes a passkey away beside each.
func (h *Pages) takings(c echo.Context, v *views.Person, p people.Person, form views.PersonAct, back failed) {
	for i, k := range p.Passkeys {
		act := form
		act.ID = form.ID + "-" + k.ID
		act.Action = h.personPath(c, p.ID) + "/passkeys/" + url.PathEscape(k.ID) + "/revoke"
		act.Title = words.Say(web.Context(c), "console.act.take_passkey.title", "passkey", k.Name, "name", p.Name)
		act = returned(act, back)
		v.Passkeys[i].Act = &act
	}
}

func (h *Pages) revokePasskey(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	id := c.Param("passkey")
	return h.actOn(c, people.KindTakePasskey, "take_passkey-"+id, people.TakePasskey{Passkey: id}, "?done=passkey_taken")
}
