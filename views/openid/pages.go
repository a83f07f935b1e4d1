// Package openid has the pages between an application and this program.
package openid

// GoOn leads on to an application.
type GoOn struct{ Application, Href string }

// End asks whether to sign out, as an application asked for.
type End struct {
	Action, Application, UserName string
	Fields                        []Hidden
}

// Hidden is a field that a form carries along.
type Hidden struct{ Name, Value string }
