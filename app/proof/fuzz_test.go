package proof_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"latchkey/app/proof"
)

// FuzzParse: whatever a phone sends, nothing falls over, and nothing is proved
// that was not signed by the key.
func FuzzParse(f *testing.F) {
	private, key := newKey(f)
	_, strange := newKey(f)
	good := sign(f, private, goodHeader(key), goodClaims())
	f.Add(good)
	f.Add(strings.Replace(good, ".", "", 1))
	f.Add(sign(f, private, object{"alg": "none"}, goodClaims()))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("{}")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := proof.Parse(text)
		if err != nil {
			return
		}
		if _, _, err := signed.Possession(strange, request, now); err == nil {
			t.Errorf("%q proves a key that signed nothing", text)
		}
		if _, err := signed.Answer(strange); err == nil {
			t.Errorf("%q is an answer of a key that signed nothing", text)
		}
	})
}

// FuzzParseKey: every key that is taken can be stored, read and compared.
func FuzzParseKey(f *testing.F) {
	_, key := newKey(f)
	f.Add(toJSON(f, jwkOf(key)))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"","y":""}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","d":null}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, jwk []byte) {
		key, err := proof.ParseKey(jwk)
		if err != nil {
			return
		}
		if len(key.X) != 43 || len(key.Y) != 43 || len(key.Thumbprint()) != 43 {
			t.Errorf("ParseKey(%q) = %v, which is no point", jwk, key)
		}
		if again := proof.StoredKey(key.String()); again != key {
			t.Errorf("%v stored and read is %v", key, again)
		}
	})
}

// FuzzSameAddress: an address that counts as ours names our host, or a loopback
// when we are on one, and our port.
func FuzzSameAddress(f *testing.F) {
	for _, seed := range []string{
		"http://localhost:8080/a", "http://[::1]:8080/a", "http://localhost:8080@evil.example/a", "http:localhost", "//localhost:8080/a",
		"http://127.0.0.1:8080/a?x#y", "http://localhost:8080/%61", "http://LOCALHOST:8080/a/", "http://[::1%25en0]:8080/a",
	} {
		f.Add(seed)
	}
	const ours = "http://localhost:8080/a"
	f.Fuzz(func(t *testing.T, typed string) {
		if !proof.SameAddress(typed, ours) {
			return
		}
		u, err := url.Parse(typed)
		if err != nil || u.User != nil || u.Scheme != "http" || u.Port() != "8080" || strings.TrimSuffix(u.Path, "/") != "/a" {
			t.Fatalf("SameAddress(%q, %q) = true", typed, ours)
		}
		ip, err := netip.ParseAddr(u.Hostname())
		if !strings.EqualFold(u.Hostname(), "localhost") && (err != nil || !ip.IsLoopback()) {
			t.Errorf("SameAddress(%q, %q) = true", typed, ours)
		}
	})
}
