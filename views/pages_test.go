package views_test

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"latchkey/views/component"
	"latchkey/views/console"
	"latchkey/views/demo"
	"latchkey/views/help"
	"latchkey/views/invite"
	"latchkey/views/me"
	"latchkey/views/openid"
	"latchkey/views/operator"
	"latchkey/views/phone"
	"latchkey/views/problem"
	"latchkey/views/setup"
	"latchkey/views/signin"
)

// pages is every page, in each state in which it looks different.
var pages = map[string][]state{
	"console.ApprovalPage": page(console.ApprovalPage, full,
		func(v *console.Approval) { v.MayUndo, v.Waits = false, true },
		func(v *console.Approval) { v.Findings, v.Lines[0].Same = nil, true },
		func(v *console.Approval) { v.Target, v.Decider = console.Somebody{}, console.Somebody{} }),
	"console.ApprovalsPage": page(console.ApprovalsPage, full,
		func(v *console.Approvals) { v.Newest = "" },
		func(v *console.Approvals) { v.Yours, v.Own, v.Others, v.Newest = nil, nil, nil, "" },
		func(v *console.Approvals) { v.Decided, v.Older = nil, "" },
		func(v *console.Approvals) { v.Decided[0].Decider, v.Decided[0].Target = "", "" }),
	"console.CallerCheckPage": page(console.CallerCheckPage, full,
		func(v *console.CallerCheck) {
			v.State, v.Own, v.CodeAsked, v.Error, v.CaseHref = "pending", true, false, "", ""
		},
		func(v *console.CallerCheck) { v.State, v.Own, v.Number, v.AgentName = "pending", true, "", "" },
		func(v *console.CallerCheck) {
			v.State, v.GoodUntil, v.AgentCode, v.Alarm = "denied", time.Time{}, "", false
		}),
	"console.ChooserPage": page(console.ChooserPage, full, func(v *console.Chooser) { v.Tenants = nil }),
	"console.InvitePage":  page(console.InvitePage, full, func(v *console.Invite) { v.Groups, v.Errors = nil, nil }),
	"console.InvitedPage": page(console.InvitedPage, full, func(v *console.Invited) { v.Link, v.Href = "", "" }),
	"console.PeoplePage": page(console.PeoplePage, full,
		func(v *console.People) { v.Rows, v.Groups = nil, nil },
		func(v *console.People) { v.Rows[0].LastSignInAt, v.First, v.Previous, v.Next = time.Time{}, "", "", "" }),
	"console.PersonPage": page(console.PersonPage, full,
		func(v *console.Person) {
			v.Acts, v.Phones, v.Sessions, v.SignIns, v.History, v.Groups = nil, nil, nil, nil, nil, nil
		},
		func(v *console.Person) {
			v.DisplayName, v.LockedAt, v.DisabledAt, v.RoleEndsAt, v.LockedBy = "", time.Time{}, time.Time{}, time.Time{}, ""
		},
		func(v *console.Person) {
			v.Check.Ways[0].Stops, v.Check.Causes, v.Check.Alarm, v.Check.Proved, v.Check.Errors = "", nil, "", "", nil
		},
		func(v *console.Person) { v.Check.May, v.Check.Rows[0].Href = false, "" },
		func(v *console.Person) { v.Check.Ways[0].Until = time.Time{} }),
	"console.OverviewPage": page(console.OverviewPage, full,
		func(v *console.Overview) { v.Attention = nil },
		func(v *console.Overview) { v.Attention[0].Tone, v.Facts[0].Href = "", "" }),
	"console.RolesPage": page(console.RolesPage, full,
		func(v *console.Roles) { v.Holders, v.Carriers, v.Customs, v.First, v.Next = nil, nil, nil, "", "" },
		func(v *console.Roles) { v.Holders, v.AssignHref, v.NewHref = nil, "", "" },
		func(v *console.Roles) { v.Holders[0].EndsAt, v.Holders[0].State, v.AssignHref = time.Time{}, "", "" }),
	"console.RoleAssignPage": page(console.RoleAssignPage, full,
		func(v *console.RoleAssign) { v.Found = false },
		func(v *console.RoleAssign) { v.Found, v.Roles, v.TakeAction = true, nil, "" },
		func(v *console.RoleAssign) { v.Found, v.Groups, v.MoreNames, v.Errors = true, nil, false, nil },
		func(v *console.RoleAssign) { v.Found = true }),
	"console.CustomRolePage": page(console.CustomRolePage, full,
		func(v *console.CustomRole) { v.New, v.Editable, v.Errors, v.RetireAction = true, true, nil, "" },
		func(v *console.CustomRole) { v.Editable, v.RetireAction = false, "" }),
	"console.RoleWhyPage": page(console.RoleWhyPage, full,
		func(v *console.RoleWhy) { v.Answered, v.Errors = false, nil },
		func(v *console.RoleWhy) { v.Answered = true }),
	"console.SettingsPage": page(console.SettingsPage, full, func(v *console.Settings) { v.Errors, v.Decisions.Errors, v.Decisions.Problems = nil, nil, nil }),
	"console.PolicyPage": page(console.PolicyPage, full,
		func(v *console.Policy) {
			v.History, v.Ways[0].Groups, v.Ways[0].Uses[0].Name, v.Lacks = nil, nil, "", nil
		},
		func(v *console.Policy) { v.Errors, v.Problems, v.History[0].Approved = nil, nil, "" }),
	"console.ReplaysPage": page(console.ReplaysPage, full,
		func(v *console.Replays) {
			v.Earlier, v.Errors, v.Problems, v.Ways[0].Uses[0].Name, v.First = nil, nil, nil, "", false
		},
		func(v *console.Replays) {
			f := &v.Features[0]
			f.Include.Choices, f.StageError, f.ShareError, f.GroupsError = nil, "", "", ""
		}),
	"console.ReplayPage": page(console.ReplayPage, full,
		func(v *console.Replay) { v.Running, v.Failed, v.Defects = true, false, 0 },
		func(v *console.Replay) {
			v.Running, v.Same, v.Saving, v.Moves[0].Stranded, v.Modes = false, false, "", 0, 0
		}),
	"console.DifferencesPage": page(console.DifferencesPage, full,
		func(v *console.Differences) { v.Live, v.Replays = nil, nil },
		func(v *console.Differences) { v.Replays[0].Odd[0].Link = "" }),
	"console.DifferencePage": page(console.DifferencePage, full,
		func(v *console.Difference) { v.Gone, v.Rules, v.Differs = true, nil, "" },
		func(v *console.Difference) { v.Gone, v.Same = false, false },
		func(v *console.Difference) { v.Gone, v.Same = false, true }),
	"console.InsightsPage": page(console.InsightsPage, full,
		func(v *console.Insights) { v.Counted, v.AsOf, v.Ways, v.Ramps = false, time.Time{}, nil, nil },
		func(v *console.Insights) {
			v.Counted, v.Risks[0].Href, v.Risks[0].Some, v.Risks[1].More = true, "", nil, 0
			v.Ranges[0].Current, v.Adoption.Parts = true, nil
		}),
	"console.SignalsPage": page(console.SignalsPage, full,
		func(v *console.Signals) { v.Agents, v.Flagged, v.HoursHref, v.Own = nil, nil, "", true },
		func(v *console.Signals) { v.Own, v.Flagged, v.Agents[0].Cells[0].Flagged = false, nil, false }),
	"console.SignalsOfPage": page(console.SignalsOfPage, full,
		func(v *console.SignalsOf) { v.Own, v.Rows, v.Flagged, v.ShownAll = true, nil, nil, "" },
		func(v *console.SignalsOf) {
			v.Own, v.Figures[0].Href, v.Rows[0].Case, v.Rows[0].WhatHref, v.Rows[0].Person, v.More = false, "", "", "", "", ""
			v.Flagged[0].Name = ""
		}),
	"console.SignalHoursPage": page(console.SignalHoursPage, full, func(v *console.SignalHours) { v.Errors, v.Problems = nil, nil }),
	"console.WhatIfPage": page(console.WhatIfPage, full,
		func(v *console.WhatIf) { v.Answered, v.Errors, v.Problems = false, nil, nil },
		func(v *console.WhatIf) { v.Errors, v.Problems, v.Ways[0].Rules[0].Decides = nil, nil, false }),
	"console.RolloutsPage": page(console.RolloutsPage, full, func(v *console.Rollouts) { v.Lines[0].ChangedAt = time.Time{} }),
	"console.RolloutPage": page(console.RolloutPage, full,
		func(v *console.Rollout) {
			v.Errors, v.Problems, v.History, v.Preview, v.Include.Choices, v.Needs, v.Loosening = nil, nil, nil, nil, nil, nil, ""
			v.Lacks, v.MayReplay, v.Campaign, v.Report = nil, false, "", nil
		},
		func(v *console.Rollout) {
			v.Released, v.Preview.TooFew, v.Preview.Lines[0].More, v.History[0].Approved, v.History[0].Restore, v.Lacks.Running = false, false, 0, "", "", ""
			v.Report.AsOf, v.Report.Samples = time.Time{}, nil
			v.Ramp.Steps[0].Good, v.Ramp.Guard[0].Above, v.Ramp.Waits[0].Met = false, false, false
		},
		func(v *console.Rollout) {
			v.Ramp, v.Schedule = console.Ramp{Begin: "/begin"}, nil
		}),
	"console.RampPage": page(console.RampPage, full,
		func(v *console.RampForm) {
			v.Changing, v.Steps[0].Past, v.Preview, v.Errors, v.Problems, v.Loosening = false, "", nil, nil, nil, ""
		}),
	"console.ExplainPage": page(console.ExplainPage, full,
		func(v *console.Explanation) { v.Name = "" },
		func(v *console.Explanation) { v.Has, v.Conditions[0].Met = false, false }),
	"console.PasscodesPage": page(console.PasscodesPage, full,
		func(v *console.Passcodes) { v.Rows = nil },
		func(v *console.Passcodes) {
			v.Rows[0].EndedAt, v.Rows[0].LastUsedAt, v.Rows[0].ShowAction, v.Rows[0].ShownBy = time.Time{}, time.Time{}, "", ""
		}),
	"console.PasscodeShownPage": page(console.PasscodeShownPage),
	"console.OutagesPage": page(console.OutagesPage, full,
		func(v *console.Outages) { v.On, v.Running, v.Rows, v.Proposal = false, nil, nil, "" },
		func(v *console.Outages) { v.May, v.Running, v.Channels[0].Since = false, nil, time.Time{} },
		func(v *console.Outages) { v.Running = nil }),
	"console.OutageFormPage": page(console.OutageFormPage, full,
		func(v *console.OutageForm) { v.Drill, v.Errors, v.Problems = false, nil, nil },
		func(v *console.OutageForm) { v.May = false },
		func(v *console.OutageForm) { v.Drill, v.Groups.Choices = false, nil }),
	"console.BreakGlassPage": page(console.BreakGlassPage, full,
		func(v *console.BreakGlass) { v.Rows, v.Few, v.Form = nil, "", "new" },
		func(v *console.BreakGlass) { v.Declares, v.Rows[0].PrintAction, v.Rows[0].DrillAction = false, "", "" },
		func(v *console.BreakGlass) {
			v.Rows[0].WaitsToPrint, v.Rows[0].Serial, v.Form = false, "", "seal-"+v.Rows[0].ID
		}),
	"console.GlassSheetPage": page(console.GlassSheetPage),
	"console.BySheetPage":    page(console.BySheetPage, full, func(v *console.BySheet) { v.Error = "" }),
	"signin.BreakGlassPage":  page(signin.BreakGlassPage, full, func(v *signin.BreakGlass) { v.Error = "" }),
	"console.CensusesPage": page(console.CensusesPage, full,
		func(v *console.Censuses) { v.Rows, v.May = nil, false },
		func(v *console.Censuses) { v.Chart.Labels, v.Chart.Series, v.Chart.Beside = nil, nil, nil }),
	"console.CensusPage": page(console.CensusPage, full,
		func(v *console.Census) {
			v.Sees, v.FirstOne, v.Broken, v.Rising, v.Week, v.Figures[0].Behind = false, false, false, false, "", nil
		}),
	"console.RisksPage": page(console.RisksPage, full,
		func(v *console.Risks) { v.Rows, v.Resting, v.May = nil, nil, false },
		func(v *console.Risks) { v.Rows[0].Over, v.Rows[0].Acknowledger = false, "" }),
	"console.OutagePage": page(console.OutagePage, full,
		func(v *console.Outage) { v.Drill, v.Uses[0].SignedBy, v.Form = false, "", "sign" },
		func(v *console.Outage) {
			v.Drill, v.Uses[0].SignedBy, v.Uses[0].MaySign, v.Uses[0].Bypass, v.Uses[0].Agent, v.OnlyOpen, v.MaySign = false, "", false, "", "", false, false
		},
		func(v *console.Outage) {
			v.Drill, v.Runs, v.SignedBy, v.Relaxes, v.Uses, v.Any, v.WhyNot, v.First, v.Next = false, false, "", nil, nil, false, "", "", ""
		},
		func(v *console.Outage) { v.Drill, v.Runs = false, false },
		func(v *console.Outage) { v.Report = nil },
		func(v *console.Outage) { v.Report.Lifted, v.Report.Administrators, v.Report.Sample = "", nil, nil }),
	"console.BypassesPage": page(console.BypassesPage, full,
		func(v *console.Bypasses) { v.Rows, v.Open, v.First, v.Next = nil, false, "", "" },
		func(v *console.Bypasses) { v.Rows[0].LastUsedAt = time.Time{} }),
	"console.BypassPage": page(console.BypassPage, full,
		func(v *console.Bypass) { v.Code, v.MakeAction, v.RevokeAction, v.Sending = "", "", "", false },
		func(v *console.Bypass) {
			v.Half, v.Ahead, v.LastUsedAt, v.EndedAt, v.Network, v.Application, v.CaseHref, v.ApprovedBy, v.Delivery, v.TicketAnswer = false, false, time.Time{}, time.Time{}, "", "", "", "", "", ""
		}),
	"console.StockPage": page(console.StockPage, full,
		func(v *console.Stock) {
			v.Papers, v.First, v.Next, v.NewHref, v.HandAction, v.Batch, v.BatchID = nil, "", "", "", "", "", ""
		},
		func(v *console.Stock) { v.Papers, v.Filtered = nil, false },
		func(v *console.Stock) { v.Papers[0].BatchHref, v.Papers[0].Chooses = "", false }),
	"console.PaperPage": page(console.PaperPage,
		func(v *console.Paper) { v.Acts, v.Form = []console.PaperAct{{Name: "void", Danger: true}}, "void" },
		func(v *console.Paper) {
			v.Acts, v.Form = []console.PaperAct{{Name: "to_agent"}, {Name: "to_user"}, {Name: "lost"}, {Name: "destroyed"}}, "to_agent"
		},
		func(v *console.Paper) {
			v.Acts, v.Steps, v.Left, v.BatchHref, v.UsedAt, v.EndedAt = nil, nil, "", "", time.Time{}, time.Time{}
		}),
	"console.SheetBatchesPage": page(console.SheetBatchesPage, full,
		func(v *console.SheetBatches) { v.Rows, v.First, v.Next = nil, "", "" }),
	"console.NewSheetBatchPage": page(console.NewSheetBatchPage, full, func(v *console.NewSheetBatch) { v.Errors = nil }),
	"console.SheetBatchPage": page(console.SheetBatchPage, full,
		func(v *console.SheetBatch) { v.Is, v.WhyNot, v.Form = "draft", "", "start" },
		func(v *console.SheetBatch) { v.Is, v.Left, v.Eyes = "draft", nil, false },
		func(v *console.SheetBatch) { v.Is = "making" },
		func(v *console.SheetBatch) { v.Is, v.Mine = "made", true },
		func(v *console.SheetBatch) { v.Is, v.Mine = "made", false },
		func(v *console.SheetBatch) { v.Is, v.ToHandOut, v.CanHand, v.Form = "printed", 3, true, "hand" },
		func(v *console.SheetBatch) { v.Is, v.ToHandOut, v.Skipped = "printed", 0, 2 },
		func(v *console.SheetBatch) {
			v.Is, v.CanVoid, v.EndedBy, v.Instructions, v.Reason, v.ApprovedBy, v.EndedAt, v.PrintedAt = "voided", false, "", "", "", "", time.Time{}, time.Time{}
		}),
	"console.SheetPrintPage": page(console.SheetPrintPage, full, func(v *console.SheetPrint) { v.Left, v.Sheets = 0, nil }),
	"console.DeskPage": page(console.DeskPage, full,
		func(v *console.Desk) {
			v.Proof, v.Form, v.Case, v.Standing, v.Before, v.Warnings = nil, nil, nil, nil, nil, nil
		},
		func(v *console.Desk) {
			v.DisplayName, v.Proof.Weak, v.Form.Eyes, v.Form.Errors, v.Form.Replaces, v.Form.Places, v.Form.Uses, v.Form.StartsAt, v.Form.Network = "", false, false, nil, "", nil, "1", "", ""
		},
		func(v *console.Desk) { v.Form.Presets, v.Form.Errors, v.Proof.Weak = nil, nil, false },
		func(v *console.Desk) {
			v.Form.Errors, v.Form.Minutes, v.Form.Kinds.Choices[0].Chosen, v.Form.Deliveries.Choices[0].Chosen = nil, "", true, true
			v.Form.Presets[0].Key, v.Form.Presets[0].Usual, v.Form.Presets[0].Ticket = "", "", false
		}),
	"console.DeskRulesPage": page(console.DeskRulesPage, full,
		func(v *console.DeskRules) { v.Rows, v.Full, v.Errors = nil, false, nil },
		func(v *console.DeskRules) { v.Rows[0].Ticket, v.Rows[0].Usual = false, "" }),
	"console.TicketSystemPage": page(console.TicketSystemPage, full,
		func(v *console.TicketSystem) {
			v.Set, v.Secret, v.Answers, v.Notes, v.Errors = false, "", nil, nil, nil
		},
		func(v *console.TicketSystem) { v.By, v.Answers[0].Agent, v.Answers[0].Why = "", "", "" }),
	"console.ExportsPage": page(console.ExportsPage, full, func(v *console.Exports) { v.Rows, v.Errors = nil, nil }),
	"console.ExportPage": page(console.ExportPage, full,
		func(v *console.Export) {
			v.Running, v.Draft, v.Ready, v.Link, v.Digest, v.FetchedAt = false, false, false, "", "", time.Time{}
		},
		func(v *console.Export) { v.Errors = nil }),
	"console.ConsumersPage": page(console.ConsumersPage, full,
		func(v *console.Consumers) { v.Full, v.Rows[0].DeliveredAt = false, time.Time{} },
		func(v *console.Consumers) { v.Rows, v.Full, v.Errors = nil, false, nil }),
	"console.ConsumerPage": page(console.ConsumerPage, full,
		func(v *console.Consumer) {
			v.Secret, v.Why, v.TestWhy, v.By, v.Paused, v.Webhook, v.Personal, v.DeliveredAt = "", "", "", "", false, false, false, time.Time{}
		},
		func(v *console.Consumer) { v.TestedAt = time.Time{} }),
	"console.AlarmsPage": page(console.AlarmsPage, full,
		func(v *console.Alarms) { v.Open, v.Done, v.More = nil, nil, false },
		func(v *console.Alarms) { v.Open[0].By, v.Open[0].Test, v.Rules[0].Href, v.More = "", false, "", false }),
	"console.AlarmPage": page(console.AlarmPage, full,
		func(v *console.Alarm) { v.AboutYou, v.By, v.AboutHref, v.EventsHref, v.Test = false, "", "", "", false },
		func(v *console.Alarm) { v.AboutYou, v.Action = false, "" },
		func(v *console.Alarm) { v.AboutYou, v.Errors = false, nil }),
	"console.AlarmRulePage": page(console.AlarmRulePage, full,
		func(v *console.AlarmRule) {
			v.Fixed, v.Active.Name, v.Mail.Name, v.At, v.Errors = true, "", "", time.Time{}, nil
		},
		func(v *console.AlarmRule) { v.Fixed, v.By, v.Errors = false, "", nil }),
	"console.RetentionPage": page(console.RetentionPage, full,
		func(v *console.Retention) {
			v.May, v.Fault, v.Standing, v.Ended, v.Drops, v.At = false, "", nil, nil, nil, time.Time{}
			v.Classes[0].Month = ""
		},
		func(v *console.Retention) { v.Standing, v.By, v.Errors = nil, "", nil },
		func(v *console.Retention) {
			v.Standing[0].Action, v.Standing[0].EndedAt, v.Classes[0].At = "", time.Time{}, time.Time{}
		}),
	"console.ReasonPage": page(console.ReasonPage, full, func(v *console.ReasonForm) { v.Errors, v.Places = nil, nil }),
	"signin.BypassPage": page(signin.BypassPage, full,
		func(v *signin.Bypass) { v.Skips, v.Halfway, v.Error = false, false, "" },
		func(v *signin.Bypass) { v.Error = "" }),
	"me.RestrictedPage":   page(me.RestrictedPage, full, func(v *me.Restricted) { v.Applications, v.BindUntil = nil, time.Time{} }),
	"invite.DisownPage":   page(invite.DisownPage),
	"invite.DisownedPage": page(func(p component.Page, _ struct{}) templ.Component { return invite.DisownedPage(p) }),
	"signin.PasscodePage": page(signin.PasscodePage, full, func(v *signin.Passcode) { v.Error = "" }),
	"console.GrantsPage":  page(console.GrantsPage, full, func(v *console.Grants) { v.Rows = nil }),
	"console.ProvidersPage": page(console.ProvidersPage, full,
		func(v *console.Providers) {
			v.Rows[0].Set, v.Rows[0].Fault, v.Rows[0].Waiting, v.Unsent = false, "", "", nil
		},
		func(v *console.Providers) { v.Rows[0].Middle, v.Unsent[0].Again, v.Errors = "", "", nil }),
	"console.ProviderPage":     page(console.ProviderPage, full, func(v *console.ProviderForm) { v.Set, v.Credential, v.By, v.Errors = false, false, "", nil }),
	"demo.OutboxPage":          page(demo.OutboxPage, full, func(v *demo.Outbox) { v.Rows = nil }),
	"console.NewGrantPage":     page(console.NewGrantPage),
	"openid.GoOnPage":          page(openid.GoOnPage),
	"openid.EndPage":           page(openid.EndPage, full, func(v *openid.End) { v.Application, v.Fields = "", nil }),
	"console.ApplicationsPage": page(console.ApplicationsPage, full, func(v *console.Applications) { v.Rows = nil }),
	"console.ApplicationPage": page(console.ApplicationPage, full,
		func(v *console.ApplicationForm) { v.Set, v.Typed.Version, v.Errors = nil, "", nil },
		func(v *console.ApplicationForm) { v.Set.Off, v.Set.Secret, v.Groups = false, false, nil }),
	"console.ApplicationSecretPage": page(console.ApplicationSecretPage),
	"console.PlacesPage": page(console.PlacesPage, full,
		func(v *console.Places) { v.Rows, v.Full, v.Errors = nil, false, nil },
		func(v *console.Places) { v.Rows[0].Networks = nil }),
	"console.PlacePage": page(console.PlacePage, full,
		func(v *console.PlaceForm) { v.Known, v.Typed.Countries, v.Typed.Version, v.Errors = false, "", "", nil }),
	"me.ActivityPage":          page(me.ActivityPage, full, func(v *me.Activity) { v.Events = nil }),
	"invite.FirstPasswordPage": page(invite.FirstPasswordPage, full, func(v *invite.FirstPassword) { v.DisplayName = "" }),
	"console.GroupPage": page(console.GroupPage, full,
		func(v *console.Group) { v.Form = "rename" },
		func(v *console.Group) { v.Role, v.People, v.After = "", nil, "" },
		func(v *console.Group) { v.Empty, v.Role, v.Form = true, "", v.People[0].ID }),
	"console.GroupsPage": page(console.GroupsPage, full,
		func(v *console.Groups) { v.Rows, v.Prefix = nil, "" },
		func(v *console.Groups) { v.Rows = nil },
		func(v *console.Groups) { v.Rows[0].Role = "" }),
	"console.ImportPage": page(console.ImportPage, full,
		func(v *console.Import) { v.State = "running" },
		func(v *console.Import) { v.State = "done" },
		func(v *console.Import) { v.State = "failed" },
		func(v *console.Import) { v.State, v.ProblemCount, v.Problems = "checked", 0, nil },
		func(v *console.Import) { v.State, v.ProblemCount, v.Total, v.CanRun = "checked", 0, 0, false }),
	"console.ImportPeoplePage": page(console.ImportPeoplePage, full,
		func(v *console.ImportPeople) { v.Rows[0].New, v.Rows[0].Joins, v.Previous, v.Next = false, nil, "", "" },
		func(v *console.ImportPeople) { v.Rows[0].New, v.Rows[0].Called = false, "" }),
	"console.ImportsPage": page(console.ImportsPage, full, func(v *console.Imports) { v.Rows, v.Error = nil, "" }),
	"console.CasesPage": page(console.CasesPage, full,
		func(v *console.Cases) { v.Rows, v.All, v.Filtered = nil, false, false },
		func(v *console.Cases) { v.Rows[0].OwnerHref, v.Rows[0].Repeats, v.First, v.Next = "", "", "", "" }),
	"console.CasePage": page(console.CasePage, full,
		func(v *console.Case) { v.May, v.Links, v.Notes, v.Story = false, nil, nil, nil },
		func(v *console.Case) { v.Standing, v.Errors = false, nil },
		func(v *console.Case) {
			v.Standing, v.Waits, v.Mine, v.DeviceActive, v.Form, v.Ticket.Name = true, false, true, false, "note", ""
		},
		func(v *console.Case) { v.Standing, v.Waits, v.Form, v.ClosedAt = true, true, "hand_over", time.Time{} }),
	"console.AuditPage": page(console.AuditPage, full,
		func(v *console.Audit) { v.PartOf, v.Chips, v.Rows, v.LookedTo, v.Count = "", nil, nil, time.Time{}, "" },
		func(v *console.Audit) {
			v.Rows[0].Whom, v.Rows[0].WhoHref, v.Chips, v.Newest, v.Newer, v.Older, v.Since = "", "", nil, "", "", "", time.Time{}
		},
		func(v *console.Audit) { v.Rows, v.Ranges[0].Current = nil, true },
		func(v *console.Audit) {
			v.Views.Open[0].Current, v.Views.Open[0].Shared, v.Views.Save = false, false, nil
		},
		func(v *console.Audit) { v.Views.Open, v.Views.Into = nil, nil }),
	"console.AuditChartsPage": page(console.AuditChartsPage, full,
		func(v *console.AuditCharts) { v.PartOf, v.Short, v.Charts[0].Series[0].Values[0] = "", false, 1 },
		func(v *console.AuditCharts) { v.Charts, v.Since = nil, time.Time{} },
		func(v *console.AuditCharts) {
			s := &v.Charts[0].Series[0]
			s.Values, s.Href, s.All, s.Hrefs, v.Charts[0].None = []float64{3, 0}, "", "", nil, ""
		}),
	"console.AuditViewsPage": page(console.AuditViewsPage, full,
		func(v *console.AuditViewList) { v.Save, v.Full, v.Own[0].Page, v.Own[0].By = nil, false, "", "" },
		func(v *console.AuditViewList) { v.Save.Errors, v.Own, v.Shared = nil, nil, nil }),
	"console.AuditViewPage": page(console.AuditViewPage, full,
		func(v *console.AuditView) { v.Shared, v.Errors = false, nil },
		func(v *console.AuditView) { v.Mine, v.Deletable, v.By, v.Filters = false, false, "", nil }),
	"console.AuditEventPage": page(console.AuditEventPage, full,
		func(v *console.AuditEvent) {
			v.Changes, v.Details, v.Stories, v.Proof, v.Person = nil, nil, nil, nil, ""
		},
		func(v *console.AuditEvent) { v.Proof.Sealed, v.Proof.Signed = false, false },
		func(v *console.AuditEvent) { v.Proof.Sealed, v.Proof.Signed = true, false },
		func(v *console.AuditEvent) { v.Proof.Sealed, v.Proof.Signed = true, true }),
	"console.StoryPage": page(console.StoryPage, full,
		func(v *console.Story) {
			v.PartOf, v.First, v.Earlier, v.Later, v.Related, v.Decided = "", "", "", "", nil, nil
		},
		func(v *console.Story) { v.Days, v.Since = nil, time.Time{} },
		func(v *console.Story) {
			e := &v.Days[0].Events[0]
			e.Gap, e.Why, e.WhyCode, e.Whom, e.Where, e.Thread.Href = "", "", "", "", "", ""
		}),
	"console.TicketPage": page(console.TicketPage, full,
		func(v *console.Ticket) { v.PartOf, v.Older, v.Newest = "", "", "" },
		func(v *console.Ticket) { v.Events[0].Whom, v.Events[0].Why = "", "" }),
	"console.SearchPage": page(console.SearchPage, full,
		func(v *console.Search) { v.Count = 0 },
		func(v *console.Search) { v.Sections[0].Rows[0].Tag = "" }),
	"me.AddPhonePage": page(me.AddPhonePage,
		func(v *me.AddPhone) { v.State = me.Waiting },
		func(v *me.AddPhone) { v.State, v.Link = me.Waiting, "" },
		func(v *me.AddPhone) { v.State = me.Test },
		func(v *me.AddPhone) { v.State, v.Device = me.Done, "" },
		func(v *me.AddPhone) { v.State = me.Expired }),
	"console.CampaignPage": page(console.CampaignPage, full,
		func(v *console.Campaign) { v.Steps[0].Of, v.Waiting, v.Errors, v.Problems = 0, nil, nil, nil },
		func(v *console.Campaign) { v.Steps[0].Count, v.Steps[0].Of = 1, 3 }),
	"me.RegisterPage": page(me.RegisterPage, full,
		func(v *me.Register) { v.Required, v.Added = true, "" },
		func(v *me.Register) { v.Required, v.Added = false, "" }),
	"me.RegisterHelpPage": page(me.RegisterHelpPage, full, func(v *me.RegisterHelp) { v.AskedAt = time.Time{} }),
	"me.HomePage":         page(me.HomePage, full, func(v *me.Home) { v.Applications = nil }),
	"me.OverviewPage":     page(me.OverviewPage, full, func(v *me.Overview) { v.Ready.Steps[0].Done, v.Case = true, nil }),
	"me.PhonesPage": page(me.PhonesPage, full,
		func(v *me.Phones) { v.Rows = nil },
		func(v *me.Phones) { v.RenameDevice = v.Rows[0].ID },
		func(v *me.Phones) { v.Rows[0].LastUsedAt = time.Time{} }),
	"me.LostPhonePage": page(me.LostPhonePage, full,
		func(v *me.LostPhone) { v.Rows, v.Wait, v.Off = nil, "", "" },
		func(v *me.LostPhone) { v.Rows[0].LastUsedAt, v.CanAdd = time.Time{}, false }),
	"me.PreferencesPage":     page(me.PreferencesPage, full, func(v *me.Preferences) { v.Ways, v.Features[0].On, v.Features[0].Means = nil, false, "" }),
	"me.SessionsPage":        page(me.SessionsPage, full, func(v *me.Sessions) { v.Rows[0].This, v.Browsers = false, nil }),
	"me.SecurePage":          page(func(p component.Page, _ struct{}) templ.Component { return me.SecurePage(p) }),
	"operator.HealthPage":    page(operator.HealthPage, full, func(v *operator.Health) { v.Replicas, v.Checks[0].At = nil, time.Time{} }),
	"operator.NewTenantPage": page(operator.NewTenantPage),
	"operator.TenantPage": page(operator.TenantPage, full,
		func(v *operator.Tenant) { v.Link.Text = "" },
		func(v *operator.Tenant) { v.Link.Text, v.Link.EndsAt = "", time.Time{} },
		func(v *operator.Tenant) { v.Domains, v.Grants, v.History = nil, nil, nil },
		func(v *operator.Tenant) { v.Domains[0].RecordName, v.Domains[0].Error = "", "" }),
	"operator.ReleasePage": page(operator.ReleasePage, full,
		func(v *operator.Release) {
			v.Stopped, v.Versions, v.Preview, v.Problems, v.Schedule = false, nil, "", nil, nil
		},
		func(v *operator.Release) { v.Versions[0].Current, v.Versions[0].Reason = false, "" }),
	"operator.ReleasesPage": page(operator.ReleasesPage, full, func(v *operator.Releases) { v.Rows[0].ChangedAt = time.Time{} }),
	"operator.TenantsPage":  page(operator.TenantsPage, full, func(v *operator.Tenants) { v.Rows = nil }),
	"phone.AppPage": page(func(_ component.Page, v phone.App) templ.Component {
		return phone.AppPage(v)
	}),
	"problem.Page": page(problem.Page,
		func(v *problem.Problem) { v.Status = 401 },
		func(v *problem.Problem) { v.Status, v.Sentence = 500, "" },
		func(v *problem.Problem) { v.Status, v.Sentence, v.RetryAt = 429, "", time.Time{} }),
	"setup.SetupDonePage": page(setup.SetupDonePage),
	"setup.SetupPage": page(setup.SetupPage, full,
		func(v *setup.Setup) { v.Operator = false },
		func(v *setup.Setup) { v.Operator, v.AsksTenant, v.AsksDomain = false, false, false }),
	"me.PasskeysPage": page(me.PasskeysPage, full,
		func(v *me.Passkeys) { v.Rows = nil },
		func(v *me.Passkeys) { v.RenameID = v.Rows[0].ID }),
	"me.NewPasskeyPage":  page(me.NewPasskeyPage, full, func(v *me.NewPasskey) { v.Error, v.NameError = "", "" }),
	"signin.PasskeyPage": page(signin.PasskeyPage, full, func(v *signin.Passkey) { v.OtherWays, v.Halfway, v.Error = "", false, "" }),
	"me.PasswordPage":    page(me.PasswordPage, full, func(v *me.Password) { v.SetAt = time.Time{} }, func(v *me.Password) { v.Set, v.Errors = false, nil }),
	"me.BackupPhonesPage": page(me.BackupPhonesPage, full,
		func(v *me.BackupPhones) { v.Rows, v.Full, v.Errors = nil, false, nil },
		func(v *me.BackupPhones) { v.Rows[0].LastUsedAt, v.Channels = time.Time{}, nil }),
	"me.NewBackupPhonePage":  page(me.NewBackupPhonePage, full, func(v *me.NewBackupPhone) { v.Error = "" }),
	"signin.PhoneCodePage":   page(signin.PhoneCodePage, full, func(v *signin.PhoneCode) { v.Halfway, v.Others, v.SentTo, v.Error = false, nil, "", "" }),
	"me.TOTPPage":            page(me.TOTPPage, full, func(v *me.TOTP) { v.LastUsedAt = time.Time{} }, func(v *me.TOTP) { v.Bound = false }),
	"me.CodesPage":           page(me.CodesPage, full, func(v *me.Codes) { v.WhyNotAdd, v.Low = "", false }, func(v *me.Codes) { v.Has, v.WhyNotAdd, v.Handed.ID = false, "", "" }, func(v *me.Codes) { v.Has, v.Handed.By, v.Handed.Error = false, "", "" }),
	"me.SheetPage":           page(me.SheetPage, full, func(v *me.Sheet) { v.Instead = false }),
	"signin.PrintedCodePage": page(signin.PrintedCodePage, full, func(v *signin.PrintedCode) { v.OtherWays, v.Halfway, v.Error = "", false, "" }),
	"me.NewTOTPPage":         page(me.NewTOTPPage, full, func(v *me.NewTOTP) { v.Instead, v.Error = false, "" }),
	"signin.CodePage":        page(signin.CodePage, full, func(v *signin.Code) { v.OtherWays, v.Halfway, v.Error = "", false, "" }),
	"signin.HelpPage":        page(signin.HelpPage, full, func(v *signin.Help) { v.HelpdeskHours, v.Halfway = "", false }, func(v *signin.Help) { v.Ways = nil }),
	"signin.VouchPage": page(signin.VouchPage, full,
		func(v *signin.Vouch) { v.State = "pending" }, func(v *signin.Vouch) { v.State = "approved" }, func(v *signin.Vouch) { v.State = "denied" }),
	"signin.CallBackPage": page(signin.CallBackPage, full,
		func(v *signin.Vouch) { v.State = "pending" }, func(v *signin.Vouch) { v.State = "approved" }, func(v *signin.Vouch) { v.State = "denied" }),
	"console.CallBacksPage": page(console.CallBacksPage, full, func(v *console.CallBacks) { v.Rows = nil }),
	"console.CallBackPage": page(console.CallBackPage, full,
		func(v *console.CallBack) { v.Waits, v.Stops, v.Whole, v.FourEyes = true, "", false, true },
		func(v *console.CallBack) { v.Waits, v.CalledBy, v.CaseHref = false, "", "" }),
	"signin.AskPage": page(signin.AskPage, full, func(v *signin.Ask) { v.Before, v.Errors = "", nil }),
	"signin.AskedPage": page(signin.AskedPage, full,
		func(v *signin.Asked) { v.Known, v.State = true, "waits" }, func(v *signin.Asked) { v.Known, v.State = true, "taken" }, func(v *signin.Asked) { v.Known, v.State = true, "closed" }),
	"invite.DisownAskPage":    page(invite.DisownAskPage),
	"invite.DisownedOpenPage": page(func(p component.Page, _ struct{}) templ.Component { return invite.DisownedOpenPage(p) }),
	"invite.AskDisownedPage":  page(func(p component.Page, _ struct{}) templ.Component { return invite.AskDisownedPage(p) }),
	"signin.NamePage":         page(signin.NamePage, full, func(v *signin.Name) { v.Passkey, v.PasskeyError = "", "" }),
	"signin.PasswordPage":     page(signin.PasswordPage, full, func(v *signin.Password) { v.OtherWays = "" }),
	"signin.PhonePage":        page(signin.PhonePage, phones()...),
	"help.TopicsPage":         page(func(p component.Page, _ struct{}) templ.Component { return help.TopicsPage(p, help.Topics) }),
	"help.TopicPage":          page(func(p component.Page, _ struct{}) templ.Component { return help.TopicPage(p, help.Topics[0]) }),
	"signin.SignedOutPage":    page(func(p component.Page, _ struct{}) templ.Component { return signin.SignedOutPage(p) }),
	"signin.StepUpPage":       page(signin.StepUpPage, full, func(v *signin.StepUp) { v.Lost = false }),
}

