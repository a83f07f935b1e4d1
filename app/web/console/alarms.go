package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/alarm"
	"latchkey/app/audit"
	"latchkey/app/consumer"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// alarmsPath is the place of the console for what somebody is to look at. Whom security events
// are told sees it; who sets up integrations says what is one, and that they have looked.
const alarmsPath = "/alarms"

func (h *Pages) alarmRoutes() []web.Route {
	const list, rule = "/admin/:tenant" + alarmsPath, "/admin/:tenant" + alarmsPath + "/rules/:rule"
	return []web.Route{
		web.Get(list, access.AuditReadPersonal, h.alarms),
		web.Get(list+"/:alarm", access.AuditReadPersonal, h.alarm),
		web.Post(list+"/:alarm/acknowledge", access.IntegrationEdit, h.acknowledgeAlarm),
		web.Get(rule, access.IntegrationEdit, h.alarmRule),
		web.Post(rule, access.IntegrationEdit, h.saveAlarmRule),
		web.Post(rule+"/test", access.IntegrationEdit, h.testAlarmRule),
	}
}

// alarming is how many alarms are open, or empty.
func (h *Pages) alarming(c echo.Context) string {
	n, err := h.Alarms.Open(c.Request().Context(), web.Here(c).ID)
	if err != nil || n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// severities are the colours of alarms.
var severities = map[alarm.Severity]string{alarm.Critical: "bad", alarm.High: "bad", alarm.Medium: "warn"}

func (h *Pages) alarms(c echo.Context) error {
	ctx, tenantID := c.Request().Context(), web.Here(c).ID
	open, done, err := h.Alarms.Lists(ctx, tenantID)
	if err != nil {
		return err
	}
	settings, err := h.Alarms.SettingsOf(ctx, tenantID)
	if err != nil {
		return err
	}
	hooks, err := h.hooks(c)
	if err != nil {
		return err
	}
	names, err := h.alarmNames(c, append(open, done...)...)
	if err != nil {
		return err
	}
	v := views.Alarms{More: len(open) >= alarm.OpenShown}
	for _, a := range open {
		v.Open = append(v.Open, h.alarmRow(c, a, names))
	}
	for _, a := range done {
		v.Done = append(v.Done, h.alarmRow(c, a, names))
	}
	for _, set := range settings {
		v.Rules = append(v.Rules, h.alarmRuleRow(c, set, hooks))
	}
	return web.Render(c, http.StatusOK, views.AlarmsPage(h.page(c, alarmsPath), v))
}

// alarmNames are the names of whom alarms are about and who acknowledged them, by id.
func (h *Pages) alarmNames(c echo.Context, all ...alarm.Alarm) (map[string]string, error) {
	var ids []string
	for _, a := range all {
		ids = append(ids, a.AboutID, a.AcknowledgedBy)
	}
	names, err := user.NamesOf(h.Site.DB.View(c.Request().Context()), web.Here(c).ID, ids...)
	return names, store.Unusable(err)
}

func (h *Pages) alarmRow(c echo.Context, a alarm.Alarm, names map[string]string) views.AlarmRow {
	ctx := web.Context(c)
	rule, _ := alarm.Named(a.Rule)
	row := views.AlarmRow{
		Title: words.Say(ctx, "alarm.rule."+a.Rule), Href: h.path(c, alarmsPath+"/"+url.PathEscape(a.ID)), Severity: words.Say(ctx, "alarm.severity."+string(rule.Severity)), Tone: severities[rule.Severity],
		Count: words.Say(ctx, "alarm.times", "count", strconv.FormatInt(a.Count, 10)), Test: a.Test, First: a.FirstAt, Last: a.LastAt,
	}
	switch a.AboutKind {
	case audit.KindTenant:
		row.About = web.Here(c).Name
	case alarm.KindWitness:
		row.About = a.AboutID
	default:
		row.About = partyName(ctx, a.About(), names[a.AboutID])
	}
	if a.AcknowledgedAt != nil {
		row.By, row.Note, row.At = partyName(ctx, audit.User(a.AcknowledgedBy), names[a.AcknowledgedBy]), a.Note, *a.AcknowledgedAt
	}
	return row
}

func (h *Pages) alarm(c echo.Context) error { return h.showAlarm(c, http.StatusOK, nil) }

func (h *Pages) showAlarm(c echo.Context, status int, errors map[string]string) error {
	ctx := web.Context(c)
	a, err := h.Alarms.Find(c.Request().Context(), web.Here(c).ID, c.Param("alarm"))
	if err != nil {
		return err
	}
	names, err := h.alarmNames(c, a)
	if err != nil {
		return err
	}
	rule, _ := alarm.Named(a.Rule)
	me := h.Site.Standing(c)
	v := views.Alarm{
		AlarmRow: h.alarmRow(c, a, names), Means: words.Say(ctx, "alarm.means."+a.Rule), Next: words.Say(ctx, "alarm.next."+a.Rule), Back: h.path(c, alarmsPath), EventsHref: h.alarmEvents(c, rule, a),
		Typed: web.Form(c, "note"), Errors: errors,
	}
	if a.AboutKind == audit.KindUser && names[a.AboutID] != "" && me.May.Has(access.AuthenticatorView) {
		v.AboutHref = h.path(c, "/users/"+url.PathEscape(a.AboutID))
	}
	if a.AcknowledgedAt == nil && me.May.Has(access.IntegrationEdit) {
		v.AboutYou = a.IsAbout(web.Session(c).UserID)
		v.Action = h.path(c, alarmsPath+"/"+url.PathEscape(a.ID)+"/acknowledge")
	}
	return web.Render(c, status, views.AlarmPage(h.page(c, alarmsPath), v))
}

// alarmEvents is where the events of an alarm are: of what the rule counts, by or about whom it
// is, between its first and its last one.
func (h *Pages) alarmEvents(c echo.Context, rule alarm.Rule, a alarm.Alarm) string {
	if a.Test || len(rule.Actions) == 0 || !h.Site.Standing(c).May.Has(access.AuditRead) {
		return ""
	}
	asked := []string{"from", a.FirstAt.UTC().Format(time.RFC3339Nano), "to", a.LastAt.UTC().Add(time.Second).Format(time.RFC3339Nano)}
	if len(rule.Actions) == 1 {
		asked = append(asked, "action", string(rule.Actions[0]))
	}
	switch rule.By {
	case alarm.ByActor:
		asked = append(asked, "actor", a.AboutID)
	case alarm.BySubject:
		asked = append(asked, "target", a.AboutID)
	}
	return address(h.path(c, auditPath), asked...)
}

// acknowledgeAlarm notes that somebody has looked. It takes nothing away, so it asks for no
// fresh proof.
func (h *Pages) acknowledgeAlarm(c echo.Context) error {
	ctx, tenantID, userID := c.Request().Context(), web.Here(c).ID, web.Session(c).UserID
	err := h.Alarms.Acknowledge(ctx, tenantID, userID, c.Param("alarm"), web.Form(c, "note"), web.Origin(c))
	if errors.Is(err, fault.Forbidden) {
		return errors.Join(err, h.Approvals.Remember(ctx, tenantID, userID, map[string]string{"kind": "alarm.acknowledge"}, web.Origin(c)))
	}
	if fields, ok := wrong(c, err); ok {
		return h.showAlarm(c, http.StatusUnprocessableEntity, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, alarmsPath+"/"+url.PathEscape(c.Param("alarm"))+"?done=alarm_acknowledged"))
}

// hooks are the webhooks that an alarm may go to.
func (h *Pages) hooks(c echo.Context) (all []consumer.Consumer, err error) {
	every, err := h.Consumers.List(c.Request().Context(), web.Here(c).ID)
	for _, one := range every {
		if one.Kind == consumer.Webhook {
			all = append(all, one)
		}
	}
	return all, err
}

func (h *Pages) alarmRuleRow(c echo.Context, set alarm.Set, hooks []consumer.Consumer) views.AlarmRuleRow {
	ctx, name := web.Context(c), set.Rule.Name
	row := views.AlarmRuleRow{Title: words.Say(ctx, "alarm.rule."+name), State: words.Say(ctx, "alarm.off")}
	if h.Site.Standing(c).May.Has(access.IntegrationEdit) {
		row.Href = h.path(c, alarmsPath+"/rules/"+name)
	}
	if set.Active {
		row.State, row.Tone = words.Say(ctx, "alarm.on"), "good"
	}
	if row.Says = words.Say(ctx, "alarm.at_once"); !set.Rule.Fixed() {
		row.Says = words.Say(ctx, "alarm.says."+string(set.Rule.By), "count", strconv.Itoa(set.Threshold), "window", window(c, set.Window))
	}
	var goes []string
	if set.Mail {
		goes = append(goes, words.Say(ctx, "alarm.goes.mail"))
	}
	if set.Rule.Told {
		goes = append(goes, words.Say(ctx, "alarm.goes.told"))
	}
	for _, hook := range hooks {
		if hook.ID == set.ConsumerID {
			goes = append(goes, hook.Name)
		}
	}
	if row.Goes = strings.Join(goes, ", "); len(goes) == 0 {
		row.Goes = words.Say(ctx, "alarm.goes.console")
	}
	return row
}

// window says how long one is.
func window(c echo.Context, d time.Duration) string {
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"days", 24 * time.Hour}, {"hours", time.Hour}} {
		if d%unit.is == 0 {
			return words.Say(web.Context(c), "alarm.window."+unit.name, "count", strconv.Itoa(int(d/unit.is)))
		}
	}
	return words.Say(web.Context(c), "alarm.window.minutes", "count", strconv.Itoa(int(d/time.Minute)))
}

