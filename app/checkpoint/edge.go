package checkpoint

import (
	"crypto/sha256"
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// nodeHeight is how many levels of a tree share a row: the hashes of leaves are kept, and
// of every eighth level above them. Those between are made from at most 128 of the level
// below, so that a tree costs little more than its leaves and a proof a few short reads.
const nodeHeight = 8

// edge is the right edge of a tree: the whole subtrees that it is made of, the largest
// first, as many as its size has bits. It is all that appending needs to know.
type edge struct {
	size  int64
	whole []tlog.Hash
}

// add appends a leaf, and tells of each node that is whole now and gets a row.
func (e *edge) add(leaf tlog.Hash, node func(level int, n int64, h tlog.Hash)) {
	h, n := leaf, e.size
	for level := 1; n&1 == 1; level++ {
		last := len(e.whole) - 1
		h, n = tlog.NodeHash(e.whole[last], h), n>>1
		e.whole = e.whole[:last]
		if level%nodeHeight == 0 && node != nil {
			node(level, n, h)
		}
	}
	e.whole = append(e.whole, h)
	e.size++
}

// root is the hash of the tree (RFC 9162 §2.1.1).
func (e *edge) root() tlog.Hash {
	last := len(e.whole) - 1
	if last < 0 {
		return sha256.Sum256(nil)
	}
	h := e.whole[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(e.whole[i], h)
	}
	return h
}

func (e *edge) bytes() []byte {
	all := make([]byte, 0, len(e.whole)*tlog.HashSize)
	for _, h := range e.whole {
		all = append(all, h[:]...)
	}
	return all
}

// edgeOf reads what bytes wrote.
func edgeOf(size int64, text []byte) (e edge, err error) {
	e.size = size
	for ; len(text) >= tlog.HashSize; text = text[tlog.HashSize:] {
		e.whole = append(e.whole, tlog.Hash(text[:tlog.HashSize]))
	}
	if size < 0 || len(text) != 0 || bits.OnesCount64(uint64(size)) != len(e.whole) {
		return e, errors.New("checkpoint: the edge of a tree does not fit its size")
	}
	return e, nil
}
