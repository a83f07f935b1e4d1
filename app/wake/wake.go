// Package wake lets many wait for something without a database connection, a
// timer or a query of their own.
//
// A waiter names keys (an attempt, a user) and sleeps on a channel. Whoever
// changed something rings its key after the commit: the waiters in this process
// wake at once, those of other replicas through NOTIFY, which is a hint and may
// be lost. The floor under it is a slow poll: one clock and a few queries for
// all waiters together (Look), however many they are.
package wake

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Wire carries keys to the other replicas.
type Wire interface {
	Notify(ctx context.Context, payload string) error
	Listen(ctx context.Context, heard func(payload string))
}

// Times of the one clock that all waiters share.
const (
	PollWait = 2 * time.Second  // the floor: how late a lost hint is noticed
	BeatWait = 16 * time.Second // how often a stream shows that it is alive
	batch    = 500              // keys that one look takes
	payload  = 7000             // bytes; NOTIFY takes 8,000
)

// Signal says why a waiter wakes.
type Signal int

const (
	Rung Signal = iota // something may have changed: look
	Beat               // nothing did; show that the stream is alive
)

// Look says which of keys have changed, in as few queries as it can.
type Look func(ctx context.Context, keys []string) ([]string, error)

// Hub knows who waits for what in this process.
type Hub struct {
	wire Wire
	self string

	mu      sync.Mutex
	waiting map[string]map[*Waiter]struct{}
	all     map[*Waiter]struct{}
	looks   map[string]Look
	queue   []string
	missed  chan struct{}
	queued  chan struct{}
	closed  bool
}

// Waiter is one who waits.
type Waiter struct {
	hub  *Hub
	keys []string
	bell chan Signal
}

// NewHub makes a hub; self tells this replica's own notifications from others'.
func NewHub(wire Wire, self string) *Hub {
	return &Hub{
		wire: wire, self: self, waiting: map[string]map[*Waiter]struct{}{},
		all: map[*Waiter]struct{}{}, looks: map[string]Look{},
		missed: make(chan struct{}, 1), queued: make(chan struct{}, 1),
	}
}

// LookFor names the look of all keys that begin with prefix. It is called
// before Run.
func (h *Hub) LookFor(prefix string, look Look) { h.looks[prefix] = look }

// Wait begins to wait for any of keys. The caller ends it with Done.
func (h *Hub) Wait(keys ...string) *Waiter {
	w := &Waiter{hub: h, keys: keys, bell: make(chan Signal, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[w] = struct{}{}
	for _, key := range keys {
		set := h.waiting[key]
		if set == nil {
			set = map[*Waiter]struct{}{}
			h.waiting[key] = set
		}
		set[w] = struct{}{}
	}
	if h.closed {
		close(w.bell)
	}
	return w
}

// Bell receives when one of the keys was rung and at each beat, and is closed
// when the process drains.
func (w *Waiter) Bell() <-chan Signal { return w.bell }

// Done ends the wait.
func (w *Waiter) Done() {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, w)
	for _, key := range w.keys {
		delete(h.waiting[key], w)
		if len(h.waiting[key]) == 0 {
			delete(h.waiting, key)
		}
	}
}

// Waiting counts the waiters.
func (h *Hub) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// Ring wakes those who wait for key, here at once and elsewhere soon.
func (h *Hub) Ring(key string) {
	h.mu.Lock()
	h.ringHere(key)
	h.queue = append(h.queue, key)
	h.mu.Unlock()
	select {
	case h.queued <- struct{}{}:
	default:
	}
}

func (h *Hub) ringHere(key string) {
	if h.closed {
		return
	}
	for w := range h.waiting[key] {
		w.ring()
	}
}

// ring wakes w for a look. A beat that it has not yet taken gives way.
func (w *Waiter) ring() {
	for {
		select {
		case w.bell <- Rung:
			return
		default:
		}
		select {
		case signal := <-w.bell:
			if signal == Rung {
				w.bell <- Rung
				return
			}
		default:
		}
	}
}

// Run carries keys between replicas and looks for all waiters at the slow poll,
// until ctx ends; then every waiter's bell is closed.
func (h *Hub) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { h.wire.Listen(ctx, h.heard) })
	running.Go(func() { h.send(ctx) })
	poll, beat := time.NewTicker(PollWait), time.NewTicker(BeatWait)
	defer poll.Stop()
	defer beat.Stop()
	for {
		select {
		case <-poll.C:
			h.look(ctx)
		case <-h.missed:
			h.look(ctx)
		case <-beat.C:
			h.beat()
		case <-ctx.Done():
			h.close()
			running.Wait()
			return
		}
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.all {
		close(w.bell)
	}
}

func (h *Hub) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.all {
		select {
		case w.bell <- Beat:
		default:
		}
	}
}

// look asks each kind of key, in batches, what has changed, and rings it. A
// look that fails is tried again at the next poll; the streams stay open.
func (h *Hub) look(ctx context.Context) {
	h.mu.Lock()
	waited := map[string][]string{}
	for key := range h.waiting {
		prefix, _, _ := strings.Cut(key, ":")
		waited[prefix] = append(waited[prefix], key)
	}
	h.mu.Unlock()
	for prefix, keys := range waited {
		look := h.looks[prefix]
		if look == nil {
			continue
		}
		for some := range slices.Chunk(keys, batch) {
			changed, err := look(ctx, some)
			if err != nil {
				break
			}
			h.mu.Lock()
			for _, key := range changed {
				h.ringHere(key)
			}
			h.mu.Unlock()
		}
	}
}

// heard takes a payload: the sender and its keys, one a line. An empty one
// means that something may have been missed.
func (h *Hub) heard(text string) {
	if text == "" {
		select {
		case h.missed <- struct{}{}:
		default:
		}
		return
	}
	keys := strings.Split(text, "\n")
	if keys[0] == h.self {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys[1:] {
		h.ringHere(key)
	}
}

// send takes what has gathered since the last time and sends it in as few
// statements as fit: under load many acts share one.
func (h *Hub) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.queued:
		}
		h.mu.Lock()
		keys := h.queue
		h.queue = nil
		h.mu.Unlock()
		for len(keys) > 0 {
			var b strings.Builder
			b.WriteString(h.self)
			for len(keys) > 0 && b.Len()+len(keys[0])+1 < payload {
				b.WriteString("\n" + keys[0])
				keys = keys[1:]
			}
			// A lost hint costs at most PollWait, and the database says so elsewhere.
			_ = h.wire.Notify(ctx, b.String())
		}
	}
}
