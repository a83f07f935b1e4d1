package signin

import (
	"context"
	"time"

	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Find gives the attempt of an address, in the browser that began it and in no
// other: everything else is fault.NotFound.
func (s *Service) Find(ctx context.Context, addressed string, browserDigest string) (Attempt, time.Time, error) {
	tx := s.DB.View(ctx)
	a, err := find(tx, addressed, browserDigest)
	return a, tx.Now, store.Unusable(err)
}

func find(tx *store.Tx, addressed, browserDigest string) (Attempt, error) {
	none := fault.New(fault.NotFound, "http.not_found")
	tenantID, id, ok := parseAddress(addressed)
	if !ok {
		return Attempt{}, none
	}
	var row struct {
		TenantName, Name, Subject, UserID, SessionID, ReturnTo, State, PromptID, Number, ApprovalTenantID, ApprovalID, Application string
		Purpose                                                                                                                    Purpose
		Way                                                                                                                        Way
		Proved                                                                                                                     proof
		Stay, Trusted, Restricted                                                                                                  bool
		SessionHours, TrustDays                                                                                                    int
		Off                                                                                                                        user.Ways
		Failures, CodeNumber                                                                                                       int
		ExpiresAt                                                                                                                  time.Time
		PromptState                                                                                                                prompt.State
		PromptEndsAt                                                                                                               *time.Time
		DecidedAt                                                                                                                  *time.Time
	}
	ok, err := tx.One(&row, `SELECT COALESCE(t.name, '') AS tenant_name, a.name, a.subject, a.user_id, a.session_id, a.return_to, a.state, a.purpose, a.way,
		a.failures, a.code_number, a.expires_at, a.proved, a.stay,
		CASE WHEN a.session_id = '' THEN FALSE ELSE EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = a.tenant_id AND s.id = a.session_id AND s.bypass_id <> '' AND NOT `+session.ByNumber+`) END AS restricted, CASE WHEN a.trusted THEN `+session.MayTrust+` ELSE FALSE END AS trusted, COALESCE(t.session_hours, ?) AS session_hours,
		CASE WHEN t.id IS NULL THEN CAST(? AS integer) WHEN a.proved = '' THEN `+session.OfferedDays+` ELSE `+session.TrustedDays+` END AS trust_days,
		CASE WHEN t.id IS NULL THEN 0 WHEN a.purpose <> 'sign_in' THEN `+method.NoUse+` WHEN a.proved <> '' THEN `+method.NoSecond+` ELSE `+method.NobodySignsIn+` END AS off, a.prompt_id, a.approval_tenant_id, a.approval_id, a.application, COALESCE(p.number, '') AS number, COALESCE(p.state, '') AS prompt_state, p.expires_at AS prompt_ends_at, p.decided_at
		FROM attempts a LEFT JOIN tenants t ON t.id = a.tenant_id LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		LEFT JOIN prompts p ON p.tenant_id = a.tenant_id AND p.id = a.prompt_id
		WHERE a.tenant_id = ? AND a.id = ? AND a.browser_digest = ?`, session.SessionHoursMost, session.TrustDaysUsual, tenantID, id, browserDigest)
	if err != nil {
		return Attempt{}, err
	}
	if !ok {
		return Attempt{}, none
	}
	a := Attempt{
		ID: addressed, TenantID: tenantID, TenantName: row.TenantName, Name: row.Name, Purpose: row.Purpose, ReturnTo: row.ReturnTo, Application: row.Application,
		Way: row.Way, State: row.State, Failures: row.Failures, ExpiresAt: row.ExpiresAt, PromptID: row.PromptID, PromptState: row.PromptState,
		CodeNumber: row.CodeNumber, Number: row.Number, DecidedAt: row.DecidedAt, Approves: RequestRef{row.ApprovalTenantID, row.ApprovalID}, key: id, subject: row.Subject, userID: row.UserID, sessionID: row.SessionID,
		Stay: row.Stay, StayHours: row.SessionHours, TrustDays: row.TrustDays, proved: row.Proved, browser: browserDigest, trusted: row.Trusted, restricted: row.Restricted, off: row.Off,
	}
	if row.PromptEndsAt != nil {
		a.PromptEndsAt = *row.PromptEndsAt
	}
	return a, nil
}

// HeldUntil gives the time from which a held attempt may ask the phone again.
func (s *Service) HeldUntil(ctx context.Context, a Attempt) (prompt.Pause, error) {
	pause, err := heldUntil(s.DB.View(ctx), a)
	return pause, store.Unusable(err)
}

func heldUntil(tx *store.Tx, a Attempt) (prompt.Pause, error) {
	known, err := seenHere(tx, a)
	if err != nil {
		return prompt.Pause{}, err
	}
	return prompt.HeldUntil(tx, a.TenantID, a.subject, known)
}
