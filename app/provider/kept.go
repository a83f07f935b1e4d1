package provider

import (
	"context"
	"slices"
	"strings"
	"sync"

	"latchkey/app/secret"
)

// Kept are the messages that a demonstration would have sent, the newest first. They
// stand in the memory of the process and nowhere else.
type Kept struct {
	mu  sync.Mutex
	all []Message
}

// keptMost is how many are kept.
const keptMost = 100

func (k *Kept) give(_ context.Context, _ Settings, _ secret.Token, m Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.ContainsFunc(k.all, func(other Message) bool { return other.ID == m.ID }) {
		k.all = append([]Message{m}, k.all[:min(len(k.all), keptMost-1)]...)
	}
	return nil
}

// All gives what was kept. A call reads as it would sound.
func (k *Kept) All() []Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := slices.Clone(k.all)
	for i := range all {
		if all[i].Channel == Voice {
			all[i].Text = strings.Join(all[i].Spoken, " ")
		}
	}
	return all
}
