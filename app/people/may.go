package people

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/campaign"
	"latchkey/app/passcode"
	"latchkey/app/store"
)

// Offer is an act that an actor may do to a person now.
type Offer struct {
	Kind     approval.Kind
	FourEyes bool   // when a second person approves
	State    string // with user.mfa: the state that it leads to
	Hours    []int  // with user.static_passcode: for how many it may be
}

// May lists what an actor may do to a person now, as it would be judged if they
// did: what is not permitted, and what makes no sense, is not among it.
func (s *Service) May(ctx context.Context, tenantID, actorID string, p Person) ([]Offer, error) {
	tx := s.DB.View(ctx)
	act := approval.Act{TenantID: tenantID, ActorID: actorID, TargetID: p.ID}
	var tried []approval.Act
	try := func(kind approval.Kind, parameters any) {
		a := act.With(parameters)
		a.Kind = kind
		tried = append(tried, a)
	}
	try(KindLock, nil)
	try(KindUnlock, nil)
	try(KindDisable, nil)
	try(KindEnable, nil)
	try(KindEndSessions, nil)
	for _, phone := range p.Phones {
		if phone.State == "active" {
			try(KindReset, Reset{Device: phone.AccountID})
			break // for all of them alike
		}
	}
	try(KindResetTOTP, nil)
	try(KindResetSheet, nil)
	if len(p.Passkeys) > 0 {
		try(KindTakePasskey, TakePasskey{Passkey: p.Passkeys[0].ID}) // for all of them alike
	}
	for _, state := range MFAStates {
		try(KindMFA, MFA{State: state})
	}
	try(KindAskBackup, nil)
	try(KindInvitation, Link{})
	try(KindPasswordLink, Link{})
	try(KindPasscode, Passcode{Hours: 1})
	try(KindWithdrawPasscode, nil)
	try(KindManager, Manager{})
	try(KindPhoto, Photo{})
	try(KindPostpone, Postpone{Days: campaign.SnoozeDaysMost})
	performers := s.Performers()
	var offers []Offer
	for _, a := range tried {
		plan, err := performers[a.Kind](tx, a)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if plan.Wrong != nil && a.Kind != KindManager && a.Kind != KindPhoto { // of which it depends on what is given
			continue
		}
		verdict, err := s.Rules.AskAll(tx, plan.Questions...)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if verdict.Err() != nil {
			continue
		}
		offer := Offer{Kind: a.Kind, FourEyes: verdict.Answer == access.FourEyes}
		if a.Kind == KindMFA {
			offer.State = plan.Difference[0].After
		}
		if a.Kind == KindPasscode {
			most, err := passcode.HoursMost(tx, tenantID)
			if err != nil {
				return nil, store.Unusable(err)
			}
			offer.Hours = passcodeHours(most)
		}
		offers = append(offers, offer)
	}
	return offers, nil
}
