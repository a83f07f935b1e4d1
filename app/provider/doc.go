// Package provider carries messages to people outside the house: SMS, voice calls
// and mail, for each tenant by providers of its own.
//
// A message is a row of the outbox, written in the act that owes it (package
// notify), so it is sent at least once, by whichever replica claims it. Its id goes
// along as an idempotency key, and stays the same when it is sent again. The code in
// a message is sealed until then, and wiped when it was sent or is worth nothing.
//
// Credentials are sealed and only ever written: no page shows one, and an address or
// a driver that changes takes its credential with it, so that nobody can send it to
// themselves. Every call goes the way of notify.Outside, and an answer is believed
// only when it says plainly that the message was taken.
//
// # The webhook
//
// Whatever takes HTTP can be a provider. It gets a POST with the body
//
//	{"id":"…","channel":"sms","to":"+4930…","text":"…","code":"123456"}
//
// and the headers
//
//	Idempotency-Key:     the id; a second request with it is the same message
//	Latchkey-Timestamp:  seconds since 1970, when this request was made
//	Latchkey-Signature:  v1= and the HMAC-SHA256, in hex, of the timestamp, a full
//	                     stop and the body, under the shared secret
//
// It should refuse a timestamp more than five minutes away, compare in constant time,
// and answer 2xx with no body, or with a JSON object that has no "error". 400, 404,
// 410 and 422 mean that this message will never be taken; anything else that it is to
// be tried again.
package provider
