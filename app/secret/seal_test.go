package secret

import (
	"strings"
	"testing"
)

func TestWhatIsSealedOpensInItsPlaceAlone(t *testing.T) {
	k, err := NewKeys([]byte("a master key that only tests have"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKeys([]byte("another master key of the tests.."))
	if err != nil {
		t.Fatal(err)
	}
	const text = "JBSWY3DPEHPK3PXP"
	sealed, err := k.Seal("alder", "totps.seed 1", text)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, text) {
		t.Error("the text stands in what is sealed")
	}
	if again, _ := k.Seal("alder", "totps.seed 1", text); again == sealed {
		t.Error("sealed twice is the same: the nonce is not random")
	}
	if got, err := k.Open("alder", "totps.seed 1", sealed); err != nil || got != text {
		t.Errorf("Open = %q, %v", got, err)
	}
	for claim, open := range map[string]func() (string, error){
		"another tenant":        func() (string, error) { return k.Open("birch", "totps.seed 1", sealed) },
		"another place":         func() (string, error) { return k.Open("alder", "totps.seed 2", sealed) },
		"another master key":    func() (string, error) { return other.Open("alder", "totps.seed 1", sealed) },
		"a letter changed":      func() (string, error) { return k.Open("alder", "totps.seed 1", flip(sealed)) },
		"cut short":             func() (string, error) { return k.Open("alder", "totps.seed 1", sealed[:len(sealed)-6]) },
		"nothing":               func() (string, error) { return k.Open("alder", "totps.seed 1", "") },
		"only the way":          func() (string, error) { return k.Open("alder", "totps.seed 1", sealing) },
		"not sealed":            func() (string, error) { return k.Open("alder", "totps.seed 1", text) },
		"sealed in another way": func() (string, error) { return k.Open("alder", "totps.seed 1", "2."+sealed[2:]) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens as %q", claim, got)
		}
	}
}

// flip changes one letter in the middle.
func flip(text string) string {
	b := []byte(text)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
