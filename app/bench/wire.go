package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	wireWait = 30 * time.Second
	maxBody  = 8 << 20
)

// wire is one kept HTTP/1.1 connection, for one goroutine. It exists because
// net/http's client costs several times more, on cores that the server needs.
type wire struct {
	address string // host:port
	source  net.IP // nil lets the system choose
	conn    net.Conn
	r       *bufio.Reader
	out     []byte // request being written
	body    []byte // of the last response
}

// response is valid until the next request on its wire.
type response struct {
	status   int
	location string   // path and query only
	cookies  []string // name=value; value empty when the cookie is taken away
	body     []byte
	chunked  bool
	length   int // -1 when not told
	closes   bool
}

func (w *wire) dial() error {
	dialer := net.Dialer{Timeout: wireWait}
	if w.source != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: w.source}
	}
	conn, err := dialer.Dial("tcp", w.address)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	w.conn = conn
	if w.r == nil {
		w.r = bufio.NewReaderSize(conn, 4096)
	} else {
		w.r.Reset(conn)
	}
	return nil
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// do sends one request and reads the whole answer. Headers come as
// "Name: value" lines.
func (w *wire) do(method, path, host string, headers []string, body string) (response, error) {
	res, err := w.open(method, path, host, headers, body)
	if err == nil {
		err = w.readBody(&res)
	}
	if err != nil || res.closes {
		w.close()
	}
	if err != nil {
		return response{}, fmt.Errorf("bench: %s %s: %w", method, path, err)
	}
	return res, nil
}

// open sends one request and reads the head of the answer.
func (w *wire) open(method, path, host string, headers []string, body string) (response, error) {
	if w.conn == nil {
		if err := w.dial(); err != nil {
			return response{}, err
		}
	}
	b := w.out[:0]
	b = append(append(append(append(b, method...), ' '), path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, host...), "\r\n"...)
	for _, h := range headers {
		b = append(append(b, h...), "\r\n"...)
	}
	if body != "" || method != "GET" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(append(b, "\r\n"...), body...)
	w.out = b
	if err := w.conn.SetDeadline(time.Now().Add(wireWait)); err != nil {
		return response{}, err
	}
	if _, err := w.conn.Write(b); err != nil {
		return response{}, err
	}
	return w.readHead()
}

func (w *wire) readHead() (response, error) {
	res := response{length: -1}
	line, err := w.line()
	if err != nil {
		return res, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return res, fmt.Errorf("status line %q", line)
	}
	if res.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return res, err
	}
	for {
		if line, err = w.line(); err != nil {
			return res, err
		}
		if len(line) == 0 {
			return res, nil
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return res, fmt.Errorf("header %q", line)
		}
		name, value := line[:colon], bytes.TrimSpace(line[colon+1:])
		switch {
		case is(name, "content-length"):
			if res.length, err = strconv.Atoi(string(value)); err != nil {
				return res, err
			}
		case is(name, "transfer-encoding"):
			res.chunked = is(value, "chunked")
		case is(name, "connection"):
			res.closes = is(value, "close")
		case is(name, "location"):
			res.location = pathOf(string(value))
		case is(name, "set-cookie"):
			res.cookies = append(res.cookies, cookieOf(string(value)))
		}
	}
}

func is(got []byte, want string) bool {
	return len(got) == len(want) && bytes.EqualFold(got, []byte(want))
}

// line gives the next line without its end, valid until the next read.
func (w *wire) line() ([]byte, error) {
	line, err := w.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func (w *wire) readBody(res *response) error {
	w.body = w.body[:0]
	switch {
	case res.status == 204 || res.status == 304:
	case res.chunked:
		for {
			line, err := w.line()
			if err != nil {
				return err
			}
			size, err := strconv.ParseUint(string(line), 16, 31)
			if err != nil {
				return err
			}
			if err := w.take(int(size)); err != nil {
				return err
			}
			if _, err := w.line(); err != nil { // end of the chunk, or of the trailer
				return err
			}
			if size == 0 {
				break
			}
		}
	case res.length >= 0:
		if err := w.take(res.length); err != nil {
			return err
		}
	default:
		return errors.New("an answer without a length")
	}
	res.body = w.body
	return nil
}

// take appends the next n bytes to the body.
func (w *wire) take(n int) error {
	start := len(w.body)
	if start+n > maxBody {
		return errors.New("the answer is too long")
	}
	w.body = append(w.body, make([]byte, n)...)
	_, err := io.ReadFull(w.r, w.body[start:])
	return err
}

// pathOf cuts scheme and host off an address.
func pathOf(location string) string {
	if _, after, found := strings.Cut(location, "://"); found {
		if slash := strings.IndexByte(after, '/'); slash >= 0 {
			return after[slash:]
		}
		return "/"
	}
	return location
}

// cookieOf keeps name=value of a Set-Cookie, and name= when it takes one away.
func cookieOf(header string) string {
	pair, attributes, _ := strings.Cut(header, ";")
	lower := strings.ToLower(attributes)
	if strings.Contains(lower, "max-age=0") || strings.Contains(lower, "max-age=-") {
		name, _, _ := strings.Cut(pair, "=")
		return name + "="
	}
	return pair
}
