package backupphone

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Ask is a sign-in that wants a code sent.
type Ask struct {
	TenantID, Subject, UserID, AttemptID string // UserID is empty for who cannot sign in
	Channel                              provider.Channel
	PhoneID                              string // which of them; empty for the first in their order
	Proved                               bool   // something was proved in the attempt before
}

// Send owes a code in the act tx and takes the place of the one before. A name that
// has no such phone goes through the same statements, and nothing is sent. It gives
// why a message was held back, for the audit alone. Too many for the name, whether or
// not there is one, is fault.Throttled.
func (s *Service) Send(tx *store.Tx, a Ask) (held string, err error) {
	wait, err := take(tx, a.TenantID, userKey(a.Subject), 3, userSpan)
	if err != nil {
		return "", err
	}
	if wait > 0 {
		return "", fault.Wait("backupphone.too_often", wait)
	}
	limits, err := provider.LimitsOf(tx, a.TenantID)
	if err != nil {
		return "", err
	}
	var to Phone
	use := method.NoSignInNow
	if a.Proved {
		use = method.NoSecondNow
	}
	there, err := tx.One(&to, `SELECT b.id, b.number, b.channel FROM backup_phones b JOIN users u ON u.tenant_id = b.tenant_id AND u.id = b.user_id JOIN tenants t ON t.id = b.tenant_id
		WHERE b.user_id = ? AND b.tenant_id = ? AND b.state = 'active' AND b.channel = ? AND (? = '' OR b.id = ?) AND `+use+` & ? = 0
		ORDER BY `+inOrder+` LIMIT 1`, a.UserID, a.TenantID, a.Channel, a.PhoneID, a.PhoneID, Ways[a.Channel])
	if err != nil {
		return "", err
	}
	if !there {
		to.Number = a.Subject // stands in, so that the same is done
	}
	if wait, err = take(tx, a.TenantID, s.numberKey(to.Number), 5, numberSpan); err != nil {
		return "", err
	}
	switch {
	case !there:
		held = "no_phone"
	case wait > 0:
		held = "number_too_often"
	case !allowed(to.Number, a.Channel, limits.Countries):
		held = "number_refused"
	}
	paid, err := spend(tx, a.TenantID, limits.Daily, a.Proved, held == "")
	if err != nil {
		return "", err
	}
	if held == "" && !paid {
		held = "budget"
	}
	err = tx.Later("UPDATE phone_codes SET expires_at = ? WHERE attempt_id = ? AND tenant_id = ? AND used_at IS NULL AND expires_at > ?", tx.Now, a.AttemptID, a.TenantID, tx.Now)
	if err != nil {
		return "", err
	}
	id, message, phoneID := secret.System.ID(), secret.System.ID(), to.ID
	if held != "" {
		phoneID = ""
	}
	code := secret.System.SixDigits()
	err = tx.Later("INSERT INTO phone_codes (tenant_id, id, attempt_id, phone_id, channel, digest, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?)",
		a.TenantID, id, a.AttemptID, phoneID, a.Channel, s.Keys.CodeDigest(id, code), tx.Now, tx.Now.Add(CodeLife))
	if err != nil {
		return "", err
	}
	return held, s.Providers.QueueTo(tx, a.TenantID, message, a.Channel, notify.Targets{
		Query: "SELECT number FROM backup_phones WHERE tenant_id = ? AND id = ? AND state = 'active'", Values: []any{a.TenantID, phoneID},
	}, secret.TokenOf(code), CodeLife)
}

// Held is what a typed code is checked against.
type Held struct {
	ID     string // empty: there is none
	digest string
	keys   *secret.Keys
}

// Holding gives what the codes of an attempt are checked against: the newest one, if
// it is still worth something and went to a phone.
func (s *Service) Holding(ctx context.Context, tenantID, attemptID string, c provider.Channel) (Held, error) {
	var row struct{ ID, Digest string }
	tx := s.DB.View(ctx)
	ok, err := tx.One(&row, `SELECT id, digest FROM phone_codes WHERE attempt_id = ? AND tenant_id = ? AND channel = ? AND used_at IS NULL AND expires_at > ? AND phone_id <> ''
		ORDER BY created_at DESC LIMIT 1`, attemptID, tenantID, c, tx.Now)
	held := Held{digest: s.Keys.CodeDigest("nobody", "nothing"), keys: s.Keys}
	if err == nil && ok {
		held.ID, held.digest = row.ID, row.Digest
	}
	return held, store.Unusable(err)
}

// Match says whether a code is the right one. It does the same work whatever it is.
func (h Held) Match(typed string) bool {
	return secret.Same(h.digest, h.keys.CodeDigest(h.ID, digits(typed))) && h.ID != ""
}

// Use takes a code up in the act tx: one that was taken meanwhile, whose time is over
// or whose phone has gone is fault.Refused.
func (h Held) Use(tx *store.Tx, tenantID, userID string) error {
	refused := fault.New(fault.Refused, "signin.refused")
	var phoneID string
	ok, err := tx.One(&phoneID, `UPDATE phone_codes SET used_at = ? WHERE tenant_id = ? AND id = ? AND (used_at IS NULL AND expires_at > ? AND digest = ?) IS TRUE
		AND EXISTS (SELECT 1 FROM backup_phones b WHERE b.tenant_id = phone_codes.tenant_id AND b.id = phone_codes.phone_id AND b.user_id = ? AND b.state = 'active')
		RETURNING phone_id`, tx.Now, tenantID, h.ID, tx.Now, h.digest, userID)
	if err != nil {
		return err
	}
	if !ok {
		return refused
	}
	return tx.Later("UPDATE backup_phones SET last_used_at = ? WHERE tenant_id = ? AND id = ?", tx.Now, tenantID, phoneID)
}

