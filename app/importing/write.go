package importing

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/group"
	"latchkey/app/notify"
	"latchkey/app/store"
	"latchkey/app/user"
)

// together is how many people are written before the progress is told.
const together = 1000

// write makes and changes people in the act tx, with an event for each.
func (s *Service) write(ctx context.Context, tx *store.Tx, h *held, j Judged, approver string) error {
	by, err := s.Rules.StandingIn(tx, h.TenantID, h.CreatedByID)
	if err != nil {
		return err
	}
	common := event(h.TenantID, h.ID, audit.User(h.CreatedByID), audit.Origin{}, "", "approved_by", approver)
	common.Reason = h.Reason
	common = common.Under(h.Ticket)
	entries := map[string]group.Entry{}
	for _, g := range j.Joined {
		entries[g.ID] = group.Entry{ID: g.ID, Name: g.Name, Role: g.Role, Title: g.Title}
	}
	done, made, newcomers := 0, map[group.Entry]int{}, map[string]string{}
	for some := range slices.Chunk(j.Changes, together) {
		ids, err := create(tx, h, some, common)
		if err != nil {
			return err
		}
		maps.Copy(newcomers, ids)
		if err := rename(tx, h, some, common, by.Role); err != nil {
			return err
		}
		var joins []group.Join
		for _, c := range some {
			for _, id := range c.Joins {
				if c.UserID == "" {
					made[entries[id]]++
				}
				joins = append(joins, group.Join{Entry: entries[id], UserID: cmp.Or(c.UserID, ids[c.Name]), UserName: c.Name, Made: c.UserID == ""})
			}
		}
		if err := group.JoinAll(tx, h.TenantID, joins, common, by.Role); err != nil {
			return err
		}
		// A read sends what was put off, so that what is told is true.
		var sent int
		if _, err := tx.One(&sent, "SELECT 1"); err != nil {
			return err
		}
		done += len(some)
		if err := s.tell(ctx, h, done); err != nil {
			return err
		}
	}
	// Once all of them are there: the manager of the first may be the last.
	if err := manage(tx, h, j.Changes, newcomers, common, by.Role); err != nil {
		return err
	}
	if err := group.RecordMade(tx, h.TenantID, made, common); err != nil {
		return err
	}
	if j.gives() {
		tx.After(s.Rules.Hurry)
	}
	// Last, so that nobody waits for long.
	return group.HoldAll(tx, h.TenantID, slices.SortedFunc(maps.Values(entries), func(a, b group.Entry) int { return cmp.Compare(a.ID, b.ID) }))
}

// create makes those of changes who are new, and gives their ids by sign-in name.
func create(tx *store.Tx, h *held, changes []Change, common audit.Event) (map[string]string, error) {
	var people []user.Newcomer
	for _, c := range changes {
		if c.UserID != "" {
			continue
		}
		people = append(people, user.Newcomer{Name: c.Name, DisplayName: c.called(), Groups: c.Joins})
	}
	users, err := user.CreateAll(tx, h.TenantID, people, common)
	ids := make(map[string]string, len(users))
	for _, u := range users {
		ids[u.Name] = u.ID
	}
	return ids, err
}

// rename gives those of changes who are there the display names of the list, and
// tells them.
func rename(tx *store.Tx, h *held, changes []Change, common audit.Event, by access.Role) error {
	var renames []user.Rename
	for _, c := range changes {
		if c.renames() {
			n := notify.Notice{Action: audit.UserRenamed, By: by, Reason: h.Reason, Detail: c.DisplayName}
			if err := notify.Tell(tx, h.TenantID, c.UserID, n); err != nil {
				return err
			}
			renames = append(renames, user.Rename{User: user.User{ID: c.UserID, Name: c.Name, DisplayName: c.Was}, To: c.DisplayName})
		}
	}
	return user.RenameAll(tx, h.TenantID, renames, common)
}

// manage gives those of changes who get one their manager, and tells those who were there
// before. newcomers are the ids of those who were made, by sign-in name.
func manage(tx *store.Tx, h *held, changes []Change, newcomers map[string]string, common audit.Event, by access.Role) error {
	var all []user.Managed
	for _, c := range changes {
		if !c.managed() {
			continue
		}
		all = append(all, user.Managed{UserID: cmp.Or(c.UserID, newcomers[c.Name]), Was: c.WasManager, To: cmp.Or(c.ManagerID, newcomers[c.Manager])})
		if c.UserID == "" {
			continue
		}
		n := notify.Notice{Action: audit.UserManagerChanged, By: by, Reason: h.Reason, Detail: c.Manager}
		if err := notify.Tell(tx, h.TenantID, c.UserID, n); err != nil {
			return err
		}
	}
	return user.ManageAll(tx, h.TenantID, all, common)
}
