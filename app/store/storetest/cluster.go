package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server for the tests of one test binary: a private,
// throw-away one on a unix socket, or the one that LATCHKEY_TEST_POSTGRES_DSN
// names. Tests act as an ordinary role that owns its databases, never as a
// superuser, so that row-level security holds for them too; where that variable
// names a role that passes it, the cluster makes an ordinary one.
//
// The server ends with the test binary, however that ends: a small shell
// watches a pipe from the binary, and when the pipe closes it stops the server
// and removes the folder. (A death signal from the kernel would follow the
// thread that started the server, and a thread may end early.)
type Cluster struct {
	dsn    string // any database; DSN puts another name in
	prefix string // of the names of databases, so that binaries may share a server
	copies string // how to say that a copy is one of files; empty on a server that is not ours, or that knows but one way
	admin  string // on a server that is not ours, who made the role of the tests; else ""

	mu        sync.Mutex
	templates map[string]*template
	made      []string // databases that Stop drops on a server that is not ours

	watcher *exec.Cmd // nil when the server is not ours
	pipe    io.WriteCloser
	exited  chan struct{}
}

// template is a migrated database that others are copied from.
type template struct {
	once sync.Once
	err  error
}

const (
	// startWait is how long a new server may take to accept; a busy machine
	// has been seen to need two seconds.
	startWait = 60 * time.Second
	// actWait is how long one statement about databases may take.
	actWait = 60 * time.Second
)

const missing = "storetest: no PostgreSQL server programs (initdb, postgres): " +
	"apt-get install postgresql, or set LATCHKEY_TEST_POSTGRES_DSN to a server whose role may create databases"

var (
	startOnce = sync.OnceValues(start)
	started   *Cluster
	startedMu sync.Mutex
)

// Start returns the cluster of this test binary and starts it when it is first
// asked for. After Stop it returns the stopped one.
func Start() (*Cluster, error) { return startOnce() }

// Main runs the tests and stops the cluster, if one was started. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
//
// Without it the cluster ends as well, just after the binary instead of before.
func Main(m *testing.M) int {
	code := m.Run()
	startedMu.Lock()
	c := started
	startedMu.Unlock()
	if c != nil {
		c.Stop()
	}
	return code
}

func start() (*Cluster, error) {
	c, err := open()
	if err != nil {
		return nil, err
	}
	startedMu.Lock()
	started = c
	startedMu.Unlock()
	return c, nil
}

func open() (*Cluster, error) {
	if dsn := os.Getenv("LATCHKEY_TEST_POSTGRES_DSN"); dsn != "" {
		c := newCluster(dsn)
		if err := c.beOrdinary(); err != nil {
			return nil, fmt.Errorf("storetest: LATCHKEY_TEST_POSTGRES_DSN: %w", err)
		}
		return c, nil
	}
	return launch()
}

func newCluster(dsn string) *Cluster {
	return &Cluster{dsn: dsn, prefix: "lk_" + strings.ToLower(rand.Text()[:8]) + "_", templates: map[string]*template{}}
}

// Own starts a server for one test alone, which may Restart it. Who has named a server
// in LATCHKEY_TEST_POSTGRES_DSN may have no programs of one: such a test is skipped there.
func Own(t testing.TB) *Cluster {
	t.Helper()
	if os.Getenv("LATCHKEY_TEST_POSTGRES_DSN") != "" {
		t.Skip("the server of LATCHKEY_TEST_POSTGRES_DSN is not ours to restart")
	}
	c, err := launch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// Restart lets the server of Own fall over, in the middle of whatever it does, and
// start again. It comes back at once; the server takes a moment.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(c.pipe, "again\n"); err != nil {
		t.Fatal(err)
	}
}

// New makes an empty database and gives its address.
func (c *Cluster) New(t testing.TB) (dsn string) {
	t.Helper()
	name := c.prefix + strings.ToLower(rand.Text()[:12])
	if err := c.create(name, ""); err != nil {
		t.Fatal(err)
	}
	return c.DSN(name)
}

// beOrdinary takes an ordinary role instead of one that row-level security does
// not bind.
func (c *Cluster) beOrdinary() error {
	ctx, cancel := context.WithTimeout(context.Background(), actWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var passes bool
	err = conn.QueryRow(ctx, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&passes)
	if err != nil || !passes {
		return err
	}
	role, password := c.prefix+"test", rand.Text()
	if _, err := conn.Exec(ctx, "CREATE ROLE "+quoted(role)+" LOGIN CREATEDB PASSWORD '"+password+"'"); err != nil {
		return err
	}
	c.admin, c.dsn = c.dsn, as(c.dsn, role, password)
	return nil
}

// as puts another role into an address.
func as(dsn, role, password string) string {
	if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
		u.User = url.UserPassword(role, password)
		return u.String()
	}
	return dsn + " user=" + role + " password=" + password // of two names the last one counts
}

// launch makes a cluster of its own. It works as root too, which PostgreSQL
// itself refuses: the server then runs as postgres, or as nobody.
func launch() (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(folder(), "lkpg-")
	if err != nil {
		return nil, fmt.Errorf("storetest: %w", err)
	}
	c, err := launchIn(dir, bin)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return c, nil
}

// roomWanted is what the servers of a few test binaries may come to take.
const roomWanted = 4 << 30

// folder is where databases live: in memory where there is room, since a clone of a
// cluster is some hundred files, else on disk. The path of a unix socket has at most 107
// bytes, too few for t.TempDir.
func folder() string {
	var memory syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &memory); err == nil && memory.Bavail*uint64(memory.Bsize) >= roomWanted {
		return "/dev/shm"
	}
	return "/tmp"
}

