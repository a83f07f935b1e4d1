package checkpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Portion is events of one tenant that are kept for the same time and happened in the same
// month. A large month is dropped in several parts.
type Portion struct {
	TenantID string
	Class    audit.Keeping
	Month    time.Time // its first moment, in UTC
	Part     int       // from 1
}

// monthForm is how a month is written.
const monthForm = "2006-01"

// End is the first moment after the month.
func (p Portion) End() time.Time { return p.Month.AddDate(0, 1, 0) }

// Has says whether an event is one of those of which a portion is made.
func (p Portion) Has(action audit.Action, at time.Time) bool {
	return action.Keeping() == p.Class && !at.Before(p.Month) && at.Before(p.End())
}

// Span is leaves that follow each other, from the first to the last one.
type Span [2]int64

// spans keeps numbers of leaves that come in their order.
type spans []Span

func (s *spans) add(n int64) {
	if last := len(*s) - 1; last >= 0 && (*s)[last][1] == n-1 {
		(*s)[last][1] = n
		return
	}
	*s = append(*s, Span{n, n})
}

// count is how many leaves there are. Spans that are not in order have none: they are no
// set of leaves.
func (s spans) count() (n int64) {
	last := int64(-1)
	for _, span := range s {
		if span[0] <= last || span[1] < span[0] {
			return 0
		}
		n, last = n+span[1]-span[0]+1, span[1]
	}
	return n
}

