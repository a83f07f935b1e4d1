package operator

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/operator"
	"latchkey/app/web"
	views "latchkey/views/operator"
	"latchkey/views/words"
)

func (h *Pages) health(c echo.Context) error {
	ctx := web.Context(c)
	found, err := h.Operator.Health(ctx)
	if err != nil {
		return err
	}
	page := h.frame(c, "/operator/health")
	named := func(icon, name string, level operator.Level, note string) views.Check {
		return views.Check{Icon: icon, Name: name, State: words.Say(ctx, "operator.level."+string(level)), Tone: string(level), Note: note}
	}
	check := func(icon, name string, level operator.Level, note string) views.Check {
		return named(icon, words.Say(ctx, "operator.check."+name), level, note)
	}
	notices := check("phone", "notices", found.Notices, words.Say(ctx, "operator.check.waiting", "count", strconv.Itoa(found.Waiting))+
		" "+words.Say(ctx, "operator.check.failed", "count", strconv.Itoa(found.Failed)))
	notices.At = found.OldestAt
	v := views.Health{Checks: []views.Check{
		check("list", "database", found.Database, words.Say(ctx, "operator.check.answer", "time", millis(found.Answer))),
		check("shield", "audit", found.Audit, words.Say(ctx, "operator.check.audit.text")),
		check("grid", "schema", found.Schema, words.Say(ctx, "operator.check.schema.text")),
		notices,
		check("key", "decisions", found.Decisions, words.Say(ctx, "operator.check.differ", "count", strconv.Itoa(found.Differ))),
		check("shield", "sealing", found.Sealing, sealedAs(ctx, found, page.Now)),
	}}
	for _, w := range found.Sealed.Witnesses {
		level, note := operator.Good, words.Say(ctx, "operator.check.witness.has")
		if w.Behind > 0 {
			note = words.Say(ctx, "operator.check.witness.lacks", "count", strconv.FormatInt(w.Behind, 10))
		}
		if w.Late(page.Now) || w.Fault != "" {
			level = operator.Warn
		}
		if w.Fault != "" {
			note += " " + words.Say(ctx, "operator.check.witness.fault", "fault", w.Fault)
		}
		v.Checks = append(v.Checks, named("monitor", words.Say(ctx, "operator.check.witness", "name", w.Name), level, note))
	}
	for _, ch := range found.Channels {
		level := operator.Good
		if ch.Tenants > 0 {
			level = operator.Warn
		}
		v.Checks = append(v.Checks, named(web.ChannelIcons[string(ch.Channel)], words.Say(ctx, "outage.channel_named."+string(ch.Channel)), level,
			words.Say(ctx, "operator.check.channel", "tried", strconv.Itoa(ch.Tried), "failed", strconv.Itoa(ch.Failed))+" "+words.Say(ctx, "operator.check.channel.tenants", "count", strconv.Itoa(ch.Tenants))))
	}
	if found.Silent > 0 {
		v.Checks = append(v.Checks, check("monitor", "consumers", operator.Warn, words.Say(ctx, "operator.check.consumers.silent", "count", strconv.Itoa(found.Silent))))
	}
	worst := worstOf(found)
	v.Word, v.Tone = words.Say(ctx, "operator.health."+string(worst)), string(worst)
	for _, r := range found.Replicas {
		v.Replicas = append(v.Replicas, replica(ctx, r, page.Now))
	}
	return web.Render(c, http.StatusOK, views.HealthPage(page, v))
}

func worstOf(h operator.Health) operator.Level {
	levels := []operator.Level{h.Database, h.Audit, h.Schema, h.Notices, h.Decisions, h.Sealing}
	for _, r := range h.Replicas {
		levels = append(levels, r.Level)
	}
	for _, ch := range h.Channels {
		if ch.Tenants > 0 {
			levels = append(levels, operator.Warn)
		}
	}
	if h.Silent > 0 {
		levels = append(levels, operator.Warn)
	}
	worst := operator.Good
	for _, level := range levels {
		if level == operator.Bad || level == operator.Warn && worst == operator.Good {
			worst = level
		}
	}
	return worst
}

// sealedAs says how far the audit is proved.
func sealedAs(ctx context.Context, found operator.Health, now time.Time) string {
	h, note := found.Sealed, words.Say(ctx, "operator.check.sealing.fine")
	switch {
	case h.Faults > 0:
		note = words.Say(ctx, "operator.check.sealing.forked", "count", strconv.Itoa(h.Faults))
	case h.Late(now), found.Sealing == operator.Bad: // which nobody could read, then
		note = words.Say(ctx, "operator.check.sealing.late")
	}
	if len(h.Witnesses) == 0 {
		note += " " + words.Say(ctx, "operator.check.witness.none")
	}
	return note
}

func replica(ctx context.Context, r operator.Replica, now time.Time) views.Replica {
	v := views.Replica{
		Name: r.Host, Version: r.Version, State: words.Say(ctx, "operator.replica.running"), Tone: string(r.Level), Clock: words.Say(ctx, "operator.millis", "count", millis(r.ClockDistance)),
		Streams: strconv.Itoa(r.Streams), Waiting: strconv.Itoa(r.Waiting), StartedAt: r.StartedAt, SeenAt: r.SeenAt,
	}
	switch {
	case r.Silent(now):
		v.State = words.Say(ctx, "operator.replica.silent")
	case r.Level != operator.Good:
		v.State = words.Say(ctx, "operator.replica.clock_off")
	}
	return v
}

// millis is a time in thousandths of a second.
func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 2, 64)
}
