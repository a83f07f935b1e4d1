package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Bypasses are what the helpdesk lets people past the phone by (package bypass).
type Bypasses interface {
	// Of gives what a bypass of a user is checked against: never nil, and for who has none
	// and for no user one that nothing matches.
	Of(ctx context.Context, tenantID, userID string) (HeldBypass, error)
	// Leads says whether a user has one that would do now, so that who has proved
	// something is led to it and not to the phone that they do not have.
	Leads(tx *store.Tx, tenantID, userID, ip string) (bool, error)
}

// HeldBypass is a bypass of a user, or that of nobody.
type HeldBypass interface {
	// Skips says whether it asks for no code: it is there for who has proved something.
	Skips() bool
	// Match checks a typed code. Half is one of two that were given different ways.
	Match(typed string) (right, half bool)
	// Use takes one use of it in the act tx. One that does not do, for whatever cause, is
	// fault.Refused, with the cause as its code.
	Use(tx *store.Tx, by BypassUser) (BypassGrant, error)
}

// BypassUser is who uses one, and where.
type BypassUser struct {
	AttemptID     string
	ApplicationID string // that the sign-in was begun by; empty: none
	Origin        audit.Origin
}

// BypassGrant is what one lets a session do.
type BypassGrant struct {
	ID            string
	ApplicationID string    // the only one that it goes on to; empty: any
	EndsAt        time.Time // of the session, too
}

// leads says whether an attempt that is halfway goes on to a bypass.
func (s *Service) leads(tx *store.Tx, a Attempt, completing []Way, from From) (bool, error) {
	if s.Bypasses == nil || !slices.Contains(completing, Bypass) {
		return false, nil
	}
	return s.Bypasses.Leads(tx, a.TenantID, a.userID, from.IP)
}

// Skips says whether an attempt is on a bypass that asks for no code.
func (s *Service) Skips(ctx context.Context, a Attempt) (bool, error) {
	if a.Way != Bypass || !a.Halfway() {
		return false, nil
	}
	held, err := s.Bypasses.Of(ctx, a.TenantID, a.userID)
	if err != nil {
		return false, store.Unusable(err)
	}
	return held.Skips(), nil
}

// verifyBypass lets an attempt past the phone. It counts, and fails, as VerifyPassword
// does; a name that has no bypass takes as long. Of two at once one signs in.
func (s *Service) verifyBypass(ctx context.Context, a Attempt, typed string, from From) (Done, error) {
	if err := s.countTry(ctx, a, Bypass, from); err != nil {
		return Done{}, err
	}
	held, err := s.Bypasses.Of(ctx, a.TenantID, a.userID)
	if err != nil {
		return Done{}, s.uncount(ctx, a, Bypass, store.Unusable(err))
	}
	right, half := held.Match(typed)
	right = right && !held.Skips() || held.Skips() && a.Halfway() && typed == ""
	switch {
	case half:
		return Done{}, s.refused(ctx, a.ID, "signin.bypass_half", from)
	case !right || a.userID == "":
		return Done{}, s.refused(ctx, a.ID, "signin.bypass_wrong", from)
	}
	a.bypass = &BypassGrant{}
	done, err := s.passed(ctx, a, Bypass, func(tx *store.Tx) error {
		var by Application
		if s.ApplicationOf != nil {
			var err error
			if by, err = s.ApplicationOf(tx, a.ReturnTo, from.BrowserDigest); err != nil {
				return err
			}
		}
		var err error
		*a.bypass, err = held.Use(tx, BypassUser{AttemptID: a.key, ApplicationID: by.ID, Origin: from.Origin})
		return err
	}, from)
	reason := "signin.bypass_over"
	if f := fault.Of(err); f != nil && errors.Is(err, fault.Refused) && f.Code != "signin.refused" {
		reason = f.Code
	}
	return done, s.settled(ctx, a, Bypass, reason, err, from)
}
