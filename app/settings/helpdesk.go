package settings

import (
	"context"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// KindHelpdesk is the act that changes where the helpdesk answers, as the pages of
// sign-in tell it to everybody.
const KindHelpdesk approval.Kind = "helpdesk.change"

// hoursMost is how long the hours may be said, in letters.
const hoursMost = 80

// dialled is what people dial: digits and what parts them, with an extension.
var dialled = regexp.MustCompile(`^\+?[0-9][0-9 ()/.,x#*-]{1,38}$`)

// Helpdesk gives where the helpdesk of a tenant answers.
func (s *Service) Helpdesk(ctx context.Context, tenantID string) (tenant.Helpdesk, error) {
	found, err := tenant.HelpdeskOf(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

// changeHelpdesk plans to change it. Who calls a number that somebody else put there
// tells them all that it takes to be let in, so that any number needs a second person:
// also where there is none, or one could be emptied first. So do the hours, in which a
// number could stand as well.
func changeHelpdesk(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next tenant.Helpdesk
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	next.Number, next.Hours = strings.TrimSpace(next.Number), strings.TrimSpace(next.Hours)
	was, err := tenant.HelpdeskOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{{
		TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit,
		Loosens: next.Number != "" && next.Number != was.Number || next.Hours != "" && next.Hours != was.Hours,
	}}}
	if was.Number != next.Number {
		plan.Difference = append(plan.Difference, approval.Change{Field: "helpdesk_number", Before: was.Number, After: next.Number})
	}
	if was.Hours != next.Hours {
		plan.Difference = append(plan.Difference, approval.Change{Field: "helpdesk_hours", Before: was.Hours, After: next.Hours})
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "settings.changed_meanwhile"), "UPDATE tenants SET helpdesk_number = ?, helpdesk_hours = ? WHERE id = ? AND helpdesk_number = ? AND helpdesk_hours = ?",
			next.Number, next.Hours, act.TenantID, was.Number, was.Hours)
		if err != nil {
			return err
		}
		return record(tx, act, audit.SettingsChanged, plan.Difference)
	}
	fields := map[string]string{}
	if next.Number != "" && !dialled.MatchString(next.Number) {
		fields["helpdesk_number"] = "settings.helpdesk_number_form"
	}
	if utf8.RuneCountInString(next.Hours) > hoursMost || strings.ContainsFunc(next.Hours, func(r rune) bool { return !unicode.IsPrint(r) }) {
		fields["helpdesk_hours"] = "settings.helpdesk_hours_form"
	}
	switch {
	case len(fields) > 0:
		plan.Wrong = fault.Wrong("form.wrong", fields)
	case len(plan.Difference) == 0:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}
