// Package console holds the frame of the administrators' pages.
package console

// Chooser lists the organisations that somebody may enter.
type Chooser struct {
	Tenants []Tenant
}

// Tenant is one organisation to enter.
type Tenant struct {
	Name   string
	Slug   string
	Role   string // in words: "Security administrator"
	Region string
	Href   string
}

// Section is a page of the console that so far has its place and its words only.
type Section struct {
	Heading string
	Lead    string // what this place is for
	Empty   string // one sentence when there is nothing to show; or empty
	Facts   []Fact
	Links   []Link
}

// Fact is one line of a list of facts.
type Fact struct {
	Name  string
	Value string
}

// Link is a way on.
type Link struct {
	Label string
	Text  string
	Href  string
}
