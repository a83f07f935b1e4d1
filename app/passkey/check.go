package passkey

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Looking says how much it matters that an authenticator sees who holds it.
type Looking string

const (
	MustLook    Looking = "required"    // it counts as two factors or not at all
	MayLook     Looking = "preferred"   // two if it does, else one
	NeedNotLook Looking = "discouraged" // another factor was proved already
)

// Question is what an authenticator is asked to sign.
type Question struct {
	TenantID string // where the challenge is spent
	UserID   string // whose passkeys may sign; empty: nobody's
	Subject  string // key of the name that was given, known or not; empty: none was
	About    string // what the challenge is for, as it will be again when the answer comes
	Looking  Looking
}

// Ask gives what a browser is to sign, as JSON for navigator.credentials.get. With
// a subject it names the passkeys that may sign, and made-up ones for whoever has
// none; without one it leaves the choice to the browser. It changes nothing, and is
// good for a time.
func (s *Service) Ask(ctx context.Context, q Question, life time.Duration) (string, error) {
	if !s.Usable() {
		return "", off()
	}
	tx := s.DB.View(ctx)
	challenge, err := base64.RawURLEncoding.DecodeString(s.Keys.NewChallenge(s.Secrets, q.About, tx.Now.Add(life)))
	if err != nil {
		return "", err
	}
	options := protocol.PublicKeyCredentialRequestOptions{
		Challenge: challenge, Timeout: int(min(life, AnswerLife).Milliseconds()), RelyingPartyID: s.relying.Config.RPID,
		UserVerification: protocol.UserVerificationRequirement(q.Looking),
	}
	if q.Subject != "" {
		if options.AllowedCredentials, err = s.allowed(tx, q); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(options)
	return string(text), err
}

// allowed names the passkeys that may sign. What a name without any is given looks
// like what some authenticator would call its own, and is the same each time.
func (s *Service) allowed(tx *store.Tx, q Question) ([]protocol.CredentialDescriptor, error) {
	rows, err := held(tx, q.TenantID, q.UserID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	invented := s.invent(q.Subject) // for everybody, so that it costs everybody the same
	if len(rows) == 0 {
		return invented, nil
	}
	all := make([]protocol.CredentialDescriptor, len(rows))
	for i, r := range rows {
		if all[i], err = r.descriptor(); err != nil {
			return nil, fmt.Errorf("passkey: the id of %s: %w", r.ID, err)
		}
	}
	return all, nil
}

// kinds are authenticators that people have: how long their ids are in bytes, and
// how they are reached.
var kinds = []struct {
	length     int
	transports []protocol.AuthenticatorTransport
}{
	{20, []protocol.AuthenticatorTransport{protocol.Hybrid, protocol.Internal}}, // Apple's
	{16, []protocol.AuthenticatorTransport{protocol.Hybrid, protocol.Internal}}, // Google's
	{32, []protocol.AuthenticatorTransport{protocol.Internal}},                  // Windows Hello, Chrome's own
	{48, []protocol.AuthenticatorTransport{protocol.NFC, protocol.USB}},         // security keys
}

func (s *Service) invent(subject string) []protocol.CredentialDescriptor {
	chance := s.Keys.MadeUp("passkeys", subject, 2)
	all := make([]protocol.CredentialDescriptor, 1+int(chance[0])/192) // every fourth has two
	for i := range all {
		kind := kinds[(int(chance[1])+i)%len(kinds)]
		all[i] = protocol.CredentialDescriptor{
			Type: protocol.PublicKeyCredentialType, CredentialID: s.Keys.MadeUp(fmt.Sprintf("passkey %d", i), subject, kind.length), Transport: kind.transports,
		}
	}
	return all
}

// Proof is something that a passkey signed, checked and not used yet.
type Proof struct {
	ID       string // of the passkey
	Verified bool   // its authenticator saw who holds it
	Suspect  bool   // it counted backwards; it proves nothing

	tenantID, userID, challenge string
	spentIn                     string
	until                       time.Time
	count                       int64
	backedUp                    bool
}

// nobodys is the key that answers of names without a passkey are checked against.
// Whose it is nobody knows: it is a point of the curve and nothing else, the base
// point of P-256, and what is made from a well-known key signs in nobody, because
// the proof of a name without a passkey is refused whatever comes out.
var nobodys = []byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" +
	"\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96" +
	"\x22\x58\x20" +
	"\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5")

// Check says whether a passkey of the question's user signed its challenge. What
// does not hold is fault.Refused, with the reason for the log alone; a database that
// cannot be used is fault.Unavailable.
func (s *Service) Check(ctx context.Context, q Question, answer string) (Proof, error) {
	if !s.Usable() {
		return Proof{}, refused(errors.New("no passkeys here"))
	}
	parsed, err := parse(answer)
	if err != nil {
		return Proof{}, refused(err)
	}
	tx := s.DB.View(ctx)
	challenge := parsed.Response.CollectedClientData.Challenge
	until, ok := s.Keys.Challenge(challenge, q.About, tx.Now)
	if !ok {
		return Proof{}, refused(errOver)
	}
	rows, err := held(tx, q.TenantID, q.UserID)
	if err != nil {
		return Proof{}, store.Unusable(err)
	}
	who := holder{handle: handleOf(q.TenantID, q.UserID), credentials: []webauthn.Credential{{ID: parsed.RawID, PublicKey: nobodys}}}
	signer, known := find(rows, parsed.RawID)
	if known {
		if who.credentials[0], err = s.credential(q, signer, parsed.RawID); err != nil {
			return Proof{}, err
		}
	} else if len(parsed.Response.UserHandle) > 0 {
		who.handle = parsed.Response.UserHandle // so that it comes as far as the signature
	}
	checked, err := s.relying.ValidateLogin(who, webauthn.SessionData{
		Challenge: challenge, UserID: who.handle, UserVerification: protocol.UserVerificationRequirement(q.Looking),
	}, parsed)
	switch {
	case err != nil:
		return Proof{}, refused(err)
	case !known:
		return Proof{}, refused(errors.New("not a passkey of this user"))
	}
	return Proof{
		ID: signer.ID, Verified: parsed.Response.AuthenticatorData.Flags.HasUserVerified(), Suspect: checked.Authenticator.CloneWarning,
		tenantID: q.TenantID, userID: q.UserID, challenge: challenge, spentIn: q.TenantID, until: until,
		count: int64(checked.Authenticator.SignCount), backedUp: checked.Flags.BackupState,
	}, nil
}

func parse(answer string) (*protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > answerMost {
		return nil, errors.New("too long")
	}
	return protocol.ParseCredentialRequestResponseBytes([]byte(answer))
}

func refused(why error) error {
	var detail *protocol.Error
	if errors.As(why, &detail) {
		why = fmt.Errorf("passkey: %s: %w", detail.Details, why)
	}
	return fault.New(fault.Refused, "signin.refused").Because(why)
}

func find(rows []row, rawID []byte) (row, bool) {
	for _, r := range rows {
		if id, err := base64.RawURLEncoding.DecodeString(r.CredentialID); err == nil && bytes.Equal(id, rawID) {
			return r, true
		}
	}
	return row{}, false
}

func (s *Service) credential(q Question, r row, rawID []byte) (webauthn.Credential, error) {
	text, err := s.Keys.Open(q.TenantID, place(r.ID, q.UserID), r.PublicKey)
	if err != nil {
		return webauthn.Credential{}, err
	}
	key, err := base64.RawURLEncoding.DecodeString(text)
	return webauthn.Credential{
		ID: rawID, PublicKey: key, AttestationFormat: r.Format, Flags: webauthn.CredentialFlags{BackupEligible: r.BackupEligible, BackupState: r.BackedUp},
		Authenticator: webauthn.Authenticator{SignCount: uint32(r.SignCount)},
	}, err
}

// Claim is what an answer says of itself. Nothing of it is checked yet.
type Claim struct {
	TenantID, UserID string // whose passkey it is of; empty: of nobody's
	Challenge        string // that it answers
}

// Claimed gives what an answer says of itself that was signed without a name.
func Claimed(answer string) (c Claim) {
	parsed, err := parse(answer)
	if err != nil {
		return c
	}
	c.Challenge = parsed.Response.CollectedClientData.Challenge
	tenantID, userID, ok := strings.Cut(string(parsed.Response.UserHandle), ".")
	if ok && len(tenantID) <= 32 && len(userID) <= 32 && plain(tenantID+userID) {
		c.TenantID, c.UserID = tenantID, userID
	}
	return c
}

// plain says whether text can be an id of ours.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// SpentIn gives the proof with another tenant as the place where its challenge is
// spent: for challenges that were made when nobody knew yet for whom.
func (p Proof) SpentIn(tenantID string) Proof {
	p.spentIn = tenantID
	return p
}

// Use takes a proof up in the act tx, with its challenge. One whose challenge was
// spent meanwhile, whose passkey has ended, or whose counter another answer has
// overtaken is fault.Refused.
func Use(tx *store.Tx, p Proof) error {
	no := fault.New(fault.Refused, "signin.refused")
	if p.ID == "" || p.Suspect {
		return no
	}
	if err := spend(tx, p.spentIn, p.challenge, p.until, no); err != nil {
		return err
	}
	return tx.Change(no, `UPDATE passkeys SET sign_count = ?, backed_up = ?, last_used_at = ?
		WHERE tenant_id = ? AND id = ? AND (user_id = ? AND state = 'active' AND (sign_count < ? OR sign_count = 0 AND CAST(? AS bigint) = 0)) IS TRUE`,
		p.count, p.backedUp, tx.Now, p.tenantID, p.ID, p.userID, p.count, p.count)
}

// Suspected remembers that a passkey counted backwards, and tells its user: either
// there are two of it, or it lost count. It stays; its user removes it.
func (s *Service) Suspected(ctx context.Context, p Proof, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var name string
		if _, err := tx.One(&name, "SELECT name FROM passkeys WHERE tenant_id = ? AND id = ?", p.tenantID, p.ID); err != nil {
			return err
		}
		if err := notify.Tell(tx, p.tenantID, p.userID, notify.Notice{Action: audit.PasskeySuspect, Detail: name}); err != nil {
			return err
		}
		e := event(audit.PasskeySuspect, p.tenantID, p.userID, p.ID, from)
		e.Actor, e.Outcome, e.Reason = audit.Service, audit.Failure, "passkey.counted_backwards"
		return audit.Record(tx, e)
	})
}
