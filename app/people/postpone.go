package people

import (
	"strconv"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/campaign"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// KindPostpone gives somebody more time to register a phone.
const KindPostpone approval.Kind = "campaign.postpone"

// Postpone is for how many days.
type Postpone struct {
	Days int `json:"days"`
}

// PostponeDays are those that a form offers.
var PostponeDays = []int{1, 3, 7, campaign.SnoozeDaysMost}

// postpone plans to give a person more time. It takes nothing away and lets nobody in:
// the person is signed in, and is asked again when the days are over.
func (s *Service) postpone(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Postpone
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, waits, err := campaign.Waits(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{question(act, access.CaseHandle)},
		// Days and no date: the difference reads the same when it is planned again.
		Difference: []approval.Change{{Field: "postponed", After: strconv.Itoa(asked.Days)}},
		Do: func(tx *store.Tx) error {
			until, err := campaign.Postpone(tx, act.TenantID, act.TargetID, asked.Days)
			if err != nil {
				return err
			}
			e := act.Event(audit.CampaignPostponed)
			e.Details = with(e.Details, "days", strconv.Itoa(asked.Days), "until", until.Format(time.RFC3339))
			return s.record(tx, act, e, strconv.Itoa(asked.Days))
		},
	}
	switch {
	case !waits:
		plan.Wrong = campaign.NotAsked()
	case asked.Days < 1 || asked.Days > campaign.SnoozeDaysMost:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"days": "campaign.postpone_days"})
	case was != nil && was.After(tx.Now.AddDate(0, 0, asked.Days)):
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"days": "campaign.postponed_longer"})
	}
	return plan, nil
}
