package checkpoint

import (
	"context"
	"time"

	"latchkey/app/store"
)

// Witness keeps checkpoints where the database is not.
type Witness interface {
	Name() string
	// Heads gives the largest head of each tenant, and the number of the last checkpoint,
	// of a witness that can be read; else nothing.
	Heads() (heads []Head, number int64, err error)
	// Reached gives the number of the last checkpoint that it has, where each replica has one
	// of its own, which knows that itself.
	Reached() (number int64, own bool, err error)
	Keep(ctx context.Context, all []Signed) error
}

// Signed is a checkpoint as it is handed on.
type Signed struct {
	Number   int64  `json:"number"`
	TenantID string `json:"tenant"`
	Note     string `json:"note"`
}

// Times of witnesses.
const (
	tellWait   = time.Second
	tellMost   = 200              // checkpoints at once
	claimLife  = 30 * time.Second // for which one replica tells a witness that all share
	seenWait   = time.Minute      // before it is noted again that somebody speaks of a witness
	WitnessOld = 2 * time.Minute  // after which a checkpoint that a witness has not makes it late

	WitnessGone = 10 * time.Minute // after which one that nobody has spoken of is none any more
)

// tell hands a witness what it has not, in order, until ctx ends.
func (s *Service) tell(ctx context.Context, w Witness) {
	tick := time.NewTicker(tellWait)
	defer tick.Stop()
	last := ""
	for {
		err := s.Tell(ctx, w)
		if err != nil && ctx.Err() == nil && err.Error() != last {
			s.Log.Error("a witness of the audit did not take a checkpoint", "witness", w.Name(), "error", err)
		}
		last = ""
		if err != nil {
			last = err.Error()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Tell hands a witness every checkpoint that it has not. What it took is noted, and why it
// did not, for the health of the platform; it is tried again a second later. It may get one
// twice: its number says so. While there is nothing to hand on, nothing is written.
func (s *Service) Tell(ctx context.Context, w Witness) error {
	tx := s.DB.View(ctx)
	for {
		var row struct {
			Reached, Newest int64
			SeenAt          *time.Time
			Fault           string
		}
		if _, err := tx.One(&row, `SELECT COALESCE(w.reached, 0) AS reached, w.seen_at, COALESCE(w.fault, '') AS fault, s.checkpoints AS newest
			FROM audit_sealing s LEFT JOIN audit_witnesses w ON w.name = ? WHERE s.id = 1`, w.Name()); err != nil {
			return store.Unusable(err)
		}
		now := s.DB.Now()
		if row.SeenAt == nil || !now.Before(row.SeenAt.Add(seenWait)) {
			_, err := s.DB.CountOne(ctx, "INSERT INTO audit_witnesses (name, reached, seen_at) VALUES (?, 0, ?) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at", w.Name(), now)
			if err != nil {
				return err
			}
		}
		reached, own, err := w.Reached()
		if !own {
			reached = row.Reached
		}
		if err != nil || reached >= row.Newest {
			if err == nil {
				err = s.notBehind(row.Newest)
			}
			if said(err) == row.Fault {
				return err
			}
			return s.noted(ctx, w, err)
		}
		if !own {
			claimed, err := s.DB.CountOne(ctx, "UPDATE audit_witnesses SET claimed_until = ? WHERE name = ? AND (claimed_until IS NULL OR claimed_until <= ?) AND reached = ?",
				now.Add(claimLife), w.Name(), now, reached)
			if err != nil || claimed == 0 {
				return err
			}
		}
		var all []Signed
		if err := tx.All(&all, "SELECT number, tenant_id, note FROM audit_checkpoints WHERE number > ? ORDER BY number LIMIT ?", reached, tellMost); err != nil || len(all) == 0 {
			return store.Unusable(err)
		}
		if err := w.Keep(ctx, all); err != nil {
			return s.noted(ctx, w, err)
		}
		_, err = s.DB.CountOne(ctx, "UPDATE audit_witnesses SET reached = ?, kept_at = ?, claimed_until = NULL, fault = '' WHERE name = ?", all[len(all)-1].Number, s.DB.Now(), w.Name())
		if err != nil {
			return err
		}
	}
}

// noted keeps what is wrong with a witness, or that nothing is, lets go of it, and gives
// that back.
func (s *Service) noted(ctx context.Context, w Witness, wrong error) error {
	_, err := s.DB.CountOne(context.WithoutCancel(ctx), "UPDATE audit_witnesses SET fault = ?, claimed_until = NULL WHERE name = ?", said(wrong), w.Name())
	if wrong != nil {
		return wrong
	}
	return err
}

// said is what the health says of an error.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
