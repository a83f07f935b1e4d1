package alarm

import (
	"slices"
	"time"

	"latchkey/app/audit"
)

// Severity says how soon somebody is to look. Add, never rename.
type Severity string

const (
	Critical Severity = "critical" // drop everything else
	High     Severity = "high"
	Medium   Severity = "medium"
)

// By is what events are counted by. Add, never rename.
type By string

const (
	ByActor   By = "actor"   // who did it
	BySubject By = "subject" // whom it is about
	ByTenant  By = "tenant"  // all of them together
)

// Rule is one that a tenant may have alarms by. Add, never rename: alarms are kept under its
// name.
type Rule struct {
	Name     string
	Severity Severity
	Actions  []audit.Action // that count; none: it holds a condition of the audit, see conditions.go
	By       By
	Always   bool // it cannot be turned off, nor can its mail
	Told     bool // the act itself tells the administrators: the alarm sends no mail
	Default  Setting
	Least    int // of the threshold
	Most     int
	Shortest time.Duration // of the window
	Longest  time.Duration
}

// Windows are the lengths that a window may have, within the bounds of its rule.
var Windows = []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour, 8 * time.Hour, day, 7 * day, 30 * day}

const day = 24 * time.Hour

// on is a setting of a rule that is on and mails.
func on(threshold int, window time.Duration) Setting {
	return Setting{Active: true, Threshold: threshold, Window: window, Mail: true}
}

// told is one of a rule whose act tells the administrators.
func told(threshold int, window time.Duration) Setting {
	return Setting{Active: true, Threshold: threshold, Window: window}
}

// Rules are all of them, in the order in which they are shown.
var Rules = []Rule{
	{Name: "verification", Severity: Critical, By: ByTenant, Always: true, Default: on(1, time.Hour)},
	{Name: "witness", Severity: High, By: ByTenant, Default: on(1, time.Hour)},
	{
		// Whoever wants to do something unseen begins here.
		Name: "watching", Severity: High, By: ByActor, Always: true, Default: on(1, time.Hour),
		Actions: []audit.Action{audit.AlarmRuleChanged, audit.ConsumerPaused, audit.ConsumerSecretMade, audit.ConsumerRemoved, audit.RetentionChanged, audit.RetentionReleased},
	},
	{
		Name: "break_glass", Severity: Critical, Actions: []audit.Action{audit.BreakGlassUsed}, By: BySubject, Always: true, Told: true,
		Default: told(1, time.Hour),
	},
	{
		Name: "break_glass_tried", Severity: High, Actions: []audit.Action{audit.BreakGlassRefused}, By: ByTenant, Told: true,
		Default: told(3, time.Hour), Least: 1, Most: 10, Shortest: 10 * time.Minute, Longest: day,
	},
	{
		// Package approval counts them, in the act that refuses (roles.md).
		Name: "refusals", Severity: High, Actions: []audit.Action{audit.AccessAlarm}, By: BySubject, Always: true, Told: true,
		Default: told(1, time.Hour),
	},
	{
		Name: "bypasses_by_agent", Severity: High, Actions: []audit.Action{audit.BypassIssued}, By: ByActor,
		Default: on(10, time.Hour), Least: 2, Most: 50, Shortest: 10 * time.Minute, Longest: day,
	},
	{
		Name: "bypasses_for_person", Severity: Medium, Actions: []audit.Action{audit.BypassIssued}, By: BySubject,
		Default: on(3, 7*day), Least: 2, Most: 20, Shortest: day, Longest: 30 * day,
	},
	{
		Name: "not_them", Severity: High, By: ByTenant,
		Actions: []audit.Action{audit.PromptReported, audit.CallerCheckReported, audit.VouchReported, audit.SessionUndone, audit.BypassDisowned},
		Default: on(3, time.Hour), Least: 1, Most: 50, Shortest: 10 * time.Minute, Longest: day,
	},
	{
		Name: "copied", Severity: High, Actions: []audit.Action{audit.BrowserCopied, audit.PasskeySuspect}, By: BySubject,
		Default: on(1, day), Least: 1, Most: 10, Shortest: time.Hour, Longest: 30 * day,
	},
	{
		Name: "sign_ins_refused", Severity: Medium, Actions: []audit.Action{audit.SignInRefused}, By: ByTenant,
		Default: Setting{Threshold: 200, Window: 10 * time.Minute, Mail: true}, Least: 10, Most: 10000, Shortest: 10 * time.Minute, Longest: time.Hour,
	},
}

// Named gives a rule by its name.
func Named(name string) (Rule, bool) {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return Rules[i], true
}

// Fixed says whether the threshold and the window of a rule are what they are.
func (r Rule) Fixed() bool { return r.Most == 0 }

// Windows are those that a tenant may choose from.
func (r Rule) Windows() []time.Duration {
	return slices.DeleteFunc(slices.Clone(Windows), func(w time.Duration) bool { return w < r.Shortest || w > r.Longest })
}

// about says whom an event counts for.
func (r Rule) about(k audit.Kept) (p audit.Party, counts bool) {
	switch r.By {
	case ByActor:
		p = audit.Party{Kind: k.ActorKind, ID: k.ActorID}
		return p, p.Kind == audit.KindUser || p.Kind == audit.KindOperator
	case BySubject:
		return audit.User(k.SubjectID), k.SubjectID != ""
	}
	return audit.Tenant(k.TenantID), true
}
