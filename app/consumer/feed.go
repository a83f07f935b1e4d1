package consumer

import (
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/eventform"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// Times and sizes of feeding.
const (
	lookWait  = time.Second
	claimLife = time.Minute // after which another replica takes it up
	sendWait  = 15 * time.Second
	batchMost = 100             // events
	turnLife  = 5 * time.Second // then others have their turn
	handsMost = 8               // consumers that one replica is at at once
)

// Run feeds consumers until ctx ends.
func (s *Service) Run(ctx context.Context) {
	wake.NewErrand().Run(ctx, lookWait, s.Log, "consumers of the audit", s.Round)
}

// Round hands every consumer that is due what it has not, a turn each.
func (s *Service) Round(ctx context.Context) error {
	var due []struct{ TenantID, ID string }
	err := s.DB.View(ctx).All(&due, `SELECT c.tenant_id, c.id FROM consumers c JOIN audit_trees t ON t.tenant_id = c.tenant_id
		WHERE c.state = 'active' AND c.due_at <= ? AND (c.claimed_until IS NULL OR c.claimed_until <= ?) AND t.size > c.next_n ORDER BY c.due_at LIMIT ?`, s.DB.Now(), s.DB.Now(), 8*handsMost)
	if err != nil {
		return store.Unusable(err)
	}
	var (
		working sync.WaitGroup
		mu      sync.Mutex
		all     []error
	)
	hands := make(chan struct{}, handsMost)
	for _, d := range due {
		hands <- struct{}{}
		working.Go(func() {
			defer func() { <-hands }()
			if err := s.turn(store.Within(ctx, d.TenantID), d.TenantID, d.ID); err != nil {
				mu.Lock()
				all = append(all, err)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	return errors.Join(all...)
}

// feeding is a consumer that this process is at.
type feeding struct {
	Consumer
	Secret, Slug, Claim string
	ToldAt              *time.Time
}

// turn claims a consumer and gives it a few batches. Who dies meanwhile leaves a claim that
// lapses.
func (s *Service) turn(ctx context.Context, tenantID, id string) error {
	now, claim := s.DB.Now(), s.Secrets.ID()
	n, err := s.DB.CountOne(ctx, "UPDATE consumers SET claim = ?, claimed_until = ? WHERE tenant_id = ? AND id = ? AND state = 'active' AND due_at <= ? AND (claimed_until IS NULL OR claimed_until <= ?)",
		claim, now.Add(claimLife), tenantID, id, now, now)
	if err != nil || n == 0 {
		return err
	}
	var f feeding
	found, err := s.DB.View(ctx).One(&f, `SELECT c.tenant_id, c.id, c.kind, c.name, c.form, c.url, c.roots, c.personal, c.first_n, c.next_n, c.failures, c.failing_since, c.told_at, c.secret, c.claim, t.slug
		FROM consumers c JOIN tenants t ON t.id = c.tenant_id WHERE c.tenant_id = ? AND c.id = ? AND c.claim = ?`, tenantID, id, claim)
	if err != nil || !found {
		return store.Unusable(err)
	}
	for until := now.Add(turnLife); s.DB.Now().Before(until); {
		more, err := s.batch(ctx, &f)
		if ctx.Err() != nil {
			break // we stop; that says nothing about the consumer
		}
		if err != nil {
			return s.failed(ctx, f, err)
		}
		if !more {
			break
		}
	}
	_, err = s.DB.CountOne(context.WithoutCancel(ctx), "UPDATE consumers SET claim = '', claimed_until = NULL WHERE tenant_id = ? AND id = ? AND claim = ?", tenantID, id, claim)
	return err
}

// batch hands over what comes next, and moves on behind it once it was taken. The statement
// that moves wants the consumer where it was, active, and still ours: of two replicas that
// handed over the same one moves it, and one that was paused stays. Its turn then comes after
// that of those who wait for longer: who never has all keeps nobody waiting.
func (s *Service) batch(ctx context.Context, f *feeding) (more bool, err error) {
	tx := s.DB.View(ctx)
	leaves, err := checkpoint.Tail(tx, f.TenantID, f.NextN, batchMost)
	if err != nil || len(leaves) == 0 {
		return false, err
	}
	var names map[string]string
	if f.Personal {
		var ids []string
		for _, l := range leaves {
			ids = append(ids, l.ActorID, l.TargetID, l.SubjectID)
		}
		if names, err = user.NamesOf(tx, f.TenantID, ids...); err != nil {
			return false, store.Unusable(err)
		}
	}
	events := make([]eventform.Event, len(leaves))
	for i, l := range leaves {
		if events[i], err = eventform.Of(l.N, l.Kept, f.Slug, names, f.Personal); err != nil {
			return false, err
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	if err := s.hand(sending, *f, leaves, events); err != nil {
		return false, err
	}
	now, next := s.DB.Now(), leaves[len(leaves)-1].N+1
	move := `UPDATE consumers SET next_n = ?, failures = 0, fault = '', failing_since = NULL, told_at = NULL, delivered_at = ?, due_at = ?, claimed_until = ?
		WHERE tenant_id = ? AND id = ? AND state = 'active' AND claim = ? AND next_n = ?`
	values := []any{next, now, now, now.Add(claimLife), f.TenantID, f.ID, f.Claim, f.NextN}
	ctx = context.WithoutCancel(ctx) // what was taken must not be sent again
	if f.ToldAt == nil {
		n, err := s.DB.CountOne(ctx, move, values...)
		if err != nil || n == 0 {
			return false, err
		}
	} else {
		err := s.DB.Act(ctx, func(tx *store.Tx) error {
			if err := tx.Change(changed(), move, values...); err != nil {
				return err
			}
			return audit.Record(tx, audit.Event{TenantID: f.TenantID, Action: audit.ConsumerWorks, Actor: audit.Service, Target: audit.Party{Kind: audit.KindConsumer, ID: f.ID}, Details: map[string]string{"name": f.Name}})
		})
		if errors.Is(err, fault.Conflict) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	f.NextN, f.Failures, f.FailingSince, f.ToldAt = next, 0, nil, nil
	return len(leaves) == batchMost, nil
}

// hand gives a batch to a consumer in its way.
func (s *Service) hand(ctx context.Context, f feeding, leaves []checkpoint.Leaf, events []eventform.Event) error {
	if f.Kind == Syslog {
		return s.sendSyslog(ctx, f, events)
	}
	return s.sendEvents(ctx, f, leaves, events)
}

// failed notes that a consumer took nothing, and when it is asked again. When it has taken
// nothing for too long the security administrators are told, by whoever notes it first.
func (s *Service) failed(ctx context.Context, f feeding, why error) error {
	if errors.Is(why, fault.Unavailable) {
		return why // the database; its claim lapses
	}
	ctx = context.WithoutCancel(ctx)
	now := s.DB.Now()
	wait, _ := notify.Patiently(f.Failures + 1)
	s.Log.Info("a consumer of the audit did not take events", "consumer", f.ID, "error", why)
	n, err := s.DB.CountOne(ctx, "UPDATE consumers SET failures = failures + 1, fault = ?, failing_since = COALESCE(failing_since, ?), due_at = ?, claim = '', claimed_until = NULL WHERE tenant_id = ? AND id = ? AND claim = ?",
		notify.CodeOf(why), now, now.Add(wait), f.TenantID, f.ID, f.Claim)
	if err != nil || n == 0 || f.FailingSince == nil || now.Before(f.FailingSince.Add(SilentAfter)) {
		return err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(errTold, "UPDATE consumers SET told_at = ? WHERE tenant_id = ? AND id = ? AND state = 'active' AND told_at IS NULL AND failing_since <= ?", tx.Now, f.TenantID, f.ID, tx.Now.Add(-SilentAfter)); err != nil {
			return err
		}
		err := audit.Record(tx, audit.Event{TenantID: f.TenantID, Action: audit.ConsumerSilent, Outcome: audit.Failure, Reason: notify.CodeOf(why), Actor: audit.Service, Target: audit.Party{Kind: audit.KindConsumer, ID: f.ID}, Details: map[string]string{"name": f.Name}})
		if err != nil {
			return err
		}
		return notify.TellRole(tx, f.TenantID, access.RoleSecurityAdministrator, notify.Notice{Action: audit.ConsumerSilent, Detail: f.Name})
	})
	if errors.Is(err, errTold) {
		return nil
	}
	return err
}

var errTold = errors.New("consumer: somebody was told")

// Test sends one consumer a test, keeps how that went, and says so: the code of why it did
// not arrive, or nothing.
func (s *Service) Test(ctx context.Context, tenantID, id, userID string, from audit.Origin) (why string, err error) {
	var f feeding
	found, err := s.DB.View(ctx).One(&f, `SELECT c.tenant_id, c.id, c.kind, c.name, c.form, c.url, c.roots, c.secret, t.slug FROM consumers c JOIN tenants t ON t.id = c.tenant_id
		WHERE c.tenant_id = ? AND c.id = ?`, tenantID, id)
	if err != nil {
		return "", store.Unusable(err)
	}
	if !found {
		return "", notFound()
	}
	sending, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	if sent := s.sendTest(sending, f); sent != nil {
		why = notify.CodeOf(sent)
	}
	return why, s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(notFound(), "UPDATE consumers SET tested_at = ?, test_fault = ? WHERE tenant_id = ? AND id = ?", tx.Now, why, tenantID, id); err != nil {
			return err
		}
		e := event(audit.ConsumerTested, tenantID, id, userID, from, nil)
		if why != "" {
			e.Outcome, e.Reason = audit.Failure, why
		}
		return audit.Record(tx, e)
	})
}

// opened gives the secret of a webhook.
func (s *Service) opened(f feeding) (secret.Token, error) {
	text, err := s.Keys.Open(f.TenantID, place(f.ID), f.Secret)
	if err != nil {
		return secret.Token{}, provider.Unreadable(err)
	}
	return secret.TokenOf(text), nil
}
