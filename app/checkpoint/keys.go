package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Key is one that signs checkpoints, or did.
type Key struct {
	ID       string
	Public   string // as signed notes name it: name, hash and key
	Handover string // a note in which the key before names this one; empty for the first
	MadeAt   time.Time
	signer   note.Signer
}

// name is that of the installation, which all its keys share.
func (k Key) name() string { name, _, _ := strings.Cut(k.Public, "+"); return name }

func keyPlace(id string) string { return "audit_keys.private " + id }

// keys gives every key, the newest first. One that does not open under the master key is
// none of ours: whoever can write into the database can put one there.
func (s *Service) keys(tx *store.Tx) (all []Key, foreign []string, err error) {
	var rows []struct {
		ID, Public, Private, Handover string
		MadeAt                        time.Time
	}
	if err := tx.All(&rows, "SELECT id, public, private, handover, made_at FROM audit_keys ORDER BY made_at DESC, id"); err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		key := Key{ID: r.ID, Public: r.Public, Handover: r.Handover, MadeAt: r.MadeAt}
		text, err := s.Keys.Open(access.Platform, keyPlace(r.ID)+" "+r.Public, r.Private)
		if err == nil {
			key.signer, err = note.NewSigner(text)
		}
		if err != nil {
			foreign = append(foreign, r.Public)
			continue
		}
		all = append(all, key)
	}
	return all, foreign, nil
}

// newKey makes a key in the act tx. The one before names it in a note of both.
func (s *Service) newKey(tx *store.Tx, before *Key, by audit.Party, reason string) (key Key, err error) {
	name := "latchkey-" + secret.System.ShortID()
	if before != nil {
		name = before.name()
	}
	private, public, err := note.GenerateKey(secret.System.Reader, name)
	if err != nil {
		return key, fmt.Errorf("checkpoint: key: %w", err)
	}
	key = Key{ID: secret.System.ID(), Public: public, MadeAt: tx.Now}
	if key.signer, err = note.NewSigner(private); err != nil {
		return key, fmt.Errorf("checkpoint: key: %w", err)
	}
	if before != nil {
		signed, err := note.Sign(&note.Note{Text: handoverTo(public)}, before.signer, key.signer)
		if err != nil {
			return key, fmt.Errorf("checkpoint: handover: %w", err)
		}
		key.Handover = string(signed)
		if !key.MadeAt.After(before.MadeAt) {
			key.MadeAt = before.MadeAt.Add(time.Microsecond)
		}
	}
	sealed, err := s.Keys.Seal(access.Platform, keyPlace(key.ID)+" "+public, private)
	if err != nil {
		return key, err
	}
	if err := tx.Exec("INSERT INTO audit_keys (id, public, private, handover, made_at) VALUES (?,?,?,?,?)", key.ID, public, sealed, key.Handover, key.MadeAt).Error; err != nil {
		return key, err
	}
	return key, audit.Record(tx, audit.Event{
		TenantID: access.Platform, Action: audit.AuditKeyMade, Actor: by, Target: audit.Service, Reason: reason, Details: map[string]string{"key": public},
	})
}

const handoverLine = "The key after this one:\n"

func handoverTo(public string) string { return handoverLine + public + "\n" }

// PublicKeys gives the keys of this installation as signed notes name them, the newest
// first. They are for keeping where the database is not.
func (s *Service) PublicKeys(ctx context.Context) (all []string, err error) {
	keys, _, err := s.keys(s.DB.View(ctx))
	for _, k := range keys {
		all = append(all, k.Public)
	}
	return all, store.Unusable(err)
}

// Rotate makes the next key. It signs the last head of every tenant once more, together
// with the key before it, so that what is whole under the old one is known to be so under
// the new one.
func (s *Service) Rotate(ctx context.Context, reason string) (public string, err error) {
	if err := s.Recall(); err != nil {
		return "", err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		at, _, err := wait(tx)
		if err != nil {
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
			if at.checkpoints > 0 {
				return errNoKey // one that nobody names would make every tree a forked one
			}
			first, err := s.newKey(tx, nil, audit.Service, reason)
			public = first.Public
			return err
		}
		next, err := s.newKey(tx, &keys[0], audit.Service, reason)
		if err != nil {
			return err
		}
		public = next.Public
		var lasts []struct{ Note string }
		err = tx.All(&lasts, `SELECT c.note FROM audit_trees t JOIN audit_checkpoints c ON c.tenant_id = t.tenant_id
			AND c.number = (SELECT max(l.number) FROM audit_checkpoints l WHERE l.tenant_id = t.tenant_id) ORDER BY t.tenant_id`)
		if err != nil {
			return err
		}
		old := verifiers(publics(keys))
		for _, last := range lasts {
			head, err := open(last.Note, old)
			if err != nil {
				return err
			}
			at.checkpoints++
			head.Number, head.At = at.checkpoints, tx.Now
			if err := insert(tx, head, keys[0].signer, next.signer); err != nil {
				return err
			}
		}
		return tx.Exec("UPDATE audit_sealing SET checkpoints = ? WHERE id = 1", at.checkpoints).Error
	})
	return public, err
}

func publics(keys []Key) (all []string) {
	for _, k := range keys {
		all = append(all, k.Public)
	}
	return all
}

// verifiers knows these public keys; those that are none it leaves out.
func verifiers(public []string) note.Verifiers {
	var list []note.Verifier
	seen := map[string]bool{}
	for _, text := range public {
		if v, err := note.NewVerifier(text); err == nil && !seen[text] {
			list, seen[text] = append(list, v), true
		}
	}
	return note.VerifierList(list...)
}

// Trusted follows handovers from keys that are trusted to those after them. Keys that
// nobody of them names are left out.
func Trusted(roots []string, keys []Key) []string {
	trusted := slices.Clone(roots)
	for again := true; again; {
		again = false
		for _, k := range keys {
			if k.Handover == "" || slices.Contains(trusted, k.Public) {
				continue
			}
			n, err := note.Open([]byte(k.Handover), verifiers(trusted))
			if err == nil && n.Text == handoverTo(k.Public) {
				trusted, again = append(trusted, k.Public), true
			}
		}
	}
	return trusted
}

var errNoKey = errors.New("checkpoint: there is no key that this installation can use")
