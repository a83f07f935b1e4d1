// Package passkeytest is an authenticator made of code, with the browser around
// it: it makes passkeys and signs with them as WebAuthn says, and does it wrong
// where a test tells it to.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/url"
	"testing"
)

// Authenticator holds one passkey. Its fields may be set between two uses.
type Authenticator struct {
	Origin   string // that the browser says
	RPID     string // that the authenticator signs for
	Type     string // of the ceremony, when it is to be a wrong one
	Verifies bool   // it sees who holds it
	Absent   bool   // nobody touched it
	Crossing bool   // the page is within another site's
	Counts   bool
	Count    uint32 // of the last use
	Syncs    bool   // it can be backed up
	Synced   bool   // and is

	Challenge string // to sign in place of the one that was asked for
	Handle    []byte // of the user; sent with every answer unless Quiet
	Quiet     bool

	ID  []byte
	Key *ecdsa.PrivateKey
}

// New is an authenticator on a site, that sees who holds it and counts.
func New(t testing.TB, origin string) *Authenticator {
	t.Helper()
	at, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authenticator{Origin: origin, RPID: at.Hostname(), Verifies: true, Counts: true, Key: key, ID: make([]byte, 32)}
	_, _ = rand.Read(a.ID)
	return a
}

// Options are what a page asks for.
type Options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"user"`
	UserVerification   string       `json:"userVerification"`
	AllowCredentials   []Descriptor `json:"allowCredentials"`
	ExcludeCredentials []Descriptor `json:"excludeCredentials"`
	Selection          struct {
		UserVerification string `json:"userVerification"`
	} `json:"authenticatorSelection"`
}

// Descriptor names a passkey.
type Descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports"`
}

// Read reads what a page asks for.
func Read(t testing.TB, options string) (o Options) {
	t.Helper()
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		t.Fatalf("options: %v in %.200s", err, options)
	}
	return o
}

// Make makes the passkey and gives what the browser sends.
func (a *Authenticator) Make(t testing.TB, options string) string {
	t.Helper()
	o := Read(t, options)
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.Handle = handle
	credential := append(make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(a.ID)))...)
	credential = append(append(credential, a.ID...), a.cose()...)
	data := append(a.data(0x40), credential...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"), bytesHead(len(data))...)
	return a.answer(t, map[string]any{
		"attestationObject": encode(append(object, data...)), "clientDataJSON": encode(a.said(t, "webauthn.create", o.Challenge)), "transports": []string{"internal"},
	})
}

// Sign signs with the passkey and gives what the browser sends.
func (a *Authenticator) Sign(t testing.TB, options string) string {
	t.Helper()
	said := a.said(t, "webauthn.get", Read(t, options).Challenge)
	if a.Counts {
		a.Count++
	}
	data := a.data(0)
	digest := sha256.Sum256(said)
	signed := sha256.Sum256(append(data[:len(data):len(data)], digest[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.Key, signed[:])
	if err != nil {
		t.Fatal(err)
	}
	response := map[string]any{"authenticatorData": encode(data), "clientDataJSON": encode(said), "signature": encode(signature)}
	if !a.Quiet {
		response["userHandle"] = encode(a.Handle)
	}
	return a.answer(t, response)
}

func (a *Authenticator) answer(t testing.TB, response map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": encode(a.ID), "rawId": encode(a.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// said is what the browser says that it was asked.
func (a *Authenticator) said(t testing.TB, kind, challenge string) []byte {
	t.Helper()
	if a.Type != "" {
		kind = a.Type
	}
	if a.Challenge != "" {
		challenge = a.Challenge
	}
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": a.Crossing})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// data is what the authenticator says of itself.
func (a *Authenticator) data(flags byte) []byte {
	site := sha256.Sum256([]byte(a.RPID))
	for flag, set := range map[byte]bool{0x01: !a.Absent, 0x04: a.Verifies, 0x08: a.Syncs, 0x10: a.Synced} {
		if set {
			flags |= flag
		}
	}
	return binary.BigEndian.AppendUint32(append(site[:], flags), a.Count)
}

// cose is the public key (RFC 9052).
func (a *Authenticator) cose() []byte {
	point, _ := a.Key.PublicKey.Bytes() // 4, x, y
	key := append([]byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"), point[1:33]...)
	return append(append(key, "\x22\x58\x20"...), point[33:]...)
}

// bytesHead begins a byte string of CBOR.
func bytesHead(length int) []byte {
	return append([]byte{0x59}, binary.BigEndian.AppendUint16(nil, uint16(length))...)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
