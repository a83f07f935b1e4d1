package operator

import (
	"context"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/consumer"
	"latchkey/app/outage"
	"latchkey/app/store"
)

// Times of the health.
const (
	BeatWait   = 10 * time.Second   // between two signs of life of a replica
	silentLife = 3 * BeatWait       // after which a replica counts as silent
	failedSpan = 24 * time.Hour     // in which failed notices are counted
	differSpan = 7 * 24 * time.Hour // in which decisions that differ are
)

// What still is in order: how far clocks may be apart, how long a notice may
// wait, how slow the database may answer.
const (
	clockFar     = time.Second
	noticeLate   = time.Minute
	databaseSlow = 100 * time.Millisecond
)

// Level says how something is.
type Level string

const (
	Good Level = "good"
	Warn Level = "warn"
	Bad  Level = "bad"
)

// Health is how the platform is, now.
type Health struct {
	Database, Audit, Schema, Notices, Decisions, Sealing Level

	Answer   time.Duration // how long the database took
	Waiting  int           // notices that are not sent yet
	Failed   int           // notices given up within a day
	Differ   int           // decisions about sign-ins of the last days in which function and statement did not agree
	OldestAt time.Time     // of those that wait; zero for none
	Replicas []Replica
	Channels []outage.Platform // how messages fare, over all tenants
	Sealed   checkpoint.Health
	Silent   int // consumers of the audit that take nothing
}

// Replica is a running program.
type Replica struct {
	ID            string
	Host          string
	Version       string
	StartedAt     time.Time
	SeenAt        time.Time
	ClockDistance time.Duration // how far the database's clock is ahead
	Streams       int           // open event streams
	Waiting       int           // those who wait for something
	Level         Level         // Warn: silent, or its clock is off
}

// Silent says whether the replica has given no sign of life for a while.
func (r Replica) Silent(now time.Time) bool { return now.Sub(r.SeenAt) > silentLife }

// Health looks at everything that the platform needs. It fails with
// fault.Unavailable only when nothing can be read at all.
func (s *Service) Health(ctx context.Context) (Health, error) {
	began := s.DB.Now()
	if err := s.DB.Ping(ctx); err != nil {
		return Health{}, err
	}
	h := Health{Database: Good, Audit: Good, Schema: Good, Notices: Good, Decisions: Good, Sealing: Good, Answer: s.DB.Now().Sub(began)}
	if h.Answer > databaseSlow {
		h.Database = Warn
	}
	if err := audit.Writable(ctx, s.DB); err != nil {
		h.Audit = Bad
	}
	current, err := s.DB.Current(ctx)
	if err != nil {
		return h, err
	}
	if !current {
		h.Schema = Bad
	}
	tx := s.DB.View(ctx)
	var replicas []struct {
		Replica
		ClockMicros int64
	}
	if _, err := tx.One(&h.Waiting, "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL"); err != nil {
		return h, store.Unusable(err)
	}
	if _, err := tx.One(&h.Failed, "SELECT count(*) FROM outbox WHERE failed_at > ?", tx.Now.Add(-failedSpan)); err != nil {
		return h, store.Unusable(err)
	}
	if _, err := tx.One(&h.OldestAt, "SELECT created_at FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL ORDER BY created_at LIMIT 1"); err != nil {
		return h, store.Unusable(err)
	}
	if _, err := tx.One(&h.Differ, "SELECT count(*) FROM decisions WHERE differs <> '' AND decided_at > ?", tx.Now.Add(-differSpan)); err != nil {
		return h, store.Unusable(err)
	}
	if h.Differ > 0 {
		h.Decisions = Bad
	}
	if err := tx.All(&replicas, "SELECT id, host, version, started_at, seen_at, clock_micros, streams, waiting FROM replicas ORDER BY started_at, id LIMIT 100"); err != nil {
		return h, store.Unusable(err)
	}
	for _, r := range replicas {
		r.ClockDistance, r.Level = time.Duration(r.ClockMicros)*time.Microsecond, Good
		if r.Silent(tx.Now) || r.ClockDistance.Abs() > clockFar {
			r.Level = Warn
		}
		h.Replicas = append(h.Replicas, r.Replica)
	}
	h.Notices = noticesAt(h, tx.Now)
	if h.Channels, err = outage.HealthOfAll(ctx, s.DB); err != nil {
		return h, err
	}
	if h.Silent, err = consumer.Silent(ctx, s.DB); err != nil {
		return h, err
	}
	if h.Sealed, err = checkpoint.Look(ctx, s.DB); err != nil {
		h.Sealing = Bad // as the audit, of which it reads
		return h, nil
	}
	h.Sealing = sealingAt(h.Sealed, tx.Now)
	return h, nil
}

func sealingAt(h checkpoint.Health, now time.Time) Level {
	level := Good
	if h.Late(now) {
		level = Warn
	}
	for _, w := range h.Witnesses {
		if w.Late(now) || w.Fault != "" {
			level = Warn
		}
	}
	if h.Faults > 0 {
		level = Bad
	}
	return level
}

func noticesAt(h Health, now time.Time) Level {
	late := time.Duration(0)
	if !h.OldestAt.IsZero() {
		late = now.Sub(h.OldestAt)
	}
	switch {
	case late > 10*noticeLate:
		return Bad
	case late > noticeLate || h.Failed > 0:
		return Warn
	}
	return Good
}

// Beat gives signs of life of this replica until ctx ends, and then takes it off
// the list: one that is listed and silent has not ended by itself.
func (s *Service) Beat(ctx context.Context, self func() Replica) {
	tick := time.NewTicker(BeatWait)
	defer tick.Stop()
	for {
		// A sign of life that is lost is what the list shows.
		_ = s.beat(ctx, self())
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_, _ = s.DB.CountOne(last, "DELETE FROM replicas WHERE id = ?", self().ID)
			return
		case <-tick.C:
		}
	}
}

func (s *Service) beat(ctx context.Context, r Replica) error {
	_, err := s.DB.CountOne(ctx, `INSERT INTO replicas (id, host, version, started_at, seen_at, clock_micros, streams, waiting) VALUES (?,?,?,?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, clock_micros = excluded.clock_micros, streams = excluded.streams, waiting = excluded.waiting`,
		r.ID, r.Host, r.Version, r.StartedAt, s.DB.Now(), s.DB.ClockDistance().Microseconds(), r.Streams, r.Waiting)
	return err
}
