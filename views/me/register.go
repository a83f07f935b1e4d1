package me

import "time"

// Register asks somebody, between their sign-in and where they go, to register a phone.
type Register struct {
	TenantName string
	ReturnTo   string // where they go
	Required   bool   // it cannot be put off any more
	Left       string // how often it still can, in words
	Skip       string // the words of the button that puts it off
	Added      string // name of a phone that is added and does not sign them in yet; or empty
	Help       string // address of the page for who cannot
}

// RegisterHelp is for who has no fitting phone.
type RegisterHelp struct {
	TenantName string
	Platforms  string
	ReturnTo   string
	Back       string
	AskedAt    time.Time // when they told the helpdesk; zero: they did not
}
