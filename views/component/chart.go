package component

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Chart is figures over days, drawn as columns that stand on one another, or as lines.
// The table behind it has the same figures.
type Chart struct {
	ID     string
	Title  string
	Said   string   // what there is to see, for who does not see it
	Head   string   // of the first column of the table
	Labels []string // along the bottom
	Series []Series // at most five
	Beside []Series // that the table has besides
	Unit   string   // behind each figure in the drawing, such as " %"
	None   string   // said in place of a drawing of nothing; empty: it is drawn all the same
}

// empty says whether there is nothing to draw, and words for that.
func (c Chart) empty() bool {
	for _, s := range c.table() {
		for _, v := range s.Values {
			if v > 0 {
				return false
			}
		}
	}
	return c.None != ""
}

// legend says whether the reader must be told what the series are, or where they lead.
func (c Chart) legend() bool { return len(c.Series) > 1 || c.leads() }

// leads says whether a series leads to what it counts.
func (c Chart) leads() bool {
	return slices.ContainsFunc(c.Series, func(s Series) bool { return s.Href != "" })
}

// table gives what the table has.
func (c Chart) table() []Series { return append(c.Series[:len(c.Series):len(c.Series)], c.Beside...) }

// Series is one kind of figures, one for each label of its chart.
type Series struct {
	Name   string
	Values []float64 // of a line, not a number where there is none
	Texts  []string  // as the table has them; nil: as they are
	Hrefs  []string  // what each of them leads to; nil: nothing
	Href   string    // what all of them lead to; empty: nothing
	All    string    // what they come to; empty: nothing is said
	Bad    bool      // drawn in the colour of what went wrong
}

// href is where a figure leads.
func (s Series) href(i int) string {
	if i < len(s.Hrefs) {
		return s.Hrefs[i]
	}
	return ""
}

// text is a figure in the table.
func (s Series) text(i int) string {
	if i < len(s.Texts) {
		return s.Texts[i]
	}
	return figure(s.Values[i])
}

func figure(v float64) string {
	if v == float64(int(v)) {
		return Thousands(int(v))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// The room of a drawing in percent of its height: above the highest figure, and down to
// the line that columns stand on. Below are the labels.
const (
	chartTop    = 12.0
	chartGround = 86.0
)

// most is what the upper line stands for: the highest figure, or column, rounded up.
func (c Chart) most(stacked bool) float64 {
	most := 0.0
	for i := range c.Labels {
		column := 0.0
		for _, s := range c.Series {
			if stacked {
				column += s.Values[i]
			} else if !math.IsNaN(s.Values[i]) {
				column = max(column, s.Values[i])
			}
		}
		most = max(most, column)
	}
	return roundUp(most)
}

// roundUp gives the next round figure that is not below v.
func roundUp(v float64) float64 {
	for ten := 1.0; ; ten *= 10 {
		for _, step := range []float64{1, 2, 3, 4, 5, 6, 8} {
			if step*ten >= v {
				return step * ten
			}
		}
	}
}

// chartRect is one part of a column.
type chartRect struct {
	X, Y, W, H, Class, Hatch, Text string
}

func percent(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

// columns are the parts of all columns, from the ground up.
func (c Chart) columns() (all []chartRect) {
	most, slot := c.most(true), 100/float64(max(1, len(c.Labels)))
	for i, label := range c.Labels {
		ground := chartGround
		for k, s := range c.Series {
			if s.Values[i] <= 0 {
				continue
			}
			high := s.Values[i] / most * (chartGround - chartTop)
			ground -= high
			all = append(all, chartRect{
				X: percent((float64(i) + 0.15) * slot), Y: percent(ground), W: percent(0.7 * slot), H: percent(high),
				Class: s.class(k), Hatch: c.hatch(k), Text: label + ": " + s.Name + " " + s.text(i),
			})
		}
	}
	return all
}

// class is that of the drawing of a series.
func (s Series) class(series int) string {
	if s.Bad {
		return chartClass(series) + " chart-bad"
	}
	return chartClass(series)
}

func chartClass(series int) string { return "chart-" + string(rune('a'+series%5)) }

// hatch is the pattern over a part, so that its colour is not all that tells it from the
// others. The first series has none.
func (c Chart) hatch(series int) string {
	if series%5 == 0 {
		return ""
	}
	return "url(#" + c.ID + chartClass(series)[len("chart"):] + ")"
}

// line is a series as the points of a line, in a box of 1000 by 100.
func (c Chart) line(s Series) (points string) {
	most := c.most(false)
	for i, v := range s.Values {
		if math.IsNaN(v) {
			continue
		}
		x := 1000 * (float64(i) + 0.5) / float64(max(1, len(c.Labels)))
		points += fmt.Sprintf("%.1f,%.2f ", x, chartGround-v/most*(chartGround-chartTop))
	}
	return points
}

// chartLabel is a text along the bottom.
type chartLabel struct {
	X, Anchor, Text string
	Between         bool // left out where there is little room
}

// bottom are the labels that have room beside one another: five at most, and on a narrow page
// every other of them.
func (c Chart) bottom() (all []chartLabel) {
	each := max(1, (len(c.Labels)+4)/5)
	for i := len(c.Labels) - 1; i >= 0; i -= each {
		anchor := "middle"
		if len(c.Labels) > 7 && i == len(c.Labels)-1 {
			anchor = "end"
		}
		x := 100 * (float64(i) + 0.5) / float64(len(c.Labels))
		if anchor == "end" {
			x = 100
		}
		all = append(all, chartLabel{X: percent(x), Anchor: anchor, Text: c.Labels[i], Between: len(c.Labels) > 7 && len(all)%2 == 1})
	}
	return all
}

// upper is the text at the upper line.
func (c Chart) upper(stacked bool) string { return figure(c.most(stacked)) + c.Unit }

// Bars are counts of people, one below the other; the parts of each lie on one another.
type Bars struct {
	Title string
	Parts []string // what the parts stand for, the largest first; of one part there is no need
	Rows  []Bar
}

// Bar is one of them.
type Bar struct {
	Label string
	Of    int   // that the whole width stands for
	Parts []int // the largest first
	Text  string
}

// widths are the parts in percent of the whole.
func (b Bar) widths() (all []string) {
	for _, n := range b.Parts {
		all = append(all, percent(100*float64(min(n, b.Of))/float64(max(1, b.Of))))
	}
	return all
}

// shade is the class of a part: the last one stands out.
func (b Bar) shade(part int) string { return "bar-" + string(rune('c'-len(b.Parts)+1+part)) }
