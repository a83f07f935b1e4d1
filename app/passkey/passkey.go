package passkey

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Limits.
const (
	Most       = 10               // of one user
	NewLife    = 10 * time.Minute // of a new one, like a binding code (product.md §9)
	AnswerLife = 5 * time.Minute  // from the question to what was signed (WebAuthn §15.1)
	nameMost   = 60               // characters
	answerMost = 16 << 10         // bytes of what a browser sends
)

// Service binds, checks and ends passkeys.
type Service struct {
	DB      *store.DB
	Keys    *secret.Keys
	Secrets secret.Source

	relying *webauthn.WebAuthn // nil: no browser takes the public address for one of passkeys
}

// New makes the service for a public address: scheme and host, as browsers write
// them. One without a host name is no failure: then passkeys are not Usable.
func New(db *store.DB, keys *secret.Keys, publicURL string) (*Service, error) {
	s := &Service{DB: db, Keys: keys, Secrets: secret.System}
	at, err := url.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	if protocol.ValidateRPID(at.Hostname()) != nil {
		return s, nil
	}
	s.relying, err = webauthn.New(&webauthn.Config{
		RPID: at.Hostname(), RPDisplayName: "Latchkey", RPOrigins: []string{publicURL},
		AttestationPreference: protocol.PreferNoAttestation,
		// What a browser adds to its answer unasked is not signed, and not read here.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	return s, err
}

// Usable says whether this installation can have passkeys.
func (s *Service) Usable() bool { return s.relying != nil }

// Bound is a passkey as its user sees it.
type Bound struct {
	ID         string
	Name       string
	Synced     bool // kept by a service as well, and so on more than one device
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// Of lists the passkeys of a user, the newest first.
func (s *Service) Of(ctx context.Context, tenantID, userID string) ([]Bound, error) {
	all, err := Of(s.DB.View(ctx), tenantID, userID)
	return all, store.Unusable(err)
}

// Of is Service.Of for who reads more at the same moment.
func Of(tx *store.Tx, tenantID, userID string) (all []Bound, err error) {
	err = tx.All(&all, `SELECT id, name, backed_up AS synced, created_at, last_used_at FROM passkeys
		WHERE user_id = ? AND tenant_id = ? AND state = 'active' ORDER BY created_at DESC, id`, userID, tenantID)
	return all, err
}

// nameFits says whether a passkey can have a name: 1 to 60 characters on one line.
func nameFits(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= nameMost && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// holder is a user with their passkeys, as the library asks for them.
type holder struct {
	handle      []byte
	name, shown string
	credentials []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return h.name }
func (h holder) WebAuthnDisplayName() string                { return h.shown }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

// handleOf is what an authenticator keeps of its user. Both ids are random: they
// say nothing to whoever finds it there (WebAuthn §14.6.1).
func handleOf(tenantID, userID string) []byte { return []byte(tenantID + "." + userID) }

// row is a passkey as it is kept.
type row struct {
	ID, CredentialID, PublicKey, Format, Transports string
	SignCount                                       int64
	BackupEligible, BackedUp                        bool
}

// held reads the passkeys of a user, with their keys sealed.
func held(tx *store.Tx, tenantID, userID string) (all []row, err error) {
	err = tx.All(&all, `SELECT id, credential_id, public_key, format, transports, sign_count, backup_eligible, backed_up FROM passkeys
		WHERE user_id = ? AND tenant_id = ? AND state = 'active' ORDER BY created_at DESC, id`, userID, tenantID)
	return all, err
}

// descriptor is how a browser is told of a passkey.
func (r row) descriptor() (protocol.CredentialDescriptor, error) {
	id, err := base64.RawURLEncoding.DecodeString(r.CredentialID)
	d := protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: id}
	for name := range strings.SplitSeq(r.Transports, ",") {
		if name != "" {
			d.Transport = append(d.Transport, protocol.AuthenticatorTransport(name))
		}
	}
	return d, err
}

// transports keeps those of what a browser says that the standard knows.
func transports(said []protocol.AuthenticatorTransport) string {
	var kept []string
	for _, t := range said {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			if !slices.Contains(kept, string(t)) {
				kept = append(kept, string(t))
			}
		}
	}
	return strings.Join(kept, ",")
}

// place is where the key of a passkey is sealed: its row, and its user's.
func place(id, userID string) string { return "passkeys.public_key " + id + " of " + userID }

// spend takes a challenge up in the act tx. A second time it is otherwise.
func spend(tx *store.Tx, tenantID, challenge string, until time.Time, otherwise error) error {
	return tx.Change(otherwise, "INSERT INTO spent_challenges (tenant_id, digest, expires_at) VALUES (?,?,?) ON CONFLICT DO NOTHING",
		tenantID, secret.Digest(challenge), until)
}

// Forget deletes the traces of challenges that are over anyway. Any replica may
// run it.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM spent_challenges WHERE expires_at < ?", db.Now())
	return err
}

func event(action audit.Action, tenantID, userID, id string, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindPasskey, ID: id}, Subject: userID, Thread: id, Origin: from,
	}
}

// none is the failure of a passkey that is not there, or somebody else's.
func none() error { return fault.New(fault.NotFound, "http.not_found") }
