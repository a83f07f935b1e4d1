package console

import "latchkey/views/component"

// Places is what the organisation calls the places that its people come from.
type Places struct {
	Base    string // address of this page, to which the acts are added
	Address string // of whoever looks
	Where   string // and where that is, in words
	Rows    []PlaceRow
	Full    bool // no more can be named
	Modes   []component.Choice
	Reason  string
	Errors  map[string]string
}

// PlaceRow is one place.
type PlaceRow struct {
	ID, Name  string
	Networks  []string
	Countries []string // by name
}

// PlaceForm is a place to be named, or changed.
type PlaceForm struct {
	Base   string // address of the list
	Action string
	Title  string
	Typed  PlaceTyped
	Known  bool // the service knows countries
	Errors map[string]string
}

// PlaceTyped is the form as typed.
type PlaceTyped struct{ Name, Networks, Countries, Reason, Version string }

func (v PlaceForm) problems() []component.Problem {
	return component.Problems(v.Errors, "name", "networks", "countries", "reason", "ticket")
}
