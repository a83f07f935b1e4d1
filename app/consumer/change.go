package consumer

import (
	"context"
	"strings"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// place is where the secret of a consumer is kept.
func place(id string) string { return "consumers.secret " + id }

// Add adds a consumer. The secret of a webhook is given once; syslog has none. It fails with
// fault.Invalid when a field breaks a rule, and with fault.Conflict when there are enough.
func (s *Service) Add(ctx context.Context, tenantID, userID string, next Settings, from audit.Origin) (id string, made secret.Token, err error) {
	next.Name, next.URL, next.Roots = strings.TrimSpace(next.Name), strings.TrimSpace(next.URL), strings.TrimSpace(next.Roots)
	if wrong := next.check(s.Outside); len(wrong) > 0 {
		return "", made, fault.Wrong("form.wrong", wrong)
	}
	id, sealed := s.Secrets.ID(), ""
	if next.Kind == Webhook {
		made = s.Secrets.Token()
		if sealed, err = s.Keys.Seal(tenantID, place(id), made.Reveal()); err != nil {
			return "", secret.Token{}, err
		}
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		first := int64(0)
		if !next.FromStart {
			if first, err = checkpoint.Size(tx, tenantID); err != nil {
				return err
			}
		}
		err := tx.Change(fault.New(fault.Conflict, "consumer.enough"), `INSERT INTO consumers (tenant_id, id, kind, name, form, url, roots, secret, personal, state, first_n, next_n, due_at, version, changed_by, changed_at)
			SELECT CAST(? AS text),?,?,?,?,?,?,?,?,'active',?,?,?,1,?,? WHERE (SELECT count(*) FROM consumers WHERE tenant_id = ?) < ?`,
			tenantID, id, next.Kind, next.Name, next.Form, next.URL, next.Roots, sealed, next.Personal, first, first, tx.Now, userID, tx.Now, tenantID, Most)
		if err != nil {
			return err
		}
		return audit.Record(tx, event(audit.ConsumerAdded, tenantID, id, userID, from, map[string]string{
			"kind": string(next.Kind), "name": next.Name, "form": string(next.Form), "host": provider.Host(next.URL), "personal": yes(next.Personal), "from_start": yes(next.FromStart),
		}))
	})
	if err != nil {
		return "", secret.Token{}, err
	}
	return id, made, nil
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// Pause stops a consumer, which goes on later from where it is. It fails with
// fault.Conflict when it does not get events.
func (s *Service) Pause(ctx context.Context, tenantID, id, userID string, from audit.Origin) error {
	return s.change(ctx, audit.ConsumerPaused, tenantID, id, userID, from, "state = 'paused'", "state = 'active'")
}

// Resume lets a consumer go on. It is asked at once, however often it had failed.
func (s *Service) Resume(ctx context.Context, tenantID, id, userID string, from audit.Origin) error {
	return s.change(ctx, audit.ConsumerResumed, tenantID, id, userID, from, "state = 'active', failures = 0, fault = '', failing_since = NULL, told_at = NULL, due_at = changed_at", "state = 'paused'")
}

func (s *Service) change(ctx context.Context, action audit.Action, tenantID, id, userID string, from audit.Origin, set, when string) error {
	if _, err := s.Find(ctx, tenantID, id); err != nil {
		return err
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(changed(), "UPDATE consumers SET "+set+", claim = '', claimed_until = NULL, version = version + 1, changed_by = ?, changed_at = ? WHERE tenant_id = ? AND id = ? AND "+when, userID, tx.Now, tenantID, id)
		if err != nil {
			return err
		}
		return audit.Record(tx, event(action, tenantID, id, userID, from, nil))
	})
}

// Renew makes another secret of a webhook, which is given once. The one before is worth
// nothing from then on; what its receiver refuses meanwhile is sent again.
func (s *Service) Renew(ctx context.Context, tenantID, id, userID string, version int, from audit.Origin) (secret.Token, error) {
	if _, err := s.Find(ctx, tenantID, id); err != nil {
		return secret.Token{}, err
	}
	made := s.Secrets.Token()
	sealed, err := s.Keys.Seal(tenantID, place(id), made.Reveal())
	if err != nil {
		return secret.Token{}, err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(changed(), "UPDATE consumers SET secret = ?, version = version + 1, changed_by = ?, changed_at = ? WHERE tenant_id = ? AND id = ? AND version = ? AND kind = 'webhook'", sealed, userID, tx.Now, tenantID, id, version)
		if err != nil {
			return err
		}
		return audit.Record(tx, event(audit.ConsumerSecretMade, tenantID, id, userID, from, nil))
	})
	if err != nil {
		return secret.Token{}, err
	}
	return made, nil
}

// Fits says whether a text is the secret of a consumer: what a page is about to show once
// comes back from a browser, which may send anything.
func (s *Service) Fits(ctx context.Context, tenantID, id, text string) (bool, error) {
	var sealed string
	found, err := s.DB.View(ctx).One(&sealed, "SELECT secret FROM consumers WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err != nil || !found || sealed == "" {
		return false, store.Unusable(err)
	}
	kept, err := s.Keys.Open(tenantID, place(id), sealed)
	return err == nil && secret.Same(secret.Digest(kept), secret.Digest(text)), nil
}

// Remove takes a consumer away, with its secret and its place. None is fault.NotFound.
func (s *Service) Remove(ctx context.Context, tenantID, id, userID string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var name string
		if _, err := tx.One(&name, "SELECT name FROM consumers WHERE tenant_id = ? AND id = ?", tenantID, id); err != nil {
			return err
		}
		if err := tx.Change(notFound(), "DELETE FROM consumers WHERE tenant_id = ? AND id = ?", tenantID, id); err != nil {
			return err
		}
		return audit.Record(tx, event(audit.ConsumerRemoved, tenantID, id, userID, from, map[string]string{"name": name}))
	})
}

// event is one of what somebody did to a consumer.
func event(action audit.Action, tenantID, id, userID string, from audit.Origin, details map[string]string) audit.Event {
	return audit.Event{TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindConsumer, ID: id}, Subject: userID, Origin: from, Details: details}
}
