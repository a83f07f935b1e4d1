// Package importing takes people over from a list: a table as CSV, with a line of
// headings and a line for each person.
//
//	name          the sign-in name, in a verified domain of the tenant
//	display_name  how the person is called; empty leaves what is there
//	groups        names of groups, parted by semicolons; the person joins them
//	manager       the sign-in name of their manager, who is there or in the list; empty
//	              leaves what is there
//
// A list makes people and changes them. It takes nothing away: nobody leaves a
// group, nobody is locked or deleted because they are not in it.
//
//	upload ──▶ checked ──run──▶ running ──▶ done
//	              │                └──────▶ failed, and nothing has changed
//	              └─ one problem is enough: it cannot be run
//
// Checking reads and judges every line as it would be carried out, and changes
// nobody. Running is one act that is asked for like any other (package approval):
// each line asks access what an act on that person would ask, so whoever may not
// add somebody to a group with a role may not import them into it either. It is
// carried out by whichever replica takes it up, in one transaction: every line is
// judged again there, and when one reads differently than it was checked, or is
// refused, nothing changes.
//
// A replica that carries an import out gives signs of life; one that gave none for
// a while has lost it, and another one may take it up. Only the one that holds it
// can end it.
package importing
