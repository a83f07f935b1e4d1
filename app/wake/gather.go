package wake

import (
	"context"
	"sync"
	"time"
)

// Gather answers one kind of question for many who ask it at once, as those do whom one
// bell has woken: in as few queries as it can, and one at a time. Whoever asks while one
// is on its way is not answered by it, but by the next, together with all the others who
// asked meanwhile; so an answer is never older than its question.
type Gather[K comparable, V any] struct {
	mu    sync.Mutex
	next  *round[K, V]
	going bool
}

// Answer finds values of keys; what there is none of it leaves out.
type Answer[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

type round[K comparable, V any] struct {
	keys  map[K]struct{}
	done  chan struct{}
	found map[K]V
	err   error
}

// gatherWait is how long one query for many may take.
const gatherWait = 10 * time.Second

// Of gives the value of a key; ok is false when there is none. Every caller gives the same
// answer, which is asked in a context of its own: it is for others, too.
func (g *Gather[K, V]) Of(ctx context.Context, key K, answer Answer[K, V]) (value V, ok bool, err error) {
	g.mu.Lock()
	if g.next == nil {
		g.next = &round[K, V]{keys: map[K]struct{}{}, done: make(chan struct{})}
	}
	r := g.next
	r.keys[key] = struct{}{}
	if !g.going {
		g.going = true
		go g.run(context.WithoutCancel(ctx), answer)
	}
	g.mu.Unlock()
	select {
	case <-r.done:
		value, ok = r.found[key]
		return value, ok, r.err
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}

// run answers round after round, until nobody asks.
func (g *Gather[K, V]) run(ctx context.Context, answer Answer[K, V]) {
	for {
		g.mu.Lock()
		r := g.next
		if g.next = nil; r == nil {
			g.going = false
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		r.answer(ctx, answer)
	}
}

func (r *round[K, V]) answer(ctx context.Context, answer Answer[K, V]) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(ctx, gatherWait)
	defer cancel()
	keys := make([]K, 0, len(r.keys))
	for key := range r.keys {
		keys = append(keys, key)
	}
	r.found, r.err = answer(ctx, keys)
}
