package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

// Token is a bearer value that stands for a session or a link. It prints as
// [redacted]; Reveal is the one way to its text.
type Token struct{ text string }

// TokenOf takes a token from a cookie, a link or a header.
func TokenOf(text string) Token { return Token{text: text} }

// Format prints the same for every verb: without it %d would print the text.
func (Token) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, redacted) }
func (Token) String() string              { return redacted }
func (Token) LogValue() slog.Value        { return slog.StringValue(redacted) }

// MarshalText is for JSON and the like.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[redacted]"

// Reveal gives the text, for the cookie or link that carries it.
func (t Token) Reveal() string { return t.text }

// Empty says that there is no token.
func (t Token) Empty() bool { return t.text == "" }

// Digest is what the database keeps of a token: SHA-256, in hex.
func (t Token) Digest() string { return Digest(t.text) }

// Digest is the SHA-256 of text, in hex. It is fit for what cannot be guessed, and for nothing else.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Fingerprint is the SHA-256 of text, in base64url: what an authenticator is asked to
// sign in place of the text.
func Fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return encode(sum[:])
}

// Same compares two secrets in constant time.
func Same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Sign is the HMAC-SHA256 of text under the token, in hex, for who shares it.
func (t Token) Sign(text string) string { return keyed([]byte(t.text), text) }
