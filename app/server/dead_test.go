package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/access"
	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
	"latchkey/app/wake"
	"latchkey/app/web"
)

// TestTheClocksKeepWithinFiveSeconds: what was ended is dead within them also where
// every hint is lost (product.md §3). Pages and calls ask the database each time; the
// rest is read again by these clocks: roles on every replica (access.Rules.Run, whose
// tests show that a change is seen at the next tick), and what streams rest on (the
// hub, likewise), which for a role comes one after the other.
func TestTheClocksKeepWithinFiveSeconds(t *testing.T) {
	for what, wait := range map[string]time.Duration{
		"a role is taken":                         access.ReloadWait,
		"a stream rests on a session or a device": wake.PollWait,
		"a stream rests on a role":                access.ReloadWait + wake.PollWait,
	} {
		if wait <= 0 || wait > dead {
			t.Errorf("%s: %v may pass, more than %v", what, wait, dead)
		}
	}
	if dead != 5*time.Second {
		t.Errorf("dead means within %v", dead)
	}
}

// nobody is a wire that carries nothing: every hint is lost.
type nobody struct{}

func (nobody) Notify(context.Context, string) error       { return nil }
func (nobody) Listen(ctx context.Context, _ func(string)) { <-ctx.Done() }

// taken is an answer whose connection can be taken, as streams do.
type taken struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (w taken) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, nil, nil }

// TestAStreamEndsByTheClockWithinFiveSeconds: that of a console and that of a phone,
// when what it rests on is ended behind the back of its replica, with no hint at all,
// by a clock that is not the machine's.
func TestAStreamEndsByTheClockWithinFiveSeconds(t *testing.T) {
	const userOf = " WHERE user_id = (SELECT id FROM users WHERE name = ?)"
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "http://localhost"))
			w.Still() // a connection that is taken inside a bubble is of no use outside
			stop := time.Now()
			w.DB.SetClock(func() time.Time { return stop })
			at, err := url.Parse(w.URL)
			if err != nil {
				t.Fatal(err)
			}
			console := func(t *testing.T, name string) *http.Request {
				b := w.browser(t).signIn(t, name)
				b.get(t, inbox).want(t, http.StatusOK)
				r := b.request(t, http.MethodGet, inbox+"/live", nil)
				for _, c := range b.client.Jar.Cookies(at) {
					r.AddCookie(c)
				}
				return r
			}
			listening := func(t *testing.T, name string) *http.Request {
				ph, _ := w.withPhone(t, name)
				// What reads rows of a kind is made ready once, and not in a bubble.
				if _, err := w.Prompts.Open(t.Context(), ph.device); err != nil {
					t.Fatal(err)
				}
				return ph.request(t, http.MethodGet, "/events", nil)
			}
			for i, row := range []struct {
				claim string
				opens func(t *testing.T, name string) *http.Request
				name  string // "" is somebody for whom nothing has ended yet
				end   string
			}{
				{"the console of a user who is locked", console, "desk@alder.example", "UPDATE users SET state = 'locked', locked_at = created_at WHERE name = ?"},
				{"the console of a user who is disabled", console, "desk@alder.example", "UPDATE users SET state = 'disabled' WHERE name = ?"},
				{"the console of a session that has ended", console, "desk@alder.example", "UPDATE sessions SET ended_at = last_seen_at" + userOf},
				{"the console of a tenant that allows less", console, "desk@alder.example", "UPDATE tenants SET idle_minutes = 5 WHERE id = (SELECT tenant_id FROM users WHERE name = ?)"},
				{"the console of a tenant that is suspended", console, "desk@alder.example", "UPDATE tenants SET state = 'suspended' WHERE id = (SELECT tenant_id FROM users WHERE name = ?)"},
				{"the console of a role that is taken", console, "desk@alder.example", "DELETE FROM role_assignments" + userOf},
				{"a phone that is revoked", listening, "", "UPDATE devices SET state = 'revoked', ended_at = created_at" + userOf},
				{"a phone of a user who is locked", listening, "", "UPDATE users SET state = 'locked', locked_at = created_at WHERE name = ?"},
				{"a phone of a user who is disabled", listening, "", "UPDATE users SET state = 'disabled' WHERE name = ?"},
				{"a phone of a tenant that is suspended", listening, "", "UPDATE tenants SET state = 'suspended' WHERE id = (SELECT tenant_id FROM users WHERE name = ?)"},
			} {
				t.Run(row.claim, func(t *testing.T) {
					defer w.act(t, "UPDATE tenants SET idle_minutes = 60, state = 'active'")
					defer w.act(t, "UPDATE users SET state = 'active', locked_at = NULL WHERE state <> 'active'")
					if row.name == "" {
						row.name = fmt.Sprintf("user%d@alder.example", i+1)
					}
					r := row.opens(t, row.name)
					r.Host, r.RemoteAddr, r.RequestURI = at.Host, "127.0.0.1:1", r.URL.RequestURI()
					if strings.Contains(row.end, "idle_minutes") {
						stop = stop.Add(6 * time.Minute)
						w.ahead.Add(int64(6 * time.Minute)) // what phones go by
					}
					if err := w.Rules.Reload(t.Context()); err != nil {
						t.Fatal(err)
					}
					hub, streams := w.Site.Hub, w.Site.Streams
					defer func() { w.Site.Hub, w.Site.Streams = hub, streams }()
					storetest.Bubble(t, w.DB, func(t *testing.T) {
						ctx, over := context.WithCancel(context.Background())
						hub := wake.NewHub(nobody{}, "here")
						hub.LookFor("seat", w.Site.LostSeats)
						hub.LookFor("user", w.Prompts.Asked)
						w.Site.Hub, w.Site.Streams = hub, web.NewStreams(time.Now)
						var running sync.WaitGroup
						running.Go(func() { hub.Run(ctx) })
						running.Go(func() { w.Rules.Run(ctx) })
						ours, theirs := net.Pipe()
						ended := make(chan time.Time, 1)
						go func() {
							chunk := make([]byte, 4096)
							for {
								if _, err := theirs.Read(chunk); err != nil {
									ended <- time.Now()
									return
								}
							}
						}()
						w.Handler.ServeHTTP(taken{httptest.NewRecorder(), ours}, r.WithContext(ctx))
						time.Sleep(7 * wake.PollWait)
						synctest.Wait()
						select {
						case <-ended:
							t.Error("the stream ended before anything happened")
						default:
						}
						began := time.Now()
						w.act(t, row.end, row.name)
						select {
						case at := <-ended:
							if took := at.Sub(began); took > dead {
								t.Errorf("the stream ended after %v, want %v at most", took, dead)
							}
						case <-time.After(time.Minute):
							t.Error("the stream is open after a minute")
						}
						over()
						running.Wait()
						theirs.Close()
						w.Site.Streams.Wait()
					})
				})
			}
		})
	}
}
