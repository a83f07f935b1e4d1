package web

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/signals"
	"latchkey/views/component"
	"latchkey/views/words"
)

// acts are the kinds of acts that wait for approval, with the icon of each. Their
// words are approval.kind.KIND.
var acts = map[approval.Kind]string{
	"role.assign": "key", "role.take": "key", "role.compose": "sliders", "role.change": "sliders", "role.retire": "sliders",
	"user.lock": "pause", "user.unlock": "check", "session.end": "monitor", "authenticator.reset": "phone", "totp.reset": "clock", "code_sheet.reset": "printer", "passkey.reset": "passkey", "user.mfa": "shield",
	"user.invite": "plus", "user.invitation": "plus", "user.import": "list",
	"group.create": "users", "group.rename": "users", "group.delete": "users", "group.add_member": "users", "group.remove_member": "users", "group.set_role": "key",
	"user.password_link": "key", "static_passcode.request": "warn", "static_passcode.withdraw": "warn",
	"bypass.issue": "key", "bypass.revoke": "key",
	"case.open": "case", "case.note": "case", "case.take": "case", "case.hand_over": "case", "case.link": "case", "case.wait": "case", "case.resume": "case", "case.close": "case", "case.reopen": "case",
	"caller_check.begin": "call", "rebind.call_back": "call", "rebind.not_them": "call", "user.manager": "users", "user.photo": "users",
	"settings.change": "sliders", "decisions.change": "sliders", "desk.hours": "clock", "policy.change": "sliders", "place.set": "globe", "place.remove": "globe", "place.elsewhere": "globe", "desk.change": "call", "desk.set_reason": "call", "desk.remove_reason": "call",
	"application.register": "grid", "application.change": "grid", "application.secret": "key", "application.delete": "grid",
	"backup_phone.ask": "message", "campaign.change": "phone", "campaign.postpone": "phone",
	"break_glass.make": "key", "break_glass.seal": "printer", "break_glass.remove": "key", "break_glass.drill": "check",
	"census.take": "list", "audit.export": "list", "risk.acknowledge": "warn",
	"retention.change": "clock", "retention.hold": "pause", "retention.release": "warn",
	"code_sheet.print_batch": "printer", "code_sheet.hand_to_agent": "printer", "code_sheet.hand_to_user": "printer", "code_sheet.lose": "warn", "code_sheet.destroy": "warn", "code_sheet.void": "warn", "code_sheet.void_batch": "warn",
	"outage.declare": "warn", "outage.rehearse": "list", "outage.end": "check", "outage.sign": "check",
	"rollout.change": "sliders", "rollout.unschedule": "pause", "rollout.ramp": "sliders", "rollout.ramp_change": "sliders", "rollout.ramp_pause": "pause", "rollout.ramp_resume": "check", "rollout.ramp_next": "sliders", "rollout.ramp_cancel": "pause",
}

// ActIcon is the drawing for a kind of act.
func ActIcon(kind approval.Kind) string {
	if icon := acts[kind]; icon != "" {
		return icon
	}
	return "list"
}

// Act says an act in a few words: "Give a role".
func Act(ctx context.Context, kind approval.Kind) string {
	if key := "approval.kind." + string(kind); words.Has(ctx, key) {
		return words.Say(ctx, key)
	}
	return string(kind)
}

// ActOn says an act with the name of the person it is done to.
func ActOn(ctx context.Context, kind approval.Kind, target string) string {
	if target == "" {
		return Act(ctx, kind)
	}
	return words.Say(ctx, "approval.act_on", "act", Act(ctx, kind), "name", target)
}

