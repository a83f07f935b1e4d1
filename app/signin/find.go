package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/prompt"
	"latchkey/app/relaxation"
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

// Watched gives the attempt of an address as Find does, for those who wait for it to
// change: when many look at once they share a query.
func (s *Service) Watched(ctx context.Context, addressed string, browserDigest string) (Attempt, time.Time, error) {
	tenantID, id, ok := parseAddress(addressed)
	if !ok {
		return Attempt{}, time.Time{}, noAttempt()
	}
	// It is asked without the wall of whoever is the first: the others are of other tenants.
	// Each attempt is found by its tenant, its id and its browser.
	a, ok, err := s.watching.Of(store.Outside(ctx), ref{tenantID, id, browserDigest}, func(ctx context.Context, all []ref) (map[ref]Attempt, error) {
		found := make(map[ref]Attempt, len(all))
		for some := range slices.Chunk(all, watchedMost) {
			if err := findAll(s.DB.View(ctx), some, found); err != nil {
				return nil, err
			}
		}
		return found, nil
	})
	if err == nil && !ok {
		err = noAttempt()
	}
	return a, s.DB.Now(), store.Unusable(err)
}

// watchedMost is how many attempts one query finds.
const watchedMost = 512

// ref is what an attempt is found by.
type ref struct{ tenantID, id, browser string }

func noAttempt() error { return fault.New(fault.NotFound, "http.not_found") }

// attemptRow is an attempt as attemptColumns reads it.
type attemptRow struct {
	TenantID, ID, BrowserDigest                                                                                                string
	TenantName, Name, Subject, UserID, SessionID, ReturnTo, State, PromptID, Number, ApprovalTenantID, ApprovalID, Application string
	Purpose                                                                                                                    Purpose
	Way                                                                                                                        Way
	Proved                                                                                                                     proof
	Stay, Trusted, MayTrust, TakesCodes                                                                                        bool
	SessionHours, TrustDays                                                                                                    int
	Off                                                                                                                        user.Ways
	Failures, CodeNumber                                                                                                       int
	ExpiresAt                                                                                                                  time.Time
	PromptState                                                                                                                prompt.State
	PromptEndsAt                                                                                                               *time.Time
	DecidedAt                                                                                                                  *time.Time

	relaxation.Running
}

// attemptColumns reads attempts a; it takes session.SessionHoursMost and
// session.TrustDaysUsual.
var attemptColumns = `SELECT a.tenant_id, a.id, a.browser_digest, COALESCE(t.name, '') AS tenant_name, a.name, a.subject, a.user_id, a.session_id, a.return_to, a.state, a.purpose, a.way,
		a.failures, a.code_number, a.expires_at, a.proved, a.stay,
		CASE WHEN a.session_id = '' THEN FALSE ELSE EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = a.tenant_id AND s.id = a.session_id AND ` + session.TakesCodes + `) END AS takes_codes, a.trusted, CASE WHEN a.trusted OR a.proved <> '' THEN ` + session.MayTrust + ` ELSE FALSE END AS may_trust, COALESCE(t.session_hours, ?) AS session_hours,
		CASE WHEN t.id IS NULL THEN CAST(? AS integer) WHEN a.proved = '' THEN ` + session.OfferedDays + ` ELSE t.trust_days END AS trust_days,
		CASE WHEN t.id IS NULL THEN 0 WHEN a.purpose = 'sign_in' AND a.proved = '' THEN ` + method.NobodySignsIn + `
			ELSE ` + method.OffNow("CASE WHEN a.purpose <> 'sign_in' THEN t.no_sign_in & t.no_second & t.no_recovery ELSE t.no_second END") + ` END AS off, a.prompt_id, a.approval_tenant_id, a.approval_id, a.application, COALESCE(p.number, '') AS number, COALESCE(p.state, '') AS prompt_state, p.expires_at AS prompt_ends_at, p.decided_at, ` + relaxation.Columns

// attemptJoins are the tables of attemptColumns beside attempts a.
var attemptJoins = ` LEFT JOIN tenants t ON t.id = a.tenant_id LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id ` + relaxation.Join + `
		LEFT JOIN prompts p ON p.tenant_id = a.tenant_id AND p.id = a.prompt_id`

func find(tx *store.Tx, addressed, browserDigest string) (Attempt, error) {
	tenantID, id, ok := parseAddress(addressed)
	if !ok {
		return Attempt{}, noAttempt()
	}
	var row attemptRow
	ok, err := tx.One(&row, attemptColumns+" FROM attempts a"+attemptJoins+" WHERE a.tenant_id = ? AND a.id = ? AND a.browser_digest = ?",
		session.SessionHoursMost, session.TrustDaysUsual, tenantID, id, browserDigest)
	if err == nil && !ok {
		err = noAttempt()
	}
	if err != nil {
		return Attempt{}, err
	}
	return row.attempt(), nil
}

// findAll adds the attempts of refs to found.
func findAll(tx *store.Tx, all []ref, found map[ref]Attempt) error {
	if len(all) == 0 {
		return nil
	}
	// Rounded up, so that it is one of a few statements, however many wait: a connection
	// keeps what it has compiled.
	for len(all)&(len(all)-1) != 0 {
		all = append(all, all[0])
	}
	values := []any{session.SessionHoursMost, session.TrustDaysUsual}
	for _, p := range all {
		values = append(values, p.tenantID, p.id, p.browser)
	}
	var rows []attemptRow
	err := tx.All(&rows, attemptColumns+" FROM (VALUES (?,?,?)"+strings.Repeat(", (?,?,?)", len(all)-1)+`) w
		JOIN attempts a ON a.tenant_id = w.column1 AND a.id = w.column2 AND a.browser_digest = w.column3`+attemptJoins, values...)
	for _, row := range rows {
		found[ref{row.TenantID, row.ID, row.BrowserDigest}] = row.attempt()
	}
	return err
}

func (row *attemptRow) attempt() Attempt {
	a := Attempt{
		ID: address(row.TenantID, row.ID), TenantID: row.TenantID, TenantName: row.TenantName, Name: row.Name, Purpose: row.Purpose, ReturnTo: row.ReturnTo, Application: row.Application,
		Way: row.Way, State: row.State, Failures: row.Failures, ExpiresAt: row.ExpiresAt, PromptID: row.PromptID, PromptState: row.PromptState,
		CodeNumber: row.CodeNumber, Number: row.Number, DecidedAt: row.DecidedAt, Approves: RequestRef{row.ApprovalTenantID, row.ApprovalID}, key: row.ID, subject: row.Subject, userID: row.UserID, sessionID: row.SessionID,
		Stay: row.Stay, StayHours: row.SessionHours, TrustDays: row.TrustDays, proved: row.Proved, browser: row.BrowserDigest, trusted: row.Trusted && row.MayTrust, takesCodes: row.TakesCodes, off: row.Off, Outage: row.Running,
	}
	if row.Proved != "" && !row.MayTrust {
		a.TrustDays = 0
	}
	if row.PromptEndsAt != nil {
		a.PromptEndsAt = *row.PromptEndsAt
	}
	return a
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