// digest is SHA-256 over the numbers of the leaves in their order, eight bytes each, the
// highest first.
func (s spans) digest() (sum [sha256.Size]byte) {
	if s.count() == 0 {
		return sum
	}
	h := sha256.New()
	var text [8]byte
	for _, span := range s {
		for n := span[0]; n <= span[1]; n++ {
			binary.BigEndian.PutUint64(text[:], uint64(n))
			h.Write(text[:])
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Drop is what was taken out of the audit of a tenant, as it is signed: the leaves stay, and
// their events are in an archive.
type Drop struct {
	Portion
	Name    string // of the installation
	Events  int64
	First   int64             // leaf
	Last    int64             // leaf
	Leaves  [sha256.Size]byte // over their numbers, see spans.digest
	Archive [sha256.Size]byte // of the file
	At      time.Time
}

// ArchiveDigest is that of the file, as people compare it.
func (d Drop) ArchiveDigest() string { return hex.EncodeToString(d.Archive[:]) }

// text is the drop as it is signed. Its second line is no number, so that it is no head.
func (d Drop) text() string {
	return fmt.Sprintf("%s/%s\ndropped\nclass %s\nmonth %s\npart %d\nevents %d\nfirst %d\nlast %d\nleaves %s\narchive %s\ntime %s\n", d.Name, d.TenantID, d.Class, d.Month.UTC().Format(monthForm),
		d.Part, d.Events, d.First, d.Last, base64.StdEncoding.EncodeToString(d.Leaves[:]), d.ArchiveDigest(), d.At.UTC().Format(instant))
}

var errDrop = errors.New("checkpoint: this is no drop")

// parseDrop reads what text wrote, letter by letter: what it cannot read, text writes
// otherwise.
func parseDrop(text string) (d Drop, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 12 {
		return d, errDrop
	}
	said := func(i int, name string) string { return strings.TrimPrefix(lines[i], name+" ") }
	number := func(i int, name string) int64 {
		n, _ := strconv.ParseInt(said(i, name), 10, 64)
		return n
	}
	d.Name, d.TenantID, _ = strings.Cut(lines[0], "/")
	d.Class = audit.Keeping(said(2, "class"))
	d.Month, _ = time.Parse(monthForm, said(3, "month"))
	d.Part, d.Events, d.First, d.Last = int(number(4, "part")), number(5, "events"), number(6, "first"), number(7, "last")
	leaves, _ := tlog.ParseHash(said(8, "leaves"))
	archive, _ := hex.DecodeString(said(9, "archive"))
	d.Leaves = leaves
	copy(d.Archive[:], archive)
	d.At, _ = time.Parse(instant, said(10, "time"))
	if d.text() != text {
		return Drop{}, errDrop
	}
	return d, nil
}

// openDrop reads a signed drop, when one of these keys signed it.
func openDrop(signed string, keys note.Verifiers) (Drop, error) {
	n, err := note.Open([]byte(signed), keys)
	if err != nil {
		return Drop{}, fmt.Errorf("checkpoint: %w", err)
	}
	return parseDrop(n.Text)
}

// UnsignedDrop reads a drop without a key to check it by, for who only shows it.
func UnsignedDrop(signed string) (Drop, error) {
	_, err := note.Open([]byte(signed), note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return Drop{}, errDrop
	}
	return parseDrop(unverified.Note.Text)
}

// Where is the file of an archive.
type Where struct {
	File   string // its name in the folder of archives
	Host   string // of the replica that has it
	Digest [sha256.Size]byte
}

// Drop takes, in the act tx, the events of an archive out of the database: the signed drop,
// its event, and nothing else but these. It fails with fault.Conflict when they are not
// there as they were when they were archived, or when another act has dropped them. It is
// for who has read the archive back and verified it.
func (s *Service) Drop(tx *store.Tx, a Archived, where Where) (Drop, error) {
	p := a.Portion
	meanwhile := fault.New(fault.Conflict, "retention.meanwhile")
	at, _, err := read(tx, "")
	if err != nil {
		return Drop{}, err
	}
	if err := s.notBehind(at.checkpoints); err != nil {
		return Drop{}, err
	}
	keys, _, err := s.keys(tx)
	if err != nil {
		return Drop{}, err
	}
	if len(keys) == 0 {
		return Drop{}, errNoKey
	}
	d := Drop{Portion: p, Name: keys[0].name(), Events: a.leaves.count(), Leaves: a.leaves.digest(), Archive: where.Digest, At: tx.Now}
	if d.Events == 0 || d.Events != a.Events {
		return Drop{}, meanwhile
	}
	d.First, d.Last = a.leaves[0][0], a.leaves[len(a.leaves)-1][1]
	signed, err := note.Sign(&note.Note{Text: d.text()}, keys[0].signer)
	if err != nil {
		return Drop{}, fmt.Errorf("checkpoint: sign: %w", err)
	}
	month := p.Month.UTC().Format(monthForm)
	err = tx.Change(meanwhile, `INSERT INTO audit_drops (tenant_id, class, month, part, from_at, until_at, events, note, archive, host, made_at, open) VALUES (?,?,?,?,?,?,?,?,?,?,?,TRUE)
		ON CONFLICT DO NOTHING`, p.TenantID, p.Class, month, p.Part, p.Month, p.End(), d.Events, string(signed), where.File, where.Host, tx.Now)
	if err != nil {
		return Drop{}, err
	}
	// The event comes first: on SQLite the number of the newest row must not fall.
	err = audit.Record(tx, audit.Event{
		TenantID: p.TenantID, Action: audit.AuditDropped, Actor: audit.Service, Target: audit.Tenant(p.TenantID),
		Details: map[string]string{
			"class": string(p.Class), "month": month, "part": strconv.Itoa(p.Part), "events": strconv.FormatInt(d.Events, 10), "archive": where.File, "host": where.Host, "digest": d.ArchiveDigest(), "note": string(signed),
		},
	})
	if err != nil {
		return Drop{}, err
	}
	if err := insertSpans(tx, p, month, a.leaves); err != nil {
		return Drop{}, err
	}
	if err := deleteDropped(tx, a, meanwhile); err != nil {
		return Drop{}, err
	}
	return d, tx.Change(meanwhile, "UPDATE audit_drops SET open = FALSE WHERE tenant_id = ? AND class = ? AND month = ? AND part = ? AND open", p.TenantID, p.Class, month, p.Part)
}

func insertSpans(tx *store.Tx, p Portion, month string, spans spans) error {
	first, last := make([]int64, len(spans)), make([]int64, len(spans))
	for i, span := range spans {
		first[i], last[i] = span[0], span[1]
	}
	each := func(text string) store.Of[string] {
		return store.Of[string]{Type: "text", Values: slices.Repeat([]string{text}, len(spans))}
	}
	return tx.InsertColumns("INSERT INTO audit_drop_spans (tenant_id, first_n, last_n, class, month, part)",
		each(p.TenantID), store.Of[int64]{Type: "bigint", Values: first}, store.Of[int64]{Type: "bigint", Values: last},
		each(string(p.Class)), each(month), store.Of[int]{Type: "integer", Values: slices.Repeat([]int{p.Part}, len(spans))})
}

// deletesMost is how many events one statement deletes.
const deletesMost = 250

// deleteDropped deletes the events of an archive, and what they are found by. Each is named by
// its key, and all of a statement are between two moments that lie close together: whatever the
// database believes of how many events there are, it looks at few.
func deleteDropped(tx *store.Tx, a Archived, meanwhile error) error {
	which := "(" + store.Moment[tx.Dialect] + ", CAST(? AS text))"
	// Whoever was erased since the archive was written is in it still: it is written anew.
	for _, part := range []struct {
		keys []eventKey
		salt string
	}{{a.kept, "salt <> ''"}, {a.erased, "salt = ''"}} {
		for keys := range slices.Chunk(part.keys, deletesMost) {
			byTime := func(a, b eventKey) int { return a.at.Compare(b.at) }
			values := []any{a.TenantID, slices.MinFunc(keys, byTime).at, slices.MaxFunc(keys, byTime).at}
			for _, k := range keys {
				values = append(values, k.at, k.id)
			}
			res := tx.Exec("DELETE FROM audit_events WHERE tenant_id = ? AND occurred_at BETWEEN ? AND ? AND "+part.salt+" AND (occurred_at, id) IN (VALUES "+strings.Repeat(","+which, len(keys))[1:]+")", values...)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected != int64(len(keys)) {
				return meanwhile
			}
		}
	}
	if !a.last {
		return nil
	}
	// What events are found by has no key that begins with them; it is gone through once, when
	// nothing of the portion is left. Until then it finds no event.
	for _, index := range []string{"audit_words", "ticket_events"} {
		err := tx.Exec("DELETE FROM "+index+" WHERE tenant_id = ? AND occurred_at >= ? AND occurred_at < ? AND NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.tenant_id = "+index+".tenant_id AND e.occurred_at = "+index+".occurred_at AND e.id = "+index+".event_id)",
			a.TenantID, a.Month, a.End()).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// Settled is the newest checkpoint of a tenant that every witness has which there is. There
// is none while its tree is not what was signed.
func (s *Service) Settled(tx *store.Tx, tenantID string) (n Newest, found bool, err error) {
	keys, _, err := s.keys(tx)
	if err != nil {
		return n, false, err
	}
	found, err = tx.One(&n.Note, `SELECT c.note FROM audit_checkpoints c JOIN audit_trees t ON t.tenant_id = c.tenant_id WHERE c.tenant_id = ? AND t.fault = ''
		AND c.number <= COALESCE((SELECT min(w.reached) FROM audit_witnesses w WHERE w.seen_at > ?), c.number) ORDER BY c.number DESC LIMIT 1`, tenantID, tx.Now.Add(-forgetAfter))
	if err != nil || !found {
		return n, false, err
	}
	n.Keys = publics(keys)
	n.Head, err = open(n.Note, verifiers(n.Keys))
	return n, err == nil, err
}

// behindDrops gives the first leaf from one on whose event was not dropped.
func behindDrops(tx *store.Tx, tenantID string, from int64) (next int64, err error) {
	const most = 1000
	next = from
	for {
		var all []struct{ FirstN, LastN int64 }
		err = tx.All(&all, `SELECT first_n, last_n FROM audit_drop_spans WHERE tenant_id = ? AND first_n >= COALESCE((SELECT max(first_n) FROM audit_drop_spans WHERE tenant_id = ? AND first_n <= ?), 0)
			ORDER BY first_n LIMIT ?`, tenantID, tenantID, next, most)
		if err != nil {
			return 0, err
		}
		for _, span := range all {
			if span.FirstN > next {
				return next, nil
			}
			next = max(next, span.LastN+1)
		}
		if len(all) < most {
			return next, nil
		}
	}
}
