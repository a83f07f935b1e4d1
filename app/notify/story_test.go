package notify_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/notify"
	"latchkey/app/notify/notifytest"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
)

// TestARequestWakesThePhone: from the name on the page to the notification, and
// what becomes of a browser that has thrown its subscription away.
func TestARequestWakesThePhone(t *testing.T) {
	signintest.Each(t, func(h *signintest.House) {
		t, ctx := h.T, h.T.Context()
		s, b := notifytest.PushService(t), notifytest.Subscribe(t)
		u := h.User(h.Alder, "user1")
		p, a := h.PhoneOf(u)
		if err := h.Devices.PutPush(ctx, []device.Account{a}, b.At(s.URL+"/one"), audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		working, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		w := &notify.Worker{
			DB: h.DB, Log: slog.New(slog.DiscardHandler), Nudge: h.Prompts.Nudge, Gone: h.Devices.PushGone,
			Senders: map[string]notify.Sender{notify.KindPush: sender(t)},
			Again:   func(int) (time.Duration, bool) { return 0, true }, // the clock stands
		}
		go func() { w.Run(working); close(ended) }()
		defer func() { stop(); <-ended }()

		ask := func() (notifytest.Delivery, string) {
			h.Begin(u.Name, signin.Phone, signintest.Browser("a PC"))
			select {
			case d := <-s.Got:
				return d, p.Open().ID
			case <-time.After(time.Minute):
				t.Fatal("nothing was pushed for a minute")
				return notifytest.Delivery{}, ""
			}
		}
		d, request := ask()
		var said struct{ Request string }
		if err := json.Unmarshal([]byte(b.Read(d.Body)), &said); err != nil || said.Request != request {
			t.Errorf("the phone is told of %q, %v; want %q", said.Request, err, request)
		}
		if got := d.Header.Get("Ttl"); got != "120" { // the clock stands
			t.Errorf("the message is kept for %s s, want the life of the request", got)
		}

		s.Answer.Store(http.StatusGone)
		h.Clock.Forward(time.Minute)
		ask()
		for end := time.Now().Add(time.Minute); h.Text("SELECT push_subscription FROM devices WHERE account_id = ?", a.AccountID) != ""; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the subscription of a browser that is gone is kept")
			}
		}
		h.Clock.Forward(10 * time.Minute)
		h.Begin(u.Name, signin.Phone, signintest.Browser("a PC"))
		if got := h.Count("SELECT count(*) FROM outbox"); got != 2 {
			t.Errorf("%d notices were queued, want none without a subscription", got-2)
		}
	})
}
