package server_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/app/server"
)

// tap stands between the program and its PostgreSQL and reads along what the
// program tells it (PostgreSQL's documentation, Frontend/Backend Protocol).
type tap struct {
	network, server string

	mu   sync.Mutex
	told []told
	next int // names connections and what is sent together
}

// told is one statement as it was told to the database.
type told struct {
	statement string
	swift     bool // on a connection whose commits do not wait for the disk
	begun     bool // after BEGIN and before its end
	together  int  // the same for what goes up to one Sync, which is one transaction without a BEGIN
}

// openTap gives a tap and the setting that leads a program through it.
func openTap(t *testing.T) (*tap, func(*server.Settings)) {
	t.Helper()
	tp := &tap{}
	return tp, func(s *server.Settings) { s.DatabaseURL = tp.listen(t, s.DatabaseURL) }
}

// listen opens the tap before the server at address and gives its own address.
func (tp *tap) listen(t *testing.T, address string) string {
	t.Helper()
	config, err := pgconn.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	tp.network, tp.server = pgconn.NetworkAddress(config.Host, config.Port)
	folder, err := os.MkdirTemp("/tmp", "lktap-") // the path of a unix socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(folder, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		open.Wait()
		os.RemoveAll(folder)
	})
	open.Go(func() {
		for {
			program, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { tp.carry(program) })
		}
	})
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		u.Host, u.RawQuery = "", url.Values{"host": {folder}, "port": {"5432"}}.Encode()
		return u.String()
	}
	return address + " host=" + folder + " port=5432" // of two names the last one counts
}

// carry carries one connection in both directions until either side ends it.
func (tp *tap) carry(program net.Conn) {
	defer program.Close()
	database, err := net.Dial(tp.network, tp.server)
	if err != nil {
		return
	}
	defer database.Close()
	go func() {
		_, _ = io.Copy(program, database)
		program.Close()
	}()
	c := &tapped{tap: tp, statements: map[string]string{}, portals: map[string]string{}}
	for started := false; ; started = true {
		message, err := readMessage(program, started)
		if err != nil {
			return
		}
		if started {
			c.hear(message[0], message[5:])
		} else {
			c.swift = bytes.Contains(message, []byte("\x00synchronous_commit\x00off\x00"))
		}
		if _, err := database.Write(message); err != nil {
			return
		}
	}
}

// readMessage reads one message with its head: a kind, but for the first one, and a
// length that counts itself.
func readMessage(from io.Reader, kind bool) ([]byte, error) {
	head := make([]byte, 4, 5)
	if kind {
		head = head[:5]
	}
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[len(head)-4:])
	if length < 4 || length > 64<<20 {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	message := append(head, make([]byte, length-4)...)
	_, err := io.ReadFull(from, message[len(head):])
	return message, err
}

// tapped is one connection as the tap understands it.
type tapped struct {
	tap                 *tap
	swift, begun        bool
	together            int
	statements, portals map[string]string
}

func (c *tapped) hear(kind byte, body []byte) {
	part := func(i int) string {
		parts := bytes.SplitN(body, []byte{0}, i+2)
		return string(parts[i])
	}
	switch kind {
	case 'P': // Parse: name, statement
		c.statements[part(0)] = part(1)
	case 'B': // Bind: portal, name of a statement
		c.portals[part(0)] = c.statements[part(1)]
	case 'E': // Execute: portal
		c.tells(c.portals[part(0)])
	case 'Q': // a simple query, which is sent alone
		c.together = 0
		for _, statement := range strings.Split(part(0), ";") {
			if statement = strings.TrimSpace(statement); statement != "" {
				c.tells(statement)
			}
		}
		c.together = 0
	case 'S': // Sync
		c.together = 0
	}
}

func (c *tapped) tells(statement string) {
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	if c.together == 0 {
		c.tap.next++
		c.together = c.tap.next
	}
	c.tap.told = append(c.tap.told, told{statement, c.swift, c.begun, c.together})
	switch statement {
	case "BEGIN":
		c.begun = true
	case "COMMIT", "ROLLBACK":
		c.begun = false
	}
}

// of does something and gives what the database was told meanwhile.
func (tp *tap) of(do func()) []told {
	from := tp.mark()
	do()
	return tp.since(from)
}

// mark is this moment, for since.
func (tp *tap) mark() int {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return len(tp.told)
}

// since gives what the database was told after a mark.
func (tp *tap) since(from int) []told {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return slices.Clone(tp.told[from:])
}

var writes = regexp.MustCompile(`(?i)\b(INSERT|UPDATE|DELETE)\b`)

// durable gives the commits that wait for the disk: each COMMIT, also of a
// transaction that changed nothing after all, and each change without a BEGIN.
func durable(all []told) (commits []string) {
	last := 0
	for _, one := range all {
		switch {
		case one.swift, one.begun && one.statement != "COMMIT", one.statement == "BEGIN", one.statement == "ROLLBACK":
		case one.statement == "COMMIT":
			commits = append(commits, "COMMIT")
		case writes.MatchString(one.statement) && one.together != last:
			last = one.together
			commits = append(commits, one.statement)
		}
	}
	return commits
}

// notes gives what says NOTIFY, and of it what does so together with anything else.
func notes(all []told) (alone, inside []string) {
	many := map[int]int{}
	for _, one := range all {
		many[one.together]++
	}
	for _, one := range all {
		switch {
		case !strings.Contains(strings.ToLower(one.statement), "notify"):
		case one.begun || many[one.together] > 1:
			inside = append(inside, one.statement)
		default:
			alone = append(alone, one.statement)
		}
	}
	return alone, inside
}
