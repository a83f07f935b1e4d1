package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/prompt"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) callerCheckRoutes() []web.Route {
	const one = "/admin/:tenant/caller-checks/:check"
	return []web.Route{
		web.Post("/admin/:tenant/users/:user/caller-checks", access.CallerCheck, h.beginCheck),
		web.Get(one, access.CallerCheck, h.callerCheck),
		web.Get(one+"/events", access.CallerCheck, h.checkEvents),
		web.Get(one+"/state", access.CallerCheck, h.checkState),
		web.Post(one+"/verify", access.CallerCheck, h.verifyCheck),
		web.Post(one+"/withdraw", access.CallerCheck, h.withdrawCheck),
	}
}

func (h *Pages) checkPath(c echo.Context, id string) string {
	return h.path(c, "/caller-checks/"+url.PathEscape(id))
}

// beginCheck asks the person of the path, or their manager, and goes on to the check.
// A check that waits for a second person leads to its request.
func (h *Pages) beginCheck(c echo.Context) error {
	b := callercheck.New(callercheck.Beginning{
		Via: callercheck.Via(web.Form(c, "via")), Case: web.Form(c, "case"), Cause: cases.Cause(web.Form(c, "cause")), To: web.Form(c, "backup_phone"),
	})
	act := h.act(c, callercheck.KindBegin, c.Param("user"))
	act.Reason = strings.TrimSpace(act.Reason)
	out, err := h.Checks.Begin(c.Request().Context(), act, b)
	if fields, ok := wrong(c, err); ok {
		return h.showPerson(c, http.StatusUnprocessableEntity, failed{form: "check", typed: act.Reason, wrong: fields})
	}
	switch {
	case err != nil:
		return err
	case out.Waits():
		return web.Redirect(c, h.path(c, "/approvals/"+url.PathEscape(out.RequestID)))
	}
	return web.Redirect(c, h.checkPath(c, b.ID))
}

func (h *Pages) callerCheck(c echo.Context) error { return h.showCheck(c, http.StatusOK, "") }

// checkTones are how a check that waits no more is shown.
var checkTones = map[callercheck.State]struct{ tone, icon string }{
	callercheck.Pending: {"", "clock"}, callercheck.Proved: {"good", "check"}, callercheck.Denied: {"bad", "cross"}, callercheck.Reported: {"bad", "warn"},
	callercheck.Failed: {"bad", "cross"}, callercheck.Expired: {"warn", "clock"}, callercheck.Withdrawn: {"", "pause"},
}

// checkWord is the state of a check for its words: what was spent is not merely proved,
// and what was proved and not used is not a question that nobody answered.
func (h *Pages) checkWord(seen callercheck.Seen) string {
	now := h.Site.DB.Now()
	switch state := seen.Stands(now); {
	case state == callercheck.Proved && seen.SpentAt != nil:
		return "spent"
	case state == callercheck.Expired && seen.ProvedAt != nil:
		return "unused"
	case state == callercheck.Denied && seen.Wrong:
		return "wrong"
	default:
		return string(state)
	}
}

