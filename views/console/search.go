package console

// Search is what was found by what somebody typed.
type Search struct {
	Typed    string
	Count    int
	Full     bool // there may be more
	Sections []FoundSection
}

// FoundSection is what was found of one kind.
type FoundSection struct {
	Kind  string // "people", "groups", "cases", "phones", "sheets", "requests", "tickets"
	Title string
	Rows  []FoundRow
}

// FoundRow is one thing that was found.
type FoundRow struct{ Title, Note, Tag, Href string }

func (s FoundSection) icon() string {
	switch s.Kind {
	case "people":
		return "users"
	case "groups":
		return "grid"
	case "phones":
		return "phone"
	case "cases":
		return "case"
	case "sheets":
		return "printer"
	case "tickets":
		return "ticket"
	}
	return "check"
}
