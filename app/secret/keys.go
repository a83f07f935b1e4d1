package secret

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Keys are the keys of one installation, all split by purpose (HKDF, RFC 5869)
// from one master secret that is kept outside the database.
type Keys struct {
	pin, forms, subjects, check, seal, challenges, codes, tokens, statements []byte
	push                                                                     *ecdh.PrivateKey
}

// NewKeys splits master, which has 32 bytes or more.
func NewKeys(master []byte) (*Keys, error) {
	if len(master) < 32 {
		return nil, errors.New("secret: the master key is shorter than 32 bytes")
	}
	if strings.Count(string(master), string(master[:1])) == len(master) {
		return nil, errors.New("secret: the master key is one byte repeated")
	}
	k := &Keys{}
	for purpose, key := range map[string]*[]byte{"pin": &k.pin, "forms": &k.forms, "subjects": &k.subjects, "check": &k.check, "seal": &k.seal, "challenges": &k.challenges, "codes": &k.codes, "tokens": &k.tokens, "statements": &k.statements} {
		derived, err := hkdf.Key(sha256.New, master, nil, "latchkey "+purpose, 32)
		if err != nil {
			return nil, fmt.Errorf("secret: key for %s: %w", purpose, err)
		}
		*key = derived
	}
	// A scalar out of range has a chance of 2^-32; the counter makes it none.
	for n := 0; k.push == nil; n++ {
		scalar, err := hkdf.Key(sha256.New, master, nil, fmt.Sprintf("latchkey push %d", n), 32)
		if err != nil {
			return nil, fmt.Errorf("secret: key for push: %w", err)
		}
		if key, err := ecdh.P256().NewPrivateKey(scalar); err == nil {
			k.push = key
		}
	}
	return k, nil
}

// LoadMaster reads the master key from a file, 64 hex digits, and makes the
// file when there is none. It refuses a file that others may read.
func LoadMaster(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeMaster(path)
	}
	if err != nil {
		return nil, fmt.Errorf("secret: master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secret: %s may be read by others; chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret: master key: %w", err)
	}
	return ParseMaster(string(text))
}

// ParseMaster reads 64 or more hex digits.
func ParseMaster(text string) ([]byte, error) {
	master, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(master) < 32 {
		return nil, errors.New("secret: the master key is not 64 hex digits")
	}
	return master, nil
}

func makeMaster(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("secret: master key: %w", err)
	}
	var master [32]byte
	System.read(master[:])
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("secret: master key: %w", err)
	}
	if _, err := file.WriteString(hex.EncodeToString(master[:]) + "\n"); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return master[:], errors.Join(file.Sync(), file.Close())
}

// PINDigest is what is kept of a PIN. A PIN has few values, so the digest is
// keyed: without the master key a copy of the database does not give it away.
func (k *Keys) PINDigest(accountID, pin string) string {
	return keyed(k.pin, accountID+"\x00"+pin)
}

// CodeDigest is what is kept of a code that was sent, keyed like a PIN's: six digits
// are few. id is that of the row, so that one digest fits no other.
func (k *Keys) CodeDigest(id, code string) string { return keyed(k.codes, id+"\x00"+code) }

// Disowning is what a link ends with by which somebody takes a bypass back without signing
// in: of a tenant and an id, and of the key that is not in the database.
func (k *Keys) Disowning(tenantID, id string) string {
	return tenantID + "-" + id + "-" + keyed(k.codes, "disowning\x00"+tenantID+"\x00"+id)[:43]
}

// ShortDisowning is Disowning for where every letter counts: 16 letters and digits (80
// bits) that say nothing of the tenant or the id.
func (k *Keys) ShortDisowning(tenantID, id string) string {
	mac := hmac.New(sha256.New, k.codes)
	mac.Write([]byte("short disowning\x00" + tenantID + "\x00" + id))
	return base32Lower.EncodeToString(mac.Sum(nil)[:10])
}

// SpokenCode is four letters that stand for something, to be read out and compared.
// Those that sound or look like others are left out. 65,536 are few: they are for one
// comparison by a person, and prove nothing to a program.
func (k *Keys) SpokenCode(about string) string {
	mac := hmac.New(sha256.New, k.codes)
	mac.Write([]byte("spoken\x00" + about))
	sum, letters := mac.Sum(nil), "AEFHJKLMNPRTUWXY"
	code := make([]byte, 4)
	for i := range code {
		code[i] = letters[sum[i]%16]
	}
	return string(code)
}

// Subject stands for a sign-in name, known or not, where counters and habits
// are kept, so that a made-up name leaves the same traces and no name.
func (k *Keys) Subject(name string) string { return keyed(k.subjects, name)[:32] }

// FormToken is the token against cross-site requests of one browser.
func (k *Keys) FormToken(browser string) string { return keyed(k.forms, browser)[:43] }

// Check is a value that tells two master keys apart and gives neither away.
func (k *Keys) Check() string { return keyed(k.check, "latchkey") }

// Push gives the VAPID key pair (RFC 8292) as base64url: public, private.
func (k *Keys) Push() (public, private string) {
	return encode(k.push.PublicKey().Bytes()), encode(k.push.Bytes())
}

func keyed(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