// fields are those of differences, with how a value of each is said. Their words
// are approval.field.FIELD.
var fields = map[string]func(context.Context, string) string{
	"role": sayRole, "scope": sayScope, "ends_at": sayEnd, "permissions": sayPermissions,
	"state": sayValue, "mfa_state": sayMFA, "sessions": sayValue, "throttle": sayValue,
	"called": nil, "via": sayVia, "cause": sayCause, "case": nil, "case_owner": nil, "case_state": sayCaseState,
	"match_mode": sayMode, "match_mode_elsewhere": sayElsewhere, "place": nil, "application": nil, "redirect_uris": nil, "logout_uris": nil, "start_url": nil, "frequency": sayFrequency, "strength": sayStrength, "application_groups": nil, "application_state": sayApplicationState, "application_kind": sayApplicationKind, "application_secret": nil, "platforms": sayPlatforms,
	"strongest_first": sayValue, "password_least": nil, "tries_most": nil, "passcode_hours": nil, "password_link": nil, "static_passcode": sayValue,
	"bypass_kind": sayBypass("kind"), "bypass_minutes": nil, "bypass_uses": nil, "bypass_start": sayEnd, "bypass_network": nil, "bypass_application": nil, "bypass_delivery": sayBypass("delivery"), "bypass_phone": nil, "bypass_check": sayCheck, "bypass_replaces": sayValue, "bypass_state": sayBypass("state"), "bypass_ticket": sayTicketAnswer,
	"desk_kinds": sayList(sayBypass("kind")), "desk_deliveries": sayList(sayBypass("delivery")), "desk_ways": sayList(sayCheck), "desk_privileged": sayList(sayCheck), "own_reasons": sayValue, "ticket_pattern": nil, "ticket_example": nil, "desk_reason": nil, "desk_place": nil,
	"starts_at": sayEnd, "goes_back_at": sayEnd, "ramp_step": sayRampStep, "ramp_guard": sayRampGuard, "ramp_hours": sayRampHours, "feature": sayFeature,
	"decision_days": nil, "desk_hours": sayDeskHours, "replay_first": sayValue,
	"outage_failed": NameChannels, "outage_relaxes": sayRelaxations, "outage_scope": SayOutageScope, "outage_minutes": nil,
	"export_format": sayForm, "export_from": sayEnd, "export_to": sayEnd, "export_actor": nil, "export_target": nil, "export_action": nil, "export_outcome": nil, "export_thread": nil, "export_words": nil,
	"keep_signins": SayMonths, "keep_administration": SayMonths, "audit_hold": sayValue, "audit_hold_reason": nil,
	"break_glass_sheet": sayValue, "break_glass_account": nil, "risk": sayRisk, "risk_until": nil,
	"snooze_days": nil, "skips": nil, "postponed": sayDays,
	"name": nil, "display_name": nil, "manager": nil, "photo": sayPhoto, "invitation": nil, "phone": nil, "passkey": nil, "totp": sayValue, "code_sheet": nil, "sheet_batch": nil, "sheets": nil, "sheet_paper": sayPaper, "sheet_agent": nil, "groups": nil, "group": nil, "members": nil, "people": nil, "file": nil, "people_new": nil, "people_changed": nil, "people_managed": nil,
}

// Changed says one line of a difference in words: the field, and what it was and is.
func Changed(ctx context.Context, field, before, after string) (name, was, is string) {
	say, key := fields[field], "approval.field."+field
	if f, of := strings.CutPrefix(field, "feature_"); of {
		say, key = SayRule, "feature."+f
	}
	if way, of := strings.CutPrefix(field, "method_"); of {
		say, key = sayUses, "policy.way."+way
	}
	name = strings.ReplaceAll(field, "_", " ")
	if words.Has(ctx, key) {
		name = words.Say(ctx, key)
	}
	value := func(text string) string {
		if text == "" && strings.HasPrefix(field, "method_") {
			return words.Say(ctx, "policy.off")
		}
		if text == "" && field != "scope" && field != "outage_scope" && field != "ends_at" && field != "match_mode_elsewhere" {
			return words.Say(ctx, "approval.value.none")
		}
		if say == nil {
			return text
		}
		return say(ctx, text)
	}
	return name, value(before), value(after)
}

// either gives the words of a key, or the value itself where there are none.
func either(ctx context.Context, key, value string) string {
	if words.Has(ctx, key) {
		return words.Say(ctx, key)
	}
	return value
}

func sayPhoto(ctx context.Context, mark string) string {
	return words.Say(ctx, "approval.value.photo", "mark", mark)
}

func sayPaper(ctx context.Context, paper string) string {
	return either(ctx, "stock.paper."+paper, paper)
}

func sayRole(ctx context.Context, role string) string {
	if name, custom := strings.CutPrefix(role, access.CustomPrefix); custom {
		return words.Say(ctx, "approval.value.custom_role", "name", name)
	}
	return either(ctx, "role."+role, role)
}

