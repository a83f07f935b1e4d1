package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
)

// The program as its operator has it: one binary, its commands, its words and
// how it ends.

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "latchkey-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "latchkey")
	code := storetest.Main(m)
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

var (
	binary string
	built  = sync.OnceValue(func() error {
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
)

// process is a run of the binary in an environment that has nothing of ours.
type process struct {
	command  *exec.Cmd
	keyboard io.Writer
	out      *output
	ended    chan struct{}
}

// output is what a process says, while it still may.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// begin starts the binary; environment are pairs NAME=value.
func begin(t *testing.T, environment []string, arguments ...string) *process {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	p := &process{command: exec.Command(binary, arguments...), out: &output{}, ended: make(chan struct{})}
	p.command.Dir = t.TempDir()
	p.command.Env = append([]string{"PATH=/nowhere", "HOME=" + p.command.Dir}, environment...)
	p.command.Stdout, p.command.Stderr = p.out, p.out
	var err error
	if p.keyboard, err = p.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		<-p.ended
	})
	return p
}

// ends waits for the end and gives the exit code.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode()
	case <-time.After(30 * time.Second):
		t.Fatalf("%v did not end:\n%s", p.command.Args[1:], p.out)
		return -1
	}
}

// stop asks it to end, as a service manager does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ends(t); code != 0 {
		t.Errorf("%v ended with %d after a signal to stop:\n%s", p.command.Args[1:], code, p.out)
	}
}

// says waits until it has said something that fits, and gives the first group.
func (p *process) says(t *testing.T, pattern string) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(p.out.String()); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-p.ended:
			t.Fatalf("%v ended before it said %q:\n%s", p.command.Args[1:], pattern, p.out)
		default:
		}
	}
	t.Fatalf("%v does not say %q:\n%s", p.command.Args[1:], pattern, p.out)
	return ""
}

