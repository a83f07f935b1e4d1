package consumer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"latchkey/app/eventform"
	"latchkey/app/notify"
)

// goodbyeWait is how long the other side may take to close, or to break off.
const goodbyeWait = time.Second

// sendSyslog writes a batch on a connection of its own, says that this is all, and looks
// whether the other side breaks off: it has no other way to say that it did not take it.
func (s *Service) sendSyslog(ctx context.Context, f feeding, events []eventform.Event) error {
	to, ok := target(f.URL, s.Outside)
	if !ok {
		return broken("unreachable", errors.New("consumer: no address of syslog"))
	}
	var stream bytes.Buffer
	for _, e := range events {
		message, err := eventform.Syslog(f.Form, e, s.Host, max(1, e.N-f.FirstN+1))
		if err != nil {
			return err
		}
		stream.Write(message)
	}
	security := &tls.Config{ServerName: to.Hostname(), MinVersion: tls.VersionTLS12}
	if f.Roots != "" {
		security.RootCAs = x509.NewCertPool()
		security.RootCAs.AppendCertsFromPEM([]byte(f.Roots))
	}
	line, err := s.Outside.Dialer().DialContext(ctx, "tcp", to.Host)
	if err != nil {
		return broken("unreachable", err)
	}
	defer func() { _ = line.Close() }()
	if end, ok := ctx.Deadline(); ok {
		if err := line.SetDeadline(end); err != nil {
			return broken("unreachable", err)
		}
	}
	over := tls.Client(line, security)
	if err := over.HandshakeContext(ctx); err != nil {
		var certificate *tls.CertificateVerificationError
		if errors.As(err, &certificate) {
			return broken("certificate", err)
		}
		return broken("unreachable", err)
	}
	if _, err := over.Write(stream.Bytes()); err != nil {
		return broken("unreachable", err)
	}
	if err := over.CloseWrite(); err != nil {
		return broken("unreachable", err)
	}
	wait := s.Goodbye
	if wait == 0 {
		wait = goodbyeWait
	}
	goodbye, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if end, ok := goodbye.Deadline(); ok {
		if err := line.SetReadDeadline(end); err != nil {
			return broken("unreachable", err)
		}
	}
	_, err = io.Copy(io.Discard, io.LimitReader(over, 64<<10))
	var slow net.Error
	if err != nil && !(errors.As(err, &slow) && slow.Timeout()) {
		return broken("unreachable", err)
	}
	return nil
}

// broken is a failure that may pass. What the other side said stays out of it.
func broken(code string, cause error) error {
	if cause != nil {
		cause = notify.Unaddressed(cause)
	}
	return &notify.Failed{Code: code, Cause: cause}
}
