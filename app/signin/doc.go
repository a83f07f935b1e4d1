// Package signin leads one browser from a name to a session.
//
//	        name
//	         │ Begin: tenant by domain, way by habit
//	         ▼
//	┌── open, way = password ◀──Choose──▶ open, way = phone ──┐
//	│        │ VerifyPassword                  │ the phone answers (package prompt)
//	│        │                                 ▼
//	│        │                         pending│approved│denied│expired│held
//	│        ▼                                 │ Finish
//	│     finished ◀───────────────────────────┘
//	└──▶ ended: five failures, fifteen minutes, begun again
//
// The state of a phone sign-in is the state of its prompt; the attempt itself is
// open, finished or ended. An attempt belongs to the browser that began it and
// is found by no other. Finish asks everything again: prompt, browser, time,
// user, phone, tenant; one conditional statement lets one of two at once through.
//
// A name that nobody can answer for goes the same way: the same statements, a
// made-up number, the same limits, a wait that nobody ends (product.md §1, 6).
//
// A complete phone sign-in makes three durable commits: Begin, the answer,
// Finish. A step-up is an attempt whose user is known and that ends in a proof
// for the session it belongs to instead of a new one.
package signin
