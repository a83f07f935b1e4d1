package console

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	"latchkey/views/words"
)

// liveEvent is an event as the page shows it that watches, in words.
type liveEvent struct {
	Href    string `json:"href"`
	At      string `json:"at"`
	When    string `json:"when"`
	What    string `json:"what"`
	Who     string `json:"who"`
	Whom    string `json:"whom"`
	Why     string `json:"why"`
	Outcome string `json:"outcome"`
	Tone    string `json:"tone"`
}

// liveAudit tells what comes in and fits the filters, within a few seconds, also where much
// comes in at once: nothing rings again for what is left. What the reader sees is asked again
// each time.
func (h *Pages) liveAudit(c echo.Context) error {
	q, tenantID, userID := askedOf(c).query(h.Site.DB.Now()), web.Here(c).ID, web.Session(c).UserID
	if err := h.Trail.Looked(c.Request().Context(), h.sight(c), "live", q, web.Origin(c)); err != nil {
		return err
	}
	size, err := h.Trail.Size(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	// A stream outlives its request: nothing of that is used below.
	list, language := h.path(c, auditPath), web.Context(c)
	return h.Site.ServeSeated(c, access.AuditRead, []string{trail.TailKey(tenantID)}, func(ctx context.Context, stream *web.Stream) (bool, error) {
		for {
			sight := trail.SightOf(h.Site.Rules.Standing(tenantID, userID), h.Site.DB.Now())
			rows, next, err := h.Trail.Tail(ctx, sight, q, size)
			if err != nil || next == size {
				return false, err
			}
			for _, r := range rows {
				text, err := json.Marshal(liveOf(language, list, r))
				if err != nil {
					return true, err
				}
				if err := stream.Event("event", string(text)); err != nil {
					return true, err
				}
			}
			size = next
		}
	})
}

func liveOf(ctx context.Context, list string, r trail.Row) liveEvent {
	e := liveEvent{
		Href: list + "/" + url.PathEscape(r.Position().String()), At: component.Machine(r.At), When: component.Exact(ctx, r.At), What: words.Say(ctx, "activity."+string(r.Action)),
		Who: partyName(ctx, r.Actor, r.ActorName), Why: r.Reason, Outcome: words.Say(ctx, "me.activity.outcome."+string(r.Outcome)), Tone: tones[r.Outcome],
	}
	if r.Subject != r.Actor.ID {
		e.Whom = r.SubjectName
	}
	return e
}
