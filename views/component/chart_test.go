package component

import (
	"math"
	"strings"
	"testing"
)

func TestAChartReachesToARoundFigure(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 2: 2, 7: 8, 9: 10, 11: 20, 28: 30, 101: 200, 999_999: 1_000_000} {
		c := Chart{Labels: []string{"a"}, Series: []Series{{Values: []float64{v}}}}
		if got := c.most(true); got != want {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}

func TestColumnsStandOnOneAnother(t *testing.T) {
	c := Chart{Labels: []string{"a", "b"}, Series: []Series{{Name: "one", Values: []float64{30, 0}}, {Name: "two", Values: []float64{10, 20}}}}
	all := c.columns()
	if len(all) != 3 {
		t.Fatalf("%d parts: what is nothing is not drawn", len(all))
	}
	if all[0].Y != "30.50%" || all[0].H != "55.50%" || all[1].Y != "12.00%" || all[1].H != "18.50%" || all[0].Text != "a: one 30" || all[2].Class != "chart-b" {
		t.Errorf("%+v", all)
	}
}

func TestALineLeavesOutWhatIsNoNumber(t *testing.T) {
	c := Chart{Labels: []string{"a", "b", "c"}, Series: []Series{{Values: []float64{0, math.NaN(), 50}}}}
	if got := strings.Fields(c.line(c.Series[0])); len(got) != 2 || got[0] != "166.7,86.00" || got[1] != "833.3,12.00" {
		t.Errorf("%q", got)
	}
}

func TestLabelsHaveRoom(t *testing.T) {
	for n, want := range map[int][2]int{1: {1, 1}, 5: {5, 5}, 7: {4, 4}, 30: {5, 3}, 31: {5, 3}} {
		c := Chart{Labels: make([]string, n)}
		drawn, narrow := c.bottom(), 0
		for _, l := range drawn {
			if !l.Between {
				narrow++
			}
		}
		if len(drawn) != want[0] || narrow != want[1] || drawn[0].Between {
			t.Errorf("of %d labels %d are drawn, %d on a narrow page, want %v", n, len(drawn), narrow, want)
		}
	}
}

func TestPartsOfABarAreSharesOfTheWhole(t *testing.T) {
	b := Bar{Of: 200, Parts: []int{200, 50, 0}}
	if got := strings.Join(b.widths(), " "); got != "100.00% 25.00% 0.00%" || b.shade(2) != "bar-c" || b.shade(0) != "bar-a" {
		t.Errorf("%s", got)
	}
	if b := (Bar{Parts: []int{7}}); b.widths()[0] != "0.00%" || b.shade(0) != "bar-c" {
		t.Errorf("of nobody: %v", b.widths())
	}
}
