package audit

import (
	"encoding/json"
	"time"
)

// Outcome says how an act ended.
type Outcome string

const (
	Success Outcome = "success"
	Failure Outcome = "failure" // tried, and a factor or a rule said no
	Denied  Outcome = "denied"  // not permitted
)

// Outcomes are all there are.
var Outcomes = []Outcome{Success, Failure, Denied}

// Action is noun.verb, as it happened. Add, never rename.
type Action string

const (
	TenantCreated       Action = "tenant.created"
	UserCreated         Action = "user.created"
	UserLocked          Action = "user.locked"
	UserUnlocked        Action = "user.unlocked"
	RoleAssigned        Action = "role.assigned"
	SignInBegun         Action = "signin.begun"
	SignInWayChosen     Action = "signin.way_chosen"
	SignInRefused       Action = "signin.refused"
	SignInFinished      Action = "signin.finished"
	StepUpBegun         Action = "step_up.begun"
	StepUpFinished      Action = "step_up.finished"
	PromptSent          Action = "prompt.sent"
	PromptApproved      Action = "prompt.approved"
	PromptDenied        Action = "prompt.denied"
	PromptReported      Action = "prompt.reported"
	PromptExpired       Action = "prompt.expired"
	PromptRefused       Action = "prompt.refused"
	EnrolmentBegun      Action = "enrolment.begun"
	DeviceEnrolled      Action = "device.enrolled"
	DeviceEnrolRefused  Action = "device.enrol_refused"
	DeviceRenamed       Action = "device.renamed"
	DevicePreferred     Action = "device.preferred"
	DeviceRevoked       Action = "device.revoked"
	DeviceRemoved       Action = "device.removed"
	DeviceDisabled      Action = "device.disabled"
	DeviceUnlockFailed  Action = "device.unlock_failed"
	DeviceUnlockBegun   Action = "device.unlock_begun"
	DeviceUnlockSet     Action = "device.unlock_set" // a face or finger in place of the PIN
	DeviceUnlockEnded   Action = "device.unlock_ended"
	DevicePushChanged   Action = "device.push_changed"
	PhoneSignInEnabled  Action = "phone_sign_in.enabled"
	PhoneSignInDisabled Action = "phone_sign_in.disabled"
	PhoneSignInMoved    Action = "phone_sign_in.moved"
	SessionEnded        Action = "session.ended"
	SessionsEnded       Action = "sessions.ended"
	WayPaused           Action = "authenticator.paused"
	WayTurnedOff        Action = "authenticator.turned_off"
	PreferenceChanged   Action = "preference.changed"
	AccessRefused       Action = "access.refused"
	SetupLinkMade       Action = "setup.link_made"
	SetupDone           Action = "setup.done"

	// Of the platform operator and of those who let one in.
	TenantChanged   Action = "tenant.changed"
	TenantSuspended Action = "tenant.suspended"
	TenantResumed   Action = "tenant.resumed"
	DomainClaimed   Action = "domain.claimed"
	DomainVerified  Action = "domain.verified"
	DomainRefused   Action = "domain.refused"
	DomainRemoved   Action = "domain.removed"
	GrantGiven      Action = "grant.given"
	GrantEnded      Action = "grant.ended"
	ReleaseChanged  Action = "release.changed"
	ReleaseStopped  Action = "release.stopped"
	ReleaseResumed  Action = "release.resumed"

	ReleaseScheduled   Action = "release.scheduled"
	ReleaseUnscheduled Action = "release.unscheduled" // by hand
	ReleaseDropped     Action = "release.dropped"     // it cannot be made any more
)

