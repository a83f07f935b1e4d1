// Package proof reads what a phone signed: compact JWS with ES256 (RFC 7515,
// RFC 7518 §3.4) and nothing else, DPoP proofs (RFC 9449 §4.2), and the JWK of a
// P-256 key (RFC 7517). It decides whether a signature holds; what the claims
// must say in a given act is decided where the act is.
package proof

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Errors of this package; all of them mean "not proved" to the caller.
var (
	ErrForm      = errors.New("proof: not a compact JWS with ES256")
	ErrSignature = errors.New("proof: the signature does not hold")
	ErrClaims    = errors.New("proof: the claims are not for this request")
	ErrKey       = errors.New("proof: not a public key on P-256")
)

// Drift is how far a proof's clock may be from ours (http.md).
const Drift = 300 * time.Second

// longest is the length of the longest JWS that is read.
const longest = 8 << 10

// Key is a public key on P-256 in the form in which it is stored and compared.
type Key struct {
	X string `json:"x"` // 32 bytes, base64url
	Y string `json:"y"`
}

// ParseKey reads a JWK. It fails with ErrKey when it is not a public P-256 key,
// and also when it carries a private part, which nobody should have sent.
func ParseKey(jwk []byte) (Key, error) {
	var k struct {
		Kty, Crv, X, Y string
		D              *string
	}
	if err := json.Unmarshal(jwk, &k); err != nil || k.Kty != "EC" || k.Crv != "P-256" || k.D != nil {
		return Key{}, ErrKey
	}
	key := Key{X: k.X, Y: k.Y}
	_, err := key.public()
	return key, err
}

// Thumbprint is the RFC 7638 thumbprint, which serves as the id of the device.
func (k Key) Thumbprint() string {
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + k.X + `","y":"` + k.Y + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// String is how a key is stored.
func (k Key) String() string { return k.X + "." + k.Y }

// StoredKey reads what String wrote.
func StoredKey(text string) Key {
	x, y, _ := strings.Cut(text, ".")
	return Key{X: x, Y: y}
}

func (k Key) public() (*ecdsa.PublicKey, error) {
	point := make([]byte, 1, 65)
	point[0] = 4
	for _, part := range []string{k.X, k.Y} {
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(b) != 32 {
			return nil, ErrKey
		}
		point = append(point, b...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, ErrKey
	}
	return public, nil
}

// Signed is a JWS whose form is right and whose signature is not yet checked.
type Signed struct {
	KeyID string
	typ   string
	jwk   *jose.JSONWebKey
	jws   *jose.JSONWebSignature
}

// Parse reads the form of a compact JWS. A critical header (RFC 7515 §4.1.11)
// is refused, since we understand none.
func Parse(text string) (*Signed, error) {
	if len(text) > longest || strings.ContainsFunc(text, outsideForm) {
		return nil, ErrForm
	}
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrForm
	}
	header := jws.Signatures[0].Protected
	if _, critical := header.ExtraHeaders["crit"]; critical {
		return nil, ErrForm
	}
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	return &Signed{KeyID: header.KeyID, typ: typ, jwk: header.JSONWebKey, jws: jws}, nil
}

// outsideForm says whether a compact JWS never holds r; the decoder would skip
// line breaks.
func outsideForm(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// Key gives the public key that the JWS carries in its header, if it does.
func (s *Signed) Key() (Key, bool) {
	if s.jwk == nil {
		return Key{}, false
	}
	public, ok := s.jwk.Key.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return Key{}, false
	}
	point, err := public.Bytes()
	if err != nil {
		return Key{}, false
	}
	return Key{X: base64.RawURLEncoding.EncodeToString(point[1:33]), Y: base64.RawURLEncoding.EncodeToString(point[33:])}, true
}

// verify checks the signature against key and gives the payload.
func (s *Signed) verify(key Key) ([]byte, error) {
	public, err := key.public()
	if err != nil {
		return nil, err
	}
	if s.jwk != nil {
		named, ok := s.jwk.Key.(*ecdsa.PublicKey)
		if !ok || !named.Equal(public) {
			return nil, ErrSignature
		}
	}
	payload, err := s.jws.Verify(public)
	if err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

// Request is what a DPoP proof must be for.
type Request struct {
	Method    string
	PublicURL string // scheme and host as in the settings
	Path      string
}

// Possession checks a DPoP proof against key, request and time and gives its
// jti and the instant until which a replay must be remembered.
func (s *Signed) Possession(key Key, r Request, now time.Time) (jti string, until time.Time, err error) {
	if s.typ != "dpop+jwt" {
		return "", time.Time{}, ErrForm
	}
	payload, err := s.verify(key)
	if err != nil {
		return "", time.Time{}, err
	}
	var claims struct {
		JTI string   `json:"jti"`
		HTM string   `json:"htm"`
		HTU string   `json:"htu"`
		IAT *float64 `json:"iat"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.IAT == nil {
		return "", time.Time{}, ErrClaims
	}
	at := time.Unix(int64(*claims.IAT), 0)
	switch {
	case claims.JTI == "" || len(claims.JTI) > 200,
		claims.HTM != r.Method,
		!SameAddress(claims.HTU, r.PublicURL+r.Path),
		at.Before(now.Add(-Drift)) || at.After(now.Add(Drift)):
		return "", time.Time{}, ErrClaims
	}
	return claims.JTI, at.Add(Drift + time.Minute), nil
}

// SameAddress says whether two addresses are the same but for query and
// fragment. On plain http, which is accepted on loopback only, the names of
// loopback are one.
func SameAddress(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	if errX != nil || errY != nil || x.Scheme != y.Scheme || x.User != nil || strings.TrimSuffix(x.EscapedPath(), "/") != strings.TrimSuffix(y.EscapedPath(), "/") {
		return false
	}
	return strings.EqualFold(x.Host, y.Host) || x.Scheme == "http" && x.Port() == y.Port() && loopback[x.Hostname()] && loopback[y.Hostname()]
}

var loopback = map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}

// Answer is what a phone signs when it answers a prompt (http.md).
type Answer struct {
	Device   string  `json:"iss"`
	Audience string  `json:"aud"`
	Account  string  `json:"sub"`
	Request  string  `json:"jti"`
	Nonce    string  `json:"nonce"`
	Tenant   string  `json:"tenant"`
	Decision string  `json:"decision"`
	Number   string  `json:"number"`
	Act      string  `json:"act"` // of a request that asks for an act: its digest
	IssuedAt float64 `json:"iat"`
}

// Answer checks the signature and reads the claims.
func (s *Signed) Answer(key Key) (Answer, error) {
	payload, err := s.verify(key)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	decoder := json.NewDecoder(bytes.NewReader(payload))
	if err := decoder.Decode(&a); err != nil {
		return Answer{}, ErrClaims
	}
	for _, claim := range []string{a.Device, a.Audience, a.Account, a.Request, a.Nonce, a.Tenant, a.Decision, a.Number, a.Act} {
		if strings.Contains(claim, "\x00") { // no column takes one, and no phone sends one
			return Answer{}, ErrClaims
		}
	}
	return a, nil
}
