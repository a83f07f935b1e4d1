package codesheet

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// A user makes so many sheets within the hour at most: each costs ten hashes.
const (
	madeMost = 5
	madeSpan = time.Hour
)

// Passwords hashes codes, and says whether one belongs to a hash; both take a moment.
type Passwords interface {
	Verify(ctx context.Context, phc, code string) (bool, error)
	Hash(ctx context.Context, code string) (string, error)
}

// Service makes, checks and ends sheets.
type Service struct {
	DB        *store.DB
	Passwords Passwords
}

// Sheet is the one of a user that works.
type Sheet struct {
	ID         string
	Serial     string // without its dash
	BatchID    string // empty: its user printed it
	CodesLeft  int
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// Low says whether its user should make another one.
func (s Sheet) Low() bool { return s.CodesLeft <= LowAt }

// Of gives the sheet of a user; ok is false when there is none that works.
func Of(tx *store.Tx, tenantID, userID string) (s Sheet, ok bool, err error) {
	ok, err = tx.One(&s, "SELECT id, serial, COALESCE(batch_id, '') AS batch_id, codes_left, created_at, last_used_at FROM code_sheets WHERE user_id = ? AND tenant_id = ? AND state = 'active'", userID, tenantID)
	return s, ok, store.Unusable(err)
}

// Of is Of at this moment.
func (s *Service) Of(ctx context.Context, tenantID, userID string) (Sheet, bool, error) {
	return Of(s.DB.View(ctx), tenantID, userID)
}

// Owner is a user in a session of theirs.
type Owner struct{ TenantID, UserID, SessionID string }

func (o Owner) event(action audit.Action, id string, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: o.TenantID, Action: action, Actor: audit.User(o.UserID), Target: audit.Party{Kind: audit.KindCodeSheet, ID: id}, Subject: o.UserID,
		Thread: id, Origin: from,
	}
}

// Made is a new sheet with its codes, once.
type Made struct {
	ID, Serial string
	Codes      [Codes]secret.Token // by number, from 1
	MadeAt     time.Time
	Instead    bool // another one ended by it
}

// Make makes a sheet and gives its codes, once; the one that the user had ends by it.
// once names the form that asks, so that a page which is loaded again makes no second
// one; it may be empty. It fails with fault.Conflict where printed codes are off, for
// a form that was sent before, and when another one was made at the same moment; with
// fault.Throttled when there were many lately.
func (s *Service) Make(ctx context.Context, by Owner, once string, from audit.Origin) (Made, error) {
	m := Made{ID: once}
	if !isID(once) {
		m.ID = secret.System.ID()
	}
	// Asked before anything is hashed, and what can change meanwhile again in the act.
	if err := s.mayMake(s.DB.View(ctx), by, m.ID); err != nil {
		return Made{}, err
	}
	rows := make([][]any, Codes)
	for i := range m.Codes {
		m.Codes[i] = secret.System.PrintedCode()
		hash, err := s.Passwords.Hash(ctx, Typed(m.Codes[i].Reveal()))
		if err != nil {
			return Made{}, err
		}
		rows[i] = []any{by.TenantID, m.ID, i + 1, hash}
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := s.mayMake(tx, by, m.ID); err != nil {
			return err
		}
		before, err := end(tx, by.TenantID, by.UserID, Replaced, by.UserID)
		if err != nil {
			return err
		}
		m.Serial, m.MadeAt, m.Instead = secret.System.Serial(), tx.Now, before != ""
		// One at a time: of two at once the second finds the index taken.
		err = tx.Change(fault.New(fault.Conflict, "codesheet.meanwhile"), `INSERT INTO code_sheets (tenant_id, id, serial, user_id, state, codes_left, created_by, created_at)
			SELECT u.tenant_id, ?, ?, u.id, 'active', ?, u.id, ? FROM users u WHERE u.tenant_id = ? AND u.id = ? AND u.state = 'active' ON CONFLICT DO NOTHING`,
			m.ID, m.Serial, Codes, tx.Now, by.TenantID, by.UserID)
		if err != nil {
			return err
		}
		if err := tx.InsertAll("INSERT INTO printed_codes (tenant_id, sheet_id, number, hash)", "", rows); err != nil {
			return err
		}
		e := by.event(audit.CodeSheetMade, m.ID, from)
		e.Details = map[string]string{"serial": Parted(m.Serial)}
		if m.Instead {
			if err := session.CloseHalfway(tx, by.TenantID, by.UserID, session.ByPrintedCode); err != nil {
				return err
			}
			e.Details["instead_of"] = before
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.CodeSheetMade, Detail: Parted(m.Serial)}); err != nil {
			return err
		}
		return audit.Record(tx, e)
	})
	if err != nil {
		return Made{}, err
	}
	return m, nil
}

