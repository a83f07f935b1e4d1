package web

import (
	"context"

	"github.com/labstack/echo/v4"

	"latchkey/app/place"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/views/words"
)

// SayPlace says where something came from, in the language of who reads it. A name
// that the tenant gave is never mistaken for words of ours.
func SayPlace(ctx context.Context, of place.Place) string {
	switch {
	case of.Name() != "":
		return words.Say(ctx, "place.named", "name", of.Name())
	case of.Country() != "":
		return words.Country(ctx, of.Country())
	}
	if key := "place." + string(of); words.Has(ctx, key) {
		return words.Say(ctx, key)
	}
	return string(of) // of a replica of another version
}

// Whereabouts says addresses to people of the tenant that a request is about, with
// the place of each where it is known: "203.0.113.9 · Head office".
func (s *Site) Whereabouts(c echo.Context) (func(ip string) string, error) {
	known, err := tenant.Places(s.DB.View(c.Request().Context()), Here(c).ID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	ctx := Context(c)
	return func(ip string) string {
		at := s.Atlas.Of(ip, known)
		switch {
		case at.Name() != "":
			return ip + " · " + at.Name()
		case at.Country() != "":
			return ip + " · " + words.Country(ctx, at.Country())
		}
		return ip
	}, nil
}
