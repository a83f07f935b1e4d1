package me

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

// notices are what somebody else did to the account of the one who asks, and
// what an administrator must know.
func (h *Pages) notices(c echo.Context) ([]views.Notice, error) {
	who := web.Session(c)
	told, err := notify.Unseen(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, who.ID)
	if err != nil {
		return nil, err
	}
	var where func(ip string) string
	if slices.ContainsFunc(told, func(n notify.Told) bool { return n.SessionID != "" }) {
		if where, err = h.where(c); err != nil {
			return nil, err
		}
	}
	var all []views.Notice
	for _, n := range told {
		if n.OfSomebody() {
			if n.Detail, err = user.NameOf(c.Request().Context(), h.Site.DB, who.TenantID, n.Detail); err != nil {
				return nil, err
			}
		}
		shown := notice(web.Context(c), n)
		if n.SessionID != "" {
			shown.Where = where(n.IP)
		}
		all = append(all, shown)
	}
	return all, nil
}

// where says where sign-ins came from, as the phone that is asked says it.
func (h *Pages) where(c echo.Context) (func(ip string) string, error) {
	known, err := tenant.Places(h.Site.DB.View(c.Request().Context()), web.Session(c).TenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	ctx := web.Context(c)
	return func(ip string) string {
		return words.Say(ctx, "me.notices.where", "place", web.SayPlace(ctx, h.Site.Atlas.Of(ip, known)), "address", ip)
	}, nil
}

// notice says one to its reader: what, by whom, when, why, and what to do.
func notice(ctx context.Context, n notify.Told) views.Notice {
	detail := n.Detail
	switch n.Action {
	case audit.UserManagerChanged:
		if detail == "" {
			detail = words.Say(ctx, "approval.value.none")
		}
	case audit.RoleAssigned, audit.RoleTaken, audit.RoleEnded, audit.RoleChanged:
		name, custom := strings.CutPrefix(n.Detail, access.CustomPrefix)
		if detail = name; !custom {
			detail = words.Say(ctx, "role."+n.Detail)
		}
	case audit.ApprovalGiven, audit.ApprovalRefused, audit.ApprovalVoid, audit.ApprovalExpired:
		detail = web.Act(ctx, approval.Kind(n.Detail))
	case audit.RampStepped, audit.RampHalted, audit.RampDone, audit.RampOvertaken, audit.RolloutChanged, audit.RolloutDropped, audit.RolloutStuck, audit.ReleaseChanged, audit.ReleaseDropped:
		detail = rampDetail(ctx, n)
	case audit.FeatureChosen, audit.FeatureDeclined:
		detail = words.Say(ctx, "feature."+n.Detail)
	case audit.AlarmRaised, audit.AlarmTested:
		detail = words.Say(ctx, "alarm.rule."+n.Detail)
	case audit.CensusRose:
		detail = sayFigures(ctx, n.Detail)
	case audit.OutageDeclared, audit.ChannelFailing:
		detail = web.SayChannels(ctx, n.Detail)
	case audit.OutageEnded:
		ending, uses, _ := strings.Cut(n.Detail, " ")
		detail = words.Say(ctx, "notice.outage.ended."+ending, "count", uses)
	case audit.CampaignPostponed:
		detail = words.Say(ctx, "console.act.postpone.days", "count", n.Detail)
	case audit.BypassIssued:
		detail = words.Say(ctx, "notice.bypass.kind."+n.Detail)
	case audit.MFAChanged:
		detail = words.Say(ctx, "console.people.mfa."+n.Detail)
	case audit.SessionNewBrowser, audit.BrowserCopied:
		detail = web.SayBrowser(ctx, n.Detail)
	}
	shown := views.Notice{
		What: words.Say(ctx, "notice."+string(n.Action), "detail", detail), Why: n.Reason, At: n.At, Tone: "warn",
		Next: words.Say(ctx, "me.notices.unexpected"), Action: "/me/notices/" + url.PathEscape(n.ID) + "/seen",
	}
	if n.Agent != "" {
		shown.What = words.Say(ctx, "notice."+string(n.Action)+".named", "agent", n.Agent, "case", n.Case, "detail", detail)
	}
	shown.Until = n.Until
	switch n.Action {
	case audit.SessionNewBrowser:
		shown.Next = words.Say(ctx, "me.notices.new_browser")
		if n.SessionID != "" {
			shown.Undo = "/me/sessions/" + url.PathEscape(n.SessionID) + "/undo"
		}
	case audit.BrowserCopied:
		shown.Tone, shown.Next = "bad", words.Say(ctx, "me.notices.copied")
	case audit.CallBackAsked:
		shown.Next = words.Say(ctx, "me.notices.call_back")
	case audit.AccessAlarm, audit.CallerCheckReported, audit.VouchReported:
		shown.Next = words.Say(ctx, "me.notices.look")
	case audit.CallerCheckFailed:
		shown.Tone, shown.Next = "bad", words.Say(ctx, "me.notices.caller_check")
	case audit.CallerCheckProved:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.caller_check")
	case audit.CodeSheetLow, audit.CodeSheetUsedUp:
		shown.Next = words.Say(ctx, "me.notices.codes")
	case audit.CodeSheetToUser:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.sheet_confirm")
	case audit.CodeSheetToAgent, audit.SheetBatchMade, audit.SheetBatchVoided:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.sheets")
	case audit.BackupPhoneAsked:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.backup_asked")
	case audit.AuthenticatorReset:
		shown.Next = words.Say(ctx, "me.notices.phone")
	case audit.UserUnlocked, audit.WaysRestored, audit.CampaignPostponed:
		shown.Tone = ""
	case audit.CaseAsked:
		shown.Next = words.Say(ctx, "me.notices.asked")
	case audit.CaseNoted:
		shown.Tone = ""
	case audit.CaseTaken, audit.CaseHandedOver, audit.CaseClosed:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.case")
	case audit.ReleaseChanged, audit.ReleaseDropped:
		shown.Next = words.Say(ctx, "me.notices.release")
	case audit.RampStepped, audit.RampDone, audit.RolloutChanged:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.ramp")
	case audit.RampHalted, audit.RampOvertaken, audit.RolloutDropped, audit.RolloutStuck:
		shown.Next = words.Say(ctx, "me.notices.ramp")
	case audit.BreakGlassUsed, audit.BreakGlassRefused:
		shown.Tone, shown.Next = "bad", words.Say(ctx, "me.notices.break_glass")
	case audit.BreakGlassMade, audit.BreakGlassSealed, audit.BreakGlassRemoved, audit.BreakGlassDrillDue:
		shown.Next = words.Say(ctx, "me.notices.break_glass_look")
	case audit.CensusRose:
		shown.Next = words.Say(ctx, "me.notices.census")
	case audit.OutageDeclared, audit.OutageEnded, audit.ChannelFailing:
		shown.Next = words.Say(ctx, "me.notices.outage")
	case audit.ConsumerSilent:
		shown.Next = words.Say(ctx, "me.notices.consumer")
	case audit.AlarmRaised:
		shown.Tone, shown.Next = "bad", words.Say(ctx, "me.notices.alarm")
	case audit.AlarmTested:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.alarm_tested")
	case audit.SignalsFlagged:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.signals")
	case audit.RoleEnded:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.role_ended")
	case audit.ApprovalGiven:
		shown.Tone, shown.Next = "", words.Say(ctx, "me.notices.done")
	case audit.ApprovalRefused, audit.ApprovalVoid, audit.ApprovalExpired:
		shown.Next = words.Say(ctx, "me.notices.ask_again")
	}
	switch {
	case n.ByRole == "":
	case strings.HasPrefix(string(n.ByRole), access.CustomPrefix):
		shown.By = words.Say(ctx, "me.notices.custom_role")
	default:
		shown.By = words.Say(ctx, "role."+string(n.ByRole))
	}
	return shown
}

// putAway takes a notice off the start page.
func (h *Pages) putAway(c echo.Context) error {
	who := web.Session(c)
	if err := notify.PutAway(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, c.Param("notice"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/?done=notice_seen")
}

// rampDetail says which feature a notice of a ramp is about, and what became of it: the
// step, or why it was halted.
func rampDetail(ctx context.Context, n notify.Told) string {
	name, more, _ := strings.Cut(n.Detail, " ")
	name = words.Say(ctx, "feature."+name)
	switch n.Action {
	case audit.RampStepped:
		step, of, _ := strings.Cut(more, " ")
		return words.Say(ctx, "notice.ramp.step", "feature", name, "step", step, "steps", of)
	case audit.ReleaseDropped:
		return words.Say(ctx, "notice.release.cause."+more, "feature", name)
	case audit.RolloutDropped, audit.RolloutStuck:
		return words.Say(ctx, "notice.rollout.cause."+more, "feature", name)
	case audit.RampHalted:
		return words.Say(ctx, "notice.ramp.cause."+more, "feature", name)
	}
	return name
}

// sayFigures says which figures of a census rose.
func sayFigures(ctx context.Context, figures string) string {
	all := strings.Split(figures, ",")
	for i, f := range all {
		all[i] = words.Say(ctx, "census.figure."+f)
	}
	return strings.Join(all, ", ")
}
