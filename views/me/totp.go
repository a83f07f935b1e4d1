package me

import "time"

// TOTP is the authenticator app of a person, or that there is none.
type TOTP struct {
	Bound      bool
	AddedAt    time.Time
	LastUsedAt time.Time // zero for never
	RemoveText string    // what removing it means
	WhyNotAdd  string    // empty: one can be set up
}

// NewTOTP is a seed to scan or to type, and the code that proves it.
type NewTOTP struct {
	Action    string
	QR        [][]bool // true for dark
	Seed      string   // in groups of four
	PhoneHref string   // opens the phone app, which takes the seed
	StartedAt time.Time
	ExpiresAt time.Time
	Error     string
	Instead   bool // it will take the place of another one
}
