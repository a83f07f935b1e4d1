package web

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/views/words"
)

// Context is the context of a request, with the language of the reader: the
// one that their browser likes best among the catalogues.
func Context(c echo.Context) context.Context {
	call := callOf(c)
	if call.language == nil {
		call.language = words.For(c.Request().Header.Get("Accept-Language"))
	}
	return words.In(c.Request().Context(), call.language)
}

// phoneCodes are the codes that the phone protocol promises, where ours are longer.
var phoneCodes = map[string]string{
	"prompt.decided": "decided", "prompt.expired": "expired", "http.not_found": "not_found", "device.pin_wrong": "pin_wrong", "device.unlock_wrong": "unlock_refused",
	"device.link_refused": "link_refused", "phone.unknown": "unknown_device", "phone.proof": "proof_refused", "phone.answer_refused": "answer_refused",
	"form.wrong": "invalid", "http.malformed": "malformed",
}

// Sentence gives the words of a failure by its code, with the name that they
// mention.
func Sentence(c echo.Context, code, name string) string {
	ctx := Context(c)
	key := "failure." + code
	if !words.Has(ctx, key) {
		key = "failure.defect"
	}
	if name == "" {
		name = words.Say(ctx, "organisation.other")
	}
	return words.Say(ctx, key, "name", name)
}

// How says how somebody proved who they are, from amr values with commas between
// them: "password, then phone".
func How(ctx context.Context, amr string) string {
	first, second, both := strings.Cut(amr, ",")
	if !both {
		return words.Say(ctx, "me.sessions.how."+first)
	}
	return words.Say(ctx, "me.sessions.how.and", "first", words.Say(ctx, "me.sessions.how."+first), "second", How(ctx, second))
}