// get asks for a page.
func get(t *testing.T, client *http.Client, address string) (status int, body string) {
	t.Helper()
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Connections are not kept, since the program waits for those at its end.
	return &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

var formToken = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// post fills in the form that stands on a page, which may send it elsewhere.
func post(t *testing.T, client *http.Client, page, address string, fields url.Values) (status int, body, at string) {
	t.Helper()
	_, form := get(t, client, page)
	found := formToken.FindStringSubmatch(form)
	if found == nil {
		t.Fatalf("%s has no form:\n%.500s", page, form)
	}
	fields.Set("csrf", found[1])
	res, err := client.PostForm(address, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Request.URL.String()
}

func TestServeFromNothing(t *testing.T) {
	t.Parallel()
	address, data := servertest.FreeAddress(t), filepath.Join(t.TempDir(), "data")
	environment := []string{"LATCHKEY_LISTEN=" + address, "LATCHKEY_DATA=" + data}
	const setUp = `(http://localhost:\d+/setup/[A-Za-z0-9_-]{43})\n`

	// The first start makes all it needs and says where to begin.
	p := begin(t, environment, "serve")
	first := p.says(t, setUp)
	if !strings.Contains(p.out.String(), "listens on "+address) {
		t.Errorf("it does not say where it listens:\n%s", p.out)
	}
	client := visitor(t)
	for _, path := range []string{"/healthz", "/readyz", "/signin"} {
		if status, _ := get(t, client, "http://"+address+path); status != http.StatusOK {
			t.Errorf("GET %s = %d", path, status)
		}
	}
	if status, _ := get(t, client, first); status != http.StatusOK {
		t.Errorf("the set-up link = %d", status)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "master.key": 0o600} {
		if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q in the data folder: %v, want mode %o", name, info, mode)
		}
	}
	p.stop(t)

	// A link that nobody used is replaced by the next start.
	p = begin(t, environment, "serve")
	link := p.says(t, setUp)
	if status, _ := get(t, client, first); link == first || status != http.StatusNotFound {
		t.Errorf("the link of the first start = %d after the second", status)
	}
	status, body, _ := post(t, client, link, link, url.Values{
		"tenant_name": {"Cedar"}, "tenant_slug": {"cedar"}, "domain": {"cedar.example"}, "region": {"eu"}, "admin_name": {"chief"},
		"password": {"a long password for set-up"}, "password_again": {"a long password for set-up"},
	})
	if status != http.StatusOK || !strings.Contains(body, "chief@cedar.example") {
		t.Fatalf("set-up = %d\n%.500s", status, body)
	}
	p.stop(t)

	// From then on there is none.
	p = begin(t, environment, "serve")
	p.says(t, "listens on ")
	if strings.Contains(p.out.String(), "/setup/") {
		t.Errorf("a set-up link is made although there is an organisation:\n%s", p.out)
	}
	signIn(t, "http://"+address, "chief@cedar.example", "a long password for set-up")
	if strings.Contains(p.out.String(), "long password") {
		t.Error("a password is in the log")
	}
	p.stop(t)
}

// signIn signs in by password.
func signIn(t *testing.T, base, name, password string) {
	t.Helper()
	client := visitor(t)
	_, _, attempt := post(t, client, base+"/signin", base+"/signin", url.Values{"identifier": {name}})
	status, _, at := post(t, client, attempt, attempt+"/verify", url.Values{"password": {password}})
	if status != http.StatusOK || at != base+"/" {
		t.Errorf("signing in as %s = %d at %s", name, status, at)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	address, data := servertest.FreeAddress(t), t.TempDir()
	environment := []string{"LATCHKEY_LISTEN=" + address, "LATCHKEY_DATA=" + data}
	for _, c := range []struct {
		claim    string
		more     []string
		password string
	}{
		{"with a password that it makes", []string{"--empty"}, ""},
		{"again, over the same data", nil, ""},
		{"with a password that it is told", nil, "a password that was chosen"},
	} {
		if c.password != "" {
			environment = append(environment, "LATCHKEY_DEMO_PASSWORD="+c.password)
		}
		p := begin(t, environment, append([]string{"demo"}, c.more...)...)
		password := strings.TrimSpace(p.says(t, `Password +(.*)\n`))
		if c.password != "" && password != c.password {
			t.Errorf("%s it prints %q", c.claim, password)
		}
		base := p.says(t, `PC +(http://localhost:\d+)\n`)
		for _, name := range []string{"user1@alder.example", "security@birch.example", "operator@latchkey.example"} {
			signIn(t, base, name, password)
		}
		if status, _ := get(t, visitor(t), base+"/phone"); status != http.StatusOK {
			t.Errorf("%s the phone = %d", c.claim, status)
		}
		p.stop(t)
	}
	p := begin(t, []string{"LATCHKEY_LISTEN=0.0.0.0:0", "LATCHKEY_DATA=" + t.TempDir()}, "demo")
	if code := p.ends(t); code == 0 || !strings.Contains(p.out.String(), "loopback") {
		t.Errorf("the demo beyond loopback ends with %d:\n%s", code, p.out)
	}
}

func TestMigrateTwiceAndBesideAReplica(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			data := t.TempDir()
			address := servertest.FreeAddress(t)
			environment := []string{"LATCHKEY_DATA=" + data, "LATCHKEY_LISTEN=" + address}
			if dialect == "postgres" {
				environment = append(environment, "LATCHKEY_DATABASE_URL="+empty(t))
			}
			migrate := func() {
				t.Helper()
				p := begin(t, environment, "migrate")
				if code := p.ends(t); code != 0 || !strings.Contains(p.out.String(), "up to date") {
					t.Errorf("migrate ends with %d:\n%s", code, p.out)
				}
			}
			migrate()
			migrate()
			replica := begin(t, environment, "serve")
			replica.says(t, "listens on ")
			migrate()
			if status, _ := get(t, visitor(t), "http://"+address+"/readyz"); status != http.StatusOK {
				t.Errorf("readiness after a migration beside it = %d", status)
			}
			replica.stop(t)
		})
	}
}

func TestAnOperatorIsMadeBesideARunningProgram(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			address := servertest.FreeAddress(t)
			environment := []string{"LATCHKEY_DATA=" + t.TempDir(), "LATCHKEY_LISTEN=" + address, "LATCHKEY_PUBLIC_URL=http://" + address}
			if dialect == "postgres" {
				environment = append(environment, "LATCHKEY_DATABASE_URL="+empty(t))
			}
			replica := begin(t, environment, "serve")
			replica.says(t, "listens on ")
			p := begin(t, environment, "operator")
			if code := p.ends(t); code != 0 {
				t.Fatalf("operator ends with %d:\n%s", code, p.out)
			}
			link := p.says(t, `(http://\S+/setup/\S+)`)
			b := visitor(t)
			status, page := get(t, b, link)
			if status != http.StatusOK || !strings.Contains(page, "operator of the platform") || !strings.Contains(page, `name="domain"`) {
				t.Errorf("the link shows %d:\n%s", status, page)
			}
			replica.stop(t)
		})
	}
}

