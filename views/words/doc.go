// Package words is the catalogue: every text of the pages, one language a file.
//
// A page asks for a text by its key, in the language of the one who reads it:
//
//	words.Say(ctx, "me.phones.remove.title", "name", row.Name)
//
// The context carries the language; without one it is English. A sentence with
// a link or a time in it is a [Sentence]. A text that a script fills in later is
// given to it as it stands by [Template].
//
// Another language is another file in this folder, named by its tag, such as
// de.txt or pt-BR.txt. What it does not have yet is shown in English. How a file
// is written stands at the top of en.txt; a file that is not in order stops the
// program at its start, and the tests before that.
//
// The phone app has a catalogue of its own (static/phone/words.js), because it
// works without the service.
package words
