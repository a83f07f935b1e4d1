package phone

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	prefix = "/phone/api/v1"

	// callWait bounds one call; the event stream is not a call in this sense.
	callWait = 20 * time.Second

	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
)

// Client speaks the phone protocol as one device. It may be used by several
// goroutines when nobody changes its fields; Enrol changes DeviceID.
type Client struct {
	BaseURL   string            // where requests go: scheme, host, port
	PublicURL string            // what is signed, when a replica is called directly; "" means BaseURL
	HTTP      *http.Client      // without a Timeout, which would end Events; nil means one of our own
	Key       *ecdsa.PrivateKey // made with NewKey
	DeviceID  string            // "" until enrolled
}

// Account is one user of one tenant on this phone.
type Account struct {
	ID          string `json:"id"`
	Tenant      string `json:"tenant"`
	TenantName  string `json:"tenant_name"`
	User        string `json:"user"`
	PhoneSignIn bool   `json:"phone_sign_in"` // requests for sign-in come to this phone
	Registered  bool   `json:"registered"`    // this phone is registered with this organisation
}

// Enrolment is what the service said to a new account.
type Enrolment struct {
	DeviceID  string  `json:"device_id"`
	Account   Account `json:"account"`
	PublicURL string  `json:"public_url"`
}

// Mode is how the number is given back.
type Mode string

// The protocol's words.
const (
	Pick3 Mode = "pick3" // one of Numbers
	Type2 Mode = "type2" // two digits, typed
	Type6 Mode = "type6" // six digits, typed
)

// Request is one thing that waits for an answer of this phone.
type Request struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"` // sign_in, second_factor, step_up, caller_check, approval; test after enrolment
	Tenant      string    `json:"tenant"`
	TenantName  string    `json:"tenant_name"`
	User        string    `json:"user"`
	Application string    `json:"application"`
	Browser     string    `json:"browser"`
	Place       string    `json:"place"`
	IP          string    `json:"ip"`
	NewBrowser  bool      `json:"new_browser"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Nonce       string    `json:"nonce"`
	Mode        Mode      `json:"mode"`
	Numbers     []string  `json:"numbers"` // in Pick3 only

	// Of a request that asks to approve an act, in words.
	Act        string   `json:"act"`
	ActHash    string   `json:"act_hash"` // an approval is signed over it; "" when no act is asked for
	Requester  string   `json:"requester"`
	Reason     string   `json:"reason"`
	Ticket     string   `json:"ticket"`
	Difference []Change `json:"difference"`

	// Of a caller check.
	Role      string `json:"role"` // of the agent, whom Requester names
	Case      string `json:"case"`
	AgentCode string `json:"agent_code"` // that the agent can read out
	Person    string `json:"person"`     // who is on the line, where another's word is asked
}

// Change is one line of what an act changes.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Subscription is where Web Push reaches a phone (RFC 8030, RFC 8291).
type Subscription struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

// ErrRegisteredElsewhere says that another organisation holds this phone; the
// *Error that it comes with names it in TenantName.
var ErrRegisteredElsewhere = errors.New("phone: registered with another organisation")

// Error is a refusal by the service.
type Error struct {
	Status     int           `json:"-"`
	Code       string        `json:"error"`
	Message    string        `json:"message"` // for a person
	TenantName string        `json:"tenant_name"`
	RetryAfter time.Duration `json:"-"` // 0 when the service named none
}

func (e *Error) Error() string {
	switch {
	case e.Is(ErrRegisteredElsewhere):
		return fmt.Sprintf("this phone is registered with %s", plain(e.TenantName))
	case e.Message != "":
		return plain(e.Message)
	}
	return fmt.Sprintf("the service answered %d %s", e.Status, plain(e.Code))
}

// Is makes errors.Is(err, ErrRegisteredElsewhere) work.
func (e *Error) Is(target error) bool {
	return target == ErrRegisteredElsewhere && e.Code == "registered_elsewhere"
}

// StatusOf gives the status of a refusal, and 0 for any other error.
func StatusOf(err error) int {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Status
	}
	return 0
}

// ParseLink splits an enrolment link, `{public url}/phone#enrol={token}`. Plain
// http is good for loopback only.
func ParseLink(link string) (publicURL, token string, err error) {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		return "", "", errors.New("phone: this is no enrolment link") // the cause would print the token
	}
	token, found := strings.CutPrefix(u.Fragment, "enrol=")
	path, underPhone := strings.CutSuffix(strings.TrimSuffix(u.Path, "/"), "/phone")
	if !found || token == "" || !underPhone || u.Host == "" || u.User != nil {
		return "", "", errors.New("phone: this is no enrolment link")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", "", errors.New("phone: an enrolment link begins with https://")
	}
	return u.Scheme + "://" + u.Host + path, token, nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Enrol trades a token, or the link that carries it, for a device id, which it