// Of the console.
const (
	AccessAlarm        Action = "access.alarm"
	ApprovalRequested  Action = "approval.requested"
	ApprovalGiven      Action = "approval.given"
	ApprovalRefused    Action = "approval.refused"
	ApprovalWithdrawn  Action = "approval.withdrawn"
	ApprovalVoid       Action = "approval.void"
	ApprovalExpired    Action = "approval.expired"
	NoticeSeen         Action = "notice.seen"
	RoleTaken          Action = "role.taken"
	AuthenticatorReset Action = "authenticator.reset"
	MFAChanged         Action = "user.mfa_changed"
	UserInvited        Action = "user.invited"
	PasswordSet        Action = "password.set"
	PasswordChanged    Action = "password.changed" // by its user
	PasswordRenewed    Action = "password.renewed" // with a link from an administrator
	PasswordLinkMade   Action = "password.link_made"
	SettingsChanged    Action = "settings.changed"
	PolicyChanged      Action = "policy.changed"
	ReplayStarted      Action = "replay.started"
	RolloutChanged     Action = "rollout.changed"
	FeatureChosen      Action = "feature.chosen"   // turned on by its user
	FeatureDeclined    Action = "feature.declined" // turned off by its user
	PasscodeApproved   Action = "static_passcode.approved"
	PasscodeIssued     Action = "static_passcode.issued" // made, and shown once
	PasscodeWithdrawn  Action = "static_passcode.withdrawn"
	PasscodeExpired    Action = "static_passcode.expired"
	BypassIssued       Action = "bypass.issued"   // given; a pass code is not made yet
	BypassMade         Action = "bypass.made"     // its code, and shown once or sent
	BypassUsed         Action = "bypass.used"     // by its person
	BypassRevoked      Action = "bypass.revoked"  // by an agent, or by its person
	BypassReplaced     Action = "bypass.replaced" // by another one
	BypassExpired      Action = "bypass.expired"  // by itself
	BypassDisowned     Action = "bypass.disowned" // its person says that it was not them
	PlaceSet           Action = "place.set"       // named, or changed
	PlaceRemoved       Action = "place.removed"   // no longer named
	DeskChanged        Action = "desk.changed"    // its ceilings, reasons or tickets
)

// Of the registration campaign.
const (
	CampaignSkipped   Action = "campaign.skipped"    // by who was asked
	CampaignHelpAsked Action = "campaign.help_asked" // they cannot register
	CampaignPostponed Action = "campaign.postponed"  // by the helpdesk
	CampaignChanged   Action = "campaign.changed"    // its rules
)

// Of changes of a feature for later.
const (
	RolloutScheduled   Action = "rollout.scheduled"
	RolloutUnscheduled Action = "rollout.unscheduled" // by hand
	RolloutDropped     Action = "rollout.dropped"     // it cannot be made any more
	RolloutStuck       Action = "rollout.stuck"       // the rule of before cannot come back yet; it is tried again
)

// Of ramps, which open a feature step by step.
const (
	RampBegun     Action = "ramp.begun"
	RampChanged   Action = "ramp.changed" // the steps that lie ahead, or its guard
	RampStepped   Action = "ramp.stepped" // on, by the schedule or early by a person
	RampPaused    Action = "ramp.paused"
	RampResumed   Action = "ramp.resumed"
	RampHalted    Action = "ramp.halted" // by its guard, or because the next step cannot be
	RampDone      Action = "ramp.done"
	RampCancelled Action = "ramp.cancelled"
	RampOvertaken Action = "ramp.overtaken" // by a change of the rule by hand
)

// Of outages of what a tenant reaches its people by.
const (
	OutageDeclared  Action = "outage.declared"
	OutageRehearsed Action = "outage.rehearsed" // a drill: nothing changed
	OutageEnded     Action = "outage.ended"     // by the clock, by hand, or because the feature was turned off
	OutageUsed      Action = "outage.used"      // somebody could do something only because one runs
	OutageUseSigned Action = "outage.use_signed"
	OutageSigned    Action = "outage.signed" // all of its uses were looked at
	ChannelFailing  Action = "channel.failing"
	ChannelWorks    Action = "channel.works" // again
)

// Of break-glass accounts.
const (
	BreakGlassMade     Action = "break_glass.made"
	BreakGlassApproved Action = "break_glass.approved" // a sheet may be printed
	BreakGlassSealed   Action = "break_glass.sealed"   // it was printed, once
	BreakGlassLapsed   Action = "break_glass.lapsed"   // nobody printed it in time
	BreakGlassUsed     Action = "break_glass.used"
	BreakGlassRefused  Action = "break_glass.refused" // a code that was wrong, or did not do any more
	BreakGlassDrilled  Action = "break_glass.drilled"
	BreakGlassDrillDue Action = "break_glass.drill_due"
	BreakGlassRemoved  Action = "break_glass.removed"
)

