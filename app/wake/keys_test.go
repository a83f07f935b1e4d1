package wake_test

import (
	"maps"
	"slices"
	"testing"

	"latchkey/app/wake"
)

func TestKeysByTheirTenants(t *testing.T) {
	got := wake.ByTenant([]string{"ask:alder:1", "ask:birch:2", "ask:alder:3:b", "ask:alder", ""})
	if want := map[string][]string{"alder": {"1", "3:b"}, "birch": {"2"}}; !maps.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("by their tenants they are %v, want %v", got, want)
	}
}
