package signin

import (
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// phoneSignsIn says of a user u in a tenant t whether some phone of theirs can
// answer. The sign-in asks it, and so does everything that asks who could.
const phoneSignsIn = `EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = t.id AND d.user_id = u.id AND d.state = 'active' AND d.phone_sign_in)`

// Able gives those of users who could sign in now by some way of theirs: their
// state, the tenant's and each way are judged as a sign-in judges them. A way
// that is paused will be back; one that too many failures turned off is none.
func Able(tx *store.Tx, keys Subjects, tenantID string, users []string) (map[string]bool, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []struct {
		Found
		ID, Name, PasswordHash string
	}
	err := tx.All(&rows, `SELECT u.id, u.name, u.password_hash, u.state, `+phoneSignsIn+` AS phones
		FROM tenants t JOIN users u ON u.tenant_id = t.id WHERE t.id = ? AND t.state = 'active' AND u.id IN ?`, tenantID, users)
	if err != nil {
		return nil, err
	}
	able := map[string]bool{}
	for _, row := range rows {
		if row.State != user.Active {
			continue
		}
		for way, has := range map[Way]bool{Phone: row.Phones, Password: row.PasswordHash != ""} {
			if !has || able[row.ID] {
				continue
			}
			state, err := throttle.Of(tx, tenantID, keys.Subject(row.Name), string(way))
			if err != nil {
				return nil, err
			}
			able[row.ID] = !state.Off()
		}
	}
	return able, nil
}

// Subjects gives the key under which what is known of a name is kept.
type Subjects interface{ Subject(name string) string }
