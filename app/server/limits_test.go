package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/app/secret"
	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// The limits of product.md §9 as those outside meet them; how they are counted
// is told where they are counted.

// retryAfter reads how long one is told to wait.
func (a answer) retryAfter(t testing.TB) time.Duration {
	t.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Errorf("%s = %d with Retry-After %q", a.asked, a.status, a.header.Get("Retry-After"))
	}
	return time.Duration(seconds) * time.Second
}

// within says whether d is at most what is wanted, and not much less.
func within(d, want time.Duration) bool { return d <= want && d > want-30*time.Second }

func TestWrongPasswordsEndTheAttemptThenPauseAndThenTurnOffTheWay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, name := range []string{"user1@alder.example", "nobody@alder.example", "nobody@nowhere.example"} {
			t.Run(name, func(t *testing.T) {
				b := w.browser(t)
				for range 2 {
					attempt := b.begin(t, name)
					for range 5 {
						b.post(t, attempt+"/verify", "password", "wrong").want(t, http.StatusUnauthorized)
					}
					// Over, for the right password too.
					b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusUnauthorized)
					b.get(t, attempt).want(t, http.StatusUnauthorized)
					b.post(t, attempt+"/method", "method", "phone").want(t, http.StatusUnauthorized)
				}
				// Ten in a row: the way is paused, whatever the password.
				verify := func() answer {
					t.Helper()
					return b.post(t, b.begin(t, name)+"/verify", "password", passwordOfAll)
				}
				if wait := verify().want(t, http.StatusTooManyRequests).retryAfter(t); !within(wait, 15*time.Minute) {
					t.Errorf("after ten wrong passwords one waits for %s, want 15m", wait)
				}
				w.forward(t, 14*time.Minute)
				verify().want(t, http.StatusTooManyRequests)
				w.forward(t, time.Minute+time.Second)
				if a := verify(); name == "user1@alder.example" {
					a.want(t, http.StatusSeeOther) // and the count begins anew
					verify().want(t, http.StatusSeeOther)
				} else {
					a.want(t, http.StatusUnauthorized)
				}
				// A hundred in a row turn it off: waiting does not help.
				w.act(t, "UPDATE throttles SET in_a_row = 99, paused_until = NULL WHERE subject = ?", w.Keys.Subject(name))
				b.post(t, b.begin(t, name)+"/verify", "password", "wrong").want(t, http.StatusUnauthorized)
				w.forward(t, 30*24*time.Hour)
				verify().want(t, http.StatusTooManyRequests).retryAfter(t)
			})
		}
		// The other way is not touched by it.
		w.browser(t).askPhone(t, "user1@alder.example")
	})
}

func TestFiveHundredGuessesAtOnceAreFive(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		attempt := b.begin(t, "user1@alder.example")
		guesses := make([]*http.Request, 500)
		for i := range guesses {
			guesses[i] = b.request(t, http.MethodPost, attempt+"/verify", strings.NewReader(b.form("password", fmt.Sprint("guess ", i)).Encode()), "Content-Type", formType)
		}
		if counts := atOnce(t, b.client, guesses); counts[http.StatusUnauthorized] != len(guesses) {
			t.Errorf("500 wrong passwords at once = %v, want 401 for each", counts)
		}
		var checked int
		w.one(t, &checked, "SELECT count(*) FROM audit_events WHERE reason = 'signin.password_wrong'")
		if checked != 5 {
			t.Errorf("%d of 500 guesses at once were checked, want 5", checked)
		}
	})
}

func TestAPasswordThatWaitsTooLongForItsTurnIsNotTried(t *testing.T) {
	t.Parallel()
	w := quiet(servertest.Quiet(t, store.SQLite, "https://id.example.org"))
	w.SignIn.Passwords = &secret.Passwords{} // a gate without a place
	b := w.browser(t)
	attempt := b.begin(t, "user1@alder.example")
	before := w.standing(t)
	a := b.post(t, attempt+"/verify", "password", passwordOfAll)
	a.unavailable(t)
	w.unchanged(t, "a password that was not tried", before)
}

