package secret

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"latchkey/app/fault"
)

// argon2id parameters (product.md §9; OWASP's second choice for servers).
const (
	argonThreads = 1
	argonKey     = 32
)

// cost is what one hash takes.
type cost struct{ memory, passes uint32 } // memory in KiB

var (
	dear  = cost{memory: 19 * 1024, passes: 2}
	cheap = cost{memory: 8, passes: 1} // the least that argon2 takes
)

// The gate of passwords and its queue. Who is let into the queue has their turn in
// less than a second, unless the machine is busy with something else.
const (
	placesCore = 2               // hash at once, for each core
	queueMost  = 20              // wait, for each place
	queueWait  = 2 * time.Second // at the longest
)

// Passwords hashes and checks passwords, at most two per core at once, because
// each takes 19 MiB; a few others wait a moment. Who comes when they are too many,
// or waits for too long, is told to come back.
type Passwords struct {
	Wait time.Duration // in the queue, at the longest

	gate    chan struct{}
	patient chan struct{} // has the turn of those who hash in the background
	waiting atomic.Int64
	decoy   string
	cost    cost
}

// NewPasswords makes the gate and the hash that unknown names are checked against.
func NewPasswords() *Passwords { return withCost(dear) }

// CheapPasswords is NewPasswords for tests that are not about hashing: its hashes
// are argon2id too, and cost next to nothing. Outside a test it panics.
func CheapPasswords() *Passwords {
	if !testing.Testing() {
		panic("secret: cheap passwords outside a test")
	}
	return withCost(cheap)
}

func withCost(c cost) *Passwords {
	p := &Passwords{Wait: queueWait, gate: make(chan struct{}, placesCore*runtime.NumCPU()), patient: make(chan struct{}, 1), cost: c}
	p.decoy = c.hash(System.Token().Reveal())
	return p
}

// Hash gives the PHC string of a password. It fails with fault.Unavailable when too many wait.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return p.cost.hash(password), nil
}

// How somebody waits who hashes many things in the background.
const (
	patience     = time.Second           // for each hash, at the longest, until nobody else is in the way
	patienceStep = 20 * time.Millisecond // between two looks
)

// HashPatiently is Hash for what nobody waits for, such as thousands of printed codes: it
// goes one after the other, keeps out of a gate that is half full or has a queue, and
// takes its turn all the same when that lasts. So sign-ins lose one place of it at most,
// and the work comes to an end on a busy day too.
func (p *Passwords) HashPatiently(ctx context.Context, password string) (string, error) {
	select {
	case p.patient <- struct{}{}:
		defer func() { <-p.patient }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	tick := time.NewTicker(patienceStep)
	defer tick.Stop()
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for p.waiting.Load() > 0 || 2*len(p.gate) >= cap(p.gate) {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
			continue
		case <-enough.C:
		}
		break
	}
	return p.Hash(ctx, password)
}

// Verify says whether password belongs to the PHC string phc. An empty phc
// takes the same time and never matches. It fails with fault.Unavailable when
// too many wait.
func (p *Passwords) Verify(ctx context.Context, phc, password string) (bool, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	known := phc != ""
	if !known {
		phc = p.decoy
	}
	same, err := verify(phc, password)
	return same && known, err
}

func (p *Passwords) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-p.gate }
	select {
	case p.gate <- struct{}{}:
		return leave, nil
	default:
	}
	busy := fault.New(fault.Unavailable, "password.busy")
	busy.RetryAfter = 5 * time.Second
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > int64(queueMost*cap(p.gate)) {
		return nil, busy
	}
	ctx, cancel := context.WithTimeout(ctx, p.Wait)
	defer cancel()
	select {
	case p.gate <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, busy
	}
}

// typedMost is how many bytes of a password are looked at. Nothing that is so long
// was ever accepted, whatever its characters are made of.
const typedMost = 4096

// Normal gives a password in the form in which it is counted and hashed: NFKC, so
// that what two keyboards compose differently is the same (SP 800-63B-4 §3.1.1.2).
func Normal(password string) string {
	return norm.NFKC.String(password[:min(len(password), typedMost)])
}

// Outdated says whether a PHC string was made with parameters below those of today.
func (p *Passwords) Outdated(phc string) bool {
	h, err := parse(phc)
	return err == nil && (h.memory < p.cost.memory || h.passes < p.cost.passes || len(h.key) < argonKey)
}

func (c cost) hash(password string) string {
	var salt [16]byte
	System.read(salt[:])
	key := argon2.IDKey([]byte(Normal(password)), salt[:], c.passes, c.memory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt[:]), base64.RawStdEncoding.EncodeToString(key))
}

func verify(phc, password string) (bool, error) {
	h, err := parse(phc)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(Normal(password)), h.salt, h.passes, h.memory, h.threads, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(got, h.key) == 1, nil
}

// hashed is a PHC string taken apart.
type hashed struct {
	memory, passes uint32
	threads        uint8
	salt, key      []byte
}

// parse reads a PHC string of argon2id. Parameters that no hash of anybody has,
// and a key so short that it would match by chance, are an error: a row that is
// broken must open nothing and cost nothing.
func parse(phc string) (h hashed, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errors.New("secret: not an argon2id hash")
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errors.New("secret: another version of argon2")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads); err != nil {
		return h, fmt.Errorf("secret: parameters of argon2: %w", err)
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return h, fmt.Errorf("secret: salt: %w", err)
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return h, fmt.Errorf("secret: hash: %w", err)
	}
	within := func(n, least, most int) bool { return n >= least && n <= most }
	if !within(int(h.memory), 8, 256<<10) || !within(int(h.passes), 1, 16) || !within(int(h.threads), 1, 16) ||
		!within(len(h.salt), 8, 64) || !within(len(h.key), 16, 64) {
		return h, errors.New("secret: parameters of argon2 that no hash has")
	}
	return h, nil
}
