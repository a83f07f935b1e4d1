// Package console has the pages of those who administer a tenant.
package console

import "time"

// Chooser lists the tenants that a person may enter.
type Chooser struct {
	Tenants  []Tenant
	Operator bool // who enters where a tenant lets them in
}

// Tenant is one of them.
type Tenant struct {
	Name   string
	Role   string // in words: "Security administrator"
	Region string
	Href   string
	EndsAt time.Time // zero: the role does not end by itself
}

// Overview is what needs attention in a tenant.
type Overview struct {
	Attention []Attention
	Facts     []Fact
}

// Attention is one thing to do.
type Attention struct {
	Text, Why, Href, Label string
	Tone                   string // "bad", "warn" or ""
}

// Fact is a name and a value.
type Fact struct {
	Name, Value, Href string
}
