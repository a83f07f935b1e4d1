// Package user knows the subscribers of a tenant.
package user

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// States of a user.
const (
	Active   = "active"
	Locked   = "locked"
	Disabled = "disabled"
)

// User is a subscriber.
type User struct {
	TenantID     string
	ID           string
	Name         string // sign-in name, lower case
	DisplayName  string
	State        string
	PasswordHash string
}

// Name puts a sign-in name as typed into the form in which it is kept. The
// result is empty when it is no name at all.
func Name(typed string) string {
	name := strings.ToLower(strings.TrimSpace(typed))
	if len(name) > 254 || strings.ContainsRune(name, utf8.RuneError) || !nameForm.MatchString(name) {
		return ""
	}
	return name
}

var nameForm = regexp.MustCompile(`^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$`)

// Password lengths (SP 800-63B-4 §3.1.1.2): 15 when it may be the only factor.
const (
	PasswordLeast      = 8
	PasswordLeastAlone = 15
	PasswordMost       = 64
)

// Create makes a user in the act tx; hash is a PHC string or empty. A taken
// name is fault.Invalid.
func Create(tx *store.Tx, tenantID, name, displayName, hash string, by audit.Party, from audit.Origin) (User, error) {
	if name = Name(name); name == "" {
		return User{}, fault.Wrong("form.wrong", map[string]string{"name": "user.name_form"})
	}
	u := User{TenantID: tenantID, ID: secret.System.ID(), Name: name, DisplayName: displayName, State: Active, PasswordHash: hash}
	err := tx.Exec(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at, created_by) VALUES (?,?,?,?,?,?,?,?,?)`,
		u.TenantID, u.ID, u.Name, u.DisplayName, u.State, "disabled", u.PasswordHash, tx.Now, by.ID).Error
	if errors.Is(err, store.ErrDuplicate) {
		return User{}, fault.Wrong("form.wrong", map[string]string{"name": "user.name_taken"})
	}
	if err != nil {
		return User{}, err
	}
	for _, word := range Words(u.Name, u.DisplayName) {
		if err := tx.Later("INSERT INTO user_words (tenant_id, word, user_id) VALUES (?,?,?)", tenantID, word, u.ID); err != nil {
			return User{}, err
		}
	}
	return u, audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.UserCreated, Actor: by, Target: audit.User(u.ID), Subject: u.ID, Origin: from,
	})
}

// Words are those by which a user is found: of the display name and of the part
// of the sign-in name before the @, in small letters, each once.
func Words(name, displayName string) []string {
	local, _, _ := strings.Cut(name, "@")
	words := strings.FieldsFunc(strings.ToLower(displayName+" "+local), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("._+-", r)
	})
	for i, word := range words {
		if letters := []rune(word); len(letters) > wordMost {
			words[i] = string(letters[:wordMost])
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// wordMost is how many letters of a word count.
const wordMost = 64

// Named gives the user with a sign-in name; ok is false when there is none.
func Named(ctx context.Context, db *store.DB, tenantID, name string) (u User, ok bool, err error) {
	ok, err = db.View(ctx).One(&u, "SELECT tenant_id, id, name, display_name, state, password_hash FROM users WHERE tenant_id = ? AND name = ?", tenantID, name)
	return u, ok, store.Unusable(err)
}

// NameOf gives the sign-in name of a user; empty when there is none such.
func NameOf(ctx context.Context, db *store.DB, tenantID, userID string) (name string, err error) {
	_, err = db.View(ctx).One(&name, "SELECT name FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
	return name, store.Unusable(err)
}

// NamesOf gives the sign-in names of those whom CalledOf gives.
func NamesOf(tx *store.Tx, tenantID string, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	return names, called(tx, tenantID, ids, func(id, name, _ string) { names[id] = name })
}

// CalledOf gives users of a tenant by their ids, and operators who acted in it, with both of
// their names and nothing else. Operators are users of the platform, behind a wall of its own.
func CalledOf(tx *store.Tx, tenantID string, ids ...string) (map[string]User, error) {
	users := map[string]User{}
	return users, called(tx, tenantID, ids, func(id, name, displayName string) { users[id] = User{ID: id, Name: name, DisplayName: displayName} })
}

func called(tx *store.Tx, tenantID string, ids []string, is func(id, name, displayName string)) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" || id == audit.Service.ID })
	if len(ids) == 0 {
		return nil
	}
	found := 0
	read := func(tx *store.Tx, tenantID string) error {
		are, value := tx.Among("id", ids)
		var id, name, displayName string
		return tx.Each("SELECT id, name, display_name FROM users WHERE tenant_id = ? AND "+are, func(scan func(dest ...any) error) error {
			err := scan(&id, &name, &displayName)
			is(id, name, displayName)
			found++
			return err
		}, tenantID, value)
	}
	if err := read(tx, tenantID); err != nil || found == len(ids) {
		return err
	}
	return tx.Outside(func(tx *store.Tx) error { return read(tx, access.Platform) })
}

// Full is how somebody is called, with the sign-in name that nobody else has.
func Full(name, displayName string) string {
	if displayName == "" || name == "" {
		return displayName + name
	}
	return displayName + " (" + name + ")"
}

// Called is Full of a user of a tenant, or of an operator whom it let in.
func Called(tx *store.Tx, tenantID, userID string) (string, error) {
	called, err := CalledOf(tx, tenantID, userID)
	u := called[userID]
	return Full(u.Name, u.DisplayName), err
}

// Lock locks the user in the act tx, and with it every session, prompt and
// phone of theirs, for all of them ask the user's state when they are used.
func Lock(tx *store.Tx, tenantID, userID, reason string, by audit.Party, from audit.Origin) error {
	if err := MarkLocked(tx, tenantID, userID, by.ID); err != nil {
		return err
	}
	return changed(tx, tenantID, userID, reason, audit.UserLocked, by, from)
}

// Unlock ends a lock, whoever it is from.
func Unlock(tx *store.Tx, tenantID, userID, reason string, by audit.Party, from audit.Origin) error {
	var lockedBy string
	if _, err := tx.One(&lockedBy, "SELECT locked_by FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID); err != nil {
		return err
	}
	if err := MarkUnlocked(tx, tenantID, userID, lockedBy); err != nil {
		return err
	}
	return changed(tx, tenantID, userID, reason, audit.UserUnlocked, by, from)
}

// MarkLocked notes a lock and who it is from; its event is the caller's. It
// fails with fault.Conflict unless the user is active.
func MarkLocked(tx *store.Tx, tenantID, userID, by string) error {
	return tx.Change(fault.New(fault.Conflict, "user.state_changed"),
		"UPDATE users SET state = ?, locked_by = ?, locked_at = ? WHERE tenant_id = ? AND id = ? AND state = ?", Locked, by, tx.Now, tenantID, userID, Active)
}

// MarkUnlocked takes back the lock that lockedBy made, and no other.
func MarkUnlocked(tx *store.Tx, tenantID, userID, lockedBy string) error {
	return tx.Change(fault.New(fault.Conflict, "user.state_changed"),
		"UPDATE users SET state = ?, locked_by = '', locked_at = NULL WHERE tenant_id = ? AND id = ? AND state = ? AND locked_by = ?",
		Active, tenantID, userID, Locked, lockedBy)
}

// MarkDisabled ends the account of a user who is in the state was, and notes who
// did. A lock stays noted, also one from before locks were.
func MarkDisabled(tx *store.Tx, tenantID, userID, was, by string) error {
	return tx.Change(fault.New(fault.Conflict, "user.state_changed"),
		`UPDATE users SET state = ?, disabled_by = ?, disabled_at = ?, locked_at = CASE WHEN state = ? THEN COALESCE(locked_at, ?) END
		WHERE tenant_id = ? AND id = ? AND state = ? AND state <> ?`, Disabled, by, tx.Now, Locked, tx.Now, tenantID, userID, was, Disabled)
}

// MarkEnabled takes that back, and gives the state that follows: a lock that was
// there before holds again.
func MarkEnabled(tx *store.Tx, tenantID, userID string) (state string, err error) {
	ok, err := tx.One(&state, `UPDATE users SET state = CASE WHEN locked_at IS NULL THEN ? ELSE ? END, disabled_by = '', disabled_at = NULL
		WHERE tenant_id = ? AND id = ? AND state = ? RETURNING state`, Active, Locked, tenantID, userID, Disabled)
	if err == nil && !ok {
		err = fault.New(fault.Conflict, "user.state_changed")
	}
	return state, err
}

func changed(tx *store.Tx, tenantID, userID, reason string, action audit.Action, by audit.Party, from audit.Origin) error {
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: action, Reason: reason, Actor: by, Target: audit.User(userID), Subject: userID, Origin: from,
	})
}
