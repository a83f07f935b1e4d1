package eventform

import (
	"fmt"
	"strconv"
	"strings"
)

// Of RFC 5424: the facility of audits of a log, and three severities.
const (
	facilityAudit = 13

	levelWarning = 4
	levelNotice  = 5
	levelInfo    = 6
)

// Syslog is an event as a message of RFC 5424 in the frame of its octets (RFC 6587 §3.4.1),
// which a line end inside cannot break. host is who sends it. sequence is that of its
// consumer; in the message it begins anew after 2147483647 (RFC 5424 §7.3.1).
func Syslog(f Form, e Event, host string, sequence int64) ([]byte, error) {
	line, err := Line(f, e)
	if err != nil {
		return nil, err
	}
	level := levelInfo
	switch e.severity() {
	case severityHigh, severityMedium:
		level = levelWarning
	case severityLow:
		level = levelNotice
	}
	const wraps = 1<<31 - 1
	message := fmt.Sprintf(`<%d>1 %s %s latchkey - %s [meta sequenceId="%d"] %s`,
		facilityAudit*8+level, e.At.UTC().Format(instant), named(host, 255), named(e.Action, 32), (sequence-1)%wraps+1, line)
	return append([]byte(strconv.Itoa(len(message))+" "), message...), nil
}

// named is a field of the head: visible ASCII, without spaces.
func named(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '_'
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), most)]
}
