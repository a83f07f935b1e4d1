package passkey

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Owner is a user in a session of theirs.
type Owner struct{ TenantID, UserID, UserName, DisplayName, SessionID string }

// about is what a challenge for a new passkey is made for.
func (o Owner) about() string { return "bind " + o.TenantID + " " + o.UserID + " " + o.SessionID }

func (o Owner) holder() holder {
	return holder{handle: handleOf(o.TenantID, o.UserID), name: o.UserName, shown: o.DisplayName}
}

// off is the failure of an installation that cannot have passkeys.
func off() error { return fault.New(fault.Conflict, "passkey.off") }

// Begin gives what a browser is to make, as JSON for navigator.credentials.create.
// It changes nothing: what it gives is good for ten minutes, in the session of by. A
// user with as many passkeys as they may have is fault.Conflict.
func (s *Service) Begin(ctx context.Context, by Owner) (string, error) {
	if !s.Usable() {
		return "", off()
	}
	tx := s.DB.View(ctx)
	if err := method.MayBind(tx, by.TenantID, by.UserID, user.WithPasskey); err != nil {
		return "", store.Unusable(err)
	}
	rows, err := held(tx, by.TenantID, by.UserID)
	if err != nil {
		return "", store.Unusable(err)
	}
	if len(rows) >= Most {
		return "", fault.New(fault.Conflict, "passkey.too_many")
	}
	exclude := make([]protocol.CredentialDescriptor, len(rows))
	for i, r := range rows {
		if exclude[i], err = r.descriptor(); err != nil {
			return "", fmt.Errorf("passkey: the id of %s: %w", r.ID, err)
		}
	}
	options, _, err := s.relying.BeginRegistration(by.holder(), webauthn.WithExclusions(exclude), webauthn.WithAuthenticatorSelection(selection),
		func(o *protocol.PublicKeyCredentialCreationOptions) (err error) {
			o.Timeout = int(NewLife.Milliseconds())
			o.Challenge, err = base64.RawURLEncoding.DecodeString(s.Keys.NewChallenge(s.Secrets, by.about(), tx.Now.Add(NewLife)))
			return err
		})
	if err != nil {
		return "", fmt.Errorf("passkey: what to make: %w", err)
	}
	text, err := json.Marshal(options.Response)
	return string(text), err
}

// selection asks for a passkey that knows its user by itself where it can, and that
// has seen who holds it: it is to be two factors.
var selection = protocol.AuthenticatorSelection{
	ResidentKey: protocol.ResidentKeyRequirementPreferred, RequireResidentKey: protocol.ResidentKeyNotRequired(), UserVerification: protocol.VerificationRequired,
}

// Bind adds what a browser made. It fails with fault.Invalid for a name that is
// none and for an answer that does not hold, with fault.Expired when it comes too
// late, in another session or a second time, and with fault.Conflict for one
// passkey too many and for one that somebody has already.
func (s *Service) Bind(ctx context.Context, by Owner, name, answer string, from audit.Origin) (id string, err error) {
	if !s.Usable() {
		return "", off()
	}
	if name = strings.TrimSpace(name); !nameFits(name) {
		return "", fault.Wrong("form.wrong", map[string]string{"name": "passkey.name_form"})
	}
	challenge, until, made, why := s.madeFor(by.holder(), by.about(), answer)
	if made == nil {
		return "", s.notMade(ctx, by, why, from)
	}
	id = secret.System.ID()
	key, err := s.Keys.Seal(by.TenantID, place(id, by.UserID), base64.RawURLEncoding.EncodeToString(made.PublicKey))
	if err != nil {
		return "", err
	}
	over := fault.New(fault.Expired, "passkey.over")
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := room(tx, by.TenantID, by.UserID); err != nil {
			return err
		}
		if err := spend(tx, by.TenantID, challenge, until, over); err != nil {
			return err
		}
		if err := device.SpendVouch(tx, by.TenantID, by.SessionID); err != nil {
			return err
		}
		err := tx.Change(over, `INSERT INTO passkeys (tenant_id, id, user_id, state, name, credential_id, public_key, format, aaguid, transports, sign_count,
			backup_eligible, backed_up, created_at) SELECT u.tenant_id, ?, u.id, 'active', ?, ?, ?, ?, ?, ?,
			CAST(? AS bigint), CAST(? AS boolean), CAST(? AS boolean), `+store.Moment[tx.Dialect]+`
			FROM users u JOIN tenants t ON t.id = u.tenant_id JOIN sessions s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
			WHERE u.tenant_id = ? AND u.id = ? AND s.id = ? AND (u.state = 'active' AND t.state = 'active' AND s.ended_at IS NULL) IS TRUE`,
			id, name, base64.RawURLEncoding.EncodeToString(made.ID), key, made.AttestationFormat, base64.RawURLEncoding.EncodeToString(made.Authenticator.AAGUID),
			transports(made.Transport), int64(made.Authenticator.SignCount), made.Flags.BackupEligible, made.Flags.BackupState, tx.Now,
			by.TenantID, by.UserID, by.SessionID)
		if errors.Is(err, store.ErrDuplicate) {
			return fault.New(fault.Conflict, "passkey.bound_already")
		}
		if err != nil {
			return err
		}
		if err := user.SecondFactorBound(tx, by.TenantID, by.UserID, from); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.PasskeyBound, Detail: name}); err != nil {
			return err
		}
		e := event(audit.PasskeyBound, by.TenantID, by.UserID, id, from)
		e.Details = map[string]string{"synced": strconv.FormatBool(made.Flags.BackupState), "format": made.AttestationFormat}
		return audit.Record(tx, e)
	})
}

