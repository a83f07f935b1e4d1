// Package servertest runs the whole program in a test: real database, real
// listener, real background work, the data of the demo.
package servertest

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net"
	"testing"
	"time"

	"latchkey/app/demo"
	"latchkey/app/secret"
	"latchkey/app/server"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// Password is everybody's in the demo data of a test.
const Password = "a long password for tests"

// Program is a running program.
type Program struct {
	*server.Server
	URL  string // http://localhost:port, also the public address
	stop func()
}

// Stop ends the program before the test does.
func (p *Program) Stop() { p.stop() }

// Start runs the program on a fresh database of dialect, with demo data.
func Start(t testing.TB, dialect store.Dialect) *Program {
	t.Helper()
	return Replica(t, storetest.Address(t, dialect), "")
}

// Replica runs the program on the database at address. With another replica's
// public URL it stands beside that one; without, it is the first and fills the
// database.
func Replica(t testing.TB, address, publicURL string) *Program {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	own := "http://localhost:" + port
	first := publicURL == ""
	if first {
		publicURL = own
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.Build(ctx, server.Settings{
		Listen: listener.Addr().String(), PublicURL: publicURL, DatabaseURL: address, Data: t.TempDir(),
		MasterKey: hex.EncodeToString([]byte("a master key that only tests have")), Drain: 2 * time.Second,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatalf("build: %v", err)
	}
	if first {
		if err := demo.Fill(ctx, s.DB, secret.NewPasswords(), Password, true); err != nil {
			cancel()
			t.Fatalf("demo data: %v", err)
		}
		if err := s.Rules.Reload(ctx); err != nil {
			cancel()
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener, nil) }()
	stop := func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the program ended with: %v", err)
			}
			ended <- nil
		case <-time.After(20 * time.Second):
			t.Error("the program did not end")
		}
	}
	t.Cleanup(stop)
	return &Program{Server: s, URL: own, stop: stop}
}
