package importing

import (
	"context"

	"latchkey/app/store"
)

// What this process knows of the imports that it carries out. On SQLite nobody
// else could be told: the act has the only place to write.

func (s *Service) set(id string, done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress[id] = done
}

func (s *Service) progressOf(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress[id]
}

func (s *Service) holds(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, holds := s.progress[id]
	return holds
}

func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.progress, id)
}

// tried counts the tries of an import that the database kept from being done.
func (s *Service) tried(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[id]++
	return s.tries[id]
}

// tell says how far a held import is, beside its act: to everybody on PostgreSQL,
// where that is the sign of life too. It fails with lost when somebody else has
// taken the import up.
func (s *Service) tell(ctx context.Context, h *held, done int) error {
	s.set(h.ID, done)
	if s.DB.Dialect != store.Postgres {
		return nil
	}
	now := s.DB.Now()
	held, err := s.DB.CountOne(ctx, "UPDATE imports SET done = ?, started_at = ? WHERE tenant_id = ? AND id = ? AND state = ? AND started_at = ?",
		done, now, h.TenantID, h.ID, Running, h.since)
	if err == nil && held == 0 {
		err = lost
	}
	if err == nil {
		h.since = now
	}
	return err
}
