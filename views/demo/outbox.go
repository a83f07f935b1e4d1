// Package demo has the pages of the demonstration.
package demo

import "time"

// Outbox is the messages that would have been sent, the newest first.
type Outbox struct{ Rows []Message }

// Message is one of them.
type Message struct {
	Icon, To, Subject, Text string
	At                      time.Time
}
