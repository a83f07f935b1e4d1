// Package passkey knows passkeys: key pairs whose private half an authenticator
// keeps, for this installation's host and no other (WebAuthn). Nobody can be led to
// give one away on another site, which is why it stands first among the ways in.
//
//	Begin: what to make ──▶ the browser makes it ──▶ Bind ──▶ active ──▶ ended
//	Ask: what to sign ──▶ the browser signs it ──▶ Check ──▶ Use, in the caller's act
//
// The host and the origin that an authenticator signs for are those of the public
// address of the installation. Where that has no name, only a number, browsers know
// no passkeys, and none are offered (Usable).
//
// A challenge is not kept until it was answered: it carries the moment until which
// it is good and a keyed mark over what it was made for, such as one attempt in one
// browser (secret.Keys.NewChallenge). What keeps it from serving twice is a row of
// spent_challenges, which falls to one conditional statement in the act that the
// answer is for.
//
// A passkey is bound only when its authenticator saw who holds it (a finger, a face,
// a PIN): it is two factors then. One that signs without having looked is one factor
// (Proof.Verified). Its counter must grow, unless it does not count at all; one that
// counts backwards signs nobody in and is told to its user, for there may be two of
// it (WebAuthn §7.2 step 22). Whether it is backed up is kept as it was last said.
//
// What counts tries and pauses the way is the caller's (package signin). Of the
// answers to Check, one kind of failure comes back, fault.Refused, whatever was
// wrong, after the same work for everybody, those without a passkey too.
package passkey
