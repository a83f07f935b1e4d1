package component

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

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
	Words         string // key of the sentence; {left} in it is what is left
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
