package backupphone

import (
	"context"
	"strings"
	"unicode/utf8"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// labelFits says whether a name of a number can be shown on one line.
func labelFits(label string) bool {
	return utf8.ValidString(label) && utf8.RuneCountInString(label) <= LabelLongest && !strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func none() error { return fault.New(fault.NotFound, "http.not_found") }

// First makes a backup phone the one that is asked first. It fails with fault.NotFound
// when it is none of theirs.
func (s *Service) First(ctx context.Context, by Owner, id string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := user.Alone(tx, by.TenantID, by.UserID); err != nil {
			return err
		}
		err := tx.Change(none(), `UPDATE backup_phones SET place = (SELECT min(o.place) - 1 FROM backup_phones o WHERE o.tenant_id = ? AND o.user_id = ? AND o.state = 'active')
			WHERE tenant_id = ? AND id = ? AND user_id = ? AND state = 'active'`, by.TenantID, by.UserID, by.TenantID, id, by.UserID)
		if err != nil {
			return err
		}
		return audit.Record(tx, by.event(audit.BackupPhoneFirst, id, from))
	})
}

// Label gives a backup phone another name. It fails with fault.Invalid for one that cannot
// be shown, and with fault.NotFound when it is none of theirs.
func (s *Service) Label(ctx context.Context, by Owner, id, label string, from audit.Origin) error {
	if label = strings.TrimSpace(label); !labelFits(label) {
		return fault.Wrong("form.wrong", map[string]string{"label": "backupphone.label_form"})
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(none(), "UPDATE backup_phones SET label = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND state = 'active'", label, by.TenantID, id, by.UserID)
		if err != nil {
			return err
		}
		return audit.Record(tx, by.event(audit.BackupPhoneRenamed, id, from))
	})
}

// takePlace puts a number that was just confirmed in the place of another one, which ends
// if it has not ended by itself.
func (s *Service) takePlace(tx *store.Tx, by Owner, id, instead string, from audit.Origin) error {
	err := tx.Exec(`UPDATE backup_phones SET place = (SELECT o.place FROM backup_phones o WHERE o.tenant_id = ? AND o.id = ? AND o.user_id = ?)
		WHERE tenant_id = ? AND id = ?`, by.TenantID, instead, by.UserID, by.TenantID, id).Error
	if err != nil {
		return err
	}
	_, err = s.end(tx, by, instead, from)
	return err
}
