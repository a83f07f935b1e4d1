// Package alarm raises alarms over the audit of a tenant (product.md §8; roles.md): somebody
// is to look, now.
//
//	sealed events ──Round──▶ rules ──▶ alarm: open ──Acknowledge──▶ acknowledged
//	health of the audit ───────┘         │
//	                                     └─▶ security administrators, a webhook, the console
//
// A rule (Rules) counts events of some actions, by who did them, by whom they are about, or of
// the whole tenant, within a window. When there are as many as its threshold it raises one
// alarm; what follows within the window of the last one counts on in the same alarm, until
// somebody acknowledges it. So a flood is one row and one message. Two rules count nothing:
// they hold a condition of the audit itself, for as long as it lasts.
//
// A tenant says of each rule whether it is on, its threshold and its window within bounds, and
// where it goes. Some are always on; and where the act itself rings every bell already, as the
// use of a break-glass account does (package breakglass) and the fifth refusal of an
// administrator (package approval), the alarm sends no second mail.
//
// # Following
//
// Events are read in the order of the tree (package checkpoint), from one place on for each
// tenant. That place moves by a conditional statement, in the act in which their alarms are
// raised with their event and their messages: of two replicas one moves it, and what a crash
// lost is looked at again, once. A change of a rule holds from the next batch on. Events that
// are older than a day when they are looked at, such as those of a history that was brought
// along, raise nothing.
//
// # Acknowledging
//
// Whoever an alarm is about does not acknowledge it; of a tenant with one security
// administrator it stays open until there is another one.
//
// # The webhook
//
// It is one of those that get the events (package consumer), signed with the same secret and by
// the same rules, and wants 2xx. There are ids in it, and no names and no addresses:
//
//	{"kind":"alarm","id":"…","tenant":"alder","rule":"bypasses_by_agent","severity":"high",
//	 "about":{"kind":"user","id":"…"},"test":false,"count":10,"first_at":"…","last_at":"…"}
package alarm