// keeps in c. A phone that has one already adds an account with the same key.
func (c *Client) Enrol(ctx context.Context, tokenOrLink, name, platform, pin string) (Enrolment, error) {
	token := tokenOrLink
	if strings.Contains(tokenOrLink, "#") {
		publicURL, fromLink, err := ParseLink(tokenOrLink)
		if err != nil {
			return Enrolment{}, err
		}
		if c.BaseURL == "" {
			c.BaseURL = publicURL
		}
		if publicURL != c.audience() {
			return Enrolment{}, fmt.Errorf("phone: the link is for %s, this phone belongs to %s", publicURL, c.audience())
		}
		token = fromLink
	}
	jwk, err := PublicJWK(&c.Key.PublicKey)
	if err != nil {
		return Enrolment{}, err
	}
	in := struct {
		Token     string `json:"token"`
		Name      string `json:"name"`
		Platform  string `json:"platform"`
		PublicKey JWK    `json:"public_key"`
		PIN       string `json:"pin"`
	}{token, name, platform, jwk, pin}
	var out Enrolment
	if err := c.call(ctx, http.MethodPost, "/enrolments", in, &out); err != nil {
		return Enrolment{}, err
	}
	if out.DeviceID == "" || out.Account.ID == "" {
		return Enrolment{}, errors.New("phone: the service gave no device")
	}
	// A service that names another address than the one we were sent to would
	// have us sign for somebody else.
	if out.PublicURL != c.audience() {
		return Enrolment{}, fmt.Errorf("phone: enrolled at %s, but the service calls itself %s", c.audience(), plain(out.PublicURL))
	}
	c.DeviceID = out.DeviceID
	return out, nil
}

// Accounts lists what this phone holds.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	var out []Account
	err := c.call(ctx, http.MethodGet, "/accounts", nil, &out)
	return out, err
}

// EnablePhoneSignIn registers this phone with the organisation of the account.
// It fails with ErrRegisteredElsewhere when another one holds it, unless move.
func (c *Client) EnablePhoneSignIn(ctx context.Context, accountID string, move bool) error {
	path := "/accounts/" + url.PathEscape(accountID) + "/phone-sign-in"
	if move {
		path += "?move=true"
	}
	return c.call(ctx, http.MethodPut, path, nil, nil)
}

// DisablePhoneSignIn turns it off for the account.
func (c *Client) DisablePhoneSignIn(ctx context.Context, accountID string) error {
	return c.call(ctx, http.MethodDelete, "/accounts/"+url.PathEscape(accountID)+"/phone-sign-in", nil, nil)
}

// Test asks for a test request and gives its id; "" where the service has none.
func (c *Client) Test(ctx context.Context, accountID string) (string, error) {
	var out struct {
		RequestID string `json:"request_id"`
	}
	err := c.call(ctx, http.MethodPost, "/accounts/"+url.PathEscape(accountID)+"/test", nil, &out)
	if StatusOf(err) == http.StatusNotFound {
		return "", nil
	}
	return out.RequestID, err
}

// Requests lists what waits for an answer.
func (c *Client) Requests(ctx context.Context) ([]Request, error) {
	var out []Request
	err := c.call(ctx, http.MethodGet, "/requests", nil, &out)
	return out, err
}

// Answer signs and sends what a person decided and gives the new state of the
// request: approved, denied (also after a wrong number) or reported.
func (c *Client) Answer(ctx context.Context, accountID string, r Request, d Decision, number, pin string) (string, error) {
	signed, err := c.SignedAnswer(accountID, r, d, number, time.Now())
	if err != nil {
		return "", err
	}
	return c.SendAnswer(ctx, r.ID, signed, pin)
}

// SignedAnswer is the JWS that Answer sends.
func (c *Client) SignedAnswer(accountID string, r Request, d Decision, number string, now time.Time) (string, error) {
	act := r.ActHash
	if d != Approve {
		number, act = "", ""
	}
	return SignAnswer(c.Key, Claims{
		Issuer: c.DeviceID, Audience: c.audience(), Subject: accountID,
		ID: r.ID, Nonce: r.Nonce, Tenant: r.Tenant,
		Decision: d, Number: number, Act: act, IssuedAt: now.Unix(),
	})
}

// SendAnswer sends a signed answer, whatever is in it.
func (c *Client) SendAnswer(ctx context.Context, requestID, signed, pin string) (string, error) {
	in := struct {
		Answer string `json:"answer"`
		PIN    string `json:"pin"`
	}{signed, pin}
	var out struct {
		State string `json:"state"`
	}
	err := c.call(ctx, http.MethodPost, "/requests/"+url.PathEscape(requestID)+"/answer", in, &out)
	return out.State, err
}

// PutPush tells the service how to wake this phone.
func (c *Client) PutPush(ctx context.Context, s Subscription) error {
	return c.call(ctx, http.MethodPut, "/push", s, nil)
}

// RemoveSelf ends this device; its key is worth nothing afterwards.
func (c *Client) RemoveSelf(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/devices/self", nil, nil)
}

// call sends in as JSON and reads the answer into out; either may be nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("phone: %s: %w", path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	res, err := c.http().Do(req)
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return refusal(res)
	}
	// Reading to the end lets the connection serve the next call.
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("phone: %s: %w", path, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("phone: the answer to %s: %w", path, err)
	}
	return nil
}

// request builds a request under the prefix, with its proof.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	path = prefix + path
	req, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, body)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	withoutQuery, _, _ := strings.Cut(path, "?")
	proof, err := Proof(c.Key, c.DeviceID, method, c.audience()+withoutQuery, time.Now())
	if err != nil {
		return nil, err
	}
	req.Header.Set("DPoP", proof)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func (c *Client) audience() string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	return c.BaseURL
}

// ownHTTP follows no redirect: a proof is good for one address only.
var ownHTTP = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return ownHTTP
}

// refusal reads an error answer. What is no JSON, say of a proxy, keeps its status.
func refusal(res *http.Response) error {
	e := &Error{}
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if json.Unmarshal(text, e) != nil {
		*e = Error{}
	}
	e.Status = res.StatusCode
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
