package checkpoint

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/store"
)

// hashes reads what is stored of a tree, for proofs of package tlog.
type hashes struct {
	tx       *store.Tx
	tenantID string
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
	query, values := "SELECT n, hash FROM audit_leaves WHERE tenant_id = ? AND n >= ? AND n < ? ORDER BY n", []any{h.tenantID, first, first + width}
	if stored > 0 {
		query, values = "SELECT n, hash FROM audit_nodes WHERE tenant_id = ? AND level = ? AND n >= ? AND n < ? ORDER BY n", []any{h.tenantID, stored, first, first + width}
	}
	var rows []struct {
		N    int64
		Hash []byte
	}
	if err := h.tx.All(&rows, query, values...); err != nil {
		return tlog.Hash{}, err
	}
	if int64(len(rows)) != width {
		return tlog.Hash{}, fmt.Errorf("checkpoint: %d of %d nodes from %d are stored on level %d", len(rows), width, first, stored)
	}
	all := make([]tlog.Hash, width)
	for i, r := range rows {
		if len(r.Hash) != tlog.HashSize {
			return tlog.Hash{}, fmt.Errorf("checkpoint: node %d on level %d is no hash", r.N, stored)
		}
		all[i] = tlog.Hash(r.Hash)
	}
	for len(all) > 1 {
		for i := range len(all) / 2 {
			all[i] = tlog.NodeHash(all[2*i], all[2*i+1])
		}
		all = all[:len(all)/2]
	}
	return all[0], nil
}
