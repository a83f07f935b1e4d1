package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/app/secret"
	"latchkey/app/store"
)

// Service seals what is recorded, signs heads of the trees, and hands them to witnesses.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Log       *slog.Logger
	Witnesses []Witness
	BatchMost int // events in one transaction; 0: what suits the database

	busy atomic.Bool // the last batch was large

	mu       sync.Mutex
	recalled bool            // what the witnesses have
	heads    map[string]Head // the largest that this process has signed or a witness has
	ahead    int64           // number of the last checkpoint that a witness had at the start, or that this process has signed
}

// roundWait is between two looks at what there is to seal.
const roundWait = 200 * time.Millisecond

// Run seals and signs until ctx ends, on whichever replica gets there first.
func (s *Service) Run(ctx context.Context) {
	if err := s.Recall(); err != nil {
		s.Log.Error("a witness of the audit cannot be read", "error", err)
	}
	var telling sync.WaitGroup
	defer telling.Wait()
	for _, w := range s.Witnesses {
		telling.Go(func() { s.tell(ctx, w) })
	}
	tick := time.NewTicker(roundWait)
	defer tick.Stop()
	last, silent := "", time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Round(ctx); err != nil && ctx.Err() == nil && (err.Error() != last || s.DB.Now().After(silent)) {
			last, silent = err.Error(), s.DB.Now().Add(time.Minute)
			s.Log.Error("the audit is not sealed", "error", err)
		}
	}
}

// Round seals and signs all that there is.
func (s *Service) Round(ctx context.Context) error {
	for {
		_, more, err := s.Seal(ctx)
		if err != nil {
			return err
		}
		signed, err := s.Sign(ctx)
		if err != nil {
			return err
		}
		if !more && signed < treesAtOnce {
			return nil
		}
	}
}

// Recall learns from the witnesses what they have seen, once. Whoever signs asks for it
// first: a witness that cannot be read may have seen another history.
func (s *Service) Recall() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recalled {
		return nil
	}
	for _, w := range s.Witnesses {
		heads, number, err := w.Heads()
		if err != nil {
			return fmt.Errorf("%w (%s)", err, w.Name())
		}
		for _, h := range heads {
			s.learn(h)
		}
		s.ahead = max(s.ahead, number)
	}
	s.recalled = true
	return nil
}

func (s *Service) know(h Head) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(h)
}

func (s *Service) learn(h Head) {
	s.ahead = max(s.ahead, h.Number)
	if s.heads == nil {
		s.heads = map[string]Head{}
	}
	if old, ok := s.heads[h.TenantID]; !ok || h.Size >= old.Size {
		s.heads[h.TenantID] = h
	}
}

func (s *Service) known(tenantID string) (h Head, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok = s.heads[tenantID]
	return h, ok
}

var errBehind = errors.New("checkpoint: this database is older than its witness; see latchkey audit verify")

// notBehind refuses to sign in a database that is older than a witness of it: the same
// numbers would then stand for two histories.
func (s *Service) notBehind(number int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < s.ahead {
		return errBehind
	}
	return nil
}
