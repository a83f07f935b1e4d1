package secret

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"latchkey/app/fault"
)

// argon2id parameters (product.md §9; OWASP's second choice for servers).
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
)

// queueWait is how long a password waits for its turn before it is told to come back.
const queueWait = 2 * time.Second

// Passwords hashes and checks passwords, at most two per core at once, because
// each takes 19 MiB; the others wait a moment and are then told to come back.
type Passwords struct {
	gate  chan struct{}
	decoy string
}

// NewPasswords makes the gate and the hash that unknown names are checked against.
func NewPasswords() *Passwords {
	p := &Passwords{gate: make(chan struct{}, 2*runtime.NumCPU())}
	p.decoy = hash(System.Token().Reveal())
	return p
}

// Hash gives the PHC string of a password. It fails with fault.Unavailable when too many wait.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return hash(password), nil
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
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	select {
	case p.gate <- struct{}{}:
		return func() { <-p.gate }, nil
	case <-ctx.Done():
		busy := fault.New(fault.Unavailable, "password.busy")
		busy.RetryAfter = 5 * time.Second
		return nil, busy
	}
}

func hash(password string) string {
	var salt [16]byte
	System.read(salt[:])
	key := argon2.IDKey([]byte(password), salt[:], argonTime, argonMemory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt[:]), base64.RawStdEncoding.EncodeToString(key))
}

func verify(phc, password string) (bool, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("secret: not an argon2id hash")
	}
	var version, memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errors.New("secret: another version of argon2")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false, fmt.Errorf("secret: parameters of argon2: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("secret: salt: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("secret: hash: %w", err)
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
