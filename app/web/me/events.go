package me

import (
	"latchkey/app/audit"
	views "latchkey/views/me"
)

// actionWords says to their user what happened.
var actionWords = map[audit.Action]string{
	audit.SignInBegun: "Sign-in begun", audit.SignInWayChosen: "Another way to sign in chosen", audit.SignInRefused: "Sign-in refused",
	audit.SignInFinished: "Signed in", audit.StepUpBegun: "Asked to prove it again", audit.StepUpFinished: "Proved it again",
	audit.PromptSent: "Request sent to the phone", audit.PromptApproved: "Approved on the phone", audit.PromptDenied: "Declined on the phone",
	audit.PromptReported: "“It is not me” on the phone", audit.PromptExpired: "Request not answered", audit.EnrolmentBegun: "Link to add a phone made",
	audit.DeviceEnrolled: "Phone added", audit.DeviceEnrolRefused: "Link to add a phone refused", audit.DeviceRenamed: "Phone renamed", audit.DevicePreferred: "Phone made the default",
	audit.DeviceRevoked: "Phone removed", audit.DeviceRemoved: "Account removed on the phone", audit.DeviceDisabled: "Phone turned off after wrong PINs",
	audit.DeviceUnlockFailed: "Wrong PIN on the phone", audit.DevicePushChanged: "Notifications changed on the phone",
	audit.PhoneSignInEnabled: "Phone sign-in turned on", audit.PhoneSignInDisabled: "Phone sign-in turned off", audit.PhoneSignInMoved: "Phone moved to another organisation",
	audit.SessionEnded: "Session ended", audit.SessionsEnded: "Other sessions ended", audit.WayPaused: "Too many tries: paused",
	audit.PreferenceChanged: "Preference changed", audit.AccessRefused: "Not permitted", audit.UserCreated: "Account made",
	audit.UserLocked: "Account locked", audit.UserUnlocked: "Account unlocked", audit.RoleAssigned: "Role assigned", audit.SetupDone: "Set-up done",
}

var outcomeWords = map[audit.Outcome][2]string{
	audit.Success: {"done", "good"}, audit.Failure: {"did not work", "warn"}, audit.Denied: {"not permitted", "bad"},
}

func event(e audit.Entry) views.Event {
	what := actionWords[e.Action]
	if what == "" {
		what = string(e.Action)
	}
	outcome := outcomeWords[e.Outcome]
	if e.Action == audit.PromptReported || e.Action == audit.DeviceDisabled {
		outcome[1] = "bad"
	}
	return views.Event{At: e.At, What: what, Detail: e.Browser, Where: e.IP, Outcome: outcome[0], Tone: outcome[1]}
}