// Of censuses of ways in.
const (
	CensusTaken Action = "census.taken"
	CensusRose  Action = "census.rose" // of a notice: there are more ways in than the week before
)

// Of the register of risks.
const (
	RiskAcknowledged Action = "risk.acknowledged"
)

// Of alarms over the audit.
const (
	AlarmRaised       Action = "alarm.raised"
	AlarmAcknowledged Action = "alarm.acknowledged"
	AlarmTested       Action = "alarm.tested"
	AlarmRuleChanged  Action = "alarm.rule_changed"
)

// Of how long the audit is kept.
const (
	RetentionChanged  Action = "retention.changed"
	RetentionHeld     Action = "retention.held"     // nothing is dropped until it is ended
	RetentionReleased Action = "retention.released" // a hold is ended
	AuditDropped      Action = "audit.dropped"      // events of a closed month, into an archive
)

// Of roles.
const (
	RoleComposed Action = "role.composed" // a custom one
	RoleChanged  Action = "role.changed"
	RoleRetired  Action = "role.retired"
	RoleEnded    Action = "role.ended" // a time-boxed assignment, by itself
)

// Of people.
const (
	AuthenticatorViewed Action = "authenticator.viewed" // looked at by the helpdesk
	SignalsViewed       Action = "signals.viewed"       // what agents of the helpdesk did, looked at
	SignalsFlagged      Action = "signals.flagged"      // a lead was told that there is something to look at
	WaysRestored        Action = "authenticator.restored"
	InvitationMade      Action = "invitation.made"
	UserDisabled        Action = "user.disabled"
	UserEnabled         Action = "user.enabled"
	UserManagerChanged  Action = "user.manager_changed"
	UserPhotoChanged    Action = "user.photo_changed"
)

// Of the other ways in.
const (
	SignInHalfway Action = "signin.halfway" // one factor was proved, another one is asked for
	TOTPBegun     Action = "totp.begun"
	TOTPBound     Action = "totp.bound"
	TOTPRefused   Action = "totp.refused" // the code that was to prove it was wrong
	TOTPRemoved   Action = "totp.removed" // by its user
	TOTPReset     Action = "totp.reset"   // by an administrator
)

// Of sheets of printed codes.
const (
	CodeSheetMade    Action = "code_sheet.made"    // and shown once
	CodeSheetLow     Action = "code_sheet.low"     // few codes are left
	CodeSheetUsedUp  Action = "code_sheet.used_up" // none is
	CodeSheetRemoved Action = "code_sheet.removed" // by its user
	CodeSheetReset   Action = "code_sheet.reset"   // by an administrator
	PrintedCodeUsed  Action = "printed_code.used"

	// Of those that administrators print for others.
	CodeSheetPrepared  Action = "code_sheet.prepared" // its codes are made and sealed
	CodeSheetPrinted   Action = "code_sheet.printed"
	CodeSheetToAgent   Action = "code_sheet.handed_to_agent"
	CodeSheetToUser    Action = "code_sheet.handed_to_user"
	CodeSheetRefused   Action = "code_sheet.refused" // the code that was to confirm it was wrong
	CodeSheetActivated Action = "code_sheet.activated"
	CodeSheetLost      Action = "code_sheet.lost"
	CodeSheetDestroyed Action = "code_sheet.destroyed"
	CodeSheetVoided    Action = "code_sheet.voided"
	SheetBatchDrafted  Action = "code_sheet_batch.drafted"
	SheetBatchStarted  Action = "code_sheet_batch.started"
	SheetBatchMade     Action = "code_sheet_batch.made"
	SheetBatchPrinted  Action = "code_sheet_batch.printed"
	SheetBatchVoided   Action = "code_sheet_batch.voided"
)

