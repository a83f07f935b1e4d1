package web

import (
	"testing"

	"latchkey/app/place"
	"latchkey/views/words"
)

func TestEveryPlaceHasItsWords(t *testing.T) {
	for _, p := range place.Places {
		if !words.Has(t.Context(), "place."+string(p)) {
			t.Errorf("place.%s: no such text", p)
		}
	}
	for of, want := range map[place.Place]string{
		place.Internet:      "the internet",
		"named:Head office": "“Head office”, a place that your organisation knows",
		"named:the office":  "“the office”, a place that your organisation knows",
		"named:country:DE":  "“country:DE”, a place that your organisation knows",
		"country:DE":        "Germany",
		"country:GB":        "United Kingdom",
		"country:QQ":        "QQ",
		"Springfield":       "Springfield", // what nobody knows here stays as it is
	} {
		if got := SayPlace(t.Context(), of); got != want {
			t.Errorf("SayPlace(%q) = %q, want %q", of, got, want)
		}
	}
}
