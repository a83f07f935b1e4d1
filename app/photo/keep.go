package photo

import (
	"crypto/sha256"
	"encoding/hex"

	"latchkey/app/fault"
	"latchkey/app/store"
)

// Photo is the photo of a person.
type Photo struct {
	Mark string // of its bytes, by which two are told apart; empty: there is none
	JPEG []byte `gorm:"column:jpeg"`
}

// Of gives the photo of a person, or the zero one.
func Of(tx *store.Tx, tenantID, userID string) (p Photo, err error) {
	_, err = tx.One(&p, "SELECT mark, jpeg FROM photos WHERE tenant_id = ? AND user_id = ?", tenantID, userID)
	return p, err
}

// MarkOf is the mark of what Read gives; that of nothing is empty.
func MarkOf(jpeg []byte) string {
	if len(jpeg) == 0 {
		return ""
	}
	sum := sha256.Sum256(jpeg)
	return hex.EncodeToString(sum[:8])
}

// Put gives a person the photo that Read gave, or with nothing takes theirs away. It
// fails with fault.Conflict when they have another one by now than the one of mark was.
func Put(tx *store.Tx, tenantID, userID string, jpeg []byte, was string) error {
	changed := fault.New(fault.Conflict, "user.state_changed")
	if len(jpeg) == 0 {
		return tx.Change(changed, "DELETE FROM photos WHERE tenant_id = ? AND user_id = ? AND mark = ?", tenantID, userID, was)
	}
	return tx.Change(changed, `INSERT INTO photos (tenant_id, user_id, mark, jpeg, put_at) VALUES (?,?,?,?,?)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET mark = excluded.mark, jpeg = excluded.jpeg, put_at = excluded.put_at WHERE photos.mark = ?`,
		tenantID, userID, MarkOf(jpeg), jpeg, tx.Now, was)
}
