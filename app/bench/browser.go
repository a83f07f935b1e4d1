package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"latchkey/app/phone"
)

// worker is one person after another: a PC's browser and a phone.
type worker struct {
	target   *Target
	host     string // as browsers and phones name the service
	origin   string // public address
	pc       *wire
	phone    *wire
	cookies  []string // of the present browser, name=value
	headers  []string // scratch
	requests int64    // answered so far
}

// attempt is a sign-in that waits for its phone.
type attempt struct{ path, csrf, number string }

func newWorker(t *Target) (*worker, error) {
	w := &worker{target: t, origin: t.PublicURL}
	if w.origin == "" {
		w.origin = t.BaseURL
	}
	u, err := url.Parse(w.origin)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	w.host = u.Host
	if w.pc, err = wireTo(t.BaseURL); err != nil {
		return nil, err
	}
	phoneURL := t.PhoneURL
	if phoneURL == "" {
		phoneURL = t.BaseURL
	}
	w.phone, err = wireTo(phoneURL)
	return w, err
}

func wireTo(base string) (*wire, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if u.Scheme != "http" || u.Port() == "" {
		return nil, fmt.Errorf("bench: %s: the bench speaks http to host:port only", base)
	}
	return &wire{address: u.Host}, nil
}

func (w *worker) close() {
	w.pc.close()
	w.phone.close()
}

// signIn is one complete phone sign-in; afterwards the browser has a session.
func (w *worker) signIn(u *User) error {
	a, err := w.begin(u)
	if err != nil {
		return err
	}
	signed, id, err := w.sign(u, a)
	if err != nil {
		return err
	}
	if err := w.answer(u, id, signed); err != nil {
		return err
	}
	return w.finish(a)
}

// begin goes from the name to the page with the number, in a fresh browser.
func (w *worker) begin(u *User) (attempt, error) {
	w.cookies = w.cookies[:0]
	res, err := w.get("/signin")
	if err != nil {
		return attempt{}, err
	}
	csrf, err := field(res, "csrf")
	if err != nil {
		return attempt{}, err
	}
	res, err = w.post("/signin", "csrf="+url.QueryEscape(csrf)+"&identifier="+url.QueryEscape(u.Identifier)+"&return_to=", 303)
	if err != nil {
		return attempt{}, err
	}
	a := attempt{path: res.location}
	if res, err = w.get(a.path); err != nil {
		return a, err
	}
	if a.csrf, err = field(res, "csrf"); err != nil {
		return a, err
	}
	if !strings.Contains(string(res.body), `data-step="phone"`) {
		if _, err = w.post(a.path+"/method", "csrf="+url.QueryEscape(a.csrf)+"&method=phone", 303); err != nil {
			return a, err
		}
		if res, err = w.get(a.path); err != nil {
			return a, err
		}
		if a.csrf, err = field(res, "csrf"); err != nil {
			return a, err
		}
	}
	a.number, err = textOf(res, "match-number")
	return a, err
}

// sign is the phone's part before the answer leaves it: what waits, and the
// signature over it.
func (w *worker) sign(u *User, a attempt) (signed, requestID string, err error) {
	const path = "/phone/api/v1/requests"
	res, err := w.phoneCall(u, "GET", path, "")
	if err != nil {
		return "", "", err
	}
	var waiting []phone.Request
	if err := json.Unmarshal(res.body, &waiting); err != nil {
		return "", "", fmt.Errorf("bench: %s: %w", path, err)
	}
	if len(waiting) != 1 {
		return "", "", fmt.Errorf("bench: %d requests wait for %s, not one", len(waiting), u.Identifier)
	}
	client := phone.Client{BaseURL: w.origin, Key: u.Key, DeviceID: u.DeviceID}
	signed, err = client.SignedAnswer(u.AccountID, waiting[0], phone.Approve, a.number, time.Now())
	return signed, waiting[0].ID, err
}

// answer sends the signed answer and sees that it approved.
func (w *worker) answer(u *User, requestID, signed string) error {
	res, err := w.phoneCall(u, "POST", "/phone/api/v1/requests/"+requestID+"/answer", `{"answer":"`+signed+`","pin":"`+u.PIN+`"}`)
	if err != nil {
		return err
	}
	if !strings.Contains(string(res.body), `"approved"`) {
		return fmt.Errorf("bench: the answer of %s: %s", u.Identifier, res.body)
	}
	return nil
}

// finish takes the session.
func (w *worker) finish(a attempt) error {
	res, err := w.post(a.path+"/finish", "csrf="+url.QueryEscape(a.csrf), 303)
	if err == nil && strings.HasPrefix(res.location, "/signin") {
		err = fmt.Errorf("bench: the finish of %s went back to %s", a.path, res.location)
	}
	return err
}

