package breakglass

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
)

// Passwords hashes codes, and says whether one belongs to a hash; both take a moment.
type Passwords interface {
	Verify(ctx context.Context, phc, code string) (bool, error)
	Hash(ctx context.Context, code string) (string, error)
}

// Printed is a sheet, once.
type Printed struct {
	Name, DisplayName string
	Serial            string
	Code              secret.Token
	Outside           secret.Token // the number for the outside of the envelope, which opens nothing
	At                time.Time
}

// Print makes the sheet of an account that was approved and gives it, once, to one of the
// two who wanted it: of two at the same moment one has it. The sheet that there was works
// no more, and what it has opened is closed. Somebody else is fault.Forbidden; one that was
// printed, or that is over, is fault.Conflict.
func (s *Service) Print(ctx context.Context, tenantID, userID, by string, from audit.Origin) (Printed, error) {
	view := s.DB.View(ctx)
	a, err := s.Find(ctx, tenantID, userID)
	if err != nil {
		return Printed{}, err
	}
	if err := s.declares(view, tenantID, by); err != nil {
		return Printed{}, store.Unusable(err)
	}
	if a.WaitsUntil == nil {
		return Printed{}, notToPrint()
	}
	if !a.MayPrint(by, view.Now) {
		return Printed{}, fault.New(fault.Forbidden, "break_glass.not_yours")
	}
	p := Printed{Name: a.Name, DisplayName: a.DisplayName, Serial: secret.System.Serial(), Code: secret.System.BreakGlassCode(), Outside: secret.System.CodeHalf()}
	hash, err := s.Passwords.Hash(ctx, Typed(p.Code.Reveal()))
	if err != nil {
		return Printed{}, err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		p.At = tx.Now
		if err := s.declares(tx, tenantID, by); err != nil { // still: hashing may have waited
			return err
		}
		before, err := s.end(tx, tenantID, userID)
		if err != nil {
			return err
		}
		var id string
		ok, err := tx.One(&id, `UPDATE break_glass_sheets SET state = 'sealed', serial = ?, hash = ?, printed_by = ?, printed_at = ?
			WHERE tenant_id = ? AND user_id = ? AND (state = 'approved' AND expires_at > ? AND (requested_by = ? OR approved_by = ?)) IS TRUE
			AND EXISTS (SELECT 1 FROM break_glass_accounts a WHERE a.tenant_id = break_glass_sheets.tenant_id AND a.user_id = break_glass_sheets.user_id AND a.removed_at IS NULL)
			RETURNING id`, p.Serial, hash, by, tx.Now, tenantID, userID, tx.Now, by, by)
		if err != nil {
			return err
		}
		if !ok {
			return notToPrint()
		}
		if err := tx.Exec("UPDATE break_glass_sheets SET outside = ? WHERE tenant_id = ? AND id = ?", s.Keys.CodeDigest(id, Typed(p.Outside.Reveal())), tenantID, id).Error; err != nil {
			return err
		}
		e := audit.Event{
			TenantID: tenantID, Action: audit.BreakGlassSealed, Actor: audit.User(by), Target: audit.User(userID), Subject: userID, Thread: id, Origin: from,
			Details: map[string]string{"serial": Parted(p.Serial)},
		}
		if before != "" {
			e.Details["instead_of"] = before
		}
		if err := audit.Record(tx, e); err != nil {
			return err
		}
		return s.tell(tx, tenantID, e.Action, p.Name, approval.Act{TenantID: tenantID, ActorID: by})
	})
	if err != nil {
		return Printed{}, err
	}
	return p, nil
}

// declares fails with fault.Forbidden for who may not declare outages.
func (s *Service) declares(tx *store.Tx, tenantID, userID string) error {
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: tenantID, ActorID: userID, Needs: access.OutageDeclare})
	if err != nil {
		return err
	}
	return verdict.Err()
}

func notToPrint() error { return fault.New(fault.Conflict, "break_glass.not_to_print") }

// end ends, in the act tx, the sheet of an account that works, with what it and those
// before it have opened.
func (s *Service) end(tx *store.Tx, tenantID, userID string) (id string, err error) {
	if _, err := tx.One(&id, "UPDATE break_glass_sheets SET state = 'replaced', hash = '', outside = '', ended_at = ? WHERE tenant_id = ? AND user_id = ? AND state = 'sealed' RETURNING id",
		tx.Now, tenantID, userID); err != nil {
		return "", err
	}
	tx.After(func() { s.Hub.Ring(device.UserKey(tenantID, userID)) })
	return id, session.CloseMadeBy(tx, tenantID, userID, session.ByBreakGlass, "")
}

// Typed puts a code as typed into the form in which it is hashed.
func Typed(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(text)))
}

// Parted is a serial number as it is read.
func Parted(serial string) string {
	if len(serial) != 8 {
		return serial
	}
	return serial[:4] + "-" + serial[4:]
}

// lapse writes down, in the act tx, that the sheet of an account was not printed in time;
// of all accounts where userID is empty.
func lapse(tx *store.Tx, tenantID, userID string) error {
	var gone []struct{ ID, UserID string }
	err := tx.All(&gone, `UPDATE break_glass_sheets SET state = 'expired', ended_at = ? WHERE tenant_id = ? AND state = 'approved' AND expires_at <= ? AND (? = '' OR user_id = ?) RETURNING id, user_id`,
		tx.Now, tenantID, tx.Now, userID, userID)
	for _, g := range gone {
		if err == nil {
			err = audit.Record(tx, audit.Event{TenantID: tenantID, Action: audit.BreakGlassLapsed, Actor: audit.Service, Target: audit.User(g.UserID), Subject: g.UserID, Thread: g.ID})
		}
	}
	return err
}

// Lapse writes down which sheets were not printed in time. Any replica may run it; each ends once.
func (s *Service) Lapse(ctx context.Context) error {
	return s.each(ctx, "SELECT DISTINCT tenant_id FROM break_glass_sheets WHERE state = 'approved' AND expires_at <= ?", func(tx *store.Tx, tenantID string) error {
		return lapse(tx, tenantID, "")
	}, s.DB.Now())
}
