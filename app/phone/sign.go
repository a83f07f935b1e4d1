package phone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// JWK is the public half of a P-256 key as RFC 7517 writes it.
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// NewKey makes the key of a new phone.
func NewKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// PublicJWK gives the public half of a P-256 key.
func PublicJWK(key *ecdsa.PublicKey) (JWK, error) {
	if key.Curve != elliptic.P256() {
		return JWK{}, fmt.Errorf("phone: the key is on %s, not on P-256", key.Curve.Params().Name)
	}
	point, err := key.Bytes() // 0x04, x, y
	if err != nil {
		return JWK{}, fmt.Errorf("phone: public key: %w", err)
	}
	return JWK{Kty: "EC", Crv: "P-256", X: base64url(point[1:33]), Y: base64url(point[33:])}, nil
}

// Proof is the DPoP header of one request to a full address without query. A
// phone without a device id yet leaves kid out.
func Proof(key *ecdsa.PrivateKey, deviceID, method, address string, now time.Time) (string, error) {
	jwk, err := PublicJWK(&key.PublicKey)
	if err != nil {
		return "", err
	}
	header := struct {
		Typ string `json:"typ"`
		Alg string `json:"alg"`
		Kid string `json:"kid,omitempty"`
		JWK JWK    `json:"jwk"`
	}{"dpop+jwt", "ES256", deviceID, jwk}
	claims := struct {
		JTI string `json:"jti"`
		HTM string `json:"htm"`
		HTU string `json:"htu"`
		IAT int64  `json:"iat"`
	}{rand.Text(), method, address, now.Unix()}
	return Sign(key, header, claims)
}

// Decision is what a person says to a request.
type Decision string

// The protocol's words.
const (
	Approve Decision = "approve" // with the number that the page shows
	Deny    Decision = "deny"    // it is me, but no
	Report  Decision = "report"  // it is not me
)

// Claims are what a phone signs when it answers a request.
type Claims struct {
	Issuer   string   `json:"iss"` // device id
	Audience string   `json:"aud"` // public address of the service
	Subject  string   `json:"sub"` // account id
	ID       string   `json:"jti"` // request id
	Nonce    string   `json:"nonce"`
	Tenant   string   `json:"tenant"`
	Decision Decision `json:"decision"`
	Number   string   `json:"number,omitempty"` // for Approve only
	Act      string   `json:"act,omitempty"`    // for Approve of a request that asks for an act: its hash
	IssuedAt int64    `json:"iat"`              // seconds since 1970
}

// SignAnswer is the compact JWS over claims.
func SignAnswer(key *ecdsa.PrivateKey, claims Claims) (string, error) {
	header := struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}{"ES256", claims.Issuer}
	return Sign(key, header, claims)
}

// Sign is the compact ES256 JWS of any header and claims. The header is taken
// as it is, so that tests can send wrong ones.
func Sign(key *ecdsa.PrivateKey, header, claims any) (string, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("phone: header: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("phone: claims: %w", err)
	}
	signed := base64url(head) + "." + base64url(body)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", fmt.Errorf("phone: sign: %w", err)
	}
	// RFC 7518 §3.4: the two numbers side by side, 32 bytes each, no ASN.1.
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64url(signature[:]), nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
