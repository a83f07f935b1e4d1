package importing_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/importing"
)

// TestManyPeople says, with -v, how long a list takes on each database: two
// thousand people, or with LATCHKEY_WHOLE_LIST the twenty thousand that a list may
// have. It fails only when somebody would give up waiting.
func TestManyPeople(t *testing.T) {
	people := 2_000
	if os.Getenv("LATCHKEY_WHOLE_LIST") != "" {
		people = 20_000
	}
	each(t, func(t *testing.T, h *house) {
		h.group("pilot", "")
		h.group("Night shift", "")
		list := func(display string) string {
			var b strings.Builder
			b.WriteString("name,display_name,groups\r\n")
			for i := range people {
				fmt.Fprintf(&b, "person.%05d@alder.example,%s Number %d,pilot; night shift\r\n", i, display, i)
			}
			return b.String()
		}
		for _, step := range []struct {
			claim, display string
			created        int
		}{{"made", "Somebody", people}, {"renamed", "Somebody Else", 0}, {"left as they are", "Somebody Else", 0}} {
			began := time.Now()
			i := h.check(h.admin, list(step.display))
			checked := time.Since(began)
			if len(i.Problems) > 0 || i.New != step.created {
				t.Fatalf("%s: %d new, problems %.300s", step.claim, i.New, wrong(i))
			}
			if i.Total == 0 {
				t.Logf("%d people %s: checked in %s", people, step.claim, checked.Round(time.Millisecond))
				continue
			}
			began = time.Now()
			if _, err := h.run(h.admin, i); err != nil {
				t.Fatal(err)
			}
			asked := time.Since(began)
			began = time.Now()
			if err := h.Imports.TakeUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if i = h.import_(h.admin, i.ID); i.State != importing.Done || i.Done != people {
				t.Fatalf("%s: %s, %d done: %.300s", step.claim, i.State, i.Done, wrong(i))
			}
			t.Logf("%d people %s: checked in %s, asked for in %s, carried out in %s", people, step.claim,
				checked.Round(time.Millisecond), asked.Round(time.Millisecond), took.Round(time.Millisecond))
			if took > 5*time.Minute {
				t.Errorf("%d people took %s", people, took)
			}
		}
		if n := h.Count("SELECT count(*) FROM users WHERE name LIKE 'person.%'"); n != people {
			t.Errorf("%d people are there", n)
		}
	})
}
