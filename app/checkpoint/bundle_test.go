package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// unpacked is a bundle in the hands of somebody who has no key, and may change everything.
type unpacked struct {
	about       checkpoint.About
	keys        []bundledKey
	checkpoints []checkpoint.Signed
	events      []bundledEvent
}

type bundledKey struct {
	Public   string `json:"public"`
	Handover string `json:"handover,omitempty"`
}

type bundledEvent struct {
	N        int64     `json:"n"`
	Leaf     tlog.Hash `json:"leaf"`
	Record   string    `json:"record,omitempty"`
	Personal *string   `json:"personal,omitempty"`
	Salt     *string   `json:"salt,omitempty"`
}

func unpack(t *testing.T, b []byte) *unpacked {
	t.Helper()
	u := &unpacked{
		keys: each[bundledKey](t, b, "keys.jsonl"), checkpoints: each[checkpoint.Signed](t, b, "checkpoints.jsonl"), events: each[bundledEvent](t, b, "events.jsonl"),
	}
	if err := json.Unmarshal(inBundle(t, b, "bundle.json"), &u.about); err != nil {
		t.Fatal(err)
	}
	return u
}

// each reads the lines of a file of a bundle.
func each[T any](t *testing.T, b []byte, name string) (all []T) {
	t.Helper()
	for in := json.NewDecoder(bytes.NewReader(inBundle(t, b, name))); ; {
		var one T
		if err := in.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

// pack makes a bundle of it again, in which nothing was dropped.
func (u *unpacked) pack(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	write := func(name string, lines ...any) {
		file, err := out.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if err := json.NewEncoder(file).Encode(line); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("bundle.json", u.about)
	write("keys.jsonl", anys(u.keys)...)
	write("checkpoints.jsonl", anys(u.checkpoints)...)
	write("events.jsonl", anys(u.events)...)
	write("drops.jsonl")
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func anys[T any](all []T) (lines []any) {
	for _, one := range all {
		lines = append(lines, one)
	}
	return lines
}

// edit changes what an event says, and leaves its leaf as it was.
func (u *unpacked) edit(n int) {
	u.events[n].Record = strings.Replace(u.events[n].Record, `"reason `, `"no reason `, 1)
}

// remake gives an event the leaf of what it says.
func (u *unpacked) remake(n int) { u.events[n].Leaf = tlog.RecordHash([]byte(u.events[n].Record)) }

// count numbers the events anew, in the order in which they stand, and has the bundle say
// how many there are.
func (u *unpacked) count() {
	for i := range u.events {
		u.events[i].N = int64(i)
	}
	u.about.Size = int64(len(u.events))
}

// cut leaves so many of the events, and has the bundle say that there were no more.
func (u *unpacked) cut(size int) {
	u.events = u.events[:size]
	u.count()
}

// resign signs a checkpoint with another key, over the tree that the events make now.
func (u *unpacked) resign(t *testing.T, i int, by note.Signer) {
	t.Helper()
	text, _, _ := strings.Cut(u.checkpoints[i].Note, "\n\n")
	lines := strings.Split(text, "\n")
	var size int
	if _, err := fmt.Sscan(lines[1], &size); err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for _, e := range u.events[:size] {
		records = append(records, []byte(e.Record))
	}
	lines[2] = base64.StdEncoding.EncodeToString(mth(records))
	signed, err := note.Sign(&note.Note{Text: strings.Join(lines, "\n") + "\n"}, by)
	if err != nil {
		t.Fatal(err)
	}
	u.checkpoints[i].Note = string(signed)
}

// otherSigner makes a key of somebody else under the name of this installation.
func otherSigner(t *testing.T, public string) (signer note.Signer, key bundledKey) {
	t.Helper()
	name, _, _ := strings.Cut(public, "+")
	private, other, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = note.NewSigner(private); err != nil {
		t.Fatal(err)
	}
	handover, err := note.Sign(&note.Note{Text: "The key after this one:\n" + other + "\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return signer, bundledKey{other, string(handover)}
}

func verifyBundle(t *testing.T, b []byte, roots []string, witnessed []checkpoint.Signed) (checkpoint.Result, []string) {
	t.Helper()
	_, r, trusted, err := checkpoint.VerifyBundle(bytes.NewReader(b), int64(len(b)), roots, witnessed)
	if err != nil {
		t.Fatal(err)
	}
	return r, trusted
}

// TestABundleThatIsTamperedWithIsFound in its place, by the public key that was kept: it has
// checkpoints of 300, 600, 800 and 801 events, and the witness has the first three of them.
func TestABundleThatIsTamperedWithIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, witnessed := sealed(t, db, clock)
		roots, err := s.PublicKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		alder := bundle(t, s, "alder", true)
		birch := unpack(t, bundle(t, s, "birch", true))
		for claim, b := range map[string][]byte{"untouched": alder, "unpacked and packed again": unpack(t, alder).pack(t)} {
			for _, seen := range [][]checkpoint.Signed{nil, witnessed} {
				if r, _ := verifyBundle(t, b, roots, seen); !r.Whole() || r.Size != 801 || r.Covered != 801 || r.Checkpoints != 4 {
					t.Errorf("%s it is %+v", claim, r)
				}
			}
		}
		signer, key := otherSigner(t, roots[0])
		for _, row := range []struct {
			claim    string
			do       func(u *unpacked)
			seen     []checkpoint.Signed
			what     checkpoint.Wrong
			from, to int64
		}{
			{"a field of the first event", func(u *unpacked) { u.edit(0) }, nil, checkpoint.Edited, 0, 0},
			{"a field of one in the middle", func(u *unpacked) { u.edit(450) }, nil, checkpoint.Edited, 450, 450},
			{"a field of two", func(u *unpacked) { u.edit(700); u.edit(17) }, nil, checkpoint.Edited, 17, 17},
			{"what is no event", func(u *unpacked) { u.events[18].Record = "{}" }, nil, checkpoint.Edited, 18, 18},
			{"personal data", func(u *unpacked) {
				*u.events[300].Personal = strings.Replace(*u.events[300].Personal, "203.0.113.9", "192.0.2.1", 1)
			}, nil, checkpoint.Edited, 300, 300},
			{"personal data gone, and nobody erased", func(u *unpacked) { *u.events[44].Personal, *u.events[44].Salt = "", "" }, nil, checkpoint.Blanked, 44, 44},
			{"a leaf", func(u *unpacked) { u.events[45].Leaf[0] ^= 1 }, nil, checkpoint.Edited, 45, 45},

			{"without the first event", func(u *unpacked) { u.events = u.events[1:] }, nil, checkpoint.Removed, 0, 0},
			{"without one in the middle", func(u *unpacked) { u.events = slices.Delete(u.events, 400, 401) }, nil, checkpoint.Removed, 400, 400},
			{"without some in the middle", func(u *unpacked) { u.events = slices.Delete(u.events, 290, 310) }, nil, checkpoint.Removed, 290, 290},
			{"without what one says", func(u *unpacked) { u.events[401].Record, u.events[401].Personal, u.events[401].Salt = "", nil, nil }, nil, checkpoint.Removed, 401, 401},
			{"without the last one", func(u *unpacked) { u.events = u.events[:800] }, nil, checkpoint.Cut, 800, 800},
			{"without the first, and the others moved up", func(u *unpacked) { u.events = u.events[1:]; u.count() }, nil, checkpoint.Forked, 0, 299},
			{"without one in the middle, and the others moved up", func(u *unpacked) { u.events = slices.Delete(u.events, 400, 401); u.count() }, nil, checkpoint.Forked, 300, 599},

			{"without the tail", func(u *unpacked) { u.events = u.events[:650] }, nil, checkpoint.Cut, 650, 800},
			{"without the tail, and the size lowered", func(u *unpacked) { u.cut(650) }, nil, checkpoint.Cut, 650, 800},
			{"without the tail, and the size lowered to a checkpoint", func(u *unpacked) { u.cut(600) }, nil, checkpoint.Cut, 600, 800},
			{"without the tail and its checkpoints", func(u *unpacked) { u.events, u.checkpoints = u.events[:600], u.checkpoints[:2] }, nil, checkpoint.Cut, 600, 800},
			{"without the tail and its checkpoints, and the size lowered", func(u *unpacked) { u.cut(600); u.checkpoints = u.checkpoints[:2] }, witnessed, checkpoint.Cut, 600, 799},
			{"without any event", func(u *unpacked) { u.cut(0) }, nil, checkpoint.Cut, 0, 800},

			{"two events change places", func(u *unpacked) {
				u.events[310], u.events[320] = u.events[320], u.events[310]
				u.count()
			}, nil, checkpoint.Forked, 300, 599},
			{"two lines change places", func(u *unpacked) { u.events[310], u.events[320] = u.events[320], u.events[310] }, nil, checkpoint.Removed, 310, 310},
			{"what two events say changes places", func(u *unpacked) {
				u.events[310].Record, u.events[320].Record = u.events[320].Record, u.events[310].Record
			}, nil, checkpoint.Edited, 310, 310},

			{"an event comes twice", func(u *unpacked) { u.events = slices.Insert(u.events, 400, u.events[399]) }, nil, checkpoint.Extra, 399, 399},
			{"an event comes again at the end", func(u *unpacked) { u.events = append(u.events, u.events[5]) }, nil, checkpoint.Extra, 5, 5},
			{"an event comes twice, and the others moved down", func(u *unpacked) { u.events = slices.Insert(u.events, 400, u.events[399]); u.count() }, nil, checkpoint.Forked, 300, 599},
			{"an event comes in place of the next", func(u *unpacked) { u.events[400] = u.events[399]; u.count() }, nil, checkpoint.Forked, 300, 599},

			{"another tenant's event", func(u *unpacked) { u.events[99] = birch.events[3]; u.count() }, nil, checkpoint.Spliced, 99, 99},
			{"another tenant's event, and the others moved down", func(u *unpacked) { u.events = slices.Insert(u.events, 99, birch.events[3]); u.count() }, nil, checkpoint.Spliced, 99, 99},
			{"another tenant's event over the leaf that was there", func(u *unpacked) { u.events[99].Record = birch.events[3].Record }, nil, checkpoint.Spliced, 99, 99},
			{"another tenant's event under this one's name", func(u *unpacked) {
				u.events[99] = birch.events[3]
				u.events[99].Record = strings.Replace(u.events[99].Record, "birch", "alder", 1)
				u.remake(99)
				u.count()
			}, nil, checkpoint.Forked, 0, 299},

			{"without a checkpoint in time", func(u *unpacked) { u.checkpoints = u.checkpoints[:1] }, nil, checkpoint.Unsigned, 300, 800},
			{"without the newest checkpoint", func(u *unpacked) { u.checkpoints = u.checkpoints[:3] }, nil, checkpoint.Unsigned, 800, 800},
			{"without the two newest checkpoints, and an event made anew that they covered", func(u *unpacked) {
				u.checkpoints = u.checkpoints[:2]
				u.edit(650)
				u.remake(650)
			}, nil, checkpoint.Unsigned, 600, 800},
			{"without the two newest checkpoints, and a tail that they covered", func(u *unpacked) {
				u.checkpoints = u.checkpoints[:2]
				u.cut(610)
			}, nil, checkpoint.Unsigned, 600, 609},
			{"without any checkpoint, and the first events made anew", func(u *unpacked) {
				u.checkpoints = nil
				u.cut(100)
				u.edit(5)
				u.remake(5)
			}, nil, checkpoint.Unsigned, 0, 99},
			{"an event comes again behind the last", func(u *unpacked) { u.events = append(u.events, u.events[5]); u.count() }, nil, checkpoint.Unsigned, 801, 801},
			{"an event comes again behind the last, and is not counted", func(u *unpacked) {
				u.events = append(u.events, u.events[5])
				u.count()
				u.about.Size--
			}, nil, checkpoint.Extra, 801, 801},
			{"it says that it has fewer", func(u *unpacked) { u.about.Size = 5 }, nil, checkpoint.Extra, 5, 800},
			{"without any checkpoint", func(u *unpacked) { u.checkpoints = nil }, nil, checkpoint.Unsigned, 0, 800},
			{"without any checkpoint, and an event made anew", func(u *unpacked) {
				u.checkpoints = nil
				u.edit(310)
				u.remake(310)
			}, witnessed, checkpoint.Forked, 300, 599},
			{"without the checkpoint over an event made anew", func(u *unpacked) {
				u.checkpoints = slices.Delete(u.checkpoints, 1, 2)
				u.edit(310)
				u.remake(310)
			}, nil, checkpoint.Forked, 300, 799},

			{"an event made anew", func(u *unpacked) { u.edit(450); u.remake(450) }, nil, checkpoint.Forked, 300, 599},
			{"every event made anew", func(u *unpacked) {
				for n := range u.events {
					u.edit(n)
					u.remake(n)
				}
			}, nil, checkpoint.Forked, 0, 299},

			{"the newest checkpoint by another key", func(u *unpacked) {
				u.keys = append(u.keys, key)
				u.resign(t, 3, signer)
			}, nil, checkpoint.Signature, 800, 800},
			{"the newest checkpoint is another tenant's", func(u *unpacked) { u.checkpoints[3].Note = birch.checkpoints[0].Note }, nil, checkpoint.Signature, 800, 800},
			{"the newest checkpoint says another size", func(u *unpacked) {
				u.cut(800)
				u.checkpoints[3].Note = strings.Replace(u.checkpoints[3].Note, "\n801\n", "\n800\n", 1)
			}, nil, checkpoint.Signature, 800, 800},
			{"the newest checkpoints by another key, over events made anew", func(u *unpacked) {
				u.edit(650)
				u.remake(650)
				u.keys = append(u.keys, key)
				u.resign(t, 2, signer)
				u.resign(t, 3, signer)
			}, nil, checkpoint.Signature, 600, 800},
		} {
			u := unpack(t, alder)
			row.do(u)
			r, trusted := verifyBundle(t, u.pack(t), roots, row.seen)
			if r.Whole() {
				t.Errorf("%s: it is found whole", row.claim)
				continue
			}
			if f := r.First(); f.From > row.from || f.To < row.from {
				t.Errorf("%s: first is %+v, want %d, of %+v", row.claim, f, row.from, r.Findings)
			}
			if !slices.ContainsFunc(r.Findings, func(f checkpoint.Finding) bool {
				return f.What == row.what && f.From == row.from && f.To == row.to
			}) {
				t.Errorf("%s: %+v, not %s from %d to %d", row.claim, r.Findings, row.what, row.from, row.to)
			}
			if !slices.Equal(trusted, roots) {
				t.Errorf("%s: trusted are %q", row.claim, trusted)
			}
		}
	})
}

// TestACheckpointInTheMiddleIsNotNeeded: the next one of the bundle is over the same events.
func TestACheckpointInTheMiddleIsNotNeeded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, witnessed := sealed(t, db, clock)
		roots, err := s.PublicKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u := unpack(t, bundle(t, s, "alder", true))
		u.checkpoints = slices.Delete(u.checkpoints, 1, 2)
		if r, _ := verifyBundle(t, u.pack(t), roots, witnessed); !r.Whole() || r.Covered != 801 || r.Checkpoints != 3 || r.Witnessed != 3 {
			t.Errorf("it is %+v", r)
		}
	})
}

