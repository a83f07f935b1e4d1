package checkpoint

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"latchkey/app/provider"
	"latchkey/app/secret"
)

// Webhook is a witness that takes each checkpoint as a signed request, by the rules of the
// webhook of package provider. It is one for all replicas.
type Webhook struct {
	URL    string
	Secret secret.Token
	Client *http.Client
	Now    func() time.Time
}

// Name does not have the address, which may be a secret.
func (w *Webhook) Name() string { return "webhook" }

// Heads: nobody asks it.
func (w *Webhook) Heads() ([]Head, int64, error) { return nil, 0, nil }

// Reached: all replicas share it, and note it in the database.
func (w *Webhook) Reached() (number int64, own bool, err error) { return 0, false, nil }

const webhookWait = 10 * time.Second

// Keep sends them in one request, in their order. They may come again, when nobody noted
// that they were taken: the number says which they are, and that none is missing.
func (w *Webhook) Keep(ctx context.Context, all []Signed) error {
	ctx, cancel := context.WithTimeout(ctx, webhookWait)
	defer cancel()
	text, err := json.Marshal(map[string]any{"kind": "checkpoints", "checkpoints": all})
	if err != nil {
		return err
	}
	r, err := provider.Signed(ctx, w.URL, "checkpoints-"+strconv.FormatInt(all[0].Number, 10)+"-"+strconv.FormatInt(all[len(all)-1].Number, 10), w.Now(), w.Secret, text)
	if err != nil {
		return err
	}
	status, _, err := provider.Ask(w.Client, r)
	if err != nil {
		return err
	}
	return provider.Judge(status)
}
