// Package notify carries notices out of the house. An act queues a notice as a
// row of the outbox in its own transaction; a worker on any replica sends it
// afterwards, so a notice is owed exactly when its act has happened.
//
//	queued ──claim──▶ under way ──sent──▶ sent
//	   ▲                 │ │
//	   └──put off, ──────┘ └─ refused, or its time is over ──▶ failed
//	      or the claim lapsed
//
// A claim is one statement that two replicas cannot both win. Who dies between the
// claim and the sending leaves a claim that lapses, and another replica takes it up:
// a notice is sent at least once, and its id, which stays the same, is what its
// receiver can tell a second time by.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"latchkey/app/secret"
	"latchkey/app/store"
)

// Kinds of notice.
const (
	KindPush  = "web_push"
	KindSMS   = "sms"
	KindVoice = "voice"
	KindMail  = "mail"
)

// channels are those of them by which people are reached: how they do is measured.
var channels = []string{KindPush, KindSMS, KindVoice, KindMail}

// Owed is one notice, claimed for sending.
type Owed struct {
	TenantID, ID, Kind, Target, Body string
	Tries                            int // with this one
	ExpiresAt                        time.Time
	Life                             time.Duration // that it is still worth something for
}

// Sender sends one notice. ErrGone means that its target is no more, and a Failed
// says what became of it.
type Sender interface {
	Send(ctx context.Context, o Owed) error
}

// ErrGone says that a target will never take a notice again.
var ErrGone = errors.New("notify: the target is gone")

// Failed is a failure that the administrators of a tenant are told of, by its code.
// What a receiver answered is not in it: it may repeat what it was sent.
type Failed struct {
	Code  string
	Final bool // trying again would change nothing
	Cause error
}

func (f *Failed) Error() string {
	if f.Cause != nil {
		return "notify: " + f.Code + ": " + f.Cause.Error()
	}
	return "notify: " + f.Code
}

func (f *Failed) Unwrap() error { return f.Cause }

// Times of the worker.
const (
	sweepWait  = time.Second      // how late a notice is found whose hint was lost
	claimLife  = 30 * time.Second // after which another replica takes it up again
	firstAgain = time.Second      // after the first failure; twice as long after each further one
	triesMost  = 6
	handsMost  = 8 // a target that hangs holds up one of them

	longLife     = time.Hour // what is worth something for longer is not given up soon
	patientAgain = 2 * time.Second
	patientMost  = 15 * time.Minute
)

// Key is what the worker waits for.
const Key = "outbox:"

// Targets is a query that gives the targets of a notice, one in each row.
type Targets struct {
	Query  string
	Values []any
}

// Queue writes a notice to the first of targets in the act tx, worth sending
// until life has passed. It is one statement, put off to the next one, whether
// there is a target or none: how long it takes does not tell.
func Queue(tx *store.Tx, tenantID, kind string, targets Targets, body any, life time.Duration) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return QueueAs(tx, tenantID, secret.System.ID(), kind, targets, string(text), life)
}

// QueueAs is Queue for a body that belongs to its id, such as a sealed one.
func QueueAs(tx *store.Tx, tenantID, id, kind string, targets Targets, body string, life time.Duration) error {
	values := append([]any{tenantID, id, kind, body, tx.Now, tx.Now, tx.Now.Add(life)}, targets.Values...)
	return tx.Later(`INSERT INTO outbox (tenant_id, id, kind, body, created_at, due_at, expires_at, target)
		SELECT ?,?,?,?,?,?,?, t.* FROM (`+targets.Query+` LIMIT 1) t`, values...)
}

// Worker sends what is due, of the kinds that it has senders for.
type Worker struct {
	DB      *store.DB
	Senders map[string]Sender
	Log     *slog.Logger
	Gone    func(ctx context.Context, target string) error // told when a target is gone
	Nudge   <-chan struct{}

	// Again gives how long to wait after so many tries, or false to give up; nil
	// is by what it is worth: soon nothing, six tries within a minute; for longer, Patiently.
	Again func(tries int) (time.Duration, bool)

	// OfOne is how many of one tenant may be under way at once, 0 for as many as
	// there are hands: so the provider of one does not hold up the others.
	OfOne int
}

