// Package approval carries out what administrators do, and holds what needs a
// second pair of eyes.
//
// Every administrative act goes one way, whether a page, the API or an import
// asks for it (Submit):
//
//	plan ──▶ ask access ──▶ no: refused, remembered, alarm at the fifth
//	                   ├──▶ yes: done, with its event and the notice to the person
//	                   └──▶ four eyes: frozen as a request
//
//	request:  pending ──approve──▶ done       (runs once, exactly as frozen)
//	             ├──────refuse───▶ refused
//	             ├──────withdraw─▶ withdrawn  (by the requester)
//	             ├── any change ─▶ void       (found when it is approved)
//	             └──── 4 hours ──▶ expired
//
// A request keeps the parameters, the difference as the requester saw it and a
// digest over both. When it is approved the act is planned again: if anything
// reads differently now, or the requester may not do it any more or has been
// locked, the request is void and nothing runs. Requester ≠ approver ≠ target,
// and nobody approves for one who created or promoted them in the last 72 hours
// (roles.md). What an approver must hold is kept with the request too, so that
// an inbox is judged without planning what waits in it.
//
// When a request waits no longer, whoever asked for it is told what became of it, and
// phones that were to approve it show it no more.
//
// An approver decides on the page, or on the phone (ShowIn, ApproveIn): the phone
// shows the act, and signs over the digest.
//
// Acts on one person queue: who submits or approves holds the target's row, so
// what was planned is what is changed.
//
// Features bring their acts as a Performer for each Kind. They decide nothing
// about who may: a plan names the questions, access answers them.
package approval
