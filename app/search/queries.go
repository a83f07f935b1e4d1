package search

import (
	"cmp"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/codesheet"
	"latchkey/app/store"
	"latchkey/app/user"
)

// last sorts behind every letter.
const last = "\U0010ffff"

// Candidates for a name of several words are read in batches, up to a number
// that takes a twentieth of a second. Who is behind that is found by one more
// letter.
const (
	batchSize = 250
	batchMost = 16
	scopeMost = 2000 // people in groups that somebody is limited to, who are all looked at
)

// inScope is the condition that a user u is in a group that who is limited to.
func inScope(who access.Standing) (where string, values []any) {
	if len(who.Scope) == 0 {
		return "", nil
	}
	return " AND EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = u.id AND m.tenant_id = u.tenant_id AND m.group_id IN ?)", []any{who.Scope}
}

// people finds those whom a text names: by the beginning of the sign-in name when
// it has an @, else by words.
func people(tx *store.Tx, who access.Standing, typed string) ([]Person, error) {
	if strings.Contains(typed, "@") {
		return byName(tx, who, strings.ToLower(typed))
	}
	words := user.Words("", typed)
	if len(words) == 0 {
		return nil, nil
	}
	return byWords(tx, who, words)
}

func byName(tx *store.Tx, who access.Standing, prefix string) (all []Person, err error) {
	where, values := inScope(who)
	values = append(append([]any{who.TenantID, prefix, prefix + last}, values...), Most)
	err = tx.All(&all, `SELECT u.id, u.name, u.display_name, u.state FROM users u
		WHERE u.tenant_id = ? AND u.name >= ? AND u.name < ?`+where+" ORDER BY u.name LIMIT ?", values...)
	return all, err
}

// byWords goes through those who have a word that begins with the longest of
// words, and keeps those who have the others too. Who is limited to few people
// goes through these.
func byWords(tx *store.Tx, who access.Standing, words []string) (all []Person, err error) {
	if len(who.Scope) > 0 {
		ids, few, err := fewInScope(tx, who)
		if err != nil {
			return nil, err
		}
		if few {
			all, err = named(tx, who, ids, words)
			return firstFew(all), err
		}
	}
	driver := slices.MaxFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	from := place{Word: driver}
	seen := map[string]bool{}
	for range batchMost {
		var ids []string
		places, err := after(tx, who.TenantID, from)
		if err != nil {
			return nil, err
		}
		for _, from = range places {
			if strings.HasPrefix(from.Word, driver) && !seen[from.UserID] {
				seen[from.UserID] = true
				ids = append(ids, from.UserID)
			}
		}
		some, err := named(tx, who, ids, words)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(places) < batchSize || !strings.HasPrefix(from.Word, driver) || len(all) >= Most {
			break
		}
	}
	return firstFew(all), nil
}

// place is a word of somebody, in the order of the words.
type place struct{ Word, UserID string }

// after reads a batch of what comes after a place. It is read with no end: where
// PostgreSQL counts on few, it would read all that there are, and sort them, before
// it gives the first.
func after(tx *store.Tx, tenantID string, from place) (places []place, err error) {
	err = tx.All(&places, "SELECT word, user_id FROM user_words WHERE tenant_id = ? AND (word, user_id) > (?, ?) ORDER BY word, user_id LIMIT ?",
		tenantID, from.Word, from.UserID, batchSize)
	return places, err
}

// fewInScope gives the ids of all whom somebody with limits sees, when they are few.
func fewInScope(tx *store.Tx, who access.Standing) (ids []string, few bool, err error) {
	err = tx.All(&ids, "SELECT user_id FROM group_members WHERE group_id IN ? AND tenant_id = ? LIMIT ?", who.Scope, who.TenantID, scopeMost+1)
	if len(ids) > scopeMost {
		return nil, false, err
	}
	slices.Sort(ids)
	return slices.Compact(ids), true, err
}

// named gives those of the users with ids whom somebody sees and each of words
// names.
func named(tx *store.Tx, who access.Standing, ids, words []string) (all []Person, err error) {
	for some := range slices.Chunk(ids, store.EachMost) {
		from, values := store.Each(some)
		var rows []struct {
			ID  string
			Row *string // name, state and display name; only the last one may have spaces
			In  *string // ids of groups
		}
		err := tx.All(&rows, `SELECT v.column1 AS id,
			(SELECT u.name || ' ' || u.state || ' ' || u.display_name FROM users u WHERE u.tenant_id = ? AND u.id = v.column1) AS "row",
			(SELECT string_agg(m.group_id, ' ') FROM group_members m WHERE m.user_id = v.column1 AND m.tenant_id || '' = ?) AS "in" FROM `+from,
			append([]any{who.TenantID, who.TenantID}, values...)...)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			var groups []string
			if row.In != nil {
				groups = strings.Fields(*row.In)
			}
			if row.Row == nil || !who.Covers(groups) {
				continue
			}
			parts := strings.SplitN(*row.Row, " ", 3)
			if p := (Person{ID: row.ID, Name: parts[0], State: parts[1], DisplayName: parts[2]}); matches(p, words) {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// firstFew gives the first of people, as they are called.
func firstFew(all []Person) []Person {
	slices.SortFunc(all, func(a, b Person) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(Most, len(all))]
}

// phones finds phones by the beginning of an id. Both kinds of id have a length
// and letters that are known, so the range stands in whatever order the database
// puts text in; that the letters are exactly these is asked besides.
func phones(tx *store.Tx, who access.Standing, typed string) (all []Phone, err error) {
	if len(typed) < deviceLetter || strings.Trim(typed, letters) != "" {
		return nil, nil
	}
	where, values := inScope(who)
	for _, id := range []struct {
		column string
		length int
	}{{"id", 43}, {"account_id", 26}} {
		if len(typed) > id.length {
			continue
		}
		var some []Phone
		err := tx.All(&some, `SELECT d.id AS device_id, d.account_id, d.platform, u.id, u.name, u.display_name, u.state FROM devices d
			JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
			WHERE d.tenant_id = ? AND d.state IN ('active', 'disabled') AND d.`+id.column+` >= ? AND d.`+id.column+` <= ? AND substr(d.`+id.column+`, 1, ?) = ?`+
			where+" ORDER BY d."+id.column+" LIMIT ?",
			append(append([]any{who.TenantID, typed, typed + strings.Repeat("z", id.length-len(typed)), len(typed), typed}, values...), Most)...)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all[:min(Most, len(all))], nil
}

// sheets finds sheets of printed codes by the beginning of the serial number, also
// those that have ended: somebody found the paper.
func sheets(tx *store.Tx, who access.Standing, typed string) (all []Sheet, err error) {
	serial := codesheet.Typed(typed)
	if len(serial) < serialLetter || len(serial) > 8 || strings.Trim(serial, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return nil, nil
	}
	where, values := inScope(who)
	err = tx.All(&all, `SELECT s.serial, s.state AS code_state, u.id, u.name, u.display_name, u.state FROM code_sheets s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		WHERE s.tenant_id = ? AND s.serial >= ? AND s.serial <= ? AND substr(s.serial, 1, ?) = ?`+where+" ORDER BY s.serial LIMIT ?",
		append(append([]any{who.TenantID, serial, serial + strings.Repeat("Z", 8-len(serial)), len(serial), serial}, values...), Most)...)
	return all, err
}

// letters are those of the ids of phones and of accounts.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