func soon(tries int) (time.Duration, bool) { return firstAgain << (tries - 1), tries < triesMost }

// Patiently is for what is owed as long as it is worth anything: it waits twice as
// long each time, at most a quarter of an hour, and up to a quarter less, so that
// those that failed together do not all come back together.
func Patiently(tries int) (time.Duration, bool) {
	wait := min(patientAgain<<min(tries-1, 12), patientMost)
	return wait - rand.N(wait/4), true
}

// Run sends until ctx ends, and returns when nothing is on its way any more.
func (w *Worker) Run(ctx context.Context) {
	tick := time.NewTicker(sweepWait)
	defer tick.Stop()
	desk := &desk{free: make(chan struct{}, handsMost), of: map[string]int{}}
	defer desk.underWay.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.Nudge:
		}
		if err := w.sweep(ctx, desk); err != nil && ctx.Err() == nil {
			w.Log.Error("outbox", "error", err)
		}
	}
}

// desk is what is under way: as many as there are hands.
type desk struct {
	free     chan struct{}
	underWay sync.WaitGroup
	mu       sync.Mutex
	of       map[string]int // by tenant
}

// full lists the tenants that have so many under way.
func (d *desk) full(most int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	full := []string{""}
	for tenantID, n := range d.of {
		if most > 0 && n >= most {
			full = append(full, tenantID)
		}
	}
	return full
}

func (d *desk) change(tenantID string, by int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of[tenantID] += by; d.of[tenantID] == 0 {
		delete(d.of, tenantID)
	}
}