func (h *Pages) alarmRule(c echo.Context) error {
	set, err := h.Alarms.SettingOf(c.Request().Context(), web.Here(c).ID, c.Param("rule"))
	if err != nil {
		return err
	}
	return h.showAlarmRule(c, http.StatusOK, set, set.Setting, strconv.Itoa(set.Threshold), nil)
}

// showAlarmRule shows a rule as it stands, and its form as it was typed.
func (h *Pages) showAlarmRule(c echo.Context, status int, set alarm.Set, typed alarm.Setting, threshold string, errors map[string]string) error {
	ctx, rule := web.Context(c), set.Rule
	hooks, err := h.hooks(c)
	if err != nil {
		return err
	}
	v := views.AlarmRule{
		AlarmRuleRow: h.alarmRuleRow(c, set, hooks), Means: words.Say(ctx, "alarm.means."+rule.Name), Base: h.path(c, alarmsPath+"/rules/"+rule.Name), Back: h.path(c, alarmsPath),
		Version: strconv.Itoa(set.Version), Fixed: rule.Fixed(), ConsumersHref: h.path(c, consumersPath), Errors: errors,
		Threshold: component.Field{
			Name: "threshold", Label: words.Say(ctx, "alarm.threshold"), Hint: words.Say(ctx, "alarm.threshold.hint", "least", strconv.Itoa(rule.Least), "most", strconv.Itoa(rule.Most)),
			Typed: threshold, Error: errors["threshold"], InputMode: "numeric", Autocomplete: "off", MaxLength: "6", Required: true,
		},
		Consumers: []component.Choice{{Value: "", Label: words.Say(ctx, "alarm.consumer.none"), Chosen: typed.ConsumerID == ""}},
	}
	if !rule.Always {
		v.Active = component.Check{Name: "active", Value: "yes", Label: words.Say(ctx, "alarm.active"), Checked: typed.Active}
	}
	switch {
	case rule.Told:
		v.Told = words.Say(ctx, "alarm.told")
	case rule.Always:
		v.Told = words.Say(ctx, "alarm.mailed")
	default:
		v.Mail = component.Check{Name: "mail", Value: "yes", Label: words.Say(ctx, "alarm.mail"), Hint: words.Say(ctx, "alarm.mail.hint"), Checked: typed.Mail}
	}
	for _, w := range rule.Windows() {
		v.Windows = append(v.Windows, component.Choice{Value: strconv.Itoa(int(w / time.Minute)), Label: window(c, w), Chosen: w == typed.Window})
	}
	for _, hook := range hooks {
		v.Consumers = append(v.Consumers, component.Choice{Value: hook.ID, Label: hook.Name, Chosen: hook.ID == typed.ConsumerID})
	}
	if set.Version > 0 {
		names, err := user.NamesOf(h.Site.DB.View(ctx), web.Here(c).ID, set.ChangedBy)
		if err != nil {
			return store.Unusable(err)
		}
		v.By, v.At = names[set.ChangedBy], set.ChangedAt
	}
	return web.Render(c, status, views.AlarmRulePage(h.page(c, alarmsPath), v))
}

