package stock

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Sheet is a sheet with its codes, once.
type Sheet struct {
	ID, Serial        string
	Name, DisplayName string // of its user
	Codes             []secret.Token
}

// Print is a batch as it is printed.
type Print struct {
	Number              int
	Paper, Instructions string
	PrintedAt           time.Time
	Sheets              []Sheet // by the name of their users
	Left                int     // sheets that were voided, for their users may have none any more
}

// Print gives a batch with its codes, once: of two at the same moment one has it, and
// from then on nothing that is kept can be read. Only who asked for it may, and only who
// could ask for it still. One that was printed is fault.NotFound, like one that is not
// there; of another one's, or one that is not made yet, it is fault.Conflict.
func (s *Service) Print(ctx context.Context, tenantID, actorID, id string, from audit.Origin) (Print, error) {
	var p Print
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		p = Print{}
		r, ok, err := find(tx, tenantID, id)
		switch {
		case err != nil:
			return err
		case !ok:
			return nothing()
		case r.CreatedBy != actorID:
			return fault.New(fault.Conflict, "stock.not_yours")
		case r.State == Draft || r.State == Making:
			return fault.New(fault.Conflict, "stock.not_made")
		}
		// Once, and first: what follows is about a batch that nobody else prints.
		err = tx.Change(nothing(), "UPDATE code_sheet_batches SET state = 'printed', printed_at = ? WHERE tenant_id = ? AND id = ? AND (state = 'made' AND created_by = ? AND made_at > ?) IS TRUE",
			tx.Now, tenantID, id, actorID, tx.Now.Add(-MadeLife))
		if err != nil {
			return err
		}
		var found []struct {
			ID, Serial, Sealed, UserID, Name, DisplayName string
			Able                                          bool
		}
		err = tx.All(&found, `SELECT s.id, s.serial, s.sealed, s.user_id, u.name, u.display_name, u.state = 'active' AND NOT (`+off+`) AS able
			FROM code_sheets s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id JOIN tenants t ON t.id = s.tenant_id
			WHERE s.tenant_id = ? AND s.batch_id = ? AND s.state = 'unprinted' ORDER BY u.name`, tenantID, id)
		if err != nil {
			return err
		}
		act := approval.Act{TenantID: tenantID, ActorID: actorID}
		var people, prints, voids []string
		for _, f := range found {
			people = append(people, f.UserID)
			if f.Able {
				prints = append(prints, f.ID)
			} else {
				voids = append(voids, f.ID)
			}
		}
		verdict, err := s.Rules.AskAll(tx, append(questions(act, access.CodeSheetPrintBatch, people), s.question(act, access.CodeSheetPrintBatch))...)
		if err == nil {
			err = verdict.Err()
		}
		if err == nil && verdict.Answer == access.FourEyes && r.ApprovedBy == "" {
			err = fault.New(fault.Conflict, "stock.not_approved") // somebody has got a higher role since
		}
		if err == nil && len(prints) == 0 {
			err = fault.New(fault.Conflict, "method.off")
		}
		if err != nil {
			return err
		}
		p = Print{Number: r.Number, Paper: r.Paper, Instructions: r.Instructions, PrintedAt: tx.Now, Left: len(voids)}
		err = changeAll(tx, len(prints), `UPDATE code_sheets SET state = 'printed', sealed = '', custody = 'printer', holder_id = ?, moved_at = ?
			WHERE tenant_id = ? AND id IN ? AND state = 'unprinted'`, actorID, tx.Now, tenantID, prints)
		if err != nil {
			return err
		}
		for _, f := range found {
			if !f.Able {
				continue
			}
			codes, err := s.Keys.Open(tenantID, place(f.ID), f.Sealed)
			if err != nil {
				return err
			}
			sheet := Sheet{ID: f.ID, Serial: f.Serial, Name: f.Name, DisplayName: f.DisplayName}
			for code := range strings.FieldsSeq(codes) {
				sheet.Codes = append(sheet.Codes, secret.TokenOf(code))
			}
			p.Sheets = append(p.Sheets, sheet)
			if err := codesheet.Note(tx, tenantID, codesheet.Step{SheetID: f.ID, State: codesheet.Printed, ByID: actorID, ToID: actorID}); err != nil {
				return err
			}
			e := r.of(audit.CodeSheetPrinted, audit.User(actorID), from)
			e.Target, e.Subject = audit.Party{Kind: audit.KindCodeSheet, ID: f.ID}, f.UserID
			e.Details = map[string]string{"serial": codesheet.Parted(f.Serial), "batch": Name(r.Number)}
			if err := audit.Record(tx, e); err != nil {
				return err
			}
		}
		if len(voids) > 0 {
			act.Reason, act.Origin = "method.off", from
			if _, err := s.end(tx, act, codesheet.Voided, audit.CodeSheetVoided, voids); err != nil {
				return err
			}
		}
		e := r.of(audit.SheetBatchPrinted, audit.User(actorID), from)
		e.Details = map[string]string{"batch": Name(r.Number), "sheets": count(len(prints)), "voided": count(len(voids))}
		return audit.Record(tx, e.Under(r.Ticket))
	})
	if err != nil {
		return Print{}, err
	}
	return p, nil
}

// changeAll runs a statement that must change exactly so many rows.
func changeAll(tx *store.Tx, rows int, statement string, values ...any) error {
	res := tx.Exec(statement, values...)
	if res.Error == nil && res.RowsAffected != int64(rows) {
		return moved()
	}
	return res.Error
}

// moved says that something has become of a paper meanwhile, or that a step was left out.
func moved() error { return fault.New(fault.Conflict, "stock.moved") }

// Lapse wipes the codes of batches that nobody has printed in time, and forgets drafts
// that nobody has started. Any replica may run it.
func (s *Service) Lapse(ctx context.Context) error {
	now := s.DB.Now()
	_, all := s.DB.CountOne(ctx, "DELETE FROM code_sheet_batches WHERE state = 'draft' AND created_at < ?", now.Add(-2*DraftLife)) // requests for approval may still wait for it
	var due []row
	if err := s.DB.View(ctx).All(&due, "SELECT "+columns+" FROM code_sheet_batches WHERE state = 'made' AND made_at <= ? ORDER BY created_at LIMIT 50", now.Add(-MadeLife)); err != nil {
		return errors.Join(all, store.Unusable(err))
	}
	for _, r := range due {
		all = errors.Join(all, s.DB.Act(store.Within(ctx, r.TenantID), func(tx *store.Tx) error {
			res := tx.Exec("UPDATE code_sheet_batches SET state = 'voided', ended_at = ? WHERE tenant_id = ? AND id = ? AND state = 'made' AND made_at <= ?", tx.Now, r.TenantID, r.ID, tx.Now.Add(-MadeLife))
			if res.Error != nil || res.RowsAffected == 0 {
				return res.Error
			}
			return s.endBatch(tx, r, approval.Act{TenantID: r.TenantID, Reason: "stock.unprinted"})
		}))
	}
	return all
}
