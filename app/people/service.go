package people

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/passcode"
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
	Bypasses  Bypasses // nil: there are none
	Passcodes *passcode.Service
	Sheets    *codesheet.Service
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
	KindResetSheet  approval.Kind = "code_sheet.reset"
	KindMFA         approval.Kind = "user.mfa"
	KindInvite      approval.Kind = "user.invite"
	KindInvitation  approval.Kind = "user.invitation"
	KindDisable     approval.Kind = "user.disable"
	KindEnable      approval.Kind = "user.enable"

	KindPasswordLink approval.Kind = "user.password_link"

	KindPasscode         approval.Kind = "static_passcode.request"
	KindWithdrawPasscode approval.Kind = "static_passcode.withdraw"
)

// Performers are the acts of this package. What may take away one of the last who
// run a tenant, or their way in, is kept: whoever has no second factor is locked out
// when one is enforced.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	kept := s.Roles.Kept
	return map[approval.Kind]approval.Performer{
		KindLock: kept(s.lock), KindDisable: kept(s.disable), KindReset: kept(s.reset), KindResetTOTP: kept(s.resetTOTP), KindMFA: kept(s.mfa),
		KindTakePasskey: kept(s.takePasskey), KindResetSheet: kept(s.resetSheet),
		KindUnlock: s.unlock, KindEnable: s.enable, KindEndSessions: s.endSessions, KindInvite: s.invite, KindInvitation: s.invitation,
		KindPasswordLink: s.passwordLink, KindPasscode: s.passcode, KindWithdrawPasscode: s.withdrawPasscode,
		KindAskBackup: s.askBackup, KindPostpone: s.postpone, KindManager: s.manager, KindPhoto: s.photo,
	}
}

// question asks whether the actor of act may do what needs a permission to its target.
func question(act approval.Act, needs access.Permission) access.Question {
	return access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: needs, TargetID: act.TargetID}
}
