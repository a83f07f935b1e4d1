// Package trail reads the audit as somebody may read it (product.md §8; roles.md, the rows of
// the audit).
//
//	who asks ──SightOf──▶ Sight: rows, columns, age
//	what for ───────────▶ Query: times, actor, target, action, outcome, words
//	                          │
//	     ┌──────────────┬─────┴───────┬──────────────┬────────────┐
//	   Find           Story         Each           Count         Tail
//	a page, both    the oldest    all of them,    how many,   what comes in,
//	ways            first         for files       up to most  for a live list
//
// For charts Actions and Ways count what Find would give, by the hour or the day; Names gives
// people who are in it, for who may look at people nowhere else.
//
// # Sight
//
// Rows: a user their own events; the helpdesk, and whoever holds a custom role, their own acts
// and the cases they handle (open ones, and those that ended in the last 30 days); a lead what
// the helpdesk does; a tenant administrator everything but security events; security
// administrators and auditors everything. Outside the groups that a role is limited to nothing
// happened. Age: the helpdesk 90 days, a lead 400, the others as far as it goes.
//
// Columns: without audit.read_personal an address is its network, and a name as it was typed is
// not there. Of their own acts everybody sees their own.
//
// What somebody does not see they cannot ask for either: Sight stands in every query as a
// condition of its rows, whatever is asked, so that pages, counts, files and the tail are one
// thing; a question about a column that is masked finds nothing, whether or not there is
// something; order is by time alone.
//
// # Cost
//
// A query walks one index in the order of time, that of a column or of a word, and filters what
// it meets by the rest, and never by all of it: WindowMost events for a page. When they are through before
// the page is full, the page says how far it has looked, and the next one goes on from there.
// So a page costs the same among ten thousand and among ten million events.
//
// Charts likewise: of who sees all of a tenant each figure is read from an index alone, up to
// its share of countedMost; of everybody else events are looked at, the newest first, up to
// walkedMost. A figure that there may be more of says so (Figure.More).
//
// Words are found whole, in what people gave as a reason and what stands beside it. A code such
// as signin.password_wrong finds the events with that reason, and an address those that came
// from it. What is rare among events has a word that nobody types, a mark (package audit): whoever
// acts on others, what is not a person, what did not succeed, a code, what the helpdesk does. So an
// event of a sign-in that goes well, which most are, opens no index of what it is not.
//
// # Looking
//
// Looking is an event, written before anything is shown (Looks): one for a query and its
// reader, however many of its pages they turn within LookLife.
package trail
