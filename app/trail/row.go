package trail

import (
	"strconv"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Row is an event as its reader sees it.
type Row struct {
	ID      string
	At      time.Time
	Action  audit.Action
	Outcome audit.Outcome
	Reason  string
	Actor   audit.Party
	Target  audit.Party
	Subject string // id of the user whose story it belongs to; or empty
	Thread  string
	Request string
	Details map[string]string
	IP      string // its network where the reader sees no more
	Browser string
	Typed   string // a name, as it was typed
	Record  []byte // the canonical bytes; empty for who does not verify

	ActorName   string // sign-in names of users; empty for others
	TargetName  string
	SubjectName string
}

// Position is a place in the order of time. The zero one is none.
type Position struct {
	At time.Time
	ID string
}

// Position of a row is where pages before and after it begin.
func (r Row) Position() Position { return Position{r.At, r.ID} }

// Beginning is before every event: the page before it is the oldest.
var Beginning = Position{At: time.UnixMicro(1).UTC(), ID: "0"}

// None says whether it is no place.
func (p Position) None() bool { return p.At.IsZero() }

// String is the position as it stands in an address.
func (p Position) String() string {
	if p.None() {
		return ""
	}
	return strconv.FormatInt(p.At.UnixMicro(), 10) + "." + p.ID
}

// ParsePosition reads what String gives; anything else is none.
func ParsePosition(text string) Position {
	at, id, ok := strings.Cut(text, ".")
	micro, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || micro < 0 || micro > 1<<52 || len(id) > 40 || strings.ContainsRune(id, 0) {
		return Position{}
	}
	if p := (Position{time.UnixMicro(micro).UTC(), id}); p.String() == text {
		return p
	}
	return Position{}
}

// columns are those of a row, of audit_events as e.
const columns = "e.id, e.occurred_at, e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.subject_id, e.thread_id, e.request_id, e.record, e.personal"

// scanned reads a row, and what stands in its bytes.
func scanned(scan func(dest ...any) error) (Row, error) {
	var k audit.Kept
	if err := scan(&k.ID, &k.OccurredAt, &k.Action, &k.Outcome, &k.Reason, &k.ActorKind, &k.ActorID, &k.TargetKind, &k.TargetID, &k.SubjectID, &k.ThreadID, &k.RequestID, &k.Record, &k.Personal); err != nil {
		return Row{}, err
	}
	e, err := k.Said()
	return Row{
		ID: k.ID, At: k.OccurredAt.UTC(), Action: e.Action, Outcome: e.Outcome, Reason: e.Reason, Actor: e.Actor, Target: e.Target, Subject: e.Subject, Thread: e.Thread,
		Request: e.Origin.RequestID, Details: e.Details, IP: e.Origin.IP, Browser: e.Origin.Browser, Typed: e.Typed, Record: k.Record,
	}, err
}

// named puts the sign-in names of users into rows, and what the reader may not see out of them.
func (s Sight) named(tx *store.Tx, rows []Row) error {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.Subject)
		for _, p := range []audit.Party{r.Actor, r.Target} {
			if p.Kind == audit.KindUser || p.Kind == audit.KindOperator {
				ids = append(ids, p.ID)
			}
		}
	}
	names, err := user.NamesOf(tx, s.TenantID, ids...)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		r.ActorName, r.TargetName, r.SubjectName = names[r.Actor.ID], names[r.Target.ID], names[r.Subject]
		s.mask(r)
	}
	return nil
}
