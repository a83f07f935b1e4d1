package policyfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/method"
	"latchkey/app/policy"
	"latchkey/app/rollout"
	"latchkey/app/settings"
	"latchkey/app/store"
)

// From is where acts of a file come from, in their events.
var From = audit.Origin{Browser: "command line"}

// Service writes and applies files.
type Service struct {
	DB        *store.DB
	Rules     *access.Rules
	Approvals *approval.Service
	Policy    *policy.Service
	Rollout   *rollout.Service
	Settings  *settings.Service
}

// Step is one act that a file comes to, with what it changes.
type Step struct {
	Act        approval.Act
	Difference []approval.Change
	FourEyes   bool // a second person has to approve it
}

// Done is a step, and what became of it.
type Done struct {
	Step
	approval.Outcome
}

// Export writes down what a tenant has decided, whole.
func (s *Service) Export(ctx context.Context, tenantID, slug string) (File, error) {
	f := File{Format: Format, Tenant: slug, WaysIn: map[string]Way{}, Order: Habit, Limits: map[string]int{}, Features: map[feature.Feature]*Feature{}}
	groups, err := s.groups(ctx, tenantID)
	if err != nil {
		return f, err
	}
	p, err := s.Policy.Of(ctx, tenantID)
	if err != nil {
		return f, err
	}
	for _, w := range method.Ways {
		rule, way := p.Rules[w.Name], Way{Uses: []method.Use{}}
		for _, use := range w.Uses {
			if rule.For(use) {
				way.Uses = append(way.Uses, use)
			}
		}
		way.Groups = groups.names(rule.Groups)
		f.WaysIn[w.Name] = way
	}
	if p.StrongestFirst {
		f.Order = Strongest
	}
	for _, l := range policy.Limits {
		f.Limits[l.Name] = *p.Number(l.Name)
	}
	open, err := s.Rollout.All(ctx, tenantID)
	if err != nil {
		return f, err
	}
	for _, r := range open {
		f.Features[r.Feature] = &Feature{Stage: r.Rule.Stage, Percentage: r.Rule.Share, Include: groups.names(r.Rule.Include), Exclude: groups.names(r.Rule.Exclude)}
	}
	asks, err := s.Settings.Campaign(ctx, tenantID)
	f.Campaign = &Campaign{SnoozeDays: &asks.SnoozeDays, Skips: &asks.Skips}
	return f, err
}

// groups are those of a tenant, by id and by name.
type groups struct{ name, id map[string]string }

func (s *Service) groups(ctx context.Context, tenantID string) (groups, error) {
	g := groups{map[string]string{}, map[string]string{}}
	names, err := group.AllNames(s.DB.View(ctx), tenantID)
	for id, name := range names {
		g.name[id], g.id[name] = name, id
	}
	return g, store.Unusable(err)
}

func (g groups) names(ids []string) (all []string) {
	for _, id := range ids {
		all = append(all, g.name[id])
	}
	slices.Sort(all)
	return all
}

// acts gives the acts that a file comes to, made from what there is now, and names
// groups that there are not.
func (s *Service) acts(ctx context.Context, tenantID string, f File) ([]approval.Act, error) {
	known, err := s.groups(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	var unknown []string
	ids := func(names []string) (all []string) {
		for _, name := range names {
			id, ok := known.id[name]
			if !ok && !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
			all = append(all, id)
		}
		return all
	}
	var all []approval.Act
	p, err := s.Policy.Of(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	for name, way := range f.WaysIn {
		rule := policy.Rule{Groups: ids(way.Groups)}
		for _, use := range way.Uses {
			rule = rule.With(use)
		}
		p.Rules[name] = rule
	}
	if f.Order != "" {
		p.StrongestFirst = f.Order == Strongest
	}
	for name, n := range f.Limits {
		*p.Number(name) = n
	}
	all = append(all, approval.Act{Kind: policy.KindChange}.With(p))
	open, err := s.Rollout.All(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		if said := f.Features[r.Feature]; said != nil {
			all = append(all, approval.Act{Kind: rollout.KindChange}.With(rollout.Draft{
				Feature: r.Feature, Version: r.Version,
				Rule: feature.Rule{Stage: said.Stage, Share: said.Percentage, Include: ids(said.Include), Exclude: ids(said.Exclude)},
			}))
		}
	}
	if f.Campaign != nil {
		asks, err := s.Settings.Campaign(ctx, tenantID)
		if err != nil {
			return nil, err
		}
		if f.Campaign.SnoozeDays != nil {
			asks.SnoozeDays = *f.Campaign.SnoozeDays
		}
		if f.Campaign.Skips != nil {
			asks.Skips = *f.Campaign.Skips
		}
		all = append(all, approval.Act{Kind: settings.KindCampaign}.With(asks))
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("there is no group %s", strings.Join(unknown, ", "))
	}
	return all, nil
}

// Plan gives what a file would change, without what it leaves as it is, judged as if
// actorID did it. What cannot be done by anybody fails as the act would, and so does
// what the actor may not do; without an actor nobody is asked who may.
func (s *Service) Plan(ctx context.Context, tenantID, actorID string, f File) ([]Step, error) {
	acts, err := s.acts(ctx, tenantID, f)
	if err != nil {
		return nil, err
	}
	tx := s.DB.View(ctx)
	var steps []Step
	var failed []error
	for _, act := range acts {
		act.TenantID, act.ActorID, act.Origin = tenantID, actorID, From
		plan, err := s.Approvals.Performers[act.Kind](tx, act)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if len(plan.Difference) == 0 {
			continue // "it is so already" is no failure here
		}
		if plan.Wrong != nil {
			failed = append(failed, said(act, plan.Difference, plan.Wrong))
			continue
		}
		step := Step{Act: act, Difference: plan.Difference}
		if actorID == "" {
			step.FourEyes = slices.ContainsFunc(plan.Questions, func(q access.Question) bool { return q.Loosens })
		} else {
			verdict, err := s.Rules.AskAll(tx, plan.Questions...)
			if err != nil {
				return nil, store.Unusable(err)
			}
			if err := verdict.Err(); err != nil {
				failed = append(failed, said(act, plan.Difference, err))
				continue
			}
			step.FourEyes = verdict.Answer == access.FourEyes
		}
		steps = append(steps, step)
	}
	return steps, errors.Join(failed...)
}

// Failed is an act of a file that failed, and why.
type Failed struct {
	Kind  approval.Kind
	Lines []approval.Change
	Why   *fault.Error
}

func (f Failed) Error() string { return string(f.Kind) + ": " + f.Why.Code }

func (f Failed) Unwrap() error { return f.Why }

func said(act approval.Act, lines []approval.Change, err error) error {
	if why := fault.Of(err); why != nil {
		return Failed{Kind: act.Kind, Lines: lines, Why: why}
	}
	return err
}

// Apply does what a file says, in the name of actorID. Nothing is done when anything of
// it cannot be; what somebody else changes meanwhile, or no longer lets be done, ends
// it, and Done says how far it came. A second time it finds nothing to do.
func (s *Service) Apply(ctx context.Context, tenantID, actorID string, f File, reason, ticket string) ([]Done, error) {
	steps, err := s.Plan(ctx, tenantID, actorID, f)
	if err != nil {
		return nil, err
	}
	var done []Done
	for _, step := range steps {
		act := step.Act
		act.Reason, act.Ticket = reason, ticket
		out, err := s.Approvals.Submit(ctx, act)
		if err != nil {
			return done, said(act, step.Difference, err)
		}
		done = append(done, Done{Step: step, Outcome: out})
	}
	return done, nil
}
