package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/audit"
)

// Times of readiness.
const (
	readyLife = time.Second     // for which one answer does for everybody who asks
	readyWait = 5 * time.Second // for the database to answer
)

// readiness says whether the database answers, has the schema of this program,
// and takes audit events. Asking costs a write, so whoever asks more often than
// once a second gets the answer of the last one.
type readiness struct {
	mu      sync.Mutex
	at      time.Time
	current bool
	failed  error
}

func (s *Server) readiness(c echo.Context) error {
	r := &s.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= readyLife {
		// Also for those who ask meanwhile, so it does not end with this client.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), readyWait)
		defer cancel()
		if r.current, r.failed = s.DB.Current(ctx); r.failed == nil && r.current {
			r.failed = audit.Writable(ctx, s.DB)
		}
		r.at = time.Now()
	}
	switch {
	case r.failed != nil:
		return r.failed
	case !r.current:
		return c.String(http.StatusServiceUnavailable, "the schema is not up to date\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
