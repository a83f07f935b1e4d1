package signals

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
)

// Hours are when the desk of a tenant works: on Days, from From until Until of the clock of
// Zone, minutes after midnight. Until may be before From: it is on the next day then. The zero
// value says nothing: then no time is out of hours.
type Hours struct {
	Zone  string         `json:"zone,omitempty"` // as in the IANA database
	From  int            `json:"from,omitempty"`
	Until int            `json:"until,omitempty"`
	Days  []time.Weekday `json:"days,omitempty"` // on which it begins
}

const dayMinutes = 24 * 60

// Set says whether a tenant has named its hours.
func (h Hours) Set() bool { return len(h.Days) > 0 }

// Within says whether the desk works at a moment.
func (h Hours) Within(now time.Time) bool {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil || !h.Set() {
		return true // a machine without zones accuses nobody
	}
	there := now.In(zone)
	minute, day := there.Hour()*60+there.Minute(), there.Weekday()
	if h.From < h.Until {
		return minute >= h.From && minute < h.Until && slices.Contains(h.Days, day)
	}
	return minute >= h.From && slices.Contains(h.Days, day) || minute < h.Until && slices.Contains(h.Days, (day+6)%7)
}

// Wider says whether there are moments in these hours that were out of hours before: less
// stands out then.
func (h Hours) Wider(was Hours) bool {
	if !was.Set() {
		return false
	}
	if !h.Set() || h.Zone != was.Zone {
		return true
	}
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return true
	}
	for minute := range 7 * dayMinutes {
		at := time.Date(2026, 1, 5, 0, minute, 0, 0, zone) // a week without a change of clocks anywhere
		if h.Within(at) && !was.Within(at) {
			return true
		}
	}
	return false
}

// Wrong says what of hours cannot be, by the fields of their form.
func (h Hours) Wrong() error {
	if !h.Set() {
		return nil
	}
	fields := map[string]string{}
	if _, err := time.LoadLocation(h.Zone); err != nil || h.Zone == "" || h.Zone == "Local" {
		fields["zone"] = "ramp.zone"
	}
	if h.From < 0 || h.From >= dayMinutes {
		fields["from"] = "signals.time_form"
	}
	if h.Until < 0 || h.Until >= dayMinutes || h.Until == h.From {
		fields["until"] = "signals.time_form"
	}
	for _, d := range h.Days {
		if d < time.Sunday || d > time.Saturday {
			fields["days"] = "signals.days_form"
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

// ReadHours reads what Text wrote.
func ReadHours(text string) (h Hours, err error) {
	if text == "" {
		return h, nil
	}
	return h, json.Unmarshal([]byte(text), &h)
}

// Text is how hours are kept; none are an empty text.
func (h Hours) Text() string {
	if !h.Set() {
		return ""
	}
	text, _ := json.Marshal(h) //nolint:errchkjson // it is numbers and a name
	return string(text)
}

// Clock is minutes after midnight as a clock shows them.
func Clock(minutes int) string {
	return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC).Format("15:04")
}

// Minutes reads what a clock shows; what is none is -1.
func Minutes(clock string) int {
	at, err := time.Parse("15:04", strings.TrimSpace(clock))
	if err != nil {
		return -1
	}
	return at.Hour()*60 + at.Minute()
}

// HoursOf gives the hours of a tenant's desk.
func HoursOf(tx *store.Tx, tenantID string) (h Hours, err error) {
	var text string
	ok, err := tx.One(&text, "SELECT desk_hours FROM tenants WHERE id = ?", tenantID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return h, err
	}
	return ReadHours(text)
}
