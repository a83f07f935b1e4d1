package people_test

import (
	"testing"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
)

// An administrator asks for a backup phone, and adds none: once a day, where somebody
// carries its codes, of who has fewer than two.
func TestAnAdministratorOnlyAsksForABackupPhone(t *testing.T) {
	each(t, func(o *office) {
		o.fails(fault.Conflict, o.admin, people.KindAskBackup, o.nurse, nil) // nobody carries codes
		o.Set("INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,'sms','kept','','','','',1,'',?)", o.Alder.ID, o.Clock.Now())
		o.fails(fault.Forbidden, o.desk, people.KindAskBackup, o.nurse, nil)
		o.fails(fault.Forbidden, o.admin, people.KindAskBackup, o.security, nil)
		o.fails(fault.NotFound, o.admin, people.KindAskBackup, o.stranger, nil)
		o.must(o.admin, people.KindAskBackup, o.nurse, nil)
		if o.Events(audit.BackupPhoneAsked) != 1 || o.told(o.nurse) != audit.BackupPhoneAsked {
			t.Error("it is not told, or not recorded")
		}
		if n := o.Count("SELECT count(*) FROM backup_phones WHERE user_id = ?", o.nurse.ID); n != 0 {
			t.Errorf("they have %d backup phones of an administrator", n)
		}
		o.fails(fault.Conflict, o.admin, people.KindAskBackup, o.nurse, nil) // again on the same day
		o.Clock.Forward(people.AskWait)
		for _, number := range []string{"+4915112345678", "+4915112345679"} {
			o.Set("INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at, confirmed_at) VALUES (?,?,?,'',?,'sms','active','',?,?,?)",
				o.Alder.ID, number, o.nurse.ID, number, o.Clock.Now(), o.Clock.Now(), o.Clock.Now())
		}
		o.fails(fault.Conflict, o.admin, people.KindAskBackup, o.nurse, nil) // they have two
	})
}
