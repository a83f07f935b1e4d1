package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestWhatWasBegunIsAnsweredAtTheEnd: a program that is told to stop takes
// nothing new, ends what only waits, and answers what it has begun.
func TestWhatWasBegunIsAnsweredAtTheEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.scene(t, "user1@alder.example")
		page, phone := s.b.watch(t, s.attempt), s.ph.listen(t)
		page.says(t, "state pending")
		phone.says(t, "request "+s.ph.asks(t).ID)

		b := w.browser(t)
		b.get(t, "/signin")
		fields := b.form("identifier", "user2@alder.example").Encode()
		address := strings.TrimPrefix(w.URL, "http://")
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		cookie := b.client.Jar.Cookies(must(url.Parse(w.URL)))[0]
		fmt.Fprintf(conn, "POST /signin HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nCookie: %s=%s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
			address, formType, cookie.Name, cookie.Value, len(fields))
		answer := bufio.NewReader(conn)
		if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
			t.Fatalf("%q, %v; want 100 Continue", line, err)
		}

		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			w.Stop()
		}()
		page.ends(t, late)
		phone.ends(t, late)
		until(t, "nobody to be let in", func() bool {
			again, err := net.Dial("tcp", address)
			if err == nil {
				again.Close()
			}
			return err != nil
		})
		select {
		case <-stopped:
			t.Fatal("it ended before it had answered")
		default:
		}
		if _, err := answer.ReadString('\n'); err != nil { // the empty line after 100 Continue
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, fields); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answer, nil)
		if err != nil || res.StatusCode != http.StatusSeeOther {
			t.Fatalf("what was begun is answered with %v, %v; want 303", res, err)
		}
		<-stopped
	})
}
