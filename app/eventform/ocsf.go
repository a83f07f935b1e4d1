package eventform

import "strings"

// Classes of OCSF that events are put into, by their uid. The first digit is the category.
const (
	classFinding        = 2004 // Detection Finding
	classAccount        = 3001 // Account Change
	classAuthentication = 3002
	classAuthorization  = 3003 // Authorize Session
	classEntity         = 3004 // Entity Management
	classAccess         = 3005 // User Access Management
	classGroup          = 3006 // Group Management
)

// other is the activity of what a class has no number for; its name then stands beside it.
const other = 99

// Severities.
const (
	severityInformational = 1
	severityLow           = 2
	severityMedium        = 3
	severityHigh          = 4
)

// classes say which class the actions of a noun are in: a sign-in and what belongs to it,
// what somebody signs in by, and the rest, which is managed.
var classes = map[string]int{
	"signin": classAuthentication, "step_up": classAuthentication, "prompt": classAuthentication, "session": classAuthentication, "sessions": classAuthentication,
	"phone_code": classAuthentication, "printed_code": classAuthentication, "caller_check": classAuthentication, "vouch": classAuthentication, "call_back": classAuthentication, "browser": classAuthentication,

	"user": classAccount, "person": classAccount, "enrolment": classAccount, "device": classAccount, "phone_sign_in": classAccount, "authenticator": classAccount, "totp": classAccount, "passkey": classAccount, "password": classAccount,
	"backup_phone": classAccount, "code_sheet": classAccount, "static_passcode": classAccount, "bypass": classAccount, "preference": classAccount, "invitation": classAccount, "break_glass": classAccount, "campaign": classAccount,

	"access": classAuthorization, "role": classAccess, "group": classGroup,

	"tenant": classEntity, "domain": classEntity, "grant": classEntity, "release": classEntity, "setup": classEntity, "approval": classEntity, "notice": classEntity, "settings": classEntity, "policy": classEntity, "replay": classEntity,
	"rollout": classEntity, "feature": classEntity, "place": classEntity, "desk": classEntity, "ramp": classEntity, "outage": classEntity, "channel": classEntity, "census": classEntity, "risk": classEntity, "signals": classEntity,
	"code_sheet_batch": classEntity, "provider": classEntity, "ticket_system": classEntity, "message": classEntity, "import": classEntity, "application": classEntity, "case": classEntity, "audit": classEntity, "checkpoint": classEntity,
	"consumer": classEntity, "export": classEntity, "alarm": classEntity, "retention": classEntity,
}

// particular are the actions that a class has a number for, or that are in another class
// than their noun.
var particular = map[string]struct{ class, activity int }{
	"signin.finished": {classAuthentication, 1}, "signin.refused": {classAuthentication, 1}, "step_up.finished": {classAuthentication, 1},
	"session.ended": {classAuthentication, 2}, "sessions.ended": {classAuthentication, 2},
	"break_glass.used": {classAuthentication, 1}, "break_glass.refused": {classAuthentication, 1}, "bypass.used": {classAuthentication, 1},
	"application.entered": {classAuthentication, 1}, "application.refused": {classAuthentication, 1},

	"user.created": {classAccount, 1}, "user.invited": {classAccount, 1}, "user.enabled": {classAccount, 2}, "user.disabled": {classAccount, 5}, "user.locked": {classAccount, 9},
	"password.set": {classAccount, 4}, "password.changed": {classAccount, 3}, "password.renewed": {classAccount, 4},
	"authenticator.turned_off": {classAccount, 11}, "authenticator.reset": {classAccount, 11}, "authenticator.restored": {classAccount, 10},
	"device.enrolled": {classAccount, 10}, "device.revoked": {classAccount, 11}, "device.removed": {classAccount, 11}, "device.disabled": {classAccount, 11},
	"phone_sign_in.enabled": {classAccount, 10}, "phone_sign_in.disabled": {classAccount, 11},
	"totp.bound": {classAccount, 10}, "totp.removed": {classAccount, 11}, "totp.reset": {classAccount, 11},
	"passkey.bound": {classAccount, 10}, "passkey.removed": {classAccount, 11}, "passkey.reset": {classAccount, 11},
	"backup_phone.bound": {classAccount, 10}, "backup_phone.removed": {classAccount, 11},
	"code_sheet.made": {classAccount, 10}, "code_sheet.activated": {classAccount, 10}, "code_sheet.removed": {classAccount, 11}, "code_sheet.reset": {classAccount, 11}, "code_sheet.voided": {classAccount, 11},
	"static_passcode.issued": {classAccount, 10}, "static_passcode.withdrawn": {classAccount, 11}, "static_passcode.expired": {classAccount, 11},
	"bypass.issued": {classAccount, 10}, "bypass.revoked": {classAccount, 11}, "bypass.expired": {classAccount, 11},

	"role.assigned": {classAccess, 1}, "role.taken": {classAccess, 2}, "role.ended": {classAccess, 2},
	"role.composed": {classEntity, 1}, "role.changed": {classEntity, 3}, "role.retired": {classEntity, 4},
	"group.created": {classGroup, 6}, "group.deleted": {classGroup, 5}, "group.member_added": {classGroup, 3}, "group.member_removed": {classGroup, 4}, "group.role_set": {classGroup, 1},

	"audit.view_saved": {classEntity, 1}, "audit.view_deleted": {classEntity, 4},

	"access.alarm": {classFinding, 1}, "signals.flagged": {classFinding, 1}, "channel.failing": {classFinding, 1}, "channel.works": {classFinding, 3}, "passkey.suspect": {classFinding, 1}, "browser.copied": {classFinding, 1},
	"consumer.silent": {classFinding, 1}, "alarm.raised": {classFinding, 1}, "alarm.acknowledged": {classFinding, 3},
}

