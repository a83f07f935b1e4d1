package provider

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"latchkey/app/notify"
	"latchkey/app/secret"
)

// smtpServer gives mails to a mail server, over TLS: at once for smtps://, by
// STARTTLS for smtp://. Only on this machine, where that is allowed, it does without.
type smtpServer struct {
	outside notify.Outside
	helo    string
}

// smtpWait is how long a mail server may take for each step.
const smtpWait = 10 * time.Second

func (d smtpServer) give(ctx context.Context, of Settings, credential secret.Token, m Message) error {
	u, err := url.Parse(of.URL)
	if err != nil {
		return refused("unreadable", err)
	}
	port, _ := strconv.Atoi(u.Port())
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(smtpWait), mail.WithHELO(d.helo), mail.WithTLSPolicy(mail.TLSMandatory),
		mail.WithDialContextFunc(d.outside.Dialer().DialContext), mail.WithoutNoop(),
	}
	proof := mail.SMTPAuthAutoDiscover
	ip, err := netip.ParseAddr(u.Hostname())
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSL())
	case u.Hostname() == "localhost", err == nil && ip.IsLoopback():
		options, proof = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic)), mail.SMTPAuthPlainNoEnc
	}
	if of.Account != "" {
		options = append(options, mail.WithSMTPAuth(proof), mail.WithUsername(of.Account), mail.WithPassword(credential.Reveal()))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return failed("unreachable", err)
	}
	letter := mail.NewMsg()
	if err := errors.Join(letter.FromFormat(m.TenantName, of.Sender), letter.To(m.To)); err != nil {
		return refused("refused", errors.New("provider: not a mail address"))
	}
	letter.Subject(m.Subject)
	letter.SetDateWithValue(m.At)
	letter.SetMessageIDWithValue(m.ID + "@" + d.helo) // the same when it is sent again
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, m.Text)
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return dialFailed(err)
	}
	// When a server took the mail and then forgets its manners, it has taken it.
	defer func() { _ = client.CloseWithSMTPClient(conn) }()
	if err := client.SendWithSMTPClient(conn, letter); err != nil {
		return mailFailed(err)
	}
	return nil
}

// dialFailed says why there was no conversation. The words of the server stay out: a
// server may repeat what it was told.
func dialFailed(err error) error {
	var reply *textproto.Error
	switch {
	case errors.As(err, &reply) && (reply.Code == 535 || reply.Code == 534 || reply.Code == 530 || reply.Code == 538):
		return failed("credentials", fmt.Errorf("provider: the mail server answered %d", reply.Code))
	case errors.As(err, &reply):
		return failed("status", fmt.Errorf("provider: the mail server answered %d", reply.Code))
	case errors.Is(err, context.DeadlineExceeded):
		return failed("slow", errors.New("provider: the mail server took too long"))
	}
	return failed("unreachable", errors.New("provider: no conversation with the mail server"))
}

// mailFailed says why a mail was not taken: for good when the server says so of the
// mail itself.
func mailFailed(err error) error {
	var sent *mail.SendError
	if !errors.As(err, &sent) {
		return failed("unreachable", errors.New("provider: the mail server hung up"))
	}
	cause := fmt.Errorf("provider: the mail server answered %d", sent.ErrorCode())
	if code := sent.ErrorCode(); code >= 550 && code <= 554 && !sent.IsTemp() {
		return refused("refused", cause)
	}
	return failed("not_taken", cause)
}
