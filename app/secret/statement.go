package secret

import (
	"crypto/ed25519"
	"encoding/base64"
)

// statementMark stands before whatever is signed as a statement, so that no signature of
// ours fits anything else.
const statementMark = "latchkey statement v1\n"

// SignStatement signs a text that others check without us (Ed25519, RFC 8032).
func (k *Keys) SignStatement(text string) (signature string) {
	return encode(ed25519.Sign(ed25519.NewKeyFromSeed(k.statements), []byte(statementMark+text)))
}

// StatementKey is the public half of the key that signs statements, as base64url.
func (k *Keys) StatementKey() string {
	return encode(ed25519.NewKeyFromSeed(k.statements).Public().(ed25519.PublicKey))
}

// StatementSigned says whether a signature over a text is that of a public key.
func StatementSigned(key, text, signature string) bool {
	public, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return false
	}
	signed, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && ed25519.Verify(public, []byte(statementMark+text), signed)
}
