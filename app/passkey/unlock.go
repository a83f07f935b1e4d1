package passkey

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// The authenticator of a phone itself, which sees a face or a finger, may unlock an
// account on it in place of the PIN. It is no passkey of its user: it signs nobody
// in, and what it signs is the answer that the phone signs as well, so that it is
// for this decision about this request and for nothing else.

func aboutUnlock(a device.Account) string {
	return "unlock " + a.TenantID + " " + a.AccountID + " " + a.ID
}

func unlockHolder(a device.Account) holder {
	return holder{handle: []byte("phone." + a.AccountID), name: a.UserName, shown: a.TenantName}
}

func unlockPlace(a device.Account) string { return "devices.unlock_key " + a.AccountID }

// unlockSelection asks for the authenticator that is built in, and for no entry in
// the list of passkeys.
var unlockSelection = protocol.AuthenticatorSelection{
	AuthenticatorAttachment: protocol.Platform, ResidentKey: protocol.ResidentKeyRequirementDiscouraged,
	RequireResidentKey: protocol.ResidentKeyNotRequired(), UserVerification: protocol.VerificationRequired,
}

// BeginUnlock gives what a phone is to make to unlock one of its accounts, as JSON
// for navigator.credentials.create. The PIN of the account was right just now.
func (s *Service) BeginUnlock(ctx context.Context, a device.Account, from audit.Origin) (string, error) {
	if !s.Usable() {
		return "", off()
	}
	options, _, err := s.relying.BeginRegistration(unlockHolder(a), webauthn.WithAuthenticatorSelection(unlockSelection),
		func(o *protocol.PublicKeyCredentialCreationOptions) (err error) {
			o.Timeout = int(AnswerLife.Milliseconds())
			o.Challenge, err = base64.RawURLEncoding.DecodeString(s.Keys.NewChallenge(s.Secrets, aboutUnlock(a), s.DB.Now().Add(AnswerLife)))
			return err
		})
	if err != nil {
		return "", fmt.Errorf("passkey: what a phone is to make: %w", err)
	}
	text, err := json.Marshal(options.Response)
	if err != nil {
		return "", err
	}
	return string(text), s.DB.Act(ctx, func(tx *store.Tx) error { return audit.Record(tx, unlockEvent(a, audit.DeviceUnlockBegun, from)) })
}

// BindUnlock lets what a phone made unlock its account. What does not hold, comes
// too late or a second time is fault.Refused; an account that has ended is
// fault.NotFound.
func (s *Service) BindUnlock(ctx context.Context, a device.Account, answer string, from audit.Origin) error {
	if !s.Usable() {
		return off()
	}
	no := fault.New(fault.Refused, "device.unlock_wrong")
	challenge, until, made, why := s.madeFor(unlockHolder(a), aboutUnlock(a), answer)
	if made == nil {
		if err := s.remember(ctx, a, audit.DeviceUnlockFailed, from); err != nil {
			return err
		}
		return no.Because(why)
	}
	id := base64.RawURLEncoding.EncodeToString(made.ID)
	key, err := s.Keys.Seal(a.TenantID, unlockPlace(a), base64.RawURLEncoding.EncodeToString(made.PublicKey))
	if err != nil {
		return err
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := spend(tx, a.TenantID, challenge, until, no); err != nil {
			return err
		}
		if err := device.SetUnlock(tx, a, id, key, int64(made.Authenticator.SignCount)); err != nil {
			return err
		}
		if err := notify.Tell(tx, a.TenantID, a.UserID, notify.Notice{Action: audit.DeviceUnlockSet, Detail: a.Name}); err != nil {
			return err
		}
		return audit.Record(tx, unlockEvent(a, audit.DeviceUnlockSet, from))
	})
}

// EndUnlock leaves an account to its PIN alone.
func (s *Service) EndUnlock(ctx context.Context, a device.Account, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := device.SetUnlock(tx, a, "", "", 0); err != nil {
			return err
		}
		return audit.Record(tx, unlockEvent(a, audit.DeviceUnlockEnded, from))
	})
}

// Unlocks is what package device asks: see device.Authenticators.
func (s *Service) Unlocks(a device.Account, over, signed string) (int64, error) {
	if !s.Usable() {
		return 0, refused(errors.New("no passkeys here"))
	}
	parsed, err := parse(signed)
	if err != nil {
		return 0, refused(err)
	}
	id, err := base64.RawURLEncoding.DecodeString(a.UnlockID)
	if err != nil {
		return 0, err
	}
	text, err := s.Keys.Open(a.TenantID, unlockPlace(a), a.UnlockKey)
	if err != nil {
		return 0, err
	}
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, err
	}
	who := unlockHolder(a)
	// Whether the phone backs it up is the phone's matter: it is worth nothing
	// without the key of the phone, which never leaves it.
	flags := webauthn.CredentialFlags{BackupEligible: parsed.Response.AuthenticatorData.Flags.HasBackupEligible()}
	who.credentials = []webauthn.Credential{{ID: id, PublicKey: key, Flags: flags, Authenticator: webauthn.Authenticator{SignCount: uint32(a.UnlockCount)}}}
	checked, err := s.relying.ValidateLogin(who, webauthn.SessionData{Challenge: over, UserID: who.handle, UserVerification: protocol.VerificationRequired}, parsed)
	switch {
	case err != nil:
		return 0, refused(err)
	case checked.Authenticator.CloneWarning:
		return 0, refused(errors.New("it counted backwards"))
	}
	return int64(checked.Authenticator.SignCount), nil
}

func unlockEvent(a device.Account, action audit.Action, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: a.TenantID, Action: action, Actor: audit.Device(a.AccountID), Target: audit.Device(a.AccountID), Subject: a.UserID, Origin: from,
	}
}

// remember writes that something failed.
func (s *Service) remember(ctx context.Context, a device.Account, action audit.Action, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		e := unlockEvent(a, action, from)
		e.Outcome, e.Reason = audit.Failure, "device.unlock_wrong"
		return audit.Record(tx, e)
	})
}