func TestHowLongASessionLasts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		idle, busy := w.browser(t).signIn(t, "user1@alder.example"), w.browser(t).signIn(t, "user2@alder.example")
		w.forward(t, 59*time.Minute)
		if !idle.signedIn(t) || !busy.signedIn(t) {
			t.Error("a session ends before its hour")
		}
		w.forward(t, time.Hour)
		if idle.signedIn(t) {
			t.Error("a session that nobody used for an hour lives on")
		}
		busy = w.browser(t).signIn(t, "user2@alder.example")
		for range 28 {
			w.forward(t, 50*time.Minute)
			if !busy.signedIn(t) {
				t.Fatal("a session that is used ends before its day")
			}
		}
		w.forward(t, 39*time.Minute)
		if !busy.signedIn(t) {
			t.Error("a session that is used ends before its day")
		}
		w.forward(t, time.Minute)
		if busy.signedIn(t) {
			t.Error("a session lives for longer than a day")
		}
	})
}

func TestAHeldRequestSaysWhenAndComesByItself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		first, second := w.browser(t), w.browser(t)
		shown := first.askPhone(t, name)
		held := second.begin(t, name)
		page := second.get(t, held).want(t, http.StatusTooManyRequests)
		if first := page.retryAfter(t); !within(first, 2*time.Minute) || step(page) != "phone" || number(page) != "" || second.state(t, held) != "held" {
			t.Errorf("a second request while one is visible: wait %s, step %q, number %q", first, step(page), number(page))
		}
		second.watch(t, held).says(t, "state held", "(ended)")
		if len(ph.requests(t)) != 1 {
			t.Error("the phone shows two requests at once")
		}
		ph.approves(t, first, shown)
		until(t, "the held request to be sent", func() bool { return second.state(t, held) == "pending" })
		r := ph.asks(t)
		if third := w.browser(t); third.get(t, third.begin(t, name)).status != http.StatusTooManyRequests {
			t.Error("a third request is not held")
		}
		// "It is not me" leaves the phone alone for an hour.
		ph.answers(t, r, "report", "").want(t, http.StatusOK)
		fourth := w.browser(t)
		attempt := fourth.begin(t, name)
		if wait := fourth.get(t, attempt).want(t, http.StatusTooManyRequests).retryAfter(t); !within(wait, time.Hour) {
			t.Errorf("after a report the phone is left alone for %s, want 1h", wait)
		}
		// The way stays offered, and so does the other one.
		fourth.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
		fourth.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
	})
}

func TestFiveStreamsOfOneUser(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "user1@alder.example")
		b := w.browser(t)
		attempt := b.begin(t, "user2@alder.example")
		for claim, one := range map[string]func() *stream{
			"who waits at a number page": func() *stream { return b.watch(t, attempt) },
			"a phone":                    func() *stream { return ph.listen(t) },
		} {
			t.Run(claim, func(t *testing.T) {
				var five []*stream
				for range 5 {
					s := one()
					s.answer.want(t, http.StatusOK)
					five = append(five, s)
				}
				s := one()
				if s.answer.is(t, http.StatusTooManyRequests) {
					s.answer.retryAfter(t)
					headersOf(t, s.answer)
				}
				// Who waits for the same name elsewhere has places of their own.
				other := w.browser(t)
				other.watch(t, other.begin(t, "user2@alder.example")).answer.want(t, http.StatusOK)
				five[2].close()
				until(t, "the place of a stream that was left", func() bool { return one().answer.status == http.StatusOK })
			})
		}
	})
}

func TestFiftyStreamsOfOneAddress(t *testing.T) {
	for claim, c := range map[string]struct {
		trusted       []string
		elsewhereToo  int
		forgedAddress string
	}{
		"a client cannot make an address up": {nil, http.StatusTooManyRequests, "203.0.113.%d"},
		"behind a proxy each has their own":  {[]string{"127.0.0.0/8"}, http.StatusOK, "203.0.113.%d"},
	} {
		t.Run(claim, func(t *testing.T) {
			onBothWith(t, trusting(c.trusted...), func(t *testing.T, w *world) {
				watch := func(i int, address string) *stream {
					b := w.browser(t)
					return open(t, b.client, b.request(t, http.MethodGet, b.begin(t, fmt.Sprintf("user%d@alder.example", i))+"/events", nil, "X-Forwarded-For", address))
				}
				for i := range 50 {
					watch(1+i/5, "203.0.113.1").answer.want(t, http.StatusOK)
				}
				watch(11, "203.0.113.1").answer.is(t, http.StatusTooManyRequests)
				watch(12, "203.0.113.2").answer.is(t, c.elsewhereToo)
			})
		})
	}
}

