package prompt

import (
	"context"
	"fmt"
	"time"

	"latchkey/app/device"
	"latchkey/app/place"
	"latchkey/app/store"
)

// Request is a prompt as the phone shows it.
type Request struct {
	ID, Kind, Mode, Numbers, Nonce, Application, Browser, IP string
	Place                                                    place.Place
	NewBrowser                                               bool
	CreatedAt, ExpiresAt                                     time.Time
	Act                                                      *Act // what it asks for, with kind Approval or CallerCheck
	Account                                                  device.Account
}

var openQuery = device.AccountsWith(`, COALESCE(p.id, '') AS prompt_id, COALESCE(p.kind, '') AS kind, COALESCE(p.mode, '') AS mode,
		COALESCE(p.numbers, '') AS numbers, COALESCE(p.nonce, '') AS nonce, COALESCE(p.application, '') AS application,
		COALESCE(p.browser, '') AS browser, COALESCE(p.place, '') AS place, COALESCE(p.ip, '') AS ip,
		COALESCE(p.new_browser, FALSE) AS new_browser, COALESCE(p.act, '') AS act, COALESCE(p.act_hash, '') AS act_hash, p.created_at, p.expires_at`,
	`LEFT JOIN prompts p ON p.user_id = d.user_id AND p.tenant_id = d.tenant_id AND p.state = 'pending' AND (p.expires_at > ?) IS TRUE
		AND (p.kind = 'test' AND p.subject = 'test:' || d.account_id OR p.kind <> 'test' AND d.phone_sign_in) AND `+goesOn)

// Open lists what a phone may answer now. A device without a live account is
// fault.Refused.
func (s *Service) Open(ctx context.Context, deviceID string) ([]Request, error) {
	return open(s.DB.View(ctx), deviceID)
}

// OpenFor is Open for a phone's call, whose proof it uses.
func (s *Service) OpenFor(ctx context.Context, by device.Proof) (requests []Request, err error) {
	err = s.Devices.Use(ctx, by, func(tx *store.Tx) (err error) {
		requests, err = open(tx, by.Device)
		return err
	})
	return requests, err
}

func open(tx *store.Tx, deviceID string) ([]Request, error) {
	var rows []struct {
		device.Account
		PromptID, Kind, Mode, Numbers, Nonce, Application, Browser, IP, Act, ActHash string
		Place                                                                        place.Place
		NewBrowser                                                                   bool
		CreatedAt, ExpiresAt                                                         *time.Time
	}
	if err := tx.All(&rows, openQuery, tx.Now, deviceID); err != nil {
		return nil, store.Unusable(err)
	}
	if len(rows) == 0 {
		return nil, device.Unknown()
	}
	var requests []Request
	for _, r := range rows {
		if r.PromptID == "" {
			continue
		}
		act, err := actOf(r.Act, r.ActHash)
		if err != nil {
			return nil, fmt.Errorf("prompt: act of %s: %w", r.PromptID, err)
		}
		requests = append(requests, Request{
			ID: r.PromptID, Kind: r.Kind, Mode: r.Mode, Numbers: r.Numbers, Nonce: r.Nonce, Application: r.Application, Browser: r.Browser,
			Place: r.Place, IP: r.IP, NewBrowser: r.NewBrowser, CreatedAt: *r.CreatedAt, ExpiresAt: *r.ExpiresAt, Act: act, Account: r.Account,
		})
	}
	return requests, nil
}
