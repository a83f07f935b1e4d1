package provider

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Message is one message, ready to be sent.
type Message struct {
	ID         string // its idempotency key
	Channel    Channel
	To         string // number in E.164, or address
	TenantName string
	Subject    string // of a mail
	Text       string // of an SMS or a mail
	Spoken     []string
	Code       secret.Token // in an SMS or a call
	At         time.Time
}

// driver gives a message to a provider. It fails with notify.Failed.
type driver interface {
	give(ctx context.Context, of Settings, credential secret.Token, m Message) error
}

// failed is a failure that may pass; refused is one that will not.
func failed(code string, cause error) error { return &notify.Failed{Code: code, Cause: cause} }

func refused(code string, cause error) error {
	return &notify.Failed{Code: code, Final: true, Cause: cause}
}

// QueueCode owes, in the act tx, a message with a code to a number. The code is
// sealed in the outbox until it was sent.
func (s *Service) QueueCode(tx *store.Tx, tenantID string, c Channel, number string, code secret.Token, life time.Duration) error {
	to := notify.Targets{Query: "SELECT CAST(? AS text) AS target", Values: []any{number}}
	return s.QueueTo(tx, tenantID, secret.System.ID(), c, to, code, life)
}

// QueueTo is QueueCode for a number that a query finds, or does not.
func (s *Service) QueueTo(tx *store.Tx, tenantID, id string, c Channel, to notify.Targets, code secret.Token, life time.Duration) error {
	sealed, err := s.Keys.Seal(tenantID, bodyOf(id), code.Reveal())
	if err != nil {
		return err
	}
	if err := notify.QueueAs(tx, tenantID, id, string(c), to, sealed, life); err != nil {
		return err
	}
	tx.After(s.wake)
	return nil
}

// toCaller begins the sealed body of a code that a caller reads to the helpdesk. The
// letters by which the agent proves to be who sent it follow, and then the code.
const toCaller = "caller "

// QueueToCaller is QueueTo for a code that its reader is to read to the helpdesk, with
// the letters that the agent can read to them.
func (s *Service) QueueToCaller(tx *store.Tx, tenantID string, c Channel, to notify.Targets, code, letters string, life time.Duration) error {
	return s.QueueTo(tx, tenantID, secret.System.ID(), c, to, secret.TokenOf(toCaller+letters+" "+code), life)
}

// handed and handedHalf begin the sealed body of a code by which the helpdesk lets
// somebody in, and of the second half of one.
const (
	handed     = "handed "
	handedHalf = "handed-half "
)

// QueueHanded is QueueCode for a code by which the helpdesk lets somebody in, or for the
// second half of one.
func (s *Service) QueueHanded(tx *store.Tx, tenantID string, c Channel, number string, code secret.Token, half bool, life time.Duration) error {
	kind := handed
	if half {
		kind = handedHalf
	}
	return s.QueueCode(tx, tenantID, c, number, secret.TokenOf(kind+code.Reveal()), life)
}

// told begins the sealed body of a notice.
const told = "told "

// QueueTold owes a notice, in the act tx, to the number that a query finds.
func (s *Service) QueueTold(tx *store.Tx, tenantID string, to notify.Targets, n notify.Told) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.QueueTo(tx, tenantID, secret.System.ID(), SMS, to, secret.TokenOf(told+string(text)), notify.MailLife)
}

// Pushed writes a notice for a phone.
func (s *Service) Pushed(ctx context.Context, tenantID string, n notify.Told) (notify.Pushed, error) {
	var name string
	if _, err := s.DB.View(ctx).One(&name, "SELECT name FROM tenants WHERE id = ?", tenantID); err != nil {
		return notify.Pushed{}, store.Unusable(err)
	}
	return s.Words.Pushed(name, s.linked(tenantID, n)), nil
}

// linked puts the short form of its link into a notice, in place of the id.
func (s *Service) linked(tenantID string, n notify.Told) notify.Told {
	if n.Disowning != "" {
		n.Disowning = s.Keys.ShortDisowning(tenantID, n.Disowning)
	}
	return n
}

func bodyOf(id string) string { return "outbox.body " + id }

// wake lets the worker of this process look at once.
func (s *Service) wake() {
	select {
	case s.Nudge <- struct{}{}:
	default:
	}
}

// Send sends one message through the provider that its tenant has now.
func (s *Service) Send(ctx context.Context, o notify.Owed) error {
	c := Channel(o.Kind)
	var found struct {
		Stored
		TenantName string
	}
	ok, err := s.DB.View(ctx).One(&found, `SELECT p.driver, p.url, p.account, p.sender, p.credential, p.version, t.name AS tenant_name
		FROM providers p JOIN tenants t ON t.id = p.tenant_id WHERE p.tenant_id = ? AND p.channel = ?`, o.TenantID, c)
	if err != nil {
		return store.Unusable(err)
	}
	if !ok {
		return failed("no_provider", nil) // somebody may be about to set one
	}
	m, err := s.message(ctx, o, found.TenantName)
	if err != nil {
		return err
	}
	var credential secret.Token
	if found.Credential != "" {
		opened, err := s.Keys.Open(o.TenantID, place(c), found.Credential)
		if err != nil {
			return refused("unreadable", err)
		}
		credential = secret.TokenOf(opened)
	}
	by := s.driver(found.Driver)
	if by == nil {
		return failed("no_provider", nil)
	}
	before := s.DB.Now()
	given := by.give(ctx, found.settings(), credential, m)
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) && given != nil {
		return given // we stop; that says nothing about the provider
	}
	// Not measured is no reason to send it twice.
	_ = s.measured(context.WithoutCancel(ctx), o.TenantID, c, s.DB.Now().Sub(before), code(given))
	return given
}

