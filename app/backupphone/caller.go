package backupphone

import (
	"slices"

	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Caller is a caller to the helpdesk who is to read a code out that goes to a phone of
// the user whom they say they are.
type Caller struct {
	TenantID, UserID string
	CheckID          string // stands for the attempt: Holding knows the code by it
	PhoneID          string // which of them; empty for the first in their order
	Letters          string // by which the agent proves to be who sent it
}

// SendToCaller owes a code in the act tx, and gives the phone that it goes to. The
// brakes are those of sign-ins with counters of their own: whoever asks for codes to
// sign in as somebody does not keep the helpdesk from it, nor the helpdesk them. A brake
// that holds is fault.Throttled, no such phone fault.Conflict.
func (s *Service) SendToCaller(tx *store.Tx, c Caller) (Phone, error) {
	phones, err := Reachable(tx, c.TenantID, c.UserID, c.PhoneID)
	if err != nil {
		return Phone{}, err
	}
	if len(phones) == 0 {
		return Phone{}, fault.New(fault.Conflict, "callercheck.no_backup_phone")
	}
	to := phones[0]
	limits, err := provider.LimitsOf(tx, c.TenantID)
	if err != nil {
		return to, err
	}
	if err := brake(tx, c.TenantID, "caller "+c.UserID, "caller "+s.numberKey(to.Number), limits.Daily, "callercheck.codes_held"); err != nil {
		return to, err
	}
	id, code := secret.System.ID(), secret.System.SixDigits()
	err = tx.Later("INSERT INTO phone_codes (tenant_id, id, attempt_id, phone_id, channel, digest, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?)",
		c.TenantID, id, c.CheckID, to.ID, to.Channel, s.Keys.CodeDigest(id, code), tx.Now, tx.Now.Add(CodeLife))
	if err != nil {
		return to, err
	}
	return to, s.Providers.QueueToCaller(tx, c.TenantID, to.Channel, notify.Targets{
		Query: "SELECT number FROM backup_phones WHERE tenant_id = ? AND id = ? AND state = 'active'", Values: []any{c.TenantID, to.ID},
	}, code, c.Letters, CodeLife)
}

// Tell owes a notice, in the act tx, to every number of a user that takes text messages, and
// says how many that are. The brakes are its own, but for the budget of the day, which is
// the tenant's. Where one holds nothing is sent, and nothing fails: there are other channels,
// and whoever uses a brake up must not keep anybody from being helped.
func (s *Service) Tell(tx *store.Tx, tenantID, userID string, n notify.Told) (numbers int, err error) {
	phones, err := Reachable(tx, tenantID, userID, "")
	if err != nil {
		return 0, err
	}
	phones = slices.DeleteFunc(phones, func(p Phone) bool { return p.Channel != provider.SMS })
	if len(phones) == 0 {
		return 0, nil
	}
	if wait, err := take(tx, tenantID, "told "+userID, 3, userSpan); err != nil || wait > 0 {
		return 0, err
	}
	limits, err := provider.LimitsOf(tx, tenantID)
	if err != nil {
		return 0, err
	}
	for _, to := range phones {
		wait, err := take(tx, tenantID, "told "+s.numberKey(to.Number), 5, numberSpan)
		if err != nil {
			return numbers, err
		}
		if wait > 0 {
			continue
		}
		if paid, err := spend(tx, tenantID, limits.Daily, true, true); err != nil || !paid {
			return numbers, err
		}
		err = s.Providers.QueueTold(tx, tenantID, notify.Targets{
			Query: "SELECT number FROM backup_phones WHERE tenant_id = ? AND id = ? AND state = 'active'", Values: []any{tenantID, to.ID},
		}, n)
		if err != nil {
			return numbers, err
		}
		numbers++
	}
	return numbers, nil
}

// Void ends the codes of an attempt, or of a caller check, in the act tx.
func Void(tx *store.Tx, tenantID, attemptID string) error {
	return tx.Later("UPDATE phone_codes SET expires_at = ? WHERE attempt_id = ? AND tenant_id = ? AND used_at IS NULL AND expires_at > ?", tx.Now, attemptID, tenantID, tx.Now)
}
