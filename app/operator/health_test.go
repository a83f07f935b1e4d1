package operator_test

import (
	"context"
	"testing"
	"time"

	"latchkey/app/operator"
)

func (o *office) health() operator.Health {
	o.T.Helper()
	h, err := o.Health(o.T.Context())
	o.must(err)
	return h
}

func (o *office) notice(id string, age time.Duration, failed bool) {
	o.T.Helper()
	now := o.Clock.Now()
	o.Set(`INSERT INTO outbox (tenant_id, id, kind, target, body, created_at, due_at, expires_at) VALUES (?,?,'web_push','','',?,?,?)`,
		o.Alder.ID, id, now.Add(-age), now, now.Add(time.Hour))
	if failed {
		o.Set("UPDATE outbox SET failed_at = ? WHERE id = ?", now.Add(-age), id)
	}
}

func TestHealth(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		h := o.health()
		if h.Database != operator.Good || h.Audit != operator.Good || h.Schema != operator.Good || h.Notices != operator.Good || h.Waiting+h.Failed+len(h.Replicas) != 0 || !h.OldestAt.IsZero() {
			t.Errorf("a quiet house is %+v", h)
		}
		o.notice("a", 30*time.Second, false)
		if h := o.health(); h.Notices != operator.Good || h.Waiting != 1 || !h.OldestAt.Equal(o.Clock.Now().Add(-30*time.Second)) {
			t.Errorf("with a notice that waits for half a minute it is %+v", h)
		}
		o.notice("b", 25*time.Hour, true) // long ago
		o.notice("c", time.Hour, true)
		if h := o.health(); h.Notices != operator.Warn || h.Failed != 1 {
			t.Errorf("with a notice that failed it is %+v", h)
		}
		o.notice("d", 11*time.Minute, false)
		if h := o.health(); h.Notices != operator.Bad || h.Waiting != 2 {
			t.Errorf("with a notice that waits for eleven minutes it is %+v", h)
		}

		o.Set("ALTER TABLE audit_events RENAME TO audit_events_elsewhere")
		if h := o.health(); h.Audit != operator.Bad || h.Database != operator.Good {
			t.Errorf("without an audit it is %+v", h)
		}
		o.Set("ALTER TABLE audit_events_elsewhere RENAME TO audit_events")
		o.Set("DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
		if h := o.health(); h.Schema != operator.Bad {
			t.Errorf("with an old schema it is %+v", h)
		}
		o.must(o.House.DB.Close())
		if _, err := o.Health(t.Context()); err == nil {
			t.Error("without a database there is a health")
		}
	})
}

func TestReplicasGiveSignsOfLife(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		began := o.Clock.Now()
		run := func(id string) (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				o.Beat(ctx, func() operator.Replica {
					return operator.Replica{ID: id, Host: "host-" + id, Version: "v1", StartedAt: began, Streams: 3, Waiting: 4}
				})
			}()
			return func() { cancel(); <-ended }
		}
		stop, crash := run("one"), run("two")
		for deadline := time.Now().Add(time.Minute); len(o.health().Replicas) < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		}
		h := o.health()
		if len(h.Replicas) != 2 || h.Replicas[0].ID != "one" || h.Replicas[0].Level != operator.Good || h.Replicas[0].Streams != 3 || h.Replicas[0].Waiting != 4 || h.Replicas[0].Host != "host-one" {
			t.Fatalf("the replicas are %+v", h.Replicas)
		}
		stop()
		if h := o.health(); len(h.Replicas) != 1 || h.Replicas[0].ID != "two" {
			t.Errorf("after one ended the replicas are %+v", h.Replicas)
		}
		crash()
		o.Set(`INSERT INTO replicas (id, host, version, started_at, seen_at, clock_micros, streams, waiting) VALUES ('two','','v1',?,?,0,0,0), ('far','','v1',?,?,-1500000,0,0)`,
			began, began, began, began.Add(time.Minute))
		o.Clock.Forward(time.Minute)
		for _, r := range o.health().Replicas {
			if r.Level != operator.Warn || r.Silent(o.Clock.Now()) != (r.ID == "two") || r.ID == "far" && r.ClockDistance != -1500*time.Millisecond {
				t.Errorf("a replica is %+v", r)
			}
		}
	})
}