// made, looked and gone are the verbs by which an entity comes, is looked at and goes.
// Every other one changes it.
var (
	made   = words("created made registered added drafted opened asked requested claimed given declared begun started scheduled composed")
	looked = words("viewed looked seen checked rehearsed")
	gone   = words("removed deleted ended cancelled withdrawn retired unscheduled dropped expired")
)

func words(all string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(all) {
		set[word] = true
	}
	return set
}

// class gives the class of an action and what it is in it. ok is false for a noun that
// nobody has put into one; it then counts as an entity.
func class(action string) (class, activity int, ok bool) {
	if p, there := particular[action]; there {
		return p.class, p.activity, true
	}
	noun, happened := verb(action)
	if class, ok = classes[noun]; !ok {
		class = classEntity
	}
	if class != classEntity {
		return class, other, ok
	}
	switch {
	case made[happened]:
		activity = 1
	case looked[happened]:
		activity = 2
	case gone[happened]:
		activity = 4
	default:
		activity = 3
	}
	return class, activity, ok
}

// activities are the names of activities by their numbers.
var activities = map[int][]string{
	classFinding:        {"Unknown", "Create", "Update", "Close"},
	classAccount:        {"Unknown", "Create", "Enable", "Password Change", "Password Reset", "Disable", "Delete", "Attach Policy", "Detach Policy", "Lock", "MFA Factor Enable", "MFA Factor Disable"},
	classAuthentication: {"Unknown", "Logon", "Logoff"},
	classAuthorization:  {"Unknown", "Assign Privileges", "Assign Groups"},
	classEntity:         {"Unknown", "Create", "Read", "Update", "Delete"},
	classAccess:         {"Unknown", "Assign Privileges", "Revoke Privileges"},
	classGroup:          {"Unknown", "Assign Privileges", "Revoke Privileges", "Add User", "Remove User", "Delete", "Create"},
}

// names of classes and categories.
var classNames = map[int]string{
	classFinding: "Detection Finding", classAccount: "Account Change", classAuthentication: "Authentication", classAuthorization: "Authorize Session",
	classEntity: "Entity Management", classAccess: "User Access Management", classGroup: "Group Management",
}

func (e Event) severity() int {
	of, _, _ := class(e.Action)
	switch {
	case of == classFinding || e.Action == "break_glass.used":
		return severityHigh
	case e.Outcome == "denied":
		return severityMedium
	case e.Outcome == "failure":
		return severityLow
	}
	return severityInformational
}

type ocsfMetadata struct {
	Version  string `json:"version"`
	UID      string `json:"uid"`
	Sequence *int64 `json:"sequence,omitempty"` // its place in the tree
	Code     string `json:"event_code"`
	Product  struct {
		Name   string `json:"name"`
		Vendor string `json:"vendor_name"`
	} `json:"product"`
	Correlation string `json:"correlation_uid,omitempty"`
	Tenant      string `json:"tenant_uid"`
}