func (h *Pages) showCheck(c echo.Context, status int, problem string) error {
	ctx, who, now := web.Context(c), h.Site.Standing(c), h.Site.DB.Now()
	seen, err := h.Checks.Find(c.Request().Context(), who, c.Param("check"))
	if err != nil {
		return err
	}
	word, shown := h.checkWord(seen), checkTones[seen.Stands(now)]
	v := views.CallerCheck{
		Here: h.checkPath(c, seen.ID), State: string(seen.Live(now)), PersonName: seen.PersonName, PersonHref: h.personPath(c, seen.UserID), CaseName: seen.CaseName,
		Via: words.Say(ctx, "callercheck.via."+string(seen.Via)), Strength: words.Say(ctx, "callercheck.strength."+string(seen.Via.Strength())),
		Weak: seen.Via.Strength() != callercheck.Strong, Ticket: h.ticketRef(c, seen.Ticket), Own: seen.Own, Number: seen.Number, StartedAt: seen.BegunAt, EndsAt: seen.ExpiresAt,
		AgentCode: seen.AgentCode, Title: words.Say(ctx, "callercheck.head."+word, "name", seen.ShortName), Text: words.Say(ctx, "callercheck.text."+word, "name", seen.ShortName),
		Tone: shown.tone, Icon: shown.icon, Alarm: seen.State == callercheck.Reported, Error: problem,
	}
	v.OnHref, v.OnWith = h.onFrom(c, seen)
	if who.May.Has(access.CaseView) {
		v.CaseHref = h.casePath(c, seen.CaseID)
		if seen.SpentFor != "" {
			if r, _, err := h.Bypasses.Find(c.Request().Context(), who, seen.SpentFor); err == nil {
				v.BypassHref = h.bypassPath(c, r.ID)
			} else if !errors.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	if !seen.Own {
		v.AgentName = seen.AgentName
	}
	if seen.Fresh(now) && seen.Own {
		v.GoodUntil = seen.ProvedAt.Add(callercheck.FreshLife)
	}
	if v.State == string(prompt.Pending) && seen.Own {
		v.ReadOut = words.Say(ctx, "callercheck.read_out."+string(seen.Via), "name", seen.ShortName, "number", seen.SentTo, "manager", seen.Manager)
		if v.CodeAsked = seen.Via == callercheck.BackupPhone; v.CodeAsked {
			v.Tries = words.Say(ctx, "callercheck.tries", "count", strconv.Itoa(callercheck.CodeTries-seen.Tries))
		}
		v.Text = words.Say(ctx, "callercheck.waits."+string(seen.Via))
	}
	return web.Render(c, status, views.CallerCheckPage(h.page(c, "/users"), v))
}

func (h *Pages) checkState(c echo.Context) error {
	seen, err := h.Checks.Find(c.Request().Context(), h.Site.Standing(c), c.Param("check"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"state": string(seen.Live(h.Site.DB.Now()))})
}

// checkEvents tells the state, at once when it changes, and ends with any state that
// nothing follows.
func (h *Pages) checkEvents(c echo.Context) error {
	who, id := h.Site.Standing(c), c.Param("check")
	if _, err := h.Checks.Find(c.Request().Context(), who, id); err != nil {
		return err
	}
	last := ""
	return h.Site.ServeSeated(c, access.CallerCheck, []string{prompt.CheckKey(who.TenantID, id)}, func(ctx context.Context, stream *web.Stream) (bool, error) {
		seen, err := h.Checks.Find(ctx, who, id)
		if err != nil {
			return errors.Is(err, fault.NotFound), err
		}
		state := string(seen.Live(h.Site.DB.Now()))
		if state != last {
			if err := stream.Event("state", state); err != nil {
				return true, err
			}
		}
		last = state
		return state != string(prompt.Pending), nil
	})
}

// verifyCheck checks the code that the caller read out. A wrong one is asked for again,
// while there are tries.
func (h *Pages) verifyCheck(c echo.Context) error {
	err := h.Checks.Verify(c.Request().Context(), h.Site.Standing(c), c.Param("check"), web.Form(c, "code"), web.Origin(c))
	if errors.Is(err, fault.Refused) {
		return h.showCheck(c, http.StatusUnauthorized, web.Sentence(c, fault.Of(err).Code, ""))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.checkPath(c, c.Param("check")))
}

func (h *Pages) withdrawCheck(c echo.Context) error {
	who := h.Site.Standing(c)
	seen, err := h.Checks.Find(c.Request().Context(), who, c.Param("check"))
	if err != nil {
		return err
	}
	if err := h.Checks.Withdraw(c.Request().Context(), who, seen.ID, web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, h.personPath(c, seen.UserID)+"#caller-check")
}

var viaIcons = map[callercheck.Via]string{callercheck.Phone: "phone", callercheck.BackupPhone: "message", callercheck.Manager: "users"}

// personCheck puts the caller check on the page of a person.
func (h *Pages) personCheck(c echo.Context, v *views.Person, p people.Person, back failed) error {
	standing := ""
	if len(v.Cases) > 0 && v.CaseOpen == nil {
		standing = v.Cases[0].Name
	}
	shown, _, err := h.checkOf(c, p, standing, back)
	if err == nil && (shown.May || len(shown.Rows) > 0) {
		v.Check = &shown
	}
	return err
}

// checkOf is the caller check of a person, with the proof that there is now; nil for none.
// standing is the name of the case that they have, or empty.
func (h *Pages) checkOf(c echo.Context, p people.Person, standing string, back failed) (views.PersonCheck, *callercheck.Proof, error) {
	ctx, who := web.Context(c), h.Site.Standing(c)
	desk, err := h.Checks.For(c.Request().Context(), who, p.ID)
	if err != nil {
		return views.PersonCheck{}, nil, err
	}
	name := cmp.Or(p.DisplayName, p.Name)
	shown := views.PersonCheck{Action: h.personPath(c, p.ID) + "/caller-checks", Name: name, May: desk.May, CaseName: standing, Rows: h.checkRows(c, desk.Last)}
	if desk.FourEyes {
		shown.Note = words.Say(ctx, "callercheck.four_eyes")
	}
	if back.form == "check" {
		shown.Typed, shown.Errors = back.typed, back.wrong
	}
	for i, offer := range desk.Offers {
		way := views.CheckWay{
			Value: string(offer.Via), Icon: viaIcons[offer.Via], Title: words.Say(ctx, "callercheck.via."+string(offer.Via)), Proves: words.Say(ctx, "callercheck."+string(offer.Via)+".proves"),
			Strength: words.Say(ctx, "callercheck.strength."+string(offer.Via.Strength())), Weak: offer.Via.Strength() != callercheck.Strong,
			Button: words.Say(ctx, "callercheck."+string(offer.Via)+".act"), Until: offer.Until, Key: strconv.Itoa(i + 1),
		}
		if offer.Stops != "" {
			way.Stops = web.Sentence(c, offer.Stops, "")
		}
		if offer.Manager != "" && offer.Stops == "" {
			way.Proves = words.Say(ctx, "callercheck.manager.proves_by", "name", offer.Manager)
		}
		if len(offer.Numbers) == 1 && offer.Stops == "" {
			way.Proves = words.Say(ctx, "callercheck.backup_phone.proves_by", "number", offer.Numbers[0].Number)
		}
		if len(offer.Numbers) > 1 {
			for _, n := range offer.Numbers {
				way.Numbers = append(way.Numbers, component.Choice{
					Value: n.ID, Chosen: n.ID == web.Form(c, "backup_phone"), Label: words.Say(ctx, "callercheck.number", "number", n.Number, "how", words.Say(ctx, "me.backup.how."+n.Channel)),
				})
			}
		}
		shown.Ways = append(shown.Ways, way)
	}
	if standing == "" {
		chosen := web.Form(c, "cause")
		for _, cause := range cases.Causes {
			shown.Causes = append(shown.Causes, component.Choice{Value: string(cause), Label: words.Say(ctx, "cases.cause."+string(cause)), Chosen: string(cause) == chosen})
		}
	}
	if desk.Proof != nil {
		shown.Proved = words.Say(ctx, "callercheck.proved_by."+string(desk.Proof.Via), "name", name)
		shown.ProvedHref, shown.GoodUntil = h.checkPath(c, desk.Proof.ID), desk.Proof.ProvedAt.Add(callercheck.FreshLife)
	}
	if alarm, ok := callercheck.Warned(desk.Last); ok {
		shown.Alarm = words.Say(ctx, "callercheck.alarm", "name", name, "case", alarm.CaseName)
	}
	return shown, desk.Proof, nil
}

// checkRows are checks on a list.
func (h *Pages) checkRows(c echo.Context, checks []callercheck.Seen) (rows []views.CheckRow) {
	ctx, now := web.Context(c), h.Site.DB.Now()
	for _, seen := range checks {
		href := ""
		if h.Site.Standing(c).May.Has(access.CallerCheck) {
			href = h.checkPath(c, seen.ID)
		}
		rows = append(rows, views.CheckRow{
			Href: href, Via: words.Say(ctx, "callercheck.via."+string(seen.Via)), State: words.Say(ctx, "callercheck.state."+h.checkWord(seen)),
			Tone: checkTones[seen.Stands(now)].tone, Agent: seen.AgentName, At: seen.BegunAt, Alarm: seen.State == callercheck.Reported,
		})
	}
	return rows
}

// onFrom is where whoever checked a caller goes on, and what leads there: of one who is
// proved to what they may give, and else to the page of the person.
func (h *Pages) onFrom(c echo.Context, seen callercheck.Seen) (href, label string) {
	ctx, person := web.Context(c), h.personPath(c, seen.UserID)
	if seen.Own && seen.Fresh(h.Site.DB.Now()) && h.Site.Standing(c).May.Has(access.BypassIssue) {
		return person + "/desk", words.Say(ctx, "desk.title", "name", seen.ShortName)
	}
	return person + "#caller-check", words.Say(ctx, "callercheck.on_with", "name", seen.ShortName)
}