func phones() []func(*signin.Phone) {
	all := []func(*signin.Phone){
		func(v *signin.Phone) { v.State, v.RetryAt, v.Approves = signin.Held, time.Time{}, "" },
		func(v *signin.Phone) {
			v.State, v.SecondFactor, v.OtherWays, v.Approves = signin.Pending, false, "", ""
		},
		func(v *signin.Phone) {
			v.State, v.SecondFactor, v.OtherWays, v.Approves = signin.Denied, false, "", ""
		},
		func(v *signin.Phone) { v.State, v.Approves = signin.Held, "" },
	}
	for _, state := range []string{signin.Pending, signin.Approved, signin.Denied, signin.Expired, signin.Held} {
		all = append(all, func(v *signin.Phone) { v.State = state }, func(v *signin.Phone) { v.State, v.Approves = state, "" })
	}
	return all
}

// state is a page in one state, whose every text is the given one.
type state func(text string, on bool) templ.Component

// page makes the states of a page by changing what it is given.
func page[V any](show func(component.Page, V) templ.Component, changes ...func(*V)) []state {
	if len(changes) == 0 {
		changes = append(changes, full[V])
	}
	var all []state
	for _, change := range changes {
		all = append(all, func(text string, on bool) templ.Component {
			var p component.Page
			var v V
			fill(reflect.ValueOf(&p).Elem(), text, on)
			fill(reflect.ValueOf(&v).Elem(), text, on)
			change(&v)
			return show(p, v)
		})
	}
	return all
}

