package component

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"latchkey/views/words"
)

// Heard says a number digit by digit, as one says it on the phone and as a
// screen reader should: "The number is four two."
func Heard(ctx context.Context, number string) string {
	var spoken []string
	for _, r := range number {
		if r >= '0' && r <= '9' {
			spoken = append(spoken, words.Say(ctx, "number.digit."+string(r)))
		}
	}
	return words.Say(ctx, "number.heard", "digits", strings.Join(spoken, " "))
}

// Exact is an instant with its zone, for people without script: "24 Nov 2025, 09:05 UTC".
func Exact(ctx context.Context, at time.Time) string {
	at = at.UTC()
	return words.Say(ctx, "time.exact", "day", Count(at.Day()), "month", words.Say(ctx, "time.month."+Count(int(at.Month()))),
		"year", Count(at.Year()), "clock", at.Format("15:04"))
}

// Machine is an instant for the datetime attribute.
func Machine(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

// Relative says how far at is from now, in the coarsest unit that helps.
func Relative(ctx context.Context, at, now time.Time) string {
	d := now.Sub(at)
	if d >= 0 && d < 45*time.Second {
		return words.Say(ctx, "time.now")
	}
	n, unit := span(max(d, -d))
	if d < 0 {
		return words.Say(ctx, "time.in."+unit, "count", Count(n))
	}
	return words.Say(ctx, "time.ago."+unit, "count", Count(n))
}

func span(d time.Duration) (n int, unit string) {
	switch {
	case d < time.Minute:
		return int(d.Seconds()), "second"
	case d < time.Hour:
		return int(d.Minutes()), "minute"
	case d < 48*time.Hour:
		return int(d.Hours()), "hour"
	case d < 60*24*time.Hour:
		return int(d.Hours()) / 24, "day"
	case d < 730*24*time.Hour:
		return int(d.Hours()) / 24 / 30, "month"
	}
	return int(d.Hours()) / 24 / 365, "year"
}

// Left says how much of a wait is left: "1 min 20 s". The script countdown.js
// says the same.
func Left(ctx context.Context, d time.Duration) string {
	s := max(0, int(math.Ceil(d.Seconds())))
	switch {
	case s < 60:
		return words.Say(ctx, "time.left.seconds", "seconds", Count(s))
	case s >= 3600:
		return words.Say(ctx, "time.left.hours", "hours", Count(s/3600), "minutes", Count(s%3600/60))
	case s%60 == 0:
		return words.Say(ctx, "time.left.minutes", "minutes", Count(s/60))
	}
	return words.Say(ctx, "time.left.both", "minutes", Count(s/60), "seconds", Count(s%60))
}

// Count is a number as text.
func Count(n int) string { return strconv.Itoa(n) }

// Seconds is a span for a script: whole seconds, never less than none.
func Seconds(d time.Duration) string { return strconv.Itoa(max(0, int(d/time.Second))) }

// Thousands parts a number in groups of three, as it is read.
func Thousands(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "\u00a0" + digits[at:]
	}
	return digits
}