// SentTo gives the phone that the last code of an attempt went to.
func (s *Service) SentTo(ctx context.Context, tenantID, attemptID string) (phoneID string, err error) {
	_, err = s.DB.View(ctx).One(&phoneID, "SELECT phone_id FROM phone_codes WHERE attempt_id = ? AND tenant_id = ? ORDER BY created_at DESC LIMIT 1", attemptID, tenantID)
	return phoneID, store.Unusable(err)
}

func userKey(subject string) string { return "name " + subject }

func (s *Service) numberKey(number string) string { return "number " + s.Keys.Subject(number) }

// digits are what hands type of a code, without what they put between.
func digits(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, typed)
}

// take notes that somebody gets a code, unless they had the nth last one within span;
// wait is then how long. One statement, so that many at once are not too many.
func take(tx *store.Tx, tenantID, who string, nth int, span time.Duration) (wait time.Duration, err error) {
	at := "at" + strconv.Itoa(nth)
	res := tx.Exec(`INSERT INTO code_times (tenant_id, who, at1) VALUES (?,?,?)
		ON CONFLICT (tenant_id, who) DO UPDATE SET at5 = code_times.at4, at4 = code_times.at3, at3 = code_times.at2, at2 = code_times.at1, at1 = excluded.at1
		WHERE code_times.`+at+` IS NULL OR code_times.`+at+` <= ?`, tenantID, who, tx.Now, tx.Now.Add(-span))
	if res.Error != nil || res.RowsAffected > 0 {
		return 0, res.Error
	}
	var last time.Time
	if _, err := tx.One(&last, "SELECT "+at+" FROM code_times WHERE tenant_id = ? AND who = ?", tenantID, who); err != nil {
		return 0, err
	}
	return max(last.Add(span).Sub(tx.Now), time.Second), nil
}

// spend takes one message off the budget of the day; ok is false when there is none
// left. Those who have proved nothing have a quarter of it. Without wanted it does the
// same and takes nothing.
func spend(tx *store.Tx, tenantID string, daily int, proved, wanted bool) (ok bool, err error) {
	n, most, unproved := 1, daily, 0
	if !wanted {
		n = 0
	}
	part := most
	if !proved {
		unproved, part = n, daily/4
	}
	if most < 1 || part < 1 {
		return false, nil
	}
	res := tx.Exec(`INSERT INTO message_days (tenant_id, day, sent, unproved) VALUES (?,?,?,?)
		ON CONFLICT (tenant_id, day) DO UPDATE SET sent = message_days.sent + excluded.sent, unproved = message_days.unproved + excluded.unproved
		WHERE message_days.sent < ? AND (? OR message_days.unproved < ?)`, tenantID, tx.Now.Format(time.DateOnly), n, unproved, most, proved, part)
	return res.RowsAffected > 0, res.Error
}

// Handed is a code by which the helpdesk lets somebody in, or the second half of one.
type Handed struct {
	TenantID, UserID string
	PhoneID          string // which of their phones; empty for the first in their order
	Code             secret.Token
	Half             bool
	Life             time.Duration
}

// Deliver owes such a code in the act tx, and gives the phone that it goes to. The brakes
// are those of sign-ins with counters of their own: whoever asks for codes to sign in as
// somebody does not keep the helpdesk from letting them in. Nobody of the kind, and a phone
// that is off or that nobody carries messages to, is fault.Conflict; too many are
// fault.Throttled.
func (s *Service) Deliver(tx *store.Tx, h Handed) (Phone, error) {
	phones, err := Reachable(tx, h.TenantID, h.UserID, h.PhoneID)
	if err != nil {
		return Phone{}, err
	}
	if len(phones) == 0 {
		return Phone{}, fault.New(fault.Conflict, "backupphone.none")
	}
	to := phones[0]
	limits, err := provider.LimitsOf(tx, h.TenantID)
	if err != nil {
		return Phone{}, err
	}
	if err := brake(tx, h.TenantID, "handed "+h.UserID, "handed "+s.numberKey(to.Number), limits.Daily, "backupphone.too_often"); err != nil {
		return Phone{}, err
	}
	return to, s.Providers.QueueHanded(tx, h.TenantID, to.Channel, to.Number, h.Code, h.Half, h.Life)
}

// Reachable lists the backup phones of a user that a message would reach now, in their
// order: of a way that is on for them in some use, that somebody carries, and in a country
// that is allowed. With an id it is that one, or none.
func Reachable(tx *store.Tx, tenantID, userID, phoneID string) (all []Phone, err error) {
	off, err := method.OffOf(tx, tenantID, userID)
	if err != nil {
		return nil, err
	}
	having, err := provider.Having(tx, tenantID)
	if err != nil {
		return nil, err
	}
	limits, err := provider.LimitsOf(tx, tenantID)
	if err != nil {
		return nil, err
	}
	phones, err := Of(tx, tenantID, userID)
	for _, p := range phones {
		if (phoneID == "" || p.ID == phoneID) && !off.All().Has(Ways[p.Channel]) && slices.Contains(having, p.Channel) && allowed(p.Number, p.Channel, limits.Countries) {
			all = append(all, p)
		}
	}
	return all, err
}