// Of browsers.
const (
	SessionNewBrowser Action = "session.new_browser" // of a notice: somebody signed in from a browser that their user never used
	SessionUndone     Action = "session.undone"      // by the user, who knew nothing of it
	BrowserTrusted    Action = "browser.trusted"
	BrowserForgotten  Action = "browser.forgotten"
	BrowserCopied     Action = "browser.copied" // a token that had been turned came back
)

// Of providers and their messages.
const (
	ProviderChanged Action = "provider.changed"
	ProviderRemoved Action = "provider.removed"

	TicketSystemChanged Action = "ticket_system.changed" // or another secret of it
	TicketSystemRemoved Action = "ticket_system.removed"
	TicketSystemAsked   Action = "ticket_system.asked" // before a bypass, about a person
	MessageAgain        Action = "message.again"       // one that did not go out is sent again
	MessageLimits       Action = "message.limits"      // brakes against toll fraud were changed
)

// Of backup phones.
const (
	BackupPhoneBegun   Action = "backup_phone.begun" // a code was sent to a number
	BackupPhoneBound   Action = "backup_phone.bound"
	BackupPhoneRefused Action = "backup_phone.refused" // the code that was to confirm it was wrong
	BackupPhoneRemoved Action = "backup_phone.removed" // by its user
	BackupPhoneRenamed Action = "backup_phone.renamed"
	BackupPhoneFirst   Action = "backup_phone.first" // it is asked first from now on
	BackupPhoneAsked   Action = "backup_phone.asked" // an administrator asked its user to add one
	PhoneCodeSent      Action = "phone_code.sent"    // in a sign-in, or held back
)

// Of passkeys.
const (
	PasskeyBound   Action = "passkey.bound"
	PasskeyRefused Action = "passkey.refused" // one that was to be added
	PasskeyRenamed Action = "passkey.renamed"
	PasskeyRemoved Action = "passkey.removed" // by its user
	PasskeyReset   Action = "passkey.reset"   // by an administrator
	PasskeySuspect Action = "passkey.suspect" // it counted backwards: there may be two of it
)

// Of approvals.
const (
	ApprovalSent Action = "approval.sent" // to the phone of who is to approve
)

// Of groups and imports.
const (
	GroupCreated       Action = "group.created"
	GroupRenamed       Action = "group.renamed"
	GroupDeleted       Action = "group.deleted"
	GroupMemberAdded   Action = "group.member_added"
	GroupMemberRemoved Action = "group.member_removed"
	GroupRoleSet       Action = "group.role_set"
	UserRenamed        Action = "user.renamed"
	ImportChecked      Action = "import.checked"
	ImportStarted      Action = "import.started"
	ImportFinished     Action = "import.finished"
	ImportFailed       Action = "import.failed"
)

// Of applications.
const (
	ApplicationRegistered Action = "application.registered"
	ApplicationChanged    Action = "application.changed"
	ApplicationSecretMade Action = "application.secret_made"
	ApplicationDeleted    Action = "application.deleted"
	ApplicationKeyMade    Action = "application.key_made" // that signs for all of them

	ApplicationEntered       Action = "application.entered"        // by a user, for whom it got a code
	ApplicationRefused       Action = "application.refused"        // to a user
	ApplicationTokensIssued  Action = "application.tokens_issued"  // for the code
	ApplicationTokensRenewed Action = "application.tokens_renewed" // for a refresh token
	ApplicationTokensRefused Action = "application.tokens_refused"
	ApplicationTokensEnded   Action = "application.tokens_ended" // revoked, or shown twice
)

// Of cases.
const (
	CaseAsked       Action = "case.asked"        // for help, in a name, by whoever typed it
	CaseAskDisowned Action = "case.ask_disowned" // the person says that it was not them

	CaseOpened     Action = "case.opened"
	CaseNoted      Action = "case.noted"
	CaseTaken      Action = "case.taken"
	CaseHandedOver Action = "case.handed_over"
	CaseLinked     Action = "case.linked"
	CaseWaits      Action = "case.waits"
	CaseResumed    Action = "case.resumed"
	CaseClosed     Action = "case.closed"
	CaseReopened   Action = "case.reopened"
)

