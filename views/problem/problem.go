// Package problem holds the one page for everything that went wrong.
package problem

import (
	"net/http"
	"time"
)

// Problem is a failure in words: what happened and what to do next.
type Problem struct {
	Status    int
	Heading   string
	Sentence  string
	Next      string    // what to do next
	RetryAt   time.Time // when it is worth trying again; zero when unknown
	Link      string    // address of the way on; or empty
	LinkLabel string
}

// For gives the words of a status. They never say which factor failed or
// whether something exists.
func For(status int) Problem {
	v := Problem{Status: status, Link: "/", LinkLabel: "Go to the start page"}
	switch status {
	case http.StatusBadRequest:
		v.Heading, v.Sentence, v.Next = "We could not read that", "The request was incomplete or damaged on its way.", "Go back and try once more."
	case http.StatusUnauthorized:
		v.Heading, v.Sentence, v.Next = "That did not work", "We could not sign you in with what was given.", "Start again, or choose another way to sign in."
		v.Link, v.LinkLabel = "/signin", "Start again"
	case http.StatusForbidden:
		v.Heading, v.Sentence, v.Next = "You may not do this", "Your account does not have the right to do this, or the page was open for too long.", "Load the page again. If it stays, ask your administrator."
	case http.StatusNotFound:
		v.Heading, v.Sentence, v.Next = "Nothing here", "This page does not exist, or it is not meant for you.", "Check the address, or begin from the start page."
	case http.StatusMethodNotAllowed:
		v.Heading, v.Sentence, v.Next = "Not like this", "This address does not take that kind of request.", "Go back and use the buttons on the page."
	case http.StatusConflict:
		v.Heading, v.Sentence, v.Next = "Already settled", "Somebody was faster, or this was changed in the meantime.", "Load the page again to see how things stand now."
	case http.StatusGone:
		v.Heading, v.Sentence, v.Next = "Its time is over", "This link or request was good for a short time only.", "Ask for a new one."
	case http.StatusRequestEntityTooLarge:
		v.Heading, v.Sentence, v.Next = "Too large", "More was sent than this page takes.", "Send less, and try again."
	case http.StatusUnsupportedMediaType:
		v.Heading, v.Sentence, v.Next = "Not in this form", "This page does not take that kind of content.", "Go back and use the form on the page."
	case http.StatusUnprocessableEntity:
		v.Heading, v.Sentence, v.Next = "Something is missing or wrong", "A field was left empty or does not fit.", "Go back and look at the form again."
	case http.StatusTooManyRequests:
		v.Heading, v.Sentence, v.Next = "Too many tries", "To keep accounts safe we have stopped taking tries for a while.", "Wait a little, then try again. Nothing is lost."
		v.Link, v.LinkLabel = "/signin", "Back to sign-in"
	case http.StatusServiceUnavailable:
		v.Heading, v.Sentence, v.Next = "Not available right now", "We could not do this safely, so we have not done it. Nothing has changed.", "Try again in a minute."
	default:
		v.Heading, v.Sentence, v.Next = "That was our mistake", "Something went wrong on our side. Nothing was done by halves.", "Try again. If it stays, tell the helpdesk the number below."
	}
	return v
}
