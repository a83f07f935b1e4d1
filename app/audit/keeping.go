package audit

import "slices"

// Keeping is how long events of an action are kept: tenants say so for each of these, and
// not for single actions. Add, never rename.
type Keeping string

const (
	KeepSignIns        Keeping = "signins"        // the way in, what was refused, and what followed
	KeepAdministration Keeping = "administration" // what people changed, the helpdesk, what the program decided
	KeepEvidence       Keeping = "evidence"       // alarms, break-glass, outages, the audit itself: for ever
)

// Keepings are all of them, in the order in which people are shown them.
var Keepings = []Keeping{KeepSignIns, KeepAdministration, KeepEvidence}

// keepings are those of each class.
var keepings = map[Class]Keeping{
	ClassSignIn: KeepSignIns, ClassRefusal: KeepSignIns,
	ClassOwn: KeepAdministration, ClassHelpdesk: KeepAdministration, ClassAdministrative: KeepAdministration, ClassBackground: KeepAdministration,
	ClassSecurity: KeepEvidence,
}

// keptOtherwise are actions that are kept otherwise than the others of their class.
var keptOtherwise = map[Action]Keeping{
	AccessRefused: KeepAdministration, // of administrators, mostly
}

// Keeping gives how long events of an action are kept; empty for one that is none, whose
// events are never dropped.
func (a Action) Keeping() Keeping {
	if other := keptOtherwise[a]; other != "" {
		return other
	}
	return keepings[a.Class()]
}

// Kept gives the actions of which it is kept so long, in the order of their names.
func (k Keeping) Kept() (all []Action) {
	for _, a := range Actions() {
		if a.Keeping() == k {
			all = append(all, a)
		}
	}
	return slices.Clip(all)
}
