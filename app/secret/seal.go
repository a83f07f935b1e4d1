package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// sealing is what a sealed text begins with: the way in which it is sealed, so
// that another one can come beside it.
const sealing = "1."

// Seal encrypts what must be read again and must not stand in a copy of the
// database: AES-256-GCM under a key of the tenant. Place says where it is kept,
// such as the table and the id of the row; a text that was carried to another
// place, or to another tenant, does not open there.
func (k *Keys) Seal(tenantID, place, text string) (string, error) {
	under, err := k.sealer(tenantID)
	if err != nil {
		return "", err
	}
	return sealing + base64.RawURLEncoding.EncodeToString(under.Seal(nil, nil, []byte(text), []byte(place))), nil
}

// Open gives back what Seal was given for the same tenant and place.
func (k *Keys) Open(tenantID, place, sealed string) (string, error) {
	text, known := strings.CutPrefix(sealed, sealing)
	if !known {
		return "", errors.New("secret: sealed in a way that is not known")
	}
	closed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("secret: open: %w", err)
	}
	under, err := k.sealer(tenantID)
	if err != nil {
		return "", err
	}
	opened, err := under.Open(nil, nil, closed, []byte(place))
	if err != nil {
		return "", fmt.Errorf("secret: open: %w", err)
	}
	return string(opened), nil
}

func (k *Keys) sealer(tenantID string) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.seal, "latchkey seal of tenant "+tenantID, 32)
	if err != nil {
		return nil, fmt.Errorf("secret: key of a tenant: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("secret: key of a tenant: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
