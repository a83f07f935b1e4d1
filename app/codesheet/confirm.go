package codesheet

import (
	"context"
	"errors"
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// ConfirmTries is how many codes may be typed to confirm a sheet (product.md §9).
const ConfirmTries = 5

// Handed is a sheet that was handed to its user and opens nothing yet.
type Handed struct {
	ID, Serial string
	HandedAt   time.Time
	HandedBy   string // id of the agent
	Number     int    // of the code that confirms it
}

const handed = `SELECT s.id, s.serial, s.moved_at AS handed_at,
	COALESCE((SELECT p.by_id FROM code_sheet_steps p WHERE p.tenant_id = s.tenant_id AND p.sheet_id = s.id AND p.state = 'with_user' ORDER BY p.step DESC LIMIT 1), '') AS handed_by,
	(SELECT COALESCE(MIN(c.number), 0) FROM printed_codes c WHERE c.tenant_id = s.tenant_id AND c.sheet_id = s.id AND c.used_at IS NULL) AS number
	FROM code_sheets s WHERE s.user_id = ? AND s.tenant_id = ? AND s.state = 'with_user'`

// HandedTo gives the sheet that waits for the word of a user; ok is false when there is none.
func (s *Service) HandedTo(ctx context.Context, tenantID, userID string) (h Handed, ok bool, err error) {
	ok, err = s.DB.View(ctx).One(&h, handed, userID, tenantID)
	return h, ok, store.Unusable(err)
}

// Confirm takes the word of a user that they hold the sheet which was handed to them, by
// its first code: then it works, and the one that they had does not any more. A try is
// counted before it is checked, in a commit of its own; the last wrong one voids the
// sheet. It fails with fault.NotFound when none waits, with fault.Invalid for a wrong
// code, and with fault.Conflict where printed codes are off.
func (s *Service) Confirm(ctx context.Context, by Owner, typed string, from audit.Origin) error {
	held := Held{TenantID: by.TenantID, UserID: by.UserID}
	tries := 0
	err := s.DB.Count(ctx, func(tx *store.Tx) error {
		var h Handed
		ok, err := tx.One(&h, handed, by.UserID, by.TenantID)
		if err != nil {
			return err
		}
		if ok {
			held.SheetID, held.Number = h.ID, h.Number
			ok, err = tx.One(&tries, "UPDATE code_sheets SET tries = tries + 1 WHERE tenant_id = ? AND id = ? AND state = 'with_user' AND tries < ? RETURNING tries", by.TenantID, h.ID, ConfirmTries)
		}
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "http.not_found")
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := s.DB.View(ctx).One(&held.Hash, "SELECT hash FROM printed_codes WHERE tenant_id = ? AND sheet_id = ? AND number = ? AND used_at IS NULL",
		held.TenantID, held.SheetID, held.Number); err != nil {
		return s.uncountTry(ctx, held, store.Unusable(err))
	}
	right, err := s.Match(ctx, held, typed)
	if err != nil {
		return s.uncountTry(ctx, held, store.Unusable(err))
	}
	if !right {
		return s.unconfirmed(ctx, by, held, tries, from)
	}
	return s.uncountTry(ctx, held, s.activate(ctx, by, held, from))
}

// uncountTry takes a try back that came to nothing for a reason of ours, and gives the
// reason on.
func (s *Service) uncountTry(ctx context.Context, h Held, reason error) error {
	if errors.Is(reason, fault.Unavailable) || errors.Is(reason, fault.Conflict) {
		_, _ = s.DB.CountOne(ctx, "UPDATE code_sheets SET tries = tries - 1 WHERE tenant_id = ? AND id = ? AND state = 'with_user' AND tries > 0", h.TenantID, h.SheetID)
	}
	return reason
}

// activate makes a sheet work whose first code was typed.
func (s *Service) activate(ctx context.Context, by Owner, h Held, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := method.MayBind(tx, by.TenantID, by.UserID, user.WithPrintedCode); err != nil {
			return store.Unusable(err)
		}
		before, err := end(tx, by.TenantID, by.UserID, Replaced, by.UserID)
		if err != nil {
			return err
		}
		meanwhile := fault.New(fault.Conflict, "codesheet.meanwhile_ended")
		var serial string
		ok, err := tx.One(&serial, `UPDATE code_sheets SET state = 'active', codes_left = codes_left - 1, custody = 'user', holder_id = user_id, moved_at = ?
			WHERE tenant_id = ? AND id = ? AND user_id = ? AND state = 'with_user'
			AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = code_sheets.tenant_id AND u.id = code_sheets.user_id AND u.state = 'active') RETURNING serial`,
			tx.Now, h.TenantID, h.SheetID, by.UserID)
		if err != nil {
			return err
		}
		if !ok {
			return meanwhile
		}
		err = tx.Change(meanwhile, "UPDATE printed_codes SET used_at = ?, hash = '' WHERE tenant_id = ? AND sheet_id = ? AND number = ? AND (used_at IS NULL AND hash = ? AND hash <> '') IS TRUE",
			tx.Now, h.TenantID, h.SheetID, h.Number, h.Hash)
		if err != nil {
			return err
		}
		if err := Note(tx, h.TenantID, Step{SheetID: h.SheetID, State: Active, ByID: by.UserID, ToID: by.UserID}); err != nil {
			return err
		}
		e := by.event(audit.CodeSheetActivated, h.SheetID, from)
		e.Details = map[string]string{"serial": Parted(serial), "number": strconv.Itoa(h.Number)}
		if before != "" {
			if err := session.CloseHalfway(tx, by.TenantID, by.UserID, session.ByPrintedCode); err != nil {
				return err
			}
			e.Details["instead_of"] = before
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.CodeSheetActivated, Detail: Parted(serial)}); err != nil {
			return err
		}
		return audit.Record(tx, e)
	})
}