// code is what the health of a provider says of a failure; a message that it refuses
// is its receiver's fault.
func code(err error) string {
	var f *notify.Failed
	switch {
	case err == nil, errors.As(err, &f) && f.Final:
		return ""
	case f != nil:
		return f.Code
	}
	return "other"
}

func (s *Service) driver(d Driver) driver {
	switch d {
	case Twilio:
		return twilio{s.Client}
	case Webhook:
		return webhook{s.Client}
	case SMTP:
		return smtpServer{s.Outside, s.Helo, s.Roots}
	case Keep:
		if s.Kept != nil {
			return s.Kept
		}
	}
	return nil
}

// message opens what is owed and writes its words.
func (s *Service) message(ctx context.Context, o notify.Owed, tenantName string) (Message, error) {
	m := Message{ID: o.ID, Channel: Channel(o.Kind), To: o.Target, TenantName: tenantName, At: s.DB.Now()}
	if m.Channel == Mail {
		var n notify.Told
		if err := json.Unmarshal([]byte(o.Body), &n); err != nil {
			return m, refused("unreadable", err)
		}
		if n.OfSomebody() {
			if _, err := s.DB.View(ctx).One(&n.Detail, "SELECT name FROM users WHERE tenant_id = ? AND id = ?", o.TenantID, n.Detail); err != nil {
				return m, store.Unusable(err)
			}
		}
		if n.Disowning != "" {
			n.Disowning = s.Keys.Disowning(o.TenantID, n.Disowning)
		}
		m.Subject, m.Text = s.Words.Mail(tenantName, n)
		return m, nil
	}
	text, err := s.Keys.Open(o.TenantID, bodyOf(o.ID), o.Body)
	if err != nil {
		return m, refused("unreadable", err)
	}
	if rest, called := strings.CutPrefix(text, toCaller); called {
		letters, code, _ := strings.Cut(rest, " ")
		m.Code = secret.TokenOf(code)
		m.Text, m.Spoken = s.Words.ToCaller(tenantName, code, letters)
		return m, nil
	}
	if body, is := strings.CutPrefix(text, told); is {
		var n notify.Told
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			return m, refused("unreadable", err)
		}
		m.Text = s.Words.Told(tenantName, s.linked(o.TenantID, n))
		return m, nil
	}
	for _, kind := range []string{handed, handedHalf} {
		if code, is := strings.CutPrefix(text, kind); is {
			m.Code = secret.TokenOf(code)
			m.Text, m.Spoken = s.Words.Handed(tenantName, code, kind == handedHalf)
			return m, nil
		}
	}
	m.Code = secret.TokenOf(text)
	m.Text, m.Spoken = s.Words.Code(tenantName, text), s.Words.Spoken(tenantName, text)
	return m, nil
}

// Unsent is a message that did not go out, and will not by itself.
type Unsent struct {
	ID        string
	Kind      Channel
	Target    string
	Fault     string
	Tries     int
	CreatedAt time.Time
	FailedAt  time.Time
	Again     bool // it may be sent again
}

// unsentShown is how many a list holds, the newest.
const unsentShown = 50

// UnsentOf lists what did not go out for a tenant.
func (s *Service) UnsentOf(ctx context.Context, tenantID string) (all []Unsent, err error) {
	err = s.DB.View(ctx).All(&all, `SELECT id, kind, target, fault, tries, created_at, failed_at, (kind = 'mail' AND body <> '') AS again FROM outbox
		WHERE tenant_id = ? AND failed_at IS NOT NULL AND kind IN ('sms', 'voice', 'mail') ORDER BY failed_at DESC LIMIT ?`, tenantID, unsentShown)
	return all, store.Unusable(err)
}

// Again owes a mail anew that did not go out. Anything else, and somebody else's, is
// fault.NotFound: a code is asked for again by who needs it.
func (s *Service) Again(ctx context.Context, tenantID, userID, id string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(notFound(), `UPDATE outbox SET failed_at = NULL, fault = '', tries = 0, due_at = ?, expires_at = ?
			WHERE tenant_id = ? AND id = ? AND failed_at IS NOT NULL AND kind = 'mail' AND body <> ''`, tx.Now, tx.Now.Add(notify.MailLife), tenantID, id)
		if err != nil {
			return err
		}
		tx.After(s.wake)
		return audit.Record(tx, event(audit.MessageAgain, tenantID, userID, Mail, from, map[string]string{"message": id}))
	})
}

func median(all []int) int {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
