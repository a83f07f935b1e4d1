package server_test

import (
	"fmt"
	"net/http"
	"testing"
)

// TestWhoWaitsHoldsNoConnection: ten browsers and phones for every connection that
// the database may have, and none of them is used while all wait.
func TestWhoWaitsHoldsNoConnection(t *testing.T) {
	const people, each, connections = 6, 5, 4
	onBothWith(t, trusting("127.0.0.0/8"), func(t *testing.T, w *world) {
		w.DB.Pool().SetMaxOpenConns(connections)
		unused := func(what string) {
			t.Helper()
			until(t, what+" hold no connection", func() bool { return w.DB.InUse() == 0 })
		}
		scenes := make([]*scene, people)
		listening, waiting := make([][]*stream, people), make([][]*stream, people)
		for i := range people {
			name := fmt.Sprintf("user%d@alder.example", i+1)
			s := &scene{world: w, name: name, b: w.browser(t)}
			s.ph, s.pc = w.withPhone(t, name)
			for range each {
				r := s.ph.request(t, http.MethodGet, "/events", nil)
				r.Header.Set("X-Forwarded-For", "203.0.113.1") // an address has fifty places
				listening[i] = append(listening[i], open(t, s.ph.client, r))
			}
			scenes[i] = s
		}
		if got := w.Site.Streams.Open(); got != people*each {
			t.Fatalf("%d phones listen, want %d", got, people*each)
		}
		unused("phones that wait")
		for i, s := range scenes {
			s.attempt = s.b.askPhone(t, s.name)
			asks := s.ph.asks(t)
			for _, one := range listening[i] {
				one.says(t, "request "+asks.ID)
			}
			for range each {
				one := s.b.watch(t, s.attempt)
				one.says(t, "state pending")
				waiting[i] = append(waiting[i], one)
			}
		}
		if got := w.Site.Streams.Open(); got != 2*people*each {
			t.Fatalf("%d streams are open, want %d", got, 2*people*each)
		}
		unused("browsers and phones that wait")
		for i, s := range scenes {
			s.ph.approves(t, s.b, s.attempt)
			for _, one := range waiting[i] {
				one.says(t, "state approved", "(ended)")
			}
		}
		until(t, "only phones to wait", func() bool { return w.Site.Streams.Open() == people*each })
		unused("phones that wait on")
	})
}