// Of caller checks.
const (
	CallerCheckBegun     Action = "caller_check.begun"
	CallerCheckProved    Action = "caller_check.proved"
	CallerCheckDenied    Action = "caller_check.denied"   // by the phone, or with a wrong number
	CallerCheckReported  Action = "caller_check.reported" // "it is not me"
	CallerCheckRefused   Action = "caller_check.refused"  // a wrong code, or too many checks
	CallerCheckFailed    Action = "caller_check.failed"   // too many wrong codes, or what it rests on is gone
	CallerCheckExpired   Action = "caller_check.expired"
	CallerCheckWithdrawn Action = "caller_check.withdrawn"
	CallerCheckSpent     Action = "caller_check.spent" // for one act
)

// Of exports of the audit.
const (
	ExportBegun    Action = "export.begun"
	ExportApproved Action = "export.approved" // one of many rows
	ExportLinkMade Action = "export.link_made"
	ExportFetched  Action = "export.fetched"
	ExportFailed   Action = "export.failed"
)

// Of consumers of the audit outside.
const (
	ConsumerAdded      Action = "consumer.added"
	ConsumerTested     Action = "consumer.tested"
	ConsumerPaused     Action = "consumer.paused"
	ConsumerResumed    Action = "consumer.resumed"
	ConsumerSecretMade Action = "consumer.secret_made"
	ConsumerRemoved    Action = "consumer.removed"
	ConsumerSilent     Action = "consumer.silent" // it has taken nothing for an hour
	ConsumerWorks      Action = "consumer.works"  // again
)

// Of the audit itself.
const (
	AuditKeyMade    Action = "audit.key_made" // that signs checkpoints
	AuditBundleMade Action = "audit.bundle_made"
	AuditViewed     Action = "audit.viewed"  // somebody looked at it
	PersonErased    Action = "person.erased" // their personal data in earlier events
	ViewSaved       Action = "audit.view_saved"
	ViewChanged     Action = "audit.view_changed" // its name or its filters
	ViewShared      Action = "audit.view_shared"
	ViewUnshared    Action = "audit.view_unshared"
	ViewDeleted     Action = "audit.view_deleted"

	CheckpointWitnessed Action = "checkpoint.witnessed" // a signed head of another tenant, kept in this one's log
)

// Of the word of a manager after a bypass.
const (
	VouchAsked     Action = "vouch.asked"
	VouchGiven     Action = "vouch.given"
	VouchDenied    Action = "vouch.denied"   // by the phone, or with a wrong number
	VouchReported  Action = "vouch.reported" // "it is not me"
	VouchFailed    Action = "vouch.failed"   // what it rests on has changed
	VouchExpired   Action = "vouch.expired"
	VouchWithdrawn Action = "vouch.withdrawn"
)

// Of a colleague of the helpdesk who calls back, after a bypass.
const (
	CallBackAsked     Action = "call_back.asked"
	CallBackLooked    Action = "call_back.looked" // at the numbers, whole
	CallBackGiven     Action = "call_back.given"
	CallBackDenied    Action = "call_back.denied"  // nobody was there, it was not them, or they said another number
	CallBackRefused   Action = "call_back.refused" // to one who had a part in the bypass
	CallBackExpired   Action = "call_back.expired"
	CallBackWithdrawn Action = "call_back.withdrawn"
)

// Kinds of Party.
const (
	KindUser      = "user"
	KindClaimant  = "claimant" // somebody who is not yet proved to be the user
	KindDevice    = "device"
	KindSession   = "session"
	KindPrompt    = "prompt"
	KindAttempt   = "attempt"
	KindTenant    = "tenant"
	KindService   = "service" // the program itself
	KindEnrolment = "enrolment"
	KindRequest   = "request" // for approval
	KindGroup     = "group"
	KindRole      = "role" // a custom one
	KindImport    = "import"
	KindReplay    = "replay"
	KindOperator  = "operator" // a user of the platform, acting on a tenant from outside
	KindGrant     = "grant"
	KindTOTP      = "totp"
	KindCodeSheet = "code_sheet"
	KindBrowser   = "browser" // a trusted one
	KindProvider  = "provider"
	KindPasskey   = "passkey"

	KindBackupPhone = "backup_phone"
	KindApplication = "application"
	KindBypass      = "bypass"
	KindCase        = "case"
	KindCallerCheck = "caller_check"
	KindVouch       = "vouch"
	KindRelease     = "release" // of a feature to tenants
	KindRamp        = "ramp"
	KindOutage      = "outage"
	KindCensus      = "census"
	KindSheetBatch  = "code_sheet_batch"
	KindConsumer    = "consumer" // of the audit
	KindExport      = "export"   // of the audit
	KindAlarm       = "alarm"
	KindHold        = "hold"       // of the audit: nothing is dropped
	KindView        = "audit_view" // a saved one of the audit
)

