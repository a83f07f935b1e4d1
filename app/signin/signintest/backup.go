package signintest

import "latchkey/app/user"

// BackupPhoneOf gives somebody a confirmed backup phone, and their organisation who
// carries its codes.
func (h *House) BackupPhoneOf(u user.User, number, channel string) string {
	h.T.Helper()
	h.Set(`INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,?,'kept','','','','',1,'',?)
		ON CONFLICT DO NOTHING`, u.TenantID, channel, h.Clock.Now())
	id := "number " + number + channel
	h.Set(`INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at, confirmed_at) VALUES (?,?,?,'',?,?,'active','',?,?,?)`,
		u.TenantID, id, u.ID, number, channel, h.Clock.Now(), h.Clock.Now(), h.Clock.Now())
	return id
}
