// Package backupphone knows the numbers by which somebody gets a code when their
// phone is not at hand: by SMS, or by a call that says it (an office phone takes one).
//
//	begun ──▶ new ──the code that it got──▶ active ──▶ ended
//	           └── 10 min, 5 wrong codes, another session: over
//
// It is the weaker way that it is: numbers can be taken over, and calls listened to
// (SP 800-63B-4 §3.1.3.3 restricts it). So it completes a password and never signs in
// alone, it is no step-up, and it is never offered first.
//
// A code has six digits, is of one attempt, lives ten minutes and works once; a new
// one takes the place of the one before and forgives no wrong try. Only its keyed
// digest is kept here; the code itself is sealed in the outbox until it was sent.
//
// Whoever can make us send is a cost, so there are brakes (product.md §9): three codes
// in ten minutes for a name, five in an hour for a number, a budget of the day for the
// tenant, of which those who have proved nothing can use up a quarter, countries that
// the tenant chose, and no premium or satellite number. For a name that has no number,
// or does not exist, everything happens but the sending.
//
// A number is told, too, when the helpdesk lets its owner in: without a code, behind
// brakes of their own and the same budget, and nothing waits for it.
package backupphone
