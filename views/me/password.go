package me

import (
	"time"

	"latchkey/views/component"
)

// Password is what is known of the password of a person, and the form for another.
type Password struct {
	UserName string
	Set      bool
	SetAt    time.Time // zero: before it was noted
	Least    int       // characters that it needs
	Errors   map[string]string
}

func (v Password) problems() []component.Problem {
	return component.Problems(v.Errors, "password", "password_again")
}
