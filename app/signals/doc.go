// Package signals shows how agents of the helpdesk let people in, so that somebody who does
// it otherwise than the others is seen (product.md §5).
//
//	bypass given ──mark──▶ out of hours? the same person again? of their own team?
//	     │                 by what held in that moment
//	     └─ its end, its check ─┐
//	caller checks, approvals ───┴─count──▶ figures by agent and week ──▶ compared with peers
//
// The figures of an agent and a week are: bypasses given; those without a caller check,
// which no path can give, so this one is 0 and the query that proves it runs each time; by
// the weakest way of check, the word of a manager; outside the hours of the desk; for the
// same person by the same agent within 30 days; never used; taken back by their person;
// for people of the agent's own team, which is a group of at most TeamMost that both are in,
// or the same manager; checks that were refused, or held by a brake; and approvals asked for
// and refused. The same bypass may count for several. Who has an account elsewhere than
// where they work is nobody's signal.
//
// A figure is flagged when it is far above those of the other agents of the tenant, by Far:
// the agent has at least SampleLeast of what it is a share of and FlagLeast of the figure,
// the others have PeersLeast agents and PeersSample, and the agent's share is Factor times
// that of all the others together, where a share of none counts as one. One without a
// caller check is flagged as it is. That is a reason to ask, and no verdict.
//
// Who sees it: whoever reads the audit, as far as they read it (roles.md, audit.read). An agent
// sees themselves, without a comparison; whoever is limited to groups sees what was done for
// people in them, and the comparison is among that. Looking is an audit event. Leads are told
// once a week at most that there is something to look at.
package signals
