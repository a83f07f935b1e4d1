package checkpoint

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// The files of a bundle; see the package.
const (
	bundleFormat      = "latchkey-audit-bundle"
	bundleVersion     = 2 // with drops; the one without them, 1, is read too
	bundleAbout       = "bundle.json"
	bundleKeys        = "keys.jsonl"
	bundleCheckpoints = "checkpoints.jsonl"
	bundleDrops       = "drops.jsonl"
	bundleEvents      = "events.jsonl"
)

// About is what a bundle says of itself.
type About struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	Tenant   string    `json:"tenant"`
	Slug     string    `json:"slug"`
	Size     int64     `json:"size"`     // events
	Personal bool      `json:"personal"` // addresses, browsers and typed names are in it
	MadeAt   time.Time `json:"made_at"`
}

type bundleKey struct {
	Public   string `json:"public"`
	Handover string `json:"handover,omitempty"`
}

type bundleEvent struct {
	N        int64     `json:"n"`
	Leaf     tlog.Hash `json:"leaf"`
	Record   string    `json:"record,omitempty"` // empty: there is no event any more
	Personal *string   `json:"personal,omitempty"`
	Salt     *string   `json:"salt,omitempty"`
}

// Bundle writes everything of a tenant up to its newest checkpoint, so that it can be
// verified without the database. It holds one page of events at a time.
func (s *Service) Bundle(ctx context.Context, tenantID, slug string, withPersonal bool, by audit.Party, to io.Writer) (about About, err error) {
	// The event of it comes first, so that it is in it; and so is that of somebody who was
	// erased a moment ago.
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.AuditBundleMade, Actor: by, Target: audit.Tenant(tenantID), Details: map[string]string{"personal": fmt.Sprint(withPersonal)},
		})
	})
	if err != nil {
		return about, err
	}
	if err := s.SignNow(ctx, tenantID); err != nil {
		return about, err
	}
	newest, err := s.Newest(ctx, tenantID)
	if err != nil {
		return about, err
	}
	about = About{Format: bundleFormat, Version: bundleVersion, Tenant: tenantID, Slug: slug, Size: newest.Size, Personal: withPersonal, MadeAt: s.DB.Now()}
	tx := s.DB.View(ctx)
	keys, _, err := s.keys(tx)
	if err != nil {
		return about, store.Unusable(err)
	}
	file := zip.NewWriter(to)
	err = errors.Join(
		zipped(file, bundleAbout, func(add func(any) error) error { return add(about) }),
		zipped(file, bundleKeys, keyLines(keys)),
		zipped(file, bundleCheckpoints, func(add func(any) error) error {
			return tx.Each("SELECT number, note FROM audit_checkpoints WHERE tenant_id = ? AND size <= ? ORDER BY number", func(scan func(...any) error) error {
				c := Signed{TenantID: tenantID}
				if err := scan(&c.Number, &c.Note); err != nil {
					return err
				}
				return add(c)
			}, tenantID, newest.Size)
		}),
		zipped(file, bundleEvents, func(add func(any) error) error {
			for from := int64(0); from < newest.Size; from += pageLeaves {
				if err := bundlePage(tx, tenantID, from, min(from+pageLeaves, newest.Size), withPersonal, add); err != nil {
					return err
				}
			}
			return nil
		}),
		// After the events: what is dropped meanwhile is missing in none of them.
		zipped(file, bundleDrops, func(add func(any) error) error {
			drops, err := dropsOf(tx, tenantID)
			for _, d := range drops {
				err = errors.Join(err, add(d))
			}
			return err
		}),
	)
	return about, errors.Join(err, file.Close())
}

func bundlePage(tx *store.Tx, tenantID string, from, to int64, withPersonal bool, add func(any) error) error {
	return tx.Each(`SELECT l.n, l.hash, e.record, COALESCE(e.personal, ''), COALESCE(e.salt, '') FROM audit_leaves l LEFT JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id
		WHERE l.tenant_id = ? AND l.n >= ? AND l.n < ? ORDER BY l.n`, func(scan func(...any) error) error {
		e, err := scanEvent(scan, withPersonal)
		if err != nil {
			return err
		}
		return add(e)
	}, tenantID, from, to)
}

// scanEvent reads an event beside its leaf. Where there is none it has its leaf alone.
func scanEvent(scan func(...any) error, withPersonal bool) (e bundleEvent, err error) {
	var hash, record []byte
	var personal, salt string
	if err := scan(&e.N, &hash, &record, &personal, &salt); err != nil {
		return e, err
	}
	copy(e.Leaf[:], hash)
	e.Record = string(record)
	if withPersonal && record != nil {
		e.Personal, e.Salt = &personal, &salt
	}
	return e, nil
}

