// Package settings changes the few rules that a tenant has of its own for
// everybody: how a phone gives the number back, which phones may be added, how long
// people stay signed in, what it calls the places that they come from, and how long
// decisions about sign-ins are kept.
//
// Each mode has a bound on blind guessing, which the page shows: whoever answers
// a request without seeing the number is right 1 time in 3, in 90 or in 900,000
// (product.md §1). A weaker mode, one more kind of phone, or a longer session is
// loosening, and needs a second person (roles.md).
package settings

import (
	"context"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// KindChange is the act that changes them.
const KindChange approval.Kind = "settings.change"

// Settings are what a tenant may choose.
type Settings struct {
	MatchMode tenant.MatchMode `json:"match_mode"`
	Platforms []string         `json:"platforms"`

	Sessions
}

// Modes are the ways to give the number back, the weakest first, with the bound
// of each: how many numbers a blind guess has to choose from.
var Modes = []struct {
	Mode  tenant.MatchMode
	Among int
}{
	{tenant.Pick3, 3}, {tenant.Type2, 90}, {tenant.Type6, 900_000},
}

// Platforms are the kinds of phone that a tenant may allow.
var Platforms = []string{"ios", "android", "desktop"}

// Service reads and changes settings.
type Service struct{ DB *store.DB }

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindChange: change, KindSetPlace: setPlace, KindRemovePlace: removePlace, KindElsewhere: elsewhere, KindCampaign: changeCampaign, KindDecisions: changeDecisions, KindHelpdesk: changeHelpdesk, KindHours: changeHours,
	}
}

// Of gives the settings of a tenant.
func (s *Service) Of(ctx context.Context, tenantID string) (Settings, error) {
	found, err := of(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

func of(tx *store.Tx, tenantID string) (Settings, error) {
	var row struct {
		MatchMode, Platforms string
		Sessions
	}
	ok, err := tx.One(&row, "SELECT match_mode, platforms, idle_minutes, session_hours, trust_days FROM tenants WHERE id = ?", tenantID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	return Settings{MatchMode: tenant.MatchMode(row.MatchMode), Platforms: strings.Split(row.Platforms, ","), Sessions: row.Sessions}, err
}

// change plans to change the settings of a tenant.
func change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Settings
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	was, err := of(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	if next.Sessions == (Sessions{}) {
		next.Sessions = was.Sessions // asked for by who knew nothing of them
	}
	before, after := strings.Join(was.Platforms, ","), strings.Join(next.Platforms, ",")
	plan := approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: next.loosens(was),
		}},
		Wrong: next.wrong(),
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "settings.changed_meanwhile"), `UPDATE tenants SET match_mode = ?, platforms = ?, idle_minutes = ?, session_hours = ?, trust_days = ?
				WHERE id = ? AND match_mode = ? AND platforms = ? AND idle_minutes = ? AND session_hours = ? AND trust_days = ?`,
				next.MatchMode, after, next.IdleMinutes, next.SessionHours, next.TrustDays,
				act.TenantID, was.MatchMode, before, was.IdleMinutes, was.SessionHours, was.TrustDays)
			if err != nil {
				return err
			}
			if err := next.hold(tx, act.TenantID, was.Sessions); err != nil {
				return err
			}
			return record(tx, act, audit.SettingsChanged, append([]approval.Change{
				{Field: "match_mode", Before: string(was.MatchMode), After: string(next.MatchMode)}, {Field: "platforms", Before: before, After: after},
			}, next.difference(was.Sessions)...))
		},
	}
	if was.MatchMode != next.MatchMode {
		plan.Difference = append(plan.Difference, approval.Change{Field: "match_mode", Before: string(was.MatchMode), After: string(next.MatchMode)})
	}
	if before != after {
		plan.Difference = append(plan.Difference, approval.Change{Field: "platforms", Before: before, After: after})
	}
	plan.Difference = append(plan.Difference, next.difference(was.Sessions)...)
	if plan.Wrong == nil && len(plan.Difference) == 0 {
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}

// record records in the act tx what was changed, line by line.
func record(tx *store.Tx, act approval.Act, action audit.Action, lines []approval.Change) error {
	e := act.Event(action)
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	for _, line := range lines {
		e.Details[line.Field] = strings.TrimSpace(line.Before + " → " + line.After)
	}
	return audit.Record(tx, e)
}

// wrong says which of the settings are none.
func (s Settings) wrong() error {
	fields := map[string]string{}
	if s.MatchMode.Strength() < 0 {
		fields["match_mode"] = "settings.match_mode_form"
	}
	if len(s.Platforms) == 0 || slices.ContainsFunc(s.Platforms, func(p string) bool { return !slices.Contains(Platforms, p) }) {
		fields["platforms"] = "settings.platforms_form"
	}
	s.Sessions.wrong(fields)
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

// loosens says whether s asks less of a phone than before.
func (s Settings) loosens(was Settings) bool {
	return s.MatchMode.Strength() < was.MatchMode.Strength() || s.Sessions.loosens(was.Sessions) ||
		slices.ContainsFunc(s.Platforms, func(p string) bool { return !slices.Contains(was.Platforms, p) })
}
