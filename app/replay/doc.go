// Package replay tries rules on sign-ins that were (product.md §4).
//
// Every decision about a sign-in is kept with what it was made of and the rules that
// held (package decision). A replay makes each of them twice more: by its own rules,
// which must give what is kept, or the program is wrong; and by a draft, which tells
// who would be stopped, asked or let in that was not. It changes nothing.
//
//	begun ──▶ running ──▶ done       some whoever is at it has lost are taken up by another,
//	              └────▶ failed      from where they were
//
// A tenant may want a replay of exactly a draft before that becomes its rules (Fresh).
//
// A replay goes from the newest decision back, some thousands at a time, and notes after
// each how far it is. So it can be left and come back to, and a restart costs little.
package replay
