package checkpoint

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestSomeLeavesMakeTheRoot: of any leaves of any tree, with the hashes that stand around them.
func TestSomeLeavesMakeTheRoot(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 9))
	for round := range 400 {
		size := 1 + dice.Int64N(700)
		var whole edge
		var leaves []tlog.Hash
		for n := range size {
			leaves = append(leaves, tlog.RecordHash([]byte(fmt.Sprint(round, n))))
			whole.add(leaves[n], nil)
		}
		var some spans
		var own []tlog.Hash
		for n := range size {
			if round%3 == 0 || dice.IntN(1+round%9) == 0 {
				some.add(n)
				own = append(own, leaves[n])
			}
		}
		if some.count() != int64(len(own)) {
			t.Fatalf("%v has %d leaves, not %d", some, some.count(), len(own))
		}
		var around []tlog.Hash
		err := some.around(0, size, func(level int, n int64) error {
			var part edge
			for i := n << level; i < (n+1)<<level; i++ {
				if some.met(i, i+1) {
					t.Fatalf("leaf %d is one of them", i)
				}
				part.add(leaves[i], nil)
			}
			around = append(around, part.root())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		next := func() (h tlog.Hash, err error) {
			if len(around) == 0 {
				return h, errDrop
			}
			h, around = around[0], around[1:]
			return h, nil
		}
		root, err := some.root(0, size, &own, next)
		if err != nil || root != whole.root() || len(own) != 0 || len(around) != 0 {
			t.Fatalf("of %d leaves, with %v: %v, and %d and %d are left", size, some, err, len(own), len(around))
		}
	}
}

// TestSpansThatAreNoSet have no leaves, and no digest that could be signed.
func TestSpansThatAreNoSet(t *testing.T) {
	for _, s := range []spans{{{3, 2}}, {{1, 4}, {4, 6}}, {{5, 6}, {1, 2}}, {{-1, 3}}} {
		if s.count() != 0 {
			t.Errorf("%v has %d leaves", s, s.count())
		}
	}
	if a, b := (spans{{1, 2}, {3, 4}}).digest(), (spans{{1, 4}}).digest(); a != b {
		t.Error("how leaves are laid together changes their digest")
	}
	if a, b := (spans{{1, 2}}).digest(), (spans{{1, 3}}).digest(); a == b {
		t.Error("other leaves have the same digest")
	}
}
