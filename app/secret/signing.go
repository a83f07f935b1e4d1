package secret

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
)

// NewSigningKey makes a P-256 key that signs tokens for others (ES256).
func NewSigningKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), System.Reader)
	if err != nil {
		return nil, fmt.Errorf("secret: signing key: %w", err)
	}
	return key, nil
}

// SigningText is a signing key as text, to be sealed.
func SigningText(key *ecdsa.PrivateKey) (string, error) {
	scalar, err := key.Bytes()
	if err != nil {
		return "", fmt.Errorf("secret: signing key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(scalar), nil
}

// ParseSigning reads what SigningText wrote.
func ParseSigning(text string) (*ecdsa.PrivateKey, error) {
	scalar, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("secret: this is no signing key")
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, fmt.Errorf("secret: signing key: %w", err)
	}
	return key, nil
}

// Tokens is the key under which tokens that applications hold are sealed.
func (k *Keys) Tokens() (key [32]byte) {
	copy(key[:], k.tokens)
	return key
}
