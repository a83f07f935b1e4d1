package checkpoint

import (
	"cmp"
	"slices"
	"sort"
	"strconv"

	"golang.org/x/mod/sumdb/note"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// keptDrop is a drop as a database or a bundle has it: what is signed, and the leaves.
type keptDrop struct {
	Class  audit.Keeping `json:"class"`
	Month  string        `json:"month"`
	Part   int           `json:"part"`
	Note   string        `json:"note"`
	Leaves spans         `json:"leaves"`
}

// dropsOf reads those of a tenant.
func dropsOf(tx *store.Tx, tenantID string) (all []keptDrop, err error) {
	at := map[string]int{}
	key := func(class, month string, part int) string { return class + " " + month + " " + strconv.Itoa(part) }
	err = tx.Each("SELECT class, month, part, note FROM audit_drops WHERE tenant_id = ? ORDER BY class, month, part", func(scan func(...any) error) error {
		var d keptDrop
		if err := scan(&d.Class, &d.Month, &d.Part, &d.Note); err != nil {
			return err
		}
		at[key(string(d.Class), d.Month, d.Part)] = len(all)
		all = append(all, d)
		return nil
	}, tenantID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	err = tx.Each("SELECT class, month, part, first_n, last_n FROM audit_drop_spans WHERE tenant_id = ? ORDER BY first_n", func(scan func(...any) error) error {
		var class, month string
		var part int
		var span Span
		if err := scan(&class, &month, &part, &span[0], &span[1]); err != nil {
			return err
		}
		// Spans of a drop that was written meanwhile are left out with it.
		if i, known := at[key(class, month, part)]; known {
			all[i].Leaves = append(all[i].Leaves, span)
		}
		return nil
	}, tenantID)
	return all, err
}

// goodSpan is leaves of a drop that is signed, and has the leaves that it says.
type goodSpan struct {
	Span
	of Portion
}

// takeDrops holds each drop against its signature and its leaves. One that does not fit is
// found, and covers nothing.
func (w *walker) takeDrops(all []keptDrop, keys note.Verifiers) {
	for _, kept := range all {
		first := int64(0)
		if len(kept.Leaves) > 0 {
			first = max(0, kept.Leaves[0][0])
		}
		bad := func(why string) {
			w.found(Dropped, first, first, "the drop of "+string(kept.Class)+" of "+kept.Month+", part "+strconv.Itoa(kept.Part)+": "+why)
		}
		d, err := openDrop(kept.Note, keys)
		switch {
		case err != nil:
			bad("it is signed by nobody who may")
		case d.TenantID != w.TenantID:
			bad("it is of " + d.TenantID)
		case d.Class != kept.Class || d.Month.Format(monthForm) != kept.Month || d.Part != kept.Part:
			bad("it is signed as that of " + string(d.Class) + " of " + d.Month.Format(monthForm) + ", part " + strconv.Itoa(d.Part))
		case kept.Leaves.count() != d.Events || kept.Leaves.digest() != d.Leaves:
			bad("it is signed for other leaves")
		default:
			w.Drops++
			for _, span := range kept.Leaves {
				w.drops = append(w.drops, goodSpan{span, d.Portion})
			}
		}
	}
	slices.SortFunc(w.drops, func(a, b goodSpan) int { return cmp.Compare(a.Span[0], b.Span[0]) })
}

// droppedAt says whether a signed drop has a leaf. Of an event that is there all the same it
// finds when the drop is of another class or month: what it took beside it is none of its own.
func (w *walker) droppedAt(n int64, said *audit.Bytes) bool {
	i := sort.Search(len(w.drops), func(i int) bool { return w.drops[i].Span[0] > n }) - 1
	if i < 0 || w.drops[i].Span[1] < n {
		return false
	}
	if of := w.drops[i].of; said != nil && !of.Has(said.Action, said.At) {
		w.found(Dropped, n, n, "the event is none of the "+string(of.Class)+" of "+of.Month.Format(monthForm)+", with which it was dropped")
	}
	return true
}
