package console

import (
	"time"

	"latchkey/views/component"
)

// Applications is what people of the organisation sign in to.
type Applications struct {
	Base   string // address of this page, to which the acts are added
	Issuer string
	Rows   []ApplicationRow
}

// ApplicationRow is one application.
type ApplicationRow struct {
	Name, Href  string
	State, Tone string
	Kind        string
	For         string // whom it is for
	Frequency   string // when they prove it again
	Strength    string
}

// ApplicationForm is an application to be registered, or changed.
type ApplicationForm struct {
	Base     string // address of the list
	Action   string
	Title    string
	Typed    ApplicationTyped
	Kinds    []component.Choice // of a new one
	Strength []component.Choice
	Groups   []component.Choice
	Set      *ApplicationSet // nil: it is new
	Errors   map[string]string
}

// ApplicationTyped is the form as typed.
type ApplicationTyped struct{ Name, Redirects, Logouts, Start, Frequency, Reason, Version string }

// ApplicationSet is what stands about one that is there.
type ApplicationSet struct {
	ID, Kind, Issuer, Discovery string
	Name                        string
	Off                         bool
	Secret                      bool // it has one
	SecretAt                    time.Time
}

// ApplicationSecret is a secret that is shown once.
type ApplicationSecret struct {
	Name, ID, Secret, Back string
}

func (v ApplicationForm) problems() []component.Problem {
	return component.Problems(v.Errors, "name", "kind", "redirects", "logouts", "start", "frequency", "strength", "groups", "reason", "ticket")
}
