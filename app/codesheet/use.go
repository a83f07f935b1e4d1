package codesheet

import (
	"context"
	"strconv"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Next gives the number of the code that is asked of a sign-in name: the lowest that is
// left on its sheet, whatever the state of its user; 0 when there is none.
func Next(tx *store.Tx, tenantID, name string) (number int, err error) {
	_, err = tx.One(&number, `SELECT COALESCE(MIN(c.number), 0) FROM users u
		JOIN code_sheets s ON s.user_id = u.id AND s.tenant_id = u.tenant_id AND s.state = 'active'
		JOIN printed_codes c ON c.tenant_id = s.tenant_id AND c.sheet_id = s.id AND c.used_at IS NULL
		WHERE u.tenant_id = ? AND u.name = ?`, tenantID, name)
	return number, err
}

// Held is what a typed code is checked against.
type Held struct {
	TenantID, UserID, SheetID, Hash string
	Number                          int
}

// Holding gives what a code of a user is checked against, by its number; where there
// is none left, and for no user, it has no hash.
func (s *Service) Holding(ctx context.Context, tenantID, userID string, number int) (Held, error) {
	h := Held{TenantID: tenantID, UserID: userID, Number: number}
	_, err := s.DB.View(ctx).One(&h, `SELECT s.tenant_id, s.user_id, s.id AS sheet_id, c.hash, c.number FROM code_sheets s
		JOIN printed_codes c ON c.tenant_id = s.tenant_id AND c.sheet_id = s.id AND c.number = ? AND c.used_at IS NULL
		WHERE s.user_id = ? AND s.tenant_id = ? AND s.state = 'active'`, number, userID, tenantID)
	return h, store.Unusable(err)
}

// Match says whether a typed code is it. It takes as long where there is none.
func (s *Service) Match(ctx context.Context, h Held, typed string) (bool, error) {
	return s.Passwords.Verify(ctx, h.Hash, Typed(typed))
}

// Use takes a code up in the act tx of an attempt. One that was taken meanwhile, and
// one of a sheet that has ended, is fault.Refused. With few codes left its user is
// told; with none the sheet has ended.
func Use(tx *store.Tx, h Held, attemptID string, from audit.Origin) error {
	refused := fault.New(fault.Refused, "signin.refused")
	// The sheet first: whoever ends it at the same moment waits, and then finds the
	// session that this code makes.
	var left int
	ok, err := tx.One(&left, "UPDATE code_sheets SET codes_left = codes_left - 1, last_used_at = ? WHERE tenant_id = ? AND id = ? AND (user_id = ? AND state = 'active') IS TRUE RETURNING codes_left",
		tx.Now, h.TenantID, h.SheetID, h.UserID)
	if err != nil {
		return err
	}
	if !ok {
		return refused
	}
	err = tx.Change(refused, "UPDATE printed_codes SET used_at = ?, hash = '' WHERE tenant_id = ? AND sheet_id = ? AND number = ? AND (used_at IS NULL AND hash = ? AND hash <> '') IS TRUE",
		tx.Now, h.TenantID, h.SheetID, h.Number, h.Hash)
	if err != nil {
		return err
	}
	e := audit.Event{
		TenantID: h.TenantID, Action: audit.PrintedCodeUsed, Actor: audit.User(h.UserID), Target: audit.Party{Kind: audit.KindCodeSheet, ID: h.SheetID}, Subject: h.UserID,
		Thread: attemptID, Origin: from, Details: map[string]string{"number": strconv.Itoa(h.Number), "left": strconv.Itoa(left)},
	}
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	e.Actor, e.Details = audit.Service, nil
	switch left {
	case LowAt:
		e.Action = audit.CodeSheetLow
	case 0:
		e.Action = audit.CodeSheetUsedUp
		err := tx.Change(refused, "UPDATE code_sheets SET state = 'used_up', ended_at = ?, moved_at = ? WHERE tenant_id = ? AND id = ? AND state = 'active'", tx.Now, tx.Now, h.TenantID, h.SheetID)
		if err != nil {
			return err
		}
		if err := Note(tx, h.TenantID, Step{SheetID: h.SheetID, State: UsedUp}); err != nil {
			return err
		}
	default:
		return nil
	}
	if err := notify.Tell(tx, h.TenantID, h.UserID, notify.Notice{Action: e.Action, Detail: strconv.Itoa(left)}); err != nil {
		return err
	}
	return audit.Record(tx, e)
}