// TestABundleThatSomebodyElseMade is whole by its own key, which it gives away: only the key
// that was kept can say that it is not the right one.
func TestABundleThatSomebodyElseMade(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, witnessed := sealed(t, db, clock)
		roots, err := s.PublicKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u := unpack(t, bundle(t, s, "alder", true))
		signer, key := otherSigner(t, roots[0])
		u.edit(450)
		u.remake(450)
		u.keys = []bundledKey{key}
		for i := range u.checkpoints {
			u.resign(t, i, signer)
		}
		forged := u.pack(t)
		if r, trusted := verifyBundle(t, forged, nil, nil); !r.Whole() || r.Covered != 801 || !slices.Equal(trusted, []string{key.Public}) {
			t.Errorf("by its own key it is %+v, and trusted are %q", r, trusted)
		}
		r, trusted := verifyBundle(t, forged, roots, nil)
		if f := r.First(); r.Checkpoints != 0 || r.Covered != 0 || f.What != checkpoint.Signature || f.From != 0 || f.To != 800 || !slices.Equal(trusted, roots) {
			t.Errorf("by the key that was kept it is %+v, and trusted are %q", r, trusted)
		}
		r, _ = verifyBundle(t, forged, roots, witnessed)
		if f := r.First(); r.Witnessed != 1 || f.What != checkpoint.Forked || f.From != 300 || f.To != 599 {
			t.Errorf("beside the witness it is %+v", r)
		}
	})
}