// full leaves everything as it was filled.
func full[V any](*V) {}

var moment = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// fill puts something into every field: text, two of every list, on, a moment.
func fill(v reflect.Value, text string, on bool) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(moment))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(on)
	case reflect.Int:
		v.SetInt(400)
	case reflect.Float64:
		v.SetFloat(400)
	case reflect.Uint8: // of a picture
		v.SetUint(0xFF)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text, on)
		}
	case reflect.Map:
		// What is wrong with a form, by its fields.
		v.Set(reflect.MakeMap(v.Type()))
		for _, field := range []string{"", "tenant_name", "region", "password", "theme", "default_way", "tenant_slug", "domain", "ring", "operator", "role", "hours", "reason"} {
			v.SetMapIndex(reflect.ValueOf(field), reflect.ValueOf(text))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, on)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, on)
		}
	default:
		panic("a page is given a " + v.Kind().String() + ": teach fill to make one")
	}
}

func render(t *testing.T, ctx context.Context, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// everywhere calls check with each page in each state, twice: with everything
// off and with everything on.
func everywhere(t *testing.T, ctx context.Context, text string, check func(t *testing.T, html string)) {
	t.Helper()
	for name, states := range pages {
		t.Run(name, func(t *testing.T) {
			for _, show := range states {
				for _, on := range []bool{false, true} {
					check(t, render(t, ctx, show(text, on)))
				}
			}
		})
	}
}

// TestEveryPageIsHere compares the list above with the pages that there are.
func TestEveryPageIsHere(t *testing.T) {
	generated, err := filepath.Glob("*/*_templ.go")
	if err != nil || len(generated) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, path := range generated {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || !strings.HasSuffix(f.Name.Name, "Page") {
				continue
			}
			if name := file.Name.Name + "." + f.Name.Name; pages[name] == nil {
				t.Errorf("%s: the page %s is not in the list of this test", path, name)
			}
		}
	}
}
