// Package ramp opens a feature of a tenant step by step, with nobody there, and stops
// when people fail (product.md §4).
//
//	begin ──▶ running ──a step's time──▶ the next step … the last one's time ──▶ done
//	            │  ▲
//	          pause resume            every step is a version of the feature
//	            ▼  │
//	          paused
//	            │
//	running, paused ──the guard──▶ halted: one step back ──resume──▶ running
//	any of them ──cancel──▶ cancelled          ──a change by hand──▶ overtaken
//
// A ramp is an act of an administrator, judged as a change of the rule is
// (package rollout): where one of its steps takes a safeguard away a second person
// approves the whole of it, with exactly these steps and this guard. The first step is
// taken in that act. From then on the program takes one after another (Service.Sweep),
// when the step before has lasted its time, people of the ring have signed in as often as
// it asks for, the hour is one of those that were chosen, and the guard is content.
// With a step go its version, its event and its notices. Every step, also one back,
// leaves two administrators who can sign in, or is not taken and halts the ramp.
//
// The ring is whoever has the feature. The guard (Judge) compares it with what is not
// the ring's doing:
//
//   - A failure is a sign-in, begun at least signin.SettledAfter ago, that made no
//     session. Where the feature opens a way in, those of the ring that were on that way
//     count; else all of theirs. Who changed to another way and came in is no failure.
//   - A bypass is a sign-in that was finished by one, among all of the ring.
//   - The baseline is the people who are not in the ring, over the same window; where
//     they are fewer sign-ins than the least sample, as when everybody is in, it is
//     the day before the ramp, of everybody; where that is too little as well, both
//     together; and where there is nothing at all, none, so that the margin alone is
//     the limit.
//   - It fires when the share of the ring is above that of the baseline by more than the
//     margin, in points of a percent, and never on fewer sign-ins than the least sample.
//
// It looks once a minute at the sign-ins of the window that were begun since the step,
// and once more at all of the step (of a day at most) before the next one. No step
// lasts less than the window, so what fails in a ring is seen before the ring grows.
//
// What it halted goes on when a person says so, never by itself; by two where steps that
// lie ahead loosen. Every step asks again whether who began the ramp, and who approved
// it, still may. While the platform holds the feature back none is taken.
//
// Several replicas sweep at once. Each look, and each thing that is done, falls to the
// one whose statement finds the row as it was read (turn); who dies between a look and
// what follows from it leaves a row that the next one finds a minute later.
//
// A change of the rule by hand ends the ramp, in the same act: whoever makes one means
// it. A change that waits for its time, and a ramp, are not there at once.
package ramp
