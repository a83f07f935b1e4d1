// Package outage is for the day on which what a tenant reaches its people by is down:
// push, SMS, calls or mail (product.md §7).
//
//	a channel fails ─▶ proposed ─┐
//	                             ├─ask─▶ four eyes ─approve─▶ running ─┬─ its time is over ──▶ ended (clock)
//	somebody sees it ────────────┘                                     ├─ by hand, a reason ─▶ ended (hand)
//	                                                                   └─ the feature off ───▶ ended (feature)
//	                                                                                              │
//	rehearsed (a drill): nothing changes,                      each use is looked at, and then    ▼
//	who could sign in is counted                               the whole ─────────────────▶ signed off
//
// An outage says what failed, why, for whom (everybody, or groups), what it relaxes and
// until when: four hours at most. What it may relax is a fixed list (package relaxation,
// which decides by it). Two people declare it, and the second one approves exactly what
// the first one asked for. A tenant has one at a time: the index lets no second one in.
// To end it early tightens, and takes one person and a reason.
//
// Over is over in that second, wherever it is asked. The sweep only writes it down, tells
// who runs the tenant, and asks for the review: every sign-in, session and bypass that
// used a relaxation is signed off by a security administrator who neither asked for the
// outage nor approved it, and never one's own.
//
// The feature outage_mode is one of the tenant. Its rule says who of those who run it may
// ask for an outage: a percentage or a pilot group is of them. An outage that runs is for
// everybody in its scope, for as long as the rule lets anybody have the feature; off, it
// has no effect from that moment, on any replica, and the sweep ends it.
//
// How the channels do is counted minute by minute as messages are tried (package notify),
// in rows that all replicas share. One that fails by RateMost of SampleLeast tries within
// Window begins a time of failure: one row, by whichever replica is first, and one notice.
// What a receiver is to blame for, such as a number that there is not, is no failure of a
// channel.
//
// A drill asks who could sign in if these channels were down: by what people have bound,
// what rules let them use, and without what needs the channels. The phone counts as one
// that needs push: it answers a request that it is not told of, but only who knows opens it.
package outage
