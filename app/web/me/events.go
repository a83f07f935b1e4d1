package me

import (
	"context"

	"latchkey/app/audit"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

var tones = map[audit.Outcome]string{audit.Success: "good", audit.Failure: "warn", audit.Denied: "bad"}

// event says to their user what happened.
func event(ctx context.Context, e audit.Entry, where func(ip string) string) views.Event {
	tone := tones[e.Outcome]
	if e.Action == audit.PromptReported || e.Action == audit.DeviceDisabled {
		tone = "bad"
	}
	return views.Event{
		At: e.At, What: words.Say(ctx, "activity."+string(e.Action)), Detail: web.SayBrowser(ctx, e.Browser), Where: where(e.IP),
		Outcome: words.Say(ctx, "me.activity.outcome."+string(e.Outcome)), Tone: tone,
	}
}
