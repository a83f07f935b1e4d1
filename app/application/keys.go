package application

import (
	"context"
	"crypto/ecdsa"
	"time"

	"latchkey/app/audit"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Times of the keys that sign for a tenant. A key that signs no more stays known for
// as long as an id token of it may be shown to us again, at the end of a session.
const (
	KeyLife  = 90 * 24 * time.Hour
	keyKnown = KeyLife + 48*time.Hour
)

// Key signs what applications of a tenant are told (ES256).
type Key struct {
	ID        string
	Private   *ecdsa.PrivateKey
	CreatedAt time.Time
}

// SigningKey gives the key that signs now, and makes the first one, and the next when
// the last is old.
func (s *Service) SigningKey(ctx context.Context, tenantID string) (Key, error) {
	keys, err := s.KeySet(ctx, tenantID)
	if err != nil {
		return Key{}, err
	}
	if len(keys) > 0 && s.DB.Now().Before(keys[0].CreatedAt.Add(KeyLife)) {
		return keys[0], nil
	}
	return s.newKey(ctx, tenantID)
}

// newKey makes a key. Of two that are made at once both are known, and one signs.
func (s *Service) newKey(ctx context.Context, tenantID string) (Key, error) {
	private, err := secret.NewSigningKey()
	if err != nil {
		return Key{}, err
	}
	text, err := secret.SigningText(private)
	if err != nil {
		return Key{}, err
	}
	key := Key{ID: secret.System.ID(), Private: private}
	sealed, err := s.Keys.Seal(tenantID, keyPlace(key.ID), text)
	if err != nil {
		return Key{}, err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		key.CreatedAt = tx.Now
		if err := tx.Exec("INSERT INTO application_keys (tenant_id, id, private, created_at) VALUES (?,?,?,?)", tenantID, key.ID, sealed, tx.Now).Error; err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.ApplicationKeyMade, Actor: audit.Service, Target: audit.Tenant(tenantID), Details: map[string]string{"key": key.ID},
		})
	})
	return key, err
}

func keyPlace(id string) string { return "application_keys.private " + id }

// KeySet gives the keys of a tenant that are known, the newest first.
func (s *Service) KeySet(ctx context.Context, tenantID string) ([]Key, error) {
	var rows []struct {
		ID, Private string
		CreatedAt   time.Time
	}
	tx := s.DB.View(ctx)
	err := tx.All(&rows, "SELECT id, private, created_at FROM application_keys WHERE tenant_id = ? AND created_at > ? ORDER BY created_at DESC, id", tenantID, tx.Now.Add(-keyKnown))
	if err != nil {
		return nil, store.Unusable(err)
	}
	var all []Key
	for _, r := range rows {
		text, err := s.Keys.Open(tenantID, keyPlace(r.ID), r.Private)
		if err != nil {
			return nil, err
		}
		private, err := secret.ParseSigning(text)
		if err != nil {
			return nil, err
		}
		all = append(all, Key{ID: r.ID, Private: private, CreatedAt: r.CreatedAt})
	}
	return all, nil
}
