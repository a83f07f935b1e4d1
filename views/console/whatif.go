package console

import "latchkey/views/component"

// WhatIf is a described sign-in and what becomes of it.
type WhatIf struct {
	Action       string
	PolicyHref   string
	User         string // as typed, or the name of who was found
	Address      string
	Known        bool
	Applications []component.Choice
	AtHand       []component.Choice
	Errors       map[string]string
	Problems     []component.Problem

	Answered bool
	Answer   string
	Facts    []WhatIfFact
	Ways     []WhatIfWay
}

// WhatIfFact is something that the answer rests on.
type WhatIfFact struct{ Label, Text string }

// WhatIfWay is what becomes of it by one way.
type WhatIfWay struct {
	Title   string
	Outcome string
	Tone    string
	Text    string
	Rules   []WhatIfRule
}

// WhatIfRule is what one rule says.
type WhatIfRule struct {
	Text    string
	Says    string
	Tone    string
	Decides bool
}