// empty is the address of a PostgreSQL database without a schema.
func empty(t *testing.T) string {
	t.Helper()
	cluster, err := storetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Template("empty", func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	dsn, drop, err := cluster.Clone("empty")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	return dsn
}

// TestHelpExplainsEverySetting of every command: what each flag and each argument is,
// the variable in the environment that does the same, and what holds without it.
func TestHelpExplainsEverySetting(t *testing.T) {
	t.Parallel()
	parser, err := commandLine()
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	for _, leaf := range parser.Model.Leaves(false) {
		path := strings.Fields(strings.TrimPrefix(leaf.FullPath(), "latchkey "))
		name := strings.Join(path, " ")
		p := begin(t, nil, append(path, "--help")...)
		if code := p.ends(t); code != 0 {
			t.Errorf("%s --help ends with %d", name, code)
		}
		help := strings.Join(strings.Fields(p.out.String()), " ")
		says := func(what, text string) {
			t.Helper()
			if text = strings.Join(strings.Fields(text), " "); text == "" || !strings.Contains(help, strings.TrimSuffix(text, ".")) {
				t.Errorf("%s --help does not say %q of %s", name, text, what)
			}
		}
		says("the command", leaf.Help)
		for _, argument := range leaf.Positional {
			says(argument.Name, argument.Help)
		}
		for _, group := range leaf.AllFlags(false) {
			for _, flag := range group {
				flags++
				says("--"+flag.Name, "--"+flag.Name)
				says("--"+flag.Name, flag.Help)
				for _, variable := range flag.Envs {
					says("--"+flag.Name, "$"+variable)
				}
				if flag.HasDefault && flag.Default != "" {
					says("--"+flag.Name, flag.Default)
				}
			}
		}
	}
	if flags < 60 {
		t.Errorf("%d flags; there are more", flags)
	}
	for _, setting := range reflect.VisibleFields(reflect.TypeFor[server.Settings]()) {
		if env := setting.Tag.Get("env"); len(setting.Index) == 1 && !setting.Anonymous && !strings.HasPrefix(env, "LATCHKEY_") {
			t.Errorf("%s has no variable in the environment", setting.Name)
		}
	}
	p := begin(t, nil, "--help")
	p.ends(t)
	for _, command := range []string{"serve", "demo", "migrate", "operator", "bench", "phone"} {
		if !strings.Contains(p.out.String(), command) {
			t.Errorf("--help does not name %s", command)
		}
	}
}

func TestTheREADMEListsEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, settings := range []reflect.Type{reflect.TypeFor[server.Settings](), reflect.TypeFor[server.Serve](), reflect.TypeFor[server.Demo]()} {
		for i := range settings.NumField() {
			if env := settings.Field(i).Tag.Get("env"); env != "" && !strings.Contains(string(readme), "| `"+env+"` |") {
				t.Errorf("README.md has no row for %s", env)
			}
		}
	}
}

// TestTheREADMESaysHowManyMayWait: the figures of product.md §9, which the tests of
// streams go to the edge of (see limits).
func TestTheREADMESaysHowManyMayWait(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(readme)), " ")
	for _, figure := range []string{"One process holds 20,000 of them, 50 for one client address and 5 for one user", "told 429 with `Retry-After`"} {
		if !strings.Contains(text, figure) {
			t.Errorf("README.md does not say %q", figure)
		}
	}
}

func TestWhatDoesNotStartSaysWhyAndEnds(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		claim       string
		environment []string
		arguments   []string
		says        string
	}{
		{"no command", nil, nil, "expected one of"},
		{"a command that is none", nil, []string{"fly"}, "fly"},
		{"a flag that is none", nil, []string{"serve", "--wings"}, "--wings"},
		{"a level that is none", []string{"LATCHKEY_LOG_LEVEL=loud"}, []string{"serve"}, "loud"},
		{"a time that is none", []string{"LATCHKEY_DRAIN=soon"}, []string{"serve"}, "soon"},
		{"plain http beyond loopback", []string{"LATCHKEY_LISTEN=0.0.0.0:0"}, []string{"serve"}, "LATCHKEY_PUBLIC_URL"},
		{"a weak master key", []string{"LATCHKEY_MASTER_KEY=" + strings.Repeat("0", 64)}, []string{"serve"}, "master key"},
		{"a port that is taken", []string{"LATCHKEY_LISTEN=" + taken.Addr().String()}, []string{"serve"}, "in use"},
		{"a database that is not there", []string{"LATCHKEY_DATABASE_URL=postgres://nobody@127.0.0.1:1/none"}, []string{"serve"}, "store"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			p := begin(t, c.environment, c.arguments...)
			if code := p.ends(t); code <= 0 {
				t.Errorf("it ends with %d", code)
			}
			if said := p.out.String(); !strings.Contains(said, c.says) || strings.Contains(said, "goroutine ") {
				t.Errorf("it says:\n%s", said)
			}
		})
	}
}

func TestRunIsAProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	said, saying := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--listen", servertest.FreeAddress(t), "--data", t.TempDir(), "--log-level", "error"}, saying)
	}()
	line := make([]byte, 200)
	if n, err := said.Read(line); err != nil || !strings.Contains(string(line[:n]), "listens on") {
		t.Errorf("it says %q, %v", line[:n], err)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	cancel()
	select {
	case err := <-ended:
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run = %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
}
