// Package checkpointtest measures what the sealing costs those whose events it seals.
package checkpointtest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/checkpoint"
)

// rounds of the sealing, which come five times a second, are one turn.
const (
	rounds = 3
	round  = 200 * time.Millisecond
)

// Figures are medians over turns.
type Figures struct {
	Alone  float64 // acts a second without the sealing
	Kept   float64 // how many of a hundred are left beside it, against those before and after
	Behind float64 // how many seconds' events it has left, once it goes
}

// Beside does an act that records so many events, again and again without a pause, sixteen at
// once, while the sealing is let in and kept out in turns, b.N times. What there is to seal is
// sealed before a turn of it, so that it has neither more nor less to do than what is recorded
// meanwhile. Turns are short because a shared machine may be slower for some seconds.
func Beside(b *testing.B, s *checkpoint.Service, events float64, act func() error) Figures {
	b.Helper()
	ctx, end := context.WithCancel(b.Context())
	var acting sync.WaitGroup
	defer acting.Wait()
	defer end()
	var done atomic.Int64
	for range 16 {
		acting.Go(func() {
			for ctx.Err() == nil {
				if err := act(); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	rate := func() float64 {
		was, began := done.Load(), time.Now()
		time.Sleep(rounds * round)
		return float64(done.Load()-was) / time.Since(began).Seconds()
	}
	rate() // of connections that plan their statements
	before := rate()
	alone, kept, behind := []float64{before}, []float64{}, []float64{}
	for b.Loop() {
		seal(b, s)
		out := letIn(b.Context(), s)
		time.Sleep(round + round/2)
		beside := rate()
		out()
		behind = append(behind, float64(seal(b, s))/events/beside)
		after := rate()
		alone, kept = append(alone, after), append(kept, 200*beside/(before+after))
		before = after
	}
	return Figures{median(alone), median(kept), median(behind)}
}

// letIn lets the sealing in, and gives what keeps it out again.
func letIn(ctx context.Context, s *checkpoint.Service) (out func()) {
	ctx, end := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	return func() {
		end()
		running.Wait()
	}
}

// seal seals what is recorded, and says how much it was.
func seal(b *testing.B, s *checkpoint.Service) (all int) {
	b.Helper()
	for more := true; more; {
		n, again, err := s.Seal(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		all, more = all+n, again
	}
	return all
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	return figures[len(figures)/2]
}
