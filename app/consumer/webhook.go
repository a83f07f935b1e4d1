package consumer

import (
	"context"
	"encoding/json"
	"strconv"

	"latchkey/app/checkpoint"
	"latchkey/app/eventform"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/store"
)

// parcel is a batch of events; see the package.
type parcel struct {
	Kind       string `json:"kind"`
	Consumer   string `json:"consumer"`
	Tenant     string `json:"tenant"`
	First      int64  `json:"first"`
	Next       int64  `json:"next"`
	Events     []item `json:"events"`
	Checkpoint string `json:"checkpoint,omitempty"`
}

type item struct {
	Sequence int64           `json:"sequence"`
	N        int64           `json:"n"`
	Record   string          `json:"record"`
	Event    json.RawMessage `json:"event"`
}

// sendEvents hands a batch to a webhook.
func (s *Service) sendEvents(ctx context.Context, f feeding, leaves []checkpoint.Leaf, events []eventform.Event) error {
	p := parcel{Kind: "events", Consumer: f.ID, Tenant: f.Slug, First: leaves[0].N, Next: leaves[len(leaves)-1].N + 1}
	for i, l := range leaves {
		line, err := eventform.Line(f.Form, events[i])
		if err != nil {
			return err
		}
		p.Events = append(p.Events, item{l.N - f.FirstN + 1, l.N, string(l.Record), line})
	}
	if _, err := s.DB.View(ctx).One(&p.Checkpoint, "SELECT note FROM audit_checkpoints WHERE tenant_id = ? ORDER BY number DESC LIMIT 1", f.TenantID); err != nil {
		return store.Unusable(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.post(ctx, f, "events-"+f.ID+"-"+strconv.FormatInt(p.First, 10)+"-"+strconv.FormatInt(p.Next, 10), text)
}

func (s *Service) post(ctx context.Context, f feeding, id string, text []byte) error {
	under, err := s.opened(f)
	if err != nil {
		return err
	}
	r, err := provider.Signed(ctx, f.URL, id, s.DB.Now(), under, text)
	if err != nil {
		return err
	}
	status, _, err := provider.Ask(s.Client, r)
	if err != nil {
		return err
	}
	return provider.Judge(status)
}

// Post sends something else to a webhook of a tenant that gets events, signed like them. One
// that is paused is tried again later, and one that is gone is not.
func (s *Service) Post(ctx context.Context, tenantID, id, key string, text []byte) error {
	var f feeding
	found, err := s.DB.View(ctx).One(&f, "SELECT tenant_id, id, url, state, secret FROM consumers WHERE tenant_id = ? AND id = ? AND kind = 'webhook'", tenantID, id)
	switch {
	case err != nil:
		return store.Unusable(err)
	case !found:
		return &notify.Failed{Code: "no_provider", Final: true}
	case f.State == Paused:
		return broken("paused", nil)
	}
	return s.post(ctx, f, key, text)
}

// sendTest sends what is no event of anybody.
func (s *Service) sendTest(ctx context.Context, f feeding) error {
	if f.Kind == Syslog {
		return s.sendSyslog(ctx, f, []eventform.Event{{
			N: -1, ID: s.Secrets.ID(), At: s.DB.Now(), Tenant: f.Slug, Action: "consumer.test", Outcome: "success", Actor: eventform.Party{Kind: "service", ID: "latchkey"}, Target: eventform.Party{Kind: "consumer", ID: f.ID},
		}})
	}
	text, err := json.Marshal(map[string]string{"kind": "test", "consumer": f.ID, "tenant": f.Slug})
	if err != nil {
		return err
	}
	return s.post(ctx, f, "test-"+s.Secrets.ID(), text)
}
