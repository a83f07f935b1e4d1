package checkpoint_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// What follows is RFC 9162 as it is written, and shares nothing with the program.

// mth is the Merkle Tree Hash of §2.1.1.
func mth(d [][]byte) []byte {
	switch len(d) {
	case 0:
		sum := sha256.Sum256(nil)
		return sum[:]
	case 1:
		sum := sha256.Sum256(append([]byte{0}, d[0]...))
		return sum[:]
	}
	k := 1
	for k*2 < len(d) {
		k *= 2
	}
	return pair(mth(d[:k]), mth(d[k:]))
}

func pair(left, right []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{1}, left...), right...))
	return sum[:]
}

// includes verifies an inclusion proof, by the steps of §2.1.3.2.
func includes(index, size uint64, hash []byte, path [][]byte, root []byte) bool {
	if index >= size {
		return false
	}
	fn, sn, r := index, size-1, hash
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = pair(p, r)
			if fn&1 == 0 {
				for fn&1 == 0 && fn != 0 {
					fn, sn = fn>>1, sn>>1
				}
			}
		} else {
			r = pair(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && bytes.Equal(r, root)
}

// extends verifies a consistency proof, by the steps of §2.1.4.2.
func extends(first, second uint64, firstHash, secondHash []byte, path [][]byte) bool {
	if first == second {
		return len(path) == 0 && bytes.Equal(firstHash, secondHash)
	}
	if first == 0 || first > second {
		return false
	}
	if first&(first-1) == 0 {
		path = append([][]byte{firstHash}, path...)
	}
	if len(path) == 0 {
		return false
	}
	fn, sn := first-1, second-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := path[0], path[0]
	for _, c := range path[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = pair(c, fr), pair(c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = pair(sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && bytes.Equal(fr, firstHash) && bytes.Equal(sr, secondHash)
}

// signedBy verifies a signed note by hand: the key of "name+hash+base64" signed the text.
func signedBy(t *testing.T, key, note string) (text string) {
	t.Helper()
	parts := strings.SplitN(key, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || raw[0] != 1 {
		t.Fatalf("the key is %q", key)
	}
	text, signatures, _ := strings.Cut(note, "\n\n")
	text += "\n"
	for _, line := range strings.Split(strings.TrimSpace(signatures), "\n") {
		fields := strings.Fields(line)
		signature, err := base64.StdEncoding.DecodeString(fields[2])
		if err == nil && fields[1] == parts[0] && ed25519.Verify(ed25519.PublicKey(raw[1:]), []byte(text), signature[4:]) {
			return text
		}
	}
	t.Fatalf("%s did not sign %q", key, note)
	return ""
}

func TestProofsAreThoseOfTheRFC(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		write(t, db, clock, "alder", 523, 7)
		write(t, db, clock, "birch", 5, 1)
		round(t, s)
		clock.Forward(2 * time.Minute)
		round(t, s)
		var records [][]byte
		err := db.View(t.Context()).Each(`SELECT e.record FROM audit_leaves l JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id
			WHERE l.tenant_id = 'alder' ORDER BY l.n`, func(scan func(...any) error) error {
			var record []byte
			err := scan(&record)
			records = append(records, record)
			return err
		})
		if err != nil || len(records) != 523 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		newest, err := s.Newest(t.Context(), "alder")
		if err != nil {
			t.Fatal(err)
		}
		root := mth(records)
		if !bytes.Equal(newest.Root[:], root) || newest.Size != 523 {
			t.Fatalf("the newest is %+v", newest)
		}
		text := signedBy(t, newest.Keys[0], newest.Note)
		if want := newest.Name + "/alder\n523\n" + base64.StdEncoding.EncodeToString(root) + "\n"; !strings.HasPrefix(text, want) {
			t.Errorf("signed is %q", text)
		}
		for _, n := range []int64{0, 1, 2, 127, 128, 255, 256, 257, 300, 511, 512, 519, 520, 521, 522} {
			p, err := s.Inclusion(t.Context(), "alder", n)
			if err != nil {
				t.Fatal(err)
			}
			path := make([][]byte, len(p.Path))
			for i := range p.Path {
				path[i] = p.Path[i][:]
			}
			leaf := mth(records[n : n+1])
			if !bytes.Equal(p.Leaf[:], leaf) || !includes(uint64(n), 523, leaf, path, root) {
				t.Errorf("the proof of %d is %+v", n, p)
			}
			if includes(uint64(n), 523, mth([][]byte{[]byte("another")}), path, root) {
				t.Errorf("the proof of %d proves everything", n)
			}
		}
		for _, sizes := range [][2]int64{{1, 523}, {2, 523}, {255, 523}, {256, 523}, {257, 512}, {512, 523}, {300, 301}, {523, 523}, {522, 523}} {
			p, err := s.Consistency(t.Context(), "alder", sizes[0], sizes[1])
			if err != nil {
				t.Fatal(err)
			}
			path := make([][]byte, len(p.Path))
			for i := range p.Path {
				path[i] = p.Path[i][:]
			}
			first, second := mth(records[:sizes[0]]), mth(records[:sizes[1]])
			if !extends(uint64(sizes[0]), uint64(sizes[1]), first, second, path) {
				t.Errorf("from %d to %d the proof is %+v", sizes[0], sizes[1], p)
			}
			if extends(uint64(sizes[0]), uint64(sizes[1]), second, first, path) && sizes[0] != sizes[1] {
				t.Error("the proof proves everything")
			}
		}
		for _, n := range []int64{-1, 523, 1 << 40} {
			if _, err := s.Inclusion(t.Context(), "alder", n); err == nil {
				t.Errorf("there is a proof of %d", n)
			}
		}
		if _, err := s.Consistency(t.Context(), "alder", 10, 524); err == nil {
			t.Error("there is a proof of what is not yet")
		}
	})
}
