package signintest

import (
	"testing"

	"latchkey/app/fault"
)

// Tally counts errors by their code; nil is "done".
func Tally(errs []error) map[string]int {
	counted := map[string]int{}
	for _, err := range errs {
		switch f := fault.Of(err); {
		case err == nil:
			counted["done"]++
		case f != nil:
			counted[f.Code]++
		default:
			counted[err.Error()]++
		}
	}
	return counted
}

// WantCode fails the story unless err is a failure with this code.
func WantCode(t testing.TB, what string, err error, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Code != code {
		t.Errorf("%s = %v, want %s", what, err, code)
	}
}

// Replica is another replica over the same database.
func (h *House) Replica() *House {
	h.T.Helper()
	other := Build(h.T, h.DB, h.Clock)
	other.Alder, other.Birch = h.Alder, h.Birch
	return other
}
