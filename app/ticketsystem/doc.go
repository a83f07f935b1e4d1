// Package ticketsystem asks the ticket system of a tenant before somebody is let in by the
// helpdesk, and tells it afterwards (product.md §5). A tenant without one is asked nothing.
//
//	Ask   before the act and outside of any transaction: the answer is kept under the id of
//	      the act, for this ticket, person and agent and for two minutes. Took asks for it
//	      in the act
//	Note  in the act: a row of the outbox, numbered, which is sent at least once and tried
//	      again for a day
//
// An answer lets one act through. One that waits for a second person has taken its answer
// when it was asked for. When there is no answer the tenant has chosen: block, or pass with
// a mark that stands on the bypass and in the audit.
//
// # The contract
//
// The address gets a POST with a JSON body and the headers of the webhook of package
// provider, by the same rules: Idempotency-Key, Latchkey-Timestamp, and Latchkey-Signature
// under the secret that was shown once. Whoever takes it refuses what is not signed by it.
//
//	{"id":"…","kind":"check","tenant":"alder","ticket":"INC-1042","person":"…","agent":"…"}
//
// wants 200 within four seconds and one of
//
//	{"answer":"open"}  {"answer":"not_open"}  {"answer":"not_theirs"}
//
// The person is their sign-in name, or an id that never changes, as the tenant chooses; the
// agent likewise. Anything else, a redirect among it, is no answer. And
//
//	{"id":"…","kind":"note","sequence":7,"tenant":"alder","ticket":"INC-1042","person":"…","agent":"…",
//	 "bypass":"…","given":"pass_code","minutes":60,"uses":1,"reason":"…","at":"2026-11-29T16:00:00Z"}
//
// wants 2xx. Notes may come twice, by the same id, and out of order: sequence counts them
// without a gap, from 1. 400, 404, 410 and 422 mean that it will never be taken.
package ticketsystem
