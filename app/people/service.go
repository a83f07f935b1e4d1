package people

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/device"
	"latchkey/app/passkey"
	"latchkey/app/password"
	"latchkey/app/prompt"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/totp"
	"latchkey/app/wake"
)

// Service shows people and plans what is done to them.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Rules     *access.Rules
	Hub       *wake.Hub
	Devices   *device.Service
	Prompts   *prompt.Service
	Roles     *role.Service
	TOTPs     *totp.Service
	Passkeys  *passkey.Service
	Passwords *secret.Passwords
	Replacing *password.Service // ends what was begun with a password before
}

// Kinds of acts.
const (
	KindLock        approval.Kind = "user.lock"
	KindUnlock      approval.Kind = "user.unlock"
	KindEndSessions approval.Kind = "session.end"
	KindReset       approval.Kind = "authenticator.reset"
	KindResetTOTP   approval.Kind = "totp.reset"
	KindTakePasskey approval.Kind = "passkey.reset"
	KindMFA         approval.Kind = "user.mfa"
	KindInvite      approval.Kind = "user.invite"
	KindInvitation  approval.Kind = "user.invitation"

	KindPasswordLink approval.Kind = "user.password_link"
)

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindLock: s.lock, KindUnlock: s.unlock, KindEndSessions: s.endSessions, KindReset: s.reset, KindResetTOTP: s.resetTOTP, KindTakePasskey: s.takePasskey, KindMFA: s.mfa,
		KindInvite: s.invite, KindInvitation: s.invitation, KindPasswordLink: s.passwordLink,
	}
}

// question asks whether the actor of act may do what needs a permission to its target.
func question(act approval.Act, needs access.Permission) access.Question {
	return access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: needs, TargetID: act.TargetID}
}
