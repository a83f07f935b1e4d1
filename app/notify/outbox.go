// Package notify carries notices out of the house. An act queues a notice as a
// row of the outbox in its own transaction; a worker on any replica sends it
// afterwards, so a notice is owed exactly when its act has happened.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"latchkey/app/secret"
	"latchkey/app/store"
)

// Kinds of notice.
const KindPush = "web_push"

// Sender sends one notice, which is worth something for life. ErrGone means that
// its target is no more.
type Sender interface {
	Send(ctx context.Context, target, body string, life time.Duration) error
}

// ErrGone says that a target will never take a notice again.
var ErrGone = errors.New("notify: the target is gone")

// Times of the worker.
const (
	sweepWait  = time.Second      // how late a notice is found whose hint was lost
	claimLife  = 30 * time.Second // after which another replica takes it up again
	firstAgain = time.Second      // after the first failure; twice as long after each further one
	triesMost  = 6
	atOnceMost = 8 // a target that hangs holds up one of them
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
	values := append([]any{tenantID, secret.System.ID(), kind, string(text), tx.Now, tx.Now, tx.Now.Add(life)}, targets.Values...)
	return tx.Later(`INSERT INTO outbox (tenant_id, id, kind, body, created_at, due_at, expires_at, target)
		SELECT ?,?,?,?,?,?,?, t.* FROM (`+targets.Query+` LIMIT 1) t`, values...)
}

// Worker sends what is due.
type Worker struct {
	DB      *store.DB
	Senders map[string]Sender
	Log     *slog.Logger
	Gone    func(ctx context.Context, target string) error // told when a target is gone
	Nudge   <-chan struct{}
}

type notice struct {
	TenantID, ID, Kind, Target, Body string
	Tries                            int
	ExpiresAt                        time.Time
}

// Run sends until ctx ends, and returns when nothing is on its way any more.
func (w *Worker) Run(ctx context.Context) {
	tick := time.NewTicker(sweepWait)
	defer tick.Stop()
	var underWay sync.WaitGroup
	defer underWay.Wait()
	free := make(chan struct{}, atOnceMost)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.Nudge:
		}
		if err := w.sweep(ctx, free, &underWay); err != nil && ctx.Err() == nil {
			w.Log.Error("outbox", "error", err)
		}
	}
}

// sweep claims what is due, as soon as there is a free hand for it, and lets it be
// sent outside any transaction.
func (w *Worker) sweep(ctx context.Context, free chan struct{}, underWay *sync.WaitGroup) error {
	var due []notice
	if err := w.DB.View(ctx).All(&due, `SELECT tenant_id, id, kind, target, body, tries, expires_at FROM outbox
		WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= ? ORDER BY due_at LIMIT 50`, w.DB.Now()); err != nil {
		return store.Unusable(err)
	}
	for _, n := range due {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		claimed, err := w.claim(ctx, n)
		if err != nil || !claimed {
			<-free
			if err != nil {
				return err
			}
			continue
		}
		underWay.Go(func() {
			defer func() { <-free }()
			if err := w.deliver(ctx, n); err != nil {
				w.Log.Error("outbox", "notice", n.ID, "error", err)
			}
		})
	}
	return nil
}

// claim takes a notice by moving its due time, one statement that two replicas
// cannot both win. One whose time is over is given up instead.
func (w *Worker) claim(ctx context.Context, n notice) (bool, error) {
	now := w.DB.Now()
	if !now.Before(n.ExpiresAt) {
		return false, w.giveUp(ctx, n, errTooLate)
	}
	claimed, err := w.DB.CountOne(ctx, `UPDATE outbox SET due_at = ?, tries = tries + 1
		WHERE tenant_id = ? AND id = ? AND tries = ? AND sent_at IS NULL AND failed_at IS NULL AND due_at <= ?`,
		now.Add(claimLife), n.TenantID, n.ID, n.Tries, now)
	return claimed > 0, err
}

var errTooLate = errors.New("notify: its time is over")

// deliver sends a claimed notice, and notes what became of it.
func (w *Worker) deliver(ctx context.Context, n notice) error {
	sent := w.send(ctx, n)
	if ctx.Err() != nil && sent != nil {
		return nil // we stop; whoever finds the claim lapsed takes it up again
	}
	ctx = context.WithoutCancel(ctx) // what was sent must not be sent again
	now := w.DB.Now()
	again := now.Add(firstAgain << n.Tries)
	switch {
	case sent == nil:
		_, err := w.DB.CountOne(ctx, "UPDATE outbox SET sent_at = ? WHERE tenant_id = ? AND id = ?", now, n.TenantID, n.ID)
		return err
	case errors.Is(sent, ErrGone):
		if w.Gone != nil {
			if err := w.Gone(ctx, n.Target); err != nil {
				return err
			}
		}
		return w.giveUp(ctx, n, sent)
	case n.Tries+1 >= triesMost || !again.Before(n.ExpiresAt):
		return w.giveUp(ctx, n, sent)
	}
	w.Log.Info("notice put off", "kind", n.Kind, "notice", n.ID, "error", sent)
	_, err := w.DB.CountOne(ctx, "UPDATE outbox SET due_at = ? WHERE tenant_id = ? AND id = ?", again, n.TenantID, n.ID)
	return err
}

// send sends a notice while it is worth it, and not for longer than the claim
// lasts.
func (w *Worker) send(ctx context.Context, n notice) error {
	sender := w.Senders[n.Kind]
	if sender == nil {
		return errors.New("notify: nobody sends this kind")
	}
	life := n.ExpiresAt.Sub(w.DB.Now())
	if life <= 0 {
		return errTooLate
	}
	ctx, cancel := context.WithTimeout(ctx, min(claimLife/2, life))
	defer cancel()
	return sender.Send(ctx, n.Target, n.Body, life)
}

func (w *Worker) giveUp(ctx context.Context, n notice, why error) error {
	w.Log.Warn("notice not sent", "kind", n.Kind, "notice", n.ID, "error", why)
	_, err := w.DB.CountOne(ctx, "UPDATE outbox SET failed_at = ? WHERE tenant_id = ? AND id = ? AND sent_at IS NULL AND failed_at IS NULL", w.DB.Now(), n.TenantID, n.ID)
	return err
}
