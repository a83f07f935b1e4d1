package proof_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"latchkey/app/phone"
	"latchkey/app/proof"
)

var (
	now     = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	request = proof.Request{Method: "POST", PublicURL: "https://id.example", Path: "/phone/api/v1/requests"}
)

type object = map[string]any

func newKey(t testing.TB) (*ecdsa.PrivateKey, proof.Key) {
	t.Helper()
	private, err := phone.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return private, public(t, private)
}

func public(t testing.TB, private *ecdsa.PrivateKey) proof.Key {
	t.Helper()
	jwk, err := phone.PublicJWK(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return proof.Key{X: jwk.X, Y: jwk.Y}
}

func jwkOf(k proof.Key) object { return object{"kty": "EC", "crv": "P-256", "x": k.X, "y": k.Y} }

func sign(t testing.TB, private *ecdsa.PrivateKey, header, claims any) string {
	t.Helper()
	text, err := phone.Sign(private, header, claims)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// possession is what the program asks of the header DPoP.
func possession(text string, key proof.Key, r proof.Request) (string, time.Time, error) {
	signed, err := proof.Parse(text)
	if err != nil {
		return "", time.Time{}, err
	}
	return signed.Possession(key, r, now)
}

func goodHeader(key proof.Key) object {
	return object{"typ": "dpop+jwt", "alg": "ES256", "kid": key.Thumbprint(), "jwk": jwkOf(key)}
}

func goodClaims() object {
	return object{"jti": "proof-1", "htm": "POST", "htu": "https://id.example/phone/api/v1/requests", "iat": now.Unix()}
}

func with(o object, name string, value any) object {
	changed := object{}
	for k, v := range o {
		changed[k] = v
	}
	if value == nil {
		delete(changed, name)
	} else {
		changed[name] = value
	}
	return changed
}

func TestAGoodProofIsRememberedUntilItCouldNotBeReplayed(t *testing.T) {
	private, key := newKey(t)
	jti, until, err := possession(sign(t, private, goodHeader(key), goodClaims()), key, request)
	if err != nil || jti != "proof-1" {
		t.Fatalf("Possession = %q, %v; want proof-1", jti, err)
	}
	if last := now.Add(proof.Drift); !until.After(last) {
		t.Errorf("remembered until %v, but the proof is good up to %v", until, last)
	}
}

func TestClaimsOfAProof(t *testing.T) {
	private, key := newKey(t)
	for _, row := range []struct {
		claim  string
		name   string
		value  any
		header object
		want   error
	}{
		{claim: "the clock of the phone is five minutes behind", name: "iat", value: now.Add(-proof.Drift).Unix()},
		{claim: "the clock of the phone is five minutes ahead", name: "iat", value: now.Add(proof.Drift).Unix()},
		{claim: "a fraction of a second is a number too", name: "iat", value: float64(now.Unix()) + 0.5},
		{claim: "query and fragment of the address do not count", name: "htu", value: "https://id.example/phone/api/v1/requests?a=1#b"},
		{claim: "the host is the same in capitals", name: "htu", value: "https://ID.EXAMPLE/phone/api/v1/requests"},
		{claim: "a second too old", name: "iat", value: now.Add(-proof.Drift - time.Second).Unix(), want: proof.ErrClaims},
		{claim: "a second too young", name: "iat", value: now.Add(proof.Drift + time.Second).Unix(), want: proof.ErrClaims},
		{claim: "no time", name: "iat", want: proof.ErrClaims},
		{claim: "a time in words", name: "iat", value: "now", want: proof.ErrClaims},
		{claim: "a time beyond all bounds", name: "iat", value: 1e300, want: proof.ErrClaims},
		{claim: "a time before all bounds", name: "iat", value: -1e300, want: proof.ErrClaims},
		{claim: "no jti", name: "jti", want: proof.ErrClaims},
		{claim: "an empty jti", name: "jti", value: "", want: proof.ErrClaims},
		{claim: "a jti too long to remember", name: "jti", value: strings.Repeat("j", 201), want: proof.ErrClaims},
		{claim: "a jti that is no text", name: "jti", value: 7, want: proof.ErrClaims},
		{claim: "another method", name: "htm", value: "GET", want: proof.ErrClaims},
		{claim: "the method in small letters", name: "htm", value: "post", want: proof.ErrClaims},
		{claim: "no method", name: "htm", want: proof.ErrClaims},
		{claim: "no address", name: "htu", want: proof.ErrClaims},
		{claim: "another host", name: "htu", value: "https://id.example.evil.example/phone/api/v1/requests", want: proof.ErrClaims},
		{claim: "another port", name: "htu", value: "https://id.example:8443/phone/api/v1/requests", want: proof.ErrClaims},
		{claim: "plain http", name: "htu", value: "http://id.example/phone/api/v1/requests", want: proof.ErrClaims},
		{claim: "another path", name: "htu", value: "https://id.example/phone/api/v1/accounts", want: proof.ErrClaims},
		{claim: "the host as a user", name: "htu", value: "https://id.example@evil.example/phone/api/v1/requests", want: proof.ErrClaims},
		{claim: "a user at the host", name: "htu", value: "https://evil@id.example/phone/api/v1/requests", want: proof.ErrClaims},
		{claim: "another type of token", header: with(goodHeader(key), "typ", "JWT"), want: proof.ErrForm},
		{claim: "no type", header: with(goodHeader(key), "typ", nil), want: proof.ErrForm},
		{claim: "the type in capitals", header: with(goodHeader(key), "typ", "DPOP+JWT"), want: proof.ErrForm},
	} {
		t.Run(row.claim, func(t *testing.T) {
			header, claims := row.header, goodClaims()
			if header == nil {
				header, claims = goodHeader(key), with(goodClaims(), row.name, row.value)
			}
			_, _, err := possession(sign(t, private, header, claims), key, request)
			if !errors.Is(err, row.want) {
				t.Errorf("Possession of %v = %v, want %v", claims, err, row.want)
			}
		})
	}
}

// TestTamperedSignatures holds every known trick against a JWS to it: none is
// taken for a proof.
func TestTamperedSignatures(t *testing.T) {
	private, key := newKey(t)
	stranger, strange := newKey(t)
	good := sign(t, private, goodHeader(key), goodClaims())
	parts := strings.Split(good, ".")
	signature := decode(t, parts[2])
	resign := func(change func(b []byte) []byte) string {
		return parts[0] + "." + parts[1] + "." + encode(change(append([]byte(nil), signature...)))
	}
	headerOf := func(name string, value any) string { return encode(toJSON(t, with(goodHeader(key), name, value))) }
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])

	for claim, text := range map[string]string{
		"nothing":                     "",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + ".",
		"five parts, as if encrypted": good + "..",
		"no signature":                parts[0] + "." + parts[1] + ".",
		"no payload":                  parts[0] + ".." + parts[2],
		"a payload of another":        parts[0] + "." + encode(toJSON(t, with(goodClaims(), "jti", "proof-2"))) + "." + parts[2],
		"a header of another":         encode(toJSON(t, with(goodHeader(key), "kid", "another"))) + "." + parts[1] + "." + parts[2],
		"one bit of the signature":    resign(func(b []byte) []byte { b[40] ^= 1; return b }),
		"a signature of zeros":        resign(func(b []byte) []byte { return make([]byte, 64) }),
		"r is zero":                   resign(func(b []byte) []byte { clear(b[:32]); return b }),
		"s is zero":                   resign(func(b []byte) []byte { clear(b[32:]); return b }),
		"r is the order of the curve": resign(func(b []byte) []byte { elliptic.P256().Params().N.FillBytes(b[:32]); return b }),
		"s beyond the order of the curve": resign(func(b []byte) []byte {
			new(big.Int).Add(elliptic.P256().Params().N, big.NewInt(1)).FillBytes(b[32:])
			return b
		}),
		"a signature one byte short":        resign(func(b []byte) []byte { return b[:63] }),
		"a signature one byte long":         resign(func(b []byte) []byte { return append(b, 0) }),
		"a signature in ASN.1":              parts[0] + "." + parts[1] + "." + encode(asn1(t, r, s)),
		"alg none":                          headerOf("alg", "none") + "." + parts[1] + ".",
		"alg none with the signature":       headerOf("alg", "none") + "." + parts[1] + "." + parts[2],
		"alg NONE":                          headerOf("alg", "NONE") + "." + parts[1] + ".",
		"no alg":                            headerOf("alg", nil) + "." + parts[1] + "." + parts[2],
		"alg in small letters":              headerOf("alg", "es256") + "." + parts[1] + "." + parts[2],
		"HS256 with the public key":         hs256(t, with(goodHeader(key), "alg", "HS256"), goodClaims(), []byte(key.String())),
		"HS256 with the key's JWK":          hs256(t, with(goodHeader(key), "alg", "HS256"), goodClaims(), toJSON(t, jwkOf(key))),
		"RS256 with a key in the header":    rs256(t, with(goodHeader(key), "kid", key.Thumbprint())),
		"ES384 with a key on P-384":         es384(t, goodHeader(key)),
		"ES256 by a key on P-384":           p384(t, goodHeader(key)),
		"a stranger's key":                  sign(t, stranger, with(goodHeader(key), "jwk", nil), goodClaims()),
		"a stranger's key, named as ours":   sign(t, stranger, goodHeader(key), goodClaims()),
		"a stranger's key in the header":    sign(t, stranger, with(goodHeader(key), "jwk", jwkOf(strange)), goodClaims()),
		"ours, and a stranger's key in it":  sign(t, private, with(goodHeader(key), "jwk", jwkOf(strange)), goodClaims()),
		"a private key in the header":       sign(t, private, with(goodHeader(key), "jwk", with(jwkOf(key), "d", encode(scalar(t, private)))), goodClaims()),
		"a symmetric key in the header":     sign(t, private, with(goodHeader(key), "jwk", object{"kty": "oct", "k": encode([]byte(key.String()))}), goodClaims()),
		"a point off the curve":             sign(t, private, with(goodHeader(key), "jwk", with(jwkOf(key), "y", key.X)), goodClaims()),
		"an unknown critical header":        sign(t, private, with(with(goodHeader(key), "crit", []string{"exp"}), "exp", 1), goodClaims()),
		"a critical header that is missing": sign(t, private, with(goodHeader(key), "crit", []string{"b64"}), goodClaims()),
		"a payload that is not encoded":     sign(t, private, with(with(goodHeader(key), "crit", []string{"b64"}), "b64", false), goodClaims()),
		"an empty list of critical headers": sign(t, private, with(goodHeader(key), "crit", []string{}), goodClaims()),
		"the form of JSON":                  `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"padding":                           parts[0] + "." + parts[1] + "." + parts[2] + "==",
		"a line break inside":               parts[0] + "." + parts[1] + ".\n" + parts[2],
		"a space before":                    " " + good,
		"too long to read":                  sign(t, private, goodHeader(key), with(goodClaims(), "padding", strings.Repeat("p", 9<<10))),
	} {
		t.Run(claim, func(t *testing.T) {
			if jti, _, err := possession(text, key, request); err == nil {
				t.Errorf("Possession = %q, want a refusal", jti)
			}
			signed, err := proof.Parse(text)
			if err != nil {
				return
			}
			if a, err := signed.Answer(key); err == nil {
				t.Errorf("Answer = %+v, want a refusal", a)
			}
		})
	}
}

func asn1(t *testing.T, r, s *big.Int) []byte {
	t.Helper()
	number := func(n *big.Int) []byte {
		b := append([]byte{0}, n.Bytes()...)
		return append([]byte{2, byte(len(b))}, b...)
	}
	both := append(number(r), number(s)...)
	return append([]byte{0x30, byte(len(both))}, both...)
}

func scalar(t *testing.T, private *ecdsa.PrivateKey) []byte {
	t.Helper()
	d, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func hs256(t *testing.T, header, claims object, secret []byte) string {
	t.Helper()
	text := encode(toJSON(t, header)) + "." + encode(toJSON(t, claims))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

func rs256(t *testing.T, header object) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	header = with(with(header, "alg", "RS256"), "jwk", object{
		"kty": "RSA", "n": encode(private.N.Bytes()), "e": encode(big.NewInt(int64(private.E)).Bytes()),
	})
	text := encode(toJSON(t, header)) + "." + encode(toJSON(t, goodClaims()))
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

func keyOnP384(t *testing.T) (*ecdsa.PrivateKey, object) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return private, object{"kty": "EC", "crv": "P-384", "x": encode(point[1:49]), "y": encode(point[49:])}
}

func es384(t *testing.T, header object) string {
	t.Helper()
	private, jwk := keyOnP384(t)
	text := encode(toJSON(t, with(with(header, "alg", "ES384"), "jwk", jwk))) + "." + encode(toJSON(t, goodClaims()))
	digest := sha512.Sum384([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [96]byte
	r.FillBytes(signature[:48])
	s.FillBytes(signature[48:])
	return text + "." + encode(signature[:])
}

// p384 says ES256 and brings a key on the larger curve.
func p384(t *testing.T, header object) string {
	t.Helper()
	private, jwk := keyOnP384(t)
	text := encode(toJSON(t, with(header, "jwk", jwk))) + "." + encode(toJSON(t, goodClaims()))
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [96]byte
	r.FillBytes(signature[:48])
	s.FillBytes(signature[48:])
	return text + "." + encode(signature[:])
}

func TestAnAnswerIsReadAsItWasSigned(t *testing.T) {
	private, key := newKey(t)
	text, err := phone.SignAnswer(private, phone.Claims{
		Issuer: "device", Audience: "https://id.example", Subject: "account", ID: "prompt", Nonce: "nonce", Tenant: "alder",
		Decision: phone.Approve, Number: "42", IssuedAt: now.Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := proof.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := signed.Answer(key)
	want := proof.Answer{
		Device: "device", Audience: "https://id.example", Account: "account", Request: "prompt", Nonce: "nonce", Tenant: "alder",
		Decision: "approve", Number: "42", IssuedAt: float64(now.Unix()),
	}
	if err != nil || got != want {
		t.Errorf("Answer = %+v, %v; want %+v", got, err, want)
	}
	if _, _, err := signed.Possession(key, request, now); !errors.Is(err, proof.ErrForm) {
		t.Errorf("an answer as a proof of possession = %v, want %v", err, proof.ErrForm)
	}
	for claim, claims := range map[string]any{
		"a list":                    []string{"prompt"},
		"a word":                    "approve",
		"a number that is a number": object{"number": 42},
		"a time in words":           object{"iat": "now"},
	} {
		signed, err := proof.Parse(sign(t, private, object{"alg": "ES256"}, claims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signed.Answer(key); !errors.Is(err, proof.ErrClaims) {
			t.Errorf("claims that are %s = %v, want %v", claim, err, proof.ErrClaims)
		}
	}
}

func TestKeysOfPhones(t *testing.T) {
	private, key := newKey(t)
	_, onP384 := keyOnP384(t)
	good := jwkOf(key)
	for _, row := range []struct {
		claim string
		jwk   any
		ok    bool
	}{
		{"a public key on P-256", good, true},
		{"what else a browser exports", with(with(with(good, "ext", true), "key_ops", []string{"verify"}), "alg", "ES256"), true},
		{"its private half beside it", with(good, "d", encode(scalar(t, private))), false},
		{"an empty private half", with(good, "d", ""), false},
		{"a private half in capitals", with(good, "D", encode(scalar(t, private))), false},
		{"another curve", onP384, false},
		{"P-384 that calls itself P-256", with(onP384, "crv", "P-256"), false},
		{"a curve that is not named", with(good, "crv", nil), false},
		{"secp256k1", with(good, "crv", "secp256k1"), false},
		{"another type", with(good, "kty", "RSA"), false},
		{"an Ed25519 key", object{"kty": "OKP", "crv": "Ed25519", "x": key.X}, false},
		{"a point off the curve", with(good, "y", key.X), false},
		{"the point at infinity", object{"kty": "EC", "crv": "P-256", "x": encode(make([]byte, 32)), "y": encode(make([]byte, 32))}, false},
		{"a coordinate one byte short", with(good, "x", encode(make([]byte, 31))), false},
		{"a coordinate one byte long", with(good, "x", encode(append([]byte{0}, decode(t, key.X)...))), false},
		{"a coordinate beyond the field", with(good, "x", encode(elliptic.P256().Params().P.Bytes())), false},
		{"padding", with(good, "x", key.X+"="), false},
		{"the other alphabet", with(good, "x", base64.StdEncoding.EncodeToString(decode(t, key.X))), false},
		{"no x", with(good, "x", nil), false},
		{"a list", []string{"EC"}, false},
		{"null", nil, false},
	} {
		t.Run(row.claim, func(t *testing.T) {
			got, err := proof.ParseKey(toJSON(t, row.jwk))
			if (err == nil) != row.ok {
				t.Fatalf("ParseKey(%s) = %v, want ok %t", toJSON(t, row.jwk), err, row.ok)
			}
			if row.ok && (got != key || proof.StoredKey(got.String()) != key) {
				t.Errorf("ParseKey = %v, stored and read %v; want %v", got, proof.StoredKey(got.String()), key)
			}
		})
	}
}

// TestOneKeyHasOneThumbprint holds two writings of one key apart from two keys:
// bits behind the last byte of base64url would give one phone many names.
func TestOneKeyHasOneThumbprint(t *testing.T) {
	_, key := newKey(t)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, key.X[42])
	twin := key.X[:42] + string(alphabet[last|1])
	if _, err := proof.ParseKey(toJSON(t, with(jwkOf(key), "x", twin))); !errors.Is(err, proof.ErrKey) {
		t.Errorf("ParseKey of the same point written otherwise = %v, want %v", err, proof.ErrKey)
	}
}

func TestThumbprintIsThatOfTheStandard(t *testing.T) {
	// The key and its thumbprint of RFC 9449, figures 4 and 6.
	key := proof.Key{X: "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", Y: "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}
	if got, want := key.Thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"; got != want {
		t.Errorf("Thumbprint = %q, want %q", got, want)
	}
}

func TestSameAddress(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"https://id.example/phone", "https://id.example/phone", true},
		{"https://id.example/phone/", "https://id.example/phone", true},
		{"https://id.example/phone?x=1", "https://id.example/phone", true},
		{"HTTPS://ID.example/phone", "https://id.example/phone", true},
		{"http://localhost:8080", "http://127.0.0.1:8080", true},
		{"http://[::1]:8080/a", "http://localhost:8080/a", true},
		{"http://localhost:8081", "http://127.0.0.1:8080", false},
		{"https://localhost", "https://127.0.0.1", false},
		{"http://localhost.evil.example:8080", "http://localhost:8080", false},
		{"http://evil.example:8080", "http://localhost:8080", false},
		{"https://id.example/Phone", "https://id.example/phone", false},
		{"https://id.example//phone", "https://id.example/phone", false},
		{"https://id.example/a/../phone", "https://id.example/phone", false},
		{"//id.example/phone", "https://id.example/phone", false},
		{"/phone", "https://id.example/phone", false},
		{"https:id.example/phone", "https://id.example/phone", false},
		{"https://user:word@id.example/phone", "https://id.example/phone", false},
		{"https://id.example\\@evil.example/phone", "https://id.example/phone", false},
		{"", "https://id.example", false},
		{"::", "::", false},
	} {
		if got := proof.SameAddress(row.a, row.b); got != row.want {
			t.Errorf("SameAddress(%q, %q) = %t, want %t", row.a, row.b, got, row.want)
		}
	}
}
