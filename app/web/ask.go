package web

import (
	"github.com/labstack/echo/v4"

	"latchkey/app/cases"
	"latchkey/views/component"
	"latchkey/views/words"
)

// Asking fills in what the helpdesk is told, as it was typed; wrong is what was wrong with
// it, by field.
func Asking(c echo.Context, wrong map[string]string) component.Asking {
	ctx := Context(c)
	v := component.Asking{Typed: Form(c, "words"), Errors: map[string]string{}, Causes: component.Choices{Name: "cause", Legend: words.Say(ctx, "signin.ask.cause")}}
	for field, code := range wrong {
		v.Errors[field] = Sentence(c, code, "")
	}
	v.Causes.Error = v.Errors["cause"]
	for _, cause := range cases.Causes {
		v.Causes.Choices = append(v.Causes.Choices, component.Choice{Value: string(cause), Label: words.Say(ctx, "cases.cause."+string(cause)), Chosen: Form(c, "cause") == string(cause)})
	}
	return v
}
