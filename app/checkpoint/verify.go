package checkpoint

import (
	"cmp"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/audit"
)

// Wrong is in what way a tree is not whole. Add, never rename.
type Wrong string

const (
	Edited    Wrong = "edited"    // an event does not say what was sealed
	Removed   Wrong = "removed"   // an event, or its leaf, is gone
	Spliced   Wrong = "spliced"   // an event is another tenant's
	Cut       Wrong = "cut"       // a signed head knows of more events
	Forked    Wrong = "forked"    // the tree is not the one that a signed head is of
	Extra     Wrong = "extra"     // an event is in no tree, though later ones are
	Unsigned  Wrong = "unsigned"  // events without a checkpoint, for longer than one takes
	Signature Wrong = "signature" // a checkpoint is signed by nobody who may
	Node      Wrong = "node"      // what is stored over leaves does not fit them
	Hidden    Wrong = "hidden"    // an event is there, and not found by what it is
	Blanked   Wrong = "blanked"   // personal data are gone, and nobody has erased the person
	Numbers   Wrong = "numbers"   // a checkpoint is gone
	Dropped   Wrong = "dropped"   // a drop is not signed, or is of other events than it says
)

// Finding is something that is wrong. The first index that is lies from From to To; where
// they are the same it is that one.
type Finding struct {
	What     Wrong
	From, To int64
	Detail   string
}

// Result is what was found out about a tenant.
type Result struct {
	TenantID    string
	Size        int64 // leaves
	Checkpoints int   // whose root is that of the tree
	Witnessed   int   // those of a witness
	Covered     int64 // events under the last of either
	Erased      int   // events whose personal data are gone, and by whom it is said
	Pending     int64 // events that are not sealed yet
	Dropped     int64 // events that were dropped by a signed drop: their leaves are there
	Drops       int   // whose signature is good
	Findings    []Finding
}

// Whole says whether nothing is wrong.
func (r Result) Whole() bool { return len(r.Findings) == 0 }

