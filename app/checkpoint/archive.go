package checkpoint

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// The files of an archive beside those that it shares with a bundle; see the package.
const (
	archiveFormat = "latchkey-audit-archive"
	archiveAbout  = "archive.json"
	archiveHashes = "hashes.jsonl"
)

// ArchiveAbout is what an archive says of itself.
type ArchiveAbout struct {
	Format  string        `json:"format"`
	Version int           `json:"version"`
	Tenant  string        `json:"tenant"`
	Slug    string        `json:"slug"`
	Class   audit.Keeping `json:"class"`
	Month   string        `json:"month"`
	Part    int           `json:"part"`
	Events  int64         `json:"events"`
	Size    int64         `json:"size"`   // of the tree that they are proved to be in
	Leaves  tlog.Hash     `json:"leaves"` // over the numbers of their leaves, as the drop says it
	MadeAt  time.Time     `json:"made_at"`
}

// Archived is what was written into an archive.
type Archived struct {
	Portion
	Events int64
	Erased int64 // of them, whose personal data are gone
	leaves spans
	last   bool // nothing of the portion is left behind them

	kept, erased []eventKey
}

// eventKey is by what an event is found, for who deletes it.
type eventKey struct {
	at time.Time
	id string
}

// Same says whether an archive that was read back has the same events.
func (a Archived) Same(is ArchiveAbout) bool {
	return is.Tenant == a.TenantID && is.Class == a.Class && is.Month == a.Month.UTC().Format(monthForm) && is.Part == a.Part && is.Events == a.Events && is.Leaves == a.leaves.digest()
}

// WriteArchive writes the oldest events of a portion, up to most of them, whose leaves are
// below upto, with everything by which they are proved to be in the tree of a checkpoint.
// However large the portion is, it looks at these alone. Where there are none it writes
// nothing and says 0 events. It fails with fault.Conflict while one of them is in no tree.
func (s *Service) WriteArchive(ctx context.Context, p Portion, slug string, upto int64, most int, in Newest, to io.Writer) (Archived, error) {
	tx, a := s.DB.Walk(ctx), Archived{Portion: p}
	which, values := p.events()
	var oldest []struct {
		OccurredAt time.Time
		ID         string
		N          *int64
	}
	err := tx.All(&oldest, "SELECT e.occurred_at, e.id, l.n FROM audit_events e LEFT JOIN audit_leaves l ON l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id WHERE "+which+
		" ORDER BY e.occurred_at, e.id LIMIT ?", append(values, most+1)...)
	if err != nil {
		return a, store.Unusable(err)
	}
	a.last = len(oldest) <= most
	oldest = oldest[:min(len(oldest), most)]
	var numbers []int64
	for _, e := range oldest {
		switch {
		case e.N == nil:
			return a, fault.New(fault.Conflict, "retention.unsealed")
		case *e.N < upto:
			numbers = append(numbers, *e.N)
		default:
			a.last = false
		}
	}
	if len(numbers) == 0 {
		return a, nil
	}
	slices.Sort(numbers)
	// SQLite takes a CROSS JOIN in its order: the other way round it would look for each leaf of
	// the tenant under every action.
	leafOf := " FROM audit_events e CROSS JOIN audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id AND " + which
	for _, n := range numbers {
		a.leaves.add(n)
	}
	a.Events = int64(len(numbers))
	end := oldest[len(oldest)-1]
	keys, _, err := s.keys(tx)
	if err != nil {
		return a, store.Unusable(err)
	}
	about := ArchiveAbout{
		Format: archiveFormat, Version: 1, Tenant: p.TenantID, Slug: slug, Class: p.Class, Month: p.Month.UTC().Format(monthForm), Part: p.Part,
		Events: a.Events, Size: in.Size, Leaves: a.leaves.digest(), MadeAt: tx.Now,
	}
	file := zip.NewWriter(to)
	err = errors.Join(
		zipped(file, archiveAbout, func(add func(any) error) error { return add(about) }),
		zipped(file, bundleKeys, keyLines(keys)),
		zipped(file, bundleCheckpoints, func(add func(any) error) error { return add(Signed{in.Number, p.TenantID, in.Note}) }),
		zipped(file, bundleEvents, func(add func(any) error) error {
			return tx.Each("SELECT l.n, l.hash, e.record, e.personal, e.salt, e.occurred_at, e.id"+leafOf+" AND (e.occurred_at, e.id) <= (?, ?) AND l.n < ? ORDER BY l.n", func(scan func(...any) error) error {
				var key eventKey
				e, err := scanEvent(func(into ...any) error { return scan(append(into, &key.at, &key.id)...) }, true)
				if err != nil {
					return err
				}
				if audit.Erased(*e.Personal, *e.Salt) {
					a.Erased++
					a.erased = append(a.erased, key)
				} else {
					a.kept = append(a.kept, key)
				}
				return add(e)
			}, append(values, end.OccurredAt, end.ID, upto)...)
		}),
		zipped(file, archiveHashes, func(add func(any) error) error {
			stored := hashesOf(tx, p.TenantID)
			return a.leaves.around(0, in.Size, func(level int, n int64) error {
				h, err := stored.node(level, n)
				if err != nil {
					return err
				}
				return add(h)
			})
		}),
	)
	return a, errors.Join(err, file.Close())
}

