package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Kept is an event as it is stored.
type Kept struct {
	TenantID   string
	ID         string
	OccurredAt time.Time
	Action     string
	Outcome    string
	Reason     string
	ActorKind  string
	ActorID    string
	TargetKind string
	TargetID   string
	SubjectID  string
	ThreadID   string
	RequestID  string
	Record     []byte // the canonical bytes
	Personal   string
	Salt       string
	Address    string // as in the personal data; by it events are found
}

// Columns are those of Kept, of audit_events as e.
const Columns = `e.tenant_id, e.id, e.occurred_at, e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id,
	e.subject_id, e.thread_id, e.request_id, e.record, e.personal, e.salt, e.address`

// Ways in which a stored event is not what was written.
var (
	ErrBytes    = errors.New("audit: the bytes are not those of an event")
	ErrColumns  = errors.New("audit: a column does not say what the bytes say")
	ErrPersonal = errors.New("audit: the personal data are not those that the bytes commit to")
)

// Bytes is what the canonical bytes of an event say.
type Bytes struct {
	TenantID, ID string
	At           time.Time
	Action       Action
	Actor        Party
	Subject      string
	commitment   string
}

// ParseBytes reads canonical bytes. It fails with ErrBytes unless they are exactly those
// that the version they name gives: one event has one form.
func ParseBytes(record []byte) (Bytes, error) {
	c, err := parse(record)
	if err != nil {
		return Bytes{}, err
	}
	at, err := time.Parse(instant, c.At)
	if err != nil {
		return Bytes{}, ErrBytes
	}
	return c.bytes(at), nil
}

func parse(record []byte) (c canonical, err error) {
	if err := json.Unmarshal(record, &c); err != nil || c.Version != 1 {
		return c, ErrBytes
	}
	again, err := json.Marshal(c)
	if err != nil || !bytes.Equal(again, record) {
		return c, ErrBytes
	}
	return c, nil
}

func (c canonical) bytes(at time.Time) Bytes {
	return Bytes{TenantID: c.Tenant, ID: c.ID, At: at, Action: c.Action, Actor: c.Actor, Subject: c.Subject, commitment: c.Personal}
}

// Commits says whether the bytes commit to these personal data. Erased ones, with their
// salt, are none: no bytes commit to them, and Erased asks for them.
func (b Bytes) Commits(personal, salt string) bool {
	return commitment(salt, []byte(personal)) == b.commitment
}

// Erased says whether personal data and the salt of their commitment are gone.
func Erased(personal, salt string) bool { return personal == "" && salt == "" }

// Check says whether every column, and the personal data while they are there, are those
// that the canonical bytes say.
func (k Kept) Check() (b Bytes, err error) {
	var c canonical
	if err := json.Unmarshal(k.Record, &c); err != nil {
		return b, ErrBytes
	}
	// What the columns give, with what stands in the bytes alone. Written like them, so that
	// text which JSON cannot hold is changed alike.
	columns, err := json.Marshal(canonical{
		Version: 1, Tenant: k.TenantID, ID: k.ID, At: k.OccurredAt.UTC().Format(instant),
		Action: Action(k.Action), Outcome: Outcome(k.Outcome), Reason: k.Reason, Actor: Party{k.ActorKind, k.ActorID}, Target: Party{k.TargetKind, k.TargetID},
		Subject: k.SubjectID, Thread: k.ThreadID, Request: k.RequestID, Details: c.Details, Personal: c.Personal,
	})
	if err != nil {
		return b, fmt.Errorf("audit: check: %w", err)
	}
	if !bytes.Equal(columns, k.Record) {
		if _, err := parse(k.Record); err != nil {
			return b, err
		}
		return b, ErrColumns
	}
	b = c.bytes(k.OccurredAt.UTC())
	var own personal
	if !Erased(k.Personal, k.Salt) {
		if !b.Commits(k.Personal, k.Salt) || json.Unmarshal([]byte(k.Personal), &own) != nil {
			return b, ErrPersonal
		}
	}
	if k.Address != own.IP {
		return b, ErrColumns
	}
	return b, nil
}

// commitment stands in the bytes for personal data. The salt is a key of 130 bits of this
// one event: without it nobody can try addresses and names until one fits.
func commitment(salt string, own []byte) string {
	sum := sha256.Sum256(append([]byte(salt+"\x00"), own...))
	return hex.EncodeToString(sum[:])
}
