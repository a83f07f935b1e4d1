package console

import (
	"testing"

	"latchkey/views/words"
)

func TestEveryPlaceHasItsWords(t *testing.T) {
	for _, p := range places {
		for _, key := range []string{"console." + p.name + ".title", "console." + p.name + ".text"} {
			if !words.Has(t.Context(), key) {
				t.Errorf("%s: no such text", key)
			}
		}
	}
}
