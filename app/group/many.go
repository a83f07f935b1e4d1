package group

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Entry is a group that people join, many at once, as it was when that was asked.
type Entry struct {
	ID, Name string
	Role     access.Role
	Title    string // of the role, as its holders are told it
}

// Join is a person who joins a group.
type Join struct {
	Entry
	UserID, UserName string
	Made             bool // in the same act, whose own event names the group
}

// JoinAll puts people into groups in the act tx, and tells them: those who get a role
// by it which one, and those who were there before the act the names of all other
// groups that they join, at once. All groups of a person come in one call. There is an event for each but those who were made in the same act and get
// no role: RecordMade counts them for their group. What is common to all events
// comes as one. Whether the actor may has been asked; HoldAll must follow in the
// same act.
func JoinAll(tx *store.Tx, tenantID string, joins []Join, common audit.Event, by access.Role) error {
	rows := make([][]any, len(joins))
	var order []string // of those who join groups without a role, as they come
	joined := map[string][]string{}
	var events []audit.Event
	for i, j := range joins {
		rows[i] = []any{tenantID, j.ID, j.UserID, j.UserName, common.Actor.ID, tx.Now}
		if j.Role != "" {
			notice := notify.Notice{Action: audit.RoleAssigned, By: by, Reason: common.Reason, Detail: j.Title}
			if err := notify.Tell(tx, tenantID, j.UserID, notice); err != nil {
				return err
			}
		}
		if j.Made && j.Role == "" {
			continue
		}
		if j.Role == "" {
			if joined[j.UserID] == nil {
				order = append(order, j.UserID)
			}
			joined[j.UserID] = append(joined[j.UserID], j.Name)
		}
		e := j.added(tenantID, common, "role", string(j.Role))
		e.Subject = j.UserID
		events = append(events, e)
	}
	for _, userID := range order {
		notice := notify.Notice{Action: audit.GroupMemberAdded, By: by, Reason: common.Reason, Detail: strings.Join(joined[userID], ", ")}
		if err := notify.Tell(tx, tenantID, userID, notice); err != nil {
			return err
		}
	}
	if err := tx.InsertAll("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_by, added_at)", "", rows); err != nil {
		return err
	}
	return audit.RecordAll(tx, events)
}

// RecordMade records how many who were made in the act tx joined each group.
func RecordMade(tx *store.Tx, tenantID string, made map[Entry]int, common audit.Event) error {
	var events []audit.Event
	for _, entry := range slices.SortedFunc(maps.Keys(made), func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) }) {
		if entry.Role == "" {
			events = append(events, entry.added(tenantID, common, "people", strconv.Itoa(made[entry])))
		}
	}
	return audit.RecordAll(tx, events)
}

func (entry Entry) added(tenantID string, common audit.Event, name, value string) audit.Event {
	e := common
	e.TenantID, e.Action, e.Target = tenantID, audit.GroupMemberAdded, audit.Party{Kind: audit.KindGroup, ID: entry.ID}
	e.Details = map[string]string{"name": entry.Name}
	maps.Copy(e.Details, common.Details)
	if value != "" {
		e.Details[name] = value
	}
	return e
}

// HoldAll keeps groups as they are until the act tx ends, and fails with
// fault.Conflict when one of them is not as it was asked about.
func HoldAll(tx *store.Tx, tenantID string, entries []Entry) error {
	for _, e := range entries {
		if err := hold(tx, tenantID, row{ID: e.ID, Name: e.Name, Role: e.Role}, toChange); err != nil {
			return err
		}
	}
	return nil
}
