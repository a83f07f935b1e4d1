package phone

import (
	"testing"

	"latchkey/app/prompt"
	"latchkey/views/words"
)

func TestEveryPlaceHasItsWords(t *testing.T) {
	for _, p := range prompt.Places {
		if !words.Has(t.Context(), "place."+string(p)) {
			t.Errorf("place.%s: no such text", p)
		}
	}
	if got := place(t.Context(), prompt.Internet); got != "the internet" {
		t.Errorf("place = %q", got)
	}
	if got := place(t.Context(), "Springfield"); got != "Springfield" {
		t.Errorf("what nobody knows here = %q, want it as it is", got)
	}
}
