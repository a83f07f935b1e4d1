package web

import (
	"context"

	"latchkey/app/place"
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
