// Package relaxation says what a running outage of a tenant loosens, for whom, and keeps
// who made use of it (product.md §7).
//
//	outage declared ──▶ running ──▶ its time is over, ended by hand, or the feature off
//	                       │
//	                       └─ each place that decides asks here: in the statement, at its moment
//
// There are five relaxations and no others (All). None lets in by a password alone, asks
// less than an application asks, or shortens what an administrator has to prove:
//
//   - held_back_ways: ways in that people have bound and that a stage of the rollout keeps
//     from them count for signing in (feature.Table.Ways). A feature that is off, or only
//     reported, stays so, excluded groups stay out, and what the platform has not released
//     is not there; what the rules of ways in say (package method) holds. Codes to backup phones, which
//     are the weaker way, are opened to nobody who held an administrative role when it was
//     declared. Nothing new is bound by it. A session that such a way made ends with the outage, because
//     the way is off again.
//   - longer_sessions: a session whose whole time would be over meanwhile goes on to the
//     end of the outage. Idle limits, locks and revocations hold, the console closes when
//     it would have, and what a bypass or a static passcode made ends when it would have.
//   - read_out: an agent may read out a bypass code where the tenant forbids it, because
//     there is no second channel; so it goes with an outage of SMS or calls alone.
//   - more_bypasses: an agent gives twice as many bypasses in an hour without a second
//     person.
//   - no_campaign: nobody is asked to register a phone.
//
// An outage is over in the second in which its time is, whoever has written it down: the
// conditions here ask for the moment of the act. They ask as well whether the feature
// outage_mode is on for somebody in the tenant: off, it has no effect from then on. An
// outage of groups is for those who were in them when it was declared.
//
// What is used is kept in the act that uses it (Record), so that somebody looks at it
// afterwards; package outage has the list, and how an outage is declared.
package relaxation
