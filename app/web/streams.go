package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/release"
	"latchkey/app/wake"
)

// Limits of waiting streams (product.md §9).
const (
	streamsPerUser    = 5
	streamsPerAddress = 50
	streamsPerProcess = 20_000
)

// Streams counts the open event streams of this process.
type Streams struct {
	clock   func() time.Time // of the process, for the deadlines of sockets
	running sync.WaitGroup

	mu    sync.Mutex
	total int
	by    map[string]int
}

// NewStreams counts from zero. The clock is that of the process, which sockets go by.
func NewStreams(clock func() time.Time) *Streams {
	return &Streams{clock: clock, by: map[string]int{}}
}

// Open counts the open streams.
func (s *Streams) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// enter takes a place for a stream or fails with fault.Throttled.
func (s *Streams) enter(user, address string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, address = "user "+user, "address "+address
	if s.total >= streamsPerProcess || s.by[user] >= streamsPerUser || s.by[address] >= streamsPerAddress {
		return nil, fault.Wait("http.too_many_streams", 10*time.Second)
	}
	s.total++
	s.by[user]++
	s.by[address]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		for _, key := range []string{user, address} {
			if s.by[key]--; s.by[key] == 0 {
				delete(s.by, key)
			}
		}
	}, nil
}

// Wait returns when every stream has ended, which they do when the hub closes.
func (s *Streams) Wait() { s.running.Wait() }

// writeWait is how long a client may take to take an event.
const writeWait = 10 * time.Second

// Stream is an open answer of server-sent events.
type Stream struct {
	conn  net.Conn
	clock func() time.Time
}

// Event sends one event.
func (s *Stream) Event(name, data string) error {
	return s.write("event: " + name + "\ndata: " + data + "\n\n")
}

func (s *Stream) beat() error { return s.write(":\n\n") }

func (s *Stream) write(text string) error {
	if err := s.conn.SetWriteDeadline(s.clock().Add(writeWait)); err != nil {
		return err
	}
	_, err := io.WriteString(s.conn, text)
	return err
}

// Look writes what is new to the stream and says whether that was all.
type Look func(ctx context.Context, stream *Stream) (done bool, err error)

// Serve opens a stream for user, or for whoever else its places are counted, and calls look at the beginning and each time
// that a key is rung, until look says that it is done or the client leaves. Every
// stream looks again when a feature is released to others: it may have lost what it waits for.
//
// A waiting stream holds no database connection and no timer. Its connection is
// taken out of the HTTP server, whose buffers and request weigh more than all
// the rest: what waits is a socket and one small goroutine. The answer ends with
// the connection.
func (s *Site) Serve(c echo.Context, user string, keys []string, look Look) error {
	leave, err := s.Streams.enter(user, Origin(c).IP)
	if err != nil {
		return err
	}
	// Waiting begins before the first look, so that nothing falls in between.
	waiter := s.Hub.Wait(append(keys, release.Key)...)
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set(echo.HeaderConnection, "close")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Date", s.DB.Now().Format(http.TimeFormat))
	var head strings.Builder
	head.WriteString("HTTP/1.1 200 OK\r\n")
	if err := h.Write(&head); err != nil {
		return err
	}
	head.WriteString("\r\n:\n\n")

	conn, _, err := http.NewResponseController(c.Response().Writer).Hijack()
	if err != nil {
		waiter.Done()
		leave()
		return fault.New(fault.Defect, "defect").Because(fmt.Errorf("web: stream: %w", err))
	}
	c.Response().Committed, c.Response().Status = true, http.StatusOK
	ctx := context.WithoutCancel(c.Request().Context())
	opening := head.String()
	s.Streams.running.Go(func() {
		defer leave()
		defer waiter.Done()
		defer conn.Close()
		stream := &Stream{conn: conn, clock: s.Streams.clock}
		if conn.SetReadDeadline(time.Time{}) != nil || stream.write(opening) != nil {
			return
		}
		left := make(chan struct{})
		s.Streams.running.Go(func() { stream.watch(left) })
		wait(ctx, stream, waiter, left, look)
	})
	return nil
}

// watch closes left when the client leaves. A client has nothing to say on a
// stream, so whatever is read ends it too.
func (s *Stream) watch(left chan<- struct{}) {
	defer close(left)
	var one [1]byte
	_, _ = s.conn.Read(one[:])
}

// wait looks whenever it is woken, each time for as long as a request may work. A
// stream that cannot be served now ends, and its client comes again.
func wait(ctx context.Context, stream *Stream, waiter *wake.Waiter, left <-chan struct{}, look Look) {
	for signal, open := wake.Rung, true; open; {
		var err error
		done := false
		if signal == wake.Beat {
			err = stream.beat()
		} else {
			looking, cancel := context.WithTimeout(ctx, answerWait)
			done, err = look(looking, stream)
			cancel()
		}
		if done || err != nil {
			return
		}
		select {
		case signal, open = <-waiter.Bell():
		case <-left:
			return
		}
	}
}
