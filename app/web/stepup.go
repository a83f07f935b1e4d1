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

// stepUpPage is the address of the page where a missing proof is given. It
// names the proofs that would do where they are more than the usual ones.
func stepUpPage(c echo.Context, missing *fault.Error) string {
	to := "/step-up?return_to=" + url.QueryEscape(here(c))
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
