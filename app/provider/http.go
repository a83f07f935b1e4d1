package provider

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/app/notify"
	"latchkey/app/secret"
)

// answerMost is how much of an answer is read.
const answerMost = 64 << 10

// Ask makes one request and gives the status and what was answered. A redirect is an
// answer like any other, and no good one. It fails with notify.Failed.
func Ask(client *http.Client, r *http.Request) (status int, body []byte, err error) {
	answer, err := client.Do(r)
	if err != nil {
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() {
			return 0, nil, failed("slow", notify.Unaddressed(err))
		}
		return 0, nil, failed("unreachable", notify.Unaddressed(err))
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, answerMost))
	if err != nil {
		return answer.StatusCode, nil, failed("slow", err)
	}
	return answer.StatusCode, body, nil
}

// byStatus judges what is no success by its status alone. Nothing of the body goes
// along: it may repeat the message.
func byStatus(status int) error {
	cause := fmt.Errorf("provider: it answered %d", status)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return failed("credentials", cause) // somebody may mend them while it is owed
	case status == http.StatusTooManyRequests:
		return failed("busy", cause)
	case status >= 300 && status < 400:
		return failed("redirect", cause)
	}
	return failed("status", cause)
}

// twilio speaks the REST API of Twilio, version 2010-04-01.
type twilio struct{ client *http.Client }

func (d twilio) give(ctx context.Context, of Settings, credential secret.Token, m Message) error {
	form := url.Values{"To": {m.To}, "From": {of.Sender}}
	resource := "Messages.json"
	if m.Channel == Voice {
		resource = "Calls.json"
		form.Set("Twiml", twiml(m.Spoken))
	} else {
		form.Set("Body", m.Text)
		if serviceForm.MatchString(of.Sender) {
			form.Del("From")
			form.Set("MessagingServiceSid", of.Sender)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, of.URL+"/2010-04-01/Accounts/"+url.PathEscape(of.Account)+"/"+resource, strings.NewReader(form.Encode()))
	if err != nil {
		return failed("unreachable", notify.Unaddressed(err))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Idempotency-Key", m.ID)
	r.SetBasicAuth(of.Account, credential.Reveal())
	status, body, err := Ask(d.client, r)
	if err != nil {
		return err
	}
	var said struct {
		SID       string `json:"sid"`
		Status    any    `json:"status"` // a word when it was taken, a number in an error
		Code      int    `json:"code"`
		ErrorCode *int   `json:"error_code"`
	}
	understood := json.Unmarshal(body, &said) == nil
	switch {
	case status == http.StatusBadRequest && understood && said.Code != 0 && !busyCodes[said.Code]:
		return refused("refused", fmt.Errorf("provider: it answered 400 with the code %d", said.Code))
	case status < 200 || status > 299:
		return byStatus(status)
	case !understood || said.SID == "":
		return failed("garbage", nil)
	case said.ErrorCode != nil && *said.ErrorCode != 0, said.Status == "failed", said.Status == "undelivered", said.Status == "canceled":
		return failed("not_taken", nil)
	}
	return nil
}

// busyCodes are errors of Twilio that pass by themselves: rates and full queues.
var busyCodes = map[int]bool{14107: true, 20429: true, 21611: true, 63038: true}

// twiml is what a call says, twice.
func twiml(spoken []string) string {
	var b strings.Builder
	b.WriteString("<Response>")
	for range 2 {
		b.WriteString(`<Pause length="1"/>`)
		for _, sentence := range spoken {
			b.WriteString("<Say>")
			_ = xml.EscapeText(&b, []byte(sentence))
			b.WriteString("</Say>")
		}
	}
	b.WriteString("</Response>")
	return b.String()
}

// webhook speaks to whatever takes a signed request, see the package.
type webhook struct{ client *http.Client }

func (d webhook) give(ctx context.Context, of Settings, credential secret.Token, m Message) error {
	text := m.Text
	if m.Channel == Voice {
		text = strings.Join(m.Spoken, " ")
	}
	body, err := json.Marshal(struct {
		ID      string  `json:"id"`
		Channel Channel `json:"channel"`
		To      string  `json:"to"`
		Subject string  `json:"subject,omitempty"`
		Text    string  `json:"text"`
		Code    string  `json:"code,omitempty"`
	}{m.ID, m.Channel, m.To, m.Subject, text, m.Code.Reveal()})
	if err != nil {
		return refused("unreadable", err)
	}
	r, err := Signed(ctx, of.URL, m.ID, m.At, credential, body)
	if err != nil {
		return err
	}
	status, answered, err := Ask(d.client, r)
	if err != nil {
		return err
	}
	if err := Judge(status); err != nil {
		return err
	}
	var said struct {
		Error any `json:"error"`
	}
	switch {
	case len(answered) == 0:
		return nil
	case json.Unmarshal(answered, &said) != nil:
		return failed("garbage", nil)
	case said.Error != nil:
		return failed("not_taken", nil)
	}
	return nil
}

// Signed makes a request with a body that is signed under a secret, see the package: for
// whatever takes one.
func Signed(ctx context.Context, address, id string, at time.Time, under secret.Token, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(string(body)))
	if err != nil {
		return nil, failed("unreachable", notify.Unaddressed(err))
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", id)
	r.Header.Set("Latchkey-Timestamp", stamp)
	r.Header.Set("Latchkey-Signature", "v1="+under.Sign(stamp+"."+string(body)))
	return r, nil
}

// Judge says what the status of an answer to a signed request means: nil for 2xx, else a
// notify.Failed.
func Judge(status int) error {
	switch {
	case status == http.StatusBadRequest, status == http.StatusNotFound, status == http.StatusGone, status == http.StatusUnprocessableEntity:
		return refused("refused", fmt.Errorf("provider: it answered %d", status))
	case status < 200 || status > 299:
		return byStatus(status)
	}
	return nil
}

// Unreadable says that what is to be sent cannot be read, for good.
func Unreadable(err error) error { return refused("unreadable", err) }
