package component

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestHowFarAMomentIs(t *testing.T) {
	const day = 24 * time.Hour
	for _, row := range []struct {
		ago  time.Duration
		want string
	}{
		{0, "just now"},
		{44 * time.Second, "just now"},
		{45 * time.Second, "45 seconds ago"},
		{59 * time.Second, "59 seconds ago"},
		{time.Minute, "1 minute ago"},
		{59*time.Minute + 59*time.Second, "59 minutes ago"},
		{time.Hour, "1 hour ago"},
		{47 * time.Hour, "47 hours ago"},
		{2 * day, "2 days ago"},
		{60 * day, "2 months ago"},
		{729 * day, "24 months ago"},
		{731 * day, "2 years ago"},
		{-time.Second, "in 1 second"},
		{-90 * time.Second, "in 1 minute"},
		{-3 * time.Hour, "in 3 hours"},
		{-4 * day, "in 4 days"},
		{-70 * day, "in 2 months"},
		{-800 * day, "in 2 years"},
	} {
		if got := Relative(t.Context(), noon.Add(-row.ago), noon); got != row.want {
			t.Errorf("%v ago: %q, want %q", row.ago, got, row.want)
		}
	}
}

func TestHowMuchIsLeft(t *testing.T) {
	for left, want := range map[time.Duration]string{
		-time.Second:                 "0 s",
		0:                            "0 s",
		time.Millisecond:             "1 s",
		59 * time.Second:             "59 s",
		time.Minute:                  "1 min",
		80 * time.Second:             "1 min 20 s",
		2 * time.Minute:              "2 min",
		time.Hour + 30*time.Minute:   "1 h 30 min",
		25*time.Hour + 5*time.Second: "25 h 0 min",
	} {
		if got := Left(t.Context(), left); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
}

func TestAMomentInFull(t *testing.T) {
	oslo := time.FixedZone("", 3600)
	if got := Exact(t.Context(), time.Date(2025, 11, 24, 10, 5, 0, 0, oslo)); got != "24 Nov 2025, 09:05 UTC" {
		t.Errorf("got %q", got)
	}
	for month := range 12 {
		at := noon.AddDate(0, month, 0)
		if got := Exact(t.Context(), at); !strings.Contains(got, at.Format(" Jan 2006,")) {
			t.Errorf("%v is shown as %q", at, got)
		}
	}
}

func TestANumberIsReadOutDigitByDigit(t *testing.T) {
	for number, want := range map[string]string{
		"42":      "The number is four two.",
		"1234567": "The number is one two three four five six seven.",
		"08 9":    "The number is zero eight nine.",
	} {
		if got := Heard(t.Context(), number); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}
