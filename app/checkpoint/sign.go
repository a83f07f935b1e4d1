package checkpoint

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// When the head of a tree is signed (product.md §8).
const (
	SignWait   = 60 * time.Second
	SignEvents = 1000

	treesAtOnce = 100
)

// Why a tree is not signed. Add, never rename.
const (
	faultCut    = "cut"    // it is smaller than a head that was signed
	faultForked = "forked" // it is none that grew out of one
)

// Sign signs the heads of trees for which it is time, and says of how many. Each is checked
// to have grown out of every head that this process knows of before it is signed: the last
// one in the database, and the last one of a witness. One that has not is not signed, and
// is looked at again a minute later.
func (s *Service) Sign(ctx context.Context) (n int, err error) {
	tx := s.DB.View(ctx)
	var due []struct{ TenantID string }
	err = tx.All(&due, `SELECT tenant_id FROM audit_trees WHERE size > signed_size AND (signed_at IS NULL OR signed_at <= ? OR size >= signed_size + ? AND fault = '')
		ORDER BY signed_at LIMIT ?`, tx.Now.Add(-SignWait), SignEvents, treesAtOnce)
	if err != nil || len(due) == 0 {
		return 0, store.Unusable(err)
	}
	tenants := make([]string, len(due))
	for i, d := range due {
		tenants[i] = d.TenantID
	}
	return s.sign(ctx, tenants, take)
}

// SignNow seals and signs everything of a tenant that is committed, without waiting for its
// time; and for who is sealing beside it, it waits.
func (s *Service) SignNow(ctx context.Context, tenantID string) error {
	for more := true; more; {
		var err error
		if _, more, err = s.seal(ctx, wait); err != nil {
			return err
		}
	}
	_, err := s.sign(ctx, []string{tenantID}, wait)
	return err
}

func (s *Service) sign(ctx context.Context, tenants []string, hold hold) (n int, err error) {
	if err := s.Recall(); err != nil {
		return 0, err
	}
	var made []Head
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		made = nil
		at, held, err := hold(tx)
		if err != nil || !held {
			return err
		}
		if err := s.notBehind(at.checkpoints); err != nil {
			return err
		}
		keys, _, err := s.keys(tx)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			// A database with checkpoints whose keys are gone gets no new ones by itself.
			if at.checkpoints > 0 {
				return errNoKey
			}
			first, err := s.newKey(tx, nil, audit.Service, "")
			if err != nil {
				return err
			}
			keys = append(keys, first)
		}
		for _, tenantID := range tenants {
			t, err := treeOf(tx, tenantID)
			if err != nil {
				return err
			}
			if t.size == t.signedSize {
				continue // another replica was first
			}
			head, why, err := s.grown(tx, tenantID, t, keys)
			if err != nil {
				return err
			}
			if why != "" {
				s.Log.Error("the audit of a tenant is not what was signed; see latchkey audit verify", "tenant", tenantID, "fault", why)
				if err := tx.Exec("UPDATE audit_trees SET fault = ?, signed_at = ? WHERE tenant_id = ?", why, tx.Now, tenantID).Error; err != nil {
					return err
				}
				continue
			}
			at.checkpoints++
			head.Name, head.Number, head.At = keys[0].name(), at.checkpoints, tx.Now
			if err := insert(tx, head, keys[0].signer); err != nil {
				return err
			}
			err = tx.Exec("UPDATE audit_trees SET signed_size = ?, signed_at = ?, fault = '' WHERE tenant_id = ?", head.Size, tx.Now, tenantID).Error
			if err != nil {
				return err
			}
			made = append(made, head)
		}
		return tx.Exec("UPDATE audit_sealing SET checkpoints = ? WHERE id = 1", at.checkpoints).Error
	})
	if err != nil {
		return 0, err
	}
	for _, h := range made {
		s.know(h)
	}
	return len(made), nil
}

// grown gives the head of a tree that grew out of those that are known, or why it did not.
func (s *Service) grown(tx *store.Tx, tenantID string, t tree, keys []Key) (head Head, why string, err error) {
	head = Head{TenantID: tenantID, Size: t.size, Root: t.root}
	var olds []Head
	var last struct{ Note string }
	found, err := tx.One(&last, "SELECT note FROM audit_checkpoints WHERE tenant_id = ? ORDER BY number DESC LIMIT 1", tenantID)
	if err != nil {
		return head, "", err
	}
	switch old, err := open(last.Note, verifiers(publics(keys))); {
	case found && (err != nil || old.TenantID != tenantID):
		return head, faultForked, nil // nobody of us signed it
	case found:
		olds = append(olds, old)
	case t.signedSize > 0:
		return head, faultCut, nil
	}
	// Mostly it is this process that signed the last one, and knows the same.
	if own, ok := s.known(tenantID); ok && (len(olds) == 0 || own.Size != olds[0].Size || own.Root != olds[0].Root) {
		olds = append(olds, own)
	}
	stored := hashesOf(tx, tenantID)
	if root, err := tlog.TreeHash(t.size, stored); err != nil || root != t.root {
		return head, faultForked, nil
	}
	for _, old := range olds {
		if old.Size > t.size {
			return head, faultCut, nil
		}
		if !consistent(stored, t.size, t.root, old) {
			return head, faultForked, nil
		}
	}
	return head, "", nil
}

// consistent says whether a tree has grown out of an older head.
func consistent(stored tlog.HashReader, size int64, root tlog.Hash, old Head) bool {
	if old.Size == 0 {
		return true
	}
	proof, err := tlog.ProveTree(size, old.Size, stored)
	return err == nil && tlog.CheckTree(proof, size, root, old.Size, old.Root) == nil
}

func insert(tx *store.Tx, head Head, by ...note.Signer) error {
	signed, err := note.Sign(&note.Note{Text: head.text()}, by...)
	if err != nil {
		return fmt.Errorf("checkpoint: sign: %w", err)
	}
	return tx.Exec("INSERT INTO audit_checkpoints (tenant_id, number, size, root, note, made_at) VALUES (?,?,?,?,?,?)",
		head.TenantID, head.Number, head.Size, head.Root[:], string(signed), tx.Now).Error
}