// unconfirmed remembers a wrong code and says so. After the last one the paper is not
// with whom it should be, or is not the one that was meant: it never works.
func (s *Service) unconfirmed(ctx context.Context, by Owner, h Held, tries int, from audit.Origin) error {
	over := tries >= ConfirmTries
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		e := by.event(audit.CodeSheetRefused, h.SheetID, from)
		e.Outcome, e.Reason = audit.Failure, "codesheet.confirm_wrong"
		if err := audit.Record(tx, e); err != nil || !over {
			return err
		}
		var serial string
		ended, err := tx.One(&serial, "UPDATE code_sheets SET state = 'voided', ended_at = ?, moved_at = ? WHERE tenant_id = ? AND id = ? AND state = 'with_user' AND tries >= ? RETURNING serial",
			tx.Now, tx.Now, h.TenantID, h.SheetID, ConfirmTries)
		if err != nil || !ended {
			return err
		}
		if err := Wipe(tx, h.TenantID, h.SheetID); err != nil {
			return err
		}
		if err := Note(tx, h.TenantID, Step{SheetID: h.SheetID, State: Voided}); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.CodeSheetVoided, Detail: Parted(serial)}); err != nil {
			return err
		}
		e = by.event(audit.CodeSheetVoided, h.SheetID, from)
		e.Actor, e.Reason = audit.Service, "codesheet.confirm_over"
		return audit.Record(tx, e)
	})
	switch {
	case err != nil:
		return err
	case over:
		return fault.New(fault.Conflict, "codesheet.confirm_over")
	}
	return fault.Wrong("form.wrong", map[string]string{"code": "codesheet.confirm_wrong"})
}

// Wipe kills what is left of the codes of sheets, in the act tx.
func Wipe(tx *store.Tx, tenantID string, sheets ...string) error {
	if len(sheets) == 0 {
		return nil
	}
	return tx.Exec("UPDATE printed_codes SET hash = '' WHERE tenant_id = ? AND sheet_id IN ?", tenantID, sheets).Error
}

// ReportLost ends a sheet that its user has lost, or never got though it was handed
// over, and every other session that its codes made. A paper that lies about is worse
// than a way in that is gone, so it is taken also when it was the last one. It fails with
// fault.NotFound when it is not theirs to report.
func (s *Service) ReportLost(ctx context.Context, by Owner, id string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var serial string
		ok, err := tx.One(&serial, `UPDATE code_sheets SET state = 'lost', ended_at = ?, ended_by = ?, moved_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND state IN ('with_user', 'active') RETURNING serial`,
			tx.Now, by.UserID, tx.Now, by.TenantID, id, by.UserID)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, "http.not_found")
		}
		if err := Wipe(tx, by.TenantID, id); err != nil {
			return err
		}
		if err := Note(tx, by.TenantID, Step{SheetID: id, State: Lost, ByID: by.UserID}); err != nil {
			return err
		}
		// What was proved by the sheet that works must not outlive it.
		if _, works, err := Of(tx, by.TenantID, by.UserID); err != nil {
			return err
		} else if !works {
			if err := session.CloseMadeBy(tx, by.TenantID, by.UserID, session.ByPrintedCode, by.SessionID); err != nil {
				return err
			}
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.CodeSheetLost, Detail: Parted(serial)}); err != nil {
			return err
		}
		e := by.event(audit.CodeSheetLost, id, from)
		e.Details = map[string]string{"serial": Parted(serial)}
		return audit.Record(tx, e)
	})
}
