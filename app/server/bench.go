package server

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"latchkey/app/audit"
	"latchkey/app/bench"
	"latchkey/app/proof"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
	"latchkey/views/component"
	signinviews "latchkey/views/signin"
)

// Bench drives a server of its own, in a process of its own, over HTTP.
type Bench struct {
	bench.Command `embed:""`
	DatabaseURL   string `help:"An empty postgres:// database to measure on. Default: SQLite in a temporary folder." env:"LATCHKEY_DATABASE_URL" name:"database-url"`
	Replicas      int    `help:"Servers over the one database; with 2, phones answer on another one than the browsers wait on. PostgreSQL only." default:"1"`
	Profile       string `help:"File for a CPU profile of the first server." type:"path"`
}

// Run seeds users with real keys, starts the servers, measures, and removes
// what it made but for the rows in a database that was named.
func (c *Bench) Run(ctx context.Context, out io.Writer) error {
	folder, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	settings := Settings{
		Listen: "127.0.0.1:0", PublicURL: "http://localhost", DatabaseURL: c.DatabaseURL, Data: folder,
		MasterKey: hex.EncodeToString(key[:]), Drain: time.Second, LogLevel: "warn",
	}
	if c.DatabaseURL == "" && c.Replicas > 1 {
		return errors.New("bench: several replicas need PostgreSQL")
	}
	s, err := Build(ctx, settings, Logger("warn"))
	if err != nil {
		return err
	}
	users, err := seed(ctx, s, c.Options().UsersNeeded())
	if err = errors.Join(err, s.DB.Close()); err != nil {
		return err
	}
	demo, err := c.start(ctx, "demo", Settings{PublicURL: settings.PublicURL, Data: filepath.Join(folder, "demo"), MasterKey: settings.MasterKey})
	if err != nil {
		return err
	}
	demo.stop()
	var addresses []string
	var servers []*child
	for range max(1, c.Replicas) {
		server, err := c.start(ctx, "serve", settings)
		if err != nil {
			return err
		}
		defer server.stop()
		addresses, servers = append(addresses, server.address), append(servers, server)
	}
	first := servers[0]
	bare, err := openBare(ctx, settings)
	if err != nil {
		return err
	}
	defer bare.close()
	facts := bench.Facts{Postgres: bare.db.Dialect == store.Postgres, Replicas: max(1, c.Replicas), Ready: first.readyIn, DemoReady: demo.readyIn, Idle: first.rss()}
	if facts.Render, err = renderTime(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "Ready in %s, the demo from an empty folder in %s; %d users with keys seeded; %d replica(s).\n",
		facts.Ready.Round(time.Millisecond), facts.DemoReady.Round(time.Millisecond), len(users), facts.Replicas)
	fmt.Fprintf(out, "Idle memory: %.1f MB. The number page renders in %s.\n", float64(facts.Idle)/1e6, facts.Render.Round(100*time.Nanosecond))
	target := bench.Target{
		BaseURL: addresses[0], PhoneURL: addresses[len(addresses)-1], PublicURL: settings.PublicURL, Users: users,
		Commit: bare.commit, CPU: first.cpu, RSS: first.rss, Settle: bare.analyse, Facts: facts,
		Held: func() int64 { return first.metric("latchkey_database_connections_in_use") },
		DurableCommits: func() (all int64) {
			for _, server := range servers {
				all += server.metric("latchkey_durable_commits_total")
			}
			return all
		},
	}
	if facts.Postgres {
		told := make(chan struct{}, 1)
		listening, stop := context.WithCancel(ctx)
		defer stop()
		go bare.db.Listen(listening, func(payload string) {
			if payload == bareKey {
				told <- struct{}{}
			}
		})
		target.Tell, target.Told = func(ctx context.Context) error { return bare.db.Notify(ctx, bareKey) }, told
	}
	if facts.Postgres && facts.Replicas == 1 {
		target.Beside = func(ctx context.Context) (string, func(), error) {
			server, err := c.start(ctx, "serve", settings)
			if err != nil {
				return "", nil, err
			}
			return server.address, server.stop, nil
		}
	}
	return bench.Run(ctx, target, c.Options(), out)
}

// bareKey is what the measurement of bare hints says; servers know nobody who waits for it.
const bareKey = "bench\nbare"

