// Package audit records what happened: who did what to whom, with which
// outcome, why, when and from where.
//
// Record runs in the transaction of the act, so there is no act without its
// event: when the event cannot be written, nothing has changed and the answer
// is 503 (product.md §8). Events are never changed or deleted; the database
// refuses it too.
//
// Each event has canonical bytes (Canonical, version 1): JSON with fixed order
// of fields, whole microseconds, no personal data. Addresses, browsers and typed
// names stand beside them, under a salted digest that is part of the bytes:
// they can be erased and the bytes keep their hash.
package audit
