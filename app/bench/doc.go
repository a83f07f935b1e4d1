// Package bench drives a running Latchkey from outside and says how fast it is.
//
// A complete phone sign-in is six requests with real signatures: the name page,
// the name, the number page, the phone's look at its requests, its answer, and
// the finish that gives the session. Each sign-in is a fresh browser (no
// cookies); connections are kept, as a proxy in front would keep them.
//
// Every rate is printed beside its bound, the rate of bare durable commits on
// the same database, measured before, between and after in the same run and at
// the same concurrency, and divided by the three commits that a sign-in may cost.
//
// At the end stands each goal beside the figure that was found, and whether it is
// reached. Wake-ups are told beside bare ones: a byte out of a socket when somebody in
// the process, or through the database, says so. On PostgreSQL a second server is
// started for wake-ups across two.
//
// The load shares the machine with the server, so it is frugal: wire.go speaks
// just enough HTTP/1.1 itself. From top to bottom: target.go (what is measured
// and how much), wire.go, browser.go (one sign-in), measure.go (the stages),
// bare.go (the least that
// a wake-up can be), report.go (the tables), goal.go (what it should be), command.go
// (flags).
package bench
