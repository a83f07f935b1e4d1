// Package operator is what the platform operator does to tenants, from outside.
//
// An operator makes a tenant and hands over the link for its first security
// administrator, keeps its name, region and ring, suspends and resumes it, and
// looks after its domains. None of that opens a tenant: an operator sees how
// many people there are, and nobody's name.
//
//	claimed ──Verify: the token is in DNS──▶ verified ──Remove──▶ gone
//	   │  ▲                                     │
//	   │  └─ others may claim the same ─────────┘ until one has proved it
//	   └──────────────Remove──▶ gone
//
// A domain is proved by a TXT record that only its owner can publish (as in RFC
// 8555 §8.4): _latchkey.<domain> with the token of the claim. Each claim has a
// token of its own, so what one tenant publishes proves nothing for another.
// Whoever proves it first has it; the table domains is the truth for sign-in,
// and claims are only the way there.
//
// The one way inside is a grant: a security administrator of the tenant names
// one operator, a role (auditor or tenant administrator), a reason and an end,
// 72 hours away at most. It ends by the clock, whether or not anything is
// running; Lapse only writes down that it did.
//
// Every act is recorded twice: on the platform, for those who watch operators,
// and in the tenant that it touches, whose own auditors see it too.
package operator
