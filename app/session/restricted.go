package session

import (
	"slices"
	"time"

	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// A session that a bypass made is restricted, for as long as it lives: whoever talked
// the helpdesk into the bypass must gain little by it (product.md §5). It goes on to
// applications, and to that one alone for which the bypass was given, and it binds a
// new authenticator within RebindLife and after a second, different proof. Every other
// route is closed to it (web.Route).

// RebindLife is how long after a bypass a new authenticator may be bound (product.md §9).
const RebindLife = device.RebindLife

// Restricted says whether a bypass made the session.
func (s Session) Restricted() bool { return made(s.AMR, ByBypass) }

// seconds are the proofs that, beside a bypass, let a new authenticator be bound: what
// their user has besides what is gone. The password is none of them: who talks a helpdesk into a bypass has it.
var seconds = []string{ByPasskey, ByPhone, ByTOTP, ByPrintedCode, ByVoice, BySMS}

// ByNumber says of a session s whether a message to a backup phone had its part in the
// bypass that made it: in the check of the caller, or in how the code came. Whoever took
// a number over must not come in by it and bind a phone by it, too.
const ByNumber = `CASE WHEN s.bypass_id = '' THEN FALSE ELSE EXISTS (SELECT 1 FROM bypasses b WHERE b.tenant_id = s.tenant_id AND b.id = s.bypass_id
	AND (b.check_via = 'backup_phone' OR b.delivery IN ('second_channel', 'split'))) END`

// TakesCodes is Session.TakesCodes of a session s, but for how it was made.
const TakesCodes = "s.bypass_id <> '' AND NOT " + ByNumber

// different says whether a proof is another one than what made the session.
func (s Session) different(by string) bool {
	return !made(s.AMR, by) && !(s.ByNumber && (by == BySMS || by == ByVoice))
}

// TakesCodes says whether a code to a backup phone is a second proof in the session.
func (s Session) TakesCodes() bool { return s.Restricted() && s.different(BySMS) }

// Rebinds says whether a restricted session binds a new authenticator now. It fails with
// fault.Forbidden when its time for that is over, and with fault.StepUp, and what would
// do, until it is proved a second time.
func (s Session) Rebinds(now time.Time) error {
	if !s.Restricted() {
		return nil
	}
	if !now.Before(s.RebindsUntil()) {
		return fault.New(fault.Forbidden, "session.rebind_over")
	}
	if (made(s.ProvedBy, ByManager) || made(s.ProvedBy, ByCallBack)) && now.Before(s.ProvedAt.Add(StepUpLife)) {
		return nil // whether it is another proof was asked when it was given (package vouch)
	}
	for _, by := range seconds {
		if made(s.ProvedBy, by) && s.different(by) && now.Before(s.ProvedAt.Add(StepUpLife)) {
			return nil
		}
	}
	missing := fault.New(fault.StepUp, "session.rebind")
	missing.Proofs = s.Seconds()
	return missing
}

// RebindsUntil is the last instant at which a restricted session binds anything; it is
// too late itself.
func (s Session) RebindsUntil() time.Time { return s.CreatedAt.Add(RebindLife) }

// Seconds lists the second proofs that the user of a restricted session can give by
// themselves, the strongest first.
func (s Session) Seconds() (all []string) {
	for _, way := range user.AllWays {
		if s.Ways.Has(way.Bit) && slices.Contains(seconds, way.AMR) && s.different(way.AMR) {
			all = append(all, way.AMR)
		}
	}
	return all
}

// Vouch notes in the act tx that somebody else gave their word for the user of a restricted
// session, now: by is ByManager or ByCallBack. It fails with fault.Refused when the session has ended, or its time
// to bind anything is over.
func Vouch(tx *store.Tx, tenantID, id, userID, by string) error {
	return tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE sessions SET proved_by = ?, proved_at = ?, proved_account = ''
		WHERE tenant_id = ? AND id = ? AND user_id = ? AND bypass_id <> '' AND ended_at IS NULL AND expires_at > ? AND created_at > ?`,
		by, tx.Now, tenantID, id, userID, tx.Now, tx.Now.Add(-RebindLife))
}