// read reads what the bytes of an event say, whether its personal data are gone, and what
// is wrong with it.
func (e bundleEvent) read() (said audit.Bytes, erased bool, wrong error) {
	said, wrong = audit.ParseBytes([]byte(e.Record))
	if wrong == nil && e.Personal != nil && e.Salt != nil {
		if erased = audit.Erased(*e.Personal, *e.Salt); !erased && !said.Commits(*e.Personal, *e.Salt) {
			wrong = audit.ErrPersonal
		}
	}
	return said, erased, wrong
}

// zipped writes a file of lines of JSON into a zip file.
func zipped(file *zip.Writer, name string, write func(add func(any) error) error) error {
	w, err := file.Create(name)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	return errors.Join(write(encoder.Encode), buffered.Flush())
}

// keyLines writes keys, the oldest first.
func keyLines(keys []Key) func(add func(any) error) error {
	return func(add func(any) error) error {
		for i := len(keys) - 1; i >= 0; i-- {
			if err := add(bundleKey{keys[i].Public, keys[i].Handover}); err != nil {
				return err
			}
		}
		return nil
	}
}

// eachLine reads a file of lines of JSON out of a zip file.
func eachLine(file *zip.Reader, name string, line func(*json.Decoder) error) error {
	in, err := file.Open(name)
	if err != nil {
		return fmt.Errorf("checkpoint: bundle: %w", err)
	}
	defer in.Close()
	decoder := json.NewDecoder(bufio.NewReaderSize(in, 64<<10))
	for {
		err := line(decoder)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("checkpoint: bundle: %s: %w", name, err)
		}
	}
}

// trustedIn follows the keys of a file from those that the caller trusts, or from its first.
func trustedIn(file *zip.Reader, roots []string) ([]string, error) {
	var keys []Key
	err := eachLine(file, bundleKeys, func(d *json.Decoder) error {
		var k bundleKey
		if err := d.Decode(&k); err != nil {
			return err
		}
		keys = append(keys, Key{Public: k.Public, Handover: k.Handover})
		return nil
	})
	if len(roots) == 0 && len(keys) > 0 {
		roots = []string{keys[0].Public}
	}
	return Trusted(roots, keys), err
}

// checkpointsIn are those of a file.
func checkpointsIn(file *zip.Reader) (all []Signed, err error) {
	err = eachLine(file, bundleCheckpoints, func(d *json.Decoder) error {
		var c Signed
		if err := d.Decode(&c); err != nil {
			return err
		}
		all = append(all, c)
		return nil
	})
	return all, err
}

// VerifyBundle goes through a bundle as Verify does through a database, with nothing but the
// bundle, the keys that the caller trusts and what a witness has. Without such keys it takes
// the first one of the bundle, and gives it in trusted: whoever made the bundle can have made
// that too, so it must be compared with the one that was kept.
func VerifyBundle(from io.ReaderAt, size int64, roots []string, witnessed []Signed) (about About, r Result, trusted []string, err error) {
	file, err := zip.NewReader(from, size)
	if err != nil {
		return about, r, nil, fmt.Errorf("checkpoint: bundle: %w", err)
	}
	if err := eachLine(file, bundleAbout, func(d *json.Decoder) error { return d.Decode(&about) }); err != nil {
		return about, r, nil, err
	}
	if about.Format != bundleFormat || about.Version < 1 || about.Version > bundleVersion {
		return about, r, nil, errors.New("checkpoint: this is no bundle of a version that is known here")
	}
	if trusted, err = trustedIn(file, roots); err != nil {
		return about, r, trusted, err
	}
	checkpoints, err := checkpointsIn(file)
	if err != nil {
		return about, r, trusted, err
	}
	var drops []keptDrop
	if about.Version > 1 {
		err = eachLine(file, bundleDrops, func(d *json.Decoder) error {
			var one keptDrop
			if err := d.Decode(&one); err != nil {
				return err
			}
			drops = append(drops, one)
			return nil
		})
		if err != nil {
			return about, r, trusted, err
		}
	}
	w := newWalker(about.Tenant, verifiers(trusted), checkpoints, witnessed)
	w.closed = true
	w.takeDrops(drops, verifiers(trusted))
	err = eachLine(file, bundleEvents, func(d *json.Decoder) error {
		var e bundleEvent
		if err := d.Decode(&e); err != nil {
			return err
		}
		if e.N > w.Size {
			w.gone(e.N)
		}
		if e.N < w.Size {
			w.found(Extra, e.N, e.N, "the leaf comes twice, or late")
			return nil
		}
		if e.Record == "" {
			w.leaf(e.Leaf, nil, audit.Bytes{}, false, nil)
			return nil
		}
		said, erased, wrong := e.read()
		w.leaf(e.Leaf, []byte(e.Record), said, erased, wrong)
		return nil
	})
	if err != nil {
		return about, w.Result, trusted, err
	}
	switch says := "the bundle says that it has " + plural(about.Size, "event"); {
	case w.Size < about.Size && len(w.due) == 0:
		w.found(Cut, w.Size, about.Size-1, says)
	case w.Size > about.Size:
		w.found(Extra, max(0, about.Size), w.Size-1, says)
	}
	return about, w.end(), trusted, nil
}
