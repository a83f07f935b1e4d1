package signin_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"latchkey/app/fault"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// TestThoseWhoWaitSeeWhatEverybodyElseSees has attempts of two organisations, of a name
// that is nobody's, halfway and by phone, looked at one by one and all at once.
func TestThoseWhoWaitSeeWhatEverybodyElseSees(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		h.User(h.Birch, "user9")
		h.PhoneOf(u)
		type waiting struct {
			addressed string
			from      signin.From
		}
		var all []waiting
		for i, name := range []string{u.Name, "user9@birch.example", "nobody@alder.example", "somebody@nowhere.example"} {
			from := Browser(fmt.Sprint("PC ", i))
			all = append(all, waiting{begin(h, name, from).ID, from})
		}
		onPhone := Browser("another PC")
		all = append(all, waiting{h.Begin(u.Name, signin.Phone, onPhone), onPhone})
		var looking sync.WaitGroup
		for range 20 {
			for i, w := range all {
				looking.Go(func() {
					// Within the wall of one, as a browser is in which somebody is signed in.
					a, _, err := h.SignIn.Watched(store.Within(t.Context(), h.Birch.ID), w.addressed, w.from.BrowserDigest)
					if want := h.Attempt(w.addressed, w.from); err != nil || fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", want) {
						t.Errorf("who waits for %s sees %+v, %v, want %+v", w.addressed, a, err, want)
					}
					other := all[(i+1)%len(all)].from
					for _, row := range [][2]string{{w.addressed, other.BrowserDigest}, {w.addressed + "a", w.from.BrowserDigest}, {"nothing", w.from.BrowserDigest}} {
						if _, _, err := h.SignIn.Watched(t.Context(), row[0], row[1]); !errors.Is(err, fault.NotFound) {
							t.Errorf("%s from another browser: %v", row[0], err)
						}
					}
				})
			}
		}
		looking.Wait()
	})
}
