package stock

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Times of those who make batches.
const (
	sweepWait = 5 * time.Second // how late one is found whose hint was lost
	holdLife  = time.Minute     // without a sign of life: then another one may take it up
	busyWait  = time.Second     // until the next try, when too many hash
)

func count(n int) string { return strconv.Itoa(n) }

// Hurry asks Run to look at once.
func (s *Service) Hurry() { s.errand.Hurry() }

// Run makes batches, one after the other, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	s.errand.Run(ctx, sweepWait, s.Log, "code sheets", s.TakeUp)
}

// TakeUp makes every batch that waits, and goes on with those that whoever held them has
// lost. Any replica may call it at any time; each sheet is made once.
func (s *Service) TakeUp(ctx context.Context) error {
	view := s.DB.View(ctx)
	var due []struct{ TenantID, ID string }
	err := view.All(&due, "SELECT tenant_id, id FROM code_sheet_batches WHERE state = 'making' AND (held_at IS NULL OR held_at < ?) ORDER BY created_at LIMIT 20", view.Now.Add(-holdLife))
	if err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, d := range due {
		within := store.Within(ctx, d.TenantID)
		r, held, taken, err := s.hold(within, d.TenantID, d.ID)
		if err == nil && taken {
			err = s.make(within, r, held)
		}
		all = errors.Join(all, err)
	}
	return all
}

// hold takes a batch up that nobody is at, and gives it as it is then: somebody else may
// have been at it since it was found.
func (s *Service) hold(ctx context.Context, tenantID, id string) (r row, held time.Time, taken bool, err error) {
	err = s.DB.Count(ctx, func(tx *store.Tx) (err error) {
		held = tx.Now
		taken, err = tx.One(&r, "UPDATE code_sheet_batches SET held_at = ? WHERE tenant_id = ? AND id = ? AND state = 'making' AND (held_at IS NULL OR held_at < ?) RETURNING "+columns,
			tx.Now, tenantID, id, tx.Now.Add(-holdLife))
		return err
	})
	return r, held, taken, err
}

// lost says that somebody else has taken the batch up meanwhile, or that it is voided.
var lost = fault.New(fault.Conflict, "stock.lost")

// make goes on with a batch that is held since a moment.
func (s *Service) make(ctx context.Context, r row, held time.Time) error {
	for _, userID := range ids(r.People)[r.Done:] { // whoever was at it before has seen to those before
		hashed, codes, err := s.codes(ctx)
		if err == nil {
			held, err = s.add(ctx, r, held, userID, codes, hashed)
		}
		switch {
		case errors.Is(err, lost):
			return nil
		case err != nil:
			return errors.Join(err, s.let(ctx, r, held))
		}
	}
	return s.finish(ctx, r, held)
}

// codes makes the codes of a sheet and hashes them, when nobody else is in the way.
func (s *Service) codes(ctx context.Context) (hashed [codesheet.Codes]string, codes []string, err error) {
	for i := range hashed {
		code := secret.System.PrintedCode().Reveal()
		for {
			if hashed[i], err = s.Passwords.HashPatiently(ctx, codesheet.Typed(code)); !errors.Is(err, fault.Unavailable) {
				break
			}
			select { // too many hash for the moment
			case <-ctx.Done():
			case <-time.After(busyWait):
			}
			if ctx.Err() != nil {
				return hashed, nil, ctx.Err()
			}
		}
		if err != nil {
			return hashed, nil, err
		}
		codes = append(codes, code)
	}
	return hashed, codes, nil
}

// place is where the codes of a sheet are sealed.
func place(sheetID string) string { return "code_sheets.sealed " + sheetID }

