// Package servertest runs the whole program in a test: real database, real
// listener, real background work, the data of the demo.
package servertest

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/demo"
	"latchkey/app/server"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// Password is everybody's in the demo data of a test.
const Password = "a long password for tests"

// Program is a running program.
type Program struct {
	*server.Server
	URL   string // http://localhost:port, also the public address
	stop  func()
	still func()
}

// Stop ends the program before the test does.
func (p *Program) Stop() { p.stop() }

// Start runs the program on a fresh database of dialect, with demo data.
func Start(t testing.TB, dialect store.Dialect, change ...func(*server.Settings)) *Program {
	t.Helper()
	return Replica(t, storetest.Address(t, dialect), "", change...)
}

// Replica runs the program on the database at address. With another replica's
// public URL it stands beside that one; without, it is the first and fills the
// database.
func Replica(t testing.TB, address, publicURL string, change ...func(*server.Settings)) *Program {
	t.Helper()
	return run(t, address, publicURL, slog.New(slog.DiscardHandler), change)
}

// Logged is Start with a log that somebody reads.
func Logged(t testing.TB, dialect store.Dialect, log *slog.Logger, change ...func(*server.Settings)) *Program {
	t.Helper()
	return run(t, storetest.Address(t, dialect), "", log, change)
}

func run(t testing.TB, address, publicURL string, log *slog.Logger, change []func(*server.Settings)) *Program {
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
	s, err := server.Build(t.Context(), settings(t, listener.Addr().String(), publicURL, address, change), log)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	if first {
		fill(t, s)
	}
	ctx, cancel := context.WithCancel(context.Background())
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
		case <-time.After(time.Minute):
			t.Error("the program did not end")
		}
	}
	t.Cleanup(stop)
	return &Program{Server: s, URL: own, stop: stop}
}

// Quiet builds the program on a fresh database of dialect with demo data. It
// listens nowhere and nothing works in the background: what it does, it does
// because its Handler was asked. Only the table of rules is read again now and
// then, as it is best before a minute and some tests take longer on a busy machine.
func Quiet(t testing.TB, dialect store.Dialect, publicURL string, change ...func(*server.Settings)) *Program {
	t.Helper()
	p := Empty(t, dialect, publicURL, change...)
	fill(t, p.Server)
	return p
}

// Empty is Quiet without any data, as on the first day.
func Empty(t testing.TB, dialect store.Dialect, publicURL string, change ...func(*server.Settings)) *Program {
	t.Helper()
	s, err := server.Build(t.Context(), settings(t, "127.0.0.1:0", publicURL, storetest.Address(t, dialect), change), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	fresh := keepFresh(s)
	stop := func() {
		fresh()
		if err := s.DB.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(stop)
	return &Program{Server: s, URL: publicURL, stop: stop, still: fresh}
}

// Still ends what a Quiet program does by itself, for who has a clock of their own: the
// table of rules is as it is from now on, and gets stale unless it is read.
func (p *Program) Still() { p.still() }

// Counted counts the insights of all tenants anew: this, or the program beside it.
func (p *Program) Counted(t testing.TB) {
	t.Helper()
	_, err := p.DB.CountOne(t.Context(), "UPDATE insights SET taken_at = NULL, held_at = NULL")
	for end, left := time.Now().Add(time.Minute), -1; err == nil && left != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("for a minute insights are not counted")
		}
		if err = p.Insights.TakeUp(t.Context()); err == nil {
			_, err = p.DB.View(t.Context()).One(&left, "SELECT count(*) FROM insights WHERE taken_at IS NULL AND tenant_id <> ?", access.Platform)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// keepFresh reads the table of rules every ten seconds until stop is called. When it
// cannot be read it gets stale, as it does in the program.
func keepFresh(s *server.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := s.Rules.Reload(ctx); err != nil && ctx.Err() == nil {
					s.Site.Log.Warn("rules not read", "error", err)
				}
			}
		}
	})
	return func() { cancel(); running.Wait() }
}

// DearPasswords hashes passwords as a program that is no test does.
func DearPasswords(s *server.Settings) { s.CheapPasswords = false }

// Hurried waits for a database no longer than a program that is no test.
func Hurried(s *server.Settings) { s.Patience = 0 }

func settings(t testing.TB, listen, publicURL, database string, change []func(*server.Settings)) server.Settings {
	s := server.Settings{
		Listen: listen, PublicURL: publicURL, DatabaseURL: database, Data: t.TempDir(),
		MasterKey: hex.EncodeToString([]byte("a master key that only tests have")),
		Drain:     15 * time.Second, // a connection over which nothing was asked yet is waited for five, and a busy machine answers late
		Trial:     server.Trial{CheapPasswords: true, Patience: time.Minute},
	}
	for _, do := range change {
		do(&s)
	}
	return s
}

func fill(t testing.TB, s *server.Server) {
	t.Helper()
	if err := demo.Fill(t.Context(), s.DB, s.Passwords, Password, true); err != nil {
		t.Fatalf("demo data: %v", err)
	}
	if err := s.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}
