package search

import (
	"cmp"
	"slices"
	"strings"

	"latchkey/app/access"
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
// words, and keeps those who have the others too.
func byWords(tx *store.Tx, who access.Standing, words []string) (all []Person, err error) {
	driver := slices.MaxFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	where, values := inScope(who)
	seen := map[string]bool{}
	word, id := driver, ""
	for range batchMost {
		var batch []struct {
			Person
			Word string
		}
		err := tx.All(&batch, `SELECT w.word, u.id, u.name, u.display_name, u.state FROM user_words w
			JOIN users u ON u.tenant_id = w.tenant_id AND u.id = w.user_id
			WHERE w.tenant_id = ? AND (w.word, w.user_id) > (?, ?) AND w.word < ?`+where+" ORDER BY w.word, w.user_id LIMIT ?",
			append(append([]any{who.TenantID, word, id, driver + last}, values...), batchSize)...)
		if err != nil {
			return nil, err
		}
		for _, row := range batch {
			if !seen[row.ID] && matches(row.Person, words) {
				seen[row.ID] = true
				all = append(all, row.Person)
			}
		}
		if len(batch) < batchSize || len(all) >= Most {
			break
		}
		word, id = batch[len(batch)-1].Word, batch[len(batch)-1].ID
	}
	slices.SortFunc(all, func(a, b Person) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(Most, len(all))], nil
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

// letters are those of the ids of phones and of accounts.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