// isID says whether a text has the form of an id of ours.
func isID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// mayMake says why a user cannot make a sheet now.
func (s *Service) mayMake(tx *store.Tx, by Owner, id string) error {
	if err := method.MayBind(tx, by.TenantID, by.UserID, user.WithPrintedCode); err != nil {
		return store.Unusable(err)
	}
	var made struct {
		Lately int
		This   int
	}
	_, err := tx.One(&made, `SELECT (SELECT count(*) FROM code_sheets WHERE user_id = ? AND tenant_id = ? AND created_at > ? AND batch_id IS NULL) AS lately,
		(SELECT count(*) FROM code_sheets WHERE tenant_id = ? AND id = ?) AS this`, by.UserID, by.TenantID, tx.Now.Add(-madeSpan), by.TenantID, id)
	switch {
	case err != nil:
		return store.Unusable(err)
	case made.This > 0:
		return fault.New(fault.Conflict, "codesheet.shown")
	case made.Lately >= madeMost:
		return fault.Wait("codesheet.too_many", madeSpan)
	}
	return nil
}

// Remove ends the sheet of a user, and every other session that its codes made. It
// fails with fault.NotFound when there is none, and with fault.Conflict when it is the
// only second factor of somebody who needs one, or their only way in.
func (s *Service) Remove(ctx context.Context, by Owner, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := end(tx, by.TenantID, by.UserID, Removed, by.UserID)
		if err != nil {
			return err
		}
		if id == "" {
			return fault.New(fault.NotFound, "http.not_found")
		}
		var left struct {
			MFAState string
			Ways     user.Ways
		}
		if _, err := tx.One(&left, "SELECT mfa_state, ways FROM users WHERE tenant_id = ? AND id = ?", by.TenantID, by.UserID); err != nil {
			return err
		}
		switch {
		case left.MFAState == user.MFAEnforced && !left.Ways.Has(user.SecondFactors):
			return fault.New(fault.Conflict, "codesheet.last_factor")
		case !left.Ways.Has(user.WithPassword | user.WithPhone | user.WithPasskey | user.WithTOTP):
			return fault.New(fault.Conflict, "codesheet.last_way")
		}
		if err := session.CloseMadeBy(tx, by.TenantID, by.UserID, session.ByPrintedCode, by.SessionID); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.CodeSheetRemoved}); err != nil {
			return err
		}
		return audit.Record(tx, by.event(audit.CodeSheetRemoved, id, from))
	})
}

// Take ends the sheet of a user in the act tx, with the sessions that its codes made.
// Event and notice are the caller's. None is fault.Conflict.
func (s *Service) Take(tx *store.Tx, tenantID, userID, by string) (id string, err error) {
	if id, err = end(tx, tenantID, userID, Removed, by); err != nil {
		return "", err
	}
	if id == "" {
		return "", fault.New(fault.Conflict, "codesheet.ended")
	}
	return id, session.CloseMadeBy(tx, tenantID, userID, session.ByPrintedCode, "")
}

// end ends the sheet of a user that works, with what is left of its codes, and gives
// its id, empty when there is none.
func end(tx *store.Tx, tenantID, userID, state, by string) (id string, err error) {
	found, err := tx.One(&id, "UPDATE code_sheets SET state = ?, ended_at = ?, ended_by = ?, moved_at = ? WHERE user_id = ? AND tenant_id = ? AND state = 'active' RETURNING id",
		state, tx.Now, by, tx.Now, userID, tenantID)
	if err != nil || !found {
		return "", err
	}
	if err := Note(tx, tenantID, Step{SheetID: id, State: state, ByID: by}); err != nil {
		return "", err
	}
	return id, Wipe(tx, tenantID, id)
}
