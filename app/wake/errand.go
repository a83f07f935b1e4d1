package wake

import (
	"context"
	"log/slog"
	"time"
)

// Errand is what a process does again and again: every so often, and at once when it is
// told to hurry.
type Errand struct{ hurry chan struct{} }

// NewErrand makes one.
func NewErrand() Errand { return Errand{make(chan struct{}, 1)} }

// Hurry has it done at once. Of many who ask before that the first is enough.
func (e Errand) Hurry() {
	select {
	case e.hurry <- struct{}{}:
	default:
	}
}

// Run does it until ctx ends. What fails is logged under a name, and done again.
func (e Errand) Run(ctx context.Context, every time.Duration, log *slog.Logger, name string, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.hurry:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			log.Error(name, "error", err)
		}
	}
}
