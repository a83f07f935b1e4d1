package access

// Permission is what a person may do. The set is closed: a name that is not here
// is granted to nobody. Add, never rename.
type Permission string

// Of every signed-in person, over what is their own.
const (
	AccountView         Permission = "account.view"
	AuthenticatorBind   Permission = "authenticator.bind"
	AuthenticatorRemove Permission = "authenticator.remove"
	SessionEndOwn       Permission = "session.end_own"
	AuditReadOwn        Permission = "audit.read_own"
	BypassRevokeOwn     Permission = "bypass.revoke_own"
	CodeSheetPrintOwn   Permission = "code_sheet.print_own"
)

// Of administrators, over others.
const (
	ConsoleEnter          Permission = "console.enter"
	AuthenticatorView     Permission = "authenticator.view"
	CallerCheck           Permission = "caller.check"
	BypassIssue           Permission = "bypass.issue"
	BypassRevoke          Permission = "bypass.revoke"
	AuthenticatorReset    Permission = "authenticator.reset"
	RebindRequest         Permission = "rebind.request"
	UserLock              Permission = "user.lock"
	SessionEnd            Permission = "session.end"
	UserUnlock            Permission = "user.unlock"
	CodeSheetHandOver     Permission = "code_sheet.hand_over"
	AuditRead             Permission = "audit.read"
	BypassApprove         Permission = "bypass.approve"
	RebindApprove         Permission = "rebind.approve"
	CodeSheetPrintBatch   Permission = "code_sheet.print_batch"
	CodeSheetVoid         Permission = "code_sheet.void"
	StaticPasscodeRequest Permission = "static_passcode.request"
	RoleAssign            Permission = "role.assign"
	RolloutEdit           Permission = "rollout.edit"
	PolicyEdit            Permission = "policy.edit"
	UserImport            Permission = "user.import"
	UserInvite            Permission = "user.invite"
	GroupEdit             Permission = "group.edit"
	AuditVerify           Permission = "audit.verify"
	StaticPasscodeIssue   Permission = "static_passcode.issue"
	OutageDeclare         Permission = "outage.declare"
	OutageHandle          Permission = "outage.handle" // look at outages, rehearse one, end one early, sign off what was done
	IntegrationEdit       Permission = "integration.edit"
	AuditReadPersonal     Permission = "audit.read_personal"
	AuditExport           Permission = "audit.export"
	OperatorEnter         Permission = "operator.enter"
	RoleCompose           Permission = "role.compose"
	RoleView              Permission = "role.view"   // who holds which role, and why somebody may or may not
	CaseHandle            Permission = "case.handle" // what the helpdesk does for somebody, from the call to its end
	CaseView              Permission = "case.view"
	UserDisable           Permission = "user.disable"   // end an account, and bring it back
	OperatorGrant         Permission = "operator.grant" // let an operator look inside one's own tenant
)

// Permissions lists the whole set.
var Permissions = []Permission{
	AccountView, AuthenticatorBind, AuthenticatorRemove, SessionEndOwn, AuditReadOwn, BypassRevokeOwn, CodeSheetPrintOwn,
	ConsoleEnter, AuthenticatorView, CallerCheck, BypassIssue, BypassRevoke,
	AuthenticatorReset, RebindRequest, UserLock, SessionEnd, UserUnlock,
	CodeSheetHandOver, AuditRead, BypassApprove, RebindApprove, CodeSheetPrintBatch,
	CodeSheetVoid, StaticPasscodeRequest, RoleAssign, RolloutEdit, PolicyEdit,
	UserImport, UserInvite, GroupEdit, AuditVerify, StaticPasscodeIssue,
	OutageDeclare, IntegrationEdit, AuditReadPersonal, AuditExport, OperatorEnter,
	RoleCompose, RoleView,
	OperatorGrant, UserDisable,
	CaseHandle, CaseView,
	OutageHandle,
}

// Of routes that ask for no person: Anyone may come, Phone proves itself by its key, and
// Application by its secret, or by what it holds. No cookie has a part in the last two.
const (
	Anyone Permission = "anyone"
	Phone  Permission = "phone"

	Application Permission = "application"
)
