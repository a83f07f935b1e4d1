package component

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var digits = [...]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}

// ReadOut spells a number digit by digit, as one says it on the phone and as a
// screen reader should: "four two".
func ReadOut(number string) string {
	var spoken []string
	for _, r := range number {
		if r >= '0' && r <= '9' {
			spoken = append(spoken, digits[r-'0'])
		}
	}
	return strings.Join(spoken, " ")
}

// Exact is an instant with its zone, for people without script: "24 Nov 2025, 09:05 UTC".
func Exact(at time.Time) string { return at.UTC().Format("2 Jan 2006, 15:04 UTC") }

// Machine is an instant for the datetime attribute.
func Machine(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

// Relative says how far at is from now, in the coarsest unit that helps.
func Relative(at, now time.Time) string {
	d := now.Sub(at)
	if d >= 0 {
		if d < 45*time.Second {
			return "just now"
		}
		return span(d) + " ago"
	}
	return "in " + span(-d)
}

// Left says how much of a wait is left: "1 min 20 s".
func Left(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	switch {
	case s <= 0:
		return "0 s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	case s%60 == 0:
		return fmt.Sprintf("%d min", s/60)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

func span(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return strconv.Itoa(n) + " " + unit + "s"
	}
	switch {
	case d < time.Minute:
		return count(int(d.Seconds()), "second")
	case d < time.Hour:
		return count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour")
	case d < 60*24*time.Hour:
		return count(int(d.Hours())/24, "day")
	case d < 730*24*time.Hour:
		return count(int(d.Hours())/24/30, "month")
	}
	return count(int(d.Hours())/24/365, "year")
}

// qrPath draws a bit matrix as one path, runs of a row at a time, with the
// quiet zone of four modules that readers need.
func qrPath(q [][]bool) string {
	var b strings.Builder
	for y, row := range q {
		for x := 0; x < len(row); {
			if !row[x] {
				x++
				continue
			}
			from := x
			for x < len(row) && row[x] {
				x++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+4, y+4, x-from, x-from)
		}
	}
	return b.String()
}

func qrBox(q [][]bool) string {
	side := strconv.Itoa(len(q) + 8)
	return "0 0 " + side + " " + side
}

// Meter is a quiet bar that runs empty between two instants.
type Meter struct {
	From, To, Now time.Time
	Label         string // what ends, such as "This request"
}

func (m Meter) left() time.Duration { return max(0, m.To.Sub(m.Now)) }

// share is how much of the bar is full, in per cent.
func (m Meter) share() string {
	whole := m.To.Sub(m.From)
	if whole <= 0 {
		return "0%"
	}
	return strconv.FormatFloat(min(100, 100*m.left().Seconds()/whole.Seconds()), 'f', 2, 64) + "%"
}

func (m Meter) seconds() string {
	return strconv.FormatFloat(max(0.01, m.left().Seconds()), 'f', 2, 64) + "s"
}

func (m Meter) secondsLeft() string { return strconv.Itoa(int(math.Ceil(m.left().Seconds()))) }

// Gauge is a ring that is filled in equal parts.
type Gauge struct {
	Filled, Parts int
	Label         string
}

// arcs gives each part of the ring as a dash pattern and an offset on a path of length 100.
func (g Gauge) arcs() []arc {
	n := max(1, g.Parts)
	part, gap := 100/float64(n), 4.0
	if n == 1 {
		gap = 0
	}
	all := make([]arc, n)
	for i := range all {
		all[i] = arc{
			Dash:   fmt.Sprintf("%.2f %.2f", part-gap, 100-part+gap),
			Offset: fmt.Sprintf("%.2f", -(part*float64(i) + gap/2)),
			Filled: i < g.Filled,
		}
	}
	return all
}

type arc struct {
	Dash, Offset string
	Filled       bool
}

// Count is a number as text.
func Count(n int) string { return strconv.Itoa(n) }