// events is the condition of the events e of a portion. They are walked in the order of time,
// and not action by action: so no index is asked of which it is.
func (p Portion) events() (condition string, values []any) {
	actions := p.Class.Kept()
	values = []any{p.TenantID, p.Month, p.End()}
	marks := ""
	for _, a := range actions {
		marks += ",?"
		values = append(values, a)
	}
	return "e.tenant_id = ? AND e.occurred_at >= ? AND e.occurred_at < ? AND (e.action IN (" + marks[1:] + ")) IS TRUE", values
}

// VerifyArchive holds the events of an archive against each other and against the signed
// head of the tree that it says they are in, with nothing but the archive, the keys that the
// caller trusts and what a witness has. Without such keys it takes the first one of the
// archive, as VerifyBundle does.
func VerifyArchive(from io.ReaderAt, size int64, roots []string, witnessed []Signed) (about ArchiveAbout, r Result, trusted []string, err error) {
	file, err := zip.NewReader(from, size)
	if err != nil {
		return about, r, nil, fmt.Errorf("checkpoint: archive: %w", err)
	}
	if err := eachLine(file, archiveAbout, func(d *json.Decoder) error { return d.Decode(&about) }); err != nil {
		return about, r, nil, err
	}
	month, err := time.Parse(monthForm, about.Month)
	if about.Format != archiveFormat || about.Version != 1 || err != nil {
		return about, r, nil, errors.New("checkpoint: this is no archive of a version that is known here")
	}
	r.TenantID = about.Tenant
	p := Portion{TenantID: about.Tenant, Class: about.Class, Month: month, Part: about.Part}
	if trusted, err = trustedIn(file, roots); err != nil {
		return about, r, trusted, err
	}
	signed, err := checkpointsIn(file)
	if err != nil {
		return about, r, trusted, err
	}
	var leaves spans
	var own []tlog.Hash
	err = eachLine(file, bundleEvents, func(d *json.Decoder) error {
		var e bundleEvent
		if err := d.Decode(&e); err != nil {
			return err
		}
		if last := len(leaves) - 1; e.N < 0 || last >= 0 && e.N <= leaves[last][1] {
			r.found(Extra, e.N, e.N, "the leaf comes twice, or late")
			return nil
		}
		leaves.add(e.N)
		own = append(own, tlog.RecordHash([]byte(e.Record)))
		said, erased, wrong := e.read()
		switch {
		case said.TenantID != "" && said.TenantID != about.Tenant:
			r.found(Spliced, e.N, e.N, "the event is of "+said.TenantID)
		case wrong != nil:
			r.found(Edited, e.N, e.N, wrong.Error())
		case own[len(own)-1] != e.Leaf:
			r.found(Edited, e.N, e.N, "the event is not the one of its leaf")
		case !p.Has(said.Action, said.At):
			r.found(Dropped, e.N, e.N, "the event is none of "+string(about.Class)+" in "+about.Month)
		}
		if erased {
			r.Erased++
		}
		return nil
	})
	if err != nil {
		return about, r, trusted, err
	}
	r.Size = int64(len(own))
	if r.Size == 0 || r.Size != about.Events || leaves.digest() != about.Leaves {
		r.found(Cut, 0, max(0, about.Events-1), "the archive says that it has other events")
		return about, r, trusted, nil
	}
	return about, r, trusted, provePart(file, &r, about, leaves, own, verifiers(trusted), signed, witnessed)
}

// provePart builds the root out of the events of an archive and the hashes over all others.
func provePart(file *zip.Reader, r *Result, about ArchiveAbout, leaves spans, own []tlog.Hash, keys note.Verifiers, signed, witnessed []Signed) error {
	first, last := leaves[0][0], leaves[len(leaves)-1][1]
	var head Head
	for _, c := range signed {
		h, err := open(c.Note, keys)
		if err != nil || h.TenantID != about.Tenant || h.Number != c.Number {
			r.found(Signature, first, last, "the checkpoint is signed by nobody who may")
			return nil
		}
		head = h
	}
	if head.Size != about.Size || last >= head.Size {
		r.found(Signature, first, last, "there is no checkpoint over these events")
		return nil
	}
	in, err := file.Open(archiveHashes)
	if err != nil {
		return fmt.Errorf("checkpoint: archive: %w", err)
	}
	defer in.Close()
	lines := json.NewDecoder(bufio.NewReaderSize(in, 64<<10))
	root, err := leaves.root(0, head.Size, &own, func() (h tlog.Hash, err error) {
		err = lines.Decode(&h)
		return h, err
	})
	if err != nil || lines.More() || root != head.Root {
		r.found(Forked, first, last, "with these events the tree has another root than checkpoint "+head.At.UTC().Format(time.RFC3339))
		return nil
	}
	r.Checkpoints, r.Covered = 1, r.Size
	for _, c := range witnessed {
		h, err := open(c.Note, keys)
		if c.TenantID != about.Tenant || err != nil || h.Size != head.Size {
			continue
		}
		if h.Root != head.Root {
			r.found(Forked, first, last, "the witness knows another root")
			return nil
		}
		r.Witnessed++
	}
	return nil
}

// IsArchive says whether a file is an archive, and no bundle.
func IsArchive(from io.ReaderAt, size int64) bool {
	file, err := zip.NewReader(from, size)
	if err != nil {
		return false
	}
	in, err := file.Open(archiveAbout)
	if err != nil {
		return false
	}
	return in.Close() == nil
}