// renderTime is the median of many renders of the number page, into nothing.
func renderTime(ctx context.Context) (time.Duration, error) {
	now := time.Now()
	page := component.Page{Title: "Sign in", TenantName: "Bench", CSRF: strings.Repeat("c", 43), Now: now}
	v := signinviews.Phone{Attempt: "attempt", UserName: "user1@bench.example", State: signinviews.Pending, Number: "42", StartedAt: now, ExpiresAt: now.Add(time.Minute)}
	times := make([]time.Duration, 5000)
	for i := range times {
		began := time.Now()
		if err := signinviews.PhonePage(page, v).Render(ctx, io.Discard); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// child is a server in a process of its own, so that its CPU and memory are its own.
type child struct {
	process *exec.Cmd
	address string
	metrics string // address of /metrics
	readyIn time.Duration
}

// start starts serve or demo, and returns when it says that it is ready.
func (c *Bench) start(ctx context.Context, command string, settings Settings) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	spare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	metrics := spare.Addr().String()
	if err := spare.Close(); err != nil {
		return nil, err
	}
	arguments := []string{
		command, "--listen", "127.0.0.1:0", "--public-url", settings.PublicURL, "--data", settings.Data, "--drain", "1s", "--log-level", "warn", "--metrics-listen", metrics,
		"--sign-ins-per-minute", "0", // all load comes from one address
	}
	process := exec.CommandContext(ctx, program, arguments...)
	process.Env = append(os.Environ(), "LATCHKEY_MASTER_KEY="+settings.MasterKey, "LATCHKEY_DATABASE_URL="+settings.DatabaseURL)
	if c.Profile != "" && command == "serve" {
		process.Env = append(process.Env, "LATCHKEY_CPU_PROFILE="+c.Profile)
		c.Profile = ""
	}
	process.Stderr = os.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	lines, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	started := time.Now()
	if err := process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(lines).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("bench: the server did not start: %w", err)
	}
	readyIn := time.Since(started)
	if command == "demo" {
		go func() { _, _ = io.Copy(io.Discard, lines) }() // else it could wait for us to read the rest
		return &child{process: process, readyIn: readyIn}, nil
	}
	_, rest, _ := strings.Cut(line, "listens on ")
	address, _, _ := strings.Cut(rest, ",")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("bench: the server said %q", line)
	}
	return &child{process: process, address: "http://" + address, metrics: "http://" + metrics + "/metrics", readyIn: readyIn}, nil
}

func (s *child) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
}

// cpu is what the process has used, user and system (proc(5)).
func (s *child) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var used, system int64
	fmt.Sscan(fields[11], &used)
	fmt.Sscan(fields[12], &system)
	return time.Duration(used+system) * (time.Second / 100)
}

// metric reads one figure of the server; 0 when it cannot be read.
func (s *child) metric(name string) int64 {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(s.metrics)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), name+" "); found {
			value, _ := strconv.ParseFloat(text, 64)
			return int64(value)
		}
	}
	return 0
}

func (s *child) rss() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	var size, resident int64
	fmt.Sscan(string(text), &size, &resident)
	return resident * int64(os.Getpagesize())
}

// seed makes users with an enrolled phone each, phone sign-in on and the phone
// as their habit.
func seed(ctx context.Context, s *Server, n int) ([]bench.User, error) {
	users := make([]bench.User, n)
	for from := 0; from < n; from += 500 {
		err := s.DB.Act(ctx, func(tx *store.Tx) error {
			t, ok, err := tenant.OfName(tx, "x@bench.example")
			if err != nil {
				return err
			}
			if !ok {
				if t, err = tenant.Create(tx, tenant.New{Slug: "bench", Name: "Bench", Domain: "bench.example", Region: "eu", Ring: "stable"}, audit.Service, audit.Origin{}); err != nil {
					return err
				}
			}
			for i := from; i < min(from+500, n); i++ {
				if users[i], err = seedUser(tx, s, t.ID, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return users, nil
}

func seedUser(tx *store.Tx, s *Server, tenantID string, i int) (bench.User, error) {
	const pin = "135790"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return bench.User{}, err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return bench.User{}, err
	}
	public := proof.Key{X: base64.RawURLEncoding.EncodeToString(point[1:33]), Y: base64.RawURLEncoding.EncodeToString(point[33:])}
	u, err := user.Create(tx, tenantID, fmt.Sprintf("user%d-%s@bench.example", i, secret.System.ShortID()), "", "", audit.Service, audit.Origin{})
	if err != nil {
		return bench.User{}, err
	}
	b := bench.User{Identifier: u.Name, AccountID: secret.System.ID(), DeviceID: public.Thumbprint(), Key: key, PIN: pin}
	for _, step := range []struct {
		statement string
		values    []any
	}{
		{`INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, preferred, created_at)
			VALUES (?,?,?,?,?,?,?,?,'active',TRUE,TRUE,?)`, []any{tenantID, b.AccountID, b.DeviceID, u.ID, "Phone", "android", public.String(), s.Keys.PINDigest(b.AccountID, pin), tx.Now}},
		{"INSERT INTO registrations (device_id, tenant_id, registered_at) VALUES (?,?,?)", []any{b.DeviceID, tenantID, tx.Now}},
		{"INSERT INTO habits (tenant_id, subject, way, changed_at) VALUES (?,?,'phone',?)", []any{tenantID, s.Keys.Subject(u.Name), tx.Now}},
	} {
		if err := tx.Exec(step.statement, step.values...).Error; err != nil {
			return bench.User{}, err
		}
	}
	return b, nil
}

// bare makes the smallest durable commits that the database can make.
type bare struct{ db *store.DB }

func openBare(ctx context.Context, settings Settings) (*bare, error) {
	address := settings.DatabaseURL
	if address == "" {
		address = filepath.Join(settings.Data, "latchkey.db")
	}
	db, err := store.Open(ctx, address, Logger("error"))
	if err != nil {
		return nil, err
	}
	_, err = db.Pool().ExecContext(ctx, "CREATE TABLE IF NOT EXISTS bench_commits (id text PRIMARY KEY, body text)")
	return &bare{db: db}, err
}

func (b *bare) commit(ctx context.Context) error { return b.db.Bare(ctx, secret.System.ID()) }

// analyse tells PostgreSQL's planner what the tables hold, as it does by itself
// within a minute after they have grown. SQLite does not.
func (b *bare) analyse(ctx context.Context) error {
	if b.db.Dialect == store.SQLite {
		return nil
	}
	_, err := b.db.Pool().ExecContext(ctx, "ANALYZE")
	return err
}

func (b *bare) close() { _ = b.db.Close() }
