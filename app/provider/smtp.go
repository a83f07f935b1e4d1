package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
	mailauth "github.com/wneessen/go-mail/smtp"

	"latchkey/app/notify"
	"latchkey/app/secret"
)

// smtpServer gives mails to a mail server, over TLS: at once for smtps://, by
// STARTTLS for smtp://. Only on this machine, where that is allowed, it does without.
type smtpServer struct {
	outside notify.Outside
	helo    string
	roots   *x509.CertPool // nil: the system's
}

const (
	// smtpWait is how long a mail server may take for each step.
	smtpWait = 10 * time.Second
	// smtpMost is how much a mail server may say in one conversation, in bytes. A
	// whole one is a few kilobytes, certificates and all.
	smtpMost = 256 << 10
)

func (d smtpServer) give(ctx context.Context, of Settings, credential secret.Token, m Message) error {
	u, err := url.Parse(of.URL)
	if err != nil {
		return refused("unreadable", err)
	}
	port, _ := strconv.Atoi(u.Port())
	security := &tls.Config{ServerName: u.Hostname(), RootCAs: d.roots, MinVersion: tls.VersionTLS12}
	var line net.Conn
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		line, err = d.outside.Dialer().DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		conn = &brief{Conn: line, left: smtpMost}
		if u.Scheme != "smtps" {
			return conn, nil
		}
		// The library leaves TLS from the first byte on to whoever dials for it.
		over := tls.Client(conn, security)
		return over, over.HandshakeContext(ctx)
	}
	defer func() {
		if line != nil {
			_ = line.Close() // the library leaves it open when a conversation does not begin
		}
	}()
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(smtpWait), mail.WithHELO(d.helo), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(security),
		mail.WithDialContextFunc(dial), mail.WithoutNoop(),
	}
	proof := mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover)
	ip, err := netip.ParseAddr(u.Hostname())
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSL()) // no STARTTLS within
		proof = mail.WithSMTPAuthCustom(&login{account: of.Account, credential: credential, host: u.Hostname()})
	case u.Hostname() == "localhost", err == nil && ip.IsLoopback():
		options, proof = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic)), mail.WithSMTPAuth(mail.SMTPAuthPlainNoEnc)
	}
	if of.Account != "" {
		options = append(options, proof, mail.WithUsername(of.Account), mail.WithPassword(credential.Reveal()))
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

// brief is a connection to whoever says no more than left, in bytes: the library
// reads a reply to its end, however long it is.
type brief struct {
	net.Conn
	left int
}

func (c *brief) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("provider: the mail server does not stop talking")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// login proves an account to a mail server over TLS from the first byte on, where
// the library does not know that it is: by the best that the server takes.
type login struct {
	account, host string
	credential    secret.Token
	mailauth.Auth // the one that was chosen
}

func (l *login) Start(server *mailauth.ServerInfo) (string, []byte, error) {
	switch {
	case !server.TLS:
		return "", nil, mailauth.ErrUnencrypted
	case slices.Contains(server.Auth, "SCRAM-SHA-256"):
		l.Auth = mailauth.ScramSHA256Auth(l.account, l.credential.Reveal())
	case slices.Contains(server.Auth, "PLAIN"):
		l.Auth = mailauth.PlainAuth("", l.account, l.credential.Reveal(), l.host, false)
	case slices.Contains(server.Auth, "LOGIN"):
		l.Auth = mailauth.LoginAuth(l.account, l.credential.Reveal(), l.host, false)
	default:
		return "", nil, errors.New("provider: the mail server takes no login that we know")
	}
	return l.Auth.Start(server)
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
