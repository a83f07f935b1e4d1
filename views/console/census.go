package console

import (
	"time"

	"latchkey/views/component"
)

// Censuses is the list of the censuses of a tenant.
type Censuses struct {
	Action  string
	May     bool // who looks may have one taken
	Open    bool // the form came back
	Reason  string
	Errors  map[string]string
	Key     string // where the public key is
	Figures []string
	Rows    []CensusRow
	Chart   component.Chart
}

// CensusRow is one of them.
type CensusRow struct {
	Number, Href, Title, Week, MadeBy string
	MadeAt                            time.Time
	Rising                            bool // some figure is
	Figures                           []CensusFigure
}

// CensusFigure is one figure with what it was before.
type CensusFigure struct {
	Name, Count string
	Change      string // such as +3; empty: none
	Rising      bool
	Means       string
	Behind      []CensusBehind
	More        string // how many there are whose names were not kept; empty: none
}

// CensusBehind is one of those behind a figure.
type CensusBehind struct{ Name, Href string }

// Census is one, as a page of its own.
type Census struct {
	CensusRow
	Back, File, Signature, Key, KeyHref string
	Sees                                bool // who looks may see who is behind the figures
	FirstOne                            bool // there is none before it
	Broken                              bool // the one before is not what it says
}

func risingTone(rising bool) string {
	if rising {
		return "warn"
	}
	return ""
}
