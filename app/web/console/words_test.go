package console

import (
	"testing"

	"latchkey/views/words"
)

func TestEveryPlaceHasItsWords(t *testing.T) {
	for _, p := range places {
		if key := "console." + p.name + ".title"; !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
}
