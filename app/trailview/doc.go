// Package trailview keeps views of the audit: filters that somebody set on its page, under a
// name (product.md §8).
//
//	saved: private ──Share──▶ shared        Rename, Replace: another name, other filters
//	          ▲──────Unshare────┘           Delete: from either
//
// A view has no rows in it. Whoever opens one asks the audit with its filters, and sees what
// their own Sight shows (package trail); a range of time such as the last seven days stays
// that range.
//
// # Who sees which
//
// Its owner sees a view, as long as they may read the audit of the tenant. One that is shared
// is for those besides who may ask all that is in it (Audience):
//
//	Whole      something that somebody typed: words, an address, a name, an id; or what
//	           a sign-in was proved with                                           who sees everything, unmasked and of everybody
//	Security   an action that is a security event                                  whom security events are told
//	Everybody  actions, outcomes and times                                         who may read the audit
//
// For others it is not there, and neither is its name: not in a list, not under its address,
// and no number tells of it. When other filters would be for more people than those before,
// the view is private again: its name was chosen for fewer.
//
// Whose a shared view is, is told to who sees what everybody does.
//
// # Whose it is
//
// The owner alone changes a view. A shared one is deleted by its owner, or by who holds
// audit.verify. Private ones go with who owns them: when they may read the audit no more
// (Lapse), and when they are erased from it (Erase).
//
// Every act is an event. The name of a view and the words in it are as somebody typed them,
// so they stand beside the event, where they can be erased.
package trailview