type ocsfUser struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
}

type ocsfEntity struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
}

type ocsfFinding struct {
	UID   string `json:"uid"`
	Title string `json:"title"`
}

type ocsfEvent struct {
	Activity     int            `json:"activity_id"`
	ActivityName string         `json:"activity_name"`
	Category     int            `json:"category_uid"`
	Class        int            `json:"class_uid"`
	ClassName    string         `json:"class_name"`
	Type         int            `json:"type_uid"`
	Severity     int            `json:"severity_id"`
	Status       int            `json:"status_id"`
	StatusDetail string         `json:"status_detail,omitempty"`
	Time         int64          `json:"time"` // milliseconds since 1970
	Metadata     ocsfMetadata   `json:"metadata"`
	Actor        map[string]any `json:"actor,omitempty"`
	User         *ocsfUser      `json:"user,omitempty"`
	Entity       *ocsfEntity    `json:"entity,omitempty"`
	Group        *ocsfEntity    `json:"group,omitempty"`
	Privileges   []string       `json:"privileges,omitempty"`
	Finding      *ocsfFinding   `json:"finding_info,omitempty"`
	Service      *ocsfEntity    `json:"service,omitempty"`
	Source       map[string]any `json:"src_endpoint,omitempty"`
	Request      map[string]any `json:"http_request,omitempty"`
	Unmapped     map[string]any `json:"unmapped,omitempty"`
}

// ocsf puts an event into its class, with what that class requires. What it has no place
// for stands under unmapped.
func (e Event) ocsf() ocsfEvent {
	of, activity, _ := class(e.Action)
	o := ocsfEvent{
		Activity: activity, Category: of / 1000, Class: of, ClassName: classNames[of], Type: of*100 + activity,
		Severity: e.severity(), Status: 1, StatusDetail: plain(e.Reason), Time: e.At.UnixMilli(),
	}
	if activity == other {
		_, o.ActivityName = verb(e.Action)
	} else {
		o.ActivityName = activities[of][activity]
	}
	if e.Outcome != "success" {
		o.Status = 2
	}
	o.Metadata = ocsfMetadata{Version: "1.3.0", UID: e.ID, Code: e.Action, Correlation: e.Thread, Tenant: e.Tenant}
	o.Metadata.Product.Name, o.Metadata.Product.Vendor = "Latchkey", "Latchkey"
	if e.N >= 0 {
		o.Metadata.Sequence = &e.N
	}
	if e.Actor.Kind == "user" || e.Actor.Kind == "operator" {
		o.Actor = map[string]any{"user": ocsfUser{e.Actor.ID, plain(e.Actor.Name), e.Actor.Kind}}
	} else {
		o.Actor = map[string]any{"app_name": e.Actor.Kind, "app_uid": e.Actor.ID}
	}
	who := &ocsfUser{UID: e.Subject, Name: plain(e.SubjectName)}
	if e.Subject == "" {
		who = &ocsfUser{e.Target.ID, plain(e.Target.Name), e.Target.Kind}
	}
	switch of {
	case classAccount, classAuthorization, classAccess:
		o.User = who
	case classAuthentication:
		o.User, o.Service = who, &ocsfEntity{Name: e.Tenant, Type: "tenant"}
	case classEntity:
		o.Entity = &ocsfEntity{e.Target.ID, plain(e.Target.Name), e.Target.Kind}
	case classGroup:
		o.Group = &ocsfEntity{e.Target.ID, plain(e.Target.Name), e.Target.Kind}
		if e.Subject != "" {
			o.User = who
		}
	case classFinding:
		o.Finding = &ocsfFinding{e.ID, e.Action}
	}
	if of == classAccess {
		o.Privileges = []string{plain(e.Details["role"])}
	}
	if e.IP != "" {
		o.Source = map[string]any{"ip": e.IP}
	}
	if e.Browser != "" || e.Request != "" {
		o.Request = map[string]any{"user_agent": plain(e.Browser), "uid": e.Request}
	}
	o.Unmapped = map[string]any{"outcome": e.Outcome, "target": e.Target}
	if e.Typed != "" {
		o.Unmapped["typed"] = plain(e.Typed)
	}
	if len(e.Details) > 0 {
		o.Unmapped["details"] = e.Details
	}
	return o
}
