package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const differencesPath = policyPath + "/differences"

func (h *Pages) differenceRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+differencesPath, access.PolicyEdit, h.differences),
		web.Get("/admin/:tenant"+differencesPath+"/:decision", access.PolicyEdit, h.difference),
	}
}

func (h *Pages) differencePath(c echo.Context, address string) string {
	return h.path(c, differencesPath+"/"+url.PathEscape(address))
}

// differences lists decisions that are defects: live, and found by replays.
func (h *Pages) differences(c echo.Context) error {
	ctx, read, tenantID := web.Context(c), c.Request().Context(), web.Here(c).ID
	live, err := decision.Differed(read, h.Site.DB, tenantID)
	if err != nil {
		return err
	}
	replays, err := h.Replays.Defective(read, tenantID)
	if err != nil {
		return err
	}
	v := views.Differences{ReplayHref: h.path(c, replayPath)}
	for _, d := range live {
		v.Live = append(v.Live, views.DifferenceLine{
			Href: h.differencePath(c, d.Address), At: d.At, Name: d.Name, PersonHref: h.personPath(c, d.UserID),
			Outcome: words.Say(ctx, "whatif.outcome."+d.Outcome.String()), Tone: outcomeTones[d.Outcome], What: differsIn(ctx, d.Differs),
		})
	}
	for _, r := range replays {
		found := views.DifferenceReplay{Href: h.path(c, replayPath+"/"+url.PathEscape(r.ID)), At: r.CreatedAt, By: r.CreatedBy, Count: r.Tally.Defects}
		for _, e := range r.Tally.Odd {
			found.Odd = append(found.Odd, h.replayExample(c, r, e))
		}
		v.Replays = append(v.Replays, found)
	}
	return web.Render(c, http.StatusOK, views.DifferencesPage(h.page(c, policyPath), v))
}

func differsIn(ctx context.Context, differs []string) string {
	var all []string
	for _, what := range differs {
		key := "differences.in." + what
		if !words.Has(ctx, key) {
			key = "differences.in.other"
		}
		all = append(all, words.Say(ctx, key))
	}
	return strings.Join(slices.Compact(all), ", ")
}

// difference shows one kept decision with everything that it was made of.
func (h *Pages) difference(c echo.Context) error {
	ctx := web.Context(c)
	k, err := decision.At(c.Request().Context(), h.Site.DB, web.Here(c).ID, c.Param("decision"))
	if err != nil {
		return err
	}
	groups, err := h.Policy.GroupNames(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.Difference{
		List: h.path(c, differencesPath), Name: k.Name, PersonHref: h.personPath(c, k.UserID), At: k.At,
		Was: decisionText(ctx, k.Was), WasTone: outcomeTones[k.Was.Outcome], Differs: differsIn(ctx, k.Differs), Gone: k.Rules == nil,
	}
	if k.Rules != nil {
		v.Again, v.AgainTone, v.Same = decisionText(ctx, k.Again), outcomeTones[k.Again.Outcome], !k.Differ()
	}
	v.Facts = inputFacts(ctx, &k.Input, groups)
	v.Facts = append(v.Facts, views.WhatIfFact{Label: words.Say(ctx, "differences.fact.had"), Text: featureTitles(ctx, k.Was.Has)})
	v.Rules = ruleLines(ctx, k.Says, groups)
	return web.Render(c, http.StatusOK, views.DifferencePage(h.page(c, policyPath), v))
}

// ruleLines says what each rule says of a sign-in.
func ruleLines(ctx context.Context, says []decision.Verdict, groups map[string]string) (all []views.WhatIfRule) {
	for _, verdict := range says {
		tone := "good"
		if !verdict.Met {
			tone = "bad"
		}
		all = append(all, views.WhatIfRule{Text: ruleText(ctx, verdict, groups), Tone: tone, Says: words.Say(ctx, "whatif.met."+tone), Decides: verdict.Decides})
	}
	return all
}

// decisionText says a decision and by which rule.
func decisionText(ctx context.Context, d decision.Decision) string {
	text := words.Say(ctx, "whatif.outcome."+d.Outcome.String()) + ": " + words.Say(ctx, "replay.why."+d.Why.String())
	if d.Usable != 0 {
		text += " (" + wayTitles(ctx, d.Usable) + ")"
	}
	return text
}

// inputFacts lists everything that a decision was made of but the rules.
func inputFacts(ctx context.Context, in *decision.Input, groups map[string]string) (all []views.WhatIfFact) {
	fact := func(name, text string) {
		all = append(all, views.WhatIfFact{Label: words.Say(ctx, "differences.fact."+name), Text: text})
	}
	yes := func(is bool) string {
		return words.Say(ctx, map[bool]string{true: "approval.value.yes", false: "approval.value.no"}[is])
	}
	var mine []string
	for _, g := range in.Person.Groups {
		name := groups[g]
		if name == "" {
			name = words.Say(ctx, "differences.group_gone")
		}
		mine = append(mine, name)
	}
	slices.Sort(mine)
	none := words.Say(ctx, "approval.value.none")
	or := func(text string) string {
		if text == "" {
			return none
		}
		return text
	}
	fact("way", wayTitles(ctx, in.Way))
	fact("proves", provesText(ctx, in.Proves))
	fact("proved", provesText(ctx, in.Proved))
	fact("bound", wayTitles(ctx, in.Bound))
	fact("served", wayTitles(ctx, in.Served))
	fact("mfa", words.Say(ctx, "whatif.mfa."+in.MFA))
	fact("groups", or(strings.Join(mine, ", ")))
	fact("chosen", featureTitles(ctx, in.Person.Chosen))
	fact("seen", yes(in.Seen))
	fact("trusted", yes(in.Trusted))
	fact("pressed", yes(in.Pressed))
	fact("mode", words.Say(ctx, "whatif.mode."+string(in.Mode)))
	elsewhere := none
	if in.Elsewhere != "" {
		elsewhere = words.Say(ctx, "whatif.mode."+string(in.Elsewhere))
	}
	fact("elsewhere", elsewhere)
	fact("place", or(in.Place))
	fact("application", or(in.Application))
	return all
}

// provesText lists what was proved; a key that did not see who holds it is one.
func provesText(ctx context.Context, proved user.Ways) string {
	if proved.Has(user.WithKey) {
		text := words.Say(ctx, "differences.key")
		if rest := proved &^ user.WithKey; rest != 0 {
			text += ", " + wayTitles(ctx, rest)
		}
		return text
	}
	return wayTitles(ctx, proved)
}

func featureTitles(ctx context.Context, set feature.Set) string {
	var all []string
	for _, f := range set.Features() {
		all = append(all, words.Say(ctx, "feature."+string(f)))
	}
	if len(all) == 0 {
		return words.Say(ctx, "approval.value.none")
	}
	return strings.Join(all, ", ")
}
