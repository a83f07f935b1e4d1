package phone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrNotEnrolled says that a folder holds no phone yet.
var ErrNotEnrolled = errors.New("phone: not enrolled yet; use `phone enrol LINK`")

const stateFile = "phone.json"

// State is a terminal phone between two runs: one device of one service. The
// PIN is never in it.
type State struct {
	PublicURL string    `json:"public_url"`
	DeviceID  string    `json:"device_id"` // "" until enrolled
	Key       string    `json:"key"`       // PKCS #8 in PEM
	Accounts  []Account `json:"accounts"`
}

// Load reads the phone in folder; fs.ErrNotExist when there is none. A file
// that others may read is refused.
func Load(folder string) (*State, error) {
	path := filepath.Join(folder, stateFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("phone: %s can be read by others; make it 0600", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	s := &State{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("phone: %s: %w", path, err)
	}
	return s, nil
}

// Save writes the phone whole or not at all.
func (s *State) Save(folder string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("phone: state: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	temporary, err := os.CreateTemp(folder, stateFile+".*") // 0600
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(append(text, '\n'))
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	if err := os.Rename(temporary.Name(), filepath.Join(folder, stateFile)); err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	return nil
}

// Forget removes the phone from folder.
func Forget(folder string) error {
	err := os.Remove(filepath.Join(folder, stateFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("phone: %w", err)
	}
	return nil
}

// SetKey keeps a key.
func (s *State) SetKey(key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("phone: key: %w", err)
	}
	s.Key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return nil
}

// Client gives the client that this phone is.
func (s *State) Client() (*Client, error) {
	block, _ := pem.Decode([]byte(s.Key))
	if block == nil {
		return nil, errors.New("phone: the stored key is damaged")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("phone: the stored key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("phone: the stored key is not on P-256")
	}
	return &Client{BaseURL: s.PublicURL, Key: key, DeviceID: s.DeviceID}, nil
}

// account finds whom a request is for.
func (s *State) account(r Request) (Account, bool) {
	for _, a := range s.Accounts {
		if a.Tenant == r.Tenant && a.User == r.User {
			return a, true
		}
	}
	return Account{}, false
}
