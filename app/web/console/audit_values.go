package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/words"
)

// valuesMost is how many values are offered while somebody types.
const valuesMost = 10

// auditValue is something to type into a filter of the audit, and what it stands for.
type auditValue struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// auditValues offers what can be typed into a filter, by how it begins. Whoever may look at
// people is offered those that the list of people has for them; everybody else those of
// events that they see.
func (h *Pages) auditValues(c echo.Context) error {
	ctx, typed := web.Context(c), strings.TrimSpace(c.QueryParam("q"))
	found := []auditValue{}
	var err error
	switch field := c.QueryParam("field"); {
	case typed == "" || len(typed) > 200:
	case field == "actor":
		for _, kind := range []string{audit.KindClaimant, audit.KindDevice, audit.KindService} {
			found = fitting(found, typed, kind, words.Say(ctx, "audit.kind."+kind))
		}
		found, err = h.peopleNamed(c, typed, found)
	case field == "target":
		found, err = h.peopleNamed(c, typed, found)
	case field == "action":
		for _, a := range h.sight(c).Actions() {
			found = fitting(found, typed, string(a), words.Say(ctx, "activity."+string(a)))
		}
	case field == "reason":
		found = reasonsNamed(ctx, typed)
	}
	if err != nil {
		return err
	}
	found = found[:min(len(found), valuesMost)]
	return c.JSON(http.StatusOK, map[string]any{"values": found, "said": words.Say(ctx, "audit.values", "count", strconv.Itoa(len(found)))})
}

// peopleNamed adds people to what was found.
func (h *Pages) peopleNamed(c echo.Context, typed string, found []auditValue) ([]auditValue, error) {
	read, who := c.Request().Context(), h.Site.Standing(c)
	if who.May.Has(access.AuthenticatorView) {
		people, err := h.Search.People(read, who, typed)
		for _, p := range people {
			found = append(found, auditValue{p.Name, p.DisplayName})
		}
		return found, err
	}
	sight := h.sight(c)
	if err := h.Trail.Looked(read, sight, "names", trail.Query{}, web.Origin(c)); err != nil {
		return nil, err
	}
	names, err := h.Trail.Names(read, sight, typed, valuesMost)
	for _, name := range names {
		found = append(found, auditValue{Value: name})
	}
	return found, err
}

// reasonsNamed are the codes of reasons that have words.
func reasonsNamed(ctx context.Context, typed string) []auditValue {
	const key = "audit.reason."
	found := []auditValue{}
	for _, code := range words.Below(ctx, key) {
		found = fitting(found, typed, code, words.Say(ctx, key+code))
	}
	return found
}

// fitting adds a value when each word that was typed begins one of its words, or of those
// that it stands for.
func fitting(found []auditValue, typed, value, label string) []auditValue {
	theirs := audit.Words(value + " " + label)
	for _, word := range strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool { return strings.ContainsRune(" ._", r) }) {
		if !slices.ContainsFunc(theirs, func(their string) bool { return strings.HasPrefix(their, word) }) {
			return found
		}
	}
	return append(found, auditValue{value, label})
}
