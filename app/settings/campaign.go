package settings

import (
	"context"
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/campaign"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// KindCampaign is the act that changes the rules of the registration campaign.
const KindCampaign approval.Kind = "campaign.change"

// Campaign is how long, and how often, somebody can put off to register a phone. Who
// is asked at all the rule of the feature says.
type Campaign struct {
	SnoozeDays int `json:"snooze_days" gorm:"column:campaign_snooze_days"` // 0: until the next sign-in
	Skips      int `json:"skips" gorm:"column:campaign_skips"`             // 0: it is required from the beginning
}

// Campaign gives the rules of a tenant.
func (s *Service) Campaign(ctx context.Context, tenantID string) (Campaign, error) {
	found, err := campaignOf(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

func campaignOf(tx *store.Tx, tenantID string) (c Campaign, err error) {
	ok, err := tx.One(&c, "SELECT campaign_snooze_days, campaign_skips FROM tenants WHERE id = ?", tenantID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	return c, err
}

// changeCampaign plans to change them. Longer, or once more, is loosening.
func changeCampaign(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Campaign
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	was, err := campaignOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RolloutEdit, Loosens: next.SnoozeDays > was.SnoozeDays || next.Skips > was.Skips,
		}},
		Difference: next.difference(was), Wrong: next.wrong(),
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "settings.changed_meanwhile"),
			"UPDATE tenants SET campaign_snooze_days = ?, campaign_skips = ? WHERE id = ? AND campaign_snooze_days = ? AND campaign_skips = ?",
			next.SnoozeDays, next.Skips, act.TenantID, was.SnoozeDays, was.Skips)
		if err != nil {
			return err
		}
		return record(tx, act, audit.CampaignChanged, plan.Difference)
	}
	if plan.Wrong == nil && len(plan.Difference) == 0 {
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}

func (c Campaign) wrong() error {
	fields := map[string]string{}
	if c.SnoozeDays < 0 || c.SnoozeDays > campaign.SnoozeDaysMost {
		fields["snooze_days"] = "campaign.days_form"
	}
	if c.Skips < 0 || c.Skips > campaign.SkipsMost {
		fields["skips"] = "campaign.skips_form"
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

func (c Campaign) difference(was Campaign) (lines []approval.Change) {
	if was.SnoozeDays != c.SnoozeDays {
		lines = append(lines, approval.Change{Field: "snooze_days", Before: strconv.Itoa(was.SnoozeDays), After: strconv.Itoa(c.SnoozeDays)})
	}
	if was.Skips != c.Skips {
		lines = append(lines, approval.Change{Field: "skips", Before: strconv.Itoa(was.Skips), After: strconv.Itoa(c.Skips)})
	}
	return lines
}