// First gives the finding with the first index.
func (r Result) First() Finding {
	return slices.MinFunc(r.Findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}

// findingsMost of a tenant are kept: of a database that was replaced each event is wrong.
const findingsMost = 100

func (r *Result) found(what Wrong, from, to int64, detail string) {
	if len(r.Findings) < findingsMost {
		r.Findings = append(r.Findings, Finding{what, from, max(from, to), detail})
	}
}

// due is a head that a tree must have at its size.
type due struct {
	Head
	witness bool
}

// walker goes through the leaves of a tenant, once and in their order, and builds its tree
// anew. What it holds does not grow with them, but with what was dropped between them.
type walker struct {
	Result
	tree    edge
	broken  bool  // a leaf is missing: hashes say nothing from here on
	suspect int64 // the first leaf below a node that does not fit, or -1
	due     []due
	forged  []string   // why checkpoints do not count
	closed  bool       // a bundle, which ends where its last checkpoint does: nothing waits for one
	drops   []goodSpan // in the order of their leaves

	blanked map[string]int64 // by whose they were, the first index
	erased  map[string]bool

	lastAt, openAt time.Time // of the last leaf, and of the first that no checkpoint covers
}

// newWalker takes the checkpoints of a tenant, and those of a witness. Of the latter there
// may be other tenants' too.
func newWalker(tenantID string, keys note.Verifiers, checkpoints, witnessed []Signed) *walker {
	w := &walker{Result: Result{TenantID: tenantID}, suspect: -1, blanked: map[string]int64{}, erased: map[string]bool{}}
	take := func(all []Signed, witness bool) {
		for _, c := range all {
			if c.TenantID != tenantID {
				continue
			}
			h, err := open(c.Note, keys)
			if err == nil && (h.TenantID != tenantID || h.Number != c.Number) {
				err = errForm
			}
			if err != nil {
				w.forged = append(w.forged, err.Error())
				continue
			}
			w.due = append(w.due, due{h, witness})
		}
	}
	take(checkpoints, false)
	take(witnessed, true)
	slices.SortStableFunc(w.due, func(a, b due) int { return cmp.Compare(a.Size, b.Size) })
	return w
}

// gone says that the leaves from the next one to n are not there.
func (w *walker) gone(n int64) {
	w.found(Removed, w.Size, w.Size, "the leaf is not there")
	w.Size, w.broken = n, true
}

// leaf takes the next leaf, with the hash that is stored for it, and its event: what was
// wrong with that, or nil. said is what the bytes say, if they can be read.
func (w *walker) leaf(stored tlog.Hash, record []byte, said audit.Bytes, erased bool, wrong error) {
	n := w.Size
	switch {
	case record == nil && w.droppedAt(n, nil):
		w.Dropped++
	case record == nil:
		w.found(Removed, n, n, "the event is not there")
	case said.TenantID != "" && said.TenantID != w.TenantID:
		w.found(Spliced, n, n, "the event is of "+said.TenantID)
	case wrong != nil:
		w.found(Edited, n, n, wrong.Error())
	case tlog.RecordHash(record) != stored:
		w.found(Edited, n, n, "the event is not the one of its leaf")
	default:
		w.droppedAt(n, &said)
		w.say(n, said, erased)
	}
	w.Size++
	w.tree.add(stored, nil)
	if !said.At.IsZero() {
		w.lastAt = said.At
		if w.openAt.IsZero() {
			w.openAt = said.At
		}
	}
	for len(w.due) > 0 && w.due[0].Size <= w.Size {
		w.compare(w.due[0])
		w.due = w.due[1:]
	}
}

func (w *walker) say(n int64, said audit.Bytes, erased bool) {
	if said.Action == audit.PersonErased {
		w.erased[said.Subject] = true
	}
	if !erased {
		return
	}
	w.Erased++
	whose := said.ErasedBy()
	if _, known := w.blanked[whose]; !known {
		w.blanked[whose] = n
	}
}

// compare holds a head against the tree, which has its size now.
func (w *walker) compare(m due) {
	if w.broken || m.Size == 0 {
		return
	}
	if w.tree.root() != m.Root {
		from, to := w.Covered, m.Size-1
		if w.suspect >= w.Covered && w.suspect < m.Size {
			from, to = w.suspect, min(w.suspect+1<<nodeHeight-1, to)
		}
		w.found(Forked, from, to, "checkpoint "+m.At.UTC().Format(time.RFC3339)+" of "+plural(m.Size, "event")+" has another root")
		w.broken = true
		return
	}
	w.Covered, w.openAt = m.Size, time.Time{}
	if m.witness {
		w.Witnessed++
	} else {
		w.Checkpoints++
	}
}

// misfit says that a node of the first stored level is not that of its leaves.
func (w *walker) misfit(n int64) {
	if w.suspect < 0 {
		w.suspect = n << nodeHeight
	}
	w.found(Node, n<<nodeHeight, (n+1)<<nodeHeight-1, "the hash that is stored over these leaves is not theirs")
}

// Times within which a head is signed, with what may come in between: a batch, and a
// minute of a server that was stopped.
const (
	unsignedMost   = SignEvents + 2*4000
	unsignedLonger = 3 * SignWait
)

// end looks at what the end of the leaves tells.
func (w *walker) end() Result {
	if last := len(w.due) - 1; last >= 0 {
		m := w.due[last]
		where := "a checkpoint"
		if m.witness {
			where = "the witness"
		}
		w.found(Cut, w.Size, m.Size-1, where+" of "+m.At.UTC().Format(time.RFC3339)+" knows "+plural(m.Size, "event"))
	}
	if len(w.forged) > 0 {
		w.found(Signature, w.Covered, max(w.Covered, w.Size-1), w.forged[0])
	}
	if open := w.Size - w.Covered; !w.broken && open > 0 && (w.closed && len(w.forged)+len(w.due) == 0 || open > unsignedMost || w.lastAt.Sub(w.openAt) > unsignedLonger) {
		w.found(Unsigned, w.Covered, w.Size-1, "no checkpoint covers them")
	}
	for whose, n := range w.blanked {
		if !w.erased[whose] {
			w.found(Blanked, n, n, "personal data are gone, and no event says that they were erased")
		}
	}
	return w.Result
}
