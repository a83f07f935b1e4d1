package web

import (
	"context"
	"strings"
	"time"

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

// Moment reads a moment as forms and programs give it: of a date and time without a
// zone, which is UTC, or with one. Empty is none, and ok; anything else is not.
func Moment(text string) (at *time.Time, ok bool) {
	if text == "" {
		return nil, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.RFC3339} {
		if read, err := time.Parse(layout, text); err == nil {
			read = read.UTC().Truncate(time.Microsecond)
			return &read, true
		}
	}
	return nil, false
}
