// Package checkpoint proves that the audit is whole (product.md §8).
//
//	act ──Record──▶ audit_events        in its own transaction, and nothing of the tree in it
//	       │ within a second
//	Seal ──▶ audit_leaves, audit_nodes, audit_trees
//	       │ after 60 s or 1,000 events
//	Sign ──▶ audit_checkpoints ──Tell──▶ witnesses
//
// Each tenant has a Merkle tree over its events (RFC 9162 §2.1; golang.org/x/mod/sumdb/tlog):
// a leaf is SHA-256 of 0x00 and the canonical bytes of an event, which stand in its column
// record (package audit says what they are). The order of the leaves is that of sealing.
// Events of one transaction stand together.
//
// # Sealing
//
// One replica at a time holds the row of audit_sealing and appends what is committed and in no
// tree. On PostgreSQL that is asked of snapshots: an event has the transaction that wrote it,
// and is sealed when the snapshot now shows that transaction and the one kept from the last
// time does not. So one that commits late is neither missed nor waited for. On SQLite, with its
// one writer, it is the number of the row. A tree is changed only while it has the size that
// it was read with: two that seal at once make one tree. When a database is restored into
// another server, where numbers of transactions begin anew, its events are walked through
// once and those in no tree are sealed.
//
// # Checkpoints
//
// A checkpoint is a signed note (golang.org/x/mod/sumdb/note, Ed25519) of the form of C2SP
// tlog-checkpoint, with two lines of our own:
//
//	latchkey-x3k5…/TENANT
//	1042
//	root, base64
//	number 17
//	time 2026-11-29T19:00:00.000000Z
//
//	— latchkey-x3k5… signature
//
// Numbers count the checkpoints of the whole installation without a gap. Before one is signed
// the tree is read from its leaves and nodes, and must have grown out of the last checkpoint in
// the database, out of the last one that this process signed, and out of the last one in the
// file of a witness. Else it is not signed, and the health of the platform says so; acts go
// on. A database whose checkpoints are fewer than its witness's was put back to an earlier
// moment: nothing is signed in it, until whoever runs it has looked and moved the file away.
// Nor is anything while the file is there and cannot be read.
//
// The private key is sealed under the master key, which is not in the database: whoever can
// write there can remake a tree, and cannot sign it. Rotate makes the next key. The one before
// names it in a note (the handover) that both sign, and both sign the last head of every tenant
// once more. Whoever trusts the first key can so follow to the last.
//
// # Witnesses
//
// A witness keeps checkpoints outside: a file, one JSON object a line, appended and synced,
// each replica its own; the log of another tenant, as events (checkpoint.witnessed) that its own
// checkpoints and bundles cover; or a webhook, signed by the rules of package provider:
//
//	{"number":17,"tenant":"…","note":"…"}
//	{"kind":"checkpoints","checkpoints":[{"number":17,"tenant":"…","note":"…"}]}
//
// Each gets every number, in order, at least once.
//
// # Personal data
//
// Canonical bytes have no address, browser or typed name, but their commitment under a salt
// that is a key of 130 bits for this one event. Erasing a person (audit.Erase) takes the texts
// and the salts away; the bytes, and so the tree, stay what they were. A verifier wants an event
// that says so.
//
// # Bundle
//
// A zip file of
//
//	bundle.json        {"format":"latchkey-audit-bundle","version":1,"tenant":…,"slug":…,"size":…,"personal":…,"made_at":…}
//	keys.jsonl         {"public":"latchkey-…+hash+key","handover":"note"}, the oldest first
//	checkpoints.jsonl  {"number":…,"tenant":…,"note":…}, in order
//	events.jsonl       {"n":0,"leaf":"base64","record":"canonical bytes","personal":"…","salt":"…"}, in order from 0
//	drops.jsonl        {"class":"signins","month":"2026-01","part":1,"note":"…","leaves":[[first,last],…]}
//
// with every event up to the last checkpoint. Personal data and salts may be left out. What was
// dropped (package retention) has its leaf and no record. Bundles of version 1 have no drops.
//
// # Archive
//
// is what was dropped: a zip file of
//
//	archive.json       {"format":"latchkey-audit-archive","version":1,"tenant":…,"slug":…,"class":…,"month":…,"part":…,"events":…,"size":…,"leaves":…,"made_at":…}
//	keys.jsonl         as in a bundle
//	checkpoints.jsonl  the one over the tree of size leaves that the events are in
//	events.jsonl       as in a bundle, of these events alone, in order
//	hashes.jsonl       "base64": the hashes of the largest whole subtrees that none of them is in, from left to right
//
// The root of a tree of size leaves is made as RFC 9162 says, from the left: a whole subtree with
// none of the events takes the next hash, a single leaf of theirs the hash of its bytes, and
// anything else is divided. leaves is SHA-256 over the numbers of the leaves, eight bytes each, the
// highest first; the signed drop says the same.
//
// # What is found, and where
//
// A verifier builds each tree anew and says the first index that is wrong: that of an event
// whose bytes, columns, personal data or leaf do not fit each other or are gone, or that has lost
// a mark by which it is found; else, where
// event and leaf were changed together, the leaves between the last head that fits and the
// first that does not, or the 256 below a node that does not. An event that is missing is
// dropped when a signed drop has its leaf, and removed when none has. What was changed after the last
// checkpoint, as one, and before anybody took the next, is what no log can tell.
package checkpoint
