package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/application"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const whatIfPath = policyPath + "/what-if"

// anyApplication is one in the form that is none of the tenant's in particular.
const anyApplication = "other"

var outcomeTones = map[decision.Outcome]string{decision.Passed: "good", decision.Asked: "warn", decision.Blocked: "bad"}

// whatIf says what would become of a described sign-in as things stand, by every way
// and with every rule. It asks nobody and changes nothing.
func (h *Pages) whatIf(c echo.Context) error {
	ctx, query := web.Context(c), c.QueryParams()
	v := views.WhatIf{
		Action: h.path(c, whatIfPath), PolicyHref: h.path(c, policyPath), User: strings.TrimSpace(query.Get("user")), Address: strings.TrimSpace(query.Get("address")), Known: query.Has("known"), Errors: map[string]string{},
	}
	all, err := h.Applications.List(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v.Applications = []component.Choice{{Label: words.Say(ctx, "whatif.application.latchkey")}}
	var to *application.Application
	for i, a := range all {
		chosen := a.ID == query.Get("application")
		if chosen {
			to = &all[i]
		}
		v.Applications = append(v.Applications, component.Choice{Value: a.ID, Label: a.Name, Chosen: chosen})
	}
	elsewhere := query.Get("application") == anyApplication
	v.Applications = append(v.Applications, component.Choice{Value: anyApplication, Label: words.Say(ctx, "whatif.application.other"), Chosen: elsewhere})
	asked := decision.Described{Known: v.Known}
	asked.IP = v.Address
	switch {
	case to != nil:
		asked.Application = to.Name
	case elsewhere:
		asked.Application = words.Say(ctx, "whatif.application.other")
	}
	for _, w := range method.Ways {
		chosen := slices.Contains(query["way"], w.Name)
		if chosen {
			asked.Ways |= w.Bit
		}
		v.AtHand = append(v.AtHand, component.Choice{Value: w.Name, Label: words.Say(ctx, "policy.way."+w.Name), Chosen: chosen})
	}
	status := http.StatusOK
	if v.User != "" {
		id, err := h.somebody(c, "user", &v.User, v.Errors)
		if err != nil {
			return err
		}
		if id == "" {
			status = http.StatusUnprocessableEntity
		} else {
			asked.TenantID, asked.UserID = web.Here(c).ID, id
			in, tried, err := h.SignIn.WhatIf(c.Request().Context(), v.User, asked)
			if err != nil {
				return err
			}
			names, err := h.Policy.GroupNames(c.Request().Context(), asked.TenantID)
			if err != nil {
				return err
			}
			answerWhatIf(ctx, &v, in, tried, names)
			if to != nil {
				closed, err := h.Applications.ClosedTo(c.Request().Context(), *to, asked.TenantID, id)
				if err != nil {
					return err
				}
				toApplication(c, &v, tried, *to, closed)
			}
		}
	}
	v.Problems = component.Problems(v.Errors, "user")
	return web.Render(c, status, views.WhatIfPage(h.page(c, policyPath), v))
}

// answerWhatIf puts an answer into words: the best that any way comes to, and each way.
func answerWhatIf(ctx context.Context, v *views.WhatIf, in decision.Input, tried []decision.Tried, groups map[string]string) {
	best := decision.Blocked
	for _, t := range tried {
		best = min(best, t.Outcome)
		row := views.WhatIfWay{
			Title: words.Say(ctx, "policy.way."+wayName(t.Way)), Outcome: words.Say(ctx, "whatif.outcome."+t.Outcome.String()), Tone: outcomeTones[t.Outcome],
			Text: words.Say(ctx, "whatif.why."+t.Why.String(), "ways", wayTitles(ctx, t.Usable)),
		}
		if t.Outcome == decision.Passed && t.Limited {
			row.Text += " " + words.Say(ctx, "whatif.limited")
		}
		if t.Way == user.WithPhone {
			how := words.Say(ctx, "whatif.mode."+string(t.MatchMode()))
			row.Text += " " + how
		}
		for _, verdict := range t.Verdicts {
			tone := "good"
			if !verdict.Met {
				tone = "bad"
			}
			row.Rules = append(row.Rules, views.WhatIfRule{Text: ruleText(ctx, verdict, groups), Tone: tone, Says: words.Say(ctx, "whatif.met."+tone), Decides: verdict.Decides})
		}
		v.Ways = append(v.Ways, row)
	}
	v.Answered = true
	v.Answer = words.Say(ctx, "whatif.answer."+best.String(), "name", v.User)
	where := words.Say(ctx, "whatif.nowhere")
	if in.Place != "" {
		where = in.Place
	}
	v.Facts = []views.WhatIfFact{
		{Label: words.Say(ctx, "whatif.fact.mfa"), Text: words.Say(ctx, "whatif.mfa."+in.MFA)},
		{Label: words.Say(ctx, "whatif.fact.ways"), Text: wayTitles(ctx, in.Bound)},
		{Label: words.Say(ctx, "whatif.fact.place"), Text: where},
	}
	var mine []string
	for _, g := range in.Person.Groups {
		mine = append(mine, groups[g])
	}
	if slices.Sort(mine); len(mine) > 0 {
		v.Facts = append(v.Facts, views.WhatIfFact{Label: words.Say(ctx, "whatif.fact.groups"), Text: strings.Join(mine, ", ")})
	}
}

// toApplication adds what an application of the tenant asks by itself: whom it is for, and
// how strong a proof.
func toApplication(c echo.Context, v *views.WhatIf, tried []decision.Tried, to application.Application, closed error) {
	ctx := web.Context(c)
	if closed != nil {
		v.Answer = words.Say(ctx, "whatif.answer.not_to", "name", v.User, "application", to.Name)
		v.Facts = append(v.Facts, views.WhatIfFact{Label: to.Name, Text: words.Say(ctx, "whatif."+fault.Of(closed).Code)})
		return
	}
	least := session.LevelOf(to.Strength)
	if least <= session.OneFactor {
		v.Facts = append(v.Facts, views.WhatIfFact{Label: to.Name, Text: words.Say(ctx, "whatif.application.any")})
		return
	}
	asks := words.Say(ctx, "applications.strength."+to.Strength)
	v.Facts = append(v.Facts, views.WhatIfFact{Label: to.Name, Text: words.Say(ctx, "whatif.application.least", "strength", asks)})
	enough, more := false, false
	for i, t := range tried {
		reached := session.Session{ProvedBy: signin.Way(wayName(t.Way)).Proves()}.Level()
		if t.Outcome == decision.Asked { // a second factor completes it
			reached = max(reached, session.MultiFactor)
		}
		switch {
		case t.Outcome == decision.Blocked:
		case reached >= least:
			enough = true
		default:
			more = true
			v.Ways[i].Outcome, v.Ways[i].Tone = words.Say(ctx, "whatif.outcome.asked"), outcomeTones[decision.Asked]
			v.Ways[i].Text += " " + words.Say(ctx, "whatif.application.more", "application", to.Name, "strength", asks)
		}
	}
	if more && !enough {
		v.Answer = words.Say(ctx, "whatif.answer.more", "name", v.User, "application", to.Name, "strength", asks)
	}
}

// ruleText says what a rule is.
func ruleText(ctx context.Context, v decision.Verdict, groups map[string]string) string {
	if v.Rule != "feature" {
		var named []string
		for _, g := range v.Groups {
			named = append(named, groups[g])
		}
		return words.Say(ctx, "whatif.rule."+v.Rule, "groups", strings.Join(named, ", "))
	}
	return words.Say(ctx, "whatif.condition", "feature", words.Say(ctx, "feature."+string(v.Feature)), "text", conditionText(ctx, v.Condition, groups))
}

// percent gives a share of ten thousand in percent.
func percent(n int64) string { return strconv.FormatFloat(float64(n)/100, 'f', -1, 64) }

// wayName gives the name of a way.
func wayName(way user.Ways) string {
	for _, w := range method.Ways {
		if w.Bit == way {
			return w.Name
		}
	}
	return ""
}

// wayTitles lists ways in words, the strongest first.
func wayTitles(ctx context.Context, ways user.Ways) string {
	var all []string
	for _, w := range method.Ways {
		if ways.Has(w.Bit) {
			all = append(all, words.Say(ctx, "policy.way."+w.Name))
		}
	}
	if len(all) == 0 {
		return words.Say(ctx, "whatif.no_way")
	}
	return strings.Join(all, ", ")
}