func sayScope(ctx context.Context, groups string) string {
	if groups == "" {
		return words.Say(ctx, "approval.value.everywhere")
	}
	return groups
}

// SayMonths says for how long events of the audit are kept.
func SayMonths(ctx context.Context, months string) string {
	if months == "0" {
		return words.Say(ctx, "retention.ever")
	}
	return words.Say(ctx, "retention.months", "count", months)
}

func sayFrequency(ctx context.Context, minutes string) string {
	if minutes == "0" {
		return words.Say(ctx, "applications.again.never")
	}
	return words.Say(ctx, "applications.again.after", "count", minutes)
}

func sayStrength(ctx context.Context, acr string) string {
	return either(ctx, "applications.strength."+acr, acr)
}

func sayApplicationState(ctx context.Context, state string) string {
	return either(ctx, "applications.state."+state, state)
}

func sayApplicationKind(ctx context.Context, kind string) string {
	return either(ctx, "applications.kind."+kind, kind)
}

// sayBypass says a property of a bypass.
func sayBypass(property string) func(context.Context, string) string {
	return func(ctx context.Context, value string) string {
		return either(ctx, "bypass."+property+"."+value, value)
	}
}

func sayTicketAnswer(ctx context.Context, answer string) string {
	return either(ctx, "ticketsystem.answer."+answer, answer)
}

// sayList says each of the values between commas.
func sayList(say func(context.Context, string) string) func(context.Context, string) string {
	return func(ctx context.Context, list string) string {
		return sayEach(list, func(value string) string { return say(ctx, value) })
	}
}

func sayForm(ctx context.Context, form string) string {
	return either(ctx, "eventform."+form, form)
}

func sayRisk(ctx context.Context, name string) string {
	return either(ctx, "risk.title."+name, name)
}

func sayCheck(ctx context.Context, via string) string {
	return either(ctx, "callercheck.via."+via, via)
}

