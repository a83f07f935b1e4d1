package signin

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"latchkey/views/component"
)

func phonePage() (component.Page, Phone) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	return component.Page{Title: "Sign in", TenantName: "Alder Health", CSRF: strings.Repeat("c", 43), Now: now},
		Phone{Attempt: "alder-attempt", UserName: "user1@alder.example", State: Pending, Number: "42", StartedAt: now, ExpiresAt: now.Add(2 * time.Minute)}
}

func TestNumberIsTheTextOfItsElementAlone(t *testing.T) {
	page, v := phonePage()
	var b bytes.Buffer
	if err := PhonePage(page, v).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`id="match-number" aria-hidden="true">42</span>`, `data-step="phone"`, `four two`} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the number page has no %s", part)
		}
	}
}

func BenchmarkNumberPage(b *testing.B) {
	page, v := phonePage()
	for b.Loop() {
		if err := PhonePage(page, v).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