func launchIn(dir, bin string) (*Cluster, error) {
	attr := &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches the watcher through the pipe
	if os.Geteuid() == 0 {
		uid, gid, err := ordinaryUser()
		if err != nil {
			return nil, err
		}
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return nil, fmt.Errorf("storetest: %w", err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr = dir, attr
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
		return cmd
	}

	out, err := command(filepath.Join(bin, "initdb"), "-D", "data", "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("storetest: initdb: %w\n%s", err, out)
	}

	// $1 is the folder. Nothing holds the binary's own stdout or stderr, or
	// go test would wait for it.
	watcher := command("/bin/sh", "-c", `
		run() {
			postgres -D data -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
				-c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB -c max_wal_size=128MB -c autovacuum=off \
				>>log 2>&1 </dev/null &
		}
		run "$1"
		while read -r line; do
			kill -QUIT $! && wait $!
			run "$1"
		done
		kill -INT $! && wait $!
		cd / && rm -rf "$1"`, "sh", dir)
	pipe, err := watcher.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("storetest: %w", err)
	}
	if err := watcher.Start(); err != nil {
		return nil, fmt.Errorf("storetest: %w", err)
	}
	c := newCluster("postgres://test@/postgres?host=" + url.QueryEscape(dir))
	c.watcher, c.pipe, c.exited = watcher, pipe, make(chan struct{})
	go func() {
		watcher.Wait()
		close(c.exited)
	}()
	if err := c.makeRole(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		c.Stop()
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	return c, nil
}

// makeRole waits until the server accepts and makes the role of the tests.
func (c *Cluster) makeRole() error {
	admin := strings.Replace(c.dsn, "//test@", "//postgres@", 1)
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, admin)
		if err == nil {
			defer conn.Close(ctx)
			// Where nothing waits for a disk, a copy of files takes less than one by the log.
			err = conn.QueryRow(ctx, "SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN ' STRATEGY FILE_COPY' ELSE '' END").Scan(&c.copies)
			if err != nil {
				return err
			}
			_, err = conn.Exec(ctx, "CREATE ROLE test LOGIN CREATEDB")
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("storetest: the server does not accept after %v: %w", startWait, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server and removes all that it kept. On a server that is not
// ours it drops the databases and the role that were made.
func (c *Cluster) Stop() {
	if c.watcher != nil {
		c.pipe.Close()
		<-c.exited
		return
	}
	c.mu.Lock()
	made := c.made
	c.made = nil
	c.mu.Unlock()
	for _, name := range made {
		execute(c.dsn, "DROP DATABASE IF EXISTS "+quoted(name)+" WITH (FORCE)")
	}
	if c.admin != "" {
		execute(c.admin, "DROP ROLE "+quoted(c.prefix+"test"))
	}
}

// DSN returns the address of one database of the cluster, as a URL where the
// cluster is our own.
func (c *Cluster) DSN(database string) string {
	if u, err := url.Parse(c.dsn); err == nil && u.Scheme != "" {
		u.Path = "/" + database
		return u.String()
	}
	return c.dsn + " dbname=" + database // of two names the last one counts
}

// Template makes the database called name once, by migrate, for Clone to copy.
// Later calls wait for the first one and return what it returned. migrate must
// close its connections: nobody may be connected while a copy is made.
func (c *Cluster) Template(name string, migrate func(dsn string) error) error {
	c.mu.Lock()
	t := c.templates[name]
	if t == nil {
		t = &template{}
		c.templates[name] = t
	}
	c.mu.Unlock()
	t.once.Do(func() {
		database := c.prefix + name
		if t.err = c.create(database, ""); t.err == nil {
			t.err = migrate(c.DSN(database))
		}
	})
	return t.err
}

// Clone copies a template into a database of its own, in some 30 ms. drop
// removes it, and closes the connections that are still open to it.
func (c *Cluster) Clone(template string) (dsn string, drop func(), err error) {
	database := c.prefix + strings.ToLower(rand.Text()[:12])
	if err := c.create(database, c.prefix+template); err != nil {
		return "", nil, err
	}
	drop = func() {
		if execute(c.dsn, "DROP DATABASE IF EXISTS "+quoted(database)+" WITH (FORCE)") == nil {
			c.forget(database)
		}
	}
	return c.DSN(database), drop, nil
}

// create makes a database, empty when from is "".
func (c *Cluster) create(database, from string) error {
	statement := "CREATE DATABASE " + quoted(database)
	if from != "" {
		statement += " TEMPLATE " + quoted(from) + c.copies
	}
	if err := execute(c.dsn, statement); err != nil {
		return fmt.Errorf("storetest: %s: %w", statement, err)
	}
	c.mu.Lock()
	c.made = append(c.made, database)
	c.mu.Unlock()
	return nil
}

func (c *Cluster) forget(database string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = slices.DeleteFunc(c.made, func(name string) bool { return name == database })
}

// execute runs one statement on a connection of its own.
func execute(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), actWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// programs returns the folder with initdb and postgres: Debian's newest, which
// is not on PATH, or else the one on PATH.
func programs() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if inPath, err := exec.LookPath("initdb"); err == nil {
		if inPath, err = filepath.EvalSymlinks(inPath); err == nil {
			found = append(found, inPath)
		}
	}
	for _, initdb := range found {
		dir := filepath.Dir(initdb)
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New(missing)
}

// majorVersion reads 15 out of /usr/lib/postgresql/15/bin/initdb.
func majorVersion(initdb string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return version
}

func ordinaryUser() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, lookErr := user.Lookup(name)
		if lookErr != nil {
			continue
		}
		id, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		group, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && id != 0 {
			return uint32(id), uint32(group), nil
		}
	}
	return 0, 0, errors.New("storetest: PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}
