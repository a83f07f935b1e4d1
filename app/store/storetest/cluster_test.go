package storetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func cluster(t *testing.T) *Cluster {
	t.Helper()
	c, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBothDatabasesHaveTheirTurn: the two halves of the gate, the one that is asked
// for SQLite and the one under the race detector, have both databases together.
func TestBothDatabasesHaveTheirTurn(t *testing.T) {
	if got := dialects("", false); !slices.Equal(got, Both) {
		t.Errorf("who asks for nothing gets %v", got)
	}
	if got := slices.Concat(dialects("sqlite", false), dialects("sqlite", true)); !slices.Equal(got, Both) {
		t.Errorf("the two halves of the gate test on %v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a database that there is not is tested on")
		}
	}()
	dialects("oracle", false)
}

func TestClonesShareNothing(t *testing.T) {
	c := cluster(t)
	var migrations atomic.Int32
	migrate := func(dsn string) error {
		migrations.Add(1)
		return run(dsn, "CREATE TABLE things (id int PRIMARY KEY)")
	}

	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := c.Template("things", migrate); err != nil {
				t.Errorf("Template: %v", err)
				return
			}
			dsn, drop, err := c.Clone("things")
			if err != nil {
				t.Errorf("Clone: %v", err)
				return
			}
			// The same key in each clone: a shared table would refuse it.
			if err := run(dsn, "INSERT INTO things VALUES (1)"); err != nil {
				t.Errorf("insert into a clone: %v", err)
			}
			drop()
			if err := run(dsn, "SELECT 1"); err == nil {
				t.Error("the clone is still there after drop")
			}
		})
	}
	all.Wait()
	if n := migrations.Load(); n != 1 {
		t.Errorf("migrated %d times, want once", n)
	}
}

func TestRoleOfTheTestsIsOrdinary(t *testing.T) {
	c := cluster(t)
	conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var super, bypass bool
	err = conn.QueryRow(t.Context(), "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&super, &bypass)
	if err != nil || super || bypass {
		t.Errorf("superuser %t, passes row-level security %t, error %v; want neither", super, bypass, err)
	}
}

func TestServerEndsWithItsBinary(t *testing.T) {
	if os.Getenv("STORETEST_CHILD") != "" {
		c, err := launch()
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("\nfolder " + c.watcher.Dir + "\n")
		select {} // until it is killed
	}
	if _, err := programs(); err != nil && os.Getenv("LATCHKEY_TEST_POSTGRES_DSN") != "" {
		return // somebody else's server is used and there is none of ours to end
	}
	child := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsBinary$")
	child.Env = append(os.Environ(), "STORETEST_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	dir := folderIn(t, out)
	child.Process.Kill()
	child.Wait()
	for range 3000 {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s is still there a minute after its binary was killed", dir)
}

// folderIn reads what the child prints up to the line with its folder.
func folderIn(t *testing.T, out interface{ Read([]byte) (int, error) }) string {
	t.Helper()
	var text strings.Builder
	buf := make([]byte, 512)
	for {
		n, err := out.Read(buf)
		text.Write(buf[:n])
		for line := range strings.Lines(text.String()) {
			if dir, ok := strings.CutPrefix(line, "folder "); ok && strings.HasSuffix(dir, "\n") {
				return filepath.Clean(strings.TrimSpace(dir))
			}
		}
		if err != nil {
			t.Fatalf("the child ended: %v\n%s", err, text.String())
		}
	}
}

func TestDSNNamesTheDatabaseAndTheRole(t *testing.T) {
	tests := map[string]string{
		"postgres://test@/postgres?host=%2Ftmp%2Fx": "one",
		"postgres://u:p@db.example:5433/other":      "one",
		"host=/tmp/x user=test":                     "one",
		"host=/tmp/x user=test dbname=other":        "one",
	}
	for dsn, want := range tests {
		got, err := pgx.ParseConfig((&Cluster{dsn: dsn}).DSN("one"))
		if err != nil || got.Database != want {
			t.Errorf("%s: database %v, error %v, want %s", dsn, got, err, want)
		}
		got, err = pgx.ParseConfig(as(dsn, "ordinary", "secret"))
		if err != nil || got.User != "ordinary" || got.Password != "secret" {
			t.Errorf("%s: role %v, error %v, want ordinary", dsn, got, err)
		}
	}
}

func TestARoleThatPassesTheWallIsExchanged(t *testing.T) {
	own := cluster(t)
	if own.watcher == nil {
		return // not our server, not our superuser
	}
	admin := as(own.DSN("postgres"), "postgres", "")
	c := newCluster(admin)
	if err := c.beOrdinary(); err != nil {
		t.Fatal(err)
	}
	err := c.Template("things", func(dsn string) error { return run(dsn, "CREATE TABLE things (id int PRIMARY KEY)") })
	if err != nil {
		t.Fatal(err)
	}
	dsn, _, err := c.Clone("things")
	if err != nil {
		t.Fatal(err)
	}
	if err := run(dsn, "INSERT INTO things VALUES (1)"); err != nil {
		t.Error(err)
	}
	if err := run(dsn, "CREATE ROLE another SUPERUSER"); err == nil {
		t.Error("the role of the tests makes superusers")
	}
	c.Stop()
	conn, err := pgx.Connect(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var left int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_roles WHERE starts_with(rolname, $1))
		+ (SELECT count(*) FROM pg_database WHERE starts_with(datname, $1))`, c.prefix).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d roles and databases are left, %v", left, err)
	}
}

func run(dsn, statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
