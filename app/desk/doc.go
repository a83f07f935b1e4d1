// Package desk keeps what a tenant says of its helpdesk (product.md §5, §9): the
// ceilings of bypasses, which ways of a caller check it takes, its own reasons and the
// form of its tickets. It has no acts on people: those packages ask it.
//
//	Ceilings  how long, how often, what and how it is delivered: cases, bypasses and
//	          checks ask them each time that something is given, made or used, so a
//	          lower one holds at once, also for what was approved before
//	Reasons   a list in the order of the tenant. Each has a code and words, says
//	          whether it takes a ticket, and what is usual for it. Whoever chooses one
//	          leaves out the rest. What was given keeps the code and the words of then,
//	          so that one that is removed is missed nowhere
//	Pattern   what the tickets of the tenant look like, in the notation of RE2, over the
//	          whole of the name; large and small letters are the same. It is asked when
//	          a ticket is typed for a case, a caller check or a bypass that is given, and
//	          never of one that stands already; nobody is stopped by it from taking back
//
// A reason is a preset and no permission: what it says is asked like what a form says.
//
// A higher ceiling, one more kind, delivery or way, another pattern or none, reasons in
// words of one's own, and one reason less that takes a ticket, while another one takes
// none, are loosening, and need a second person (roles.md). That a pattern is wider than another one nobody can tell,
// so any other one counts as that.
package desk
