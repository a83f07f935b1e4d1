package eventform

import (
	"slices"
	"testing"

	"latchkey/app/audit"
)

// TestEveryActionHasItsClass: a new noun is put into a class of OCSF before anybody hears
// of it.
func TestEveryActionHasItsClass(t *testing.T) {
	all := audit.Actions()
	for _, a := range all {
		action := string(a)
		of, activity, known := class(action)
		if !known {
			t.Errorf("%s: its noun is in no class of OCSF; see classes", action)
		}
		if activity != other && activity >= len(activities[of]) {
			t.Errorf("%s: %s has no activity %d", action, classNames[of], activity)
		}
		e := Event{Action: action, Outcome: "success", Details: map[string]string{"role": "helpdesk"}, Subject: "u", Target: Party{Kind: "user", ID: "u"}}
		o := e.ocsf()
		if o.ActivityName == "" || o.ClassName == "" || o.Type != of*100+activity {
			t.Errorf("%s is %+v", action, o)
		}
		missing := map[int]bool{
			classAccount: o.User == nil, classAuthentication: o.User == nil || o.Service == nil, classAuthorization: o.User == nil, classAccess: o.User == nil || len(o.Privileges) == 0,
			classEntity: o.Entity == nil, classGroup: o.Group == nil, classFinding: o.Finding == nil,
		}
		if missing[of] {
			t.Errorf("%s lacks what %s requires", action, classNames[of])
		}
	}
	for action := range particular {
		if !slices.Contains(all, audit.Action(action)) {
			t.Errorf("%s is no action", action)
		}
	}
	for noun := range classes {
		if !slices.ContainsFunc(all, func(a audit.Action) bool { n, _ := verb(string(a)); return n == noun }) {
			t.Errorf("no action is of %q", noun)
		}
	}
}
