// Package consumer hands every audit event of a tenant to programs outside, such as a SIEM
// (product.md §8).
//
//	added ──▶ active ◀──▶ paused        removed: nothing is kept
//
// A consumer follows the tree of its tenant (package checkpoint): it gets the events from
// one place on, in their order and without a gap. Where it is moves by one conditional
// statement after it has taken a batch, and while it does not take one it is asked again,
// later each time, at most a quarter of an hour apart, for as long as it is there. So it
// gets each event at least once; which comes twice is told by its number. One replica at a
// time is at a consumer, by a claim that lapses. When one has taken nothing for an hour the
// security administrators are told, once.
//
// # A webhook
//
// gets a POST with a JSON body and the headers of the webhook of package provider, by the
// same rules: Idempotency-Key, Latchkey-Timestamp, and Latchkey-Signature under the secret
// that was shown once.
//
//	{"kind":"events","consumer":"…","tenant":"alder","first":1042,"next":1044,"events":[
//	  {"sequence":7,"n":1042,"record":"{\"v\":1,…}","event":{…}}, …],"checkpoint":"note"}
//
// and wants 2xx. sequence counts what this consumer was to get, from 1; n is the place in
// the tree. Neither has a gap, and first is the next of the batch before: but for what was
// dropped from the audit (package retention) before this consumer got it, which it is not for
// one that takes events at least once in thirty days. record has the
// canonical bytes: SHA-256 of 0x00 and them is the leaf n of the tree (RFC 9162 §2.1), so
// that whoever has all of them from 0 on reckons the root which the signed checkpoint
// names, and whoever began later asks for proofs (package checkpoint). event is the same
// for people, as JSON or OCSF (package eventform).
//
//	{"kind":"test","consumer":"…","tenant":"alder"}
//
// is sent on demand.
//
// # Syslog
//
// gets one message for each event over TLS 1.2 or later (RFC 5425), counted by octets, with
// the sequence as its sequenceId and n in CEF or JSON. The protocol has no answer: a batch
// counts as taken when all of it was written, the end of the stream was said and the other
// side did not break off. The certificate must be one of the system's authorities, or of
// those that were given.
package consumer