// madeFor reads and checks what a browser made for a question; nil with the reason
// when it does not hold.
func (s *Service) madeFor(who holder, about, answer string) (challenge string, until time.Time, made *webauthn.Credential, why error) {
	if len(answer) > answerMost {
		return "", until, nil, errors.New("too long")
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return "", until, nil, err
	}
	challenge = parsed.Response.CollectedClientData.Challenge
	until, ok := s.Keys.Challenge(challenge, about, s.DB.Now())
	if !ok {
		return "", until, nil, errOver
	}
	made, err = s.relying.CreateCredential(who, webauthn.SessionData{
		Challenge: challenge, UserID: who.handle, UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersDefault(),
	}, parsed)
	if err != nil {
		return "", until, nil, err
	}
	return challenge, until, made, nil
}

// errOver is why a challenge is not good, or not any more.
var errOver = errors.New("a challenge of another session, or over")

// notMade remembers what was to be added and does not hold, and says so.
func (s *Service) notMade(ctx context.Context, by Owner, why error, from audit.Origin) error {
	failure, reason := fault.Wrong("form.wrong", map[string]string{"credential": "passkey.not_made"}), "passkey.not_made"
	if errors.Is(why, errOver) {
		failure, reason = fault.New(fault.Expired, "passkey.over"), "passkey.over"
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		e := event(audit.PasskeyRefused, by.TenantID, by.UserID, "", from)
		e.Outcome, e.Reason = audit.Failure, reason
		return audit.Record(tx, e)
	})
	if err != nil {
		return err
	}
	return failure.Because(why)
}

// room fails with fault.Conflict when a user has as many passkeys as they may, or
// passkeys are off for them.
func room(tx *store.Tx, tenantID, userID string) error {
	if err := user.Alone(tx, tenantID, userID); err != nil {
		return err
	}
	if err := method.MayBind(tx, tenantID, userID, user.WithPasskey); err != nil {
		return err
	}
	var bound int
	if _, err := tx.One(&bound, "SELECT count(*) FROM passkeys WHERE user_id = ? AND tenant_id = ? AND state = 'active'", userID, tenantID); err != nil {
		return err
	}
	if bound >= Most {
		return fault.New(fault.Conflict, "passkey.too_many")
	}
	return nil
}

// Rename gives a passkey of a user another name: fault.NotFound when it is none of
// theirs.
func (s *Service) Rename(ctx context.Context, by Owner, id, name string, from audit.Origin) error {
	if name = strings.TrimSpace(name); !nameFits(name) {
		return fault.Wrong("form.wrong", map[string]string{"name": "passkey.name_form"})
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(none(), "UPDATE passkeys SET name = ? WHERE tenant_id = ? AND id = ? AND (user_id = ? AND state = 'active') IS TRUE",
			name, by.TenantID, id, by.UserID)
		if err != nil {
			return err
		}
		return audit.Record(tx, event(audit.PasskeyRenamed, by.TenantID, by.UserID, id, from))
	})
}

// Remove ends a passkey of a user, and every other session that passkeys made. It
// fails with fault.NotFound when it is none of theirs, and with fault.Conflict when
// it is the only second factor of somebody who needs one.
func (s *Service) Remove(ctx context.Context, by Owner, id string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		name, err := end(tx, by.TenantID, by.UserID, id)
		if err != nil {
			return err
		}
		var left struct {
			MFAState string
			Ways     user.Ways
		}
		if _, err := tx.One(&left, "SELECT mfa_state, ways FROM users WHERE tenant_id = ? AND id = ?", by.TenantID, by.UserID); err != nil {
			return err
		}
		if left.MFAState == user.MFAEnforced && !left.Ways.Has(user.SecondFactors) {
			return fault.New(fault.Conflict, "passkey.last_factor")
		}
		if !left.Ways.Has(user.WithPassword | user.WithPhone | user.WithPasskey) {
			return fault.New(fault.Conflict, "passkey.last_way")
		}
		if err := closeMade(tx, by.TenantID, by.UserID, by.SessionID); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.PasskeyRemoved, Detail: name}); err != nil {
			return err
		}
		return audit.Record(tx, event(audit.PasskeyRemoved, by.TenantID, by.UserID, id, from))
	})
}

// Take ends a passkey of a user in the act tx, with the sessions that passkeys of
// theirs made, and gives its name. Event and notice are the caller's. One that is
// none of theirs, or has ended, is fault.NotFound.
func (s *Service) Take(tx *store.Tx, tenantID, userID, id string) (name string, err error) {
	if name, err = end(tx, tenantID, userID, id); err != nil {
		return "", err
	}
	return name, closeMade(tx, tenantID, userID, "")
}

// closeMade ends the sessions of a user that passkeys had a part in. A session does
// not know which one it was.
func closeMade(tx *store.Tx, tenantID, userID, keep string) error {
	return errors.Join(session.CloseMadeBy(tx, tenantID, userID, session.ByPasskey, keep), session.CloseMadeBy(tx, tenantID, userID, session.ByKey, keep))
}

// end ends one of a user and gives its name.
func end(tx *store.Tx, tenantID, userID, id string) (name string, err error) {
	ended, err := tx.One(&name, `UPDATE passkeys SET state = 'ended', public_key = '', ended_at = ?
		WHERE tenant_id = ? AND id = ? AND (user_id = ? AND state = 'active') IS TRUE RETURNING name`, tx.Now, tenantID, id, userID)
	if err == nil && !ended {
		err = none()
	}
	return name, err
}
