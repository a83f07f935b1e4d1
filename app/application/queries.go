package application

import (
	"strings"
	"time"

	"latchkey/app/approval"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// row is a row of applications.
type row struct {
	ID, Name, State, RedirectUris, LogoutUris, StartURL, Strength string
	Kind                                                          Kind
	FrequencyMinutes, Version                                     int
	Limited                                                       bool
	CreatedAt, ChangedAt                                          time.Time
	SecretAt                                                      *time.Time
}

func (r row) application() Application {
	return Application{
		ID: r.ID, Kind: r.Kind, Version: r.Version, CreatedAt: r.CreatedAt, ChangedAt: r.ChangedAt, SecretAt: r.SecretAt,
		Settings: Settings{
			Name: r.Name, Redirects: unlines(r.RedirectUris), Logouts: unlines(r.LogoutUris), Start: r.StartURL,
			Frequency: r.FrequencyMinutes, Strength: r.Strength, SignInsOff: r.State != "on",
		},
	}
}

const columns = "a.id, a.name, a.kind, a.state, a.redirect_uris, a.logout_uris, a.start_url, a.frequency_minutes, a.strength, a.limited, a.version, a.created_at, a.changed_at, a.secret_at"

func list(tx *store.Tx, tenantID string) ([]Application, error) {
	return read(tx, tenantID, "SELECT "+columns+" FROM applications a WHERE a.tenant_id = ? ORDER BY lower(a.name)", tenantID)
}

func find(tx *store.Tx, tenantID, id string) (Application, error) {
	all, err := read(tx, tenantID, "SELECT "+columns+" FROM applications a WHERE a.tenant_id = ? AND a.id = ?", tenantID, id)
	if err == nil && len(all) == 0 {
		err = notFound()
	}
	if err != nil {
		return Application{}, err
	}
	return all[0], nil
}

// read reads applications, and the groups of those that are limited.
func read(tx *store.Tx, tenantID, query string, values ...any) ([]Application, error) {
	var rows []row
	if err := tx.All(&rows, query, values...); err != nil {
		return nil, err
	}
	all, limited := make([]Application, len(rows)), []string(nil)
	for i, r := range rows {
		all[i] = r.application()
		if r.Limited {
			limited = append(limited, r.ID)
		}
	}
	if len(limited) == 0 {
		return all, nil
	}
	var groups []struct{ ApplicationID, GroupID string }
	if err := tx.All(&groups, "SELECT application_id, group_id FROM application_groups WHERE tenant_id = ? AND application_id IN ? ORDER BY group_id", tenantID, limited); err != nil {
		return nil, err
	}
	for i := range all {
		for _, g := range groups {
			if g.ApplicationID == all[i].ID {
				all[i].Groups = append(all[i].Groups, g.GroupID)
			}
		}
	}
	return all, nil
}

// taken notes that another application has the name.
func taken(tx *store.Tx, tenantID, name, except string, fields map[string]string) error {
	var other string
	found, err := tx.One(&other, "SELECT id FROM applications WHERE tenant_id = ? AND lower(name) = lower(?) AND id <> ?", tenantID, name, except)
	if found {
		fields["name"] = "application.name_taken"
	}
	return err
}

// full notes that there is no place for one more.
func full(tx *store.Tx, tenantID string, fields map[string]string) error {
	var count int
	_, err := tx.One(&count, "SELECT count(*) FROM applications WHERE tenant_id = ?", tenantID)
	if count >= applicationsMost {
		fields["name"] = "application.too_many"
	}
	return err
}

func insert(tx *store.Tx, act approval.Act, asked Registration, next Settings) error {
	var secretAt any
	digest := ""
	if asked.Kind == Confidential {
		secretAt, digest = tx.Now, asked.SecretDigest
	}
	err := tx.Exec(`INSERT INTO applications (tenant_id, id, name, kind, state, secret_digest, redirect_uris, logout_uris, start_url, frequency_minutes, strength, limited,
		created_at, changed_by, changed_at, secret_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		act.TenantID, asked.ID, next.Name, asked.Kind, next.state(), digest, lines(next.Redirects), lines(next.Logouts), next.Start, next.Frequency, next.Strength, len(next.Groups) > 0,
		tx.Now, act.ActorID, tx.Now, secretAt).Error
	if err != nil {
		return err
	}
	return limit(tx, act.TenantID, asked.ID, next.Groups)
}

func update(tx *store.Tx, act approval.Act, was Application, next Settings) error {
	err := tx.Change(fault.New(fault.Conflict, "application.changed_meanwhile"), `UPDATE applications SET name = ?, state = ?, redirect_uris = ?, logout_uris = ?, start_url = ?,
		frequency_minutes = ?, strength = ?, limited = ?, version = version + 1, changed_by = ?, changed_at = ? WHERE tenant_id = ? AND id = ? AND version = ?`,
		next.Name, next.state(), lines(next.Redirects), lines(next.Logouts), next.Start, next.Frequency, next.Strength, len(next.Groups) > 0, act.ActorID, tx.Now, act.TenantID, was.ID, was.Version)
	if err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM application_groups WHERE tenant_id = ? AND application_id = ?", act.TenantID, was.ID).Error; err != nil {
		return err
	}
	return limit(tx, act.TenantID, was.ID, next.Groups)
}

func limit(tx *store.Tx, tenantID, id string, groups []string) error {
	for _, g := range groups {
		if err := tx.Exec("INSERT INTO application_groups (tenant_id, application_id, group_id) VALUES (?,?,?)", tenantID, id, g).Error; err != nil {
			return err
		}
	}
	return nil
}

func renewSecret(tx *store.Tx, tenantID, id, digest string) error {
	return tx.Change(notFound(), "UPDATE applications SET secret_digest = ?, secret_at = ?, version = version + 1 WHERE tenant_id = ? AND id = ? AND kind = ?", digest, tx.Now, tenantID, id, Confidential)
}

// erase deletes an application, after what it holds.
func erase(tx *store.Tx, tenantID, id string) error {
	for _, statement := range []string{
		"DELETE FROM application_tokens WHERE tenant_id = ? AND authorization_id IN (SELECT z.id FROM authorizations z WHERE z.tenant_id = application_tokens.tenant_id AND z.application_id = ?)",
		"DELETE FROM authorizations WHERE tenant_id = ? AND application_id = ?",
		"DELETE FROM application_groups WHERE tenant_id = ? AND application_id = ?",
	} {
		if err := tx.Exec(statement, tenantID, id).Error; err != nil {
			return err
		}
	}
	return tx.Change(notFound(), "DELETE FROM applications WHERE tenant_id = ? AND id = ?", tenantID, id)
}

func (s Settings) state() string {
	if s.SignInsOff {
		return "off"
	}
	return "on"
}

func lines(all []string) string { return strings.Join(all, "\n") }

func unlines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
