package signin

import (
	"context"
	"errors"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Release sends the prompts of attempts that were held, once the phone may be
// asked again, and rings their waiting pages. Any replica may run it.
func (s *Service) Release(ctx context.Context) error {
	var held []struct{ TenantID, ID, BrowserDigest string }
	tx := s.DB.View(ctx)
	// The first of each name, and names in no order, so that one whose phone is
	// left alone for long does not stand before one whose turn has come.
	err := tx.All(&held, `SELECT tenant_id, id, browser_digest FROM (
		SELECT a.tenant_id, a.id, a.browser_digest, ROW_NUMBER() OVER (PARTITION BY a.tenant_id, a.subject ORDER BY a.created_at, a.id) AS place FROM attempts a
		WHERE a.state = 'open' AND a.way = 'phone' AND a.prompt_id = '' AND a.expires_at > ?) waiting WHERE place = 1 ORDER BY random() LIMIT 50`, tx.Now)
	if err != nil {
		return store.Unusable(err)
	}
	for _, h := range held {
		if err := s.release(ctx, address(h.TenantID, h.ID), h.BrowserDigest); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) release(ctx context.Context, addressed, browserDigest string) error {
	still := fault.New(fault.Conflict, "prompt.held")
	var key string
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		a, err := find(tx, addressed, browserDigest)
		if err != nil {
			return err
		}
		who, err := s.subject(tx, a.Name, From{BrowserDigest: browserDigest})
		if err != nil {
			return err
		}
		who.found.SeenHere = who.found.SeenHere || a.trusted
		pause, err := heldUntil(tx, a)
		if err != nil {
			return err
		}
		if pause.Reason != "" {
			return still
		}
		from, err := originOf(tx, a)
		if err != nil {
			return err
		}
		if a.Purpose == ToApprove {
			if err := s.seated(tx, a); err != nil {
				return err
			}
		}
		sent, err := s.send(tx, who, a, From{Origin: from, BrowserDigest: browserDigest})
		if err != nil {
			return err
		}
		if sent.ID == "" {
			return still
		}
		err = tx.Change(still, "UPDATE attempts SET prompt_id = ? WHERE tenant_id = ? AND id = ? AND state = 'open' AND way = 'phone' AND prompt_id = ''", sent.ID, a.TenantID, a.key)
		if err != nil {
			return err
		}
		key = a.WaitKey()
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: audit.PromptSent, Actor: audit.Service, Target: audit.Prompt(sent.ID), Subject: a.userID, Thread: a.key, Origin: from,
		})
	})
	switch f := fault.Of(err); {
	case errors.Is(err, fault.Conflict), errors.Is(err, fault.NotFound):
		return nil
	case f != nil && (f.Kind == fault.Forbidden || f.Kind == fault.Refused):
		return nil // an approval that is not theirs to give any more is not asked for
	}
	if err == nil {
		s.Prompts.Hub.Ring(key)
	}
	return err
}

// originOf is where an attempt came from.
func originOf(tx *store.Tx, a Attempt) (audit.Origin, error) {
	var from audit.Origin
	_, err := tx.One(&from, "SELECT ip, browser FROM attempts WHERE tenant_id = ? AND id = ?", a.TenantID, a.key)
	return from, err
}
