package checkpoint

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/store"
)

// hashes reads what is stored of a tree, for proofs of package tlog and for archives. Proofs go
// from left to right, so that of each stored level the block last read is all it keeps.
type hashes struct {
	tx       *store.Tx
	tenantID string
	last     map[int]*block
}

// block is what a stored level has of the nodes under one node of the next stored level above.
type block struct {
	first int64
	nodes [1 << nodeHeight][]byte // nil: not stored
}

func hashesOf(tx *store.Tx, tenantID string) hashes {
	return hashes{tx, tenantID, map[int]*block{}}
}

// ReadHashes implements tlog.HashReader.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var err error
		if found[i], err = h.node(level, n); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// node makes a node from those of the next stored level below it.
func (h hashes) node(level int, n int64) (tlog.Hash, error) {
	above := level % nodeHeight
	stored, first, width := level-above, n<<above, int64(1)<<above
	b, err := h.block(stored, first)
	if err != nil {
		return tlog.Hash{}, err
	}
	all := make([]tlog.Hash, width)
	for i, hash := range b.nodes[first-b.first:][:width] {
		if len(hash) != tlog.HashSize {
			return tlog.Hash{}, fmt.Errorf("checkpoint: node %d on level %d is not stored, or is no hash", first+int64(i), stored)
		}
		all[i] = tlog.Hash(hash)
	}
	for len(all) > 1 {
		for i := range len(all) / 2 {
			all[i] = tlog.NodeHash(all[2*i], all[2*i+1])
		}
		all = all[:len(all)/2]
	}
	return all[0], nil
}

// block reads the one that a node of a stored level is in.
func (h hashes) block(level int, n int64) (*block, error) {
	b := &block{first: n &^ (1<<nodeHeight - 1)}
	if last, ok := h.last[level]; ok && last.first == b.first {
		return last, nil
	}
	query, values := "SELECT n, hash FROM audit_leaves WHERE tenant_id = ? AND n >= ? AND n < ?", []any{h.tenantID}
	if level > 0 {
		query, values = "SELECT n, hash FROM audit_nodes WHERE tenant_id = ? AND level = ? AND n >= ? AND n < ?", []any{h.tenantID, level}
	}
	err := h.tx.Each(query, func(scan func(...any) error) error {
		var n int64
		var hash []byte
		err := scan(&n, &hash)
		if err == nil {
			b.nodes[n-b.first] = hash
		}
		return err
	}, append(values, b.first, b.first+int64(len(b.nodes)))...)
	if err != nil {
		return nil, err
	}
	h.last[level] = b
	return b, nil
}
