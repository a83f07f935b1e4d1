package rollout

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/approval"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
)

// Draft is another rule for a feature.
type Draft struct {
	Feature feature.Feature `json:"feature"`
	feature.Rule
	Version int `json:"version"` // that it was made from; 0: nothing was said before

	StartsAt *time.Time `json:"starts_at,omitempty"` // nil: at once
	EndsAt   *time.Time `json:"ends_at,omitempty"`   // when the rule of before comes back; nil: never
}

// Put makes the draft the rule of its feature in r.
func (d Draft) Put(r *decision.Rules) { r.Features = *r.Features.With(d.Feature, tidy(d.Rule)) }

// Same says whether two drafts of a feature come to one rule.
func (d Draft) Same(other Draft) bool { return decision.Same(tidy(d.Rule), tidy(other.Rule)) }

// tidy puts a rule into the form in which it is compared and stored: what a stage does
// not ask is not there.
func tidy(r feature.Rule) feature.Rule {
	if r.Stage != feature.Percentage && r.Stage != feature.ReportOnly {
		r.Share = 0
	}
	if r.Stage == feature.Off || r.Stage == feature.Everyone {
		r.Include = nil
	}
	if r.Stage == feature.Off {
		r.Exclude = nil
	}
	r.Include = slices.Compact(slices.Sorted(slices.Values(r.Include)))
	r.Exclude = slices.Compact(slices.Sorted(slices.Values(r.Exclude)))
	return r
}

// wrong says what of a rule cannot be; names are those of the groups that there are.
func wrong(r feature.Rule, names map[string]string) error {
	fields := map[string]string{}
	if !slices.Contains(feature.Stages, r.Stage) {
		fields["stage"] = "rollout.stage_form"
	}
	if r.Share < 0 || r.Share > 100 {
		fields["percentage"] = "rollout.percentage_form"
	}
	if r.Stage == feature.Pilot && len(r.Include) == 0 {
		fields["include_groups"] = "rollout.pilot_without_group"
	}
	for field, groups := range map[string][]string{"include_groups": r.Include, "exclude_groups": r.Exclude} {
		if slices.ContainsFunc(groups, func(g string) bool { return names[g] == "" }) {
			fields[field] = "group.unknown"
		}
	}
	if slices.ContainsFunc(r.Exclude, func(g string) bool { return slices.Contains(r.Include, g) }) {
		fields["exclude_groups"] = "rollout.group_on_both_sides"
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

// loosens says whether another rule takes a safeguard away.
func loosens(e *feature.Entry, was, next feature.Rule) bool {
	return e.Widens && mayAdd(was, next) || e.Narrows && mayAdd(next, was)
}

// mayAdd says whether next may let somebody in whom was did not. It is judged by the
// rules alone, whoever is in the groups now, and is rather true than false.
func mayAdd(was, next feature.Rule) bool {
	if next.Nobody() || was.Everybody() {
		return false
	}
	if !all(was.Exclude, next.Exclude) {
		return true
	}
	switch {
	case was.Stage == feature.Everyone:
		return false
	case next.Stage == feature.UsersChoice || was.Stage == feature.UsersChoice:
		return was.Stage != next.Stage || len(was.Include) > 0 && (len(next.Include) == 0 || !all(next.Include, was.Include))
	case next.Stage == feature.Everyone, was.Nobody():
		return true
	}
	return next.Share > was.Share || !all(next.Include, was.Include)
}

// all says whether every one of some is among others.
func all(some, others []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(others, s) })
}

// Said is a rule in a difference, in words that pages turn into a language.
func Said(r feature.Rule, names map[string]string) string {
	parts := []string{string(r.Stage)}
	if r.Stage == feature.Percentage || r.Stage == feature.ReportOnly {
		parts = append(parts, strconv.Itoa(r.Share)+" %")
	}
	var groups []string
	for _, id := range r.Include {
		groups = append(groups, "+"+names[id])
	}
	for _, id := range r.Exclude {
		groups = append(groups, "-"+names[id])
	}
	slices.Sort(groups)
	return strings.Join(append(parts, groups...), "|")
}

// difference says what changes.
func difference(f feature.Feature, was, next feature.Rule, names map[string]string) []approval.Change {
	before, after := Said(was, names), Said(next, names)
	if before == after {
		return nil
	}
	return []approval.Change{{Field: "feature_" + string(f), Before: before, After: after}}
}
