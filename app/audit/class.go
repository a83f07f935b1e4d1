package audit

import "slices"

// Class is what an action is about, for those who see, keep or send on some events and not
// others. Each action has one; docs/audit.md lists them. Add, never rename.
type Class string

const (
	ClassSignIn         Class = "sign_in"        // the way from a name to a session, and what follows it into applications
	ClassRefusal        Class = "refusal"        // somebody was told no, or a way was stopped after too many tries
	ClassOwn            Class = "own"            // what users do with what is theirs
	ClassHelpdesk       Class = "helpdesk"       // what is done for somebody who cannot get in
	ClassAdministrative Class = "administrative" // people, groups, roles, rules and what they rest on
	ClassSecurity       Class = "security"       // alarms, outages, break-glass, the audit itself, looks at agents
	ClassBackground     Class = "background"     // what the program decided by itself
)

// Classes are all of them, in the order in which people are shown them.
var Classes = []Class{ClassSignIn, ClassRefusal, ClassOwn, ClassHelpdesk, ClassAdministrative, ClassSecurity, ClassBackground}

// actions are those of each class. A test holds them to the constants of Action.
var actions = map[Class][]Action{
	ClassSignIn: {
		SignInBegun, SignInWayChosen, SignInHalfway, SignInFinished, StepUpBegun, StepUpFinished,
		PromptSent, PromptApproved, PromptExpired, PhoneCodeSent, PrintedCodeUsed,
		SessionEnded, SessionsEnded, SessionNewBrowser, BrowserTrusted,
		ApplicationEntered, ApplicationTokensIssued, ApplicationTokensRenewed, ApplicationTokensEnded,
	},
	ClassRefusal: {
		SignInRefused, PromptDenied, PromptReported, PromptRefused, WayPaused, WayTurnedOff, AccessRefused,
		DeviceEnrolRefused, DeviceDisabled, DeviceUnlockFailed, TOTPRefused, CodeSheetRefused, BackupPhoneRefused, PasskeyRefused,
		ApplicationRefused, ApplicationTokensRefused,
	},
	ClassOwn: {
		EnrolmentBegun, DeviceEnrolled, DeviceRenamed, DevicePreferred, DeviceRevoked, DeviceRemoved,
		DeviceUnlockBegun, DeviceUnlockSet, DeviceUnlockEnded, DevicePushChanged,
		PhoneSignInEnabled, PhoneSignInDisabled, PhoneSignInMoved, PreferenceChanged, NoticeSeen, PasswordChanged, PasswordRenewed,
		FeatureChosen, FeatureDeclined, CampaignSkipped, CampaignHelpAsked,
		TOTPBegun, TOTPBound, TOTPRemoved, CodeSheetMade, CodeSheetLow, CodeSheetUsedUp, CodeSheetRemoved, CodeSheetActivated,
		BackupPhoneBegun, BackupPhoneBound, BackupPhoneRemoved, BackupPhoneRenamed, BackupPhoneFirst,
		PasskeyBound, PasskeyRenamed, PasskeyRemoved, BrowserForgotten,
	},
	ClassHelpdesk: {
		BypassIssued, BypassMade, BypassUsed, BypassRevoked, BypassReplaced, BypassExpired, BypassDisowned,
		CaseAsked, CaseAskDisowned, CaseOpened, CaseNoted, CaseTaken, CaseHandedOver, CaseLinked, CaseWaits, CaseResumed, CaseClosed, CaseReopened,
		CallerCheckBegun, CallerCheckProved, CallerCheckDenied, CallerCheckReported, CallerCheckRefused, CallerCheckFailed, CallerCheckExpired,
		CallerCheckWithdrawn, CallerCheckSpent,
		VouchAsked, VouchGiven, VouchDenied, VouchReported, VouchFailed, VouchExpired, VouchWithdrawn,
		CallBackAsked, CallBackLooked, CallBackGiven, CallBackDenied, CallBackRefused, CallBackExpired, CallBackWithdrawn,
		TicketSystemAsked, AuthenticatorViewed, AuthenticatorReset, WaysRestored, TOTPReset, CodeSheetReset, PasskeyReset, BackupPhoneAsked,
		UserLocked, UserUnlocked, CampaignPostponed, PasswordLinkMade, MessageAgain,
		CodeSheetPrepared, CodeSheetPrinted, CodeSheetToAgent, CodeSheetToUser, CodeSheetLost, CodeSheetDestroyed, CodeSheetVoided,
		SheetBatchDrafted, SheetBatchStarted, SheetBatchMade, SheetBatchPrinted, SheetBatchVoided,
	},
	ClassAdministrative: {
		TenantCreated, TenantChanged, TenantSuspended, TenantResumed, DomainClaimed, DomainVerified, DomainRefused, DomainRemoved,
		GrantGiven, GrantEnded, ReleaseChanged, ReleaseStopped, ReleaseResumed, ReleaseScheduled, ReleaseUnscheduled, SetupLinkMade, SetupDone,
		ApprovalRequested, ApprovalSent, ApprovalGiven, ApprovalRefused, ApprovalWithdrawn,
		UserCreated, UserInvited, InvitationMade, UserRenamed, UserDisabled, UserEnabled, UserManagerChanged, UserPhotoChanged, MFAChanged, PasswordSet,
		GroupCreated, GroupRenamed, GroupDeleted, GroupMemberAdded, GroupMemberRemoved, GroupRoleSet,
		ImportChecked, ImportStarted, ImportFinished, ImportFailed,
		RoleAssigned, RoleTaken, RoleComposed, RoleChanged, RoleRetired,
		SettingsChanged, PolicyChanged, ReplayStarted, RolloutChanged, RolloutScheduled, RolloutUnscheduled,
		RampBegun, RampChanged, RampPaused, RampResumed, RampCancelled, CampaignChanged, PlaceSet, PlaceRemoved, DeskChanged,
		PasscodeApproved, PasscodeIssued, PasscodeWithdrawn, ProviderChanged, ProviderRemoved, TicketSystemChanged, TicketSystemRemoved, MessageLimits,
		ApplicationRegistered, ApplicationChanged, ApplicationSecretMade, ApplicationDeleted,
		ConsumerAdded, ConsumerTested, ConsumerPaused, ConsumerResumed, ConsumerSecretMade, ConsumerRemoved,
	},
	ClassSecurity: {
		AccessAlarm, AlarmRaised, AlarmAcknowledged, AlarmTested, AlarmRuleChanged, SignalsViewed, SignalsFlagged, SessionUndone, BrowserCopied, PasskeySuspect,
		OutageDeclared, OutageRehearsed, OutageEnded, OutageUsed, OutageUseSigned, OutageSigned,
		BreakGlassMade, BreakGlassApproved, BreakGlassSealed, BreakGlassLapsed, BreakGlassUsed, BreakGlassRefused, BreakGlassDrilled, BreakGlassDrillDue, BreakGlassRemoved,
		CensusTaken, CensusRose, RiskAcknowledged, ApplicationKeyMade, AuditKeyMade, AuditBundleMade, ExportBegun, ExportApproved, ExportLinkMade, ExportFetched, ExportFailed, AuditViewed, ViewSaved, ViewChanged, ViewShared, ViewUnshared, ViewDeleted, PersonErased, CheckpointWitnessed,
		RetentionChanged, RetentionHeld, RetentionReleased, AuditDropped,
	},
	ClassBackground: {
		ApprovalVoid, ApprovalExpired, RoleEnded, PasscodeExpired, RolloutDropped, RolloutStuck, ReleaseDropped,
		RampStepped, RampHalted, RampDone, RampOvertaken, ChannelFailing, ChannelWorks, ConsumerSilent, ConsumerWorks,
	},
}

var classes = func() map[Action]Class {
	of := map[Action]Class{}
	for class, all := range actions {
		for _, a := range all {
			of[a] = class
		}
	}
	return of
}()

// Class gives the class of an action; empty for one that is none.
func (a Action) Class() Class { return classes[a] }

// Actions gives those of these classes, in the order of their names; of none, all.
func Actions(of ...Class) []Action {
	var all []Action
	for _, class := range Classes {
		if len(of) == 0 || slices.Contains(of, class) {
			all = append(all, actions[class]...)
		}
	}
	slices.Sort(all)
	return all
}