// Party is one who acts or is acted upon.
type Party struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// User, Claimant, Device and the others below name a party.
func User(id string) Party     { return Party{KindUser, id} }
func Claimant(id string) Party { return Party{KindClaimant, id} }
func Device(id string) Party   { return Party{KindDevice, id} }
func Session(id string) Party  { return Party{KindSession, id} }
func Prompt(id string) Party   { return Party{KindPrompt, id} }
func Attempt(id string) Party  { return Party{KindAttempt, id} }
func Tenant(id string) Party   { return Party{KindTenant, id} }
func Operator(id string) Party { return Party{KindOperator, id} }
func Grant(id string) Party    { return Party{KindGrant, id} }

func TrustedBrowser(id string) Party { return Party{KindBrowser, id} }

// Service is the program acting by itself.
var Service = Party{KindService, "latchkey"}

// Origin is where a request came from.
type Origin struct {
	IP        string // as a trusted proxy says it, or the peer
	Browser   string // family and system, such as "firefox/windows"; in older events words
	RequestID string
}

// Event is one thing that happened.
type Event struct {
	TenantID string
	Action   Action
	Outcome  Outcome // Success when empty
	Reason   string  // a code, or the words of an administrator
	Actor    Party
	Target   Party
	Subject  string // the user whose story this belongs to; empty when there is none
	Thread   string // the attempt, case or session that ties events together
	Origin   Origin
	Details  map[string]string // no personal data, no secrets
	Typed    string            // a name as typed; personal
}

// canonical is version 1 of the bytes that are hashed. The order of its fields
// is part of the version: add a version, never a field.
type canonical struct {
	Version  int               `json:"v"`
	Tenant   string            `json:"tenant"`
	ID       string            `json:"id"`
	At       string            `json:"at"`
	Action   Action            `json:"action"`
	Outcome  Outcome           `json:"outcome"`
	Reason   string            `json:"reason"`
	Actor    Party             `json:"actor"`
	Target   Party             `json:"target"`
	Subject  string            `json:"subject"`
	Thread   string            `json:"thread"`
	Request  string            `json:"request"`
	Details  map[string]string `json:"details,omitempty"`
	Personal string            `json:"personal"` // SHA-256 of salt and personal data, hex
}

// personal is what can be erased without touching the canonical bytes.
type personal struct {
	IP      string `json:"ip,omitempty"`
	Browser string `json:"browser,omitempty"`
	Typed   string `json:"typed,omitempty"`
}

// instant is how a time stands in canonical bytes: UTC, always six decimals.
const instant = "2006-01-02T15:04:05.000000Z"

// Canonical gives the bytes of e, and its personal data as stored.
func (e Event) Canonical(id, salt string, at time.Time) (record, own []byte, err error) {
	own, err = json.Marshal(personal{IP: e.Origin.IP, Browser: e.Origin.Browser, Typed: e.Typed})
	if err != nil {
		return nil, nil, err
	}
	record, err = json.Marshal(canonical{
		Version: 1, Tenant: e.TenantID, ID: id, At: at.UTC().Format(instant),
		Action: e.Action, Outcome: e.Outcome, Reason: e.Reason, Actor: e.Actor, Target: e.Target,
		Subject: e.Subject, Thread: e.Thread, Request: e.Origin.RequestID, Details: e.Details,
		Personal: commitment(salt, own),
	})
	return record, own, err
}
