// Package search finds people, groups, phones, requests, cases and tickets in a tenant by what
// somebody types into one box.
//
//	people    every word typed begins a word of their name, or it begins their sign-in name
//	groups    their name begins with it
//	phones    the id of the phone, or of its account, begins with it: eight letters or more
//	requests  for approval, by their id
//	cases     by their number
//	tickets   that something was done under, by the beginning of their name
//
// Of each kind there are a few; whoever wants more types more. Each is found by a
// range of an index, so it costs the same among a hundred people and among a
// million. What somebody has no permission to see is not looked for, and outside
// the groups that a role is limited to there is nobody.
package search
