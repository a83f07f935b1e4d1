package signin

import (
	"context"

	"latchkey/app/store"
)

// Asker is who asks the helpdesk in an attempt, whoever that is.
type Asker struct {
	TenantID, AttemptID string
	Subject             string // of the name, known or not
	Browser             string // digest of the one that the attempt belongs to
	Address             string // under which what comes from one address is counted
	Proved              string // what was proved in the attempt so far, as amr values; empty: nothing
	Known               bool   // the page may tell what its user has, as Helps has it
	May                 bool   // they may help themselves, as far as that may be told (MayRecover)
}

// Asker gives who asks in an attempt that signs somebody in.
func (s *Service) Asker(ctx context.Context, a Attempt, from From) (Asker, error) {
	by := Asker{TenantID: a.TenantID, AttemptID: a.key, Subject: a.subject, Browser: a.browser, Address: s.address(from.IP), Proved: string(a.proved), Known: a.Halfway()}
	var err error
	if by.May, err = s.MayRecover(ctx, a); err != nil {
		return by, err
	}
	seen, err := seenHere(s.DB.View(ctx), a)
	by.Known = by.Known || seen && a.userID != ""
	return by, store.Unusable(err)
}