// add makes the sheet of one person, with a sign of life, and gives the time of it.
// Somebody who may have none any more is passed over.
func (s *Service) add(ctx context.Context, r row, held time.Time, userID string, codes []string, hashed [codesheet.Codes]string) (time.Time, error) {
	id, serial := secret.System.ID(), secret.System.Serial()
	sealed, err := s.Keys.Seal(r.TenantID, place(id), strings.Join(codes, " "))
	if err != nil {
		return held, err
	}
	var now time.Time
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if now = tx.Now; !now.After(held) {
			now = held.Add(time.Microsecond)
		}
		if err := tx.Change(lost, "UPDATE code_sheet_batches SET done = done + 1, held_at = ? WHERE tenant_id = ? AND id = ? AND state = 'making' AND held_at = ?", now, r.TenantID, r.ID, held); err != nil {
			return err
		}
		res := tx.Exec(`INSERT INTO code_sheets (tenant_id, id, serial, batch_id, user_id, custody, state, codes_left, created_by, created_at, sealed, moved_at)
			SELECT u.tenant_id, ?, ?, ?, u.id, 'nobody', 'unprinted', ?, ?, ?, ?, ? FROM users u JOIN tenants t ON t.id = u.tenant_id
			WHERE u.tenant_id = ? AND u.id = ? AND u.state = 'active' AND t.state = 'active' AND NOT (`+off+`) ON CONFLICT DO NOTHING`,
			id, serial, r.ID, codesheet.Codes, r.CreatedBy, tx.Now, sealed, tx.Now, r.TenantID, userID)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return tx.Exec("UPDATE code_sheet_batches SET skipped = skipped + 1 WHERE tenant_id = ? AND id = ?", r.TenantID, r.ID).Error
		}
		rows := make([][]any, codesheet.Codes)
		for i, hash := range hashed {
			rows[i] = []any{r.TenantID, id, i + 1, hash}
		}
		if err := tx.InsertAll("INSERT INTO printed_codes (tenant_id, sheet_id, number, hash)", "", rows); err != nil {
			return err
		}
		if err := codesheet.Note(tx, r.TenantID, codesheet.Step{SheetID: id, State: codesheet.Unprinted, ByID: r.CreatedBy}); err != nil {
			return err
		}
		e := r.of(audit.CodeSheetPrepared, audit.User(r.CreatedBy), audit.Origin{})
		e.Target, e.Subject, e.Reason = audit.Party{Kind: audit.KindCodeSheet, ID: id}, userID, r.Reason
		e.Details = map[string]string{"serial": codesheet.Parted(serial), "batch": Name(r.Number)}
		return audit.Record(tx, e.Under(r.Ticket))
	})
	return now, err
}

// let gives a batch back that could not be finished now, so that whoever comes next need
// not wait until it is found to be abandoned.
func (s *Service) let(ctx context.Context, r row, held time.Time) error {
	_, err := s.DB.CountOne(context.WithoutCancel(ctx), "UPDATE code_sheet_batches SET held_at = NULL WHERE tenant_id = ? AND id = ? AND state = 'making' AND held_at = ?", r.TenantID, r.ID, held)
	return err
}

// finish ends the making. A batch in which nobody got a sheet is over.
func (s *Service) finish(ctx context.Context, r row, held time.Time) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var now row
		ok, err := tx.One(&now, `UPDATE code_sheet_batches SET made_at = ?, state = CASE WHEN skipped >= total THEN 'voided' ELSE 'made' END, ended_at = CASE WHEN skipped >= total THEN ? ELSE ended_at END
			WHERE tenant_id = ? AND id = ? AND state = 'making' AND held_at = ? RETURNING `+columns, tx.Now, tx.Now, r.TenantID, r.ID, held)
		if err != nil || !ok {
			return err // somebody else has it, or it is voided
		}
		if err := tell(tx, r.TenantID, r.CreatedBy, notify.Notice{Action: audit.SheetBatchMade, Detail: Name(r.Number)}); err != nil {
			return err
		}
		e := now.of(audit.SheetBatchMade, audit.User(r.CreatedBy), audit.Origin{})
		e.Reason = r.Reason
		e.Details = map[string]string{"batch": Name(r.Number), "sheets": count(now.Total - now.Skipped), "skipped": count(now.Skipped)}
		return audit.Record(tx, e.Under(r.Ticket))
	})
}