// sweep claims what is due, as soon as there is a free hand for it, and lets it be
// sent outside any transaction.
func (w *Worker) sweep(ctx context.Context, d *desk) error {
	for {
		select {
		case d.free <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		owed, ok, err := w.claim(ctx, d.full(w.OfOne))
		if err != nil || !ok {
			<-d.free
			return err
		}
		d.change(owed.TenantID, 1)
		d.underWay.Go(func() {
			defer func() { d.change(owed.TenantID, -1); <-d.free }()
			if err := w.deliver(ctx, owed); err != nil {
				w.Log.Error("outbox", "notice", owed.ID, "error", err)
			}
		})
	}
}

// due says of a notice that it waits to be sent, with the moment, the kinds and the
// tenants left out for its values. It is written to be found by its index.
const due = "sent_at IS NULL AND failed_at IS NULL AND due_at <= ? AND kind IN ? AND tenant_id NOT IN ?"

// claim takes the notice that has waited longest, by moving its due time: one
// statement that two replicas cannot both win. On PostgreSQL they do not even wait
// for each other; on SQLite there is one writer at a time.
func (w *Worker) claim(ctx context.Context, without []string) (o Owed, ok bool, err error) {
	kinds := slices.Sorted(maps.Keys(w.Senders))
	var any string
	view := w.DB.View(ctx)
	if ok, err = view.One(&any, "SELECT id FROM outbox WHERE "+due+" LIMIT 1", view.Now, kinds, without); err != nil || !ok {
		return o, false, store.Unusable(err) // looked at first: a statement that changes nothing would still stop SQLite's writers
	}
	skip := ""
	if w.DB.Dialect == store.Postgres {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	err = w.DB.Count(ctx, func(tx *store.Tx) error {
		ok, err = tx.One(&o, `WITH picked AS (SELECT tenant_id, id FROM outbox WHERE `+due+` ORDER BY due_at LIMIT 1`+skip+`)
			UPDATE outbox SET due_at = ?, tries = tries + 1 WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM picked)
			RETURNING tenant_id, id, kind, target, body, tries, expires_at`, tx.Now, kinds, without, tx.Now.Add(claimLife))
		return err
	})
	return o, ok, err
}

var errTooLate = &Failed{Code: "too_late", Final: true}

// deliver sends a claimed notice, and notes what became of it, unless another
// replica has taken it up meanwhile.
func (w *Worker) deliver(ctx context.Context, o Owed) error {
	sent := w.send(ctx, o)
	if ctx.Err() != nil && sent != nil {
		return nil // we stop; whoever finds the claim lapsed takes it up again
	}
	ctx = context.WithoutCancel(ctx) // what was sent must not be sent again
	again, now := w.Again, w.DB.Now()
	if again == nil {
		if again = soon; o.ExpiresAt.Sub(now) > longLife {
			again = Patiently
		}
	}
	wait, more := again(o.Tries)
	var failed *Failed
	switch errors.As(sent, &failed); {
	case sent == nil:
		// Nobody needs its words any more, and some are secret.
		return w.counted(ctx, o, sent, "UPDATE outbox SET sent_at = ?, body = '', fault = '' WHERE tenant_id = ? AND id = ?", now, o.TenantID, o.ID)
	case errors.Is(sent, ErrGone):
		if w.Gone != nil {
			if err := w.Gone(ctx, o.Target); err != nil {
				return err
			}
		}
		return w.giveUp(ctx, o, sent)
	case failed != nil && failed.Final, !more, !now.Add(wait).Before(o.ExpiresAt):
		return w.giveUp(ctx, o, sent)
	}
	w.Log.Info("notice put off", "kind", o.Kind, "notice", o.ID, "error", sent)
	return w.counted(ctx, o, sent, "UPDATE outbox SET due_at = ?, fault = ? WHERE tenant_id = ? AND id = ? AND tries = ?",
		now.Add(wait), CodeOf(sent), o.TenantID, o.ID, o.Tries)
}

// counted writes down what became of a try, and counts it in the minute of its channel
// (table channel_minutes): as one that failed where the channel is to blame, and not at
// all where its receiver is, where nothing was tried, or where it is nobody who is told.
func (w *Worker) counted(ctx context.Context, o Owed, sent error, statement string, values ...any) error {
	var f *Failed
	blameless := errors.Is(sent, ErrGone) || errors.As(sent, &f) && (f.Final || f.Code == "no_provider")
	if o.TenantID == "" || blameless || !slices.Contains(channels, o.Kind) {
		_, err := w.DB.CountOne(ctx, statement, values...)
		return err
	}
	failed := 0
	if sent != nil {
		failed = 1
	}
	return w.DB.Count(ctx, func(tx *store.Tx) error {
		if err := tx.Later(statement, values...); err != nil {
			return err
		}
		return tx.Later(`INSERT INTO channel_minutes (tenant_id, channel, minute, tried, failed) VALUES (?,?,?,1,?)
			ON CONFLICT (tenant_id, channel, minute) DO UPDATE SET tried = channel_minutes.tried + 1, failed = channel_minutes.failed + excluded.failed`,
			o.TenantID, o.Kind, tx.Now.Truncate(time.Minute), failed)
	})
}

// CodeOf is what stands for a failure in the outbox, and wherever else one is written down.
func CodeOf(err error) string {
	var failed *Failed
	if errors.As(err, &failed) {
		return failed.Code
	}
	return "other"
}

// send sends a notice while it is worth it, and not for longer than the claim
// lasts.
func (w *Worker) send(ctx context.Context, o Owed) error {
	if o.Life = o.ExpiresAt.Sub(w.DB.Now()); o.Life <= 0 {
		return errTooLate
	}
	ctx, cancel := context.WithTimeout(ctx, min(claimLife/2, o.Life))
	defer cancel()
	return w.Senders[o.Kind].Send(ctx, o)
}

// giveUp ends a notice that was not sent. Codes go with it; the words of a mail stay
// for whoever sends it again.
func (w *Worker) giveUp(ctx context.Context, o Owed, why error) error {
	w.Log.Warn("notice not sent", "kind", o.Kind, "notice", o.ID, "error", why)
	return w.counted(ctx, o, why, `UPDATE outbox SET failed_at = ?, fault = CASE WHEN ? = 'too_late' AND fault <> '' THEN fault ELSE ? END,
		body = CASE WHEN kind = 'mail' THEN body ELSE '' END
		WHERE tenant_id = ? AND id = ? AND tries = ? AND sent_at IS NULL AND failed_at IS NULL`, w.DB.Now(), CodeOf(why), CodeOf(why), o.TenantID, o.ID, o.Tries)
}
