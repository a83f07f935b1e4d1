// Package photo keeps the picture of a person that the helpdesk looks at when somebody
// stands at the desk and says who they are (product.md §5). A picture finds, it proves
// nothing: no act rests on it.
//
//	file ── Read ──▶ square JPEG ── Put ──▶ the one photo of its person
//
// What somebody brings is never shown: it is decoded within bounds, turned upright, cut
// to a square and written anew, so that places, names of cameras and whatever else hides
// in a file are gone. Who may see a person may see the photo; it stands in their page and
// has no address of its own.
package photo
