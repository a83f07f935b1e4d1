package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/SherClockHolmes/webpush-go"
)

// Push sends Web Push messages (RFC 8030, encrypted by RFC 8291, VAPID by RFC 8292).
type Push struct {
	Client     *http.Client
	Subscriber string // mailto: or https: address of whoever runs this
	Public     string // VAPID, base64url
	Private    string

	// Write puts a notice into the words of its reader. Without it there are none to send.
	Write func(ctx context.Context, tenantID string, n Told) (Pushed, error)
}

// CheckSubscription reads a subscription that a browser gave, and says whether
// it can be one at all: an https address and two keys.
func CheckSubscription(text []byte) (string, error) {
	var s webpush.Subscription
	if err := json.Unmarshal(text, &s); err != nil {
		return "", fmt.Errorf("notify: subscription: %w", err)
	}
	address, err := url.Parse(s.Endpoint)
	if err != nil || address.Host == "" || (address.Scheme != "https" && address.Hostname() != "127.0.0.1") || s.Keys.P256dh == "" || s.Keys.Auth == "" || len(text) > 4096 {
		return "", errors.New("notify: not a push subscription")
	}
	kept, err := json.Marshal(s)
	return string(kept), err
}

// Send sends what is owed to a subscription, whose push service keeps it for a
// phone that is away for no longer than its life.
func (p *Push) Send(ctx context.Context, o Owed) error {
	var s webpush.Subscription
	if err := json.Unmarshal([]byte(o.Target), &s); err != nil {
		return ErrGone
	}
	body, err := p.body(ctx, o)
	if err != nil {
		return err
	}
	// The library says mailto: by itself.
	subscriber := strings.TrimPrefix(p.Subscriber, "mailto:")
	answer, err := webpush.SendNotificationWithContext(ctx, body, &s, &webpush.Options{
		HTTPClient: p.Client, Subscriber: subscriber, TTL: int(o.Life / time.Second), Urgency: webpush.UrgencyHigh,
		VAPIDPublicKey: p.Public, VAPIDPrivateKey: p.Private,
	})
	var underWay *url.Error
	switch {
	case err != nil && !errors.As(err, &underWay):
		return fmt.Errorf("%w: its keys are none: %w", ErrGone, err) // nothing was sent, and nothing ever will be
	case err != nil:
		return fmt.Errorf("notify: push: %w", Unaddressed(err))
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone:
		return ErrGone
	case answer.StatusCode >= 300:
		return fmt.Errorf("notify: push: the service answered %d", answer.StatusCode)
	}
	return nil
}

// body is what the phone gets: what is owed, and of a notice its words instead.
func (p *Push) body(ctx context.Context, o Owed) ([]byte, error) {
	var owed Pushed
	if err := json.Unmarshal([]byte(o.Body), &owed); err != nil || owed.Notice == nil {
		return []byte(o.Body), nil
	}
	if p.Write == nil {
		return nil, &Failed{Code: "no_words", Final: true}
	}
	written, err := p.Write(ctx, o.TenantID, *owed.Notice)
	if err != nil {
		return nil, err
	}
	return json.Marshal(written)
}
