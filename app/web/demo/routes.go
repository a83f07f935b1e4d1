// Package demo serves what the demonstration alone has: the messages that it does
// not send.
package demo

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/provider"
	"latchkey/app/web"
	views "latchkey/views/demo"
	"latchkey/views/words"
)

// Pages are the pages of the demonstration, which listens on loopback only.
type Pages struct {
	Site *web.Site
	Kept *provider.Kept
}

// Routes is the map of the demonstration; elsewhere it is empty.
func (h *Pages) Routes() []web.Route {
	if h.Kept == nil {
		return nil
	}
	return []web.Route{web.Get("/demo/outbox", access.Anyone, h.outbox)}
}

var icons = map[provider.Channel]string{provider.SMS: "message", provider.Voice: "call", provider.Mail: "mail"}

func (h *Pages) outbox(c echo.Context) error {
	ctx := web.Context(c)
	var v views.Outbox
	for _, m := range h.Kept.All() {
		v.Rows = append(v.Rows, views.Message{
			Icon: icons[m.Channel], To: words.Say(ctx, "demo.outbox.to", "channel", words.Say(ctx, "provider.channel."+string(m.Channel)), "to", m.To), Subject: m.Subject, Text: m.Text, At: m.At,
		})
	}
	return web.Render(c, http.StatusOK, views.OutboxPage(h.Site.BrowserPage(c), v))
}
