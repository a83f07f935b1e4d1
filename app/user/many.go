package user

import (
	"maps"
	"slices"
	"strings"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Newcomer is a user to be made, one of many.
type Newcomer struct {
	Name        string // as Name gives it
	DisplayName string
	Groups      []string // ids of those that they join in the same act, for the event
}

// CreateAll makes users without a password in the act tx, with the words by which
// they are found and an event for each; what is common to all events comes as
// one. A name that is taken is store.ErrDuplicate, at once or with a later
// statement.
func CreateAll(tx *store.Tx, tenantID string, people []Newcomer, common audit.Event) ([]User, error) {
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
		e.TenantID, e.Action, e.Target, e.Subject = tenantID, audit.UserCreated, audit.User(u.ID), u.ID
		if len(p.Groups) > 0 {
			e.Details = map[string]string{"groups": strings.Join(p.Groups, " ")}
			maps.Copy(e.Details, common.Details)
		}
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
//
// Each is one statement, put off: a list of rows would leave it to the database
// whether to go from the rows to the users or through all users for each row.
func RenameAll(tx *store.Tx, tenantID string, renames []Rename, common audit.Event) error {
	var joining [][]any
	events, want := make([]audit.Event, len(renames)), make(map[string]string, len(renames))
	for i, r := range renames {
		want[r.ID] = r.To
		if err := tx.Later("UPDATE users SET display_name = ? WHERE tenant_id = ? AND id = ? AND display_name = ?", r.To, tenantID, r.ID, r.DisplayName); err != nil {
			return err
		}
		before, after := Words(r.Name, r.DisplayName), Words(r.Name, r.To)
		for _, word := range before {
			if slices.Contains(after, word) {
				continue
			}
			if err := tx.Later("DELETE FROM user_words WHERE tenant_id = ? AND word = ? AND user_id = ?", tenantID, word, r.ID); err != nil {
				return err
			}
		}
		for _, word := range after {
			if !slices.Contains(before, word) {
				joining = append(joining, []any{tenantID, word, r.ID})
			}
		}
		e := common
		e.TenantID, e.Action, e.Target, e.Subject = tenantID, audit.UserRenamed, audit.User(r.ID), r.ID
		events[i] = e
	}
	if err := tx.InsertAll("INSERT INTO user_words (tenant_id, word, user_id)", "ON CONFLICT DO NOTHING", joining); err != nil {
		return err
	}
	if err := audit.RecordAll(tx, events); err != nil {
		return err
	}
	return stand(tx, tenantID, "display_name", want)
}

// stand sees that a column of every user has what it was to have, by their ids.
func stand(tx *store.Tx, tenantID, column string, want map[string]string) error {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(want)), store.EachMost) {
		from, values := store.Each(some)
		var now []struct {
			ID     string
			Stands *string
		}
		err := tx.All(&now, "SELECT v.column1 AS id, (SELECT u."+column+" FROM users u WHERE u.tenant_id = ? AND u.id = v.column1) AS stands FROM "+from,
			append([]any{tenantID}, values...)...)
		if err != nil {
			return err
		}
		for _, u := range now {
			if u.Stands == nil || *u.Stands != want[u.ID] {
				return fault.New(fault.Conflict, "user.state_changed")
			}
		}
	}
	return nil
}

// Managed is a user who gets another manager.
type Managed struct {
	UserID  string
	Was, To string // ids of managers; empty: nobody
}

// ManageAll names the managers of users in the act tx, with an event for each: as of one
// alone, for whose word counts depends on who named them lately (package vouch). It fails
// with fault.Conflict when one of them has another one than described.
func ManageAll(tx *store.Tx, tenantID string, managed []Managed, common audit.Event) error {
	events, want := make([]audit.Event, len(managed)), make(map[string]string, len(managed))
	for i, m := range managed {
		want[m.UserID] = m.To
		if err := tx.Later("UPDATE users SET manager_id = ? WHERE tenant_id = ? AND id = ? AND manager_id = ?", m.To, tenantID, m.UserID, m.Was); err != nil {
			return err
		}
		e := common
		e.TenantID, e.Action, e.Target, e.Subject = tenantID, audit.UserManagerChanged, audit.User(m.UserID), m.UserID
		e.Details = maps.Clone(common.Details)
		if e.Details == nil {
			e.Details = map[string]string{}
		}
		if e.Details["to"] = m.To; m.Was != "" {
			e.Details["from"] = m.Was
		}
		events[i] = e
	}
	if err := audit.RecordAll(tx, events); err != nil {
		return err
	}
	return stand(tx, tenantID, "manager_id", want)
}