func sayEnd(ctx context.Context, text string) string {
	if text == "" {
		return words.Say(ctx, "approval.value.no_end")
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return component.Exact(ctx, at)
}

func sayValue(ctx context.Context, value string) string {
	return either(ctx, "approval.value."+value, value)
}

func sayMFA(ctx context.Context, state string) string {
	switch state {
	case "disabled", "enabled", "enforced":
		return sayValue(ctx, state)
	}
	return state
}

func sayCause(ctx context.Context, cause string) string {
	return either(ctx, "cases.cause."+cause, cause)
}

func sayVia(ctx context.Context, via string) string {
	return either(ctx, "callercheck.via."+via, via)
}

func sayDays(ctx context.Context, days string) string {
	return words.Say(ctx, "console.act.postpone.days", "count", days)
}

func sayCaseState(ctx context.Context, state string) string {
	return either(ctx, "cases.state."+state, state)
}

func sayMode(ctx context.Context, mode string) string {
	return either(ctx, "console.settings.mode."+mode, mode)
}

func sayElsewhere(ctx context.Context, mode string) string {
	if mode == "" {
		return words.Say(ctx, "places.elsewhere.same")
	}
	return sayMode(ctx, mode)
}

func sayPlatforms(ctx context.Context, platforms string) string {
	return sayEach(platforms, func(platform string) string { return either(ctx, "console.settings.platform."+platform, platform) })
}

func sayPermissions(ctx context.Context, permissions string) string {
	return sayEach(permissions, func(permission string) string { return either(ctx, "permission."+permission, permission) })
}

// sayUses says what a way is used for, and by whom.
func sayUses(ctx context.Context, text string) string {
	uses, groups, limited := strings.Cut(text, "|")
	uses = sayEach(uses, func(use string) string { return either(ctx, "policy.use."+use, use) })
	if !limited {
		return uses
	}
	return words.Say(ctx, "policy.uses_of", "uses", uses, "groups", groups)
}

// SayRule says a rule of a feature, as package rollout writes it in differences.
func SayRule(ctx context.Context, text string) string {
	parts := strings.Split(text, "|")
	said := []string{either(ctx, "rollout.stage."+parts[0], parts[0])}
	for _, part := range parts[1:] {
		switch group := part[1:]; part[0] {
		case '+':
			said = append(said, words.Say(ctx, "rollout.with_group", "group", group))
		case '-':
			said = append(said, words.Say(ctx, "rollout.without_group", "group", group))
		default:
			said = append(said, part)
		}
	}
	return strings.Join(said, ", ")
}

// sayEach says what stands between commas, part by part.
func sayEach(list string, say func(string) string) string {
	parts := strings.Split(list, ",")
	for i, part := range parts {
		parts[i] = say(strings.TrimSpace(part))
	}
	return strings.Join(parts, ", ")
}

func sayFeature(ctx context.Context, name string) string { return either(ctx, "feature."+name, name) }

// ChannelIcons are the drawings of what people are reached by.
var ChannelIcons = map[string]string{"push": "phone", "sms": "message", "voice": "call", "mail": "mail"}

// SayChannels says what people are reached by, inside of a sentence: "text messages, calls
// and mails".
func SayChannels(ctx context.Context, channels string) string {
	all := strings.Split(channels, ",")
	for i, channel := range all {
		all[i] = either(ctx, "outage.channel."+strings.TrimSpace(channel), channel)
	}
	last := len(all) - 1
	if last == 0 {
		return all[0]
	}
	return words.Say(ctx, "outage.channel_and", "channels", strings.Join(all[:last], ", "), "last", all[last])
}

// NameChannels says the same where it stands by itself: "Text messages, calls and mails".
func NameChannels(ctx context.Context, channels string) string {
	said := SayChannels(ctx, channels)
	first, size := utf8.DecodeRuneInString(said)
	return string(unicode.ToUpper(first)) + said[size:]
}

func sayRelaxations(ctx context.Context, all string) string {
	return sayEach(all, func(relaxation string) string { return either(ctx, "outage.relaxation."+relaxation, relaxation) })
}

// SayOutageScope says whom an outage is for, by the names of its groups.
func SayOutageScope(ctx context.Context, groups string) string {
	if groups == "" {
		return words.Say(ctx, "outage.everybody")
	}
	return strings.ReplaceAll(groups, ",", ", ")
}

// SayMinutes says a span in days, hours and minutes.
func SayMinutes(ctx context.Context, minutes int) string {
	var parts []string
	for _, unit := range []struct {
		name    string
		minutes int
	}{{"days", 24 * 60}, {"hours", 60}, {"minutes", 1}} {
		if n := minutes / unit.minutes; n > 0 {
			minutes -= n * unit.minutes
			parts = append(parts, words.Say(ctx, "ramp.span."+unit.name, "count", strconv.Itoa(n)))
		}
	}
	return strings.Join(parts, " ")
}

// sayRampStep says the terms of a step, as package ramp writes them.
func sayRampStep(ctx context.Context, text string) string {
	parts := strings.Split(text, "|")
	if len(parts) != 3 {
		return text
	}
	minutes, _ := strconv.Atoi(parts[1])
	said := words.Say(ctx, "ramp.terms.step", "number", parts[0], "time", SayMinutes(ctx, minutes))
	if parts[2] != "0" {
		said += " " + words.Say(ctx, "ramp.lasts_sample", "count", parts[2])
	}
	return said
}

func sayRampGuard(ctx context.Context, text string) string {
	parts := strings.Split(text, "|")
	if len(parts) != 4 {
		return text
	}
	minutes, _ := strconv.Atoi(parts[0])
	return words.Say(ctx, "ramp.terms.guard", "window", SayMinutes(ctx, minutes), "sample", parts[1], "failure", parts[2], "bypass", parts[3])
}

func sayRampHours(ctx context.Context, zone string) string {
	if zone == "always" {
		return words.Say(ctx, "ramp.terms.always")
	}
	return words.Say(ctx, "ramp.terms.hours", "zone", zone)
}

// SayHours says when a desk works.
func SayHours(ctx context.Context, h signals.Hours) string {
	var days []string
	for _, d := range h.Days {
		days = append(days, words.Say(ctx, "day.short."+strconv.Itoa(int(d))))
	}
	return words.Say(ctx, "signals.hours.said", "days", strings.Join(days, ", "), "from", signals.Clock(h.From), "until", signals.Clock(h.Until), "zone", h.Zone)
}

func sayDeskHours(ctx context.Context, text string) string {
	h, err := signals.ReadHours(text)
	if err != nil || !h.Set() {
		return text
	}
	return SayHours(ctx, h)
}
