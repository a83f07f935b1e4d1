// Package notify carries notices out of the house. An act queues a notice as a
// row of the outbox in its own transaction; a worker on any replica sends it
// afterwards, so a notice is owed exactly when its act has happened.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"latchkey/app/secret"
	"latchkey/app/store"
)

// Kinds of notice.
const KindPush = "web_push"

// Sender sends one notice. ErrGone means that its target is no more.
type Sender interface {
	Send(ctx context.Context, target, body string) error
}

// ErrGone says that a target will never take a notice again.
var ErrGone = errors.New("notify: the target is gone")

// Times of the worker.
const (
	sweepWait = time.Second      // how late a notice is found whose hint was lost
	claimLife = 30 * time.Second // after which another replica takes it up again
	triesMost = 6
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
}

// Run sends until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	tick := time.NewTicker(sweepWait)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.Nudge:
		}
		if err := w.sweep(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("outbox", "error", err)
		}
	}
}

// sweep claims what is due by moving its due time, one statement that two
// replicas cannot both win, and sends it outside any transaction.
func (w *Worker) sweep(ctx context.Context) error {
	var due []notice
	if err := w.DB.View(ctx).All(&due, `SELECT tenant_id, id, kind, target, body, tries FROM outbox
		WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= ? ORDER BY due_at LIMIT 50`, w.DB.Now()); err != nil {
		return store.Unusable(err)
	}
	for _, n := range due {
		now := w.DB.Now()
		claimed, err := w.DB.CountOne(ctx, `UPDATE outbox SET due_at = ?, tries = tries + 1
			WHERE tenant_id = ? AND id = ? AND tries = ? AND sent_at IS NULL AND failed_at IS NULL AND due_at <= ?`,
			now.Add(claimLife), n.TenantID, n.ID, n.Tries, now)
		if err != nil {
			return err
		}
		if claimed == 0 {
			continue
		}
		if err := w.deliver(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) deliver(ctx context.Context, n notice) error {
	sender := w.Senders[n.Kind]
	var sent error = errors.New("notify: nobody sends this kind")
	if sender != nil {
		ctx, cancel := context.WithTimeout(ctx, claimLife/2)
		sent = sender.Send(ctx, n.Target, n.Body)
		cancel()
	}
	now := w.DB.Now()
	switch {
	case sent == nil:
		_, err := w.DB.CountOne(ctx, "UPDATE outbox SET sent_at = ? WHERE tenant_id = ? AND id = ?", now, n.TenantID, n.ID)
		return err
	case errors.Is(sent, ErrGone) || n.Tries+1 >= triesMost:
		w.Log.Warn("notice not sent", "kind", n.Kind, "notice", n.ID, "error", sent)
		if errors.Is(sent, ErrGone) && w.Gone != nil {
			if err := w.Gone(ctx, n.Target); err != nil {
				return err
			}
		}
		_, err := w.DB.CountOne(ctx, "UPDATE outbox SET failed_at = ? WHERE tenant_id = ? AND id = ?", now, n.TenantID, n.ID)
		return err
	default:
		w.Log.Info("notice put off", "kind", n.Kind, "notice", n.ID, "error", sent)
		_, err := w.DB.CountOne(ctx, `UPDATE outbox SET due_at = ?, failed_at = CASE WHEN expires_at <= ? THEN expires_at END
			WHERE tenant_id = ? AND id = ?`, now.Add(time.Second<<n.Tries), now, n.TenantID, n.ID)
		return err
	}
}
