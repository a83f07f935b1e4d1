package checkpoint

import (
	"math/bits"
	"sort"

	"golang.org/x/mod/sumdb/tlog"
)

// Some leaves of a tree are proved to be in it all at once: by the hashes of the largest
// whole subtrees that none of them is in, from left to right. With the leaves themselves
// these make the root (RFC 9162 §2.1.1), and there is no other way to lay them.

// met says whether one of the spans has a leaf from lo on and before hi.
func (s spans) met(lo, hi int64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i][1] >= lo })
	return i < len(s) && s[i][0] < hi
}

// whole says whether one span has all leaves from lo on and before hi.
func (s spans) whole(lo, hi int64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i][1] >= lo })
	return i < len(s) && s[i][0] <= lo && s[i][1] >= hi-1
}

// half is where a tree of n leaves, two or more, is divided.
func half(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }

// around names the subtrees over the leaves from lo on and before hi that have none of s.
func (s spans) around(lo, hi int64, node func(level int, n int64) error) error {
	switch n := hi - lo; {
	case s.whole(lo, hi):
		return nil
	case n&(n-1) == 0 && !s.met(lo, hi):
		level := bits.TrailingZeros64(uint64(n))
		return node(level, lo>>level)
	default:
		middle := lo + half(n)
		if err := s.around(lo, middle, node); err != nil {
			return err
		}
		return s.around(middle, hi, node)
	}
}

// root is the hash over the leaves from lo on and before hi: own are the hashes of those of
// s, in order, and next gives those that around has named.
func (s spans) root(lo, hi int64, own *[]tlog.Hash, next func() (tlog.Hash, error)) (h tlog.Hash, err error) {
	n := hi - lo
	if n&(n-1) == 0 && !s.met(lo, hi) {
		return next()
	}
	if n == 1 {
		h, *own = (*own)[0], (*own)[1:]
		return h, nil
	}
	middle := lo + half(n)
	left, err := s.root(lo, middle, own, next)
	if err != nil {
		return h, err
	}
	right, err := s.root(middle, hi, own, next)
	return tlog.NodeHash(left, right), err
}
