package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/json"
	"maps"
	"math/big"
	"strings"
)

func otherKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// forgeries are JWS that are not what an honest phone signs, made from one that
// is. Each name says what was done.
func forgeries(honest signed) map[string]string {
	with := func(header string, value any) string {
		s := signed{header: maps.Clone(honest.header), claims: honest.claims, key: honest.key}
		s.header[header] = value
		return s.compact()
	}
	good := honest.compact()
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	unsigned := func(alg string) string {
		header := maps.Clone(honest.header)
		header["alg"] = alg
		return part(header) + "." + payload
	}
	public := jwk(honest.key)
	publicText, _ := json.Marshal(public)
	point, _ := honest.key.PublicKey.Bytes()
	hs256 := func(secret []byte) string {
		input := unsigned("HS256")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + encode(mac.Sum(nil))
	}
	es384 := func(key *ecdsa.PrivateKey) string {
		input := unsigned("ES384")
		sum := sha512.Sum384([]byte(input))
		r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:])
		return input + "." + encode(r.FillBytes(make([]byte, 48))) + encode(s.FillBytes(make([]byte, 48)))
	}
	der := func() string {
		input := head + "." + payload
		sum := sha256.Sum256([]byte(input))
		text, _ := ecdsa.SignASN1(rand.Reader, honest.key, sum[:])
		return input + "." + encode(text)
	}
	// r and s of which one is zero hold for every message in a careless check.
	var zero struct{ R, S *big.Int }
	zero.R, zero.S = new(big.Int), new(big.Int)
	zeroDER, _ := asn1.Marshal(zero)
	stranger := signed{header: maps.Clone(honest.header), claims: honest.claims, key: otherKey(elliptic.P256())}
	strangerEmbedded := signed{header: maps.Clone(honest.header), claims: honest.claims, key: stranger.key}
	strangerEmbedded.header["jwk"] = jwk(stranger.key)
	p384 := signed{header: honest.header, claims: honest.claims, key: otherKey(elliptic.P384())}
	flipped := []byte(signature)
	if flipped[10]++; flipped[10] == '{' || flipped[10] == '[' || flipped[10] == ':' {
		flipped[10] = 'A'
	}
	whole, _ := json.Marshal(map[string]any{"protected": head, "payload": payload, "signature": signature})
	b64 := func() string {
		header := maps.Clone(honest.header)
		header["b64"], header["crit"] = false, []string{"b64"}
		claims, _ := json.Marshal(honest.claims)
		return part(header) + "." + payload + "." + encode(es256(honest.key, part(header)+"."+string(claims)))
	}
	return map[string]string{
		"nothing":                                       "",
		"not a JWS":                                     "honestly",
		"dots":                                          "..",
		"without a signature":                           head + "." + payload + ".",
		"two parts":                                     head + "." + payload,
		"four parts":                                    good + ".AAAA",
		"five parts, as if encrypted":                   good + ".AAAA.AAAA",
		"a space within":                                head + ". " + rest,
		"padding":                                       good + "==",
		"one letter of the signature changed":           head + "." + payload + "." + string(flipped),
		"a signature cut short":                         good[:len(good)-4],
		"a signature of zeroes":                         head + "." + payload + "." + encode(make([]byte, 64)),
		"a signature of zeroes in DER":                  head + "." + payload + "." + encode(zeroDER),
		"a right signature in DER":                      der(),
		"a signature twice as long":                     good + signature,
		"the JSON form":                                 string(whole),
		"alg none without a signature":                  unsigned("none") + ".",
		"alg none with the signature":                   unsigned("none") + "." + signature,
		"alg None":                                      unsigned("None") + ".",
		"alg HS256 with the JWK as secret":              hs256(publicText),
		"alg HS256 with the point as secret":            hs256(point),
		"alg HS256 with the key id as secret":           hs256([]byte(honest.header["kid"].(string))),
		"alg HS256 with no secret":                      hs256(nil),
		"alg ES384 with the same key":                   es384(honest.key),
		"alg ES384 with a key on P-384":                 es384(p384.key),
		"alg ES512 over a right signature":              unsigned("ES512") + "." + signature,
		"alg RS256 over a right signature":              unsigned("RS256") + "." + signature,
		"alg es256 in small letters":                    with("alg", "es256"),
		"alg missing":                                   with("alg", nil),
		"alg a number":                                  with("alg", 256),
		"alg a list":                                    with("alg", []string{"ES256"}),
		"signed by another key":                         stranger.compact(),
		"signed by a key on P-384":                      p384.compact(),
		"signed by the key that it embeds":              strangerEmbedded.compact(),
		"another key embedded":                          with("jwk", jwk(stranger.key)),
		"a key on P-384 embedded":                       with("jwk", jwk(p384.key)),
		"a secret embedded":                             with("jwk", map[string]any{"kty": "oct", "k": encode(publicText)}),
		"the embedded key is no key":                    with("jwk", "none"),
		"crit exp":                                      with("crit", []string{"exp"}),
		"crit of something unknown":                     with("crit", []string{"http://example.com/unknown"}),
		"crit empty":                                    with("crit", []string{}),
		"crit no list":                                  with("crit", "exp"),
		"b64 false":                                     b64(),
		"a header that is no object":                    part([]any{"ES256"}) + "." + payload + "." + signature,
		"a header that is no JSON":                      encode([]byte("{alg")) + "." + payload + "." + signature,
		"a payload of another proof under this signing": head + "." + part(map[string]any{"jti": "x"}) + "." + signature,
		"very long":                                     with("pad", strings.Repeat("x", 20_000)),
	}
}
