package audit_test

import (
	"slices"
	"strings"
	"testing"

	"latchkey/app/audit"
)

// TestEveryActionIsKeptInOneWay: what one tenant drops is no other's to guess.
func TestEveryActionIsKeptInOneWay(t *testing.T) {
	sum := 0
	for _, k := range audit.Keepings {
		for _, a := range k.Kept() {
			if a.Keeping() != k {
				t.Errorf("%s is kept as %s and as %s", a, k, a.Keeping())
			}
			sum++
		}
	}
	for _, a := range audit.Actions() {
		if !slices.Contains(audit.Keepings, a.Keeping()) {
			t.Errorf("%s is kept as %q", a, a.Keeping())
		}
	}
	if sum != len(audit.Actions()) {
		t.Errorf("%d of %d actions are kept", sum, len(audit.Actions()))
	}
	if is := audit.Action("readiness.tried").Keeping(); is != "" {
		t.Errorf("what is no action is kept as %q", is)
	}
}

// TestEvidenceIsKept: what says that the audit is whole, and who looked at it, is never
// dropped; nor is what a verifier needs to tell erased from taken away.
func TestEvidenceIsKept(t *testing.T) {
	for _, a := range audit.Actions() {
		for _, noun := range []string{"audit.", "checkpoint.", "retention.", "break_glass.", "alarm.", "export.", "outage.", "person.erased"} {
			if strings.HasPrefix(string(a), noun) && a.Keeping() != audit.KeepEvidence {
				t.Errorf("%s is kept as %s", a, a.Keeping())
			}
		}
	}
	for a, want := range map[audit.Action]audit.Keeping{
		audit.SignInFinished: audit.KeepSignIns, audit.PromptDenied: audit.KeepSignIns, audit.SessionEnded: audit.KeepSignIns, audit.AccessRefused: audit.KeepAdministration,
		audit.PolicyChanged: audit.KeepAdministration, audit.BypassIssued: audit.KeepAdministration, audit.DeviceEnrolled: audit.KeepAdministration, audit.PersonErased: audit.KeepEvidence,
	} {
		if a.Keeping() != want {
			t.Errorf("%s is kept as %s, not %s", a, a.Keeping(), want)
		}
	}
}