func (h *Pages) saveAlarmRule(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	ctx, tenantID := c.Request().Context(), web.Here(c).ID
	// What is no number is none that is allowed, and no version either.
	threshold, _ := strconv.Atoi(web.Form(c, "threshold"))
	minutes, _ := strconv.Atoi(web.Form(c, "window"))
	version, _ := strconv.Atoi(web.Form(c, "version"))
	next := alarm.Setting{
		Active: web.Form(c, "active") == "yes", Threshold: threshold, Window: time.Duration(min(minutes, 1<<20)) * time.Minute, Mail: web.Form(c, "mail") == "yes", ConsumerID: web.Form(c, "consumer"),
	}
	err := h.Alarms.Save(ctx, tenantID, web.Session(c).UserID, c.Param("rule"), next, version, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		set, err := h.Alarms.SettingOf(ctx, tenantID, c.Param("rule"))
		if err != nil {
			return err
		}
		set.Version = version
		return h.showAlarmRule(c, http.StatusUnprocessableEntity, set, next, web.Form(c, "threshold"), fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, alarmsPath+"/rules/"+url.PathEscape(c.Param("rule"))+"?done=saved"))
}

func (h *Pages) testAlarmRule(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	id, err := h.Alarms.Test(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("rule"), web.Origin(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, alarmsPath+"/"+url.PathEscape(id)+"?done=alarm_tested"))
}
