// Package retention drops events of the audit that are older than a tenant keeps them
// (product.md §8): closed months, class by class, into archives that are proved to be whole.
//
//	month over, and older than its class is kept
//	   │ no hold, every event sealed and under a checkpoint that all witnesses have
//	archive ──written, synced, read back──▶ verified ──▶ one act: signed drop, its event, rows gone
//
// # What is kept
//
// A tenant says of two classes (audit.Keeping) for how many months their events are kept, within
// bounds; it begins with for ever. A third one, evidence, is always kept: alarms, break-glass,
// outages, looks at the audit, and what says that the audit is whole. Changes want a reason and
// the version that was read; one that keeps something for less time wants a second person, and
// nothing is dropped for a day after it.
//
// A month is closed when it is over in UTC, and is dropped when its last moment is older than
// the months of its class. While a hold stands nothing of the tenant is dropped. To begin one
// takes one person and a reason; to end it takes two, and nothing is dropped for a day after it.
//
// What a consumer (package consumer) has not got yet is not dropped either, unless it has been
// paused, or has taken nothing, for thirty days: then it goes on behind what was dropped.
//
// # How
//
// One replica at a time is at a tenant, by a claim that lapses. It writes an archive (package
// checkpoint says what is in it), waits for the disk, reads it back, and verifies it as anybody
// can, with nothing but the file and the public keys. Then one act writes the drop, a note that
// the key of the checkpoints signs:
//
//	latchkey-x3k5…/TENANT
//	dropped
//	class signins
//	month 2026-01
//	part 1
//	events 1042
//	first 17
//	last 1311
//	leaves SHA-256 over the numbers of the leaves, base64
//	archive SHA-256 of the file, hex
//	time 2026-11-29T19:00:00.000000Z
//
//	— latchkey-x3k5… signature
//
// its event, which says the same, and deletes exactly the rows of these leaves. The database lets
// them go in that act alone. The act asks once more that the claim, the months and the absence
// of a hold stand, under the lock of one row. So whoever dies in between leaves an archive that
// no drop names, and no event is gone; the next one begins anew, with another file.
//
// An event that is not what was sealed makes its archive fail to verify: nothing of it is
// dropped, and the page and the verifier say so.
//
// # The tree
//
// stays as it was: leaves, nodes and checkpoints are not touched, and proofs go on. A verifier
// takes a missing event whose leaf is one of a good drop as dropped, and any other as removed.
// On PostgreSQL the partition of a month in which no tenant has an event any more is dropped.
package retention
