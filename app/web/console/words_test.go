package console

import (
	"testing"

	"latchkey/views/words"
)

func TestEveryPlaceHasItsWords(t *testing.T) {
	for _, group := range places {
		keys := []string{}
		if group.head != "" {
			keys = append(keys, "console.head."+group.head)
		}
		for _, p := range group.lines {
			keys = append(keys, "console."+p.name+".title")
		}
		for _, key := range keys {
			if !words.Has(t.Context(), key) {
				t.Errorf("%s: no such text", key)
			}
		}
	}
}
