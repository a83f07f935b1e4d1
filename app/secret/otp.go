package secret

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
)

var base32Upper = base32.StdEncoding.WithPadding(base32.NoPadding)

// seedSize is the length of a seed: RFC 4226 §4, R6 recommends 160 bits.
const seedSize = 20

// Seed returns a new seed for one-time codes as authenticator apps take it: 32
// letters and digits in base32.
func (s Source) Seed() Token {
	var b [seedSize]byte
	s.read(b[:])
	return Token{text: base32Upper.EncodeToString(b[:])}
}

// OneTimeCode gives the six digits for a counter (RFC 4226 §5.3). Authenticator
// apps know SHA-1 for sure and no other digest; its weakness against collisions
// does not matter in HMAC.
func OneTimeCode(seed Token, counter int64) (string, error) {
	key, err := base32Upper.DecodeString(seed.text)
	if err != nil || len(key) < 16 || counter < 0 {
		return "", errors.New("secret: not a seed of one-time codes")
	}
	mac := hmac.New(sha1.New, key)
	if err := binary.Write(mac, binary.BigEndian, counter); err != nil {
		return "", err
	}
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000), nil
}
