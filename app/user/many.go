package user

import (
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Newcomer is a user to be made, one of many.
type Newcomer struct {
	Name        string // as Name gives it
	DisplayName string
}

// CreateAll makes users without a password in the act tx, with the words by which
// they are found and an event for each: what is common to all events comes as
// one, and details gives what is not. A name that is taken is store.ErrDuplicate,
// at once or with a later statement.
func CreateAll(tx *store.Tx, tenantID string, people []Newcomer, common audit.Event, details func(i int) map[string]string) ([]User, error) {
	users := make([]User, len(people))
	rows, words, events := make([][]any, len(people)), [][]any{}, make([]audit.Event, len(people))
	for i, p := range people {
		u := User{TenantID: tenantID, ID: secret.System.ID(), Name: p.Name, DisplayName: p.DisplayName, State: Active}
		users[i] = u
		rows[i] = []any{tenantID, u.ID, u.Name, u.DisplayName, u.State, "disabled", "", tx.Now, common.Actor.ID}
		for _, word := range Words(u.Name, u.DisplayName) {
			words = append(words, []any{tenantID, word, u.ID})
		}
		e := common
		e.TenantID, e.Action, e.Target, e.Subject, e.Details = tenantID, audit.UserCreated, audit.User(u.ID), u.ID, details(i)
		events[i] = e
	}
	if err := tx.InsertAll("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at, created_by)", "", rows); err != nil {
		return nil, err
	}
	if err := tx.InsertAll("INSERT INTO user_words (tenant_id, word, user_id)", "", words); err != nil {
		return nil, err
	}
	return users, audit.RecordAll(tx, events)
}

// Rename gives a user another display name.
type Rename struct {
	User        // as they are
	To   string // their display name from now on
}

// RenameAll gives users other display names in the act tx, with an event for
// each. It fails with fault.Conflict when one of them is not as described any more.
func RenameAll(tx *store.Tx, tenantID string, renames []Rename, common audit.Event) error {
	for len(renames) > 0 {
		part := renames[:min(store.InsertRows, len(renames))]
		renames = renames[len(part):]
		if err := renameSome(tx, tenantID, part, common); err != nil {
			return err
		}
	}
	return nil
}

func renameSome(tx *store.Tx, tenantID string, renames []Rename, common audit.Event) error {
	var names, before []any
	var after [][]any
	events := make([]audit.Event, len(renames))
	for i, r := range renames {
		names = append(names, r.ID, r.DisplayName, r.To)
		for _, word := range Words(r.Name, r.DisplayName) {
			before = append(before, word, r.ID)
		}
		for _, word := range Words(r.Name, r.To) {
			after = append(after, []any{tenantID, word, r.ID})
		}
		e := common
		e.TenantID, e.Action, e.Target, e.Subject = tenantID, audit.UserRenamed, audit.User(r.ID), r.ID
		events[i] = e
	}
	res := tx.Exec(`UPDATE users SET display_name = v.column3 FROM (VALUES `+store.Tuples(len(renames), 3)+`) AS v
		WHERE users.tenant_id = ? AND users.id = v.column1 AND users.display_name = v.column2`, append(names, tenantID)...)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != int64(len(renames)) {
		return fault.New(fault.Conflict, "user.state_changed")
	}
	// By whole keys: nothing finds the words of a user otherwise.
	if len(before) > 0 {
		if err := tx.Later("DELETE FROM user_words WHERE tenant_id = ? AND (word, user_id) IN (VALUES "+store.Tuples(len(before)/2, 2)+")", append([]any{tenantID}, before...)...); err != nil {
			return err
		}
	}
	if err := tx.InsertAll("INSERT INTO user_words (tenant_id, word, user_id)", "ON CONFLICT DO NOTHING", after); err != nil {
		return err
	}
	return audit.RecordAll(tx, events)
}
