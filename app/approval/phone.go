package approval

import (
	"context"

	"latchkey/app/audit"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// Phones are the approvals as the sign-in sees them: an approver who decides on
// their phone.
type Phones struct{ *Service }

// Show gives a request as the phone shows it, to somebody who may approve it.
func (p Phones) Show(tx *store.Tx, request signin.RequestRef, userID string) (prompt.Act, error) {
	r, err := p.decidable(tx, request.TenantID, request.ID, userID)
	if err != nil {
		return prompt.Act{}, err
	}
	return p.act(tx, r)
}

// Tell gives a request, also one that is decided.
func (p Phones) Tell(ctx context.Context, request signin.RequestRef) (prompt.Act, error) {
	tx := p.DB.View(ctx)
	r, err := find(tx, request.TenantID, request.ID)
	if err != nil {
		return prompt.Act{}, store.Unusable(err)
	}
	act, err := p.act(tx, r)
	act.Over = r.State != Pending
	return act, store.Unusable(err)
}

// act is a request in names.
func (p Phones) act(tx *store.Tx, r Request) (prompt.Act, error) {
	seen, err := show(tx, r.TenantID, []Request{r}, nil)
	if err != nil {
		return prompt.Act{}, err
	}
	act := prompt.Act{Kind: string(r.Kind), Target: seen[0].Target.full(), Requester: seen[0].Requester.full(), Reason: r.Reason, Ticket: r.Ticket, Hash: r.Digest}
	for _, line := range seen[0].Lines {
		act.Lines = append(act.Lines, prompt.ActLine(line))
	}
	return act, nil
}

// full is how somebody is called, with the sign-in name that nobody else has.
func (p Person) full() string {
	if p.DisplayName == "" || p.Name == "" {
		return p.DisplayName + p.Name
	}
	return p.DisplayName + " (" + p.Name + ")"
}

// Approve carries a request out. One that has become void is marked so, which is
// what the act then leaves.
func (p Phones) Approve(tx *store.Tx, request signin.RequestRef, userID, promptID string, from audit.Origin) error {
	err := p.ApproveIn(tx, request.TenantID, request.ID, userID, Given{PromptID: promptID, Origin: from})
	if Voided(err) {
		return nil
	}
	return err
}

// Refused remembers that somebody may not approve.
func (p Phones) Refused(ctx context.Context, request signin.RequestRef, userID string, failure error, from audit.Origin) error {
	return p.Service.Refused(ctx, "approval.approve", request.TenantID, userID, failure, from)
}
