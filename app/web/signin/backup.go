package signin

import (
	"github.com/labstack/echo/v4"

	"latchkey/app/provider"
	"latchkey/app/signin"
	"latchkey/app/web"
	views "latchkey/views/signin"
	"latchkey/views/words"
)

// phoneCode shows the page that takes a code which was sent to a backup phone. Until
// something is proved it says the same for every name.
func (h *Pages) phoneCode(c echo.Context, status int, a signin.Attempt, wrong string) error {
	ctx := web.Context(c)
	phones, sentTo, err := h.SignIn.BackupPhones(ctx, a)
	if err != nil {
		return err
	}
	way := string(a.Way)
	v := views.PhoneCode{
		Attempt: a.ID, UserName: a.Name, ByPassword: a.Begins(signin.Password), Method: way, Error: wrong, Halfway: a.Halfway(), Stay: stayOf(ctx, a, a.Stay || web.From(c).Stay), Title: words.Say(ctx, "signin.code.title."+way), Lead: words.Say(ctx, "signin.code.maybe."+way), Again: words.Say(ctx, "signin.code.again."+way),
	}
	if v.Halfway {
		v.Lead = words.Say(ctx, "signin.code.not_sent")
	}
	for _, p := range phones {
		if p.ID == sentTo {
			v.Lead, v.SentTo = words.Say(ctx, "signin.code.sent."+way, "number", provider.MaskNumber(p.Number)), p.ID
			continue
		}
		v.Others = append(v.Others, views.OtherNumber{ID: p.ID, Label: words.Say(ctx, "signin.code.instead."+way, "number", provider.MaskNumber(p.Number))})
	}
	return web.Render(c, status, views.PhoneCodePage(h.page(c, a), v))
}
