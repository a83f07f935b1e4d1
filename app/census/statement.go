package census

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"latchkey/app/secret"
)

// Kind is what a statement says that it is, with its version.
const Kind = "latchkey census v1"

// Statement is what is signed.
type Statement struct {
	Kind    string    `json:"kind"`
	Tenant  string    `json:"tenant"` // its slug
	Name    string    `json:"name"`
	Number  int       `json:"number"` // from 1
	Week    string    `json:"week,omitempty"`
	MadeAt  time.Time `json:"made_at"`
	Figures []Figure  `json:"figures"`
	Before  string    `json:"before,omitempty"` // SHA-256 of the statement before, hex
}

// Figure is one of a statement.
type Figure struct {
	Name   string `json:"name"`
	Count  int    `json:"count"`
	Behind string `json:"behind"` // SHA-256 of those behind it who are kept by name, hex
}

// Count gives a figure by its name; 0 for one that was not counted then.
func (s Statement) Count(name string) int {
	for _, f := range s.Figures {
		if f.Name == name {
			return f.Count
		}
	}
	return 0
}

// File is a statement as others keep it and check it.
type File struct {
	Statement string `json:"statement"` // exactly as it was signed
	Signature string `json:"signature"` // Ed25519, base64url
	Key       string `json:"key"`       // public, base64url
}

// Why a file is refused.
var (
	ErrNoFile    = errors.New("this is no census file")
	ErrSignature = errors.New("the signature does not fit: this is not what was signed, or not by this key")
	ErrKey       = errors.New("it was signed by another key than the one given")
	ErrBefore    = errors.New("it does not follow the census before it")
)

// Verify checks a file by itself: that it says what was signed, by the key in it, or by the
// one that is given. It asks nobody.
func Verify(text []byte, key string) (Statement, File, error) {
	var f File
	var s Statement
	if err := json.Unmarshal(text, &f); err != nil || f.Statement == "" || f.Signature == "" || f.Key == "" {
		return s, f, ErrNoFile
	}
	if key != "" && key != f.Key {
		return s, f, ErrKey
	}
	if !secret.StatementSigned(f.Key, f.Statement, f.Signature) {
		return s, f, ErrSignature
	}
	if err := json.Unmarshal([]byte(f.Statement), &s); err != nil || s.Kind != Kind {
		return s, f, ErrNoFile
	}
	return s, f, nil
}

// Follows says whether a statement is the next one after another, by the digest that it
// has of it.
func Follows(s Statement, before File) error {
	var earlier Statement
	if json.Unmarshal([]byte(before.Statement), &earlier) != nil || earlier.Tenant != s.Tenant || earlier.Number+1 != s.Number || s.Before != digest(before.Statement) {
		return ErrBefore
	}
	return nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
