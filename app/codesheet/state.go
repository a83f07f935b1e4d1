package codesheet

import (
	"slices"

	"latchkey/app/store"
)

// States of a sheet. Add, never rename.
const (
	Unprinted = "unprinted" // made for somebody; its codes are sealed
	Printed   = "printed"
	WithAgent = "with_agent"
	WithUser  = "with_user" // who has not confirmed it yet
	Active    = "active"

	UsedUp    = "used_up"
	Replaced  = "replaced"
	Removed   = "removed"
	Lost      = "lost"
	Destroyed = "destroyed"
	Voided    = "voided"
)

// With whom a paper is. Add, never rename.
const (
	AtNobody  = "nobody" // it is not printed
	AtPrinter = "printer"
	AtAgent   = "agent"
	AtUser    = "user"
)

// States are all of them, in the order in which a sheet comes to them.
var States = []string{Unprinted, Printed, WithAgent, WithUser, Active, UsedUp, Replaced, Removed, Lost, Destroyed, Voided}

// Live are those of a sheet that may still come to work, or does.
var Live = States[:5]

// Ended says whether a state is an end.
func Ended(state string) bool { return !slices.Contains(Live, state) }

// Step is what became of a paper: it came to a state, and since then somebody has it.
type Step struct {
	SheetID, State string
	ByID           string // empty: the clock, or its last code
	ToID           string // empty: whoever had it
	Reason         string
}

// Note keeps a step in the act tx, which has changed the row of the sheet before, so that
// the steps of one come one after the other. Of a sheet that its user printed nobody follows the
// paper, and nothing is kept.
func Note(tx *store.Tx, tenantID string, s Step) error {
	return tx.Later(`INSERT INTO code_sheet_steps (tenant_id, sheet_id, step, state, by_id, to_id, reason, at)
		SELECT s.tenant_id, s.id, 1 + (SELECT count(*) FROM code_sheet_steps b WHERE b.tenant_id = s.tenant_id AND b.sheet_id = s.id), ?, ?, ?, ?, ?
		FROM code_sheets s WHERE s.tenant_id = ? AND s.id = ? AND s.batch_id IS NOT NULL`,
		s.State, s.ByID, s.ToID, s.Reason, tx.Now, tenantID, s.SheetID)
}
