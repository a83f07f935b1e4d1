// Package policyfile writes what a tenant has decided into a file, and does what a
// file says: which ways in are on, how far features are open, and how the
// registration campaign asks.
//
//	format: 1                  # of the file
//	tenant: alder              # the slug; a file of another tenant is refused
//	ways_in:                   # what a way is used for, and which groups it is for
//	  passkey:
//	    uses: [sign_in, second_factor, recovery]
//	  sms:
//	    uses: [second_factor]
//	    groups: [field]        # by name; none: everybody
//	order: habit               # or strongest: which way is offered first
//	limits:
//	  password_least: 15
//	  tries_most: 10
//	  passcode_hours: 24
//	features:
//	  typed_number_match:
//	    stage: percentage      # off, report_only, pilot, percentage, everyone, users_choice
//	    percentage: 25
//	    include: [pilot]       # groups, by name
//	    exclude: [field]
//	campaign:
//	  snooze_days: 3
//	  skips: 3
//
// Where a tenant wants a replay before its rules change (replay.Fresh) each change of a
// file needs its own, and the first one makes those of the others old: such a file is best
// cut into one for each change.
//
// What a file leaves out stays as it is. What it names it says whole: a use that is
// not among the uses of a way is off. A key that is none is refused, and so is one
// that stands there twice.
//
// A file is no way around anything. It becomes the acts that the console has, one for
// the ways in, one for each feature, one for the campaign, in the name of an
// administrator, who must be permitted to do each of them; what loosens waits for a
// second person, who sees the same difference. All are planned before the first is
// carried out, and none is when one cannot be. Whoever runs it has the database and
// the master key, and so is believed about the name; it stands in the audit as done
// from the command line.
package policyfile
