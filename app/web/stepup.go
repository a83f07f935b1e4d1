package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/session"
)

// NeedFresh fails with fault.StepUp unless the user proved it within five
// minutes, by a way as strong as any that they have now. Every sensitive act
// asks it.
func (s *Site) NeedFresh(c echo.Context) error { return s.NeedFreshBy(c, Session(c).Strongest()) }

// NeedToBind is NeedFresh for who binds something new: in a session that a bypass made it
// asks for a second proof of another kind, within ten minutes (session.Rebinds).
func (s *Site) NeedToBind(c echo.Context) error {
	if who := Session(c); who.Restricted() {
		return who.Rebinds(s.DB.Now())
	}
	return s.NeedFresh(c)
}

// NeedFreshBy is NeedFresh for the few acts that take a weaker proof, because
// their user may have lost the strongest and they add nothing.
func (s *Site) NeedFreshBy(c echo.Context, least session.Strength) error {
	if Session(c).FreshBy(least, s.DB.Now()) {
		return nil
	}
	if err := Session(c).Unlimited(); err != nil {
		return err
	}
	missing := fault.New(fault.StepUp, "session.step_up")
	missing.Proofs = Session(c).Proofs(least)
	return missing
}

// NeedRecovery is NeedFreshBy after a loss: only ways that the organisation has on for
// that do. besides are proofs by which it would be no loss. It fails with
// fault.Forbidden when there is nothing left that does: the helpdesk has to help.
func (s *Site) NeedRecovery(c echo.Context, least session.Strength, besides ...string) error {
	who := Session(c)
	loss, err := session.AfterLoss(c.Request().Context(), s.DB, who)
	if err != nil {
		return err
	}
	if loss.Recovers(least, s.DB.Now()) {
		return nil
	}
	if err := who.Unlimited(); err != nil {
		return err
	}
	missing := fault.New(fault.StepUp, "session.step_up")
	missing.Proofs = who.Offers(append(besides, loss.Proofs(least)...))
	if len(missing.Proofs) == 0 {
		missing.Proofs = who.Proofs(least)
		if len(who.Offers(missing.Proofs)) > 0 {
			return fault.New(fault.Forbidden, "recovery.helpdesk")
		}
	}
	return missing
}

// stepUpPage is the address of the page where a missing proof is given. It
// names the proofs that would do where they are more than the usual ones.
func (s *Site) stepUpPage(c echo.Context, missing *fault.Error) string {
	to := "/step-up?return_to=" + url.QueryEscape(s.here(c))
	if who := Session(c); !slices.Equal(missing.Proofs, who.Proofs(who.Strongest())) {
		to += "&acr_values=" + url.QueryEscape(strings.Join(missing.Proofs, " "))
	}
	return to
}

// challenge says to a program which proof is missing (RFC 9470 §3).
func challenge(missing *fault.Error) string {
	return fmt.Sprintf(`Bearer error="insufficient_user_authentication", max_age="%d", acr_values="%s"`,
		int(session.StepUpLife.Seconds()), strings.Join(missing.Proofs, " "))
}