func (w *worker) get(path string) (response, error) {
	w.headers = append(w.headers[:0], "Accept: text/html", "Sec-Fetch-Site: same-origin")
	return w.browse("GET", path, "", 200)
}

func (w *worker) post(path, form string, want int) (response, error) {
	w.headers = append(w.headers[:0], "Accept: text/html", "Sec-Fetch-Site: same-origin",
		"Origin: "+w.origin, "Content-Type: application/x-www-form-urlencoded")
	return w.browse("POST", path, form, want)
}

func (w *worker) browse(method, path, body string, want int) (response, error) {
	if len(w.cookies) > 0 {
		w.headers = append(w.headers, "Cookie: "+strings.Join(w.cookies, "; "))
	}
	res, err := w.pc.do(method, path, w.host, w.headers, body)
	if err != nil {
		return res, err
	}
	w.requests++
	for _, c := range res.cookies {
		w.keep(c)
	}
	return res, expect(res, method, path, want)
}

// keep puts a cookie into the browser, or takes it out.
func (w *worker) keep(cookie string) {
	name, value, _ := strings.Cut(cookie, "=")
	for i, had := range w.cookies {
		if strings.HasPrefix(had, name+"=") {
			w.cookies = append(w.cookies[:i], w.cookies[i+1:]...)
			break
		}
	}
	if value != "" {
		w.cookies = append(w.cookies, cookie)
	}
}

func (w *worker) phoneCall(u *User, method, path, body string) (response, error) {
	proof, err := phone.Proof(u.Key, u.DeviceID, method, w.origin+path, time.Now())
	if err != nil {
		return response{}, err
	}
	w.headers = append(w.headers[:0], "Accept: application/json", "DPoP: "+proof)
	if body != "" {
		w.headers = append(w.headers, "Content-Type: application/json")
	}
	res, err := w.phone.do(method, path, w.host, w.headers, body)
	if err != nil {
		return res, err
	}
	w.requests++
	return res, expect(res, method, path, 200)
}

func expect(res response, method, path string, want int) error {
	if res.status == want {
		return nil
	}
	return fmt.Errorf("bench: %s %s answered %d, not %d: %.300s", method, path, res.status, want, res.body)
}

// event is a state that reached a waiting browser.
type event struct {
	state string
	at    time.Time
}

// listen opens the event stream of an attempt. The channel closes with the
// stream; stop ends it.
func (w *worker) listen(a attempt) (events <-chan event, stop func(), err error) {
	stream, body, err := w.stream(a, nil)
	if err != nil {
		return nil, nil, err
	}
	found := make(chan event, 8)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(body)
		for lines.Scan() {
			if state, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
				found <- event{strings.TrimSpace(state), time.Now()}
			}
		}
	}()
	return found, stream.close, nil
}

// stream opens the event stream of an attempt, from a source address or from
// any, and reads no further than its head.
func (w *worker) stream(a attempt, source net.IP) (stream *wire, body io.Reader, err error) {
	stream = &wire{address: w.pc.address, source: source}
	headers := []string{"Accept: text/event-stream", "Sec-Fetch-Site: same-origin", "Cookie: " + strings.Join(w.cookies, "; ")}
	res, err := stream.open("GET", a.path+"/events", w.host, headers, "")
	if err == nil && (res.status != 200 || res.length >= 0) {
		text, _ := io.ReadAll(io.LimitReader(stream.r, 300))
		err = fmt.Errorf("bench: the event stream answered %d: %s", res.status, text)
	}
	if err != nil {
		stream.close()
		return nil, nil, err
	}
	w.requests++
	body = stream.r // ends with the connection
	if res.chunked {
		body = httputil.NewChunkedReader(stream.r)
	}
	return stream, body, stream.conn.SetDeadline(time.Time{})
}

// field finds the value of an input by its name.
func field(res response, name string) (string, error) {
	page := string(res.body)
	at := strings.Index(page, `name="`+name+`"`)
	if at < 0 {
		return "", fmt.Errorf("bench: a page has no field %s: %.200s", name, page)
	}
	from := strings.LastIndexByte(page[:at], '<')
	to := strings.IndexByte(page[at:], '>')
	if from < 0 || to < 0 {
		return "", errors.New("bench: a page with half a field")
	}
	_, rest, found := strings.Cut(page[from:at+to], ` value="`)
	value, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		return "", fmt.Errorf("bench: the field %s has no value", name)
	}
	return html.UnescapeString(value), nil
}

// textOf finds the text of an element by its id.
func textOf(res response, id string) (string, error) {
	_, rest, found := strings.Cut(string(res.body), `id="`+id+`"`)
	_, rest, opened := strings.Cut(rest, ">")
	text, _, closed := strings.Cut(rest, "<")
	if !found || !opened || !closed {
		return "", fmt.Errorf("bench: a page has no #%s: %.200s", id, res.body)
	}
	return strings.TrimSpace(text), nil
}
