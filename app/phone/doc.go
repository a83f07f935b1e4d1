// Package phone is the other side of Latchkey: a client of the phone protocol
// (http.md, "Phone protocol, version 1"), and a phone for the terminal made of it.
//
// A phone is a P-256 key whose private half stays where it was made. Every call
// after enrolment carries a proof of that key (RFC 9449 §4.2); every answer to a
// request is signed with it and unlocked by a PIN that the service checks.
//
//	link ──Enrol──▶ device id, account ──EnablePhoneSignIn──▶ requests come
//	Events (a hint) ──▶ Requests (what waits) ──▶ Answer (approve, deny, report)
//
// From top to bottom: sign.go (keys and signatures), client.go (the calls),
// events.go (the stream), state.go (the file), terminal.go (asking a person),
// commands.go (what `latchkey phone …` does), command.go (its flags).
//
// The package knows the protocol only from http.md and shares no code with the
// server, so that a mistake of one is not repeated by the other.
package phone