func TestWhatIsTooLarge(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		b.get(t, "/signin")
		form := func(size int) *strings.Reader {
			text := b.form("identifier", "user1@alder.example", "padding", "").Encode()
			return strings.NewReader(text + strings.Repeat("x", size-len(text)))
		}
		post := func(size int) *http.Request {
			return b.request(t, http.MethodPost, "/signin", form(size), "Content-Type", formType)
		}
		send(t, b.client, post(64<<10)).is(t, http.StatusSeeOther)
		send(t, b.client, post(64<<10+1)).is(t, http.StatusRequestEntityTooLarge)
		chunked := post(64 << 10)
		chunked.ContentLength = -1
		send(t, b.client, chunked).is(t, http.StatusSeeOther)
		chunked = post(64<<10 + 1)
		chunked.ContentLength = -1
		send(t, b.client, chunked).is(t, http.StatusRequestEntityTooLarge)

		// On a connection that is kept, net/http takes 4 KiB more.
		b.get(t, "/signin", "X-Padding", strings.Repeat("x", 15<<10)).is(t, http.StatusOK)
		transport.CloseIdleConnections()
		b.get(t, "/signin", "X-Padding", strings.Repeat("x", 16<<10)).is(t, http.StatusRequestHeaderFieldsTooLarge)
		b.get(t, "/signin?"+strings.Repeat("x", 20<<10)).is(t, http.StatusRequestHeaderFieldsTooLarge)
		many := []string{}
		for i := range 2000 {
			many = append(many, "X-"+strconv.Itoa(i), "1")
		}
		b.get(t, "/signin", many...).is(t, http.StatusRequestHeaderFieldsTooLarge)
	})
}

// TestAnAddressBeginsSoManySignIns: whatever the names are.
func TestAnAddressBeginsSoManySignIns(t *testing.T) {
	few := func(s *server.Settings) { s.SignInsPerMinute, s.TrustedProxies = 4, []string{"127.0.0.0/8"} }
	onBothWith(t, few, func(t *testing.T, w *world) {
		began := time.Now() // the clock stands but for w.forward: on a busy machine more are let in meanwhile
		w.DB.SetClock(func() time.Time { return began.Add(time.Duration(w.ahead.Load())) })
		var refused []answer
		for i, name := range []string{"user1@alder.example", "user0@alder.example", "user1@nowhere.example"} {
			b := w.browser(t)
			from := func(host int) answer {
				b.get(t, "/signin")
				return send(t, b.client, b.request(t, http.MethodPost, "/signin", strings.NewReader(b.form("identifier", name).Encode()),
					"Content-Type", formType, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", host)))
			}
			for range 4 {
				from(10+i).is(t, http.StatusSeeOther)
			}
			a := from(10 + i)
			if a.is(t, http.StatusTooManyRequests) && a.retryAfter(t) > 15*time.Second {
				t.Errorf("%s waits for %s", name, a.header.Get("Retry-After"))
			}
			headersOf(t, a)
			refused = append(refused, a)
			from(20+i).is(t, http.StatusSeeOther)
			w.forward(t, 15*time.Second)
			from(10+i).is(t, http.StatusSeeOther)
		}
		for i, a := range refused {
			if content(a) != content(refused[0]) {
				t.Errorf("the refusal of name %d reads unlike the first:\n%s\n%s", i+1, excerpt(a.body), excerpt(refused[0].body))
			}
		}
	})
}

// TestReadinessIsTriedOnceASecond: it writes, so it must not be a way to make us write.
func TestReadinessIsTriedOnceASecond(t *testing.T) {
	w := quiet(servertest.Quiet(t, store.SQLite, "https://id.example.org"))
	c := &counting{seen: map[string]int{}}
	c.attach(t, w.DB)
	b := w.browser(t)
	until := time.Now().Add(900 * time.Millisecond)
	if first := c.of(func() { b.get(t, "/readyz").want(t, http.StatusOK) }); !strings.Contains(first, "INSERT INTO audit_events:1") {
		t.Errorf("readiness makes %s, want an event tried", first)
	}
	again := c.of(func() {
		for range 20 {
			b.get(t, "/readyz").want(t, http.StatusOK)
		}
	})
	if time.Now().Before(until) && !strings.HasPrefix(again, "map[] ") {
		t.Errorf("readiness twenty times more makes %s, want nothing", again)
	}
}
